"""The console in tests: a small workspace with recent conversations, keys of each role, and a person's way in."""

import http.cookies
import json
import re

from . import http_source, native_source
from .process import wait_until

WORKSPACE = "one"
SESSION = "/api/v1/console/session"
ASSISTANT = native_source.ASSISTANT
ASSISTANT_NAME = "Ada / Sales"
# Recent ones of the assistant: three completed ones of the last week, one that goes on, one of a hundred days ago.
RECENT = f"""
INSERT INTO chat.conversation
    (id, workspace_id, channel_id, created_at, contact_id, assistant_id, tags, status, ended_at)
SELECT ('44444444-dddd-0000-0000-00000000000' || n)::uuid, 'platform-one', '{http_source.SMS}',
    now() - (CASE n WHEN 5 THEN 100 ELSE n END) * interval '1 day', '{native_source.JANE}', '{ASSISTANT}', '{{vip}}',
    'closed', CASE n WHEN 4 THEN NULL ELSE now() - interval '1 hour' END
FROM generate_series(1, 5) AS n;
INSERT INTO chat.message SELECT gen_random_uuid(), id, created_at + n * interval '1 minute', 'inbound', 'customer',
    NULL, 'Hello ' || n FROM chat.conversation, generate_series(1, 2) AS n
    WHERE id::text LIKE '44444444%';
"""
CONVERSATION = "44444444-dddd-0000-0000-000000000001"


def make_world(program, database):
    """Returns keys by role: owner, admin, editor (who sees vip and press), viewer; each with a user."""
    native_source.make_source(database)
    database.execute(RECENT)
    program.migrate()
    program.workspace(WORKSPACE, source_id="platform-one", name="Bäckerei Löwenstein", time_zone="Europe/Berlin")
    return {role: key_of(program, database, role, f"{role}@example.com")
            for role in ("owner", "admin", "editor", "viewer")}


def key_of(program, database, role, user):
    audience = ["vip", "press"] if role == "editor" else ()
    return native_source.make_key(program, database, role, audience, user, WORKSPACE)


class Api:
    """What somebody else does meanwhile, through the API."""

    def __init__(self, service, key):
        self.service, self.key = service, key
        self.exports = f"/api/v1/workspace/{WORKSPACE}/exports"

    def start(self, **body):
        body = {"select": {"channel_id": http_source.SMS}, "format": "json", "files": "single"} | body
        answer = self.service.request("POST", self.exports, self.key, json_body=body)
        assert answer.status == 202, answer.body
        return answer.json()["export_id"]

    def export(self, export_id):
        answer = self.service.get(f"{self.exports}/{export_id}", self.key)
        return answer.json() if answer.status == 200 else None

    def all(self):
        return self.service.get(self.exports + "?limit=100", self.key).json()["exports"]

    def ended(self, export_id):
        def look():
            found = self.export(export_id)
            return found if found["status"] not in ("queued", "started") else None
        return wait_until(look, f"the end of {export_id}")

    def made(self, **body):
        return self.ended(self.start(**body))

    def delete(self, export_id):
        assert self.service.request("DELETE", f"{self.exports}/{export_id}", self.key).status == 204


def open_console(page, service, view=""):
    page.open(f"{service.url}/console/{view}")


def sign_in(page, service, key, view=""):
    """Opens the view as somebody who has just signed in: by keyboard, with the key."""
    open_console(page, service, view)
    field = page.get("textbox", "API key")
    field.wait()
    page.wait("document.activeElement.tagName == 'INPUT'")
    page.call("Input.insertText", text=key)
    page.press("Enter")
    field.gone()
    return page


def enter(page, service, key, view="", host="127.0.0.1", wait=True):
    """Opens the view as somebody who signed in a while ago: with the cookie alone."""
    answer = service.request("POST", SESSION, json_body={"key": key}, headers={"X-Verbatim-Console": "1"})
    assert answer.status == 201, answer.body
    cookie = next(iter(http.cookies.SimpleCookie(answer.headers["Set-Cookie"]).values()))
    url = f"http://{host}:{service.port}"
    page.call("Network.setCookie", name=cookie.key, value=cookie.value, url=url, path=cookie["path"], httpOnly=True,
              sameSite="Strict")
    page.open("about:blank")  # so that a view that differs by its hash alone is opened anew
    page.open(f"{url}/console/{view}")
    if wait:
        drawn(page)
    return page


def drawn(page):
    """Until the view stands there with its heading and loads no more."""
    page.wait("!!document.querySelector('main h1') && !document.querySelector('main .loading')", "the view to be drawn")


def unfinished_texts(page):
    """Keys of texts, and places for values, that a reader sees in place of words."""
    return re.findall(r"\{\w+\}|\b(?:nav|list|keys|audit|people|settings|order|export|error|row|filter)\.[a-z]\w+",
                      page.text())


def row(page, name):
    """The words of the export's row in the list."""
    return page.value("[...document.querySelectorAll('.row')].find(row => row.querySelector('.row-name')"
                      f".textContent === {json.dumps(name)})?.innerText")


def row_names(page):
    return page.value("[...document.querySelectorAll('.row-name')].map(each => each.textContent)")


LATE = """(() => {
    const usual = window.fetch;
    window.fetch = async (url, ...rest) => {
        if (!String(url).includes(%s))
            return usual(url, ...rest);
        await new Promise((go) => setTimeout(go, 1000));
        const answer = await usual(url, ...rest);
        setTimeout(() => { window.late = true; }, 200);
        return answer;
    };
})()"""


def answer_late(page, part):
    """From here on, requests with the part in their address are answered a second late."""
    page.value(LATE % json.dumps(part))


def wait_late(page):
    """Until the page has had such an answer, and the time to show it."""
    page.wait("window.late", "the late answer")
