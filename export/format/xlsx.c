/* The layouts of CSV as workbooks: a row of CSV with every text in quotes, taken apart into cells.
 *
 * So columns, their order and what is in them stand once, in the layouts' own files, and a quoted
 * cell is a text, a bare one a number, an empty one nothing. There is no guard: a text cell is no
 * formula. Rows are judged before anything of them is written; what cannot be rendered is named as
 * in CSV.
 *
 * What is open between two calls (the workbook, a row's memory) is the state's document, freed with
 * it. A workbook is one stream, so its file is written from its beginning, by one thread.
 */
#include "renderers.h"
#include "row.h"

#include "verbatim/xlsx.h"

#include <stdlib.h>
#include <string.h>

#define MIME "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
/* Memory that a row may leave behind for the next. */
#define KEPT_CAPACITY (256u * 1024u)

struct book {
    struct vb_xlsx *xlsx;
    struct vb_buffer row;            /* of CSV */
    const struct vb_renderer *table; /* the layout of the open file */
};

static void free_book(void *document)
{
    struct book *book = document;
    vb_xlsx_free(book->xlsx);
    vb_buffer_done(&book->row);
    free(book);
}

/* NULL: no memory, and `err` says so. */
static struct book *book_of(const struct vb_render_context *context, struct vb_error *err)
{
    struct vb_render_state *state = context->state;
    if (state->document)
        return state->document;
    struct book *book = calloc(1, sizeof *book);
    if (!book || vb_xlsx_new(0, 0, &book->xlsx, err) != VB_OK) {
        (void)vb_fail(err, VB_NO_MEMORY, "no memory for a workbook");
        free(book);
        return NULL;
    }
    state->document = book;
    state->document_free = free_book;
    return book;
}

/* The context of the layout: every text in quotes, none of them changed. */
static struct vb_render_context plain(const struct vb_render_context *context)
{
    struct vb_render_context plain = *context;
    plain.csv_profile = VB_CSV_RAW;
    plain.csv_quote = VB_CSV_QUOTE_ALL;
    plain.csv_mark = VB_CSV_MARK_OFF;
    plain.csv_delimiter = ',';
    return plain;
}

/* Takes the quotes off in place and moves *at behind the cell. */
static struct vb_view unquote(char **at)
{
    char *from = *at + 1, *to = from;
    struct vb_view text = {from, 0};
    for (;;) {
        char *quote = strchr(from, '"'); /* texts hold no NUL; a NUL ends the row's buffer */
        size_t run = (size_t)(quote - from);
        memmove(to, from, run);
        to += run;
        from = quote + 1;
        if (*from != '"')
            break;
        *to++ = '"';
        from++;
    }
    text.length = (size_t)(to - text.data);
    *at = from;
    return text;
}

/* The cells of one line, which ends in CR LF. */
static size_t take_apart(char *at, struct vb_xlsx_cell cells[VB_XLSX_COLUMNS])
{
    size_t count = 0;
    for (bool more = true; more && count < VB_XLSX_COLUMNS; count++) {
        if (*at == '"') {
            cells[count] = (struct vb_xlsx_cell){VB_XLSX_TEXT, unquote(&at)};
        } else {
            size_t length = strcspn(at, ",\r");
            cells[count] =
                (struct vb_xlsx_cell){length > 0 ? VB_XLSX_NUMBER : VB_XLSX_NOTHING, {at, length}};
            at += length;
        }
        more = *at == ',';
        at++;
    }
    return count;
}

static void forget_row(struct book *book)
{
    if (book->row.capacity > KEPT_CAPACITY)
        vb_buffer_done(&book->row);
    else
        vb_buffer_reset(&book->row);
}

/* The row that the layout has written, if it has. */
static enum vb_status pass_on(struct book *book, struct vb_buffer *out, struct vb_error *err)
{
    struct vb_xlsx_cell cells[VB_XLSX_COLUMNS];
    enum vb_status status = VB_OK;
    if (book->row.length > 0) {
        size_t count = take_apart(book->row.data, cells);
        status = vb_xlsx_row(book->xlsx, cells, count, out, err);
    }
    forget_row(book);
    return status;
}

static enum vb_status begin(const struct vb_render_context *context,
                            const struct vb_renderer *table, struct vb_buffer *out,
                            struct vb_error *err)
{
    const struct vb_render_context as_table = plain(context);
    struct vb_xlsx_cell names[VB_XLSX_COLUMNS];
    struct book *book = book_of(context, err);
    if (!book)
        return VB_NO_MEMORY;
    book->table = table;
    vb_buffer_done(&book->row);
    vb_buffer_init(&book->row, out->ceiling);
    enum vb_status status = table->begin_file(&as_table, &book->row, err);
    if (status == VB_OK) {
        size_t count = take_apart(book->row.data, names);
        status = vb_xlsx_begin(book->xlsx, table->layout, names, count, out, err);
    }
    forget_row(book);
    return status;
}

static enum vb_status begin_messages(const struct vb_render_context *context, struct vb_buffer *out,
                                     struct vb_error *err)
{
    return begin(context, &vb_csv_renderer, out, err);
}

static enum vb_status begin_conversations(const struct vb_render_context *context,
                                          struct vb_buffer *out, struct vb_error *err)
{
    return begin(context, &vb_csv_conversations_renderer, out, err);
}

static enum vb_status begin_leads(const struct vb_render_context *context, struct vb_buffer *out,
                                  struct vb_error *err)
{
    return begin(context, &vb_csv_leads_renderer, out, err);
}

static enum vb_status conversation(const struct vb_render_context *context,
                                   const struct vb_conversation *conversation, bool first_in_file,
                                   struct vb_buffer *out, struct vb_error *err)
{
    const struct vb_render_context as_table = plain(context);
    struct book *book = context->state->document;
    enum vb_status status =
        book->table->conversation(&as_table, conversation, first_in_file, &book->row, err);
    return status == VB_OK ? pass_on(book, out, err) : status;
}

static enum vb_status message(const struct vb_render_context *context,
                              const struct vb_conversation *conversation,
                              const struct vb_message *m, struct vb_buffer *out,
                              struct vb_error *err)
{
    const struct vb_render_context as_table = plain(context);
    struct book *book = context->state->document;
    enum vb_status status = book->table->message(&as_table, conversation, m, &book->row, err);
    return status == VB_OK ? pass_on(book, out, err) : status;
}

static enum vb_status end_conversation(const struct vb_render_context *context,
                                       const struct vb_conversation *conversation,
                                       struct vb_buffer *out, struct vb_error *err)
{
    const struct vb_render_context as_table = plain(context);
    struct book *book = context->state->document;
    enum vb_status status = book->table->end_conversation(&as_table, conversation, &book->row, err);
    return status == VB_OK ? pass_on(book, out, err) : status;
}

static enum vb_status end_file(const struct vb_render_context *context, struct vb_buffer *out,
                               struct vb_error *err)
{
    struct book *book = context->state->document;
    return vb_xlsx_end(book->xlsx, out, err);
}

static unsigned message_columns(unsigned include)
{
    return vb_csv_renderer.columns(include);
}

static unsigned conversation_columns(unsigned include)
{
    return vb_csv_conversations_renderer.columns(include);
}

#define WORKBOOK(layout_name, begin_it, columns_of_it)                                             \
    {                                                                                              \
        .format = "xlsx", .layout = (layout_name), .extension = ".xlsx", .content_type = MIME,     \
        .one_piece = true, .columns = (columns_of_it), .begin_file = (begin_it),                   \
        .conversation = conversation, .message = message, .end_conversation = end_conversation,    \
        .end_file = end_file,                                                                      \
    }
const struct vb_renderer vb_xlsx_renderer = WORKBOOK("messages", begin_messages, message_columns);
const struct vb_renderer vb_xlsx_conversations_renderer =
    WORKBOOK("conversations", begin_conversations, conversation_columns);
const struct vb_renderer vb_xlsx_leads_renderer =
    WORKBOOK("leads", begin_leads, conversation_columns);
