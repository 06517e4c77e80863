/* The console's page as the build has put it into the program.
 *
 * Constants of the program: nobody owns them, any thread reads them, nothing fails, and they live
 * as long as it does. The list is service/console/CMakeLists.txt.
 */
#ifndef VERBATIM_CONSOLE_FILES_H
#define VERBATIM_CONSOLE_FILES_H

#include "database/embedded.h"

#define VB_CONSOLE_PAGE "index.html" /* what /console/ is */

/* Named by their paths below service/console/: "views/list.js". */
extern const struct vb_embedded vb_console_files[];

#endif
