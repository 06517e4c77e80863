"""Mail through Postfix, Exim and OpenSMTPD as Debian installs them (`./run test real mail`): the doctor's words,
mailboxes, what is refused and cured, and servers that take their time. Each case prints a line for
docs/mail-servers.md."""

import time

import pytest

from tests.lib.doctor import doctor
from tests.lib.mail_hosts import HOST, HOSTS
from tests.lib.mail_sink import MailSink
from tests.lib.outbox import due, outbox, place, queue, row, settled, state
from tests.lib.process import wait_until

__all__ = ["outbox", "place", "queue"]  # fixtures
SENDER = {"mail_from": f"Verbatim <verbatim@{HOST}>"}


@pytest.fixture(scope="module", params=sorted(HOSTS))
def host(request):
    with HOSTS[request.param]() as running:
        yield running


@pytest.fixture(scope="module")
def postfix():
    with HOSTS["postfix"]() as running:
        yield running


@pytest.fixture
def changed(postfix):
    """changed(parameter=value) changes Postfix's configuration for the test."""
    given = []

    def change(**parameters):
        given.extend(parameters)
        postfix.configure(**parameters)
        postfix.restart()
    yield change
    postfix.forget(*given)
    postfix.restart()


def tell(host, case, result):
    print(f"| {host.name} {host.version()} | {case} | {result} |")


def mail_line(program, place, host, finding, **options):
    report = doctor(program, **place.options, **SENDER | {"smtp_url": host.url} | options)
    return report.only("mail", finding)


def arrives(host, user, job):
    wait_until(lambda: job in host.mails(user), f"the mail in {user}'s mailbox: {host.log()}", 60)
    assert host.mails(user).count(job) == 1


def test_it_is_used_as_it_is(program, place, host, outbox, queue, database):
    line = mail_line(program, place, host, "ok")
    with outbox(host, **SENDER):
        job = queue(f"ann@{HOST}")
        assert settled(database, job)[0]
        arrives(host, "ann", job)
    tell(host, "untouched, `smtp_url` and `mail_from` alone", f"arrives; doctor: {line.text.partition(': ')[2]}")


def test_a_user_by_localhost(host, outbox, queue, database):
    with outbox(host, **SENDER):
        job = queue("bob@localhost")
        assert settled(database, job)[0]
        arrives(host, "bob", job)
    tell(host, "recipient `bob@localhost`", "arrives")


def test_a_user_that_there_is_none(host, outbox, queue, database):
    with outbox(host, **SENDER):
        job = queue(f"nobody-at-all@{HOST}")
        sent, given_up, error, attempts = settled(database, job)
        assert attempts == 1 and state(database, job) == ("failed" if host.knows_users else "sent"), error
    if host.knows_users:
        tell(host, "unknown user", f"`failed` at once: {error.partition(': ')[2]}")
        return
    wait_until(lambda: job in host.returned("verbatim"), "what comes back", 60)
    tell(host, "unknown user", "taken, and sent back to the mailbox of `mail_from`")


def test_a_sender_without_a_mailbox(program, place, host):
    finding = "warning" if host.knows_users else "ok"
    line = mail_line(program, place, host, finding, mail_from=f"nobody-at-all@{HOST}")
    tell(host, "`mail_from` without a mailbox", f"doctor: {finding}: {line.text.partition(': ')[2]}")


def test_encryption_that_is_demanded(program, place, host):
    line = mail_line(program, place, host, "failed", smtp_tls="require")
    assert "self-signed" in line.text or "not offered" in line.text or "STARTTLS" in line.text, line
    tell(host, "`smtp_tls = require`", f"doctor: {line.text.partition(': ')[2]} -> {line.remedy}")


def test_a_mail_that_the_doctor_sends(program, place, host):
    report = doctor(program, "--mail-to", f"ann@{HOST}", **place.options, **SENDER, smtp_url=host.url)
    assert report.findings("mail") == {"ok"}, report.output
    tell(host, "`doctor --mail-to`", "taken")


# Postfix alone

def test_its_own_certificate_is_trusted_by_option(program, place, postfix, outbox, queue, database):
    trust = {"smtp_tls": "require", "smtp_ca_file": str(postfix.certificate())}
    line = mail_line(program, place, postfix, "failed", **trust)
    assert "its name is" in line.text and "not 127.0.0.1" in line.text and "self-signed" not in line.text
    tell(postfix, "its certificate in `smtp_ca_file`, `smtp_url` by address",
         f"doctor: {line.text.partition(': ')[2]}")


@pytest.mark.parametrize("restrictions, options, cure", [
    ({"smtpd_helo_required": "yes", "smtpd_helo_restrictions": "reject_non_fqdn_helo_hostname"},
     {"smtp_helo": "exporter"}, {"smtp_helo": "exporter.example.com"}),
    ({"smtpd_sender_restrictions": "reject_non_fqdn_sender"}, {},
     {"mail_from": "verbatim@exports.example.com"}),
    ({"smtpd_relay_restrictions": "reject"}, {}, None),
], ids=["greeting", "sender", "relaying"])
def test_what_is_refused_at_the_recipient_waits_for_its_cure(program, place, postfix, changed, outbox, queue, database,
                                                             restrictions, options, cure):
    changed(**restrictions)
    line = mail_line(program, place, postfix, "failed", **options)
    with outbox(postfix, **SENDER | options):
        job = queue(f"ann@{HOST}.example.com")
        wait_until(lambda: row(database, job)[2], "the refusal")
        error = row(database, job)[2]
        assert row(database, job)[1] is None and state(database, job) == "waiting"
    listed = program.run("mail", "list").stdout
    assert job in listed
    if cure is None:
        postfix.configure(smtpd_relay_restrictions="permit_mynetworks, reject_unauth_destination")
        postfix.restart()
    program.run("mail", "resend", job)
    with outbox(postfix, **SENDER | options | (cure or {})):
        assert settled(database, job)[0]
        arrives(postfix, "ann", job)
    tell(postfix, f"`{'`, `'.join(f'{name} = {value}' for name, value in restrictions.items())}`",
         f"`waiting`: {error.partition(': ')[2]}; doctor: failed -> {line.remedy.partition(':')[0]}; "
         "after the cure and `mail resend`: arrives")


def test_a_recipient_that_is_answered_after_40_seconds(postfix, changed, outbox, queue, database):
    changed(smtpd_recipient_restrictions="sleep 40, permit")
    begun = time.monotonic()
    with outbox(postfix, **SENDER):
        job = queue(f"ann@{HOST}")
        wait_until(lambda: row(database, job)[0], "the mail", 120)
        arrives(postfix, "ann", job)
        assert row(database, job)[3] == 1
    tell(postfix, "RCPT answered after 40 s", f"arrives once, after {time.monotonic() - begun:.0f} s, 1 attempt")


def test_a_content_scanner_of_35_seconds(postfix, changed, outbox, queue, database):
    """Postfix answers the final dot when its before-queue filter has; meanwhile others' mails go."""
    with MailSink() as scanner:
        scanner.delays = {"DATA": 35}
        changed(smtpd_proxy_filter=f"127.0.0.1:{scanner.port}", smtpd_proxy_timeout="100s")
        begun = time.monotonic()
        with outbox(postfix, **SENDER):
            jobs = [queue(f"{user}@{HOST}") for user in ("ann", "bob")]
            wait_until(lambda: state(database, jobs[0]) == "unconfirmed", "the note", 30)
            wait_until(lambda: all(row(database, job)[0] for job in jobs), "both mails", 120)
            took = time.monotonic() - begun
            due(database)
            time.sleep(5)
            assert [row(database, job)[3] for job in jobs] == [1, 1] and len(scanner.mails) == 2
            assert took < 60, "side by side"
    tell(postfix, "before-queue filter of 35 s (`smtpd_proxy_filter`), two recipients",
         f"one copy each, both after {took:.0f} s; `unconfirmed` until the answer")
