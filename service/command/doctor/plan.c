/* Plans as EXPLAIN gives them in JSON: see command/doctor/plan.h. Owns results and documents for
 * the length of a call.
 *
 * Source: EXPLAIN's JSON format (PostgreSQL manual, EXPLAIN); names of nodes and members are the
 * server's, and a member that is missing reads as zero.
 */
#include "plan.h"

#include "database/pg.h"
#include "verbatim/json_load.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Statements of the doctor are of few conversations. */
#define SQL_CEILING (256u * 1024u)
/* SQLSTATE of a statement that was called off, also by statement_timeout. */
#define QUERY_CANCELED "57014"

/* As the reader's own sessions are set up, but for the time that it may take. Before a statement is
 * run its shape is looked at, and for that sorts are forbidden too. */
static enum vb_status begin(PGconn *source, bool run, struct vb_error *err)
{
    char sql[1024];
    enum vb_status status = VB_OK;
    int length =
        snprintf(sql, sizeof sql, "%s%sSET LOCAL statement_timeout = '" VB_PLAN_TIMEOUT "'",
                 vb_source_settings(VB_SOURCE_TRANSACTION, PQserverVersion(source)),
                 run ? "" : "SET LOCAL enable_sort = off;");
    if (length < 0 || (size_t)length >= sizeof sql)
        return vb_fail(err, VB_LIMIT, "the reader's settings are too long");
    PGresult *result = PQexec(source, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        status = vb_postgres_fail(err, source, result);
    PQclear(result);
    return status;
}

/* Walks one plan; the first trouble and the largest walk stay. */
struct look {
    PGconn *source;
    bool ordered, run;
    const char *mark; /* of a look-up; else NULL */
    struct vb_plan plan;
    double most; /* rows walked by one node */
};

/* "" for a member that is missing or no text. Borrowed from the document. */
static const char *text_of(const json_t *node, const char *name)
{
    const char *text = json_string_value(json_object_get(node, name));
    return text ? text : "";
}

/* 0 where it is missing: a plan that was not run has no actual rows. */
static double number_of(const json_t *node, const char *name)
{
    return json_number_value(json_object_get(node, name));
}

/* Cut off where it is longer: it is for reading only. */
static void name_relation(const json_t *node, char name[160])
{
    snprintf(name, 160, "%s.%s", text_of(node, "Schema"), text_of(node, "Relation Name"));
}

/* By the statistics; a table that has none yet is judged by its size. $1 schema,
 * $2 relation. */
static bool is_large(PGconn *source, const json_t *node)
{
    /* clang-format off */
    static const char sql[] =
        "SELECT coalesce((SELECT CASE WHEN c.reltuples >= 0 THEN c.reltuples"
        " ELSE pg_catalog.pg_relation_size(c.oid) / 100 END"
        " FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = $1"
        " AND c.relname = $2), 0)";
    /* clang-format on */
    const char *const values[] = {text_of(node, "Schema"), text_of(node, "Relation Name")};
    PGresult *result = PQexecParams(source, sql, 2, NULL, values, NULL, NULL, 0);
    double rows =
        PQresultStatus(result) == PGRES_TUPLES_OK ? strtod(PQgetvalue(result, 0, 0), NULL) : 0;
    PQclear(result);
    return rows >= VB_PLAN_LARGE;
}

/* An incremental sort too: its order comes from no index alone. */
static bool is_sort(const char *type)
{
    return strcmp(type, "Sort") == 0 || strcmp(type, "Incremental Sort") == 0;
}

/* The first trouble is the one nearest to the top, and the one that is told. */
static void look_at_shape(struct look *look, const json_t *node)
{
    const char *type = text_of(node, "Node Type");
    bool is_scan = strcmp(type, "Seq Scan") == 0;
    look->plan.reads_all |= is_scan;
    if (look->plan.verdict != VB_PLAN_GOOD)
        return;
    if (is_scan && is_large(look->source, node)) {
        look->plan.verdict = VB_PLAN_SCANS;
        name_relation(node, look->plan.relation);
    } else if (look->mark && !is_scan && strstr(text_of(node, "Filter"), look->mark)) {
        look->plan.verdict = VB_PLAN_FILTERS;
        name_relation(node, look->plan.relation);
    } else if (look->ordered && is_sort(type)) {
        look->plan.verdict = VB_PLAN_SORTS;
    }
}

/* Numbers of a node are averages over its loops. Reading a small table from end to end is what a
 * planner rightly does, and ends by itself once the table has grown. */
static void count_walked(struct look *look, const json_t *node)
{
    if (!json_object_get(node, "Relation Name"))
        return;
    if (strcmp(text_of(node, "Node Type"), "Seq Scan") == 0 && !is_large(look->source, node))
        return;
    double walked = (number_of(node, "Actual Rows") + number_of(node, "Rows Removed by Filter") +
                     number_of(node, "Rows Removed by Index Recheck")) *
                    number_of(node, "Actual Loops");
    look->plan.walked += walked;
    if (walked > look->most) {
        look->most = walked;
        name_relation(node, look->plan.relation);
    }
}

/* Plans nest as deep as views do; the server's own stack bounds that. */
static void visit(struct look *look, const json_t *node)
{
    size_t index;
    const json_t *child;
    if (look->run)
        count_walked(look, node);
    else
        look_at_shape(look, node);
    json_array_foreach(json_object_get(node, "Plans"), index, child) visit(look, child);
}

/* The document is read whole and freed before the call returns; names are copied into the plan. */
static enum vb_status read_plan(struct look *look, const char *text, struct vb_error *err)
{
    json_t *document = NULL;
    if (vb_json_load(vb_view_of(text), 0, &document, err) == VB_NO_MEMORY)
        return VB_NO_MEMORY;
    const json_t *top = json_object_get(json_array_get(document, 0), "Plan");
    if (!json_is_object(top)) {
        json_decref(document);
        return vb_fail(err, VB_DATABASE, "the server's EXPLAIN gives no plan that can be read");
    }
    look->plan.rows = number_of(top, "Actual Rows") * number_of(top, "Actual Loops");
    visit(look, top);
    json_decref(document);
    return VB_OK;
}

/* Parameters as text, as the reader's own statements have them. */
static enum vb_status explain(struct look *look, const struct vb_source_query *query,
                              PGresult **ret_result, struct vb_error *err)
{
    struct vb_buffer sql;
    vb_buffer_init(&sql, SQL_CEILING);
    enum vb_status status = vb_buffer_printf(&sql, "EXPLAIN (%sVERBOSE, FORMAT JSON) ",
                                             look->run ? "ANALYZE, TIMING OFF, " : "");
    if (status == VB_OK)
        status = vb_buffer_append_text(&sql, query->sql);
    if (status == VB_OK)
        *ret_result =
            PQexecParams(look->source, sql.data, query->count, NULL, query->values, NULL, NULL, 0);
    vb_buffer_done(&sql);
    return status == VB_OK ? VB_OK : vb_fail(err, status, "the statement is too long to explain");
}

/* Out of time is a verdict of the second look; of the first it is a failure, since nothing was
 * run. */
static enum vb_status judge(struct look *look, const PGresult *result, struct vb_error *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        return read_plan(look, PQgetvalue(result, 0, 0), err);
    if (!look->run || !state || strcmp(state, QUERY_CANCELED) != 0)
        return vb_postgres_fail(err, look->source, result);
    look->plan.verdict = VB_PLAN_LATE;
    return VB_OK;
}

/* In a transaction of its own, which ends without a trace whatever became of it. */
static enum vb_status look_once(struct look *look, const struct vb_source_query *query,
                                struct vb_error *err)
{
    PGresult *result = NULL;
    enum vb_status status = begin(look->source, look->run, err);
    if (status == VB_OK)
        status = explain(look, query, &result, err);
    if (status == VB_OK)
        status = judge(look, result, err);
    PQclear(result);
    PQclear(PQexec(look->source, "ROLLBACK"));
    return status;
}

static enum vb_status run_once(struct look *look, const struct vb_source_query *query,
                               struct vb_error *err)
{
    look->run = true;
    enum vb_status status = look_once(look, query, err);
    double enough = VB_PLAN_WALKED_FACTOR * look->plan.rows;
    if (look->plan.walked > VB_PLAN_WALKED_LEAST && look->plan.walked > enough)
        look->plan.verdict = VB_PLAN_WALKS;
    return status;
}

/* The second look only where the first found nothing: it costs as much as an export's page. */
enum vb_status vb_plan_look(PGconn *source, const struct vb_source_query *query, bool ordered,
                            struct vb_plan *ret_plan, struct vb_error *err)
{
    struct look look = {.source = source, .ordered = ordered};
    enum vb_status status = look_once(&look, query, err);
    if (status == VB_OK && look.plan.verdict == VB_PLAN_GOOD)
        status = run_once(&look, query, err);
    if (status == VB_OK)
        *ret_plan = look.plan;
    return status;
}

enum vb_status vb_plan_run(PGconn *source, const struct vb_source_query *query,
                           struct vb_plan *ret_plan, struct vb_error *err)
{
    struct look look = {.source = source};
    enum vb_status status = run_once(&look, query, err);
    if (status == VB_OK)
        *ret_plan = look.plan;
    return status;
}

/* Never run: the ids are nobody's, so a run would walk nothing and prove nothing. */
enum vb_status vb_plan_lookup(PGconn *source, const struct vb_source_query *query, const char *mark,
                              struct vb_plan *ret_plan, struct vb_error *err)
{
    struct look look = {.source = source, .mark = mark};
    enum vb_status status = look_once(&look, query, err);
    if (status == VB_OK)
        *ret_plan = look.plan;
    return status;
}
