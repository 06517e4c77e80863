"""Audience tags at every door: what a workspace holds and what an editor's key gets of it, in counts and lists too."""

import csv
import io
import json
import zipfile

import pytest

from tests.lib import door_source
from tests.lib import http_source as source
from tests.lib import native_source as people
from tests.lib.process import wait_until

ONE = "/api/v1/workspace/one"
FEBRUARY = {"start_date": "2026-02-01", "end_date": "2026-02-28"}
ALL = {"select": {"all": True}, "format": "json", "files": "single"}
ENDED = ("finished", "completed", "failed")


@pytest.fixture(scope="module")
def keys(program, database):
    door_source.make_source(database)
    return people.make_keys(program, database) | {"admin": people.make_key(program, database, "admin")}


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(workers=1)


def export(service, key, path, name, body, read=None):
    """Posts, waits, and returns what is shown at the end."""
    answer = service.request("POST", path, key, json_body=body)
    assert answer.status == 202, answer.body
    path = f"{read or path}/{answer.json()[name]}"
    shown = wait_until(lambda: (shown := service.get(path, key).json())["status"] in ENDED and shown, "the export")
    assert shown["status"] != "failed", shown
    return shown


def fetch(service, url):
    return service.get("/" + url.split("/", 3)[3]).body


def unzip(body):
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return [archive.read(name).decode() for name in archive.namelist()]


def ids_of_csv(text):
    return {row["conversation_id"] for row in csv.DictReader(io.StringIO(text, newline=""))}


def main_door(service, key):
    shown = export(service, key, f"{ONE}/export-conversations", "export_job_id", FEBRUARY | {"channel_id": source.SMS})
    return set().union(*map(ids_of_csv, unzip(fetch(service, shown["presigned_url"]))))


def native_door(service, key):
    shown = export(service, key, f"{ONE}/exports", "export_id", ALL)
    return {each["id"] for each in json.loads(fetch(service, shown["download_url"]))}


def bulk_door(service, key, path="/v1/conversations/export", body={"format": "json"}):
    shown = export(service, key, path, "job_id", body, "/v1/conversations/export")
    return {each["id"] for text in unzip(fetch(service, shown["files"][0]["url"])) for each in json.loads(text)}


def contact_door(service, key):
    return bulk_door(service, key, f"/v1/contacts/{people.JANE}/export", {"format": "json", "match": "identity"})


def single_door(service, key):
    asked = (people.VIP, people.PRESS, people.HIDDEN, door_source.SECOND)
    return {id for id in asked if service.get(f"/v1/conversations/{id}/export", key).status == 200}


def agent_door(service, key):
    answer = service.get(f"/v3/agents/{people.ASSISTANT}/convos/export", key)
    return {each["metadata"]["convo"]["id"] for each in answer.json()["data"]}


EVERYTHING = {people.VIP, people.PRESS, people.HIDDEN, door_source.SECOND}
DOORS = {main_door: {people.VIP, people.HIDDEN}, native_door: EVERYTHING, bulk_door: EVERYTHING,
         contact_door: {people.VIP, door_source.SECOND}, single_door: EVERYTHING,
         agent_door: {people.VIP, people.PRESS}}
SEEN = {"admin": EVERYTHING, "one": EVERYTHING, "vip": {people.VIP},
        "editor": {people.VIP, people.PRESS, door_source.SECOND}}


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
@pytest.mark.parametrize("key", SEEN)
def test_an_editor_gets_the_permitted_scope_and_an_admin_all(service, keys, key, door):
    assert door(service, keys[key]) == DOORS[door] & SEEN[key]


def test_counts_and_progress(service, keys):
    for key, seen in SEEN.items():
        counted = service.request("POST", f"{ONE}/exports/preview", keys[key], json_body=ALL).json()
        assert (counted["conversations"], counted["messages"]) == (len(seen), 3 * len(seen))
        shown = export(service, keys[key], f"{ONE}/exports", "export_id", ALL)
        assert shown["progress"]["conversations_total"] == shown["progress"]["conversations_done"] == len(seen)


def test_lists_and_the_audit(service, keys, database):
    database.execute("DELETE FROM verbatim.job")
    made = {key: export(service, keys[key], f"{ONE}/exports", "export_id", ALL)["export_id"] for key in SEEN}
    for key, visible in (("admin", set(made.values())), ("vip", {made["vip"]}), ("editor", {made["editor"]})):
        listed = service.get(f"{ONE}/exports", keys[key]).json()["exports"]
        assert {each["export_id"] for each in listed} == visible
        for export_id in made.values():
            found = service.get(f"{ONE}/exports/{export_id}", keys[key]).status
            assert found == (200 if export_id in visible else 404)
    assert service.get("/v1/exports/audit", keys["vip"]).status == 403
    entries = service.get("/v1/exports/audit", keys["admin"]).json()["entries"]
    records = {each["job_id"]: each["records"] for each in entries}
    assert {key: records[made[key]] for key in SEEN} == {key: len(seen) for key, seen in SEEN.items()}


def test_the_door_of_owner_and_admin(service, keys):
    assert service.request("POST", "/app/conversation-exports", keys["vip"], json_body={"format": "csv"}).status == 403
