/* Several statements in one round trip, in libpq's pipeline mode: see database/step.h.
 *
 * The server works them off in order, and after one that failed passes over the rest up to the
 * sync; so a COMMIT behind them is that of all of them or of none. Neither side can block the other
 * by writing: libpq reads while it cannot send, and the answers here are small beside the sockets'
 * buffers.
 *
 * The connection's thread only. Results are the caller's.
 */
#include "pg_private.h"
#include "step.h"

#include <assert.h>
#include <string.h>

/* BEGIN and the set-up before the steps, COMMIT behind them. */
#define ANSWERS (VB_PG_STEPS + 3)

struct flight {
    struct vb_pg *pg;
    const struct vb_pg_step *steps;
    size_t count;
    unsigned edges;
    char names[VB_PG_STEPS][VB_PG_NAME];
    PGresult *answers[ANSWERS];
    size_t before; /* answers before the steps' own */
    size_t sent;
};

/* What is prepared for one may push out another that is old: as long as any had to be, all are
 * looked up again. */
static enum vb_status name_all(struct flight *flight, struct vb_error *err)
{
    struct vb_pg *pg = flight->pg;
    enum vb_status status = VB_OK;
    size_t seen;
    do {
        seen = pg->next_slot;
        for (size_t i = 0; i < flight->count && status == VB_OK; i++)
            status = vb_pg_name(pg, flight->steps[i].statement->sql,
                                flight->steps[i].statement->count, flight->names[i], err);
    } while (status == VB_OK && pg->next_slot != seen);
    return status;
}

static bool send_plain(struct flight *flight, const char *sql)
{
    flight->sent++;
    return PQsendQueryParams(flight->pg->connection, sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static bool send_step(struct flight *flight, size_t index)
{
    const struct vb_pg_step *step = &flight->steps[index];
    const char *name = flight->names[index];
    PGconn *to = flight->pg->connection;
    flight->sent++;
    if (*name)
        return PQsendQueryPrepared(to, name, step->statement->count, step->values, NULL, NULL, 0) ==
               1;
    return PQsendQueryParams(to, step->statement->sql, step->statement->count, NULL, step->values,
                             NULL, NULL, 0) == 1;
}

static bool send_all(struct flight *flight)
{
    struct vb_pg *pg = flight->pg;
    bool sent = PQenterPipelineMode(pg->connection) == 1;
    if (flight->edges & VB_PG_BEGINS) {
        sent = sent && send_plain(flight, "BEGIN");
        if (pg->per_transaction)
            sent = sent && send_plain(flight, vb_pg_setup_sql(pg->role, true));
    }
    flight->before = flight->sent;
    for (size_t i = 0; i < flight->count; i++)
        sent = sent && send_step(flight, i);
    if (flight->edges & VB_PG_COMMITS)
        sent = sent && send_plain(flight, "COMMIT");
    return sent && PQpipelineSync(pg->connection) == 1;
}

/* Up to the sync, or to the connection's end. */
static void take_answers(struct flight *flight)
{
    size_t taken = 0;
    int silences = 0; /* two NULLs in a row: the connection is gone */
    while (silences < 2) {
        PGresult *result = PQgetResult(flight->pg->connection);
        silences = result ? 0 : silences + 1;
        bool is_sync = result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        if (result && !is_sync && taken < flight->sent)
            flight->answers[taken++] = result;
        else
            PQclear(result);
        if (is_sync)
            break;
    }
}

PGresult *vb_pg_run_set_up(struct vb_pg *pg, const char *sql, int count,
                           const char *const *parameters)
{
    const struct vb_pg_statement statement = {NULL, sql, count};
    const struct vb_pg_step step = {&statement, parameters};
    struct flight flight = {.pg = pg, .steps = &step, .count = 1};
    if (PQenterPipelineMode(pg->connection) != 1 ||
        !send_plain(&flight, vb_pg_setup_sql(pg->role, true)) || !send_step(&flight, 0) ||
        PQpipelineSync(pg->connection) != 1)
        return NULL;
    take_answers(&flight);
    bool is_set_up = PQresultStatus(flight.answers[0]) == PGRES_TUPLES_OK;
    PQclear(flight.answers[!is_set_up]);
    return flight.answers[is_set_up];
}

/* The first that failed tells why; those behind it were passed over. */
static enum vb_status judge(struct flight *flight, struct vb_error *err)
{
    struct vb_pg *pg = flight->pg;
    for (size_t i = 0; i < flight->sent; i++) {
        const PGresult *answer = flight->answers[i];
        ExecStatusType state = PQresultStatus(answer);
        if (state == PGRES_COMMAND_OK || state == PGRES_TUPLES_OK)
            continue;
        pg->is_broken = pg->is_broken || vb_postgres_is_broken(pg->connection, answer);
        return vb_postgres_fail(err, pg->connection, answer);
    }
    char *tag = PQcmdStatus(flight->answers[flight->sent - 1]);
    if (flight->edges & VB_PG_COMMITS && strcmp(tag, "COMMIT") != 0)
        return vb_fail(err, VB_DATABASE, "COMMIT became %s: a statement before it failed", tag);
    return VB_OK;
}

static enum vb_status fly(struct flight *flight, struct vb_error *err)
{
    struct vb_pg *pg = flight->pg;
    enum vb_status status = VB_OK;
    pg->in_transaction = true;
    if (flight->edges & VB_PG_BEGINS)
        pg->is_broken = false;
    if (send_all(flight)) {
        take_answers(flight);
        status = judge(flight, err);
    } else {
        status = vb_postgres_fail(err, pg->connection, NULL);
        pg->is_broken = true; /* in the middle of a pipeline it is of no more use */
    }
    if (PQexitPipelineMode(pg->connection) != 1) {
        pg->is_broken = true;
        if (status == VB_OK)
            status = vb_postgres_fail(err, pg->connection, NULL);
    }
    if (status == VB_OK && flight->edges & VB_PG_COMMITS)
        pg->in_transaction = false;
    return status;
}

enum vb_status vb_pg_steps_send(struct vb_pg *pg, const struct vb_pg_step *steps, size_t count,
                                unsigned edges, PGresult *ret_results[VB_PG_STEPS],
                                struct vb_error *err)
{
    struct flight flight = {.pg = pg, .steps = steps, .count = count, .edges = edges};
    assert(count > 0 && count <= VB_PG_STEPS);
    assert(pg->in_transaction == !(edges & VB_PG_BEGINS));
    enum vb_status status = vb_pg_be_connected(pg, err);
    if (status == VB_OK)
        status = name_all(&flight, err);
    if (status == VB_OK)
        status = fly(&flight, err);
    for (size_t i = 0; i < ANSWERS; i++) {
        bool is_steps = i >= flight.before && i < flight.before + count;
        if (is_steps && status == VB_OK)
            ret_results[i - flight.before] = flight.answers[i];
        else
            PQclear(flight.answers[i]);
    }
    return status;
}
