/* The statements of the outbox; see errand.h.
 *
 * A claim also notes the process. One whose beats (verbatim.process) have ended is taken over; a
 * claim younger than a process's lease is left alone, for it may be from before the first beat, or
 * from a process that is ending. What is noted as our own and not at work is what a claim took
 * whose answer was lost.
 */
#include "errand_row.h"

#include "database/args.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a claim lasts for; renewed long before it ends. Whoever it is taken from is told by the
 * fence. */
#define LEASE "interval '5 minutes'"

/* Nothing of what is held, and nothing whose message a server has had within the hour. */
#define FREE                                                                                       \
    " AND o.outbox_id <> ALL ($3::bigint[]) AND lower(o.recipient) <> ALL ($4::text[])"            \
    " AND lower(split_part(o.recipient, '@', 2)) <> ALL ($5::text[])"                              \
    " AND (o.unanswered_at IS NULL OR o.unanswered_at <= now() - interval '1 hour')"

/* What is due goes first; then what somebody holds who says no beats any more, or we ourselves. A
 * row that was claimed within the last lease of a process is left alone: its first beat may be
 * under way. Instants come as microseconds. $1: our process, $2: a process's lease in microseconds,
 * $3 to $5: rows, recipients and domains that are held. */
/* clang-format off */
static const char claim_sql[] =
    "WITH next AS (SELECT coalesce("
    "  (SELECT outbox_id"
    "   FROM verbatim.outbox AS o"
    "   WHERE sent_at IS NULL AND given_up_at IS NULL AND not_before <= now()" FREE
    "   ORDER BY not_before LIMIT 1"
    "   FOR UPDATE SKIP LOCKED),"
    "  (SELECT o.outbox_id"
    "   FROM verbatim.outbox AS o"
    "   WHERE sent_at IS NULL AND given_up_at IS NULL"
    "   AND (o.process_id = $1::uuid"
    "   OR (not_before - " LEASE " < now() - " VB_PROCESS_LEASE
    "   AND " VB_PROCESS_IS_GONE "))" FREE
    "   ORDER BY not_before LIMIT 1"
    "   FOR UPDATE SKIP LOCKED)) AS outbox_id),"
    " claimed AS ("
    "UPDATE verbatim.outbox AS o"
    "  SET not_before = now() + " LEASE ", attempts = attempts + 1,"
    "  process_id = $1::uuid"
    "  FROM next"
    "  WHERE o.outbox_id = next.outbox_id"
    "  RETURNING o.outbox_id, o.attempts, o.unanswered, o.recipient, o.job_id)"
    " SELECT " ERRAND_ROW_LIST
    " FROM claimed AS c JOIN verbatim.job AS j ON j.job_id = c.job_id";
/* clang-format on */

const char *vb_errand_text(const struct vb_errand *errand, int column)
{
    const char *value = vb_pg_value(errand->row, 0, column);
    return value ? value : "";
}

int64_t vb_errand_number(const struct vb_errand *errand, int column)
{
    return strtoll(vb_errand_text(errand, column), NULL, 10);
}

static void fill(struct vb_errand *errand, PGresult *row)
{
    *errand = (struct vb_errand){.row = row};
    snprintf(errand->id, sizeof errand->id, "%s", vb_errand_text(errand, COLUMN_ID));
    snprintf(errand->attempt, sizeof errand->attempt, "%s", vb_errand_text(errand, COLUMN_ATTEMPT));
    errand->recipient = vb_errand_text(errand, COLUMN_RECIPIENT);
    errand->job_id = vb_errand_text(errand, COLUMN_JOB);
    errand->workspace = vb_errand_text(errand, COLUMN_WORKSPACE);
    errand->unanswered = vb_errand_number(errand, COLUMN_UNANSWERED);
    errand->link = (int)vb_errand_number(errand, COLUMN_LINK);
    errand->finished_at = vb_errand_number(errand, COLUMN_FINISHED);
    errand->expires_at = vb_errand_number(errand, COLUMN_EXPIRES);
    errand->finished = strcmp(vb_errand_text(errand, COLUMN_STATUS), "finished") == 0;
    errand->revoked = strcmp(vb_errand_text(errand, COLUMN_REVOKED), "t") == 0;
    /* Also without a link at all. */
    errand->dead = strcmp(vb_errand_text(errand, COLUMN_DEAD), "f") != 0;
}

enum vb_status vb_errand_claim(struct vb_pg *pg, const struct vb_service *service,
                               const struct vb_errands_held *held, struct vb_errand *ret_errand,
                               struct vb_error *err)
{
    struct vb_pg_args args = {0};
    struct vb_errand_lists lists;
    PGresult *row = NULL;
    enum vb_status status = vb_errand_lists_fill(held, &lists);
    if (status == VB_OK) {
        vb_args_text(&args, service->process_id);
        vb_args_number(&args, service->options->lease);
        vb_args_text(&args, lists.ids.data);
        vb_args_text(&args, lists.recipients.data);
        vb_args_text(&args, lists.domains.data);
        status = vb_args_query(pg, claim_sql, &args, &row, err);
    } else {
        vb_fail(err, status, "no memory for a claim");
    }
    vb_errand_lists_done(&lists);
    if (status != VB_OK)
        return status;
    if (PQntuples(row) == 0) {
        PQclear(row);
        return VB_AGAIN;
    }
    fill(ret_errand, row);
    return VB_OK;
}

void vb_errand_done(struct vb_errand *errand)
{
    PQclear(errand->row);
    *errand = (struct vb_errand){0};
}

enum vb_status vb_errand_renew(struct vb_pg *pg, const struct vb_errand *errand, bool handed_over,
                               bool *ret_held, struct vb_error *err)
{
    uint64_t rows = 0;
    const char *const parameters[] = {errand->id, errand->attempt, handed_over ? "1" : "0"};
    enum vb_status status =
        vb_pg_exec(pg,
                   "UPDATE verbatim.outbox"
                   " SET not_before = now() + " LEASE ", unanswered = unanswered + $3::integer,"
                   " unanswered_at = CASE $3::integer WHEN 1 THEN now() ELSE unanswered_at END"
                   " WHERE outbox_id = $1::bigint AND attempts = $2::integer",
                   3, parameters, &rows, err);
    if (status == VB_OK)
        *ret_held = rows > 0;
    return status;
}

/* A handover without an answer is of now, one that was answered after all has never been. */
static const char record_sql[] =
    "UPDATE verbatim.outbox"
    " SET last_error = $3, process_id = NULL,"
    " sent_at = CASE WHEN $4::boolean THEN now() END,"
    " given_up_at = CASE WHEN $5::boolean THEN now() END,"
    " not_before = now() + $6::float8 * interval '1 second',"
    " unanswered = unanswered + $7::integer,"
    " unanswered_at = CASE sign($7::integer) WHEN 1 THEN now() WHEN 0 THEN unanswered_at END"
    " WHERE outbox_id = $1::bigint AND attempts = $2::integer";

enum vb_status vb_errand_record(struct vb_pg *pg, const struct vb_errand *errand,
                                const struct vb_errand_end *end, struct vb_error *err)
{
    char seconds[32], unanswered[16];
    snprintf(seconds, sizeof seconds, "%.3f", end->pause);
    snprintf(unanswered, sizeof unanswered, "%d", end->unanswered);
    const char *const parameters[] = {errand->id,
                                      errand->attempt,
                                      end->text,
                                      end->sent ? "true" : "false",
                                      end->final ? "true" : "false",
                                      seconds,
                                      unanswered};
    return vb_pg_exec(pg, record_sql, 7, parameters, NULL, err);
}
