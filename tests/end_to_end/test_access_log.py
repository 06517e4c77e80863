"""The access log: which requests have a line, by the option, and what stands in it."""

import re

import pytest

from tests.lib import http_source as source
from tests.lib.http_raw import RawConnection
from tests.lib.process import wait_until

RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-28", "channel_id": source.LONELY}
JOBS = "/api/v1/workspace/one/export-conversations"
LINE = re.compile(r"http (GET|POST|HEAD) (\S+) (\d+), (\d+)(?: of (\d+))? bytes, (\d+) us, from (\S+)")


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    source.lonely_talks(database, text="(SELECT string_agg(md5(n::text), ' ') FROM generate_series(1, 300000) AS n)")
    return source.make_workspaces(program)


@pytest.fixture(scope="module")
def link(keys, make_service):
    """Of a file of some megabytes, without the address of its service."""
    service = make_service(workers=1)
    return service.export("one", keys["one"], **RANGE)["presigned_url"].removeprefix(service.url)


def lines(service, path):
    return [found for found in LINE.finditer(service.log()) if found[2] == path]


def line(service, path):
    return wait_until(lambda: lines(service, path), f"a line of {path}")[-1]


def ask(service, keys, link):
    """Something that changes, that is refused, that reads, that polls; a download last, since its line is the end."""
    assert service.start_export("one", keys["one"], **RANGE).status in (202, 409)
    assert service.get(f"{JOBS}/nothing", keys["one"]).status == 404
    assert service.get("/api/v1/workspace/one/settings", keys["one"]).status == 200
    assert service.get("/healthz").status == 200
    assert service.get(link).status == 200


@pytest.mark.parametrize("level, seen", [
    ("off", []), ("changes", ["change", "refusal"]), ("reads", ["change", "refusal", "read", "download"]),
    ("all", ["change", "refusal", "read", "poll", "download"])])
def test_the_option_says_which_requests_have_a_line(keys, link, make_service, level, seen):
    service = make_service(workers=0, access_log=level, stop_delay="0s")
    ask(service, keys, link)
    service.stop()  # so that no line is still to come
    file = link.split("?")[0]
    paths = {"change": JOBS, "refusal": f"{JOBS}/nothing", "read": "/api/v1/workspace/one/settings", "poll": "/healthz",
             "download": file}
    assert [kind for kind, path in paths.items() if lines(service, path)] == seen
    assert "signature=" not in service.log()


def test_a_download_s_line_is_its_end_and_tells_the_bytes(keys, link, make_service):
    service = make_service(workers=0, access_log="reads", trusted_proxies="127.0.0.0/8")
    file = link.split("?")[0]
    whole = service.request("GET", link, headers={"X-Forwarded-For": "203.0.113.7"})
    assert whole.status == 200 and len(whole.body) > 5_000_000
    found = line(service, file)
    assert (found[3], int(found[4]), found[5], found[7]) == ("200", len(whole.body), None, "203.0.113.7")
    with RawConnection(service.port) as connection:
        connection.send(f"GET {link} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        connection.socket.recv(1000)
    cut = wait_until(lambda: lines(service, file)[1:], "the line of one that was cut short")[0]
    assert 0 < int(cut[4]) < int(cut[5]) == len(whole.body)
