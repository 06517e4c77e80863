"""The database away, stalled, or back again; a pooler in between; many connections; a clean end."""

import pytest

from tests.lib import http_source as source
from tests.lib.http_raw import RawConnection
from tests.lib.patience import Stopwatch
from tests.lib.postgres import Postgres
from tests.lib.process import wait_until
from tests.lib.service import Program, Service

pytestmark = pytest.mark.threads

JOB = "/api/v1/workspace/one/export-conversations/x"
RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-28"}


@pytest.fixture
def own_cluster():
    """A cluster that a test may stop."""
    with Postgres() as cluster:
        yield cluster


def prepare(verbatim, database):
    program = Program(verbatim, database.url)
    source.make_source(database)
    return program, source.make_workspaces(program)


def start(program, folder):
    (folder / "storage").mkdir(exist_ok=True)
    return Service(program, folder, workers=0, storage=f"file://{folder}/storage")


def test_a_database_that_is_away_means_503_at_once(verbatim, own_cluster, folder):
    program, keys = prepare(verbatim, own_cluster.create_database("away"))
    with start(program, folder) as service:
        assert service.get(JOB, keys["one"]).status == 404
        own_cluster.crash()
        for attempt in range(20):
            watch = Stopwatch()
            answers = [service.get(JOB, keys["one"]), service.start_export("one", keys["one"], **RANGE, channel_id="x"),
                       service.get("/metrics", keys["metrics"]), service.get("/readyz"), service.get("/d/" + "a" * 34)]
            assert [answer.status for answer in answers] == [503] * 5, attempt
            assert all(answer.headers["Retry-After"] and answer.json()["detail"] for answer in answers)
            assert watch.awake < 1, watch
        assert service.get("/healthz").status == 200
        page = service.get("/d/" + "a" * 34, headers={"Accept": "text/html,*/*;q=0.8"})
        assert (page.status, page.headers["Retry-After"]) == (503, "2") and "cannot be reached" in page.body.decode()
        own_cluster.start()
        wait_until(lambda: service.get(JOB, keys["one"]).status == 404, "the database to be used again")
        # The source has connections of its own, which come back by themselves.
        wait_until(lambda: service.start_export("one", keys["one"], **RANGE, channel_id=source.SMS).status == 202,
                   "the source to be used again")


def test_a_database_that_does_not_answer_is_given_up(verbatim, postgres, folder):
    database = postgres.create_database("stalled")
    program, keys = prepare(verbatim, database)
    with start(program, folder) as service:
        assert service.get(JOB, keys["one"]).status == 404
        with database.connect() as blocker, blocker.transaction():
            blocker.execute("LOCK TABLE verbatim.job IN ACCESS EXCLUSIVE MODE")
            watch = Stopwatch()
            answer = service.get(JOB, keys["one"])
            assert (answer.status, answer.json()["detail"] != "") == (503, True)
            assert 3 < watch.seconds and watch.awake < 10, watch
        wait_until(lambda: service.get(JOB, keys["one"]).status == 404, "the database to be used again")


def test_connections_that_are_cut_come_back(verbatim, postgres, folder):
    database = postgres.create_database("cut")
    program, keys = prepare(verbatim, database)
    with start(program, folder) as service:
        for _ in range(5):
            database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                             " WHERE datname = 'cut' AND pid <> pg_backend_pid()")
            statuses = set()
            wait_until(lambda: statuses.add(service.get(JOB, keys["one"]).status) or 404 in statuses, "an answer")
            assert statuses <= {404, 503}


def test_behind_a_transaction_pooler(verbatim, postgres, pgbouncer, folder):
    program, keys = prepare(verbatim, postgres.create_database("pooled"))
    pooled = Program(verbatim, pgbouncer.database("pooled").url, {"prepared_statements": "off"})
    with start(pooled, folder) as service:
        for _ in range(20):
            assert service.get(JOB, keys["one"]).status == 404
        job = service.start_export("one", keys["one"], **RANGE, channel_id=source.SMS).json()["export_job_id"]
        assert service.job("one", keys["one"], job)["status"] == "queued"
        assert service.start_export("one", keys["one"], **RANGE, channel_id=source.SMS).status == 409


def test_a_thousand_idle_connections_and_a_clean_end(verbatim, postgres, folder):
    program, keys = prepare(verbatim, postgres.create_database("many"))
    with start(program, folder) as service:
        idle = [RawConnection(service.port) for _ in range(1000)]
        try:
            assert service.get(JOB, keys["one"]).status == 404
            watch = Stopwatch()
            service.stop()
            assert watch.awake < 10, watch
            assert all(connection.answer() is None for connection in idle)
        finally:
            for connection in idle:
                connection.socket.close()
