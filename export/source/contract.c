/* Introspection of the source: reads the catalogue, checks it against the rules, keeps the types.
 *
 * Owns the contract's strings. All faults are collected first and told in one message, so that
 * whoever writes the views sees the whole list at once. Does not look at rows.
 *
 * Reads pg_catalog rather than information_schema, which hides what the login has no right to: the
 * message has to tell that from what is missing.
 */
#include "contract.h"
#include "times.h"
#include "verbatim/columns.h"

#include "verbatim/postgres.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULTS_CEILING 4096u
#define MISSING_CEILING 4096u

/* The result's columns and their numbers from one list, so that neither can slip. */
#define CATALOGUE_ROW(FIRST, NEXT)                                                                 \
    FIRST(RELATION, "f.relname")                                                                   \
    NEXT(NAME, "f.attname")                                                                        \
    NEXT(TYPE, "t.oid::int8")                                                                      \
    NEXT(CATEGORY, "t.typcategory::text")                                                          \
    NEXT(ELEMENT_CATEGORY, "coalesce(e.typcategory::text, '')")                                    \
    NEXT(DECLARED, "pg_catalog.format_type(f.declared, NULL)")                                     \
    NEXT(READABLE, "pg_catalog.has_schema_privilege($1, 'USAGE') AND "                             \
                   "pg_catalog.has_column_privilege(f.relation, f.attnum, 'SELECT')")              \
    NEXT(ELEMENT, "coalesce(e.oid, 0)::int8")                                                      \
    NEXT(COLLATION, "coalesce(k.oid::regcollation::text, '')")                                     \
    NEXT(DETERMINISTIC, "coalesce(k.collisdeterministic, true)")
#define CATALOGUE_ROW_LIST VB_COLUMN_LIST(CATALOGUE_ROW)
enum { VB_COLUMN_NAMES(CATALOGUE_ROW) CATALOGUE_COLUMNS };

/* One row per column of a relation that selects, domains followed to their base. `array` is the
 * base type of an array's elements, category S and E are text-like types and enums. A column that
 * may not be read counts as missing: `readable` tells the two apart for the message. The database's
 * own collation is none: any other wins over it. $1 schema. */
/* clang-format off */
static const char catalogue_sql[] =
    "WITH RECURSIVE found AS ("
    " SELECT c.relname, a.attname, a.attnum, c.oid AS relation,"
    " a.atttypid AS declared, a.atttypid AS type, a.attcollation AS collation"
    " FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
    " WHERE n.nspname = $1"
    " AND c.relkind IN ('r', 'v', 'm', 'f', 'p')"
    " AND a.attnum > 0"
    " AND NOT a.attisdropped"
    " UNION ALL"
    " SELECT f.relname, f.attname, f.attnum, f.relation, f.declared, t.typbasetype, f.collation"
    " FROM found f"
    " JOIN pg_catalog.pg_type t ON t.oid = f.type"
    " WHERE t.typtype = 'd')"
    " SELECT " CATALOGUE_ROW_LIST
    " FROM found f"
    " JOIN pg_catalog.pg_type t ON t.oid = f.type AND t.typtype <> 'd'"
    " LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'"
    " LEFT JOIN pg_catalog.pg_collation k ON k.oid = f.collation AND k.collname <> 'default'";
/* clang-format on */

/* One look at the catalogue; both lists are freed by whoever began it. */
struct vb_inspection {
    struct vb_contract *contract;
    const PGresult *catalogue;
    struct vb_buffer faults;
    struct vb_buffer missing;
    struct vb_buffer clashes;
    enum vb_status status; /* the first failure to write into one of the buffers */
};

/* Joins by commas. A list that is full keeps what it has: the message is long enough by then. */
static void note(struct vb_inspection *inspection, struct vb_buffer *list, const char *text)
{
    enum vb_status status = VB_OK;
    if (list->length > 0)
        status = vb_buffer_append_text(list, ", ");
    if (status == VB_OK)
        status = vb_buffer_append_text(list, text);
    if (status != VB_OK && inspection->status == VB_OK)
        inspection->status = status;
}

/* `name` NULL: any column of the relation. Linear; runs once at the start. */
static int find_row(const PGresult *catalogue, const char *relation, const char *name)
{
    for (int row = 0; row < PQntuples(catalogue); row++)
        if (strcmp(PQgetvalue(catalogue, row, RELATION), relation) == 0 &&
            (!name || strcmp(PQgetvalue(catalogue, row, NAME), name) == 0))
            return row;
    return -1;
}

static Oid oid_of(const PGresult *catalogue, int row, int field)
{
    return (Oid)strtoul(PQgetvalue(catalogue, row, field), NULL, 10);
}

static bool is_one_of(Oid type, const enum vb_type *types, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((Oid)types[i] == type)
            return true;
    return false;
}

/* String types and enums; enums are cast to text when read. */
static bool is_text_category(const char *category)
{
    return strcmp(category, "S") == 0 || strcmp(category, "E") == 0;
}

/* True when a column of that type can serve the kind; *ret_cast tells whether it must be cast for
 * reading. */
static bool serves(const PGresult *catalogue, int row, enum vb_column_kind kind, bool *ret_cast)
{
    static const enum vb_type ids[] = {VB_TYPE_UUID, VB_TYPE_INT8, VB_TYPE_INT4,
                                       VB_TYPE_INT2, VB_TYPE_TEXT, VB_TYPE_VARCHAR};
    static const enum vb_type integers[] = {VB_TYPE_INT8, VB_TYPE_INT4, VB_TYPE_INT2};
    static const enum vb_type fractions[] = {VB_TYPE_FLOAT4, VB_TYPE_FLOAT8, VB_TYPE_NUMERIC};
    Oid type = oid_of(catalogue, row, TYPE);
    *ret_cast = false;
    switch (kind) {
    case VB_COLUMN_ID:
        return is_one_of(type, ids, 6);
    case VB_COLUMN_POSITION:
        return is_one_of(type, ids + 1, 5); /* a uuid says nothing of an order */
    case VB_COLUMN_TEXT:
        *ret_cast = type != VB_TYPE_TEXT && type != VB_TYPE_VARCHAR;
        return is_text_category(PQgetvalue(catalogue, row, CATEGORY));
    case VB_COLUMN_TEXTS: {
        Oid element = oid_of(catalogue, row, ELEMENT);
        *ret_cast = element != VB_TYPE_TEXT && element != VB_TYPE_VARCHAR;
        return is_text_category(PQgetvalue(catalogue, row, ELEMENT_CATEGORY));
    }
    case VB_COLUMN_TIME:
        return vb_time_serves(VB_UNIT_STAMP, type);
    case VB_COLUMN_INTEGER:
        return is_one_of(type, integers, 3);
    case VB_COLUMN_NUMBER:
        return is_one_of(type, integers, 3) || is_one_of(type, fractions, 3);
    case VB_COLUMN_JSON: /* json keeps its writer's line ends, and what jsonb would refuse */
        *ret_cast = true;
        return type == VB_TYPE_JSONB;
    }
    return false;
}

/* For the message to whoever writes the views. */
static const char *kind_text(enum vb_column_kind kind)
{
    static const char *const texts[] = {
        [VB_COLUMN_ID] = "uuid, bigint, integer, smallint or text",
        [VB_COLUMN_POSITION] = "bigint, integer, smallint or text",
        [VB_COLUMN_TEXT] = "text",
        [VB_COLUMN_TEXTS] = "text[]",
        [VB_COLUMN_TIME] = "timestamptz or timestamp",
        [VB_COLUMN_INTEGER] = "bigint, integer or smallint",
        [VB_COLUMN_NUMBER] = "a number",
        [VB_COLUMN_JSON] = "jsonb",
    };
    return texts[kind];
}

/* Relations that a platform without them need not have. */
static bool is_optional_relation(const char *relation)
{
    static const char *const required[] = {"channel", "conversation", "message"};
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++)
        if (strcmp(required[i], relation) == 0)
            return false;
    return true;
}

/* Times that may be numbers, by their names. */
static bool is_measured(const char *name)
{
    static const char *const names[] = {"created_at", "ended_at", "last_message_at"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* The row of the column, by the name alone or with a unit behind it, of which *ret_column tells;
 * -1 for none. */
static int find_column(const struct vb_inspection *inspection, const struct vb_column_rule *rule,
                       struct vb_column *ret_column)
{
    enum vb_time_unit units = is_measured(rule->name) ? VB_UNITS : VB_UNIT_S;
    for (enum vb_time_unit unit = VB_UNIT_STAMP; unit < units; unit++) {
        ret_column->unit = unit;
        (void)snprintf(ret_column->name, sizeof ret_column->name, "%s%s", rule->name,
                       vb_time_suffix(unit));
        int row = find_row(inspection->catalogue, rule->relation, ret_column->name);
        if (row >= 0)
            return row;
    }
    return -1;
}

/* What a column of that name would have to be. */
static void note_type(struct vb_inspection *inspection, const struct vb_column_rule *rule,
                      const struct vb_column *column, int row)
{
    static const char *const numbers[] = {"bigint or integer", "double precision"};
    char text[320];
    bool stamp = column->unit == VB_UNIT_STAMP;
    snprintf(text, sizeof text, "%s.%s is %s but must be %s%s%s%s", rule->relation, column->name,
             PQgetvalue(inspection->catalogue, row, DECLARED),
             stamp ? kind_text(rule->kind) : numbers[column->unit == VB_UNIT_EPOCH],
             stamp && is_measured(rule->name) ? ", or a number by the name " : "",
             stamp && is_measured(rule->name) ? rule->name : "",
             stamp && is_measured(rule->name) ? "_s, _ms, _us, _ns or _epoch" : "");
    note(inspection, &inspection->faults, text);
}

/* Wrong types are faults of optional columns too: read as NULL they would lose data without a
 * word. */
static void inspect_column(struct vb_inspection *inspection, size_t index)
{
    const struct vb_column_rule *rule = &vb_column_rules[index];
    const PGresult *catalogue = inspection->catalogue;
    char text[256];
    struct vb_column column = {0};
    int row = find_column(inspection, rule, &column);
    bool readable = row >= 0 && strcmp(PQgetvalue(catalogue, row, READABLE), "t") == 0;
    if (!readable) {
        bool absent = find_row(catalogue, rule->relation, NULL) < 0;
        if (absent && is_optional_relation(rule->relation)) {
            if (index == 0 || strcmp(vb_column_rules[index - 1].relation, rule->relation) != 0)
                note(inspection, &inspection->missing,
                     rule->relation); /* once, by its name alone */
            return;
        }
        snprintf(text, sizeof text, "%s.%s%s", rule->relation, rule->name,
                 row < 0 ? "" : " (no right to read it)");
        note(inspection, rule->required ? &inspection->faults : &inspection->missing, text);
        return;
    }
    column.type = oid_of(catalogue, row, TYPE);
    bool fits = column.unit == VB_UNIT_STAMP ? serves(catalogue, row, rule->kind, &column.cast)
                                             : vb_time_serves(column.unit, column.type);
    if (fits)
        inspection->contract->columns[index] = column;
    else
        note_type(inspection, rule, &column, row);
}

/* Ids that end ties and keysets: of two that a collation takes for equal the second would be passed
 * over where a page ends with the first. */
static void inspect_key(struct vb_inspection *inspection, const char *relation)
{
    const PGresult *catalogue = inspection->catalogue;
    char text[256];
    int row = find_row(catalogue, relation, "id");
    if (row < 0 || strcmp(PQgetvalue(catalogue, row, DETERMINISTIC), "t") == 0)
        return;
    snprintf(text, sizeof text,
             "%s.id has the collation %s, by which different ids may be equal: id COLLATE \"C\" in "
             "the view",
             relation, PQgetvalue(catalogue, row, COLLATION));
    note(inspection, &inspection->faults, text);
}

/* Types of one family compare by one index operator family. */
static int id_family(Oid type)
{
    if (type == VB_TYPE_UUID)
        return 1;
    return type == VB_TYPE_TEXT || type == VB_TYPE_VARCHAR ? 2 : 3;
}

/* Two collations, neither of them the database's own: the server cannot know which one a
 * comparison is to go by, and refuses it (42P22). Only exports that compare the two fail, so it is
 * kept for their message. */
static void inspect_collations(struct vb_inspection *inspection, const char *const pair[4])
{
    const PGresult *catalogue = inspection->catalogue;
    const char *a = PQgetvalue(catalogue, find_row(catalogue, pair[0], pair[1]), COLLATION);
    const char *b = PQgetvalue(catalogue, find_row(catalogue, pair[2], pair[3]), COLLATION);
    char text[320];
    if (!a[0] || !b[0] || strcmp(a, b) == 0)
        return;
    snprintf(text, sizeof text, "%s.%s (%s) and %s.%s (%s)", pair[0], pair[1], a, pair[2], pair[3],
             b);
    note(inspection, &inspection->clashes, text);
}

/* Ids that are compared with each other must share an operator, or each join would need a cast that
 * hides the index. Pairs with a missing side are no matter. */
static void inspect_pair(struct vb_inspection *inspection, const char *const pair[4])
{
    const struct vb_column *a = vb_contract_column(inspection->contract, pair[0], pair[1]);
    const struct vb_column *b = vb_contract_column(inspection->contract, pair[2], pair[3]);
    if (a->type == 0 || b->type == 0)
        return;
    if (id_family(a->type) == id_family(b->type)) {
        inspect_collations(inspection, pair);
        return;
    }
    char text[256];
    snprintf(text, sizeof text, "%s.%s cannot be compared with %s.%s", pair[0], pair[1], pair[2],
             pair[3]);
    note(inspection, &inspection->faults, text);
}

static void inspect_pairs(struct vb_inspection *inspection)
{
    static const char *const pairs[][4] = {
        {"conversation", "workspace_id", "channel", "workspace_id"},
        {"conversation", "channel_id", "channel", "id"},
        {"conversation", "contact_id", "contact", "id"},
        {"conversation", "assistant_id", "assistant", "id"},
        {"message", "conversation_id", "conversation", "id"},
        {"attachment", "conversation_id", "conversation", "id"},
        {"attachment", "conversation_id", "message", "conversation_id"},
        {"attachment", "message_id", "message", "id"},
        {"note", "conversation_id", "conversation", "id"},
        {"event", "conversation_id", "conversation", "id"},
        {"skill_run", "conversation_id", "conversation", "id"},
        {"citation", "conversation_id", "conversation", "id"},
        {"citation", "conversation_id", "message", "conversation_id"},
        {"citation", "message_id", "message", "id"},
        {"message", "reply_to", "message", "id"},
        {"participant", "conversation_id", "conversation", "id"},
        {"participant", "contact_id", "contact", "id"},
        {"reaction", "conversation_id", "conversation", "id"},
        {"reaction", "message_id", "message", "id"},
        {"revision", "conversation_id", "conversation", "id"},
        {"revision", "message_id", "message", "id"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        inspect_pair(inspection, pairs[i]);
}

/* A list that was cut off is still told; only want of memory hides what was found. */
static enum vb_status judge(struct vb_inspection *inspection, const char *schema,
                            struct vb_error *err)
{
    if (inspection->status == VB_NO_MEMORY)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the source contract");
    if (inspection->faults.length > 0)
        return vb_fail(err, VB_SOURCE, "schema %s breaks the source contract: missing or wrong: %s",
                       schema, inspection->faults.data);
    struct vb_contract *contract = inspection->contract;
    contract->missing =
        inspection->missing.data ? vb_buffer_take(&inspection->missing) : strdup("");
    contract->clashes =
        inspection->clashes.data ? vb_buffer_take(&inspection->clashes) : strdup("");
    if (!contract->missing || !contract->clashes || vb_contract_build_lookups(contract) != VB_OK ||
        vb_contract_build_more_lookups(contract) != VB_OK ||
        vb_contract_build_finds(contract) != VB_OK)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the source contract");
    return VB_OK;
}

static enum vb_status inspect(struct vb_contract *contract, PGconn *connection,
                              const PGresult *catalogue, const char *schema, struct vb_error *err)
{
    struct vb_inspection inspection = {.contract = contract, .catalogue = catalogue};
    vb_buffer_init(&inspection.faults, FAULTS_CEILING);
    vb_buffer_init(&inspection.missing, MISSING_CEILING);
    vb_buffer_init(&inspection.clashes, FAULTS_CEILING);
    for (size_t i = 0; i < vb_column_rule_count; i++)
        inspect_column(&inspection, i);
    inspect_key(&inspection, "conversation");
    inspect_key(&inspection, "message");
    inspect_pairs(&inspection);
    enum vb_status status = vb_contract_read_resolution(connection, schema, contract, err);
    if (status == VB_OK)
        status = judge(&inspection, schema, err);
    vb_buffer_done(&inspection.faults);
    vb_buffer_done(&inspection.missing);
    vb_buffer_done(&inspection.clashes);
    return status;
}

/* The catalogue: information_schema hides what the login has no right to, and the message has to
 * tell that from what is missing. */
static enum vb_status read_catalogue(PGconn *connection, const char *schema, PGresult **ret_result,
                                     struct vb_error *err)
{
    PGresult *result = PQexecParams(connection, catalogue_sql, 1, NULL, &schema, NULL, NULL, 0);
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        *ret_result = result;
        return VB_OK;
    }
    enum vb_status status = vb_postgres_fail(err, connection, result);
    PQclear(result);
    return vb_fail_within(err, status, "cannot read the catalogue of the source");
}

enum vb_status vb_contract_read(PGconn *connection, const char *schema,
                                struct vb_contract **ret_contract, struct vb_error *err)
{
    PGresult *catalogue = NULL;
    enum vb_status status = read_catalogue(connection, schema, &catalogue, err);
    if (status != VB_OK)
        return status;
    struct vb_contract *contract = calloc(1, sizeof *contract);
    char *quoted = PQescapeIdentifier(connection, schema, strlen(schema));
    if (contract && quoted)
        contract->schema = strdup(quoted);
    PQfreemem(quoted);
    if (contract && contract->schema)
        status = inspect(contract, connection, catalogue, schema, err);
    else
        status = vb_fail(err, VB_NO_MEMORY, "no memory for the source contract");
    PQclear(catalogue);
    if (status == VB_OK)
        *ret_contract = contract;
    else
        vb_contract_free(contract);
    return status;
}

void vb_contract_free(struct vb_contract *contract)
{
    if (!contract)
        return;
    vb_local_free(contract->local);
    free(contract->schema);
    free(contract->missing);
    free(contract->clashes);
    free(contract->channel_by_id);
    free(contract->channel_by_phone);
    for (size_t i = 0; i < VB_LOOKUPS; i++)
        free(contract->lookups[i]);
    for (size_t i = 0; i < VB_FINDS; i++)
        free(contract->finds[i]);
    free(contract);
}

const char *vb_contract_missing(const struct vb_contract *contract)
{
    return contract->missing;
}

const char *vb_contract_clashes(const struct vb_contract *contract)
{
    return contract->clashes;
}

enum vb_status vb_contract_set_clock(struct vb_contract *contract, const char *zone,
                                     const struct vb_offset_change *changes, size_t count,
                                     struct vb_error *err)
{
    struct vb_local *local = NULL;
    if (vb_local_new(zone, changes, count, &local) != VB_OK)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the source's clock");
    vb_local_free(contract->local);
    contract->local = local;
    for (size_t i = 0; i < vb_column_rule_count; i++)
        if (contract->columns[i].type == VB_TYPE_TIMESTAMP)
            contract->columns[i].local = local;
    return VB_OK;
}
