"""The source contract: two platforms of different types, read in every cut, through faults, by index alone.

`chat`   tables with uuids and timestamptz
`legacy` views over a platform with bigint, integer and text ids, timestamps without time zone, an enum, no assistants
"""

import concurrent.futures
import hashlib
import random
import re
import time
import uuid

import pytest

from tests.lib.patience import LIMIT, Stopwatch, again_after_a_stall
from tests.lib.process import SANITIZED
from tests.lib.source import ReadFailed, assert_by_index, binary, events, forget_statistics, parse, plans, read, start

WORKSPACE = "00000000-0000-4000-8000-0000000000aa"
CHANNEL = "00000000-0000-4000-8000-000000000001"
SECOND = 1_000_000
START = 1_775_000_000 * SECOND

CHAT = f"""
CREATE SCHEMA chat; SET search_path = chat;
CREATE TABLE channel (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, name text NOT NULL, channel_type text NOT NULL,
    phone_number text);
CREATE TABLE contact (id uuid PRIMARY KEY, name text, phone text, email text);
CREATE TABLE assistant (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, name text NOT NULL);
CREATE TABLE conversation (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, channel_id uuid NOT NULL,
    created_at timestamptz NOT NULL, contact_id uuid, assistant_id uuid);
CREATE TABLE message (id uuid PRIMARY KEY, conversation_id uuid NOT NULL, created_at timestamptz, direction text,
    speaker_type text, speaker_name text, text text, media_urls text[], status text, sender_account text);
INSERT INTO channel VALUES ('{CHANNEL}', '{WORKSPACE}', 'Support', 'LOCAL', '+12025550123');
INSERT INTO contact SELECT md5('c' || i)::uuid, nullif('Contact ' || i, 'Contact 3'), '+1202' || i, NULL
    FROM generate_series(1, 40) i;
INSERT INTO assistant SELECT md5('a' || i)::uuid, '{WORKSPACE}', 'Bot ' || i FROM generate_series(1, 2) i;
-- Seconds of one to five conversations, some in the very same instant.
INSERT INTO conversation SELECT md5('v' || i)::uuid, '{WORKSPACE}',
    CASE WHEN i % 10 = 9 THEN md5('other')::uuid ELSE '{CHANNEL}' END,
    to_timestamp({START // SECOND} + i / 5 * 7) + (i * i % 3) * interval '0.2 s', md5('c' || (i % 42))::uuid,
    CASE WHEN i % 2 = 0 THEN md5('a1')::uuid END FROM generate_series(0, 599) i;
INSERT INTO message SELECT md5('m' || i || '.' || j)::uuid, md5('v' || i)::uuid,
    to_timestamp({START // SECOND} + i / 5 * 7 + j / 2), CASE WHEN j % 2 = 0 THEN 'inbound' ELSE 'outbound' END,
    CASE WHEN j % 2 = 0 THEN 'customer' ELSE 'bot' END, NULL, 'text ' || i || E' \\t\\n' || j,
    CASE WHEN j = 3 THEN ARRAY['https://x/1', NULL, 'https://x/2'] END, 'delivered', NULL
    FROM generate_series(0, 599) i, generate_series(1, 9) j WHERE j <= i % 10;
CREATE INDEX ON conversation (channel_id, created_at, id);
CREATE INDEX ON message (conversation_id, created_at, id);
"""

LEGACY = """
CREATE SCHEMA app; SET search_path = app;
CREATE TYPE author AS ENUM ('customer', 'bot', 'agent');
CREATE DOMAIN number AS bigint CHECK (VALUE > 0);
CREATE TABLE inbox (no integer PRIMARY KEY, tenant text, title varchar(80), kind char(12), phone text);
CREATE TABLE thread (no number PRIMARY KEY, tenant text, inbox_no integer, started timestamp, person smallint);
CREATE TABLE post (key text COLLATE "und-x-icu" PRIMARY KEY, thread_no bigint, posted timestamp, incoming boolean,
    author author, body varchar);
CREATE TABLE person (no integer PRIMARY KEY, first text, last text);
INSERT INTO inbox VALUES (7, 'acme', 'Desk', 'SMS', '+491'), (8, 'acme', 'Other', 'LINE', NULL);
INSERT INTO person SELECT i, 'P' || i, 'Q' FROM generate_series(1, 9) i;
INSERT INTO thread SELECT i, 'acme', 7 + (i % 20 = 0)::int, timestamp '2026-04-01' + i / 3 * interval '40 s', i % 11
    FROM generate_series(1, 1800) i;
-- Ids whose order depends on the collation, and times that are often the same.
INSERT INTO post SELECT (ARRAY['a', 'B', 'Ä', 'z', '_'])[1 + j % 5] || '"\\-''' || i || '/' || j, i,
    timestamp '2026-04-01' + i / 3 * interval '40 s' + j / 4 * interval '1 s', j % 2 = 0,
    (CASE j % 3 WHEN 0 THEN 'customer' WHEN 1 THEN 'bot' ELSE 'agent' END)::author, 'body ' || j
    FROM generate_series(1, 1800) i, generate_series(1, 10) j WHERE i % 3 > 0;
CREATE INDEX ON thread (inbox_no, started, no);
CREATE INDEX ON post (thread_no, posted, key);
CREATE SCHEMA legacy; SET search_path = legacy;
CREATE VIEW channel AS SELECT no AS id, tenant AS workspace_id, title AS name, kind AS channel_type,
    phone AS phone_number FROM app.inbox;
CREATE VIEW contact AS SELECT no AS id, first || ' ' || last AS name FROM app.person;
CREATE VIEW conversation AS SELECT no AS id, tenant AS workspace_id, inbox_no AS channel_id, started AS created_at,
    person AS contact_id FROM app.thread;
CREATE VIEW message AS SELECT key AS id, thread_no AS conversation_id, posted AS created_at,
    CASE WHEN incoming THEN 'inbound' ELSE 'outbound' END AS direction,
    author AS speaker_type, body AS text FROM app.post;
"""

CHAT_SELECTION = {"workspace": WORKSPACE, "channel": CHANNEL}
LEGACY_SELECTION = {"workspace": "acme", "channel": 7}
BOTH = pytest.mark.parametrize("schema, selection", [("chat", CHAT_SELECTION), ("legacy", LEGACY_SELECTION)])


@pytest.fixture(scope="module")
def source(database):
    assert binary().exists(), f"{binary()} is not built"
    database.execute(CHAT)
    database.execute(LEGACY)
    database.execute("ANALYZE")
    return database


def micros(column, zone=""):
    return f"(extract(epoch FROM {column}{zone}) * 1000000)::bigint::text"


def expected(source, schema, selection):
    """Ids in the order of the contract, by one plain join: the oracle."""
    zone = " AT TIME ZONE 'UTC'" if schema == "legacy" else ""
    rows = source.execute(f"""
        SELECT c.id::text, {micros('c.created_at', zone)}, m.id::text, {micros('m.created_at', zone)}
        FROM {schema}.conversation c LEFT JOIN {schema}.message m ON m.conversation_id = c.id
        WHERE c.channel_id::text = %s ORDER BY c.created_at, c.id, m.created_at, m.id""", [str(selection["channel"])])
    found, last = [], None
    for conversation, at, message, sent in rows:
        if conversation != last:
            found.append(("conversation", conversation, at))
        if message is not None:
            found.append(("message", message, sent))
        last = conversation
    return found


def unescape(text):
    return re.sub(r"\\x(..)", lambda m: chr(int(m[1], 16)), text)


def ids(lines):
    return [(line[0], unescape(line[1]), line[2]) for line in events(lines)]


@BOTH
def test_everything_in_the_order_of_the_database(source, schema, selection):
    assert ids(read(source.url, schema, **selection)) == expected(source, schema, selection)


def test_fields_of_each_type(source):
    lines = events(read(source.url, "chat", **CHAT_SELECTION))
    third = next(line for line in lines if line[0] == "message" and line[5:7] == ["\\N", "text 3 \\x09\\x0a3"])
    assert third[3:5] == ["outbound", "bot"] and third[7:] == ["delivered", "\\N", "https://x/1", "https://x/2"]
    nameless = [line for line in lines if line[0] == "conversation" and line[6] == "+12023"]
    assert nameless and all(line[5] == "\\N" and line[7] == "\\N" for line in nameless)
    assert {line[8] for line in lines if line[0] == "conversation"} == {"Bot 1", "\\N"}


def test_timestamps_without_zone_are_utc_in_any_session(source):
    elsewhere = source.url + "?options=-ctimezone%3DPacific/Auckland"
    assert read(elsewhere, "legacy", **LEGACY_SELECTION) == read(source.url, "legacy", **LEGACY_SELECTION)
    first = events(read(source.url, "legacy", **LEGACY_SELECTION))[0]
    assert first[1:3] == ["1", str(1_775_001_600 * SECOND)] and first[5] == "P1 Q"


def test_missing_optional_columns_are_null_and_told(source):
    missing = read(source.url, "legacy", contract=1)[0][0]
    assert "assistant," in missing and "message.media_urls" in missing and "contact.phone" in missing
    line = next(line for line in read(source.url, "legacy", **LEGACY_SELECTION) if line[0] == "message")
    assert line[4] in ("customer", "bot", "agent") and line[5] == "\\N" and len(line) == 9


def test_missing_required_columns_are_all_named(source):
    source.execute("CREATE SCHEMA broken; CREATE TABLE broken.conversation (id uuid, created_at timestamptz);"
                   "CREATE TABLE broken.message (id uuid, conversation_id uuid, created_at timestamptz, text text)")
    with pytest.raises(ReadFailed) as failure:
        read(source.url, "broken", contract=1)
    text = str(failure.value)
    assert text.startswith("source: ") and not failure.value.retryable
    for name in ("channel.id", "channel.workspace_id", "channel.name", "channel.channel_type",
                 "conversation.workspace_id", "conversation.channel_id", "message.direction", "message.speaker_type"):
        assert name in text
    assert "conversation.id" not in text and "phone_number" not in text


def test_wrong_types_are_named(source):
    source.execute("""CREATE SCHEMA typed; SET search_path = typed;
        CREATE TABLE channel (id numeric, workspace_id uuid, name text, channel_type text);
        CREATE TABLE conversation (id uuid, workspace_id uuid, channel_id text, created_at date);
        CREATE TABLE message (id uuid, conversation_id bigint, created_at timestamptz, direction boolean,
            speaker_type text, text text, media_urls text)""")
    with pytest.raises(ReadFailed) as failure:
        read(source.url, "typed", contract=1)
    for part in ("channel.id is numeric", "conversation.created_at is date", "message.direction is boolean",
                 "message.media_urls is text but must be text[]",
                 "message.conversation_id cannot be compared with conversation.id"):
        assert part in str(failure.value)


def test_columns_without_the_right_to_read_them_are_named(source):
    source.execute("CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA chat TO reader;"
                   "GRANT SELECT ON ALL TABLES IN SCHEMA chat TO reader; REVOKE SELECT ON chat.message FROM reader;"
                   "GRANT SELECT (id, conversation_id, created_at, direction, speaker_type) ON chat.message TO reader")
    with pytest.raises(ReadFailed, match=r"message.text \(no right to read it\)"):
        read(source.url.replace("postgres@", "reader@"), "chat", contract=1)


def test_channel_look_ups(source):
    lines = {line[0].split(": ")[0]: line[0].split(": ", 1)[1] for line in read(source.url, "legacy", contract=1)}
    by_id = lines["by id"].replace("$1", "%s").replace("$2", "%s")
    row = source.execute(by_id, ["acme", "7"])[0]
    assert row[:2] == (7, "Desk") and row[2].strip() == "SMS" and row[3] == "+491"
    assert abs(row[4] - time.time() * SECOND) < 60 * SECOND and re.fullmatch(r"\d+:\d+:[\d,]*", row[5])
    assert source.execute(lines["by phone"].replace("$1", "%s").replace("$2", "%s"), ["acme", "+491"])[0][0] == 7
    assert source.execute(by_id, ["other", "7"]) == []


@pytest.mark.parametrize("schema, id_, valid", [
    ("legacy", "7", 1), ("legacy", "-1", 1), ("legacy", "2147483648", 0), ("legacy", "007", 0), ("legacy", "7 ", 0),
    ("legacy", "x", 0), ("legacy", "-0", 0), ("chat", CHANNEL, 1), ("chat", CHANNEL[:-1], 0), ("chat", "7", 0)])
def test_only_ids_of_the_columns_type_are_sent(source, schema, id_, valid):
    assert read(source.url, schema, contract=1, channel=id_)[-1] == [f"valid: {valid}"]


@BOTH
def test_places_within_a_second_are_exact(source, schema, selection):
    lines = [line for line in read(source.url, schema, **selection) if line[0] == "conversation"]
    seconds = {}
    for line in lines:
        seconds.setdefault(int(line[2]) // SECOND, []).append((int(line[3]), int(line[4])))
    assert max(map(len, seconds.values())) > 2
    for places in seconds.values():
        assert places == [(i + 1, len(places)) for i in range(len(places))]


@BOTH
@pytest.mark.parametrize("seed", range(4))
def test_the_same_events_however_it_is_cut(source, schema, selection, seed):
    """Any pages, any stretches (also within a second), any limit, prepared or not."""
    whole = events(read(source.url, schema, **selection))
    chance = random.Random(f"{schema}{seed}")
    heads = [line for line in whole if line[0] == "conversation"]
    cuts = sorted(chance.sample(range(len(heads)), chance.randint(1, 5)))
    cursors = [None] + [f"{heads[i][2]},{unescape(heads[i][1])}" for i in cuts] + [None]
    found = []
    for low, high in zip(cursors, cursors[1:]):
        found += events(read(source.url, schema, low=low, high=high, page=chance.choice([1, 2, 3, 7, 50, 3000])
                             if schema == "chat" else chance.choice([61, 800, 5000]),
                             giant=chance.choice([None, 11, 9]) if schema == "legacy"
                             else chance.choice([None, 1, 2, 4]),
                             prepared=chance.choice(["on", "off"]), **selection))
    assert found == whole


def test_giant_conversations_go_on_by_keyset(source):
    """A limit below every conversation's size, with equal times and ids ordered by a collation."""
    to = 1_775_001_600 * SECOND + 2000 * SECOND
    whole = events(read(source.url, "legacy", to=to, **LEGACY_SELECTION))
    assert len(whole) > 900 and {"conversation"} < {line[0] for line in whole}
    for limit in (1, 3, 10):
        assert events(read(source.url, "legacy", to=to, giant=limit, page=40, **LEGACY_SELECTION)) == whole


def test_look_ahead_never_cuts_a_second(source):
    heads = [line for line in read(source.url, "chat", **CHAT_SELECTION) if line[0] == "conversation"]
    for ahead in (1, 2, 3, 4, 50, 301):
        [[word, at, id_]] = read(source.url, "chat", ahead=ahead, **CHAT_SELECTION)
        place = next(i for i, line in enumerate(heads) if line[1] == id_)
        assert word == "ahead" and place + 1 >= ahead and place - ahead < 5
        assert int(heads[place + 1][2]) // SECOND != int(at) // SECOND
    assert read(source.url, "chat", ahead=len(heads), **CHAT_SELECTION) == [["end"]]
    assert read(source.url, "chat", ahead=9999, **CHAT_SELECTION) == [["end"]]


def test_a_crowd_may_be_cut_and_its_ordinals_go_on(source):
    channel = "00000000-0000-4000-8000-000000000002"
    source.execute(f"INSERT INTO chat.conversation SELECT md5('crowd' || i)::uuid, '{WORKSPACE}', '{channel}',"
                   f" to_timestamp(1780000000) + i % 7 * interval '1 ms' FROM generate_series(1, 5000) i")
    selection = {"workspace": WORKSPACE, "channel": channel}
    [[_, at, id_]] = read(source.url, "chat", ahead=3000, **selection)
    front = events(read(source.url, "chat", high=f"{at},{id_}", page=999, **selection))
    rest = events(read(source.url, "chat", low=f"{at},{id_}", page=1000, **selection))
    assert len(front) == 3000 and [int(line[3]) for line in front + rest] == list(range(1, 5001))
    assert {line[4] for line in front + rest} == {"4097"}


def test_later_rows_are_not_read(source):
    lines = read(source.url, "chat", **CHAT_SELECTION)
    as_of = int(events(lines)[len(events(lines)) // 2][2])
    found = events(read(source.url, "chat", as_of=as_of, **CHAT_SELECTION))
    assert found and {line[0] for line in found} == {"conversation", "message"}
    assert max(int(line[2]) for line in found) <= as_of
    kept, begun = [], False
    for line in events(lines):
        if line[0] == "conversation":
            begun = int(line[2]) <= as_of
        if begun and int(line[2]) <= as_of:
            kept.append(line[1])
    assert [line[1] for line in found] == kept


def begin_writer(source, number):
    writer = source.connect()
    writer.execute("BEGIN")
    writer.execute("INSERT INTO chat.conversation SELECT md5(%s)::uuid, %s, md5('waiting')::uuid, now()",
                   [f"w{number}", WORKSPACE])
    return writer


def note_as_of(source):
    return source.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,"
                          " pg_current_snapshot()::text, md5('waiting')::uuid::text")[0]


def test_reading_waits_for_what_was_open_at_as_of(source):
    """The newest transaction is in no snapshot's list: it has to be found by its lock."""
    writer = begin_writer(source, 1)
    as_of, snapshot, channel = note_as_of(source)
    later = begin_writer(source, 2)
    reader = start(source.url, "chat", workspace=WORKSPACE, channel=channel, as_of=as_of, snapshot=snapshot)
    time.sleep(0.5)
    assert reader.poll() is None
    writer.execute("COMMIT")
    output, errors = reader.communicate(timeout=LIMIT)  # the later one is still open
    assert reader.returncode == 0, errors
    lines = parse(output.decode())
    assert [line[0] for line in lines] == ["conversation", "page"]
    later.execute("ROLLBACK")


def test_a_writer_with_thousands_of_savepoints_is_one_to_wait_for(source):
    writer = begin_writer(source, 4)
    writer.execute("CREATE TEMP TABLE written (n integer)")
    writer.execute("; ".join(f"SAVEPOINT s{n}; INSERT INTO written VALUES ({n})" for n in range(7500)))
    as_of, snapshot, channel = note_as_of(source)
    reader = start(source.url, "chat", workspace=WORKSPACE, channel=channel, as_of=as_of, snapshot=snapshot)
    time.sleep(0.5)
    assert reader.poll() is None
    writer.execute("COMMIT")
    output, errors = reader.communicate(timeout=LIMIT)
    assert reader.returncode == 0, errors
    assert str(uuid.UUID(hashlib.md5(b"w4").hexdigest())) in output.decode()


def test_waiting_ends_after_ten_seconds_and_says_so(source):
    writer = begin_writer(source, 3)
    as_of, snapshot, channel = note_as_of(source)
    watch = Stopwatch()
    lines = read(source.url, "chat", workspace=WORKSPACE, channel=channel, as_of=as_of, snapshot=snapshot)
    assert lines[0] == ["waited out"] and 9 < watch.seconds and watch.awake < 20, watch
    writer.execute("ROLLBACK")


def test_a_killed_connection_is_retryable_and_reading_again_gives_the_same(source):
    whole = events(read(source.url, "legacy", **LEGACY_SELECTION))
    reader = start(source.url, "legacy", page=5000, pause="500,4000000", flush=1, **LEGACY_SELECTION)
    killed = 0
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        ending = pool.submit(reader.communicate, timeout=LIMIT)
        while not ending.done():  # once is not enough: between two statements it is read on from there
            killed += source.value(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = 'read_source' AND state = 'active' AND query LIKE 'COPY%'")
        output, errors = ending.result()
    assert killed and reader.returncode == 1, errors
    assert re.search(rb"^(network|database_away) retryable: ", errors, re.M), errors
    given = parse(output.decode())
    assert events(given) == whole[:len(events(given))]
    assert events(read(source.url, "legacy", **LEGACY_SELECTION)) == whole


def test_a_stalled_page_is_read_on_without_repeating(source):
    whole = events(read(source.url, "legacy", **LEGACY_SELECTION))
    for rows in (1, 10, 777):
        assert events(read(source.url, "legacy", page=5000, stall=200_000, pause=f"{rows},400000",
                           **LEGACY_SELECTION)) == whole


def test_a_released_page_is_read_on_without_repeating(source):
    """The last third of the channel, since each release costs a statement."""
    heads = [line for line in read(source.url, "legacy", **LEGACY_SELECTION) if line[0] == "conversation"]
    last = heads[len(heads) // 3 * 2]
    third = LEGACY_SELECTION | {"low": f"{last[2]},{last[1]}"}
    whole = events(read(source.url, "legacy", **third))
    assert len(whole) > 3000
    for rows in (11, 300):
        assert events(read(source.url, "legacy", page=5000, giant=20, release=rows, **third)) == whole


@pytest.mark.parametrize("column, value, text", [
    ("created_at", "'infinity'", None), ("created_at", "'-infinity'", "created_at is not a time"),
    ("created_at", "NULL", "no created_at")])
def test_a_message_that_breaks_the_contract_is_named(source, column, value, text):
    """Nothing is left out silently; only what lies after as_of is not read."""
    conversation = source.value("SELECT md5('v27')::uuid::text")
    message = source.value("SELECT md5('m27.4')::uuid::text")
    old = source.execute(f"SELECT {column} FROM chat.message WHERE id = %s", [message])[0][0]
    source.execute(f"UPDATE chat.message SET {column} = {value} WHERE id = '{message}'")
    try:
        if text is None:
            assert message not in {line[1] for line in read(source.url, "chat", **CHAT_SELECTION)}
        else:
            with pytest.raises(ReadFailed, match=f"source: conversation {conversation}, message {message}: .*{text}"):
                read(source.url, "chat", **CHAT_SELECTION)
    finally:
        source.execute(f"UPDATE chat.message SET {column} = %s WHERE id = %s", [old, message])


@again_after_a_stall
def test_a_dropped_column_is_no_case_for_another_try(source):
    source.execute("DROP SCHEMA IF EXISTS moving CASCADE; CREATE SCHEMA moving;"
                   "CREATE TABLE moving.message AS TABLE chat.message;"
                   "CREATE VIEW moving.channel AS TABLE chat.channel;"
                   "CREATE VIEW moving.conversation AS TABLE chat.conversation")
    reader = start(source.url, "moving", page=1, pause="1,1500000", flush=1, **CHAT_SELECTION)
    assert reader.stdout.readline(), "its first row"
    source.execute("ALTER TABLE moving.message DROP COLUMN text")
    errors = reader.communicate(timeout=LIMIT)[1].decode()
    assert reader.returncode == 1 and errors.startswith("source: ") and "42703" in errors


def test_no_server_is_retryable(source):
    url = f"postgresql://postgres@127.0.0.1:{source.port}/no_such"
    with pytest.raises(ReadFailed) as failure:
        read(url, "chat", contract=1)
    assert failure.value.retryable


def test_through_a_transaction_pooler(source, pgbouncer):
    pooled = pgbouncer.database(source.name).url
    assert read(pooled, "chat", prepared="off", page=20, giant=3, **CHAT_SELECTION) == \
        read(source.url, "chat", page=20, giant=3, **CHAT_SELECTION)


@pytest.mark.parametrize("statistics", ["fresh", "none"])
@pytest.mark.parametrize("schema, selection, tables", [
    ("chat", CHAT_SELECTION, ("conversation", "message")), ("legacy", LEGACY_SELECTION, ("thread", "post"))])
def test_pages_are_read_by_index(source, postgres, schema, selection, tables, statistics):
    """Also through views, also where the planner knows nothing of the tables."""
    if statistics == "none":
        forget_statistics(source)
    try:
        low = f"{START + 10 * SECOND},{CHANNEL}" if schema == "chat" else f"{1_775_001_640 * SECOND},3"
        assert_by_index(plans(source, postgres, schema, selection, page=300, low=low), *tables)
        assert_by_index(plans(source, postgres, schema, selection, page=50, giant=2,
                              high=f"{START + 100 * SECOND},{CHANNEL}"
                              if schema == "chat" else f"{1_775_001_700 * SECOND},3"), *tables)
    finally:
        source.execute("ANALYZE")


def test_memory_stays_flat_over_a_giant_and_over_large_rows(source):
    """300,000 messages in one conversation; then a row of 30 MB, after which small pages cost little again."""
    channel = "00000000-0000-4000-8000-000000000003"
    source.execute(f"""INSERT INTO chat.conversation SELECT md5('g' || i)::uuid, '{WORKSPACE}', '{channel}',
            to_timestamp(1780000000 + i) FROM generate_series(1, 3) i;
        INSERT INTO chat.message SELECT gen_random_uuid(), md5('g1')::uuid, to_timestamp(1780000000 + i / 3), 'inbound',
            'customer', NULL, repeat('x', 200), NULL, NULL, NULL FROM generate_series(1, 300000) i""")
    selection = {"workspace": WORKSPACE, "channel": channel}
    tally = dict(pair.split("=") for pair in read(source.url, "chat", quiet=1, **selection)[0][0].split())
    # A MiB of rows is taken in ahead where the reader stood still for a while (VB_ROWS_KEPT); there are 60 MB of them.
    assert int(tally["messages"]) == 300_000 and int(tally["memory"]) < 64_000 + (1 << 20)
    assert SANITIZED or int(tally["rss_kib"]) < 20_000
    source.execute("INSERT INTO chat.message SELECT gen_random_uuid(), md5('g2')::uuid, to_timestamp(1780000002),"
                   " 'inbound', 'customer', NULL, repeat('y', 30000000)")
    lines = events(read(source.url, "chat", low=f"{1780000001 * SECOND},{lowest(source)}", page=1, **selection))
    assert [len(line[6]) for line in lines if line[0] == "message"] == [30_000_000]


def lowest(source):
    return source.value("SELECT md5('g1')::uuid::text")
