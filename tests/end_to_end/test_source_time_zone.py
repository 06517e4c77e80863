"""source_time_zone: timestamps without zone that a platform wrote by its own clock.

Two schemas hold the same rows: `local` as Berlin's clock showed them, `exact` with their zone, as the server reads
them. Whatever is exported is the same.
"""

import pytest

from tests.lib.doctor import doctor
from tests.lib.process import wait_until
from tests.lib.service import Program, Service

ZONE = "Europe/Berlin"
PATH = "/api/v1/workspace/one/exports"
EVERYTHING = ["messages", "customer", "tags", "notes", "events", "participants", "reactions", "revisions", "deleted"]

# Every 20 minutes around both changes of 2026; a conversation for each of them, which goes on over the next hours.
# What the clock never showed (02:00 to 03:00 in spring) is left out.
TABLES = """
CREATE SCHEMA local; SET search_path = local;
CREATE TABLE channel (id integer PRIMARY KEY, workspace_id text, name text, channel_type text);
INSERT INTO channel VALUES (1, 'w', 'Desk', 'SMS');
CREATE TABLE clock AS SELECT row_number() OVER (ORDER BY at)::integer AS id, at FROM (
    SELECT generate_series(timestamp '2026-03-28 20:00', timestamp '2026-03-29 06:00', interval '20 minutes') AS at
    UNION ALL
    SELECT generate_series(timestamp '2026-10-24 20:00', timestamp '2026-10-25 06:00', interval '20 minutes')) t
    WHERE at < '2026-03-29 02:00' OR at >= '2026-03-29 03:00';
CREATE TABLE conversation AS SELECT id, 'w'::text AS workspace_id, 1 AS channel_id, at AS created_at,
    CASE WHEN id % 3 > 0 THEN at + interval '4 hours' END AS ended_at, at + interval '4 hours' AS last_message_at,
    CASE WHEN id % 7 = 0 THEN at + interval '4 hours' END AS deleted_at FROM clock
    WHERE at + interval '4 hours' NOT BETWEEN '2026-03-29 02:00' AND '2026-03-29 02:59';
CREATE TABLE message AS SELECT c.id * 100 + d.id AS id, c.id AS conversation_id, d.at AS created_at,
    'inbound'::text AS direction, 'customer'::text AS speaker_type, 'text ' || d.id AS text, d.at AS edited_at,
    CASE WHEN d.id % 5 = 0 THEN d.at END AS deleted_at
    FROM conversation c JOIN clock d ON d.at BETWEEN c.created_at AND c.created_at + interval '4 hours';
CREATE TABLE note AS SELECT id, conversation_id, created_at, 'note'::text AS text FROM message WHERE id % 3 = 0;
CREATE TABLE event AS SELECT id, conversation_id, created_at AT TIME ZONE 'Europe/Berlin' AS created_at,
    'kind'::text AS kind FROM message WHERE id % 4 = 0;
CREATE TABLE participant AS SELECT id AS conversation_id, 'Ann'::text AS name, created_at AS joined_at,
    ended_at AS left_at FROM conversation;
CREATE TABLE reaction AS SELECT id AS message_id, conversation_id, 'like'::text AS name, created_at FROM message;
CREATE TABLE revision AS SELECT id AS message_id, conversation_id, created_at, 'before'::text AS text FROM message;
CREATE INDEX ON conversation (channel_id, created_at, id);
CREATE INDEX ON message (conversation_id, created_at, id);
CREATE SCHEMA exact; SET search_path = exact;
"""
RELATIONS = ("channel", "conversation", "message", "note", "event", "participant", "reaction", "revision")


def exact_views(database):
    for relation in RELATIONS:
        columns = database.execute(
            "SELECT attname, atttypid = 'timestamp'::regtype FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum", [f"local.{relation}"])
        listed = ", ".join(f"{name} AT TIME ZONE '{ZONE}' AS {name}" if local else name for name, local in columns)
        database.execute(f"CREATE VIEW exact.{relation} AS SELECT {listed} FROM local.{relation}")


@pytest.fixture(scope="module")
def installation(verbatim, database):
    database.execute(TABLES)
    exact_views(database)
    database.execute("VACUUM ANALYZE")
    program = Program(verbatim, database.url)
    program.migrate()
    program.workspace("one", source_id="w", time_zone=ZONE)
    return program


@pytest.fixture(scope="module")
def services(installation, tmp_path_factory):
    """One that reads local times, and one that needs no zone; and a key."""
    key = installation.key("one")
    with Service(installation, tmp_path_factory.mktemp("local"), source_schema="local", source_time_zone=ZONE,
                 storage=f"file://{tmp_path_factory.mktemp('files')}") as local:
        yield local, installation, key


@pytest.fixture(scope="module")
def other(installation, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exact")
    return lambda: Service(installation, folder, source_schema="exact", source_time_zone="America/St_Johns",
                           storage=f"file://{folder}")


def exported(service, key, body):
    answer = service.request("POST", PATH, key, json_body={"format": "ndjson", "files": "single"} | body)
    assert answer.status == 202, answer.body
    path = f"{PATH}/{answer.json()['export_id']}"
    shown = wait_until(lambda: (found := service.get(path, key).json())["status"] in ("finished", "failed") and found,
                       "the export", 60)
    assert shown["status"] == "finished", shown["error_message"]
    preview = service.request("POST", f"{PATH}/preview", key, json_body={
        name: value for name, value in body.items() if name in ("select", "filter")}).json()
    return service.get(f"{path}/download", key).body.decode(), (preview["conversations"], preview["messages"])


BODIES = [
    {"select": {"all": True}, "include": EVERYTHING},
    {"select": {"channel_id": "1"}},
    {"select": {"all": True}, "filter": {"from": "2026-10-25", "to": "2026-10-25"}, "include": EVERYTHING},
    {"select": {"all": True}, "filter": {"from": "2026-10-25T00:30:00Z", "to": "2026-10-25T01:10:00Z"}},
    {"select": {"all": True}, "filter": {"from": "2026-03-29T00:40:00Z", "to": "2026-03-29T01:30:00Z"}},
    {"select": {"all": True}, "filter": {"from": "2026-10-25T00:20:00Z", "to": "2026-10-25T01:10:00Z",
                                         "activity": True}, "include": EVERYTHING},
    {"select": {"all": True}, "filter": {"completed_only": True}},
]


def test_local_times_are_exported_as_the_instants_they_were(services, other, database):
    local, program, key = services
    found = [exported(local, key, body) for body in BODIES]
    local.stop()  # one at a time: both would take the other's jobs
    with other() as service:
        expected = [exported(service, key, body) for body in BODIES]
    for body, one, two in zip(BODIES, found, expected):
        assert one[0].splitlines() == two[0].splitlines(), body
        assert one[1] == two[1], body
    assert "2026-10-25T02:20:00.000000+01:00" in found[2][0]
    counts = [counted for _, counted in found]
    assert all(count > 0 for _, count in counts) and len({count for count, _ in counts}) > 3


def test_the_doctor_reads_by_the_same_clock(installation, database, tmp_path):
    options = {"storage": f"file://{tmp_path}", "source_schema": "local"}
    newest = database.value("SELECT max(created_at) - interval '1 hour' FROM local.conversation")
    report = doctor(installation, **options, source_time_zone=ZONE)
    assert any(f"{newest:%Y-%m-%dT%H:%M}" in line.text for line in report.of("source clock")), report.output
    assert not [line for line in report.of("source") if line.finding == "failed"], report.output


@pytest.mark.parametrize("zone, words", [
    ("Mars/Olympus", "source_time_zone: "), ("Europe/Berlin; x", "must be a name of the IANA database")])
def test_a_zone_that_is_not_known_is_refused_at_the_start(installation, tmp_path, zone, words):
    done = installation.run("serve", check=False, options={
        "source_time_zone": zone, "storage": f"file://{tmp_path}", "source_schema": "local"})
    assert done.returncode != 0 and words in done.stderr and "source_time_zone" in done.stderr, done.stderr
