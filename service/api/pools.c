/* The database connections beside each loop, and the secrets of links that are read by them. See api/site.h. */
#include "site.h"
#include "sql.h"

#include <string.h>

#define SECRETS_AGE (60 * VB_SECOND)
#define ASK_AGAIN (VB_SECOND / 4)
/* Connections of a loop. */
#define MAIN_LINKS 2u
#define SOURCE_LINKS 1u
#define COUNT_LINKS 2u

void http_pools_connections(struct vb_connections *sum)
{
    sum->database += vb_http_loops() * MAIN_LINKS;
    sum->source += vb_http_loops() * (SOURCE_LINKS + COUNT_LINKS);
}

/* Two generations at most: the current one, and the one before for links that still live. */
static void on_secrets(void *context, const struct pg_outcome *outcome)
{
    struct http_site_loop *site = context;
    site->secrets_ticket = NULL;
    if (outcome->status != VB_OK)
        return; /* those at hand go on; asked again with the next tick */
    const PGresult *rows = outcome->results[1];
    struct vb_link_secrets secrets = {0};
    for (int i = 0; i < PQntuples(rows) && secrets.count < 2; i++) {
        struct vb_view secret = pg_view(rows, i, 1);
        if (secret.length != sizeof(secrets.secrets[0]))
            continue;
        secrets.generations[secrets.count] = (int)pg_integer(rows, i, 0);
        memcpy(secrets.secrets[secrets.count++], secret.data, secret.length);
    }
    site->secrets = secrets;
    site->secrets_at = vb_clock_monotonic();
}

static void refresh_secrets(struct http_site_loop *site, int64_t now)
{
    bool is_fresh = site->secrets_at > 0 && now - site->secrets_at < SECRETS_AGE;
    if (is_fresh || site->secrets_ticket || now - site->secrets_asked < ASK_AGAIN)
        return;
    site->secrets_asked = now;
    static const char *const nowhere[] = {""};
    struct pg_step steps[] = {{&pg_enter[PG_ENTER_READ], nowhere},
                              {&http_sql[HTTP_SQL_SECRETS], NULL}};
    struct vb_error err;
    enum vb_status status =
        pg_pool_send(site->main_pool, steps, 2, on_secrets, site, &site->secrets_ticket, &err);
    (void)status; /* away: the next tick tries again */
}

enum vb_status http_pools_init(struct http_loop *loop, struct pg_connector *main_connector,
                               struct pg_connector *source_connector, struct vb_error *err)
{
    struct http_site_loop *site = loop->site;
    const struct vb_options *options = site->service->options;
    struct pg_pool_options main = {
        .base = loop->base,
        .connection_string = options->database_url,
        .take_role = VB_ROLE_TAKE("api", "true"),
        .prepared = options->prepared_statements,
        .links = MAIN_LINKS,
        .wake = http_loop_wake,
        .wake_context = loop,
    };
    http_sql_sets(main.statements);
    enum vb_status status = pg_pool_new(&main, main_connector, &site->main_pool, err);
    if (status != VB_OK)
        return status;
    /* The source's login may be another one and takes on no role of ours; text results, since ids
     * are of any type. */
    struct pg_pool_options source = main;
    source.connection_string = options->source_url ? options->source_url : options->database_url;
    source.take_role = NULL;
    source.text = true;
    memset(source.statements, 0, sizeof(source.statements));
    source.statements[0] =
        (struct pg_statement_set){site->source_statements, VB_RESOLVE_STATEMENTS};
    source.links = SOURCE_LINKS;
    status = pg_pool_new(&source, source_connector, &site->source_pool, err);
    if (status != VB_OK)
        return status;
    /* Statements that take their time, one after the other; connected when there is a first one. */
    struct pg_pool_options count = source;
    count.links = COUNT_LINKS;
    count.depth = 1;
    count.statements[0].count = 0;
    count.ticket_time = 28 * VB_SECOND;
    status = pg_pool_new(&count, source_connector, &site->count_pool, err);
    if (status == VB_OK)
        pg_pool_open(site->main_pool);
    return status;
}

void http_pools_tick(struct http_site_loop *site, int64_t now)
{
    pg_pool_tick(site->main_pool);
    pg_pool_tick(site->source_pool);
    pg_pool_tick(site->count_pool);
    refresh_secrets(site, now);
}

void http_pools_done(struct http_site_loop *site)
{
    pg_ticket_drop(site->secrets_ticket);
    pg_pool_free(site->main_pool);
    pg_pool_free(site->source_pool);
    pg_pool_free(site->count_pool);
}
