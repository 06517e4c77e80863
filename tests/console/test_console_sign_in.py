"""Signing in and out, keys in the address, sessions that end in the middle, and what each role is told."""

import pytest

from tests.lib import console


def end_sessions(database):
    database.execute("DELETE FROM verbatim.console_session")


def test_by_mouse_and_out_again(page, service, keys):
    console.open_console(page, service)
    page.get("textbox", "API key").fill(keys["owner"])
    page.get("button", "Sign in").click()
    page.get("heading", "Available exports").wait()
    assert "owner@example.com" in page.text() and "Bäckerei Löwenstein" in page.text()
    page.wait("document.activeElement.textContent === 'Available exports'")
    assert page.value("document.cookie") == "", "no script can read it"
    page.reload()
    page.get("heading", "Available exports").wait()
    page.get("button", "Sign out").click()
    page.get("textbox", "API key").wait()
    page.reload()
    page.get("textbox", "API key").wait()


def test_by_keyboard(page, service, keys):
    console.open_console(page, service)
    page.wait("document.activeElement.tagName == 'INPUT'")
    page.call("Input.insertText", text=keys["owner"])
    page.tab_to("button", "Sign in")
    page.press("Space")
    page.get("heading", "Available exports").wait()
    page.tab_to("button", "Sign out")
    page.press("Enter")
    page.get("textbox", "API key").wait()
    assert page.focused() == ("textbox", "API key")


def test_what_is_wrong_stands_beside_the_field(page, service):
    console.open_console(page, service)
    field = page.get("textbox", "API key")
    page.get("button", "Sign in").click()
    page.wait_text("Enter your key.")
    assert page.get("textbox", "API key", invalid=True).states()["description"].endswith("Enter your key.")
    field.fill("vb_wrong")
    page.press("Enter")
    page.wait_text("This key is not known, or it was revoked.")
    assert field.states()["invalid"] == "true" and "not known" in field.states()["description"]
    assert page.focused() == ("textbox", "API key")


def test_the_key_can_be_looked_at(page, service):
    console.open_console(page, service)
    page.get("textbox", "API key").fill("vb_abc")
    assert page.value("document.querySelector('main input').type") == "password"
    page.get("checkbox", "Show the key").click()
    assert page.value("document.querySelector('main input').type") == "text"


@pytest.mark.parametrize("view", ["?key={}", "#/exports?api_key={}", "#/exports?x={}", "#/{}",
                                  "?a=1#/sign-in?token={}"])
def test_a_key_in_the_address_is_removed_told_and_not_used(page, service, keys, view):
    page.call("Page.navigate", url=f"{service.url}/console/{view.format(keys['owner'])}")
    page.get("alert").wait()
    page.wait_text("There was a key in the address. It was removed and not used.")
    assert keys["owner"] not in page.address
    page.get("textbox", "API key").wait()
    assert page.get("textbox", "API key").value() == "", "it signs nobody in"
    assert page.value("fetch('../api/v1/console/session').then(answer => answer.status)") == 401
    entries = page.call("Page.getNavigationHistory")["entries"]
    assert not [each for each in entries if keys["owner"] in each["url"]], "nor is it in the history"


def test_a_revoked_key_ends_the_session_of_who_only_looks(page, service, program, database):
    key = console.native_source.make_key(program, database, "owner", workspace=console.WORKSPACE)
    console.sign_in(page, service, key)
    page.wait("document.querySelector('.rows, .empty') !== null")
    database.execute("UPDATE verbatim.api_key SET revoked_at = now() WHERE key_id = %s", [key.split("_")[1]])
    page.get("dialog", "Your session has ended").wait(30)
    page.get("textbox", "API key").fill(key)
    page.press("Enter")
    page.wait_text("This key is not known, or it was revoked.")


def test_what_was_asked_for_is_shown_after_signing_in(page, service, keys, api):
    export_id = api.made()["export_id"]
    console.sign_in(page, service, keys["owner"], f"#/exports/{export_id}")
    page.get("heading", "Timeline").wait()


def test_a_session_that_ends_in_the_middle_loses_nothing(page, service, keys, api, database):
    console.sign_in(page, service, keys["owner"], "#/new")
    dialog = page.get("dialog", "Export conversations").wait()
    dialog.get("radio", "Chosen conversations").click()
    dialog.get("textbox", "Conversation ids").fill(console.CONVERSATION)
    before = {item["export_id"] for item in api.all()}
    page.wait_text("1 conversation, 2 messages")
    end_sessions(database)
    dialog.get("button", "Start export").click()
    again = page.get("dialog", "Your session has ended").wait()
    page.press("Escape")
    page.press("Escape")
    again.wait()
    again.get("textbox", "API key").fill(keys["owner"])
    page.press("Enter")
    page.wait_text("The export has started.")
    made = [item for item in api.all() if item["export_id"] not in before]
    assert [item["specification"]["select"] for item in made] == [{"conversation_ids": [console.CONVERSATION]}]


def test_a_reload_without_a_session_keeps_what_was_typed(page, service, keys, database):
    console.sign_in(page, service, keys["owner"], "#/new")
    page.get("radio", "Chosen conversations").click()
    page.get("textbox", "Conversation ids").fill("a, b")
    page.get("radio", "JSON").click()
    end_sessions(database)
    page.reload()
    page.get("textbox", "API key").fill(keys["owner"])
    page.press("Enter")
    assert page.get("textbox", "Conversation ids").value() == "a, b"
    assert page.get("radio", "JSON", checked=True).count() == 1
    page.get("button", "Cancel").click()
    page.get("dialog").gone()
    page.get("link", "Export").click()
    page.get("radio", "An assistant", checked=True).wait()


def test_another_key_after_the_end_shows_what_it_may_see(page, service, keys, database):
    console.sign_in(page, service, keys["owner"])
    page.wait("document.querySelector('.rows, .empty') !== null")
    end_sessions(database)
    # By script: the list may find out by itself, and then the dialog keeps pointers from the button.
    page.value("[...document.querySelectorAll('button')].find(each => each.textContent === 'Refresh').click()")
    page.get("dialog", "Your session has ended").wait()
    page.get("textbox", "API key").fill(keys["viewer"])
    page.press("Enter")
    page.get("dialog").gone()
    page.wait_text("Your key is a viewer's")
    assert page.get("link", "Export").count() == 0


def test_a_viewer_sees_and_is_told_why_there_is_no_more(page, service, keys, api):
    name = api.made()["files"][0]["name"]
    console.sign_in(page, service, keys["viewer"])
    page.wait_text(name)
    page.wait_text("Your key is a viewer's: you see exports, but can't start, download or delete them.")
    assert page.get("link", "Download").count() + page.get("button", "Delete").count() == 0
    for view in ("new", "conversation"):
        page.value(f"location.hash = '#/{view}'")
        page.wait_text("Viewers may look at exports, but not start any.")
        page.wait_text("You are signed in as viewer")
        assert page.focused() == ("heading", "Not for this key")


def test_an_editor_is_told_of_the_audience_and_of_contacts(page, service, keys):
    console.sign_in(page, service, keys["editor"])
    page.wait_text("Your key sees exports and conversations with the tags: ")
    assert "press, vip." in page.text() or "vip, press." in page.text()
    page.tab_to("link", "Export")
    page.press("Enter")
    contact = page.get("radio", "A contact").wait()
    assert contact.states()["disabled"] and "For owners and admins." in contact.states()["description"]


def test_an_address_that_names_nothing(page, service, keys):
    console.sign_in(page, service, keys["owner"], "#/nothing/at/all")
    page.wait_text("There is nothing here")
    page.get("link", "Exports").node  # both in the navigation and in the page


def test_the_page_in_german_by_the_browser_and_by_choice(page, service, keys):
    page.language("de-DE")
    console.open_console(page, service)
    page.get("button", "Anmelden").wait()
    assert page.value("document.documentElement.lang") == "de"
    page.get("combobox", "Sprache").wait()
    page.get("combobox", "Sprache").apply("function() { this.focus() }")
    page.press("Home")
    page.get("button", "Sign in").wait()
    page.reload()
    page.get("button", "Sign in").wait()
