"""The first and the last day of the calendar, in zones east and west of UTC, through every door that takes a date."""

import pytest

from tests.lib import door_source, queue
from tests.lib import native_source as people

ZONES = {"east": "Pacific/Kiritimati", "middle": "Europe/Berlin", "west": "America/New_York"}
EVERYTHING = 4
# Days, and the instants that are of another year in some zone.
RANGES = [("0001-01-01", "9999-12-31"), ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z")]
DAYS = RANGES[:1]


def main(first, last):
    return "/api/v1/workspace/{}/export-conversations", {"start_date": first, "end_date": last,
                                                         "channel_id": people.source.SMS}


def native(first, last):
    return "/api/v1/workspace/{}/exports", {"select": {"all": True}, "format": "html",
                                            "filter": {"from": first, "to": last}}


def v1(first, last):
    return "/v1/conversations/export", {"format": "json", "filter": {"since": first, "until": last}}


def app(first, last):
    return "/app/conversation-exports", {"format": "json", "from": first, "to": last}


ORDERS = [(main, *DAYS[0], 2)] + [(door, *ends, EVERYTHING) for door in (native, v1, app) for ends in RANGES]


@pytest.fixture(scope="module")
def keys(program, database):
    door_source.make_source(database)
    program.migrate()
    for name, zone in ZONES.items():
        program.workspace(name, source_id="platform-one", time_zone=zone)
    return {name: people.make_key(program, database, "owner", user="a@example.com", workspace=name) for name in ZONES}


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(workers=2)


@pytest.mark.parametrize("workspace", ZONES)
@pytest.mark.parametrize("door, first, last, expected", ORDERS)
def test_every_door_takes_the_whole_calendar(service, keys, database, workspace, door, first, last, expected):
    path, body = door(first, last)
    answer = service.request("POST", path.format(workspace), keys[workspace], json_body=body)
    assert answer.status in (201, 202), answer.body
    job = next(value for name, value in answer.json().items() if name in ("export_job_id", "export_id", "job_id", "id"))
    assert queue.finished(database, job).conversations == expected
    assert service.get(f"/api/v1/workspace/{workspace}/exports/{job}", keys[workspace]).status == 200


@pytest.mark.parametrize("workspace", ZONES)
@pytest.mark.parametrize("first, last", RANGES)
def test_the_preview_does_too(service, keys, workspace, first, last):
    answer = service.request("POST", f"/api/v1/workspace/{workspace}/exports/preview", keys[workspace], json_body={
        "select": {"all": True}, "filter": {"from": first, "to": last}})
    assert (answer.status, answer.json().get("conversations")) == (200, EVERYTHING)


@pytest.mark.parametrize("workspace", ZONES)
@pytest.mark.parametrize("ends, expected", [
    ({"to": "0001-01-01"}, 0), ({"from": "0001-01-01"}, EVERYTHING), ({"to": "9999-12-31"}, EVERYTHING),
    ({"from": "0001-01-01", "to": "0001-01-01"}, 0)])
def test_one_end_is_as_good(service, keys, workspace, ends, expected):
    answer = service.request("POST", f"/api/v1/workspace/{workspace}/exports/preview", keys[workspace], json_body={
        "select": {"all": True}, "filter": ends})
    assert (answer.status, answer.json().get("conversations")) == (200, expected)


@pytest.mark.parametrize("workspace", ZONES)
@pytest.mark.parametrize("path", ["exports", "audit", "audit.csv"])
@pytest.mark.parametrize("days", ["from=0001-01-01&to=9999-12-31", "to=0001-01-01", "from=9999-12-31"])
def test_lists_are_cut_there(service, keys, workspace, path, days):
    assert service.get(f"/api/v1/workspace/{workspace}/{path}?{days}", keys[workspace]).status == 200


@pytest.mark.parametrize("workspace", ZONES)
def test_the_command_line_does_too(service, keys, program, workspace):
    done = program.run("export", "--workspace", workspace, "--channel", people.source.SMS, "--from", "0001-01-01",
                       "--to", "9999-12-31", check=False)
    assert done.returncode == 0, done.stderr
