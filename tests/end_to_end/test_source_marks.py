"""Columns and relations that few platforms have: there in a file where the source has them, absent where not."""

import io
import json
import zipfile

import jsonschema
import pytest

from tests.end_to_end.test_formats import validate
from tests.lib import direct_source, pdf
from tests.lib.doctor import doctor
from tests.lib.process import wait_until
from tests.lib.source import read

EXPORTS = "/api/v1/workspace/one/exports"
RELATIONS = ["participants", "reactions", "revisions"]
MARKS, EXTRA, PARTICIPANTS, REACTIONS, REVISIONS = (1 << bit for bit in range(11, 16))

MORE = """
ALTER TABLE chat.conversation ADD title text, ADD deleted_at timestamptz, ADD extra jsonb;
ALTER TABLE chat.message ADD edited_at timestamptz, ADD deleted_at timestamp, ADD kind text, ADD reply_to text,
    ADD format text, ADD extra jsonb;
CREATE TABLE chat.participant (conversation_id text, name text, role text, contact_id text, joined_at timestamptz,
    left_at timestamptz);
CREATE TABLE chat.reaction (message_id text, conversation_id text, name text, by text, created_at timestamptz);
CREATE TABLE chat.revision (message_id text, conversation_id text, created_at timestamp, text text, editor text);
CREATE INDEX ON chat.participant (conversation_id);
CREATE INDEX ON chat.reaction (conversation_id);
CREATE INDEX ON chat.revision (conversation_id, created_at);
UPDATE chat.conversation SET title = 'Plans & <prices>', extra = '{"z": [1, 2.50, null], "a": "line\u2028end"}'
    WHERE id = 'convo123';
UPDATE chat.conversation SET deleted_at = '2024-12-04T00:00:00Z' WHERE id = 'other';
UPDATE chat.message SET edited_at = '2024-12-01T10:35:00.25Z', kind = 'form', format = 'markdown' WHERE id = 'm2';
UPDATE chat.message SET kind = 'message', reply_to = 'm1', extra = '{"tokens": 12345678901234567890}' WHERE id = 'm3';
UPDATE chat.message SET deleted_at = '2024-12-01T12:00:00' WHERE id = 'm4';
INSERT INTO chat.participant VALUES ('convo123', 'Grace', 'owner', NULL, '2024-12-01T10:31:00Z',
     '2024-12-01T11:00:00Z'),
    ('convo123', 'zoe', NULL, NULL, NULL, NULL),
    ('convo123', 'Zoe', NULL, NULL, NULL, NULL),
    ('convo123', 'John Doe', 'member', 'john', '2024-12-01T10:30:00Z', NULL),
    ('convo123', 'Later', NULL, NULL, '2999-01-01Z', NULL);
INSERT INTO chat.reaction VALUES ('m2', 'convo123', '👍', 'John Doe', '2024-12-01T10:30:09Z'),
    ('m3', 'convo123', 'eyes', NULL, NULL), ('m4', 'convo123', 'thanks', 'John Doe', '2024-12-01T10:32:00Z');
INSERT INTO chat.revision VALUES ('m2', 'convo123', '2024-12-01T10:30:05', '=How can', 'Ada'),
    ('m4', 'convo123', '2024-12-01T10:31:00', 'A secret that was taken back', 'Grace');
"""


@pytest.fixture(scope="module")
def keys(program, database):
    direct_source.make_source(database)
    return direct_source.make_keys(program)


@pytest.fixture(scope="module")
def before(keys, make_service):
    """Files of the source before it had any of this, asked for with what it may have too."""
    service = make_service(workers=1)
    asked = {"json": {"format": "json"}, "html": {"format": "html"},
             "all": {"format": "ndjson", "include": ["messages", "customer", "tags", "deleted", *RELATIONS]}}
    made = {name: export(service, keys, **each) for name, each in asked.items()}
    service.stop()
    return made


@pytest.fixture(scope="module")
def service(before, database, make_service):
    database.execute(MORE)
    return make_service(workers=1)


def export(service, keys, **specification):
    answer = service.request("POST", EXPORTS, keys["one"], json_body={
        "select": {"all": True}, "files": "single"} | specification)
    assert answer.status == 202, answer.body
    path = f"{EXPORTS}/{answer.json()['export_id']}"
    shown = wait_until(lambda: (found := service.get(path, keys["one"]).json())["status"] in ("finished", "failed")
                       and found, "the export", 120)
    assert shown["status"] == "finished", shown
    return service.get(f"{path}/download", keys["one"]).body


def lines(service, keys, *include):
    made = export(service, keys, format="ndjson", include=["messages", *include]).decode()
    found = {}
    for line in made.splitlines():
        conversation = json.loads(line)
        validate(conversation, "conversation")
        found[conversation["id"]] = conversation
    return found


def test_a_source_without_them_has_no_such_members(before):
    for conversation in json.loads(before["json"]):
        assert list(conversation)[-1] == "messages"
        assert not {"title", "extra", "deleted_at"} & set(conversation)
        assert all(list(m)[-1] == "feedback" for m in conversation["messages"])
    for line in before["all"].decode().splitlines():
        assert [json.loads(line)[name] for name in RELATIONS] == [[], [], []]


def test_columns_are_members_of_every_row(service, keys):
    found = lines(service, keys)
    assert set(found) == {"convo123", "second"}
    assert found["convo123"]["title"] == "Plans & <prices>" and found["second"]["title"] is None
    assert found["convo123"]["extra"] == {"a": "line\u2028end", "z": [1, 2.5, None]}
    assert found["second"]["extra"] is None
    messages = found["convo123"]["messages"]
    assert [m["id"] for m in messages] == ["m1", "m2", "m3"]
    names = ["edited_at", "kind", "reply_to", "format", "extra"]
    assert [[m[name] for name in names] for m in messages] == [
        [None] * 5, ["2024-12-01T10:35:00.250000+00:00", "form", None, "markdown", None],
        [None, "message", "m1", None, {"tokens": 12345678901234567890}]]
    assert not any("deleted_at" in row for row in [*found.values(), *messages])


def test_deleted_rows_are_there_when_asked_for(service, keys):
    found = lines(service, keys, "deleted", "reactions", "revisions")
    assert {id: c["deleted_at"] for id, c in found.items()} == {
        "convo123": None, "second": None, "other": "2024-12-04T00:00:00.000000+00:00"}
    assert [m["deleted_at"] for m in found["convo123"]["messages"]] == [None] * 3 + ["2024-12-01T12:00:00.000000+00:00"]
    assert [r["message_id"] for r in found["convo123"]["reactions"]] == ["m2", "m4", "m3"]
    assert [r["text"] for r in found["convo123"]["revisions"]] == ["=How can", "A secret that was taken back"]


def test_rows_of_the_relations(service, keys):
    found = lines(service, keys, *RELATIONS)
    assert found["second"]["participants"] == []
    assert [tuple(p.values()) for p in found["convo123"]["participants"]] == [
        ("2024-12-01T10:30:00.000000+00:00", "John Doe", "member", "john", None),
        ("2024-12-01T10:31:00.000000+00:00", "Grace", "owner", None, "2024-12-01T11:00:00.000000+00:00"),
        (None, "Zoe", None, None, None), (None, "zoe", None, None, None)]
    # What hung on the message that was taken back went with it.
    assert found["convo123"]["reactions"] == [
        {"created_at": "2024-12-01T10:30:09.000000+00:00", "name": "👍", "by": "John Doe", "message_id": "m2"},
        {"created_at": None, "name": "eyes", "by": None, "message_id": "m3"}]
    assert found["convo123"]["revisions"] == [
        {"created_at": "2024-12-01T10:30:05.000000+00:00", "editor": "Ada", "text": "=How can", "message_id": "m2"}]


def test_other_formats(service, keys, before, tmp_path):
    assert export(service, keys, format="html") != before["html"]
    page = export(service, keys, format="html", include=["messages", "deleted", *RELATIONS]).decode()
    for words in ("Plans &amp; &lt;prices", "edited <time>2024-12-01 10:35:00", " form", "deleted <time>",
                  " in reply to <a class=re href=#m-m1>an earlier message</a>", "</b>participant ", "</b>reaction ",
                  "</b>earlier text ", "A secret that was taken back"):
        assert words in page, words
    quiet = export(service, keys, format="html").decode()
    assert "I take over." not in quiet and "deleted <time>" not in quiet and "edited <time>" in quiet
    rows = export(service, keys, format="csv", layout="conversations", include=["messages", "participants"]).decode()
    assert [row.split(",")[0] for row in rows.splitlines()[1:]] == ["convo123", "second"]
    assert rows.splitlines()[1].split(",")[8] == "3", "the deleted message is not counted"
    archive = zipfile.ZipFile(io.BytesIO(export(service, keys, format="pdf", files="per_conversation",
                                                include=["messages", "deleted", *RELATIONS])))
    assert len(archive.namelist()) == 3
    texts = [" ".join(pdf.text(pdf.saved(tmp_path, archive.read(name))).split()) for name in archive.namelist()]
    assert sum("in reply to 1 December 2024, 10:30:00 UTC" in text for text in texts) == 1, texts


def test_preview_counts_what_is_exported(service, keys):
    def count(*include):
        body = service.request("POST", f"{EXPORTS}/preview", keys["one"], json_body={
            "select": {"all": True}, "format": "json", "include": ["messages", *include]}).json()
        return body["conversations"], body["messages"]
    assert count() == (2, 4) and count("deleted") == (3, 5)


@pytest.mark.parametrize("more", [{"format": "csv"}, {"format": "csv", "layout": "leads"}, {}])
def test_tables_cannot_tell_what_is_deleted(service, keys, more):
    answer = service.request("POST", EXPORTS, keys["one"], json_body={
        "select": {"all": True}, "include": ["messages", "deleted"]} | more)
    assert answer.status == 422 and "marks what is deleted" in answer.json()["detail"][0]["msg"]


def test_pages_of_any_size_read_the_same(service, database):
    """Many rows of every kind, some of one instant or of none, read in pieces."""
    database.execute("""
        CREATE SCHEMA many;
        CREATE VIEW many.channel AS TABLE chat.channel;
        CREATE TABLE many.conversation AS SELECT 'c' || i AS id, 'w'::text AS workspace_id, 'web'::text AS channel_id,
            to_timestamp(1780000000 + i / 3) AS created_at, CASE WHEN i % 5 = 0 THEN now() END AS deleted_at
            FROM generate_series(1, 12) i;
        CREATE TABLE many.message AS SELECT i AS id, 'c' || 1 + i % 12 AS conversation_id,
            to_timestamp(1780000000 + i / 4) AS created_at, 'inbound'::text AS direction, 'bot'::text AS speaker_type,
            'text ' || i AS text, CASE WHEN i % 7 = 0 THEN now() END AS deleted_at, nullif(i - 12, -1) AS reply_to
            FROM generate_series(1, 150) i;
        CREATE TABLE many.participant AS SELECT 'c' || 1 + i % 12 AS conversation_id, 'n' || i % 3 AS name,
            CASE WHEN i % 4 > 0 THEN to_timestamp(1780000000 + i / 9) END AS joined_at FROM generate_series(1, 90) i;
        CREATE TABLE many.reaction AS SELECT i AS message_id, 'c' || 1 + i % 12 AS conversation_id, 'r' || i % 2 AS name
            FROM generate_series(1, 150) i WHERE i % 3 > 0;
        CREATE TABLE many.revision AS SELECT i AS message_id, 'c' || 1 + i % 12 AS conversation_id,
            to_timestamp(1780000000 + i / 4) AS created_at, 'was ' || i AS text
            FROM generate_series(1, 150) i WHERE i % 2 > 0;
        CREATE INDEX ON many.conversation (channel_id, created_at, id);
        CREATE INDEX ON many.message (conversation_id, created_at, id);
        CREATE INDEX ON many.participant (conversation_id); CREATE INDEX ON many.reaction (conversation_id);
        CREATE INDEX ON many.revision (conversation_id); ANALYZE""")
    columns = MARKS | EXTRA | PARTICIPANTS | REACTIONS | REVISIONS
    kept = {"": "deleted_at IS NULL", "1": "true"}
    for deleted, condition in kept.items():
        counts = database.execute(f"""
            WITH c AS (SELECT id FROM many.conversation WHERE {condition}),
                m AS (SELECT m.id FROM many.message m JOIN c ON c.id = conversation_id WHERE {condition})
            SELECT (SELECT count(*) FROM m), (SELECT count(*) FROM many.participant JOIN c ON c.id = conversation_id),
                (SELECT count(*) FROM many.reaction JOIN m ON m.id = message_id),
                (SELECT count(*) FROM many.revision JOIN m ON m.id = message_id)""")[0]
        first = None
        for page, giant, release in ((2000, None, None), (5, 3, None), (7, 2, 1)):
            rows = [line for line in read(database.url, "many", workspace="w", channel="web", columns=columns,
                                          as_of=2_000_000_000_000_000, page=page, giant=giant, release=release,
                                          deleted=deleted or None) if line[0] in ("conversation", "message", "extra")]
            found = [sum(line[0] == "message" for line in rows), *(
                sum(line[1] == kind for line in rows) for kind in ("participant", "reaction", "revision"))]
            assert found == list(counts), (page, giant)
            first = first or rows
            assert rows == first, (page, giant, release)


def test_what_the_doctor_says(service, program, database, tmp_path):
    folder = tmp_path / "storage"
    folder.mkdir()
    said = doctor(program, storage=f"file://{folder}")
    for name in RELATIONS:
        assert f"source plan: {name}: found by an index" in said.output
    database.execute("ALTER TABLE chat.message ALTER extra TYPE json; DROP INDEX chat.reaction_conversation_id_idx;"
                     " INSERT INTO chat.reaction SELECT 'x', 'none', 'x' FROM generate_series(1, 2000);"
                     " ANALYZE chat.reaction")
    try:
        said = doctor(program, storage=f"file://{folder}")
        assert "message.extra is json but must be jsonb" in said.output
        database.execute("ALTER TABLE chat.message ALTER extra TYPE jsonb")
        said = doctor(program, storage=f"file://{folder}")
        assert "reactions: each conversation reads" in said.output, said.output
    finally:
        database.execute("ALTER TABLE chat.message ALTER extra TYPE jsonb; DELETE FROM chat.reaction WHERE name = 'x';"
                         " CREATE INDEX ON chat.reaction (conversation_id)")


def test_the_schema_takes_no_others(service, keys):
    conversation = lines(service, keys, *RELATIONS)["convo123"]
    conversation["reactions"][0]["emoji"] = "x"
    with pytest.raises(jsonschema.ValidationError):
        validate(conversation, "conversation")
