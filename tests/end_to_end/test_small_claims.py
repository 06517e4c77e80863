"""Starts and finishes of one round trip: what others change before such a statement, or meanwhile, is respected."""

import threading

import pytest

from tests.lib import queue
from tests.lib.patience import LIMIT
from tests.lib.postgres_proxy import Fault, PostgresProxy
from tests.lib.process import wait_until
from tests.lib.queue import Crew

TURN = "AS c(workspace_id, job_id, place)"  # words that only these statements have
START = "AS c(job_id, head, tail)"  # behind it, with the turn held
FINISH = "file_name = $4"
CANCEL = "SELECT verbatim.job_cancel('w', %s, NULL, 'ann')"
TAKE_OVER = ("WITH job AS (SELECT job_id FROM verbatim.job WHERE job_id = %s FOR NO KEY UPDATE) UPDATE verbatim.segment"
             " AS s SET process_id = gen_random_uuid(), claim_epoch = nextval('verbatim.claim_epoch'),"
             " lease_until = now() + interval '1 hour' FROM job WHERE s.job_id = job.job_id")


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 50})
    queue.fill(database, "small", 3)


class Gate:
    """Holds the first statement with such words before it goes out, until it is opened."""

    def __init__(self, words):
        self._words, self._open, self.reached = words, threading.Event(), threading.Event()

    def __call__(self, statement):
        if statement.kind != "execute" or self._words not in statement.text or self.reached.is_set():
            return None
        self.reached.set()
        return Fault("delay", seconds=LIMIT, until=self._open)

    def open(self):
        self._open.set()


@pytest.fixture
def held(program, database, folder, postgres, local):
    """held(words) -> (gate, proxy, start): a crew with one worker thread, its statement held."""
    def make(words):
        gate = Gate(words)
        proxy = PostgresProxy(postgres.port, gate)
        return gate, proxy, lambda: Crew(program, folder, local, workers=1, database_url=proxy.url(database.name),
                                         source_url=database.url)
    return make


def change(connection, statement, job_id):
    connection.execute("SELECT set_config('verbatim.workspace_id', 'w', true)")
    connection.execute(statement, [job_id])


def is_blocked(database):
    return database.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                          " AND application_name = 'verbatim worker' AND wait_event_type = 'Lock'") > 0


@pytest.mark.parametrize("words", [TURN, START], ids=["turn", "start"])
def test_a_job_that_is_cancelled_behind_the_look_is_not_started(database, held, words):
    gate, proxy, crew = held(words)
    with proxy, crew():
        job_id = queue.add_job(database, "small")
        assert gate.reached.wait(LIMIT)
        with database.connect() as connection, connection.transaction():
            change(connection, CANCEL, job_id)
        gate.open()
        queue.finished(database, queue.add_job(database, "small"))
    assert queue.job(database, job_id).status == "cancelled"
    assert queue.segments(database, job_id) == [(1, 10000, "waiting", 0, 0)]
    assert database.value("SELECT started_at FROM verbatim.job WHERE job_id = %s", [job_id]) is None


def test_a_job_that_another_process_starts_behind_the_look_is_done_once(program, database, folder, local, held):
    gate, proxy, crew = held(TURN)
    with proxy, crew() as late:
        job_id = queue.add_job(database, "small")
        assert gate.reached.wait(LIMIT)
        with Crew(program, folder, local, workers=1) as other:
            queue.finished(database, job_id)
            assert other.stop()["finished"] == 1
        gate.open()
        queue.finished(database, queue.add_job(database, "small"))
        assert late.stop()["finished"] == 1
    assert database.value("SELECT count(*) FROM verbatim.audit_event JOIN verbatim.audit USING (audit_id)"
                          " WHERE job_id = %s", [job_id]) == 0
    assert len(list((local.folder / "conversation_exports/w").glob(f"{job_id}-*"))) == 1


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
@pytest.mark.parametrize("statement, status", [(CANCEL, "cancelled"), (TAKE_OVER, "started")],
                         ids=["cancel", "take_over"])
def test_a_finish_that_comes_too_late_changes_nothing(database, held, statement, status, moment):
    """Before it goes out, or while it waits for the job's row and has seen the rows as they were."""
    gate, proxy, crew = held(FINISH)
    with proxy, crew() as running:
        job_id = queue.add_job(database, "small", email="ann@example.com")
        assert gate.reached.wait(LIMIT)
        with database.connect() as connection, connection.transaction():
            change(connection, statement, job_id)
            if moment == "meanwhile":
                gate.open()
                wait_until(lambda: is_blocked(database), "the finish to wait")
        gate.open()
        wait_until(lambda: "not ours any more" in running.log(), "the work to be dropped")
    found = queue.job(database, job_id)
    assert (found.status, found.size) == (status, None)
    assert database.value("SELECT count(*) FROM verbatim.outbox WHERE job_id = %s", [job_id]) == 0
    database.execute("DELETE FROM verbatim.job WHERE job_id = %s", [job_id])
