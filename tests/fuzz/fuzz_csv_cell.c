/* A cell read back by the rules of RFC 4180, its guard undone, is the text that went in; and no
 * guarded cell begins like a formula. */
#include "fuzz.h"

#include "format/cell.h"
#include "verbatim/text.h"

#include <string.h>

/* Takes the quotes of one cell off. */
static void unquote(const struct vb_buffer *cell, struct vb_cell_form form, struct vb_buffer *out)
{
    bool quoted = cell->length > 0 && cell->data[0] == '"';
    size_t end = cell->length - quoted;
    MUST(!quoted || (cell->length >= 2 && cell->data[end] == '"'));
    for (size_t i = quoted; i < end; i++) {
        if (quoted && cell->data[i] == '"')
            MUST(++i < end && cell->data[i] == '"');
        else
            MUST(quoted || (cell->data[i] != form.delimiter && !strchr("\r\n\"", cell->data[i])) ||
                 cell->data[i] == '\0');
        MUST(vb_buffer_append_byte(out, cell->data[i]) == VB_OK);
    }
}

static void check(struct vb_view text, struct vb_cell_form form)
{
    struct vb_buffer cell, plain;
    vb_buffer_init(&cell, 1u << 22);
    vb_buffer_init(&plain, 1u << 22);
    enum vb_status status = vb_cell_append(&cell, text, form);
    MUST(status == (vb_utf8_valid(text) ? VB_OK : VB_SOURCE));
    if (status == VB_OK && text.length > 0) {
        MUST(!form.quotes || cell.data[0] == '"');
        unquote(&cell, form, &plain);
        struct vb_view back = {plain.data, plain.length};
        if (form.guard && vb_cell_is_formula(text)) {
            MUST(back.length > 0 && back.data[0] == '\'');
            back.data++;
            back.length--;
        } else if (form.guard) {
            MUST(!strchr("=+-@\t\r", back.data[0]) || back.data[0] == '\0');
        }
        MUST(vb_view_equals(back, text));
    }
    vb_buffer_done(&cell);
    vb_buffer_done(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int i = 0; i < 12; i++)
        check(fuzz_view(data, size), (struct vb_cell_form){.delimiter = ",;\t"[i % 3],
                                                           .quotes = i / 3 % 2 == 1,
                                                           .guard = i / 6 == 1});
    return 0;
}
