/* The pool of a loop against a real server, named by TEST_DATABASE_URL;
 * tests/end_to_end/test_database.py runs it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "database/pool.h"
#include "verbatim/clock.h"

#define TICKET_TIME (2 * VB_SECOND)

struct ending {
    bool is_over;
    enum vb_status status;
    char sqlstate[6];
};

static void on_done(void *context, const struct vb_pg_outcome *outcome)
{
    struct ending *ending = context;
    ending->is_over = true;
    ending->status = outcome->status;
    memcpy(ending->sqlstate, outcome->error.sqlstate, sizeof ending->sqlstate);
}

static void wake(void *context)
{
    (void)context; /* the loop below ticks by itself */
}

struct bench {
    struct event_base *base;
    struct vb_pg_connector *connector;
    struct vb_pg_pool *pool;
};

/* Without a role it is the platform's database. */
static struct bench bench_with(size_t links, const char *take_role)
{
    struct bench bench = {.base = event_base_new()};
    assert_int_equal(vb_pg_connector_start(&bench.connector, NULL), VB_OK);
    const struct vb_pg_pool_options options = {.base = bench.base,
                                               .connection_string = getenv("TEST_DATABASE_URL"),
                                               .take_role = take_role,
                                               .text = true,
                                               .links = links,
                                               .depth = 1,
                                               .ticket_time = TICKET_TIME,
                                               .wake = wake};
    assert_int_equal(vb_pg_pool_new(&options, bench.connector, &bench.pool, NULL), VB_OK);
    return bench;
}

static struct bench bench_of(size_t links)
{
    return bench_with(links, "1");
}

static void bench_done(struct bench *bench)
{
    vb_pg_connector_stop(bench->connector);
    vb_pg_pool_free(bench->pool);
    event_base_free(bench->base);
}

static void run_for(struct bench *bench, int64_t time)
{
    for (int64_t end = vb_clock_monotonic() + time; vb_clock_monotonic() < end;) {
        event_base_loop(bench->base, EVLOOP_NONBLOCK);
        vb_pg_pool_tick(bench->pool);
        vb_clock_sleep(VB_SECOND / 100);
    }
}

static void run_until_over(struct bench *bench, const struct ending *ending)
{
    int64_t end = vb_clock_monotonic() + 10 * TICKET_TIME;
    while (!ending->is_over && vb_clock_monotonic() < end)
        run_for(bench, VB_SECOND / 50);
    assert_true(ending->is_over);
}

static void ask(struct bench *bench, const char *sql, struct ending *ending)
{
    const struct vb_pg_statement statement = {NULL, sql, 0};
    const struct vb_pg_step step = {&statement, NULL};
    struct vb_pg_ticket *ticket;
    *ending = (struct ending){.is_over = false};
    assert_int_equal(vb_pg_pool_send(bench->pool, &step, 1, on_done, ending, &ticket, NULL), VB_OK);
}

/* One link, one statement at a time: what has waited too long is told so, what came later gets its
 * turn. */
static void only_what_is_late_fails(void **state)
{
    (void)state;
    struct bench bench = bench_of(1);
    struct ending first, second, third, last;
    ask(&bench, "SELECT 1", &first);
    run_until_over(&bench, &first);
    ask(&bench, "SELECT pg_sleep(1.5)", &first);
    ask(&bench, "SELECT pg_sleep(1.5)", &second);
    ask(&bench, "SELECT 3", &third);
    run_for(&bench, TICKET_TIME * 17 / 20);
    ask(&bench, "SELECT 4", &last);
    run_until_over(&bench, &third);
    assert_int_equal(third.status, VB_DATABASE_AWAY);
    assert_false(last.is_over);
    run_until_over(&bench, &last);
    assert_int_equal(first.status, VB_OK);
    assert_int_equal(second.status, VB_OK);
    assert_int_equal(last.status, VB_OK);
    bench_done(&bench);
}

/* A statement that never ends costs its own link; the other one goes on. */
static void one_stalled_link_is_not_the_database(void **state)
{
    (void)state;
    struct bench bench = bench_of(2);
    struct ending stalled, other;
    ask(&bench, "SELECT 1", &other);
    run_until_over(&bench, &other);
    run_for(&bench, VB_SECOND / 2); /* both links stand */
    ask(&bench, "SELECT pg_sleep(60)", &stalled);
    for (int i = 0; i < 30; i++) {
        ask(&bench, "SELECT pg_sleep(0.1)", &other);
        run_until_over(&bench, &other);
        assert_int_equal(other.status, VB_OK);
    }
    assert_true(stalled.is_over);
    assert_int_equal(stalled.status, VB_DATABASE_AWAY);
    bench_done(&bench);
}

static void what_a_source_refuses_is_told_as_its_own(void **state)
{
    (void)state;
    struct bench bench = bench_with(1, NULL);
    struct ending ending;
    ask(&bench, "SELECT 1 / 0", &ending);
    run_until_over(&bench, &ending);
    assert_int_equal(ending.status, VB_SOURCE);
    assert_string_equal(ending.sqlstate, "22012");
    bench_done(&bench);
}

static void an_outcome_carries_the_state(void **state)
{
    (void)state;
    struct bench bench = bench_of(1);
    struct ending ending;
    ask(&bench, "SELECT 1 / 0", &ending);
    run_until_over(&bench, &ending);
    assert_int_equal(ending.status, VB_DATABASE);
    assert_string_equal(ending.sqlstate, "22012");
    ask(&bench, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", &ending);
    run_until_over(&bench, &ending);
    ask(&bench, "CREATE TABLE public.never (id int)", &ending);
    run_until_over(&bench, &ending);
    assert_string_equal(ending.sqlstate, "25006");
    assert_int_equal(ending.status, VB_DATABASE_AWAY);
    run_for(&bench, VB_SECOND);
    ask(&bench, "CREATE TEMPORARY TABLE written (id int)", &ending); /* by another connection */
    run_until_over(&bench, &ending);
    assert_int_equal(ending.status, VB_OK);
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_late_fails),
        cmocka_unit_test(one_stalled_link_is_not_the_database),
        cmocka_unit_test(what_a_source_refuses_is_told_as_its_own),
        cmocka_unit_test(an_outcome_carries_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
