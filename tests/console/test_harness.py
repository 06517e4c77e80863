"""What the console's tests stand on: that the harness sees, presses and judges as a person would."""

import http.server
import threading

import pytest

from tests.lib import axe, wcag

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:"
PAGES = {
    "/": ("text/html", """<!DOCTYPE html><html lang="en"><head><title>A page</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script></head><body><main><h1>A page</h1>
<button id="one">Press me</button> <button id="under">Covered</button><div id="cover"></div>
<label>Name <input id="name" required></label>
<label>Role <select id="role"><option>owner</option><option>editor</option><option>viewer</option></select></label>
<label><input type="checkbox" id="tick"> All of it</label>
<a href="/file" download="notes.txt">Save</a> <a href="/" target="_blank">Elsewhere</a>
<p role="status" id="status"></p>
<dialog aria-labelledby="title"><h2 id="title">Really?</h2><button id="no">No</button></dialog>
</main></body></html>"""),
    "/page.css": ("text/css", "#cover {position: absolute; inset: 0} button, label, h1, a {position: relative}"
                              "#one, label, a {z-index: 1} label {display: inline-block; min-height: 24px}"),
    "/page.js": ("text/javascript", """
const at = (id) => document.getElementById(id);
at("one").addEventListener("click", (event) => { at("status").textContent = `pressed, ${event.isTrusted}`; });
at("tick").addEventListener("change", () => document.querySelector("dialog").showModal());
at("no").addEventListener("click", () => document.querySelector("dialog").close());
"""),
    "/bad": ("text/html", """<!DOCTYPE html><html><body><img src="data:,"><input><button></button>
<a href="#x" id="x">a</a><a href="#y">b</a></body></html>"""),
    "/narrow": ("text/html", """<!DOCTYPE html><html lang="en"><head><title>Narrow</title><link rel="stylesheet"
href="/narrow.css"><meta name="viewport" content="width=device-width"></head><body><p>
<span class="wide">far too wide for a phone</span></p><p class="cut">This text is cut off</p><button></button>
<button class="small">x</button><p>In <a href="#a">a sentence</a></p><button class="bare">Last</button>
<div class="cover"></div></body></html>"""),
    "/narrow.css": ("text/css", ".wide {display: block; width: 900px} .cut {width: 60px; white-space: nowrap;"
                    "overflow: hidden} .small {width: 10px; height: 10px; padding: 0} .bare:focus {outline: none}"
                    ".cover {position: fixed; inset: auto 0 0; height: 4rem} .bare {position: fixed; bottom: 0}"),
    "/file": ("text/plain", "notes"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kind, text = PAGES.get(self.path, ("text/plain", ""))
        self.send_response(200 if self.path in PAGES else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def url():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def opened(page, url):
    page.open(url)
    return page


def test_a_press_of_the_mouse_is_a_person_s(opened):
    opened.get("button", "Press me").click()
    opened.wait_text("pressed, true")
    assert opened.heard() == ["pressed, true"]


def test_what_is_covered_cannot_be_pressed(opened, monkeypatch):
    monkeypatch.setattr("tests.lib.seen.SECONDS", 0.2)
    with pytest.raises(TimeoutError, match="a place to press button 'Covered'"):
        opened.get("button", "Covered").click()


def test_keys(opened):
    opened.tab_to("button", "Press me")
    opened.press("Enter")
    opened.wait_text("pressed, true")
    opened.tab_to("textbox", "Name")
    opened.type("Zoë + 日本 <b>")
    assert opened.get("textbox", "Name").value() == "Zoë + 日本 <b>"
    opened.get("textbox", "Name").fill("anew")
    assert opened.get("textbox", "Name", required=True).value() == "anew"
    opened.get("combobox", "Role").choose("viewer")
    assert opened.get("combobox", "Role").value() == "viewer"
    opened.tab_to("textbox", "Name", back=True)
    with pytest.raises(AssertionError, match="Tab does not lead to button 'Elsewhere'"):
        opened.tab_to("button", "Elsewhere")


def test_behind_a_dialog_nothing_is_there(opened):
    opened.get("checkbox", "All of it").click()
    dialog = opened.get("dialog", "Really?").wait()
    assert opened.get("button").names() == ["No"]
    assert opened.focused() == ("button", "No")
    opened.press("Escape")
    dialog.gone()
    assert opened.focused() == ("checkbox", "All of it")
    assert opened.get("checkbox", "All of it", checked=True).count() == 1


def test_another_person_another_tab_no_network(browser, opened, url, folder):
    opened.value("document.cookie = 'name=value'")
    assert opened.value("document.cookie") == "name=value"
    opened.get("link", "Elsewhere").click()
    tab = browser.opened_by(opened)
    tab.wait_text("Press me")
    assert tab.value("document.cookie") == "name=value"
    stranger = browser.new_page()
    stranger.open(url)
    assert stranger.value("document.cookie") == ""
    stranger.close()
    opened.downloads(folder)
    opened.get("link", "Save").click()
    assert opened.downloaded() == ["notes.txt"]
    assert (folder / "notes.txt").read_text() == "notes"
    opened.offline()
    assert opened.value("fetch('/file').catch((error) => error.name)") == "TypeError"


def test_language_and_zone(page, url):
    page.language("de-DE")
    page.time_zone("Asia/Tokyo")
    page.open(url)
    assert page.value("[navigator.language, (1234.5).toLocaleString(), new Date(0).getHours()]") == [
        "de-DE", "1.234,5", 9]


@axe.needed
def test_axe_judges_under_a_strict_policy(opened, url):
    assert axe.violations(opened) == []
    assert opened.value("typeof axe") == "undefined", "in a world of its own"
    assert opened.complaints() == []
    opened.open(url + "bad")
    found = {each.split(":")[0] for each in axe.violations(opened)}
    assert found >= {"image-alt", "label", "button-name", "html-has-lang", "document-title"}


def test_the_measures_find_what_is_planted(page, url):
    page.window(320, 640)
    page.open(url)
    assert (wcag.cut(page), wcag.small_targets(page), wcag.nameless(page)) == ([], [], [])
    page.open(url + "narrow")
    found = " ".join(wcag.cut(page))
    assert "the page is 9" in found and 'class="cut"' in found
    assert len(wcag.small_targets(page)) == 2, "the link in a sentence may be small"
    assert wcag.nameless(page) == ["button"]
    stops = wcag.walk(page)
    assert [stop[2].split(">")[0] for stop in stops if not stop[4]] == ['<button class="bare"']
    assert [stop[2].split(">")[0] for stop in stops if not stop[5]] == ['<button class="bare"']
