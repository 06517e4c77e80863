/* The door "app" (INTERFACE 7): its object, for those who create and those who look. */
#ifndef VERBATIM_API_DOORS_APP_H
#define VERBATIM_API_DOORS_APP_H

#include "api/export_field.h"

#define HTTP_APP_KEPT (7 * 86400 * VB_SECOND) /* from the creation; a promise of the door */

enum vb_status http_app_put(struct http_exchange *exchange, struct vb_json *json,
                            const struct http_export *export, struct vb_error *err) vb_must_check;
/* The object as the whole answer, or an error. */
void http_app_answer(struct http_exchange *exchange, int status, const struct http_export *export);

#endif
