"""Framing, pipelines, slow clients, limits: one byte stream can be read in one way only, or is refused.

Each irregular form is sent as the first and as the second request of a connection, always with one more request
behind it: that one must never be answered.
"""

import time

import pytest

from tests.lib import http_source as source
from tests.lib.http_raw import RawConnection
from tests.lib.patience import Stopwatch, again_after_a_stall

GOOD = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\nX-Request-Id: hidden\r\n\r\n"
HEAD = b"POST /healthz HTTP/1.1\r\nHost: a\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

IRREGULAR = {
    "two lengths": (HEAD + b"Content-Length: 0\r\nContent-Length: 35\r\n\r\n", 400),
    "two equal lengths": (HEAD + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400),
    "length list": (HEAD + b"Content-Length: 0,0\r\n\r\n", 400),
    "length with sign": (HEAD + b"Content-Length: +0\r\n\r\n", 400),
    "negative length": (HEAD + b"Content-Length: -1\r\n\r\n", 400),
    "hex length": (HEAD + b"Content-Length: 0x0\r\n\r\n", 400),
    "empty length": (HEAD + b"Content-Length: \r\n\r\n", 400),
    "length and chunked": (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "space before colon": (HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked in 1.0": (b"POST /healthz HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "coding list": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "unknown coding": (HEAD + b"Transfer-Encoding: identity\r\n\r\n", 400),
    "two codings": (HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "bare line feeds": (b"GET /healthz HTTP/1.1\nHost: a\n\n", 400),
    "one bare line feed": (b"GET /healthz HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
    "bare carriage return": (b"GET /healthz HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400),
    "folded line": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400),
    "empty name": (b"GET /healthz HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", 400),
    "control in name": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX\x01: y\r\n\r\n", 400),
    "NUL in value": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n", 400),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "space in target": (b"GET /health z HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "escaped NUL": (b"GET /healthz%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "NUL in target": (b"GET /healthz\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "bad version": (b"GET /healthz HTTP/1.x\r\nHost: a\r\n\r\n", 400),
    "HTTP/2": (b"GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "HTTP/0.9": (b"GET /healthz\r\n\r\n", 400),
    "long target": (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "long head": (b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"a" * 33000 + b"\r\n\r\n", 431),
    "many headers": (b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 100 + b"\r\n", 431),
    "unknown expectation": (HEAD + b"Expect: tea\r\nContent-Length: 1\r\n\r\n", 417),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
}
BAD_CHUNKS = {
    "prefix": b"0x3\r\nabc\r\n0\r\n\r\n", "sign": b"+3\r\nabc\r\n0\r\n\r\n", "blank before": b" 3\r\nabc\r\n0\r\n\r\n",
    "blank after": b"3 \r\nabc\r\n0\r\n\r\n", "rubbish": b"3 zzz\r\nabc\r\n0\r\n\r\n",
    "no line end": b"3\r\nabc0\r\n\r\n", "bare line feed": b"3\nabc\n0\n\n", "empty size": b"\r\n3\r\nabc\r\n0\r\n\r\n",
    "line feed in extension": b"3;a\nb\r\nabc\r\n0\r\n\r\n", "too long a size": b"000000003\r\nabc\r\n0\r\n\r\n",
}


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    return source.make_workspaces(program)


def create_head(key, *lines):
    return "\r\n".join(["POST /api/v1/workspace/one/export-conversations HTTP/1.1", "Host: a", f"X-API-Key: {key}",
                        "Content-Type: application/json", *lines, "", ""]).encode()


@pytest.mark.parametrize("before", [b"", GOOD], ids=["first", "second"])
@pytest.mark.parametrize("name", IRREGULAR)
def test_irregular_requests_are_refused_and_end_the_connection(service, name, before):
    request, status = IRREGULAR[name]
    with RawConnection(service.port) as connection:
        answers = connection.send(before + request + HIDDEN).answers()
    assert [answer.status for answer in answers] == ([200] if before else []) + [status]
    last = answers[-1]
    assert isinstance(last.json()["detail"], str)
    assert last.headers["connection"] == "close"
    assert last.headers["x-request-id"] != "hidden"


@pytest.mark.parametrize("before", [b"", GOOD], ids=["first", "second"])
@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_irregular_chunks_are_refused(service, keys, name, before):
    with RawConnection(service.port) as connection:
        connection.send(before + create_head(keys["one"], "Transfer-Encoding: chunked") + BAD_CHUNKS[name] + HIDDEN)
        answers = connection.answers()
    assert [answer.status for answer in answers] == ([200] if before else []) + [400]


def test_irregular_chunks_nobody_wanted_end_the_connection(service):
    for chunks in BAD_CHUNKS.values():
        with RawConnection(service.port) as connection:
            answers = connection.send(CHUNKED + chunks + HIDDEN).answers()
        assert [answer.status for answer in answers] == [405]


def test_a_pipeline_is_answered_in_order(service, keys):
    job = b"GET /api/v1/workspace/one/export-conversations/x HTTP/1.1\r\nHost: a\r\nX-API-Key: " + keys["one"].encode()
    requests = []
    for i in range(40):
        head = GOOD[:-2] if i % 2 else job + b"\r\n"
        requests.append(head + f"X-Request-Id: n{i}\r\n\r\n".encode())
    with RawConnection(service.port) as connection:
        connection.send(b"".join(requests))
        answers = [connection.answer() for _ in requests]
    assert [answer.headers["x-request-id"] for answer in answers] == [f"n{i}" for i in range(40)]
    assert [answer.status for answer in answers] == [404, 200] * 20


def test_bytes_may_come_one_by_one(service, keys):
    with RawConnection(service.port) as connection:
        head = create_head(keys["one"], "Transfer-Encoding: chunked")
        for byte in head + b"2;x=\"y\"\r\n{}\r\n0\r\nT: v\r\n\r\n" + GOOD:
            connection.send(bytes([byte]))
        assert connection.answer().status == 422
        assert connection.answer().status == 200


def test_bodies_nobody_wants_are_read_over(service):
    body = HIDDEN
    for method in (b"GET", b"DELETE", b"HEAD", b"TRACE"):
        head = method + b" /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
        with RawConnection(service.port) as connection:
            connection.send(head + body + GOOD)
            first = connection.answer(has_body=method != b"HEAD")
            second = connection.answer()
        assert first.headers["x-request-id"] != "hidden"
        assert (second.status, second.json()) == (200, {"status": "ok"})


def test_expect_100_continue(service, keys):
    with RawConnection(service.port) as connection:
        connection.send(create_head(keys["one"], "Content-Length: 2", "Expect: 100-continue"))
        assert connection.answer().status == 100
        connection.send(b"{}")
        assert connection.answer().status == 422
        assert connection.send(GOOD).answer().status == 200


def test_a_bad_key_is_told_instead_of_100_continue(service):
    with RawConnection(service.port) as connection:
        connection.send(create_head("vb_no", "Content-Length: 2", "Expect: 100-continue"))
        answers = connection.answers()
    assert [answer.status for answer in answers] == [401]


def test_a_bad_key_is_told_before_the_body_comes(service):
    with RawConnection(service.port) as connection:
        assert connection.send(create_head("vb_no", "Content-Length: 60000")).answer().status == 401


def test_an_answer_tells_how_long_its_connection_is_kept(service, make_service):
    other = make_service(workers=0, idle_timeout="2s")
    for running, seconds in ((service, 75), (other, 2)):
        with RawConnection(running.port) as connection:
            assert connection.send(GOOD).answer().headers["keep-alive"] == f"timeout={seconds}"
            last = connection.send(GOOD[:-2] + b"Connection: close\r\n\r\n").answer()
            assert "keep-alive" not in last.headers and last.headers["connection"] == "close"
    with RawConnection(other.port) as connection:
        connection.send(GOOD).answer()
        assert connection.seconds_to_close() > 1, "not before it said"


def test_absolute_targets_old_http_and_head(service):
    with RawConnection(service.port) as connection:
        connection.send(b"GET http://example.com/healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.answer().status == 200
    with RawConnection(service.port) as connection:
        [answer] = connection.send(b"GET /healthz HTTP/1.0\r\n\r\n").answers()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
    with RawConnection(service.port) as connection:
        connection.send(b"GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
        assert connection.answer().headers["connection"] == "keep-alive"
        assert connection.send(GOOD).answer().status == 200
    with RawConnection(service.port) as connection:
        answer = connection.send(b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n").answer(has_body=False)
        assert (answer.status, answer.headers["content-length"]) == (200, "15")
        assert connection.send(GOOD).answer().json() == {"status": "ok"}


def test_connection_close_is_obeyed(service):
    with RawConnection(service.port) as connection:
        [answer] = connection.send(GOOD[:-2] + b"Connection: close\r\n\r\n" + HIDDEN).answers()
    assert (answer.status, answer.headers["connection"]) == (200, "close")


def test_a_half_closed_connection_is_still_answered(service, keys):
    with RawConnection(service.port) as connection:
        connection.send(create_head(keys["one"], "Content-Length: 2") + b"{}")
        connection.socket.shutdown(1)
        assert [answer.status for answer in connection.answers()] == [422]


def test_the_answer_to_a_huge_body_arrives(service, keys):
    """The server refuses early and closes; its answer must not be lost to a reset."""
    with RawConnection(service.port) as connection:
        connection.send(create_head(keys["one"], "Content-Length: 3000000"))
        try:
            connection.send(b"x" * 3000000)
        except OSError:
            pass
        assert connection.answer().status == 413


@again_after_a_stall
def test_slow_clients_are_ended_by_absolute_deadlines(service, keys):
    """Three that drip a byte now and then, side by side, and one that does nothing; ten seconds each."""
    watch = Stopwatch()
    with RawConnection(service.port) as head, RawConnection(service.port) as body, \
            RawConnection(service.port) as silent, RawConnection(service.port) as whole:
        head.send(b"GET /healthz HTTP/1.1\r\n")
        body.send(create_head(keys["one"], "Content-Length: 100"))
        for _ in range(9):
            time.sleep(1)
            head.send(b"X: y\r\n")
            body.send(b" ")
            assert whole.send(GOOD).answer().status == 200  # others are served meanwhile
        assert [answer.status for answer in head.answers()] == [408]
        assert [answer.status for answer in body.answers()] == [408]
        silent.seconds_to_close()
    assert 9.5 < watch.seconds and watch.awake < 14, watch


@pytest.mark.parametrize("piece", [1 << 20, 1000])
def test_heads_as_browsers_and_gateways_send_them(service, piece):
    """32 KiB of cookies, 100 lines; whole and in pieces, and the next request right behind."""
    begin, end = b"GET /healthz HTTP/1.1\r\nHost: a\r\nCookie: a=", b"\r\n\r\n"
    large = begin + b"x" * (32768 - len(begin) - len(end)) + end
    many = b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 99 + b"\r\n"
    with RawConnection(service.port) as connection:
        for request in (large, many, large + many + large):
            for at in range(0, len(request), piece):
                connection.send(request[at:at + piece])
            for _ in range(request.count(b"GET ")):
                assert connection.answer().status == 200
