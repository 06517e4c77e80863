/* What the reader hands to a renderer: conversations and messages as borrowed views.
 *
 * All text is UTF-8 as the source gave it. A view with data == NULL is SQL NULL. Views live until the
 * next call on the reader.
 */
#ifndef VERBATIM_CONVERSATION_H
#define VERBATIM_CONVERSATION_H

#include "verbatim/clock.h"

/* A place in the order of conversations: strictly after everything up to and including (at, id). */
#define VB_CURSOR_ID 256
struct vb_cursor {
    vb_instant at;
    char id[VB_CURSOR_ID]; /* the id's text form, NUL-terminated */
};

/* text[]: NULL elements are skipped. Iterate with vb_text_list_next on a copy. */
struct vb_text_list {
    struct vb_view rest; /* PostgreSQL's binary array elements not yet taken */
    size_t count;        /* elements left */
};
/* False when the list is exhausted. */
bool vb_text_list_next(struct vb_text_list *list, struct vb_view *ret_element);

struct vb_channel {
    struct vb_view id, name, type, phone_number;
};

struct vb_conversation {
    struct vb_view id; /* text form, whatever the column's type */
    vb_instant created_at;
    struct vb_view contact_name, contact_phone, contact_email;
    struct vb_view assistant_name;
    /* Place among the conversations of the same UTC second, from 1, and how many there are in all:
     * exact up to 4,096, VB_CROWD + 1 for "more". Independent of pages and segments. */
    uint32_t ordinal_in_second;
    uint32_t count_in_second;
};
#define VB_CROWD 4096u

struct vb_message {
    struct vb_view id;
    vb_instant created_at;
    struct vb_view direction, speaker_type, speaker_name, text;
    struct vb_text_list media_urls;
    struct vb_view status, sender_account;
};

#endif
