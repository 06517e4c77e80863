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
CREATE TABLE run (talk_id bigint, created_at timestamptz, name text);
INSERT INTO run SELECT i, to_timestamp({SECONDS} + i), j FROM generate_series(1, {CONVERSATIONS}) i,
    generate_series(1, 2) j;
CREATE SCHEMA chat;
CREATE VIEW chat.channel AS SELECT * FROM app.channel;
CREATE VIEW chat.conversation AS SELECT id, workspace_id, channel_id, created_at, rating::integer AS csat_rating
    FROM app.talk;
CREATE VIEW chat.message AS SELECT id, talk_id AS conversation_id, created_at, direction, 'customer' AS speaker_type,
    body ->> 'text' AS text FROM app.post;
CREATE VIEW chat.note AS SELECT id, talk_id AS conversation_id, created_at, body ->> 'text' AS text FROM app.note;
CREATE VIEW chat.skill_run AS SELECT talk_id AS conversation_id, created_at, name::integer::text AS name FROM app.run;
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


@pytest.fixture
def bad_run(source):
    """A skill that the view cannot read, one of two of conversation 13."""
    source.execute("UPDATE app.run SET name = 'odd' WHERE talk_id = 13 AND name = '2'")
    yield
    source.execute("UPDATE app.run SET name = '2' WHERE name = 'odd'")


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


def test_a_note_is_named(source, change):
    change("note", 9, "body", UNREADABLE)
    assert str(failure_of(source, columns=EXTRAS)).startswith("source: conversation 9, note 9: ")


def test_what_has_no_id_is_named_by_its_relation(source, bad_run):
    failed = str(failure_of(source, columns=EXTRAS))
    assert failed.startswith("source: conversation 13, skill_run: ") and "22P02" in failed


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


# --- rows that are listed instead ---

def listed(source, **settings):
    """What was read, and (conversation, message, reason) of what was left out."""
    lines = read(source.url, "chat", bad_rows="on", **SELECTION, **settings)
    return events(lines), [tuple(line[1:]) for line in lines if line[0] == "bad"]


def without(given, conversation, message=None):
    """The same lines but for a message, or for a conversation with its messages."""
    kept, owner = [], None
    for line in given:
        owner = line[1] if line[0] == "conversation" else owner
        if owner != conversation or (message and not (line[0] == "message" and line[1] == message)):
            kept.append(line)
    return kept


@pytest.mark.parametrize("settings", [
    {"prepared": "off"}, {"page": 7}, {"giant": 1}, {"giant": 2, "page": 3}, {"release": 5},
    {"columns": EXTRAS}, {"columns": MEDIA, "giant": 2}])
def test_messages_that_cannot_be_read_are_listed(source, change, settings):
    sound, none = listed(source, **settings)
    assert none == []
    odd = "created_at is not a time of the years 1 to 9999"
    unreadable = "unsupported Unicode escape sequence (SQLSTATE 22P05)"
    bad = {"m1.1": unreadable, "m5.1": "it has no created_at", "m5.2": odd, "m12.2": unreadable, "m12.3": unreadable,
           "m12.6": unreadable, "m23.5": unreadable, "m23.6": "it has no created_at", "m24.1": odd,
           f"m{CONVERSATIONS}.{MESSAGES}": unreadable}
    for message, reason in bad.items():
        if reason is unreadable:
            change("post", message, "body", UNREADABLE)
        else:
            change("post", message, "created_at", "'-infinity'" if reason is odd else "NULL")
        sound = without(sound, re.match(r"m(\d+)", message)[1], message)
    given, left_out = listed(source, **settings)
    assert given == sound
    assert sorted(left_out) == sorted((re.match(r"m(\d+)", message)[1], message, reason)
                                      for message, reason in bad.items())
    assert [int(row[0]) for row in left_out] == sorted(int(row[0]) for row in left_out)


def test_a_message_without_a_time_behind_a_limit_is_named(source, change):
    """A giant is read on from a place, which no such message is behind."""
    change("post", "m23.4", "created_at", "NULL")
    assert "conversation 23, message m23.4: it has no created_at" in str(failure_of(source, giant=2))


@pytest.mark.parametrize("bad", [(1, 2, 17, CONVERSATIONS), (5, 6, 39)])
@pytest.mark.parametrize("page", [2000, 5])
def test_conversations_that_the_view_cannot_read_are_listed(source, change, bad, page):
    sound, _ = listed(source, columns=DETAILS, page=page)
    for conversation in bad:
        change("talk", conversation, "rating", "'good'")
        sound = without(sound, str(conversation))
    given, left_out = listed(source, columns=DETAILS, page=page)
    assert given == sound
    assert left_out == [(str(conversation), "", 'invalid input syntax for type integer: "good" (SQLSTATE 22P02)')
                        for conversation in bad]


@pytest.mark.parametrize("page", [2000, 3])
def test_places_in_a_second_are_counted_with_what_is_left_out(source, change, page):
    """They name files, which are to be the same wherever an archive is cut."""
    for conversation in range(10, 16):
        change("talk", conversation, "created_at", f"to_timestamp({SECONDS} + 10)")
    sound, _ = listed(source, columns=DETAILS, page=page)
    change("talk", 12, "rating", "'good'")
    given, left_out = listed(source, columns=DETAILS, page=page)
    assert given == without(sound, "12") and [row[0] for row in left_out] == ["12"]


def test_a_note_that_breaks_the_contract_is_listed(source, change):
    sound, _ = listed(source, columns=EXTRAS)
    change("note", 9, "created_at", "'-infinity'")
    given, left_out = listed(source, columns=EXTRAS)
    assert given == sound
    assert left_out == [("9", "", "created_at of a note, an event or a skill is not a time of the years 1 to 9999")]


def notes(source, **settings):
    """(id, text) of every note that is given, in its order."""
    lines = read(source.url, "chat", bad_rows="on", columns=EXTRAS, **SELECTION, **settings)
    return [tuple(line[3:6:2]) for line in lines if line[:2] == ["extra", "note"]]


@pytest.mark.parametrize("settings", [{}, {"giant": 2}, {"page": 3, "prepared": "off"}, {"release": 3}], ids=str)
def test_notes_that_cannot_be_read_are_listed(source, change, settings):
    """Each by its id, with all others there, before it and behind it."""
    source.execute(f"INSERT INTO app.note SELECT 1000 + i, 11, to_timestamp({SECONDS} + i), '{{}}'"
                   " FROM generate_series(1, 7) i")
    try:
        events_before, none = listed(source, columns=EXTRAS, **settings)
        sound = notes(source, **settings)
        assert none == [] and len(sound) == CONVERSATIONS + 7
        for note in (1003, 1004, 30):
            change("note", note, "body", UNREADABLE)
        change("post", "m11.2", "body", UNREADABLE)
        given, left_out = listed(source, columns=EXTRAS, **settings)
        why = "unsupported Unicode escape sequence (SQLSTATE 22P05)"
        assert sorted(left_out) == [("11", "", f"note 1003: {why}"), ("11", "", f"note 1004: {why}"),
                                    ("11", "m11.2", why), ("30", "", f"note 30: {why}")]
        assert given == without(events_before, "11", "m11.2")
        assert notes(source, **settings) == [note for note in sound if note[0] not in ("1003", "1004", "30")]
    finally:
        source.execute("DELETE FROM app.note WHERE id > 1000")


def test_of_rows_without_ids_all_of_the_kind_are_left_out(source, bad_run):
    lines = read(source.url, "chat", bad_rows="on", columns=EXTRAS, **SELECTION)
    assert [line[1:] for line in lines if line[0] == "bad"] == [
        ["13", "", 'every skill_run of it: invalid input syntax for type integer: "odd" (SQLSTATE 22P02)']]
    kinds = [line[1] for line in lines if line[0] == "extra"]
    assert (kinds.count("note"), kinds.count("skill")) == (CONVERSATIONS, 2 * CONVERSATIONS - 2)


@pytest.mark.parametrize("value", ["NULL", "repeat('x', 300)"])
def test_what_cannot_be_named_still_fails(source, change, value):
    """Also where another message of the conversation is left out, by its id."""
    change("post", "m23.1", "body", UNREADABLE)
    source.execute(f"UPDATE app.post SET id = {value} WHERE id = 'm23.4'")
    try:
        assert str(failure_of(source, bad_rows="on")).startswith("source: conversation 23: a message")
    finally:
        source.execute("UPDATE app.post SET id = 'm23.4' WHERE id IS NULL OR length(id) > 255")


def test_too_many_bad_rows_are_a_broken_source(source):
    source.execute(f"INSERT INTO app.post SELECT 'b' || i, 33, to_timestamp({SECONDS}), 'inbound', '{{}}'"
                   " FROM generate_series(1, 1001) i; UPDATE app.post SET created_at = NULL WHERE id LIKE 'b%'")
    try:
        failed = failure_of(source, bad_rows="on")
        assert "more than 1000 rows in one stretch of the export cannot be read, conversation 33, message b" in str(
            failed)
        source.execute("DELETE FROM app.post WHERE id = 'b7'")
        assert len(listed(source)[1]) == 1000
    finally:
        source.execute("DELETE FROM app.post WHERE id LIKE 'b%'")


def test_texts_that_are_not_utf_8_are_listed(postgres):
    """A server of the encoding SQL_ASCII takes any bytes in, and refuses to give those that are no UTF-8."""
    with postgres.database().connect() as connection:
        connection.execute("DROP DATABASE IF EXISTS bad_rows_ascii WITH (FORCE)")
        connection.execute("CREATE DATABASE bad_rows_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C'"
                           " LC_CTYPE 'C'")
    source = postgres.database("bad_rows_ascii")
    source.execute(PLATFORM + "ALTER TABLE app.talk ADD COLUMN status text; CREATE OR REPLACE VIEW chat.conversation AS"
                   " SELECT id, workspace_id, channel_id, created_at, rating::integer AS csat_rating, status"
                   " FROM app.talk")
    sound, none = listed(source, columns=DETAILS)
    assert none == []
    source.execute(r"UPDATE app.post SET direction = E'in\xff' WHERE id = 'm23.4';"
                   r"UPDATE app.talk SET status = E'\xe4ndern' WHERE id = 9; UPDATE app.talk SET rating = E'\xe4'"
                   " WHERE id = 12")
    given, left_out = listed(source, columns=DETAILS)
    assert given == without(without(without(sound, "9"), "12"), "23", "m23.4")
    assert [row[:2] for row in left_out] == [("9", ""), ("12", ""), ("23", "m23.4")]
    assert all(row[2].startswith("invalid ") and row[2].isascii() for row in left_out)
    assert "(SQLSTATE 22021)" in left_out[0][2] and "(SQLSTATE 22021)" in left_out[2][2]
