"""Search and filters of an HTML archive, by mouse and by keys, in a file on disk with the network off."""

import re

import pytest

from tests.lib import archive_source as source

SHOWN = """[...document.querySelectorAll('article')].filter((each) => each.checkVisibility())
    .map((each) => each.id.slice(2))"""
COUNT = "document.querySelector('#tools output').textContent"
# The words that are highlighted, as they stand in the text.
MARKED = """[...CSS.highlights.get("hit")].map((each) =>
    each.startContainer.data.slice(each.startOffset, each.endOffset))"""
# The text of the hit that the reader is at, and whether it can be seen whole, below the bar and the heading.
AT = """(() => {
  const hit = document.querySelector(".now"), box = hit.getBoundingClientRect();
  const bar = document.getElementById("tools").getBoundingClientRect().bottom;
  return [hit.querySelector("p")?.textContent.trim() ?? hit.textContent, box.top >= bar && box.bottom <= innerHeight];
})()"""
# Kinds of rows in the window; what lies below it is hidden when it comes into sight.
ROWS = """[...document.querySelectorAll('article:not([hidden]) ol > li')].filter((each) => each.checkVisibility() &&
    each.getBoundingClientRect().top < innerHeight).map((each) => each.className.split(" ")[0])"""


@pytest.fixture
def shop(page, archives):
    page.offline()
    page.open(archives.page("shop"))
    return page


@pytest.fixture
def field(shop):
    return shop.get("searchbox", re.compile("Search"))


def counted(page, text):
    try:
        page.wait(f"{COUNT} === {text!r}", repr(text), 10)
    except TimeoutError:
        assert page.value(COUNT) == text


def test_words_are_found_wherever_they_stand(shop, field):
    """In a message, in the heading above it, in both together; and nowhere."""
    field.fill("warehouse")
    counted(shop, "1 hit in 1 conversation")
    assert shop.value(SHOWN) == ["order"]
    shop.wait(f"{MARKED}.join() === 'warehouse,warehouse'", "it marked in the message and in its citation")
    field.fill("anna tracking")
    counted(shop, "1 hit in 1 conversation")
    field.fill("anna coffee")
    counted(shop, "Nothing found")
    assert shop.value(SHOWN) == []
    field.fill("jose@example.com")
    counted(shop, "1 hit in 1 conversation")
    assert shop.value(SHOWN) == ["refund"]


@pytest.mark.parametrize("words, conversations, marked", [
    ("WAREHOUSE", ["order"], "warehouse"),
    ("muller", ["order"], "Müller"), ("MÜLLER", ["order"], "Müller"), ("Mu\u0308ller", ["order"], "Müller"),
    ("strasse", ["refund"], "Straße"), ("koln", ["refund"], "Köln"), ("naive", ["refund"], "naïve"),
    ("garcia", ["refund"], "García"),
    ("طلبي", ["arabic"], "طلبي"), ("مرحبا", ["arabic"], "مرحباً"),
    ("חשבונית", ["hebrew"], "חשבונית"),
    ("订单号", ["chinese"], "订单号"), ("धन्यवाद", ["chinese"], "धन्यवाद"),
    ("감사", ["chinese"], "감사"),
    ("🎉", ["order"], "🎉"), ("a[i] &&", ["code"], "a[i]"), ("\\n", ["code"], "\\n"),
    ('"coffee machine"', ["refund"], "coffee machine"),
    ("2026-04-09", ["arabic", "hebrew", "chinese", "code"], "2026-04-09"),
    ("249.00 €", ["refund"], "249.00"), ("fatima +49 delivery", ["arabic"], "+49"),
], ids=lambda each: each if isinstance(each, str) else "")
def test_as_readers_write_them(shop, field, words, conversations, marked):
    field.fill(words)
    shop.wait(f"{SHOWN}.join() === {','.join(conversations)!r}", f"{conversations} for {words!r}")
    shop.wait(f"{MARKED}.some((each) => each.startsWith({marked!r}))", f"{marked!r} to be marked")


def test_a_phrase_is_not_its_words(shop, field):
    field.fill("machine coffee")
    counted(shop, "1 hit in 1 conversation")
    field.fill('"machine coffee"')
    counted(shop, "Nothing found")


def test_by_keys_alone(shop, field):
    """`/` goes to the field, Enter from hit to hit and round, Shift+Enter back, Escape clears."""
    shop.press("/")
    assert shop.focused()[0] == "searchbox"
    shop.type("4711")
    counted(shop, "4 hits in 2 conversations")
    seen = []
    for number in (1, 2, 3, 4, 1):
        shop.press("Enter")
        counted(shop, f"{number} of 4 hits in 2 conversations")
        shop.wait(f"{AT}[1]", "the hit in sight")
        seen.append(shop.value(AT)[0])
    assert seen[0] == seen[4] == "Hi, my order 4711 has not arrived yet. It was promised for Tuesday."
    assert len(set(seen)) == 4 and seen[2].startswith("مرحباً")
    shop.press("Shift+Enter")
    counted(shop, "4 of 4 hits in 2 conversations")
    assert shop.focused()[0] == "searchbox", "typing goes on where it was"
    shop.press("Escape")
    counted(shop, "")
    assert (field.value(), len(shop.value(SHOWN))) == ("", len(source.TALKS))
    assert shop.value(f"{MARKED}.length + document.querySelectorAll('.hit, .now').length") == 0
    shop.press("Escape")
    assert shop.focused()[0] != "searchbox", "with nothing to clear it leaves the field"
    assert "4 hits in 2 conversations" in shop.heard() and "1 of 4 hits in 2 conversations" in shop.heard()


def test_a_slash_in_a_field_is_a_slash(shop, field):
    field.fill("10/12")
    assert field.value() == "10/12"


def test_by_mouse(shop, field):
    field.fill("delivered")
    counted(shop, "2 hits in 1 conversation")
    shop.wait("document.querySelectorAll('li.hit').length === 1", "the summary and one message")
    assert shop.value(AT.replace(".now", ".hit"))[0].startswith("The tracking page"), "and none for its status"
    field.fill("4711")
    counted(shop, "4 hits in 2 conversations")
    shop.get("button", "Next hit").click()
    counted(shop, "1 of 4 hits in 2 conversations")
    shop.get("button", "Previous hit").click()
    counted(shop, "4 of 4 hits in 2 conversations")
    shop.wait(f"{AT}[1]", "the hit in sight")
    shop.get("button", "Clear search and filters").click()
    counted(shop, "")
    assert len(shop.value(SHOWN)) == len(source.TALKS)


def test_what_was_read_stays_in_sight_when_the_search_ends(shop, field):
    field.fill("invoice")
    counted(shop, "1 hit in 1 conversation")
    shop.press("Enter")
    shop.press("Escape")
    counted(shop, "")
    shop.wait("(() => { const box = document.getElementById('c-hebrew').querySelector('li').getBoundingClientRect();"
              " return box.top > 0 && box.bottom < innerHeight })()", "the message still in sight")


def test_a_filter_shows_one_side(shop):
    speaker = shop.get("combobox", "Speaker")
    shop.wait("document.querySelector('#filters select').length > 1", "the index")
    options = speaker.apply("function() { return [...this.options].map((each) => each.label) }")
    assert options == ["Everyone", "Customer", "Bot", "Agent", "Other speakers", "Notes", "Events", "Skills",
                       "escalate (Events)", "Lena Weiß (Agent)", "look up order (Skills)", "Nova (Bot)",
                       "Sam Okafor (Agent)", "Sam Okafor (Notes)", "Unknown (Other speakers)",
                       "نور يوسف (Agent)"]
    speaker.choose("Agent")
    counted(shop, "5 messages in 4 conversations")
    shop.wait(f"new Set({ROWS}).size === 1", "agents' messages alone")
    speaker.choose("Lena Weiß (Agent)")
    shop.wait(f"{SHOWN}.join() === 'refund'", "hers alone")
    counted(shop, "1 message in 1 conversation")
    shop.wait(f"{ROWS}.join() === 'agent'", "her message alone")
    speaker.choose("Everyone")
    counted(shop, "")
    assert len(shop.value(SHOWN)) == len(source.TALKS)
    assert shop.value("document.querySelectorAll('li[hidden]').length") == 0


def test_filters_by_day_include_both_days(shop):
    """Days are those of the file's own zone: the talk in Arabic began on the 8th in UTC and on the 9th in Berlin."""
    def set_day(label, day):
        shop.get("Date", label).apply(
            "function(day) { this.value = day; this.dispatchEvent(new Event('input', {bubbles: true})) }", day)
    set_day("From", "2026-04-09")
    shop.wait(f"{SHOWN}.join() === 'arabic,hebrew,chinese,code'")
    set_day("to", "2026-04-09")
    shop.wait(f"{SHOWN}.join() === 'arabic,hebrew,chinese,code'")
    set_day("From", "")
    set_day("to", "2026-04-08")
    shop.wait(f"{SHOWN}.join() === 'order,refund'")
    shop.get("searchbox", re.compile("Search")).fill("4711")
    counted(shop, "2 hits in 1 conversation")


def test_what_was_edited_later_is_of_the_day_when_it_was_sent(shop):
    shop.wait("document.querySelector('#filters select').length > 1", "the index")
    shop.get("Date", "From").apply(
        "function(day) { this.value = day; this.dispatchEvent(new Event('input', {bubbles: true})) }", "2026-04-10")
    shop.wait(f"{SHOWN}.length === 0", "nothing of that day and later")


def test_a_reply_leads_to_what_it_answers(shop, field):
    """Its words are no part of what was said."""
    field.fill("earlier message")
    counted(shop, "Nothing found")
    field.fill("")
    counted(shop, "")
    shop.value("document.querySelector('#c-refund a.re').click()")
    shop.wait("document.querySelector(':target p').textContent.startsWith('When does it lapse?')", "the message")


def test_words_and_filters_together(shop, field):
    """Anna's conversation, and in it what the bot said."""
    field.fill("anna")
    counted(shop, "3 hits in 1 conversation")
    shop.get("combobox", "Speaker").choose("Bot")
    counted(shop, "1 hit in 1 conversation")
    field.fill("müller")
    counted(shop, "2 hits in 1 conversation")
    shop.wait(f"{ROWS}.join() === 'bot,bot'", "the bot's messages alone")


def test_links_lead_to_what_a_search_hid(shop, field, archives):
    field.fill("invoice")
    counted(shop, "1 hit in 1 conversation")
    assert shop.value(SHOWN) == ["hebrew"]
    target = shop.value("document.querySelector('#c-arabic li:last-child').id")
    shop.open(f"{archives.page('shop')}#{target}")
    shop.wait("document.querySelector(':target').checkVisibility()", "the target")
    assert shop.value(SHOWN) == ["arabic", "hebrew"]
    shop.wait("document.querySelector(':target').getBoundingClientRect().top < innerHeight")
    shop.open(f"{archives.page('shop')}#c-code")
    shop.wait("document.querySelector(':target').checkVisibility()", "the target")
    shop.get("combobox", "Speaker").choose("Customer")
    counted(shop, "1 hit in 1 conversation")
    hidden = shop.value("document.querySelector('#c-hebrew .agent').id")
    shop.open(f"{archives.page('shop')}#{hidden}")
    shop.wait("document.querySelector(':target').checkVisibility()", "a message that the filter hides")


def test_a_link_is_quicker_than_the_frame_that_hides(shop, archives):
    shop.value("window.requestAnimationFrame = (frame) => { window.held = frame }; null")
    shop.get("combobox", "Speaker").choose("Customer")
    shop.wait(f"{COUNT}.endsWith('conversations') && Boolean(window.held)", "an answer")
    hidden = shop.value("document.querySelector('#c-order .agent').id")
    assert not shop.value(f"document.getElementById({hidden!r}).hidden")
    shop.open(f"{archives.page('shop')}#{hidden}")
    shop.wait("document.querySelector(':target') !== null", "the target")
    shop.wait("new Promise((done) => setTimeout(() => { held(); done(true) }))")
    assert shop.value("document.querySelector(':target').checkVisibility()")


def test_a_link_is_quicker_than_the_answer(shop, archives):
    """Both in one turn of the page, as when somebody types and follows a link at once."""
    shop.value("""(() => {
      const field = document.querySelector("#tools input[type=search]");
      field.value = "invoice";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      location.hash = "#c-order";
      dispatchEvent(new HashChangeEvent("hashchange"));
    })()""")
    counted(shop, "1 hit in 1 conversation")
    shop.wait("document.querySelector(':target').checkVisibility()", "the target")
    assert shop.value(SHOWN) == ["order", "hebrew"]


def test_printing_is_quicker_than_the_answer(shop):
    """What is printed goes by the words that stand in the field."""
    shown = shop.value("""(() => {
      const field = document.querySelector("#tools input[type=search]");
      field.value = "invoice";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      dispatchEvent(new Event("beforeprint"));
      return [...document.querySelectorAll("article")].filter((each) => !each.hidden).map((each) => each.id);
    })()""")
    assert shown == ["c-hebrew"]


def test_what_a_link_showed_is_filtered_by_the_next_question(shop, field, archives):
    field.fill("invoice")
    counted(shop, "1 hit in 1 conversation")
    shop.open(f"{archives.page('shop')}#c-order")
    shop.wait("document.querySelector(':target').checkVisibility()", "the target")
    field.fill("")
    shop.get("combobox", "Speaker").choose("Customer")
    shop.wait(f"{COUNT}.endsWith('conversations')", "an answer")
    shop.wait("document.querySelector('#c-order .agent').hidden", "the agent's messages hidden")


def test_messages_in_sight_have_links(shop):
    shop.value("document.getElementById('c-order').scrollIntoView()")
    shop.wait("document.querySelector('#c-order li time a') !== null", "links")
    link = shop.value("document.querySelector('#c-order li time a').hash")
    assert link == "#" + shop.value("document.querySelector('#c-order li').id")
    assert shop.value("document.querySelector('#c-order li time').textContent") == "2026-04-08 14:25:43+02:00"
    shop.value("document.querySelector('#c-order li time a').click()")
    shop.wait(f"location.hash === {link!r} && document.querySelector(':target').checkVisibility()")


def test_a_long_thread_is_searched_whole(page, archives):
    page.open(archives.page("long"))
    page.press("/")
    page.type('"line 419 of"')
    counted(page, "1 hit in 1 conversation")
    page.press("Enter")
    page.wait(f"{AT}[1] && {AT}[0].startsWith('Line 419 of')", "the hit in sight")
    page.press("Control+a")
    page.type("endless")
    counted(page, "420 hits in 1 conversation")
    for number in range(1, 4):
        page.press("Enter")
        page.wait(f"{COUNT} === '{number} of 420 hits in 1 conversation'")
        page.wait(f"{AT}[1]", "the hit in sight")


def test_the_browser_s_own_search_finds_what_is_out_of_sight(page, archives):
    """Text fragments of links go by the same search as Ctrl+F."""
    page.open(f"{archives.page('long')}#:~:text=Line%20388%20of%20the%20endless")
    page.wait("""(() => {
      const row = [...document.querySelectorAll("li p")].find((each) => each.textContent.startsWith("Line 388 "));
      const box = row.getBoundingClientRect();
      return box.top > 0 && box.bottom < innerHeight;
    })()""", "the text in sight")
