/* The table of commands, their command lines and their help. Owns the options of a parsed line; no
 * threads.
 *
 * A command's own flags are taken out of the line first; what remains is given to the options as if
 * it were all of the line, so every command takes every option and none has a parser of its own. A
 * flag that is nobody's is refused there. A command's flag hides an option of the same name.
 */
#include "command.h"

#include "verbatim/s3_signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one command whose work is a library's. */
static enum vb_status sign(const struct vb_arguments *arguments, struct vb_error *err)
{
    (void)arguments;
    return vb_s3_sign_command(stdin, stdout, err);
}

/* Of every command that lists or shows. */
#define JSON_FLAG                                                                                  \
    {                                                                                              \
        "json", NULL, "prints JSON, for programs"                                                  \
    }

/* In the order of the help. Flags are told apart by their position, for which each command's file
 * has an enum; both change together. */
const struct vb_command vb_commands[] = {
    {"serve", NULL, "API and workers in one process; --workers 0 for the API alone",
     .is_service = true, .run = vb_command_serve},
    {"worker", NULL, "workers alone", .is_service = true, .run = vb_command_worker},
    {"migrate", NULL, "creates or upgrades the schema verbatim; may be started by many at once",
     .run = vb_command_migrate},
    {"retire-shared-roles", NULL,
     "takes away the rights of verbatim_api and verbatim_worker, which earlier versions used in "
     "every database",
     .run = vb_command_retire_shared_roles},
    {"demo-data",
     NULL,
     "creates the schema chat with conversations for trying things out, the same for the same seed",
     {{"conversations", "N", "how many (2000)"},
      {"messages-per-conversation", "M", "on average (12)"},
      {"seed", "S", "another seed gives other conversations (1)"},
      {"everything", NULL,
       "also what few platforms have: edits, deletions, replies, reactions, participants"}},
     .run = vb_command_demo_data},
    {"workspace set",
     "ID",
     "creates or changes a workspace; what is not given stays as it is",
     {{"name", "TEXT", "for people"},
      {"time-zone", "ZONE", "IANA name; dates of exports are days there (UTC)"},
      {"source-id", "X", "its id in the platform, when that is not ID"},
      {"csv-profile", "P", "safe, excel or raw (safe)", .words = "safe excel raw"},
      {"delimiter", "D", "of CSV files: a comma, a semicolon or tab (,)", .words = "tab"},
      {"csv-quote", "Q", "minimal, or all: every text cell (minimal)", .words = "minimal all"},
      {"byte-order-mark", "B", "of CSV files: on, off, or profile: that of excel has one (profile)",
       .words = "on off profile"},
      {"max-running", "N", "jobs at a time, instead of the option max_running"},
      {"retention", "SPAN", "how long archives are kept, instead of the option retention"},
      {"link-ttl", "SPAN", "how long links live, instead of the option link_ttl"},
      {"brand-name", "TEXT", "at the top of transcripts (PDF), and their author"},
      {"brand-color", "COLOR", "of transcripts, such as #2b4c7e"},
      {"brand-logo", "FILE", "a PNG or SVG of at most 1 MiB and 4000 x 4000 pixels"},
      {"brand-footer", "TEXT", "at the foot of each page; empty takes away, here as above"}},
     .run = vb_command_workspace_set},
    {"workspace list",
     NULL,
     "lists the workspaces with their keys and exports",
     {JSON_FLAG},
     .run = vb_command_workspace_list},
    {"workspace show",
     "ID",
     "tells all of a workspace",
     {JSON_FLAG},
     .run = vb_command_workspace_show},
    {"workspace delete",
     "ID",
     "deletes a workspace with its keys, exports and files, but for the audit; asks first",
     {{"yes", NULL, "does not ask"}},
     .run = vb_command_workspace_delete},
    {"key create",
     NULL,
     "prints a new API key, once; only its hash is stored",
     {{"workspace", "ID", "the workspace it opens; required"},
      {"name", "TEXT", "for people"},
      {"scope", "S", "workspace-events-notification (default) or metrics", .repeats = true,
       .words = "workspace-events-notification metrics"},
      {"role", "ROLE", "owner (default), admin, editor or viewer",
       .words = "owner admin editor viewer"},
      {"user", "EMAIL", "who uses it: the author of its exports"},
      {"audience", "TAG", "an editor sees only conversations with one of these", .repeats = true}},
     .run = vb_command_key_create},
    {"key list",
     NULL,
     "lists the keys of a workspace: id, name, scopes, created, last used, revoked, role, user, "
     "audience",
     {{"workspace", "ID", "the workspace; required"}, JSON_FLAG},
     .run = vb_command_key_list},
    {"key revoke", "KEY_ID", "revokes a key at once in every process",
     .run = vb_command_key_revoke},
    {"jobs list",
     NULL,
     "lists exports, the newest first",
     {{"workspace", "ID", "of this workspace alone"},
      {"status", "S", "queued, started, finished, failed or cancelled", .repeats = true,
       .words = "queued started finished failed cancelled"},
      {"limit", "N", "at most so many (20)"},
      JSON_FLAG},
     .run = vb_command_jobs_list},
    {"jobs show",
     "JOB_ID",
     "tells all of an export, what it asks for and how far it is",
     {JSON_FLAG},
     .run = vb_command_jobs_show},
    {"jobs cancel", "JOB_ID", "cancels an export that has not ended",
     .run = vb_command_jobs_cancel},
    {"jobs retry", "JOB_ID",
     "orders an export anew that failed or was cancelled; prints the new id",
     .run = vb_command_jobs_retry},
    {"mail list",
     NULL,
     "lists mails that were not sent, the newest first",
     {{"workspace", "ID", "of this workspace alone"},
      {"state", "S", "waiting, unconfirmed (may have arrived), failed or sent", .repeats = true},
      {"limit", "N", "at most so many (100)"},
      JSON_FLAG},
     .run = vb_command_mail_list},
    {"mail resend",
     "JOB_ID|all",
     "has the mail of an export sent again, or all that were not sent, at once",
     {{"workspace", "ID", "of this workspace alone"},
      {"state", "S", "waiting, unconfirmed (may have arrived) or failed", .repeats = true},
      JSON_FLAG},
     .run = vb_command_mail_resend},
    {"export",
     NULL,
     "orders the conversations of a channel; prints the job's id, with --wait its link",
     {{"workspace", "ID", "the workspace; required"},
      {"channel", "C", "the channel's id, or its phone number with the plus; required"},
      {"from", "D", "the first day, YYYY-MM-DD, or an instant with its offset; required"},
      {"to", "D", "the last day, inclusive, or an instant, exclusive; required"},
      {"activity", NULL, "the range is one of messages: see `activity` of the filter"},
      {"format", "F", "csv (default), json, ndjson, html, pdf or xlsx",
       .words = "csv json ndjson html pdf xlsx"},
      {"output", "FILE", "waits, and writes the file there once it is whole"},
      {"wait", NULL, "waits until it has ended, with progress on standard error"},
      JSON_FLAG},
     .run = vb_command_export},
    {"status",
     NULL,
     "tells processes, queue, mails, storage and the version of the schema",
     {JSON_FLAG},
     .run = vb_command_status},
    {"doctor",
     NULL,
     "checks database, source, storage, public link and mail; a line each, exit 1 if any failed",
     {{"mail-to", "ADDRESS", "also sends one mail there"},
      {"json", NULL, "a line each, but as JSON"}},
     .run = vb_command_doctor},
    {"healthcheck",
     NULL,
     "exit 0 if the process lives that listens at `listen` of this machine, for containers",
     {{"url", "URL", "another address to ask, such as http://HOST/readyz"}},
     .run = vb_command_healthcheck},
    {"prune", NULL,
     "deletes exports, row and file, whose retention has run out; the janitor does so daily",
     .run = vb_command_prune},
    {"verify",
     "FILE",
     "checks an archive or file of an export offline: every checksum, name and content; exit 1 if "
     "it has faults",
     {JSON_FLAG,
      {"manifest", NULL, "also compares its entries with its manifest, which it has to have"},
      {"key", "FILE", "likewise, and the manifest has to be signed by this public key"}},
     .run = vb_command_verify},
    {"config check",
     NULL,
     "tells every mistake in the configuration, a line each; looks at no server",
     {{"role", "ROLE", "serve (default) or worker: who is to be started with it",
       .words = "serve worker"},
      JSON_FLAG},
     .reads_options = true,
     .run = vb_command_config_check},
    {"config show",
     NULL,
     "tells the value of each option and where it comes from; secrets are masked",
     {{"changed", NULL, "only what is not the default"}, JSON_FLAG},
     .reads_options = true,
     .run = vb_command_config_show},
    {"manifest key",
     NULL,
     "prints the public key that manifests are signed by, for verify --key and openssl; makes the "
     "first",
     {{"new", NULL, "makes another, which signs from here on"}},
     .run = vb_command_manifest_key},
    {"manifest keys",
     NULL,
     "lists all public keys of manifests, the newest first",
     {JSON_FLAG},
     .run = vb_command_manifest_keys},
    {"manual", "PAGE",
     "prints verbatim.1 or verbatim.conf.5 for man(1), an example configuration (verbatim.conf), "
     "or "
     "completion for bash, zsh or fish",
     .run = vb_command_manual},
    {"s3 sign", NULL, "signs the request given as JSON on standard input; prints each step as JSON",
     .run = sign},
};
const size_t vb_command_count = sizeof vb_commands / sizeof *vb_commands;

/* How many arguments the name takes up at the start of the line; 0 if it does not stand there. The
 * words of a name are arguments of their own: "key create" in quotes is no command. */
static int words_matched(const char *name, int argc, char *const argv[])
{
    int words = 0;
    while (words < argc) {
        size_t length = strcspn(name, " ");
        if (strlen(argv[words]) != length || memcmp(argv[words], name, length) != 0)
            return 0;
        words++;
        if (name[length] == '\0')
            return words;
        name += length + 1;
    }
    return 0;
}

/* Names of two words are compared whole: `key` alone is no command. */
const struct vb_command *vb_command_find(int argc, char *const argv[], int *ret_words)
{
    for (size_t i = 0; i < vb_command_count; i++) {
        int words = words_matched(vb_commands[i].name, argc, argv);
        if (words > 0) {
            *ret_words = words;
            return &vb_commands[i];
        }
    }
    return NULL;
}

static bool is_first_word(const char *word, const char *name)
{
    size_t length = strlen(word);
    return length > 0 && strncmp(name, word, length) == 0 && name[length] == ' ';
}

enum vb_status vb_command_seconds(const char *word, struct vb_buffer *out)
{
    enum vb_status status = VB_OK;
    for (size_t i = 0; i < vb_command_count && status == VB_OK; i++)
        if (is_first_word(word, vb_commands[i].name))
            status = vb_buffer_printf(out, "%s%s", out->length > 0 ? ", " : "",
                                      strchr(vb_commands[i].name, ' ') + 1);
    return status;
}

/* Whole names only: an abbreviation would change its meaning with the next flag. */
static int find_flag(const struct vb_command *command, const char *text, size_t length)
{
    for (int i = 0; command->flags[i].name; i++)
        if (strlen(command->flags[i].name) == length &&
            memcmp(command->flags[i].name, text, length) == 0)
            return i;
    return -1;
}

/* Values are borrowed from argv, which lives as long as the process. */
static enum vb_status keep_flag(const struct vb_command *command, int flag, const char *value,
                                struct vb_arguments *arguments, struct vb_error *err)
{
    const char *name = command->flags[flag].name;
    size_t *count = &arguments->flags[flag].count;
    if (!value)
        return vb_fail(err, VB_INVALID, "flag --%s lacks a value", name);
    if (*count > 0 && !command->flags[flag].repeats)
        return vb_fail(err, VB_INVALID, "flag --%s is given twice", name);
    if (*count == VB_FLAG_VALUES)
        return vb_fail(err, VB_INVALID, "flag --%s is given more than %d times", name,
                       VB_FLAG_VALUES);
    arguments->flags[flag].values[(*count)++] = value;
    return VB_OK;
}

/* Takes out what is the command's own; what remains, options with their values, goes to `rest`,
 * which has room for all of the line. An option's value is passed over unread, so it may look like
 * a flag. */
static enum vb_status take_own(const struct vb_command *command, int argc, char *const argv[],
                               struct vb_arguments *arguments, char **rest, int *rest_count,
                               struct vb_error *err)
{
    for (int i = 0; i < argc; i++) {
        char *text = argv[i];
        if (strncmp(text, "--", 2) != 0) {
            if (!command->word || arguments->word)
                return vb_fail(err, VB_INVALID, "unexpected argument %s", text);
            arguments->word = text;
            continue;
        }
        size_t length = strcspn(text + 2, "=");
        bool has_value = text[2 + length] == '=';
        int flag = find_flag(command, text + 2, length);
        if (flag < 0) {
            rest[(*rest_count)++] = text;
            if (!has_value && i + 1 < argc)
                rest[(*rest_count)++] = argv[++i];
            continue;
        }
        bool is_switch = !command->flags[flag].argument;
        if (is_switch && has_value)
            return vb_fail(err, VB_INVALID, "flag --%s takes no value", command->flags[flag].name);
        const char *value = has_value      ? text + 2 + length + 1
                            : is_switch    ? ""
                            : i + 1 < argc ? argv[++i]
                                           : NULL;
        enum vb_status status = keep_flag(command, flag, value, arguments, err);
        if (status != VB_OK)
            return status;
    }
    if (command->word && !arguments->word)
        return vb_fail(err, VB_INVALID, "%s lacks its %s", command->name, command->word);
    return VB_OK;
}

/* On failure nothing is to be freed: the options own nothing then. */
enum vb_status vb_command_parse(const struct vb_command *command, int argc, char *const argv[],
                                char *const environment[], struct vb_arguments *ret_arguments,
                                struct vb_error *err)
{
    struct vb_arguments arguments = {.word = NULL};
    char **rest = calloc((size_t)argc + 2, sizeof *rest);
    if (!rest)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the command line");
    int rest_count = 1; /* the program's name, which nobody reads */
    enum vb_status status = take_own(command, argc, argv, &arguments, rest, &rest_count, err);
    if (status == VB_OK && !command->reads_options)
        status = vb_options_load(rest_count, rest, environment, &arguments.options, err);
    arguments.option_words = (struct vb_reload_words){rest_count, rest, environment};
    if (status == VB_OK)
        *ret_arguments = arguments;
    else
        free(rest);
    return status;
}

void vb_arguments_done(struct vb_arguments *arguments)
{
    vb_options_done(&arguments->options);
    free(arguments->option_words.words);
}

enum vb_status vb_command_overview(const char *word, struct vb_buffer *out)
{
    enum vb_status status =
        word ? vb_buffer_printf(out, "usage: verbatim %s ... [--help]\n\n", word)
             : vb_buffer_append_text(out, "usage: verbatim COMMAND [--help] ...\n\n"
                                          "Exports conversations, word for word.\n\n");
    for (size_t i = 0; i < vb_command_count && status == VB_OK; i++)
        if (!word || is_first_word(word, vb_commands[i].name))
            status =
                vb_buffer_printf(out, "  %-19s  %s\n", vb_commands[i].name, vb_commands[i].meaning);
    if (status == VB_OK)
        status = vb_buffer_append_text(
            out, "\nverbatim COMMAND --help tells all of one; verbatim serve --help lists all "
                 "options;\nverbatim --version (-V, version) tells the version.\n"
                 "Exit status: 0 done, 1 it failed, 2 wrong usage or configuration.\n");
    return status;
}

/* Made from the tables, so that help and parsing cannot disagree. */
enum vb_status vb_command_help(const struct vb_command *command, struct vb_buffer *out)
{
    enum vb_status status = vb_buffer_printf(
        out, "usage: verbatim %s%s%s [FLAG]... [OPTION]...\n\n%s\n\n", command->name,
        command->word ? " " : "", command->word ? command->word : "", command->meaning);
    for (int i = 0; command->flags[i].name && status == VB_OK; i++) {
        const struct vb_flag *flag = &command->flags[i];
        status = vb_buffer_printf(out, "  --%s%s%s%s\n      %s\n", flag->name,
                                  flag->argument ? " " : "", flag->argument ? flag->argument : "",
                                  flag->repeats ? " (may be repeated)" : "", flag->meaning);
    }
    if (status != VB_OK)
        return status;
    if (command->is_service)
        return vb_options_help(out);
    return vb_buffer_append_text(out, "The database is that of the option database_url; "
                                      "verbatim serve --help lists all options.\n");
}
