/* Which build of the program this is, for people, logs, servers and metrics.
 *
 * The number is project(VERSION) of CMakeLists.txt, the one place where it is written. The revision
 * is what the build was configured with (-DVB_REVISION=...) and empty otherwise: nothing asks git,
 * so an unpacked archive builds the same program. Constant; any thread; no errors.
 */
#ifndef VERBATIM_VERSION_H
#define VERBATIM_VERSION_H

extern const char vb_version_number[]; /* such as 1.4.0 */
extern const char
    vb_version_revision[]; /* of the source, letters, digits, `.`, `-`; may be empty */

#endif
