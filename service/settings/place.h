/* A bucket of the object store that the options name. Pure. */
#ifndef VERBATIM_SETTINGS_PLACE_H
#define VERBATIM_SETTINGS_PLACE_H

#include "options.h"
#include "verbatim/s3_client.h"

/* Borrows from both. */
struct vb_s3_place vb_s3_place_of(const struct vb_options *options, const char *bucket);

#endif
