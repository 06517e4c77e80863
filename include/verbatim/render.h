/* Formats: a renderer turns conversations and messages into the bytes of a file.
 *
 * A format is one file in export/format/ and one row in the table of render.c. A renderer appends
 * to the output buffer, which the caller empties between calls; a call appends a bounded amount
 * (one row). State between two conversations is what the caller tells (`first_in_file`), so a
 * segment can begin anywhere; state within a conversation is in struct vb_render_state.
 *
 * Renderers are static and constant. Contexts, states and rows are the caller's and borrowed for
 * the call. One thread for each context. Errors are those of struct vb_renderer, and after one the
 * row is not in the buffer. Views of rows need not live beyond the call: what is kept is copied.
 */
#ifndef VERBATIM_RENDER_H
#define VERBATIM_RENDER_H

#include "verbatim/brand.h"
#include "verbatim/source.h"
#include "verbatim/statistics.h"
#include "verbatim/zone.h"

enum vb_csv_profile { VB_CSV_SAFE, VB_CSV_EXCEL, VB_CSV_RAW };
/* VB_INVALID for anything but safe, excel, raw. */
enum vb_status vb_csv_profile_parse(struct vb_view text,
                                    enum vb_csv_profile *ret_profile) vb_must_check;

/* Which cells of a CSV file stand in quotes: those that need them, or every text. */
enum vb_csv_quote { VB_CSV_QUOTE_MINIMAL, VB_CSV_QUOTE_ALL };
/* VB_INVALID for anything but minimal, all. */
enum vb_status vb_csv_quote_parse(struct vb_view text, enum vb_csv_quote *ret_quote) vb_must_check;
/* Whether a CSV file begins with a byte order mark: by the profile, excel's has one. */
enum vb_csv_mark { VB_CSV_MARK_OF_PROFILE, VB_CSV_MARK_ON, VB_CSV_MARK_OFF };
/* VB_INVALID for anything but a comma, a semicolon, a tab. */
enum vb_status vb_csv_delimiter_parse(struct vb_view text, char *ret_delimiter) vb_must_check;

/* What a file holds of a conversation; names in vb_include_names, in this order. */
enum vb_include {
    VB_INCLUDE_MESSAGES = 1,
    VB_INCLUDE_CUSTOMER = 2,
    VB_INCLUDE_TAGS = 4,
    VB_INCLUDE_NOTES = 8,
    VB_INCLUDE_EVENTS = 16,
    VB_INCLUDE_SKILLS = 32,
    VB_INCLUDE_CITATIONS = 64,
    VB_INCLUDE_MEDIA = 128,
    VB_INCLUDE_DELETED = 256, /* conversations and messages that the platform calls deleted */
    VB_INCLUDE_PARTICIPANTS = 512,
    VB_INCLUDE_REACTIONS = 1024,
    VB_INCLUDE_REVISIONS = 2048,
};
#define VB_INCLUDE_COUNT 12
#define VB_INCLUDE_DEFAULT (VB_INCLUDE_MESSAGES | VB_INCLUDE_CUSTOMER | VB_INCLUDE_TAGS)
extern const char *const vb_include_names[VB_INCLUDE_COUNT];

/* What one conversation needs remembered until its end. Owned by the caller, who inits it once and
 * frees it at last; renderers reset it at each conversation. One for each thread. */
struct vb_render_state {
    uint64_t messages;            /* of the conversation so far */
    struct vb_buffer first, last; /* texts kept for layouts of one row a conversation */
    bool has_first, has_last;
    int part;                 /* what is open: a renderer's own numbers */
    int side;                 /* whose turn it is, likewise */
    bool comma;               /* the open list has an element */
    int64_t day;              /* local, of the message before */
    int offset;               /* seconds east of UTC on that day, as shown */
    struct vb_recent *recent; /* messages of the conversation shown lately; NULL: none yet. Owned */
    /* What a renderer of pages keeps from file to file; NULL until it is needed. Freed by
     * vb_render_state_done. */
    void *document;
    void (*document_free)(void *document);
};
void vb_render_state_init(struct vb_render_state *state);
void vb_render_state_done(struct vb_render_state *state);

/* What the head of a file for people says about the whole export. Borrowed. */
enum vb_file_kind { VB_FILE_WHOLE, VB_FILE_CHUNK, VB_FILE_CONVERSATION, VB_FILE_INDEX };
struct vb_render_about {
    enum vb_file_kind kind;
    const char *what;     /* "Assistant", "Channel"...; NULL: no one thing */
    struct vb_view title; /* its name; NULL: it has none */
    struct vb_view workspace;
    const char *time_zone;
    const struct vb_selection *selection;
    bool has_from, has_to;                  /* whether its range was given an end on that side */
    const struct vb_statistics *statistics; /* NULL: none were taken */
};

/* What every renderer may know; borrowed for the renderer's life. */
struct vb_render_context {
    struct vb_zone *zone;
    enum vb_csv_profile csv_profile;
    enum vb_csv_quote csv_quote;
    enum vb_csv_mark csv_mark;
    char csv_delimiter;        /* 0: a comma */
    unsigned include;          /* enum vb_include */
    struct vb_channel channel; /* the job's; conversations carry their own */
    struct vb_render_state *state;
    const struct vb_render_about *about; /* NULL: nothing is known of an export */
    const char *zone_name;               /* NULL: UTC */
    const struct vb_brand *brand;        /* NULL: none */
    const char *fonts;                   /* folder of fonts; NULL: where Debian has them */
};

/* All calls of one renderer come from one thread. Each may answer VB_LIMIT (a row larger than the
 * buffer's ceiling), VB_NO_MEMORY or VB_SOURCE (a value that cannot be rendered); `err` names the
 * conversation and the message then. */
struct vb_renderer {
    const char *format, *layout; /* as in a specification; layout NULL where the format has none */
    const char *extension;       /* ".csv" */
    const char *content_type;
    bool has_brand;      /* it shows context->brand */
    bool one_piece;      /* nobody can begin in the middle of a file of it */
    bool has_statistics; /* its files begin with them */
    bool has_front;      /* what begin_file writes is long, and the export's alone */
    /* enum vb_columns that this renderer wants of the reader, given what is to be included. */
    unsigned (*columns)(unsigned include);
    enum vb_status (*begin_file)(const struct vb_render_context *context, struct vb_buffer *out,
                                 struct vb_error *err);
    enum vb_status (*conversation)(const struct vb_render_context *context,
                                   const struct vb_conversation *conversation, bool first_in_file,
                                   struct vb_buffer *out, struct vb_error *err);
    enum vb_status (*message)(const struct vb_render_context *context,
                              const struct vb_conversation *conversation,
                              const struct vb_message *message, struct vb_buffer *out,
                              struct vb_error *err);
    /* NULL where the format shows none. */
    enum vb_status (*extra)(const struct vb_render_context *context,
                            const struct vb_conversation *conversation,
                            const struct vb_extra *extra, struct vb_buffer *out,
                            struct vb_error *err);
    enum vb_status (*end_conversation)(const struct vb_render_context *context,
                                       const struct vb_conversation *conversation,
                                       struct vb_buffer *out, struct vb_error *err);
    enum vb_status (*end_file)(const struct vb_render_context *context, struct vb_buffer *out,
                               struct vb_error *err);
    /* An archive's file that leads to its other files, for formats that people read; all three are
     * NULL where a format has none. */
    enum vb_status (*begin_index)(const struct vb_render_context *context, struct vb_buffer *out,
                                  struct vb_error *err);
    enum vb_status (*index_file)(const struct vb_render_context *context, struct vb_view name,
                                 struct vb_buffer *out, struct vb_error *err);
    enum vb_status (*end_index)(const struct vb_render_context *context, struct vb_buffer *out,
                                struct vb_error *err);
};
#define VB_INDEX_NAME "index" /* and the format's extension */

/* NULL for what is no format. `layout` NULL: the format's first. */
const struct vb_renderer *vb_renderer_find(struct vb_view format, struct vb_view layout);

/* The content type of a finished file by its name's end: a renderer's, else that of ZIP. */
const char *vb_content_type_of(const char *file_name);

#endif
