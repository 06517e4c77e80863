/* Text parameters of one statement: numbers and cursors are written into the struct itself.
 *
 * A plain value on the caller's stack; texts are borrowed until the statement has run. Adding more
 * than VB_PG_ARGS is a programming error and asserted.
 */
#ifndef VERBATIM_DATABASE_ARGS_H
#define VERBATIM_DATABASE_ARGS_H

#include "step.h"
#include "verbatim/conversation.h"

#define VB_PG_ARGS 20
#define VB_PG_ARG_PLACES 2 /* cursors among them */

struct vb_pg_args {
    int count;
    const char *values[VB_PG_ARGS];
    char numbers[VB_PG_ARGS][24];
    int place_count;
    char places[VB_PG_ARG_PLACES][VB_CURSOR_TEXT]; /* of cursors */
};

/* Rows that a process is at work on (outbox, clean-up) note which. $1 is our own process, $2 the
 * lease of a process in microseconds. Whoever is noted in row `o` says no beats. */
#define VB_PROCESS_LEASE "$2::bigint * interval '1 microsecond'"
#define VB_PROCESS_IS_GONE                                                                         \
    "o.process_id IS NOT NULL AND NOT EXISTS (SELECT FROM verbatim.process AS p"                   \
    " WHERE p.process_id = o.process_id AND p.beat_at > clock_timestamp() - " VB_PROCESS_LEASE ")"

void vb_args_text(struct vb_pg_args *args, const char *text); /* NULL: SQL NULL */
void vb_args_number(struct vb_pg_args *args, int64_t number);
/* Two parameters: the instant in Unix microseconds and the id; both NULL where there is no
 * cursor. */
void vb_args_cursor(struct vb_pg_args *args, bool given, const struct vb_cursor *cursor);

enum vb_status vb_args_query(struct vb_pg *pg, const char *sql, const struct vb_pg_args *args,
                             PGresult **ret_result, struct vb_error *err) vb_must_check;
enum vb_status vb_args_exec(struct vb_pg *pg, const char *sql, const struct vb_pg_args *args,
                            uint64_t *ret_rows, struct vb_error *err) vb_must_check;
/* For statements that are sent together; the step borrows from both. */
struct vb_pg_step vb_args_step(struct vb_pg_statement *statement, const char *sql,
                               const struct vb_pg_args *args);

/* Fields of a row; NULL reads as 0 and "". */
int64_t vb_row_number(const PGresult *result, int row, int column);
bool vb_row_null(const PGresult *result, int row, int column);
bool vb_row_true(const PGresult *result, int row, int column);

#endif
