"""WCAG 2.2 AA on every view and state of the console, criterion by criterion.

Each state is visited once, light and dark, wide and narrow; the tests below read what was found there.
"""

import functools

import pytest

from tests.lib import axe, console, wcag
from tests.lib.console_states import STATES, House, show

WIDE, NARROW = (1280, 900), (320, 640)
EVERY = pytest.mark.parametrize("state", STATES)
DIALOGS = ("new", "new-all", "keys-new", "people-export", "exports-delete", "sign-in-over", "conversation")


@pytest.fixture(scope="module")
def house(program, database, make_service):
    return House(program, database, make_service)


@pytest.fixture(scope="module")
def found(browser, house):
    """found(state) is what one visit shows."""
    @functools.cache
    def visit(state):
        page = browser.new_page()
        try:
            page.window(*WIDE)
            show(page, house, state)
            return measure(page)
        except (TimeoutError, AssertionError) as error:
            return error
        finally:
            page.close()

    def look(state):
        seen = visit(state)
        if isinstance(seen, Exception):
            raise seen
        return seen
    return look


def measure(page):
    found = {"words": console.unfinished_texts(page), "nameless": wcag.nameless(page)}
    found["spacing wide"] = wcag.with_spacing(page, wcag.cut)
    found["targets"] = wcag.small_targets(page)
    for dark in (False, True):
        page.window(*WIDE, dark=dark)
        found["dark" if dark else "light"] = axe.source() and axe.violations(page, **(axe.COLOURS if dark else {}))
    page.window(*NARROW)
    found["narrow"] = wcag.cut(page)
    found["targets"] += wcag.small_targets(page)
    found["spacing narrow"] = wcag.with_spacing(page, wcag.cut)
    found["policy"] = [each for each in page.complaints() if "violat" in str(each) or "exception" in str(each).lower()]
    return found


@axe.needed
@EVERY
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(found, state, scheme):
    """All of axe-core's rules: contrast (1.4.3), names (4.1.2), structure (1.3.1), and good practice."""
    assert found(state)[scheme] == []


@EVERY
def test_1_4_10_reflow(found, state):
    """320 pixels are 1280 at 400 %."""
    assert found(state)["narrow"] == []


@EVERY
def test_1_4_12_text_spacing(found, state):
    assert found(state)["spacing wide"] == []
    assert found(state)["spacing narrow"] == []


@EVERY
def test_2_5_8_target_size(found, state):
    assert found(state)["targets"] == []


@EVERY
def test_4_1_2_name_role_value(found, state):
    assert found(state)["nameless"] == []


@EVERY
def test_no_key_of_a_text_and_no_open_placeholder(found, state):
    assert found(state)["words"] == []


@EVERY
def test_the_policy_refuses_nothing_and_nothing_is_thrown(found, state):
    assert found(state)["policy"] == []


@pytest.fixture
def at(page, house):
    def go(state, size=WIDE):
        page.window(*size)
        show(page, house, state)
        return page
    return go


@pytest.mark.parametrize("state", ["sign-in", "exports", "exports-filters", "export", "keys", "audit-filters",
                                   "people-found", "settings"])
def test_2_4_3_focus_order_is_that_of_the_page(at, state):
    """Tab goes through everything once, in the order in which it is read, and one sees where it is (2.4.7)."""
    page = at(state)
    page.value("document.activeElement.blur()")
    stops = wcag.walk(page)
    assert len(stops) >= 3
    order = [stop[1] for stop in stops]
    least = order.index(min(order))
    assert order[least:] + order[:least] == sorted(order), [stop[2] for stop in stops]
    assert [stop[2] for stop in stops if not stop[4]] == []


@pytest.mark.parametrize("state", DIALOGS)
def test_2_4_3_focus_stays_in_a_dialog_and_comes_back(at, house, state):
    page = at(state)
    stops = wcag.walk(page)
    assert stops and [stop[2] for stop in stops if not stop[3]] == []
    if state in ("keys-new", "people-export", "exports-delete"):
        page.press("Escape")
        page.get("dialog").gone()
        assert page.focused()[0] in ("button", "heading") and page.focused()[1]


@pytest.mark.parametrize("state", ["exports-note", "new-all", "keys-new-wrong", "people-export", "settings-note",
                                   "audit-filters", "export"])
@pytest.mark.parametrize("size", [NARROW, (640, 360), (320, 256)], ids=["320x640", "640x360", "320x256"])
def test_2_4_11_focus_is_not_obscured(at, state, size):
    page = at(state, size)
    stops = wcag.walk(page)
    assert len(stops) >= 3
    assert [stop[2] for stop in stops if stop[5] == 0] == []


@pytest.mark.parametrize("state,role,name,words", [
    ("sign-in-wrong", "textbox", "API key", "This key is not known"),
    ("new-wrong", "textbox", "Number of days", "Enter a whole number of days from 1 to 365."),
    ("conversation-wrong", "textbox", "Conversation id", "Enter the id of the conversation."),
    ("keys-new-wrong", "textbox", "Name", "Enter a name for the key."),
    ("people-missing", "searchbox", "E-mail, phone or name", "Enter what to look for."),
    ("settings-wrong", "textbox", "Exports at a time", "Enter a whole number from 1 to")])
def test_3_3_1_errors_are_identified_in_words_at_the_field(at, state, role, name, words):
    page = at(state)
    field = page.get(role, name, invalid="true").wait()
    assert words in field.states()["description"]
    assert words in page.text()
    page.wait(f"document.activeElement.getAttribute('aria-invalid') === 'true'", f"the focus at {name}")


@pytest.mark.parametrize("state,words", [
    ("exports-note", "Link copied."), ("exports-offline", "The service can't be reached."),
    ("keys-not-copied", "The key has not been copied yet"), ("audit", "entries shown"),
    ("people-found", "people found"), ("people-none", "0 people found"),
    ("people-export", "No conversation of this person"), ("settings-note", "Nothing was changed."),
    ("new-found", "found"), ("exports-failing", "The database does not answer."),
    ("sign-in-key-in-address", "There was a key in the address.")])
def test_4_1_3_status_messages_are_said_without_the_focus(at, state, words):
    page = at(state)
    page.wait(f"window.__heard.some(each => each.includes({words!r}))", f"{words} in a live region")


def test_reduced_motion_and_forced_colours(page, house):
    page.window(*WIDE, reduced_motion=True, forced_colors=True)
    show(page, house, "exports")
    assert page.value("document.getAnimations().length") == 0
    assert wcag.cut(page) == []


def test_4_1_2_what_is_open_and_chosen_is_told(at):
    page = at("exports")
    assert not page.get("DisclosureTriangle", "Filter").states()["expanded"]
    page.get("DisclosureTriangle", "Filter").click()
    assert page.get("DisclosureTriangle", "Filter").states()["expanded"]
    assert page.value("document.querySelector('nav [aria-current=page]').textContent") == "Exports"
    bar = page.get("progressbar").states()
    assert "of 40,000 conversations" in page.value("document.querySelector('progress').getAttribute('aria-valuetext')")
    assert bar


def test_2_4_2_each_view_has_a_title_and_one_heading(at, page, house):
    titles = set()
    for state in ("exports", "export", "keys", "audit", "people", "settings", "missing", "keys-denied"):
        show(page, house, state)
        assert page.value("document.querySelectorAll('h1').length") == 1
        heading = page.value("document.querySelector('h1').textContent")
        assert page.value("document.title").startswith(heading)
        titles.add(heading)
    assert len(titles) == 8


def test_2_4_1_the_head_can_be_skipped(at):
    page = at("exports")
    page.value("document.activeElement.blur()")
    page.press("Tab")
    assert page.focused() == ("link", "Skip to the content")
    page.press("Enter")
    assert page.focused() == ("heading", "Available exports")


@pytest.mark.parametrize("state,language", [("exports-german", "de"), ("exports", "en")])
def test_3_1_1_the_language_is_told(at, state, language):
    assert at(state).value("document.documentElement.lang") == language
