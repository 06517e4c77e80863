"""The mail of an export from the request to the mailbox: one for each finished job, and at once.

Each test stops its services: the next one's mail would be claimed by an outbox whose mail server is gone."""

import re
import time

import pytest

from tests.lib import http_source as source
from tests.lib.postgres_proxy import Fault, PostgresProxy
from tests.lib.process import wait_until
from tests.lib.proxy import Proxy

ADDRESS = "ann@example.com"
RANGE = {"channel_id": source.SMS, "start_date": "2026-06-01", "end_date": "2026-06-30"}
CONVERSATIONS = f"""
INSERT INTO chat.conversation (id, workspace_id, channel_id, created_at)
    SELECT gen_random_uuid(), 'platform-one', '{source.SMS}', '2026-06-02'::timestamptz + n * interval '1 minute'
    FROM generate_series(1, 5) AS n;
INSERT INTO chat.message SELECT gen_random_uuid(), id, created_at, 'inbound', 'customer', NULL, 'Hello'
    FROM chat.conversation;
"""


@pytest.fixture(scope="module")
def key(program, database):
    source.make_source(database)
    database.execute(CONVERSATIONS)
    return source.make_workspaces(program)["one"]


def mailed(database, job_id):
    """Seconds by the database's clock from the finish to the sent mail, once it is recorded."""
    return wait_until(lambda: database.value(
        "SELECT extract(epoch FROM sent_at - finished_at)::float8 FROM verbatim.outbox"
        " JOIN verbatim.job USING (job_id) WHERE job_id = %s", [job_id]), "the mail to be recorded")


def test_each_finished_export_sends_one_mail_at_once(key, database, make_service, smtp):
    """A job that begins right after a mail ends long before the outbox looks by itself, every 2 s: so a mail
    that took less than half of that was woken for. One such mail is proof; a busy machine delays some, so more than
    four are asked for where it takes them."""
    service = make_service(workers=1, smtp_url=smtp.url, mail_from="export@verbatim.example")
    jobs = []
    delays = []
    while len(jobs) < 4 or (min(delays) > 1 and len(jobs) < 12):
        jobs.append(service.export("one", key, **RANGE, notification_email=ADDRESS)["export_job_id"])
        delays.append(mailed(database, jobs[-1]))
    assert min(delays) < 1, delays
    unasked = service.export("one", key, **RANGE)["export_job_id"]
    time.sleep(2.5)  # the outbox looks once more: a second mail would come here
    assert [mail.message["Message-ID"] for mail in smtp.mails] == [f"<{job}.mail@verbatim.example>" for job in jobs]
    assert unasked not in "".join(mail.raw.decode() for mail in smtp.mails)
    assert {mail.recipients for mail in smtp.mails} == {(ADDRESS,)}
    text = next(part for part in smtp.mails[0].message.walk() if part.get_content_type() == "text/plain").get_content()
    assert "Conversations: 5" in text and "Messages: 5" in text
    link = re.search(r"^http://127\.0\.0\.1:\d+(/\S+)\r?$", text, re.M)
    assert link and service.get(link.group(1)).body.startswith(b"PK"), text
    service.stop()


def test_a_mail_that_a_killed_process_had_claimed_is_sent_by_another(key, database, make_service, smtp):
    """Long before the end of its claim, which lasts for minutes."""
    mail = {"workers": 1, "lease": "3s", "mail_from": "export@verbatim.example"}
    with Proxy(int(smtp.url.rsplit(":", 1)[1]), hold_on=b"MAIL FROM", alone=True) as proxy:
        first = make_service(smtp_url=f"smtp://127.0.0.1:{proxy.port}", **mail)
        job = first.export("one", key, **RANGE, notification_email=ADDRESS)["export_job_id"]
        wait_until(lambda: proxy.stuck, "the delivery")
        first.kill()
    second = make_service(smtp_url=smtp.url, **mail)
    mailed(database, job)
    second.stop()
    assert [mail.message["Message-ID"] for mail in smtp.mails] == [f"<{job}.mail@verbatim.example>"]


@pytest.mark.parametrize("words", ["claimed AS", "SET last_error"], ids=["claim", "record"])
def test_an_answer_to_the_outbox_that_is_lost_neither_delays_nor_repeats_a_mail(key, database, make_service, postgres,
                                                                                 smtp, words):
    """What a claim took whose answer was lost is found by its process, and no claim's end is waited for."""
    lost = []

    def decide(statement):
        if statement.application != "verbatim outbox" or words not in statement.text or not statement.commits:
            return None
        if lost or not database.value("SELECT count(*) > 0 FROM verbatim.outbox WHERE sent_at IS NULL"):
            return None
        lost.append(statement)
        return Fault("lose")
    with PostgresProxy(postgres.port, decide) as proxy:
        service = make_service(database_url=proxy.url(database.name), source_url=database.url, workers=1,
                               smtp_url=smtp.url, mail_from="export@verbatim.example")
        job = service.export("one", key, **RANGE, notification_email=ADDRESS)["export_job_id"]
        mailed(database, job)
        time.sleep(2.5)  # the outbox looks once more: a second mail would come here
        service.stop()
    assert lost and len(smtp.mails) == 1
