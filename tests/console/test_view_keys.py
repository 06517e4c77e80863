"""Keys as owners and admins make and revoke them, by mouse and by keyboard alone; and why others can't."""

import re

import pytest

from tests.lib import console

LIST = f"/api/v1/workspace/{console.WORKSPACE}/exports"
KEYS = f"/api/v1/workspace/{console.WORKSPACE}/keys"
KEY = re.compile(r"vb_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}")


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(workers=0)


@pytest.fixture(autouse=True)
def only_those_of_the_world(database, keys):
    known = [key.split("_")[1] for key in keys.values()]
    database.execute("DELETE FROM verbatim.api_key WHERE key_id <> ALL(%s)", [known])


@pytest.fixture
def owner(page, service, keys):
    return console.enter(page, service, keys["owner"], "#/keys")


def listed(service, keys):
    answer = service.get(KEYS, keys["owner"])
    assert answer.status == 200, answer.body
    return {key["name"]: key for key in answer.json()["keys"]}


def actions(page, name):
    return page.get("group", f"Actions for {name}")


def make(page, name, role):
    page.get("button", "New key").click()
    dialog = page.get("dialog", "New key").wait()
    dialog.get("textbox", "Name").fill(name)
    dialog.get("radio", role).click()
    dialog.get("button", "Make the key").click()
    return page.get("dialog", "Copy the key now").wait()


def test_a_key_is_made_shown_once_and_works(owner, service, keys):
    dialog = make(owner, "Nightly archive", "viewer")
    key = dialog.get("textbox", "The new key").value()
    assert KEY.fullmatch(key)
    assert owner.get("textbox", "The new key", readonly=True).count() == 1
    assert service.get(LIST, key).status == 200
    made = listed(service, keys)["Nightly archive"]
    assert (made["role"], made["user"], made["audience"], made["revoked_at"]) == ("viewer", None, None, None)
    dialog.get("button", "Copy key").click()
    owner.wait_text("Key copied.")
    owner.press("Escape")
    dialog.gone()
    actions(owner, "Nightly archive").wait()
    secret = key.split("_")[2]
    for place in ("document.documentElement.outerHTML", "JSON.stringify({...localStorage, ...sessionStorage})",
                  "location.href"):
        assert secret not in owner.value(place), "it is kept nowhere"


def test_by_keyboard_alone(owner, service, keys):
    owner.tab_to("button", "New key")
    owner.press("Enter")
    owner.get("dialog", "New key").wait()
    assert owner.focused() == ("textbox", "Name")
    owner.type("Press desk")
    owner.press("Tab")
    assert owner.focused() == ("radio", "editor")
    owner.tab_to("textbox", "Tags")
    owner.type("press, vip, press")
    owner.tab_to("textbox", "Mail address of the person (optional)")
    owner.type("press@example.com")
    owner.press("Enter")
    owner.get("dialog", "Copy the key now").wait()
    assert owner.focused() == ("button", "Copy key")
    owner.press("Space")
    owner.wait_text("Key copied.")
    owner.tab_to("button", "Close")
    owner.press("Enter")
    owner.get("dialog").gone()
    assert owner.focused() == ("button", "New key")
    made = listed(service, keys)["Press desk"]
    assert (made["role"], made["user"], sorted(made["audience"])) == ("editor", "press@example.com", ["press", "vip"])
    owner.wait_text("Conversations with the tags: press, vip")


def test_a_key_that_was_not_copied_is_not_lost_by_a_slip(owner):
    dialog = make(owner, "Slip", "viewer")
    owner.press("Escape")
    owner.wait_text("The key has not been copied yet")
    assert any("not been copied yet" in words for words in owner.heard())
    dialog.get("button", "Close").click()
    dialog.gone()


def test_it_is_copied_also_without_tls(browser, service, keys):
    """A page from another host than this one and without TLS gets no clipboard."""
    page = browser.new_page()
    console.enter(page, service, keys["owner"], "#/keys", host="plain.test")
    assert page.value("isSecureContext") is False and page.value("navigator.clipboard === undefined")
    dialog = make(page, "Without TLS", "viewer")
    key = dialog.get("textbox", "The new key").value()
    dialog.get("button", "Copy key").click()
    page.wait_text("Key copied.")
    page.press("Escape")
    dialog.gone()
    page.get("button", "New key").click()
    page.get("textbox", "Name").click()
    page.press("Control+v")
    assert page.get("textbox", "Name").value() == key
    page.close()


def test_what_is_wrong_stands_at_its_field(owner, service, keys):
    before = listed(service, keys)
    owner.get("button", "New key").click()
    dialog = owner.get("dialog", "New key").wait()
    dialog.get("button", "Make the key").click()
    for name, words in (("Name", "Enter a name for the key."), ("Tags", "Enter at least one tag")):
        field = dialog.get("textbox", name, invalid=True)
        assert words in field.states()["description"]
    assert owner.focused() == ("textbox", "Name")
    dialog.get("textbox", "Name").fill("Somebody")
    dialog.get("radio", "viewer").click()
    dialog.get("textbox", "Mail address of the person (optional)").fill("nobody")
    owner.press("Enter")
    mail = dialog.get("textbox", "Mail address of the person (optional)", invalid=True)
    assert "Enter an address such as" in mail.states()["description"]
    assert owner.focused()[1] == "Mail address of the person (optional)"
    assert dialog.get("textbox", "Name", invalid=True).count() == 0
    assert dialog.get("textbox", "Tags").count() == 0, "only editors have them"
    owner.press("Escape")
    dialog.gone()
    assert listed(service, keys) == before


def test_a_double_click_makes_one(owner, service, keys):
    owner.get("button", "New key").click()
    dialog = owner.get("dialog", "New key").wait()
    dialog.get("textbox", "Name").fill("Twice")
    dialog.get("radio", "viewer").click()
    dialog.get("button", "Make the key").click(count=2)
    owner.get("dialog", "Copy the key now").wait()
    assert [key["name"] for key in service.get(KEYS, keys["owner"]).json()["keys"]].count("Twice") == 1


def test_revoking_asks_first_and_acts_at_once(owner, service, keys):
    dialog = make(owner, "Old laptop", "viewer")
    key = dialog.get("textbox", "The new key").value()
    dialog.get("button", "Copy key").click()
    owner.wait_text("Key copied.")
    owner.press("Escape")
    dialog.gone()
    actions(owner, "Old laptop").get("button", "Revoke").click()
    question = owner.get("dialog", "Revoke this key?").wait()
    assert "Old laptop" in question.text() and "cannot be undone" in question.text()
    assert owner.focused() == ("button", "Keep it")
    owner.press("Escape")
    question.gone()
    assert owner.focused() == ("button", "Revoke"), "the focus is where it was"
    assert service.get(LIST, key).status == 200
    owner.press("Enter")
    question.wait()
    owner.tab_to("button", "Revoke")
    owner.press("Enter")
    owner.wait_text("Revoked: Old laptop")
    actions(owner, "Old laptop").gone()
    owner.wait("document.activeElement.tagName === 'H1'", "the focus on the heading")
    assert service.get(LIST, key).status == 401
    owner.get("DisclosureTriangle", "1 revoked key").click()
    owner.wait_text("Old laptop")


def test_revoking_one_s_own_key_signs_out(page, service, keys, program, database):
    own = console.key_of(program, database, "admin", "leaver@example.com")
    console.enter(page, service, own, "#/keys")
    page.wait_text("You are signed in with this key")
    row = page.get("listitem").nodes()
    assert len(row) >= 4
    page.value("""[...document.querySelectorAll('.row')].find(each => each.innerText.includes('You are signed in'))
        .querySelector('button').focus()""")
    page.press("Enter")
    page.wait_text("you will be signed out at once")
    page.get("dialog").get("button", "Revoke").click()
    page.get("textbox", "API key").wait()
    assert service.get(LIST, own).status == 401


def test_an_admin_makes_no_key_of_an_owner_and_is_told_why(page, service, keys):
    console.enter(page, service, keys["admin"], "#/keys")
    page.get("button", "New key").click()
    states = page.get("radio", "owner").states()
    assert states["disabled"] and states["description"] == "Only an owner can make keys of owners."
    page.press("Escape")
    page.get("dialog").gone()
    owners = page.value("[...document.querySelectorAll('.row')].filter(each => each.innerText.includes('owner@'))"
                        ".map(each => each.querySelectorAll('button').length)")
    assert owners == [0], "nor does he revoke one"


@pytest.mark.parametrize("role", ["editor", "viewer"])
@pytest.mark.parametrize("view,words", [
    ("keys", "This is for owners and admins of the workspace."),
    ("audit", "The audit is for owners and admins of the workspace."),
    ("people", "This is for owners and admins of the workspace.")])
def test_others_are_told_why_it_is_not_there(page, service, keys, role, view, words):
    console.enter(page, service, keys[role], f"#/{view}")
    page.get("heading", "Not for this key").wait()
    assert words in page.text() and f"You are signed in as {role}" in page.text()
    assert page.get("navigation", "Areas").get("link").names() == ["Exports", "Settings"]


def test_a_key_made_elsewhere_or_gone_meanwhile(owner, service, keys, program, database):
    other = console.key_of(program, database, "viewer", "gone@example.com")
    owner.reload()
    owner.wait_text("gone@example.com")
    assert service.request("DELETE", f"{KEYS}/{other.split('_')[1]}", keys["owner"]).status == 204
    owner.value("""[...document.querySelectorAll('.row')].find(each => each.innerText.includes('gone@'))
        .querySelector('button').click()""")
    owner.get("dialog").get("button", "Revoke").click()
    owner.wait_text("Revoked:")
    assert owner.get("alert").count() == 0, "what was wanted is so"


def test_what_fails_says_so_and_offers_another_try(page, service, keys):
    page.respond("*/keys", 503, '{"detail": "The database does not answer."}')
    console.enter(page, service, keys["owner"], "#/keys")
    page.get("alert").wait()
    page.wait_text("The service says: The database does not answer.")
    page.release()
    page.offline()
    page.get("button", "Try again").click()
    page.wait_text("Check your connection")
    page.offline(False)
    page.get("button", "Try again").click()
    page.wait_text("You are signed in with this key")
