/* An export as the native door shows it: one JSON object of a row of HTTP_EXPORT_COLUMNS. */
#ifndef VERBATIM_SERVICE_HTTP_EXPORT_H
#define VERBATIM_SERVICE_HTTP_EXPORT_H

#include "http_api.h"

#include "verbatim/uuid.h"

/* A row that holds an export; `first` is where HTTP_EXPORT_COLUMNS begin in it. Borrowed from the result. */
struct http_export {
    const PGresult *rows;
    int row, first;
};

bool http_export_status_is(const struct http_export *export, const char *status);
/* Queued or started. */
bool http_export_is_active(const struct http_export *export);
/* There is a file, and its link lives: what may be downloaded. */
bool http_export_has_file(const struct http_export *export);
struct vb_view http_export_key(const struct http_export *export); /* of the object */
vb_instant http_export_created(const struct http_export *export);
struct vb_view http_export_id(const struct http_export *export);

/* Writes the object. VB_OK, or why not with `err`: a link that cannot be made. Who may not download sees no link. */
enum vb_status http_export_put(struct http_exchange *exchange, struct vb_json *json,
                               const struct http_export *export,
                               struct vb_error *err) vb_must_check;
/* The object as the whole answer, or 503. */
void http_export_answer(struct http_exchange *exchange, int status,
                        const struct http_export *export);

/* The id in the path, in its canonical form; false: it is none. */
bool http_export_name(struct http_exchange *exchange, char ret_job[VB_UUID_TEXT]);
void http_export_missing(struct http_exchange *exchange); /* 404 */

/* Judges the key, makes `change` where there is one ($1 workspace, $2 job, $3 audience or NULL, $4 who asks), and shows the
 * export as it is then, or as it was before a change that `ends` it; an export that the key does not see is answered with
 * 404. */
void http_export_see(struct http_exchange *exchange, const struct pg_statement *change, bool ends,
                     void (*then)(struct http_exchange *exchange,
                                  const struct http_export *export));

#endif
