/* The slices: see polled.h.
 *
 * poll on one socket rather than an event loop: a reader's thread has nothing else to wait for. A
 * stop sets no descriptor, so it is asked for between slices.
 */
#include "polled.h"

#include "cancel.h"

#include "verbatim/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SLICE 200           /* milliseconds: how late a stop may be heard */
#define LONGEST_CONNECT 600 /* seconds; 0 stands for no end in a connection string */

enum vb_status vb_stop_check(const struct vb_stop *stop, struct vb_error *err)
{
    if (stop->asked && stop->asked(stop->context))
        return vb_fail(err, VB_STOPPED, "reading was stopped");
    return VB_OK;
}

/* One slice: ends when the socket is ready, and after SLICE in any case. A connection without a
 * socket is one that broke: libpq says so at the next call. */
static enum vb_status wait_slice(PGconn *connection, short events, const struct vb_stop *stop,
                                 bool *ret_ready, struct vb_error *err)
{
    struct pollfd wanted = {PQsocket(connection), events, 0};
    enum vb_status status = vb_stop_check(stop, err);
    if (status != VB_OK)
        return status;
    int found = wanted.fd < 0 ? 1 : poll(&wanted, 1, SLICE);
    if (found < 0 && errno != EINTR)
        vb_clock_sleep((int64_t)SLICE * 1000); /* out of memory, perhaps: no reason to spin */
    *ret_ready = found > 0;
    return VB_OK;
}

/* Input and, as long as libpq holds some back, output. Whether there is any, libpq finds by
 * itself. */
static enum vb_status wait_answer(PGconn *connection, bool unsent, const struct vb_stop *stop,
                                  struct vb_error *err)
{
    short events = (short)(unsent ? POLLIN | POLLOUT : POLLIN);
    bool ready = false;
    enum vb_status status = wait_slice(connection, events, stop, &ready, err);
    if (status == VB_STOPPED)
        vb_cancel_statement(connection);
    return status;
}

/* What the connection string or the recipe says, read back from libpq, which keeps that time only
 * in its blocking connect. */
static int64_t time_for_a_host(PGconn *connection)
{
    long seconds = 0;
    PQconninfoOption *options = PQconninfo(connection);
    for (const PQconninfoOption *option = options; option && option->keyword; option++)
        if (strcmp(option->keyword, "connect_timeout") == 0 && option->val)
            seconds = strtol(option->val, NULL, 10);
    PQconninfoFree(options);
    return seconds > 0 && seconds < LONGEST_CONNECT ? seconds * VB_SECOND
                                                    : LONGEST_CONNECT * VB_SECOND;
}

/* What libpq takes for a broken connection makes it go on to the next address, or give up. */
static void end_silence(PGconn *connection, int64_t patience, int64_t *deadline)
{
    if (vb_clock_monotonic() < *deadline)
        return;
    *deadline += patience;
    if (PQsocket(connection) >= 0)
        (void)shutdown(PQsocket(connection), SHUT_RDWR);
}

enum vb_status vb_polled_connect(PGconn *connection, const struct vb_stop *stop,
                                 struct vb_error *err)
{
    int64_t patience = time_for_a_host(connection);
    int64_t deadline = vb_clock_monotonic() + patience;
    PostgresPollingStatusType wish = PGRES_POLLING_WRITING;
    enum vb_status status = VB_OK;
    while (status == VB_OK && wish != PGRES_POLLING_OK && wish != PGRES_POLLING_FAILED) {
        short events = wish == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;
        bool ready = false;
        status = wait_slice(connection, events, stop, &ready, err);
        if (ready) /* asked earlier, it would take the connection for made */
            wish = PQconnectPoll(connection);
        else
            end_silence(connection, patience, &deadline);
    }
    return status;
}

enum vb_status vb_polled_result(PGconn *connection, const struct vb_stop *stop,
                                PGresult **ret_result, struct vb_error *err)
{
    int unsent = PQflush(connection); /* a failure shows in the result */
    while (PQisBusy(connection)) {
        enum vb_status status = wait_answer(connection, unsent > 0, stop, err);
        if (status != VB_OK)
            return status;
        if (!PQconsumeInput(connection))
            break;
        unsent = PQflush(connection);
    }
    *ret_result = PQgetResult(connection);
    return VB_OK;
}

enum vb_status vb_polled_row(PGconn *connection, const struct vb_stop *stop, int64_t deadline,
                             char **ret_row, int *ret_length, int64_t *waited, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    int length = PQgetCopyData(connection, ret_row, 1);
    /* A server that is ahead of us has sent more already: a look costs less than to wait and
     * look. */
    for (bool looked = false; length == 0; looked = true) {
        if (looked) {
            int64_t since = vb_clock_monotonic();
            if (deadline > 0 && since >= deadline)
                break;
            status = wait_answer(connection, false, stop, err);
            *waited += vb_clock_monotonic() - since;
        }
        if (status != VB_OK)
            return status;
        length = PQconsumeInput(connection) ? PQgetCopyData(connection, ret_row, 1) : -2;
    }
    *ret_length = length;
    return VB_OK;
}
