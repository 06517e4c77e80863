/* Indexes by the expressions that EXPLAIN (VERBOSE) shows: see command/doctor/index.h.
 *
 * Source: EXPLAIN's JSON format (PostgreSQL manual, EXPLAIN): a scan has Schema, Relation Name and
 * Alias, and Output holds its expressions, with the alias before each column.
 */
#include "index.h"

#include "plan.h"
#include "verbatim/json_load.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#define TABLES_MOST 8u /* behind one relation: more are no hint any more */

/* The statements in the making: one for each table. */
struct indexes {
    PGconn *source;
    struct vb_buffer *text;
    const char *table; /* looked for, or NULL */
    unsigned count;
    bool is_found, is_broken;
};

static const char *text_of(const json_t *node, const char *name)
{
    const char *text = json_string_value(json_object_get(node, name));
    return text ? text : "";
}

static void put(struct indexes *indexes, const char *text, size_t length)
{
    if (vb_buffer_append(indexes->text, text, length) != VB_OK)
        indexes->is_broken = true;
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

/* Behind the dot: the function of a schema. */
static bool is_call(const char *at)
{
    while (is_name(*at))
        at++;
    return *at == '(';
}

/* A column of another table has another alias before it. Texts within quotes are no columns. */
static bool is_of_alias(const char *expression, const char *alias)
{
    size_t length = strlen(alias);
    bool quoted = false;
    for (const char *at = expression; *at; at++) {
        if (*at == '\'')
            quoted = !quoted;
        if (quoted || *at != '.' || isdigit((unsigned char)at[1]) || is_call(at + 1))
            continue;
        if ((size_t)(at - expression) < length || strncmp(at - length, alias, length) != 0)
            return false;
    }
    return true;
}

/* Without the alias before its columns; in brackets unless it is a column alone. */
static void put_expression(struct indexes *indexes, const char *expression, const char *alias)
{
    size_t length = strlen(alias);
    bool is_column = strncmp(expression, alias, length) == 0 && expression[length] == '.';
    for (const char *at = expression + length + 1; is_column && *at; at++)
        is_column = is_name(*at) || *at == '"';
    put(indexes, "(", is_column ? 0 : 1);
    for (const char *at = expression; *at;) {
        bool begins = at == expression || !is_name(at[-1]);
        if (begins && strncmp(at, alias, length) == 0 && at[length] == '.')
            at += length + 1;
        else
            put(indexes, at++, 1);
    }
    put(indexes, ")", is_column ? 0 : 1);
}

/* A partition's index is the business of its parent. $1 schema, $2 table. */
static void put_table(struct indexes *indexes, const json_t *scan)
{
    static const char sql[] =
        "SELECT coalesce(pg_catalog.pg_partition_root(c.oid)::regclass::text, "
        "c.oid::regclass::text)"
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = $1 AND c.relname = $2";
    const char *const values[] = {text_of(scan, "Schema"), text_of(scan, "Relation Name")};
    PGresult *result = PQexecParams(indexes->source, sql, 2, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
        put(indexes, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0));
    else
        indexes->is_broken = true;
    PQclear(result);
}

/* The statement of a table, unless it was said before: partitions are all alike. */
static void add_statement(struct indexes *indexes, const json_t *scan, const json_t *output)
{
    size_t start = indexes->text->length, index;
    const char *alias = text_of(scan, "Alias");
    const json_t *expression;
    if (start > 0)
        put(indexes, "; ", 2);
    size_t own = indexes->text->length;
    put(indexes, "CREATE INDEX ON ", strlen("CREATE INDEX ON "));
    put_table(indexes, scan);
    json_array_foreach(output, index, expression)
    {
        const char *text = json_string_value(expression);
        if (!text || !is_of_alias(text, alias)) {
            indexes->is_broken = true;
            return;
        }
        put(indexes, index > 0 ? ", " : " (", 2);
        put_expression(indexes, text, alias);
    }
    put(indexes, ")", 1);
    if (indexes->is_broken)
        return;
    const char *all = indexes->text->data;
    const char *said = start > 0 ? strstr(all, all + own) : NULL;
    if (said && said < all + own)
        indexes->text->length = start;
    else
        indexes->count++;
    indexes->text->data[indexes->text->length] = '\0';
}

/* The scan whose columns the output shows; of a join the only one that has them all. */
static const json_t *find_scan(const json_t *node, const json_t *output)
{
    size_t index;
    const json_t *child, *expression;
    if (json_object_get(node, "Relation Name")) {
        bool all = true;
        json_array_foreach(output, index, expression) all =
            all && is_of_alias(json_string_value(expression) ? json_string_value(expression) : ".",
                               text_of(node, "Alias"));
        return all ? node : NULL;
    }
    json_array_foreach(json_object_get(node, "Plans"), index, child)
    {
        const json_t *found = strcmp(text_of(child, "Parent Relationship"), "SubPlan") == 0
                                  ? NULL
                                  : find_scan(child, output);
        if (found)
            return found;
    }
    return NULL;
}

/* Branches of an Append each show their own expressions. Plans nest as deep as views do. */
static void visit(struct indexes *indexes, const json_t *node)
{
    const char *type = text_of(node, "Node Type");
    const json_t *children = json_object_get(node, "Plans"), *child;
    size_t index;
    bool is_append = strcmp(type, "Append") == 0;
    if (is_append || strcmp(type, "Subquery Scan") == 0) {
        json_array_foreach(children, index, child) if (is_append || index == 0)
            visit(indexes, child);
        return;
    }
    const json_t *output = json_object_get(node, "Output");
    const json_t *scan = find_scan(node, output);
    if (scan)
        add_statement(indexes, scan, output);
    else
        indexes->is_broken = true;
}

/* The tables are looked for in all of the plan but what a column alone looks up. */
static void search(struct indexes *indexes, const json_t *node)
{
    char name[160];
    size_t index;
    const json_t *child;
    snprintf(name, sizeof name, "%s.%s", text_of(node, "Schema"), text_of(node, "Relation Name"));
    if (strcmp(text_of(node, "Parent Relationship"), "SubPlan") == 0)
        return;
    indexes->is_found = indexes->is_found || strcmp(name, indexes->table) == 0;
    json_array_foreach(json_object_get(node, "Plans"), index, child) search(indexes, child);
}

static void explain(struct indexes *indexes, const struct vb_contract *contract,
                    const char *relation, const char *const *columns)
{
    struct vb_source_query query = {0};
    struct vb_error err;
    struct vb_buffer sql;
    json_t *document = NULL;
    vb_buffer_init(&sql, 4096);
    enum vb_status status = vb_contract_columns_query(contract, relation, columns, &query, &err);
    if (status == VB_OK)
        status = vb_buffer_printf(&sql, "EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) %s", query.sql);
    PGresult *result = status == VB_OK ? PQexec(indexes->source, sql.data) : NULL;
    if (PQresultStatus(result) == PGRES_TUPLES_OK &&
        vb_json_load(vb_view_of(PQgetvalue(result, 0, 0)), 0, &document, &err) != VB_OK)
        document = NULL;
    const json_t *plan = json_object_get(json_array_get(document, 0), "Plan");
    if (!plan)
        indexes->is_broken = true;
    else if (indexes->text)
        visit(indexes, plan);
    else
        search(indexes, plan);
    json_decref(document);
    PQclear(result);
    vb_buffer_done(&sql);
    vb_source_query_done(&query);
}

bool vb_doctor_index(PGconn *source, const struct vb_contract *contract, const char *relation,
                     const char *const *columns, struct vb_buffer *text)
{
    struct indexes indexes = {.source = source, .text = text};
    explain(&indexes, contract, relation, columns);
    if (!indexes.is_broken && indexes.count > 0 && indexes.count <= TABLES_MOST)
        return true;
    vb_buffer_reset(text);
    return false;
}

bool vb_doctor_index_is_of(PGconn *source, const struct vb_contract *contract, const char *relation,
                           const char *table)
{
    static const char *const id[] = {"id", NULL};
    struct indexes indexes = {.source = source, .table = table};
    explain(&indexes, contract, relation, id);
    return indexes.is_found;
}
