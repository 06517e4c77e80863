"""The doctor on what hangs on conversations and messages: an index that finds it, one that finds too much, and none."""

import itertools

import pytest

from tests.lib.doctor import doctor
from tests.lib.service import Program

SOURCE = """
CREATE SCHEMA chat;
CREATE TABLE chat.channel (id {id} PRIMARY KEY, workspace_id text, name text, channel_type text);
CREATE TABLE chat.conversation (id {id} PRIMARY KEY, workspace_id text, channel_id {id}, created_at timestamptz);
CREATE TABLE chat.message (id {id} PRIMARY KEY, conversation_id {id}, created_at timestamptz, direction text,
    speaker_type text, speaker_name text, text text);
CREATE TABLE chat.note (id serial PRIMARY KEY, conversation_id {id}, created_at timestamptz, author text, text text);
CREATE TABLE chat.event (id serial PRIMARY KEY, conversation_id {id}, created_at timestamptz, kind text, actor text);
CREATE TABLE chat.skill_run (conversation_id {id}, created_at timestamptz, name text);
CREATE TABLE chat.citation (conversation_id {id}, message_id {id}, title text);
CREATE TABLE chat.attachment (id serial PRIMARY KEY, conversation_id {id}, message_id {id}, url text);
"""
IDS = {"bigint": "{}", "integer": "{}", "smallint": "{}", "uuid": "md5(({})::text)::uuid", "text": "'c' || ({})"}
OF_CONVERSATIONS = {"notes": "note", "events": "event", "skills": "skill_run"}
OF_MESSAGES = {"citations": "citation", "attachments": "attachment"}
BOTH = "(conversation_id, message_id)"


def fill(database, id, rows):
    """As many rows in each relation, ten to a conversation, each of a message of its own."""
    owner, message = IDS[id].format("k / 10"), IDS[id].format("k")
    for relation, columns in {"note": "created_at, text", "event": "created_at, kind", "skill_run": "created_at, name",
                              "citation": "message_id, title", "attachment": "message_id, url"}.items():
        second = message if columns.startswith("message_id") else "now()"
        database.execute(f"INSERT INTO chat.{relation} (conversation_id, {columns})"
                         f" SELECT {owner}, {second}, 'x' FROM generate_series(1, {rows}) AS k")
    database.execute("ANALYZE")


@pytest.fixture(scope="module")
def look(verbatim, postgres, tmp_path_factory):
    """look(id type, rows, {relation: [columns of an index, ...]}): the place, and what the doctor says of it."""
    number = itertools.count()
    folder = tmp_path_factory.mktemp("store")

    def make(id, rows, indexes):
        database = postgres.create_database(f"lookups_{next(number)}")
        program = Program(verbatim, database.url)
        program.migrate()
        database.execute(SOURCE.format(id=id))
        fill(database, id, rows)
        for relation, each in indexes.items():
            for columns in each:
                database.execute(f"CREATE INDEX ON chat.{relation} {columns}")
        return database, lambda: {line.text.split(":")[0]: line for line in
                                  doctor(program, storage=f"file://{folder}").of("source plan")}
    return make


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("rows", [20, 3000])
def test_an_index_of_the_conversation_alone(look, id, rows):
    """Enough for what is looked up once a conversation; not where it is once a message, also in a small table."""
    every = {relation: ["(conversation_id)"] for relation in (*OF_CONVERSATIONS.values(), *OF_MESSAGES.values())}
    database, lines = look(id, rows, every)
    found = lines()
    for name in OF_CONVERSATIONS:
        assert found[name].text == f"{name}: found by an index"
    for name, relation in OF_MESSAGES.items():
        assert found[name].finding == "warning"
        assert found[name].text == f"{name}: each message walks all rows of its conversation in chat.{relation}"
        remedy, _, _ = found[name].remedy.partition(", by the names")
        assert remedy == f"CREATE INDEX ON chat.{relation} {BOTH}"
        database.execute(remedy)
    assert {lines()[name].finding for name in OF_MESSAGES} == {"ok"}


@pytest.mark.parametrize("indexes, finding", [
    ([BOTH], "ok"), (["(message_id, conversation_id)", "(conversation_id)"], "ok"),
    (["(message_id)", "(conversation_id)"], "ok"), (["(message_id)"], "warning"), ([], "warning")],
    ids=["both", "turned", "two", "message", "none"])
@pytest.mark.parametrize("rows", [20, 3000])
def test_what_is_looked_up_by_message(look, indexes, finding, rows):
    """A table of less than a thousand rows may be read from end to end."""
    _, lines = look("bigint", rows, {relation: indexes for relation in OF_MESSAGES.values()})
    for name, line in ((name, lines()[name]) for name in OF_MESSAGES):
        assert line.finding == finding or (rows < 1000 and "(conversation_id)" not in indexes), line


def test_no_index_at_all(look):
    database, lines = look("bigint", 3000, {})
    for name, line in ((name, lines()[name]) for name in (*OF_CONVERSATIONS, *OF_MESSAGES)):
        assert (line.finding, "each conversation" in line.text) == ("warning", True)
        database.execute(line.remedy.partition(", by the names")[0])
    assert {lines()[name].finding for name in (*OF_CONVERSATIONS, *OF_MESSAGES)} == {"ok"}


def test_relations_that_are_not_there(look):
    database, lines = look("bigint", 20, {})
    database.execute("DROP TABLE chat.note, chat.citation")
    assert not {"notes", "citations"} & set(lines()) and {"events", "attachments"} <= set(lines())
