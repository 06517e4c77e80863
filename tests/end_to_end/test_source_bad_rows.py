"""Rows that a view cannot read, or that break the contract: the job fails and names conversation and message."""

import re

import pytest

from tests.lib.source import ReadFailed, events, read
from tests.lib.two_platforms import EXTRAS, MEDIA, START, WORKSPACE

CHANNEL = "00000000-0000-4000-8000-0000000000cc"
CONVERSATIONS, MESSAGES = 40, 6
SELECTION = {"workspace": WORKSPACE, "channel": CHANNEL}
SECONDS = START // 1_000_000

# As platforms keep it that store what an API sent: texts within JSON, ratings and times as they were typed.
PLATFORM = f"""
CREATE SCHEMA app; SET search_path = app;
CREATE TABLE channel (id uuid PRIMARY KEY, workspace_id uuid, name text, channel_type text);
INSERT INTO channel VALUES ('{CHANNEL}', '{WORKSPACE}', 'Support', 'SMS');
CREATE TABLE talk (id bigint PRIMARY KEY, workspace_id uuid, channel_id uuid, created_at timestamptz, rating text);
INSERT INTO talk SELECT i, '{WORKSPACE}', '{CHANNEL}', to_timestamp({SECONDS} + i), '5'
    FROM generate_series(1, {CONVERSATIONS}) i;
CREATE INDEX ON talk (channel_id, created_at, id);
CREATE TABLE post (id text, talk_id bigint, created_at timestamptz, direction text, body json);
INSERT INTO post SELECT 'm' || i || '.' || j, i, to_timestamp({SECONDS} + i + j), 'inbound',
    json_build_object('text', 'text ' || i || '.' || j)
    FROM generate_series(1, {CONVERSATIONS}) i, generate_series(1, {MESSAGES}) j;
CREATE INDEX ON post (talk_id, created_at, id);
CREATE TABLE note (id bigint PRIMARY KEY, talk_id bigint, created_at timestamptz, body json);
INSERT INTO note SELECT i, i, to_timestamp({SECONDS} + i), '{{"text": "n"}}' FROM generate_series(1, {CONVERSATIONS}) i;
CREATE SCHEMA chat;
CREATE VIEW chat.channel AS SELECT * FROM app.channel;
CREATE VIEW chat.conversation AS SELECT id, workspace_id, channel_id, created_at, rating::integer AS csat_rating
    FROM app.talk;
CREATE VIEW chat.message AS SELECT id, talk_id AS conversation_id, created_at, direction, 'customer' AS speaker_type,
    body ->> 'text' AS text FROM app.post;
CREATE VIEW chat.note AS SELECT id, talk_id AS conversation_id, created_at, body ->> 'text' AS text FROM app.note;
"""
UNREADABLE = """'{"text": "a \\u0000 b"}'"""
DETAILS = 1 << 1


@pytest.fixture(scope="module")
def source(database):
    database.execute(PLATFORM)
    database.execute("VACUUM ANALYZE")
    return database


@pytest.fixture
def change(source):
    """change(table, key, column, value): of one row, until the end of the test."""
    undo = []

    def make(table, key, column, value):
        old = source.execute(f"SELECT {column}::text FROM app.{table} WHERE id = %s", [key])[0][0]
        undo.append((table, value if column == "id" else key, column, old))
        source.execute(f"UPDATE app.{table} SET {column} = {value} WHERE id = %s", [key])
    yield make
    for table, key, column, old in reversed(undo):
        type_ = source.value("SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = %s::regclass"
                             " AND attname = %s", [f"app.{table}", column])
        where = f"id = {key}" if column == "id" else "id = %s"
        source.execute(f"UPDATE app.{table} SET {column} = %s::{type_} WHERE {where}",
                       [old] if column == "id" else [old, key])


def failure_of(source, **settings):
    with pytest.raises(ReadFailed) as failure:
        read(source.url, "chat", **SELECTION, **settings)
    assert not failure.value.retryable
    return failure.value


@pytest.mark.parametrize("message, settings", [
    ("m23.4", {}), ("m1.1", {"prepared": "off"}), (f"m{CONVERSATIONS}.{MESSAGES}", {"page": 7}),
    ("m23.4", {"giant": 2}), ("m9.1", {"columns": EXTRAS}),
    ("m23.5", {"columns": MEDIA, "giant": 3, "prepared": "off"})])
def test_a_text_that_the_view_cannot_read_is_named(source, change, message, settings):
    change("post", message, "body", UNREADABLE)
    failed = failure_of(source, **settings)
    conversation = re.match(r"m(\d+)", message)[1]
    assert str(failed).startswith(f"source: conversation {conversation}, message {message}: "), failed
    assert "22P05" in str(failed)
    # What stood before it was given, once and in its order.
    given = events(failed.partial)
    heads = [line[1] for line in given if line[0] == "conversation"]
    assert heads == [str(i) for i in range(1, len(heads) + 1)]
    sent = [line[1] for line in given if line[0] == "message"]
    assert len(sent) == len(set(sent))
    assert heads[-1] == conversation


def test_of_several_the_first_is_named(source, change):
    for message in ("m30.2", "m12.5", "m12.6"):
        change("post", message, "body", UNREADABLE)
    assert "conversation 12, message m12.5: " in str(failure_of(source))


def test_a_note_is_named_by_its_conversation(source, change):
    change("note", 9, "body", UNREADABLE)
    assert str(failure_of(source, columns=EXTRAS)).startswith("source: conversation 9: ")


@pytest.mark.parametrize("conversation, page", [(1, 2000), (17, 2000), (17, 1), (CONVERSATIONS, 5)])
def test_a_conversation_that_the_view_cannot_read_is_named(source, change, conversation, page):
    change("talk", conversation, "rating", "'good'")
    failed = failure_of(source, columns=DETAILS, page=page)
    assert str(failed).startswith(f"source: conversation {conversation}: "), failed
    assert "22P02" in str(failed)


@pytest.mark.parametrize("column, value, words", [
    ("created_at", "NULL", "message m23.4: it has no created_at"),
    ("created_at", "'-infinity'", "message m23.4: created_at is not a time of the years 1 to 9999"),
    ("id", "repeat('x', 300)", "a message's id of 300 bytes is longer than 255 (" + "x" * 64 + "...)"),
    ("id", "NULL", "a message has no id")])
def test_a_message_that_breaks_the_contract_is_named(source, change, column, value, words):
    if value == "NULL" and column == "id":
        source.execute("UPDATE app.post SET id = NULL WHERE id = 'm23.4'")
    else:
        change("post", "m23.4", column, value)
    try:
        text = str(failure_of(source))
    finally:
        source.execute("UPDATE app.post SET id = 'm23.4' WHERE id IS NULL")
    joint = ", " if words.startswith("message") else ": "
    assert text.startswith(f"source: conversation 23{joint}{words}"), text


def test_a_refusal_of_the_source_is_no_row_that_is_to_blame(source):
    """A function that is not there any more fails each statement alike: no search, no name."""
    source.execute("""CREATE FUNCTION app.shout(text) RETURNS text LANGUAGE plpgsql AS
        $$ BEGIN RETURN app.upper_case($1); END $$;
        CREATE SCHEMA loud; CREATE VIEW loud.channel AS SELECT * FROM app.channel;
        CREATE VIEW loud.conversation AS SELECT * FROM chat.conversation;
        CREATE VIEW loud.message AS SELECT id, conversation_id, created_at, direction, speaker_type,
            app.shout(text) AS text FROM chat.message""")
    with pytest.raises(ReadFailed) as failure:
        read(source.url, "loud", **SELECTION)
    assert "42883" in str(failure.value) and "conversation 1" not in str(failure.value)


@pytest.mark.parametrize("giant", [1, 2, 5, 100])
def test_messages_that_share_id_and_time_are_all_read(source, giant):
    """Question and answer of one row of the platform, wherever the limit of a statement falls."""
    source.execute(f"CREATE TABLE app.pair AS SELECT * FROM app.talk WHERE id = 1;"
                   f"UPDATE app.pair SET id = 1000, channel_id = md5('pair')::uuid;"
                   f"INSERT INTO app.talk SELECT * FROM app.pair; DROP TABLE app.pair;"
                   f"INSERT INTO app.post SELECT 'p' || i / 3, 1000, to_timestamp({SECONDS} + i / 6), 'inbound',"
                   f" json_build_object('text', i) FROM generate_series(0, 29) i")
    try:
        lines = read(source.url, "chat", workspace=WORKSPACE, channel=source.value("SELECT md5('pair')::uuid::text"),
                     giant=giant)
        texts = [int(line[6]) for line in lines if line[0] == "message"]
        assert sorted(texts) == list(range(30)) and [text // 3 for text in texts] == [i // 3 for i in range(30)]
        stalled = read(source.url, "chat", workspace=WORKSPACE, giant=giant, release=4,
                       channel=source.value("SELECT md5('pair')::uuid::text"))
        assert sorted(int(line[6]) for line in stalled if line[0] == "message") == list(range(30))
    finally:
        source.execute("DELETE FROM app.post WHERE talk_id = 1000; DELETE FROM app.talk WHERE id = 1000")
