/* verbatim config check and show. They read the options themselves, as every command does, and
 * look at nothing else: no database, no store.
 *
 * A check tells every mistake, a line each, where other commands end at the first. What only
 * `serve` or `worker` refuses at its start is asked of the same function as there.
 */
#include "command.h"

#include "http/tls.h"
#include "output/table.h"
#include "settings/options_table.h"
#include "storage/storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Positions of the commands' flags in command.c. */
enum { CHECK_ROLE, CHECK_JSON };
enum { SHOW_CHANGED, SHOW_JSON };
#define VALUE_CEILING 65536

/* --- check --- */

static const struct vb_column mistake_columns[] = {{.name = "mistake"}};

static void note(void *context, const struct vb_error *mistake)
{
    struct vb_table *table = context;
    const char *const cells[] = {mistake->text};
    if (vb_table_add(table, cells) != VB_OK)
        fprintf(stderr, "verbatim: %s\n", mistake->text);
}

static enum vb_status check_tls(const struct vb_options *options, struct vb_error *err)
{
    const struct vb_tls_files files = {options->tls_cert_file, options->tls_key_file,
                                       options->tls_client_ca_file};
    int64_t ends = 0;
    /* One without the other is a mistake between options, which was told. */
    return files.certificate && files.key ? vb_tls_check(&files, &ends, err) : VB_OK;
}

/* What the role itself demands: of TLS its files, and a directory for archives. */
static void check_role(const struct vb_options *options, bool has_http,
                       struct vb_options_report *report)
{
    struct vb_error err;
    if (vb_service_check(options, has_http, &err) != VB_OK) {
        report->mistakes++;
        report->tell(report->context, &err);
    }
    if (has_http && check_tls(options, &err) != VB_OK) {
        report->mistakes++;
        report->tell(report->context, &err);
    }
    if (vb_storage_check_folder(options, &err) != VB_OK) {
        report->mistakes++;
        report->tell(report->context, &err);
    }
}

static enum vb_status tell(const struct vb_table *mistakes, bool as_json, struct vb_error *err)
{
    const struct vb_look look = {.as_json = true};
    struct vb_buffer text;
    vb_buffer_init(&text, 1u << 20);
    enum vb_status status = VB_OK;
    if (as_json)
        status = vb_table_render(mistakes, &look, &text);
    else if (mistakes->row_count == 0)
        status = vb_buffer_append_text(&text, "ok\n");
    for (size_t row = 0; !as_json && row < mistakes->row_count && status == VB_OK; row++)
        status = vb_buffer_printf(&text, "%s\n", vb_table_cell(mistakes, row, 0));
    status = status == VB_OK ? vb_command_print(text.data, err)
                             : vb_fail(err, status, "no room for the mistakes");
    vb_buffer_done(&text);
    return status;
}

static enum vb_status role_of(const struct vb_arguments *arguments, bool *ret_has_http,
                              struct vb_error *err)
{
    const char *role = vb_argument(arguments, CHECK_ROLE);
    *ret_has_http = !role || strcmp(role, "serve") == 0;
    if (*ret_has_http || strcmp(role, "worker") == 0)
        return VB_OK;
    return vb_fail(err, VB_INVALID, "--role \"%.40s\": must be serve or worker", role);
}

enum vb_status vb_command_config_check(const struct vb_arguments *arguments, struct vb_error *err)
{
    const struct vb_reload_words *words = &arguments->option_words;
    struct vb_table mistakes;
    struct vb_options options = {0};
    bool has_http = true;
    vb_table_init(&mistakes, mistake_columns, 1);
    struct vb_options_report report = {.tell = note, .context = &mistakes};
    enum vb_status status = role_of(arguments, &has_http, err);
    if (status == VB_OK)
        status = vb_options_load_told(words->count, words->words, words->environment, &report,
                                      &options, err);
    if (status == VB_OK && report.mistakes == 0)
        check_role(&options, has_http, &report);
    if (status == VB_OK)
        status = tell(&mistakes, vb_argument(arguments, CHECK_JSON) != NULL, err);
    if (status == VB_OK && report.mistakes > 0)
        status = vb_fail(err, VB_INVALID, "%zu mistake%s", report.mistakes,
                         report.mistakes == 1 ? "" : "s");
    vb_options_done(&options);
    vb_table_done(&mistakes);
    return status;
}

/* --- show --- */

static const struct vb_column option_columns[] = {
    {.name = "option"},
    {.name = "value", .may_shrink = true},
    {.name = "source", .may_shrink = true},
};

/* Backquotes are for pages. */
static enum vb_status write_plain(struct vb_buffer *out, const char *words)
{
    enum vb_status status = vb_buffer_append_text(out, "default: ");
    for (; *words && status == VB_OK; words++)
        if (*words != '`')
            status = vb_buffer_append_byte(out, *words);
    return status;
}

/* A default that hangs on others is told as such. */
static enum vb_status add_option(const struct vb_option *option, const struct vb_options *options,
                                 const char *origin, struct vb_table *table)
{
    struct vb_buffer value, source;
    bool is_set = false;
    vb_buffer_init(&value, VALUE_CEILING);
    vb_buffer_init(&source, VALUE_CEILING);
    enum vb_status status = vb_option_show(option, options, &value, &is_set);
    if (status == VB_OK && *origin)
        status = vb_buffer_append_text(&source, origin);
    else if (status == VB_OK && option->default_value)
        status = vb_buffer_append_text(&source, "default");
    else if (status == VB_OK)
        status = write_plain(&source, option->default_words);
    const char *const cells[] = {option->name,
                                 !is_set      ? NULL
                                 : value.data ? value.data
                                              : "",
                                 source.data};
    if (status == VB_OK)
        status = vb_table_add(table, cells);
    vb_buffer_done(&source);
    vb_buffer_done(&value);
    return status;
}

enum vb_status vb_command_config_show(const struct vb_arguments *arguments, struct vb_error *err)
{
    const struct vb_reload_words *words = &arguments->option_words;
    bool changed_only = vb_argument(arguments, SHOW_CHANGED) != NULL;
    struct vb_options options = {0};
    struct vb_table table;
    struct vb_options_report report = {.origins = calloc(vb_option_count, VB_ORIGIN_SIZE)};
    if (!report.origins)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the options");
    vb_table_init(&table, option_columns, sizeof option_columns / sizeof *option_columns);
    enum vb_status status = vb_options_load_told(words->count, words->words, words->environment,
                                                 &report, &options, err);
    bool is_loaded = status == VB_OK;
    for (size_t i = 0; i < vb_option_count && status == VB_OK; i++)
        if (!changed_only || *report.origins[i])
            status = add_option(&vb_option_table[i], &options, report.origins[i], &table);
    if (is_loaded && status != VB_OK)
        vb_fail(err, status, "no memory for the options");
    if (status == VB_OK)
        status = vb_table_print(&table, vb_argument(arguments, SHOW_JSON) != NULL, err);
    vb_table_done(&table);
    vb_options_done(&options);
    free(report.origins);
    return status;
}
