/* Downloads in the audit. Noted when the bytes, or the way to them, were handed out, by a statement
 * that nobody waits for: a link has to work while the database is away. What could not be noted is
 * in the log.
 */
#include "api.h"

#include "verbatim/log.h"

#include <inttypes.h>
#include <stdio.h>

/* Not tried again: unlike an end, a download leaves nothing open that somebody would wait for. */
static void on_noted(void *context, const struct vb_pg_outcome *outcome)
{
    (void)context; /* the answer may be long gone */
    if (outcome->status != VB_OK)
        vb_warn("a download is missing in the audit: %s", outcome->error.text);
}

/* The ticket is nobody's: it must not go with an exchange whose bytes are under way. */
static void note(struct vb_http_exchange *exchange, const struct vb_pg_step *steps,
                 const char *job_id)
{
    struct vb_pg_ticket *ticket;
    struct vb_error err = {0};
    if (vb_pg_pool_send(exchange->loop->site->main_pool, steps, 2, on_noted, NULL, &ticket, &err) !=
        VB_OK)
        vb_warn("a download of the job %s is missing in the audit: %s", job_id, err.text);
}

/* Where it went, and how much of it; as texts for a statement. */
struct trail {
    char client[VB_ADDRESS_TEXT], sent[24];
};

/* NULL where nobody knows: what is fetched from the store is not seen here. */
static const char *put_trail(const struct vb_http_exchange *exchange, const uint64_t *sent,
                             struct trail *trail)
{
    vb_http_client_text(exchange, trail->client);
    if (sent)
        (void)snprintf(trail->sent, sizeof(trail->sent), "%" PRIu64, *sent);
    return sent ? trail->sent : NULL;
}

/* By who asks with a key, so in the key's workspace. */
void vb_api_audit_download(struct vb_http_exchange *exchange, const char *job_id,
                           const uint64_t *sent)
{
    struct trail trail;
    const char *bytes = put_trail(exchange, sent, &trail);
    const char *const enter[] = {exchange->request->access.workspace};
    const char *const event[] = {job_id, "download", exchange->request->access.author, trail.client,
                                 bytes};
    const struct vb_pg_step steps[] = {{&vb_pg_enter[VB_PG_ENTER_WRITE], enter},
                                       {&vb_api_sql[VB_API_SQL_AUDIT_EVENT], event}};
    note(exchange, steps, job_id);
}

/* A link names no workspace: hence the worker's role, and the job's id alone. */
void vb_api_audit_link(struct vb_http_exchange *exchange, const char *job_id, bool is_part,
                       const uint64_t *sent)
{
    struct trail trail;
    const char *bytes = put_trail(exchange, sent, &trail);
    const char *const event[] = {job_id, is_part ? "t" : "f", trail.client, bytes};
    const struct vb_pg_step steps[] = {{&vb_api_sql[VB_API_SQL_AS_WORKER], NULL},
                                       {&vb_api_sql[VB_API_SQL_AUDIT_LINK], event}};
    note(exchange, steps, job_id);
}
