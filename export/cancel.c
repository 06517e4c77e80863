/* PQcancel with an end: see cancel.h.
 *
 * libpq's call blocks for as long as the network does (it connects anew and waits for the server to hang up), and
 * ignores connect_timeout. So it runs on a thread of its own, which owns the PGcancel. One that does not
 * come back in time is left alone: it ends with the timeouts of TCP, or with the process.
 */
#include "cancel.h"

#include "verbatim/clock.h"

#include <pthread.h>
#include <time.h>

#define PATIENCE VB_SECOND

static void *send_cancel(void *argument)
{
    PGcancel *cancel = argument;
    char text[256];
    /* Unheard, the statement ends by its statement_timeout. */
    (void)PQcancel(cancel, text, sizeof text);
    PQfreeCancel(cancel);
    return NULL;
}

void vb_cancel_statement(PGconn *connection)
{
    PGcancel *cancel = PQgetCancel(connection);
    pthread_t thread;
    if (!cancel) /* the connection is gone, and the statement with it */
        return;
    if (pthread_create(&thread, NULL, send_cancel, cancel) != 0) {
        PQfreeCancel(cancel);
        return;
    }
    int64_t until = vb_clock_monotonic() + PATIENCE;
    struct timespec end = {until / VB_SECOND, until % VB_SECOND * 1000};
    if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &end) != 0)
        pthread_detach(thread);
}
