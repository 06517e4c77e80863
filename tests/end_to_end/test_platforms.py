"""Real platforms' tables with the views of examples/: everything comes out, in order, with its times and texts."""

import pytest

from tests.lib import platforms
from tests.lib.doctor import doctor
from tests.lib.platforms import PLATFORMS
from tests.lib.process import wait_until
from tests.lib.service import Program

EXPORTS = "/api/v1/workspace/one/exports"


@pytest.fixture(scope="module")
def server(make_service, program):
    program.migrate()
    return make_service


@pytest.fixture(scope="module", params=PLATFORMS, ids=lambda platform: platform.name)
def connected(request, program, database, server):
    """A platform's database with the views, and a service that reads them."""
    platform = request.param
    platforms.create(database, platform)
    program.workspace("one", source_id=platform.workspace)
    service = server(workers=1)
    yield platform, service, program.key("one")
    service.stop()


def export(service, key, **more):
    answer = service.request("POST", EXPORTS, key, json_body={
        "select": {"all": True}, "format": "ndjson", "files": "single"} | more)
    assert answer.status == 202, answer.body
    path = f"{EXPORTS}/{answer.json()['export_id']}"
    shown = wait_until(lambda: (found := service.get(path, key).json())["status"] in ("finished", "failed") and found,
                       "the export", 120)
    assert shown["status"] == "finished", shown
    return service.get(f"{path}/download", key).body.decode()


def test_everything_comes_out_as_it_was_said(connected, database):
    platform, service, key = connected
    conversations, found = platforms.exported(export(service, key))
    assert found == platforms.expected(database, platform)
    times = [c["created_at"] for c in conversations]
    assert times == sorted(times) and all(c["channel"]["name"] for c in conversations)
    assert all(m["text"] and "hidden" not in m["text"] for c in conversations for m in c["messages"])


def test_a_month_of_one_channel(connected, database):
    platform, service, key = connected
    everything, _ = platforms.exported(export(service, key))
    channel = everything[0]["channel"]["id"]
    one, _ = platforms.exported(export(service, key, select={"channel_id": channel},
                                       filter={"from": "2026-03-01", "to": "2026-03-31"}))
    assert one == [c for c in everything if c["channel"]["id"] == channel
                   and c["created_at"].startswith("2026-03")]


def test_messages_are_found_by_an_index_of_the_platforms_own(connected, database):
    """A condition on the conversation passes through the view, UNION ALL included."""
    found = database.value("SELECT id::text FROM chat.conversation LIMIT 1")
    found = "987654321" if found.isdigit() else found  # no constant of a view
    with database.connect() as connection:
        connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        lines = [line for line, in connection.execute(
            f"EXPLAIN (COSTS OFF) SELECT FROM chat.message WHERE conversation_id = '{found}'")]
    conditions = [line for line in lines if found in line]
    assert conditions and not [line for line in conditions if "Filter: " in line], "\n".join(lines)


def test_the_doctor_finds_the_views_right(connected, program):
    platform, service, _ = connected
    report = doctor(program, storage=f"file://{service.folder}/storage")
    assert not [line for line in report.of("source") if line.finding == "failed"], report.output


def test_what_each_platform_tells_beyond(connected, database):
    platform, service, key = connected
    include = ["messages", "customer", "tags", "notes", "events", "participants", "reactions", "revisions", "deleted"]
    conversations, _ = platforms.exported(export(service, key, include=include))
    checks = platforms.BEYOND[platform.name]
    for what, right in checks.items():
        assert any(right(c) for c in conversations), what
