/* Completion for fish: a line for each word, with its meaning beside it. See manual.h. */
#include "manual.h"

#include <string.h>

/* In single quotes, in which only these two have to be escaped; cut at the first clause. */
static enum vb_status write_meaning(struct vb_buffer *out, const char *text)
{
    size_t length = strcspn(text, ";");
    enum vb_status status = vb_buffer_append_text(out, " -d '");
    for (size_t i = 0; i < length && status == VB_OK; i++) {
        if (text[i] == '`')
            continue;
        if (text[i] == '\'' || text[i] == '\\')
            status = vb_buffer_append_byte(out, '\\');
        if (status == VB_OK)
            status = vb_buffer_append_byte(out, text[i]);
    }
    return status == VB_OK ? vb_buffer_append_text(out, "'\n") : status;
}

/* When the line so far is that of the command, or, where `name` is "", of none. */
static enum vb_status begin(struct vb_buffer *out, const char *name)
{
    return vb_buffer_printf(out, "complete -c verbatim -n '__verbatim_at \"%s\"'", name);
}

static enum vb_status write_command(struct vb_buffer *out, size_t at)
{
    const struct vb_command *command = &vb_commands[at];
    const char *blank = strchr(command->name, ' ');
    char first[64] = "";
    if (blank)
        memcpy(first, command->name, (size_t)(blank - command->name));
    size_t length;
    enum vb_status status = VB_OK;
    if (vb_manual_begins_group(at, &length)) {
        status = begin(out, "");
        if (status == VB_OK)
            status = vb_buffer_printf(out, " -a %s\n", first);
    }
    if (status == VB_OK)
        status = begin(out, first);
    if (status == VB_OK)
        status = vb_buffer_printf(out, " -a %s", blank ? blank + 1 : command->name);
    return status == VB_OK ? write_meaning(out, command->meaning) : status;
}

static enum vb_status write_flags(struct vb_buffer *out, const struct vb_command *command)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; command->flags[i].name && status == VB_OK; i++) {
        const struct vb_flag *flag = &command->flags[i];
        status = begin(out, command->name);
        if (status == VB_OK)
            status = vb_buffer_printf(out, " -l %s", flag->name);
        if (status == VB_OK && flag->argument && strcmp(flag->argument, "FILE") == 0)
            status = vb_buffer_append_text(out, " -r -F");
        else if (status == VB_OK && flag->words)
            status = vb_buffer_printf(out, " -x -a '%s'", flag->words);
        else if (status == VB_OK && flag->argument)
            status = vb_buffer_append_text(out, " -x");
        if (status == VB_OK)
            status = write_meaning(out, flag->meaning);
    }
    return status;
}

static enum vb_status write_option_line(struct vb_buffer *out, const struct vb_option *option,
                                        bool is_file)
{
    struct vb_buffer flag;
    const char *const *words = is_file ? NULL : vb_option_words(option);
    bool is_path = is_file || vb_option_is_path(option);
    vb_buffer_init(&flag, 128);
    enum vb_status status = vb_option_flag(&flag, option);
    if (status == VB_OK)
        status =
            vb_buffer_printf(out, "complete -c verbatim -n __verbatim_any -l %s%s%s", flag.data + 2,
                             is_file ? "-file" : "", is_path ? " -r -F" : " -x");
    for (size_t i = 0; words && words[i] && status == VB_OK; i++)
        status = vb_buffer_printf(out, "%s%s%s", i == 0 ? " -a '" : " ", words[i],
                                  words[i + 1] ? "" : "'");
    vb_buffer_done(&flag);
    return status == VB_OK ? write_meaning(out, option->meaning) : status;
}

enum vb_status vb_manual_fish(struct vb_buffer *out)
{
    static const char before[] =
        "# Completion of verbatim for fish; made by `verbatim manual fish`.\n"
        "function __verbatim_words\n"
        "    set -l words (commandline -opc)\n"
        "    set -e words[1]\n"
        "    for word in $words\n"
        "        string match -q -- '-*' $word; and break\n"
        "        echo $word\n"
        "    end\n"
        "end\n"
        "function __verbatim_at\n"
        "    set -l words (__verbatim_words)\n"
        "    set -l wanted (string split -n ' ' -- $argv[1])\n"
        "    test (count $wanted) -eq 0; and test (count $words) -eq 0; and return 0\n"
        "    test (count $wanted) -gt 0; or return 1\n"
        "    test \"$words[1..\"(count $wanted)\"]\" = \"$wanted\"\n"
        "end\n"
        "function __verbatim_any\n"
        "    test (count (__verbatim_words)) -gt 0\n"
        "end\n"
        "complete -c verbatim -f\n"
        "complete -c verbatim -s h -l help -d 'tells what a command does and takes'\n"
        "complete -c verbatim -n '__verbatim_at \"\"' -s V -l version -d 'tells the version'\n"
        "complete -c verbatim -n __verbatim_any -l config -r -F"
        " -d 'reads options from this file'\n";
    enum vb_status status = vb_buffer_append_text(out, before);
    for (size_t i = 0; i < vb_command_count && status == VB_OK; i++)
        status = write_command(out, i);
    for (size_t i = 0; i < vb_command_count && status == VB_OK; i++)
        status = write_flags(out, &vb_commands[i]);
    for (size_t i = 0; i < vb_option_count && status == VB_OK; i++) {
        status = write_option_line(out, &vb_option_table[i], false);
        if (status == VB_OK && vb_option_table[i].secret)
            status = write_option_line(out, &vb_option_table[i], true);
    }
    return status;
}
