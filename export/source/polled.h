/* Waiting for the source: every wait on its connection is one of these, in short slices between
 * which the owner is asked whether to go on.
 *
 * Keeps nothing: the connection and what it hands out are the caller's, to be freed by libpq's
 * functions. Belongs to the connection's thread, and blocks it. Errors: VB_STOPPED alone, by which
 * the statement was called off and the connection is of no use any more; all else is told by
 * libpq's own means: a result, a length, PQerrorMessage. Connections are non-blocking ones once
 * they are made.
 */
#ifndef VERBATIM_EXPORT_SOURCE_POLLED_H
#define VERBATIM_EXPORT_SOURCE_POLLED_H

#include "verbatim/postgres.h"

#include <stdint.h>

/* The rest of a connect that PQconnectStartParams began; PQstatus tells how it went. A host that is
 * silent for the connection's connect_timeout is given up for the next one. Limit: libpq looks
 * names up in a blocking way. */
enum vb_status vb_polled_connect(PGconn *connection, const struct vb_stop *stop,
                                 struct vb_error *err) vb_must_check;
/* PQgetResult, after one of the PQsend functions: the caller clears it; NULL behind the last. */
enum vb_status vb_polled_result(PGconn *connection, const struct vb_stop *stop,
                                PGresult **ret_result, struct vb_error *err) vb_must_check;
/* PQgetCopyData: a row already received costs no system call. The length is that of the row, -1 at
 * the end and -2 for a failure, as libpq has it, and 0 where none came before the deadline
 * (monotonic; 0: none; a slice later at most); the caller frees the row. *waited grows by the
 * microseconds in which nothing had come. */
enum vb_status vb_polled_row(PGconn *connection, const struct vb_stop *stop, int64_t deadline,
                             char **ret_row, int *ret_length, int64_t *waited,
                             struct vb_error *err) vb_must_check;

#endif
