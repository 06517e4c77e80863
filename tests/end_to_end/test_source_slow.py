"""A source that takes long to look conversations up: it is told once, with the plan, and asked in another form."""

import pytest

from tests.lib.source import events, plans, read, scans
from tests.lib.two_platforms import START, WORKSPACE

CHANNEL = "00000000-0000-4000-8000-0000000000cc"
CONVERSATIONS, MESSAGES = 60, 2
SELECTION = {"workspace": WORKSPACE, "channel": CHANNEL}
EXTRAS = (1 << 4) | (1 << 5) | (1 << 6)

# The view `slow` takes its time for each message of the first page, as a server does that reads from a cold disk.
PLATFORM = f"""
CREATE SCHEMA chat; SET search_path = chat;
CREATE TABLE channel (id uuid PRIMARY KEY, workspace_id uuid, name text, channel_type text);
INSERT INTO channel VALUES ('{CHANNEL}', '{WORKSPACE}', 'Support', 'SMS');
CREATE TABLE conversation (id bigint PRIMARY KEY, workspace_id uuid, channel_id uuid, created_at timestamptz);
INSERT INTO conversation SELECT i, '{WORKSPACE}', '{CHANNEL}', to_timestamp({START // 1_000_000} + i)
    FROM generate_series(1, {CONVERSATIONS}) i;
CREATE INDEX ON conversation (channel_id, created_at, id);
CREATE TABLE message (id bigint PRIMARY KEY, conversation_id bigint, created_at timestamptz, direction text,
    speaker_type text, text text);
INSERT INTO message SELECT i * {MESSAGES} + j, i, to_timestamp({START // 1_000_000} + i + j), 'inbound', 'customer',
    'text ' || i || '.' || j FROM generate_series(1, {CONVERSATIONS}) i, generate_series(0, {MESSAGES} - 1) j;
CREATE TABLE note (id bigint PRIMARY KEY, conversation_id bigint, created_at timestamptz, author text, text text);
INSERT INTO note SELECT i, i, to_timestamp({START // 1_000_000} + i), 'A', 'n' FROM generate_series(1, 40) i;
CREATE TABLE event (id bigint PRIMARY KEY, conversation_id bigint, created_at timestamptz, kind text);
INSERT INTO event SELECT i, i / 2, to_timestamp({START // 1_000_000} + i), 'open' FROM generate_series(1, 40) i;
CREATE TABLE skill_run (conversation_id bigint, created_at timestamptz, name text);
INSERT INTO skill_run SELECT i, to_timestamp({START // 1_000_000} + i), 's' FROM generate_series(1, 40) i;
CREATE INDEX message_hash ON message USING hash (conversation_id);
CREATE SCHEMA slow;
CREATE VIEW slow.message AS SELECT m.id, m.conversation_id, m.created_at, m.direction, m.speaker_type,
    m.text || (SELECT '' FROM pg_sleep(CASE WHEN m.conversation_id <= 20 THEN 0.03 ELSE 0 END)) AS text
    FROM chat.message m;
""" + "".join(f"CREATE VIEW slow.{name} AS SELECT * FROM chat.{name};"
              for name in ("channel", "conversation", "note", "event", "skill_run"))


@pytest.fixture(scope="module")
def source(database):
    database.execute(PLATFORM)
    database.execute("VACUUM ANALYZE")
    return database


def slow_lines(lines):
    return [line for line in lines if line[0] == "slow"]


@pytest.mark.parametrize("prepared", ["on", "off"])
@pytest.mark.parametrize("settings", [{}, {"giant": 2}, {"columns": EXTRAS}, {"columns": EXTRAS, "giant": 2}])
def test_the_rows_are_the_same(source, prepared, settings):
    wanted = read(source.url, "chat", page=20, prepared=prepared, **settings, **SELECTION)
    found = read(source.url, "slow", page=20, prepared=prepared, **settings, **SELECTION)
    assert not slow_lines(wanted) and sum(line[0] == "message" for line in wanted) == CONVERSATIONS * MESSAGES
    assert [line for line in found if line[0] != "slow"] == wanted
    assert events(found) == events(wanted)


def test_it_is_told_once_and_with_the_plan(source):
    lines = slow_lines(read(source.url, "slow", page=20, **SELECTION))
    assert len(lines) == 1
    assert "of 20 conversations" in lines[0][1] and "Scan" in lines[0][1] and "verbatim doctor" in lines[0][1]


def test_a_stall_counts_as_well(source):
    """A statement that is given up half way says as much of the source as one that ended."""
    lines = read(source.url, "slow", page=CONVERSATIONS, stall=1_500_000, **SELECTION)
    assert len(slow_lines(lines)) == 1
    assert events(lines) == events(read(source.url, "chat", page=CONVERSATIONS, **SELECTION))


def test_the_other_form_takes_a_hash_index(source, postgres):
    log = plans(source, postgres, "slow", SELECTION, page=20)
    used = [index for _, index, table in scans(log) if table == "message"]
    assert used[0] != "message_hash" and used[-1] == "message_hash"
