"""The door "app" (INTERFACE 7, after the document 000): exports of a workspace as one CSV or JSON file, for a week.

Each test's first line says which promise of the document it is about. The files are read back with Python's own
readers.
"""

import csv
import datetime
import http.client
import io
import json
import uuid

import pytest

from tests.lib import door_source
from tests.lib import native_source as people
from tests.lib.patience import LIMIT
from tests.lib.process import wait_until

EXPORTS = "/app/conversation-exports"
MEMBERS = ["id", "workspace_id", "status", "format", "filters", "file_size", "row_count", "error_message", "created_at",
           "expires_at", "download_url"]
LEADS = ["conversation_id", "agent_id", "channel", "status", "started_at", "ended_at", "lead_name", "lead_email",
         "lead_phone", "lead_status", "message_count", "first_user_message", "last_assistant_message"]
OURS = {people.VIP, people.PRESS, people.HIDDEN, door_source.SECOND}


@pytest.fixture(scope="module")
def keys(program, database):
    door_source.make_source(database)
    return people.make_keys(program, database) | {"admin": people.make_key(program, database, "admin"),
                                                  "admin/two": program.key("two", role="admin")}


@pytest.fixture(scope="module")
def idle(keys, make_service):
    return make_service(workers=0)


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(workers=1)


@pytest.fixture(autouse=True)
def no_jobs(keys, database):
    database.execute("DELETE FROM verbatim.job")


def post(service, key, body):
    return service.request("POST", EXPORTS, key, json_body=body)


def created(answer):
    assert answer.status == 201, answer.body
    return answer.json()


def show(service, key, export):
    answer = service.get(f"{EXPORTS}/{export}", key)
    assert answer.status == 200, answer.body
    return answer.json()


def ready(service, key, body):
    export = created(post(service, key, body))["id"]
    wait_until(lambda: show(service, key, export)["status"] in ("ready", "failed"), "the export ends")
    shown = show(service, key, export)
    assert shown["status"] == "ready", shown
    return shown


def download(service, key, export):
    return service.get(f"{EXPORTS}/{export}/download", key)


def set_job(database, export, **columns):
    database.execute("UPDATE verbatim.job SET " + ", ".join(f"{name} = %s" for name in columns) + " WHERE job_id = %s",
                     [*columns.values(), export])


def set_status(database, export, status, **columns):
    has_ended = status not in ("queued", "started")
    set_job(database, export, status=status, finished_at=datetime.datetime.now(datetime.UTC) if has_ended else None,
            **columns)


def problems(answer):
    assert answer.status == 422, answer.body
    return [(each["type"], *each["loc"]) for each in answer.json()["detail"]]


# --- up to the next line no worker runs, so exports stay as they are ---

def test_post_makes_a_pending_export(idle, keys, database):
    """An admin posts a format and perhaps filters; a row with the status pending is written and a job queued."""
    answer = created(post(idle, keys["admin"], {"format": "csv", "agent_id": people.ASSISTANT, "from": "2026-02-01",
                                               "to": "2026-02-28"}))
    assert list(answer) == MEMBERS
    job, door, created_at, retention = database.execute(
        "SELECT job_id::text, door, created_at, retention FROM verbatim.job")[0]
    assert (door, retention) == ("app", datetime.timedelta(days=7))
    week = created_at + datetime.timedelta(days=7)
    text = "%Y-%m-%dT%H:%M:%S.%f"
    assert answer == {"id": job, "workspace_id": "one", "status": "pending", "format": "csv",
                      "filters": {"agent_id": people.ASSISTANT, "from": "2026-02-01", "to": "2026-02-28"},
                      "file_size": None, "row_count": None, "error_message": None,
                      "created_at": created_at.strftime(text), "expires_at": week.strftime(text), "download_url": None}
    assert show(idle, keys["admin"], job) == answer
    assert database.value("SELECT count(*) FROM verbatim.segment WHERE status = 'waiting'") == 1


def test_filters_are_optional(idle, keys):
    """The filters are optional: without them the whole workspace is exported."""
    answer = created(post(idle, keys["one"], {"format": "json"}))
    assert answer["filters"] == {"agent_id": None, "from": None, "to": None}
    assert created(post(idle, keys["one"], {"format": "json", "agent_id": None, "from": None}))["filters"] == \
        answer["filters"]


@pytest.mark.parametrize("state, shown", [("queued", "pending"), ("started", "processing"), ("failed", "failed"),
                                          ("cancelled", "failed"), ("finished", "ready")])
def test_statuses(idle, keys, database, state, shown):
    """An export is pending, processing, ready or failed."""
    export = created(post(idle, keys["one"], {"format": "csv"}))["id"]
    set_status(database, export, state, error_message="no room" if state == "failed" else None)
    answer = show(idle, keys["one"], export)
    assert answer["status"] == shown
    assert answer["error_message"] == {"failed": "no room", "cancelled": "Export cancelled."}.get(state)


@pytest.mark.parametrize("state, message", [
    ("queued", "The export is not ready yet."), ("started", "The export is not ready yet."),
    ("failed", "The export has failed: there is no file."),
    ("cancelled", "The export has failed: there is no file.")])
def test_download_of_what_is_not_ready(idle, keys, database, state, message):
    """A download is refused while the export is not ready."""
    export = created(post(idle, keys["one"], {"format": "csv"}))["id"]
    set_status(database, export, state)
    answer = download(idle, keys["one"], export)
    assert (answer.status, answer.json()) == (409, {"detail": message})


@pytest.mark.parametrize("role", ["vip", "viewer"])
def test_admin_and_owner_only(idle, keys, role):
    """Admin and owner only: others may not start, list, look or download."""
    export = created(post(idle, keys["one"], {"format": "csv"}))["id"]
    for answer in (post(idle, keys[role], {"format": "csv"}), idle.get(EXPORTS, keys[role]),
                   idle.get(f"{EXPORTS}/{export}", keys[role]), download(idle, keys[role], export)):
        assert answer.status == 403
        assert answer.json()["detail"].endswith("may not use these exports, which are for owner and admin.")


def test_agents_of_others_are_not_found(idle, keys, database):
    """An agent of another workspace is answered as one that does not exist."""
    answers = [post(idle, keys["one"], {"format": "csv", "agent_id": agent})
               for agent in (people.FOREIGN_ASSISTANT, str(uuid.uuid4()), "none")]
    assert [(each.status, each.json()) for each in answers] == [(404, {"detail": "No agent found for agent_id."})] * 3
    assert database.value("SELECT count(*) FROM verbatim.job") == 0


def test_jobs_of_other_doors_are_not_shown(idle, keys):
    answer = idle.request("POST", "/api/v1/workspace/one/exports", keys["one"], json_body={"select": {"all": True}})
    export = answer.json()["export_id"]
    assert idle.get(f"{EXPORTS}/{export}", keys["one"]).status == 404
    assert download(idle, keys["one"], export).status == 404
    assert idle.get(EXPORTS, keys["one"]).json()["exports"] == []



def test_list_newest_first(idle, keys):
    """The workspace's exports, the newest first, page by page."""
    made = [created(post(idle, keys["one"], {"format": "csv"})) for _ in range(5)][::-1]
    assert idle.get(EXPORTS, keys["admin"]).json() == {"exports": made, "next_cursor": None}
    found, cursor = [], ""
    while cursor is not None:
        page = idle.get(f"{EXPORTS}?limit=2{cursor and '&cursor=' + cursor}", keys["one"]).json()
        assert len(page["exports"]) in (1, 2)
        found += page["exports"]
        cursor = page["next_cursor"]
    assert found == made


def test_cursors_of_others(idle, keys):
    for _ in range(2):
        created(post(idle, keys["one"], {"format": "csv"}))
        created(post(idle, keys["two"], {"format": "csv"}))
    cursor = idle.get(f"{EXPORTS}?limit=1", keys["one"]).json()["next_cursor"]
    audit = idle.get("/v1/exports/audit?limit=1", keys["one"]).json()["next"]
    assert idle.get(f"{EXPORTS}?cursor={cursor}", keys["one"]).status == 200
    for key, wrong in (("two", cursor), ("one", cursor[:-1] + ("0" if cursor[-1] != "0" else "1")), ("one", "x"),
                       ("one", audit)):
        assert problems(idle.get(f"{EXPORTS}?cursor={wrong}", keys[key])) == [("value_error", "query", "cursor")]
    assert problems(idle.get(f"{EXPORTS}?limit=0&page=2", keys["one"])) == [("int_range", "query", "limit"),
                                                                            ("extra_forbidden", "query", "page")]



@pytest.mark.parametrize("body, wrong", [
    ({}, [("missing", "body", "format")]),
    ({"format": "ndjson"}, [("enum", "body", "format")]),
    ({"format": "pdf"}, [("enum", "body", "format")]),
    ({"format": 1}, [("string_type", "body", "format")]),
    ({"format": "csv", "layout": "messages"}, [("extra_forbidden", "body", "layout")]),
    ({"format": "csv", "from": "yesterday"}, [("datetime_parsing", "body", "from")]),
    ({"format": "csv", "from": "2026-02-01T10:00:00"}, [("datetime_parsing", "body", "from")]),
    ({"format": "csv", "from": "2026-02-02", "to": "2026-02-01"}, [("value_error", "body", "to")]),
    ({"format": "csv", "from": "2026-02-02", "to": "2026-02-01T10:00:00Z"}, [("value_error", "body", "to")]),
    ({"format": "csv", "from": "2999-01-01"}, [("value_error", "body", "from")]),
    ({"format": "csv", "agent_id": 7}, [("string_type", "body", "agent_id")]),
    ({"format": "x", "agent_id": [], "to": "x", "more": 1},
     [("enum", "body", "format"), ("extra_forbidden", "body", "more"), ("string_type", "body", "agent_id"),
      ("datetime_parsing", "body", "to")]),
    ([], [("model_attributes_type", "body")]),
])
def test_broken_rules(idle, keys, database, body, wrong):
    assert sorted(problems(post(idle, keys["one"], body))) == sorted(wrong)
    assert database.value("SELECT count(*) FROM verbatim.job") == 0


# --- with a worker ---

@pytest.mark.parametrize("form", ["csv", "json"])
def test_completion_stamps_size_rows_and_expiry(service, keys, database, form):
    """On completion the status is ready, file size and row count are there, and it expires 7 days after creation."""
    export = ready(service, keys["one"], {"format": form})
    answer = download(service, keys["one"], export["id"])
    assert export["file_size"] == len(answer.body) > 0
    assert export["row_count"] == len(OURS)
    created_at, expires_at = (datetime.datetime.fromisoformat(export[name]) for name in ("created_at", "expires_at"))
    assert expires_at - created_at == datetime.timedelta(days=7)
    path = export["download_url"].split("/", 3)[3]
    assert export["download_url"].startswith("http://") and "/" + path == f"{EXPORTS}/{export['id']}/download"


@pytest.mark.parametrize("form, mime", [("csv", "text/csv"), ("json", "application/json")])
def test_download_has_the_right_type_and_name(service, keys, form, mime):
    """The download streams the file itself with the right MIME type."""
    export = ready(service, keys["admin"], {"format": form})
    answer = download(service, keys["admin"], export["id"])
    assert answer.status == 200 and answer.headers.get_content_type() == mime
    assert f".{form}" in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert int(answer.headers["Content-Length"]) == len(answer.body)


def test_download_of_what_has_expired(service, keys, database):
    """A download is refused once the export has expired, though the file may still lie there."""
    export = ready(service, keys["one"], {"format": "csv"})["id"]
    set_job(database, export, created_at=datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=7, seconds=-60))
    assert download(service, keys["one"], export).status == 200
    set_job(database, export, created_at=datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=7))
    answer = download(service, keys["one"], export)
    assert (answer.status, answer.json()) == (410, {"detail": "The export has expired."})
    assert show(service, keys["one"], export)["download_url"] is None


def test_download_of_what_was_deleted(service, keys, database):
    """The file goes with retention; the answer says expired, not an error of the store."""
    export = ready(service, keys["one"], {"format": "csv"})["id"]
    set_job(database, export, archive_deleted_at=datetime.datetime.now(datetime.UTC))
    assert download(service, keys["one"], export).status == 410



def test_csv_has_a_row_of_each_conversation(service, keys):
    """CSV: the lifecycle, the lead's profile, the first words of the visitor and the last of the assistant."""
    body = download(service, keys["one"], ready(service, keys["one"], {"format": "csv"})["id"]).body.decode()
    rows = list(csv.DictReader(io.StringIO(body, newline="")))
    assert list(rows[0]) == LEADS
    assert {row["conversation_id"] for row in rows} == OURS and len(rows) == len(OURS)
    [row] = [row for row in rows if row["conversation_id"] == people.VIP]
    assert row == {"conversation_id": people.VIP, "agent_id": people.ASSISTANT, "channel": "SMS Support",
                   "status": "open", "started_at": "2026-02-10T10:00:00.000000+00:00", "ended_at": "",
                   "lead_name": "Jane Doe", "lead_email": "jane@example.com", "lead_phone": "+12025550199",
                   "lead_status": "qualified", "message_count": "3", "first_user_message": 'Hello, "you"',
                   "last_assistant_message": "How can I help?"}


def test_json_keeps_the_messages(service, keys):
    """JSON: the full message array of each conversation, beside lifecycle and lead."""
    body = json.loads(download(service, keys["one"], ready(service, keys["one"], {"format": "json"})["id"]).body)
    assert {each["id"] for each in body} == OURS and len(body) == len(OURS)
    [vip] = [each for each in body if each["id"] == people.VIP]
    assert [each["text"] for each in vip["messages"]] == ['Hello, "you"', "How can I help?", "Thanks"]
    assert (vip["status"], vip["created_at"], vip["ended_at"]) == ("open", "2026-02-10T10:00:00.000000+00:00", None)
    assert {name: vip["customer"][name] for name in ("email", "phone", "name", "lead_status")} == {
        "email": "jane@example.com", "phone": "+12025550199", "name": "Jane Doe", "lead_status": "qualified"}


def ids_of(service, key, **filters):
    export = ready(service, key, {"format": "json"} | filters)
    found = [each["id"] for each in json.loads(download(service, key, export["id"]).body)]
    assert export["row_count"] == len(found)
    return set(found)


def test_filters_narrow_the_export(service, keys):
    """Filters: an agent, a first and a last day."""
    assert ids_of(service, keys["one"], agent_id=people.ASSISTANT) == {people.VIP, people.PRESS}
    assert ids_of(service, keys["one"], **{"from": "2026-02-11"}) == OURS - {people.VIP}
    assert ids_of(service, keys["one"], to="2026-02-11") == {people.VIP, people.PRESS}
    assert ids_of(service, keys["one"], agent_id=people.ASSISTANT, **{"from": "2026-02-11", "to": "2026-02-11"}) == {
        people.PRESS}
    assert ids_of(service, keys["one"], **{"from": "2026-02-11T10:00:00Z", "to": "2026-02-12T10:00:00Z"}) == {
        people.PRESS}


def test_an_empty_export_is_ready(service, keys):
    """A workspace without conversations in the range still gets its file."""
    export = ready(service, keys["one"], {"format": "csv", "to": "2020-01-01"})
    assert export["row_count"] == 0
    assert download(service, keys["one"], export["id"]).body.decode().splitlines() == [",".join(LEADS)]



def test_no_export_is_too_long(service, keys, database):
    """The document's limit of 600 seconds is lifted: what has run for hours goes on, and is ready in the end."""
    with database.connect() as blocker, blocker.transaction(force_rollback=True):
        blocker.execute("LOCK TABLE chat.message IN ACCESS EXCLUSIVE MODE")
        export = created(post(service, keys["one"], {"format": "json"}))["id"]
        wait_until(lambda: show(service, keys["one"], export)["status"] == "processing", "the export to run")
        database.execute("UPDATE verbatim.job SET created_at = created_at - interval '3 hours',"
                         " started_at = started_at - interval '3 hours' WHERE job_id = %s", [export])
    wait_until(lambda: show(service, keys["one"], export)["status"] != "processing", "the export ends")
    assert show(service, keys["one"], export)["status"] == "ready"
    assert {each["id"] for each in download(service, keys["one"], export).json()} == OURS


def test_prune_deletes_row_and_file(service, program, keys, database, folder):
    """After 7 days the nightly prune deletes row and file; the command does the same at once."""
    export = ready(service, keys["one"], {"format": "csv"})["id"]
    kept = ready(service, keys["one"], {"format": "csv"})["id"]
    key = database.value("SELECT object_key FROM verbatim.job WHERE job_id = %s", [export])
    file = next(path for path in (folder / "storage").rglob(key.rsplit("/", 1)[1]) if export in str(path))
    set_job(database, export, created_at=datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=7, minutes=1))
    options = {"storage": f"file://{folder}/storage"}
    assert program.run("prune", options=options).stdout == "pruned 1 rows, 1 files\n"
    assert not file.exists()
    assert service.get(f"{EXPORTS}/{export}", keys["one"]).status == 404
    assert download(service, keys["one"], export).status == 404
    assert download(service, keys["one"], kept).status == 200



def test_another_workspace_sees_nothing(service, keys):
    """An export of another workspace is not found, however its id was learnt; without a key nothing is."""
    export = ready(service, keys["one"], {"format": "csv"})["id"]
    unknown = service.get(f"{EXPORTS}/{uuid.uuid4()}", keys["two"])
    for path in (f"{EXPORTS}/{export}", f"{EXPORTS}/{export}/download", f"{EXPORTS}/none", f"{EXPORTS}/none/download"):
        answer = service.get(path, keys["admin/two"])
        assert (answer.status, answer.body) == (404, unknown.body)
        assert service.get(path).status == 401
    assert service.get(EXPORTS, keys["two"]).json() == {"exports": [], "next_cursor": None}


def test_only_the_workspace_is_read(service, keys):
    """Only conversations of the requesting workspace are read."""
    export = ready(service, keys["two"], {"format": "json"})
    assert (export["workspace_id"], export["row_count"]) == ("two", 1)
    assert [each["id"] for each in json.loads(download(service, keys["two"], export["id"]).body)] == [people.FOREIGN]


def test_the_audit_names_who_exported(service, keys, database):
    """Every export leaves its entry in the audit, with its downloads."""
    database.execute("UPDATE verbatim.api_key SET user_email = 'eve@example.com' WHERE key_id = %s",
                     [keys["admin"].split("_")[1]])
    export = ready(service, keys["admin"], {"format": "csv", "agent_id": people.ASSISTANT})["id"]
    assert download(service, keys["admin"], export).status == 200

    def entry():
        return next(each for each in service.get("/v1/exports/audit", keys["one"]).json()["entries"]
                    if each["job_id"] == export)
    wait_until(lambda: entry()["downloads"], "the download is in the audit")
    assert (entry()["author"], entry()["door"], entry()["records"], entry()["filter"]["select"]) == (
        "eve@example.com", "app", 2, {"assistant_id": people.ASSISTANT})
    assert [each["by"] for each in entry()["downloads"]] == ["eve@example.com"]


def test_a_key_of_no_scope_or_that_was_revoked(service, keys, program):
    """What the key's own workspace is, is asked anew at each request: a revoked key sees nothing at once."""
    key = program.key("one")
    assert service.get(EXPORTS, key).status == 200
    program.run("key", "revoke", key.split("_")[1])
    assert service.get(EXPORTS, key).status == 401
    answer = service.get(EXPORTS, keys["metrics"])
    assert (answer.status, answer.json()["detail"]) == (
        403, "The API key lacks the scope workspace-events-notification.")


def test_keys_of_two_workspaces_on_one_connection(service, keys):
    """The workspace is the key's, request by request, also where one connection carries both."""
    ours, theirs = (created(post(service, keys[name], {"format": "json"})) for name in ("one", "two"))
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=LIMIT)
    for _ in range(20):
        for key, export in (("one", ours), ("two", theirs)):
            connection.request("GET", EXPORTS, headers={"X-API-Key": keys[key]})
            assert [each["id"] for each in json.loads(connection.getresponse().read())["exports"]] == [export["id"]]
    connection.close()
