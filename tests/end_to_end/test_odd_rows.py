"""Rows that exports leave out, double or show with empty fields: what the doctor and a preview say of them, and times
that stand for none."""

import csv
import io
import json
import urllib.request

import pytest

from tests.lib.doctor import doctor
from tests.lib.process import wait_until
from tests.lib.service import Program, Service

SOURCE = """
CREATE SCHEMA chat; SET search_path = chat;
CREATE TABLE channel (id integer PRIMARY KEY, workspace_id text, name text, channel_type text);
CREATE TABLE contact (id integer PRIMARY KEY, name text);
CREATE TABLE conversation (id text, workspace_id text, channel_id integer, created_at timestamptz, ended_at timestamptz,
    contact_id integer);
CREATE TABLE message (id text, conversation_id text, created_at timestamptz, direction text, speaker_type text,
    text text);
INSERT INTO channel VALUES (1, 'w', 'Desk', 'SMS');
INSERT INTO contact VALUES (1, 'Ann');
INSERT INTO conversation SELECT 'c' || i, 'w', 1, timestamptz '2026-02-01Z' + i * interval '1 hour', NULL, 1
    FROM generate_series(1, 50) i;
INSERT INTO message SELECT 'm' || j, 'c' || i, timestamptz '2026-02-01Z' + i * interval '1 hour', 'inbound', 'customer',
    'x' FROM generate_series(1, 50) i, generate_series(1, 3) j;
"""
PREVIEW = "/api/v1/workspace/one/exports/preview"


@pytest.fixture(scope="module")
def place(verbatim, postgres, tmp_path_factory):
    """The source, and a program that reads it."""
    database = postgres.create_database("odd_rows")
    program = Program(verbatim, database.url)
    program.migrate()
    database.execute(SOURCE)
    program.run("workspace", "set", "one", "--source-id", "w", "--time-zone", "America/New_York")
    return database, program, tmp_path_factory.mktemp("store")


@pytest.fixture
def rows(place):
    """The place, its rows as they were at first again afterwards."""
    database = place[0]
    database.execute("CREATE TABLE chat.c AS TABLE chat.conversation; CREATE TABLE chat.m AS TABLE chat.message")
    yield place
    database.execute("TRUNCATE chat.conversation, chat.message; INSERT INTO chat.conversation TABLE chat.c;"
                     "INSERT INTO chat.message TABLE chat.m; DROP TABLE chat.c, chat.m")


def told(place, **options):
    database, program, folder = place
    return doctor(program, storage=f"file://{folder}", **options).of("source rows")


def test_a_source_without_such_rows(place):
    [line] = told(place)
    assert (line.finding, line.text) == ("ok", "nothing seen that an export would leave out or double")


@pytest.mark.parametrize("change, text", [
    ("UPDATE chat.conversation SET created_at = NULL WHERE id IN ('c7', 'c9')",
     "2 of 50 conversations have no created_at, so no export holds them, c7 for one"),
    ("UPDATE chat.conversation SET created_at = '-infinity' WHERE id = 'c7'",
     "1 of 50 conversations have a created_at before the year 1, so no export holds them, c7 for one"),
    ("UPDATE chat.conversation SET created_at = '4000-01-01 BC' WHERE id = 'c8'",
     "1 of 50 conversations have a created_at before the year 1, so no export holds them, c8 for one"),
    ("UPDATE chat.conversation SET created_at = 'infinity' WHERE id = 'c7'",
     "1 of 50 conversations have a created_at in the future, so no export holds them yet, c7 for one"),
    ("UPDATE chat.conversation SET created_at = to_timestamp(1769904000000) WHERE id = 'c7'",
     "1 of 50 conversations have a created_at in the future, so no export holds them yet, c7 for one"),
    ("INSERT INTO chat.conversation SELECT * FROM chat.conversation WHERE id = 'c7'",
     "1 of 51 conversations share their id with another, so they are exported as often, c7 for one"),
    ("UPDATE chat.conversation SET channel_id = 5 WHERE id = 'c7'",
     "1 of 50 conversations have a channel_id that no channel has, c7 for one"),
    ("UPDATE chat.conversation SET contact_id = 5 WHERE id IN ('c7', 'c8', 'c9')",
     "3 of 50 conversations have a contact_id that no contact has, c7 for one"),
    ("UPDATE chat.message SET created_at = NULL WHERE id = 'm2' AND conversation_id = 'c7'",
     "1 of 150 messages have no created_at, and an export of their conversation fails, m2 for one"),
    ("UPDATE chat.message SET created_at = '0300-01-01 BC' WHERE id = 'm2' AND conversation_id = 'c7'",
     "1 of 150 messages have a created_at before the year 1, and an export of their conversation fails, m2 for one"),
    ("UPDATE chat.message SET created_at = now() + interval '2 hours' WHERE id = 'm2' AND conversation_id = 'c7'",
     "1 of 150 messages have a created_at in the future, so no export holds them yet, m2 for one"),
    ("UPDATE chat.message SET direction = NULL WHERE id = 'm2'", "50 of 150 messages have no direction, m2 for one"),
    ("UPDATE chat.message SET direction = 'in' WHERE id = 'm2'",
     "50 of 150 messages have a direction that is neither inbound nor outbound, m2 for one"),
    ("UPDATE chat.message SET speaker_type = NULL WHERE id = 'm2'",
     "50 of 150 messages have no speaker_type, m2 for one"),
    ("UPDATE chat.message SET speaker_type = 'Agent' WHERE id = 'm2'",
     "50 of 150 messages have a speaker_type that is none of bot, agent and customer, m2 for one"),
])
def test_each_kind_is_counted_by_itself(rows, change, text):
    rows[0].execute(change)
    [line] = told(rows)
    assert (line.finding, line.text) == ("warning", text)


def test_where_bad_rows_are_listed_no_export_fails_by_them(rows):
    rows[0].execute("UPDATE chat.message SET created_at = NULL WHERE id = 'm1' AND conversation_id = 'c7';"
                    "UPDATE chat.message SET created_at = '-infinity' WHERE id = 'm2' AND conversation_id = 'c7'")
    assert [line.text for line in told(rows, on_bad_row="list")] == [
        "1 of 150 messages have no created_at, and are left out and listed, m1 for one",
        "1 of 150 messages have a created_at before the year 1, and are left out and listed, m2 for one"]


def test_repeated_ids_of_messages(rows):
    """A giant behind the first rows of the table, whose second half has the ids of its first."""
    rows[0].execute("UPDATE chat.message SET conversation_id = 'c7', id = 'same' WHERE conversation_id = 'c7';"
                    "INSERT INTO chat.message SELECT 'g' || i % 30000, 'c8', '2026-02-03Z', 'inbound', 'bot', 'y'"
                    " FROM generate_series(1, 60000) i")
    assert [line.text for line in told(rows)] == [
        "1 of 20000 messages share their id with another of their conversation, same for one",
        "30000 of 60003 messages of the longest conversation seen share their id with another, g0 for one"]


def test_a_view_that_takes_too_long_is_given_up(place):
    database, program, folder = place
    database.execute("CREATE SCHEMA slow; CREATE VIEW slow.channel AS TABLE chat.channel;"
                     "CREATE VIEW slow.conversation AS TABLE chat.conversation; CREATE VIEW slow.message AS"
                     " SELECT id, conversation_id, created_at, direction || pg_sleep(0.1) AS direction, speaker_type,"
                     " text FROM chat.message")
    lines = doctor(program, storage=f"file://{folder}", source_schema="slow").of("source rows")
    assert [(line.finding, line.text) for line in lines] == [
        ("ok", "3 of 7 looks at the rows found no end in their time, and were given up")]


def test_a_preview_counts_conversations_that_no_export_holds(rows, tmp_path):
    database, program, folder = rows
    key = program.key("one")
    with Service(program, tmp_path, workers=0, storage=f"file://{folder}") as service:
        def without_time(body):
            answer = service.request("POST", PREVIEW, key, json_body=body)
            return answer.json()["conversations"], answer.json()["conversations_without_time"]
        day = {"select": {"channel_id": "1"}, "filter": {"from": "2026-02-01", "to": "2026-02-01"}}
        before, none = without_time(day)
        assert 0 < before < 50 and none == 0
        database.execute("UPDATE chat.conversation SET created_at = NULL WHERE id IN ('c40', 'c41');"
                         "UPDATE chat.conversation SET created_at = 'infinity' WHERE id = 'c42';"
                         "UPDATE chat.conversation SET created_at = '0044-03-15 BC' WHERE id = 'c43';"
                         "UPDATE chat.conversation SET created_at = '2100-01-01' WHERE id = 'c44'")
        assert without_time(day) == (before, 4)
        assert without_time({"select": {"all": True}}) == (45, 4)
        assert without_time({"select": {"conversation_ids": ["c1", "c41"]}}) == (1, 1)


@pytest.fixture(scope="module")
def exports(place, tmp_path_factory):
    """exports(body): the bytes of an export of the workspace's conversations."""
    database, program, folder = place
    key = program.key("one")
    with Service(program, tmp_path_factory.mktemp("exports"), storage=f"file://{folder}") as service:
        def export(**body):
            path = "/api/v1/workspace/one/exports"
            answer = service.request("POST", path, key, json_body={"select": {"all": True}, "files": "single"} | body)
            assert answer.status == 202, answer.body

            def ended():
                found = service.get(f"{path}/{answer.json()['export_id']}", key).json()
                return found if found["status"] in ("finished", "failed") else None
            done = wait_until(ended, "the export", seconds=60)
            assert done["status"] == "finished", done["error_message"]
            with urllib.request.urlopen(done["download_url"]) as file:
                return file.read()
        yield export


NO_END = ["infinity", "-infinity", "0001-01-01 00:00:00Z", "0300-01-01 BC", "9999-12-31 23:59:59Z", "9999-12-31",
          "12026-01-01"]


@pytest.mark.parametrize("format, layout", [("ndjson", None), ("csv", "conversations"), ("csv", "leads")])
def test_an_end_that_is_no_time_is_empty(rows, exports, format, layout):
    for number, end in enumerate(NO_END, 1):
        rows[0].execute("UPDATE chat.conversation SET ended_at = %s WHERE id = %s", [end, f"c{number}"])
    rows[0].execute("UPDATE chat.conversation SET ended_at = '2026-02-03Z' WHERE id = 'c20'")
    text = exports(format=format, **({"layout": layout} if layout else {})).decode()
    rows_of = map(json.loads, text.splitlines()) if format == "ndjson" else csv.DictReader(io.StringIO(text))
    ends = {row["id" if format == "ndjson" else "conversation_id"]: row["ended_at"] for row in rows_of}
    assert {id_ for id_, end in ends.items() if end} == {"c20"} and len(ends) == 50
    completed = exports(format="ndjson", filter={"completed_only": True}).decode()
    assert [json.loads(line)["id"] for line in completed.splitlines()] == ["c20"]
