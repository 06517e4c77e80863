/* What the reader hands to a renderer: conversations and messages as borrowed views.
 *
 * All text is UTF-8 as the source gave it, and not yet checked to be so. A view with data == NULL
 * is SQL NULL. Plain values that own nothing: the reader owns what they point to. One thread, the
 * reader's. Walking a list cannot fail. Views live until the next call on the reader.
 */
#ifndef VERBATIM_CONVERSATION_H
#define VERBATIM_CONVERSATION_H

#include "verbatim/clock.h"

/* A place in the order of conversations: strictly after everything up to and including (at, id). */
#define VB_CURSOR_ID 256
#define VB_CURSOR_EXACT 32
struct vb_cursor {
    vb_instant at;
    char id[VB_CURSOR_ID];       /* the id's text form, NUL-terminated */
    char exact[VB_CURSOR_EXACT]; /* the time as the source has it, where `at` cannot tell all of it;
                                    else "" */
};
/* Id and exact time as one text to keep beside `at`, and back. Whatever holds the first of them
 * unchanged holds it as it is. */
#define VB_CURSOR_TEXT (VB_CURSOR_EXACT + VB_CURSOR_ID)
void vb_cursor_write(const struct vb_cursor *cursor, char text[VB_CURSOR_TEXT]);
void vb_cursor_read(const char *text, struct vb_cursor *cursor);

/* Words that a caller gives, such as ids or tags. items NULL: no limit; items without a count:
 * nothing fits. Borrowed. */
struct vb_words {
    const char *const *items;
    size_t count;
};

/* text[]: NULL elements are skipped. Iterate with vb_text_list_next on a copy. */
struct vb_text_list {
    struct vb_view rest; /* PostgreSQL's binary array elements not yet taken */
    size_t count;        /* elements left */
};
/* False when the list is exhausted. */
bool vb_text_list_next(struct vb_text_list *list, struct vb_view *ret_element);
/* The values of one thing, for lists that hold `count` of each in turn. False when no whole one is
 * left. */
bool vb_text_list_next_group(struct vb_text_list *list, struct vb_view *ret_elements, size_t count);

struct vb_channel {
    struct vb_view id, name, type, phone_number;
};

/* What vb_selection.columns asks for beyond what CSV of messages needs; without its bit a view
 * below is NULL. */
enum vb_columns {
    VB_COLUMNS_CHANNEL = 1, /* conversation.channel, from the source instead of the job */
    VB_COLUMNS_DETAILS =
        2, /* assistant_id, ended_at ... feedback of the conversation, and of messages feedback */
    VB_COLUMNS_CUSTOMER = 4,  /* contact_id ... contact_lead_status */
    VB_COLUMNS_CITATIONS = 8, /* of each message */
    VB_COLUMNS_NOTES = 16,    /* rows behind the messages, as struct vb_extra */
    VB_COLUMNS_EVENTS = 32,
    VB_COLUMNS_SKILLS = 64,
    VB_COLUMNS_MEDIA = 128,         /* attachments of each message */
    VB_COLUMNS_NO_MESSAGES = 256,   /* conversations alone: no message is read */
    VB_COLUMNS_NOTES_FIRST = 512,   /* notes come before the messages */
    VB_COLUMNS_SUMMARY = 1024,      /* summary of the conversation */
    VB_COLUMNS_MARKS = 2048,        /* what enum vb_marks lists, but for extra */
    VB_COLUMNS_EXTRA = 4096,        /* extra of the conversation and of messages */
    VB_COLUMNS_PARTICIPANTS = 8192, /* rows behind the messages, as notes */
    VB_COLUMNS_REACTIONS = 16384,
    VB_COLUMNS_REVISIONS = 32768,
    /* of messages nothing but id, created_at, speaker_type and text, and what a bit above asks for
     * besides DETAILS */
    VB_COLUMNS_BRIEF = 65536,
};

/* Columns that few platforms have. A conversation and a message tell in `marks` which of them the
 * source has and the selection asked for: a member of a file follows from that, never from one
 * row's value. deleted_at is among them only where the selection lets deleted ones in. */
enum vb_marks {
    VB_MARK_TITLE = 1,
    VB_MARK_EDITED_AT = 2,
    VB_MARK_DELETED_AT = 4,
    VB_MARK_KIND = 8,
    VB_MARK_REPLY_TO = 16,
    VB_MARK_FORMAT = 32,
    VB_MARK_EXTRA = 64,
};
/* A time that may be NULL. */
struct vb_maybe_instant {
    bool is_set;
    vb_instant at;
};

struct vb_conversation {
    struct vb_view id; /* text form, whatever the column's type */
    vb_instant created_at;
    struct vb_view contact_name, contact_phone, contact_email;
    struct vb_view assistant_name;
    struct vb_channel channel; /* the job's, or the source's where it was asked for */
    struct vb_view contact_id, contact_company, contact_address, contact_website,
        contact_lead_status;
    struct vb_view assistant_id;
    bool has_ended_at, has_csat_rating;
    vb_instant ended_at;
    int64_t csat_rating;
    struct vb_view status, priority, assigned_agent, csat_comment, feedback, summary;
    struct vb_text_list tags, audience;
    bool has_audience;           /* one of its own; else the tags are it */
    unsigned marks;              /* enum vb_marks */
    struct vb_view title, extra; /* extra: JSON in one line */
    struct vb_maybe_instant deleted_at;
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
    struct vb_view feedback;
    struct vb_text_list citations; /* title, url, snippet of each in turn; "" for NULL */
    struct vb_text_list
        attachments; /* id, url, file_name, content_type of each in turn; "" for NULL */
    unsigned marks;  /* enum vb_marks */
    struct vb_maybe_instant edited_at, deleted_at;
    struct vb_view kind, reply_to, format;
    struct vb_view extra; /* JSON in one line */
};

/* A row that belongs to a conversation but is no message. They come behind the messages, kind by
 * kind in this order: notes and events by (created_at, id), the others, which have no id, by their
 * time and then by all that they hold; those without a time come last. */
enum vb_extra_kind {
    VB_EXTRA_NOTE,
    VB_EXTRA_EVENT,
    VB_EXTRA_SKILL,
    VB_EXTRA_PARTICIPANT,
    VB_EXTRA_REACTION,
    VB_EXTRA_REVISION, /* an earlier text of a message */
};
#define VB_EXTRA_KINDS 6u
/* What the three texts of each kind are:
 *   note         author, text
 *   event        kind, actor, detail
 *   skill        name, outcome, message_id
 *   participant  name, role, contact_id
 *   reaction     name, by, message_id
 *   revision     editor, text, message_id */
struct vb_extra {
    enum vb_extra_kind kind;
    bool undated;          /* of a participant or a reaction: no time is known */
    vb_instant created_at; /* participant: joined_at */
    struct vb_view id;     /* of a note or an event */
    struct vb_view first, second, third;
    struct vb_maybe_instant left_at; /* of a participant */
};

#endif
