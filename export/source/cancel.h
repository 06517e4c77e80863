/* Calling off the statement that a server is busy with, for a connection that is given up next.
 * Best effort: nobody learns whether the server heard it.
 *
 * The connection stays the caller's, and may be finished as soon as the call returns. Any thread.
 * Reports no errors: unheard, a statement ends by its statement_timeout.
 */
#ifndef VERBATIM_EXPORT_SOURCE_CANCEL_H
#define VERBATIM_EXPORT_SOURCE_CANCEL_H

#include <libpq-fe.h>

/* Returns within about a second, also when the server cannot be reached; the request may then still
 * be under way. Does nothing for a connection that is broken already. */
void vb_cancel_statement(PGconn *connection);

#endif
