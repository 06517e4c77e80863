/* Calling off the statement that a server is busy with. */
#ifndef VERBATIM_EXPORT_SOURCE_CANCEL_H
#define VERBATIM_EXPORT_SOURCE_CANCEL_H

#include <libpq-fe.h>

/* Best effort, for the connection that is given up next. Returns within about a second, also when
 * the server cannot be reached. */
void vb_cancel_statement(PGconn *connection);

#endif
