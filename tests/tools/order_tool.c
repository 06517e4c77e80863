/* Makes a job by blocking connections, as a command would.
 *
 *   order_tool WORKSPACE DOOR [active] [key=TEXT] [audience=TAG]... < SPECIFICATION
 *
 * Options come from VERBATIM_... variables. Prints one line: what came of it, and its words.
 */
#include "queue/order.h"
#include "settings/options.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAGS 8

static int end(const char *what, const struct vb_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->text);
    return 1;
}

static void print_unresolved(const struct vb_resolution *resolution, enum vb_resolved how)
{
    switch (how) {
    case VB_RESOLVED_MISSING:
        printf("missing %s\n", resolution->member);
        break;
    case VB_RESOLVED_SEVERAL:
        printf("several");
        for (size_t i = 0; i < resolution->candidate_count; i++)
            printf(" %s", vb_pg_value(resolution->channels, resolution->candidates[i], CHANNEL_ID));
        printf("\n");
        break;
    case VB_RESOLVED_CROWD:
        printf("crowd\n");
        break;
    case VB_RESOLVED:
    case VB_RESOLVED_UNSUPPORTED:
    case VB_RESOLVED_FAILED:
        printf("%s %s\n", how == VB_RESOLVED_UNSUPPORTED ? "unsupported" : "failed",
               resolution->error.text);
        break;
    }
}

static void print(const struct vb_order *order, enum vb_order_state state)
{
    static const char *const names[] = {
        [VB_ORDER_MADE] = "made", [VB_ORDER_FOUND] = "found", [VB_ORDER_ACTIVE] = "active"};
    switch (state) {
    case VB_ORDER_MADE:
    case VB_ORDER_FOUND:
    case VB_ORDER_ACTIVE:
        printf("%s %s\n", names[state], order->job_id);
        break;
    case VB_ORDER_DIFFERS:
        printf("differs\n");
        break;
    case VB_ORDER_NO_RANGE:
        printf("no range %s: %s\n", order->member, order->message);
        break;
    case VB_ORDER_UNRESOLVED:
        print_unresolved(&order->resolution, order->resolved);
        break;
    case VB_ORDER_ASK_MAIN:
    case VB_ORDER_ASK_SOURCE:
    case VB_ORDER_FAILED:
        printf("failed %s\n", order->error.text);
        break;
    }
}

static void take_arguments(struct vb_order *order, int argc, char *argv[], const char **tags)
{
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "active") == 0)
            order->one_active = true;
        else if (strncmp(argv[i], "key=", 4) == 0)
            order->same = vb_view_of(argv[i] + 4);
        else if (strncmp(argv[i], "audience=", 9) == 0 && order->caller.audience.count < TAGS)
            tags[order->caller.audience.count++] = argv[i] + 9;
        else
            exit(2);
    }
    order->caller.audience.items = tags;
    order->caller.is_restricted = order->caller.audience.count > 0;
}

static enum vb_status read_body(struct vb_order *order, struct vb_error *err)
{
    char body[65536];
    size_t length = fread(body, 1, sizeof body, stdin);
    struct vb_problems problems;
    enum vb_status status = vb_specification_parse((struct vb_view){body, length},
                                                   &order->resolution.specification, &problems);
    if (status != VB_OK)
        status = vb_fail(err, status, "%s", problems.count > 0 ? problems.items[0].message : "?");
    vb_problems_done(&problems);
    return status;
}

/* What a key would say of its workspace. `found` owns the texts. */
static enum vb_status read_workspace(struct vb_pg *pg, const char *id, struct vb_caller *caller,
                                     PGresult **found, struct vb_error *err)
{
    enum vb_status status =
        vb_pg_query(pg,
                    "SELECT workspace_id, source_id, time_zone, csv_profile, delimiter, csv_quote,"
                    " byte_order_mark"
                    " FROM verbatim.workspace WHERE workspace_id = $1",
                    1, &id, found, err);
    if (status == VB_OK && PQntuples(*found) == 0)
        status = vb_fail(err, VB_NOT_FOUND, "there is no workspace %s", id);
    if (status != VB_OK)
        return status;
    const char *mark = PQgetvalue(*found, 0, 6); /* "": NULL */
    *caller = (struct vb_caller){.workspace = PQgetvalue(*found, 0, 0),
                                 .source_id = PQgetvalue(*found, 0, 1),
                                 .time_zone = PQgetvalue(*found, 0, 2),
                                 .csv_profile = PQgetvalue(*found, 0, 3),
                                 .delimiter = PQgetvalue(*found, 0, 4),
                                 .csv_quote = PQgetvalue(*found, 0, 5),
                                 .csv_mark = *mark == 't'   ? VB_CSV_MARK_ON
                                             : *mark == 'f' ? VB_CSV_MARK_OFF
                                                            : VB_CSV_MARK_OF_PROFILE,
                                 .author = "order_tool"};
    return VB_OK;
}

static int make(const struct vb_options *options, struct vb_pg *pg, PGconn *source, int argc,
                char *argv[])
{
    struct vb_error err = {0};
    struct vb_order order;
    struct vb_contract *contract = NULL;
    struct vb_pg_statement statements[VB_RESOLVE_STATEMENTS];
    const char *tags[TAGS];
    PGresult *workspace = NULL;
    vb_order_init(&order);
    if (vb_contract_read(source, options->source_schema, &contract, &err) != VB_OK)
        return end("source", &err);
    vb_resolve_statements(contract, statements);
    if (read_workspace(pg, argv[1], &order.caller, &workspace, &err) != VB_OK ||
        vb_zone_new(order.caller.time_zone, &order.zone, &err) != VB_OK)
        return end("workspace", &err);
    if (read_body(&order, &err) != VB_OK)
        return end("specification", &err);
    take_arguments(&order, argc, argv, tags);
    order.door = argv[2];
    order.usual_link_ttl = options->link_ttl;
    order.contract = contract;
    order.source_statements = statements;
    print(&order, vb_order_make(&order, pg, source));
    vb_zone_free(order.zone);
    vb_order_done(&order);
    PQclear(workspace);
    vb_contract_free(contract);
    return 0;
}

int main(int argc, char *argv[])
{
    struct vb_error err = {0};
    struct vb_options options;
    struct vb_pg *pg = NULL;
    PGconn *source = NULL;
    char *none[] = {argv[0], NULL};
    if (argc < 3)
        return 2;
    if (vb_options_load(1, none, environ, &options, &err) != VB_OK)
        return end("options", &err);
    const struct vb_pg_options to = {.connection_string = options.database_url,
                                     .application_name = "verbatim order",
                                     .role = VB_PG_OWNER,
                                     .prepared_statements = true};
    const char *url = options.source_url ? options.source_url : options.database_url;
    if (vb_pg_new(&to, &pg, &err) != VB_OK ||
        vb_pg_connect_source(url, "verbatim order source", &source, &err) != VB_OK)
        return end("database", &err);
    int result = make(&options, pg, source, argc, argv);
    PQfinish(source);
    vb_pg_free(pg);
    vb_options_done(&options);
    return result;
}
