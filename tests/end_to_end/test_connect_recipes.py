"""The recipes of docs/connect.md: views over platforms without conversations, and without workspaces."""

import pytest

from tests.lib.source import assert_by_index, events, plans, read

# Messages of a session, and nothing else: who wrote, when, where.
PLATFORM = """
CREATE SCHEMA own; SET search_path = own;
CREATE TABLE line (id bigint PRIMARY KEY, session text, bot text, at timestamptz, mine boolean, body text);
INSERT INTO line SELECT i, 's' || i % 97, 'b' || i % 97 % 3, timestamptz '2026-03-01Z' + i * interval '37 s', i % 2 = 0,
    'line ' || i FROM generate_series(1, 6000) i;
INSERT INTO line SELECT 10000 + i, 'giant', 'b1', timestamptz '2026-03-02Z' + i * interval '1 s', i % 2 = 0, 'more'
    FROM generate_series(1, 6000) i;
CREATE TABLE bot (name text PRIMARY KEY, team text);
INSERT INTO bot SELECT 'b' || i, CASE WHEN i < 2 THEN 'red' ELSE 'blue' END FROM generate_series(0, 2) i;
CREATE INDEX by_bot ON line (bot, at, session);
CREATE INDEX by_time ON line (at, session);
CREATE INDEX by_session ON line (session, at, id);
"""
SHARED = """
CREATE VIEW channel AS SELECT name AS id, 'main'::text AS workspace_id, name, 'web'::text AS channel_type FROM own.bot;
CREATE VIEW message AS SELECT id, session AS conversation_id, at AS created_at,
    CASE WHEN mine THEN 'outbound' ELSE 'inbound' END AS direction,
    CASE WHEN mine THEN 'bot' ELSE 'customer' END AS speaker_type, body AS text FROM own.line;
"""
# The first message of a session is its conversation.
FIRST = """
CREATE SCHEMA first; SET search_path = first;
CREATE VIEW conversation AS SELECT l.session AS id, 'main'::text AS workspace_id, l.bot AS channel_id,
    l.at AS created_at FROM own.line l
    WHERE NOT EXISTS (SELECT FROM own.line e WHERE e.session = l.session AND (e.at, e.id) < (l.at, l.id));
""" + SHARED
# A small table of conversations, kept by a trigger.
KEPT = """
CREATE SCHEMA kept; SET search_path = kept;
CREATE TABLE conversation (id text PRIMARY KEY, workspace_id text NOT NULL DEFAULT 'main', channel_id text NOT NULL,
    created_at timestamptz NOT NULL);
CREATE FUNCTION begin_conversation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO kept.conversation (id, channel_id, created_at) VALUES (NEW.session, NEW.bot, NEW.at)
        ON CONFLICT (id) DO UPDATE SET created_at = EXCLUDED.created_at
        WHERE conversation.created_at > EXCLUDED.created_at;
    RETURN NULL;
END $$;
CREATE TRIGGER begin_conversation AFTER INSERT ON own.line FOR EACH ROW EXECUTE FUNCTION begin_conversation();
INSERT INTO conversation (id, channel_id, created_at)
    SELECT DISTINCT ON (session) session, bot, at FROM own.line ORDER BY session, at, id;
CREATE INDEX ON conversation (channel_id, created_at, id);
""" + SHARED
# A group is a conversation: right on any indexes, and read whole for each page.
GROUPED = """
CREATE SCHEMA grouped; SET search_path = grouped;
CREATE VIEW conversation AS SELECT session AS id, 'main'::text AS workspace_id, bot AS channel_id,
    min(at) AS created_at FROM own.line GROUP BY session, bot;
""" + SHARED
# The workspace stands in another table.
TEAMS = """
CREATE SCHEMA teams; SET search_path = teams;
CREATE VIEW channel AS SELECT name AS id, team AS workspace_id, name, 'web'::text AS channel_type FROM own.bot;
CREATE VIEW conversation AS SELECT c.id, (SELECT b.team FROM own.bot b WHERE b.name = c.channel_id) AS workspace_id,
    c.channel_id, c.created_at FROM kept.conversation c;
CREATE VIEW message AS TABLE kept.message;
"""


# Times without zone, in local time.
LOCAL = """
CREATE SCHEMA local; SET search_path = local;
CREATE TABLE thread (id bigint PRIMARY KEY, started timestamp);
INSERT INTO thread SELECT i, timestamp '2026-06-01' + i * interval '1 minute' FROM generate_series(1, 3000) i;
CREATE INDEX by_zone ON thread ((started AT TIME ZONE 'Europe/Berlin'), id);
CREATE VIEW channel AS SELECT 1 AS id, 'main'::text AS workspace_id, 'Desk'::text AS name, 'web'::text AS channel_type;
CREATE VIEW conversation AS SELECT id, 'main'::text AS workspace_id, 1 AS channel_id,
    started AT TIME ZONE 'Europe/Berlin' AS created_at FROM thread;
CREATE VIEW message AS SELECT id, id AS conversation_id, started AT TIME ZONE 'Europe/Berlin' AS created_at,
    'inbound'::text AS direction, 'customer'::text AS speaker_type, 'x'::text AS text FROM thread WHERE false;
"""


@pytest.fixture(scope="module")
def source(database):
    for sql in (PLATFORM, FIRST, KEPT, GROUPED, TEAMS, LOCAL):
        database.execute(sql)
    database.execute("ANALYZE")
    return database


def oracle(source, where="true"):
    """Ids of conversations and messages, in the order of an export."""
    rows = source.execute(f"""
        WITH c AS (SELECT session, min(at) AS at FROM own.line WHERE {where} GROUP BY session)
        SELECT c.session, array_agg(l.id::text ORDER BY l.at, l.id) FROM c JOIN own.line l USING (session)
        GROUP BY c.session, c.at ORDER BY c.at, c.session""")
    return [id_ for session, lines in rows for id_ in (session, *lines)]


def ids(source, schema, **settings):
    return [line[1] for line in events(read(source.url, schema, **settings))]


@pytest.mark.parametrize("schema", ["first", "kept", "grouped"])
def test_a_platform_without_conversations(source, schema):
    everything = oracle(source)
    assert len(everything) == 12098
    assert ids(source, schema, workspace="main") == everything
    assert ids(source, schema, workspace="main", page=7, giant=500) == everything
    assert ids(source, schema, workspace="main", channel="b1", page=9) == oracle(source, "bot = 'b1'")
    assert ids(source, schema, workspace="other") == []


def test_a_table_kept_by_a_trigger_follows(source):
    source.execute("INSERT INTO own.line VALUES (50002, 'late', 'b2', '2026-03-01T05:00:02Z', false, 'second'),"
                   " (50001, 'late', 'b2', '2026-03-01T05:00:01Z', false, 'first')")
    try:
        assert ids(source, "kept", workspace="main", channel="b2") == oracle(source, "bot = 'b2'")
    finally:
        source.execute("DELETE FROM own.line WHERE session = 'late'; DELETE FROM kept.conversation WHERE id = 'late'")


@pytest.mark.parametrize("channel", ["b1", None])
def test_first_messages_are_found_by_index(source, postgres, channel):
    selection = {"workspace": "main"} | ({"channel": channel} if channel else {})
    log = plans(source, postgres, "first", selection, page=10)
    assert_by_index(log, "line")
    assert f"using {'by_bot' if channel else 'by_time'} on line l" in log and "using by_session on line" in log


def test_a_workspace_that_is_looked_up(source):
    """By a scalar subquery; a constant is what the others have."""
    assert ids(source, "teams", workspace="red") == oracle(source, "bot IN ('b0', 'b1')")
    assert ids(source, "teams", workspace="blue", page=5) == oracle(source, "bot = 'b2'")
    assert ids(source, "teams", workspace="red", channel="b2") == []


def test_local_times_by_an_index_on_the_expression(source, postgres):
    noon = 1_780_308_000_000_000  # 2026-06-01 10:00 UTC, 12:00 in Berlin
    lines = events(read(source.url, "local", workspace="main", from_=noon))
    assert lines[0][1:3] == ["720", str(noon)] and len(lines) == 3000 - 719
    log = plans(source, postgres, "local", {"workspace": "main"}, from_=noon, page=100)
    assert "using by_zone on thread" in log
    [[twice]] = source.execute("SELECT (timestamp '2026-10-25 02:30' AT TIME ZONE 'Europe/Berlin')::text")
    assert twice == source.value("SELECT timestamptz '2026-10-25 01:30Z'::text")  # of two the later one
