"""POST of a preview (INTERFACE 7): counts by selection, filter and audience; nothing is queued; what is slow ends."""

import json
import time

import pytest

from tests.lib import http_source as source
from tests.lib import native_source as people
from tests.lib.patience import Stopwatch
from tests.lib.service import Program, Service

pytestmark = pytest.mark.threads

PREVIEW = "/api/v1/workspace/one/exports/preview"
ALL = {"select": {"all": True}}


def ask(service, key, body):
    return service.request("POST", PREVIEW, key, json_body=body)


def counts(answer):
    assert answer.status == 200, answer.body
    assert list(answer.json()) == ["conversations", "messages", "estimated_bytes", "estimated_seconds",
                                   "conversations_without_time"]
    return answer.json()["conversations"], answer.json()["messages"]


@pytest.mark.parametrize("body, expected", [
    (ALL, (3, 9)),
    ({"select": {"channel_id": source.SMS}}, (2, 6)),
    ({"select": {"phone_number": source.LONELY_NUMBER}}, (1, 3)),
    ({"select": {"assistant_id": people.ASSISTANT}}, (2, 6)),
    ({"select": {"contact_id": people.JOHN}}, (2, 6)),
    ({"select": {"conversation_ids": [people.VIP, people.PRESS]}}, (2, 6)),
    (ALL | {"filter": {"channel_id": source.LONELY}}, (1, 3)),
    (ALL | {"filter": {"channel_type": "sms"}}, (2, 6)),
    (ALL | {"filter": {"channel_type": "messenger"}}, (0, 0)),
    (ALL | {"filter": {"status": ["closed", "gone"]}}, (1, 3)),
    (ALL | {"filter": {"tags": ["vip"]}}, (2, 6)),
    (ALL | {"filter": {"completed_only": True}}, (1, 3)),
    (ALL | {"filter": {"from": "2026-02-11", "to": "2026-02-11"}}, (1, 3)),
    # Messages of the first, second and third minute of each conversation.
    (ALL | {"filter": {"activity": True, "from": "2026-02-11T10:02:00Z", "to": "2026-02-12T10:02:00Z"}}, (2, 3)),
    (ALL | {"filter": {"activity": True, "from": "2026-02-11T10:03:00.1Z", "to": "2026-02-12T10:01:00Z"}}, (0, 0)),
    ({"select": {"contact_id": people.JOHN}, "filter": {"activity": True}}, (2, 6)),
    (ALL | {"filter": {"from": "2026-02-10T10:00:00Z", "to": "2026-02-11T10:00:00Z"}}, (1, 3)),
    ({"select": {"contact_id": people.JOHN}, "filter": {"assistant_id": people.ASSISTANT}}, (1, 3)),
])
def test_counts(service, keys, database, body, expected):
    assert counts(ask(service, keys["one"], body)) == expected
    assert database.value("SELECT count(*) FROM verbatim.job") == 0


def test_counts_respect_the_audience(service, keys):
    assert [counts(ask(service, keys[key], ALL)) for key in ("one", "editor", "vip", "press", "nobody")] == [
        (3, 9), (2, 6), (1, 3), (1, 3), (0, 0)]


def test_refusals_are_those_of_an_export(service, keys):
    assert ask(service, None, ALL).status == 401
    assert ask(service, keys["viewer"], ALL).status == 403
    assert ask(service, keys["two"], ALL).json() == {"detail": "Workspace not found."}
    assert ask(service, keys["one"], {}).json()["detail"][0]["loc"] == ["body", "select"]
    missing = ask(service, keys["vip"], {"select": {"contact_id": people.JOHN}})
    assert (missing.status, missing.json()["detail"]) == (404, "No contact found for select.contact_id.")
    future = ask(service, keys["one"], ALL | {"filter": {"from": "2999-01-01"}})
    assert (future.status, future.json()["detail"][0]["loc"]) == (422, ["body", "filter", "from"])
    assert ask(service, keys["one"], {"select": {"phone_number": source.SHARED_NUMBER}}).status == 409


def test_estimates_follow_format_and_packaging(service, keys):
    def estimate(**shape):
        return ask(service, keys["one"], ALL | shape).json()["estimated_bytes"]
    assert 0 < estimate() < estimate(files="single")
    assert estimate(format="json") > estimate(files="single") > estimate(files="single", layout="conversations") > 0


def test_what_takes_too_long_is_504_and_holds_up_nobody(service, keys, database):
    """The counting runs into its own limit; the look-ups of other requests go on meanwhile."""
    database.execute("""
        ALTER TABLE chat.message RENAME TO message_table;
        CREATE VIEW chat.message AS SELECT m.id, m.conversation_id, m.created_at, m.direction, m.speaker_type,
            m.speaker_name, m.text FROM chat.message_table AS m WHERE pg_sleep(20) IS NOT NULL
    """)
    try:
        import threading
        answers = []
        whole = Stopwatch()
        slow = [threading.Thread(target=lambda: answers.append(ask(service, keys["one"], ALL))) for _ in range(2)]
        for thread in slow:
            thread.start()
        time.sleep(1)
        for _ in range(20):
            watch = Stopwatch()
            body = {"select": {"channel_id": source.FOREIGN}}
            assert service.request("POST", PREVIEW, keys["one"], json_body=body).status == 404
            assert watch.awake < 2, watch
        for thread in slow:
            thread.join()
        assert [answer.status for answer in answers] == [504, 504], [answer.body for answer in answers]
        assert "25 seconds" in json.loads(answers[0].body)["detail"]
        assert whole.awake < 32, whole
    finally:
        database.execute("DROP VIEW chat.message; ALTER TABLE chat.message_table RENAME TO message")


def test_a_view_means_the_same_times_as_in_an_export(postgres, verbatim, database, keys, tmp_path_factory):
    """A time without zone that a view casts is UTC, whatever the server's own zone is."""
    other = postgres.create_database("preview_zone")
    program = Program(verbatim, other.url)
    program.migrate()
    people.make_source(other)
    own = people.make_keys(program, other)
    other.execute("""ALTER DATABASE preview_zone SET timezone = 'Asia/Tokyo'; ALTER SCHEMA chat RENAME TO own;
        CREATE SCHEMA chat; SET timezone = 'UTC';
        CREATE TABLE chat.conversation AS SELECT c.*, c.created_at::timestamp AS at FROM own.conversation c;
        ALTER TABLE chat.conversation DROP COLUMN created_at; ALTER TABLE chat.conversation RENAME TO naive;
        CREATE VIEW chat.conversation AS SELECT n.*, n.at::timestamptz AS created_at FROM chat.naive n""")
    for name in ("channel", "contact", "assistant", "message"):
        other.execute(f"CREATE VIEW chat.{name} AS SELECT * FROM own.{name}")
    day = {"filter": {"from": "2026-02-10T10:00:00Z", "to": "2026-02-10T11:00:00Z"}}
    with Service(program, tmp_path_factory.mktemp("zone"), workers=0,
                 storage=f"file://{tmp_path_factory.mktemp('zone_files')}") as service:
        assert counts(ask(service, own["one"], ALL | day)) == (1, 3)


def test_seconds_are_at_the_speed_of_the_latest_exports(service, keys, database):
    """Six messages; before there was one large enough to tell, the usual speed holds."""
    def seconds():
        return ask(service, keys["one"], ALL).json()["estimated_seconds"]
    assert seconds() == 1
    database.execute(
        "INSERT INTO verbatim.job (job_id, workspace_id, door, specification, status, source_workspace, range_from,"
        " range_to, time_zone, csv_profile, as_of, link_ttl, messages, started_at, finished_at)"
        " SELECT gen_random_uuid(), 'one', 'native', '{}', 'finished', 'x', '2026-01-01', '2026-02-01', 'UTC', 'safe',"
        " now(), '1 day', 600, now() - interval '300 seconds', now() FROM generate_series(1, 2)")
    try:
        messages = ask(service, keys["one"], ALL).json()["messages"]
        assert seconds() == 1 + messages // 2, "two a second"
    finally:
        database.execute("DELETE FROM verbatim.job")
