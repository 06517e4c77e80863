"""docs/connect.md, done: Chatwoot's own tables, the views of examples/chatwoot.sql, the doctor, and each door."""

import csv
import io
import json
import urllib.request
import zipfile

import pytest

from tests.lib import chatwoot
from tests.lib.doctor import doctor
from tests.lib.patience import LIMIT
from tests.lib.process import wait_until
from tests.lib.service import Program

FROM, TO = "2026-04-01", "2026-04-30"
INBOX, ACCOUNT = 1, 1


@pytest.fixture(scope="module")
def platform(database):
    chatwoot.create(database)
    chatwoot.connect(database)
    return database


@pytest.fixture(scope="module")
def ready(program, platform):
    """The reader's login may see the views, and nothing of Chatwoot's own tables."""
    platform.execute("CREATE ROLE chatwoot_reader LOGIN; GRANT USAGE ON SCHEMA chat TO chatwoot_reader;"
                     "GRANT SELECT ON ALL TABLES IN SCHEMA chat TO chatwoot_reader")
    program.options["source_url"] = platform.url.replace("postgres@", "chatwoot_reader@")
    program.migrate()
    program.workspace("acme", source_id=str(ACCOUNT))
    yield program
    platform.execute("DROP OWNED BY chatwoot_reader; DROP ROLE chatwoot_reader")


@pytest.fixture(scope="module")
def service(ready, make_service):
    return make_service(workers=2)


def expected(platform, where):
    """What the customer saw, from Chatwoot's own tables."""
    rows = platform.execute("SELECT m.content FROM messages m JOIN conversations c ON c.id = m.conversation_id "
                            "WHERE m.message_type <> 2 AND NOT m.private AND " + where)
    return sorted(row[0] for row in rows)


def download(url):
    with urllib.request.urlopen(url, timeout=LIMIT) as answer:
        return answer.read()


def rows_of(archive):
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: list(csv.DictReader(io.StringIO(opened.read(name).decode(), newline="")))
                for name in opened.namelist()}


def texts(files):
    return sorted(row["message_text"] for rows in files.values() for row in rows)


# Doors: each exports inbox 1 of account 1 in April and gives the texts of all messages.

def main_door(service, key):
    job = service.export("acme", key, channel_id=str(INBOX), start_date=FROM, end_date=TO)
    return texts(rows_of(download(job["presigned_url"])))


def main_door_by_phone(service, key):
    job = service.export("acme", key, phone_number="+12025550123", start_date=FROM, end_date=TO)
    return texts(rows_of(download(job["presigned_url"])))


def export(service, key, path, name, **body):
    """Posts, waits for the end, and returns the path and what it shows; `name`: of the member that is the id."""
    answer = service.request("POST", path, key, json_body=body)
    assert answer.status in (201, 202), answer.body
    path = f"{path}/{answer.json()[name]}"

    def ended():
        job = service.get(path, key).json()
        return job if job["status"] in ("finished", "ready", "completed", "failed") else None
    assert (job := wait_until(ended, "the export's end"))["status"] != "failed", job
    return path, job


def native_export(service, key, **specification):
    """The finished export's whole JSON document."""
    path, _ = export(service, key, "/api/v1/workspace/acme/exports", "export_id", format="json", files="single",
                     **specification)
    return json.loads(service.get(path + "/download", key).body)


def texts_of(document):
    return sorted(message["text"] for conversation in document for message in conversation["messages"])


def native_door(service, key):
    return texts_of(native_export(service, key, select={"channel_id": str(INBOX)}, filter={"from": FROM, "to": TO}))


def app_export(service, key, format):
    """The bot's conversations; it works in this inbox alone."""
    path, job = export(service, key, "/app/conversation-exports", "id", format=format, agent_id="5",
                       **{"from": FROM, "to": TO})
    answer = service.get(path + "/download", key)
    assert answer.status == 200 and len(answer.body) == job["file_size"] and job["row_count"] == 150
    return answer.body.decode()


def app_door(service, key):
    return texts_of(json.loads(app_export(service, key, "json")))


def unpacked(job):
    """Name to content of all files in a bulk export's archive."""
    [file] = job["files"]
    with zipfile.ZipFile(io.BytesIO(download(file["url"]))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def bulk_export(service, key, **body):
    _, job = export(service, key, "/v1/conversations/export", "job_id",
                    filter={"channel": str(INBOX), "since": FROM, "until": TO}, **body)
    return job, unpacked(job)


def bulk_door(service, key):
    job, files = bulk_export(service, key, format="json", fields=["messages"])
    assert (job["conversations"], list(files)) == (150, ["conversations-00001.json"])
    return texts_of(json.loads(files["conversations-00001.json"]))


def bulk_door_by_messages(service, key):
    _, files = bulk_export(service, key, format="csv", mode="messages")
    return texts({name: list(csv.DictReader(io.StringIO(text, newline=""))) for name, text in files.items()})


def door_of_an_agent(service, key):
    """At once: all conversations of the bot, which works in this inbox alone."""
    answer = service.get("/v3/agents/5/convos/export?format=csv", key)
    assert answer.status == 200, answer.body
    return texts({"": list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))})


def door_of_an_agent_as_json(service, key):
    answer = service.get("/v3/agents/5/convos/export?format=json", key)
    assert answer.status == 200 and answer.json()["success"], answer.body
    found = []

    def collect(thing):
        for name, value in thing.items() if isinstance(thing, dict) else enumerate(thing):
            if isinstance(value, (dict, list)):
                collect(value)
            elif name == "message":
                found.append(value)
    collect(answer.json()["data"])
    return sorted(found)


def door_of_one_conversation(service, key):
    """At once, each by itself: two of four conversations in a row are in the inbox."""
    found = []
    for number in (number for number in range(1, 301) if number % 4 in (0, 1)):
        answer = service.get(f"/v1/conversations/{number}/export?format=json", key)
        assert answer.status == 200, answer.body
        document = answer.json()
        found += [message["text"] for message in (document[0] if isinstance(document, list) else document)["messages"]]
    return sorted(found)


DOORS = [main_door, main_door_by_phone, native_door, app_door, bulk_door, bulk_door_by_messages, door_of_an_agent,
         door_of_an_agent_as_json, door_of_one_conversation]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_each_door_gives_the_inbox(service, ready, platform, door):
    wanted = expected(platform, f"c.inbox_id = {INBOX}")
    assert len(wanted) == 150 * 4
    assert door(service, ready.key("acme")) == wanted


def test_rows_say_who_spoke_and_when(service, ready):
    job = service.export("acme", ready.key("acme"), channel_id=str(INBOX), start_date=FROM, end_date=FROM)
    files = rows_of(download(job["presigned_url"]))
    name = next(name for name in files if name.startswith("Contact 5--"))
    assert name == "Contact 5--2026-04-01_011800--Support (+12025550123).csv"
    rows = files[name]
    assert [(row["direction"], row["speaker_type"], row["speaker_name"]) for row in rows] == [
        ("inbound", "customer", "Contact 5"), ("outbound", "bot", "Ada"), ("outbound", "agent", "Grace"),
        ("outbound", "bot", "Ada")]
    assert rows[0]["message_time"] == "2026-04-01T01:19:00.000000+00:00", "timestamps without zone are UTC"
    assert rows[2]["sender_account"] == "grace@acme.example"


def test_everything_that_hangs_on_a_conversation(service, ready):
    kinds = ["messages", "customer", "tags", "notes", "events"]
    one, = native_export(service, ready.key("acme"), select={"conversation_ids": ["4"]}, include=kinds)
    assert (one["id"], one["tags"], one["status"]) == ("4", ["billing"], "resolved")
    assert one["assistant"] == {"id": "5", "name": "Ada"} and one["channel"]["phone_number"] == "+12025550123"
    assert one["customer"]["company"] == "Company 5" and one["customer"]["email"] == "c5@example.com"
    assert [note["text"] for note in one["notes"]] == ["VIP, be kind #4"]
    assert [event["kind"] for event in one["events"]] == ["activity"]
    assert len(one["messages"]) == 4 and one["created_at"] == "2026-04-01T01:18:00.000000+00:00"


def test_a_lead_at_the_door_of_the_app(service, ready):
    rows = list(csv.DictReader(io.StringIO(app_export(service, ready.key("acme"), "csv"), newline="")))
    assert len(rows) == 150
    assert next(row for row in rows if row["conversation_id"] == "28") == {
        "conversation_id": "28", "agent_id": "5", "channel": "Support", "status": "resolved",
        "started_at": "2026-04-01T08:06:00.000000+00:00", "ended_at": "2026-04-01T09:06:00.000000+00:00",
        "lead_name": "Contact 29", "lead_email": "c29@example.com", "lead_phone": "+12025550029",
        "lead_status": "customer", "message_count": "4", "first_user_message": "Hello, my order is late 📦 #28",
        "last_assistant_message": "Rate us #28"}


def test_a_conversation_at_the_bulk_door(service, ready):
    _, files = bulk_export(service, ready.key("acme"), format="csv")
    [(name, text)] = files.items()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert (name, len(rows)) == ("conversations-00001.csv", 150)
    assert next(row for row in rows if row["conversation_id"] == "28") == {
        "conversation_id": "28", "customer_email": "c29@example.com", "channel": "Support",
        "started_at": "2026-04-01T08:06:00.000000+00:00", "ended_at": "2026-04-01T09:06:00.000000+00:00",
        "status": "resolved", "priority": "", "tags": "billing", "message_count": "4",
        "agent_assigned": "Grace Hopper", "csat_rating": "4", "csat_comment": "quick",
        "first_message": "Hello, my order is late 📦 #28", "last_message": "Rate us #28"}


def test_all_of_a_contact(service, ready, platform):
    key = ready.key("acme")
    answer = service.request("POST", "/v1/contacts/2/export", key, json_body={"format": "json"})
    assert answer.status == 202, answer.body
    path = f"/v1/conversations/export/{answer.json()['job_id']}"
    job = wait_until(lambda: (job := service.get(path, key).json())["status"] == "completed" and job, "the end")
    [text] = unpacked(job).values()
    document = json.loads(text)
    assert {each["customer"]["email"] for each in document} == {"c2@example.com"} and job["conversations"] == 8
    assert texts_of(document) == expected(platform, "c.contact_id = 2 AND c.account_id = 1")


def test_views_give_what_is_not_in_the_main_door(platform):
    assert platform.execute("SELECT count(*), count(author), min(text) FROM chat.note")[0][:2] == (300, 300)
    assert platform.value("SELECT count(*) FROM chat.event") == 300
    assert platform.execute("SELECT tags, csat_rating, csat_comment, status, assigned_agent, priority, "
                            "ended_at IS NULL, assistant_id FROM chat.conversation WHERE id IN (28, 7, 3) "
                            "ORDER BY id") == [
        ([], None, None, "open", "José Núñez", None, True, None),
        (["vip"], 3, "quick", "resolved", "José Núñez", None, False, None),
        (["billing"], 4, "quick", "resolved", "Grace Hopper", None, False, 5)]
    assert platform.execute("SELECT url LIKE 's3://UPLOADS/k%%', file_name, size, count(*) FROM chat.attachment "
                            "GROUP BY 1, 2, 3 ORDER BY 1") == [(False, None, None, 15), (True, "photo.jpg", 12345, 15)]
    assert platform.execute("SELECT name, lead_status, company, address FROM chat.contact WHERE id = 3") == [
        ("Contact 3 王", "visitor", "Company 3", "Lima")]
    assert platform.execute("SELECT id, channel_type, phone_number FROM chat.channel ORDER BY id") == [
        (1, "WHATSAPP", "+12025550123"), (2, "WEBWIDGET", None), (3, "SMS", "+12025550199")]


# The doctor on these views, small and large, with and without the indexes

def plans(report):
    return {line.text.split(":")[0]: line for line in report.of("source plan")}


def test_the_doctor_is_content(ready, service):
    report = doctor(ready, **{name: service.options[name] for name in ("storage", "listen")})
    assert report.status == 0 and {
        line.finding for line in report.lines if line.subject != "time zones"} <= {"ok"}, report.output
    assert len(plans(report)) == 13


def fresh(postgres, verbatim, name, conversations, indexes):
    database = postgres.create_database(name)
    chatwoot.create(database, conversations, contacts=conversations // 8, step="interval '1 minute'")
    chatwoot.connect(database, indexes)
    program = Program(verbatim, database.url)
    program.migrate()
    return database, program


@pytest.mark.parametrize("conversations", [300, 20000])
def test_the_doctor_misses_the_indexes(postgres, verbatim, conversations, tmp_path):
    database, program = fresh(postgres, verbatim, f"chatwoot_{conversations}", conversations, False)
    found = plans(doctor(program, storage=f"file://{tmp_path}"))
    for check in ("one channel", "a rare channel", "everything"):
        assert found[check].finding == "warning", found[check]
        assert found[check].remedy.startswith("CREATE INDEX ON conversations ("), found[check]
        assert "created_at, id)" in found[check].remedy
    # Chatwoot's own index finds those of a conversation, and a few rows are soon sorted.
    assert {found[check].finding for check in ("listed conversations", "messages")} == {"ok"}
    chatwoot_indexes = chatwoot.VIEWS.read_text().partition("COMMIT;")[2]
    database.execute(chatwoot_indexes)
    database.execute("ANALYZE")
    found = plans(doctor(program, storage=f"file://{tmp_path}"))
    assert [line for line in found.values() if line.finding != "ok"] == []


@pytest.fixture(scope="module")
def large(postgres, verbatim):
    return fresh(postgres, verbatim, "chatwoot_large", 20000, True)


def rewrite(database, *replacements):
    """The views with expressions replaced, in a schema of their own."""
    views = chatwoot.VIEWS.read_text().partition("COMMIT;")[0]
    for old, new in replacements:
        assert old in views
        views = views.replace(old, new)
    database.execute("DROP SCHEMA IF EXISTS worse CASCADE")
    database.execute(views.replace("chat.", "worse.").replace("SCHEMA chat", "SCHEMA worse") + "COMMIT;")


# Ids of two sides stay comparable: otherwise the contract itself is broken, which is told before any plan.
TEXT_IDS = [("SELECT c.id,", "SELECT c.id::text AS id,"),
            ("       m.conversation_id,", "       m.conversation_id::text AS conversation_id,"),
            ("SELECT m.id, m.conversation_id,", "SELECT m.id, m.conversation_id::text AS conversation_id,")]

# A channel of the first forty conversations alone: whoever looks for more of it walks past all others.
RARE_TEXT_CHANNEL = "(CASE WHEN c.inbox_id = 1 AND c.id > 40 THEN 2 ELSE c.inbox_id END)::text AS channel_id"


@pytest.mark.parametrize("replacements, checks", [
    (TEXT_IDS, ["listed conversations", "messages"]),
    ([("SELECT i.id,", "SELECT i.id::text AS id,"), ("c.inbox_id AS channel_id", RARE_TEXT_CHANNEL)],
     ["a rare channel"]),
    ([("c.created_at,", "c.created_at AT TIME ZONE 'UTC' AS created_at,")], ["one channel", "everything"]),
], ids=["id", "channel_id", "created_at"])
def test_the_doctor_sees_a_cast(large, tmp_path, replacements, checks):
    database, program = large
    rewrite(database, *replacements)
    found = plans(doctor(program, source_schema="worse", storage=f"file://{tmp_path}"))
    for check in checks:
        assert found[check].finding == "warning", found
        assert "casts" in found[check].remedy


def test_the_doctor_sees_a_join(large, tmp_path):
    """channel_id by way of another table: a page walks past the conversations of all other channels."""
    database, program = large
    database.execute("CREATE TABLE thread_inbox AS SELECT id AS thread_id, CASE WHEN inbox_id = 1 AND id > 40 THEN 2 "
                     "ELSE inbox_id END AS inbox_id FROM conversations;"
                     "CREATE UNIQUE INDEX ON thread_inbox (thread_id); ANALYZE thread_inbox")
    join = "FROM public.conversations c JOIN public.thread_inbox j ON j.thread_id = c.id\n"
    rewrite(database, ("c.inbox_id AS channel_id", "j.inbox_id AS channel_id"),
            ("FROM public.conversations c\n", join))
    line = plans(doctor(program, source_schema="worse", storage=f"file://{tmp_path}"))["a rare channel"]
    assert line.finding == "warning" and "joins" in line.remedy, line
