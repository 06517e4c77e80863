/* Collecting what was given: see collect.h. Opens the configuration and secret files only. */
#include "collect.h"

#include "verbatim/file_read.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "VERBATIM_"

enum vb_status vb_collect_settle(struct vb_collection *all, enum vb_status status,
                                 const struct vb_error *err)
{
    if (status != VB_INVALID || !all->report || !all->report->tell)
        return status;
    all->report->mistakes++;
    all->report->tell(all->report->context, err);
    return VB_OK;
}

/* Position of the option `name`, whose dashes may be underscores and which may end in _file where
 * the option is a secret; -1 if there is none. */
static int find_option(struct vb_view name, char separator, bool *ret_is_path)
{
    for (size_t i = 0; i < vb_option_count; i++) {
        const struct vb_option *option = &vb_option_table[i];
        size_t length = strlen(option->name), at = 0;
        if (name.length < length)
            continue;
        while (at < length && (name.data[at] == option->name[at] ||
                               (option->name[at] == '_' && name.data[at] == separator)))
            at++;
        if (at < length)
            continue;
        struct vb_view tail = {name.data + length, name.length - length};
        bool is_path = option->secret && tail.length == 5 && tail.data[0] == separator &&
                       memcmp(tail.data + 1, "file", 4) == 0;
        if (tail.length == 0 || is_path) {
            *ret_is_path = is_path;
            return (int)i;
        }
    }
    return -1;
}

/* What wins is kept; the same source twice is a mistake, since the order would decide. */
static enum vb_status keep(struct vb_collection *all, int index, enum vb_given_by source,
                           bool is_path, struct vb_view value, const char *origin,
                           struct vb_error *err)
{
    struct vb_given *given = &all->given[index];
    if (given->source > source)
        return VB_OK;
    if (given->source == source)
        return vb_fail(err, VB_INVALID, "option %s is given twice: %s and %s",
                       vb_option_table[index].name, given->origin, origin);
    if (value.length == 0 || memchr(value.data, '\0', value.length))
        return vb_fail(err, VB_INVALID, "%s is empty: option %s must be %s", origin,
                       vb_option_table[index].name, vb_option_table[index].allowed);
    char *text = strndup(value.data, value.length);
    if (!text)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the options");
    *given = (struct vb_given){.text = text, .is_path = is_path, .source = source};
    snprintf(given->origin, sizeof given->origin, "%s", origin);
    return VB_OK;
}

/* The file is no option of the table: it cannot be named in itself. */
static enum vb_status keep_config(struct vb_collection *all, struct vb_view path,
                                  struct vb_error *err)
{
    if (all->config)
        return vb_fail(err, VB_INVALID, "--config is given twice");
    if (path.length == 0)
        return vb_fail(err, VB_INVALID, "--config must name a file");
    all->config = strndup(path.data, path.length);
    return all->config ? VB_OK : vb_fail(err, VB_NO_MEMORY, "no memory for the options");
}

/* Before the variables: --config overrides VERBATIM_CONFIG. */
static enum vb_status collect_flags(struct vb_collection *all, int argc, char *const argv[],
                                    struct vb_error *err)
{
    for (int i = 1; i < argc; i++) {
        char origin[VB_ORIGIN_SIZE];
        const char *flag = argv[i];
        if (flag[0] != '-' || flag[1] != '-')
            return vb_fail(err, VB_INVALID, "unexpected argument %s", flag);
        struct vb_view name = {flag + 2, strcspn(flag + 2, "=")};
        /* Both `--name=value` and `--name value`. */
        const char *value = name.data[name.length] == '=' ? name.data + name.length + 1 : NULL;
        snprintf(origin, sizeof origin, "flag --%.*s", (int)name.length, name.data);
        bool is_path = false, is_config = vb_view_equals(name, VB_VIEW("config"));
        int index = is_config ? 0 : find_option(name, '-', &is_path);
        if (!value && i + 1 == argc)
            return vb_fail(err, VB_INVALID, "%s lacks a value", origin);
        if (!value)
            value = argv[++i];
        enum vb_status status =
            index < 0 ? vb_fail(err, VB_INVALID, "unknown option --%.*s; --help lists all of them",
                                (int)name.length, name.data)
            : is_config
                ? keep_config(all, vb_view_of(value), err)
                : keep(all, index, VB_GIVEN_AS_FLAG, is_path, vb_view_of(value), origin, err);
        status = vb_collect_settle(all, status, err);
        if (status != VB_OK)
            return status;
    }
    return VB_OK;
}

/* Kubernetes puts variables of each service into every container, so a service called "verbatim"
 * gives VERBATIM_PORT and VERBATIM_SERVICE_HOST. The others steer the project's own test tools. */
static bool is_foreign(struct vb_view name, const char *value)
{
    static const char *const tools[] = {"BINARY", "PRESET", "SERVERS_BIN"};
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
        if (vb_view_equals(name, vb_view_of(tools[i])))
            return true;
    char text[128];
    snprintf(text, sizeof text, "_%.*s", (int)name.length, name.data);
    if (strstr(text, "_SERVICE_HOST") || strstr(text, "_SERVICE_PORT"))
        return true;
    const char *port = strstr(text, "_PORT");
    return port && (port[5] == '\0' || (port[5] == '_' && isdigit((unsigned char)port[6]))) &&
           (strstr(value, "://") || port[5] == '_');
}

/* Lower-case form of the part behind VERBATIM_; VB_LIMIT when no option is so long, VB_INVALID for
 * a name with small letters, which would be a second spelling. */
static enum vb_status lower(struct vb_view name, char *to, size_t size)
{
    if (name.length >= size)
        return VB_LIMIT;
    for (size_t i = 0; i < name.length; i++) {
        if (islower((unsigned char)name.data[i]))
            return VB_INVALID;
        to[i] = (char)tolower((unsigned char)name.data[i]);
    }
    to[name.length] = '\0';
    return VB_OK;
}

/* An empty variable is one that is not set: that is how compose files and charts leave one out. Its
 * name is checked all the same. */
static enum vb_status collect_variable(struct vb_collection *all, const char *variable,
                                       struct vb_error *err)
{
    char option[64], origin[VB_ORIGIN_SIZE];
    struct vb_view name = {variable, strcspn(variable, "=")};
    const char *value = variable + name.length + (variable[name.length] == '=');
    struct vb_view short_name = {name.data + sizeof PREFIX - 1, name.length - (sizeof PREFIX - 1)};
    if (is_foreign(short_name, value))
        return VB_OK;
    bool is_path = false, is_config = vb_view_equals(short_name, VB_VIEW("CONFIG"));
    int index = lower(short_name, option, sizeof option) == VB_OK
                    ? find_option(vb_view_of(option), '_', &is_path)
                    : -1;
    if (index < 0 && !is_config)
        return vb_fail(err, VB_INVALID,
                       "unknown option in the variable %.*s; --help lists all of them",
                       (int)name.length, name.data);
    if (!*value)
        return VB_OK;
    if (is_config) /* a flag --config has been seen by now, and wins */
        return all->config ? VB_OK : keep_config(all, vb_view_of(value), err);
    snprintf(origin, sizeof origin, "variable %.*s", (int)name.length, name.data);
    return keep(all, index, VB_GIVEN_IN_ENVIRONMENT, is_path, vb_view_of(value), origin, err);
}

static enum vb_status collect_environment(struct vb_collection *all, char *const environment[],
                                          struct vb_error *err)
{
    for (; *environment; environment++) {
        if (strncmp(*environment, PREFIX, sizeof PREFIX - 1) != 0)
            continue;
        enum vb_status status =
            vb_collect_settle(all, collect_variable(all, *environment, err), err);
        if (status != VB_OK)
            return status;
    }
    return VB_OK;
}

/* A file that cannot be read is a mistake in what names it, like any wrong value; want of memory is
 * none. */
static enum vb_status read_file(const char *path, struct vb_buffer *out, struct vb_error *err)
{
    struct vb_error own;
    enum vb_status status = vb_file_read(path, out, &own);
    if (status == VB_OK || status == VB_NO_MEMORY)
        return status == VB_OK ? VB_OK : vb_fail(err, status, "%s", own.text);
    return vb_fail(err, VB_INVALID, "%s", own.text);
}

/* A byte order mark, which editors put there unseen, is none of the text; of UTF-16 the rest would
 * be no text of ours. */
static enum vb_status read_text(const char *path, struct vb_buffer *out, struct vb_error *err)
{
    static const char mark[] = "\xEF\xBB\xBF";
    enum vb_status status = read_file(path, out, err);
    if (status != VB_OK || out->length < 2)
        return status;
    if (memcmp(out->data, "\xFF\xFE", 2) == 0 || memcmp(out->data, "\xFE\xFF", 2) == 0)
        return vb_fail(err, VB_INVALID, "%s is UTF-16: must be saved as UTF-8", path);
    if (out->length >= 3 && memcmp(out->data, mark, 3) == 0) {
        vb_buffer_consume(out, 3);
        out->data[out->length] = '\0';
    }
    return VB_OK;
}

/* `name = value`; blank lines and lines that start with # say nothing. No quotes: the value is what
 * stands there. */
static enum vb_status collect_line(struct vb_collection *all, struct vb_view line, int number,
                                   struct vb_error *err)
{
    char origin[VB_ORIGIN_SIZE];
    bool is_path = false;
    line = vb_view_trim(line, " \t\r\n\v\f");
    if (line.length == 0 || line.data[0] == '#')
        return VB_OK;
    snprintf(origin, sizeof origin, "%.120s line %d", all->config, number);
    const char *equals = memchr(line.data, '=', line.length);
    if (!equals)
        return vb_fail(err, VB_INVALID, "%s must have the form name = value", origin);
    struct vb_view name =
        vb_view_trim((struct vb_view){line.data, (size_t)(equals - line.data)}, " \t\r\n\v\f");
    struct vb_view value =
        vb_view_trim((struct vb_view){equals + 1, line.length - (size_t)(equals - line.data) - 1},
                     " \t\r\n\v\f");
    int index = find_option(name, '_', &is_path);
    if (index < 0)
        return vb_fail(err, VB_INVALID, "unknown option %.*s in %s; --help lists all of them",
                       (int)(name.length < 100 ? name.length : 100), name.data, origin);
    return keep(all, index, VB_GIVEN_IN_FILE, is_path, value, origin, err);
}

/* Relative names are of the process's folder. The text may hold secrets and is wiped. */
static enum vb_status collect_file(struct vb_collection *all, struct vb_error *err)
{
    struct vb_buffer text;
    vb_buffer_init_secret(&text, VB_CONFIG_CEILING);
    enum vb_status status = read_text(all->config, &text, err);
    status = vb_collect_settle(all, status, err);
    const char *at = text.data, *end = text.data + text.length;
    for (int number = 1; status == VB_OK && at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline ? newline : end;
        status = vb_collect_settle(
            all, collect_line(all, (struct vb_view){at, (size_t)(line_end - at)}, number, err),
            err);
        at = line_end + 1;
    }
    vb_buffer_done(&text);
    return status;
}

/* Puts the contents of a secret's file in the place of its name. Line ends behind it go, as editors
 * and `echo` put them there; other blanks are part of the secret. */
enum vb_status vb_collect_secret(const struct vb_option *option, struct vb_given *given,
                                 struct vb_error *err)
{
    struct vb_buffer text;
    vb_buffer_init_secret(&text, VB_CONFIG_CEILING);
    enum vb_status status = read_text(given->text, &text, err);
    while (status == VB_OK && text.length > 0 &&
           (text.data[text.length - 1] == '\n' || text.data[text.length - 1] == '\r'))
        text.data[--text.length] = '\0';
    if (status == VB_OK && (text.length == 0 || strlen(text.data) != text.length))
        status = vb_fail(err, VB_INVALID, "%s is empty or no text", given->text);
    if (status == VB_OK) {
        free(given->text);
        given->text = vb_buffer_take(&text);
    } else {
        vb_fail_within(err, status, "option %s (%s)", option->name, given->origin);
    }
    vb_buffer_done(&text);
    return status;
}

/* In this order: --config as a flag has been seen when the variables come. */
enum vb_status vb_collect(struct vb_collection *all, int argc, char *const argv[],
                          char *const environment[], struct vb_error *err)
{
    enum vb_status status = collect_flags(all, argc, argv, err);
    if (status == VB_OK)
        status = collect_environment(all, environment, err);
    if (status == VB_OK && all->config)
        status = collect_file(all, err);
    return status;
}

void vb_collection_done(struct vb_collection *all)
{
    for (size_t i = 0; i < VB_OPTIONS_MOST; i++)
        free(all->given[i].text);
    free(all->config);
}
