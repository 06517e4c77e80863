/* verbatim mail list and resend. A mail is known by its export's id; there is one of each.
 *
 * Sending it is the outboxes' work, in the processes that run: a mail that is to go again is due at
 * once, and found by one of them within seconds.
 */
#include "command.h"

#include "database/array.h"
#include "jobs.h"
#include "mail/ledger.h"
#include "output/table.h"

#include <stdio.h>
#include <string.h>

/* Positions of the commands' flags in command.c. */
enum { LIST_WORKSPACE, LIST_STATE, LIST_LIMIT, LIST_JSON };
enum { RESEND_WORKSPACE, RESEND_STATE, RESEND_JSON };
#define LIST_USUAL "100"
#define STATES_CEILING 4096

/* As a literal of an array; without any, `usual`. */
static enum vb_status read_states(const struct vb_arguments *arguments, size_t flag,
                                  const char *usual, struct vb_buffer *out, struct vb_error *err)
{
    static const char *const known[] = {"waiting", "unconfirmed", "failed", "sent"};
    const char *const *values = arguments->flags[flag].values;
    size_t count = arguments->flags[flag].count;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < sizeof known / sizeof *known && strcmp(known[at], values[i]) != 0)
            at++;
        if (at == sizeof known / sizeof *known)
            return vb_fail(err, VB_INVALID,
                           "--state \"%.40s\": must be waiting, unconfirmed, failed or sent",
                           values[i]);
    }
    enum vb_status status =
        count > 0 ? vb_pg_array_put(out, values, count) : vb_buffer_append_text(out, usual);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "no room for the states");
}

/* What was sent is asked for by its state: there is most of it, and nothing to do about it. */
enum vb_status vb_command_mail_list(const struct vb_arguments *arguments, struct vb_error *err)
{
    static const struct vb_column columns[] = {
        {.name = "job_id", .label = "job"},
        {.name = "workspace_id", .label = "workspace", .may_shrink = true},
        {.name = "recipient", .may_shrink = true},
        {.name = "state", .kind = VB_CELL_STATE},
        {.name = "attempts", .kind = VB_CELL_NUMBER},
        {.name = "created_at", .kind = VB_CELL_TIME, .label = "created"},
        {.name = "next_try_at", .kind = VB_CELL_TIME, .label = "next try"},
        {.name = "ended_at", .kind = VB_CELL_TIME, .label = "ended"},
        {.name = "last_error", .label = "error", .may_shrink = true},
    };
    const char *limit = vb_argument(arguments, LIST_LIMIT);
    const char *workspace = vb_argument(arguments, LIST_WORKSPACE);
    struct vb_pg *pg = NULL;
    PGresult *rows = NULL;
    struct vb_buffer states;
    vb_buffer_init(&states, STATES_CEILING);
    enum vb_status status = limit ? vb_jobs_check_limit(limit, err) : VB_OK;
    if (status == VB_OK)
        status = read_states(arguments, LIST_STATE, "{waiting,unconfirmed,failed}", &states, err);
    if (status == VB_OK)
        status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK && workspace)
        status = vb_workspace_find(pg, workspace, err);
    const struct vb_mail_choice choice = {.workspace = workspace, .states = states.data};
    if (status == VB_OK)
        status = vb_mail_list(pg, &choice, limit ? limit : LIST_USUAL, &rows, err);
    if (status == VB_OK)
        status = vb_rows_print(rows, columns, sizeof columns / sizeof *columns,
                               vb_argument(arguments, LIST_JSON) != NULL, err);
    PQclear(rows);
    vb_pg_free(pg);
    vb_buffer_done(&states);
    return status;
}

/* One that was named and cannot go is a failure of the command; of many it is told in its row. */
static enum vb_status judge_one(const PGresult *rows, const char *job, struct vb_error *err)
{
    if (PQntuples(rows) == 0)
        return vb_fail(err, VB_NOT_FOUND,
                       "export %s has no mail: verbatim mail list shows those that were not sent",
                       job);
    const char *outcome = PQgetvalue(rows, 0, 2);
    if (strcmp(outcome, "sent") == 0)
        return vb_fail(err, VB_CONFLICT, "the mail of export %s was sent already", job);
    if (strcmp(outcome, "busy") == 0)
        return vb_fail(err, VB_CONFLICT, "the mail of export %s is being sent now", job);
    if (strcmp(outcome, "no_link") == 0)
        return vb_fail(
            err, VB_CONFLICT,
            "the link of export %s has ended: make a new one first, in the console or by "
            "POST .../exports/%s/links",
            job, job);
    return VB_OK;
}

static enum vb_status resend(const struct vb_arguments *arguments,
                             const struct vb_mail_choice *choice, PGresult **ret_rows,
                             struct vb_error *err)
{
    struct vb_pg *pg = NULL;
    enum vb_status status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK && choice->workspace)
        status = vb_workspace_find(pg, choice->workspace, err);
    if (status == VB_OK)
        status = vb_mail_resend(pg, choice, ret_rows, err);
    vb_pg_free(pg);
    return status;
}

enum vb_status vb_command_mail_resend(const struct vb_arguments *arguments, struct vb_error *err)
{
    static const struct vb_column columns[] = {
        {.name = "job_id", .label = "job"},
        {.name = "recipient", .may_shrink = true},
        {.name = "outcome", .kind = VB_CELL_STATE},
    };
    bool all = strcmp(arguments->word, "all") == 0;
    char job[VB_UUID_TEXT];
    PGresult *rows = NULL;
    struct vb_buffer states;
    vb_buffer_init(&states, STATES_CEILING);
    enum vb_status status = all ? VB_OK : vb_jobs_read_id(arguments->word, job, err);
    if (status == VB_OK)
        status = read_states(arguments, RESEND_STATE, all ? "{waiting,unconfirmed,failed}" : "",
                             &states, err);
    const struct vb_mail_choice choice = {.job = all ? NULL : job,
                                          .workspace = vb_argument(arguments, RESEND_WORKSPACE),
                                          .states = states.length > 0 ? states.data : NULL};
    if (status == VB_OK)
        status = resend(arguments, &choice, &rows, err);
    if (status == VB_OK && !all)
        status = judge_one(rows, job, err);
    if (status == VB_OK)
        status = vb_rows_print(rows, columns, sizeof columns / sizeof *columns,
                               vb_argument(arguments, RESEND_JSON) != NULL, err);
    PQclear(rows);
    vb_buffer_done(&states);
    return status;
}
