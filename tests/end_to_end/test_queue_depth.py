"""The length of the queue as one number, for whoever sets the number of workers, and the login that may ask for it."""

import psycopg
import pytest

from tests.lib import http_source as source
from tests.lib.process import wait_until
from tests.lib.service import Program

DAYS = [f"2026-02-{day:02}" for day in range(1, 9)]


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    return source.make_workspaces(program)


@pytest.fixture(scope="module")
def api(keys, make_service):
    return make_service(workers=0)


def depth(database, *most):
    return database.value(f"SELECT verbatim.queue_depth({', '.join(map(str, most))})")


def order(api, keys, workspace, channel, days):
    for day in days:
        answer = api.start_export(workspace, keys[workspace], start_date=day, end_date=day, channel_id=channel)
        assert answer.status == 202, answer.body


def test_queued_jobs_count_as_far_as_their_workspace_may_start_them(api, keys, database, program):
    assert depth(database) == 0
    order(api, keys, "one", source.LONELY, DAYS)
    assert (depth(database), depth(database, 5), depth(database, 100)) == (3, 5, 8)
    order(api, keys, "two", source.FOREIGN, DAYS[:2])
    assert (depth(database), depth(database, 100)) == (5, 10)
    program.workspace("one", max_running=1)
    assert (depth(database), depth(database, 100)) == (3, 3)


def test_what_was_begun_counts_by_its_segments_and_takes_the_workspaces_turns(database):
    job = database.value("SELECT job_id FROM verbatim.job WHERE workspace_id = 'one' LIMIT 1")
    database.execute(f"UPDATE verbatim.job SET status = 'started', started_at = now() WHERE job_id = '{job}'")
    open_segments = database.value(f"SELECT count(*) FROM verbatim.segment WHERE job_id = '{job}'")
    assert open_segments == 1 and depth(database) == 1 + 2, "of workspace one no further job may start"
    database.execute(f"UPDATE verbatim.job SET open_segments = 2 WHERE job_id = '{job}';"
                     f"UPDATE verbatim.segment SET after_others = true WHERE job_id = '{job}'")
    assert depth(database) == 2, "the closing segment waits for the others"
    database.execute(f"UPDATE verbatim.job SET open_segments = 1 WHERE job_id = '{job}';"
                     f"UPDATE verbatim.segment SET after_others = false WHERE job_id = '{job}'")


def test_a_mail_that_is_due_keeps_one_worker(database):
    before = depth(database)
    database.execute("INSERT INTO verbatim.outbox (workspace_id, job_id, kind, recipient)"
                     " SELECT workspace_id, job_id, 'mail', 'ada@example.com' FROM verbatim.job")
    assert depth(database) == before + 1
    database.execute("UPDATE verbatim.outbox SET not_before = now() + interval '1 hour'")
    assert depth(database) == before
    database.execute("DELETE FROM verbatim.outbox")


def test_work_that_is_done_leaves_nothing(database, make_service):
    make_service(command="worker", workers=2)
    wait_until(lambda: depth(database) == 0, "an empty queue")
    assert database.value("SELECT count(*) FROM verbatim.job WHERE status = 'finished'") == 10


def login(database, role, name="scaler"):
    database.execute(f"CREATE ROLE {name} LOGIN; GRANT {role} TO {name}")
    return psycopg.connect(database.url.replace("postgres@", name + "@"), autocommit=True)


def test_the_login_of_the_scaler_may_ask_and_nothing_else(api, database):
    with login(database, "verbatim_queue_test_queue_depth") as connection:
        assert connection.execute("SELECT verbatim.queue_depth(3)").fetchone() == (0,)
        functions = [name for (name,) in connection.execute(
            "SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE pronamespace = 'verbatim'::regnamespace"
            " AND has_function_privilege(p.oid, 'EXECUTE') AND p.prorettype <> 'trigger'::regtype")]
        assert functions == ["verbatim.queue_depth(integer)"]
        tables = [name for (name,) in connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'verbatim'::regnamespace AND relkind IN ('r', 'v')"
            " AND has_table_privilege(oid, 'SELECT, INSERT, UPDATE, DELETE')")]
        assert tables == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT FROM verbatim.job")


def test_a_role_made_later_gets_its_rights_at_the_next_migrate(verbatim, postgres):
    """A login that may make no roles migrates all the same."""
    database = postgres.create_database("queue_depth_later")
    database.execute("CREATE ROLE queue_depth_plain LOGIN")
    program = Program(verbatim, database.url.replace("postgres@", "queue_depth_plain@"))
    refused = program.run("migrate", check=False)
    for statement in refused.stderr.splitlines():
        if statement.endswith(";"):
            database.execute(statement)
    program.run("migrate")
    role = "verbatim_queue_queue_depth_later"
    assert database.value(f"SELECT to_regrole('{role}') IS NULL")
    assert role not in refused.stderr, "nobody has to make it"
    database.execute(f"CREATE ROLE {role} NOLOGIN")
    program.run("migrate")
    with login(database, role, "late_scaler") as connection:
        assert connection.execute("SELECT verbatim.queue_depth()").fetchone() == (0,)
