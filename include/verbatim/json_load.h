/* Parsing of JSON with jansson, where want of memory is told from a document that is wrong.
 *
 * jansson calls both the same ("invalid token"), and leaves bytes out of a text that it could not
 * grow. The value is the caller's, one reference. Any thread. VB_INVALID with jansson's words,
 * VB_NO_MEMORY.
 */
#ifndef VERBATIM_JSON_LOAD_H
#define VERBATIM_JSON_LOAD_H

#include "verbatim/buffer.h"

struct json_t;

/* `flags` are jansson's JSON_REJECT_DUPLICATES and its like. The NULL view is an empty document. */
enum vb_status vb_json_load(struct vb_view text, size_t flags, struct json_t **ret_value,
                            struct vb_error *err) vb_must_check;

#endif
