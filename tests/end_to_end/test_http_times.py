"""Deadlines and connection limits of the front end, each shortened by itself: the others are a minute, so whatever
ends within seconds was ended by the one under test."""

import contextlib
import os
import pathlib
import time

import pytest

from tests.lib import http_source as source
from tests.lib.http_raw import RawConnection
from tests.lib.patience import Stopwatch, again_after_a_stall
from tests.lib.process import Process, wait_until
from tests.lib.service import Service, clean_environment

GOOD = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
JOB = "/api/v1/workspace/one/export-conversations/00000000-0000-4000-8000-000000000001"
KEY = "conversation_exports/one/6a0e9f2c-0000-4000-8000-000000000001-7/large.zip"
SOON = 20  # seconds; far less than the minute of the deadlines that are not under test


class Front(Service):
    """http_tool in the place of the program: the front end with the deadlines given."""

    def __init__(self, program, folder, *settings):
        super().__init__(program, folder, storage=f"file://{folder}/storage")
        self.tool = pathlib.Path(program.path).parent / "tests" / "tools" / "http_tool"
        self.settings = settings

    def start(self, wait=True):
        self.process = Process([str(self.tool), *self.settings], self.log_path, env=clean_environment(self.options))
        self.process.wait_ready(self._ready, 60)

    def connections(self, key):
        """As many as the server holds, the one that asks included."""
        return metric(self.get("/metrics", key), "verbatim_http_connections")


def metric(answer, name):
    assert answer.status == 200, answer.body
    return next(int(line.split()[1]) for line in answer.body.decode().splitlines() if line.split()[0] == name)


@pytest.fixture(scope="module")
def keys(program, database, folder):
    (folder / "storage").mkdir()
    source.make_source(database)
    return source.make_workspaces(program)


@again_after_a_stall
def test_an_idle_connection_is_closed_and_a_busy_one_kept(program, folder, keys):
    with Front(program, folder, "idle=800") as front, RawConnection(front.port) as idle, \
            RawConnection(front.port) as busy, RawConnection(front.port) as silent:
        assert idle.send(GOOD).answer().status == 200
        begin = time.monotonic()
        while time.monotonic() - begin < 2.4:  # three times the deadline
            assert busy.send(GOOD).answer().status == 200
            time.sleep(0.1)
        watch = Stopwatch()
        idle.seconds_to_close()
        assert watch.awake < SOON, watch
        # No request came from this one yet: that is the deadline of a head.
        assert silent.send(GOOD).answer().status == 200


@again_after_a_stall
def test_an_answer_that_does_not_begin_is_given_up(program, folder, keys, database):
    with Front(program, folder, "answer=700") as front, RawConnection(front.port) as connection:
        assert front.get(JOB, keys["one"]).status == 404
        request = f"GET {JOB} HTTP/1.1\r\nHost: a\r\nX-API-Key: {keys['one']}\r\n\r\n".encode()
        with database.connect() as blocker, blocker.transaction():
            blocker.execute("LOCK TABLE verbatim.job IN ACCESS EXCLUSIVE MODE")
            answer = connection.send(request).answer()
            assert (answer.status, answer.json()) == (503, {"detail": "The answer took too long. Try again later."})
            assert answer.headers["retry-after"] and answer.headers["connection"] == "close"
            assert connection.answer() is None
            assert front.get("/healthz").status == 200
        # The answer that came too late for its request goes to nobody else.
        with RawConnection(front.port) as after:
            assert after.send(GOOD).answer().json() == {"status": "ok"}
            wait_until(lambda: front.get(JOB, keys["one"]).status == 404, "the database to be used again", SOON)


@pytest.fixture
def large_link(folder, keys, database):
    """A function that makes a link to a file by way of a front end, and the file's size."""
    size = 12 << 20
    target = folder / "storage" / KEY
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(os.urandom(1 << 20) * (size >> 20))

    def make(front):
        database.execute("DELETE FROM verbatim.job")
        job = front.start_export("one", keys["one"], start_date="2026-02-01", end_date="2026-02-28",
                                 channel_id=source.LONELY).json()["export_job_id"]
        database.execute("UPDATE verbatim.job SET status = 'finished', finished_at = now(), object_key = %s,"
                         " link_expires_at = now() + interval '1 hour' WHERE job_id = %s", [KEY, job])
        return front.job("one", keys["one"], job)["presigned_url"][len(front.url):]

    return make, size


@again_after_a_stall
def test_a_peer_that_takes_nothing_is_cut_and_a_slow_one_served(program, folder, keys, large_link):
    make_link, size = large_link
    with Front(program, folder, "progress=600") as front:
        request = f"GET {make_link(front)} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        with RawConnection(front.port, window=16384) as stuck, RawConnection(front.port, window=65536) as slow:
            stuck.send(request)
            slow.send(request)
            taken = 0
            begin = time.monotonic()
            while taken < size:
                # So slow at first that the server's socket stays full for longer than the deadline.
                is_slow = time.monotonic() - begin < 5
                data = slow.socket.recv(32768 if is_slow else 1 << 20)
                assert data, f"cut after {taken} bytes"
                taken += len(data)
                time.sleep(0.1 if is_slow else 0)
            # The slow one, and the one that asks: the stuck one is gone.
            wait_until(lambda: front.connections(keys["metrics"]) == 2, "the stuck peer to be cut", SOON)
            held = 0
            with contextlib.suppress(ConnectionResetError):
                while data := stuck.socket.recv(65536):
                    held += len(data)
            assert 0 < held < size


def refused(connection):
    answer = connection.answer()
    assert (answer.status, answer.json()) == (503, {"detail": "Too many connections."})
    assert answer.headers["retry-after"] and answer.headers["connection"] == "close"
    assert connection.answer() is None


def test_limits_of_connections(program, folder, keys):
    """Eight in all, so four from one address."""
    with Front(program, folder, "connections=8") as front, contextlib.ExitStack() as stack:
        def enter(origin):
            """One that is served and stays; None when it was refused."""
            connection = stack.enter_context(RawConnection(front.port, origin=origin))
            return connection if connection.send(GOOD).answer().status == 200 else None

        def fill(origin):
            # Those that waited for the start may still be on their way out.
            return [wait_until(lambda: enter(origin), f"a connection from {origin}", SOON) for _ in range(4)]

        first = fill("127.0.0.1")
        for _ in range(5):
            with RawConnection(front.port) as silent:
                refused(silent)
            with RawConnection(front.port) as asking:
                refused(asking.send(GOOD))
        with RawConnection(front.port, origin="127.0.0.2") as other:
            assert other.send(GOOD).answer().json() == {"status": "ok"}
        fill("127.0.0.2")
        with RawConnection(front.port, origin="127.0.0.3") as too_many:
            refused(too_many)
        assert all(connection.send(GOOD).answer().status == 200 for connection in first)
        first.pop().socket.close()
        wait_until(lambda: enter("127.0.0.3"), "the place to be free again", SOON)
        first.pop().socket.close()
        request = f"GET /metrics HTTP/1.1\r\nHost: a\r\nX-API-Key: {keys['metrics']}\r\n\r\n".encode()
        answer = first[0].send(request).answer()
        assert metric(answer, "verbatim_http_refused_total") >= 11
        assert metric(answer, "verbatim_http_connections") <= 8
