/* The database connections beside each loop, and the secrets of links that are read by them. See
 * api/site.h.
 *
 * Four pools a loop: Verbatim's own database, the source for look-ups, and the source for counting
 * and for searching, which may take long and must stand neither before look-ups nor before each
 * other. The connectors are shared by all loops; a pool is its loop's alone. Secrets are read by
 * the first loop for all.
 */
#include "api.h"

#include <string.h>

/* How late a new generation may be seen; the one before is good meanwhile. */
#define SECRETS_AGE (60 * VB_SECOND)
#define ASK_AGAIN (VB_SECOND / 4)
/* While nobody sends mails, whoever begins to is soon believed, and sooner once somebody has been
 * told that nobody does. */
#define NO_MAIL_AGE (20 * VB_SECOND)
#define NO_MAIL_ASKED_AGE (2 * VB_SECOND)
/* Connections of a loop. */
#define MAIN_LINKS 2u
#define SOURCE_LINKS 1u
#define COUNT_LINKS 2u
#define SEARCH_LINKS 1u

void vb_api_pools_connections(struct vb_connections *sum)
{
    sum->database += vb_http_loops() * MAIN_LINKS;
    sum->source += vb_http_loops() * (SOURCE_LINKS + COUNT_LINKS + SEARCH_LINKS);
}

static void publish(const struct vb_api_site_loop *site)
{
    struct vb_api_known *known = site->known;
    pthread_mutex_lock(&known->mutex);
    known->secrets = site->secrets;
    known->no_mail = site->no_mail;
    known->at = site->secrets_at;
    pthread_mutex_unlock(&known->mutex);
}

static void take_known(struct vb_api_site_loop *site)
{
    struct vb_api_known *known = site->known;
    pthread_mutex_lock(&known->mutex);
    if (known->at > site->secrets_at) {
        site->secrets = known->secrets;
        site->no_mail = known->no_mail;
        site->secrets_at = known->at;
        site->mail_is_known = true;
    }
    pthread_mutex_unlock(&known->mutex);
}

/* Two generations at most: the current one, and the one before for links that still live. */
static void on_secrets(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_api_site_loop *site = context;
    site->secrets_ticket = NULL;
    if (outcome->status != VB_OK)
        return; /* those at hand go on; asked again with the next tick */
    const PGresult *rows = outcome->results[1];
    struct vb_link_secrets secrets = {0};
    for (int i = 0; i < PQntuples(rows) && secrets.count < 2; i++) {
        struct vb_view secret = vb_pg_view(rows, i, 1);
        if (secret.length != sizeof(secrets.secrets[0]))
            continue;
        secrets.generations[secrets.count] = (int)vb_pg_integer(rows, i, 0);
        memcpy(secrets.secrets[secrets.count++], secret.data, secret.length);
    }
    site->secrets = secrets;
    site->no_mail = PQntuples(rows) > 0 && !vb_pg_boolean(rows, 0, 2);
    site->mail_is_known = true;
    site->secrets_at = vb_clock_monotonic();
    publish(site);
}

static int64_t secrets_age(const struct vb_api_site_loop *site)
{
    if (site->service->options->smtp_url || !site->no_mail)
        return SECRETS_AGE;
    return atomic_load(&site->known->mail_is_missed) ? NO_MAIL_ASKED_AGE : NO_MAIL_AGE;
}

/* At most one question at a time, and none more often than the tick. */
static void refresh_secrets(struct vb_api_site_loop *site, int64_t now)
{
    bool is_fresh =
        site->mail_is_known && site->secrets_at > 0 && now - site->secrets_at < secrets_age(site);
    if (is_fresh || site->secrets_ticket || now - site->secrets_asked < ASK_AGAIN)
        return;
    site->secrets_asked = now;
    atomic_store(&site->known->mail_is_missed, false);
    static const char *const nowhere[] = {""};
    struct vb_pg_step steps[] = {{&vb_pg_enter[VB_PG_ENTER_READ], nowhere},
                                 {&vb_api_sql[VB_API_SQL_SECRETS], NULL}};
    struct vb_error err;
    enum vb_status status =
        vb_pg_pool_send(site->main_pool, steps, 2, on_secrets, site, &site->secrets_ticket, &err);
    (void)status; /* away: the next tick tries again */
}

enum vb_status vb_api_pools_init(struct vb_http_loop *loop, struct vb_pg_connector *main_connector,
                                 struct vb_pg_connector *source_connector, struct vb_error *err)
{
    struct vb_api_site_loop *site = loop->site;
    const struct vb_options *options = site->service->options;
    struct vb_pg_pool_options main = {
        .base = loop->base,
        .connection_string = options->database_url,
        .take_role = VB_ROLE_TAKE("api", "true"),
        .prepared = options->prepared_statements,
        .links = MAIN_LINKS,
        .wake = vb_http_loop_wake,
        .wake_context = loop,
    };
    vb_api_sql_sets(main.statements);
    enum vb_status status = vb_pg_pool_new(&main, main_connector, &site->main_pool, err);
    if (status != VB_OK)
        return status;
    /* The source's login may be another one and takes on no role of ours; text results, since ids
     * are of any type. */
    struct vb_pg_pool_options source = main;
    source.connection_string = options->source_url ? options->source_url : options->database_url;
    source.server = VB_POSTGRES_ANY;
    source.take_role = NULL;
    source.text = true;
    memset(source.statements, 0, sizeof(source.statements));
    source.statements[0] =
        (struct vb_pg_statement_set){site->source_statements, VB_RESOLVE_STATEMENTS};
    source.links = SOURCE_LINKS;
    status = vb_pg_pool_new(&source, source_connector, &site->source_pool, err);
    if (status != VB_OK)
        return status;
    /* Statements that take their time, one after the other; connected when there is a first one. */
    struct vb_pg_pool_options count = source;
    count.links = COUNT_LINKS;
    count.depth = 1;
    count.statements[0].count = 0;
    count.ticket_time = 28 * VB_SECOND;
    status = vb_pg_pool_new(&count, source_connector, &site->count_pool, err);
    if (status != VB_OK)
        return status;
    struct vb_pg_pool_options search = count;
    search.links = SEARCH_LINKS;
    search.ticket_time =
        0; /* the usual: what waits behind several others has been typed on since */
    status = vb_pg_pool_new(&search, source_connector, &site->search_pool, err);
    if (status == VB_OK)
        vb_pg_pool_open(site->main_pool);
    return status;
}

void vb_api_pools_tick(struct vb_http_loop *loop, int64_t now)
{
    struct vb_api_site_loop *site = loop->site;
    vb_pg_pool_tick(site->main_pool);
    vb_pg_pool_tick(site->source_pool);
    vb_pg_pool_tick(site->count_pool);
    vb_pg_pool_tick(site->search_pool);
    if (loop == &loop->http->loops[0])
        refresh_secrets(site, now);
    else
        take_known(site);
}

/* The ticket first, since its callback writes into the site. Pools that were never made are
 * NULL. */
void vb_api_pools_done(struct vb_api_site_loop *site)
{
    vb_pg_ticket_drop(site->secrets_ticket);
    vb_pg_pool_free(site->main_pool);
    vb_pg_pool_free(site->source_pool);
    vb_pg_pool_free(site->count_pool);
    vb_pg_pool_free(site->search_pool);
}
