"""Settings of a workspace through the API and the command, what they change, and the life of an export."""

import datetime
import uuid

import pytest

from tests.lib import native_source as people
from tests.lib.parts import running_part
from tests.lib.process import wait_until

PATH = "/api/v1/workspace/one/settings"
ALL = {"select": {"all": True}, "format": "json"}


@pytest.fixture(scope="module")
def keys(keys, program, database):
    return keys | {
        "admin": people.make_key(program, database, "admin", user="admin@example.com")}


@pytest.fixture(autouse=True)
def as_it_was(keys, database):
    database.execute("DELETE FROM verbatim.job")
    database.execute("UPDATE verbatim.workspace SET name = '', time_zone = 'UTC', csv_profile = 'safe',"
                     " delimiter = ',', csv_quote = 'minimal', byte_order_mark = NULL,"
                     " max_running = NULL, retention = NULL, link_ttl = NULL")


def read(service, key):
    answer = service.get(PATH, key)
    assert answer.status == 200, answer.body
    return answer.json()


def change(service, key, **body):
    return service.request("PATCH", PATH, key, json_body=body)


def changed(*arguments, **body):
    answer = change(*arguments, **body)
    assert answer.status == 200, answer.body
    return answer.json()


def refused(answer, *members):
    assert answer.status == 422, answer.body
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["body", member] for member in members]
    return answer.json()["detail"][0]["msg"]


def test_what_is_not_set_is_the_service_s(service, keys):
    assert read(service, keys["viewer"]) == {
        "name": "", "time_zone": "UTC", "csv_profile": "safe", "delimiter": ",", "csv_quote": "minimal",
        "byte_order_mark": None, "max_running": None, "retention": None, "link_ttl": None,
        "service": {"max_running": 3, "retention": "7d", "link_ttl": "1d"}}


def test_a_change_is_shown_and_the_rest_stays(service, keys, database):
    whole = {"name": "Ärzte & Co", "time_zone": "Europe/Berlin", "csv_profile": "excel", "delimiter": "\t",
             "csv_quote": "all", "byte_order_mark": False, "max_running": 5, "retention": "30d", "link_ttl": "36h"}
    after = changed(service, keys["admin"], **whole)
    assert {name: after[name] for name in whole} == whole
    assert read(service, keys["one"]) == after
    assert changed(service, keys["one"], name="x") == after | {"name": "x"}
    assert changed(service, keys["one"], name=None, max_running=None, retention=None, link_ttl=None) == after | {
        "name": "", "max_running": None, "retention": None, "link_ttl": None}
    assert changed(service, keys["one"], byte_order_mark=True)["byte_order_mark"] is True
    assert changed(service, keys["one"], byte_order_mark=None)["byte_order_mark"] is None
    assert changed(service, keys["one"])["time_zone"] == "Europe/Berlin", "nothing named, nothing changed"
    assert database.value("SELECT name || time_zone FROM verbatim.workspace WHERE workspace_id = 'two'") == "UTC"


@pytest.mark.parametrize("body, members", (
    ({"time_zone": "Mars/Base"}, ["time_zone"]), ({"time_zone": None}, ["time_zone"]),
    ({"time_zone": "+02:00"}, ["time_zone"]),
    ({"time_zone": "../../etc/passwd"}, ["time_zone"]), ({"csv_profile": "x"}, ["csv_profile"]),
    ({"csv_profile": None}, ["csv_profile"]), ({"delimiter": "|"}, ["delimiter"]),
    ({"delimiter": None}, ["delimiter"]), ({"csv_quote": True}, ["csv_quote"]),
    ({"byte_order_mark": "on"}, ["byte_order_mark"]), ({"byte_order_mark": 1}, ["byte_order_mark"]),
    ({"max_running": 0}, ["max_running"]),
    ({"max_running": 10001}, ["max_running"]), ({"max_running": "3"}, ["max_running"]),
    ({"max_running": True}, ["max_running"]), ({"max_running": 1.5}, ["max_running"]),
    ({"retention": "7"}, ["retention"]), ({"retention": 7}, ["retention"]), ({"retention": "0d"}, ["retention"]),
    ({"retention": "3651d"}, ["retention"]), ({"link_ttl": "8d"}, ["link_ttl"]), ({"link_ttl": "-1h"}, ["link_ttl"]),
    ({"link_ttl": "1h30m"}, ["link_ttl"]), ({"name": "a\nb"}, ["name"]), ({"name": "x" * 201}, ["name"]),
    ({"source_id": "two"}, ["source_id"]), ({"workspace_id": "two", "x": 1}, ["workspace_id", "x"])))
def test_broken_rules_are_told_by_name(service, keys, body, members):
    before = read(service, keys["one"])
    refused(change(service, keys["one"], **body), *members)
    assert read(service, keys["one"]) == before


def test_archives_are_kept_as_long_as_their_links(service, keys):
    """Whichever of the two is changed, and with what the service has for the other."""
    told = refused(change(service, keys["one"], retention="12h"), "retention")
    assert told.endswith("retention is shorter than link_ttl: a link must not outlive its archive")
    changed(service, keys["one"], retention="2d")
    refused(change(service, keys["one"], link_ttl="3d"), "link_ttl")
    changed(service, keys["one"], retention="12h", link_ttl="12h")
    refused(change(service, keys["one"], link_ttl=None), "link_ttl")
    changed(service, keys["one"], retention=None, link_ttl=None)


def test_who_may(service, keys):
    for key in ("editor", "viewer"):
        assert change(service, keys[key], name="x").status == 403
        assert read(service, keys[key])["name"] == ""
    assert change(service, keys["two"], name="x").status == 404
    assert service.get(PATH, keys["two"]).status == 404
    assert service.get(PATH).status == 401


def test_the_workspace_s_link_life_wins_over_the_option(service, keys, database):
    def life(**more):
        answer = service.request("POST", "/api/v1/workspace/one/exports", keys["one"], json_body=ALL | more)
        return database.value("SELECT link_ttl FROM verbatim.job WHERE job_id = %s", [answer.json()["export_id"]])
    assert life() == datetime.timedelta(days=1)
    changed(service, keys["one"], link_ttl="2h")
    assert life() == datetime.timedelta(hours=2)
    assert life(link_ttl="3h") == datetime.timedelta(hours=3), "the export's own wins over it"
    made = service.request("POST", "/app/conversation-exports", keys["one"], json_body={"format": "json"}).json()["id"]
    assert database.value("SELECT link_ttl FROM verbatim.job WHERE job_id = %s", [made]) == datetime.timedelta(days=7)


def finished(working, key, **body):
    made = working.request("POST", "/api/v1/workspace/one/exports", key, json_body=ALL | body).json()["export_id"]
    return working.finished(key, made)


def test_the_workspace_s_retention_wins_over_the_option(program, keys, make_service, database, local, folder):
    """Also for archives that are there already; a door's own wins over both."""
    working = make_service(local, workers=1)
    plain, own = finished(working, keys["one"]), finished(working, keys["one"])
    database.execute("UPDATE verbatim.job SET retention = '30 days' WHERE job_id = %s", [own["export_id"]])
    database.execute("UPDATE verbatim.job SET created_at = created_at - interval '2 days',"
                     " finished_at = finished_at - interval '2 days', link_expires_at = now() - interval '1 minute'")

    def stored():
        return {path.name for path in local.folder.rglob("*.json")}
    with running_part(program, "janitor", folder, local, janitor_interval="1s"):
        assert {plain["name"], own["name"]} <= stored(), "seven days are the option's"
        changed(working, keys["one"], retention="1d", link_ttl="1d")
        wait_until(lambda: plain["name"] not in stored(), "the janitor takes it", 60)
    assert own["name"] in stored()
    working.stop()


def test_the_command_sets_both(program, service, keys):
    program.workspace("one", retention="14d", link_ttl="36h")
    assert (read(service, keys["one"])["retention"], read(service, keys["one"])["link_ttl"]) == ("14d", "36h")
    program.workspace("one", name="still")
    assert read(service, keys["one"])["retention"] == "14d"
    for flag, value in (("--retention", "7"), ("--retention", "4000d"), ("--link-ttl", "8d"), ("--link-ttl", "x")):
        done = program.run("workspace", "set", "one", flag, value, check=False)
        assert done.returncode != 0 and flag in done.stderr


# --- an export's life ---

def history(service, key, export):
    answer = service.get(f"/api/v1/workspace/one/exports/{export}/history", key)
    assert answer.status == 200, answer.body
    return [(each["kind"], each["by"]) for each in answer.json()["events"]]


def test_history(make_service, keys, database, local):
    working = make_service(local, workers=1)
    export = finished(working, keys["admin"])
    path = f"/api/v1/workspace/one/exports/{export['export_id']}"
    assert working.get(f"{path}/download", keys["one"]).status == 200
    author = keys["one"].split("_")[1]
    wait_until(lambda: len(history(working, keys["one"], export["export_id"])) == 4, "the download is noted")
    database.execute("UPDATE verbatim.job SET archive_deleted_at = now() WHERE job_id = %s", [export["export_id"]])
    assert history(working, keys["viewer"], export["export_id"]) == [
        ("created", "admin@example.com"), ("started", None), ("finished", None), ("downloaded", author),
        ("deleted", None)]
    times = [each["at"] for each in working.get(f"{path}/history", keys["one"]).json()["events"]]
    assert times == sorted(times) and times[0] == export["created_time"]
    working.stop()


def test_history_of_what_was_cancelled(service, keys):
    made = service.request("POST", "/api/v1/workspace/one/exports", keys["one"], json_body=ALL).json()["export_id"]
    assert service.request("POST", f"/api/v1/workspace/one/exports/{made}/cancel", keys["admin"]).status == 200
    assert history(service, keys["one"], made)[-1] == ("cancelled", "admin@example.com")


def test_history_is_for_who_sees_the_export(service, keys, database):
    made = service.request("POST", "/api/v1/workspace/one/exports", keys["vip"], json_body=ALL).json()["export_id"]
    assert history(service, keys["vip"], made)[0][0] == "created"
    for key, export in (("press", made), ("one", str(uuid.uuid4())), ("one", "nothing")):
        assert service.get(f"/api/v1/workspace/one/exports/{export}/history", keys[key]).status == 404
    assert service.get(f"/api/v1/workspace/two/exports/{made}/history", keys["two"]).status == 404
    database.execute("UPDATE verbatim.job SET workspace_id = 'two' WHERE job_id = %s", [made])
    assert service.get(f"/api/v1/workspace/one/exports/{made}/history", keys["one"]).status == 404
