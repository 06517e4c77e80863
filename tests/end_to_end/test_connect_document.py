"""docs/connect.md as a newcomer follows it: its SQL, block by block in an empty database, and what comes of it."""

import json
import pathlib
import re
import textwrap

import pytest

from tests.lib.doctor import doctor
from tests.lib.process import wait_until
from tests.lib.service import Service

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/connect.md"
BLOCK = re.compile(r"^( *)```sql\n(.*?)^\1```$", re.S | re.M)
EXPORTS = "/api/v1/workspace/acme/exports"
# Schemas of the page, by the ids of their workspaces.
SCHEMAS = {"chat": "1", "messenger": "main", "first": "main", "kept": "main", "grouped": "main", "teams": "red",
           "local": "main"}


def blocks():
    return [textwrap.dedent(body) for _, body in BLOCK.findall(PAGE.read_text())]


@pytest.fixture(scope="module")
def connected(program, database):
    for block in blocks():
        database.execute(block)
    program.migrate()
    for name, source_id in {"acme": "1", "main": "main", "red": "red"}.items():
        program.workspace(name, source_id=source_id)
    return program


def test_every_schema_that_the_page_makes_is_looked_at(connected, database):
    found = {name for name, in database.execute(
        "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = 'message'")}
    assert found - {"verbatim"} == set(SCHEMAS)


@pytest.mark.parametrize("schema", sorted(set(SCHEMAS) - {"grouped"}))
def test_the_doctor_has_nothing_to_say_against_it(connected, schema, tmp_path):
    """Of a page that is sorted it may speak where a recipe itself says so."""
    report = doctor(connected, source_schema=schema, storage=f"file://{tmp_path}")
    assert not [line for line in report.of("source") if line.finding == "failed"], report.output
    assert report.findings("source rows") == {"ok"}, report.output
    spoken = [line.text for line in report.of("source plan") if line.finding != "ok"]
    allowed = {"teams": "everything", "messenger": "everything", "first": "public.line"}.get(schema, "-")
    assert [text for text in spoken if allowed not in text] == [], report.output


def exported(service, path, key, **specification):
    answer = service.request("POST", path, key, json_body={"format": "ndjson", "files": "single"} | specification)
    assert answer.status == 202, answer.body
    place = f"{path}/{answer.json()['export_id']}"
    shown = wait_until(lambda: (found := service.get(place, key).json())["status"] in ("finished", "failed") and found,
                       "the export", 60)
    assert shown["status"] == "finished", shown
    return [json.loads(line) for line in service.get(f"{place}/download", key).body.decode().splitlines()]


def test_the_desk_is_exported_with_all_that_it_has(connected, tmp_path):
    key = connected.key("acme")
    with Service(connected, tmp_path, storage=f"file://{tmp_path}") as service:
        everything = exported(service, EXPORTS, key, select={"all": True}, include=[
            "messages", "customer", "tags", "notes", "participants", "reactions", "revisions", "deleted"])
        march = exported(service, EXPORTS, key, select={"channel_id": "2"},
                         filter={"from": "2026-03-01", "to": "2026-03-31"})
    assert len(everything) == 2000 and sum(len(c["messages"]) for c in everything) == 2000 * 5 - 1
    one = next(c for c in everything if c["id"] == "403")
    assert [m["text"] for m in one["messages"]] == ["Text 1 of 403 (edited)", "Text 2 of 403", "Text 3 of 403",
                                                    "Text 4 of 403"]
    assert one["messages"][0]["edited_at"] and one["messages"][3]["deleted_at"]
    assert [r["text"] for r in one["revisions"]] == ["Text 1 of 403"]
    assert one["reactions"][0]["name"] == "like" and one["participants"][0]["name"] == "Person 2"
    assert [n["text"] for n in one["notes"]] == ["Text 5 of 403"]
    assert one["customer"]["name"] == one["messages"][0]["speaker_name"] and one["tags"] == ["vip"]
    assert {m["speaker_type"] for m in one["messages"]} == {"customer", "agent"}
    assert 0 < len(march) < 2000 and {c["channel"]["name"] for c in march} == {"Sales"}


def test_the_ways_to_make_conversations_give_the_same(connected, tmp_path):
    key, path = connected.key("main"), "/api/v1/workspace/main/exports"
    found = {}
    for schema in ("first", "kept", "grouped"):
        with Service(connected, tmp_path, source_schema=schema, storage=f"file://{tmp_path}") as service:
            found[schema] = exported(service, path, key, select={"all": True})
    assert found["first"] == found["kept"] == found["grouped"]
    assert len(found["first"]) == 97 and sum(len(c["messages"]) for c in found["first"]) == 6000


def test_a_month_of_rooms_that_live_for_years(connected, tmp_path):
    key, path = connected.key("main"), "/api/v1/workspace/main/exports"
    with Service(connected, tmp_path, source_schema="messenger", storage=f"file://{tmp_path}") as service:
        month = exported(service, path, key, select={"channel_id": "1"},
                         filter={"from": "2026-05-01", "to": "2026-05-31", "activity": True})
    assert len(month) > 700 and all(m["created_at"].startswith("2026-05") for c in month for m in c["messages"])
