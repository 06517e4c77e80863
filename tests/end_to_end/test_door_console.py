"""The console's own door: an assistant and a number of days as an HTML archive, kept for a month, twenty a user."""

import datetime
import re
import threading
import urllib.parse
import uuid

import pytest

from tests.lib import http_source as source
from tests.lib import native_source as people
from tests.lib.process import wait_until

PATH = "/api/v1/workspace/one/assistant-exports"
EMPTY, STRANGE = "11111111-aaaa-0000-0000-00000000000e", "11111111-aaaa-0000-0000-00000000000f"
NAME = re.compile(r"conversations_(.+)_(\d{8}T\d{6}Z)\.html")


@pytest.fixture(scope="module")
def keys(program, database):
    people.make_source(database)
    database.execute("INSERT INTO chat.assistant VALUES (%s, 'platform-one', 'Nobody yet'), (%s, 'platform-one', %s)",
                     [EMPTY, STRANGE, "<b>../x</b>"])
    database.execute("DELETE FROM chat.message; DELETE FROM chat.conversation")
    for name, age, ended in (("done yesterday", "20 hours", "19 hours"), ("done last week", "6 days", "5 days"),
                             ("done long ago", "364 days", "363 days"), ("too long ago", "366 days", "365 days"),
                             ("still open", "20 hours", None), ("ends tomorrow", "20 hours", "-1 day")):
        conversation = uuid.uuid4()
        database.execute(
            "INSERT INTO chat.conversation"
            " (id, workspace_id, channel_id, created_at, contact_id, assistant_id, tags, ended_at)"
            " VALUES (%s, 'platform-one', %s, now() - %s::interval, %s, %s, '{vip}', now() - %s::interval)",
            [conversation, source.SMS, age, people.JANE, people.ASSISTANT, ended])
        database.execute("INSERT INTO chat.message VALUES (gen_random_uuid(), %s, now() - %s::interval, 'inbound',"
                         " 'customer', NULL, %s)", [conversation, age, f"marked {name}"])
    keys = people.make_keys(program, database)
    source.somebody_sends_mails(database)
    for role, name in (("owner", "jane"), ("admin", "jane"), ("editor", "jane"), ("admin", "john")):
        keys[f"{role}/{name}"] = people.make_key(program, database, role, ["vip"] if role == "editor" else (),
                                                 user=f"{name}@example.com")
    return keys


@pytest.fixture(scope="module")
def working(keys, make_service, local):
    return make_service(local, workers=1)


@pytest.fixture(autouse=True)
def no_jobs(keys, database):
    database.execute("DELETE FROM verbatim.job")


def order(service, key, assistant=people.ASSISTANT, days=30, headers=None, **more):
    body = {"assistant_id": assistant, "days": days, **more}
    return service.request("POST", PATH, key, json_body=body, headers=headers)


def ordered(*arguments, **more):
    answer = order(*arguments, **more)
    assert answer.status == 202, answer.body
    return answer.json()


def listed(service, key):
    answer = service.get(PATH, key)
    assert answer.status == 200, answer.body
    return answer.json()


def ids(page):
    return [each["export_id"] for each in page["exports"]]


def text_of(working, key, export):
    answer = working.get(f"/api/v1/workspace/one/exports/{export}/download", key)
    assert answer.status == 200
    return answer.body.decode()


# --- what is exported ---

def test_the_answer_is_the_native_export(service, keys):
    export = ordered(service, keys["one"], days=7)
    assert (export["status"], export["door"], export["subject"]) == ("queued", "console", "Ada / Sales")
    specification = export["specification"]
    start = datetime.datetime.fromisoformat(specification["filter"]["from"])
    age = datetime.datetime.now(datetime.timezone.utc) - start
    assert datetime.timedelta(days=7) <= age < datetime.timedelta(days=7, minutes=5)
    assert specification["select"] == {"assistant_id": people.ASSISTANT}
    assert specification["filter"] == {"from": specification["filter"]["from"], "completed_only": True}
    assert (specification["format"], specification["files"]) == ("html", "single")
    assert service.get(f"/api/v1/workspace/one/exports/{export['export_id']}", keys["one"]).json() == export


@pytest.mark.parametrize("days, found", ((1, ["done yesterday"]), (7, ["done last week", "done yesterday"]),
                                         (365, ["done long ago", "done last week", "done yesterday"])))
def test_completed_conversations_of_the_days_alone(working, keys, days, found):
    export = ordered(working, keys["one"], days=days)["export_id"]
    working.finished(keys["one"], export)
    text = text_of(working, keys["one"], export)
    assert re.findall(r"marked ([a-z ]+[a-z])", re.sub(r"<title>.*?</title>|<nav.*?</nav>", "", text, flags=re.S))
    for name in ("done yesterday", "done last week", "done long ago", "too long ago", "still open", "ends tomorrow"):
        assert (f"marked {name}" in text) == (name in found), name


def test_the_file_is_named_after_the_assistant_and_the_moment(working, keys):
    before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    export = working.finished(keys["one"], ordered(working, keys["one"])["export_id"])
    file = export["files"][0]
    name, stamp = NAME.fullmatch(file["name"]).groups()
    assert (name, file["content_type"], export["name"]) == (people.ASSISTANT, "text/html; charset=utf-8", file["name"])
    moment = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    assert before <= moment <= datetime.datetime.now(datetime.timezone.utc)
    answer = working.get(f"/api/v1/workspace/one/exports/{export['export_id']}/download", keys["one"])
    assert file["name"] in answer.headers["Content-Disposition"]


def test_more_may_be_included_and_all_else_stays(working, keys):
    """Notes are wanted with the product's export, not in its place."""
    wanted = ["messages", "notes", "events"]
    export = working.finished(keys["one"], ordered(working, keys["one"], days=7, include=wanted)["export_id"])
    assert export["specification"]["include"] == wanted
    assert export["specification"]["filter"]["completed_only"] is True
    assert NAME.fullmatch(export["name"]) and export["progress"]["conversations_done"] == 2
    assert export["export_id"] in ids(listed(working, keys["one"]))


@pytest.mark.parametrize("include", (["messages", "media"], ["media"], ["everything"], [], "notes", [7],
                                     ["notes", "notes"]))
def test_what_can_not_be_included(service, keys, include):
    answer = order(service, keys["one"], include=include)
    assert answer.status == 422, answer.body
    assert [problem["loc"][:2] for problem in answer.json()["detail"]] == [["body", "include"]]


def test_an_assistant_without_conversations_gives_an_archive(working, keys):
    export = working.finished(keys["one"], ordered(working, keys["one"], EMPTY)["export_id"])
    assert export["progress"]["conversations_done"] == 0
    text = text_of(working, keys["one"], export["export_id"])
    assert text.startswith("<!DOCTYPE html>") and text.rstrip().endswith("</html>")
    assert "Nobody yet" in text


def test_a_hostile_name_of_an_assistant_is_text(working, keys):
    export = working.finished(keys["one"], ordered(working, keys["one"], STRANGE)["export_id"])
    assert "<b>../x</b>" not in text_of(working, keys["one"], export["export_id"])
    assert NAME.fullmatch(export["name"])


def test_an_editor_gets_the_permitted_scope(working, keys):
    """Nothing of this assistant carries the tag press."""
    export = working.finished(keys["press"], ordered(working, keys["press"], days=365)["export_id"])
    assert export["progress"]["conversations_done"] == 0
    seen = working.finished(keys["vip"], ordered(working, keys["vip"], days=365)["export_id"])
    assert seen["progress"]["conversations_done"] == 3


# --- what is refused ---

@pytest.mark.parametrize("days", (0, 366, -1, "abc", "7", True, 1.5, [7], {}, 2 ** 63 - 1, None))
def test_days_that_are_none(service, keys, days):
    answer = order(service, keys["one"], days=days)
    assert answer.status == 422, answer.body
    problem, = answer.json()["detail"]
    assert problem["loc"] == ["body", "days"]
    assert problem["msg"] == ("Field required" if days is None else "Input should be a whole number from 1 to 365")


@pytest.mark.parametrize("days", (1, 7.0, 365))
def test_days_that_are_some(service, keys, days):
    ordered(service, keys["one"], days=days)


@pytest.mark.parametrize("body, members", (
    ({}, ["assistant_id", "days"]), ({"assistant_id": 7, "days": 7}, ["assistant_id"]),
    ({"assistant_id": EMPTY, "days": 7, "format": "csv"}, ["format"]),
    ({"assistant_id": EMPTY, "days": 7, "notification_email": "x"}, ["notification_email"]),
    ({"assistant_id": EMPTY, "days": 0, "notification_email": "x", "y": 1}, ["days", "y", "notification_email"])))
def test_broken_rules_are_told_by_name(service, keys, body, members):
    answer = service.request("POST", PATH, keys["one"], json_body=body)
    assert answer.status == 422, answer.body
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["body", member] for member in members]


@pytest.mark.parametrize("body", ("[]", "7", "null", '"x"', "{", ""))
def test_what_is_no_object(service, keys, body):
    answer = service.request("POST", PATH, keys["one"], body=body, headers={"Content-Type": "application/json"})
    assert answer.status == 422, answer.body


@pytest.mark.parametrize("assistant", (str(uuid.uuid4()), people.FOREIGN_ASSISTANT, "", "nothing", "../..", "x" * 5000))
def test_an_unknown_assistant(service, keys, assistant):
    answer = order(service, keys["one"], assistant)
    assert (answer.status, answer.json()) == (404, {"detail": "No assistant found for assistant_id."})


def test_who_may(service, keys):
    assert order(service, keys["viewer"]).status == 403
    assert service.get(PATH, keys["viewer"]).status == 200
    assert order(service, keys["two"]).status == 404
    assert order(service, None).status == 401
    assert service.get(PATH, keys["two"]).status == 404


# --- once ---

def test_a_double_click_makes_one_export(service, keys, database):
    headers = {"Idempotency-Key": "click-1"}
    first = ordered(service, keys["one"], headers=headers)
    assert ordered(service, keys["one"], headers=headers)["export_id"] == first["export_id"]
    assert database.value("SELECT count(*) FROM verbatim.job") == 1
    for other in ({"days": 31}, {"assistant": EMPTY}, {"notification_email": "a@example.com"},
                  {"include": ["messages", "notes"]}):
        answer = order(service, keys["one"], headers=headers, **other)
        assert answer.status == 422 and answer.json()["detail"][0]["loc"] == ["header", "Idempotency-Key"]
    assert ordered(service, keys["one"], headers={"Idempotency-Key": "click-2"})["export_id"] != first["export_id"]
    assert order(service, keys["one"], headers={"Idempotency-Key": "a b"}).status == 422


def test_clicks_at_the_same_time_make_one_export(service, keys, database):
    found = []

    def click():
        found.append(ordered(service, keys["one"], headers={"Idempotency-Key": "at-once"})["export_id"])
    threads = [threading.Thread(target=click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1
    assert database.value("SELECT count(*) FROM verbatim.job") == 1


# --- twenty a user, for thirty days ---

def test_the_list_is_the_users_own_newest_first(service, keys):
    mine = [ordered(service, keys[key])["export_id"] for key in ("owner/jane", "admin/jane", "owner/jane")]
    ordered(service, keys["admin/john"])
    ordered(service, keys["one"])
    service.request("POST", "/api/v1/workspace/one/exports", keys["owner/jane"], json_body={"select": {"all": True}})
    page = listed(service, keys["admin/jane"])
    assert (ids(page), page["limit"], page["oldest"]) == (mine[::-1], 20, None)
    assert list(page) == ["exports", "limit", "oldest"]


def test_a_key_without_a_user_is_one_by_itself(service, keys, program):
    """Also of the same name as another, or as somebody's address."""
    named = [program.key("one", name=name) for name in ("nightly", "nightly", "jane@example.com")]
    made = [ordered(service, key)["export_id"] for key in named]
    assert [ids(listed(service, key)) for key in named] == [[each] for each in made]
    assert ids(listed(service, keys["owner/jane"])) == []


def test_the_21st_takes_the_oldest_with_it_which_the_list_told_before(service, keys, database):
    first = [ordered(service, keys["owner/jane"])["export_id"] for _ in range(19)]
    other = ordered(service, keys["admin/john"])["export_id"]
    assert listed(service, keys["owner/jane"])["oldest"] is None, "there is room for one"
    first.append(ordered(service, keys["owner/jane"])["export_id"])
    for _ in range(2):
        oldest = listed(service, keys["owner/jane"])["oldest"]
        assert oldest == first[0]
        first.append(ordered(service, keys["owner/jane"])["export_id"])
        first.pop(0)
        assert service.get(f"/api/v1/workspace/one/exports/{oldest}", keys["owner/jane"]).status == 404
        assert ids(listed(service, keys["owner/jane"])) == first[::-1]
    assert ids(listed(service, keys["admin/john"])) == [other], "others keep theirs"
    gone = database.execute("SELECT e.by_whom FROM verbatim.audit_event AS e JOIN verbatim.audit AS a USING (audit_id)"
                            " WHERE a.job_id = %s AND e.kind = 'deleted'", [oldest])
    assert gone == [("jane@example.com",)], "the audit says who"


def test_the_file_of_the_oldest_goes_too(working, keys, database, local):
    def stored():
        return [path for path in local.folder.rglob(export["name"]) if export["export_id"] in str(path)]
    export = working.finished(keys["owner/jane"], ordered(working, keys["owner/jane"])["export_id"])
    assert len(stored()) == 1
    database.execute("UPDATE verbatim.job SET created_at = created_at - interval '1 hour' WHERE job_id = %s",
                     [export["export_id"]])
    for _ in range(20):
        ordered(working, keys["owner/jane"], EMPTY)
    assert export["export_id"] not in ids(listed(working, keys["owner/jane"]))
    wait_until(lambda: not stored(), "the file has gone", 60)


def test_two_at_once_do_not_leave_twenty_one(service, keys, database):
    """Both have made theirs, as far as they may, while nobody can delete the oldest yet: each finds room for itself."""
    oldest = [ordered(service, keys["owner/jane"])["export_id"] for _ in range(20)][0]
    statuses = []
    threads = [threading.Thread(target=lambda key=key: statuses.append(order(service, key).status))
               for key in (keys["owner/jane"], keys["admin/jane"])]
    with database.connect() as connection, connection.transaction():
        connection.execute("SELECT FROM verbatim.job WHERE job_id = %s FOR UPDATE", [oldest])
        for thread in threads:
            thread.start()
        wait_until(lambda: database.value("SELECT count(*) FROM pg_locks WHERE NOT granted") >= 2, "both wait")
    for thread in threads:
        thread.join()
    assert statuses == [202] * 2
    assert database.value("SELECT count(*) FROM verbatim.job WHERE kept_for = 'user jane@example.com'") == 20


def test_a_refused_order_deletes_nothing(service, keys):
    made = [ordered(service, keys["owner/jane"])["export_id"] for _ in range(20)]
    assert order(service, keys["owner/jane"], str(uuid.uuid4())).status == 404
    assert order(service, keys["owner/jane"], days=0).status == 422
    assert ids(listed(service, keys["owner/jane"])) == made[::-1]
    again = {"Idempotency-Key": "again"}
    made = made[1:] + [ordered(service, keys["owner/jane"], headers=again)["export_id"]]
    ordered(service, keys["owner/jane"], headers=again)
    assert ids(listed(service, keys["owner/jane"])) == made[::-1]


def test_an_editors_key_lists_its_audience_alone(service, keys):
    """The user's other exports count, but are not shown."""
    ordered(service, keys["owner/jane"])
    own = ordered(service, keys["editor/jane"])["export_id"]
    assert ids(listed(service, keys["editor/jane"])) == [own]
    assert len(ids(listed(service, keys["owner/jane"]))) == 2


def test_kept_for_thirty_days_whatever_the_link(working, keys, database):
    export = working.finished(keys["one"], ordered(working, keys["one"])["export_id"])
    created = datetime.datetime.fromisoformat(export["created_time"])
    assert datetime.datetime.fromisoformat(export["expires_at"]) == created + datetime.timedelta(days=30)
    link = datetime.datetime.fromisoformat(export["download_url_expires_at"])
    assert link - datetime.datetime.fromisoformat(export["finished_time"]) == datetime.timedelta(days=7)
    path = f"/api/v1/workspace/one/exports/{export['export_id']}/download"
    database.execute("UPDATE verbatim.job SET created_at = created_at - interval '29 days',"
                     " finished_at = finished_at - interval '29 days',"
                     " link_expires_at = link_expires_at - interval '29 days' WHERE job_id = %s", [export["export_id"]])
    assert working.get(path, keys["one"]).status == 200
    shown = working.get(f"/api/v1/workspace/one/exports/{export['export_id']}", keys["one"]).json()
    assert (shown["download_url"], len(shown["files"])) == (None, 1)
    database.execute("UPDATE verbatim.job SET created_at = created_at - interval '1 day 1 second' WHERE job_id = %s",
                     [export["export_id"]])
    assert working.get(path, keys["one"]).status == 410


def test_what_has_expired_is_pruned(working, keys, database, program, local):
    export = working.finished(keys["one"], ordered(working, keys["one"])["export_id"])
    database.execute("UPDATE verbatim.job SET created_at = now() - interval '30 days 1 second' WHERE job_id = %s",
                     [export["export_id"]])
    program.run("prune", options=local.options)
    assert working.get(f"/api/v1/workspace/one/exports/{export['export_id']}", keys["one"]).status == 404
    assert ids(listed(working, keys["one"])) == []


def test_deleting_cannot_be_undone(service, keys):
    export = ordered(service, keys["one"])["export_id"]
    path = f"/api/v1/workspace/one/exports/{export}"
    assert service.request("DELETE", path, keys["one"]).status == 204
    assert service.get(path, keys["one"]).status == 404
    assert service.request("DELETE", path, keys["one"]).status == 404
    assert ids(listed(service, keys["one"])) == []


def test_the_audit_names_the_door(service, keys, database):
    export = ordered(service, keys["owner/jane"])["export_id"]
    assert database.execute("SELECT door, author, format FROM verbatim.audit WHERE job_id = %s", [export]) == [
        ("console", "jane@example.com", "html")]
    found = service.get("/api/v1/workspace/one/exports?" + urllib.parse.urlencode({"door": "console"}), keys["one"])
    assert ids(found.json()) == [export]
