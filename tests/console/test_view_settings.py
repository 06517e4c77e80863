"""Settings of the workspace: what is changed holds, what is wrong stands at its field, who may not is told so."""

import pytest

from tests.lib import console

SETTINGS = f"/api/v1/workspace/{console.WORKSPACE}/settings"
START = {"name": "Bäckerei Löwenstein", "time_zone": "Europe/Berlin", "csv_profile": "safe", "delimiter": ",",
         "csv_quote": "minimal", "byte_order_mark": None, "retention": None, "link_ttl": None}


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(workers=0)


@pytest.fixture(autouse=True)
def as_at_the_start(service, keys):
    answer = service.request("PATCH", SETTINGS, keys["owner"], json_body=START)
    assert answer.status == 200, answer.body


@pytest.fixture
def form(page, service, keys):
    console.enter(page, service, keys["owner"], "#/settings")
    page.get("textbox", "Name").wait()
    return page


def kept(service, keys):
    return service.get(SETTINGS, keys["owner"]).json()


def test_by_mouse(form, service, keys):
    form.get("textbox", "Name").fill("Bäckerei Müller")
    form.get("textbox", "Keep files for").fill("14")
    form.get("textbox", "Links are valid for").fill("36")
    form.get("combobox", "Links are valid for: unit").choose("hours")
    form.get("combobox", "CSV is made for").choose("Excel, guarded against formulas")
    form.get("combobox", "Columns of CSV are separated by").choose(
        "Semicolons, as Excel expects in German and many other languages")
    form.get("combobox", "Byte order mark of CSV").choose("Never")
    form.get("button", "Save").click()
    form.wait_text("Saved.")
    now = kept(service, keys)
    assert now["byte_order_mark"] is False
    assert (now["name"], now["retention"], now["link_ttl"], now["csv_profile"]) == (
        "Bäckerei Müller", "14d", "36h", "excel")
    assert (now["delimiter"], now["csv_quote"]) == (";", "minimal")
    assert now["time_zone"] == "Europe/Berlin", "what was not touched stays"
    assert "Empty: as the service is set, 7 days." in form.text() and "as the service is set, 3." in form.text()
    form.reload()
    assert form.get("textbox", "Keep files for").value() == "14"
    assert form.get("combobox", "Links are valid for: unit").value() == "h"


def test_by_keyboard_alone(form, service, keys):
    form.tab_to("combobox", "Time zone")
    form.press("Control+a")
    form.type("Asia/Tokyo")
    form.press("Escape")
    form.tab_to("button", "Save")
    form.press("Enter")
    form.wait_text("Saved.")
    assert kept(service, keys)["time_zone"] == "Asia/Tokyo"
    form.wait("window.__heard.includes('Saved. It holds for exports from here on.')", "that to be said")


def test_an_emptied_time_is_as_the_service_is_set(form, service, keys):
    service.request("PATCH", SETTINGS, keys["owner"], json_body={"retention": "14d"})
    form.reload()
    field = form.get("textbox", "Keep files for")
    assert field.value() == "14"
    field.click()
    form.press("Control+a")
    form.press("Delete")
    form.press("Enter")
    form.wait_text("Saved.")
    assert kept(service, keys)["retention"] is None


@pytest.mark.parametrize("role,name,text,words", [
    ("textbox", "Keep files for", "0", "Enter a whole number above 0"),
    ("textbox", "Keep files for", "abc", "Enter a whole number above 0"),
    ("textbox", "Exports at a time", "0", "Enter a whole number from 1 to"),
    ("combobox", "Time zone", "", "Choose a time zone."),
    ("combobox", "Time zone", "Mars/Olympus", ""),  # the service's own words
    ("textbox", "Links are valid for", "8", "")])
def test_what_is_wrong_stands_at_its_field(form, service, keys, role, name, text, words):
    before = kept(service, keys)
    field = form.get(role, name)
    field.fill(text)
    form.press("Escape")
    form.get("button", "Save").click()
    wrong = form.get(role, name, invalid="true").wait()
    said = wrong.states()["description"]
    assert words in said and len(said) > len(words)
    assert form.focused() == (role, name)
    assert form.get("alert").count() == 0 or form.get("alert").text() == ""
    assert kept(service, keys) == before


@pytest.mark.parametrize("set_before", [
    {"retention": "90m", "link_ttl": "90s"}, {"retention": "7d", "link_ttl": "1500ms"}, {"max_running": 10000}],
    ids=["minutes", "milliseconds", "many"])
def test_what_was_set_elsewhere_stays_when_something_else_is_changed(form, service, keys, database, set_before):
    """The command and the API know spans and numbers that nobody would type here."""
    answer = service.request("PATCH", SETTINGS, keys["owner"], json_body=set_before)
    assert answer.status == 200, answer.body
    try:
        form.reload()
        form.get("textbox", "Name").fill("Another name")
        form.get("button", "Save").click()
        form.wait_text("Saved.")
        now = kept(service, keys)
        assert now["name"] == "Another name" and {name: now[name] for name in set_before} == set_before
    finally:
        service.request("PATCH", SETTINGS, keys["owner"], json_body={"max_running": None})


def test_nothing_changed_says_so(form):
    form.get("button", "Save").click()
    form.wait_text("Nothing was changed.")


@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_others_may_look_and_are_told_who_may_change(page, service, keys, role):
    console.enter(page, service, keys[role], "#/settings")
    page.wait_text("Europe/Berlin (Central European")
    assert page.get("textbox").count() == 0 and page.get("button", "Save").count() == 0
    assert "7 days, as the service is set" in page.text()
    assert "An owner or admin of the workspace can change this" in page.text()
    page.wait_text("What you can't do")
    assert ("Start exports." in page.text()) == (role == "editor")
    assert "The audit is for owners and admins of the workspace." in page.text()


def test_an_admin_may_change(page, service, keys):
    console.enter(page, service, keys["admin"], "#/settings")
    page.get("textbox", "Name").fill("Of the admin")
    page.press("Enter")
    page.wait_text("Saved.")
    assert kept(service, keys)["name"] == "Of the admin"


def test_a_session_that_ends_in_the_middle_loses_nothing(form, service, keys, database):
    form.get("textbox", "Name").fill("Typed before the end")
    database.execute("DELETE FROM verbatim.console_session")
    form.press("Enter")
    again = form.get("dialog", "Your session has ended").wait()
    again.get("textbox", "API key").fill(keys["owner"])
    form.press("Enter")
    form.wait_text("Saved.")
    assert kept(service, keys)["name"] == "Typed before the end"
