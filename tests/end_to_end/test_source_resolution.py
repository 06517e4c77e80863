"""as_of of platforms whose clock is coarser than a microsecond and rounds up: what was committed is in the export."""

import time

import pytest

from tests.lib.process import wait_until
from tests.lib.service import Program, Service

SOURCE = """
CREATE SCHEMA {name}; SET search_path = {name};
CREATE TABLE channel (id integer PRIMARY KEY, workspace_id text, name text, channel_type text);
INSERT INTO channel VALUES (1, 'w', 'Desk', 'SMS');
CREATE TABLE talk (id serial PRIMARY KEY, {column});
CREATE TABLE line (id serial PRIMARY KEY, talk integer, {column});
CREATE VIEW inner_talk AS SELECT id, {seen} FROM talk;
CREATE VIEW conversation AS SELECT id, 'w'::text AS workspace_id, 1 AS channel_id, {shown} FROM inner_talk;
CREATE VIEW message AS SELECT id, talk AS conversation_id, {seen}, 'inbound'::text AS direction,
    'customer'::text AS speaker_type, 'x'::text AS text FROM line;
"""
# How the platform keeps its times, what the view shows of it, and what as_of is a multiple of, in microseconds.
KINDS = {
    "plain": ("at timestamptz DEFAULT clock_timestamp()", "at AS created_at", "created_at", 1),
    "declared": ("at timestamptz(0) DEFAULT clock_timestamp()", "at AS created_at", "created_at", 1_000_000),
    "by_default": ("at timestamp DEFAULT CURRENT_TIMESTAMP(0)", "at AS created_at", "created_at", 1_000_000),
    "tenths": ("at timestamptz DEFAULT clock_timestamp()::timestamptz(1)", "at AS created_at", "created_at", 100_000),
    "seconds": ("at bigint DEFAULT round(extract(epoch FROM clock_timestamp()))::bigint", "at AS created_at_s",
                "created_at_s", 1_000_000),
}


@pytest.fixture(scope="module")
def database(postgres):
    made = postgres.create_database("resolution")
    made.execute("ALTER DATABASE resolution SET timezone = 'UTC'")
    made.execute("SET timezone = 'UTC'")
    return made


@pytest.mark.parametrize("name", KINDS)
def test_what_was_committed_before_is_in(verbatim, database, tmp_path, name):
    column, seen, shown, step = KINDS[name]
    database.execute(SOURCE.format(name=name, column=column, seen=seen, shown=shown))
    program = Program(verbatim, database.url)
    program.migrate()
    program.workspace("one", source_id="w")
    key, path = program.key("one"), "/api/v1/workspace/one/exports"
    with Service(program, tmp_path, storage=f"file://{tmp_path}", source_schema=name) as service:
        for round_ in range(1, 4):
            # The second's later half, where a clock of whole seconds is ahead.
            time.sleep((1.55 - time.time() % 1) % 1)
            database.execute(f"INSERT INTO {name}.talk DEFAULT VALUES;"
                             f"INSERT INTO {name}.line (talk) SELECT max(id) FROM {name}.talk")
            answer = service.request("POST", path, key, json_body={"select": {"channel_id": "1"}})
            assert answer.status == 202, answer.body

            def ended():
                job = service.get(f"{path}/{answer.json()['export_id']}", key).json()
                return job if job["status"] in ("finished", "failed") else None
            job = wait_until(ended, "the export", seconds=60)
            assert job["status"] == "finished", job["error_message"]
            assert (job["progress"]["conversations_done"], job["progress"]["messages_done"]) == (round_, round_)
            assert int(job["as_of"][-6:]) % step == 0
