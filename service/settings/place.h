/* A bucket of the object store that the options name: where the archives go, and where media lie.
 *
 * A place is a plain value that borrows its strings from the options and the caller. Any thread:
 * pure. No errors: whether it can be is checked where a client is made. Good while the options are.
 */
#ifndef VERBATIM_SETTINGS_PLACE_H
#define VERBATIM_SETTINGS_PLACE_H

#include "options.h"
#include "verbatim/s3_client.h"

/* Borrows from both. */
struct vb_s3_place vb_s3_place_of(const struct vb_options *options, const char *bucket);

#endif
