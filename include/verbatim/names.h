/* Names inside and of the archive (INTERFACE: "The archive"): safe on every file system, UTF-8.
 *
 * Numbering needs no memory beyond one second's conversations, so names do not depend on pages or
 * segments. No promise that two archives' names of one conversation agree: zone and channel are in
 * them.
 *
 * A namer is its maker's until vb_namer_free and borrows its zone; results go into the caller's
 * memory. A vb_namer belongs to one thread, the other functions to any. VB_SOURCE for text that is
 * not UTF-8 (VB_INVALID from vb_media_entry_name), VB_INVALID for an extension or id that cannot
 * be, VB_NO_MEMORY. Titles are views of what was passed.
 */
#ifndef VERBATIM_NAMES_H
#define VERBATIM_NAMES_H

#include "verbatim/conversation.h"
#include "verbatim/zone.h"

#define VB_NAME_BYTES 255 /* longest component of a name in bytes, extension included */
/* Longest path inside an archive, and longest name of one, in UTF-16 code units, which Windows'
 * readers count: never fewer than the characters. */
#define VB_NAME_CHARACTERS 120u
#define VB_MEDIA_CHARACTERS 60u /* the last component of a medium's path, in the same units */
/* Longest name of an archive or single file: stores and sync clients put their own words around
 * it. */
#define VB_ARCHIVE_NAME_BYTES 200u

struct vb_namer;

/* `zone` is borrowed for the namer's life; `extension` like ".csv". */
enum vb_status vb_namer_new(struct vb_zone *zone, struct vb_channel channel, const char *extension,
                            struct vb_namer **ret_namer, struct vb_error *err) vb_must_check;
void vb_namer_free(struct vb_namer *namer);

/* Every name and every folder begins with a letter or digit of any script: what comes before one is
 * left out. */

/* `<contact>--<created_at>--<channel>.csv`, contact and channel cut, never the rest; conversations
 * must come in (created_at, id) order, and a run must begin at the start of a second, or anywhere
 * in a second of more than VB_CROWD. The channel is the conversation's own where it has one, else
 * the namer's. */
enum vb_status vb_namer_entry(struct vb_namer *namer, const struct vb_conversation *conversation,
                              char ret_name[VB_NAME_BYTES + 1], struct vb_error *err) vb_must_check;

/* At most VB_ARCHIVE_NAME_BYTES. `<what>_<YYYY-MM>_<id>.zip`, `id` the first 8 hex digits of the
 * job's UUID text. An empty `what` is Unknown. */
enum vb_status vb_archive_name(struct vb_view what, struct vb_date month, const char *job_id,
                               const char *extension, char ret_name[VB_NAME_BYTES + 1],
                               struct vb_error *err) vb_must_check;
/* `<what>_<YYYYMMDDTHHMMSSZ>.html`: for a door whose files are told apart by when they were asked
 * for. */
enum vb_status vb_dated_name(struct vb_view what, vb_instant at, const char *extension,
                             char ret_name[VB_NAME_BYTES + 1], struct vb_error *err) vb_must_check;
/* What an archive of one channel is named after: its name, else its phone number. */
struct vb_view vb_channel_title(struct vb_channel channel);

/* `conversations-00001.csv`: file `number`, from 1, of an archive of files of many
 * conversations. */
void vb_chunk_name(uint64_t number, const char *extension, char ret_name[VB_NAME_BYTES + 1]);

/* "media/" and two components with a slash between them. */
#define VB_MEDIA_NAME_BYTES (6 + VB_NAME_BYTES + 1 + VB_NAME_BYTES)

/* The archive entry of an attachment: `media/<conversation id>/<attachment id>-<file name>`, the
 * extension by content type where the file name has none. Pure: the same values give the same name,
 * other ids another one, without regard to case. No name holds a comma. VB_INVALID for bytes that
 * are not UTF-8. */
enum vb_status vb_media_entry_name(struct vb_view conversation_id, struct vb_view attachment_id,
                                   struct vb_view file_name, struct vb_view content_type,
                                   char ret_name[VB_MEDIA_NAME_BYTES + 1]) vb_must_check;
/* Whether a content type is one that people send each other: sound, pictures, films, and the
 * documents that have an extension there. Parameters and case do not matter. */
bool vb_media_type_known(struct vb_view type);

#endif
