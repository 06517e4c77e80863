/* A bucket of the object store that the options name. Pure. */
#ifndef VERBATIM_SERVICE_S3_PLACE_H
#define VERBATIM_SERVICE_S3_PLACE_H

#include "verbatim/options.h"
#include "verbatim/s3_client.h"

/* Borrows from both. */
struct vb_s3_place vb_s3_place_of(const struct vb_options *options, const char *bucket);

#endif
