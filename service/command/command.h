/* One command of the program: its words and flags on the command line, and what it does.
 *
 * main finds the command in its table, parses the rest of the line by the command's own flags and
 * the option table, and turns the returned status into the exit status: 0 for VB_OK, 2 for
 * VB_INVALID, 1 for the rest. At most 11 flags a command and 32 values a flag.
 *
 * The table is static. Arguments are main's, which frees their options; all texts are borrowed from
 * argv or the options. Runs on the main thread. Errors are the command's; a command prints its
 * result and never its error, which main tells. Everything lives until the command has returned.
 */
#ifndef VERBATIM_COMMAND_COMMAND_H
#define VERBATIM_COMMAND_COMMAND_H

#include "database/pg.h"
#include "settings/options.h"
#include "settings/reload.h"

#define VB_COMMAND_FLAGS 14
#define VB_FLAG_VALUES 32

struct vb_flag {
    const char *name;     /* with dashes, without the leading two; NULL ends */
    const char *argument; /* as the help shows it; NULL: a switch, which takes no value */
    const char *meaning;
    bool repeats;
    const char *words; /* those that it may be, for completion, with blanks; NULL: not a few */
};

/* A parsed command line. Texts are borrowed from argv. */
struct vb_arguments {
    struct vb_options options;
    struct vb_reload_words option_words; /* what the options were made from */
    const char *word; /* the one word behind the command; NULL if it takes none */
    struct {
        const char *values[VB_FLAG_VALUES];
        size_t count;
    } flags[VB_COMMAND_FLAGS]; /* by position in the command's flags */
};

struct vb_command {
    const char *name; /* one or two words */
    const char *word; /* what the help calls the word behind it; NULL: none */
    const char *meaning;
    struct vb_flag flags[VB_COMMAND_FLAGS + 1];
    bool is_service;    /* runs on and logs; its help shows all options */
    bool reads_options; /* from option_words by itself: its `options` are empty */
    enum vb_status (*run)(const struct vb_arguments *arguments, struct vb_error *err);
};

/* All of them, in the order of the help. */
extern const struct vb_command vb_commands[];
extern const size_t vb_command_count;

/* The command that the first words of the line name, and how many words that are; NULL if none. */
const struct vb_command *vb_command_find(int argc, char *const argv[], int *ret_words);
/* Everything behind the command's name. VB_INVALID names what is wrong. */
enum vb_status vb_command_parse(const struct vb_command *command, int argc, char *const argv[],
                                char *const environment[], struct vb_arguments *ret_arguments,
                                struct vb_error *err) vb_must_check;
void vb_arguments_done(struct vb_arguments *arguments);
/* The second words of the commands whose first it is, as `key` is of several, with commas; nothing
 * where it is none's. */
enum vb_status vb_command_seconds(const char *word, struct vb_buffer *out) vb_must_check;
/* Help of all commands whose first word it is; of all where it is NULL. */
enum vb_status vb_command_overview(const char *word, struct vb_buffer *out) vb_must_check;
/* Help of one command. */
enum vb_status vb_command_help(const struct vb_command *command,
                               struct vb_buffer *out) vb_must_check;

/* --- for commands (shared.c) --- */

/* The last value of a flag, by its position in the command's own; NULL if it was not given. That of
 * a switch is empty. */
const char *vb_argument(const struct vb_arguments *arguments, size_t flag);
/* A connection under the login's own role, for those that need no schema yet. */
enum vb_status vb_command_login(const struct vb_options *options, struct vb_pg **ret_pg,
                                struct vb_error *err) vb_must_check;
/* The same for commands of operators, which work on the schema: one that is missing or older than
 * the program is VB_CONFLICT with the command to run. A newer one still takes them. */
enum vb_status vb_command_connect(const struct vb_options *options, struct vb_pg **ret_pg,
                                  struct vb_error *err) vb_must_check;
/* Adds to the error of a connection which option to look at, since libpq and servers name none;
 * `waits`: the caller asks again. Other errors stay as they are. */
void vb_command_advise(const char *option, bool waits, struct vb_error *err);
/* Prints to standard output and checks that it arrived. */
enum vb_status vb_command_print(const char *text, struct vb_error *err) vb_must_check;

/* Rules of `serve` (has_http) or `worker` beside those of the options (start.c): VB_INVALID. */
enum vb_status vb_service_check(const struct vb_options *options, bool has_http,
                                struct vb_error *err) vb_must_check;

/* The commands, each in the file of its noun. */
enum vb_status vb_command_migrate(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_retire_shared_roles(const struct vb_arguments *arguments,
                                              struct vb_error *err);
enum vb_status vb_command_demo_data(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_doctor(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_workspace_set(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_workspace_list(const struct vb_arguments *arguments,
                                         struct vb_error *err);
enum vb_status vb_command_workspace_show(const struct vb_arguments *arguments,
                                         struct vb_error *err);
enum vb_status vb_command_workspace_delete(const struct vb_arguments *arguments,
                                           struct vb_error *err);
enum vb_status vb_command_jobs_list(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_jobs_show(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_jobs_cancel(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_jobs_retry(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_mail_list(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_mail_resend(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_status(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_manual(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_config_check(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_config_show(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_export(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_key_create(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_key_list(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_key_revoke(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_healthcheck(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_prune(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_manifest_key(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_manifest_keys(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_verify(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_serve(const struct vb_arguments *arguments, struct vb_error *err);
enum vb_status vb_command_worker(const struct vb_arguments *arguments, struct vb_error *err);

#endif
