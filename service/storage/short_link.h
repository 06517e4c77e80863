/* Short links: {base_url}/d/TOKEN, Verbatim's own way to an export's file, for mails and people.
 *
 * A token is a piece of the job's id, the link's number and a MAC of 128 bits over both, in base32:
 * the same job and number give the same link as long as the secret is the newest, so a mail that is
 * sent again carries it again. Whether a link still holds stands with the job, and is judged by the
 * database (link_open of the schema), which makes the same MAC: so nothing of a token is stored.
 *
 * Nothing is owned; any thread: pure. Errors: VB_DATABASE without secrets, VB_INVALID for what is
 * no token, those of the buffer. A token is the right to read the file: it is never logged.
 */
#ifndef VERBATIM_STORAGE_SHORT_LINK_H
#define VERBATIM_STORAGE_SHORT_LINK_H

#include "storage.h"

#define VB_SHORT_LINK_PATH "/d/"
#define VB_SHORT_LINK_TOKEN 34 /* characters of a token: 168 bits, five each */

/* Appends the link. `job_id` is the id in its canonical form, `number` from 1 to 255. */
enum vb_status vb_short_link_write(const char *base_url, const struct vb_link_secrets *secrets,
                                   const char *job_id, int number, struct vb_buffer *out,
                                   struct vb_error *err) vb_must_check;

/* What a token says, as the database is asked for it: hex digits, NUL-terminated. */
struct vb_short_link {
    char prefix[9]; /* of the job's id */
    int number;
    char mac[33];
};
/* Either case of letters: some mail gateways change it. VB_INVALID: no token. */
enum vb_status vb_short_link_parse(struct vb_view token,
                                   struct vb_short_link *ret_link) vb_must_check;

#endif
