"""What every answer has to keep to, whatever it answers: framing, headers of its own alone, no key left behind."""

import contextlib
import os
import re
import resource
import select
import socket
import struct
import time

import pytest

from tests.lib import direct_source, http_stream
from tests.lib.http_raw import RawConnection
from tests.lib.memory import holds
from tests.lib.postgres_proxy import Fault, PostgresProxy
from tests.lib.process import SANITIZED, port_answers, wait_until
from tests.lib.service import Service

pytestmark = pytest.mark.threads

KEY = "conversation_exports/one/6a0e9f2c-0000-4000-8000-000000000001-7/archive.zip"
BODY = b"PK" * 1000
ONE = "/v1/conversations/convo123/export"
EXPORTS = "/api/v1/workspace/one/exports"
ALL = {"select": {"all": True}}


@pytest.fixture(scope="module")
def keys(program, database):
    direct_source.make_source(database)
    return direct_source.make_keys(program)


@pytest.fixture(scope="module")
def service(keys, make_service, folder):
    target = folder / "storage" / KEY
    service = make_service(workers=0)
    target.parent.mkdir(parents=True)
    target.write_bytes(BODY)
    return service


@pytest.fixture(scope="module")
def link(service, keys, database):
    job = service.request("POST", EXPORTS, keys["one"], json_body=ALL).json()["export_id"]
    database.execute("UPDATE verbatim.job SET status = 'finished', finished_at = now(), object_key = %s,"
                     " link_expires_at = now() + interval '1 hour' WHERE job_id = %s", [KEY, job])
    return service.get(f"{EXPORTS}/{job}", keys["one"]).json()["download_url"][len(service.url):]


def raw(connection, method, path, **headers):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return connection.send(f"{method} {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode())


# --- answers without a body ---

@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_304_tells_no_length_and_nothing_of_a_body(service, link, method):
    for path in (link, "/openapi.json", "/docs/docs.js"):
        with RawConnection(service.port) as connection:
            etag = raw(connection, "HEAD", path).answer(has_body=False).headers["etag"]
            answer = raw(connection, method, path, If_None_Match=etag).answer(has_body=False)
            assert (answer.status, answer.headers["etag"]) == (304, etag)
            unwanted = {"content-length", "transfer-encoding", "content-type", "content-disposition", "accept-ranges"}
            assert not unwanted & set(answer.headers), path
            # The connection goes on: nothing was read as a body.
            assert raw(connection, "GET", "/healthz").answer().json() == {"status": "ok"}


def test_a_204_tells_no_length(service, keys):
    job = service.request("POST", EXPORTS, keys["one"], json_body=ALL).json()["export_id"]
    with RawConnection(service.port) as connection:
        answer = raw(connection, "DELETE", f"{EXPORTS}/{job}", X_API_Key=keys["one"]).answer(has_body=False)
        assert answer.status == 204
        assert not {"content-length", "transfer-encoding", "content-type"} & set(answer.headers)
        assert raw(connection, "GET", "/healthz").answer().status == 200


def test_a_100_has_no_headers_of_an_answer(service, keys):
    with RawConnection(service.port) as connection:
        raw(connection, "POST", EXPORTS, X_API_Key=keys["one"], Expect="100-continue", Content_Length="2",
            Content_Type="application/json")
        answer = connection.answer()
        assert (answer.status, answer.headers) == (100, {}) if connection.held else answer.status == 100


def test_head_tells_the_length_of_what_get_answers(service, keys, link):
    for path in (link, "/healthz", "/docs", "/nowhere", f"{EXPORTS}/none"):
        answers = [service.request(method, path, keys["one"]) for method in ("GET", "HEAD")]
        assert answers[0].status == answers[1].status and answers[1].body == b""
        assert answers[0].headers["Content-Length"] == answers[1].headers["Content-Length"] == str(len(answers[0].body))


# --- an error is an answer of its own ---

def is_bare_error(answer):
    """Nothing of the answer that was being made: neither the file's name nor how long it may be kept."""
    unwanted = ("Content-Disposition", "ETag", "Last-Modified", "Preference-Applied", "Content-Security-Policy")
    return (answer.headers["Cache-Control"] == "no-store" and answer.headers["Content-Type"] == "application/json"
            and not [name for name in unwanted if name in answer.headers])


def test_a_failed_export_at_once_has_no_name_of_a_file(service, keys, database):
    with database.connect() as blocker, blocker.transaction():
        blocker.execute("LOCK TABLE chat.message IN ACCESS EXCLUSIVE MODE")
        with RawConnection(service.port) as connection:
            raw(connection, "GET", ONE, X_API_Key=keys["one"])
            reading = ("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname ="
                       " current_database() AND application_name = 'verbatim stream' AND state = 'active'")
            answered = []

            def is_answered():
                database.value(reading)
                connection.socket.settimeout(0.2)
                with contextlib.suppress(TimeoutError):
                    answered.append(connection.answer())
                return answered
            answer = wait_until(is_answered, "the answer")[0]
    assert answer.status in (500, 503)
    assert "content-disposition" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


def test_a_range_outside_of_a_file_is_an_error_that_nobody_keeps(service, link):
    answer = service.get(link, headers={"Range": "bytes=999999-"})
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{len(BODY)}")
    assert is_bare_error(answer)


# --- links of any length ---

@contextlib.contextmanager
def with_session(program, folder, token):
    """A service whose S3 keys have this session token: what its links carry. Nobody is behind its store."""
    options = {"storage": "s3://bucket", "s3_endpoint": "http://127.0.0.1:1", "workers": 0}
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": token}
    service = Service(program, folder, env=keys, **options)
    service.start(wait=False)
    try:
        wait_until(lambda: port_answers(service.port), "the service")
        yield service
    finally:
        service.stop()


def redirected(program, folder, link, token):
    with with_session(program, folder, token) as service:
        return service.get(link)


def test_a_redirect_names_its_place_or_is_none(program, folder, link):
    """Where the buffers that hold a place have their ends, or had them once. A `+` of a token takes three bytes."""
    frame = len(redirected(program, folder, link, "t").headers["Location"]) - 1
    for length in (8170, 8182, 8192, 8200, 16384 - 100, 16384, 16384 + 100, frame + 3 * 8191):
        tripled = (max(0, length - frame - 8191) + 1) // 2
        answer = redirected(program, folder, link, "+" * tripled + "t" * (length - frame - 3 * tripled))
        if answer.status == 302:
            assert len(answer.headers["Location"]) == length
        else:
            assert (answer.status, length >= 16384) == (500, True)
            assert "Location" not in answer.headers


# --- cursors ---

def test_a_cursor_that_was_cut_short_is_none(service, keys):
    for _ in range(3):
        service.request("POST", EXPORTS, keys["one"], json_body=ALL)
        app = {"format": "csv", "agent_id": "ada", "from": "2024-12-01", "to": "2024-12-31"}
        assert service.request("POST", "/app/conversation-exports", keys["one"], json_body=app).status < 300
    lists = {EXPORTS: "next_cursor", "/app/conversation-exports": "next_cursor", "/v1/exports/audit": "next"}
    for path, member in lists.items():
        cursor = service.get(f"{path}?limit=1", keys["one"]).json()[member]
        assert service.get(f"{path}?limit=1&cursor={cursor}", keys["one"]).status == 200
        for text in [cursor[:length] for length in range(len(cursor))] + [cursor + "0", cursor + "00"]:
            answer = service.get(f"{path}?limit=1&cursor={text}", keys["one"])
            assert answer.status == 422, (path, text)
        # One place has one text: another spelling of the same bytes is none of ours.
        assert service.get(f"{path}?limit=1&cursor={cursor.upper()}", keys["one"]).status == 422


# --- keys ---

@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory")
def test_no_key_stays_in_memory(program, service, keys, database):
    """Not in the connection, which stays open, nor in what was read ahead, nor in memory that was given back."""
    key = program.key("one")
    secret = key.split("_")[2].encode()[8:40]
    job = service.request("POST", EXPORTS, keys["one"], json_body=ALL).json()["export_id"]
    with RawConnection(service.port) as whole, RawConnection(service.port) as pieces, \
            RawConnection(service.port) as waiting, RawConnection(service.port) as stuck:
        assert raw(whole, "GET", f"{EXPORTS}/{job}", X_API_Key=key).answer().status == 200
        assert raw(whole, "GET", "/nowhere", Authorization=f"Bearer {key}").answer().status == 404
        text = f"GET {EXPORTS}/{job} HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\nX-Filler: {'x' * 3000}\r\n\r\n".encode()
        for at in range(0, len(text), 100):
            pieces.send(text[at:at + 100])
            time.sleep(0.002)  # so that the head arrives in many pieces and its buffer grows
        assert pieces.answer().status == 200
        raw(waiting, "GET", f"{EXPORTS}/{job}", X_API_Key=key, Prefer="wait=20")
        metrics = "verbatim_http_waiting 1"
        wait_until(lambda: metrics in service.get("/metrics", keys["metrics"]).body.decode(), "the waiting request")
        # A request that asks twice in one write: the second lies behind the first.
        raw(stuck, "GET", f"{EXPORTS}/{job}", X_API_Key=key)
        raw(stuck, "GET", f"{EXPORTS}/{job}", X_API_Key=key)
        assert [stuck.answer().status, stuck.answer().status] == [200, 200]
        places = holds(service, secret)
        assert places == [], [hex(place) for place in places]


# --- the audit of exports that are answered at once ---

WAITING = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
           " AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO verbatim.audit (%'")


@contextlib.contextmanager
def held_entry(service, database, key):
    """An export whose entry in the audit is under way: its connection, and what lets the entry be made.

    The entry waits three seconds at most; `ends` tells how its export ended, or that it came to nothing."""
    with database.connect() as blocker, RawConnection(service.port) as connection:
        # Statements are prepared with the first request, for which they need the table as well.
        raw(connection, "GET", ONE, X_API_Key=key)
        assert http_stream.head(connection)[0] == 200 and http_stream.chunked_body(connection)
        wait_until(lambda: direct_source.last_audit(database)[3], "the end of an undisturbed one")
        before = len(direct_source.audit(database))
        lock = blocker.transaction()
        lock.__enter__()
        blocker.execute("LOCK TABLE verbatim.audit IN ACCESS EXCLUSIVE MODE")
        raw(connection, "GET", ONE, X_API_Key=key)

        def waits():
            if select.select([connection.socket], [], [], 0)[0]:
                assert connection.answer().status == 503  # the database was away for a moment, or it took too long
                raw(connection, "GET", ONE, X_API_Key=key)
            return database.value(WAITING) >= 1
        wait_until(waits, "the entry to wait")

        def ends():
            lock.__exit__(None, None, None)
            with contextlib.suppress(TimeoutError):
                wait_until(lambda: len(direct_source.audit(database)) == before + 1, "the entry", 5)
                wait_until(lambda: direct_source.last_audit(database)[3], "its end")
                return [event[0] for event in direct_source.last_audit(database)[3]]
            # It came to nothing, unless it has no end.
            assert len(direct_source.audit(database)) == before
            return None

        yield connection, ends


def test_a_client_that_leaves_before_the_export_begins_leaves_an_end(service, keys, database):
    ended = None
    for _ in range(5):
        with held_entry(service, database, keys["one"]) as (connection, ends):
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.socket.close()  # a reset: nothing can be answered
            metrics = "verbatim_http_connections 1\n"
            wait_until(lambda: metrics in service.get("/metrics", keys["metrics"]).body.decode(), "it to be gone")
            ended = ends()
        if ended:
            break
    assert ended == ["cancelled"]


def test_an_export_that_cannot_begin_has_an_end(make_service, keys, database):
    service = make_service(workers=0)
    ended = None
    for _ in range(5):
        with held_entry(service, database, keys["one"]) as (connection, ends), no_descriptors(service, 0):
            ended = ends()
            answer = connection.answer()
            assert (answer.status, answer.headers["retry-after"]) == (503, "2")
        if ended:
            break
    assert ended == ["failed"]


def ended(entries):
    return all(len(entry[3]) == 1 for entry in entries)


@pytest.mark.parametrize("way", ["drop", "lose"])
@pytest.mark.parametrize("statement", ["INSERT INTO verbatim.audit ", "INSERT INTO verbatim.audit_event "])
def test_a_statement_to_the_audit_or_its_answer_that_is_lost(postgres, database, keys, make_service, statement, way):
    """Each entry gets its end, and one alone, although nobody knows what became of the statement."""
    before, failed = len(direct_source.audit(database)), []

    def decide(seen):
        if seen.kind != "execute" or not seen.text.startswith(statement) or failed:
            return None
        failed.append(seen.text)
        return Fault(way)

    with PostgresProxy(postgres.port, decide) as proxy:
        service = make_service(workers=0, database_url=proxy.url(database.name), source_url=database.url)
        statuses = [service.get(ONE, keys["one"]).status]
        wait_until(lambda: failed, "the fault")
        wait_until(lambda: statuses.append(service.get(ONE, keys["one"]).status) or statuses[-1] == 200, "an answer")
        assert set(statuses) <= {200, 503}
        # The answer to an entry was lost for the first request alone: it may or may not have been made.
        wait_until(lambda: ended(direct_source.audit(database)[before:]), "an end for each entry")
        kinds = [entry[3][0][0] for entry in direct_source.audit(database)[before:]]
        assert kinds.count("records") == statuses.count(200) and set(kinds) <= {"records", "failed"}
        service.stop()
    assert ended(direct_source.audit(database)[before:])


# --- descriptors ---

@contextlib.contextmanager
def no_descriptors(service, left):
    """The process can open nothing more, but for `left` numbers; what it has open it keeps."""
    pid = service.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    numbers = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    free = (number for number in range(3, 4096) if number not in numbers)
    limit = 3 if left == 0 else [next(free) for _ in range(left)][-1] + 1
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def processor_seconds(service):
    with open(f"/proc/{service.process.pid}/stat") as about:
        fields = about.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def complaints(service):
    words = ("no file descriptor", "connections are refused")
    return [line for line in service.log().splitlines() if any(each in line for each in words)]


def told_by_now(connections):
    """The answers that came, and the connections that still wait for one."""
    answers, waiting = [], []
    for connection in connections:
        if select.select([connection.socket], [], [], 0)[0]:
            answers.append(connection.answer())
        else:
            waiting.append(connection)
    return answers, waiting


@pytest.mark.parametrize("left", [0, 3])
def test_without_descriptors_nobody_spins(make_service, keys, left):
    """Who comes then is told so where a descriptor is kept for that, the others are answered, the log says it once."""
    service = make_service(workers=0)
    with contextlib.ExitStack() as held:
        early = held.enter_context(RawConnection(service.port))
        assert raw(early, "GET", "/healthz").answer().status == 200
        with no_descriptors(service, left):
            late = [held.enter_context(RawConnection(service.port)) for _ in range(20)]
            for connection in late:
                raw(connection, "GET", "/healthz")
            wait_until(lambda: complaints(service), "the log to tell")
            begin = processor_seconds(service)
            time.sleep(2)  # the span that is looked at, not a wait for something
            assert processor_seconds(service) - begin < 0.2
            assert raw(early, "GET", "/healthz").answer().status == 200
            # The kept descriptor may go to a connection of another loop: then the rest waits until there are some.
            answers, waiting = told_by_now(late)
            assert {answer.status for answer in answers} <= {200, 503} and len(complaints(service)) == 1
            assert all(answer.headers["retry-after"] for answer in answers if answer.status == 503)
            assert len(answers) > 3 if left else not answers
        assert [connection.answer().status for connection in waiting] == [200] * len(waiting)
        wait_until(lambda: service.get("/healthz").status == 200, "new connections")
