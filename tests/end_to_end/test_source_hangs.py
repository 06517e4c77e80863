"""A source that goes silent, behind a lock or on a line that swallows packets: whoever wants a stop gets it.

All of it happens while the lock or the silence lasts: a statement that is gone by then was called off."""

import contextlib
import socket
import time

import pytest

from tests.lib import queue
from tests.lib.patience import LIMIT, Stopwatch, again_after_a_stall
from tests.lib.postgres_proxy import Fault, PostgresProxy
from tests.lib.process import wait_until
from tests.lib.proxy import Proxy
from tests.lib.queue import Crew
from tests.lib.service import Service
from tests.lib.source import start

pytestmark = pytest.mark.threads

SELECTION = {"workspace": "w", "channel": "plain"}
AT_THE_LOCK = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
               " AND application_name IN ('read_source', 'verbatim reader')")


@pytest.fixture(scope="module", autouse=True)
def expected(program, database, folder, local):
    """The archive of an export that nothing disturbs."""
    queue.prepare(program, database)
    queue.fill(database, "plain", 60)
    queue.fill(database, "wide", 25, noise=2400)  # 19 MB of rows in one statement: more than sockets hold
    with Crew(program, folder, local) as crew:
        whole = queue.archive(local, queue.finished(database, queue.add_job(database, "plain")))
        crew.stop()
    return whole


@contextlib.contextmanager
def locked(database, table):
    with database.connect() as connection, connection.transaction():
        connection.execute(f"LOCK TABLE chat.{table} IN ACCESS EXCLUSIVE MODE")
        yield


def via(port, database):
    return f"postgresql://postgres@127.0.0.1:{port}/{database.name}"


def hangs(database):
    wait_until(lambda: database.value(AT_THE_LOCK) > 0, "the reader to hang")


def called_off(database):
    """The server does not look at its client's socket while it waits for a lock: only a cancel ends that."""
    wait_until(lambda: database.value(AT_THE_LOCK) == 0, "the end of the statement")


def check_stops(reader, seconds=2):
    watch = Stopwatch()
    reader.terminate()
    _, errors = reader.communicate(timeout=LIMIT)
    assert (reader.returncode, errors) == (1, b"stopped: reading was stopped\n")
    assert watch.awake < seconds, watch


@pytest.mark.parametrize("table", ["conversation", "message"])
@pytest.mark.parametrize("prepared", ["on", "off"])
def test_stop_is_heard_behind_a_lock(database, table, prepared):
    with locked(database, table):
        reader = start(database.url, "chat", prepared=prepared, **SELECTION)
        hangs(database)
        check_stops(reader)
        called_off(database)


def test_stop_is_heard_on_a_line_that_swallows_packets(database):
    """The cancel is swallowed as well, and not waited for."""
    with Proxy(database.port) as proxy:
        with locked(database, "message"):
            reader = start(database.url, "chat", through=via(proxy.port, database), **SELECTION)
            hangs(database)
            proxy.hold()
        check_stops(reader, 3)


def test_stop_is_heard_while_rows_are_swallowed(database):
    """In the middle of a statement's rows."""
    with Proxy(database.port) as proxy:
        reader = start(database.url, "chat", through=via(proxy.port, database), workspace="w", channel="wide",
                       pause="3,700000", flush=1, quiet=1)
        wait_until(lambda: database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'ClientWrite'"
                                          " AND application_name = 'read_source'") > 0, "rows ahead of the reader")
        proxy.hold()
        time.sleep(1)  # what had arrived before is read
        check_stops(reader, 3)


def test_stop_is_heard_while_connecting(database):
    with Proxy(database.port) as proxy:
        proxy.hold()
        reader = start(database.url, "chat", through=via(proxy.port, database), **SELECTION)
        time.sleep(0.5)
        assert reader.poll() is None
        check_stops(reader)


def test_silent_host_is_left_for_the_next(database):
    """A listener whose queue is full answers no connection at all."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as fillers:
        port = full.getsockname()[1]
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        watch = Stopwatch()
        url = f"postgresql://postgres@127.0.0.1:{port},127.0.0.1:{database.port}/{database.name}"
        output, errors = start(database.url, "chat", through=url, quiet=1, **SELECTION).communicate(timeout=LIMIT)
        assert output.startswith(b"conversations=60 messages=600 "), errors
        assert 4 < watch.seconds and watch.awake < 20, watch


def test_service_ends_cleanly_while_the_source_hangs(program, database, folder, local, expected):
    """Handed back, not charged; somebody else finishes the job."""
    with locked(database, "message"):
        with Service(program, folder, workers=1, **local.options) as service:
            job_id = queue.add_job(database, "plain")
            hangs(database)
            watch = Stopwatch()
            service.stop()  # demands the exit status 0
            assert watch.awake < 10, watch
        called_off(database)
        assert queue.segments(database, job_id) == [(1, 10000, "waiting", 0, 0)]
    with Crew(program, folder, local):
        found = queue.finished(database, job_id)
    assert queue.archive(local, found) == expected
    assert queue.segments(database, job_id)[0][3:] == (0, 0)


@again_after_a_stall
def test_lost_lease_drops_the_work_while_the_source_hangs(program, database, folder, local, expected):
    """Another process, which lives, has taken the segment over."""
    with Crew(program, folder, local, workers=1, lease="3s") as crew:
        with locked(database, "message"):
            job_id = queue.add_job(database, "plain")
            hangs(database)
            database.execute("UPDATE verbatim.segment SET claim_epoch = nextval('verbatim.claim_epoch'),"
                             " process_id = gen_random_uuid(), lease_until = now() + interval '1 hour'"
                             " WHERE job_id = %s", [job_id])
            called_off(database)  # after the next beat
            wait_until(lambda: "is not ours any more: its work is dropped" in crew.log(), "the work to be dropped")
        assert queue.segments(database, job_id) == [(1, 10000, "running", 0, 0)]
        database.execute("UPDATE verbatim.segment SET status = 'waiting', process_id = NULL, lease_until = NULL"
                         " WHERE job_id = %s", [job_id])
        assert queue.archive(local, queue.finished(database, job_id)) == expected
        assert crew.stop()["fenced"] >= 1


def test_a_connection_whose_settings_were_refused_reads_nothing(program, database, folder, local, postgres, expected):
    """It would read by the server's zone and plans. The server lacks memory for the first of them, then has it."""
    said = {}  # of each connection that reads

    def decide(statement):
        if statement.application != "verbatim reader" or statement.kind == "connect":
            return None
        if statement.text.startswith("SELECT pg_catalog.pg_backend_pid"):  # the look for a pooler
            return None
        first_of_all = not said
        said.setdefault(statement.connection, []).append(statement.text)
        return Fault("refuse", "53200") if first_of_all else None

    with (PostgresProxy(postgres.port, decide) as proxy,
          Crew(program, folder, local, source_url=proxy.url(database.name))):
        job_id = queue.add_job(database, "plain")
        assert queue.archive(local, queue.finished(database, job_id)) == expected
    refused, *others = said.values()
    assert len(refused) == 1 and refused[0].startswith("SET SESSION TimeZone"), refused
    assert others and all(texts[0] == refused[0] and len(texts) > 1 for texts in others), others
