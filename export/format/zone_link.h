/* Former names of time zones: systems leave them out (Debian 13 without tzdata-legacy), and people
 * go on writing them.
 *
 * A constant table; any thread; nothing to free. No errors: what is no former name is NULL. Texts
 * live as long as the program.
 */
#ifndef VERBATIM_EXPORT_FORMAT_ZONE_LINK_H
#define VERBATIM_EXPORT_FORMAT_ZONE_LINK_H

#include <stddef.h>

/* "US/Pacific": "America/Los_Angeles". NULL: no former name that is known here. */
const char *vb_zone_link(const char *former);
/* The other way, for systems that are older than the name: "Europe/Kyiv", 0: "Europe/Kiev"; NULL
 * behind the last. */
const char *vb_zone_former(const char *name, size_t place);
/* A former or present name of the table, whatever the case of its letters; NULL: none. */
const char *vb_zone_listed(const char *name);

#endif
