/* A JSON string read back by jansson is the text that went in; text that is no UTF-8 is refused and
 * leaves the buffer alone, and the writer for our own answers repairs it into valid JSON. */
#include "fuzz.h"

#include "verbatim/json.h"
#include "verbatim/text.h"

#include <jansson.h>
#include <string.h>

static void expect_string(const char *document, size_t length, const struct vb_view *text)
{
    json_error_t error;
    json_t *value = json_loadb(document, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    MUST(json_is_string(value));
    if (text) {
        MUST(json_string_length(value) == text->length);
        MUST(memcmp(json_string_value(value), text->data, text->length) == 0);
    }
    json_decref(value);
}

static void check_parts(struct vb_view text)
{
    struct vb_buffer out;
    size_t half = vb_utf8_cut(text, text.length / 2);
    vb_buffer_init(&out, 1u << 22);
    MUST(vb_buffer_append_byte(&out, '"') == VB_OK);
    MUST(vb_json_append_inside(&out, VB_VIEW(""), (struct vb_view){text.data, half}) == VB_OK);
    MUST(vb_json_append_inside(&out, VB_VIEW(""),
                               (struct vb_view){text.data + half, text.length - half}) == VB_OK);
    MUST(vb_buffer_append_byte(&out, '"') == VB_OK);
    expect_string(out.data, out.length, &text);
    vb_buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vb_view text = size > 0 ? fuzz_view(data, size) : VB_VIEW("");
    struct vb_buffer out;
    struct vb_json json;
    vb_buffer_init(&out, 1u << 22);
    bool valid = vb_utf8_valid(text);
    MUST(vb_json_append(&out, VB_VIEW(","), text) == (valid ? VB_OK : VB_INVALID));
    MUST((out.length == 0) == !valid);
    if (valid) {
        MUST(out.data[0] == ',');
        expect_string(out.data + 1, out.length - 1, &text);
        check_parts(text);
    }
    vb_buffer_reset(&out);
    vb_json_init(&json, &out);
    vb_json_view(&json, text);
    MUST(vb_json_status(&json) == VB_OK);
    expect_string(out.data, out.length, valid ? &text : NULL);
    vb_buffer_done(&out);
    return 0;
}
