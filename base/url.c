/* Addresses without their secrets: see url.h. The parts of a URL are those of RFC 3986, section
 * 3. */
#include "verbatim/url.h"

#include <string.h>

static const struct vb_view hidden = {"...", 3};

static struct vb_view cut(struct vb_view text, size_t length)
{
    return (struct vb_view){text.data, length};
}

static struct vb_view behind(struct vb_view text, size_t length)
{
    return (struct vb_view){text.data + length, text.length - length};
}

/* Bytes before the first of the characters; all of the text where there is none. */
static size_t span_to(struct vb_view text, const char *characters)
{
    size_t length = 0;
    while (length < text.length && !strchr(characters, text.data[length]))
        length++;
    return length;
}

/* Bytes up to and with the last '@'; 0 where there is none. */
static size_t user_length(struct vb_view text)
{
    size_t length = text.length;
    while (length > 0 && text.data[length - 1] != '@')
        length--;
    return length;
}

/* Bytes of "scheme://"; 0 where that is not how the text begins. */
static size_t scheme_length(struct vb_view text)
{
    size_t colon = span_to(text, ":/?#@");
    bool found = text.length - colon >= 3 && memcmp(text.data + colon, "://", 3) == 0;
    return found ? colon + 3 : 0;
}

static enum vb_status append(struct vb_buffer *out, struct vb_view text)
{
    return vb_buffer_append(out, text.data, text.length);
}

/* `name=value&name=value` with the names alone. */
static enum vb_status append_query(struct vb_buffer *out, struct vb_view query)
{
    enum vb_status status = VB_OK;
    while (query.length > 0 && status == VB_OK) {
        struct vb_view pair = cut(query, span_to(query, "&"));
        size_t name = span_to(pair, "=");
        query = behind(query, pair.length);
        if (name < pair.length)
            status = append(out, cut(pair, name + 1));
        if (status == VB_OK)
            status = append(out, hidden);
        if (status == VB_OK && query.length > 0) {
            status = vb_buffer_append_byte(out, '&');
            query = behind(query, 1);
        }
    }
    return status;
}

/* A '?' or '#' with what follows it hidden. */
static enum vb_status append_end(struct vb_buffer *out, struct vb_view end)
{
    enum vb_status status = VB_OK;
    if (end.length > 0 && end.data[0] == '?') {
        struct vb_view query = cut(behind(end, 1), span_to(behind(end, 1), "#"));
        status = vb_buffer_append_byte(out, '?');
        if (status == VB_OK)
            status = append_query(out, query);
        end = behind(end, 1 + query.length);
    }
    return status == VB_OK && end.length > 0 ? vb_buffer_append_text(out, "#...") : status;
}

enum vb_status vb_url_show(struct vb_buffer *out, struct vb_view url)
{
    size_t scheme = scheme_length(url);
    if (scheme == 0)
        return append(out, url);
    struct vb_view rest = behind(url, scheme);
    struct vb_view authority = cut(rest, span_to(rest, "/?#"));
    size_t user = user_length(authority), before_end = span_to(rest, "?#");
    enum vb_status status = append(out, cut(url, scheme));
    if (status == VB_OK && user > 0)
        status = vb_buffer_append_text(out, "...@");
    if (status == VB_OK)
        status = append(out, behind(cut(rest, before_end), user));
    return status == VB_OK ? append_end(out, behind(rest, before_end)) : status;
}

enum vb_status vb_url_show_setting(struct vb_buffer *out, struct vb_view text)
{
    size_t scheme = scheme_length(text), user = user_length(behind(text, scheme));
    /* Without a colon it is an address of mail, or a name. */
    if (!memchr(text.data, ':', text.length) || user == 0)
        return append(out, text);
    enum vb_status status = append(out, cut(text, scheme));
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "...@");
    return status == VB_OK ? append(out, behind(behind(text, scheme), user)) : status;
}
