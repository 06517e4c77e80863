/* The start of serve and worker, as far as it looks at the world. See start.h.
 *
 * What fails nobody's start is a line in the log: others may have what is missing here. Connections
 * are closed again, since the parts make their own.
 */
#include "start.h"

#include "database/migrate.h"
#include "queue/source_contract.h"
#include "queue/zones.h"
#include "settings/process.h"
#include "settings/reach.h"
#include "settings/supervisor.h"

#include "verbatim/zone.h"

#include <string.h>

#define PAUSE_FIRST (VB_SECOND / 2)
#define PAUSE_LONGEST (5 * VB_SECOND)
/* Over the longest pause: a try may take its time as well. */
#define WAIT_MORE (60 * VB_SECOND)
#define STORE_PATIENCE (10 * VB_SECOND)

/* Only for a warning, so it fails nobody's start. */
static void note_capacity(PGconn *connection, struct vb_capacity *ret_capacity)
{
    struct vb_error err;
    if (vb_capacity_read(connection, ret_capacity, &err) != VB_OK)
        vb_debug("the server's connections cannot be counted: %s", err.text);
}

/* Once for all threads; the connection is closed again. */
static enum vb_status read_contract(struct vb_start *start, struct vb_error *err)
{
    const struct vb_options *options = start->options;
    PGconn *connection = NULL;
    bool is_one = !options->source_url || !options->database_url ||
                  strcmp(options->source_url, options->database_url) == 0;
    enum vb_status status =
        vb_pg_connect_source(options->source_url, "verbatim start", &connection, err);
    if (status == VB_OK)
        status = vb_source_contract(connection, options->source_schema, options->source_time_zone,
                                    &start->contract, err);
    else
        vb_command_advise(is_one ? "database_url" : "source_url", true, err);
    if (status == VB_OK)
        note_capacity(connection, &start->source);
    PQfinish(connection);
    if (status == VB_SOURCE)
        vb_fail_within(err, status,
                       "source: docs/connect.md tells how a platform is connected, verbatim "
                       "demo-data makes one to try out, source_schema names its schema");
    else if (status != VB_OK)
        vb_fail_within(err, status, "source");
    return status;
}

/* Links can wait for them, so this fails nobody's start. */
static void read_secrets(struct vb_pg *pg, struct vb_link_secrets *ret_secrets)
{
    struct vb_error err;
    if (vb_link_secrets_load(pg, ret_secrets, &err) != VB_OK)
        vb_warn("the secrets of links are not known yet: %s", err.text);
}

#define ZONES_TOLD 20

static void tell_zone(void *context, const char *workspace, const char *zone)
{
    unsigned *told = context;
    if ((*told)++ < ZONES_TOLD)
        vb_warn(
            "workspace %s: its time zone %s is not known on this machine: its orders are refused "
            "here and its exports fail; install the system's time zones, or set another one",
            workspace, zone);
}

/* Others may know them, so this fails nobody's start either. */
static void tell_zones(struct vb_pg *pg)
{
    struct vb_error err;
    unsigned told = 0;
    if (vb_zones_unknown(pg, tell_zone, &told, &err) != VB_OK)
        vb_warn("the workspaces' time zones cannot be looked at: %s", err.text);
    else if (told > ZONES_TOLD)
        vb_warn("%u more workspaces have an unknown time zone", told - ZONES_TOLD);
}

/* One look at the database: the schema fits, and the source keeps its contract. The connections are
 * closed again: the parts make their own. */
static enum vb_status look(struct vb_start *start, struct vb_error *err)
{
    const struct vb_options *options = start->options;
    struct vb_pg *pg;
    struct vb_pg_options wanted = {.connection_string = options->database_url,
                                   .application_name = "verbatim start",
                                   .role = VB_PG_WORKER,
                                   .prepared_statements = options->prepared_statements};
    enum vb_status status = vb_pg_new(&wanted, &pg, err);
    if (status != VB_OK)
        return status;
    status = vb_schema_check(pg, err);
    if (status == VB_OK) {
        read_secrets(pg, &start->secrets);
        tell_zones(pg);
        note_capacity(vb_pg_connection(pg), &start->database);
    } else {
        vb_command_advise("database_url", true, err);
    }
    vb_pg_free(pg);
    return status == VB_OK ? read_contract(start, err) : status;
}

static void tell_release(void)
{
    char release[VB_ZONE_RELEASE];
    bool is_told = vb_zone_release(release);
    if (is_told && vb_zone_release_is_old(release, vb_clock_now()))
        vb_warn("time zones: release %s is more than a year old, clocks may have been changed "
                "since -> update the package tzdata",
                release);
    else if (is_told)
        vb_info("time zones: release %s", release);
    else
        vb_warn("time zones: the system does not say which release it has");
}

/* Databases start later than services, and go away for a while. Until it is there nothing listens,
 * so nobody is sent here; what no waiting cures ends the program. */
enum vb_status vb_start_wait(struct vb_start *start, struct vb_error *err)
{
    int64_t pause = PAUSE_FIRST;
    tell_release();
    for (;;) {
        enum vb_status status = look(start, err);
        if (status == VB_OK || !vb_status_retryable(status))
            return status;
        if (vb_postgres_is_refusal(err))
            return err->status = VB_DENIED;
        vb_warn("waiting for the database: %s", err->text);
        vb_supervisor_waiting("waiting for the database", WAIT_MORE);
        if (vb_signals_wait(pause))
            return vb_fail(err, VB_STOPPED, "asked to stop while waiting for the database");
        pause = pause * 2 < PAUSE_LONGEST ? pause * 2 : PAUSE_LONGEST;
    }
}

/* Whoever cannot come by them is known to nobody here: said once, nobody's start fails by it. A
 * worker listens nowhere; what it writes into mails is for others all the same. */
void vb_start_tell_links(const struct vb_options *options, bool has_http)
{
    static const char words[] = "links begin with %s, which leads others to their own machine: set "
                                "%s to the address at which people reach %s";
    bool for_others =
        has_http ? vb_reach_of(options->listen) != VB_REACH_MACHINE : options->smtp_url != NULL;
    if (for_others && vb_reach_of(options->base_url) == VB_REACH_MACHINE)
        vb_warn(words, options->base_url, "base_url", "verbatim serve");
    if (for_others && strncmp(options->storage, "s3://", 5) == 0 &&
        vb_reach_of(options->s3_public_endpoint) == VB_REACH_MACHINE)
        vb_warn(words, options->s3_public_endpoint, "s3_public_endpoint", "the store");
}

/* Every link of our own begins with base_url: those of mails, short links, those to files. serve
 * with 0 workers is an API; a worker without any would be nothing. */
enum vb_status vb_service_check(const struct vb_options *options, bool has_http,
                                struct vb_error *err)
{
    if (!has_http && options->workers == 0)
        return vb_fail(err, VB_INVALID,
                       "option workers is 0: verbatim worker must have at least 1");
    if ((has_http || options->smtp_url) && vb_reach_of(options->base_url) == VB_REACH_NOBODY)
        return vb_fail(err, VB_INVALID,
                       "option base_url: links would begin with %s, where nobody can go: must be "
                       "the address at which people reach verbatim serve, such as "
                       "https://exports.example.com",
                       options->base_url);
    return VB_OK;
}

static bool is_late(void *until)
{
    return vb_clock_monotonic() > *(const int64_t *)until || vb_signals_wait(0);
}

void vb_start_tell_storage(struct vb_storage *storage, const struct vb_options *options)
{
    struct vb_storage_session *session = NULL;
    struct vb_error err;
    int64_t until = vb_clock_monotonic() + STORE_PATIENCE;
    enum vb_status status = vb_storage_session_new(storage, is_late, &until, &session, &err);
    if (status == VB_OK)
        status = vb_storage_ready(session, &err);
    if (status != VB_OK && !vb_signals_wait(0))
        vb_warn("storage does not answer: %s -> %s", err.text, vb_storage_remedy(options, &err));
    vb_storage_session_free(session);
}
