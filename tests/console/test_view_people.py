"""Contacts > [contact] > Export of the document: a person is found, everything of theirs is exported and downloaded."""

import json

import pytest

from tests.lib import console, native_source
from tests.lib import http_source as source

HIDDEN_TOO = f"""
UPDATE chat.conversation SET contact_id = '{native_source.JANE_BY_PHONE}', channel_id = '{source.WHATSAPP}'
WHERE id = '{native_source.HIDDEN}'
"""


@pytest.fixture(scope="module")
def keys(program, database):
    keys = console.make_world(program, database)
    database.execute(HIDDEN_TOO)
    return keys


@pytest.fixture
def people(page, service, keys):
    console.enter(page, service, keys["owner"], "#/people")
    page.get("searchbox", "E-mail, phone or name").wait()
    return page


def find(page, text):
    page.get("searchbox", "E-mail, phone or name").fill(text)
    page.press("Enter")


def export_of(page, name):
    return page.get("group", f"Actions for {name}").get("button", "Export everything")


@pytest.mark.parametrize("text,found", [
    ("jane@example.com", {"Jane Doe", "J. Doe"}), ("+12025550199", {"Jane Doe", "+12025550199"}),
    ("2025550199", {"Jane Doe", "+12025550199"}), ("john", {"John"}), ("nobody@", {"nobody@example.com"})])
def test_a_contact_is_found_by_e_mail_phone_or_name(people, text, found):
    find(people, text)
    people.wait(f"document.querySelectorAll('.row').length === {len(found)}")
    assert set(people.value("[...document.querySelectorAll('.row h2')].map(each => each.textContent)")) == found
    people.wait(f"location.hash.includes({json.dumps('q=')})")
    people.wait(f"window.__heard.some(each => each.startsWith('{len(found)} '))", "the count to be said")


def test_an_answer_to_an_earlier_search_that_comes_late_is_not_shown(people):
    console.answer_late(people, "q=nobody")
    find(people, "nobody")
    find(people, "jane")
    people.wait("document.querySelectorAll('.row').length > 0")
    console.wait_late(people)
    names = people.value("[...document.querySelectorAll('.row h2')].map(each => each.textContent)")
    assert names and "nobody@example.com" not in names


def test_the_search_is_in_the_address(people):
    find(people, "john")
    export_of(people, "John").wait()
    people.reload()
    export_of(people, "John").wait()
    assert people.get("searchbox", "E-mail, phone or name").value() == "john"


def test_everything_of_a_person_over_all_channels(people, api, folder):
    """Contacts > [contact] > Export, pick format, download."""
    find(people, "jane@example.com")
    export_of(people, "Jane Doe").click()
    dialog = people.get("dialog", "Export everything of this person").wait()
    assert {"Jane Doe", "jane@example.com", "+12025550199"} <= set(dialog.text().split("\n"))
    dialog.get("radio", "JSON").click()
    assert dialog.get("checkbox", "Tags", checked=True).count() == 1
    dialog.get("checkbox", "Internal notes").click()
    people.wait_text("7 conversations")
    dialog.get("button", "Export").click()
    dialog.gone()
    people.wait_text("The export of Jane Doe has started.")
    people.get("link", "To the export").click()
    people.get("heading", "Timeline").wait()
    export_id = people.address.rsplit("/", 1)[1]
    item = api.ended(export_id)
    assert item["specification"]["select"] == {"contact_id": native_source.JANE, "match": "identity"}
    assert set(item["specification"]["include"]) == {"messages", "customer", "tags", "notes"}
    people.downloads(folder)
    people.get("link", "Download").click()
    [name] = people.downloaded()
    conversations = json.loads((folder / name).read_bytes())
    assert {each["channel"]["id"] for each in conversations} == {source.SMS, source.WHATSAPP}
    assert {each["customer"]["id"] for each in conversations} == {native_source.JANE, native_source.JANE_BY_PHONE}
    assert len(conversations) == 7


def test_by_keyboard_alone(people, api):
    people.tab_to("searchbox", "E-mail, phone or name")
    people.type("john")
    people.press("Enter")
    export_of(people, "John").wait()
    people.tab_to("button", "Export everything")
    people.press("Enter")
    people.get("dialog", "Export everything of this person").wait()
    people.tab_to("checkbox", "Also contacts with the same e-mail or phone")
    people.press("Space")
    people.tab_to("radio", "HTML")
    people.press("ArrowDown", times=3)
    assert people.focused() == ("radio", "CSV")
    people.tab_to("button", "Export")
    before = {item["export_id"] for item in api.all()}
    people.press("Enter")
    people.wait_text("The export of John has started.")
    assert people.focused() == ("button", "Export everything"), "the focus is where it was"
    [made] = [item for item in api.all() if item["export_id"] not in before]
    assert made["specification"]["select"] == {"contact_id": native_source.JOHN}
    assert made["specification"]["format"] == "csv"


def test_a_double_click_makes_one(people, api):
    find(people, "nobody@")
    export_of(people, "nobody@example.com").click()
    people.wait_text("No conversation of this person")
    before = len(api.all())
    people.get("dialog").get("button", "Export").click(count=2)
    people.wait_text("has started.")
    assert len(api.all()) == before + 1


def test_nobody_and_nothing(people):
    find(people, "nobody at all")
    people.get("heading", "Nobody found").wait()
    find(people, "")
    assert people.get("searchbox", "E-mail, phone or name", invalid=True).states()["description"].endswith(
        "Enter what to look for.")
    assert people.focused() == ("searchbox", "E-mail, phone or name")


def test_what_is_typed_is_no_pattern_and_no_statement(people):
    for text in ("%", "_", "'; DROP TABLE chat.contact; --", "\\"):
        find(people, text)
        people.get("heading", "Nobody found").wait()


def test_only_people_of_this_workspace(people, service, keys):
    find(people, native_source.FOREIGN_CONTACT)
    people.get("heading", "Nobody found").wait()
