"""Pages of other origins: what a browser is told before and with an answer, and what it never is."""

import json

import pytest

from tests.lib.browser import Browser

APP = "https://app.example.com"
EXPORTS = "/api/v1/workspace/one/exports"


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(workers=0, cors_origins=f"{APP}, http://localhost:3000")


def told(answer):
    return {name.lower(): value for name, value in answer.headers.items()
            if name.lower().startswith("access-control-") or name.lower() == "vary"}


def ask(service, path, method="POST", origin=APP, **headers):
    return service.request("OPTIONS", path, headers={
        "Origin": origin, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "x-api-key,content-type"} | headers)


def test_a_browser_that_asks_first_is_told_what_a_page_may_send(service):
    answer = ask(service, EXPORTS)
    assert (answer.status, answer.body) == (204, b"")
    leave = told(answer)
    assert leave["access-control-allow-origin"] == APP and leave["vary"] == "Origin"
    assert leave["access-control-allow-methods"] == "POST, GET, HEAD"
    allowed = leave["access-control-allow-headers"].lower().split(", ")
    assert {"x-api-key", "authorization", "content-type", "idempotency-key", "prefer", "range"} <= set(allowed)
    assert int(leave["access-control-max-age"]) > 0
    assert "access-control-allow-credentials" not in leave
    assert ask(service, f"{EXPORTS}/some/download", "GET").status == 204
    assert ask(service, "/nowhere").status == 404


@pytest.mark.parametrize("origin", ["https://other.example.com", "https://app.example.com.evil.example", "null",
                                    "http://app.example.com", "https://app.example.com:8443"])
def test_another_origin_is_told_nothing(service, keys, origin):
    answer = ask(service, EXPORTS, origin=origin)
    assert answer.status == 405 and answer.headers["Allow"] == "POST, GET, HEAD"
    assert told(answer) == {"vary": "Origin"}
    assert told(service.get(EXPORTS, keys["one"], headers={"Origin": origin})) == {"vary": "Origin"}


@pytest.mark.parametrize("path, key, status", [(EXPORTS, "one", 200), (EXPORTS, None, 401), ("/nowhere", None, 404),
                                               (f"{EXPORTS}/x", "one", 404)])
def test_an_answer_may_be_read_errors_too(service, keys, path, key, status):
    answer = service.get(path, keys.get(key), headers={"Origin": APP})
    assert answer.status == status
    exposed = told(answer)["access-control-expose-headers"].split(", ")
    assert {"Location", "Retry-After", "X-Request-Id", "Content-Disposition", "ETag"} <= set(exposed)
    assert told(answer)["access-control-allow-origin"] == APP and "access-control-allow-credentials" not in told(answer)


@pytest.mark.parametrize("path", ["/api/v1/console/session", "/console/", "/console"])
def test_the_console_is_for_its_own_page_alone(service, path):
    assert told(service.get(path, headers={"Origin": APP})).get("access-control-allow-origin") is None
    assert ask(service, path, "GET").status == 405


def test_without_the_option_nothing_is_said(keys, make_service):
    alone = make_service(workers=0)
    assert ask(alone, EXPORTS).status == 405 and told(ask(alone, EXPORTS)) == {}
    assert told(alone.get(EXPORTS, keys["one"], headers={"Origin": APP})) == {}


def test_every_origin(keys, make_service):
    every = make_service(workers=0, cors_origins="*")
    for answer in (ask(every, EXPORTS), every.get(EXPORTS, keys["one"], headers={"Origin": "https://a.example"})):
        assert told(answer)["access-control-allow-origin"] == "*" and "vary" not in told(answer)
    assert ask(every, EXPORTS).status == 204


CALL = """fetch(%s, %s).then(async answer => [answer.status, answer.headers.get("Location"), await answer.text()],
                              error => ["blocked"])"""


def test_a_browser_lets_a_page_of_a_named_origin_call_and_no_other(keys, make_service):
    """Chromium, on a page of another port: with a key, with the header that makes it ask first, and without cookies."""
    named, other = make_service(workers=0), make_service(workers=0)
    api = make_service(workers=0, cors_origins=named.url)
    order = {"method": "POST", "body": '{"select": {"all": true}}',
             "headers": {"X-API-Key": keys["one"], "Content-Type": "application/json", "Idempotency-Key": "cors"}}
    call = CALL % (json.dumps(api.url + EXPORTS), json.dumps(order))
    with Browser() as browser:
        page = browser.new_page()
        page.open(named.url + "/healthz")
        status, location, text = page.value(call)
        assert status == 202 and location.endswith(json.loads(text)["export_id"])
        with_cookies = CALL % (json.dumps(f"{api.url}/api/v1/console/session"), json.dumps({"credentials": "include"}))
        assert page.value(with_cookies) == ["blocked"]
        page.open(other.url + "/healthz")
        assert page.value(call) == ["blocked"]
        page.close()
