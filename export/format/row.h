/* What the renderers share: who speaks, which channel, how a row fails, how a CSV file begins.
 * Private to export/.
 *
 * Nothing is owned; rows, contexts and buffers are the caller's, and what is returned points into
 * them. Any thread with its own context. Errors are a row's: VB_SOURCE for text that is not UTF-8,
 * VB_LIMIT for a row larger than the buffer, VB_NO_MEMORY; the buffer is as it was before the row.
 */
#ifndef VERBATIM_EXPORT_FORMAT_ROW_H
#define VERBATIM_EXPORT_FORMAT_ROW_H

#include "cell.h"
#include "time_text.h"
#include "verbatim/render.h"

extern const struct vb_view vb_row_nothing; /* SQL NULL, an empty cell */

static inline bool vb_row_includes(const struct vb_render_context *context, enum vb_include what)
{
    return (context->include & (unsigned)what) != 0;
}

/* The name the contract gives a speaker who has none of their own: the contact's, if the customer
 * is included, or the assistant's. */
struct vb_view vb_row_speaker_name(const struct vb_render_context *context,
                                   const struct vb_conversation *conversation,
                                   const struct vb_message *message);
/* Whose a message is, by the speaker's type alone. */
enum vb_speaker vb_row_speaker(const struct vb_message *message);
/* The conversation's own where the source was asked for it, else the job's. */
const struct vb_channel *vb_row_channel(const struct vb_render_context *context,
                                        const struct vb_conversation *conversation);

/* enum vb_columns of formats that show all that is included and leave the rest unread. */
unsigned vb_row_columns(unsigned include);
/* Whether an attachment of the message comes from this address. */
bool vb_row_is_attached(const struct vb_message *message, struct vb_view url);

/* Takes back what stands behind `before` and says what failed. Names the row but quotes nothing of
 * it: messages are private, logs are not. `message_id` NULL: the conversation itself. */
enum vb_status vb_row_fail(enum vb_status status, struct vb_buffer *out, size_t before,
                           const struct vb_conversation *conversation,
                           const struct vb_view *message_id, struct vb_error *err) vb_must_check;

/* Where a row begins: what there is to go back to. The texts that a state keeps are not part of
 * it. */
struct vb_row_start {
    size_t length; /* of the buffer */
    int part, side;
    bool comma;
};
static inline struct vb_row_start vb_row_start(const struct vb_render_context *context,
                                               const struct vb_buffer *out)
{
    const struct vb_render_state *state = context->state;
    return (struct vb_row_start){out->length, state->part, state->side, state->comma};
}
/* Passes VB_OK on. Else as vb_row_fail, and the state is what it was as well. */
enum vb_status vb_row_end(enum vb_status status, const struct vb_render_context *context,
                          const struct vb_row_start *start, struct vb_buffer *out,
                          const struct vb_conversation *conversation,
                          const struct vb_view *message_id, struct vb_error *err) vb_must_check;

/* For formats without anything before or behind their rows. */
enum vb_status vb_row_write_nothing(const struct vb_render_context *context, struct vb_buffer *out,
                                    struct vb_error *err) vb_must_check;

/* As the context's profile, delimiter and quotes say. */
struct vb_cell_form vb_csv_form(const struct vb_render_context *context);
/* A time and the delimiter; `put` writes where there is room, and returns what stands behind. */
#define VB_CSV_TIME_ROOM (VB_TIME_ROOM + 3u)
char *vb_csv_put_time(char *to, const struct vb_render_context *context, vb_instant at,
                      const struct vb_cell_form *form);
enum vb_status vb_csv_append_time(const struct vb_render_context *context, vb_instant at,
                                  struct vb_cell_form form, struct vb_buffer *out) vb_must_check;
/* The profile's mark, then the header line; `header` has commas. */
enum vb_status vb_csv_begin_file(const struct vb_render_context *context, struct vb_view header,
                                 struct vb_buffer *out, struct vb_error *err) vb_must_check;
/* `lead` as it is, then a JSON array of strings. */
enum vb_status vb_row_append_list(struct vb_buffer *out, const char *lead,
                                  struct vb_text_list list) vb_must_check;

#endif
