"""Answers that are streamed while they are read: framing, slow readers, those who leave, what breaks in the middle."""

import concurrent.futures
import contextlib
import json
import time

import pytest

from tests.lib import direct_source as source
from tests.lib import http_stream as stream
from tests.lib.http_raw import RawConnection
from tests.lib.http_stream import Truncated
from tests.lib.measure import peak_rss
from tests.lib.patience import Stopwatch, again_after_a_stall
from tests.lib.process import wait_until

pytestmark = pytest.mark.threads

STREAMS = 4  # threads of a process
PATH = "/v3/agents/{}/convos/export?format={}"
BIG = PATH.format("big", "json")  # 20 MB: more than sockets and pipes hold
READERS = ("FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'verbatim stream'"
           " AND backend_type = 'client backend'")


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    source.fill(database, "big", 200, 200, 500)
    source.fill(database, "giant", 1, 40000, 500)
    return source.make_keys(program)


@pytest.fixture(scope="module")
def whole(service, keys):
    """The big answer, read at once."""
    body = service.get(BIG, keys["one"]).body
    assert len(json.loads(body)["data"]) == 200 and len(body) > 15_000_000
    return body


@contextlib.contextmanager
def locked(database, table="message"):
    with database.connect() as connection, connection.transaction():
        connection.execute(f"LOCK TABLE chat.{table} IN ACCESS EXCLUSIVE MODE")
        yield


def reading(database, more=""):
    return database.value(f"SELECT count(*) {READERS} {more}")


def holding(database):
    """Readers with a statement or a snapshot; one that was told to wait may have closed its connection."""
    return reading(database, "AND (state <> 'idle' OR backend_xmin IS NOT NULL)")


def let_go(database):
    """Not the moment between two statements."""
    def stays():
        return all(holding(database) == 0 and time.sleep(0.2) is None for _ in range(3))
    wait_until(stays, "a source that is let go of")


def nobody_reads(database):
    wait_until(lambda: reading(database) == 0, "the end of the query")


def ask(service, key, path=BIG, version="1.1", window=None):
    return RawConnection(service.port, window=window).send(stream.get(path, key, version))


def ended_as(database, kind):
    wait_until(lambda: [event[0] for event in source.last_audit(database)[3]] == [kind], f"{kind} in the audit")
    return source.last_audit(database)[3][0][1]


# --- framing ---

def test_chunked(service, keys, whole):
    with ask(service, keys["one"]) as connection:
        status, headers = stream.head(connection)
        assert status == 200 and headers["transfer-encoding"] == "chunked" and "content-length" not in headers
        assert headers["cache-control"] == "no-store" and headers["x-request-id"]
        assert stream.chunked_body(connection) == whole


def test_connection_goes_on_after_a_stream(service, keys):
    """Also with the next requests on their way already."""
    small = stream.get(PATH.format("ada", "json"), keys["one"])
    with RawConnection(service.port) as connection:
        connection.send(small + small + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        bodies = []
        for _ in range(2):
            assert stream.head(connection)[0] == 200
            bodies.append(stream.chunked_body(connection))
        assert bodies[0] == bodies[1] and json.loads(bodies[0])["success"]
        assert connection.answer().status == 200


def test_http_1_0_ends_with_the_connection(service, keys, whole):
    with ask(service, keys["one"], version="1.0") as connection:
        status, headers = stream.head(connection)
        assert status == 200 and "transfer-encoding" not in headers and headers["connection"] == "close"
        assert stream.body_to_the_end(connection) == whole


def test_head(service, keys, database):
    """The same head; nothing is read and nothing sent."""
    before = len(source.audit(database))
    with RawConnection(service.port) as connection:
        connection.send(stream.get(BIG, keys["one"], method="HEAD") + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers = stream.head(connection)
        assert status == 200 and headers["content-type"] == "application/json"
        assert headers["transfer-encoding"] == "chunked" and "attachment" in headers["content-disposition"]
        assert connection.answer().status == 200
    assert len(source.audit(database)) == before and reading(database) == 0


# --- slow readers ---

@pytest.mark.parametrize("agent", ["big", "giant"])
def test_slow_reader_holds_no_snapshot(service, keys, database, agent):
    """The source is held back by who reads, without a transaction; afterwards not a row is missing."""
    path = PATH.format(agent, "json")
    expected = service.get(path, keys["one"]).body
    with ask(service, keys["one"], path, window=4096) as connection:
        assert stream.head(connection)[0] == 200
        let_go(database)
        time.sleep(1)
        assert holding(database) == 0
        assert source.last_audit(database)[3] == []  # it has not ended
        assert stream.chunked_body(connection) == expected
    assert ended_as(database, "records") == (1 if agent == "giant" else 200)


@again_after_a_stall
def test_reader_that_stops_is_cut(make_service, keys, database):
    """client_timeout without a byte taken. Not so who takes a little now and then."""
    before, impatient = len(source.audit(database)), make_service(workers=0, client_timeout="4s")
    with ask(impatient, keys["one"], window=4096) as patient, ask(impatient, keys["one"], window=4096) as stuck:
        watch = Stopwatch()
        stream.head(patient), stream.head(stuck)
        while all(entry[3] == [] for entry in source.audit(database)[before:]):
            patient._more()
            time.sleep(0.2)
            assert watch.awake < 60, watch
        assert 3 < watch.seconds and watch.awake < 30, watch
        with pytest.raises(Truncated):
            stream.chunked_body(stuck)
        assert len(stream.chunked_body(patient)) > 15_000_000


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_killed_process_leaves_no_answer_that_looks_whole(make_service, keys, version):
    """The kernel would end its connections in order, which is the end of a body in HTTP/1.0."""
    mortal = make_service(workers=0)
    with ask(mortal, keys["one"], version=version, window=4096) as connection:
        status, headers = stream.head(connection)
        assert status == 200 and headers["x-accel-buffering"] == "no"
        mortal.kill()
        with pytest.raises(Truncated):
            (stream.body_to_the_end if version == "1.0" else stream.chunked_body)(connection)


def test_what_is_whole_ends_in_order_also_when_the_process_is_killed_then(make_service, keys, whole):
    """The last bytes still lie in the kernel when the process dies."""
    mortal = make_service(workers=0)
    expected = mortal.get(PATH.format("ada", "json"), keys["one"]).body
    with ask(mortal, keys["one"], PATH.format("ada", "json"), version="1.0") as connection:
        wait_until(lambda: mortal.log().count("/v3/agents/ada/convos/export 200") == 2, "the end of the answer")
        mortal.kill()
        assert stream.head(connection)[0] == 200
        assert stream.body_to_the_end(connection) == expected


# --- those who leave ---

def test_client_that_leaves_before_the_first_byte(service, keys, database):
    """The query is called off within a second."""
    with locked(database):
        with ask(service, keys["one"]):
            wait_until(lambda: reading(database, "AND wait_event_type = 'Lock'") == 1, "the query")
        nobody_reads(database)
    assert ended_as(database, "cancelled") == 0


def test_client_that_leaves_while_it_is_waited_for(service, keys, database):
    """With pipe and socket full, it had many conversations and by far not all."""
    with ask(service, keys["one"], window=4096) as connection:
        assert stream.head(connection)[0] == 200
        let_go(database)
    assert 0 < ended_as(database, "cancelled") < 200
    nobody_reads(database)


def test_client_that_leaves_while_rows_come(service, keys, database):
    """Not one that has stopped reading: bytes flow until the moment it goes."""
    with ask(service, keys["one"]) as connection:
        stream.head(connection)
        for _ in range(20):
            connection._more()
    nobody_reads(database)
    ended_as(database, "cancelled")


def test_client_that_leaves_while_the_source_is_silent(service, keys, database):
    """In the middle, when there is nothing to send that would tell."""
    with ask(service, keys["one"], window=4096) as connection:
        stream.head(connection)
        let_go(database)
        with locked(database):
            watch = Stopwatch()
            while reading(database, "AND wait_event_type = 'Lock'") == 0:  # all that had been read goes out first
                connection._more()
                assert watch.awake < 60, watch
            connection.socket.close()
            nobody_reads(database)
    assert 0 < ended_as(database, "cancelled") < 200


# --- what breaks ---

@contextlib.contextmanager
def broken_row(database, message):
    """One row that the source's contract does not allow."""
    set_time = "UPDATE chat.message SET created_at = %s WHERE id = %s"
    before = database.value("SELECT created_at FROM chat.message WHERE id = %s", [message])
    database.execute(set_time, ["-infinity", message])
    try:
        yield
    finally:
        database.execute(set_time, [before, message])


@pytest.mark.parametrize("format", ["json", "csv"])
def test_error_after_the_first_byte_is_never_whole(service, keys, database, format):
    """A truncated answer never looks like a whole one: the last chunk does not come."""
    with broken_row(database, "big-150-100"), ask(service, keys["one"], PATH.format("big", format)) as connection:
        assert stream.head(connection)[0] == 200
        with pytest.raises(Truncated) as cut:
            stream.chunked_body(connection)
        assert b"big-140" in cut.value.body and b"big-160" not in cut.value.body
    assert 100 < ended_as(database, "failed") < 150
    assert "big-150" in service.log()


def test_error_in_http_1_0_is_a_reset(service, keys, database):
    with broken_row(database, "big-150-100"), ask(service, keys["one"], version="1.0") as connection:
        assert stream.head(connection)[0] == 200
        with pytest.raises(Truncated):
            stream.body_to_the_end(connection)


def test_error_before_the_first_byte_has_a_status(service, keys, database):
    with broken_row(database, "big-1-1"):
        answer = service.get(BIG, keys["one"])
    assert (answer.status, answer.json()["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert b"big-1" not in answer.body
    ended_as(database, "failed")


def test_source_that_goes_away_in_the_middle(service, keys, database):
    with ask(service, keys["one"]) as connection:
        stream.head(connection)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            body = pool.submit(stream.chunked_body, connection)
            while not body.done():  # once is not enough: between two statements it is read on from there
                database.value(f"SELECT count(pg_terminate_backend(pid)) {READERS}")
            with pytest.raises(Truncated):
                body.result()
    ended_as(database, "failed")


# --- limits ---

def test_all_threads_busy(service, keys, database):
    """Who comes when all are taken is told to come again, and can, as soon as one is free."""
    before = len(source.audit(database))
    with contextlib.ExitStack() as held, locked(database):
        readers = [held.enter_context(ask(service, keys["one"])) for _ in range(STREAMS)]
        wait_until(lambda: reading(database) == STREAMS, "all streams")
        for path, member in ((PATH.format("ada", "json"), "message"), ("/v1/conversations/convo123/export", "detail")):
            answer = service.get(path, keys["one"])
            assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0 and answer.json()[member]
        assert service.get("/readyz").status == 200
        readers[0].socket.close()
        wait_until(lambda: reading(database) == STREAMS - 1, "a free one")
        wait_until(lambda: service.request("HEAD", PATH.format("ada", "json"), keys["one"]).status == 200, "room")
    nobody_reads(database)
    assert service.get(PATH.format("ada", "json"), keys["one"]).status == 200
    wait_until(lambda: len(source.audit(database)) == before + STREAMS + 1, "no entry for those that were refused")


def test_many_at_once_are_all_whole(service, keys, whole):
    """As many as there are threads, of readers that are slow and quick."""
    def read(window):
        with ask(service, keys["one"], window=window) as connection:
            assert stream.head(connection)[0] == 200
            return stream.chunked_body(connection)
    with concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
        assert [body == whole for body in pool.map(read, [None, 4096, 65536, None])] == [True] * STREAMS


def test_stop_cuts_streams(keys, database, make_service):
    """SIGTERM: within the ten seconds, the answer not whole, and the audit says so."""
    service = make_service(workers=0)
    with (ask(service, keys["one"], window=4096) as connection,
          ask(service, keys["one"], version="1.0", window=4096) as old):
        stream.head(connection), stream.head(old)
        wait_until(lambda: reading(database) == 2, "the queries")
        watch = Stopwatch()
        service.stop()  # asserts that it ends with 0
        assert watch.awake < 10, watch
        with pytest.raises(Truncated):
            stream.chunked_body(connection)
        with pytest.raises(Truncated):
            stream.body_to_the_end(old)
    assert [event[0] for entry in source.audit(database)[-2:] for event in entry[3]] == ["cancelled"] * 2
    assert reading(database) == 0


# --- memory ---

@pytest.mark.parametrize("format", ["json", "csv"])
@pytest.mark.parametrize("conversations, messages", [(1, 300), (300, 1)])
def test_memory_is_flat(keys, database, make_service, conversations, messages, format):
    """A hundred times the messages, in one conversation or in many, take no more memory."""
    sizes = []
    for factor in (10, 1000):
        agent = f"flat-{conversations}-{factor}"
        if not database.value("SELECT count(*) FROM chat.assistant WHERE id = %s", [agent]):
            source.fill(database, agent, conversations if messages > 1 else conversations * factor,
                        messages * factor if messages > 1 else 1)
    # A sanitizer would keep what is freed.
    service = make_service(workers=0, env={"ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=1"})
    for factor in (10, 1000):
        for _ in range(2):
            body = service.get(PATH.format(f"flat-{conversations}-{factor}", format), keys["one"]).body
        sizes.append(peak_rss(service.process.pid))
        assert len(body) > 300 * factor * 200
    assert sizes[1] < sizes[0] + 6, sizes
