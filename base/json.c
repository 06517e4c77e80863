/* Writing JSON into a buffer: commas and brackets; strings are json_text.c's. See json.h.
 *
 * The writer owns nothing, and the buffer is the caller's. The first failure (the buffer's ceiling,
 * memory) is kept and silences what follows, so callers ask once, at the end. Nesting is not
 * checked: a wrong order of calls is a mistake in the program, which the tests of its output show.
 */
#include "verbatim/json.h"

#include "verbatim/text.h"

void vb_json_init(struct vb_json *json, struct vb_buffer *out)
{
    *json = (struct vb_json){.out = out};
}

enum vb_status vb_json_status(const struct vb_json *json)
{
    return json->status;
}

/* Every byte but those of strings goes through here, so that after a failure nothing more comes. */
static void put(struct vb_json *json, const char *data, size_t length)
{
    if (json->status == VB_OK)
        json->status = vb_buffer_append(json->out, data, length);
}

/* A comma belongs before every value but the first of its bracket and the one behind a name. It is
 * handed out and not written: together with its string it goes in whole or not at all, so that an
 * attempt that fails for text that is not UTF-8 can be made again without a second comma. */
static struct vb_view begin_value(struct vb_json *json)
{
    struct vb_view lead = json->need_comma ? VB_VIEW(",") : VB_VIEW("");
    json->need_comma = true;
    return lead;
}

static void put_view(struct vb_json *json, struct vb_view view)
{
    put(json, view.data, view.length);
}

/* The bracket itself is a value of what surrounds it; inside, none has come yet. */
static void open_bracket(struct vb_json *json, const char *bracket)
{
    put_view(json, begin_value(json));
    put(json, bracket, 1);
    json->need_comma = false;
}

/* Whatever was inside, the surrounding list has a value now. */
static void close_bracket(struct vb_json *json, const char *bracket)
{
    put(json, bracket, 1);
    json->need_comma = true;
}

void vb_json_begin_object(struct vb_json *json)
{
    open_bracket(json, "{");
}

void vb_json_end_object(struct vb_json *json)
{
    close_bracket(json, "}");
}

void vb_json_begin_array(struct vb_json *json)
{
    open_bracket(json, "[");
}

void vb_json_end_array(struct vb_json *json)
{
    close_bracket(json, "]");
}

/* Text that is not UTF-8, rare enough to go character by character: U+FFFD stands for each byte
 * that is none, so that the output is valid whatever a source or a peer sent. */
static enum vb_status put_repaired(struct vb_buffer *out, struct vb_view text)
{
    struct vb_buffer repaired;
    vb_buffer_init(&repaired, out->ceiling);
    enum vb_status status = VB_OK;
    while (text.length > 0 && status == VB_OK)
        status = vb_utf8_append(&repaired, vb_utf8_next(&text));
    if (status == VB_OK)
        status = vb_json_append(out, VB_VIEW(""), (struct vb_view){repaired.data, repaired.length});
    vb_buffer_done(&repaired);
    return status;
}

/* vb_json_append does it in one pass and refuses text that is not UTF-8, having written nothing;
 * only then is the text repaired in a second one. */
static void put_string(struct vb_json *json, struct vb_view text)
{
    struct vb_view lead = begin_value(json);
    if (json->status != VB_OK)
        return;
    json->status = vb_json_append(json->out, lead, text);
    if (json->status != VB_INVALID)
        return;
    json->status = VB_OK;
    put_view(json, lead);
    if (json->status == VB_OK)
        json->status = put_repaired(json->out, text);
}

/* The comma stands before the name, so the value behind it takes none. */
void vb_json_name(struct vb_json *json, const char *name)
{
    put_string(json, vb_view_of(name));
    put(json, ":", 1);
    json->need_comma = false;
}

void vb_json_view(struct vb_json *json, struct vb_view text)
{
    put_string(json, text);
}

void vb_json_text(struct vb_json *json, const char *text)
{
    vb_json_view(json, vb_view_of(text));
}

/* By hand, so that no locale has a say. INT64_MIN has no positive counterpart, so the digits are
 * those of the negated unsigned value. */
void vb_json_integer(struct vb_json *json, int64_t value)
{
    char digits[24], *begin = digits + sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        *--begin = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--begin = '-';
    put_view(json, begin_value(json));
    put(json, begin, (size_t)(digits + sizeof digits - begin));
}

void vb_json_boolean(struct vb_json *json, bool value)
{
    vb_json_raw(json, value ? "true" : "false");
}

void vb_json_null(struct vb_json *json)
{
    vb_json_raw(json, "null");
}

/* The caller vouches for the text: numbers, literals, JSON that was made before. */
void vb_json_raw(struct vb_json *json, const char *text)
{
    put_view(json, begin_value(json));
    put_view(json, vb_view_of(text));
}

void vb_json_member_text(struct vb_json *json, const char *name, const char *text)
{
    vb_json_name(json, name);
    vb_json_text(json, text);
}

void vb_json_member_integer(struct vb_json *json, const char *name, int64_t value)
{
    vb_json_name(json, name);
    vb_json_integer(json, value);
}

void vb_json_member_boolean(struct vb_json *json, const char *name, bool value)
{
    vb_json_name(json, name);
    vb_json_boolean(json, value);
}
