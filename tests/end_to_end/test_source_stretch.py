"""A platform without any index of conversation_id: messages of a page are read by one look at all, as by COPY."""

import signal
import time

import pytest

from tests.lib.patience import LIMIT
from tests.lib.process import wait_until
from tests.lib.source import ReadFailed, events, plans, read, rows_looked_at, start
from tests.lib.two_platforms import CITATIONS, DETAILS, EXTRAS, MEDIA, NOTES_FIRST, START, WORKSPACE

CHANNEL = "00000000-0000-4000-8000-0000000000cc"
CONVERSATIONS, MESSAGES = 5000, 24
SECONDS = START // 1_000_000
SELECTION = {"workspace": WORKSPACE, "channel": CHANNEL}
PART = {"high": f"{START + 400 * 1_000_000},800"}  # 800 conversations
RELATIONS = ("channel", "conversation", "message", "note", "event", "skill_run", "citation", "attachment")

# `bare` are views whose conversation_id is computed, over the tables of `chat`, where it has its index.
PLATFORM = f"""
CREATE SCHEMA chat; SET search_path = chat;
CREATE TABLE channel (id uuid PRIMARY KEY, workspace_id uuid, name text, channel_type text);
INSERT INTO channel VALUES ('{CHANNEL}', '{WORKSPACE}', 'Support', 'SMS');
CREATE TABLE conversation (id bigint PRIMARY KEY, workspace_id uuid, channel_id uuid, created_at timestamptz);
INSERT INTO conversation SELECT i, '{WORKSPACE}', '{CHANNEL}', to_timestamp({SECONDS} + i / 2)
    FROM generate_series(1, {CONVERSATIONS}) i;
CREATE INDEX ON conversation (channel_id, created_at, id);
CREATE TABLE message (id bigint PRIMARY KEY, conversation_id bigint, created_at timestamptz, direction text,
    speaker_type text, text text);
INSERT INTO message SELECT i * {MESSAGES} + j, i, to_timestamp({SECONDS} + i + j / 3), 'inbound', 'customer',
    'text ' || i || '.' || j || repeat(' x', 40) FROM generate_series(0, {MESSAGES} - 1) j,
    generate_series(1, {CONVERSATIONS}) i WHERE j <= i % 40;
CREATE TABLE note (id uuid PRIMARY KEY, conversation_id bigint, created_at timestamptz, author text, text text);
INSERT INTO note SELECT md5('n' || i)::uuid, i / 3, to_timestamp({SECONDS} + i / 9), 'A', 'n'
    FROM generate_series(1, 2000) i;
CREATE TABLE event (id text PRIMARY KEY, conversation_id bigint, created_at timestamptz, kind text);
INSERT INTO event SELECT md5('e' || i), i / 2, to_timestamp({SECONDS} + i / 4), 'open' FROM generate_series(1, 1400) i;
CREATE TABLE skill_run (conversation_id bigint, created_at timestamptz, name text);
INSERT INTO skill_run SELECT i / 2, to_timestamp({SECONDS}), 's' || i FROM generate_series(1, 700) i;
CREATE TABLE citation (message_id bigint, conversation_id bigint, title text);
INSERT INTO citation SELECT i * {MESSAGES}, i, 't' || j FROM generate_series(1, 300) i, generate_series(1, 2) j;
CREATE TABLE attachment (id bigint PRIMARY KEY, message_id bigint, conversation_id bigint, url text);
INSERT INTO attachment SELECT i, i * {MESSAGES}, i, 'https://x/' || i FROM generate_series(1, 500) i;
CREATE SCHEMA bare; CREATE SCHEMA slow;
""" + "".join(f"CREATE INDEX ON chat.{name} (conversation_id, {rest});" for name, rest in (
    ("message", "created_at, id"), ("note", "created_at"), ("event", "created_at"), ("skill_run", "created_at"),
    ("citation", "message_id"), ("attachment", "message_id"))) + "".join(
    f"CREATE VIEW {schema}.{name} AS SELECT * FROM chat.{name};" for name in RELATIONS for schema in ("bare", "slow")
    if name != "message") + """
CREATE VIEW bare.message AS SELECT id, conversation_id + 0 AS conversation_id, created_at, direction, speaker_type, text
    FROM chat.message;
CREATE VIEW slow.message AS SELECT id, conversation_id + 0 AS conversation_id, created_at, direction, speaker_type,
    text || (SELECT '' FROM pg_sleep(CASE WHEN id > 0 THEN 60 ELSE 0 END)) AS text FROM chat.message;
"""


@pytest.fixture(scope="module")
def source(database):
    database.execute(PLATFORM)
    database.execute("VACUUM ANALYZE")
    return database


@pytest.mark.parametrize("settings", [
    {}, {"prepared": "off", "page": 100}, {"giant": 3, "page": 300}, {"columns": EXTRAS | DETAILS},
    {"columns": EXTRAS | NOTES_FIRST | CITATIONS | MEDIA, "page": 150}, {"page": 300, "release": 2000},
    {"page": 300, "stall": 30_000, "pause": "777,400000"},
    {"page": 300, "stall": 30_000, "pause": "2222,400000", "columns": EXTRAS | MEDIA}], ids=str)
def test_the_rows_are_the_same(source, settings):
    plain = {name: value for name, value in settings.items() if name not in ("release", "stall", "pause")}
    wanted = read(source.url, "chat", **plain, **PART, **SELECTION)
    found = read(source.url, "bare", **settings, **PART, **SELECTION)
    assert sum(line[0] == "conversation" for line in wanted) == 800
    assert [line for line in found if line[0] != "page"] == [line for line in wanted if line[0] != "page"]


def test_a_stretch_goes_on_from_any_place(source):
    """As a segment that another process begins again."""
    whole = events(read(source.url, "chat", **PART, **SELECTION))
    place = next(i for i, line in enumerate(whole) if line[:2] == ["conversation", "600"])
    low = f"{whole[place][2]},600"
    rest = next(i for i, line in enumerate(whole) if line[:2] == ["conversation", "601"])
    assert events(read(source.url, "bare", page=50, low=low, **PART, **SELECTION)) == whole[rest:]


def test_all_messages_are_looked_at_once_or_twice(source, postgres):
    """The first page decides about small exports and stays small; the next holds all others."""
    log = plans(source, postgres, "bare", SELECTION, page=500)
    assert rows_looked_at(log, "message") <= 2.2 * source.value("SELECT count(*) FROM chat.message")


ACTIVITY = SELECTION | {"activity": 1, "from": START + 900 * 1_000_000, "to": START + 1300 * 1_000_000,
                        "as_of": START + 10**12}


@pytest.mark.parametrize("settings", [{}, {"prepared": "off", "page": 100}, {"columns": EXTRAS | DETAILS}], ids=str)
def test_a_range_of_messages_is_the_same(source, settings):
    wanted = read(source.url, "chat", **settings, **ACTIVITY)
    assert 300 < sum(line[0] == "conversation" for line in wanted) < 600
    found = read(source.url, "bare", **settings, **ACTIVITY)
    assert [line for line in found if line[0] != "page"] == [line for line in wanted if line[0] != "page"]


def test_a_range_of_messages_is_looked_at_once_a_page(source, postgres):
    """By each conversation it would be 5,000 times. The rows of the pages are looked at as often again."""
    log = plans(source, postgres, "bare", ACTIVITY, page=1000)
    assert rows_looked_at(log, "message") <= 4.2 * source.value("SELECT count(*) FROM chat.message")
    assert "hashed SubPlan" in log


def test_no_slower_than_three_copies(source):
    """Side by side, the shortest of three each, with the messages' table read from end to end in both."""
    copy = ("COPY (SELECT c.id, m.* FROM bare.conversation c JOIN bare.message m ON m.conversation_id = c.id"
            f" WHERE c.channel_id = '{CHANNEL}' ORDER BY c.created_at, c.id, m.created_at, m.id) TO STDOUT CSV")
    copied, took = [], []
    with source.connect() as connection:
        for _ in range(3):
            begun = time.monotonic()
            with connection.cursor().copy(copy) as rows:
                count = b"".join(bytes(row) for row in rows).count(b"\n")
            copied.append(time.monotonic() - begun)
            begun = time.monotonic()
            tally = read(source.url, "bare", quiet=1, **SELECTION)[0][0]
            took.append(time.monotonic() - begun)
            assert f" messages={count} " in tally
    print(f"COPY {min(copied):.2f} s, the reader {min(took):.2f} s")
    assert min(took) < 3 * min(copied), (copied, took)


def test_a_row_that_cannot_be_read_is_named(source):
    source.execute("""CREATE SCHEMA odd; CREATE VIEW odd.channel AS SELECT * FROM chat.channel;
        CREATE VIEW odd.conversation AS SELECT * FROM chat.conversation;
        CREATE VIEW odd.message AS SELECT id, conversation_id + 0 AS conversation_id, created_at, direction,
            speaker_type, (1 / (id - 7217))::text AS text FROM chat.message""")
    with pytest.raises(ReadFailed) as failure:
        read(source.url, "odd", quiet=1, **SELECTION)
    assert str(failure.value).startswith("source: conversation 300, message 7217: "), failure.value


def test_it_can_be_called_off(source):
    reader = start(source.url, "slow", **SELECTION)
    busy = ("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'read_source' AND query LIKE '%COPY%'"
            " AND state = 'active' AND datname = current_database()")
    wait_until(lambda: source.value(busy) == 1, "the statement")
    reader.send_signal(signal.SIGTERM)
    assert reader.communicate(timeout=LIMIT)[1].startswith(b"stopped")
    wait_until(lambda: source.value(busy) == 0, "the end of the statement")


def test_an_index_is_used_where_there_is_one(source, postgres):
    log = plans(source, postgres, "chat", SELECTION, **PART)
    assert rows_looked_at(log, "message") < 2 * source.value("SELECT count(*) FROM chat.message m"
                                                             " WHERE m.conversation_id <= 800")


@pytest.mark.parametrize("schema", ["chat", "bare"])
def test_a_consumer_that_waits_after_each_conversation(source, schema):
    """Each wait ends the statement: however many there are, the next one begins where that ended."""
    part = {"high": f"{START + 50 * 1_000_000},100"}
    wanted = events(read(source.url, "chat", **part, **SELECTION))
    assert sum(line[0] == "conversation" for line in wanted) == 100
    assert events(read(source.url, schema, release=10**9, **part, **SELECTION)) == wanted
