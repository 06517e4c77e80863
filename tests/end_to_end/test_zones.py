"""Time zones that a machine does not have: former names are kept by their present ones, unknown ones are named."""

import datetime
import time

import pytest

from tests.lib import http_source as source
from tests.lib.service import Program
from tests.lib.zones import make_zones

RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-28", "channel_id": source.LONELY}
NATIVE = "/api/v1/workspace/{}/exports"


def on_machine(program, env):
    return Program(program.path, options=program.options, env=program.env | env)


@pytest.fixture(scope="module")
def stripped(folder):
    return make_zones(folder / "stripped", "America/Los_Angeles", "Asia/Kolkata", "Europe/Berlin", "Etc/UTC",
                      release="2025b")


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    source.lonely_talks(database)
    return source.make_workspaces(program)


@pytest.fixture(scope="module")
def service(keys, make_service, stripped, database):
    """On a machine without former names, beside workspaces of before, and one that nobody knows."""
    database.execute("UPDATE verbatim.workspace SET time_zone = 'US/Pacific' WHERE workspace_id = 'one';"
                     "UPDATE verbatim.workspace SET time_zone = 'Europe/Atlantis' WHERE workspace_id = 'two'")
    return make_service(workers=1, env=stripped)


def zone_of(database, workspace):
    return database.value(f"SELECT time_zone FROM verbatim.workspace WHERE workspace_id = '{workspace}'")


@pytest.mark.parametrize("given, kept", [
    ("US/Pacific", "America/Los_Angeles"), ("Asia/Calcutta", "Asia/Kolkata"), ("Europe/Berlin", "Europe/Berlin"),
    ("Zulu", "UTC"), ("UTC", "UTC"), ("Arctic/Longyearbyen", "Arctic/Longyearbyen"), ("Iceland", "Atlantic/Reykjavik"),
    ("utc", "UTC"), ("europe/berlin", "Europe/Berlin"),
    ("AMERICA/ARGENTINA/buenos_aires", "America/Argentina/Buenos_Aires"),
    ("us/pacific", "America/Los_Angeles"), ("gmt", "GMT"), ("etc/utc", "Etc/UTC")])
def test_the_present_name_is_kept(program, keys, database, given, kept):
    program.workspace("three", time_zone=given)
    assert zone_of(database, "three") == kept


def test_a_former_name_is_taken_where_the_machine_has_none(program, keys, database, stripped):
    stripped_program = on_machine(program, stripped)
    stripped_program.workspace("three", time_zone="Asia/Calcutta")
    assert zone_of(database, "three") == "Asia/Kolkata"
    refused = stripped_program.run("workspace", "set", "three", "--time-zone", "Iceland", check=False)
    assert refused.returncode == 2 and '"Iceland" is not in the system\'s zone database' in refused.stderr
    assert "tzdata-legacy" in refused.stderr
    stripped_program.workspace("three", time_zone="us/pacific")
    assert zone_of(database, "three") == "America/Los_Angeles"
    refused = stripped_program.run("workspace", "set", "three", "--time-zone", "europe/atlantis", check=False)
    assert refused.returncode == 2 and '"europe/atlantis" is not' in refused.stderr


def test_a_machine_older_than_the_name_goes_by_the_former_one(program, keys, database, folder):
    older = on_machine(program, make_zones(folder / "older", "Europe/Kiev", release="2021a"))
    older.workspace("three", time_zone="Europe/Kyiv")
    assert zone_of(database, "three") == "Europe/Kyiv"
    older.workspace("three", time_zone="Europe/Kiev")
    assert zone_of(database, "three") == "Europe/Kiev", "the one that it has"


def test_the_settings_keep_the_present_name_as_well(service, program, keys):
    key = program.key("three", role="admin")
    answer = service.request("PATCH", "/api/v1/workspace/three/settings", key, json_body={"time_zone": "US/Pacific"})
    assert (answer.status, answer.json()["time_zone"]) == (200, "America/Los_Angeles")
    answer = service.request("PATCH", "/api/v1/workspace/three/settings", key, json_body={"time_zone": "asia/kolkata"})
    assert (answer.status, answer.json()["time_zone"]) == (200, "Asia/Kolkata")


def test_exports_of_a_workspace_with_a_former_name_go_on(service, keys, database):
    job = service.export("one", keys["one"], **RANGE)
    assert job["start_date"] == "2026-02-01" and zone_of(database, "one") == "US/Pacific"


@pytest.mark.parametrize("method, path, body", [
    ("POST", "/api/v1/workspace/two/export-conversations", RANGE),
    ("POST", NATIVE.format("two"), {"select": {"all": True}, "filter": {"from": "2026-02-01"}}),
    ("POST", "/v1/conversations/export", {"filter": {"since": "2026-02-01"}, "format": "json"}),
    ("POST", "/app/conversation-exports", {"format": "json"}),
    ("GET", NATIVE.format("two") + "?from=2026-02-01", None)])
def test_an_unknown_zone_is_named_and_is_nobody_s_internal_error(service, keys, method, path, body):
    answer = service.request(method, path, keys["two"], json_body=body)
    assert answer.status == 503, answer.body
    assert b"The workspace's time zone Europe/Atlantis is not known on this server." in answer.body
    assert answer.headers["Retry-After"] == "60"


def test_what_needs_no_zone_goes_on(service, keys):
    assert service.get(NATIVE.format("two"), keys["two"]).status == 200


def test_the_start_names_them(service):
    told = [line for line in service.log().splitlines() if "is not known on this machine" in line]
    assert len([line for line in told if "workspace two: its time zone Europe/Atlantis" in line]) == 1
    assert not any("workspace one" in line for line in told), "its former name leads to a zone that is there"
    assert service.log().count("release 2025b is more than a year old") == 1


def test_the_metrics_tell_how_old_the_release_is(service, keys):
    [line] = [line for line in service.get("/metrics", keys["metrics"]).body.decode().splitlines()
              if line.startswith('verbatim_zone_data_age_seconds{release="2025b"} ')]
    came = time.time() - float(line.split()[1])
    assert abs(came - datetime.datetime(2025, 3, 1, tzinfo=datetime.UTC).timestamp()) < 86400


def test_the_doctor_names_them_and_the_release(service, program, stripped, folder):
    def findings(env):
        done = on_machine(program, env).run("doctor", check=False, options={"storage": f"file://{folder}/storage"})
        return done.returncode, [line for line in done.stdout.splitlines() if "time zones: " in line]
    status, lines = findings(stripped)
    assert status != 0
    assert any(line.startswith("failed") and "workspace two: Europe/Atlantis" in line for line in lines)
    assert not any("workspace one" in line for line in lines)
    _, lines = findings(make_zones(folder / "old", "Europe/Berlin", release="2023a"))
    assert any("release 2023a is more than a year old" in line for line in lines)
    assert any("processes have other releases than this machine's 2023a" in line and "2025b" in line for line in lines)
