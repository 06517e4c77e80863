/* The body of the main contract's POST: from JSON to checked values, or to the list of all that is wrong with it.
 *
 * The list is what FastAPI clients know: objects of type, loc, msg, input. Pure; any thread.
 */
#ifndef VERBATIM_EXPORT_REQUEST_H
#define VERBATIM_EXPORT_REQUEST_H

#include "verbatim/clock.h"

struct json_t;

/* Strings belong to `root` and are NULL where not given. */
struct vb_export_request {
    struct json_t *root;
    struct vb_date start, end;
    const char *channel_id; /* exactly one of these two */
    const char *phone_number;
    const char *channel_type; /* coarse */
    const char *notification_email;
    const char *csv_profile;
};

/* VB_INVALID: `out_answer` holds the whole JSON body of a 422. VB_NO_MEMORY and VB_LIMIT as they say. */
enum vb_status vb_export_request_parse(struct vb_view body, struct vb_export_request *ret_request,
                                       struct vb_buffer *out_answer) vb_must_check;
void vb_export_request_done(struct vb_export_request *request);

/* The same as a specification (INTERFACE: "One specification, many doors"). */
enum vb_status vb_export_request_specification(const struct vb_export_request *request,
                                               const char *csv_profile,
                                               struct vb_buffer *out) vb_must_check;

#endif
