"""A job's life from end to end: small path, parts, failures, hand-back, takeover."""

import contextlib
import csv
import io
import signal
import zipfile

import pytest

from tests.end_to_end.conftest import Storage
from tests.lib import queue
from tests.lib.patience import again_after_a_stall
from tests.lib.process import wait_until
from tests.lib.queue import Crew

pytestmark = pytest.mark.threads


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database)
    queue.fill(database, "none", 0)
    queue.fill(database, "small", 10)
    queue.fill(database, "pages", 2500, messages=3)
    queue.fill(database, "parts", 300, messages=20, noise=120)  # about 12 MB of archive: two parts


def read(data):
    """{name: rows} of the archive, every checksum compared."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: list(csv.reader(io.StringIO(archive.read(name).decode("utf-8"), newline="")))
                for name in archive.namelist()}


@pytest.mark.parametrize("channel, conversations, messages", [
    ("none", 0, 0), ("small", 10, 100), ("pages", 2500, 7500), ("parts", 300, 6000)])
def test_every_row_arrives(program, database, folder, storage, channel, conversations, messages):
    with Crew(program, folder, storage):
        job_id = queue.add_job(database, channel)
        found = queue.finished(database, job_id)
    data = queue.archive(storage, found)
    files = read(data)
    assert (found.conversations, found.messages, found.size) == (conversations, messages, len(data))
    assert len(files) == max(conversations, 1)  # nothing-found.txt
    assert not conversations or sum(len(rows) - 1 for rows in files.values()) == messages


def working(database, job_id):
    """Waits until a worker is in the middle of the export."""
    return wait_until(lambda: database.value("SELECT bool_or(status = 'running') FROM verbatim.segment"
                                             " WHERE job_id = %s", [job_id]), "a running segment")


SLOW = {"page": 1, "workers": 1}  # a round trip for each conversation
AT_THE_LOCK = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
               " AND application_name = 'verbatim reader'")


@contextlib.contextmanager
def held_in_the_middle(database, job_id):
    """The source holds the reader still. Without that, the segment may be between two hands just then: the express
    thread gives back what is more than a page."""
    working(database, job_id)
    with database.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE chat.message IN ACCESS EXCLUSIVE MODE")
        wait_until(lambda: database.value(AT_THE_LOCK) > 0, "the reader to be held")
        yield


def test_finish_leaves_one_mail_and_no_trail(program, database, folder, local):
    with Crew(program, folder, local):
        job_id = queue.add_job(database, "small", email="ann@example.com")
        queue.finished(database, job_id)
    assert database.execute("SELECT kind, recipient, sent_at FROM verbatim.outbox WHERE job_id = %s", [job_id]) \
        == [("mail", "ann@example.com", None)]
    assert database.value("SELECT count(*) FROM verbatim.cleanup WHERE job_id = %s", [job_id]) == 0
    assert database.value("SELECT link_expires_at = finished_at + interval '24 hours' FROM verbatim.job"
                          " WHERE job_id = %s", [job_id])


def test_stop_hands_back_without_a_charge(program, database, folder, local):
    job_id = queue.add_job(database, "pages")
    with Crew(program, folder, local, **SLOW):
        working(database, job_id)
    [(first, last, status, attempts, lost)] = queue.segments(database, job_id)
    assert (status, attempts, lost) == ("waiting", 0, 0)
    assert database.value("SELECT count(*) FROM verbatim.process") == 0
    with Crew(program, folder, local):
        assert queue.finished(database, job_id).conversations == 2500


@again_after_a_stall
def test_killed_worker_costs_a_lease(program, database, folder, local):
    job_id = queue.add_job(database, "pages")
    with Crew(program, folder, local, lease="2s", **SLOW) as crew, held_in_the_middle(database, job_id):
        crew.kill()
    with Crew(program, folder, local) as crew:
        assert queue.finished(database, job_id).conversations == 2500
        assert crew.stop()["lost"] == 1
    assert queue.segments(database, job_id)[0][3:] == (0, 1)
    # The object of the dead claim, if it ever came to be, is the janitor's.
    assert database.value("SELECT count(*) FROM verbatim.cleanup WHERE job_id = %s AND NOT keep_object", [job_id]) == 1


@again_after_a_stall
def test_stalled_worker_changes_nothing(program, database, folder, local):
    job_id = queue.add_job(database, "pages")
    with Crew(program, folder, local, lease="2s", **SLOW) as stalled:
        with held_in_the_middle(database, job_id):
            stalled.signal(signal.SIGSTOP)
        with Crew(program, folder, local):
            found = queue.finished(database, job_id)
        data = queue.archive(local, found)
        stalled.signal(signal.SIGCONT)
        # Stopped within a transaction, it finds that the server has ended that.
        wait_until(lambda: "not ours any more" in stalled.log() or "left to its lease" in stalled.log(), "it to notice")
        is_fenced = "not ours any more" in stalled.log()
        assert stalled.stop()["fenced"] >= is_fenced
    assert queue.job(database, job_id) == found
    assert queue.archive(local, found) == data


def test_worker_that_dies_again_and_again_fails_the_job(program, database, folder, local):
    job_id = queue.add_job(database, "small")
    database.execute("UPDATE verbatim.job SET status = 'started', started_at = now() WHERE job_id = %s", [job_id])
    database.execute("UPDATE verbatim.segment SET status = 'running', lost_leases = 20, claim_epoch = 1,"
                     " process_id = gen_random_uuid(), lease_until = now() - interval '1 second' WHERE job_id = %s",
                     [job_id])
    with Crew(program, folder, local):
        found = queue.wait_end(database, job_id)
    assert found.status == "failed" and "worker died 21 times" in found.error


def test_row_that_cannot_be_rendered_fails_at_once(program, database, folder, local):
    queue.fill(database, "broken", 5)
    conversation = database.value("SELECT id FROM chat.conversation WHERE channel_id = 'broken' ORDER BY id LIMIT 1")
    database.execute("UPDATE chat.message SET created_at = '-infinity' WHERE conversation_id = %s", [conversation])
    with Crew(program, folder, local):
        job_id = queue.add_job(database, "broken")
        found = queue.wait_end(database, job_id)
    assert found.status == "failed" and str(conversation) in found.error, found
    assert database.value("SELECT max(attempts) FROM verbatim.segment WHERE job_id = %s", [job_id]) == 0
    assert database.execute("SELECT keep_object FROM verbatim.cleanup WHERE job_id = %s", [job_id]) == [(False,)]


def test_store_that_is_away_is_tried_again_then_told(program, database, folder):
    away = Storage("away", {"storage": "s3://bucket", "s3_endpoint": "http://127.0.0.1:9", "max_attempts": 2},
                   {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
    with Crew(program, folder, away):
        job_id = queue.add_job(database, "small")
        found = queue.wait_end(database, job_id, 120)
    assert found.status == "failed" and found.error.startswith("Given up after 2 attempts: "), found
    assert queue.segments(database, job_id)[0][3] == 1


def test_database_restart_in_the_middle(program, database, folder, local, postgres):
    with Crew(program, folder, local, lease="3s", **SLOW):
        job_id = queue.add_job(database, "pages")
        working(database, job_id)
        postgres.crash()
        postgres.start()
        assert queue.finished(database, job_id).conversations == 2500


def test_transaction_pooler(program, database, folder, local, pgbouncer):
    url = pgbouncer.database(database.name).url
    with Crew(program, folder, local, database_url=url, source_url=database.url, prepared_statements="off"):
        job_id = queue.add_job(database, "pages")
        assert queue.finished(database, job_id).conversations == 2500


def begun_by_another(database, channel, fingerprint):
    job_id = queue.add_job(database, channel)
    database.execute("UPDATE verbatim.job SET status = 'started', started_at = now(), archive_epoch = 1,"
                     " storage = 'elsewhere', object_key = 'some/key', upload_id = 'u', part_size = 6291456,"
                     " fingerprint = %s WHERE job_id = %s", [fingerprint, job_id])
    return job_id


def test_archive_of_another_kind_of_process(program, database, folder, local):
    """Left alone while a process lives that can go on with it, else begun anew."""
    database.execute("INSERT INTO verbatim.process (process_id, fingerprint, storage, worker_threads, beat_at)"
                     " VALUES (gen_random_uuid(), 'living', 'elsewhere', 1, now() + interval '1 hour')")
    theirs = begun_by_another(database, "small", "living")
    orphan = begun_by_another(database, "small", "dead")
    with Crew(program, folder, local):
        assert queue.finished(database, orphan).conversations == 10
        assert queue.job(database, theirs).status == "started"
        database.execute("DELETE FROM verbatim.process WHERE fingerprint = 'living'")
        assert queue.finished(database, theirs).conversations == 10
    assert database.execute("SELECT storage, object_key, upload_id, keep_object FROM verbatim.cleanup"
                            " WHERE job_id = %s", [orphan]) == [("elsewhere", "some/key", "u", False)]


def test_part_that_the_store_lost_is_done_again(program, database, folder, local):
    """A recorded part vanishes before the close: its segment is read again, and the bytes are the same."""
    with Crew(program, folder, local):
        whole = queue.archive(local, queue.finished(database, queue.add_job(database, "pages")))
    job_id = queue.add_job(database, "pages")
    with Crew(program, folder, local, cuts=100, page=1, workers=1):
        part = wait_until(lambda: next(local.folder.glob(f"**/{job_id}-*/**/1-*"), None), "the first part")
        wait_until(lambda: queue.segments(database, job_id)[0][2] == "recorded", "the first record")
        part.unlink()
        assert queue.archive(local, queue.finished(database, job_id)) == whole
    assert queue.segments(database, job_id)[0][3] == 1
