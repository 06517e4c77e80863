/* Prefer: a list of preferences, `name[=value][;parameters]`, over one header or several (RFC 7240,
 * section 2).
 *
 * What is malformed is passed over in silence, as the RFC asks; it never fails a request.
 */
#include "prefer.h"

#include <limits.h>
#include <string.h>

/* Cuts off what stands before the next `mark` that is in no quotes, and takes it off `rest`. */
static struct vb_view cut(struct vb_view *rest, char mark)
{
    bool is_quoted = false;
    size_t at = 0;
    for (; at < rest->length; at++) {
        char byte = rest->data[at];
        if (is_quoted && byte == '\\' && at + 1 < rest->length)
            at++;
        else if (byte == '"')
            is_quoted = !is_quoted;
        else if (byte == mark && !is_quoted)
            break;
    }
    struct vb_view piece = {rest->data, at};
    size_t used = at < rest->length ? at + 1 : at;
    *rest = (struct vb_view){rest->data + used, rest->length - used};
    return vb_view_trim(piece, " \t");
}

/* A quoted number is the same number (RFC 7240, 2). */
static int seconds_of(struct vb_view value)
{
    if (value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"')
        value = (struct vb_view){value.data + 1, value.length - 2};
    int seconds = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return -1;
        int digit = value.data[i] - '0';
        seconds = seconds > (INT_MAX - digit) / 10 ? INT_MAX : seconds * 10 + digit;
    }
    return value.length > 0 ? seconds : -1;
}

/* True: the preference is in this header, readable or not. */
static bool find_wait(struct vb_view list, int *ret_seconds)
{
    while (list.length > 0) {
        struct vb_view preference = cut(&list, ',');
        struct vb_view pair = cut(&preference, ';');
        struct vb_view name = cut(&pair, '=');
        if (!vb_http_same_word(name, "wait"))
            continue;
        *ret_seconds = seconds_of(vb_view_trim(pair, " \t"));
        return true;
    }
    return false;
}

int vb_http_prefer_wait(const struct vb_http_head *head)
{
    int seconds = -1;
    for (size_t i = 0; i < head->header_count; i++)
        if (vb_http_same_word(head->headers[i].name, "prefer") &&
            find_wait(head->headers[i].value, &seconds))
            return seconds;
    return -1;
}
