"""The mail of an export in a browser, as a reader of mail would draw it: light, dark, narrow, without styles, and with
names that try to get out of their place. Sent by the outbox, taken from a mail server."""

import re

import pytest

from tests.end_to_end.conftest import file_storage
from tests.lib.browser import Browser
from tests.lib.mail_sink import MailSink
from tests.lib.parts import add_job, running_part
from tests.lib.process import wait_until

CANARY = "<img src=x onerror=\"window.canary=1\"><script>window.canary=1</script>\"'><svg onload=window.canary=1>"
HOSTILE = {
    "markup": CANARY,
    "an attribute": "\" onmouseover=\"window.canary=1\" style=\"position:fixed",
    "a style": "</style></title><style>body{display:none}</style>",
    "references": "&lt;script&gt; &#60;b&#62; &amp;amp;",
    "a comment": "<!-- --!> <![CDATA[ ]]> <?php ?>",
    "a template": "{{constructor.constructor('window.canary=1')()}} ${window.canary=1}",
    "right to left": "\u202eexe.cod\u202c مكتب الدعم \u2067x\u2069",
    "a long word": "W" * 190,
    "quotes": "'" * 190,
    "every byte": "".join(map(chr, range(1, 0x180))),
    "emoji": "👩‍👩‍👧‍👦🇩🇪" * 8,
}
# Parts of the page with text of their own: colours as drawn, and the ground behind.
COLOURS = """(() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const linear = c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
  const lightness = ([r, g, b]) => [r, g, b].map(c => linear(c / 255)).reduce(
    (sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const ground = node => { for (; node; node = node.parentElement) {
    const colour = parse(getComputedStyle(node).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour; }
    return [255, 255, 255]; };
  return [...document.body.querySelectorAll('*')].filter(node => [...node.childNodes]
    .some(child => child.nodeType === 3 && child.textContent.trim())).map(node => {
      const [a, b] = [lightness(parse(getComputedStyle(node).color)), lightness(ground(node))];
      return [node.textContent.slice(0, 30), (Math.max(a, b) + .05) / (Math.min(a, b) + .05)]; });
})()"""


@pytest.fixture(scope="module")
def browser():
    with Browser() as running:
        yield running


@pytest.fixture(scope="module")
def mails(program, database, folder):
    """The mail of each name, and a plain one; a job's name in all its places."""
    program.migrate()
    place = file_storage(folder)
    jobs = {}
    for title, name in (HOSTILE | {"plain": "SMS Support"}).items():
        clean = re.sub(r"[\x00-\x1f/]", "_", name)[:60]
        jobs[title] = add_job(database, channel_name=name, channel_phone=None if title != "plain" else "+12025550123",
                              file_name=f"{clean}_2026-06_1c4639da.zip", object_key="conversation_exports/w/x/a.zip",
                              conversations=3120, messages=40210)
        database.execute("INSERT INTO verbatim.outbox (workspace_id, job_id, kind, recipient)"
                         " VALUES ('w', %s, 'mail', 'agent@example.com')", (jobs[title],))
    with MailSink() as sink:
        options = {"smtp_url": sink.url, "mail_from": "export@verbatim.example", "base_url": "https://exports.example"}
        with running_part(program, "outbox", folder, place, **options):
            wait_until(lambda: len(sink.mails) == len(jobs), "the mails")
        return {title: next(mail for mail in sink.mails if job in mail.message["Message-ID"])
                for title, job in jobs.items()}


def body(mail, kind="text/html"):
    return next(part for part in mail.message.walk() if part.get_content_type() == kind).get_content()


def shown(browser, folder, html, width=800, dark=False):
    page = folder / "mail.html"
    page.write_text(html)
    browser.window(width, 900, dark)
    browser.open(page.as_uri())
    return browser.value("document.body.innerText")


@pytest.mark.parametrize("title", HOSTILE)
def test_a_name_stays_text(mails, browser, folder, title):
    mail = mails[title]
    for part in (body(mail), body(mail).replace("<head>", "<head><base href='x:'>")):
        text = shown(browser, folder, part)
        browser.value("document.querySelectorAll('*').forEach(node => node.dispatchEvent(new MouseEvent('mouseover')))")
        assert browser.value("window.canary") is None
        assert browser.value("document.querySelectorAll('script, img, svg, iframe, form, base[target]').length") == 0
        assert {url for url in browser.requested() if not url.startswith("file:")} == set(), "nothing from elsewhere"
        assert "Your export is ready" in text and "Download the file" in text and "3,120" in text
    [value] = [cell for cell in browser.value(
        "[...document.querySelectorAll('td[dir=auto]')].map(cell => cell.textContent)")][:1]
    flat = re.sub("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]", "", re.sub("[\x00-\x1f\x7f-\x9f]", " ",
                                                                                      HOSTILE[title]))
    assert flat.startswith(value) or value.strip() == flat.strip(), "all of it, up to its cut"
    assert len(mail.raw) < 100_000, "Gmail would clip it"
    assert browser.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    shown(browser, folder, body(mail), 360)
    assert browser.value("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 800])
def test_all_text_has_contrast(mails, browser, folder, dark, width):
    """WCAG 2.2, 1.4.3: 4.5 to 1, whichever colours the reader of the mail takes."""
    shown(browser, folder, body(mails["plain"]), width, dark)
    ground = browser.value("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(18, 21, 26)" if dark else "rgb(246, 247, 249)")
    found = browser.value(COLOURS)
    assert len(found) > 15 and [each for each in found if each[1] < 4.5] == []


@pytest.mark.parametrize("takes", [r"<style>.*?</style>", r' (style|class|width|bgcolor)="[^"]*"'],
                         ids=["no style sheet", "no style"])
def test_it_reads_without_styles(mails, browser, folder, takes):
    html = re.sub(takes, "", body(mails["plain"]), flags=re.S)
    text = re.sub(r"\s+", " ", shown(browser, folder, html, 360))
    wanted = ["Your export is ready", "Channel SMS Support (+12025550123)",
              "Range 2026-06-01 to 2026-06-10 (Europe/Paris)",
              "Conversations 3,120", "Messages 40,210", "File SMS Support_2026-06_1c4639da.zip",
              "Size 1.2 MB (1,234,567 bytes)", "Link valid until 20", "UTC)", "Download the file",
              "https://exports.example/d/", "Unpack the archive first", "Whoever has this link",
              "You get this mail because"]
    places = [text.find(each) for each in wanted]
    assert -1 not in places and places == sorted(places), text


def test_the_link_is_one_and_written_out(mails):
    html, text = body(mails["plain"]), body(mails["plain"], "text/plain")
    [link] = re.findall(r"^https://\S+$", text.replace("\r\n", "\n"), re.M)
    assert re.findall(r'href="([^"]*)"', html) == [link, link] and f">{link}</a>" in html
    assert re.findall(r"(?:src|background|action)=|url\(|@import", html) == []
