"""Conversation > Export > Format: one conversation by its id, as a file at once."""

import csv
import json

import pytest

from tests.lib import console
from tests.lib.process import wait_until


def downloaded(page, folder):
    """The file that has come whole into this folder."""
    def come():
        names = page.downloaded()
        return next((path for path in folder.iterdir() if path.name in names), None)
    return wait_until(come, "the download")


@pytest.mark.parametrize("way", ["mouse", "keyboard"])
def test_json_with_all_its_data(page, service, keys, folder, way):
    target = folder / way
    target.mkdir()
    console.sign_in(page, service, keys["owner"])
    page.downloads(target)
    if way == "mouse":
        page.get("link", "One conversation").click()
        page.get("textbox", "Conversation id").fill(console.CONVERSATION)
        page.get("radio", "JSON").click()
        page.get("dialog").get("button", "Export").click()
    else:
        page.tab_to("link", "One conversation")
        page.press("Enter")
        page.get("dialog", "Export one conversation").wait()
        page.wait("document.activeElement.name === 'conversation_id'")
        page.type(console.CONVERSATION)
        while page.focused() != ("radio", "JSON"):
            page.press("ArrowDown" if page.focused()[0] == "radio" else "Tab")
        page.press("Enter")
    content = json.loads(downloaded(page, target).read_text())
    assert [each["id"] for each in content] == [console.CONVERSATION]
    assert len(content[0]["messages"]) == 2 and {"notes", "events", "customer", "tags"} <= set(content[0])
    page.wait_text("is ready. If the download does not begin, use the button.")
    assert page.focused() == ("link", "Download")


def test_csv_of_messages_with_times(page, service, keys, folder):
    target = folder / "csv"
    target.mkdir()
    console.sign_in(page, service, keys["owner"], f"#/conversation/{console.CONVERSATION}?format=csv")
    page.downloads(target)
    page.get("radio", "CSV", checked=True).wait()
    assert page.get("textbox", "Conversation id").value() == console.CONVERSATION, "as a platform's page links to it"
    page.get("dialog").get("button", "Export").click()
    with open(downloaded(page, target), newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["message_text"] for row in rows] == ["Hello 1", "Hello 2"] and all(row["message_time"] for row in rows)


def test_pdf_transcript(page, service, keys, folder):
    console.sign_in(page, service, keys["owner"], f"#/conversation/{console.CONVERSATION}?format=pdf")
    page.get("dialog", "Export one conversation").wait()
    target = folder / "pdf"
    target.mkdir()
    page.downloads(target)
    page.get("radio", "PDF", checked=True).wait()
    page.get("dialog").get("button", "Export").click()
    assert downloaded(page, target).read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize("id_text, words", [("", "Enter the id of the conversation."),
                                            ("no-such-id", "There is no conversation with this id"),
                                            ("<img src=x onerror=window.canary=1>", "There is no conversation")])
def test_an_id_that_is_none(page, service, keys, id_text, words):
    console.sign_in(page, service, keys["owner"], "#/conversation")
    field = page.get("textbox", "Conversation id")
    field.fill(id_text)
    page.get("dialog").get("button", "Export").click()
    page.wait_text(words)
    assert field.states()["invalid"] == "true" and words in field.states()["description"]
    assert page.value("typeof window.canary") == "undefined"


def test_what_an_editor_may_not_see_is_not_there(page, service, keys, database):
    console.sign_in(page, service, keys["editor"], f"#/conversation/{console.native_source.HIDDEN}")
    page.get("dialog").get("button", "Export").click()
    page.wait_text("There is no conversation with this id, or your key may not see it.")
