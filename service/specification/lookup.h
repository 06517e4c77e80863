/* One look-up of a resolution: which statement, of what, and how its rows are taken. Inside of
 * resolve.c and lookup.c.
 *
 * Owns nothing: names are static, values belong to the specification. The resolution's thread. A
 * taker answers as enum vb_resolved and puts its reason into the resolution; it keeps copies of
 * what it needs, so results need not outlive the call.
 */
#ifndef VERBATIM_SPECIFICATION_LOOKUP_H
#define VERBATIM_SPECIFICATION_LOOKUP_H

#include "resolve.h"

struct vb_resolve_lookup;
/* Keeps what was found in the resolution, or why nothing was. */
typedef enum vb_resolved vb_lookup_reader(struct vb_resolution *resolution,
                                          const struct vb_resolve_lookup *lookup,
                                          const PGresult *found);

struct vb_resolve_lookup {
    size_t statement;   /* enum vb_resolve_sql */
    const char *member; /* of the specification */
    const char *value;
    vb_lookup_reader *take;
};

vb_lookup_reader vb_lookup_read_channel; /* the selected one */
vb_lookup_reader vb_lookup_read_channels;
vb_lookup_reader vb_lookup_read_any; /* it has to be there, no more */
vb_lookup_reader vb_lookup_read_titled;
vb_lookup_reader vb_lookup_read_person;
vb_lookup_reader vb_lookup_read_conversations;
vb_lookup_reader vb_lookup_read_now;

enum vb_resolved vb_lookup_missing(struct vb_resolution *resolution, const char *member);
enum vb_resolved vb_lookup_no_memory(struct vb_resolution *resolution);

#endif
