"""The list "Available exports": what a row says and does, filters, pages, and that it follows by itself."""

import json
import re

import pytest

from tests.lib import console, http_source
from tests.lib.console_states import hold
from tests.lib.process import wait_until

JSON = {"format": "json", "files": "single"}


@pytest.fixture
def api(service, keys, database):
    """With an empty list."""
    database.execute("DELETE FROM verbatim.job")
    return console.Api(service, keys["owner"])


@pytest.fixture
def at_list(page, service, keys, api):
    return console.sign_in(page, service, keys["owner"])


def copies(database, export_id, count, seconds=1):
    """More exports like this one, so many a second before it and before each other; zero: all in its second."""
    columns = [name for name, in database.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'verbatim.job'::regclass AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = ''"
        " AND attname NOT IN ('job_id', 'created_at', 'file_name')")]
    names = ", ".join(columns)
    database.execute(f"INSERT INTO verbatim.job (job_id, created_at, file_name, {names})"
                     " SELECT gen_random_uuid(), created_at - n * %s * interval '1 s', 'copy-' || n || '.json',"
                     f" {names}"
                     " FROM verbatim.job, generate_series(1, %s) AS n WHERE job_id = %s", [seconds, count, export_id])


def started(database, export_id, **more):
    """The job as it stands while workers are on it."""
    values = {"status": "started", "started_at": "now", "conversations_total": 40000,
              "counts": "{3120,51234,1000000,1,2,0,0}"} | more
    status = values.pop("status")  # a change of it has counts of its own
    names = ", ".join(f"{name} = %s" for name in values if name != "finished_at")
    database.execute("UPDATE verbatim.job SET status = %s, finished_at = %s WHERE job_id = %s",
                     [status, values.pop("finished_at", None), export_id])
    database.execute(f"UPDATE verbatim.job SET {names} WHERE job_id = %s", [*values.values(), export_id])


def test_without_exports_it_says_how_to_begin(at_list):
    at_list.get("heading", "No exports yet").wait()
    at_list.wait_text("Start one, and it appears here and follows by itself until it is ready.")


def test_a_row_tells_name_date_what_who_and_size(at_list, api):
    made = api.made(**JSON)
    name = made["files"][0]["name"]
    at_list.wait_text(name)
    words = console.row(at_list, name)
    for each in ("Channel: SMS Support", "Ready", "Created", "owner@example.com", "JSON, 8.6 kB", "Kept until"):
        assert each in words, words
    stamp = at_list.value("document.querySelector('.row time').dateTime")
    assert stamp[:19] == made["created_time"][:19], "the exact instant is in the page"
    assert at_list.get("link", "Download").count() == at_list.get("button", "Delete").count() == 1


def test_times_are_in_the_viewer_s_zone_which_is_written_out(page, service, keys, api, database):
    export_id = api.made()["export_id"]
    database.execute("UPDATE verbatim.job SET created_at = '2026-07-01T22:30:00Z' WHERE job_id = %s", [export_id])
    page.time_zone("Asia/Tokyo")
    console.sign_in(page, service, keys["owner"])
    page.wait_text("Jul 2, 2026, 07:30 AM GMT+9")
    page.wait_text("Times are in your zone, Asia/Tokyo (Japan Standard Time).")


def test_it_follows_by_itself(at_list, api):
    """Nobody presses anything: what somebody else starts comes in, runs and gets ready, and its end is said."""
    at_list.get("heading", "No exports yet").wait()
    name = api.made()["files"][0]["name"]
    at_list.wait_text(name)
    at_list.wait_text("Ready")
    second = api.start(filter={"from": "2026-01-01"})
    at_list.wait("document.querySelectorAll('.row .status.finished').length === 2")
    assert console.row_names(at_list)[0] == api.export(second)["files"][0]["name"], "the newest first"


def lists(page):
    return [url for url in page.requested() if "limit=" in url]


def test_following_asks_for_no_list(at_list, api):
    """What changes comes by the stream: the list was asked for when it was opened, and when the stream began."""
    at_list.wait("performance.getEntriesByType('resource').filter(each => each.name.includes('limit=')).length === 2")
    for count in (1, 2):
        api.made()
        at_list.wait(f"document.querySelectorAll('.row .status.finished').length === {count}")
    assert len(lists(at_list)) == 2


def test_without_a_stream_it_asks_by_itself(page, service, keys, api):
    page.call("Network.setBlockedURLs", urls=["*/exports/events"])
    console.sign_in(page, service, keys["owner"])
    page.get("heading", "No exports yet").wait()
    api.made()
    page.wait("document.querySelectorAll('.row .status.finished').length === 1", seconds=60)
    assert len(lists(page)) > 1


def test_progress_in_plain_words(page, service, keys, api, database):
    export_id = api.made()["export_id"]
    started(database, export_id, file_name=None)
    console.sign_in(page, service, keys["owner"])
    page.wait_text("3,120 of 40,000 conversations")
    words = page.value("document.querySelector('.progress-words').textContent")
    assert re.fullmatch(r"3,120 of 40,000 conversations, (about \d+ (s|min|h) left|1 MB written)", words), words
    bar = page.get("progressbar").wait()
    assert bar.apply("function() { return this.value / this.max }") == pytest.approx(3120 / 40000)
    assert page.get("button", "Cancel").count() == 1 and page.get("link", "Download").count() == 0
    started(database, export_id, conversations_total=None, counts="{1,2,3,0,1,0,0}")
    page.wait_text("1 conversation so far")


def test_what_only_goes_on_leaves_its_buttons_alone(page, service, keys, api, database):
    """Drawn anew between press and release, a button would swallow the click."""
    export_id = api.made()["export_id"]
    started(database, export_id, file_name=None)
    console.sign_in(page, service, keys["owner"])
    page.wait_text("3,120 of 40,000 conversations")
    page.get("button", "Cancel").apply("function() { this.isTheSame = true }")
    database.execute("UPDATE verbatim.job SET counts = '{20000,51234,1000000,1,2,0,0}' WHERE job_id = %s", [export_id])
    page.wait_text("20,000 of 40,000 conversations")
    assert page.get("progressbar").apply("function() { return this.value }") == 0.5
    assert page.get("button", "Cancel").apply("function() { return this.isTheSame }") is True


def test_back_does_not_open_a_dialog_again(page, service, keys, api):
    console.sign_in(page, service, keys["owner"])
    page.tab_to("link", "Export")
    page.press("Enter")
    dialog = page.get("dialog", "Export conversations").wait()
    page.press("Escape")
    dialog.gone()
    page.value("history.back()")
    page.get("heading", "Available exports").wait()
    page.wait("location.hash === '#/exports'")
    assert page.get("dialog").count() == 0


def test_a_failure_says_what_can_be_done(page, service, keys, api, database):
    export_id = api.made()["export_id"]
    database.execute("UPDATE verbatim.job SET status = 'failed', error_message = %s WHERE job_id = %s",
                     ["The storage refused the upload (AccessDenied).", export_id])
    console.sign_in(page, service, keys["owner"])
    page.wait_text("The storage refused the upload (AccessDenied). The file could not be stored.")
    page.get("link", "Export again").click()
    page.get("dialog", "Export conversations").wait()
    page.get("radio", "A channel", checked=True).wait()
    assert page.get("combobox", "Channel").value() != ""
    assert page.get("radio", "JSON", checked=True).count() == 1, "with all that was asked for"


def test_what_has_expired_is_asked_for_again(page, service, keys, api, database):
    export_id = api.made()["export_id"]
    database.execute("UPDATE verbatim.job SET archive_deleted_at = now(), link_expires_at = now() WHERE job_id = %s",
                     [export_id])
    console.sign_in(page, service, keys["owner"])
    page.wait_text("Expired")
    assert page.get("link", "Download").count() == 0
    assert page.get("link", "Export again").count() == page.get("button", "Delete").count() == 1


def test_filters_are_in_the_address(page, service, keys, api):
    name = api.made()["files"][0]["name"]
    csv = api.made(format="csv", layout="conversations")["files"][0]["name"]
    console.sign_in(page, service, keys["owner"])
    page.wait_text(csv)
    page.value("document.querySelector('.filters summary').click()")
    page.get("combobox", "Format").choose("CSV")
    page.press("Tab")
    page.wait("document.querySelectorAll('.row').length === 1")
    assert page.address.endswith("#/exports?format=csv")
    page.reload()
    page.wait("document.querySelectorAll('.row').length === 1")
    assert console.row_names(page) == [csv]
    page.get("combobox", "Status").choose("Failed")
    page.press("Tab")
    page.get("heading", "Nothing fits these filters").wait()
    assert page.address.endswith("#/exports?status=failed&format=csv")
    page.get("button", "Clear filters").node  # in the form, and in the empty list
    page.tab_to("button", "Clear filters")
    page.press("Enter")
    page.wait_text(name)
    assert page.address.endswith("#/exports")
    page.open(f"{service.url}/console/#/exports?status=finished&format=json")
    page.wait("document.querySelectorAll('.row').length === 1")
    assert console.row_names(page) == [name]


def test_an_answer_to_earlier_filters_that_comes_late_is_not_shown(at_list, api):
    """By keys one passes through "Ready" on the way to "Failed"."""
    api.made()
    at_list.wait("document.querySelectorAll('.row').length === 1")
    at_list.value("document.querySelector('.filters summary').click()")
    console.answer_late(at_list, "status=finished")
    at_list.get("combobox", "Status").choose("Failed")
    at_list.get("heading", "Nothing fits these filters").wait()
    console.wait_late(at_list)
    assert at_list.value("document.querySelectorAll('.row').length") == 0
    at_list.get("heading", "Nothing fits these filters").wait()


@pytest.mark.parametrize("seconds", [1, 0])
def test_older_pages_lose_and_repeat_none(at_list, api, database, seconds):
    """Also those of one second."""
    export_id = api.made()["export_id"]
    copies(database, export_id, 44, seconds)
    at_list.reload()
    at_list.wait("document.querySelectorAll('.row').length === 20")
    at_list.get("button", "Show older exports").click()
    at_list.wait("document.querySelectorAll('.row').length === 40")
    at_list.wait("document.activeElement === document.querySelectorAll('.row-name')[20]", "the focus on a new one")
    at_list.tab_to("button", "Show older exports")
    at_list.press("Enter")
    at_list.wait("document.querySelectorAll('.row').length === 45")
    assert at_list.get("button", "Show older exports").count() == 0
    hrefs = at_list.value("[...document.querySelectorAll('.row-name')].map(each => each.getAttribute('href'))")
    expected = [item["export_id"] for item in api.all()]
    assert [href.rsplit("/", 1)[1] for href in hrefs] == expected


def test_refresh(at_list, api, database):
    export_id = api.made()["export_id"]
    at_list.wait("document.querySelectorAll('.row').length === 1")
    at_list.value("document.dispatchEvent(new Event('visibilitychange'))")
    copies(database, export_id, 2)
    at_list.get("button", "Refresh").click()
    at_list.wait("document.querySelectorAll('.row').length === 3")
    at_list.wait("window.__heard.includes('The list is up to date.')")


def test_delete_asks_and_by_mouse(at_list, api):
    export_id = api.made()["export_id"]
    at_list.get("button", "Delete").click()
    question = at_list.get("dialog", "Delete this export?").wait()
    assert at_list.focused() == ("button", "Keep it"), "the harmless answer"
    at_list.wait_text("This cannot be undone.")
    question.get("button", "Keep it").click()
    question.gone()
    assert at_list.focused() == ("button", "Delete") and api.export(export_id)
    at_list.get("button", "Delete").click()
    question.get("button", "Delete").click()
    at_list.get("heading", "No exports yet").wait()
    at_list.wait_text("Deleted: ")
    assert api.export(export_id) is None


def test_delete_by_keyboard_leads_on_to_the_next(at_list, api):
    first, second = api.made()["export_id"], api.made()["export_id"]
    at_list.wait("document.querySelectorAll('.row .status.finished').length === 2")
    at_list.value("document.querySelector('main h1').focus()")
    at_list.tab_to("button", "Delete")
    at_list.press("Enter")
    at_list.get("dialog", "Delete this export?").wait()
    at_list.press("Escape")
    at_list.get("dialog").gone()
    assert at_list.focused() == ("button", "Delete") and api.export(second)
    at_list.press("Enter")
    at_list.get("dialog").wait()
    at_list.tab_to("button", "Delete")
    at_list.press("Enter")
    at_list.wait("document.querySelectorAll('.row').length === 1")
    assert api.export(second) is None and api.export(first)
    at_list.wait("document.activeElement.classList.contains('row-name')", "the focus on the next row")


def test_deleted_in_another_window(at_list, api, database):
    """The list takes it away by itself; who was quicker with a button is told."""
    name = api.made()["files"][0]["name"]
    at_list.wait_text(name)
    at_list.get("button", "Delete").click()
    question = at_list.get("dialog", "Delete this export?").wait()
    database.execute("DELETE FROM verbatim.job")
    question.get("button", "Delete").click()
    at_list.wait_text("is no longer there: somebody else deleted it, or it expired.")
    at_list.get("heading", "No exports yet").wait()


def test_gone_elsewhere_goes_here(at_list, api):
    export_id = api.made()["export_id"]
    at_list.wait("document.querySelectorAll('.row').length === 1")
    api.delete(export_id)
    at_list.get("heading", "No exports yet").wait()


def test_cancel(page, service, keys, api, database):
    export_id = api.made()["export_id"]
    started(database, export_id, status="queued", started_at=None, file_name=None, counts="{0,0,0,0,0,1,0}")
    console.sign_in(page, service, keys["owner"])
    page.wait_text("Waiting")
    page.get("button", "Cancel").click()
    page.wait_text("Cancelled: ")
    page.wait("document.querySelector('.status.cancelled') !== null")
    assert api.export(export_id)["status"] == "cancelled"


@pytest.mark.parametrize("way", ["mouse", "keyboard"])
def test_download(at_list, api, folder, way):
    made = api.made()
    name = made["files"][0]["name"]
    target = folder / way
    target.mkdir()
    at_list.wait_text(name)
    at_list.downloads(target)
    if way == "mouse":
        at_list.get("link", "Download").click()
    else:
        at_list.tab_to("link", "Download")
        at_list.press("Enter")
    wait_until(lambda: at_list.downloaded() and (target / name).exists(), "the file")
    assert len(json.loads((target / name).read_text())) > 0
    assert (target / name).stat().st_size == made["files"][0]["size"]
    href = at_list.get("link", "Download").apply("function() { return this.href }")
    assert href.endswith(f"/exports/{made['export_id']}/download"), "a real link, so that it can also be saved as"


@pytest.mark.parametrize("format_name, type_name", [("html", "text/html"), ("pdf", "application/pdf")])
def test_open_shows_it_in_a_tab_of_its_own(browser, at_list, api, format_name, type_name):
    """Where none of the console's cookies go, and where nothing in it can reach the console."""
    made = api.made(select={"conversation_ids": [console.CONVERSATION]}, format=format_name, files="single")
    assert made["files"][0]["content_type"].startswith(type_name)
    link = at_list.get("link", "Open in a new tab").wait()
    link.click()
    tab = browser.opened_by(at_list)
    tab.wait("location.pathname.includes('/files/') && document.readyState === 'complete'")
    assert "/api/" not in tab.address
    if format_name == "html":
        tab.wait_text("Hello 1")
        assert tab.value("origin") == "null", "sandboxed"
    assert tab.value("window.opener") is None
    tab.close()


def test_what_is_no_page_has_no_open(at_list, api):
    api.made()
    at_list.get("link", "Download").wait()
    assert at_list.get("link", "Open in a new tab").count() == 0


def test_download_of_what_is_gone_says_so(page, service, keys, api, database):
    """To a list that has not heard of it."""
    api.made()
    hold(page, "*/exports/events*")
    at_list = console.sign_in(page, service, keys["owner"])
    at_list.get("link", "Download").wait()
    database.execute("UPDATE verbatim.job SET archive_deleted_at = now(), link_expires_at = now()")
    at_list.get("link", "Download").click()
    at_list.wait("document.querySelector('.row .status.expired') !== null")


def test_copy_link_with_and_without_tls(at_list, api):
    made = api.made()
    at_list.get("button", "Copy link").wait()
    at_list.value("window.copied = []; Object.defineProperty(navigator, 'clipboard', {configurable: true,"
                  " value: {writeText: async text => { window.copied.push(text); }}})")
    at_list.get("button", "Copy link").click()
    at_list.wait_text("Link copied.")
    assert at_list.value("window.copied")[0] in (made.get("link"), made["download_url"])
    at_list.get("button", "Dismiss").click()
    at_list.value("Object.defineProperty(navigator, 'clipboard', {configurable: true, value: undefined});"
                  "document.addEventListener('copy', () => window.copied.push(String(document.activeElement.value)))")
    at_list.get("button", "Copy link").click()
    at_list.wait_text("Link copied.")
    assert at_list.value("window.copied")[1] == at_list.value("window.copied")[0]
    at_list.get("button", "Dismiss").click()
    at_list.value("document.execCommand = () => false")
    at_list.get("button", "Copy link").click()
    field = at_list.get("dialog", "Copy by hand").get("textbox")
    assert field.value() == at_list.value("window.copied")[0], "neither works: it is shown, selected"
    assert at_list.value("getSelection().toString() || document.activeElement.value") == field.value()


def test_offline_is_said_and_it_goes_on_by_itself(at_list, api):
    api.made()
    at_list.get("link", "Download").wait()
    at_list.offline()
    at_list.get("button", "Refresh").click()
    at_list.wait_text("The service can't be reached. What you see may be out of date")
    assert at_list.get("link", "Download").count() == 1, "what was there stays readable"
    api.made(format="ndjson")
    at_list.offline(False)
    at_list.wait("!document.body.innerText.includes('may be out of date')")
    at_list.wait("document.querySelectorAll('.row').length === 2")


def test_out_of_reach_from_the_beginning(page, service, keys, api):
    console.sign_in(page, service, keys["owner"])
    page.call("Network.setBlockedURLs", urls=["*/api/*"])
    page.reload()
    page.wait_text("The service can't be reached.")
    page.call("Network.setBlockedURLs", urls=[])
    page.get("heading", "Available exports").wait()


def test_a_hidden_tab_asks_for_nothing(page, service, keys, api):
    """It follows no stream, and no timer of its waits to ask: what happens meanwhile is seen when one looks again."""
    page.call("Page.addScriptToEvaluateOnNewDocument", source="""
        window.streams = [], window.timers = new Set();
        const Real = EventSource, set = setTimeout, clear = clearTimeout;
        window.EventSource = class extends Real { constructor(...all) { super(...all); streams.push(this); } };
        window.setTimeout = (does, pause) => {
            const id = set(() => { timers.delete(id); does(); }, pause);
            timers.add(id);
            return id;
        };
        window.clearTimeout = id => { timers.delete(id); clear(id); };""")
    console.sign_in(page, service, keys["owner"])
    page.get("heading", "No exports yet").wait()
    page.value("(() => { let isHidden = true; Object.defineProperty(document, 'hidden', {get: () => isHidden,"
               " configurable: true}); window.show = () => { isHidden = false;"
               " document.dispatchEvent(new Event('visibilitychange')) };"
               " document.dispatchEvent(new Event('visibilitychange')) })()")
    api.made()
    asked = len(page.requested())
    page.wait("timers.size === 0")
    assert page.value("streams.every(each => each.readyState === EventSource.CLOSED)")
    assert page.value("document.querySelectorAll('.row').length") == 0 and len(page.requested()) == asked
    page.value("window.show()")
    page.wait("document.querySelectorAll('.row').length === 1")
    assert len(page.requested()) > asked


HOSTILE = ("<img src=x onerror=window.canary=1>", "javascript:window.canary=1", "\"><script>window.canary=1</script>",
           "اسم طويل جدا للقناة \u202eevil", "x" * 300, "{name} {n} {{constructor}}")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(page, service, keys, api, database, name):
    """Of channels, people and files: a canary that any script of theirs would set stays unset."""
    database.execute("UPDATE chat.channel SET name = %s WHERE id = %s", [name, http_source.SMS])
    export_id = api.made()["export_id"]
    database.execute("UPDATE verbatim.job SET file_name = %s, title = %s, requested_by = %s WHERE job_id = %s",
                     [name + ".json", name, name, export_id])
    console.sign_in(page, service, keys["owner"])
    page.wait("document.querySelectorAll('.row').length === 1")
    assert console.row_names(page) == [name + ".json"]
    assert name.replace("  ", " ") in console.row(page, name + ".json").replace("\n", "")
    # Corners rounder than a line is high would leave words of many lines outside.
    assert page.value("(style => parseFloat(style.borderTopLeftRadius) <= 1.5 * parseFloat(style.fontSize))"
                      "(getComputedStyle(document.querySelector('.row .badge')))")
    page.get("button", "Delete").click()
    page.get("dialog").wait()
    page.press("Escape")
    page.value("location.hash = document.querySelector('.row-name').getAttribute('href')")
    page.get("heading", "Timeline").wait()
    assert page.value("typeof window.canary") == "undefined"
    assert page.value("document.querySelectorAll('main img, main script').length") == 0
    assert page.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert not [each for each in page.complaints() if "Content Security Policy" in str(each)]
