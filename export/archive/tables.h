/* Huffman tables that the small entries of an archive have in common, made from its first ones.
 *
 * To make tables for each entry costs more than to deflate it. So the first entries are looked at,
 * and later ones are written by what those had. When the look ends depends on the rows alone:
 * after 64 entries, after 64 KiB of them (8 KiB of each), or where the archive reaches a MiB, which
 * is before any part of it can leave. What was seen is noted as text with the archive; segments
 * that do not begin it, and those that are written again, take it from there. An archive that is
 * too short, or has few bytes to learn from, goes without. Private to export/.
 *
 * Owned by its archive. One thread. Errors: VB_NO_MEMORY, and VB_CORRUPT for a text that is not
 * one.
 */
#ifndef VERBATIM_EXPORT_ARCHIVE_TABLES_H
#define VERBATIM_EXPORT_ARCHIVE_TABLES_H

#include "verbatim/archive.h"

#define VB_TABLES_ENTRIES 64u
#define VB_TABLES_SAMPLE (64u * 1024u)
#define VB_TABLES_OF_ENTRY (8u * 1024u)
#define VB_TABLES_LEAST (16u * 1024u) /* of fewer bytes nothing is learned */
#define VB_TABLES_POSITION (1024u * 1024u)
_Static_assert(VB_TABLES_POSITION < VB_PART_MINIMUM, "settled before a part is cut");

struct isal_hufftables;
struct vb_tables;

/* Settled from the start where `noted` says what holds and the segment is not the first. */
enum vb_status vb_tables_new(const struct vb_noted_tables *noted, struct vb_tables **ret_tables,
                             struct vb_error *err) vb_must_check;
void vb_tables_free(struct vb_tables *tables);

/* Looks at the first block of an entry; it counts from the next entry on. */
void vb_tables_sample(struct vb_tables *tables, const void *data, size_t length);
/* The archive has come so far. */
void vb_tables_reach(struct vb_tables *tables, uint64_t position);

/* For an entry that begins now; NULL: none, or not yet. ISA-L writes nothing into them. */
struct isal_hufftables *vb_tables_of_entry(struct vb_tables *tables);
bool vb_tables_settled(const struct vb_tables *tables);
/* To be noted once settled; NULL: there are none. */
const char *vb_tables_text(const struct vb_tables *tables);

#endif
