/* PQcancel with an end: see cancel.h.
 *
 * libpq's call blocks for as long as the network does (it connects anew and waits for the server to
 * hang up), and ignores connect_timeout. So it runs on a thread of its own, which owns the order.
 * One that does not come back in time is left alone: it ends with the timeouts of TCP, or with the
 * process.
 */
#include "cancel.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE 1000 /* milliseconds */

struct order {
    PGcancel *cancel;
    int done; /* end of a pipe, closed when the call has returned */
};

static void *carry_out(void *argument)
{
    struct order *order = argument;
    char text[256];
    /* Unheard, the statement ends by its statement_timeout. */
    (void)PQcancel(order->cancel, text, sizeof text);
    PQfreeCancel(order->cancel);
    close(order->done);
    free(order);
    return NULL;
}

/* The thread owns the order from here on. False: there is none. */
static bool start_thread(struct order *order)
{
    pthread_attr_t attributes;
    pthread_t thread;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    bool started = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
                   pthread_create(&thread, &attributes, carry_out, order) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

void vb_cancel_statement(PGconn *connection)
{
    int ends[2];
    struct order *order = malloc(sizeof *order);
    PGcancel *cancel = PQgetCancel(connection); /* NULL: the connection is gone already */
    if (!order || !cancel || pipe2(ends, O_CLOEXEC) != 0) {
        PQfreeCancel(cancel);
        free(order);
        return;
    }
    *order = (struct order){cancel, ends[1]};
    if (start_thread(order)) {
        struct pollfd done = {ends[0], POLLIN, 0};
        (void)poll(&done, 1, PATIENCE);
    } else {
        PQfreeCancel(cancel);
        close(ends[1]);
        free(order);
    }
    close(ends[0]);
}
