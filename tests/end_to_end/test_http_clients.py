"""Who asks: the client's address behind trusted proxies, in the log, in the audit and where mistakes are counted."""

import re

import pytest

from tests.lib.http_raw import RawConnection
from tests.lib.process import wait_until

EXPORTS = "/api/v1/workspace/one/exports"
ALL = {"select": {"all": True}}


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(trusted_proxies="127.0.0.0/8, 2001:db8::/32", log_level="debug")


def logged(service, lines, origin="127.0.0.1"):
    """The address that the log has for a request with these header lines."""
    with RawConnection(service.port, origin=origin) as connection:
        head = "".join(f"{line}\r\n" for line in lines)
        answer = connection.send(f"GET /healthz HTTP/1.1\r\nHost: a\r\n{head}\r\n".encode()).answer()
    line = f"{answer.headers['x-request-id']}.* us, from (\\S+)"
    found = wait_until(lambda: re.search(line, service.log()), "a line")
    return found[1].rstrip('",}')


@pytest.mark.parametrize("lines, address", [
    ([], "127.0.0.1"),
    (["X-Forwarded-For: 203.0.113.7"], "203.0.113.7"),
    (["X-Forwarded-For: 203.0.113.7:4711"], "203.0.113.7"),
    (["X-Forwarded-For: 198.51.100.1, 203.0.113.7"], "203.0.113.7"),  # the first is the client's own invention
    (["X-Forwarded-For: 198.51.100.1, 203.0.113.7, 127.0.0.9,2001:db8::5"], "203.0.113.7"),
    (["X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 127.0.0.9"], "203.0.113.7"),
    (["X-Forwarded-For: 203.0.113.7, unknown"], "127.0.0.1"),
    (["X-Forwarded-For: 203.0.113.7, unknown, 127.0.0.9"], "127.0.0.9"),
    (["X-Forwarded-For: "], "127.0.0.1"),
    (["X-Forwarded-For: 127.0.0.7"], "127.0.0.7"),
    (['Forwarded: for=198.51.100.1, for="[2001:db9::1]:4711";proto=https'], "2001:db9::1"),
    (["Forwarded: proto=http;For=203.0.113.7;by=10.0.0.1"], "203.0.113.7"),
    (["Forwarded: for=_hidden"], "127.0.0.1"),
    (["Forwarded: proto=https"], "127.0.0.1"),
    (["Forwarded: for=198.51.100.1", "X-Forwarded-For: 203.0.113.7"], "203.0.113.7"),
])
def test_the_address_is_read_from_the_end_as_far_as_proxies_are_trusted(service, lines, address):
    assert logged(service, lines) == address


def test_nobody_is_believed_without_being_trusted(make_service):
    alone = make_service(workers=0, log_level="debug")
    assert logged(alone, ["X-Forwarded-For: 203.0.113.7"], "127.0.0.5") == "127.0.0.5"


def test_the_audit_tells_where_a_download_went_and_how_much(service, keys, database):
    export = service.request("POST", EXPORTS, keys["one"], json_body=ALL).json()["export_id"]
    done = wait_until(lambda: (lambda found: found if found["status"] == "finished" else None)(
        service.get(f"{EXPORTS}/{export}", keys["one"]).json()), "the end")
    size = done["files"][0]["size"]
    for address, path, key, part in [("203.0.113.1", f"{EXPORTS}/{export}/download", keys["one"], None),
                                     ("203.0.113.2", done["link"][len(service.url):], None, None),
                                     ("2001:db9::3", done["download_url"][len(service.url):], None, None),
                                     ("203.0.113.4", f"{EXPORTS}/{export}/download", keys["one"], "bytes=10-19")]:
        headers = {"X-Forwarded-For": address} | ({"Range": part} if part else {})
        assert service.get(path, key, headers=headers).status in (200, 206)
    found = "SELECT host(client), bytes FROM verbatim.audit_event WHERE kind = 'download' ORDER BY client"
    wait_until(lambda: len(database.execute(found)) == 4, "the downloads in the audit")
    assert database.execute(found) == [("203.0.113.1", size), ("203.0.113.2", size), ("203.0.113.4", 10),
                                       ("2001:db9::3", size)]
    [entry] = service.get("/api/v1/workspace/one/audit", keys["one"]).json()["entries"]
    assert {(each["client"], each["bytes"]) for each in entry["downloads"]} == set(database.execute(found))
    kinds = service.get(f"{EXPORTS}/{export}/history", keys["viewer"]).json()["events"]
    assert all(each.keys() == {"at", "kind", "by"} for each in kinds), "who may only look learns no addresses"


def test_wrong_keys_are_counted_by_the_client_and_not_by_the_proxy(service):
    def sign_in(address):
        return service.request("POST", "/api/v1/console/session", json_body={"key": "vb_wrong"}, headers={
            "X-Verbatim-Console": "1", "X-Forwarded-For": f"198.51.100.99, {address}"}).status
    assert [sign_in("203.0.113.50") for _ in range(25)].count(429) >= 3
    assert sign_in("203.0.113.51") == 401
