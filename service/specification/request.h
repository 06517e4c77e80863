/* The body of the main contract's POST: from JSON to checked values, or to the list of all that is
 * wrong with it.
 *
 * Knows the members of that one body; others have their own. A request owns its document until
 * vb_export_request_done; problems are the caller's. Any thread: pure. VB_INVALID: the problems
 * list every broken rule; VB_NO_MEMORY from making a specification. Strings live as long as the
 * request; its specification holds references of its own.
 */
#ifndef VERBATIM_SPECIFICATION_REQUEST_H
#define VERBATIM_SPECIFICATION_REQUEST_H

#include "specification.h"

/* Strings belong to `root` and are NULL where not given. */
struct vb_export_request {
    struct json_t *root;
    struct vb_date start, end;
    const char *channel_id; /* exactly one of these two */
    const char *phone_number;
    const char *channel_type; /* coarse */
    const char *notification_email;
    const char *csv_profile, *delimiter, *csv_quote;
};

/* VB_INVALID: the problems list every broken rule. They are initialised here, and always their
 * owner's to be done with. */
enum vb_status vb_export_request_parse(struct vb_view body, struct vb_export_request *ret_request,
                                       struct vb_problems *ret_problems) vb_must_check;
void vb_export_request_done(struct vb_export_request *request);

/* What it stands for. Not VB_INVALID, since every rule has been checked. */
enum vb_status vb_export_request_specification(const struct vb_export_request *request,
                                               struct vb_specification *ret_specification,
                                               struct vb_problems *ret_problems) vb_must_check;

#endif
