"""The outbox against a real SMTP server that misbehaves: every finished job's mail comes, whole, and once."""

import json
import re
import time
import uuid

import pytest

from tests.lib.mail_sink import MailSink
from tests.lib.outbox import due, outbox, place, queue, row, settled, state
from tests.lib.parts import running_part
from tests.lib.process import wait_until

__all__ = ["outbox", "place", "queue"]  # fixtures


def bodies(mail):
    parts = {part.get_content_type(): part for part in mail.message.walk()}
    return [parts[kind].get_content().replace("\r\n", "\n") for kind in ("text/plain", "text/html")]


def test_one_mail_with_everything_in_it(outbox, queue, database, smtp):
    with outbox(smtp):
        job = queue()
        settled(database, job)
        time.sleep(2.5)
    assert len(smtp.mails) == 1
    mail = smtp.mails[0]
    message = mail.message
    assert not message.defects and mail.recipients == ("agent@example.com",)
    assert mail.sender == "export@verbatim.example"
    assert message["To"] == "agent@example.com"
    assert message["From"] == "Verbatim \u00e4 <export@verbatim.example>"
    assert message["Subject"] == "Your export is ready: SMS Support, 2026-06-01 to 2026-06-10"
    assert message["Message-ID"] == f"<{job}.mail@verbatim.example>"
    assert message["Date"].datetime.timestamp() == int(database.value(
        "SELECT extract(epoch FROM finished_at)::float8 FROM verbatim.job WHERE job_id = %s", (job,)))
    assert message.get_content_type() == "multipart/alternative"
    assert max(len(line) for line in mail.raw.split(b"\r\n")) <= 78
    expires = database.value("SELECT extract(epoch FROM link_expires_at)::float8 FROM verbatim.job "
                             "WHERE job_id = %s", (job,))
    text, html = bodies(mail)
    link = re.search(r"^https://\S+$", text, re.M).group()
    assert re.fullmatch("https://exports.example/" + "long/" * 30 + "v/d/[a-z2-7]{34}", link)
    assert f'href="{link}"' in html
    for told in ("SMS Support (+12025550123)", "2026-06-01 to 2026-06-10 (Europe/Paris)", "Conversations: 12",
                 "Messages: 345",
                 "1.2 MB (1,234,567 bytes)"):
        assert told in text, told
    utc = time.strftime("%Y-%m-%d %H:%M", time.gmtime(expires))
    local = database.value("SELECT to_char(to_timestamp(%s) AT TIME ZONE 'Europe/Paris', 'YYYY-MM-DD HH24:MI')",
                           (expires,))
    assert f"Link valid until: {local} Europe/Paris ({utc} UTC)" in text


@pytest.mark.parametrize("select, told", (({"all": True}, "Bäckerei Löwenstein"),
                                          ({"conversation_ids": ["1"]}, "chosen conversations")))
def test_what_has_no_name_of_its_own(outbox, queue, database, smtp, select, told):
    """Chosen conversations are not the workspace, and the workspace is told by its name."""
    with outbox(smtp):
        settled(database, queue(channel_id=None, channel_name=None, channel_phone=None, title=None,
                                workspace_name="Bäckerei Löwenstein",
                                specification=json.dumps({"select": select, "format": "json"})))
    mail = smtp.mails[0]
    assert mail.message["Subject"].startswith(f"Your export is ready: {told}, ")
    assert all(told in body for body in bodies(mail))


def test_hostile_names_stay_text(outbox, queue, database, smtp):
    name = ("a\r\nBcc: x@example.com\r\n\r\n"
            "<script>alert('1')</script> & \"q\" \u202eevil\u202c \u4f60\u597d=3D.\n.\nFrom x")
    with outbox(smtp):
        settled(database, queue(channel_name=name * 3, channel_phone=None))
    mail = smtp.mails[0]
    assert mail.recipients == ("agent@example.com",) and mail.message["Bcc"] is None
    text, html = bodies(mail)
    assert "<script" not in html and "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;q&quot;" in html
    assert "\u202e" not in text + html + mail.message["Subject"]
    assert "Channel: a  Bcc: x@example.com    <script>" in text and "\u4f60\u597d=3D. . From x" in text
    assert mail.message["Subject"].startswith("Your export is ready: a  Bcc: x@example.com")


def test_down_for_a_while(outbox, queue, database, smtp):
    smtp.stop()
    with outbox(smtp):
        job = queue()
        wait_until(lambda: row(database, job)[2], "a failure")
        assert row(database, job)[:2] == (None, None) and "connect" in row(database, job)[2]
        smtp.start()
        settled(database, job)
    assert len(smtp.mails) == 1 and row(database, job)[0] and row(database, job)[2] is None
    assert row(database, job)[3] > 1


def test_later_is_tried_again(outbox, queue, database, smtp):
    smtp.reject_recipients = "451 4.7.1 greylisted"
    with outbox(smtp):
        job = queue()
        wait_until(lambda: row(database, job)[2], "a failure")
        assert "451 4.7.1 greylisted" in row(database, job)[2] and row(database, job)[1] is None
        smtp.reject_recipients = None
        settled(database, job)
    assert len(smtp.mails) == 1


@pytest.mark.parametrize("where", ["reject_recipients", "reject_data"])
def test_refused_for_good_is_given_up(outbox, queue, database, smtp, where):
    setattr(smtp, where, "550 5.1.1 no such user here")
    with outbox(smtp):
        job = queue()
        sent, given_up, error, attempts = settled(database, job)
        assert sent is None and given_up and attempts == 1 and "550 5.1.1 no such user here" in error
        setattr(smtp, where, None)
        other = queue()
        assert settled(database, other)[0]
    assert len(smtp.mails) == 1


@pytest.mark.parametrize("where, words", [
    ("reject_recipients", "550 no such user"), ("reject_recipients", "553 not here"),
    ("reject_recipients", "551 moved"), ("reject_recipients", "552 5.2.2 mailbox full"),
    ("reject_data", "554 5.1.2 bad domain")])
def test_what_is_about_the_recipient_is_final(outbox, queue, database, smtp, where, words):
    setattr(smtp, where, words)
    with outbox(smtp):
        assert settled(database, queue())[1]


@pytest.mark.parametrize("where, words", [
    ("reject_recipients", "504 5.5.2 <exporter>: Helo command rejected: need fully-qualified hostname"),
    ("reject_recipients", "504 5.5.2 <verbatim@localhost>: Sender address rejected"),
    ("reject_recipients", "554 5.7.1 <a@example.com>: Relay access denied"),
    ("reject_recipients", "550 5.7.1 not permitted"), ("reject_recipients", "550 5.1.8 sender's domain is unknown"),
    ("reject_recipients", "553 5.1.7 bad sender"), ("reject_recipients", "554 no"),
    ("reject_data", "554 Message rejected: Email address is not verified"), ("reject_data", "550 spam?")])
def test_what_an_operator_can_cure_is_tried_again(outbox, queue, database, smtp, where, words):
    """Behind Postfix's smtpd_delay_reject greeting, sender, client and login are all refused at RCPT."""
    setattr(smtp, where, words)
    with outbox(smtp):
        job = queue()
        wait_until(lambda: row(database, job)[2], "a failure")
        assert row(database, job)[1] is None and words in row(database, job)[2]
        setattr(smtp, where, None)
        due(database)
        assert settled(database, job)[0]
    assert len(smtp.mails) == 1


def test_the_greeting_is_the_sender_s_domain_or_what_the_option_says(outbox, queue, database, smtp):
    for options, name in ({}, "verbatim.example"), ({"smtp_helo": "exports.example.com"}, "exports.example.com"):
        smtp.clear()
        with outbox(smtp, **options):
            assert settled(database, queue())[0]
        assert smtp.mails[0].greeting == name


def test_a_certificate_of_nobody_serves_where_none_is_demanded(outbox, queue, database):
    """As relays do: who could put himself between could also take the offer of STARTTLS away."""
    with MailSink(tls="starttls") as sink:
        with outbox(sink):
            assert settled(database, queue())[0]
        assert sink.mails[0].encrypted
        with outbox(sink, smtp_tls="off"):
            assert settled(database, queue())[0]
        assert not sink.mails[1].encrypted
        with outbox(sink, smtp_tls="require"):
            job = queue()
            wait_until(lambda: row(database, job)[2], "a failure")
            assert "self-signed" in row(database, job)[2] and row(database, job)[1] is None
        with outbox(sink, smtp_tls="require", smtp_ca_file=str(sink.certificate)):
            due(database)
            assert settled(database, job)[0]
        assert sink.mails[2].encrypted


def test_a_certificate_of_another_name_is_told_as_such(outbox, queue, database):
    with MailSink(tls="smtps") as sink:
        wrong = sink.url.replace("127.0.0.1", "127.0.0.2")
        sink.stop()
        sink.host = "127.0.0.2"
        sink.start()
        with outbox(sink, smtp_url=wrong, smtp_ca_file=str(sink.certificate)):
            job = queue()
            wait_until(lambda: row(database, job)[2], "a failure")
            assert "127.0.0.2" in row(database, job)[2] and "name" in row(database, job)[2]


def test_dropped_after_data_comes_again_with_the_same_id(outbox, queue, database, smtp):
    smtp.drop_after_data = 2
    with outbox(smtp):
        job = queue()
        wait_until(lambda: (due(database), len(smtp.mails))[1], "the mail")
        settled(database, job)
    assert state(database, job) == "sent"
    ids = {mail.message["Message-ID"] for mail in smtp.dropped + smtp.mails}
    assert len(smtp.dropped) == 2 and len(smtp.mails) == 1 and ids == {f"<{job}.mail@verbatim.example>"}
    assert {mail.raw for mail in smtp.dropped} == {smtp.mails[0].raw}, "the same bytes, with the same link"


def test_links_that_were_revoked_are_not_sent(outbox, queue, database, smtp):
    smtp.reject_recipients = "451 4.7.1 later"
    with outbox(smtp):
        revoked, issued = queue(), queue()
        wait_until(lambda: row(database, revoked)[2] and row(database, issued)[2], "both to have been tried")
        database.execute("UPDATE verbatim.job SET links_revoked = 1")
        database.execute("UPDATE verbatim.job SET links = 2, link_ends[2] = now() + interval '2 hours'"
                         " WHERE job_id = %s", [issued])
        smtp.reject_recipients = None
        due(database)
        sent, given_up, error, _ = settled(database, revoked)
        assert sent is None and given_up and error == "the link was revoked before the mail could be sent"
        assert settled(database, issued)[0]
    [mail] = smtp.mails
    ends = database.value("SELECT to_char(link_ends[2] AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM verbatim.job"
                          " WHERE job_id = %s", [issued])
    assert issued in mail.message["Message-ID"] and f"({ends} UTC)" in bodies(mail)[0]


def test_a_dead_link_is_not_sent(outbox, queue, database, smtp):
    with outbox(smtp):
        job = queue()
        late = queue(link_ttl="1 second")
        assert settled(database, job)[0]
        sent, given_up, error, _ = settled(database, late)
        assert sent is None and given_up and error == "the link expired before the mail could be sent"
    assert len(smtp.mails) == 1


def test_many_processes_send_each_mail_once(outbox, queue, database, smtp):
    jobs = {queue() for _ in range(30)}
    with outbox(smtp), outbox(smtp), outbox(smtp):
        smtp.wait_for(30)
        for job in jobs:
            settled(database, job)
    ids = [mail.message["Message-ID"] for mail in smtp.mails]
    assert sorted(ids) == sorted(f"<{job}.mail@verbatim.example>" for job in jobs)


def test_no_transaction_is_open_while_the_server_is_slow(outbox, queue, database, smtp):
    smtp.reject_recipients = "451 later"
    with outbox(smtp):
        job = queue()
        wait_until(lambda: row(database, job)[2], "an attempt")
        assert database.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'verbatim outbox' "
                              "AND state LIKE 'idle in transaction%%'") == 0


@pytest.mark.parametrize("tls", ["starttls", "smtps"])
def test_tls_and_login(outbox, queue, database, tls):
    with MailSink(tls=tls, user="mailer", password="s3cret pass") as sink:
        trust = {"SSL_CERT_FILE": str(sink.certificate)}
        login = {"smtp_user": "mailer", "smtp_password": "s3cret pass", "smtp_require_tls": "on",
                 "smtp_url": sink.url.replace("127.0.0.1", "localhost")}
        with outbox(sink, trust, **login):
            assert settled(database, queue())[0]
        assert len(sink.mails) == 1 and sink.mails[0].encrypted
        with outbox(sink, **login):
            job = queue()
            wait_until(lambda: row(database, job)[2], "a failure")
            assert "certificate" in row(database, job)[2].lower() and row(database, job)[1] is None
        with outbox(sink, trust, **login | {"smtp_password": "wrong"}):
            due(database)
            wait_until(lambda: "ertificate" not in row(database, job)[2], "a refused login")
            assert row(database, job)[1] is None and "wrong" not in row(database, job)[2]
        assert len(sink.mails) == 1


def test_tls_demanded_but_not_offered(outbox, queue, database, smtp):
    with outbox(smtp, smtp_require_tls="on"):
        job = queue()
        wait_until(lambda: row(database, job)[2], "a failure")
        assert row(database, job)[:2] == (None, None) and not smtp.mails


def test_a_sender_that_is_none_ends_the_start(program, folder, place, smtp):
    with running_part(program, "outbox", folder, place, smtp_url=smtp.url, mail_from="no\u00a0address") as process:
        wait_until(lambda: not process.running, "the end")
        assert "mail_from" in process.log() and "no\u00a0address" in process.log()


def test_hostile_recipients_never_reach_the_server(outbox, queue, database, smtp):
    with outbox(smtp):
        job = queue(recipient="a@example.com>\r\nRCPT TO:<evil@example.com")
        sent, given_up, error, _ = settled(database, job)
        assert sent is None and given_up and error == "the recipient is no mail address"
    assert not smtp.mails


def test_a_lost_connection_is_made_again(outbox, queue, database, smtp):
    with outbox(smtp):
        assert settled(database, queue())[0]
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                         "WHERE application_name = 'verbatim outbox'")
        assert settled(database, queue())[0]
    assert len(smtp.mails) == 2


def hold(database, job, process):
    """As if that process had claimed the mail a minute ago, for five."""
    database.execute("UPDATE verbatim.outbox SET process_id = %s, attempts = 1,"
                     " not_before = now() + interval '4 minutes' WHERE job_id = %s", (process, job))


def beat(database, process, age):
    database.execute("INSERT INTO verbatim.process (process_id, fingerprint, storage, worker_threads, beat_at)"
                     " VALUES (%s, 'f', 's', 1, now() - %s::interval) ON CONFLICT (process_id) DO UPDATE"
                     " SET beat_at = excluded.beat_at", (process, age))


def test_a_mail_of_a_process_that_died_is_taken_over(outbox, queue, database, smtp):
    """Its beats have ended, or its row is gone; one that lives keeps what it has claimed."""
    alive, dying, dead = (str(uuid.uuid4()) for _ in range(3))
    beat(database, alive, "0")
    beat(database, dying, "1 minute")
    jobs = {process: queue() for process in (alive, dying, dead)}
    for process, job in jobs.items():
        hold(database, job, process)
    with outbox(smtp):
        settled(database, jobs[dead])
        settled(database, jobs[dying])
        assert row(database, jobs[alive])[0] is None
        beat(database, alive, "1 minute")
        settled(database, jobs[alive])
    assert len(smtp.mails) == 3
    assert database.value("SELECT count(*) FROM verbatim.outbox WHERE process_id IS NOT NULL") == 0
