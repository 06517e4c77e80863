/* An export as the native door shows it: one JSON object of a row of VB_JOB_VIEW. Reads and writes
 * answers; changes nothing by itself.
 *
 * Everything is borrowed from the result, and lives as long as that: until the callback returns.
 * The loop's thread. Errors: a link that cannot be made (VB_EXPIRED without good keys, VB_DATABASE
 * without secrets, VB_NO_MEMORY) is told to the caller or answered; each function says which.
 */
#ifndef VERBATIM_API_EXPORT_H
#define VERBATIM_API_EXPORT_H

#include "api.h"

#include "verbatim/uuid.h"

/* A row that begins with VB_JOB_VIEW. Borrowed from the result. */
struct vb_api_export {
    const PGresult *rows;
    int row;
};

bool vb_api_export_status_is(const struct vb_api_export *export, const char *status);
/* It has not ended: queued, started, or a status that only a newer version knows. */
bool vb_api_export_is_active(const struct vb_api_export *export);
/* Finished, and the file is not deleted; its link may be dead. */
bool vb_api_export_has_archive(const struct vb_api_export *export);
/* When the file goes: by the door's own retention, the workspace's or the option's, and never
 * before its link. INT64_MIN: there is none. */
vb_instant vb_api_export_file_end(const struct vb_http_exchange *exchange,
                                  const struct vb_api_export *export);
struct vb_view vb_api_export_key(const struct vb_api_export *export); /* of the object */
vb_instant vb_api_export_created(const struct vb_api_export *export);
struct vb_view vb_api_export_id(const struct vb_api_export *export);

/* The newest short link, the same at each look. *ret_link stays empty where all are revoked or it
 * has ended, and for who may not download. */
enum vb_status vb_api_export_short_link(struct vb_http_exchange *exchange,
                                        const struct vb_api_export *export,
                                        struct vb_buffer *ret_link,
                                        struct vb_error *err) vb_must_check;
/* Writes the object. VB_OK, or why not with `err`: a link that cannot be made. Who may not download
 * sees no link. */
enum vb_status vb_api_export_put(struct vb_http_exchange *exchange, struct vb_json *json,
                                 const struct vb_api_export *export,
                                 struct vb_error *err) vb_must_check;
/* The object as the whole answer, or 503. */
void vb_api_export_answer(struct vb_http_exchange *exchange, int status,
                          const struct vb_api_export *export);

/* Its file, to who asks with a key; the audit notes it (api/export_download.c). */
void vb_api_export_send(struct vb_http_exchange *exchange, const struct vb_api_export *export);

/* The id in the path, in its canonical form; false: it is none. */
bool vb_api_export_name(struct vb_http_exchange *exchange, char ret_job[VB_UUID_TEXT]);
void vb_api_export_missing(struct vb_http_exchange *exchange); /* 404 */

/* For doors that take the workspace from the key, which show their own exports only; the native one
 * shows all. Judges the key, makes `change` where there is one ($1 workspace, $2 job, $3 audience
 * or NULL, $4 who asks, $5 how long archives are kept), and shows the export as it is then, or
 * as it was before a change that `ends` it; an export that the key does not see is answered with
 * 404. */
void vb_api_export_show(struct vb_http_exchange *exchange, const struct vb_pg_statement *change,
                        bool ends,
                        void (*then)(struct vb_http_exchange *exchange,
                                     const struct vb_api_export *export));

#endif
