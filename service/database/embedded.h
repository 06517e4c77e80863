/* Files that the build puts into the program; see cmake/Embed.cmake.
 *
 * Constants of the program: nobody owns them, any thread reads them, nothing fails, and they live
 * as long as it does. Which files there are is a list in the CMakeLists.txt of their room.
 */
#ifndef VERBATIM_DATABASE_EMBEDDED_H
#define VERBATIM_DATABASE_EMBEDDED_H

#include "verbatim/embedded.h"

#define VB_ROLES_FILE "roles.sql"

/* service/database/schema/NNN_*.sql in order, then roles.sql. */
extern const struct vb_embedded vb_schema_files[];
/* service/api/openapi/: openapi.json, docs.html, docs.js, in this order. */
extern const struct vb_embedded vb_document_files[];

#endif
