/* The pool of a loop against a real server, named by TEST_DATABASE_URL;
 * tests/end_to_end/test_database.py runs it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "database/pool.h"
#include "verbatim/clock.h"

#define TICKET_TIME (2 * VB_SECOND)
/* Longer than a link is believed. */
#define REST (VB_POSTGRES_ASK_EVERY + 3 * VB_SECOND / 2)

struct ending {
    bool is_over;
    enum vb_status status;
    char sqlstate[6];
    char value[32]; /* of the first row's first column; "": none */
};

static void on_done(void *context, const struct vb_pg_outcome *outcome)
{
    struct ending *ending = context;
    ending->is_over = true;
    ending->status = outcome->status;
    memcpy(ending->sqlstate, outcome->error.sqlstate, sizeof ending->sqlstate);
    if (outcome->status == VB_OK && PQntuples(outcome->results[0]) > 0)
        (void)snprintf(ending->value, sizeof ending->value, "%s",
                       PQgetvalue(outcome->results[0], 0, 0));
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

/* --- whether the server still takes writes --- */

static const char who[] = "SELECT pg_backend_pid()";
static const char demote[] = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";

/* Also of a database that is away for a moment. */
static void answer_of(struct bench *bench, const char *sql, struct ending *ret_ending)
{
    const struct vb_pg_statement statement = {NULL, sql, 0};
    const struct vb_pg_step step = {&statement, NULL};
    struct vb_pg_ticket *ticket;
    *ret_ending = (struct ending){.is_over = false};
    ret_ending->status = vb_pg_pool_send(bench->pool, &step, 1, on_done, ret_ending, &ticket, NULL);
    if (ret_ending->status == VB_OK)
        run_until_over(bench, ret_ending);
    else
        run_for(bench, VB_SECOND / 10);
}

/* What the session was asked last, and when, as its server has it. */
static void activity_of(const char *pid, char *text, size_t size)
{
    PGconn *watcher = PQconnectdb(getenv("TEST_DATABASE_URL"));
    const char *const values[] = {pid};
    PGresult *result = PQexecParams(watcher,
                                    "SELECT query_start || ' ' || query FROM pg_stat_activity"
                                    " WHERE pid = $1::int",
                                    1, NULL, values, NULL, NULL, 0);
    assert_int_equal(PQntuples(result), 1);
    (void)snprintf(text, size, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    PQfinish(watcher);
}

/* Of two at rest one is demoted. Nothing is asked of them until they are wanted, and the demoted
 * one answers nothing then. */
static void a_link_that_rests_is_asked_before_it_is_used(void **state)
{
    (void)state;
    struct bench good = bench_of(1), bad = bench_of(1);
    struct ending first, other, last;
    char before[256], after[256];
    answer_of(&good, who, &first);
    answer_of(&bad, who, &other);
    answer_of(&bad, demote, &last);
    activity_of(first.value, before, sizeof before);
    int64_t end = vb_clock_monotonic() + REST;
    while (vb_clock_monotonic() < end) {
        run_for(&good, VB_SECOND / 50);
        run_for(&bad, VB_SECOND / 50);
    }
    activity_of(first.value, after, sizeof after);
    assert_string_equal(before, after);
    answer_of(&good, who, &last);
    assert_int_equal(last.status, VB_OK);
    assert_string_equal(last.value, first.value);
    answer_of(&bad, who, &last);
    assert_string_not_equal(last.value, other.value);
    run_for(&bad, VB_SECOND);
    answer_of(&bad, who, &last);
    assert_int_equal(last.status, VB_OK);
    assert_string_not_equal(last.value, other.value);
    bench_done(&good);
    bench_done(&bad);
}

static void a_link_in_use_is_asked_meanwhile(void **state)
{
    (void)state;
    struct bench bench = bench_of(1);
    struct ending first, last;
    answer_of(&bench, who, &first);
    answer_of(&bench, demote, &last);
    int64_t end = vb_clock_monotonic() + 10 * TICKET_TIME;
    do
        answer_of(&bench, who, &last);
    while (vb_clock_monotonic() < end &&
           (last.status != VB_OK || strcmp(last.value, first.value) == 0));
    assert_int_equal(last.status, VB_OK);
    assert_string_not_equal(last.value, first.value);
    bench_done(&bench);
}

/* A second link at rest is of use as soon as the first one is busy. */
static void links_at_rest_join_when_there_is_more_to_do(void **state)
{
    (void)state;
    struct bench bench = bench_of(2);
    struct ending first, slow, quick;
    answer_of(&bench, who, &first);
    run_for(&bench, REST);
    ask(&bench, "SELECT pg_sleep(1.5)", &slow);
    answer_of(&bench, who, &quick);
    assert_int_equal(quick.status, VB_OK);
    assert_false(slow.is_over);
    bench_done(&bench);
}

static int tcp_option(int fd, int option)
{
    int value = 0;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, option, &value, &size), 0);
    return value;
}

/* Without a word of ours: what the kernel was told of such a connection. */
static void a_peer_that_vanishes_is_soon_missed(void **state)
{
    (void)state;
    struct vb_postgres_recipe recipe = {.connection_string = getenv("TEST_DATABASE_URL"),
                                        .application_name = "test",
                                        .is_waited_at = true};
    PGconn *connection;
    assert_int_equal(vb_postgres_connect(&recipe, &connection, NULL), VB_OK);
    int fd = PQsocket(connection);
    assert_int_equal(tcp_option(fd, TCP_USER_TIMEOUT), 5000);
    assert_int_equal(tcp_option(fd, TCP_KEEPIDLE), 3);
    assert_int_equal(tcp_option(fd, TCP_KEEPINTVL), 2);
    PQfinish(connection);
}

/* --- tickets that ask alike --- */

struct shared {
    int calls;
    enum vb_status status;
    const PGresult *rows; /* compared only: the results of one ticket are the same for all */
    int count;
};

static void on_shared(void *context, const struct vb_pg_outcome *outcome)
{
    struct shared *shared = context;
    shared->calls++;
    shared->status = outcome->status;
    shared->rows = outcome->results[0];
    shared->count = outcome->status == VB_OK ? PQntuples(outcome->results[0]) : -1;
}

static struct vb_pg_ticket *share(struct bench *bench, const struct vb_pg_statement *statement,
                                  const char *first, const char *element, struct shared *ret_shared)
{
    const char *const values[] = {first, element};
    const struct vb_pg_step step = {statement, values};
    struct vb_pg_ticket *ticket;
    *ret_shared = (struct shared){0};
    assert_int_equal(
        vb_pg_pool_share(bench->pool, &step, 1, 2, on_shared, ret_shared, &ticket, NULL), VB_OK);
    return ticket;
}

static const struct vb_pg_statement elements = {
    "elements", "SELECT u FROM unnest($2::text[]) AS u WHERE $1::text <> ''", 2};
static const struct vb_pg_statement divisions = {
    "divisions", "SELECT 1 / (u <> 'bad')::int FROM unnest($2::text[]) AS u WHERE $1::text <> ''",
    2};
static const struct vb_pg_statement ends = {
    "ends", "SELECT pg_terminate_backend(pg_backend_pid()), $1::text, $2::text[]", 2};

static void run_until_called(struct bench *bench, const struct shared *shared, size_t count)
{
    int64_t end = vb_clock_monotonic() + 10 * TICKET_TIME;
    for (size_t i = 0; i < count; i++)
        while (shared[i].calls == 0 && vb_clock_monotonic() < end)
            run_for(bench, VB_SECOND / 50);
    run_for(bench, VB_SECOND / 5); /* for whoever is called twice */
    for (size_t i = 0; i < count; i++)
        assert_int_equal(shared[i].calls, 1);
}

static void those_that_ask_alike_share(void **state)
{
    (void)state;
    struct bench bench = bench_of(2);
    struct shared got[5];
    share(&bench, &elements, "one", "a", &got[0]);
    share(&bench, &elements, "one", "b", &got[1]);
    share(&bench, &elements, "two", "c", &got[2]);
    share(&bench, &elements, "one", NULL, &got[3]);
    share(&bench, &elements, "one", "not plain, so by itself", &got[4]);
    run_until_called(&bench, got, 5);
    assert_ptr_equal(got[0].rows, got[1].rows);
    assert_ptr_equal(got[0].rows, got[3].rows);
    assert_int_equal(got[0].count, 2);
    assert_int_equal(got[2].count, 1);
    bench_done(&bench);
}

/* More than go into one statement: the others follow in the next. */
static void many_share_in_portions(void **state)
{
    (void)state;
    struct bench bench = bench_of(1);
    static struct shared got[200];
    for (size_t i = 0; i < 200; i++)
        share(&bench, &elements, "one", i % 2 ? "a" : "b", &got[i]);
    run_until_called(&bench, got, 200);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(got[i].status, VB_OK);
        assert_in_range(got[i].count, 1, 64);
    }
    bench_done(&bench);
}

static void one_that_is_refused_spoils_no_other(void **state)
{
    (void)state;
    struct bench bench = bench_of(2);
    struct shared got[3];
    share(&bench, &divisions, "one", "good", &got[0]);
    share(&bench, &divisions, "one", "bad", &got[1]);
    share(&bench, &divisions, "one", "fine", &got[2]);
    run_until_called(&bench, got, 3);
    assert_int_equal(got[0].status, VB_OK);
    assert_int_equal(got[1].status, VB_DATABASE);
    assert_int_equal(got[2].status, VB_OK);
    assert_int_equal(got[2].count, 1);
    bench_done(&bench);
}

/* Whether it leads or follows. */
static void one_that_is_dropped_holds_up_no_other(void **state)
{
    (void)state;
    struct bench bench = bench_of(1);
    struct shared leader, dropped, last;
    struct vb_pg_ticket *first = share(&bench, &elements, "one", "a", &leader);
    struct vb_pg_ticket *second = share(&bench, &elements, "one", "b", &dropped);
    share(&bench, &elements, "one", "c", &last);
    vb_pg_ticket_drop(first);
    vb_pg_ticket_drop(second);
    run_until_called(&bench, &last, 1);
    assert_int_equal(last.count, 1);
    assert_int_equal(leader.calls + dropped.calls, 0);
    bench_done(&bench);
}

static void a_lost_link_is_told_to_each_once(void **state)
{
    (void)state;
    struct bench bench = bench_of(1);
    struct shared got[3];
    for (size_t i = 0; i < 3; i++)
        share(&bench, &ends, "one", "a", &got[i]);
    run_until_called(&bench, got, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(got[i].status, VB_DATABASE_AWAY);
    bench_done(&bench);
}

/* Also of those that never got a link. */
static void the_end_of_the_pool_is_told_to_each_once(void **state)
{
    (void)state;
    struct bench bench = bench_of(1);
    struct shared got[3];
    for (size_t i = 0; i < 3; i++)
        share(&bench, &elements, "one", "a", &got[i]);
    bench_done(&bench);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(got[i].calls, 1);
        assert_int_equal(got[i].status, VB_DATABASE_AWAY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_late_fails),
        cmocka_unit_test(one_stalled_link_is_not_the_database),
        cmocka_unit_test(what_a_source_refuses_is_told_as_its_own),
        cmocka_unit_test(an_outcome_carries_the_state),
        cmocka_unit_test(a_link_that_rests_is_asked_before_it_is_used),
        cmocka_unit_test(a_link_in_use_is_asked_meanwhile),
        cmocka_unit_test(links_at_rest_join_when_there_is_more_to_do),
        cmocka_unit_test(a_peer_that_vanishes_is_soon_missed),
        cmocka_unit_test(those_that_ask_alike_share),
        cmocka_unit_test(many_share_in_portions),
        cmocka_unit_test(one_that_is_refused_spoils_no_other),
        cmocka_unit_test(one_that_is_dropped_holds_up_no_other),
        cmocka_unit_test(a_lost_link_is_told_to_each_once),
        cmocka_unit_test(the_end_of_the_pool_is_told_to_each_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
