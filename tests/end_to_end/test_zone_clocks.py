"""The clocks of an export are decided with the order: machines with other zone files write the same."""

import re

import pytest

from tests.lib import http_source as source
from tests.lib import queue
from tests.lib.service import Service
from tests.lib.zones import make_zones

ZONE = "America/Vancouver"  # whose winters of -08:00 ended by a law of 2026
ROWS = {"select": {"all": True}, "format": "csv", "files": "single"}
TALKS = 40


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    source.lonely_talks(database, TALKS)
    # On both sides of the change of clocks, and before and long after the files' lists.
    database.execute("UPDATE chat.conversation SET created_at = timestamptz '2026-01-05T12:00Z' + interval '1 day' *"
                     " (row.number * 8) FROM (SELECT id, row_number() OVER (ORDER BY id) AS number"
                     " FROM chat.conversation) AS row WHERE row.id = conversation.id;"
                     "UPDATE chat.message m SET created_at = c.created_at FROM chat.conversation c"
                     " WHERE c.id = m.conversation_id")
    keys = source.make_workspaces(program)
    program.workspace("one", time_zone=ZONE)
    return keys


def zones_of(folder, like, release):
    """A database whose Vancouver has the clocks of another place."""
    zones = make_zones(folder, like, release=release)
    (folder / like).rename(folder / ZONE)
    return zones


@pytest.fixture(scope="module")
def before(folder):
    return zones_of(folder / "before", "America/Los_Angeles", "2025b")


@pytest.fixture(scope="module")
def after(folder):
    return zones_of(folder / "after", "America/Phoenix", "2026f")


@pytest.fixture(scope="module")
def service(keys, make_service, before):
    """Takes orders, by the clocks of before, and works on none."""
    return make_service(workers=0, env=before)


def order(service, key):
    answer = service.request("POST", "/api/v1/workspace/one/exports", key, json_body=ROWS)
    assert answer.status == 202, answer.body
    return answer.json()["export_id"]


def worked(service, program, folder, env, job):
    """The export's bytes, written by a machine of these zones."""
    options = {"storage": service.options["storage"], "workers": 1}
    with Service(program, folder, command="worker", env=env, **options):
        queue.finished(service.database, job)
    answer = service.get(f"/api/v1/workspace/one/exports/{job}/download", service.key)
    assert answer.status == 200, answer.body
    return answer.body


@pytest.fixture(scope="module")
def make(service, keys, program, folder, database):
    service.database, service.key = database, keys["one"]

    def export(env, change=None):
        job = order(service, keys["one"])
        if change:
            database.execute(change, [job])
        return worked(service, program, folder, env, job)
    return export


def offsets(content):
    return re.findall(rb"T\d\d:\d\d:\d\d\.\d{6}([+-]\d\d:\d\d)", content)


def test_another_machine_keeps_the_clocks_of_the_order(make, before, after):
    ours, theirs = make(before), make(after)
    assert set(offsets(ours)) == {b"-08:00", b"-07:00"}
    assert offsets(theirs) == offsets(ours) and len(offsets(ours)) >= TALKS


def test_a_machine_without_the_zone_does_too(make, before, folder):
    assert offsets(make(make_zones(folder / "none", "Europe/Berlin", release="2025b"))) == offsets(make(before))


def test_an_order_of_before_goes_by_the_machine_s_own(make, after):
    assert set(offsets(make(after, "UPDATE verbatim.job SET zone_clocks = NULL WHERE job_id = %s"))) == {b"-07:00"}


def test_the_row_holds_them_as_text(service, keys, database):
    job = order(service, keys["one"])
    [[clocks]] = database.execute("SELECT zone_clocks FROM verbatim.job WHERE job_id = %s", [job])
    assert clocks.startswith("PST8PDT,M3.2.0,M11.1.0 ") and len(clocks) < 4096
    service.request("POST", f"/api/v1/workspace/one/exports/{job}/cancel", keys["one"])


def test_the_start_tells_the_release(service, program, before):
    assert "time zones: release 2025b" in service.log()
