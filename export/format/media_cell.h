/* The media_url cell of CSV where the archive holds the media themselves.
 *
 * Private to export/. Owns nothing, borrows the message for the call. Any thread: no state.
 * VB_SOURCE or VB_INVALID for text that is not UTF-8 (a row's failure makes one of both), VB_LIMIT,
 * VB_NO_MEMORY; the buffer is as it was then.
 */
#ifndef VERBATIM_EXPORT_FORMAT_MEDIA_CELL_H
#define VERBATIM_EXPORT_FORMAT_MEDIA_CELL_H

#include "cell.h"

#include "verbatim/conversation.h"

/* The names of the message's entries, then those of its media URLs that are no attachment's, joined
 * by commas; without separator behind. VB_SOURCE for text that is not UTF-8. */
enum vb_status vb_media_append_cell(struct vb_buffer *out, struct vb_view conversation_id,
                                    const struct vb_message *message,
                                    struct vb_cell_form form) vb_must_check;

#endif
