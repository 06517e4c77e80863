"""Only the keeper's connection is cut or blocked, while work goes on: the process notices by itself."""

import contextlib
import os
import signal

import pytest

from tests.lib import queue
from tests.lib.patience import again_after_a_stall
from tests.lib.process import wait_until
from tests.lib.queue import Crew

pytestmark = pytest.mark.threads

DROPPED = "no heartbeat came through for two thirds of the lease"
KEEPER = "SELECT pid FROM pg_stat_activity WHERE application_name = 'verbatim keeper' AND datname = current_database()"


@pytest.fixture(scope="module")
def expected(program, database, folder, local):
    """The archive of an export that nothing disturbs."""
    queue.prepare(program, database)
    queue.fill(database, "plain", 60)
    with Crew(program, folder, local):
        return queue.archive(local, queue.finished(database, queue.add_job(database, "plain")))


@contextlib.contextmanager
def held(database, statement, *parameters):
    """Locks that a stuck transaction holds."""
    with database.connect() as connection, connection.transaction():
        connection.execute(statement, parameters)
        yield


@contextlib.contextmanager
def stopped_backend(database):
    pid = database.value(KEEPER)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def lock_process(database, _):
    return held(database, "SELECT FROM verbatim.process FOR UPDATE")


def lock_segment(database, job_id):
    return held(database, "SELECT FROM verbatim.segment WHERE job_id = %s FOR UPDATE", job_id)


def stop_backend(database, _):
    return stopped_backend(database)


def running(database, job_id):
    return wait_until(lambda: queue.segments(database, job_id)[0][2] == "running", "a running segment")


def check_finished_once(database, local, crew, job_id, expected):
    found = queue.finished(database, job_id)
    assert queue.archive(local, found) == expected
    assert crew.stop()["finished"] == 1
    assert [attempts for *_, attempts, _ in queue.segments(database, job_id)] == [0]
    # Of all claims, one has left an object.
    assert [path for path in local.folder.rglob(f"*{job_id}*/*.zip")] == [local.folder / found.key]


@pytest.mark.parametrize("block", [lock_process, lock_segment, stop_backend])
def test_work_stops_when_no_beat_comes_through(program, database, folder, local, expected, block):
    """The source holds the reader still, so that the work cannot end before; it stops in the middle of that."""
    with Crew(program, folder, local, lease="3s", workers=1, page=1) as crew, contextlib.ExitStack() as blocked:
        with held(database, "LOCK TABLE chat.message IN ACCESS EXCLUSIVE MODE"):
            job_id = queue.add_job(database, "plain")
            running(database, job_id)
            blocked.enter_context(block(database, job_id))
            wait_until(lambda: DROPPED in crew.log(), "the work to be dropped")
        blocked.close()
        check_finished_once(database, local, crew, job_id, expected)


@again_after_a_stall
def test_cut_connection_of_the_keeper_is_made_again(program, database, folder, local, expected):
    """Cut in the middle of the work, and again while it is idle: beats and notifications go on."""
    with Crew(program, folder, local, lease="3s", workers=1) as crew:
        with held(database, "LOCK TABLE chat.message IN ACCESS EXCLUSIVE MODE"):
            job_id = queue.add_job(database, "plain")
            running(database, job_id)
            for _ in range(3):
                pid = database.value(KEEPER)
                until = database.value("SELECT lease_until FROM verbatim.segment WHERE job_id = %s", [job_id])
                database.execute("SELECT pg_terminate_backend(%s)", [pid])
                wait_until(lambda: database.execute(KEEPER) not in ([], [(pid,)]), "a new connection")
                wait_until(lambda: database.value("SELECT lease_until > %s FROM verbatim.segment WHERE job_id = %s",
                                                  [until, job_id]), "a longer lease")
        assert DROPPED not in crew.log()
        check_finished_once(database, local, crew, job_id, expected)
