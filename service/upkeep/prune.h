/* Jobs whose own retention has run out: the row goes, and its file with it. Private to this folder.
 *
 * Only jobs of doors that promise a retention (job.retention, counted from the creation) are
 * concerned; whoever else is kept by the option `retention` keeps its row for longer.
 *
 * Connection, store and session are the caller's, and of the caller's thread; the role is the
 * worker's. No transaction may be open. An error tells what could not be done, and leaves what was
 * done: a repeat goes on from there. Nothing is kept from call to call.
 */
#ifndef VERBATIM_UPKEEP_PRUNE_H
#define VERBATIM_UPKEEP_PRUNE_H

#include "storage/storage.h"

#include "database/pg.h"

struct vb_pruned {
    uint64_t rows;
    uint64_t files;   /* deleted here and now */
    uint64_t waiting; /* files left to the janitor of whoever has their store, or to a later try */
};

/* Deletes at once: rows, then the files that lie in this session's store. What fails in the store
 * is left to the janitor, and told in `waiting`. */
enum vb_status vb_prune(struct vb_pg *pg, struct vb_storage *storage,
                        struct vb_storage_session *session, struct vb_pruned *ret_pruned,
                        struct vb_error *err) vb_must_check;

/* Deletes rows once a day at `at` ("HH:MM", UTC, by the database's clock), in batches that several
 * processes may share; a day on which nobody asked is made up for. Files become clean-up rows.
 * *ret_rows: deleted by this call; *ret_ran: it found no more. A call takes a bounded number of
 * batches. */
enum vb_status vb_prune_daily(struct vb_pg *pg, const char *at, bool *ret_ran, uint64_t *ret_rows,
                              struct vb_error *err) vb_must_check;

#endif
