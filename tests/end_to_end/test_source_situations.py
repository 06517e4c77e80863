"""A conversation's rows are found by its id, whatever indexes, partitions and statistics the platform has."""

import pytest

from tests.lib.source import forget_statistics, plans, rows_looked_at
from tests.lib.two_platforms import START, WORKSPACE

CONVERSATIONS, MESSAGES, WANTED = 4000, 8, 100
CHANNEL = "00000000-0000-4000-8000-0000000000cc"
SELECTION = {"workspace": WORKSPACE, "channel": CHANNEL}
EVENTS = 1 << 5

ROWS = f"""
INSERT INTO message SELECT i * {MESSAGES} + j, md5('v' || i)::uuid,
    to_timestamp({START // 1_000_000} + i * 600 + j * 20), 'inbound', 'customer', 'text ' || j
    FROM generate_series(1, {CONVERSATIONS}) i, generate_series(0, {MESSAGES} - 1) j;
"""
COLUMNS = """(id bigint NOT NULL, conversation_id uuid NOT NULL, created_at timestamptz NOT NULL, direction text,
    speaker_type text, text text)"""
DAYS = "".join(f"CREATE TABLE message_{day} PARTITION OF message FOR VALUES FROM (to_timestamp("
               f"{START // 1_000_000 + day * 432_000})) TO (to_timestamp({START // 1_000_000 + (day + 1) * 432_000}));"
               for day in range(6))
LAYOUTS = {
    "table": f"CREATE TABLE message {COLUMNS};",
    "by time": f"CREATE TABLE message {COLUMNS} PARTITION BY RANGE (created_at);" + DAYS,
    "by hash": f"CREATE TABLE message {COLUMNS} PARTITION BY HASH (conversation_id);" + "".join(
        f"CREATE TABLE message_{i} PARTITION OF message FOR VALUES WITH (MODULUS 4, REMAINDER {i});" for i in range(4)),
}
VIEWS = {
    "plain": "SELECT * FROM app.message",
    "joined": """SELECT m.id, m.conversation_id, m.created_at, m.direction, m.speaker_type, m.text, c.channel_id::text
        AS sender_account FROM app.message m JOIN app.conversation c ON c.id = m.conversation_id""",
}
# Those that are wanted lie in the older half: a walk by time from one of them on is a long one.
PLATFORM = f"""
CREATE SCHEMA app; SET search_path = app;
CREATE TABLE channel (id uuid PRIMARY KEY, workspace_id uuid, name text, channel_type text, phone_number text);
INSERT INTO channel VALUES ('{CHANNEL}', '{WORKSPACE}', 'Support', 'SMS', NULL);
CREATE TABLE conversation (id uuid PRIMARY KEY, workspace_id uuid, channel_id uuid, created_at timestamptz);
INSERT INTO conversation SELECT md5('v' || i)::uuid, '{WORKSPACE}',
    CASE WHEN i <= {CONVERSATIONS // 2} AND i % {CONVERSATIONS // 2 // WANTED} = 0 THEN '{CHANNEL}'::uuid
    ELSE md5('c' || i % 7)::uuid END,
    to_timestamp({START // 1_000_000} + i * 600) FROM generate_series(1, {CONVERSATIONS}) i;
CREATE INDEX ON conversation (channel_id, created_at, id);
CREATE TABLE event (id bigint PRIMARY KEY, conversation_id uuid, created_at timestamptz, kind text);
INSERT INTO event SELECT i * 2 + j, md5('v' || i)::uuid, to_timestamp({START // 1_000_000} + i * 600 + j), 'open'
    FROM generate_series(1, {CONVERSATIONS}) i, generate_series(0, 1) j;
"""
INDEXES = {
    "of the documents": ["conversation_id, created_at, id"],
    "of one column": ["conversation_id", "created_at"],
    "of time and id": ["conversation_id", "created_at, id"],
    "all": ["conversation_id, created_at, id", "created_at, id", "created_at"],
}
# A skewed platform, or statistics of last year: as if all messages were of so many conversations.
DISTINCT = 3
SITUATIONS = [(layout, view, indexes) for layout in LAYOUTS for view in VIEWS for indexes in INDEXES
              if layout == "table" or (view == "plain" and indexes != "of one column")]


@pytest.fixture(scope="module", params=SITUATIONS, ids=lambda situation: ", ".join(situation))
def source(postgres, request):
    layout, view, indexes = request.param
    database = postgres.create_database("situation_" + "_".join(request.param).replace(" ", ""))
    database.execute(PLATFORM + LAYOUTS[layout] + ROWS)
    for table in "message", "event":
        for columns in INDEXES[indexes]:
            database.execute(f"CREATE INDEX ON app.{table} ({columns})")
    database.execute("CREATE SCHEMA chat; CREATE VIEW chat.channel AS SELECT * FROM app.channel;"
                     "CREATE VIEW chat.conversation AS SELECT * FROM app.conversation;"
                     "CREATE VIEW chat.event AS SELECT * FROM app.event;"
                     f"CREATE VIEW chat.message AS {VIEWS[view]}")
    database.execute("VACUUM ANALYZE")
    return database


@pytest.fixture(params=["fresh", "none", "wrong"])
def statistics(source, request):
    if request.param == "none":
        forget_statistics(source)
    elif request.param == "wrong":
        for (table,) in source.execute("SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p')"
                                       " AND relnamespace = 'app'::regnamespace AND relname ~ '^(message|event)'"):
            source.execute(f"ALTER TABLE {table} ALTER conversation_id"
                           f" SET (n_distinct = {DISTINCT}, n_distinct_inherited = {DISTINCT}); ANALYZE {table}")
    yield request.param
    source.execute("DO $$ DECLARE t text; BEGIN FOR t IN SELECT oid::regclass FROM pg_class WHERE relkind IN ('r', 'p')"
                   " AND relnamespace = 'app'::regnamespace AND relname ~ '^(message|event)' LOOP EXECUTE"
                   " format('ALTER TABLE %s ALTER conversation_id RESET (n_distinct, n_distinct_inherited)', t);"
                   " END LOOP; END $$; ANALYZE")


@pytest.fixture
def looked_at(source, postgres, record_property):
    """A function: rows of the table and its partitions that the plans of one export touched. The results hold it for
    each of the `wanted` rows (tools/situations.py)."""
    def look(table, wanted, **settings):
        found = rows_looked_at(plans(source, postgres, "chat", SELECTION, **settings), table + r"(?:_\d+)?")
        record_property("looked_at", found)
        record_property("wanted", wanted)
        return found
    return look


def test_messages_are_found_by_their_conversation(looked_at, statistics):
    assert looked_at("message", WANTED * MESSAGES) <= 2 * WANTED * MESSAGES


def test_the_rest_of_a_giant_is_found_by_its_conversation(looked_at, statistics):
    """Each conversation is a giant that goes on by keyset, some rows at a time."""
    assert looked_at("message", WANTED * MESSAGES, giant=3) <= 6 * WANTED * MESSAGES


def test_events_are_found_by_their_conversation(looked_at, statistics):
    assert looked_at("event", WANTED * 2, columns=EVENTS) <= 4 * WANTED * 2


# A day in the middle of what is wanted, an hour of it, and one that the statistics know nothing of.
SPANS = {"day": (86_400, 172_800), "hour": (86_400, 90_000), "future": (10**8, 10**8 + 86_400)}


@pytest.mark.parametrize("span", SPANS)
def test_a_range_of_messages_is_found_by_its_conversations(looked_at, statistics, span):
    """Whatever the planner thinks of the range: each conversation of the channel is looked up once a page at most."""
    first, end = (START + seconds * 1_000_000 for seconds in SPANS[span])
    settings = {"activity": 1, "from": first, "to": end, "as_of": START + 2 * 10**14}
    assert looked_at("conversation", WANTED, **settings) <= 4 * WANTED
    assert looked_at("message", WANTED * MESSAGES, **settings) <= 3 * WANTED * MESSAGES
