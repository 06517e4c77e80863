"""Mail servers that take their time: how long they are waited for, what a lost answer means, who else waits."""

import pytest

from tests.lib.outbox import due, outbox, place, queue, row, settled, state
from tests.lib.patience import again_after_a_stall
from tests.lib.process import wait_until

pytestmark = pytest.mark.threads
__all__ = ["outbox", "place", "queue"]  # fixtures

FAST = {"lease": "2s"}


@again_after_a_stall
def test_what_is_slow_within_its_limit_comes_once(outbox, queue, database, smtp):
    """The answer to the whole message may take twice as long as another; the farewell is nobody's concern."""
    smtp.clear()
    smtp.delays = {"greeting": 0.5, "RCPT": 0.5, "DATA": 1.5, "QUIT": 60}
    with outbox(smtp, smtp_timeout="1s"):
        job = queue()
        sent, given_up, error, attempts = settled(database, job)
    assert sent and not given_up and error is None and attempts == 1 and len(smtp.mails) == 1
    assert database.value("SELECT unanswered FROM verbatim.outbox WHERE job_id = %s", (job,)) == 0


@again_after_a_stall
def test_a_command_that_is_not_answered_is_said_again(outbox, queue, database, smtp):
    smtp.clear()
    smtp.delays = {"RCPT": 60}
    with outbox(smtp, smtp_timeout="1s"):
        job = queue()
        wait_until(lambda: row(database, job)[2], "a failure")
        assert "no answer to RCPT within 1 s" in row(database, job)[2] and state(database, job) == "waiting"
        smtp.delays = {}
        due(database)
        assert settled(database, job)[0]
    assert len(smtp.mails) == 1


def test_a_lost_answer_waits_for_an_hour_and_is_repeated_twice(outbox, queue, database, smtp):
    """It may have arrived, and is told so; nobody gets more than three."""
    smtp.drop_after_data = 9
    with outbox(smtp):
        job = queue()
        for count in 1, 2, 3:
            wait_until(lambda: row(database, job)[2] and len(smtp.dropped) == count, "a lost answer")
            wait_until(lambda: database.value("SELECT unanswered FROM verbatim.outbox WHERE job_id = %s", (job,))
                       == count, "its note")
            assert state(database, job) == "unconfirmed" and "may have arrived" in row(database, job)[2]
            seconds = database.value("SELECT extract(epoch FROM not_before - now())::float8 FROM verbatim.outbox"
                                     " WHERE job_id = %s", (job,))
            assert 3500 < seconds <= 3600
            if count < 3:
                assert row(database, job)[:2] == (None, None)
                due(database)
        assert row(database, job)[1], "given up"
        due(database)
        smtp.drop_after_data = 0
        assert settled(database, queue())[0]
    assert len(smtp.dropped) == 3 and len(smtp.mails) == 1 and state(database, job) == "unconfirmed"


def test_one_slow_recipient_is_not_everybody_s(outbox, queue, database, smtp):
    """Nor does he get two mails at a time; of a domain that hangs, one connection is left to the others."""
    slow = [f"r{number}@slow.example" for number in range(4)]
    smtp.held = {"ann@example.com", *slow}
    with outbox(smtp):
        twice = [queue("Ann@example.com"), queue("ann@example.com")]
        smtp.held.add("Ann@example.com")
        wait_until(lambda: len(smtp.waiting) == 1, "Ann's")
        assert settled(database, queue("bob@example.com"))[0]
        assert len(smtp.waiting) == 1
        smtp.held -= {"Ann@example.com", "ann@example.com"}
        for job in twice:
            assert settled(database, job)[0]
        held = [queue(each) for each in slow]
        wait_until(lambda: len(smtp.waiting) == 2, "two of the domain")
        for number in range(3):
            assert settled(database, queue(f"c{number}@other.example"))[0]
        assert len(smtp.waiting) == 2
        smtp.held = set()
        for job in held:
            assert settled(database, job)[0]
    assert len(smtp.mails) == 10


def test_a_claim_lasts_as_long_as_its_delivery(outbox, queue, database, smtp):
    smtp.held = {"ann@example.com"}
    left = "SELECT extract(epoch FROM not_before - now())::float8 FROM verbatim.outbox WHERE job_id = %s"
    with outbox(smtp, **FAST):
        job = queue("ann@example.com")
        wait_until(lambda: smtp.waiting, "the delivery")
        database.execute("UPDATE verbatim.outbox SET not_before = now() + interval '1 minute'")
        wait_until(lambda: database.value(left, (job,)) > 200, "a renewal")
        # Whoever is overtaken lets go.
        database.execute("UPDATE verbatim.outbox SET attempts = attempts + 1, sent_at = now()")
        wait_until(lambda: not smtp.waiting, "the end of the delivery")
    assert smtp.mails == []


def test_a_process_that_dies_behind_the_message_leaves_it_for_an_hour(outbox, queue, database, smtp):
    """The message is with the server, and only the answer is missing: nobody repeats it at once."""
    smtp.held = {("DATA", "ann@example.com")}
    with outbox(smtp, **FAST) as process:
        job = queue("ann@example.com")
        wait_until(lambda: state(database, job) == "unconfirmed", "the note")
        process.kill()
        database.execute("UPDATE verbatim.outbox SET not_before = now() - interval '1 hour'")
    with outbox(smtp, **FAST):
        assert settled(database, queue("bob@example.com"))[0]
        assert row(database, job)[3] == 1, "one that is due for longer was left alone"
        smtp.held = set()
        database.execute("UPDATE verbatim.outbox SET unanswered_at = now() - interval '61 minutes'")
        assert settled(database, job)[0]


def test_a_stop_waits_for_no_server(outbox, queue, database, smtp):
    smtp.held = {"ann@example.com", ("DATA", "bob@example.com")}
    with outbox(smtp) as process:
        jobs = [queue("ann@example.com"), queue("bob@example.com")]
        wait_until(lambda: len(smtp.waiting) == 2, "both deliveries")
        assert process.stop(10) == 0
    assert [state(database, job) for job in jobs] == ["waiting", "unconfirmed"]
    assert database.value("SELECT count(*) FROM verbatim.outbox WHERE process_id IS NOT NULL") == 0
