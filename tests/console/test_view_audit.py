"""The audit as owners and admins read it: who exported what when, filtered in the address, and as a CSV."""

import csv
import io

import pytest

from tests.lib import console, native_source

AUDIT = f"/api/v1/workspace/{console.WORKSPACE}/audit"


@pytest.fixture(scope="module")
def entries(service, keys, api):
    """Exports of three people through three doors: two in the background, one at once."""
    made = [api.made(), console.Api(service, keys["admin"]).made(format="csv", files="per_conversation")]
    service.get(f"{api.exports}/{made[0]['export_id']}/download", keys["admin"])
    answer = service.get(f"/v1/conversations/{console.CONVERSATION}/export?format=json", keys["editor"])
    assert answer.status == 200, answer.body
    return made


@pytest.fixture
def audit(page, service, keys, entries):
    return console.enter(page, service, keys["owner"], "#/audit")


def shown(page):
    return page.value("[...document.querySelectorAll('.audit > .row')].map(each => each.innerText)")


def open_filter(page):
    page.get("DisclosureTriangle", "Filter").click()


def test_who_exported_what_when(audit, service, keys, entries):
    newest, second, first = shown(audit)
    assert "1 conversation" in newest.split("\n")[0] and "editor@example.com" in newest and "HTTP API, /v1" in newest
    assert "Channel: SMS Support" in second and "admin@example.com" in second and "CSV" in second
    assert "owner@example.com" in first and "JSON" in first and "Ready" in first
    for text, entry in zip((first, second), entries):
        assert f"{entry['progress']['conversations_done']} conversation" in text


def test_each_download_is_told_with_its_time_and_person(audit):
    audit.get("DisclosureTriangle", "Downloaded 1 time").click()
    audit.wait_text("by admin@example.com")
    assert audit.value("document.querySelector('.downloads time').dateTime.startsWith('20')")


def test_an_entry_leads_to_its_export(audit, entries):
    audit.value("[...document.querySelectorAll('.audit > .row a')].at(-1).focus()")
    audit.press("Enter")
    audit.get("heading", "Timeline").wait()
    assert audit.address.endswith(entries[0]["export_id"])


def test_filters_are_in_the_address_and_survive_a_reload(audit):
    open_filter(audit)
    audit.get("textbox", "Author").fill("admin@example.com")
    audit.press("Enter")
    audit.wait("document.querySelectorAll('.audit > .row').length === 1")
    assert "author=admin%40example.com" in audit.address
    audit.reload()
    audit.wait("document.querySelectorAll('.audit > .row').length === 1")
    assert audit.get("textbox", "Author").value() == "admin@example.com"
    audit.get("button", "Clear filters").click()
    audit.wait("document.querySelectorAll('.audit > .row').length === 3")
    assert "author" not in audit.address
    assert audit.focused() == ("textbox", "Author")


def test_by_keyboard_alone(audit):
    audit.tab_to("DisclosureTriangle", "Filter")
    audit.press("Enter")
    audit.tab_to("combobox", "Through")
    audit.press("End")
    audit.press("ArrowUp")
    audit.wait("document.querySelectorAll('.audit > .row').length === 1")
    assert "door=v1" in audit.address
    audit.tab_to("combobox", "Format")
    audit.press("ArrowDown")
    audit.get("heading", "Nothing fits these filters").wait()
    assert audit.get("heading", "Nothing fits these filters").count() == 1


@pytest.mark.parametrize("query,rows", [
    ("kind=direct", 1), ("kind=job", 2), ("format=csv", 1), ("door=native", 2), ("from=2001-01-01", 3),
    ("from=2001-01-01&to=2001-12-31", 0), ("author=editor%40example.com&door=v1", 1)])
def test_every_filter(page, service, keys, entries, query, rows):
    console.enter(page, service, keys["owner"], f"#/audit?{query}")
    page.wait(f"document.querySelectorAll('.audit > .row').length === {rows}")


def test_the_csv_is_all_of_what_the_filters_leave(audit, service, keys, folder):
    open_filter(audit)
    audit.get("combobox", "Kind").choose("Made in the background")
    audit.wait("document.querySelectorAll('.audit > .row').length === 2")
    audit.downloads(folder)
    audit.get("link", "Download CSV").click()
    [name] = audit.downloaded()
    text = (folder / name).read_bytes()
    assert text == service.get(f"{AUDIT}.csv?kind=job", keys["owner"]).body
    rows = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))
    assert [row["author"] for row in rows] == ["admin@example.com", "owner@example.com"]


def test_pages_go_on_where_they_ended(page, service, database, program, entries):
    """Entries of one moment are neither lost nor shown twice. Of another workspace: an entry is for ever."""
    program.workspace("two", name="Much to tell")
    key = native_source.make_key(program, database, "owner", (), "two@example.com", "two")
    database.execute("""INSERT INTO verbatim.audit (workspace_id, created_at, door, author, filter, format)
        SELECT 'two', '2020-01-01', door, 'many' || n, filter, format FROM verbatim.audit, generate_series(1, 120) AS n
        WHERE audit_id = (SELECT min(audit_id) FROM verbatim.audit)""")
    console.enter(page, service, key, "#/audit?to=2020-12-31")
    page.wait("document.querySelectorAll('.audit > .row').length === 50")
    page.get("button", "Show older entries").click()
    page.wait("document.querySelectorAll('.audit > .row').length === 100")
    page.tab_to("button", "Show older entries")
    page.press("Enter")
    page.wait("document.querySelectorAll('.audit > .row').length === 120")
    page.get("button", "Show older entries").gone()
    authors = page.value(r"document.querySelector('.audit').innerText.match(/many\d+/g)")
    assert sorted(authors) == sorted({f"many{n}" for n in range(1, 121)})
    assert page.value("document.activeElement.tagName") == "LI", "at the first of the new ones"


def test_who_deleted_an_export_stands_there_for_ever(page, service, keys, api, entries):
    gone = api.made(format="ndjson")["export_id"]
    api.delete(gone)
    console.enter(page, service, keys["owner"], "#/audit?format=ndjson")
    page.wait("document.querySelectorAll('.audit > .row').length === 1")
    assert "by owner@example.com" in shown(page)[0] and "Deleted " in shown(page)[0]
    assert page.get("link", "To the export").count() == 0
