/* Waiting for the source: every wait on its connection is one of these, in short slices between
 * which the owner is asked whether to go on.
 *
 * On a stop the statement is called off and VB_STOPPED returned; the connection is of no use then.
 * Any other failure is told by libpq's own means: a result, a length, PQerrorMessage. Connections
 * are non-blocking ones once they are made. Keeps nothing; belongs to the reader's thread.
 */
#ifndef VERBATIM_EXPORT_SOURCE_POLLED_H
#define VERBATIM_EXPORT_SOURCE_POLLED_H

#include "verbatim/postgres.h"

/* The rest of a connect that PQconnectStartParams began; PQstatus tells how it went. A host that is
 * silent for the connection's connect_timeout is given up for the next one. Limit: libpq looks
 * names up in a blocking way. */
enum vb_status vb_polled_connect(PGconn *connection, const struct vb_stop *stop,
                                 struct vb_error *err) vb_must_check;
/* PQgetResult, after one of the PQsend functions. */
enum vb_status vb_polled_result(PGconn *connection, const struct vb_stop *stop,
                                PGresult **ret_result, struct vb_error *err) vb_must_check;
/* PQgetCopyData: a row already received costs no system call. */
enum vb_status vb_polled_row(PGconn *connection, const struct vb_stop *stop, char **ret_row,
                             int *ret_length, struct vb_error *err) vb_must_check;

#endif
