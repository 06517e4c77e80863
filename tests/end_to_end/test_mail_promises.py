"""A mail is promised only where somebody sends it, and what became of it is told at every door."""

import pytest

from tests.lib import http_source as source
from tests.lib import native_source as people
from tests.lib.process import wait_until

ADDRESS = "ann@example.com"
MAIN = "/api/v1/workspace/one/export-conversations"
EXPORTS = "/api/v1/workspace/one/exports"
FEBRUARY = {"channel_id": source.SMS, "start_date": "2026-02-01", "end_date": "2026-02-28"}
# Each door that can be asked for a mail: its path, a body, and what the address is called there.
DOORS = {
    "main": (MAIN, FEBRUARY, "notification_email"),
    "native": (EXPORTS, {"select": {"all": True}}, "notification_email"),
    "console": ("/api/v1/workspace/one/assistant-exports", {"assistant_id": people.ASSISTANT, "days": 7},
                "notification_email"),
    "v1": ("/v1/conversations/export", {"format": "json"}, "notify"),
    "v1 contact": (f"/v1/contacts/{people.JANE}/export", {"format": "json"}, "notify"),
}


@pytest.fixture
def service(keys, make_service, database):
    """Takes orders, and sends no mail itself; nobody else has sent any."""
    database.execute("DELETE FROM verbatim.mailer; DELETE FROM verbatim.outbox; DELETE FROM verbatim.job")
    service = make_service(workers=0)
    yield service
    service.stop()


def ask(service, keys, door, more=None):
    path, body, member = DOORS[door]
    return service.request("POST", path, keys["one"], json_body=body | {member: ADDRESS} | (more or {}))


def known(service, keys, door, status):
    """Whichever of the process's loops a request comes to: each learns by itself who sends mails."""
    wait_until(lambda: all(ask(service, keys, door).status == status for _ in range(20)),
               f"every answer to be {status}", 30)


@pytest.mark.parametrize("door", DOORS)
def test_no_mail_is_promised_where_nobody_sends_any(service, keys, database, door):
    known(service, keys, door, 422)
    assert ask(service, keys, door).json() == {"detail": [{
        "type": "value_error", "loc": ["body", DOORS[door][2]], "msg": "Value error, this installation sends no mail",
        "input": ADDRESS}]}
    path, body, _ = DOORS[door]
    database.execute("DELETE FROM verbatim.job")
    assert service.request("POST", path, keys["one"], json_body=body).status == 202
    assert database.value("SELECT count(*) FROM verbatim.job WHERE notification_email IS NOT NULL") == 0


def test_another_rule_comes_before_and_a_start_in_the_future_behind(service, keys):
    known(service, keys, "main", 422)
    answer = ask(service, keys, "main", {"start_date": "2999-01-01", "end_date": "2999-01-01"})
    assert (answer.status, answer.json()["detail"][0]["loc"]) == (422, ["body", "notification_email"])
    assert ask(service, keys, "main", {"end_date": "x"}).json()["detail"][0]["loc"] == ["body", "end_date"]


def test_a_worker_that_sends_mails_is_enough(service, keys, make_service, smtp, database):
    """What became of the mail is told by the poll, the native export and v1."""
    known(service, keys, "native", 422)
    worker = make_service(command="worker", workers=1, smtp_url=smtp.url, mail_from="export@verbatim.example")
    known(service, keys, "native", 202)
    database.execute("DELETE FROM verbatim.job")
    smtp.reject_recipients = "450 4.2.1 later"
    jobs = {door: ask(service, keys, door).json() for door in ("main", "native", "v1")}
    paths = {"main": f"{MAIN}/{jobs['main']['export_job_id']}", "native": f"{EXPORTS}/{jobs['native']['export_id']}",
             "v1": f"/v1/conversations/export/{jobs['v1']['job_id']}"}
    assert jobs["main"]["message"].startswith("Export job created. You will be emailed")

    def told():
        shown = [service.get(path, keys["one"]).json() for path in paths.values()]
        return [each["notification"] for each in shown if each["status"] in ("finished", "completed")]
    wait_until(lambda: told() == ["waiting"] * 3, "the exports")
    smtp.reject_recipients = None
    database.execute("UPDATE verbatim.outbox SET not_before = now()")
    wait_until(lambda: told() == ["sent"] * 3, "the mails", 60)
    smtp.reject_recipients = "550 5.1.1 nobody"
    gone = ask(service, keys, "native").json()["export_id"]
    wait_until(lambda: service.get(f"{EXPORTS}/{gone}", keys["one"]).json()["notification"] == "failed", "the refusal")
    silent = service.request("POST", EXPORTS, keys["one"], json_body={"select": {"all": True}}).json()
    assert silent["notification"] is None
    worker.stop()
    assert ask(service, keys, "native").status == 202, "one that is replaced is waited for"


def test_addresses_of_one_label_are_taken_beside_a_sender_of_one(service, keys, make_service, smtp, database):
    """As on a machine that delivers to its own users. Elsewhere such an address is a slip that nobody would hear of."""
    refused = ask(service, keys, "main", {"notification_email": "root@localhost"})
    assert (refused.status, refused.json()["detail"][0]["msg"]) == (422, "value is not a valid email address")
    local = make_service(workers=1, smtp_url=smtp.url, mail_from="Exports <verbatim@vm>")
    assert ask(local, keys, "native", {"notification_email": "ann@gmail"}).status == 422
    for door, address in ("main", "root@localhost"), ("native", "ann@VM"), ("v1", "bob@example.com"):
        answer = ask(local, keys, door, {DOORS[door][2]: address})
        assert answer.status == 202, answer.body
    smtp.wait_for(3)
    assert {mail.recipients[0] for mail in smtp.mails} == {"root@localhost", "ann@VM", "bob@example.com"}
    local.stop()


def test_what_an_earlier_version_sends_counts(service, keys, database):
    known(service, keys, "native", 422)
    job = service.request("POST", EXPORTS, keys["one"], json_body={"select": {"all": True}}).json()["export_id"]
    database.execute("INSERT INTO verbatim.outbox (workspace_id, job_id, kind, recipient, sent_at)"
                     " VALUES ('one', %s, 'mail', 'a@example.com', now())", [job])
    known(service, keys, "native", 202)


def test_a_mail_that_nobody_will_send(service, keys, database):
    """It was promised while somebody did."""
    known(service, keys, "native", 422)
    job = service.request("POST", EXPORTS, keys["one"], json_body={"select": {"all": True}}).json()["export_id"]
    database.execute("UPDATE verbatim.job SET notification_email = 'a@example.com' WHERE job_id = %s", [job])
    assert service.get(f"{EXPORTS}/{job}", keys["one"]).json()["notification"] == "not_configured"
