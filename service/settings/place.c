/* Endpoint, region and addressing from the options. See settings/place.h. */
#include "place.h"

struct vb_s3_place vb_s3_place_of(const struct vb_options *options, const char *bucket)
{
    return (struct vb_s3_place){
        .endpoint = options->s3_endpoint,
        .region = options->s3_region ? options->s3_region : "us-east-1",
        .bucket = bucket,
        .addressing = options->s3_addressing,
    };
}
