"""The door "v1" (INTERFACE 7, after the document 001): bulk exports as a job, one contact's export, the audit.

Each test's first line says which promise of the document it is about. The archives are read back with Python's own
readers. A single conversation at once is in test_single.py.
"""

import csv
import datetime
import io
import json
import uuid
import zipfile

import pytest

from tests.lib import door_source
from tests.lib import http_source as source
from tests.lib import native_source as people
from tests.lib import pdf
from tests.lib.process import wait_until

EXPORT = "/v1/conversations/export"
MEMBERS = ["job_id", "status", "format", "mode", "conversations", "media", "media_failed", "bad_rows", "files",
           "expires_at", "error", "created_at", "completed_at", "notification"]
COLUMNS = ["conversation_id", "customer_email", "channel", "started_at", "ended_at", "status", "priority", "tags",
           "message_count", "agent_assigned", "csat_rating", "csat_comment", "first_message", "last_message"]
OURS = {people.VIP, people.PRESS, people.HIDDEN, door_source.SECOND}
JSON = {"format": "json"}


@pytest.fixture(scope="module")
def keys(program, database):
    door_source.make_source(database)
    keys = people.make_keys(program, database)
    source.somebody_sends_mails(database)
    return keys | {
        "admin": people.make_key(program, database, "admin"),
        "eve": people.make_key(program, database, "owner", (), "eve@example.com")}


@pytest.fixture(scope="module")
def idle(keys, make_service):
    return make_service(workers=0)


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(workers=2)


@pytest.fixture(autouse=True)
def no_jobs(keys, database):
    database.execute("DELETE FROM verbatim.job")


def post(service, key, body, path=EXPORT):
    return service.request("POST", path, key, json_body=body)


def contact_path(contact):
    return f"/v1/contacts/{contact}/export"


def queued(answer):
    assert answer.status == 202, answer.body
    assert list(answer.json()) == ["job_id", "status"] and answer.json()["status"] == "queued"
    return answer.json()["job_id"]


def show(service, key, job):
    answer = service.get(f"{EXPORT}/{job}", key)
    assert answer.status == 200, answer.body
    assert list(answer.json()) == MEMBERS
    return answer.json()


def completed(service, key, body, path=EXPORT):
    job = queued(post(service, key, body, path))
    wait_until(lambda: show(service, key, job)["status"] in ("completed", "failed"), "the export ends")
    shown = show(service, key, job)
    assert shown["status"] == "completed", shown
    return shown


def fetch(service, shown):
    [file] = shown["files"]
    answer = service.get("/" + file["url"].split("/", 3)[3])
    assert answer.status == 200 and len(answer.body) == file["size"], answer.body
    assert file["name"] in answer.headers["Content-Disposition"] and file["name"].endswith(".zip")
    return zipfile.ZipFile(io.BytesIO(answer.body))


def conversations(service, key, body, path=EXPORT):
    """What a JSON export holds, over all of its files."""
    shown = completed(service, key, JSON | body, path)
    archive = fetch(service, shown)
    found = [each for name in archive.namelist() for each in json.loads(archive.read(name))]
    assert shown["conversations"] == len(found)
    return found


def ids_of(service, key, filter):
    return {each["id"] for each in conversations(service, key, {"filter": filter})}


def rows(service, key, body):
    archive = fetch(service, completed(service, key, {"format": "csv"} | body))
    [name] = archive.namelist()
    return list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline="")))


def problems(answer):
    assert answer.status == 422, answer.body
    return sorted((each["type"], *each["loc"]) for each in answer.json()["detail"])


def audit(service, key, query=""):
    answer = service.get(f"/v1/exports/audit{query}", key)
    assert answer.status == 200, answer.body
    assert list(answer.json()) == ["entries", "next"]
    return answer.json()


def entry_of(service, key, job):
    return next(each for each in audit(service, key)["entries"] if each["job_id"] == job)


# --- first: the job ---

def test_post_gives_a_job_to_poll(idle, keys, database):
    """A POST with a filter and a format returns a job id; one polls for its completion."""
    job = queued(post(idle, keys["one"], {"filter": {"since": "2026-02-01"}, "format": "json"}))
    assert database.execute("SELECT job_id::text, door, link_ttl::text FROM verbatim.job") == [(job, "v1", "168:00:00")]
    shown = show(idle, keys["one"], job)
    assert shown == {"job_id": job, "status": "queued", "format": "json", "mode": "conversations", "conversations": 0,
                     "media": 0, "media_failed": 0, "bad_rows": 0, "files": [], "expires_at": None, "error": None,
                     "created_at": shown["created_at"], "completed_at": None,
                     "notification": None}


@pytest.mark.parametrize("state, shown, error", [
    ("queued", "queued", None), ("started", "running", None), ("finished", "completed", None),
    ("failed", "failed", "no room"), ("cancelled", "failed", "Export cancelled.")])
def test_statuses(idle, keys, database, state, shown, error):
    """A job is queued, running, completed or failed."""
    job = queued(post(idle, keys["one"], JSON))
    has_ended = state not in ("queued", "started")
    database.execute("UPDATE verbatim.job SET status = %s, finished_at = %s, error_message = %s WHERE job_id = %s",
                     [state, datetime.datetime.now(datetime.UTC) if has_ended else None,
                      "no room" if state == "failed" else None, job])
    answer = show(idle, keys["one"], job)
    assert (answer["status"], answer["error"], answer["completed_at"] is not None) == (shown, error, has_ended)


def test_a_bearer_key_as_the_document_shows_it(idle, keys):
    """The API takes the key as a bearer token."""
    answer = idle.request("POST", EXPORT, None, json_body=JSON, headers={"Authorization": f"Bearer {keys['one']}"})
    queued(answer)


def test_jobs_of_others_are_not_found(idle, keys):
    job = queued(post(idle, keys["one"], JSON))
    native = idle.request("POST", "/api/v1/workspace/one/exports", keys["one"], json_body={"select": {"all": True}})
    for key, name in (("two", job), ("one", str(uuid.uuid4())), ("one", "none"),
                      ("one", native.json()["export_id"]), ("vip", job)):
        answer = idle.get(f"{EXPORT}/{name}", keys[key])
        assert (answer.status, answer.json()) == (404, {"detail": "Export not found."})


@pytest.mark.parametrize("filter, message", [
    ({"channel": source.FOREIGN}, "No channel found for filter.channel."),
    ({"channel": "none"}, "No channel found for filter.channel."),
    ({"contact_id": people.FOREIGN_CONTACT}, "No contact found for filter.contact_id."),
    ({"ids": [people.VIP, people.FOREIGN]}, "No conversation found for filter.ids.1."),
    ({"ids": [people.VIP], "channel": source.FOREIGN}, "No channel found for filter.channel."),
])
def test_what_is_not_there_or_not_ours(idle, keys, database, filter, message):
    answer = post(idle, keys["one"], JSON | {"filter": filter})
    assert (answer.status, answer.json()) == (404, {"detail": message})
    assert database.value("SELECT count(*) FROM verbatim.job") == 0


def test_up_to_200_conversations_by_id(idle, keys, database):
    """Up to 200 conversations can be picked: 200 are looked up, 201 are refused."""
    database.execute("INSERT INTO chat.conversation (id, workspace_id, channel_id, created_at)"
                     " SELECT md5('many' || n)::uuid, 'platform-one', %s, '2020-01-01'"
                     " FROM generate_series(1, 200) AS n",
                     [source.SMS])
    try:
        many = [str(row[0]) for row in database.execute(
            "SELECT id FROM chat.conversation WHERE created_at = '2020-01-01'")]
        queued(post(idle, keys["one"], JSON | {"filter": {"ids": many}}))
        answer = post(idle, keys["one"], JSON | {"filter": {"ids": [*many, people.VIP]}})
        assert problems(answer) == [("too_long", "body", "filter", "ids")]
        assert "at most 200" in answer.json()["detail"][0]["msg"]
    finally:
        database.execute("DELETE FROM chat.conversation WHERE created_at = '2020-01-01'")


@pytest.mark.parametrize("body, wrong", [
    ({}, [("missing", "body", "format")]),
    ({"format": "ndjson"}, [("enum", "body", "format")]),
    ({"format": "html"}, [("enum", "body", "format")]),
    (JSON | {"select": {"all": True}}, [("extra_forbidden", "body", "select")]),
    (JSON | {"files": "single"}, [("extra_forbidden", "body", "files")]),
    (JSON | {"filter": []}, [("model_attributes_type", "body", "filter")]),
    (JSON | {"filter": {"from": "2026-01-01"}}, [("extra_forbidden", "body", "filter", "from")]),
    (JSON | {"filter": {"since": "May"}}, [("datetime_parsing", "body", "filter", "since")]),
    (JSON | {"filter": {"until": "2026-01-01T10:00:00"}}, [("datetime_parsing", "body", "filter", "until")]),
    (JSON | {"filter": {"since": "2026-02-02", "until": "2026-02-01"}}, [("value_error", "body", "filter", "until")]),
    (JSON | {"filter": {"since": "2026-02-02", "until": "2026-02-01T00:00:00Z"}},
     [("value_error", "body", "filter", "until")]),
    (JSON | {"filter": {"since": "2999-01-01"}}, [("value_error", "body", "filter", "since")]),
    (JSON | {"filter": {"tags": "vip"}}, [("list_type", "body", "filter", "tags")]),
    (JSON | {"filter": {"status": 1}}, [("list_type", "body", "filter", "status")]),
    (JSON | {"filter": {"channel": 1}}, [("string_type", "body", "filter", "channel")]),
    (JSON | {"filter": {"contact_id": {}}}, [("string_type", "body", "filter", "contact_id")]),
    (JSON | {"filter": {"ids": []}}, [("too_short", "body", "filter", "ids")]),
    (JSON | {"filter": {"ids": "x"}}, [("list_type", "body", "filter", "ids")]),
    (JSON | {"filter": {"ids": [people.VIP, 7]}}, [("string_type", "body", "filter", "ids", 1)]),
    (JSON | {"mode": "rows"}, [("enum", "body", "mode")]),
    (JSON | {"mode": "messages"}, [("value_error", "body", "mode")]),
    (JSON | {"fields": "notes"}, [("list_type", "body", "fields")]),
    (JSON | {"fields": ["messages", "secrets"]}, [("enum", "body", "fields", 1)]),
    ({"format": "csv", "mode": "messages", "fields": ["tags"]}, [("value_error", "body", "fields")]),
    (JSON | {"notify": "nobody"}, [("value_error", "body", "notify")]),
    ({"format": "xml", "filter": {"since": "x", "more": 1}, "notify": 1},
     [("datetime_parsing", "body", "filter", "since"), ("enum", "body", "format"),
      ("extra_forbidden", "body", "filter", "more"), ("string_type", "body", "notify")]),
    ([], [("model_attributes_type", "body")]),
])
def test_broken_rules(idle, keys, database, body, wrong):
    answer = post(idle, keys["one"], body)
    assert problems(answer) == sorted(wrong)
    said = json.dumps([each["msg"] for each in answer.json()["detail"]])
    assert "from" not in said and " to must" not in said and "layout" not in said, "the door's own words"
    assert database.value("SELECT count(*) FROM verbatim.job") == 0


def test_pdf_is_a_transcript_of_each_conversation(service, keys, folder):
    """PDF transcripts, human-readable: one for each conversation, of a filter and of a contact alike."""
    for path in (EXPORT, contact_path(people.JANE)):
        shown = completed(service, keys["one"], {"format": "pdf", "fields": ["messages", "notes"]}, path)
        archive = fetch(service, shown)
        assert len(archive.namelist()) == shown["conversations"] > 0
        for name in archive.namelist():
            assert name.endswith(".pdf")
            assert "Conversation transcript" in pdf.text(pdf.saved(folder, archive.read(name)))


@pytest.mark.parametrize("contact", [people.FOREIGN_CONTACT, str(uuid.UUID(int=1)), "none"])
def test_contacts_of_others(idle, keys, contact):
    answer = post(idle, keys["one"], JSON | {"match": "identity"}, contact_path(contact))
    assert (answer.status, answer.json()) == (404, {"detail": "Contact not found."})


@pytest.mark.parametrize("body, wrong", [
    ({}, [("missing", "body", "format")]), (JSON | {"match": "name"}, [("enum", "body", "match")]),
    (JSON | {"filter": {}}, [("extra_forbidden", "body", "filter")])])
def test_broken_rules_about_contacts(idle, keys, body, wrong):
    assert problems(post(idle, keys["one"], body, contact_path(people.JANE))) == wrong


def test_a_contact_out_of_an_editor_s_sight(idle, keys):
    """An editor cannot tell a contact that only spoke elsewhere from one that does not exist."""
    assert post(idle, keys["nobody"], JSON, contact_path(people.JANE)).status == 404
    queued(post(idle, keys["vip"], JSON, contact_path(people.JANE)))


def test_a_viewer_starts_nothing(idle, keys):
    for path in (EXPORT, contact_path(people.JANE)):
        assert post(idle, keys["viewer"], JSON, path).status == 403
    queued(post(idle, keys["one"], JSON))
    assert idle.get("/v1/exports/audit", keys["viewer"]).status == 403


@pytest.mark.parametrize("role, status", [("one", 200), ("admin", 200), ("vip", 403), ("viewer", 403)])
def test_the_audit_is_for_owner_and_admin(idle, keys, role, status):
    """Who exported what is shown to owner and admin; an editor learns nothing of what is out of sight."""
    assert idle.get("/v1/exports/audit", keys[role]).status == status


def test_the_audit_page_by_page(idle, keys):
    jobs = [queued(post(idle, keys["one"], JSON)) for _ in range(5)][::-1]
    found, cursor = [], ""
    while cursor is not None and len(found) < 5:
        page = audit(idle, keys["one"], f"?limit=2{cursor and '&cursor=' + cursor}")
        found += page["entries"]
        cursor = page["next"]
    assert [each["job_id"] for each in found[:5]] == jobs
    assert not set(jobs) & {each["job_id"] for each in audit(idle, keys["two"])["entries"]}
    cursor = audit(idle, keys["one"], "?limit=1")["next"]
    for key, wrong in (("two", cursor), ("one", "0" * 80), ("one", "x")):
        answer = idle.get(f"/v1/exports/audit?cursor={wrong}", keys[key])
        assert problems(answer) == [("value_error", "query", "cursor")]


def test_three_jobs_of_a_workspace_at_a_time(keys, idle, service, database):
    """At most 3 exports of a workspace run at a time; the fourth waits and is done later."""
    database.execute("INSERT INTO chat.conversation (id, workspace_id, channel_id, created_at)"
                     " SELECT md5('busy' || n)::uuid, 'platform-one', %s, '2020-01-01'"
                     " FROM generate_series(1, 3000) AS n",
                     [source.SMS])
    try:
        jobs = [queued(post(service, keys["one"], JSON)) for _ in range(6)]
        most = 0

        def ended():
            nonlocal most
            states = [row[0] for row in database.execute("SELECT status FROM verbatim.job")]
            most = max(most, states.count("started"))
            return states.count("finished") == len(jobs)
        wait_until(ended, "all six end")
        assert most <= 3
        assert all(show(service, keys["one"], job)["conversations"] == 3000 + len(OURS) for job in jobs)
    finally:
        database.execute("DELETE FROM chat.conversation WHERE created_at = '2020-01-01'")


def test_small_exports_complete(service, keys):
    """A small export is done soon; the job then names its file, with size and link."""
    shown = completed(service, keys["one"], JSON)
    [file] = shown["files"]
    assert list(file) == ["name", "size", "url"] and shown["conversations"] == len(OURS)
    assert fetch(service, shown).namelist() == ["conversations-00001.json"]


def test_links_live_for_seven_days(service, keys, database):
    """The link is valid for 7 days; once it is dead, there is none, and its expiry stays."""
    shown = completed(service, keys["one"], JSON)
    finished, expires = (datetime.datetime.fromisoformat(shown[name]) for name in ("completed_at", "expires_at"))
    assert expires - finished == datetime.timedelta(days=7)
    database.execute("UPDATE verbatim.job SET link_expires_at = now() - interval '1 second'")
    later = show(service, keys["one"], shown["job_id"])
    assert later["files"][0]["url"] is None and later["expires_at"] is not None


def test_a_viewer_sees_the_job_without_its_link(service, keys):
    shown = completed(service, keys["one"], JSON)
    seen = show(service, keys["viewer"], shown["job_id"])
    assert seen["files"][0]["url"] is None and seen["files"][0]["name"] == shown["files"][0]["name"]


def test_files_of_5000_conversations(service, keys, database):
    """What is large is split into files of 5,000 conversations; there is no limit of 10,000 for one export."""
    database.execute("INSERT INTO chat.conversation (id, workspace_id, channel_id, created_at)"
                     " SELECT md5('much' || n)::uuid, 'platform-one', %s, '2020-01-01'"
                     " FROM generate_series(1, 10500) AS n",
                     [source.SMS])
    try:
        shown = completed(service, keys["one"], {"format": "csv", "filter": {"until": "2020-12-31"}})
        assert shown["conversations"] == 10500
        archive = fetch(service, shown)
        counts = [len(list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline=""))))
                  for name in archive.namelist()]
        assert dict(zip(archive.namelist(), counts, strict=True)) == {
            "conversations-00001.csv": 5000, "conversations-00002.csv": 5000, "conversations-00003.csv": 500}
    finally:
        database.execute("DELETE FROM chat.conversation WHERE created_at = '2020-01-01'")


def test_notification(keys, make_service, smtp):
    """An e-mail tells when the export is ready, and holds its link."""
    service = make_service(workers=1, smtp_url=smtp.url, mail_from="export@verbatim.example")
    shown = completed(service, keys["one"], JSON | {"notify": "ann@example.com"})
    wait_until(lambda: smtp.mails, "the mail")
    [mail] = smtp.mails
    assert mail.recipients == ("ann@example.com",)
    text = mail.message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert shown["files"][0]["url"] in text and "Conversations of: the workspace\nRange: all dates\n" in text
    completed(service, keys["one"], JSON | {"notify": "ann@example.com"}, contact_path(people.JANE))
    wait_until(lambda: len(smtp.mails) == 2, "the mail about a contact")
    assert smtp.mails[1].message["Subject"] == "Your export is ready: Jane Doe, all dates"


def test_filters(service, keys):
    """Filter: since, until, channel by id or kind, status, tags, contact, ids; together they narrow."""
    key = keys["one"]
    assert ids_of(service, key, {"since": "2026-02-12"}) == {people.HIDDEN, door_source.SECOND}
    assert ids_of(service, key, {"until": "2026-02-10"}) == {people.VIP}
    assert ids_of(service, key, {"channel": source.SMS}) == {people.VIP, people.HIDDEN}
    assert ids_of(service, key, {"channel": "whatsapp"}) == {door_source.SECOND}
    assert ids_of(service, key, {"status": "closed"}) == {people.PRESS, door_source.SECOND}
    assert ids_of(service, key, {"status": ["open", "closed"]}) == OURS
    assert ids_of(service, key, {"tags": ["press"]}) == {door_source.SECOND}
    assert ids_of(service, key, {"contact_id": people.JOHN}) == {people.PRESS, people.HIDDEN}
    assert ids_of(service, key, {"contact_id": people.JOHN, "channel": source.SMS}) == {people.HIDDEN}
    assert ids_of(service, key, {"contact_id": people.JOHN, "channel": "line", "status": "closed"}) == {people.PRESS}
    assert ids_of(service, key, {"ids": [people.VIP, people.HIDDEN]}) == {people.VIP, people.HIDDEN}
    assert ids_of(service, key, {"ids": [people.VIP, people.HIDDEN], "contact_id": people.JANE}) == {people.VIP}
    assert ids_of(service, key, {"ids": [people.VIP, people.PRESS], "channel": source.LONELY}) == {people.PRESS}


def test_the_14_columns(service, keys):
    """CSV has 14 columns by default, one row a conversation."""
    found = rows(service, keys["one"], {})
    assert list(found[0]) == COLUMNS and {row["conversation_id"] for row in found} == OURS
    [row] = [row for row in found if row["conversation_id"] == people.VIP]
    assert row == {"conversation_id": people.VIP, "customer_email": "jane@example.com", "channel": "SMS Support",
                   "started_at": "2026-02-10T10:00:00.000000+00:00", "ended_at": "", "status": "open",
                   "priority": "high", "tags": "vip", "message_count": "3", "agent_assigned": "Bob", "csat_rating": "4",
                   "csat_comment": "fine", "first_message": 'Hello, "you"', "last_message": "Thanks"}


def test_messages_mode(service, keys, database):
    """The mode messages gives one row a message."""
    found = rows(service, keys["one"], {"mode": "messages", "filter": {"ids": [people.VIP, people.PRESS]}})
    assert len(found) == 6 and {row["conversation_id"] for row in found} == {people.VIP, people.PRESS}
    assert "message_time" in found[0]
    job = str(database.value("SELECT job_id FROM verbatim.job"))
    assert show(service, keys["one"], job)["mode"] == "messages"


def test_json_by_default(service, keys):
    """By default an export holds messages (all turns), channel, customer and tags; notes and audit log are optional."""
    [vip] = conversations(service, keys["one"], {"filter": {"ids": [people.VIP]}})
    assert [each["text"] for each in vip["messages"]] == ['Hello, "you"', "How can I help?", "Thanks"]
    assert vip["channel"] == {"id": source.SMS, "name": "SMS Support", "type": "LOCAL",
                              "phone_number": source.SHARED_NUMBER}
    assert (vip["customer"]["id"], vip["customer"]["email"], vip["tags"]) == (people.JANE, "jane@example.com", ["vip"])
    assert not {"notes", "events", "skills"} & set(vip) and "citations" not in vip["messages"][1]


@pytest.mark.parametrize("events", ["events", "audit"])
def test_fields_are_chosen_per_export(service, keys, events):
    """What is included can be chosen: notes, the audit log (claim, escalate, resolve), skills, citations of the bot."""
    fields = ["messages", "notes", events, "skills", "citations"]
    [vip] = conversations(service, keys["one"], {"filter": {"ids": [people.VIP]}, "fields": fields})
    assert [(each["author"], each["text"]) for each in vip["notes"]] == [("Bob", "call back")]
    assert [each["kind"] for each in vip["events"]] == ["claim", "escalate", "resolve"]
    assert [(each["name"], each["outcome"]) for each in vip["skills"]] == [("order lookup", "found")]
    assert vip["messages"][1]["citations"] == [{"title": "Manual", "url": "https://docs.example.com/1",
                                               "snippet": "page 1"}]
    assert "customer" not in vip and "tags" not in vip


def test_tags_and_audience(service, keys):
    """Tags and audience: an audience of its own stands beside the tags, else the tags are it."""
    found = {each["id"]: each for each in conversations(service, keys["one"], {})}
    assert [(found[each]["tags"], found[each]["audience"]) for each in (people.VIP, people.PRESS, people.HIDDEN)] == [
        (["vip"], None), (["vip"], ["press"]), ([], None)]


def test_missing_fields_can_be_had_by_another_export(service, keys):
    """Fields that were left out come with an export that names more of them."""
    body = {"filter": {"ids": [people.VIP]}}
    [less] = conversations(service, keys["one"], body | {"fields": ["tags"]})
    [more] = conversations(service, keys["one"], body | {"fields": ["tags", "messages", "customer"]})
    assert set(more) - set(less) == {"messages", "customer"}


def test_all_of_a_contact_over_all_channels(service, keys):
    """GDPR: all conversations of a contact, whatever the channel, in a picked format."""
    found = conversations(service, keys["one"], {}, contact_path(people.JOHN))
    assert {(each["id"], each["channel"]["type"]) for each in found} == {
        (people.PRESS, "LINE"), (people.HIDDEN, "LOCAL")}
    shown = completed(service, keys["one"], {"format": "csv"}, contact_path(people.JOHN))
    assert (shown["format"], shown["conversations"]) == ("csv", 2)


def test_customers_are_matched_by_identity(service, keys):
    """Customer information matches the identity: the same e-mail or phone is the same person, in one workspace."""
    by_id = conversations(service, keys["one"], {}, contact_path(people.JANE))
    assert {each["id"] for each in by_id} == {people.VIP}
    assert [each["id"] for each in conversations(service, keys["one"], {"match": "id"}, contact_path(people.JANE))] == [
        people.VIP]
    same = conversations(service, keys["one"], {"match": "identity"}, contact_path(people.JANE))
    assert {each["id"] for each in same} == {people.VIP, door_source.SECOND}


def test_audience_tags(service, keys):
    """Audience tags are respected: an editor gets the permitted scope, an admin everything."""
    assert ids_of(service, keys["vip"], {}) == {people.VIP}
    assert ids_of(service, keys["editor"], {}) == {people.VIP, people.PRESS, door_source.SECOND}
    assert ids_of(service, keys["admin"], {}) == OURS
    assert {each["id"] for each in conversations(service, keys["vip"], {"match": "identity"},
                                                 contact_path(people.JANE))} == {people.VIP}
    assert post(service, keys["vip"], JSON | {"filter": {"ids": [people.PRESS]}}).status == 404


def test_the_audit_tells_who_exported_what_when(service, keys, database):
    """Exports are logged: author and time, filter, records, and when the file was downloaded."""
    body = JSON | {"filter": {"since": "2026-02-11", "status": "closed"}}
    before = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    shown = completed(service, keys["eve"], body)
    entry = entry_of(service, keys["admin"], shown["job_id"])
    assert list(entry) == ["author", "created_at", "filter", "format", "records", "downloads", "door", "job_id"]
    assert (entry["author"], entry["format"], entry["records"], entry["downloads"], entry["door"]) == (
        "eve@example.com", "json", 2, [], "v1")
    assert entry["filter"]["filter"] == {"from": "2026-02-11", "status": ["closed"]}
    assert abs(datetime.datetime.fromisoformat(entry["created_at"]) - before) < datetime.timedelta(minutes=1)
    fetch(service, shown)
    fetch(service, shown)
    wait_until(lambda: len(entry_of(service, keys["one"], shown["job_id"])["downloads"]) == 2, "both downloads")
    for download in entry_of(service, keys["one"], shown["job_id"])["downloads"]:
        assert download.keys() == {"at", "by", "client", "bytes"}
        assert (download["by"], download["client"]) == ("link", "127.0.0.1")
        assert download["bytes"] == shown["files"][0]["size"]
        assert datetime.datetime.fromisoformat(download["at"]) >= before
    database.execute("DELETE FROM verbatim.job")
    assert entry_of(service, keys["one"], shown["job_id"])["records"] == 2, "an entry stays when its export goes"


def test_the_audit_has_every_door(service, keys):
    """Every export is in the audit, whichever door it came through."""
    native = service.request("POST", "/api/v1/workspace/one/exports", keys["one"], json_body={"select": {"all": True}})
    app = service.request("POST", "/app/conversation-exports", keys["one"], json_body={"format": "csv"})
    main = service.request("POST", "/api/v1/workspace/one/export-conversations", keys["one"], json_body={
        "start_date": "2026-02-01", "end_date": "2026-02-28", "channel_id": source.SMS})
    ids = [native.json()["export_id"], app.json()["id"], main.json()["export_job_id"]]
    assert [entry_of(service, keys["one"], each)["door"] for each in ids] == ["native", "app", "main"]
