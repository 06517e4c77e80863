/* Ends in the audit of exports that were answered at once. See api/audit_end.h.
 *
 * An end is asked for by its entry's mark and written only where there is none yet, so it may be
 * sent again whenever nobody knows what became of it. Between two tries lies more than a statement
 * may take: what was sent before has either happened by then or never will.
 */
#include "audit_end.h"

#include "api.h"

#include "verbatim/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEXT_TRY (6 * VB_SECOND) /* above the statement_timeout of VB_PG_ENTER_WRITE */
#define ENDS 256u                /* of a loop: those of some minutes without a database */

struct vb_api_end {
    struct vb_api_site_loop *site;
    struct vb_api_end *next; /* of those that wait for their next try */
    int64_t due;
    char mark[VB_UUID_TEXT], records[24];
    const char *kind;
    char workspace[];
};

static void give_up(struct vb_api_end *end, const char *why)
{
    vb_warn("the end of an export is missing in the audit: %s", why);
    end->site->notes--;
    free(end);
}

/* Back into the list; the tick finds it. */
static void try_later(struct vb_api_end *end)
{
    struct vb_api_site_loop *site = end->site;
    end->due = vb_clock_monotonic() + NEXT_TRY;
    end->next = site->ends;
    site->ends = end;
}

static void on_noted(void *context, const struct vb_pg_outcome *outcome)
{
    struct vb_api_end *end = context;
    if (outcome->status == VB_OK) {
        end->site->notes--;
        free(end);
    } else if (vb_status_retryable(outcome->status)) {
        try_later(end);
    } else {
        give_up(end, outcome->error.text);
    }
}

/* Not sent at all is like not known: the same later try. */
static void send_end(struct vb_api_end *end)
{
    const char *const enter[] = {end->workspace};
    const char *const event[] = {end->mark, end->kind, end->records};
    const struct vb_pg_step steps[] = {{&vb_pg_enter[VB_PG_ENTER_WRITE], enter},
                                       {&vb_api_sql[VB_API_SQL_AUDIT_END], event}};
    struct vb_pg_ticket *ticket;
    struct vb_error err = {0};
    if (vb_pg_pool_send(end->site->main_pool, steps, 2, on_noted, end, &ticket, &err) != VB_OK)
        try_later(end);
}

/* An entry that may still be made is waited for, one try long, before its end is sent. */
void vb_api_end_note(struct vb_api_site_loop *site, const char *workspace, struct vb_uuid mark,
                     const char *kind, uint64_t records, bool is_unsure)
{
    size_t size = strlen(workspace) + 1;
    struct vb_api_end *end = site->notes < ENDS ? malloc(sizeof(*end) + size) : NULL;
    if (!end) {
        vb_warn("the end of an export is missing in the audit: too many wait for the database");
        return;
    }
    *end = (struct vb_api_end){.site = site, .kind = kind};
    vb_uuid_format(mark, end->mark);
    (void)snprintf(end->records, sizeof(end->records), "%" PRIu64, records);
    memcpy(end->workspace, workspace, size);
    site->notes++;
    if (is_unsure)
        try_later(end);
    else
        send_end(end);
}

/* The list is taken off first: what is sent may come back to it at once. */
void vb_api_end_tick(struct vb_api_site_loop *site, int64_t now)
{
    struct vb_api_end *waiting = site->ends;
    site->ends = NULL;
    while (waiting) {
        struct vb_api_end *end = waiting;
        waiting = end->next;
        if (now >= end->due) {
            send_end(end);
        } else {
            end->next = site->ends;
            site->ends = end;
        }
    }
}

void vb_api_end_done(struct vb_api_site_loop *site)
{
    while (site->ends) {
        struct vb_api_end *end = site->ends;
        site->ends = end->next;
        give_up(end, "the process ends");
    }
}
