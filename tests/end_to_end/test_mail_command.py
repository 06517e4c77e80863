"""verbatim mail list and resend: what was not sent, why, and again once the reason is cured."""

import json
import uuid

import pytest

from tests.lib.outbox import due, outbox, place, queue, row, settled, state
from tests.lib.process import wait_until

__all__ = ["outbox", "place", "queue"]  # fixtures


@pytest.fixture
def mail(program, database):
    database.execute("DELETE FROM verbatim.outbox")

    def run(*arguments, check=True):
        done = program.run("mail", *arguments, check=check)
        return json.loads(done.stdout) if "--json" in arguments else done.stdout if check else done
    return run


def audited(database, job):
    database.execute("INSERT INTO verbatim.audit (workspace_id, door, author, filter, format, job_id)"
                     " VALUES ('w', 'main', 'ann', '{}', 'csv', %s)", (job,))


def resent(database, job):
    return database.value("SELECT string_agg(e.kind || ' ' || e.by_whom, ',') FROM verbatim.audit_event AS e"
                          " JOIN verbatim.audit AS a USING (audit_id) WHERE a.job_id = %s", (job,))


def test_what_was_not_sent_is_listed_and_goes_again_once_it_is_cured(outbox, queue, database, smtp, mail):
    smtp.reject_recipients = "550 5.1.1 no such user"
    with outbox(smtp):
        refused = queue("ann@example.com")
        audited(database, refused)
        settled(database, refused)
        smtp.reject_recipients, smtp.drop_after_data = None, 1
        lost = queue("bob@example.com")
        wait_until(lambda: state(database, lost) == "unconfirmed" and row(database, lost)[2], "the lost answer")
        smtp.reject_senders = "554 5.7.1 not from you"
        waiting, sent = queue("carol@example.com"), queue("dan@example.com")
        wait_until(lambda: row(database, waiting)[2] and row(database, sent)[2], "both refusals")
        listed = {each["recipient"]: each for each in mail("list", "--json")}
        assert {name: each["state"] for name, each in listed.items()} == {
            "ann@example.com": "failed", "bob@example.com": "unconfirmed", "carol@example.com": "waiting",
            "dan@example.com": "waiting"}
        ann, bob = listed["ann@example.com"], listed["bob@example.com"]
        assert ann["job_id"] == refused and ann["workspace_id"] == "w" and ann["attempts"] == 1
        assert "550 5.1.1" in ann["last_error"] and ann["next_try_at"] is None and ann["ended_at"]
        assert "may have arrived" in bob["last_error"] and bob["next_try_at"] and bob["ended_at"] is None
        assert [each["job_id"] for each in mail("list", "--json", "--state", "failed")] == [refused]
        assert "550 5.1.1 no such user" in mail("list", "--workspace", "w")
        smtp.reject_senders = None
        assert mail("resend", refused, "--json") == [
            {"job_id": refused, "recipient": "ann@example.com", "outcome": "again"}]
        assert settled(database, refused)[0] and resent(database, refused) == "mail_resent command line"
        again = mail("resend", "all", "--json", "--state", "waiting", "--workspace", "w")
        assert {each["job_id"] for each in again} <= {waiting, sent}
        due(database)
        for job in waiting, sent:
            assert settled(database, job)[0]
        assert state(database, lost) in ("unconfirmed", "sent")
        assert len(mail("resend", "all", "--json")) <= 1
        assert settled(database, lost)[0]
        assert mail("list", "--json") == [] and len(mail("list", "--json", "--state", "sent")) == 4


def test_what_cannot_go_again_says_why(queue, database, mail):
    sent, dead, busy, revoked = (queue(f"{name}@example.com") for name in ("sent", "dead", "busy", "revoked"))
    database.execute("UPDATE verbatim.outbox SET sent_at = now() WHERE job_id = %s", (sent,))
    database.execute("UPDATE verbatim.job SET link_expires_at = now() WHERE job_id = %s", (dead,))
    database.execute("UPDATE verbatim.job SET links_revoked = links WHERE job_id = %s", (revoked,))
    database.execute("UPDATE verbatim.outbox SET process_id = gen_random_uuid(), not_before = now() + interval '1 hour'"
                     " WHERE job_id = %s", (busy,))
    for job, words in (sent, "was sent already"), (busy, "being sent now"), (dead, "make a new one"), (
            revoked, "make a new one"), (str(uuid.uuid4()), "has no mail"):
        done = mail("resend", job, check=False)
        assert done.returncode == 1 and words in done.stderr and job in done.stderr
    outcomes = {each["job_id"]: each["outcome"] for each in mail("resend", "all", "--json")}
    assert outcomes == {dead: "no_link", busy: "busy", revoked: "no_link"}


@pytest.mark.parametrize("arguments, words", [
    (["list", "--state", "lost"], "must be waiting, unconfirmed, failed or sent"),
    (["list", "--limit", "0"], "--limit"),
    (["resend", "x"], "no job's id"), (["resend"], "lacks its")])
def test_wrong_lines(mail, arguments, words):
    done = mail(*arguments, check=False)
    assert done.returncode == 2 and words in done.stderr
