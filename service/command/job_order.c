/* Making a job from the command line, and verbatim jobs retry. See jobs.h.
 *
 * The order itself is the queue's (queue/order.h), driven by connections that wait. What a request
 * brings with its key stands here: the workspace's settings, an author, an audience. The login has
 * to be a member of the API's role, as that of the service is, since rows are made under it.
 */
#include "jobs.h"

#include "queue/order.h"
#include "queue/source_contract.h"
#include "rules/mail_address.h"
#include "verbatim/source.h"
#include "verbatim/zone.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what is wanted --- */

enum vb_status vb_jobs_parse(struct vb_view json, struct vb_specification *ret_specification,
                             struct vb_error *err)
{
    struct vb_problems *problems = calloc(1, sizeof *problems);
    if (!problems)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the specification");
    enum vb_status status = vb_specification_parse(json, ret_specification, problems);
    if (status == VB_INVALID && problems->count > 0)
        vb_fail(err, status, "%.200s%s%.300s", problems->items[0].path,
                *problems->items[0].path ? ": " : "", problems->items[0].message);
    else if (status != VB_OK)
        vb_fail(err, status, "the specification cannot be read");
    vb_problems_done(problems);
    free(problems);
    return status;
}

/* What a key would say of its workspace. `ret_row` owns the texts. */
static enum vb_status read_caller(struct vb_pg *pg, const struct vb_jobs_wish *wish,
                                  struct vb_caller *ret_caller, PGresult **ret_row,
                                  struct vb_error *err)
{
    static const char sql[] =
        "SELECT workspace_id, source_id, time_zone, csv_profile, verbatim.mail_is_sent(),"
        " delimiter, csv_quote, byte_order_mark"
        " FROM verbatim.workspace WHERE workspace_id = $1";
    enum vb_status status = vb_workspace_find(pg, wish->workspace, err);
    if (status == VB_OK)
        status = vb_pg_query(pg, sql, 1, &wish->workspace, ret_row, err);
    if (status == VB_OK && PQntuples(*ret_row) == 0)
        status = vb_fail(err, VB_NOT_FOUND, "the workspace is gone");
    if (status != VB_OK)
        return status;
    const char *mark = PQgetvalue(*ret_row, 0, 7); /* "": NULL */
    *ret_caller = (struct vb_caller){.workspace = PQgetvalue(*ret_row, 0, 0),
                                     .source_id = PQgetvalue(*ret_row, 0, 1),
                                     .time_zone = PQgetvalue(*ret_row, 0, 2),
                                     .csv_profile = PQgetvalue(*ret_row, 0, 3),
                                     .delimiter = PQgetvalue(*ret_row, 0, 5),
                                     .csv_quote = PQgetvalue(*ret_row, 0, 6),
                                     .csv_mark = *mark == 't'   ? VB_CSV_MARK_ON
                                                 : *mark == 'f' ? VB_CSV_MARK_OFF
                                                                : VB_CSV_MARK_OF_PROFILE,
                                     .author = VB_COMMAND_AUTHOR,
                                     .is_restricted = wish->is_restricted,
                                     .audience = wish->audience};
    return VB_OK;
}

/* A mail that is promised has to be one that somebody sends. */
static enum vb_status check_mail(const struct vb_options *options,
                                 const struct vb_specification *specification,
                                 const PGresult *workspace, struct vb_error *err)
{
    const char *address = specification->notification_email;
    if (address && !vb_mail_may_go_to(vb_view_of(address), options->mail_from))
        return vb_fail(err, VB_INVALID, "notification_email: value is not a valid email address");
    if (!address || options->smtp_url || strcmp(PQgetvalue(workspace, 0, 4), "t") == 0)
        return VB_OK;
    return vb_fail(err, VB_CONFLICT,
                   "notification_email: no process of this installation sends mail; set smtp_url");
}

/* --- what came of it --- */

static enum vb_status tell_unresolved(const struct vb_order *order, struct vb_error *err)
{
    const struct vb_resolution *resolution = &order->resolution;
    switch (order->resolved) {
    case VB_RESOLVED_MISSING:
        return vb_fail(err, VB_NOT_FOUND, "%s: the source has nothing of this id in the workspace",
                       resolution->member);
    case VB_RESOLVED_SEVERAL:
        return vb_fail(err, VB_CONFLICT,
                       "%zu channels have this phone number: name the channel by its id",
                       resolution->candidate_count);
    case VB_RESOLVED_CROWD:
        return vb_fail(err, VB_CONFLICT, "too many contacts share this one's address or number");
    case VB_RESOLVED:
    case VB_RESOLVED_UNSUPPORTED:
    case VB_RESOLVED_FAILED:
        break;
    }
    *err = resolution->error;
    return err->status == VB_OK ? vb_fail(err, VB_INVALID, "the source lacks what is asked for")
                                : err->status;
}

static enum vb_status tell(const struct vb_order *order, enum vb_order_state state,
                           struct vb_error *err)
{
    switch (state) {
    case VB_ORDER_MADE:
    case VB_ORDER_FOUND:
        return VB_OK;
    case VB_ORDER_ACTIVE:
        return vb_fail(err, VB_CONFLICT,
                       "an export for this channel and date range is already in progress: %s",
                       order->job_id);
    case VB_ORDER_NO_RANGE:
        return vb_fail(err, VB_INVALID, "%s: %s", order->member, order->message);
    case VB_ORDER_UNRESOLVED:
        return tell_unresolved(order, err);
    case VB_ORDER_DIFFERS: /* no idempotency key is used here */
    case VB_ORDER_ASK_MAIN:
    case VB_ORDER_ASK_SOURCE:
    case VB_ORDER_FAILED:
        break;
    }
    *err = order->error;
    return err->status == VB_OK ? vb_fail(err, VB_DATABASE, "the job cannot be made") : err->status;
}

/* --- the order --- */

static void fill(struct vb_order *order, const struct vb_jobs_wish *wish,
                 const struct vb_options *options)
{
    order->door = wish->door;
    order->one_active = wish->one_active;
    order->link_ttl = wish->link_ttl;
    order->usual_link_ttl = options->link_ttl;
    order->retention = wish->retention;
    order->kept_for = wish->kept_for;
    order->keep_most = VB_ORDER_KEPT_MOST;
    order->wanted_name = wish->wanted_name;
    order->storage = wish->storage;
}

/* The contract and the statements made from it outlive the order. */
static enum vb_status make(struct vb_order *order, const struct vb_options *options,
                           struct vb_pg *pg, struct vb_error *err)
{
    PGconn *source = NULL;
    struct vb_contract *contract = NULL;
    struct vb_pg_statement statements[VB_RESOLVE_STATEMENTS];
    enum vb_status status = vb_zone_new(order->caller.time_zone, &order->zone, err);
    if (status == VB_OK)
        status = vb_pg_connect_source(options->source_url, "verbatim command", &source, err);
    if (status == VB_OK)
        status = vb_source_contract(source, options->source_schema, options->source_time_zone,
                                    &contract, err);
    if (status == VB_OK) {
        vb_resolve_statements(contract, statements);
        order->contract = contract;
        order->source_statements = statements;
        status = tell(order, vb_order_make(order, pg, source), err);
    }
    vb_contract_free(contract);
    PQfinish(source);
    vb_zone_free(order->zone);
    return status;
}

enum vb_status vb_jobs_order(const struct vb_options *options, struct vb_pg *pg,
                             struct vb_jobs_wish *wish, char ret_job[VB_UUID_TEXT],
                             struct vb_error *err)
{
    struct vb_order *order = calloc(1, sizeof *order);
    PGresult *workspace = NULL;
    if (!order) {
        vb_specification_done(&wish->specification);
        return vb_fail(err, VB_NO_MEMORY, "no memory for the order");
    }
    vb_order_init(order);
    order->resolution.specification = wish->specification;
    wish->specification = (struct vb_specification){0};
    fill(order, wish, options);
    enum vb_status status = read_caller(pg, wish, &order->caller, &workspace, err);
    if (status == VB_OK)
        status = check_mail(options, &order->resolution.specification, workspace, err);
    if (status == VB_OK)
        status = make(order, options, pg, err);
    if (status == VB_OK)
        memcpy(ret_job, order->job_id, VB_UUID_TEXT);
    vb_order_done(order);
    free(order);
    PQclear(workspace);
    return status;
}

/* --- verbatim jobs retry --- */

enum {
    OF_WORKSPACE,
    OF_STATUS,
    OF_DOOR,
    OF_PRINTED,
    OF_STORED,
    OF_ACTIVE,
    OF_LINK_TTL,
    OF_RETENTION,
    OF_KEPT_FOR,
    OF_NAME,
    OF_RESTRICTED,
    OF_STORAGE
};

static enum vb_status read_job(struct vb_pg *pg, const char *job, PGresult **ret_row,
                               PGresult **ret_audience, struct vb_error *err)
{
    static const char sql[] =
        "SELECT workspace_id, status, door, printed, specification, active_key IS NOT NULL,"
        " (extract(epoch FROM link_ttl) * 1000000)::bigint,"
        " (extract(epoch FROM retention) * 1000000)::bigint, kept_for, wanted_name,"
        " audience IS NOT NULL, ordered_storage FROM verbatim.job WHERE job_id = $1::uuid";
    static const char tags[] = "SELECT DISTINCT tag COLLATE \"C\" FROM verbatim.job,"
                               " unnest(audience) AS tag WHERE job_id = $1::uuid ORDER BY 1";
    enum vb_status status = vb_pg_query(pg, sql, 1, &job, ret_row, err);
    if (status == VB_OK && PQntuples(*ret_row) == 0)
        return vb_jobs_missing(job, err);
    if (status != VB_OK)
        return status;
    const char *state = PQgetvalue(*ret_row, 0, OF_STATUS);
    if (strcmp(state, "failed") != 0 && strcmp(state, "cancelled") != 0)
        return vb_fail(err, VB_CONFLICT,
                       "job %s is %s: only one that failed or was cancelled is made anew", job,
                       state);
    return vb_pg_query(pg, tags, 1, &job, ret_audience, err);
}

static int64_t number_of(const PGresult *row, int column)
{
    return PQgetisnull(row, 0, column) ? 0 : strtoll(PQgetvalue(row, 0, column), NULL, 10);
}

/* As its caller wrote it, or, of a version that did not keep that, as it was stored. `tags` has
 * room for the audience. */
static enum vb_status wish_of(const PGresult *row, const PGresult *audience, const char **tags,
                              struct vb_jobs_wish *ret_wish, struct vb_error *err)
{
    const char *printed = vb_pg_value(row, 0, OF_PRINTED);
    for (int i = 0; i < PQntuples(audience); i++)
        tags[i] = PQgetvalue(audience, i, 0);
    *ret_wish =
        (struct vb_jobs_wish){.workspace = PQgetvalue(row, 0, OF_WORKSPACE),
                              .door = PQgetvalue(row, 0, OF_DOOR),
                              .one_active = *PQgetvalue(row, 0, OF_ACTIVE) == 't',
                              .link_ttl = number_of(row, OF_LINK_TTL),
                              .retention = number_of(row, OF_RETENTION),
                              .kept_for = vb_pg_value(row, 0, OF_KEPT_FOR),
                              .wanted_name = vb_pg_value(row, 0, OF_NAME),
                              .storage = vb_pg_value(row, 0, OF_STORAGE),
                              .is_restricted = *PQgetvalue(row, 0, OF_RESTRICTED) == 't',
                              .audience = {.items = tags, .count = (size_t)PQntuples(audience)}};
    if (printed)
        return vb_jobs_parse(vb_view_of(printed), &ret_wish->specification, err);
    return vb_specification_read(vb_view_of(PQgetvalue(row, 0, OF_STORED)),
                                 &ret_wish->specification, err);
}

enum vb_status vb_command_jobs_retry(const struct vb_arguments *arguments, struct vb_error *err)
{
    struct vb_pg *pg = NULL;
    PGresult *row = NULL, *audience = NULL;
    struct vb_jobs_wish wish = {0};
    const char **tags = NULL;
    char job[VB_UUID_TEXT + 1];
    enum vb_status status = vb_jobs_read_id(arguments->word, job, err);
    if (status == VB_OK)
        status = vb_command_connect(&arguments->options, &pg, err);
    if (status == VB_OK)
        status = read_job(pg, job, &row, &audience, err);
    if (status == VB_OK && !(tags = calloc((size_t)PQntuples(audience) + 1, sizeof *tags)))
        status = vb_fail(err, VB_NO_MEMORY, "no memory for the audience");
    if (status == VB_OK)
        status = wish_of(row, audience, tags, &wish, err);
    if (status == VB_OK)
        status = vb_jobs_order(&arguments->options, pg, &wish, job, err);
    if (status == VB_OK) {
        memcpy(job + strlen(job), "\n", 2);
        status = vb_command_print(job, err);
    }
    free(tags);
    PQclear(audience);
    PQclear(row);
    vb_pg_free(pg);
    return status;
}
