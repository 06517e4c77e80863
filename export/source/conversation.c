/* Walks the elements of a text[] as PostgreSQL sends it in binary: for each a length of four bytes,
 * most significant first, -1 for NULL, then the text. Borrows; never reads past the view.
 *
 * The list is its own cursor: walking consumes the caller's copy, so whoever needs it twice keeps
 * another. Damaged bytes end the list early.
 */
#include "verbatim/conversation.h"

#include <stdio.h>
#include <string.h>

/* Between the exact time and the id, and before an id that holds it. */
#define SEPARATOR '\x1f'

void vb_cursor_write(const struct vb_cursor *cursor, char text[VB_CURSOR_TEXT])
{
    if (cursor->exact[0] || strchr(cursor->id, SEPARATOR))
        (void)snprintf(text, VB_CURSOR_TEXT, "%s%c%s", cursor->exact, SEPARATOR, cursor->id);
    else
        (void)snprintf(text, VB_CURSOR_TEXT, "%s", cursor->id);
}

void vb_cursor_read(const char *text, struct vb_cursor *cursor)
{
    const char *separator = strchr(text, SEPARATOR);
    int length = separator ? (int)(separator - text) : 0;
    (void)snprintf(cursor->exact, sizeof cursor->exact, "%.*s", length, text);
    (void)snprintf(cursor->id, sizeof cursor->id, "%s", separator ? separator + 1 : text);
}

static bool take_element(struct vb_text_list *list, struct vb_view *ret_element)
{
    const unsigned char *b = (const unsigned char *)list->rest.data;
    if (list->count == 0 || list->rest.length < 4)
        return false;
    uint32_t length = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    struct vb_view element = {NULL, 0};
    size_t width = 4;
    if (length != UINT32_MAX) {
        if (length > list->rest.length - 4)
            return false;
        element = (struct vb_view){list->rest.data + 4, length};
        width += length;
    }
    list->rest.data += width;
    list->rest.length -= width;
    list->count--;
    *ret_element = element;
    return true;
}

/* NULL elements say nothing about a conversation: they are passed over. */
bool vb_text_list_next(struct vb_text_list *list, struct vb_view *ret_element)
{
    struct vb_view element;
    while (take_element(list, &element)) {
        if (!element.data)
            continue;
        *ret_element = element;
        return true;
    }
    return false;
}

/* Elements of an array of arrays, a row at a time. A NULL would shift all that follows, so the
 * statements that make such lists coalesce each field. */
bool vb_text_list_next_group(struct vb_text_list *list, struct vb_view *ret_elements, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!vb_text_list_next(list, &ret_elements[i]))
            return false;
    return true;
}
