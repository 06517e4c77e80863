"""Answers as gzip for those who take it, the same bytes in fewer: lists as a whole, exports at once while they are
read."""

import gzip
import json
import zlib

import pytest

from tests.lib import direct_source as source
from tests.lib import http_stream as stream
from tests.lib.event_stream import EventStream
from tests.lib.http_raw import RawConnection
from tests.lib.http_stream import Truncated
from tests.lib.measure import peak_rss
from tests.lib.process import SANITIZED

pytestmark = pytest.mark.threads

EXPORTS = "/api/v1/workspace/one/exports"
PATH = "/v3/agents/{}/convos/export?format={}"
GZIP = {"Accept-Encoding": "deflate, gzip;q=0.8, br"}


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    source.fill(database, "big", 200, 200, 500)
    return source.make_keys(program)


@pytest.fixture(scope="module")
def many(service, keys):
    """A list that is larger than a packet."""
    for day in range(1, 6):
        body = {"select": {"all": True}, "filter": {"from": f"2026-02-0{day}"}}
        assert service.request("POST", EXPORTS, keys["one"], json_body=body).status == 202


def get(service, path, key, headers):
    """With the headers of the answer; the body as it came."""
    answer = service.get(path, key, headers=headers)
    assert answer.status == 200, answer.body
    assert int(answer.headers.get("Content-Length", len(answer.body))) == len(answer.body)
    return answer.headers.get("Content-Encoding"), answer.headers.get("Vary"), answer.body


def test_a_list_is_packed_for_who_takes_it(service, keys, many):
    coding, vary, plain = get(service, EXPORTS, keys["one"], {})
    assert (coding, vary) == (None, "Accept-Encoding") and len(plain) > 2000
    coding, vary, packed = get(service, EXPORTS, keys["one"], GZIP)
    assert (coding, vary) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(packed) == plain and len(packed) < len(plain) / 3
    for refusing in ("gzip;q=0", "identity", "br"):
        assert get(service, EXPORTS, keys["one"], {"Accept-Encoding": refusing})[0] is None
    head = service.request("HEAD", EXPORTS, keys["one"], headers=GZIP)
    assert head.headers["Content-Encoding"] == "gzip" and head.headers["Content-Length"] == str(len(packed))
    assert gzip.decompress(get(service, "/metrics", keys["metrics"], GZIP)[2]).startswith(b"# ")


def test_what_is_small_or_has_a_tag_stays_as_it_is(service, keys, many):
    export = service.get(EXPORTS, keys["one"]).json()["exports"][0]["export_id"]
    for path, key in ((f"{EXPORTS}/{export}", keys["one"]), ("/healthz", None)):
        assert get(service, path, key, GZIP)[:2] == (None, None)
    document = service.get("/openapi.json", headers=GZIP)
    assert document.headers["ETag"] and document.headers["Content-Encoding"] is None


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("kind", ["json", "csv"])
def test_an_export_at_once_is_packed_while_it_is_read(service, keys, kind, version):
    path = PATH.format("big", kind)
    plain = service.get(path, keys["one"]).body
    request = stream.get(path, keys["one"], version).replace(b"\r\n\r\n", b"\r\nAccept-Encoding: gzip\r\n\r\n")
    with RawConnection(service.port) as connection:
        status, headers = stream.head(connection.send(request))
        assert (status, headers["content-encoding"], headers["vary"]) == (200, "gzip", "Accept-Encoding")
        packed = (stream.chunked_body if version == "1.1" else stream.body_to_the_end)(connection)
    assert gzip.decompress(packed) == plain and len(packed) < len(plain) / 5


def test_its_head_says_the_same_and_clients_without_gzip_get_it_as_it_is(service, keys):
    path = PATH.format("big", "json")
    head = service.request("HEAD", path, keys["one"], headers=GZIP)
    assert (head.headers["Content-Encoding"], head.headers["Vary"]) == ("gzip", "Accept-Encoding")
    coding, vary, body = get(service, PATH.format("ada", "json"), keys["one"], {})
    assert (coding, vary) == (None, "Accept-Encoding") and json.loads(body)["success"]


def test_a_packed_export_that_breaks_off_is_never_whole(make_service, keys):
    mortal = make_service(workers=0)
    request = stream.get(PATH.format("big", "json"), keys["one"], "1.0").replace(
        b"\r\n\r\n", b"\r\nAccept-Encoding: gzip\r\n\r\n")
    with RawConnection(mortal.port, window=4096) as connection:
        assert stream.head(connection.send(request))[1]["content-encoding"] == "gzip"
        mortal.kill()
        with pytest.raises(Truncated) as cut:
            stream.body_to_the_end(connection)
    unpack = zlib.decompressobj(31)
    unpack.decompress(cut.value.body)
    assert not unpack.eof


def test_memory_stays_as_it_was(service, keys):
    """An export of 20 MB as gzip, read by four at a time."""
    before = peak_rss(service.process.pid)
    connections = [RawConnection(service.port) for _ in range(4)]
    for connection in connections:
        connection.send(stream.get(PATH.format("big", "json"), keys["one"]).replace(
            b"\r\n\r\n", b"\r\nAccept-Encoding: gzip\r\n\r\n"))
    for connection in connections:
        stream.head(connection)
        assert len(gzip.decompress(stream.chunked_body(connection))) > 15_000_000
        connection.socket.close()
    assert SANITIZED or peak_rss(service.process.pid) - before < 12


def test_followed_lists_are_not_packed(service, keys):
    with EventStream(service, f"{EXPORTS}/events", {"X-API-Key": keys["one"]} | GZIP) as events:
        assert events.headers["Content-Encoding"] is None and events.headers["Vary"] is None
        events.ready()
