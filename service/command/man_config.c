/* verbatim.conf(5), and what the pages share about options. See manual.h. */
#include "manual.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const char *const *vb_option_words(const struct vb_option *option)
{
    static const char *const off_on[] = {"off", "on", NULL};
    if (option->kind != VB_OPTION_CHOICE)
        return NULL;
    return option->choices ? option->choices : off_on;
}

bool vb_option_is_path(const struct vb_option *option)
{
    size_t length = strlen(option->name);
    return strcmp(option->name, "fonts") == 0 ||
           (length > 5 && strcmp(option->name + length - 5, "_file") == 0);
}

/* VERBATIM_S3_ENDPOINT */
static enum vb_status write_variable(struct vb_buffer *out, const char *name)
{
    enum vb_status status = vb_buffer_append_text(out, "\\fBVERBATIM_");
    for (const char *at = name; *at && status == VB_OK; at++)
        status = vb_buffer_append_byte(out, (char)toupper((unsigned char)*at));
    return status == VB_OK ? vb_buffer_append_text(out, "\\fR") : status;
}

/* What it is when it is not given; what the default's words say of other options is bold. */
static enum vb_status write_default(struct vb_buffer *out, const struct vb_option *option)
{
    enum vb_status status = vb_buffer_append_text(out, ".br\nDefault: ");
    if (status == VB_OK)
        status = option->default_value ? vb_roff_word(out, option->default_value)
                                       : vb_roff_text(out, option->default_words);
    return status == VB_OK ? vb_buffer_append_text(out, ".\n") : status;
}

static enum vb_status write_option(struct vb_buffer *out, const struct vb_option *option)
{
    struct vb_buffer flag;
    vb_buffer_init(&flag, 128);
    enum vb_status status = vb_buffer_append_text(out, ".TP\n");
    if (status == VB_OK)
        status = vb_roff_word(out, option->name);
    if (status == VB_OK)
        status = vb_buffer_append_byte(out, '\n');
    if (status == VB_OK)
        status = vb_roff_text(out, option->meaning);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, ".\n.br\nMust be ");
    if (status == VB_OK)
        status = vb_roff_text(out, option->allowed);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, ".\n");
    if (status == VB_OK)
        status = write_default(out, option);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, ".br\n");
    if (status == VB_OK)
        status = vb_option_flag(&flag, option);
    if (status == VB_OK)
        status = vb_roff_word(out, flag.data);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, ", ");
    if (status == VB_OK)
        status = write_variable(out, option->name);
    if (status == VB_OK && option->secret)
        status = vb_buffer_printf(out,
                                  ".\n.br\nA secret: it may stand in a file that "
                                  "\\fB%s_file\\fR names, and is never shown",
                                  option->name);
    vb_buffer_done(&flag);
    return status == VB_OK ? vb_buffer_append_text(out, ".\n") : status;
}

static const char before[] =
    ".SH NAME\nverbatim.conf \\- options of verbatim\n"
    ".SH DESCRIPTION\n"
    "The file that \\fBverbatim \\-\\-config\\fR or the variable \\fBVERBATIM_CONFIG\\fR names. "
    "It has one option a\nline, as\n.PP\n.RS\n\\fIname\\fR \\fB=\\fR \\fIvalue\\fR\n.RE\n.PP\n"
    "Blank lines and lines that begin with \\fB#\\fR say nothing. Blanks around name and value "
    "do not\ncount. There are no quotes, no sections and no comments behind a value: the value is "
    "what stands\nthere. The text is UTF\\-8. An option that is not known or stands twice is an "
    "error.\n.PP\n"
    "A flag wins over a variable, and a variable over the file. A secret may come from a file of "
    "its own,\nwhose name ends in \\fB_file\\fR; line ends behind it do not count.\n.PP\n"
    "\\fBverbatim config check\\fR tells what is wrong with a configuration, and "
    "\\fBverbatim config show\\fR\nwhere each value comes from.\n.PP\n"
    "A duration is a number and \\fBms\\fR, \\fBs\\fR, \\fBm\\fR, \\fBh\\fR or \\fBd\\fR; a size "
    "is a number of bytes,\nor one with \\fBKiB\\fR, \\fBMiB\\fR or \\fBGiB\\fR.\n"
    ".SH OPTIONS\n";
static const char after[] =
    ".SH FILES\n.TP\n\\fI/etc/verbatim/verbatim.conf\\fR\nwhere packages put it\n"
    ".SH EXAMPLES\n.EX\n"
    "database_url_file = /etc/verbatim/database_url\n"
    "base_url = https://exports.example.com\n"
    "storage = s3://exports\n"
    "s3_region = eu\\-central\\-1\n"
    ".EE\n.SH SEE ALSO\n.BR verbatim (1)\n";

enum vb_status vb_manual_config_page(struct vb_buffer *out)
{
    enum vb_status status = vb_roff_head(out, "VERBATIM.CONF", "5");
    if (status == VB_OK)
        status = vb_buffer_append_text(out, before);
    for (size_t i = 0; i < vb_option_count && status == VB_OK; i++)
        status = write_option(out, &vb_option_table[i]);
    return status == VB_OK ? vb_buffer_append_text(out, after) : status;
}
