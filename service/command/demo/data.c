/* Creates and fills the demo's schema in one transaction on one connection of its own: see
 * command/demo/data.h.
 *
 * COPY in text form from a buffer of bounded size; keys and indexes are built behind the rows,
 * which takes half the time. COPY's FREEZE marks the rows as seen by all at once, which is allowed
 * because the tables were made in the same transaction; so the first export does not pay for
 * writing hint bits.
 *
 * The tables are the source contract's (docs/connect.md) with the optional columns and relations
 * that most platforms have, or on demand with all of them, and with the indexes that connect.md
 * advises: whoever measures on them measures what a platform can have.
 */
#include "rare.h"
#include "rows.h"

#include "verbatim/postgres.h"

#include <stdio.h>
#include <string.h>

#define MARKER "Verbatim demo data"
#define FLUSH_AT (64u * 1024u)
/* One conversation's messages are appended before the buffer is looked at. */
#define COPY_CEILING (64u * 1024u * 1024u)

/* No constraints but NOT NULL where the contract has it; keys come in index_sql. */
static const char create_sql[] =
    "CREATE TABLE channel (id uuid NOT NULL, workspace_id uuid NOT NULL, name text NOT NULL,"
    " channel_type text NOT NULL, phone_number text);"
    "CREATE TABLE contact (id uuid NOT NULL, workspace_id uuid, name text, phone text, email text,"
    " company text, address text, website text, lead_status text);"
    "CREATE TABLE assistant (id uuid NOT NULL, workspace_id uuid NOT NULL, name text NOT NULL);"
    "CREATE TABLE conversation (id uuid NOT NULL, workspace_id uuid NOT NULL,"
    " channel_id uuid NOT NULL, created_at timestamptz NOT NULL, contact_id uuid,"
    " assistant_id uuid, ended_at timestamptz, status text, priority text, summary text,"
    " tags text[], audience text[], assigned_agent text, csat_rating integer, csat_comment text,"
    " feedback text);"
    "CREATE TABLE message (id uuid NOT NULL, conversation_id uuid NOT NULL,"
    " created_at timestamptz NOT NULL, direction text NOT NULL, speaker_type text NOT NULL,"
    " speaker_name text, text text, media_urls text[], status text, sender_account text,"
    " feedback text);"
    "CREATE TABLE attachment (id uuid NOT NULL, message_id uuid NOT NULL,"
    " conversation_id uuid NOT NULL, url text NOT NULL, file_name text, content_type text,"
    " size bigint, duration_seconds numeric);"
    "CREATE TABLE note (id uuid NOT NULL, conversation_id uuid NOT NULL,"
    " created_at timestamptz NOT NULL, author text, text text NOT NULL);"
    "CREATE TABLE event (id uuid NOT NULL, conversation_id uuid NOT NULL,"
    " created_at timestamptz NOT NULL, kind text NOT NULL, actor text, detail text);"
    "CREATE TABLE skill_run (conversation_id uuid NOT NULL, created_at timestamptz NOT NULL,"
    " name text NOT NULL, outcome text, message_id uuid);"
    "CREATE TABLE citation (message_id uuid NOT NULL, conversation_id uuid NOT NULL,"
    " title text NOT NULL, url text, snippet text);";

/* Exports read by those of conversation (one for each way to select) and those of a conversation's
 * relations. The workspace's comes first: where the planner knows nothing of the rows, it takes the
 * later of two that serve alike. */
static const char index_sql[] =
    "ALTER TABLE channel ADD PRIMARY KEY (id); ALTER TABLE contact ADD PRIMARY KEY (id);"
    "ALTER TABLE assistant ADD PRIMARY KEY (id); ALTER TABLE conversation ADD PRIMARY KEY (id);"
    "ALTER TABLE message ADD PRIMARY KEY (id); ALTER TABLE attachment ADD PRIMARY KEY (id);"
    "ALTER TABLE note ADD PRIMARY KEY (id); ALTER TABLE event ADD PRIMARY KEY (id);"
    "CREATE INDEX ON conversation (workspace_id, created_at, id);"
    "CREATE INDEX ON conversation (channel_id, created_at, id);"
    "CREATE INDEX ON conversation (assistant_id, created_at, id);"
    "CREATE INDEX ON conversation (contact_id, created_at, id);"
    "CREATE INDEX ON message (conversation_id, created_at, id);"
    "CREATE INDEX ON channel (workspace_id, phone_number);"
    "CREATE INDEX ON attachment (conversation_id, id);"
    "CREATE INDEX ON attachment (conversation_id, message_id);"
    "CREATE INDEX ON note (conversation_id, created_at, id);"
    "CREATE INDEX ON event (conversation_id, created_at, id);"
    "CREATE INDEX ON skill_run (conversation_id, created_at);"
    "CREATE INDEX ON citation (conversation_id, message_id);"
    "ANALYZE channel, contact, assistant, conversation, message, attachment, note, event,"
    " skill_run, citation;";

/* VB_DATABASE throughout: nobody repeats this by itself. */
static enum vb_status fail(PGconn *connection, const char *doing, struct vb_error *err)
{
    return vb_fail(err, VB_DATABASE, "demo data: %s: %s", doing, PQerrorMessage(connection));
}

/* One or several statements, of which only the first failure counts. */
static enum vb_status run(PGconn *connection, const char *sql, const char *doing,
                          struct vb_error *err)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType got = PQresultStatus(result);
    PQclear(result);
    if (got != PGRES_COMMAND_OK && got != PGRES_TUPLES_OK)
        return fail(connection, doing, err);
    return VB_OK;
}

/* VB_CONFLICT for a schema without the marker: somebody's conversations may be in it. */
static enum vb_status check_owner(PGconn *connection, const char *schema, struct vb_error *err)
{
    PGresult *result =
        PQexecParams(connection,
                     "SELECT coalesce(obj_description(oid, 'pg_namespace'), '') = '" MARKER "'"
                     " FROM pg_catalog.pg_namespace WHERE nspname = $1",
                     1, NULL, &schema, NULL, NULL, 0);
    enum vb_status status = VB_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        status = fail(connection, "cannot look for the schema", err);
    else if (PQntuples(result) > 0 && strcmp(PQgetvalue(result, 0, 0), "t") != 0)
        status =
            vb_fail(err, VB_CONFLICT,
                    "schema %s exists and was not made by demo-data: it is left as it is", schema);
    PQclear(result);
    return status;
}

/* DROP CASCADE is safe behind check_owner alone. The search path ends with the transaction. */
static enum vb_status create_schema(PGconn *connection, const char *schema, struct vb_error *err)
{
    char *name = PQescapeIdentifier(connection, schema, strlen(schema));
    if (!name)
        return fail(connection, "the schema's name", err);
    struct vb_buffer sql;
    vb_buffer_init(&sql, 1024);
    enum vb_status status = vb_buffer_printf(&sql,
                                             "SET LOCAL client_min_messages = warning;"
                                             "DROP SCHEMA IF EXISTS %s CASCADE; CREATE SCHEMA %s;"
                                             "COMMENT ON SCHEMA %s IS '" MARKER "';"
                                             "SET LOCAL search_path = %s",
                                             name, name, name, name);
    PQfreemem(name);
    if (status == VB_OK)
        status = run(connection, sql.data, "cannot create the schema", err);
    else
        vb_fail(err, status, "the schema's name is too long");
    vb_buffer_done(&sql);
    return status == VB_OK ? run(connection, create_sql, "cannot create the tables", err) : status;
}

/* PQputCopyData copies or sends all of it; the length fits an int by COPY_CEILING. */
static enum vb_status send_lines(PGconn *connection, struct vb_buffer *lines, struct vb_error *err)
{
    if (lines->length > 0 && PQputCopyData(connection, lines->data, (int)lines->length) != 1)
        return fail(connection, "cannot send rows", err);
    vb_buffer_reset(lines);
    return VB_OK;
}

/* Numbers run from 0 to the table's count; a number may give no line. */
static enum vb_status send_table(PGconn *connection, const struct vb_demo_options *options,
                                 const struct vb_demo_table *table, struct vb_error *err)
{
    struct vb_buffer lines;
    vb_buffer_init(&lines, COPY_CEILING);
    enum vb_status status = VB_OK;
    uint64_t count = table->count(options);
    for (uint64_t i = 0; i < count && status == VB_OK; i++) {
        if (table->lines(options, i, &lines) != VB_OK)
            status = vb_fail(err, VB_LIMIT, "demo data: a conversation is too long");
        else if (lines.length >= FLUSH_AT)
            status = send_lines(connection, &lines, err);
    }
    if (status == VB_OK)
        status = send_lines(connection, &lines, err);
    vb_buffer_done(&lines);
    return status;
}

/* The server's own error comes with the result, so it is asked for also after a failure; the first
 * one is told. */
static enum vb_status fill_table(PGconn *connection, const struct vb_demo_options *options,
                                 const struct vb_demo_table *table, struct vb_error *err)
{
    char sql[512];
    snprintf(sql, sizeof sql, "COPY %s (%s) FROM STDIN WITH (FREEZE)", table->name, table->columns);
    PGresult *result = PQexec(connection, sql);
    bool started = PQresultStatus(result) == PGRES_COPY_IN;
    PQclear(result);
    if (!started)
        return fail(connection, "cannot fill a table", err);
    enum vb_status status = send_table(connection, options, table, err);
    if (PQputCopyEnd(connection, status == VB_OK ? NULL : "given up") != 1 && status == VB_OK)
        status = fail(connection, "cannot end a table", err);
    while ((result = PQgetResult(connection))) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK && status == VB_OK)
            status = fail(connection, "cannot fill a table", err);
        PQclear(result);
    }
    return status;
}

/* Rolled back as a whole by closing the connection, so a failure leaves the old rows. */
static enum vb_status build(PGconn *connection, const struct vb_demo_options *options,
                            struct vb_error *err)
{
    enum vb_status status = run(connection, "BEGIN", "cannot begin", err);
    if (status == VB_OK)
        status = check_owner(connection, options->schema, err);
    if (status == VB_OK)
        status = create_schema(connection, options->schema, err);
    for (size_t i = 0; i < vb_demo_table_count && status == VB_OK; i++)
        status = fill_table(connection, options, &vb_demo_tables[i], err);
    if (status == VB_OK && options->everything)
        status = run(connection, vb_demo_rare_rows, "cannot mark the rows", err);
    if (status == VB_OK)
        status = run(connection, index_sql, "cannot build the indexes", err);
    if (status == VB_OK && options->everything)
        status = run(connection, vb_demo_rare_indexes, "cannot build the indexes", err);
    return status == VB_OK ? run(connection, "COMMIT", "cannot commit", err) : status;
}

/* Connects by itself and not as the reader does: it writes, which the reader's settings forbid. */
enum vb_status vb_demo_data(const struct vb_demo_options *options, struct vb_error *err)
{
    struct vb_demo_options filled = *options;
    if (!filled.schema)
        filled.schema = "chat";
    if (filled.conversations == 0)
        filled.conversations = 2000;
    if (filled.messages_per_conversation == 0)
        filled.messages_per_conversation = 12;
    const struct vb_postgres_recipe recipe = {.connection_string = options->connection_string,
                                              .application_name = "verbatim demo-data",
                                              .server = VB_POSTGRES_WRITABLE};
    PGconn *connection = NULL;
    enum vb_status status = vb_postgres_connect(&recipe, &connection, err);
    status = status == VB_OK ? build(connection, &filled, err)
                             : vb_fail_within(err, status, "demo data: cannot connect");
    PQfinish(connection); /* an open transaction ends with it */
    return status;
}
