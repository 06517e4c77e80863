/* An example of a configuration: every option as a comment, with its default, or with a value that
 * it might have. See manual.h.
 *
 * Taken as it is it changes nothing, and each line that loses its mark is a good one. */
#include "manual.h"

#include <string.h>

#define WIDTH 100u

/* Words that go on in the next line where this one is full. Backquotes are for other pages. */
static enum vb_status write_comment(struct vb_buffer *out, const char *lead, const char *text)
{
    enum vb_status status = vb_buffer_printf(out, "# %s", lead);
    size_t used = 2 + strlen(lead);
    while (*text && status == VB_OK) {
        size_t length = strcspn(text, " ");
        bool fits = used + 1 + length <= WIDTH;
        if (used > 2)
            status = vb_buffer_append_text(out, fits ? " " : "\n# ");
        used = fits ? used + 1 + length : 2 + length;
        for (size_t i = 0; i < length && status == VB_OK; i++)
            if (text[i] != '`')
                status = vb_buffer_append_byte(out, text[i]);
        text += length + strspn(text + length, " ");
    }
    return status == VB_OK ? vb_buffer_append_byte(out, '\n') : status;
}

static enum vb_status write_option(struct vb_buffer *out, const struct vb_option *option)
{
    const char *value = option->default_value ? option->default_value : option->example;
    enum vb_status status = vb_buffer_append_byte(out, '\n');
    if (status == VB_OK)
        status = write_comment(out, "", option->meaning);
    if (status == VB_OK)
        status = write_comment(out, "must be", option->allowed);
    if (status == VB_OK && !option->default_value)
        status = write_comment(out, "default:", option->default_words);
    if (status == VB_OK)
        status = vb_buffer_printf(out, "#%s =%s%s\n", option->name, value ? " " : "",
                                  value ? value : "");
    if (status == VB_OK && option->secret)
        status = vb_buffer_printf(out, "#%s_file = /etc/verbatim/%s\n", option->name, option->name);
    return status;
}

enum vb_status vb_manual_example(struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(
        out,
        "# Options of Verbatim: one a line, name = value, without quotes. A line that begins with\n"
        "# a number sign says nothing; take it away to set the option. Those shown are the\n"
        "# defaults, or examples where the default is none or depends on others.\n"
        "#\n"
        "# verbatim config check --config FILE tells what is wrong with it, and verbatim.conf(5)\n"
        "# tells more of its form. A secret stands better in a file of its own (NAME_file).\n");
    for (size_t i = 0; i < vb_option_count && status == VB_OK; i++)
        status = write_option(out, &vb_option_table[i]);
    return status;
}
