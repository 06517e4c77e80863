/* Files that the build puts into the program; see cmake/Embed.cmake.
 *
 * Constants of the program: nobody owns them, any thread reads them, nothing fails, and they live
 * as long as it does. Which files there are is a list in the CMakeLists.txt of their room.
 */
#ifndef VERBATIM_EMBEDDED_H
#define VERBATIM_EMBEDDED_H

#include <stddef.h>

struct vb_embedded {
    const char *name;  /* without folders; NULL ends the table */
    const char *bytes; /* with a NUL behind */
    size_t length;
    const char *sha256; /* hexadecimal */
    const char *packed; /* the same with gzip; NULL: the build made none */
    size_t packed_length;
};

#endif
