/* Entries and left-over URLs in one cell; see media_cell.h. The joined text lives for the call
 * only.
 *
 * The cell keeps the form that it has without media: a list joined by commas. So that such a list
 * can be taken apart again, commas in an element are written as %2C; names of entries hold none.
 */
#include "media_cell.h"

#include "cell.h"
#include "row.h"
#include "verbatim/names.h"

#include <string.h>

/* A comma before every element but the first; a comma inside one as %2C, as in
 * vb_cell_append_list. */
static enum vb_status add_element(struct vb_buffer *joined, struct vb_view element)
{
    enum vb_status status = joined->length > 0 ? vb_buffer_append_byte(joined, ',') : VB_OK;
    const char *at = element.data, *end = element.data + element.length;
    while (at < end && status == VB_OK) {
        const char *stop = memchr(at, ',', (size_t)(end - at));
        status = vb_buffer_append(joined, at, (size_t)((stop ? stop : end) - at));
        if (stop && status == VB_OK)
            status = vb_buffer_append_text(joined, "%2C");
        at = stop ? stop + 1 : end;
    }
    return status;
}

static enum vb_status add_entries(struct vb_buffer *joined, struct vb_view conversation_id,
                                  struct vb_text_list attachments)
{
    struct vb_view v[4];
    char entry[VB_MEDIA_NAME_BYTES + 1];
    enum vb_status status = VB_OK;
    while (status == VB_OK && vb_text_list_next_group(&attachments, v, 4)) {
        status = vb_media_entry_name(conversation_id, v[0], v[2], v[3], entry);
        if (status == VB_OK)
            status = add_element(joined, vb_view_of(entry));
    }
    return status;
}

/* The guard looks at the whole cell; names of entries begin with "media/" and need none. */
enum vb_status vb_media_append_cell(struct vb_buffer *out, struct vb_view conversation_id,
                                    const struct vb_message *message, struct vb_cell_form form)
{
    struct vb_buffer joined;
    struct vb_text_list urls = message->media_urls;
    struct vb_view url;
    vb_buffer_init(&joined, out->ceiling);
    enum vb_status status = add_entries(&joined, conversation_id, message->attachments);
    while (status == VB_OK && vb_text_list_next(&urls, &url))
        if (!vb_row_is_attached(message, url))
            status = add_element(&joined, url);
    if (status == VB_OK)
        status = vb_cell_append(out, (struct vb_view){joined.data, joined.length}, form);
    vb_buffer_done(&joined);
    return status;
}
