/* The thread that opens connections for the HTTP loops, so that no loop waits for a name server, a
 * handshake or a password hash (libpq resolves names within PQconnectPoll, blocking).
 *
 * Owns the orders in its queue until they are answered. Each connection has a deadline; a stop is
 * noticed within a fifth of a second, but for a name server that does not answer. A pool may go
 * only after this thread has ended, for its orders point into it.
 */
#include "pool.h"

#include "verbatim/clock.h"
#include "verbatim/thread.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define PREPARE_TIME (4 * VB_SECOND)

struct vb_pg_connector {
    struct vb_thread thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct vb_pg_order *first, **last;
    atomic_bool stopping;
};

/* Waits until the socket is ready. False: deadline or stop. */
static bool wait_for(struct vb_pg_connector *connector, PGconn *connection, bool to_write,
                     int64_t deadline)
{
    while (!atomic_load(&connector->stopping)) {
        if (vb_clock_monotonic() >= deadline)
            return false;
        struct pollfd wanted = {PQsocket(connection), to_write ? POLLOUT : POLLIN, 0};
        if (poll(&wanted, 1, 100) > 0)
            return true;
    }
    return false;
}

static bool prepare_set(PGconn *connection, const struct vb_pg_statement_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (!PQsendPrepare(connection, set->statements[i].name, set->statements[i].sql, 0, NULL))
            return false;
    return true;
}

/* Prepared under the API's role, so that a missing right is found now and not by a request. All of
 * its statements are look-ups by key, of which any plan is as good as the best; without being told
 * so the server goes on planning some of them anew each time, which costs more than they do. */
static bool send_preparations(PGconn *connection, const struct vb_pg_pool_options *options)
{
    if (options->take_role) {
        char sql[2048];
        snprintf(sql, sizeof sql,
                 "SELECT %s, set_config('plan_cache_mode', 'force_generic_plan', false)",
                 options->take_role);
        if (!PQsendQueryParams(connection, sql, 0, NULL, NULL, NULL, NULL, 0))
            return false;
    }
    for (size_t i = 0; i < VB_PG_STATEMENT_SETS; i++)
        if (!prepare_set(connection, &options->statements[i]))
            return false;
    return PQpipelineSync(connection) == 1;
}

/* Reads results until the sync; false with the server's reason in `err`. */
static bool read_preparations(struct vb_pg_connector *connector, PGconn *connection,
                              int64_t deadline, struct vb_error *err)
{
    bool is_good = true;
    for (;;) {
        /* Non-blocking: what did not fit the socket goes out while results are awaited. */
        int flushed = PQflush(connection);
        if (flushed < 0)
            return false;
        while (PQisBusy(connection))
            if (!wait_for(connector, connection, flushed > 0, deadline) ||
                !PQconsumeInput(connection))
                return false;
        PGresult *result = PQgetResult(connection);
        ExecStatusType status = result ? PQresultStatus(result) : PGRES_COMMAND_OK;
        if (status == PGRES_FATAL_ERROR && is_good) {
            is_good = false;
            (void)vb_postgres_fail(err, connection, result);
        }
        PQclear(result);
        if (status == PGRES_PIPELINE_SYNC)
            return is_good;
    }
}

static bool is_stopping(void *context)
{
    const struct vb_pg_connector *connector = context;
    return atomic_load(&connector->stopping);
}

/* A pooler would keep nothing of it, or give it to others. */
static bool find_session(struct vb_pg_connector *connector, struct vb_pg_order *order,
                         PGconn *connection, struct vb_error *err)
{
    const struct vb_stop stop = {is_stopping, connector};
    bool is_pooled = false;
    order->is_prepared = false;
    if (!order->options->prepared)
        return true;
    if (vb_postgres_find_pooler(connection, &stop, &is_pooled, err) != VB_OK)
        return false;
    order->is_prepared = !is_pooled;
    return true;
}

static bool make_ready(struct vb_pg_connector *connector, struct vb_pg_order *order,
                       PGconn *connection, struct vb_error *err)
{
    if (!find_session(connector, order, connection, err))
        return false;
    int64_t deadline = vb_clock_monotonic() + PREPARE_TIME;
    if (PQsetnonblocking(connection, 1) != 0 || !PQenterPipelineMode(connection))
        return false;
    if (!order->is_prepared)
        return true;
    if (send_preparations(connection, order->options) &&
        read_preparations(connector, connection, deadline, err))
        return true;
    if (order->options->take_role || err->status == VB_OK || vb_status_retryable(err->status))
        return false;
    /* The source refuses one of the statements, and will go on to: each request is told so by its
     * own, where a connection that never stands would tell all of them to try again. */
    order->is_prepared = false;
    vb_error_clear(err);
    return true;
}

static void serve(struct vb_pg_connector *connector, struct vb_pg_order *order)
{
    const struct vb_postgres_recipe recipe = {
        .connection_string = order->options->connection_string,
        .application_name = "verbatim http",
        .server = order->options->server,
        .is_waited_at = true,
        .stop = {is_stopping, connector},
    };
    struct vb_error err = {0};
    PGconn *connection = NULL;
    if (vb_postgres_connect(&recipe, &connection, &err) == VB_OK &&
        !make_ready(connector, order, connection, &err)) {
        if (err.status == VB_OK)
            (void)vb_postgres_fail(&err, connection, NULL);
        PQfinish(connection);
        connection = NULL;
    }
    order->connection = connection;
    order->error = err;
    vb_pg_pool_answer(order->pool, order);
}

static void *run(void *context)
{
    struct vb_pg_connector *connector = context;
    pthread_mutex_lock(&connector->mutex);
    while (!atomic_load(&connector->stopping)) {
        struct vb_pg_order *order = connector->first;
        if (!order) {
            pthread_cond_wait(&connector->changed, &connector->mutex);
            continue;
        }
        connector->first = order->next;
        if (!connector->first)
            connector->last = &connector->first;
        pthread_mutex_unlock(&connector->mutex);
        serve(connector, order);
        pthread_mutex_lock(&connector->mutex);
    }
    pthread_mutex_unlock(&connector->mutex);
    return NULL;
}

void vb_pg_connector_ask(struct vb_pg_connector *connector, struct vb_pg_order *order)
{
    pthread_mutex_lock(&connector->mutex);
    order->next = NULL;
    *connector->last = order;
    connector->last = &order->next;
    pthread_cond_signal(&connector->changed);
    pthread_mutex_unlock(&connector->mutex);
}

enum vb_status vb_pg_connector_start(struct vb_pg_connector **ret_connector, struct vb_error *err)
{
    struct vb_pg_connector *connector = calloc(1, sizeof(*connector));
    if (!connector)
        return vb_fail(err, VB_NO_MEMORY, "no memory for the connector");
    connector->last = &connector->first;
    pthread_mutex_init(&connector->mutex, NULL);
    pthread_cond_init(&connector->changed, NULL);
    enum vb_status status = vb_thread_start(&connector->thread, "vb-connect", run, connector, err);
    if (status != VB_OK) {
        free(connector);
        return status;
    }
    *ret_connector = connector;
    return VB_OK;
}

void vb_pg_connector_stop(struct vb_pg_connector *connector)
{
    if (!connector)
        return;
    pthread_mutex_lock(&connector->mutex);
    atomic_store(&connector->stopping, true);
    pthread_cond_signal(&connector->changed);
    pthread_mutex_unlock(&connector->mutex);
    vb_thread_join(&connector->thread);
    pthread_cond_destroy(&connector->changed);
    pthread_mutex_destroy(&connector->mutex);
    free(connector); /* orders still queued belong to their pools' links */
}
