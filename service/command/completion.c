/* Completion for bash, zsh and fish. See manual.h.
 *
 * The scripts know commands, flags, options and words of a few; they ask no database, so pressing
 * a key never waits. Values of flags are told by the command, since a command's flag hides an
 * option of the same name.
 */
#include "manual.h"

#include <string.h>

bool vb_manual_begins_group(size_t at, size_t *ret_length)
{
    const char *name = vb_commands[at].name, *blank = strchr(name, ' ');
    if (!blank)
        return false;
    size_t length = (size_t)(blank - name);
    *ret_length = length;
    for (size_t i = 0; i < at; i++)
        if (strncmp(vb_commands[i].name, name, length + 1) == 0)
            return false;
    return true;
}

static bool is_in_group(const char *name, const char *group, size_t length)
{
    return strncmp(name, group, length) == 0 && name[length] == ' ';
}

/* Words that may begin the line: single commands and first words, each once. */
static enum vb_status write_first_words(struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    size_t length;
    for (size_t i = 0; i < vb_command_count && status == VB_OK; i++) {
        if (!strchr(vb_commands[i].name, ' '))
            status = vb_buffer_printf(out, "%s ", vb_commands[i].name);
        else if (vb_manual_begins_group(i, &length))
            status = vb_buffer_printf(out, "%.*s ", (int)length, vb_commands[i].name);
    }
    return status == VB_OK ? vb_buffer_append_text(out, "help version --help --version") : status;
}

static enum vb_status write_option_flags(struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_append_text(out, "--config --help");
    for (size_t i = 0; i < vb_option_count && status == VB_OK; i++) {
        status = vb_buffer_append_byte(out, ' ');
        if (status == VB_OK)
            status = vb_option_flag(out, &vb_option_table[i]);
        if (status == VB_OK && vb_option_table[i].secret) {
            status = vb_buffer_append_byte(out, ' ');
            if (status == VB_OK)
                status = vb_option_flag(out, &vb_option_table[i]);
            if (status == VB_OK)
                status = vb_buffer_append_text(out, "-file");
        }
    }
    return status;
}

/* --- bash and zsh share one table, as case branches; zsh knows the words of bash's case --- */

/* `"key create") flags="--workspace ..." ;;` */
static enum vb_status write_command_flags(struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < vb_command_count && status == VB_OK; i++) {
        const struct vb_command *command = &vb_commands[i];
        status = vb_buffer_printf(out, "        \"%s\") flags=\"", command->name);
        for (size_t f = 0; command->flags[f].name && status == VB_OK; f++)
            status = vb_buffer_printf(out, "%s--%s", f > 0 ? " " : "", command->flags[f].name);
        if (status == VB_OK)
            status = vb_buffer_append_text(out, "\" ;;\n");
    }
    return status;
}

/* What a flag of a command takes: its words, a file, or something that cannot be guessed. A switch
 * takes nothing, so it has no branch. */
static enum vb_status write_flag_values(struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < vb_command_count && status == VB_OK; i++)
        for (size_t f = 0; vb_commands[i].flags[f].name && status == VB_OK; f++) {
            const struct vb_flag *flag = &vb_commands[i].flags[f];
            if (!flag->argument)
                continue;
            bool is_file = strcmp(flag->argument, "FILE") == 0;
            status = vb_buffer_printf(out, "        \"%s --%s\") values=\"%s\" ;;\n",
                                      vb_commands[i].name, flag->name,
                                      is_file       ? "FILE"
                                      : flag->words ? flag->words
                                                    : "NOTHING");
        }
    return status;
}

static enum vb_status write_words(struct vb_buffer *out, const char *const *words)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; words[i] && status == VB_OK; i++)
        status = vb_buffer_printf(out, "%s%s", i > 0 ? " " : "", words[i]);
    return status;
}

static enum vb_status write_option_values(struct vb_buffer *out)
{
    enum vb_status status =
        vb_buffer_append_text(out, "        *\" --config\"|*-file) values=\"FILE\" ;;\n");
    for (size_t i = 0; i < vb_option_count && status == VB_OK; i++) {
        const struct vb_option *option = &vb_option_table[i];
        const char *const *words = vb_option_words(option);
        status = vb_buffer_append_text(out, "        *\" ");
        if (status == VB_OK)
            status = vb_option_flag(out, option);
        if (status == VB_OK)
            status = vb_buffer_append_text(out, "\") values=\"");
        if (status == VB_OK)
            status =
                words ? write_words(out, words)
                      : vb_buffer_append_text(out, vb_option_is_path(option) ? "FILE" : "NOTHING");
        if (status == VB_OK)
            status = vb_buffer_append_text(out, "\" ;;\n");
    }
    return status;
}

static enum vb_status write_groups(struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    size_t length;
    for (size_t i = 0; i < vb_command_count && status == VB_OK; i++) {
        if (!vb_manual_begins_group(i, &length))
            continue;
        const char *group = vb_commands[i].name;
        status = vb_buffer_printf(out, "        %.*s) seconds=\"", (int)length, group);
        for (size_t j = i; j < vb_command_count && status == VB_OK; j++)
            if (is_in_group(vb_commands[j].name, group, length))
                status = vb_buffer_printf(out, "%s%s", j > i ? " " : "",
                                          vb_commands[j].name + length + 1);
        if (status == VB_OK)
            status = vb_buffer_append_text(out, "\" ;;\n");
    }
    return status;
}

/* The body of both functions: from `words` (the line without the program) and `current` it makes
 * `wanted`, words to choose from, or FILE. */
static enum vb_status write_choice(struct vb_buffer *out)
{
    static const char by_place[] = "    esac\n"
                                   "    if [[ $count -eq 0 ]]; then\n"
                                   "        wanted=$firsts\n"
                                   "        return\n"
                                   "    fi\n"
                                   "    if [[ -n $seconds && $count -eq 1 ]]; then\n"
                                   "        wanted=$seconds\n"
                                   "        return\n"
                                   "    fi\n"
                                   "    [[ -n $seconds ]] && name=\"$first $second\"\n"
                                   "    case \"$name $previous\" in\n";
    enum vb_status status =
        vb_buffer_append_text(out, "    local name=$first seconds= flags= values= firsts=\"");
    if (status == VB_OK)
        status = write_first_words(out);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "\"\n    case \"$first\" in\n");
    if (status == VB_OK)
        status = write_groups(out);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, by_place);
    if (status == VB_OK)
        status = write_flag_values(out);
    if (status == VB_OK)
        status = write_option_values(out);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "    esac\n    if [[ -n $values ]]; then\n"
                                            "        wanted=$values\n        return\n    fi\n"
                                            "    case \"$name\" in\n");
    if (status == VB_OK)
        status = write_command_flags(out);
    if (status == VB_OK)
        status = vb_buffer_append_text(out, "    esac\n    wanted=\"$flags ");
    if (status == VB_OK)
        status = write_option_flags(out);
    return status == VB_OK ? vb_buffer_append_text(out, "\"\n}\n\n") : status;
}

static enum vb_status write_script(struct vb_buffer *out, const char *before, const char *after)
{
    enum vb_status status = vb_buffer_append_text(out, before);
    if (status == VB_OK)
        status = write_choice(out);
    return status == VB_OK ? vb_buffer_append_text(out, after) : status;
}

enum vb_status vb_manual_bash(struct vb_buffer *out)
{
    static const char before[] =
        "# Completion of verbatim for bash; made by `verbatim manual bash`.\n"
        "_verbatim_wanted()\n{\n";
    static const char after[] =
        "_verbatim()\n{\n"
        "    local wanted= current=${COMP_WORDS[COMP_CWORD]}\n"
        "    local previous=${COMP_WORDS[COMP_CWORD-1]} count=$((COMP_CWORD - 1))\n"
        "    local first=${COMP_WORDS[1]} second=${COMP_WORDS[2]}\n"
        "    _verbatim_wanted\n"
        "    COMPREPLY=()\n"
        "    if [[ $wanted == FILE ]]; then\n"
        "        compopt -o filenames 2>/dev/null\n"
        "        COMPREPLY=($(compgen -f -- \"$current\"))\n"
        "    elif [[ $wanted != NOTHING ]]; then\n"
        "        COMPREPLY=($(compgen -W \"$wanted\" -- \"$current\"))\n"
        "    fi\n"
        "}\n"
        "complete -F _verbatim verbatim\n";
    return write_script(out, before, after);
}

enum vb_status vb_manual_zsh(struct vb_buffer *out)
{
    static const char before[] =
        "#compdef verbatim\n# Completion of verbatim for zsh; made by `verbatim manual zsh`.\n"
        "_verbatim_wanted() {\n";
    static const char after[] =
        "_verbatim() {\n"
        "    local wanted= current=${words[CURRENT]} previous=${words[CURRENT-1]}\n"
        "    local count=$((CURRENT - 2)) first=${words[2]} second=${words[3]}\n"
        "    _verbatim_wanted\n"
        "    if [[ $wanted == FILE ]]; then\n"
        "        _files\n"
        "    elif [[ $wanted != NOTHING ]]; then\n"
        "        compadd -- ${=wanted}\n"
        "    fi\n"
        "}\n\n"
        /* The file itself is what zsh loads as the function of this name, at its first use. */
        "if [[ ${funcstack[1]} == _verbatim ]]; then\n"
        "    _verbatim \"$@\"\n"
        "else\n"
        "    compdef _verbatim verbatim\n"
        "fi\n";
    return write_script(out, before, after);
}
