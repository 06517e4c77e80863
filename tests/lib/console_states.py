"""Every view of the console in every state that a person may meet, for tests that hold for all of them.

`House` is a workspace with something of everything. `STATES` has a function for each state, which brings a fresh tab
there; `show` calls it and returns when the page stands still.
"""

import json

from . import console, native_source
from .process import wait_until

NAMES = {"owner": "Olga's laptop", "admin": "Nightly archive", "editor": "Press desk", "viewer": "Wall screen"}
LIST = "*/exports*limit=*"  # the requests for the list
ARABIC = "سارة الأحمد — قسم المبيعات"
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"

PEOPLE = f"""
INSERT INTO chat.contact VALUES ('22222222-bbbb-0000-0000-000000000031', 'platform-one', '{ARABIC}', '+966501234567',
    'sara@example.com'), ('22222222-bbbb-0000-0000-000000000032', 'platform-one', '{LONG}', NULL,
    '{LONG.lower()}@example.com');
INSERT INTO chat.assistant VALUES ('11111111-aaaa-0000-0000-000000000031', 'platform-one', '{ARABIC}');
"""
# Only what is written by hand here: exports that fail, wait or run for long are not had in a test's time.
RUNNING = """
UPDATE verbatim.job SET status = 'started', started_at = now() - interval '3 s', finished_at = NULL WHERE job_id = %s;
UPDATE verbatim.job SET conversations_total = 40000, counts = '{3120,51234,1000000,1,2,0,0}', file_name = NULL
    WHERE job_id = %s
"""
FAILED = """
UPDATE verbatim.job SET status = 'failed', error_message = 'The storage refused the upload (AccessDenied).'
WHERE job_id = %s
"""
EXPIRED = "UPDATE verbatim.job SET archive_deleted_at = now(), link_expires_at = now() WHERE job_id = %s"


class House:
    """`program`, `database`, `make_service`: fixtures; `names`: statements that give the source other names. Nothing
    works on jobs once it is made."""

    def __init__(self, program, database, make_service, names=""):
        self.keys = console.make_world(program, database)
        for role, name in NAMES.items():
            database.execute("UPDATE verbatim.api_key SET name = %s WHERE key_id = %s",
                             [name, self.keys[role].split("_")[1]])
        program.workspace("empty", source_id="platform-empty", name="New workspace")
        self.keys["nothing"] = native_source.make_key(program, database, "owner", (), "new@example.com", "empty")
        self.keys["retired"] = console.key_of(program, database, "viewer", f"{LONG.lower()}@example.com")
        database.execute(PEOPLE + names)
        self.database = database
        worker = make_service(workers=1)
        self.api = console.Api(worker, self.keys["owner"])
        self.exports = {name: make(self) for name, make in EXPORTS.items()}
        worker.request("GET", f"{self.api.exports}/{self.exports['html']}/download", self.keys["admin"])
        worker.request("DELETE", f"/api/v1/workspace/one/keys/{self.keys['retired'].split('_')[1]}", self.keys["owner"])
        worker.stop()
        self.service = make_service(workers=0)
        self.exports["waiting"] = console.Api(self.service, self.keys["owner"]).start()

    def made(self, **body):
        return self.api.made(**body)["export_id"]

    def changed(self, statements, **body):
        export_id = self.made(**body)
        self.api.ended(export_id)
        for statement in filter(str.strip, statements.split(";")):
            self.database.execute(statement, [export_id])
        return export_id


EXPORTS = {
    "html": lambda house: house.made(select={"assistant_id": console.ASSISTANT}, format="html", files="single"),
    "arabic": lambda house: house.made(select={"contact_id": "22222222-bbbb-0000-0000-000000000031"}),
    "zip": lambda house: house.made(select={"all": True}, format="csv", files="per_conversation",
                                    filter={"from": "2026-01-01", "to": "2026-12-31", "tags": ["vip", "press"]}),
    "long": lambda house: house.made(select={"contact_id": "22222222-bbbb-0000-0000-000000000032"}),
    "expired": lambda house: house.changed(EXPIRED),
    "failed": lambda house: house.changed(FAILED),
    "running": lambda house: house.changed(RUNNING),
}


def at(view, role="owner"):
    """A view without any doing."""
    return lambda page, house: console.enter(page, house.service, house.keys[role], view)


def hold(page, pattern):
    """Requests of the pattern get no answer."""
    page.call("Fetch.enable", patterns=[{"urlPattern": pattern}])


def answer(page, pattern, status, body):
    """Requests of the pattern get this answer, given by the browser itself, until the tab closes."""
    page.respond(pattern, status, json.dumps(body))


def signed_out(page, house):
    page.open(house.service.url + "/console/")
    page.get("textbox", "API key").wait()


def wrong_key(page, house):
    signed_out(page, house)
    page.get("textbox", "API key").fill("vb_wrong")
    page.press("Enter")
    page.wait_text("This key is not known")


def key_in_address(page, house):
    page.open(f"{house.service.url}/console/?key={house.keys['owner']}")
    page.wait_text("There was a key in the address.")


def session_over(page, house):
    at("#/exports")(page, house)
    page.call("Network.clearBrowserCookies")
    page.value("[...document.querySelectorAll('button')].find(each => each.innerText === 'Refresh').click()")
    page.get("dialog", "Your session has ended").wait()


def loading(page, house):
    page.stay(LIST)
    console.enter(page, house.service, house.keys["owner"], "#/exports", wait=False)
    page.wait("!!document.querySelector('main h1') && !!document.querySelector('main .loading')")


def failing(page, house):
    page.respond(LIST, 503, json.dumps({"detail": "The database does not answer."}))
    console.enter(page, house.service, house.keys["owner"], "#/exports")
    page.get("alert").wait()


def away(page, house):
    at("#/exports")(page, house)
    page.offline()
    page.get("button", "Refresh").click()
    page.wait_text("The service can't be reached.")


def filters(page, house):
    at("#/exports")(page, house)
    page.get("DisclosureTriangle", "Filter").click()


def deleting(page, house):
    at("#/exports")(page, house)
    page.value("[...document.querySelectorAll('button')].find(each => each.innerText === 'Delete').click()")
    page.get("dialog", "Delete this export?").wait()


def copied(page, house):
    at("#/exports")(page, house)
    page.value("[...document.querySelectorAll('button')].find(each => each.innerText === 'Copy link').click()")
    page.wait_text("Link copied.")


def export_page(name):
    return lambda page, house: at(f"#/exports/{house.exports[name]}")(page, house)


def ordering(page, house):
    at("#/new")(page, house)
    page.get("dialog", "Export conversations").wait()


def ordering_wrong(page, house):
    ordering(page, house)
    page.get("textbox", "Number of days").fill("0")
    page.get("button", "Start export").click()
    page.wait_text("Enter a whole number of days")


def ordering_found(page, house):
    ordering(page, house)
    page.get("radio", "A channel").click()
    page.get("combobox", "Channel").click()
    page.get("option").nodes()
    page.wait("!!document.querySelector('[role=option]')")


def ordering_all(page, house):
    ordering(page, house)
    page.get("radio", "Everything").click()
    page.get("radio", "CSV").click()
    page.value("document.querySelectorAll('dialog details').forEach(each => { each.open = true; })")


def conversation_wrong(page, house):
    at("#/conversation")(page, house)
    page.get("dialog", "Export one conversation").get("button", "Export").click()
    page.wait_text("Enter the id of the conversation.")


def new_key(page, house):
    at("#/keys")(page, house)
    page.get("button", "New key").click()
    return page.get("dialog", "New key").wait()


def new_key_wrong(page, house):
    new_key(page, house).get("button", "Make the key").click()
    page.wait_text("Enter a name for the key.")


def key_once(page, house):
    """Its making is answered by the browser: each visit would leave a key."""
    page.respond("*/keys", 201, json.dumps({"key_id": "a" * 12, "key": f"vb_{'a' * 12}_{'b' * 49}", "name": "Backup",
                                            "role": "viewer"}), method="POST")
    dialog = new_key(page, house)
    dialog.get("textbox", "Name").fill("Backup")
    dialog.get("radio", "viewer").click()
    dialog.get("button", "Make the key").click()
    page.get("dialog", "Copy the key now").wait()


def key_not_copied(page, house):
    key_once(page, house)
    page.press("Escape")
    page.wait_text("The key has not been copied yet")


def revoking(page, house):
    at("#/keys")(page, house)
    page.value("document.querySelector('.row button').click()")
    page.get("dialog", "Revoke this key?").wait()


def keys_opened(page, house):
    at("#/keys")(page, house)
    page.value("document.querySelector('details.past').open = true")


def audit_filters(page, house):
    at("#/audit?from=2001-01-01")(page, house)
    page.value("document.querySelectorAll('.downloads').forEach(each => { each.open = true; })")


def nobody_to_find(page, house):
    at("#/people")(page, house)
    page.get("button", "Find").click()
    page.wait_text("Enter what to look for.")


def exporting_a_person(page, house):
    at("#/people?q=sara")(page, house)
    page.get("button", "Export everything").click()
    page.get("dialog", "Export everything of this person").wait()
    page.wait_text("No conversation of this person")


def settings_wrong(page, house):
    at("#/settings")(page, house)
    page.get("textbox", "Exports at a time").fill("0")
    page.get("button", "Save").click()
    page.wait_text("Enter a whole number from 1")


def settings_saved(page, house):
    at("#/settings")(page, house)
    page.get("button", "Save").click()
    page.wait_text("Nothing was changed.")


def in_german(state):
    def go(page, house):
        page.language("de-DE")
        at(state)(page, house)
    return go


STATES = {
    "sign-in": signed_out, "sign-in-wrong": wrong_key, "sign-in-key-in-address": key_in_address,
    "sign-in-over": session_over,
    "exports": at("#/exports"), "exports-empty": at("#/exports", "nothing"),
    "exports-viewer": at("#/exports", "viewer"), "exports-editor": at("#/exports", "editor"),
    "exports-nothing": at("#/exports?format=ndjson"),
    "exports-loading": loading, "exports-failing": failing, "exports-offline": away, "exports-filters": filters,
    "exports-delete": deleting, "exports-note": copied, "exports-german": in_german("#/exports"),
    "export": export_page("html"), "export-zip": export_page("zip"), "export-long": export_page("long"),
    "export-expired": export_page("expired"), "export-failed": export_page("failed"),
    "export-running": export_page("running"), "export-waiting": export_page("waiting"),
    "export-gone": at("#/exports/00000000-0000-0000-0000-000000000000"),
    "new": ordering, "new-wrong": ordering_wrong, "new-found": ordering_found, "new-all": ordering_all,
    "new-german": in_german("#/new"), "conversation": at("#/conversation"), "conversation-wrong": conversation_wrong,
    "keys": at("#/keys"), "keys-past": keys_opened, "keys-new": new_key, "keys-new-wrong": new_key_wrong,
    "keys-once": key_once, "keys-not-copied": key_not_copied, "keys-revoke": revoking,
    "keys-german": in_german("#/keys"), "keys-denied": at("#/keys", "viewer"),
    "audit": at("#/audit"), "audit-filters": audit_filters, "audit-empty": at("#/audit", "nothing"),
    "audit-nothing": at("#/audit?author=nobody"), "audit-german": in_german("#/audit"),
    "people": at("#/people"), "people-found": at("#/people?q=example"), "people-none": at("#/people?q=nowhere"),
    "people-missing": nobody_to_find, "people-export": exporting_a_person,
    "settings": at("#/settings"), "settings-wrong": settings_wrong, "settings-note": settings_saved,
    "settings-viewer": at("#/settings", "viewer"), "settings-german": in_german("#/settings"),
    "missing": at("#/nothing/here"),
}


def show(page, house, state):
    STATES[state](page, house)
    wait_until(lambda: still(page), f"{state} to stand still", pause=0.05)


def still(page):
    """Nothing asked for is on its way, and nothing moves but what always does."""
    return page.value("""document.fonts.status === 'loaded' && document.getAnimations()
        .every(each => each.effect.getTiming().iterations === Infinity || each.playState === 'finished')""")
