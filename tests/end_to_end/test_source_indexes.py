"""How a source is read whose indexes are the platform's own: of one column each; and views with an order inside."""

import time

import pytest

from tests.lib.source import plans, read, rows_looked_at
from tests.lib.two_platforms import START, WORKSPACE

CONVERSATIONS, MESSAGES = 6000, 8
WANTED = 200
CHANNEL = "00000000-0000-4000-8000-0000000000cc"

# As many conversations of other channels beside those that are read as a platform of some size has.
PLATFORM = f"""
CREATE SCHEMA app; SET search_path = app;
CREATE TABLE channel (id uuid PRIMARY KEY, workspace_id uuid, name text, channel_type text, phone_number text);
INSERT INTO channel VALUES ('{CHANNEL}', '{WORKSPACE}', 'Support', 'SMS', NULL);
CREATE TABLE conversation (id bigint PRIMARY KEY, workspace_id uuid, channel_id uuid, created_at timestamptz);
INSERT INTO conversation SELECT i, '{WORKSPACE}', CASE WHEN i % {CONVERSATIONS // WANTED} = 0 THEN '{CHANNEL}'::uuid
    ELSE md5('c' || i % 7)::uuid END, to_timestamp({START // 1_000_000} + i * 60)
    FROM generate_series(1, {CONVERSATIONS}) i;
CREATE TABLE message (id bigint PRIMARY KEY, conversation_id bigint, created_at timestamptz, direction text,
    speaker_type text, text text);
INSERT INTO message SELECT i * {MESSAGES} + j, i, to_timestamp({START // 1_000_000} + i * 60 + j * 20), 'inbound',
    'customer', 'text ' || j FROM generate_series(1, {CONVERSATIONS}) i, generate_series(0, {MESSAGES} - 1) j;
CREATE TABLE attachment (id bigint PRIMARY KEY, message_id bigint, url text);
INSERT INTO attachment SELECT i, i * 10, 'https://x/' || i FROM generate_series(1, {CONVERSATIONS}) i;
CREATE INDEX ON attachment (message_id);
CREATE INDEX ON conversation (channel_id, created_at, id);
CREATE TABLE event (id bigint PRIMARY KEY, conversation_id bigint, created_at timestamptz, kind text);
INSERT INTO event SELECT i * 2 + j, i, to_timestamp({START // 1_000_000} + i * 60 + j), 'open'
    FROM generate_series(1, {CONVERSATIONS}) i, generate_series(0, 1) j;
"""
SINGLE = ("CREATE INDEX ON {0} (conversation_id); CREATE INDEX ON {0} (created_at);")
COMPOSITE = ("CREATE INDEX ON {0} (conversation_id, created_at, id);")
VIEWS = """
CREATE SCHEMA chat;
CREATE VIEW chat.channel AS SELECT * FROM app.channel;
CREATE VIEW chat.conversation AS SELECT * FROM app.conversation;
CREATE VIEW chat.event AS SELECT * FROM app.event;
"""
PLAIN = "CREATE VIEW chat.message AS SELECT * FROM app.message"
# As examples/chatwoot.sql and docs/connect.md write them.
ORDERED = """CREATE VIEW chat.message AS SELECT m.*,
    ARRAY(SELECT a.url FROM app.attachment a WHERE a.message_id = m.id ORDER BY a.id) AS media_urls,
    (SELECT a.url FROM app.attachment a WHERE a.message_id = m.id ORDER BY a.id DESC LIMIT 1) AS status
    FROM app.message m"""
SELECTION = {"workspace": WORKSPACE, "channel": CHANNEL}
EVENTS = 1 << 5


@pytest.fixture(scope="module")
def sources(postgres):
    """The same rows, by the index that the documentation asks for and by two of one column; and views of both kinds."""
    found = {}
    for indexes, text in ("composite", COMPOSITE), ("single", SINGLE):
        for view, sql in ("plain", PLAIN), ("ordered", ORDERED):
            database = postgres.create_database(f"indexes_{indexes}_{view}")
            database.execute(PLATFORM + "".join(text.format(name) for name in ("app.message", "app.event")))
            database.execute(VIEWS + sql)
            database.execute("VACUUM ANALYZE")
            found[indexes, view] = database
    return found


def looked_at(database, postgres, table, **settings):
    """Rows of a table that one export looked at: all plans, subqueries and walks."""
    return rows_looked_at(plans(database, postgres, "chat", SELECTION, **settings), table)


@pytest.mark.parametrize("prepared", ["on", "off"])
@pytest.mark.parametrize("view", ["plain", "ordered"])
@pytest.mark.parametrize("indexes", ["composite", "single"])
def test_each_message_is_looked_at_once(sources, postgres, indexes, view, prepared):
    database = sources[indexes, view]
    assert 0 < looked_at(database, postgres, "message", prepared=prepared) <= 2 * WANTED * MESSAGES


@pytest.mark.parametrize("indexes", ["composite", "single"])
def test_events_of_a_conversation_are_found_by_it(sources, postgres, indexes):
    database = sources[indexes, "plain"]
    assert 0 < looked_at(database, postgres, "event", columns=EVENTS) <= 4 * WANTED * 2


@pytest.mark.parametrize("indexes", ["composite", "single"])
def test_an_order_within_a_view_walks_no_other_index(sources, postgres, indexes):
    """A row or two is sorted, rather than all attachments read in the order of their keys for each message."""
    assert looked_at(sources[indexes, "ordered"], postgres, "attachment") <= 4 * WANTED * MESSAGES


def seconds(database):
    """The shortest of three, so that a stranger's load is not what is measured."""
    took = []
    for _ in range(3):
        start = time.monotonic()
        lines = read(database.url, "chat", **SELECTION)
        took.append(time.monotonic() - start)
        assert sum(line[0] == "message" for line in lines) == WANTED * MESSAGES
    return min(took)


@pytest.mark.parametrize("view", ["plain", "ordered"])
def test_indexes_of_one_column_cost_no_multiple_of_the_platform(sources, view):
    assert seconds(sources["single", view]) < 20 * seconds(sources["composite", "plain"])
