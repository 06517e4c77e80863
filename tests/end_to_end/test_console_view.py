"""Looking at an export's file in a browser: by a link of its own, away from every session."""

import json
import re
import time
import urllib.parse
import urllib.request

import pytest

from tests.lib import http_source as source
from tests.lib.browser import Browser
from tests.lib.patience import LIMIT
from tests.lib.process import scratch_folder, wait_until
from tests.lib.service import Program, Service

SESSION = "/api/v1/console/session"
EXPORTS = "/api/v1/workspace/one/exports"
SANDBOX = "sandbox allow-scripts allow-popups allow-downloads"
PAGE = {"select": {"all": True}, "format": "html"}


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    keys = source.make_workspaces(program)
    keys["jane"] = program.key("one", role="owner", user="jane@example.com")
    keys["viewer"] = program.key("one", role="viewer")
    database.execute("INSERT INTO chat.conversation (id, workspace_id, channel_id, created_at)"
                     " VALUES (gen_random_uuid(), 'platform-one', %s, '2026-02-03')", [source.SMS])
    return keys


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(workers=1)


def finished(service, key, body):
    name = service.request("POST", EXPORTS, key, json_body=body).json()["export_id"]
    return service.finished(key, name)


@pytest.fixture
def page(service, keys):
    return finished(service, keys["jane"], PAGE)


def path_of(export, query="?disposition=inline"):
    return f"{EXPORTS}/{export['export_id']}/download{query}"


def view_of(service, key, export):
    """Where the browser is sent, below the service's address."""
    answer = service.get(path_of(export), key)
    assert answer.status == 302, answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.headers["Location"].removeprefix(service.url)


def test_a_page_is_shown_by_a_link_of_its_own(service, keys, page):
    link = view_of(service, keys["jane"], page)
    assert re.fullmatch(r"/files/[^?]+\?expires=\d+&disposition=inline&signature=[0-9a-f]{64}", link)
    answer = service.get(link)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert re.match(r'inline; filename="[^"]+\.html"', answer.headers["Content-Disposition"])
    assert answer.headers.get_all("Content-Security-Policy") == [SANDBOX]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    saved = service.get(path_of(page, ""), keys["jane"])
    assert saved.body == answer.body
    assert saved.headers["Content-Disposition"].startswith("attachment; ")
    held = service.get(link, headers={"If-None-Match": answer.headers["ETag"]})
    assert (held.status, held.headers["Content-Security-Policy"]) == (304, SANDBOX)
    assert service.get(path_of(page, "?disposition=attachment"), keys["jane"]).body == answer.body


def test_it_is_shown_wherever_it_is_stored(verbatim, postgres, storage):
    database = postgres.create_database(f"view_{storage.name}")
    program = Program(verbatim, database.url, storage.options, storage.env)
    source.make_source(database)
    key = source.make_workspaces(program)["one"]
    with scratch_folder() as folder, Service(program, folder, workers=1) as service:
        export = finished(service, key, PAGE)
        answer = service.get(path_of(export), key)
        assert answer.status == 302, answer.body
        with urllib.request.urlopen(answer.headers["Location"], timeout=LIMIT) as shown:
            assert shown.headers["Content-Disposition"].startswith("inline; filename=")
            assert shown.headers["Content-Type"].startswith("text/html")
            assert len(shown.read()) == export["files"][0]["size"]


def test_neither_link_is_good_as_the_other(service, keys, page):
    view = view_of(service, keys["jane"], page)
    link = page["download_url"].removeprefix(service.url)
    assert [service.get(each).status for each in (view, link)] == [200, 200]
    for bad in (view.replace("&disposition=inline", ""), link + "&disposition=inline",
                view.replace("inline", "attachment"), view.replace("inline", ""), view + "&disposition=inline",
                view.replace("inline", "INLINE"), view[:-1] + ("0" if view[-1] != "0" else "1"),
                re.sub(r"expires=(\d+)", lambda match: f"expires={int(match[1]) + 1}", view)):
        assert service.get(bad).status == 403, bad


def test_the_link_lives_for_an_hour_and_no_longer_than_the_file(service, keys, page, database):
    def expires():
        query = urllib.parse.urlsplit(view_of(service, keys["jane"], page)).query
        return int(urllib.parse.parse_qs(query)["expires"][0])
    before = time.time()
    assert before + 3590 <= expires() <= time.time() + 3601
    database.execute("UPDATE verbatim.job SET finished_at = now() - interval '7 days' + interval '5 minutes',"
                     " link_expires_at = now() - interval '6 days' WHERE job_id = %s", [page["export_id"]])
    before = time.time()
    assert before + 290 <= expires() <= time.time() + 302
    database.execute("UPDATE verbatim.job SET finished_at = now() - interval '8 days' WHERE job_id = %s",
                     [page["export_id"]])
    assert service.get(path_of(page), keys["jane"]).status == 410


def test_who_looked_is_in_the_audit_once(service, keys, page, database):
    def downloads():
        return [who for who, in database.execute(
            "SELECT e.by_whom FROM verbatim.audit_event AS e JOIN verbatim.audit AS a USING (audit_id)"
            " WHERE a.job_id = %s AND e.kind = 'download' ORDER BY e.audit_event_id", [page["export_id"]])]
    assert service.request("HEAD", path_of(page), keys["jane"]).status == 302
    view = view_of(service, keys["jane"], page)
    assert service.get(view).status == 200
    assert service.get(view, headers={"Range": "bytes=0-99"}).status == 206
    wait_until(lambda: downloads() == ["jane@example.com"], "the look to be noted")
    # A download by the other link comes behind all of these.
    assert service.get(page["download_url"].removeprefix(service.url)).status == 200
    wait_until(lambda: downloads() == ["jane@example.com", "link"], "the download to be noted")


@pytest.mark.parametrize("word", ["", "x", "Inline", "inline%00", "inline&disposition=inline",
                                  "inline&disposition=attachment", "%zz", "a" * 500])
def test_other_words_are_refused(service, keys, page, word):
    answer = service.get(path_of(page, f"?disposition={word}"), keys["jane"])
    assert answer.status in (400, 422), answer.body
    if answer.status == 422:
        assert answer.json()["detail"][0] | {"input": None} == {
            "type": "enum", "loc": ["query", "disposition"], "msg": "Input should be 'attachment' or 'inline'",
            "input": None}


def test_who_may_not_download_may_not_look(service, keys, page):
    assert service.get(path_of(page), keys["viewer"]).status == 403
    assert service.get(path_of(page)).status == 401
    assert service.get(path_of(page), keys["two"]).status == 404


def test_a_deleted_export_is_not_found(keys, service):
    export = finished(service, keys["jane"], PAGE)
    assert service.request("DELETE", f"{EXPORTS}/{export['export_id']}", keys["jane"]).status == 204
    assert service.get(path_of(export), keys["jane"]).status == 404


HOSTILE = """<!doctype html><title>hostile</title><body><script>
const said = {};
const note = (name, make) => { try { said[name] = String(make()); } catch (error) { said[name] = error.name; } };
note("ran", () => "ran");
note("origin", () => self.origin);
note("cookie", () => document.cookie);
note("storage", () => localStorage.length);
note("opener", () => opener.document.title);
fetch("/api/v1/console/session", {credentials: "include"})
  .then((answer) => "read " + answer.status, (error) => error.name)
  .then((word) => { said.session = word; document.body.dataset.said = JSON.stringify(said); });
</script>"""


def test_a_hostile_page_comes_to_nothing(service, keys, page, folder, database):
    """Whatever an archive's page may hold: it runs as nobody, though it has the address of the console."""
    key = database.value("SELECT object_key FROM verbatim.job WHERE job_id = %s", [page["export_id"]])
    (folder / "storage" / key).write_text(HOSTILE)
    with Browser() as browser:
        browser.open(service.url + "/console/")
        assert browser.value(f"""fetch("..{SESSION}", {{method: "POST", body: JSON.stringify({{key:
            {json.dumps(keys["jane"])}}}), headers: {{"Content-Type": "application/json", "X-Verbatim-Console": "1"}}}})
            .then((answer) => answer.status)""") == 201
        browser.open(service.url + path_of(page))
        assert browser.value("location.pathname").startswith("/files/")
        said = json.loads(wait_until(lambda: browser.value("document.body.dataset.said"), "the page's report"))
        assert said == {"ran": "ran", "origin": "null", "cookie": "SecurityError", "storage": "SecurityError",
                        "opener": "TypeError", "session": "TypeError"}


def test_a_reader_of_pdf_is_let_be(service, keys, page, folder, database):
    """It does not work in a sandbox, and has a wall of its own."""
    key = database.value("SELECT object_key FROM verbatim.job WHERE job_id = %s", [page["export_id"]])
    (folder / "storage" / key).rename((folder / "storage" / key).with_suffix(".pdf"))
    database.execute("UPDATE verbatim.job SET object_key = replace(object_key, '.html', '.pdf') WHERE job_id = %s",
                     [page["export_id"]])
    answer = service.get(view_of(service, keys["jane"], page))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"].startswith("inline; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" not in answer.headers
