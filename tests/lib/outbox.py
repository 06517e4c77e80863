"""The outbox by itself, beside a database into which its mails are written; fixtures for whoever imports them."""

import contextlib
import pathlib
import signal
import uuid

import pytest

from tests.end_to_end.conftest import file_storage

from .parts import add_job, running_part
from .process import wait_until

RUNNING = []
KEY = "conversation_exports/w/{job}-1/SMS_Support_2026-06_1c4639da.zip"


@pytest.fixture(scope="module")
def place(folder):
    return file_storage(folder)


@pytest.fixture
def outbox(program, database, folder, place):
    """outbox(sink, **options) starts the thread; queue(**columns) writes a finished job and its mail."""
    program.migrate()
    database.execute("DELETE FROM verbatim.outbox")

    @contextlib.contextmanager
    def start(sink, env=None, **options):
        options = {"smtp_url": sink.url, "mail_from": "Verbatim \u00e4 <export@verbatim.example>",
                   "base_url": "https://exports.example/" + "long/" * 30 + "v"} | options
        with running_part(program, "outbox", folder, place, env, **options) as process:
            RUNNING.append(process)
            try:
                yield process
            finally:
                RUNNING.remove(process)
    return start


@pytest.fixture
def queue(database):
    def add(recipient="agent@example.com", **columns):
        job = str(uuid.uuid4())
        add_job(database, job_id=job, object_key=KEY.format(job=job), **columns)
        database.execute("INSERT INTO verbatim.outbox (workspace_id, job_id, kind, recipient) "
                         "VALUES ('w', %s, 'mail', %s)", (job, recipient))
        wake()
        return job
    return add


def wake():
    """As the end of a job does, once the outbox listens: until it blocks the signal it would die of it."""
    for process in RUNNING:
        if process.running and "outbox" in threads(process.pid):
            process.signal(signal.SIGUSR1)


def threads(pid):
    return " ".join(path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/comm"))


def row(database, job):
    with database.connect() as connection:
        return connection.execute("SELECT sent_at, given_up_at, last_error, attempts FROM verbatim.outbox "
                                  "WHERE job_id = %s", (job,)).fetchone()


def settled(database, job):
    return wait_until(lambda: (lambda r: r if r and (r[0] or r[1]) else None)(row(database, job)), "a settled mail")


def due(database):
    """As if all pauses were over, that after a lost answer among them."""
    database.execute("UPDATE verbatim.outbox SET not_before = now(), unanswered_at = now() - interval '2 hours'"
                     " WHERE process_id IS NULL")
    wake()


def state(database, job):
    return database.value("SELECT verbatim.job_mail(%s)", (job,))
