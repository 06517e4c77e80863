/* What an option is, as text that may be shown to anybody who may look at the configuration. See
 * options_table.h. Pure; any thread.
 *
 * Durations and sizes are told in the largest unit that says them whole, which reads back as the
 * same value. Passwords never: neither those of options that are secrets nor those in addresses.
 */
#include "options_table.h"

#include "verbatim/url.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <string.h>

#define MASK "********"

static enum vb_status write_duration(struct vb_buffer *out, int64_t value)
{
    static const struct {
        int64_t size;
        const char *name;
    } units[] = {{86400 * VB_SECOND, "d"},
                 {3600 * VB_SECOND, "h"},
                 {60 * VB_SECOND, "m"},
                 {VB_SECOND, "s"},
                 {VB_SECOND / 1000, "ms"}};
    size_t at = 0;
    while (at + 1 < sizeof units / sizeof *units && (value == 0 || value % units[at].size != 0))
        at++;
    if (value == 0)
        return vb_buffer_append_text(out, "0s");
    return vb_buffer_printf(out, "%" PRId64 "%s", value / units[at].size, units[at].name);
}

static enum vb_status write_size(struct vb_buffer *out, uint64_t value)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB"};
    size_t at = 0;
    while (at < 3 && value > 0 && value % 1024 == 0) {
        value /= 1024;
        at++;
    }
    return vb_buffer_printf(out, "%" PRIu64 "%s", value, units[at]);
}

static bool is_connection(const struct vb_option *option)
{
    return option->parse == vb_option_parse_connection;
}

/* Where it leads and as whom: every keyword that is given, but for those that libpq itself says are
 * not to be shown. */
static enum vb_status write_connection(struct vb_buffer *out, const char *text)
{
    PQconninfoOption *parsed = PQconninfoParse(text, NULL);
    enum vb_status status = parsed ? VB_OK : vb_buffer_append_text(out, MASK);
    const char *blank = "";
    for (const PQconninfoOption *each = parsed; each && each->keyword && status == VB_OK; each++) {
        if (!each->val)
            continue;
        bool is_hidden = *each->dispchar == '*' || strstr(each->keyword, "password");
        status =
            vb_buffer_printf(out, "%s%s=%s", blank, each->keyword, is_hidden ? MASK : each->val);
        blank = " ";
    }
    PQconninfoFree(parsed);
    return status;
}

static enum vb_status write_text(struct vb_buffer *out, const struct vb_option *option,
                                 const char *text)
{
    if (is_connection(option))
        return write_connection(out, text);
    if (option->secret)
        return vb_buffer_append_text(out, MASK);
    return strstr(text, "://") && strchr(text, '@') ? vb_url_show(out, vb_view_of(text))
                                                    : vb_buffer_append_text(out, text);
}

static enum vb_status write_choice(struct vb_buffer *out, const struct vb_option *option,
                                   const void *member)
{
    if (!option->choices)
        return vb_buffer_append_text(out, *(const bool *)member ? "on" : "off");
    return vb_buffer_append_text(out, option->choices[*(const int *)member]);
}

enum vb_status vb_option_show(const struct vb_option *option, const struct vb_options *options,
                              struct vb_buffer *out, bool *ret_is_set)
{
    const void *member = (const char *)options + option->offset;
    *ret_is_set = true;
    switch (option->kind) {
    case VB_OPTION_TEXT:
        *ret_is_set = vb_option_text(option, options) != NULL;
        return *ret_is_set ? write_text(out, option, vb_option_text(option, options)) : VB_OK;
    case VB_OPTION_CHOICE:
        return write_choice(out, option, member);
    case VB_OPTION_DURATION:
        return write_duration(out, *(const int64_t *)member);
    case VB_OPTION_SIZE:
        return write_size(out, *(const uint64_t *)member);
    case VB_OPTION_NUMBER:
        break;
    }
    return vb_buffer_printf(out, "%" PRId64, *(const int64_t *)member);
}
