/* The blocking connection against a real server, named by TEST_DATABASE_URL; TEST_ADMIN_URL reaches
 * the same server without a pooler, TEST_PREPARED is on or off. tests/end_to_end/test_database.py
 * runs it in all combinations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database/pg.h"
#include "verbatim/metrics.h"

static struct vb_pg *connection_as(enum vb_pg_role role)
{
    const char *prepared = getenv("TEST_PREPARED");
    struct vb_pg_options options = {.connection_string = getenv("TEST_DATABASE_URL"),
                                    .application_name = "verbatim test",
                                    .role = role,
                                    .prepared_statements = prepared && strcmp(prepared, "on") == 0};
    struct vb_pg *pg;
    assert_int_equal(vb_pg_new(&options, &pg, NULL), VB_OK);
    return pg;
}

static void *open_admin(void)
{
    PGconn *admin = PQconnectdb(getenv("TEST_ADMIN_URL"));
    assert_int_equal(PQstatus(admin), CONNECTION_OK);
    return admin;
}

static void run_as_admin(const char *sql)
{
    PGconn *admin = open_admin();
    PGresult *result = PQexec(admin, sql);
    ExecStatusType state = PQresultStatus(result);
    assert_true(state == PGRES_COMMAND_OK || state == PGRES_TUPLES_OK);
    PQclear(result);
    PQfinish(admin);
}

static void assert_answer(struct vb_pg *pg, const char *sql, const char *expected)
{
    PGresult *result;
    struct vb_error err = {0};
    enum vb_status status = vb_pg_query(pg, sql, 0, NULL, &result, &err);
    if (status != VB_OK)
        fail_msg("%s: %s", sql, err.text);
    assert_int_equal(PQntuples(result), 1);
    assert_string_equal(vb_pg_value(result, 0, 0), expected);
    PQclear(result);
}

static void parameters_and_nulls_travel(void **state)
{
    (void)state;
    struct vb_pg *pg = connection_as(VB_PG_OWNER);
    const char *parameters[] = {"Grüße", NULL};
    PGresult *result;
    for (int i = 0; i < 3; i++) { /* prepared, then reused */
        assert_int_equal(vb_pg_query(pg, "SELECT $1::text, $2::text", 2, parameters, &result, NULL),
                         VB_OK);
        assert_string_equal(vb_pg_value(result, 0, 0), "Grüße");
        assert_null(vb_pg_value(result, 0, 1));
        PQclear(result);
    }
    uint64_t rows;
    assert_int_equal(vb_pg_exec(pg, "SELECT generate_series(1, 7)", 0, NULL, &rows, NULL), VB_OK);
    assert_int_equal(rows, 7);
    vb_pg_free(pg);
}

static void each_statement_runs_under_its_role(void **state)
{
    (void)state;
    static const char *const names[] = {"SELECT (current_user = session_user)::text",
                                        "SELECT (current_user = " VB_ROLE_OWN("api") ")::text",
                                        "SELECT (current_user = " VB_ROLE_OWN("worker") ")::text"};
    struct vb_pg *pg[3] = {connection_as(VB_PG_OWNER), connection_as(VB_PG_API),
                           connection_as(VB_PG_WORKER)};
    /* In turns: behind a pooler they all share one server connection. */
    for (int i = 0; i < 9; i++) {
        struct vb_pg *one = pg[i % 3];
        assert_answer(one, names[i % 3], "true");
        assert_answer(one, "SHOW TimeZone", "UTC");
        assert_int_equal(vb_pg_begin(one, NULL), VB_OK);
        assert_answer(one, names[i % 3], "true");
        assert_int_equal(vb_pg_commit(one, NULL), VB_OK);
    }
    for (int i = 0; i < 3; i++)
        vb_pg_free(pg[i]);
}

static void transactions_keep_and_forget(void **state)
{
    (void)state;
    struct vb_pg *pg = connection_as(VB_PG_OWNER);
    run_as_admin("DROP TABLE IF EXISTS public.probe");
    run_as_admin("CREATE TABLE public.probe (id int PRIMARY KEY)");
    assert_int_equal(vb_pg_begin(pg, NULL), VB_OK);
    assert_int_equal(vb_pg_exec(pg, "INSERT INTO probe VALUES (1)", 0, NULL, NULL, NULL), VB_OK);
    vb_pg_rollback(pg);
    assert_answer(pg, "SELECT count(*) FROM probe", "0");
    assert_int_equal(vb_pg_begin(pg, NULL), VB_OK);
    assert_int_equal(vb_pg_exec(pg, "INSERT INTO probe VALUES (1)", 0, NULL, NULL, NULL), VB_OK);
    assert_int_equal(vb_pg_commit(pg, NULL), VB_OK);
    assert_answer(pg, "SELECT count(*) FROM probe", "1");

    struct vb_error err;
    assert_int_equal(vb_pg_exec(pg, "INSERT INTO probe VALUES (1)", 0, NULL, NULL, &err),
                     VB_CONFLICT);
    assert_non_null(strstr(err.text, "23505"));
    assert_string_equal(err.sqlstate, "23505");
    assert_false(vb_status_retryable(err.status));
    assert_answer(pg, "SELECT count(*) FROM probe", "1");

    /* A commit that the server turns into a rollback is no success. */
    assert_int_equal(vb_pg_begin(pg, NULL), VB_OK);
    assert_int_equal(vb_pg_exec(pg, "SELECT 1 / 0", 0, NULL, NULL, &err), VB_DATABASE);
    assert_int_equal(vb_pg_commit(pg, &err), VB_DATABASE);
    assert_answer(pg, "SELECT count(*) FROM probe", "1");
    vb_pg_free(pg);
}

static void a_lost_connection_comes_back(void **state)
{
    (void)state;
    struct vb_pg *pg = connection_as(VB_PG_WORKER);
    struct vb_error err;
    static const char kill_ours[] = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                    "WHERE application_name LIKE 'verbatim test%'";
    assert_answer(pg, "SELECT 1", "1");
    run_as_admin(kill_ours);
    run_as_admin("SELECT pg_sleep(0.3)");
    /* Died while idle: told by nobody, noticed by us, or, behind a pooler, by the pooler. */
    assert_answer(pg, "SELECT 2", "2");

    assert_int_equal(vb_pg_begin(pg, NULL), VB_OK);
    assert_answer(pg, "SELECT 3", "3");
    run_as_admin(kill_ours);
    run_as_admin("SELECT pg_sleep(0.3)");
    assert_int_equal(vb_pg_exec(pg, "SELECT 4", 0, NULL, NULL, &err), VB_DATABASE_AWAY);
    assert_true(vb_status_retryable(err.status));
    /* Still in the lost transaction: nothing may run outside it by mistake. */
    assert_int_equal(vb_pg_exec(pg, "SELECT 5", 0, NULL, NULL, &err), VB_DATABASE_AWAY);
    assert_int_equal(vb_pg_commit(pg, &err), VB_DATABASE_AWAY);
    assert_answer(pg, "SELECT (current_user = " VB_ROLE_OWN("worker") ")::text", "true");
    vb_pg_free(pg);
}

static void many_statements_have_a_ceiling(void **state)
{
    (void)state;
    struct vb_pg *pg = connection_as(VB_PG_OWNER);
    char sql[64], expected[16];
    for (int i = 0; i < 250; i++) {
        snprintf(sql, sizeof sql, "SELECT %d::text", i % 200);
        snprintf(expected, sizeof expected, "%d", i % 200);
        assert_answer(pg, sql, expected);
    }
    PGresult *result;
    assert_int_equal(
        vb_pg_query(pg, "SELECT count(*) FROM pg_prepared_statements", 0, NULL, &result, NULL),
        VB_OK);
    assert_true(strtol(vb_pg_value(result, 0, 0), NULL, 10) <= 200);
    PQclear(result);
    vb_pg_free(pg);
}

static void a_changed_table_is_seen(void **state)
{
    (void)state;
    struct vb_pg *pg = connection_as(VB_PG_OWNER);
    run_as_admin("DROP TABLE IF EXISTS public.shape");
    run_as_admin("CREATE TABLE public.shape AS SELECT 1 AS a");
    assert_answer(pg, "SELECT * FROM shape", "1");
    run_as_admin("ALTER TABLE public.shape ALTER a TYPE text USING 'one'");
    PGresult *result;
    enum vb_status status = vb_pg_query(pg, "SELECT * FROM shape", 0, NULL, &result, NULL);
    if (status == VB_OK) /* unprepared */
        PQclear(result);
    assert_answer(pg, "SELECT * FROM shape", "one");
    vb_pg_free(pg);
}

/* A primary that became read-only under a connection that only reads: nothing is ever refused to
 * it. */
static void a_server_that_takes_no_writes_is_left(void **state)
{
    (void)state;
    const char *prepared = getenv("TEST_PREPARED");
    if (strcmp(prepared ? prepared : "", "on") != 0)
        return; /* a setting would stay with the pooler's connection */
    struct vb_pg *pg = connection_as(VB_PG_OWNER);
    static const char demote[] = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";
    struct vb_error err;
    assert_int_equal(vb_pg_exec(pg, demote, 0, NULL, NULL, NULL), VB_OK);
    assert_answer(pg, "SHOW transaction_read_only", "on");
    for (int i = 0; i < 10; i++) {
        assert_answer(pg, "SELECT 1", "1");
        run_as_admin("SELECT pg_sleep(0.35)");
    }
    assert_answer(pg, "SHOW transaction_read_only", "off");

    /* Refused in a transaction: the next one is another connection's. */
    assert_int_equal(vb_pg_exec(pg, demote, 0, NULL, NULL, NULL), VB_OK);
    assert_int_equal(vb_pg_begin(pg, NULL), VB_OK);
    assert_int_equal(vb_pg_exec(pg, "CREATE TABLE never (id int)", 0, NULL, NULL, &err),
                     VB_DATABASE_AWAY);
    assert_string_equal(err.sqlstate, "25006");
    vb_pg_rollback(pg);
    assert_answer(pg, "SHOW transaction_read_only", "off");
    vb_pg_free(pg);
}

static void errors_say_what_and_hide_passwords(void **state)
{
    (void)state;
    struct vb_pg_options options = {.connection_string =
                                        "host=127.0.0.1 port=1 password=hunter2 user=x",
                                    .prepared_statements = true};
    struct vb_pg *pg;
    struct vb_error err;
    assert_int_equal(vb_pg_new(&options, &pg, NULL), VB_OK);
    assert_int_equal(vb_pg_connect(pg, &err), VB_DATABASE_AWAY);
    assert_true(vb_status_retryable(err.status));
    assert_null(strstr(err.text, "hunter2"));
    vb_pg_free(pg);
    options.connection_string = "postgresql://x:hunter2@[::1/broken";
    assert_int_equal(vb_pg_new(&options, &pg, &err), VB_INVALID);
    assert_null(strstr(err.text, "hunter2"));
}

int main(void)
{
    if (!getenv("TEST_DATABASE_URL") || !getenv("TEST_ADMIN_URL") || !getenv("TEST_PREPARED")) {
        fputs("set TEST_DATABASE_URL, TEST_ADMIN_URL and TEST_PREPARED\n", stderr);
        return 2;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_and_nulls_travel),
        cmocka_unit_test(each_statement_runs_under_its_role),
        cmocka_unit_test(transactions_keep_and_forget),
        cmocka_unit_test(a_lost_connection_comes_back),
        cmocka_unit_test(many_statements_have_a_ceiling),
        cmocka_unit_test(a_changed_table_is_seen),
        cmocka_unit_test(a_server_that_takes_no_writes_is_left),
        cmocka_unit_test(errors_say_what_and_hide_passwords),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
