"""The doctor on a platform without indexes: each advice is a statement in the platform's own words, and a cure."""

import pytest

from tests.lib.doctor import doctor
from tests.lib.service import Program

# A team chat: a message belongs to its thread's first one, times are milliseconds, people are looked up by their chat.
PLATFORM = """
CREATE SCHEMA app;
CREATE TABLE app.room (id text PRIMARY KEY, team text, title text);
INSERT INTO app.room SELECT 'r' || i, 'acme', 'Room ' || i FROM generate_series(1, 5) i;
CREATE TABLE app.thread (no bigint, team text, room text, "startedAt" timestamptz, chat text);
INSERT INTO app.thread SELECT i, 'acme', 'r' || 1 + i % 5, timestamptz '2026-04-01' + i * interval '1 min', 'c' || i
    FROM generate_series(1, 4000) i;
CREATE TABLE app.post (id text, root bigint, thread bigint, createat bigint, body text);
INSERT INTO app.post SELECT 'p' || i || '.' || j, CASE WHEN j = 0 THEN 0 ELSE i END, CASE WHEN j = 0 THEN i ELSE 0 END,
    1775001600000 + i * 60000 + j, 'x' FROM generate_series(1, 4000) i, generate_series(0, 2) j;
CREATE TABLE app.lead (chatid text, name text);
INSERT INTO app.lead SELECT 'c' || i, 'Lead ' || i FROM generate_series(1, 4000) i;
CREATE TABLE app.mood (no bigint, rating integer);
INSERT INTO app.mood SELECT i, 1 + i % 5 FROM generate_series(1, 4000) i;
CREATE SCHEMA chat;
CREATE VIEW chat.channel AS SELECT id, team AS workspace_id, title AS name, 'CHAT' AS channel_type FROM app.room;
CREATE VIEW chat.contact AS SELECT chatid AS id, name FROM app.lead;
CREATE VIEW chat.conversation AS SELECT no AS id, team AS workspace_id, room AS channel_id, "startedAt" AS created_at,
    chat AS contact_id, (SELECT m.rating FROM app.mood m WHERE m.no = t.no) AS csat_rating FROM app.thread t;
CREATE VIEW chat.message AS SELECT id, coalesce(nullif(root, 0), thread) AS conversation_id,
    to_timestamp(createat / 1000.0) AS created_at, 'inbound' AS direction, 'agent' AS speaker_type, body AS text
    FROM app.post;
"""


@pytest.fixture(scope="module")
def look(postgres, verbatim, tmp_path_factory):
    database = postgres.create_database("doctor_plans")
    database.execute(PLATFORM)
    database.execute("ANALYZE")
    program = Program(verbatim, database.url)
    program.migrate()
    folder = tmp_path_factory.mktemp("store")

    def plans():
        return {line.text.split(":")[0]: line for line in
                doctor(program, storage=f"file://{folder}").of("source plan")}
    return database, plans


def test_advice_is_a_statement_that_helps(look):
    database, plans = look
    found = plans()
    assert not [name for name in found if "notes" in name]  # this platform has none
    assert found["messages"].text == "messages: each page reads all of app.post, for want of an index"
    assert found["messages"].remedy.startswith("CREATE INDEX ON app.post ((COALESCE(NULLIF(root, "), found["messages"]
    assert found["one channel"].remedy.startswith('CREATE INDEX ON app.thread (room, "startedAt", no); or')
    said = set()
    for _ in range(6):
        bad = [line for line in plans().values() if line.finding != "ok"]
        for line in bad:
            statement = line.remedy.partition("; or let")[0]
            if line.text.startswith("conversations with details") and "app.mood" in line.text:
                assert statement == "index app.mood by what the view looks its rows up by"
                statement = "CREATE INDEX ON app.mood (no)"
            assert statement.startswith("CREATE INDEX ON app."), line
            if statement not in said:
                database.execute(statement)
            said.add(statement)
        database.execute("ANALYZE")
    assert not bad, bad
    assert "CREATE INDEX ON app.lead (chatid)" in said
    assert {statement.split(" ")[3] for statement in said} == {"app.thread", "app.post", "app.lead", "app.mood"}


def test_messages_may_be_sorted(look):
    """An index of the conversation alone finds a dozen rows, which are then put in order: no matter."""
    database, plans = look
    for name, in database.execute("SELECT indexrelid::regclass::text FROM pg_index"
                                  " WHERE indrelid = 'app.post'::regclass"):
        database.execute(f"DROP INDEX {name}")
    database.execute("CREATE INDEX ON app.post ((coalesce(nullif(root, 0), thread)))")
    database.execute("ANALYZE")
    assert plans()["messages"].finding == "ok"


def test_messages_of_two_tables(look):
    database, plans = look
    database.execute("""CREATE TABLE app.archive AS SELECT * FROM app.post;
        CREATE OR REPLACE VIEW chat.message AS SELECT id, coalesce(nullif(root, 0), thread) AS conversation_id,
            to_timestamp(createat / 1000.0) AS created_at, 'inbound' AS direction, 'agent' AS speaker_type, body AS text
            FROM app.post
        UNION ALL SELECT id, thread, to_timestamp(createat / 1000.0), 'inbound', 'agent', body FROM app.archive""")
    line = plans()["messages"]
    assert line.finding == "warning"
    first, second = line.remedy.partition("; or let")[0].split("; ")
    assert first.startswith("CREATE INDEX ON app.post ((COALESCE(")
    assert second.startswith("CREATE INDEX ON app.archive (thread, (to_timestamp("), second
    database.execute(second)
    assert plans()["messages"].finding == "ok"
