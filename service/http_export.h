/* An export as the native door shows it: one JSON object of a row of HTTP_EXPORT_COLUMNS. */
#ifndef VERBATIM_SERVICE_HTTP_EXPORT_H
#define VERBATIM_SERVICE_HTTP_EXPORT_H

#include "http_api.h"

/* Writes the object. VB_OK, or why not with `err`: a link that cannot be made, a stored specification that is not ours.
 * Who may not download sees no link. */
enum vb_status http_export_put(struct http_exchange *exchange, struct vb_json *json,
                               const PGresult *rows, int row, struct vb_error *err) vb_must_check;

#endif
