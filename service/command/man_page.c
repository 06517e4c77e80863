/* verbatim(1). See manual.h. */
#include "manual.h"

#include "verbatim/version.h"

#include <stdio.h>
#include <string.h>

enum vb_status vb_roff_head(struct vb_buffer *out, const char *name, const char *section)
{
    return vb_buffer_printf(out,
                            ".\\\" Made by `verbatim manual` from its tables.\n"
                            ".TH %s %s \"\" \"Verbatim %s\" \"Verbatim\"\n.nh\n.ad l\n",
                            name, section, vb_version_number);
}

/* A backslash is roff's own, and so is a dot or an apostrophe at the start of a line. */
static enum vb_status write_character(struct vb_buffer *out, char character, bool is_typed)
{
    bool begins = out->length == 0 || out->data[out->length - 1] == '\n';
    if (character == '\\')
        return vb_buffer_append_text(out, "\\e");
    if (character == '-' && is_typed)
        return vb_buffer_append_text(out, "\\-");
    if (character == '\'')
        return vb_buffer_append_text(out, "\\(aq");
    if (character == '~' || character == '^')
        return vb_buffer_append_text(out, character == '~' ? "\\(ti" : "\\(ha");
    if (character == '.' && begins)
        return vb_buffer_append_text(out, "\\&.");
    return vb_buffer_append_byte(out, character);
}

enum vb_status vb_roff_text(struct vb_buffer *out, const char *text)
{
    enum vb_status status = VB_OK;
    bool is_typed = false;
    for (const char *at = text; *at && status == VB_OK; at++) {
        if (*at == '`') {
            is_typed = !is_typed;
            status = vb_buffer_append_text(out, is_typed ? "\\fB" : "\\fR");
        } else {
            status = write_character(out, *at, is_typed);
        }
    }
    return status;
}

enum vb_status vb_roff_word(struct vb_buffer *out, const char *text)
{
    enum vb_status status = vb_buffer_append_text(out, "\\fB");
    for (const char *at = text; *at && status == VB_OK; at++)
        status = write_character(out, *at, true);
    return status == VB_OK ? vb_buffer_append_text(out, "\\fR") : status;
}

static enum vb_status write_flag(struct vb_buffer *out, const struct vb_flag *flag)
{
    char name[64];
    snprintf(name, sizeof name, "--%s", flag->name);
    enum vb_status status = vb_buffer_append_text(out, ".TP\n");
    if (status == VB_OK)
        status = vb_roff_word(out, name);
    if (status == VB_OK && flag->argument)
        status = vb_buffer_printf(out, " \\fI%s\\fR", flag->argument);
    if (status == VB_OK)
        status = vb_buffer_append_byte(out, '\n');
    if (status == VB_OK)
        status = vb_roff_text(out, flag->meaning);
    return status == VB_OK
               ? vb_buffer_append_text(out, flag->repeats ? " (may be repeated)\n" : "\n")
               : status;
}

static enum vb_status write_command(struct vb_buffer *out, const struct vb_command *command)
{
    enum vb_status status = vb_buffer_append_text(out, ".SS ");
    if (status == VB_OK)
        status = vb_roff_word(out, command->name);
    if (status == VB_OK)
        status = vb_buffer_printf(out, "%s%s%s\n", command->word ? " \\fI" : "",
                                  command->word ? command->word : "", command->word ? "\\fR" : "");
    if (status == VB_OK)
        status = vb_roff_text(out, command->meaning);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, ".\n");
    for (size_t i = 0; command->flags[i].name && status == VB_OK; i++)
        status = write_flag(out, &command->flags[i]);
    return status;
}

/* Their meaning stands in the other page; here they are named, as flags. */
static enum vb_status write_options(struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(
        out, ".SH OPTIONS\nEvery command takes every option: as a flag, as a variable\n"
             "\\fBVERBATIM_\\fINAME\\fR, or as a line of the file that \\fB\\-\\-config\\fR "
             "names;\nthe first of these that is given wins.\n.BR verbatim.conf (5)\n"
             "tells what each means. They are\n");
    for (size_t i = 0; i < vb_option_count && status == VB_OK; i++) {
        struct vb_buffer flag;
        vb_buffer_init(&flag, 128);
        status = vb_option_flag(&flag, &vb_option_table[i]);
        if (status == VB_OK)
            status = vb_roff_word(out, flag.data);
        if (status == VB_OK)
            status = vb_buffer_append_text(out, i + 1 < vb_option_count ? ",\n" : ".\n");
        vb_buffer_done(&flag);
    }
    return status;
}

static const char before[] =
    ".SH NAME\nverbatim \\- exports conversations of a chat platform, word for word\n"
    ".SH SYNOPSIS\n\\fBverbatim\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR] [\\fIFLAG\\fR]... "
    "[\\fIOPTION\\fR]...\n.br\n\\fBverbatim\\fR [\\fICOMMAND\\fR] \\fB\\-\\-help\\fR | "
    "\\fB\\-\\-version\\fR\n"
    ".SH DESCRIPTION\n"
    "A service that writes conversations of a chat platform into archives, and the commands of "
    "those\nwho run it. All of it works on the PostgreSQL database of the option "
    "\\fBdatabase_url\\fR.\nA flag\\(aqs value follows it as the next word or behind an "
    "equals sign.\n"
    ".SH COMMANDS\n";
static const char after[] =
    ".TP\n\\fB\\-\\-config\\fR \\fIFILE\\fR\nreads options from this file\n"
    ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\ntells what a command does and takes\n"
    ".TP\n\\fB\\-V\\fR, \\fB\\-\\-version\\fR\ntells the version\n"
    ".SH EXIT STATUS\n.TP\n\\fB0\\fR\nit is done\n"
    ".TP\n\\fB1\\fR\nit failed, and standard error says why\n"
    ".TP\n\\fB2\\fR\nthe command line or the configuration is wrong, and nothing was done\n"
    ".SH ENVIRONMENT\n.TP\n\\fBVERBATIM_\\fINAME\\fR\n"
    "an option, as \\fBVERBATIM_S3_ENDPOINT\\fR is s3_endpoint\n"
    ".TP\n\\fBVERBATIM_CONFIG\\fR\nthe file of \\fB\\-\\-config\\fR\n"
    ".TP\n\\fBAWS_ACCESS_KEY_ID\\fR, \\fBAWS_SECRET_ACCESS_KEY\\fR and the rest of the AWS chain\n"
    "credentials of the object store\n"
    ".TP\n\\fBPGHOST\\fR, \\fBPGUSER\\fR and the others of libpq\n"
    "the database, where database_url is not given\n"
    ".TP\n\\fBNO_COLOR\\fR\nno colours at a terminal\n"
    ".SH SIGNALS\n\\fBserve\\fR and \\fBworker\\fR end cleanly on SIGTERM and SIGINT, "
    "and read the options again on SIGHUP.\n"
    ".SH EXAMPLES\n.EX\n"
    "verbatim migrate\n"
    "verbatim workspace set acme \\-\\-time\\-zone Europe/Berlin\n"
    "verbatim key create \\-\\-workspace acme\n"
    "verbatim config check \\-\\-config /etc/verbatim/verbatim.conf\n"
    "verbatim serve \\-\\-config /etc/verbatim/verbatim.conf\n"
    "verbatim jobs list \\-\\-status failed \\-\\-json\n"
    ".EE\n.SH SEE ALSO\n.BR verbatim.conf (5)\n";

enum vb_status vb_manual_page(struct vb_buffer *out)
{
    enum vb_status status = vb_roff_head(out, "VERBATIM", "1");
    if (status == VB_OK)
        status = vb_buffer_append_text(out, before);
    for (size_t i = 0; i < vb_command_count && status == VB_OK; i++)
        status = write_command(out, &vb_commands[i]);
    if (status == VB_OK)
        status = write_options(out);
    return status == VB_OK ? vb_buffer_append_text(out, after) : status;
}
