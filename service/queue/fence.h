/* The fence: every transaction of a claim goes through here.
 *
 * Owns nothing; the step's context is the caller's. The connection and the claim belong to the
 * calling thread, which waits for locks (ten seconds at most each) and, after a failure that may
 * heal, for as long as the claim holds. VB_FENCED means "not ours any more: stop", and nothing was
 * written. A token lives as long as the row that bears it.
 */
#ifndef VERBATIM_QUEUE_FENCE_H
#define VERBATIM_QUEUE_FENCE_H

#include "claim.h"
#include "database/args.h"

/* One such transaction. `token` stands in the segment's last_write from its mark on; a step that
 * deletes the claim's segment writes it into another one of the job. */
struct vb_write {
    const struct vb_claim *claim;
    char token[VB_UUID_TEXT];
    struct vb_write_end *end; /* of fence.c */
};
/* The statements behind the fence; anything but VB_OK rolls back and is what the caller gets. May
 * run several times, each time as if for the first; what it leaves in `context` counts only after
 * vb_fence_run is VB_OK, and then it is of the run that was committed. */
typedef enum vb_status vb_write_step(struct vb_pg *pg, const struct vb_write *write, void *context,
                                     struct vb_error *err);
/* Of a clean-up row that is written behind the fence of a claim, for VALUES of its columns holders
 * and not_before: the job's other claims, before the statement that ends them. $1: job, `epoch`:
 * ours. */
#define VB_CLEANUP_HOLDERS(epoch)                                                                  \
    "(SELECT coalesce(array_agg(h.claim_epoch), '{}')"                                             \
    " FROM verbatim.segment AS h"                                                                  \
    " WHERE h.job_id = $1 AND h.status = 'running' AND h.claim_epoch <> " epoch                    \
    " AND h.lease_until > clock_timestamp()"                                                       \
    " AND EXISTS (SELECT FROM verbatim.process AS p WHERE p.process_id = h.process_id)),"          \
    " (SELECT coalesce(max(h.lease_until), clock_timestamp())"                                     \
    " FROM verbatim.segment AS h"                                                                  \
    " WHERE h.job_id = $1 AND h.status = 'running' AND h.claim_epoch <> " epoch                    \
    " AND h.lease_until > clock_timestamp()"                                                       \
    " AND EXISTS (SELECT FROM verbatim.process AS p WHERE p.process_id = h.process_id))"
/* A step's last statement, sent together with the COMMIT: the step ends with what this returns.
 * What its rows say comes too late to roll back. */
enum vb_status vb_write_last(struct vb_pg *pg, const struct vb_write *write, const char *sql,
                             const struct vb_pg_args *args, PGresult **ret_result,
                             struct vb_error *err) vb_must_check;
/* Runs the step once: begins, locks the job (it must be started) and the claim's segment in that
 * order, and commits. A failure that may heal is tried again while the claim holds. After a COMMIT
 * whose answer was lost it is found out first whether it was carried out, also where the segment or
 * the job has ended by it.
 *
 * VB_OK: committed, once. VB_FENCED: the segment is not ours; nothing was written. Any other
 * status: nothing was written, or (a retryable one) the claim ceased to hold while that was open.
 * `err` must not be NULL. */
enum vb_status vb_fence_run(struct vb_pg *pg, const struct vb_claimer *claimer,
                            const struct vb_claim *claim, vb_write_step *step, void *context,
                            struct vb_error *err) vb_must_check;
/* A step that is one statement with the fence in itself, so that the whole transaction is one round
 * trip. It names VB_FENCE_HELD and writes only where that has a row and the claim's segment is ours
 * yet, which it marks with the token; it gives a row where it has written. */
#define VB_FENCE_HELD                                                                              \
    "held AS MATERIALIZED ("                                                                       \
    "SELECT j.job_id, set_config('lock_timeout', '10s', true)"                                     \
    " FROM verbatim.job AS j"                                                                      \
    " WHERE j.job_id = $1 AND CASE j.status WHEN 'started' THEN true END"                          \
    " FOR NO KEY UPDATE)"
/* Sends it between BEGIN and COMMIT. VB_FENCED: no row. */
enum vb_status vb_write_alone(struct vb_pg *pg, const struct vb_write *write, const char *sql,
                              const struct vb_pg_args *args, PGresult **ret_result,
                              struct vb_error *err) vb_must_check;
/* As vb_fence_run, with a step `alone` that ends with what vb_write_alone returns, and `step` that
 * does the same behind the fence: for when it is not known what became of the other. */
enum vb_status vb_fence_run_alone(struct vb_pg *pg, const struct vb_claimer *claimer,
                                  const struct vb_claim *claim, vb_write_step *alone,
                                  vb_write_step *step, void *context,
                                  struct vb_error *err) vb_must_check;
/* Whether what failed with `status` is worth another try for this claim; waits a moment before it
 * says so. */
bool vb_claim_may_retry(const struct vb_claim *claim, enum vb_status status,
                        const struct vb_error *err);
/* Commits, or rolls back when `status` is not VB_OK; returns what became of it. For transactions
 * that are no claim's. */
enum vb_status vb_transaction_end(struct vb_pg *pg, enum vb_status status,
                                  struct vb_error *err) vb_must_check;
/* VB_FENCED with its message; the top counts it. */
enum vb_status vb_fence_fail(struct vb_error *err);

#endif
