"""Who may do what, at every door (INTERFACE 7, "Keys and roles"): a matrix of roles and routes, bearer keys, audiences,
revoked keys, and an audit that can only grow."""

import contextlib
import http.client
import itertools
import pathlib
import re
import uuid

import psycopg
import pytest

from tests.lib import http_source as source
from tests.lib.patience import LIMIT
from tests.lib.process import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOBS = "/api/v1/workspace/one/export-conversations"
RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-28", "channel_id": source.LONELY}

# What a role may do, as INTERFACE 7 says it. Said once more here on purpose: the program has its own table.
EVERYTHING = {"look", "export", "download", "manage", "own_door", "audit", "admin"}
MAY = {
    "owner": EVERYTHING,
    "admin": EVERYTHING,
    "editor": {"look", "export", "download", "manage"},
    "viewer": {"look"},
}
# Every route that asks for a key of the exports, and the right behind it. A route that is missing here fails a test.
ROUTES = {
    ("POST", "/api/v1/workspace/{}/export-conversations"): "export",
    ("GET", "/api/v1/workspace/{}/export-conversations/{}"): "look",
    ("POST", "/api/v1/workspace/{}/exports"): "export",
    ("POST", "/api/v1/workspace/{}/exports/preview"): "export",
    ("GET", "/v1/conversations/{}/export"): "export",
    ("GET", "/v3/agents/{}/convos/export"): "export",
    ("GET", "/api/v1/workspace/{}/exports"): "look",
    ("GET", "/api/v1/workspace/{}/exports/events"): "look",
    ("GET", "/api/v1/workspace/{}/exports/{}"): "look",
    ("DELETE", "/api/v1/workspace/{}/exports/{}"): "manage",
    ("POST", "/api/v1/workspace/{}/exports/{}/cancel"): "manage",
    ("GET", "/api/v1/workspace/{}/exports/{}/download"): "download",
    ("GET", "/api/v1/workspace/{}/assistants"): "export",
    ("GET", "/api/v1/workspace/{}/channels"): "export",
    ("GET", "/api/v1/workspace/{}/contacts"): "own_door",
    ("POST", "/api/v1/workspace/{}/exports/{}/links"): "download",
    ("POST", "/api/v1/workspace/{}/exports/{}/links/revoke"): "manage",
    ("GET", "/api/v1/workspace/{}/keys"): "admin",
    ("POST", "/api/v1/workspace/{}/keys"): "admin",
    ("DELETE", "/api/v1/workspace/{}/keys/{}"): "admin",
    ("GET", "/api/v1/workspace/{}/audit"): "audit",
    ("GET", "/api/v1/workspace/{}/audit.csv"): "audit",
    ("GET", "/api/v1/workspace/{}/settings"): "look",
    ("PATCH", "/api/v1/workspace/{}/settings"): "admin",
    ("GET", "/api/v1/workspace/{}/exports/{}/history"): "look",
    ("POST", "/api/v1/workspace/{}/assistant-exports"): "export",
    ("GET", "/api/v1/workspace/{}/assistant-exports"): "look",
    ("POST", "/app/conversation-exports"): "own_door",
    ("GET", "/app/conversation-exports"): "own_door",
    ("GET", "/app/conversation-exports/{}"): "own_door",
    ("GET", "/app/conversation-exports/{}/download"): "own_door",
    ("POST", "/v1/conversations/export"): "export",
    ("GET", "/v1/conversations/export/{}"): "look",
    ("POST", "/v1/contacts/{}/export"): "export",
    ("GET", "/v1/exports/audit"): "audit",
    ("POST", "/api/v1/console/session"): "look",
    ("GET", "/api/v1/console/session"): "look",
    ("DELETE", "/api/v1/console/session"): "look",
}
# The key is in the body there; tests/end_to_end/test_console_session.py has what is asked of it.
BY_BODY = {("POST", "/api/v1/console/session")}
KEYED = [route for route in ROUTES if route not in BY_BODY]
REFUSALS = {
    "export": "start exports",
    "download": "download exports",
    "manage": "cancel or delete exports",
    "own_door": "use these exports, which are for owner and admin",
    "audit": "read the audit of exports",
    "admin": "manage keys and settings",
}


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    keys = source.make_workspaces(program)
    for role in ("owner", "admin", "viewer"):
        keys[role] = program.key("one", role=role, user=f"{role}@example.com")
        keys[role + "/two"] = program.key("two", role=role)
    for name, tags in (("editor", ["vip", "sales"]), ("editor2", ["sales", "vip", "vip"]), ("other", ["billing"])):
        keys[name] = program.key("one", role="editor", name=name, audience=tags)
    keys["nothing"] = program.key("one", role="editor")
    keys["editor/two"] = program.key("two", role="editor", audience="vip")
    return keys


@pytest.fixture(autouse=True)
def no_jobs(keys, database):
    database.execute("DELETE FROM verbatim.job")


def path_of(pattern):
    """In the workspace one where the path names one, otherwise ids that nobody has."""
    path = pattern.replace("/workspace/{}", "/workspace/one")
    while "{}" in path:
        path = path.replace("{}", str(uuid.uuid4()), 1)
    return path


def message(answer):
    """The text of an error in either shape."""
    body = answer.json()
    return body["detail"] if "detail" in body else body["message"]


# --- roles and routes ---

def test_the_table_above_has_every_route():
    text = (ROOT / "service/api/doors/routes.c").read_text()
    names = dict(re.findall(r'#define (\w+) "([^"]+)"', text))
    found = {}
    for method, pattern, right in re.findall(
            r'\{"([A-Z]+)",\s*([^,]+?),\s*[&\w]+,\s*MAY_(\w+),\s*\w+(?:, true)?\}', text):
        pieces = re.findall(r'"([^"]*)"|(\w+)', pattern)
        path = "".join(quoted or names.get(name, "") for quoted, name in pieces)
        found[method, path] = right.lower()
    assert len(re.findall(r'^    \{"[A-Z]+",', text, re.M)) == len(found) + len(
        re.findall(r"(?:OPEN|METRICS),\s+vb_\w+(?:, true)?\}", text)), "a row that this test cannot read"
    assert found == ROUTES


@pytest.mark.parametrize("role, route", itertools.product(MAY, KEYED))
def test_role_and_route(service, keys, role, route):
    method, pattern = route
    if pattern.endswith("/events"):
        method = "HEAD"  # the answer has no end
    body = {} if method in ("POST", "PATCH") else None
    answer = service.request(method, path_of(pattern), keys[role], json_body=body)
    if ROUTES[route] in MAY[role]:
        assert answer.status not in (401, 403), answer.body
    else:
        assert answer.status == 403, answer.body
        assert message(answer) == f"The API key's role {role} may not {REFUSALS[ROUTES[route]]}."


@pytest.mark.parametrize("route", KEYED)
def test_scope_and_key_come_before_the_role(service, keys, route):
    method, pattern = route
    for key, status in ((None, 401), ("vb_x", 401), (keys["metrics"], 403)):
        answer = service.request(method, path_of(pattern), key)
        assert answer.status == status, answer.body
    assert message(answer) == "The API key lacks the scope workspace-events-notification."


@pytest.mark.parametrize("role, route", itertools.product(MAY, [r for r in ROUTES if "/workspace/{}" in r[1]]))
def test_a_key_of_another_workspace(service, keys, role, route):
    method, pattern = route
    answer = service.request(method, path_of(pattern), keys[role + "/two"])
    refused = ROUTES[route] not in MAY[role]
    assert (answer.status, message(answer) == "Workspace not found.") == ((403, False) if refused else (404, True))


@contextlib.contextmanager
def words_of_a_newer_version(database, table, column):
    """The rule about the words of a column is gone, as a newer version may have another one."""
    rule = f"{table}_{column}_check"
    definition = database.value("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [rule])
    database.execute(f"ALTER TABLE verbatim.{table} DROP CONSTRAINT {rule}")
    try:
        yield
    finally:
        database.execute(f"ALTER TABLE verbatim.{table} ADD CONSTRAINT {rule} {definition} NOT VALID")


def test_a_role_of_a_newer_version_is_refused_clearly(program, service, database):
    key = program.key("one")
    with words_of_a_newer_version(database, "api_key", "role"):
        database.execute("UPDATE verbatim.api_key SET role = 'auditor' WHERE key_id = %s", [key.split("_")[1]])
        for method, pattern in KEYED:
            answer = service.request(method, path_of(pattern), key, json_body={} if method == "POST" else None)
            assert (answer.status, message(answer)) == (403, "The API key's role is not known to this version.")
        # Only who holds the key learns of it.
        assert service.get(f"{JOBS}/{uuid.uuid4()}", key[:-1] + ("0" if key[-1] != "0" else "1")).status == 401
        assert f"the key {key.split('_')[1]} has the role auditor, which this version does not know" in service.log()
        database.execute("DELETE FROM verbatim.api_key WHERE key_id = %s", [key.split("_")[1]])


def test_a_status_of_a_newer_version_is_not_called_an_end(service, keys, database):
    """Doors with words of their own tell the poller to come again: a failure is final."""
    made = {"/app/conversation-exports": {"format": "csv"}, "/v1/conversations/export": {"format": "csv"}}
    shown = {"/app/conversation-exports": "processing", "/v1/conversations/export": "running"}
    with words_of_a_newer_version(database, "job", "status"):
        for path, body in made.items():
            answer = service.request("POST", path, keys["owner"], json_body=body).json()
            job = answer.get("id") or answer["job_id"]
            database.execute("UPDATE verbatim.job SET status = 'paused' WHERE job_id = %s", [job])
            assert service.get(f"{path}/{job}", keys["owner"]).json()["status"] == shown[path]
            download = service.get(f"/api/v1/workspace/one/exports/{job}/download", keys["owner"])
            assert (download.status, message(download)) == (409, "The export has not finished yet.")
            database.execute("DELETE FROM verbatim.job WHERE job_id = %s", [job])


def test_metrics_ask_for_the_scope_alone(service, program):
    assert service.get("/metrics", program.key("one", role="viewer", scope="metrics")).status == 200


def test_a_viewer_sees_the_job_but_no_link(service, keys, database):
    job = service.start_export("one", keys["owner"], **RANGE).json()["export_job_id"]
    database.execute("UPDATE verbatim.job SET status = 'finished', finished_at = now(), object_key = 'a/b/c.zip',"
                     " link_expires_at = now() + interval '1 hour' WHERE job_id = %s", [job])
    assert service.job("one", keys["admin"], job)["presigned_url"]
    seen = service.job("one", keys["viewer"], job)
    assert (seen["status"], seen["presigned_url"]) == ("finished", None)


# --- keys ---

def ask(service, *headers):
    """GET of an unknown job with these headers, repeated ones included: 404 means that the key was good."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=LIMIT)
    connection.putrequest("GET", f"{JOBS}/{uuid.uuid4()}")
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_bearer_is_the_same_key(service, keys):
    key, other = keys["owner"], keys["admin"]
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert ask(service, ("Authorization", f"{scheme} {key}")) == 404
    assert ask(service, ("Authorization", f"Bearer   {key}")) == 404
    assert ask(service, ("X-API-Key", key), ("Authorization", f"Bearer {key}")) == 404
    # What a gateway puts there for itself.
    for own in (f"Bearer {other}", "Bearer ", "Bearer eyJhbGciOiJSUzI1NiJ9.e30.x", "Basic dXNlcjpwYXNz"):
        assert ask(service, ("X-API-Key", key), ("Authorization", own)) == 404
    assert ask(service, ("X-API-Key", "vb_nonsense"), ("Authorization", f"Bearer {key}")) == 401
    assert ask(service, ("X-API-Key", ""), ("Authorization", f"Bearer {key}")) == 401
    assert ask(service, ("X-API-Key", key), ("X-API-Key", key)) == 401
    assert ask(service, ("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")) == 401
    assert ask(service, ("Authorization", key)) == 401
    assert ask(service, ("Authorization", f"Bearer{key}")) == 401
    assert ask(service, ("Authorization", f"Token {key}")) == 401
    assert ask(service, ("Authorization", "Bearer vb_nonsense")) == 401


def test_credentials_of_a_proxy_are_no_key(service, keys):
    assert ask(service, ("X-API-Key", keys["owner"]), ("Authorization", "Basic dXNlcjpwYXNz")) == 404
    assert ask(service, ("Authorization", "Basic dXNlcjpwYXNz")) == 401


def test_a_change_of_a_key_holds_at_once(service, program, database):
    key = program.key("one")
    key_id = key.split("_")[1]
    assert service.start_export("one", key, **RANGE).status == 202
    database.execute("UPDATE verbatim.api_key SET role = 'viewer' WHERE key_id = %s", [key_id])
    assert service.start_export("one", key, **RANGE).status == 403
    program.run("key", "revoke", key_id)
    for header in (("X-API-Key", key), ("Authorization", f"Bearer {key}")):
        assert ask(service, header) == 401


# --- shapes of errors ---

def test_paths_of_v3_answer_in_its_shape(service):
    answer = service.get("/v3/nothing")
    assert answer.status == 404
    assert answer.json() == {"message": "Not Found", "code": "NOT_FOUND", "issues": [{"message": "Not Found"}]}
    assert service.get("/v2/nothing").json() == {"detail": "Not Found"}


# --- audiences ---

def see(service, keys, job):
    """Names of the keys that find the job."""
    return {name for name in ("owner", "admin", "viewer", "editor", "editor2", "other", "nothing")
            if service.get(f"{JOBS}/{job}", keys[name]).status == 200}


def insert_job(service, keys, database, audience):
    job = service.start_export("one", keys["owner"], **RANGE).json()["export_job_id"]
    database.execute("UPDATE verbatim.job SET audience = %s, active_key = NULL WHERE job_id = %s", [audience, job])
    return job


@pytest.mark.parametrize("audience, editors", [
    (None, set()), (["sales", "vip"], {"editor", "editor2"}), (["billing"], {"other"}), (["sales"], set()),
    (["billing", "sales", "vip"], set()), ([], {"nothing"})])
def test_an_editor_sees_only_jobs_of_its_own_audience(service, keys, database, audience, editors):
    job = insert_job(service, keys, database, audience)
    assert see(service, keys, job) == {"owner", "admin", "viewer"} | editors
    hidden = service.get(f"{JOBS}/{job}", keys["other" if "other" not in editors else "nothing"])
    unknown = service.get(f"{JOBS}/{uuid.uuid4()}", keys["other"])
    assert (hidden.status, hidden.body) == (unknown.status, unknown.body)


def test_one_active_export_for_each_audience(service, keys):
    """INTERFACE 7: "One active export per channel and range" binds the main contract's door only, per audience."""
    started = {name: service.start_export("one", keys[name], **RANGE) for name in ("owner", "editor", "other")}
    assert {name: answer.status for name, answer in started.items()} == dict.fromkeys(started, 202)
    jobs = {name: answer.json()["export_job_id"] for name, answer in started.items()}
    for again, first in (("admin", "owner"), ("editor2", "editor"), ("other", "other")):
        answer = service.start_export("one", keys[again], **RANGE)
        assert (answer.status, answer.json()["detail"]["export_job_id"]) == (409, jobs[first])
    everybody = {"owner", "admin", "viewer"}
    assert see(service, keys, jobs["owner"]) == everybody
    assert see(service, keys, jobs["editor"]) == everybody | {"editor", "editor2"}
    assert see(service, keys, jobs["other"]) == everybody | {"other"}


# --- verbatim key create ---

def test_tags_of_a_key_are_kept_sorted_and_once(program, database, keys):
    key = program.key("one", role="editor", user="eve@example.com", audience=['b "x"', "ä,{}\\", "a", "a"])
    row = database.execute("SELECT role, user_email, audience FROM verbatim.api_key WHERE key_id = %s",
                           [key.split("_")[1]])
    assert row == [("editor", "eve@example.com", ["a", 'b "x"', "ä,{}\\"])]
    line = [line for line in program.run("key", "list", "--workspace", "one").stdout.splitlines()
            if line.startswith(key.split("_")[1])]
    assert line[0].split("\t")[6:] == ["editor", "eve@example.com", 'a,b "x",ä,{}\\']


@pytest.mark.parametrize("arguments, words", [
    (["--role", "king"], "owner, admin, editor or viewer"), (["--user", "nobody"], "e-mail address"),
    (["--audience", "vip"], "limits an editor"), (["--role", "viewer", "--audience", "vip"], "the role viewer"),
    (["--role", "editor", "--audience", ""], "--audience"), (["--role", "editor", "--audience", "a\tb"], "--audience")])
def test_bad_keys_are_refused(program, keys, arguments, words):
    done = program.run("key", "create", "--workspace", "one", *arguments, check=False)
    assert done.returncode == 2 and not done.stdout and words in done.stderr


def test_an_editor_without_tags_is_warned_about(program, keys):
    done = program.run("key", "create", "--workspace", "one", "--role", "editor")
    assert done.stdout.startswith("vb_") and "no --audience" in done.stderr
    assert not program.run("key", "create", "--workspace", "one", "--role", "editor", "--audience", "a").stderr


# --- the audit ---

def audited_job(service, keys, database):
    """A job of the owner, with its entry in the audit."""
    job = service.start_export("one", keys["owner"], **RANGE).json()["export_job_id"]
    assert database.value("SELECT count(*) FROM verbatim.audit WHERE job_id = %s", [job]) == 1
    return job


@pytest.mark.parametrize("name, author, audience", [
    ("owner", "owner@example.com", None), ("editor", "editor", ["sales", "vip"]), ("one", None, None)])
def test_an_export_is_noted_with_who_asked(service, keys, database, name, author, audience):
    job = service.start_export("one", keys[name], **RANGE).json()["export_job_id"]
    found = database.execute("SELECT workspace_id, door, author, audience, format, filter->'filter'->>'from'"
                             " FROM verbatim.audit WHERE job_id = %s", [job])
    assert found == [("one", "main", author or keys[name].split("_")[1], audience, "csv", "2026-02-01")]
    assert database.value("SELECT requested_by FROM verbatim.job") == found[0][2]


def events(database, job):
    return database.execute("SELECT e.kind, e.records, e.by_whom, e.workspace_id FROM verbatim.audit_event AS e"
                            " JOIN verbatim.audit AS a USING (audit_id) WHERE a.job_id = %s ORDER BY 1, 2", [job])


def test_what_became_of_an_export_is_noted_with_its_end(service, keys, database, make_service):
    database.execute("INSERT INTO chat.conversation SELECT gen_random_uuid(), 'platform-one', %s, '2026-02-03'"
                     " FROM generate_series(1, 3)", [source.LONELY])
    job = audited_job(service, keys, database)
    others = ", ".join(name for name, in database.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'verbatim.job'::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' AND attname NOT IN ('job_id', 'active_key', 'csv_profile', 'time_zone',"
        " 'zone_clocks')"))
    broken = database.value(f"INSERT INTO verbatim.job (job_id, active_key, csv_profile, time_zone, {others})"
                            f" SELECT gen_random_uuid(), NULL, 'safe', 'No/Where', {others}"
                            " FROM verbatim.job WHERE job_id = %s RETURNING job_id::text", [job])
    database.execute("INSERT INTO verbatim.segment (job_id, workspace_id, part_first, part_last)"
                     " VALUES (%s, 'one', 1, 10000)", [broken])
    database.execute("INSERT INTO verbatim.audit (workspace_id, job_id, door, author, filter, format)"
                     " VALUES ('one', %s, 'main', 'owner@example.com', '{}', 'csv')", [broken])
    worker = make_service(command="worker", workers=1)
    wait_until(lambda: database.value("SELECT bool_and(finished_at IS NOT NULL) FROM verbatim.job"), "the jobs to end")
    worker.stop()
    assert database.value("SELECT status FROM verbatim.job WHERE job_id = %s", [broken]) == "failed"
    assert events(database, job) == [("records", 3, None, "one")]
    assert events(database, broken) == [("failed", None, None, "one")]


def test_each_download_of_a_link_is_noted(service, keys, database, folder):
    job = audited_job(service, keys, database)
    key = f"conversation_exports/one/{job}-7/name.zip"
    target = folder / "storage" / key
    target.parent.mkdir(parents=True)
    target.write_bytes(b"x" * 1000)
    database.execute("UPDATE verbatim.job SET status = 'finished', finished_at = now(), object_key = %s,"
                     " link_expires_at = now() + interval '1 hour' WHERE job_id = %s", [key, job])
    link = service.job("one", keys["owner"], job)["presigned_url"][len(service.url):]

    def noted(count):
        wait_until(lambda: len(events(database, job)) >= count, "the event")
        assert events(database, job) == [("download", None, "link", "one")] * count

    service.request("HEAD", link)
    service.get(link + "x")
    service.get(link, headers={"Range": "bytes=1000-"})
    assert service.get(link, headers={"Range": "bytes=0-9"}).status == 206
    noted(1)
    assert service.get(link).status == 200
    noted(2)
    assert service.get(link, headers={"Range": "bytes=10-19"}).status == 206
    assert service.get(link).status == 200
    noted(3)  # a piece just after a download is part of it


def test_events_of_another_workspace_are_nobody_elses(service, keys, database, folder):
    """Each look into the events names the workspace, whatever the policies of the table would let through."""
    job = audited_job(service, keys, database)
    key = f"conversation_exports/one/{job}-7/name.zip"
    target = folder / "storage" / key
    target.parent.mkdir(parents=True)
    target.write_bytes(b"x" * 1000)
    database.execute("UPDATE verbatim.job SET status = 'finished', finished_at = now(), object_key = %s,"
                     " link_expires_at = now() + interval '1 hour' WHERE job_id = %s", [key, job])
    for kind, by_whom in (("records", None), ("download", "link")):
        database.execute("INSERT INTO verbatim.audit_event (audit_id, workspace_id, kind, records, by_whom)"
                         " SELECT audit_id, 'two', %s, 99, %s FROM verbatim.audit WHERE job_id = %s",
                         [kind, by_whom, job])
    database.execute("ALTER TABLE verbatim.audit_event DISABLE ROW LEVEL SECURITY")
    try:
        entry = service.get("/v1/exports/audit?limit=1", keys["owner"]).json()["entries"][0]
        assert (entry["job_id"], entry["records"], entry["downloads"]) == (job, None, [])
        link = service.job("one", keys["owner"], job)["presigned_url"][len(service.url):]
        assert service.get(link, headers={"Range": "bytes=0-9"}).status == 206
        wait_until(lambda: ("download", None, "link", "one") in events(database, job), "the download to be noted")
    finally:
        database.execute("ALTER TABLE verbatim.audit_event ENABLE ROW LEVEL SECURITY")


@pytest.mark.parametrize("role", [None, "api", "worker"])
@pytest.mark.parametrize("statement", [
    "UPDATE verbatim.{} SET workspace_id = 'two'", "DELETE FROM verbatim.{}", "TRUNCATE verbatim.{} CASCADE",
    "UPDATE verbatim.{} SET workspace_id = 'two' WHERE false"])
@pytest.mark.parametrize("table", ["audit", "audit_event"])
def test_an_audit_only_grows(service, keys, database, role, statement, table):
    audited_job(service, keys, database)
    before = database.execute(f"SELECT * FROM verbatim.{table} ORDER BY 1")
    with database.connect() as connection:
        if role:
            connection.execute(f"SET ROLE {database.role(role)}")
        connection.execute("SELECT set_config('verbatim.workspace_id', 'one', false)")
        expected = psycopg.errors.InsufficientPrivilege if role else psycopg.errors.RaiseException
        with pytest.raises(expected):
            connection.execute(statement.format(table))
    assert database.execute(f"SELECT * FROM verbatim.{table} ORDER BY 1") == before


def test_the_audit_of_another_workspace_is_closed_to_the_api(service, keys, database):
    audited_job(service, keys, database)
    with database.connect() as connection:
        connection.execute(f"SET ROLE {database.role('api')}")
        connection.execute("SELECT set_config('verbatim.workspace_id', 'two', false)")
        assert connection.execute("SELECT count(*) FROM verbatim.audit").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO verbatim.audit (workspace_id, door, author, filter, format)"
                               " VALUES ('one', 'main', 'x', '{}', 'csv')")
