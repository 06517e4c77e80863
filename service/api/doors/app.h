/* The door "app" (INTERFACE 7): its object, for those who create and those who look.
 *
 * Borrows the export's row; the loop's thread. Errors are answers.
 */
#ifndef VERBATIM_API_DOORS_APP_H
#define VERBATIM_API_DOORS_APP_H

#include "api/export_field.h"

#define VB_APP_KEPT (7 * 86400 * VB_SECOND) /* from the creation; a promise of the door */

/* The object as the whole answer, or an error where the URL would be too long. */
void vb_app_answer(struct vb_http_exchange *exchange, int status,
                   const struct vb_api_export *export);

#endif
