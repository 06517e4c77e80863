"""The export dialog: what can be asked for, what is said before, and that one start makes one export."""

import datetime
import json

import pytest

from tests.lib import console, http_source
from tests.lib.process import wait_until


@pytest.fixture(scope="module")
def service(keys, make_service, local):
    return make_service(workers=1)


@pytest.fixture
def api(service, keys, database):
    """With an empty list."""
    database.execute("DELETE FROM verbatim.job")
    return console.Api(service, keys["owner"])


@pytest.fixture
def dialog(page, service, keys, api):
    console.sign_in(page, service, keys["owner"], "#/new")
    return page.get("dialog", "Export conversations").wait()


def pick(page, dialog, label, text, option):
    field = dialog.get("combobox", label)
    field.fill(text)
    dialog.get("option", option).click()
    assert field.value() == option


def only(api):
    made = api.all()
    assert len(made) == 1, made
    return made[0]


def test_an_assistant_by_mouse(page, dialog, api):
    """As the document has it: assistant, days, Start Export, a confirmation, and it is in Available Exports."""
    pick(page, dialog, "Assistant", "ada", console.ASSISTANT_NAME)
    dialog.get("button", "7 days").click()
    assert dialog.get("textbox", "Number of days").value() == "7"
    dialog.get("radio", "JSON").click()
    dialog.get("button", "Start export").click()
    dialog.gone()
    page.wait_text("The export has started. It is in the list and follows by itself until it is ready.")
    assert page.address.endswith("#/exports")
    page.wait_text("Assistant: Ada / Sales")
    page.wait("document.querySelector('.status.finished') !== null")
    assert only(api)["specification"]["select"] == {"assistant_id": console.ASSISTANT}


def test_a_channel_by_keyboard(page, service, keys, api):
    console.sign_in(page, service, keys["owner"])
    page.tab_to("link", "Export")
    page.press("Enter")
    page.get("dialog", "Export conversations").wait()
    assert page.focused() == ("heading", "Export conversations")
    page.tab_to("radio", "An assistant")
    page.press("ArrowRight")
    assert page.focused() == ("radio", "A channel")
    page.tab_to("combobox", "Channel")
    page.type("sms")
    page.wait("document.querySelectorAll('[role=option]').length > 0")
    page.press("ArrowDown")
    assert page.get("combobox", "Channel", expanded=True).count() == 1
    page.press("Enter")
    assert page.get("combobox", "Channel").value() == "SMS Support"
    page.tab_to("radio", "Last days")
    page.press("ArrowRight", times=2)
    assert page.focused() == ("radio", "All time")
    page.tab_to("radio", "HTML" if page.get("radio", "HTML").count() else "CSV")
    while page.focused() != ("radio", "NDJSON"):
        page.press("ArrowDown")
    page.tab_to("button", "Start export")
    page.press("Enter")
    page.wait_text("The export has started.")
    made = only(api)["specification"]
    assert made["select"] == {"channel_id": http_source.SMS} and made["format"] == "ndjson" and not made["filter"]
    page.wait("document.activeElement.textContent === 'Export'", "the focus where the dialog was opened")


@pytest.mark.parametrize("days", ["0", "366", "abc", "", "-7", "1.5", "1e2"])
def test_days_that_are_none(page, dialog, api, days):
    dialog.get("radio", "Everything").click()
    field = dialog.get("textbox", "Number of days")
    field.fill(days)
    dialog.get("button", "Start export").click()
    dialog.wait()
    states = dialog.get("textbox", "Number of days", invalid=True).states()
    assert states["description"].endswith("Enter a whole number of days from 1 to 365.")
    assert page.focused() == ("textbox", "Number of days")
    assert api.all() == []
    field.fill("365")
    assert dialog.get("textbox", "Number of days", invalid=True).count() == 0
    page.wait_text("Conversations that began on or after")
    page.wait_text("Zone: Europe/Berlin (Central European")


def set_date(dialog, name, text):
    dialog.get("Date", name).apply("function(text) { this.value = text; this.dispatchEvent(new Event('input')) }", text)


def test_dates(page, dialog, api):
    dialog.get("radio", "Everything").click()
    dialog.get("radio", "Dates").click()
    page.wait_text("Both days are included, from midnight to midnight in Europe/Berlin (Central European")
    dialog.get("button", "Start export").click()
    page.wait_text("Choose the first day.")
    page.wait_text("Choose the last day.")
    tomorrow = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)).date().isoformat()
    set_date(dialog, "First day", tomorrow)
    set_date(dialog, "Last day", tomorrow)
    dialog.get("button", "Start export").click()
    page.wait_text("This day lies in the future.")
    set_date(dialog, "First day", "2026-02-10")
    set_date(dialog, "Last day", "2026-02-09")
    dialog.get("button", "Start export").click()
    page.wait_text("The last day lies before the first.")
    assert api.all() == []
    set_date(dialog, "Last day", "2026-02-11")
    page.wait_text("2 conversations, 6 messages")
    dialog.get("button", "Start export").click()
    page.wait_text("The export has started.")
    assert only(api)["specification"]["filter"] == {"from": "2026-02-10", "to": "2026-02-11"}


def test_what_is_missing_is_said_at_the_first_field(page, dialog, api):
    for choice, label, words in (("An assistant", "Assistant", "Choose the assistant."),
                                 ("A channel", "Channel", "Choose the channel."),
                                 ("A contact", "Contact", "Choose the contact.")):
        dialog.get("radio", choice).click()
        dialog.get("button", "Start export").click()
        page.wait_text(words)
        assert dialog.get("combobox", label, invalid=True).states()["description"] == words
        assert page.focused() == ("combobox", label)
    dialog.get("radio", "Chosen conversations").click()
    dialog.get("button", "Start export").click()
    page.wait_text("Enter at least one conversation id.")
    assert api.all() == []


def test_up_to_200_conversations(page, dialog, api):
    dialog.get("radio", "Chosen conversations").click()
    field = dialog.get("textbox", "Conversation ids")
    field.click()
    page.call("Input.insertText", text="\n".join(f"id-{n}" for n in range(201)))
    page.wait_text("201 of 200")
    dialog.get("button", "Start export").click()
    page.wait_text("These are 201 ids; at most 200 go into one export.")
    field.fill(f"{console.CONVERSATION}, no-such-id")
    dialog.get("button", "Start export").click()
    page.wait("document.querySelector('[aria-invalid=true]')?.tagName === 'TEXTAREA'")
    assert "No conversation found for select.conversation_ids.1." in field.states()["description"]
    field.fill(f"{console.CONVERSATION}\n{console.CONVERSATION}")
    page.wait_text("1 of 200")
    page.wait_text("1 conversation, 2 messages")
    dialog.get("button", "Start export").click()
    page.wait_text("The export has started.")
    assert only(api)["specification"]["select"] == {"conversation_ids": [console.CONVERSATION]}


def test_size_is_told_before(page, dialog):
    dialog.get("radio", "Everything").click()
    dialog.get("radio", "All time").click()
    page.wait_text("8 conversations, 19 messages, about")
    page.wait("window.__heard.some(each => each.startsWith('8 conversations, 19 messages, about '))")


def test_nothing_in_the_range_is_told_before(page, dialog):
    dialog.get("radio", "Chosen conversations").click()
    dialog.get("radio", "Everything").click()
    dialog.get("radio", "Dates").click()
    set_date(dialog, "First day", "2020-01-01")
    set_date(dialog, "Last day", "2020-01-02")
    page.wait_text("Nothing falls into this range: the export would be empty.")


def test_an_assistant_without_conversations_is_told_before(page, dialog, api, database):
    database.execute("INSERT INTO chat.assistant VALUES (gen_random_uuid(), 'platform-one', 'Idle')")
    pick(page, dialog, "Assistant", "idle", "Idle")
    page.wait_text("No completed conversations in this range: the export would be empty.")
    dialog.get("button", "Start export").click()
    page.wait_text("The export has started.")
    assert api.ended(only(api)["export_id"])["status"] == "finished"


@pytest.mark.parametrize("way", ["mouse", "keyboard"])
def test_a_double_click_makes_one(page, dialog, api, way):
    dialog.get("radio", "Everything").click()
    if way == "mouse":
        dialog.get("button", "Start export").click(count=2)
    else:
        page.tab_to("button", "Start export")
        page.press("Enter", times=2)
    page.wait_text("The export has started.")
    assert len(api.all()) == 1


def test_a_lost_answer_and_another_try_make_one(page, dialog, api):
    """The first answer never comes; whoever presses again gets the export that was made."""
    dialog.get("radio", "Everything").click()
    page.value("(() => { const real = window.fetch; window.keys = []; window.fetch = async (address, options) => {"
               " const answer = await real(address, options);"
               " if (options?.method !== 'POST' || !address.endsWith('/exports')) return answer;"
               " window.keys.push(options.headers['Idempotency-Key']);"
               " if (window.keys.length === 1) throw new TypeError('lost'); return answer; } })()")
    dialog.get("button", "Start export").click()
    page.wait_text("The service can't be reached. Check your connection, then try again.")
    dialog.wait()
    dialog.get("button", "Start export").click()
    page.wait_text("The export has started.")
    first, second = page.value("window.keys")
    assert first == second and len(first) == 32
    assert len(api.all()) == 1


def test_something_else_is_another_request(page, dialog, api):
    dialog.get("radio", "Chosen conversations").click()
    dialog.get("textbox", "Conversation ids").fill("nothing")
    dialog.get("button", "Start export").click()
    page.wait_text("No conversation found")
    dialog.get("radio", "Everything").click()
    dialog.get("button", "Start export").click()
    page.wait_text("The export has started.")
    assert only(api)["specification"]["select"] == {"all": True}


def test_formats_have_a_plain_sentence_each(page, dialog):
    for node in dialog.get("radio").nodes():
        name = node["name"]["value"]
        if name in ("HTML", "PDF", "CSV", "JSON", "NDJSON", "Excel"):
            description = dialog.get("radio", name).states()["description"]
            assert description.endswith(".") and " " in description, name


def test_messages_of_the_time_range(page, dialog, api):
    """Of conversations of any age; also counted so, and the same when it is asked for again."""
    dialog.get("radio", "Everything").click()
    page.value("document.querySelector('details.more summary').click()")
    dialog.get("checkbox", "Messages of the time range").click()
    page.wait_text("Messages written on or after")
    dialog.get("radio", "All time").click()
    assert dialog.get("checkbox", "Messages of the time range").count() == 0, "there is no range"
    dialog.get("radio", "Dates").click()
    set_date(dialog, "First day", "2026-02-10")
    set_date(dialog, "Last day", "2026-02-11")
    page.wait_text("2 conversations, 6 messages")
    dialog.get("button", "Start export").click()
    page.wait_text("The export has started.")
    assert only(api)["specification"]["filter"] == {"from": "2026-02-10", "to": "2026-02-11", "activity": True}


def test_what_to_include(page, dialog, api):
    dialog.get("radio", "Everything").click()
    dialog.get("radio", "CSV").click()
    assert dialog.get("checkbox", "Internal notes").count() == 0, "a table's columns are fixed"
    dialog.get("radio", "JSON").click()
    dialog.get("checkbox", "Internal notes").click()
    dialog.get("checkbox", "Tags").click()
    dialog.get("button", "Start export").click()
    page.wait_text("The export has started.")
    assert sorted(only(api)["specification"]["include"]) == ["customer", "messages", "notes"]


def test_what_few_platforms_have(page, dialog, api):
    """Participants, reactions, earlier texts and what was deleted: the last of them no table has room for."""
    names = ["Participants", "Reactions", "Earlier texts", "Deleted messages"]
    dialog.get("radio", "Everything").click()
    dialog.get("radio", "CSV").click()
    assert [dialog.get("checkbox", name).count() for name in names] == [0] * 4
    dialog.get("radio", "HTML").click()
    for name in names:
        assert dialog.get("checkbox", name, checked=True).count() == 0, "asked for, never given by default"
        dialog.get("checkbox", name).click()
    dialog.get("button", "Start export").click()
    page.wait_text("The export has started.")
    assert sorted(only(api)["specification"]["include"]) == [
        "customer", "deleted", "messages", "participants", "reactions", "revisions", "tags"]


def test_more_choices(page, dialog, api):
    dialog.get("radio", "Everything").click()
    dialog.get("radio", "All time").click()
    dialog.get("radio", "CSV").click()
    page.value("document.querySelector('details.more summary').click()")
    dialog.get("combobox", "Rows of the table").choose("One row a conversation")
    dialog.get("combobox", "Files").choose("Files of 5,000 conversations, in a ZIP")
    dialog.get("combobox", "Made for").choose("Excel, guarded against formulas")
    dialog.get("combobox", "Columns are separated by").choose("Tabs")
    dialog.get("combobox", "Quotes").choose(
        "Around all texts: programs can keep numbers and dates as they are written")
    dialog.get("textbox", "Only with tags").fill("vip, press")
    dialog.get("checkbox", "Only completed conversations").click()
    dialog.get("button", "Start export").click()
    page.wait_text("The export has started.")
    made = only(api)["specification"]
    assert (made["layout"], made["files"], made["csv_profile"]) == ("conversations", "chunks", "excel")
    assert (made["delimiter"], made["csv_quote"]) == ("\t", "all")
    assert made["filter"] == {"tags": ["vip", "press"], "completed_only": True}


def test_cancel_forgets_and_escape_keeps(page, dialog, service):
    dialog.get("radio", "Everything").click()
    page.press("Escape")
    dialog.gone()
    page.get("link", "Export").node
    page.value("location.hash = '#/new'")
    dialog.get("radio", "Everything", checked=True).wait()
    dialog.get("button", "Cancel").click()
    dialog.gone()
    page.value("location.hash = '#/new'")
    dialog.get("radio", "An assistant", checked=True).wait()


def test_the_key_of_a_picker_s_escape_closes_the_list_alone(page, dialog):
    dialog.get("combobox", "Assistant").click()
    dialog.get("option", console.ASSISTANT_NAME).wait()
    page.press("Escape")
    dialog.get("option").gone()
    dialog.wait()


@pytest.mark.parametrize("text", ["ada / sales", "sal"])
def test_enter_takes_what_was_typed_whole_or_is_the_only_one(page, dialog, api, text):
    dialog.get("combobox", "Assistant").fill(text)
    dialog.get("option", console.ASSISTANT_NAME).wait()
    page.wait(f"document.querySelector('[role=option]:last-child').innerText.includes({json.dumps(text)})"
              " || document.querySelectorAll('[role=option]').length === 1")
    page.press("Enter")
    assert dialog.get("combobox", "Assistant").value() == console.ASSISTANT_NAME
    assert dialog.get("option").count() == 0 and api.all() == []


def test_what_nobody_finds_can_be_an_id(page, dialog, api):
    field = dialog.get("combobox", "Assistant")
    field.fill(console.ASSISTANT)
    dialog.get("option", f"Use “{console.ASSISTANT}” as the id").click()
    dialog.get("radio", "JSON").click()
    dialog.get("button", "Start export").click()
    page.wait_text("The export has started.")
    assert only(api)["specification"]["select"] == {"assistant_id": console.ASSISTANT}


def test_an_assistant_that_is_gone_is_said_at_its_field(page, dialog, api):
    unknown = "11111111-aaaa-0000-0000-00000000ffff"
    dialog.get("combobox", "Assistant").fill(unknown)
    dialog.get("option", f"Use “{unknown}” as the id").click()
    dialog.get("radio", "JSON").click()
    dialog.get("button", "Start export").click()
    page.wait("document.querySelector('[aria-invalid=true]') !== null")
    assert "select.assistant_id" in dialog.get("combobox", "Assistant").states()["description"]
    assert page.focused() == ("combobox", "Assistant")


def test_without_a_mail_server_that_is_said(page, dialog):
    """Before the first of this file that starts a service with one, which the others then count on for a while."""
    field = dialog.get("textbox", "Mail when ready (optional)", disabled=True).wait()
    assert "This service does not send mail." in field.states()["description"]


def test_mail(page, keys, api, make_service, smtp):
    mailing = make_service(workers=1, smtp_url=smtp.url, mail_from="export@verbatim.example")
    console.sign_in(page, mailing, keys["owner"], "#/new")
    dialog = page.get("dialog", "Export conversations").wait()
    dialog.get("radio", "Everything").click()
    field = dialog.get("textbox", "Mail when ready (optional)")
    field.fill("nobody")
    dialog.get("button", "Start export").click()
    page.wait_text("Enter an address such as name@example.com.")
    assert page.focused() == ("textbox", "Mail when ready (optional)")
    field.fill("anna@example.com")
    dialog.get("button", "Start export").click()
    page.wait_text("when it is ready, a mail goes to anna@example.com.")
    assert wait_until(lambda: smtp.mails, "the mail")[0].recipients == ("anna@example.com",)
    page.value("location.hash = document.querySelector('.row-name').getAttribute('href')")
    page.wait("[...document.querySelectorAll('.facts dd')].some(each => each.innerText === 'sent')")
    mailing.stop()


def test_html_of_an_assistant_is_the_document_s_export(page, dialog, api, keys, service):
    """Its own name, completed conversations only, and the limit said before."""
    pick(page, dialog, "Assistant", "ada", console.ASSISTANT_NAME)
    dialog.get("radio", "HTML", checked=True).wait()
    page.wait_text("You have 0 of 20 HTML exports of assistants; each is kept 30 days.")
    page.wait_text("3 conversations, 6 messages")
    dialog.get("button", "Start export").click()
    page.wait_text("The export has started.")
    made = only(api)
    assert made["specification"]["format"] == "html" and made["specification"]["filter"]["completed_only"] is True
    page.wait_text(f"conversations_{console.ASSISTANT}_")
    ended = api.ended(made["export_id"])
    assert ended["progress"]["conversations_done"] == 3, json.dumps(ended)


def test_notes_in_html_of_an_assistant_leave_it_the_document_s_export(page, dialog, api):
    """Still completed conversations only, under the same name and counted by the same limit."""
    pick(page, dialog, "Assistant", "ada", console.ASSISTANT_NAME)
    dialog.get("checkbox", "Internal notes").click()
    page.wait_text("You have 0 of 20 HTML exports of assistants; each is kept 30 days.")
    page.wait_text("3 conversations, 6 messages")
    dialog.get("button", "Start export").click()
    page.wait_text(f"conversations_{console.ASSISTANT}_")
    made = only(api)["specification"]
    assert made["filter"]["completed_only"] is True and "notes" in made["include"]


def test_the_twenty_first_is_said_before(page, service, keys, api):
    made = []
    for _ in range(20):
        answer = service.request("POST", f"/api/v1/workspace/{console.WORKSPACE}/assistant-exports", keys["owner"],
                                 json_body={"assistant_id": console.ASSISTANT, "days": 7})
        assert answer.status == 202, answer.body
        made.append(api.ended(answer.json()["export_id"]))
    console.sign_in(page, service, keys["owner"], "#/new")
    dialog = page.get("dialog", "Export conversations").wait()
    pick(page, dialog, "Assistant", "ada", console.ASSISTANT_NAME)
    page.wait_text("You have 20 of 20 HTML exports of assistants; each is kept 30 days."
                   f" Starting this one deletes your oldest: {made[0]['name']}")
    dialog.get("button", "Start export").click()
    page.wait_text("The export has started.")
    left = {item["export_id"] for item in api.all()}
    assert len(left) == 20 and made[0]["export_id"] not in left
