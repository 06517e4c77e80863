"""One export's page: its life, what was asked, its files, mail and link, and what happened to it."""

import json

from tests.lib import console
from tests.lib.process import free_port


def at_export(page, service, keys, export_id, role="owner"):
    console.sign_in(page, service, keys[role], f"#/exports/{export_id}")
    page.get("heading", "Timeline").wait()
    return page


def facts(page):
    return page.value("Object.fromEntries([...document.querySelectorAll('.facts > div')].map("
                      "row => [row.querySelector('dt').innerText, row.querySelector('dd').innerText]))")


def test_what_was_asked_in_words_and_json(page, service, keys, api):
    made = api.made(filter={"from": "2026-02-01", "to": "2026-02-28", "tags": ["vip"]}, include=["messages", "notes"])
    at_export(page, service, keys, made["export_id"])
    told = facts(page)
    assert told["What"] == "Channel: SMS Support"
    assert told["Time range"] == "Feb 1, 2026 to Feb 28, 2026"
    assert told["Tags, any of"] == "vip"
    assert (told["Format"], told["Files"], told["Included"]) == ("JSON", "One file", "Messages, Internal notes")
    assert told["Asked for by"] == "owner@example.com"
    assert told["Holds"] == "1 conversation, 3 messages"
    page.value("document.querySelector('.json summary').click()")
    assert json.loads(page.value("document.querySelector('.json pre').textContent")) == made["specification"]
    name = made["files"][0]["name"]
    assert page.get("heading", name).count() == 1 and page.value("document.title") == f"{name} - Verbatim"
    page.wait_text(f"CRC-32 {made['files'][0]['crc32']}")


def test_its_life_as_a_timeline(page, service, keys, api):
    export_id = api.made()["export_id"]
    at_export(page, service, keys, export_id)
    events = page.value("[...document.querySelectorAll('.timeline .event > :first-child')].map(each => each.innerText)")
    assert events[0] == "Asked for by owner@example.com" and events[-1] == "Ready"
    times = page.value("[...document.querySelectorAll('.timeline time')].map(each => each.dateTime)")
    assert times == sorted(times) and len(times) == len(events)


def test_it_follows_by_itself(page, service, keys, api, database):
    export_id = api.made()["export_id"]
    database.execute("UPDATE verbatim.job SET status = 'queued', finished_at = NULL, started_at = NULL"
                     " WHERE job_id = %s", [export_id])
    at_export(page, service, keys, export_id)
    page.wait_text("Waiting")
    assert page.get("button", "Cancel").count() == 1
    database.execute("UPDATE verbatim.job SET status = 'failed', finished_at = now(), error_message = %s"
                     " WHERE job_id = %s", ["The source closed the connection.", export_id])
    page.wait_text("The conversations could not be read. Export again in a few minutes")
    page.wait("window.__heard.some(each => each.endsWith(': Failed'))")
    assert page.get("link", "Export again").count() == 1


def test_deleted_in_another_window(page, service, keys, api):
    export_id = api.made()["export_id"]
    at_export(page, service, keys, export_id)
    api.delete(export_id)
    page.get("heading", "This export is no longer there").wait()
    page.get("link", "All exports").click()
    page.get("heading", "Available exports").wait()


def test_one_that_never_was(page, service, keys):
    console.sign_in(page, service, keys["owner"], "#/exports/nothing")
    page.wait_text("It was deleted or has expired, or your key may not see it.")


def test_delete_leads_to_the_list(page, service, keys, api):
    export_id = api.made()["export_id"]
    at_export(page, service, keys, export_id)
    page.tab_to("button", "Delete")
    page.press("Enter")
    page.get("dialog", "Delete this export?").wait()
    page.press("Tab")
    page.press("Enter")
    page.wait_text("Deleted: ")
    assert api.export(export_id) is None
    page.get("link", "All exports").wait()


def test_the_state_of_its_mail(page, keys, make_service):
    mailing = make_service(workers=1, smtp_url=f"smtp://127.0.0.1:{free_port()}", mail_from="export@verbatim.example")
    export_id = console.Api(mailing, keys["owner"]).made(notification_email="anna@example.com")["export_id"]
    at_export(page, mailing, keys, export_id)
    told = facts(page)
    assert told["To"] == "anna@example.com"
    assert told["State"] == "about to be sent"
    mailing.stop()


def test_attempts_and_parts(page, service, keys, api, database):
    export_id = api.made()["export_id"]
    database.execute("UPDATE verbatim.job SET counts = '{1,3,100,4,0,0,2}' WHERE job_id = %s", [export_id])
    at_export(page, service, keys, export_id)
    assert facts(page)["Parts"] == "4 done, 0 running, 0 waiting"
    assert facts(page)["Repeated"] == "2 attempts were repeated"


def test_what_is_empty_says_what_to_check(page, service, keys, api):
    export_id = api.made(filter={"from": "2020-01-01", "to": "2020-01-02"})["export_id"]
    at_export(page, service, keys, export_id)
    page.wait_text("No conversation fell into the range, so the file is empty. Check the range and what was chosen")


def test_expired(page, service, keys, api, database):
    export_id = api.made()["export_id"]
    database.execute("UPDATE verbatim.job SET archive_deleted_at = now(), link_expires_at = now() WHERE job_id = %s",
                     [export_id])
    at_export(page, service, keys, export_id)
    page.wait_text("The time for keeping this file is over, and it was removed. Export it again to get a new one.")
    assert page.get("heading", "Link").count() == 0


def test_a_viewer_sees_no_link(page, service, keys, api):
    export_id = api.made()["export_id"]
    at_export(page, service, keys, export_id, "viewer")
    assert page.get("heading", "Link").count() + page.get("button").names().count("Delete") == 0


def test_links_are_revoked_and_made_anew(page, service, keys, api):
    export_id = api.made()["export_id"]
    at_export(page, service, keys, export_id)
    first = page.value("document.querySelector('.link-line').innerText")
    page.get("button", "Revoke").click()
    page.get("dialog", "Revoke the link?").get("button", "Revoke").click()
    page.wait_text("There is no link at present.")
    assert api.export(export_id)["link"] is None
    page.get("button", "New link").click()
    page.wait("document.querySelector('.link-line') !== null")
    second = page.value("document.querySelector('.link-line').innerText")
    assert second == api.export(export_id)["link"] != first
