"""Sessions of the console: a key is exchanged for a cookie that stands for it, in every process, as long as it may."""

import contextlib
import json
import re
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.lib import http_source as source
from tests.lib.browser import Browser
from tests.lib.http_raw import RawConnection
from tests.lib.memory import holds
from tests.lib.process import SANITIZED, free_port, wait_until

SESSION = "/api/v1/console/session"
EXPORTS = "/api/v1/workspace/one/exports"
MARK = {"X-Verbatim-Console": "1"}
WRONG = {"detail": "Missing or invalid X-API-Key."}
FOREIGN = {"detail": "The request comes from another site."}
UNMARKED = {"detail": "With a session this request needs the header X-Verbatim-Console: 1."}
TOKEN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{64}")
BODY = {"select": {"all": True}}


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    keys = source.make_workspaces(program)
    program.workspace("one", name="Acme & Söhne", time_zone="Europe/Berlin")
    keys["owner"] = keys["one"]
    keys["admin"] = program.key("one", role="admin", name="front desk", user="ada@example.com")
    keys["editor"] = program.key("one", role="editor", name="desk", audience=["vip", "sales"])
    keys["viewer"] = program.key("one", role="viewer", name="wall")
    return keys


@pytest.fixture(scope="module")
def other(service, make_service):
    """A second process on the same database."""
    return make_service(workers=0)


def sign_in(service, key, headers=MARK):
    return service.request("POST", SESSION, json_body={"key": key}, headers=headers)


def token_of(answer):
    assert answer.status == 201, answer.body
    return re.match(r"verbatim_session=([^;]*);", answer.headers["Set-Cookie"])[1]


def cookie(token, **more):
    return {"Cookie": f"verbatim_session={token}"} | more


@pytest.fixture(scope="module")
def session(service, keys):
    """The cookie's header of a session with the owner's key."""
    return cookie(token_of(sign_in(service, keys["owner"])))


# --- signing in, looking, signing out ---

def test_a_key_is_exchanged_for_a_session(service, keys, database, session):
    wait_until(lambda: not any(service.get(SESSION, headers=session).json()["mail"] for _ in range(20)),
               "each thread to know that nobody sends mails")
    answer = sign_in(service, keys["admin"])
    token = token_of(answer)
    assert TOKEN.fullmatch(token)
    assert answer.headers.get_all("Set-Cookie") == [
        f"verbatim_session={token}; Path=/api/; Max-Age=43200; HttpOnly; SameSite=Strict"]
    assert answer.headers["Cache-Control"] == "no-store"
    about = answer.json()
    expires = about.pop("expires_at")
    assert about == {
        "workspace": {"id": "one", "name": "Acme & Söhne", "time_zone": "Europe/Berlin"},
        "user": "ada@example.com", "key_id": keys["admin"].split("_")[1], "key_name": "front desk", "role": "admin",
        "audience": None,
        "rights": ["look", "export", "download", "manage", "own_door", "audit", "admin"],
        "mail": False, "formats": about["formats"]}
    assert {"csv", "json", "ndjson"} <= set(about["formats"])
    assert service.get(SESSION, headers=cookie(token)).json() == about | {"expires_at": expires}
    row = database.execute("SELECT key_id, workspace_id, to_char(expires_at AT TIME ZONE 'UTC',"
                           " 'YYYY-MM-DD\"T\"HH24:MI:SS.US'),"
                           " extract(epoch FROM expires_at - created_at) BETWEEN 43199 AND 43201"
                           " FROM verbatim.console_session WHERE session_id = %s", [token.split(".")[0]])
    assert row == [(keys["admin"].split("_")[1], "one", expires, True)]


def test_only_a_hash_of_the_token_is_stored(service, keys, database):
    token = token_of(sign_in(service, keys["owner"]))
    stored = database.value("SELECT token_hash = sha256(%s::bytea) FROM verbatim.console_session WHERE session_id = %s",
                            [token.encode(), token.split(".")[0]])
    assert stored is True
    rows = database.execute("SELECT s::text FROM verbatim.console_session AS s")
    assert rows and not any(token.split(".")[1] in row for row, in rows)


def test_each_role_is_told_what_it_may(service, keys):
    rights = {name: sign_in(service, keys[name]).json() for name in ("owner", "editor", "viewer")}
    assert {name: (each["role"], each["rights"], each["audience"]) for name, each in rights.items()} == {
        "owner": ("owner", ["look", "export", "download", "manage", "own_door", "audit", "admin"], None),
        "editor": ("editor", ["look", "export", "download", "manage"], ["sales", "vip"]),
        "viewer": ("viewer", ["look"], None)}
    assert rights["viewer"]["user"] is None and rights["viewer"]["key_name"] == "wall"


def test_a_key_tells_who_it_is_without_a_session(service, keys):
    about = service.get(SESSION, keys["editor"]).json()
    assert (about["role"], about["key_name"], about["expires_at"]) == ("editor", "desk", None)


def test_sign_out_ends_the_session_everywhere_at_once(service, other, keys, database):
    token = token_of(sign_in(service, keys["owner"]))
    assert [each.get(SESSION, headers=cookie(token)).status for each in (service, other)] == [200, 200]
    left = other.request("DELETE", SESSION, headers=cookie(token, **MARK))
    assert (left.status, left.body) == (204, b"")
    assert left.headers["Set-Cookie"] == "verbatim_session=; Path=/api/; Max-Age=0; HttpOnly; SameSite=Strict"
    assert [each.get(SESSION, headers=cookie(token)).status for each in (service, other)] == [401, 401]
    assert database.value("SELECT count(*) FROM verbatim.console_session WHERE session_id = %s",
                          [token.split(".")[0]]) == 0
    again = service.request("DELETE", SESSION, headers=cookie(token, **MARK))
    assert (again.status, again.json(), again.headers["Set-Cookie"]) == (401, WRONG, left.headers["Set-Cookie"])


def test_a_key_alone_signs_nobody_out(service, keys, session):
    """Also not whose cookie comes along: a key counts before a session."""
    assert service.request("DELETE", SESSION, keys["owner"], headers=session | MARK).status == 204
    assert service.get(SESSION, headers=session).status == 200


def test_the_id_of_a_session_ends_nothing(service, session):
    name, secret = session["Cookie"].split(".")
    guess = {"Cookie": name + "." + "0" * 64}
    assert service.request("DELETE", SESSION, headers=guess | MARK).status == 401
    assert service.get(SESSION, headers=session).status == 200


# --- what the cookie stands for ---

def test_the_cookie_stands_for_the_key_below_api(service, keys, session):
    made = service.request("POST", EXPORTS, json_body=BODY, headers=session | MARK)
    assert made.status == 202, made.body
    name = made.json()["export_id"]
    assert service.get(f"{EXPORTS}/{name}", headers=session).json()["export_id"] == name
    assert name in [each["export_id"] for each in service.get(EXPORTS, headers=session).json()["exports"]]
    assert service.request("POST", EXPORTS + "/preview", json_body=BODY, headers=session | MARK).status == 200
    assert service.request("POST", f"{EXPORTS}/{name}/cancel", headers=session | MARK).status == 200
    assert service.get(f"{EXPORTS}/{name}/download", headers=session).status == 409
    assert service.request("DELETE", f"{EXPORTS}/{name}", headers=session | MARK).status == 204
    jobs = f"/api/v1/workspace/one/export-conversations/{uuid.uuid4()}"
    assert service.get(jobs, headers=session).status == 404, "the main door's poll as well"


@pytest.mark.parametrize("path", ["/v1/exports/audit", "/app/conversation-exports", "/v3/agents/x/convos/export",
                                  "/metrics"])
def test_the_cookie_is_nothing_elsewhere(service, session, path):
    assert service.get(path, headers=session | MARK).status == 401


def test_exports_bear_the_name_of_who_signed_in(service, keys):
    token = token_of(sign_in(service, keys["admin"]))
    made = service.request("POST", EXPORTS, json_body=BODY, headers=cookie(token, **MARK)).json()
    assert made["requested_by"] == "ada@example.com"


def test_another_workspace_is_not_found(service, session):
    answer = service.get("/api/v1/workspace/two/exports", headers=session)
    assert (answer.status, answer.json()) == (404, {"detail": "Workspace not found."})


def test_roles_hold_behind_a_session(service, keys):
    viewer = cookie(token_of(sign_in(service, keys["viewer"])))
    answer = service.request("POST", EXPORTS, json_body=BODY, headers=viewer | MARK)
    assert (answer.status, answer.json()) == (403, {"detail": "The API key's role viewer may not start exports."})
    assert service.get(EXPORTS, headers=viewer).status == 200


def test_an_audience_holds_behind_a_session(service, keys, session):
    """In the poll's statements as in the others."""
    editor = cookie(token_of(sign_in(service, keys["editor"])))
    mine = service.request("POST", EXPORTS, json_body=BODY, headers=editor | MARK).json()["export_id"]
    hidden = service.request("POST", EXPORTS, json_body=BODY, headers=session | MARK).json()["export_id"]
    assert [each["export_id"] for each in service.get(EXPORTS, headers=editor).json()["exports"]] == [mine]
    assert service.get(f"{EXPORTS}/{hidden}", headers=editor).status == 404
    assert service.request("DELETE", f"{EXPORTS}/{hidden}", headers=editor | MARK).status == 404
    assert service.get(f"{EXPORTS}/{mine}", headers=editor).status == 200


def test_a_change_of_the_key_holds_at_once_in_every_process(program, service, other, keys, database):
    key = program.key("one")
    session = cookie(token_of(sign_in(service, key)))
    both = (service, other)
    assert [each.get(EXPORTS, headers=session).status for each in both] == [200, 200]
    database.execute("UPDATE verbatim.api_key SET role = 'viewer' WHERE key_id = %s", [key.split("_")[1]])
    assert [each.request("POST", EXPORTS, json_body=BODY, headers=session | MARK).status for each in both] == [403, 403]
    assert service.get(SESSION, headers=session).json()["rights"] == ["look"]
    program.run("key", "revoke", key.split("_")[1])
    for each in both:
        for path in (EXPORTS, SESSION, f"{EXPORTS}/{uuid.uuid4()}"):
            answer = each.get(path, headers=session)
            assert (answer.status, answer.json()) == (401, WRONG)


def test_a_session_ends_by_the_clock_of_the_database(service, keys, database):
    token = token_of(sign_in(service, keys["owner"]))
    move = "UPDATE verbatim.console_session SET expires_at = now() + %s::interval WHERE session_id = %s"
    database.execute(move, ["1 minute", token.split(".")[0]])
    assert service.get(SESSION, headers=cookie(token)).status == 200
    database.execute(move, ["-1 microsecond", token.split(".")[0]])
    assert service.get(SESSION, headers=cookie(token)).status == 401
    assert service.get(EXPORTS, headers=cookie(token)).status == 401


def test_the_use_of_a_session_is_a_use_of_its_key(program, service, database):
    key = program.key("one")
    session = cookie(token_of(sign_in(service, key)))
    used = "SELECT last_used_at FROM verbatim.api_key WHERE key_id = %s"
    wait_until(lambda: database.value(used, [key.split("_")[1]]), "the sign-in to be noted")
    assert service.get(EXPORTS, headers=session).status == 200


def test_a_key_has_a_hundred_sessions_at_most(program, service, database):
    key = program.key("one")
    key_id = key.split("_")[1]
    first = token_of(sign_in(service, key))
    database.execute("INSERT INTO verbatim.console_session (session_id, workspace_id, key_id, token_hash, created_at,"
                     " expires_at) SELECT gen_random_uuid(), 'one', %s, sha256(n::text::bytea),"
                     " now() + n * interval '1 s', now() + interval '1 h' FROM generate_series(1, 98) AS n", [key_id])
    count = "SELECT count(*) FROM verbatim.console_session WHERE key_id = %s"
    database.execute("UPDATE verbatim.console_session SET created_at = now() - interval '1 h' WHERE session_id = %s",
                     [first.split(".")[0]])
    token_of(sign_in(service, key))
    assert database.value(count, [key_id]) == 100
    assert service.get(SESSION, headers=cookie(first)).status == 200
    token_of(sign_in(service, key))
    assert database.value(count, [key_id]) == 100
    assert service.get(SESSION, headers=cookie(first)).status == 401, "the oldest"


def test_old_sessions_are_swept(service, make_service, keys, database):
    live, dead = (token_of(sign_in(service, keys["owner"])).split(".")[0] for _ in range(2))
    database.execute("UPDATE verbatim.console_session SET expires_at = now() - interval '1 s' WHERE session_id = %s",
                     [dead])
    worker = make_service(command="worker", workers=1, janitor_interval="1s")
    there = "SELECT count(*) FROM verbatim.console_session WHERE session_id = %s"
    wait_until(lambda: database.value(there, [dead]) == 0, "the dead session to be swept")
    assert database.value(there, [live]) == 1
    worker.stop()


# --- what is no session ---

def test_what_is_no_token_is_refused(service, session):
    token = session["Cookie"].removeprefix("verbatim_session=")
    name, secret = token.split(".")
    for bad in ("", "x", name, f"{name}.", f"{name}.{secret[:-1]}", f"{name}.{secret}0", f"{name}.{secret.upper()}",
                f"{name}.{'0' * 64}", f"{uuid.uuid4()}.{secret}", f'"{token}"', f"{token}%20", f"{name}-{secret}",
                f"{name.upper()}.{secret}", "x" * 6000):
        answer = service.get(SESSION, headers=cookie(bad))
        assert (answer.status, answer.json()) == (401, WRONG), bad


def test_other_cookies_do_not_matter(service, session):
    one = session["Cookie"]
    for value in (f"a=b; {one}", f"{one}; a=b", f"theme=dark;{one};_ga=GA1.2.3", f"x; {one}; ;;", f'q="; {one}'):
        assert service.get(SESSION, headers={"Cookie": value}).status == 200, value


def test_two_different_cookies_are_none(service, session, keys):
    """A neighbour site may have set one of them."""
    one, two = session["Cookie"], cookie(token_of(sign_in(service, keys["viewer"])))["Cookie"]
    for value in (f"{one}; {two}", f"{two}; {one}", f"{one}; verbatim_session=x"):
        assert service.get(SESSION, headers={"Cookie": value}).status == 401
    assert service.get(SESSION, headers={"Cookie": f"{one}; {one}"}).status == 200


def test_a_key_counts_before_the_cookie(service, session, keys):
    assert service.get(SESSION, keys["viewer"], headers=session).json()["role"] == "viewer"
    assert service.get(SESSION, "vb_nonsense", headers=session).status == 401
    bearer = {"Authorization": f"Bearer {keys['viewer']}"}
    assert service.get(SESSION, headers=session | bearer).json()["role"] == "viewer"
    assert service.get(SESSION, headers=session | {"Authorization": "Bearer "}).status == 401
    proxy = {"Authorization": "Basic dXNlcjpwYXNz"}
    assert service.get(SESSION, headers=session | proxy).json()["role"] == "owner", "a proxy's own"


def test_a_token_is_no_key(service, session):
    token = session["Cookie"].removeprefix("verbatim_session=")
    assert service.get(SESSION, token).status == 401
    assert service.get(SESSION, headers={"Authorization": f"Bearer {token}"}).status == 401


# --- bodies ---

@pytest.mark.parametrize("body, type, place", [
    ({}, "missing", ["body", "key"]), ({"key": None}, "string_type", ["body", "key"]),
    ({"key": 1}, "string_type", ["body", "key"]), ([], None, ["body"]),
    ({"key": "x", "more": 1}, "extra_forbidden", ["body", "more"])])
def test_a_body_that_breaks_a_rule(service, body, type, place):
    answer = service.request("POST", SESSION, json_body=body, headers=MARK)
    assert answer.status == 422
    problem = answer.json()["detail"][0]
    assert problem["loc"] == place and type in (None, problem["type"])


def test_a_problem_shows_no_key(service, keys):
    for body in ({"Key": keys["owner"]}, {"key": {"a": keys["owner"]}}, {"key": "x", keys["owner"]: 1}):
        answer = service.request("POST", SESSION, json_body=body, headers=MARK)
        assert answer.status == 422
        assert keys["owner"].encode() not in answer.body


def test_wrong_keys_are_told_alike(program, make_service, keys):
    service = make_service(workers=0)
    revoked = program.key("one")
    program.run("key", "revoke", revoked.split("_")[1])
    key = keys["owner"]
    for wrong in ("", "x", key[:-1], key + "x", key[:-1] + ("0" if key[-1] != "0" else "1"), revoked, "é",
                  "vb_" + "_" * 62):
        answer = sign_in(service, wrong)
        assert (answer.status, answer.json()) == (401, WRONG), wrong
        assert "Set-Cookie" not in answer.headers


def test_a_key_with_escapes_is_the_same_key(service, keys):
    body = '{"key": "' + "".join(f"\\u{ord(each):04x}" for each in keys["owner"]) + '"}'
    answer = service.request("POST", SESSION, body=body, headers=MARK | {"Content-Type": "application/json"})
    assert answer.status == 201


def test_a_key_for_figures_opens_no_console(service, keys):
    answer = sign_in(service, keys["metrics"])
    assert (answer.status, answer.json()) == (
        403, {"detail": "The API key lacks the scope workspace-events-notification."})


# --- other sites ---

@pytest.mark.parametrize("headers, expected", [
    ({}, UNMARKED), ({"X-Verbatim-Console": "0"}, UNMARKED),
    (MARK | {"Sec-Fetch-Site": "cross-site"}, FOREIGN), (MARK | {"Sec-Fetch-Site": "same-site"}, FOREIGN),
    (MARK | {"Sec-Fetch-Site": "none"}, FOREIGN), (MARK | {"Origin": "http://evil.example"}, FOREIGN),
    (MARK | {"Origin": "null"}, FOREIGN), ({"Origin": "http://evil.example"}, FOREIGN)])
def test_another_site_changes_nothing(service, keys, session, database, headers, expected):
    count = "SELECT count(*) FROM verbatim.job"
    made, before = [each for each in (
        service.request("POST", EXPORTS, json_body=BODY, headers=session | MARK).json()["export_id"],
        database.value(count))]
    for method, path, body in (("POST", EXPORTS, BODY), ("POST", EXPORTS + "/preview", BODY),
                               ("POST", f"{EXPORTS}/{made}/cancel", None), ("DELETE", f"{EXPORTS}/{made}", None),
                               ("DELETE", SESSION, None)):
        answer = service.request(method, path, json_body=body, headers=session | headers)
        assert (answer.status, answer.json()) == (403, expected), path
    assert database.value(count) == before
    assert service.get(f"{EXPORTS}/{made}", headers=session | headers).json()["status"] == "queued"
    # Nor does it sign anybody in.
    answer = sign_in(service, keys["owner"], headers)
    assert (answer.status, answer.json(), "Set-Cookie" in answer.headers) == (403, expected, False)


def test_our_own_page_is_known_by_both_its_names(make_service, keys):
    service = make_service(workers=0, base_url="https://public.example/exports")
    for origin, status in (("https://public.example", 201), (f"http://127.0.0.1:{service.port}", 201),
                           (f"http://localhost:{service.port}", 403), ("https://public.example:8443", 403)):
        answer = sign_in(service, keys["owner"], MARK | {"Origin": origin, "Sec-Fetch-Site": "same-origin"})
        assert answer.status == status, origin
    answer = sign_in(service, keys["owner"])
    assert re.sub("=[^;]*;", "=...;", answer.headers["Set-Cookie"], count=1) == (
        "verbatim_session=...; Path=/exports/api/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure")


def test_a_key_needs_no_mark(service, keys):
    """Programs are no browsers: what holds for sessions is not asked of them."""
    assert service.request("POST", EXPORTS, keys["owner"], json_body=BODY,
                           headers={"Origin": "http://evil.example"}).status == 202


class Elsewhere(BaseHTTPRequestHandler):
    """A page on another port that makes forms for the service in `target`."""

    target = ""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"""<!doctype html><title>elsewhere</title><link rel=icon href="data:,">
            <form method=post action="{self.target}{EXPORTS}" enctype="text/plain" target=frame>
            <input name='{{"select": {{"all": true}}, "link_ttl": "' value='1h"}}'></form>
            <form method=post action="{self.target}{SESSION}" enctype="text/plain" target=frame></form>
            <iframe name=frame></iframe>""".encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def elsewhere(service):
    Elsewhere.target = service.url
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


SIGN_IN = """
fetch("../api/v1/console/session", {method: "POST", body: JSON.stringify({key: %s}),
  headers: {"Content-Type": "application/json", "X-Verbatim-Console": "1"}}).then((answer) => answer.status)"""
LOOK = "fetch('../api/v1/console/session').then((answer) => answer.status)"
SEND_FORM = """
new Promise((done) => {
  document.querySelector("iframe").addEventListener("load", () => done(true), {once: true});
  document.querySelectorAll("form")[%d].submit();
})"""


def cookies_of(browser, service):
    return browser.call("Network.getCookies", urls=[service.url + "/api/"])["cookies"]


def test_a_browser_keeps_the_session_to_itself(service, keys, database, elsewhere):
    count = "SELECT count(*) FROM verbatim.job"
    with Browser() as browser:
        browser.open(service.url + "/console/")
        assert browser.value(LOOK) == 401
        assert browser.value(SIGN_IN % json.dumps(keys["owner"])) == 201
        assert browser.value(LOOK) == 200
        assert browser.value("document.cookie") == "", "no script sees it"
        held, = cookies_of(browser, service)
        assert (held["name"], held["path"], held["httpOnly"], held["sameSite"]) == (
            "verbatim_session", "/api/", True, "Strict")
        before = database.value(count)
        # A page on another port is another origin, but the same site: the cookie comes along, and nothing else does.
        browser.open(f"http://127.0.0.1:{elsewhere}/")
        browser.events.clear()
        assert browser.value(SEND_FORM % 0) is True
        answers = [event["params"]["response"] for event in browser.events
                   if event["method"] == "Network.responseReceived"]
        assert [(each["url"], each["status"]) for each in answers] == [(service.url + EXPORTS, 403)]
        asked = [event["params"]["headers"] for event in browser.events
                 if event["method"] == "Network.requestWillBeSentExtraInfo"]
        assert any("verbatim_session" in headers.get("Cookie", "") for headers in asked), "it was really at stake"
        # A script of it may not even ask.
        assert browser.value(f"""fetch("{service.url}{EXPORTS}", {{method: "POST", credentials: "include", body: "{{}}",
            headers: {{"Content-Type": "application/json", "X-Verbatim-Console": "1"}}}})
            .then(() => "sent", () => "refused")""") == "refused"
        assert browser.value(f"""fetch("{service.url}{EXPORTS}", {{credentials: "include"}})
            .then(() => "read", () => "refused")""") == "refused"
        # Nobody is signed in or out from there.
        assert browser.value(SEND_FORM % 1) is True
        assert database.value(count) == before
        browser.open(service.url + "/console/")
        assert browser.value(LOOK) == 200
        assert cookies_of(browser, service) == [held]


def test_a_browser_does_not_send_it_from_another_site(service, keys, database, elsewhere):
    """localhost is another site than 127.0.0.1: SameSite=Strict holds the cookie back."""
    with Browser() as browser:
        browser.open(service.url + "/console/")
        assert browser.value(SIGN_IN % json.dumps(keys["owner"])) == 201
        browser.open(f"http://localhost:{elsewhere}/")
        browser.events.clear()
        assert browser.value(SEND_FORM % 0) is True
        answers = [event["params"]["response"]["status"] for event in browser.events
                   if event["method"] == "Network.responseReceived"]
        assert answers == [401]
        sent = [headers for event in browser.events if event["method"] == "Network.requestWillBeSentExtraInfo"
                for headers in [event["params"]["headers"]]]
        assert sent and not any("verbatim_session" in headers.get("Cookie", "") for headers in sent)


# --- too many attempts ---

def sign_in_request(key):
    body = json.dumps({"key": key})
    return (f"POST {SESSION} HTTP/1.1\r\nHost: a\r\nX-Verbatim-Console: 1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


def test_wrong_keys_are_throttled_and_right_ones_are_not(make_service, keys):
    service = make_service(workers=0)
    for _ in range(30):
        assert sign_in(service, keys["owner"]).status == 201
    answers = [sign_in(service, "vb_wrong") for _ in range(21)]
    refused = [each for each in answers if each.status == 429]
    assert {each.status for each in answers} == {401, 429} and refused
    assert {each.json()["detail"] for each in refused} == {"Too many attempts to sign in. Try again later."}
    assert all(1 <= int(each.headers["Retry-After"]) <= 3 for each in refused)
    # Whoever is signed in, and keys elsewhere, are not touched; a while later somebody may try again.
    assert service.get(EXPORTS, keys["owner"]).status == 200
    assert sign_in(service, keys["owner"]).status == 429
    wait_until(lambda: sign_in(service, keys["owner"]).status == 201, "the next attempt to be let through")


@pytest.mark.parametrize("listen", ["127.0.0.1", "[::]"])
def test_addresses_are_throttled_each_for_itself(make_service, keys, listen):
    """Also where addresses of IPv4 come in the clothes of IPv6."""
    service = make_service(workers=0, listen=f"{listen}:{free_port()}", base_url="https://exports.example")

    def from_address(address, key):
        with RawConnection(service.port, origin=address) as connection:
            return connection.send(sign_in_request(key)).answer().status
    while from_address("127.0.0.2", "vb_wrong") != 429:
        pass
    assert from_address("127.0.0.3", keys["owner"]) == 201


# --- what stays behind ---

def test_no_key_and_no_token_is_in_the_log(keys, make_service):
    service = make_service(workers=0, log_level="debug")
    token = token_of(sign_in(service, keys["owner"]))
    assert service.get(EXPORTS, headers=cookie(token)).status == 200
    assert sign_in(service, keys["owner"][:-1] + "_").status == 401
    assert service.request("DELETE", SESSION, headers=cookie(token, **MARK)).status == 204
    log = service.log()
    assert "http POST /api/v1/console/session 201" in log
    for secret in (keys["owner"], keys["owner"].split("_")[2][:40], token.split(".")[1]):
        assert secret not in log


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory")
def test_no_key_stays_in_memory(program, keys, make_service):
    """Not in the connection, which stays open, nor in the body, nor in what its parser has given back."""
    service = make_service(workers=0)
    # The first call of each library function leaves the registers on the stack: that is another key's turn.
    for key in (keys["owner"], keys["owner"], keys["owner"], program.key("one")):
        request = sign_in_request(key)
        with contextlib.ExitStack() as stack:
            whole, pieces, wrong = (stack.enter_context(RawConnection(service.port)) for _ in range(3))
            whole.send(request)
            assert whole.answer().status == 201
            for at in range(0, len(request), 7):
                pieces.send(request[at:at + 7])
            assert pieces.answer().status == 201
            wrong.send(request.replace(b'"key"', b'"Key"'))
            assert wrong.answer().status == 422
            found = holds(service, key.split("_")[2].encode()[8:40])
    assert found == []
