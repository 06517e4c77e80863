"""The native door beyond its POST (INTERFACE 7): reading, listing, cancelling and deleting exports.

No worker runs here: states are written by hand, so that each can be looked at. Workers: test_native_files.py.
"""

import datetime
import http.client
import re
import threading
import uuid

import pytest

from tests.lib import http_source as source
from tests.lib import native_source as people
from tests.lib.patience import LIMIT

pytestmark = pytest.mark.threads

EXPORTS = "/api/v1/workspace/one/exports"
ALL = {"select": {"all": True}}
FEBRUARY = {"select": {"channel_id": source.SMS}, "filter": {"from": "2026-02-01", "to": "2026-02-28"}}
STATUSES = ("queued", "started", "finished", "failed", "cancelled")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")


@pytest.fixture(scope="module")
def keys(keys, program, database):
    return keys | {
        "viewer": people.make_key(program, database, "viewer"),
        "jane": people.make_key(program, database, "owner", user="jane@example.com")}


@pytest.fixture(autouse=True)
def no_jobs(keys, database):
    database.execute("DELETE FROM verbatim.job")


def start(service, key, body=ALL):
    answer = service.request("POST", EXPORTS, key, json_body=body)
    assert answer.status == 202, answer.body
    return answer.json()["export_id"]


def read(service, key, export, **headers):
    answer = service.get(f"{EXPORTS}/{export}", key, headers={n.replace("_", "-"): v for n, v in headers.items()})
    assert answer.status == 200, answer.body
    return answer.json()


def listed(service, key, query="", workspace="one"):
    answer = service.get(f"/api/v1/workspace/{workspace}/exports{query}", key)
    assert answer.status == 200, answer.body
    page = answer.json()
    assert list(page) == ["exports", "next_cursor"]
    return page


def ids(page):
    return [each["export_id"] for each in page["exports"]]


def all_pages(service, key, limit, query=""):
    cursor, found = "", []
    while cursor is not None:
        page = listed(service, key, f"?limit={limit}{query}" + (f"&cursor={cursor}" if cursor else ""))
        assert 0 < len(page["exports"]) <= limit
        found += ids(page)
        cursor = page["next_cursor"]
    return found


def detail(answer, status):
    assert answer.status == status, answer.body
    return answer.json()["detail"]


def cancel(service, key, export):
    return service.request("POST", f"{EXPORTS}/{export}/cancel", key)


def delete(service, key, export):
    return service.request("DELETE", f"{EXPORTS}/{export}", key)


def finish(database, export, key="conversation_exports/one/x/a.zip", ago="0s"):
    """As the finishing transaction would leave it."""
    database.execute("UPDATE verbatim.segment SET status = 'recorded', conversations = 2, messages = 6, size = 22"
                     " WHERE job_id = %s", [export])
    database.execute(
        "UPDATE verbatim.job SET status = 'finished', started_at = created_at, finished_at = now() - %s::interval,"
        " link_expires_at = now() - %s::interval + link_ttl, object_key = %s, storage = 'x', file_name = 'a.zip',"
        " content_type = 'application/zip', crc32 = 255, size = 22, conversations = 2, messages = 6"
        " WHERE job_id = %s", [ago, ago, key, export])


# --- reading ---

def test_read_is_what_create_answered(service, keys):
    created = service.request("POST", EXPORTS, keys["one"], json_body=FEBRUARY).json()
    assert read(service, keys["one"], created["export_id"]) == created
    assert listed(service, keys["one"])["exports"] == [created]
    assert read(service, keys["one"], created["export_id"].upper()) == created


def test_a_finished_one_shows_its_file_and_link(service, keys, database):
    export = start(service, keys["jane"])
    finish(database, export)
    seen = read(service, keys["one"], export)
    assert seen["files"] == [{"name": "a.zip", "size": 22, "crc32": "000000ff", "content_type": "application/zip"}]
    assert seen["progress"] == {"conversations_done": 2, "conversations_total": 2, "messages_done": 6,
                                "bytes_written": 22, "eta_seconds": None}
    assert seen["segments"] == {"recorded": 1, "running": 0, "waiting": 0}
    assert seen["requested_by"] == "jane@example.com"
    assert seen["download_url"].startswith(service.url + "/files/conversation_exports/one/x/a.zip?")
    assert seen["download_url"] == read(service, keys["one"], export)["download_url"]
    finished, expires = (datetime.datetime.fromisoformat(seen[name]) for name in ("finished_time",
                                                                                  "download_url_expires_at"))
    assert expires - finished == datetime.timedelta(hours=24)
    for name in ("created_time", "started_time", "finished_time", "as_of", "download_url_expires_at"):
        assert TIME.fullmatch(seen[name]), name


def test_an_ended_one_keeps_its_counts_without_its_segments(service, keys, database):
    """The janitor deletes them after an hour."""
    finished, cancelled = (start(service, keys["one"]) for _ in range(2))
    finish(database, finished)
    database.execute("UPDATE verbatim.segment SET attempts = 3 WHERE job_id = %s", [cancelled])
    assert cancel(service, keys["one"], cancelled).status == 200
    before = [read(service, keys["one"], each) for each in (finished, cancelled)]
    assert [each["progress"]["messages_done"] for each in before] == [6, 0]
    assert [each["segments"]["waiting"] for each in before] == [0, 1] and before[1]["attempts"] == 3
    database.execute("DELETE FROM verbatim.segment")
    assert [read(service, keys["one"], each) for each in (finished, cancelled)] == before


def test_no_link_for_a_viewer_nor_after_its_time(service, keys, database):
    export = start(service, keys["one"])
    finish(database, export)
    seen = read(service, keys["viewer"], export)
    assert seen["download_url"] is None and seen["download_url_expires_at"] and seen["files"]
    assert listed(service, keys["viewer"])["exports"] == [seen]
    finish(database, export, ago="25h")
    seen = read(service, keys["one"], export)
    assert seen["download_url"] is None and seen["download_url_expires_at"] and seen["files"]
    database.execute("UPDATE verbatim.job SET archive_deleted_at = now()")
    assert read(service, keys["one"], export)["files"] == []


def test_progress_and_eta_while_it_runs(service, keys, database):
    export = start(service, keys["one"])
    database.execute("UPDATE verbatim.job SET status = 'started', started_at = now() - interval '10 s',"
                     " conversations_total = 400")
    database.execute("UPDATE verbatim.segment SET status = 'running', process_id = gen_random_uuid(),"
                     " lease_until = now(), conversations = 100, messages = 900, bytes = 5000, attempts = 2")
    seen = read(service, keys["one"], export)
    eta = seen["progress"].pop("eta_seconds")
    assert 28 <= eta <= 40, eta
    assert seen["progress"] == {"conversations_done": 100, "conversations_total": 400, "messages_done": 900,
                                "bytes_written": 5000}
    assert (seen["segments"], seen["attempts"]) == ({"recorded": 0, "running": 1, "waiting": 0}, 2)
    database.execute("UPDATE verbatim.segment SET conversations = 0")
    assert read(service, keys["one"], export)["progress"]["eta_seconds"] is None


def test_a_failed_one_tells_why(service, keys, database):
    export = start(service, keys["one"])
    database.execute("UPDATE verbatim.job SET status = 'failed', finished_at = now(), error_message = 'No room.'")
    seen = read(service, keys["one"], export)
    assert (seen["status"], seen["error_message"]) == ("failed", "No room.")


@pytest.mark.parametrize("name", ["nonsense", str(uuid.UUID(int=7)), "%20", "a" * 500])
def test_unknown_exports(service, keys, name):
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/download")):
        answer = service.request(method, f"{EXPORTS}/{name}{path}", keys["one"])
        assert answer.status == 404, answer.body


def test_exports_of_another_workspace(service, keys):
    export = start(service, keys["one"])
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/download")):
        mine = f"/api/v1/workspace/two/exports/{export}{path}"
        assert detail(service.request(method, mine, keys["two"]), 404) == "Export not found."
        assert detail(service.request(method, f"{EXPORTS}/{export}{path}", keys["two"]), 404) == "Workspace not found."
    assert read(service, keys["one"], export)["status"] == "queued"


def test_an_editor_knows_only_exports_of_its_audience(service, keys):
    of = {name: start(service, keys[name]) for name in ("one", "editor", "vip")}
    for name in ("editor", "vip"):
        assert ids(listed(service, keys[name])) == [of[name]]
        read(service, keys[name], of[name])
        for other in set(of) - {name}:
            for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/download")):
                answer = service.request(method, f"{EXPORTS}/{of[other]}{path}", keys[name])
                assert detail(answer, 404) == "Export not found."
    assert set(ids(listed(service, keys["one"]))) == set(of.values())
    assert cancel(service, keys["vip"], of["vip"]).json()["status"] == "cancelled"
    assert delete(service, keys["vip"], of["vip"]).status == 204


def test_a_viewer_may_look_and_no_more(service, keys):
    export = start(service, keys["one"])
    assert read(service, keys["viewer"], export)["status"] == "queued"
    for method, path in (("DELETE", ""), ("POST", "/cancel"), ("GET", "/download")):
        assert "viewer may not" in detail(service.request(method, f"{EXPORTS}/{export}{path}", keys["viewer"]), 403)


def test_exports_of_the_main_door_are_exports(service, keys):
    answer = service.start_export("one", keys["one"], start_date="2026-02-01", end_date="2026-02-28",
                                  channel_id=source.LONELY)
    export = answer.json()["export_job_id"]
    assert read(service, keys["one"], export)["specification"] == {
        "select": {"channel_id": source.LONELY}, "filter": {"from": "2026-02-01", "to": "2026-02-28"},
        "format": "csv", "layout": "messages", "files": "per_conversation",
        "include": ["messages", "customer", "tags"]}
    assert ids(listed(service, keys["one"])) == [export]
    assert cancel(service, keys["one"], export).json()["status"] == "cancelled"
    job = service.job("one", keys["one"], export)
    assert (job["status"], job["error_message"]) == ("failed", "Export cancelled.")


def test_a_specification_of_another_build_hides_no_list(service, keys, database):
    exports = [start(service, keys["one"]) for _ in range(2)]
    database.execute("UPDATE verbatim.job SET printed = NULL, specification = '{\"select\": {\"moon\": 1}}'"
                     " WHERE job_id = %s", [exports[0]])
    seen = listed(service, keys["one"])["exports"]
    assert [each["specification"] is None for each in seen] == [False, True]


def test_a_specification_of_the_version_before_is_printed_anew(service, keys, database):
    """It stored what the database makes of it, with its members in another order, and nothing beside it."""
    export = start(service, keys["one"])
    before = service.get(f"{EXPORTS}/{export}", keys["one"]).body
    database.execute("UPDATE verbatim.job SET printed = NULL")
    assert service.get(f"{EXPORTS}/{export}", keys["one"]).body == before


# --- lists ---

def test_an_empty_list(service, keys):
    assert listed(service, keys["one"]) == {"exports": [], "next_cursor": None}


def test_pages_newest_first(service, keys):
    made = [start(service, keys["one"]) for _ in range(23)][::-1]
    assert ids(listed(service, keys["one"])) == made[:20]
    for limit in (1, 7, 22, 23, 100):
        assert all_pages(service, keys["one"], limit) == made
    assert listed(service, keys["one"], "?limit=23")["next_cursor"] is None


def test_exports_of_the_same_instant_are_not_lost(service, keys, database):
    made = [start(service, keys["one"]) for _ in range(9)]
    database.execute("UPDATE verbatim.job SET created_at = '2026-03-01'")
    assert all_pages(service, keys["one"], 2) == sorted(made, reverse=True)


def test_a_cursor_stands_while_exports_come_and_go(service, keys):
    made = [start(service, keys["one"]) for _ in range(6)][::-1]
    page = listed(service, keys["one"], "?limit=3")
    start(service, keys["one"])
    assert delete(service, keys["one"], made[2]).status == 204  # the very row of the cursor
    assert ids(listed(service, keys["one"], f"?limit=3&cursor={page['next_cursor']}")) == made[3:]


def test_statuses(service, keys, database):
    of = {}
    for status in STATUSES:
        of[status] = start(service, keys["one"])
        database.execute("UPDATE verbatim.job SET status = %s, finished_at = CASE WHEN %s IN ('queued', 'started')"
                         " THEN NULL ELSE now() END WHERE job_id = %s", [status, status, of[status]])
    for status in STATUSES:
        assert ids(listed(service, keys["one"], f"?status={status}")) == [of[status]]
    more = [start(service, keys["one"]) for _ in range(3)][::-1]
    assert all_pages(service, keys["one"], 2, "&status=queued") == more + [of["queued"]]


@pytest.mark.parametrize("query, kind, name", [
    ("limit=0", "int_range", "limit"), ("limit=101", "int_range", "limit"), ("limit=x", "int_range", "limit"),
    ("limit=", "int_range", "limit"), ("limit=1&limit=1", None, "limit"), ("status=done", "literal_error", "status"),
    ("status=", "literal_error", "status"), ("offset=1", None, "offset"), ("cursor=", "value_error", "cursor"),
    ("cursor=abc", "value_error", "cursor"), ("cursor=" + "0" * 80, "value_error", "cursor")])
def test_bad_queries(service, keys, query, kind, name):
    [problem] = detail(service.get(f"{EXPORTS}?{query}", keys["one"]), 422)
    assert problem["loc"] == ["query", name]
    assert kind is None or problem["type"] == kind
    # Who holds no good key hears of that alone.
    assert service.get(f"{EXPORTS}?{query}", "vb_x").status == 401
    assert service.get(f"{EXPORTS}?{query}", keys["metrics"]).status == 403


def test_a_tampered_cursor(service, keys):
    for _ in range(2):
        start(service, keys["one"])
    cursor = listed(service, keys["one"], "?limit=1")["next_cursor"]
    for at in range(0, len(cursor), 7):
        other = "0" if cursor[at] != "0" else "1"
        [problem] = detail(service.get(f"{EXPORTS}?cursor={cursor[:at]}{other}{cursor[at + 1:]}", keys["one"]), 422)
        assert problem["loc"] == ["query", "cursor"]
    assert service.get(f"/api/v1/workspace/two/exports?cursor={cursor}", keys["two"]).status == 422


def test_a_cursor_is_good_in_every_process(service, make_service, keys):
    made = [start(service, keys["one"]) for _ in range(2)][::-1]
    cursor = listed(service, keys["one"], "?limit=1")["next_cursor"]
    other = make_service(workers=0)
    assert ids(listed(other, keys["one"], f"?cursor={cursor}")) == made[1:]


def test_a_page_of_large_exports_is_shorter(service, keys):
    body = {"select": {"conversation_ids": [people.VIP]}, "filter": {"tags": [f"{n}-{'x' * 200}" for n in range(100)]}}
    made = [start(service, keys["one"], body) for _ in range(40)][::-1]
    page = listed(service, keys["one"], "?limit=100")
    assert 20 < len(page["exports"]) < 40 and page["next_cursor"]
    assert all_pages(service, keys["one"], 100) == made


# --- cancel and delete, before a worker has it ---

def test_cancel(service, keys, database):
    export = start(service, keys["jane"])
    answer = cancel(service, keys["jane"], export)
    assert answer.status == 200, answer.body
    seen = answer.json()
    assert (seen["status"], seen["export_id"], seen["error_message"]) == ("cancelled", export, None)
    assert seen == read(service, keys["one"], export) == cancel(service, keys["one"], export).json()
    events = database.execute("SELECT kind, by_whom FROM verbatim.audit_event JOIN verbatim.audit USING (audit_id)"
                              " WHERE job_id = %s", [export])
    assert events == [("cancelled", "jane@example.com")]


@pytest.mark.parametrize("status", ["finished", "failed"])
def test_what_has_ended_cannot_be_cancelled(service, keys, database, status):
    export = start(service, keys["one"])
    database.execute("UPDATE verbatim.job SET status = %s, finished_at = now()", [status])
    assert detail(cancel(service, keys["one"], export), 409) == f"The export has already {status}."
    assert read(service, keys["one"], export)["status"] == status


def test_delete(service, keys, database):
    export = start(service, keys["one"])
    answer = delete(service, keys["jane"], export)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Content-Length"] is None and answer.headers["X-Request-Id"]
    for gone in (delete(service, keys["one"], export), service.get(f"{EXPORTS}/{export}", keys["one"]),
                 cancel(service, keys["one"], export), service.get(f"{EXPORTS}/{export}/download", keys["one"])):
        assert detail(gone, 404) == "Export not found."
    assert ids(listed(service, keys["one"])) == []
    events = database.execute("SELECT kind, by_whom FROM verbatim.audit_event JOIN verbatim.audit USING (audit_id)"
                              " WHERE job_id = %s ORDER BY audit_event_id", [export])
    assert ("deleted", "jane@example.com") in events


def test_a_connection_goes_on_after_204(service, keys):
    first, second = (start(service, keys["one"]) for _ in range(2))
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=LIMIT)
    for export in (first, second):
        connection.request("DELETE", f"{EXPORTS}/{export}", headers={"X-API-Key": keys["one"]})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (204, b"")
    connection.close()


def test_methods(service, keys):
    export = start(service, keys["one"])
    for path, allow in (("", {"GET", "HEAD", "POST"}), (f"/{export}", {"GET", "HEAD", "DELETE"}),
                        (f"/{export}/cancel", {"POST"}), (f"/{export}/download", {"GET", "HEAD"})):
        answer = service.request("PUT", EXPORTS + path, keys["one"])
        assert answer.status == 405
        assert set(answer.headers["Allow"].split(", ")) == allow


def test_two_who_cancel_and_delete_at_once(service, keys, database):
    for _ in range(5):
        export, answers = start(service, keys["one"]), []
        threads = [threading.Thread(target=lambda act=act: answers.append(act(service, keys["one"], export).status))
                   for act in (cancel, delete, cancel, delete)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(answers) <= {200, 204, 404} and 204 in answers, answers
        assert database.execute("SELECT count(*) FROM verbatim.job WHERE job_id = %s", [export]) == [(0,)]
