"""Names that would run if the console ever took them for markup, code, addresses or patterns: none does.

The canary is a function of the page that a payload would have to call; the browser tells us of each call.
"""

import pytest

from tests.lib import console, native_source
from tests.lib import http_source as source

CORPUS = [
    "<script>canary(1)</script>",
    "<img src=x onerror=canary(2)>",
    "<svg/onload=canary(3)>",
    "\"><b autofocus tabindex=0 onfocus=canary(4)>",
    "' onmouseover='canary(5)' x='",
    "javascript:canary(6)",
    "<a href=\"javascript:canary(7)\" target=_self>press</a>",
    "${canary(8)} {{canary(9)}} #{canary(10)} {name} {n}",
    "</title></textarea></script><script>canary(11)</script>",
    "<iframe srcdoc=\"<script>parent.canary(12)</script>\"></iframe>",
    "<meta http-equiv=refresh content='0;url=javascript:canary(13)'>",
    "<base href='https://elsewhere.example/'><form action='//elsewhere.example'><input autofocus>",
    "<style>*{display:none!important}</style>",
    "<details open ontoggle=canary(14)><summary>x</summary></details>",
    "data:text/html,<script>canary(15)</script>",
    "\u202e gnp.exe \u2066 <x onfocus=canary(16)>",
    "__proto__", "constructor", "toString", "%00%3Cscript%3Ecanary(17)%3C/script%3E", "&lt;script&gt;canary(18)",
    "]]><!--><script>canary(19)</script>-->", "\\u003cscript>canary(20)</script>", "'; DROP TABLE verbatim.job; --",
]
# Of a person, of an assistant and of a channel the same; a key's name is one of them each.
NAMES = """
INSERT INTO chat.contact SELECT ('55555555-eeee-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'platform-one', name,
    NULL, 'hostile' || n || '@example.com' FROM unnest(%s::text[]) WITH ORDINALITY AS c (name, n);
"""
TAGGED = f"""
INSERT INTO chat.assistant VALUES ('11111111-aaaa-0000-0000-000000000051', 'platform-one', %s);
INSERT INTO chat.channel VALUES ('e5f6a7b8-0000-1111-2222-333344445551', 'platform-one', %s, 'LOCAL', NULL);
INSERT INTO chat.conversation
    (id, workspace_id, channel_id, created_at, contact_id, assistant_id, tags, status, ended_at) VALUES (
    '66666666-ffff-0000-0000-000000000001', 'platform-one', '{source.SMS}', now() - interval '1 day',
    '55555555-eeee-0000-0000-000000000001', '11111111-aaaa-0000-0000-000000000051', %s::text[], 'closed', now())
"""
ELEMENTS = """[...document.querySelectorAll("script, iframe, object, embed, base, form[action], style, img, meta")]
    .map((each) => each.outerHTML)"""
HANDLERS = """[...document.querySelectorAll("*")]
    .flatMap((each) => each.getAttributeNames().map((name) => [name, each[name] || each.getAttribute(name)]))
    .filter(([name, value]) => name.startsWith("on") || /^\\s*javascript:/i.test(value)).length"""


@pytest.fixture(scope="module")
def keys(program, database):
    keys = console.make_world(program, database)
    database.execute(NAMES, [CORPUS])
    for statement in filter(str.strip, TAGGED.split(";\n")):
        database.execute(statement, [CORPUS[1]] if "assistant VALUES" in statement else
                         [CORPUS[0]] if "channel VALUES" in statement else [CORPUS])
    program.workspace("one", source_id="platform-one", name=CORPUS[1], time_zone="Europe/Berlin")
    for number, name in enumerate(CORPUS):
        key = native_source.make_key(program, database, "editor", [name], f"hostile{number}@example.com", "one")
        database.execute("UPDATE verbatim.api_key SET name = %s WHERE key_id = %s", [name, key.split("_")[1]])
    return keys


@pytest.fixture(scope="module")
def exports(service, keys, database):
    """One of each hostile contact, and of the assistant; one that failed with hostile words."""
    api = console.Api(service, keys["owner"])
    made = [api.made(select={"contact_id": f"55555555-eeee-0000-0000-{number:012}"})["export_id"]
            for number in range(1, len(CORPUS) + 1)]
    made.append(api.made(select={"assistant_id": "11111111-aaaa-0000-0000-000000000051"}, format="html",
                         filter={"tags": CORPUS[:3]})["export_id"])
    for export_id, name in zip(made[:3], CORPUS):
        database.execute("UPDATE verbatim.job SET status = 'failed', error_message = %s WHERE job_id = %s",
                         [name, export_id])
    return made


@pytest.fixture
def hostile(page):
    """A tab whose canary is told of."""
    page.call("Runtime.addBinding", name="canary")
    return page


def nothing_ran(page, service):
    page.value("new Promise((done) => setTimeout(done, 50))")
    calls = [event["params"]["payload"] for event in page.events if event["method"] == "Runtime.bindingCalled"]
    assert calls == []
    assert [each for each in page.value(ELEMENTS) if "canary" in each or "elsewhere" in each] == []
    assert page.value(HANDLERS) == 0
    assert [url for url in page.requested() if not url.startswith((service.url, "data:", "about:"))] == []
    assert "Content Security Policy" not in str(page.complaints()), "nothing was tried that only the policy stopped"


def test_the_canary_is_heard(hostile, service):
    """Else its silence would mean nothing."""
    hostile.open(service.url + "/console/")
    hostile.value("canary('sung')")
    assert [event["params"]["payload"] for event in hostile.events if event["method"] == "Runtime.bindingCalled"] == [
        "sung"]


@pytest.mark.parametrize("view", ["#/exports", "#/keys", "#/audit", "#/people?q=hostile", "#/settings", "#/new",
                                  "#/conversation"])
def test_names_stay_names_in_each_view(hostile, service, keys, exports, view):
    console.enter(hostile, service, keys["owner"], view)
    hostile.value("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    nothing_ran(hostile, service)
    assert CORPUS[1] in hostile.value("document.querySelector('header').textContent"), "the workspace's name, as it is"
    if view == "#/people?q=hostile":
        shown = hostile.value("[...document.querySelectorAll('.row h2')].map((each) => each.textContent)")
        assert set(shown) <= set(CORPUS) and len(shown) == 20
    if view == "#/keys":
        shown = hostile.value("[...document.querySelectorAll('.row h2')].map((each) => each.textContent)")
        assert set(CORPUS) <= set(shown)


def test_on_each_export_s_page(hostile, service, keys, exports):
    console.enter(hostile, service, keys["owner"], "#/exports")
    for export_id in exports:
        hostile.value(f"location.hash = '#/exports/{export_id}'")
        hostile.get("heading", "Timeline").wait()
        hostile.value("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        nothing_ran(hostile, service)


def test_in_pickers_dialogs_and_notes(hostile, service, keys, exports):
    console.enter(hostile, service, keys["owner"], "#/new")
    dialog = hostile.get("dialog", "Export conversations").wait()
    for choice, field, text in (("An assistant", "Assistant", "<img"), ("A channel", "Channel", "<script"),
                                ("A contact", "Contact", "hostile")):
        dialog.get("radio", choice).click()
        dialog.get("combobox", field).fill(text)
        hostile.wait("!!document.querySelector('[role=option]')")
        hostile.press("ArrowDown")
        hostile.press("Enter")
        nothing_ran(hostile, service)
    hostile.press("Escape")
    hostile.value("location.hash = '#/people?q=hostile1@'")
    hostile.get("button", "Export everything").click()
    hostile.get("dialog", "Export everything of this person").wait()
    nothing_ran(hostile, service)
    hostile.get("dialog").get("button", "Export").click()
    hostile.wait_text("has started.")
    nothing_ran(hostile, service)
    hostile.value("location.hash = '#/keys'")
    hostile.wait("document.querySelectorAll('.row').length > 20")
    hostile.value("[...document.querySelectorAll('.row button')].at(-1).click()")
    hostile.get("dialog", "Revoke this key?").wait()
    nothing_ran(hostile, service)


@pytest.mark.parametrize("text", CORPUS)
def test_in_the_address(hostile, service, keys, text):
    console.enter(hostile, service, keys["owner"], "#/exports")
    for view in ("exports?requested_by=", "audit?author=", "people?q=", "exports/", ""):
        hostile.value(f"location.hash = '#/{view}' + encodeURIComponent({text!r})")
        console.drawn(hostile)
        hostile.value("location.hash = '#/settings'")
        console.drawn(hostile)
    nothing_ran(hostile, service)
