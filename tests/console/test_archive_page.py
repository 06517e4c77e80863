"""An HTML archive as people open, read and print it: from disk, with the network off, with and without script."""

import http.server
import re
import subprocess
import threading

import pytest

from tests.lib import archive_source as source
from tests.lib import axe
from tests.lib.patience import LIMIT

# Elements that reach beyond the window; what scrolls by itself may.
TOO_WIDE = """[...document.querySelectorAll("body *")].filter((each) =>
    each.checkVisibility() && !each.closest("svg") &&
    (each.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5 ||
     each.getBoundingClientRect().left < -0.5))
    .map((each) => each.outerHTML.slice(0, 120))"""


@pytest.fixture
def shop(page, archives):
    page.offline()
    page.open(archives.page("shop"))
    page.wait("document.querySelector('#filters select').length > 1", "the index")
    return page


def loaded(page):
    """Without the pictures that the browser itself draws in a field for dates."""
    return [url for url in page.requested() if not url.startswith("data:")]


def test_nothing_is_loaded_and_nothing_complained_of(shop, archives):
    assert loaded(shop) == [archives.page("shop")]
    assert shop.complaints() == []
    policy = shop.value("document.querySelector('meta[http-equiv]').content")
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy


def test_everything_is_read_without_script(page, archives):
    page.script(False)
    page.open(archives.page("shop"))
    for id, (contact, talk) in source.TALKS.items():
        page.value(f"document.getElementById('c-{id}').scrollIntoView()")
        page.wait(f"document.querySelector('#c-{id} h2').innerText === {contact!r}", f"{contact} in sight")
        said = page.value(f"[...document.querySelectorAll('#c-{id} li > p')].map((each) => each.innerText.trim())")
        assert [each for each in said if each in [text.strip() for _, text in talk]] == [
            text.strip() for _, text in talk], "with line ends and blanks"
    assert page.value("document.getElementById('tools').checkVisibility()") is False, "no control that does nothing"
    assert page.complaints() == []
    target = page.value("document.querySelector('#c-code li').id")
    page.open(f"{archives.page('shop')}#{target}")
    page.wait("(() => { const box = document.querySelector(':target').getBoundingClientRect();"
              " return box.top >= 0 && box.top < innerHeight })()", "the message that the address names")


def test_who_spoke_is_told_by_word_place_and_shape(shop):
    """The customer at the start, bot and agent at the end; and between these two a word and a border."""
    def look(kind):
        return shop.value(f"""(() => {{
          const row = document.querySelector("#c-order ol > li.{kind}"), style = getComputedStyle(row);
          const box = row.getBoundingClientRect(), list = row.parentElement.getBoundingClientRect();
          return {{ start: box.left - list.left < 10, end: list.right - box.right < 10,
            words: row.innerText.split("\\n")[0], border: style.borderTopStyle,
            radius: style.borderTopLeftRadius }} }})()""")
    customer, bot, agent = look("in"), look("bot"), look("agent")
    assert (customer["start"], bot["start"], agent["start"]) == (True, False, False)
    assert (customer["end"], bot["end"], agent["end"]) == (False, True, True)
    assert bot["words"].startswith("Nova bot 2026-") and agent["words"].startswith("Sam Okafor agent 2026-")
    assert bot["border"] == "dashed" and agent["border"] == "solid" and bot["radius"] != agent["radius"]


def test_each_paragraph_runs_in_its_own_direction(shop):
    """Where the first letter stands: on the right in Arabic and Hebrew, on the left in a line of Latin below them."""
    edges = shop.value("""(() => {
      const edge = (text) => {
        const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
        for (let node = walk.nextNode(); node; node = walk.nextNode()) {
          const at = node.data.indexOf(text);
          if (at < 0) continue;
          const range = new Range();
          range.setStart(node, at);
          range.setEnd(node, at + 1);
          const one = range.getBoundingClientRect(), all = node.parentElement.getBoundingClientRect();
          return one.left - all.left < all.right - one.right ? "left" : "right";
        }
      };
      return ["مرحباً، لم", "تم تحديث", "https://example.com/track", "שלום, I",
        "Of course, דוד", "طلب متأخر"].map(edge);
    })()""")
    assert edges == ["right", "right", "left", "right", "left", "right"]


@pytest.mark.parametrize("channel", ["shop", "long", "hostile"])
@pytest.mark.parametrize("width", [1280, 640, 360, 320])
def test_nothing_reaches_beyond_the_window(page, archives, channel, width):
    page.window(width, 700)
    page.open(archives.page(channel))
    page.wait("document.querySelector('#filters select').length > 1", "the index")
    if width < 640:
        page.get("button", "Filters").click()
    assert page.value(TOO_WIDE) == []
    assert page.value("document.documentElement.scrollWidth") <= width


def test_at_four_hundred_percent_the_bar_is_not_all_there_is(page, archives):
    """A window of 1280 x 900 at 400 %: what sticks to its top would leave no room to read."""
    page.window(320, 225)
    page.open(archives.page("shop"))
    page.wait("document.querySelector('#filters select').length > 1", "the index")
    page.value("document.querySelector('#c-order li').scrollIntoView()")
    page.wait("document.getElementById('tools').getBoundingClientRect().bottom <= 0", "the bar to scroll away")
    assert page.value("document.querySelector('#c-order h2').getBoundingClientRect().bottom") <= 60


def test_the_focus_can_be_seen_and_is_not_covered(shop):
    shop.press("Tab", times=12)
    for _ in range(25):
        box, outline, bar = shop.value("""(() => { const it = document.activeElement, box = it.getBoundingClientRect();
          return [[box.top, box.bottom], getComputedStyle(it).outlineStyle,
            it.closest("#tools") ? 0 : document.getElementById("tools").getBoundingClientRect().bottom] })()""")
        assert outline != "none" and box[0] >= bar - 1 and box[1] > box[0], (box, outline, bar, shop.focused())
        shop.press("Tab")


def test_reduced_motion_is_no_motion_at_all(page, archives):
    page.window(1280, 900, reduced_motion=True)
    page.open(archives.page("shop"))
    assert page.value("document.getAnimations().length") == 0
    assert page.value("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


@axe.needed
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing(page, archives, dark, width):
    page.window(width, 900, dark)
    page.open(archives.page("shop"))
    page.wait("document.querySelector('#filters select').length > 1", "the index")
    # axe judges what is drawn: all of it.
    page.value("document.querySelectorAll('article').forEach((each) => (each.style.contentVisibility = 'visible'))")
    page.value("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert axe.violations(page) == []
    page.press("/")
    page.type("4711")
    page.press("Enter")
    page.wait("document.querySelector('.now') !== null", "a hit")
    assert axe.violations(page) == []


def pdf_text(page, folder, *options):
    path = folder / "printed.pdf"
    page.pdf(path)
    return subprocess.run(["pdftotext", *options, path, "-"], check=True, capture_output=True, text=True).stdout


def flat(text):
    """Without what a line's end may add or take (a reader of PDF takes hyphens), and without marks of direction."""
    return re.sub(r"[-\s\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", text)


def test_printing_gives_every_message_and_no_control(shop, folder):
    text = pdf_text(shop, folder)
    printed = flat(text)
    for contact, talk in source.TALKS.values():
        for _, words in talk:
            if words.isascii():
                assert flat(words) in printed, words
    for words in ("Straße 7, Köln", "你好,我想退货。", "Called the driver", "handed over to",
                  "A parcel marked as"):
        assert flat(words) in printed, words
    for control in ("Search", "Filters", "Clear", "Everyone", "mm/dd/yyyy", "As a table", "↑"):
        assert control not in text, control
    assert "https://example.com/help/parcel" in printed, "where a link leads"
    assert printed.count("https://media.example.com/door.jpg?size=large") == 1, "and once what is its own text"


def test_each_conversation_begins_a_page_and_its_heading_is_on_each_of_its_pages(page, archives, folder):
    page.offline()
    page.open(archives.page("long"))
    pages = pdf_text(page, folder, "-layout").rstrip("\f").split("\f")
    first = next(number for number, each in enumerate(pages) if "Walter Wall" in each)
    talk, wall = pages[1:first], pages[first:]
    assert len(talk) > 5 and len(wall) > 3
    for heading, those in (("Paula Pages", talk), ("Walter Wall", wall)):
        assert [each.strip().splitlines()[0].strip() for each in those] == [heading] * len(those)
    text = "".join(pages)
    assert re.findall(r"Line (\d+) of the endless", text) == [str(number) for number in range(source.LONG)]
    assert re.findall(r"Row (\d+) of one message", text) == [str(number) for number in range(300)]
    assert f"{len(pages)} / {len(pages)}" in pages[-1]


def test_printing_what_was_searched_prints_that(shop, folder):
    shop.get("searchbox", re.compile("Search")).fill("coffee")
    shop.wait("document.querySelector('#tools output').textContent === '1 hit in 1 conversation'")
    text = flat(pdf_text(shop, folder))
    assert "coffeemachine" in text and "JoséGarcía" in text and "Anna" not in text


def test_no_script_of_a_text_runs(page, archives):
    """Whatever people write: no canary, no dialog, no request, no element or attribute but the archive's own."""
    page.offline()
    page.open(archives.page("hostile"))
    page.wait("document.querySelector('#filters select').length > 1", "the index")
    names = page.value("[...new Set([...document.querySelectorAll('*')].map((each) => each.localName))].sort()")
    assert set(names) <= {
        "html", "head", "meta", "title", "style", "script", "body", "header", "nav", "section", "main", "article",
        "footer", "h1", "h2", "h3", "p", "ol", "ul", "li", "dl", "dt", "dd", "div", "span", "b", "bdi", "small", "time",
        "a", "q", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "svg", "path",
        "details", "summary", "form", "input", "select", "option", "optgroup", "label", "button", "output"}, names
    assert page.value("document.querySelectorAll('script').length + document.querySelectorAll('style').length") == 2
    attributes = page.value("[...new Set([...document.querySelectorAll('main *')].flatMap((each) =>"
                            " each.getAttributeNames()))].sort()")
    assert set(attributes) <= {"class", "dir", "href", "id", "rel"}, attributes
    links = page.value("[...new Set([...document.querySelectorAll('a')].map((each) => each.protocol))].sort()")
    assert set(links) <= {"file:", "http:", "https:"}, links
    assert page.value("[...document.querySelectorAll('a')].filter((each) => each.protocol === 'file:' &&"
                      " each.hash === '').length") == 0
    # Searched for, marked, filtered by and pressed, it is still text.
    for words in ("script", "canary", "onerror", "<img", "__proto__", "constructor", '"'):
        page.press("/")
        page.press("Control+a")
        page.type(words)
        page.press("Enter")
    page.value("document.querySelectorAll('#filters option').forEach((each) => { each.selected = true;"
               " each.closest('select').dispatchEvent(new Event('input', { bubbles: true })) })")
    page.press("Escape")
    page.value("document.querySelectorAll('main li, main b, main span').forEach((each) => each.click())")
    assert page.value("typeof globalThis.canary") == "undefined"
    assert loaded(page) == [archives.page("hostile")]
    assert page.complaints() == []
    assert not [each for each in page.events if each["method"] == "Page.javascriptDialogOpening"]
    shown = page.value("document.querySelector('main').textContent")
    for bad in source.HOSTILE:
        assert re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", bad)[:20] in re.sub(r"[\u2400-\u2421]", "", shown), bad


def test_each_conversation_is_a_message_s_own_thread(page, archives):
    """No text closes what it stands in: each conversation of the corpus has its rows, and nothing else does."""
    page.open(archives.page("hostile"))
    rows = page.value("[...document.querySelectorAll('main > article')]"
                      ".map((each) => each.querySelectorAll('ol > li').length)")
    assert rows == [5] * len(source.HOSTILE)


def test_files_of_a_zip_lead_to_each_other(page, archives):
    folder = archives.folder("shop", "per_conversation")
    page.offline()
    page.open((folder / "index.html").as_uri())
    page.wait("document.querySelector('#tools').checkVisibility()")
    assert page.value("document.querySelectorAll('main li').length") == len(source.TALKS)
    page.press("/")
    page.type("garcia")
    page.wait("document.querySelector('#tools output').textContent === '1 file'", "the count")
    page.press("Escape")
    page.type("2026-04-08")
    page.wait("document.querySelector('#tools output').textContent === '2 files'", "the count")
    page.press("Escape")
    page.wait("[...document.querySelectorAll('main li')].every((each) => each.checkVisibility())")
    page.value("document.querySelector('main li a').click()")
    page.wait_text("my order 4711")
    page.value("document.querySelector('.up a').click()")
    page.wait("location.pathname.endsWith('/index.html')")
    assert page.complaints() == []


class InPieces(http.server.BaseHTTPRequestHandler):
    """The first half at once, the second when the test says so."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        half = self.server.data.index(b"<article id=c-hebrew")
        self.wfile.write(self.server.data[:half])
        self.wfile.flush()
        assert self.server.go_on.wait(LIMIT)
        self.wfile.write(self.server.data[half:])

    def log_message(self, *_):
        pass


def test_a_page_is_searched_while_it_still_comes(page, archives):
    """What is there is found at once, and what comes later is added without losing the reader's place."""
    output = "document.querySelector('#tools output')?.textContent"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), InPieces) as server:
        server.data, server.go_on = archives.path("shop").read_bytes(), threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.call("Page.navigate", url=f"http://127.0.0.1:{server.server_port}/")
        page.wait("document.querySelector('#c-arabic li') !== null", "the first half")
        page.press("/")
        page.type("4711")
        page.wait(f"{output} === '2 hits in 1 conversation so far, reading on …'", "what there is")
        page.press("Enter")
        page.wait("document.querySelector('.now') !== null", "the first hit")
        place = page.value("document.querySelector('.now').id")
        server.go_on.set()
        page.wait(f"!{output}.endsWith('…')", "all of it")
        assert page.value(output) == "1 of 4 hits in 2 conversations"
        assert page.value("document.querySelector('.now').id") == place
        server.shutdown()
