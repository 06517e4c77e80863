"""Real platforms' tables with 300,000 messages, their own indexes and none of ours: everything is exported in at most
three times what a plain COPY through the same views takes in the same run, and at most three times its CPU of the
server. What is compared is the least of three, in turns.

PLATFORM: one of them; PLATFORM_MESSAGES: about how many messages."""

import os
import subprocess
import time

import pytest

from tests.lib import chatwoot, measure, platforms
from tests.lib.platforms import PLATFORMS
from tests.lib.process import wait_until

MESSAGES = int(os.environ.get("PLATFORM_MESSAGES", "300000"))
MOST = 3.0
EXPORTS = "/api/v1/workspace/one/exports"
CHATWOOT = platforms.Platform("chatwoot", workspace="1")
ALL = [p for p in [CHATWOOT, *PLATFORMS] if os.environ.get("PLATFORM") in (None, "", p.name)]
COPY = """COPY (SELECT c.id, m.* FROM chat.conversation c JOIN chat.message m ON m.conversation_id = c.id{where}
    ORDER BY c.{conversation}, c.id, m.{message}, m.id) TO STDOUT (FORMAT csv)"""


def fill(database, platform):
    if platform is CHATWOOT:
        # Two of three conversations are of account 1, four of whose six messages the customer saw.
        database.execute("DROP SCHEMA IF EXISTS chat CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        chatwoot.create(database, conversations=MESSAGES // 4, contacts=5000, step="interval '97 seconds'")
        chatwoot.connect(database, indexes=False)
        database.execute("VACUUM ANALYZE")
        return
    giant = MESSAGES // 15
    platforms.create(database, platform, conversations=(MESSAGES - giant) // 15, giant=giant)
    database.execute("VACUUM ANALYZE")


def time_of(database, relation):
    """The column that holds its time: created_at, or a number by the name of its unit."""
    return database.value("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attname ~ '^created_at'",
                          [f"chat.{relation}"])


def server_seconds(postgres):
    """CPU of the server so far. A backend that ends between two looks is missing from one of them at most."""
    return max(measure.tree_cpu_seconds(postgres.process.child.pid) for _ in range(3))


def copy(database, platform):
    times = {relation: time_of(database, relation) for relation in ("conversation", "message")}
    where = " WHERE c.workspace_id = 1" if platform is CHATWOOT else ""
    statement = COPY.format(where=where, **times)
    with subprocess.Popen(["psql", database.url, "-qAtc", statement], stdout=subprocess.PIPE) as psql:
        size = sum(len(block) for block in iter(lambda: psql.stdout.read(1 << 20), b""))
    assert psql.returncode == 0 and size > 0


def export(service, key):
    answer = service.request("POST", EXPORTS, key, json_body={
        "select": {"all": True}, "format": "ndjson", "files": "single"})
    assert answer.status == 202, answer.body
    path = f"{EXPORTS}/{answer.json()['export_id']}"
    shown = wait_until(lambda: (found := service.get(path, key).json())["status"] in ("finished", "failed") and found,
                       "the export", 900, pause=0.02)
    assert shown["status"] == "finished", shown
    return shown["progress"], path


@pytest.mark.parametrize("platform", ALL, ids=lambda platform: platform.name)
def test_everything_in_three_times_a_copy(platform, program, postgres, database, make_service):
    program.migrate()
    fill(database, platform)
    program.workspace("one", source_id=platform.workspace)
    service = make_service(workers=2)
    key = program.key("one")
    wall, cpu = {}, {}
    for _ in range(3):
        for name, work in (("COPY", lambda: copy(database, platform)), ("export", lambda: export(service, key))):
            before, began = server_seconds(postgres), time.monotonic()
            found = work()
            wall[name] = min(time.monotonic() - began, wall.get(name, 1e9))
            cpu[name] = min(server_seconds(postgres) - before, cpu.get(name, 1e9))
    progress, path = found
    ratios = [least["export"] / least["COPY"] for least in (wall, cpu)]
    print(f"{platform.name}: {progress['conversations_done']} conversations, {progress['messages_done']} messages;"
          f" wall: COPY {wall['COPY']:.2f} s, export {wall['export']:.2f} s, {ratios[0]:.2f} times;"
          f" CPU of the server: COPY {cpu['COPY']:.2f} s, export {cpu['export']:.2f} s, {ratios[1]:.2f} times")
    if platform is not CHATWOOT:
        _, found = platforms.exported(service.get(f"{path}/download", key).body.decode())
        assert found == platforms.expected(database, platform)
    service.stop()
    assert max(ratios) <= MOST
