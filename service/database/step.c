/* Steps sent by those who may wait for them. See database/step.h. The same statements go through
 * the pools of the HTTP loops, so what they say is said once for both. */
#include "step.h"

const struct vb_pg_statement vb_pg_enter[VB_PG_ENTERS] = {
    [VB_PG_ENTER_READ] = {"enter", VB_PG_ENTER, 1},
    [VB_PG_ENTER_WRITE] = {"enter_write", VB_PG_ENTER VB_PG_ENTER_LIMITS, 1},
};

void vb_pg_results_clear(PGresult *results[VB_PG_STEPS])
{
    for (size_t i = 0; i < VB_PG_STEPS; i++) {
        PQclear(results[i]);
        results[i] = NULL;
    }
}

enum vb_status vb_pg_steps_run(struct vb_pg *pg, const struct vb_pg_step *steps, size_t count,
                               PGresult *ret_results[VB_PG_STEPS], struct vb_error *err)
{
    PGresult *results[VB_PG_STEPS] = {NULL};
    enum vb_status status = vb_pg_begin(pg, err);
    if (status != VB_OK)
        return status;
    for (size_t i = 0; i < count && status == VB_OK; i++)
        status = vb_pg_query(pg, steps[i].statement->sql, steps[i].statement->count,
                             steps[i].values, &results[i], err);
    if (status == VB_OK)
        status = vb_pg_commit(pg, err);
    else
        vb_pg_rollback(pg);
    if (status != VB_OK)
        vb_pg_results_clear(results);
    for (size_t i = 0; i < VB_PG_STEPS; i++)
        ret_results[i] = results[i];
    return status;
}

static enum vb_status read_one(PGconn *connection, const struct vb_pg_step *step,
                               PGresult **ret_result, struct vb_error *err)
{
    PGresult *result = PQexecParams(connection, step->statement->sql, step->statement->count, NULL,
                                    step->values, NULL, NULL, 0);
    ExecStatusType how = PQresultStatus(result);
    if (how == PGRES_TUPLES_OK || how == PGRES_COMMAND_OK) {
        *ret_result = result;
        return VB_OK;
    }
    enum vb_status status = vb_postgres_fail(err, connection, result);
    PQclear(result);
    return status;
}

static enum vb_status read_plain(PGconn *connection, const char *sql, struct vb_error *err)
{
    const struct vb_pg_statement statement = {NULL, sql, 0};
    PGresult *result = NULL;
    enum vb_status status =
        read_one(connection, &(struct vb_pg_step){&statement, NULL}, &result, err);
    PQclear(result);
    return status;
}

enum vb_status vb_pg_steps_read(PGconn *connection, const struct vb_pg_step *steps, size_t count,
                                PGresult *ret_results[VB_PG_STEPS], struct vb_error *err)
{
    PGresult *results[VB_PG_STEPS] = {NULL};
    enum vb_status status = read_plain(connection, "BEGIN READ ONLY", err);
    for (size_t i = 0; i < count && status == VB_OK; i++)
        status = read_one(connection, &steps[i], &results[i], err);
    /* A failed transaction ends by the same word; what is lost with the connection was read
     * only. */
    struct vb_error ignored;
    enum vb_status ended = read_plain(connection, "COMMIT", status == VB_OK ? err : &ignored);
    if (status == VB_OK)
        status = ended;
    if (status != VB_OK)
        vb_pg_results_clear(results);
    for (size_t i = 0; i < VB_PG_STEPS; i++)
        ret_results[i] = results[i];
    return status;
}
