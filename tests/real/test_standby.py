"""An export read from a real streaming standby whose primary deletes and vacuums all the while (`./run test real
standby`): replay ends statements in its way, and the archive is that of the primary all the same."""

import threading

import pytest

from tests.end_to_end.conftest import file_storage
from tests.lib import queue
from tests.lib.postgres import Postgres, Standby
from tests.lib.process import scratch_folder
from tests.lib.service import Program

CONVERSATIONS, MESSAGES = 1200, 5
TOLD = "a replica whose replay ended a statement in its way (40001)"

# What is read is slow as on a busy platform: a page of a thousand conversations takes seconds, a small one does not.
SLOW = """
ALTER TABLE chat.message RENAME TO message_kept;
CREATE FUNCTION chat.slowly(text) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(0.001); RETURN $1; END $$;
CREATE VIEW chat.message AS SELECT id, conversation_id, created_at, direction, speaker_type, speaker_name,
    chat.slowly(text) AS text, media_urls, status, sender_account FROM chat.message_kept;
"""
SETTINGS = {"autovacuum": "off", "hot_standby_feedback": "off", "max_standby_streaming_delay": "150ms"}


@pytest.fixture(scope="module")
def primary():
    with Postgres(SETTINGS) as postgres:
        yield postgres


@pytest.fixture(scope="module")
def platform(primary, verbatim):
    database = primary.create_database("platform")
    program = Program(verbatim, database.url)
    queue.prepare(program, database)
    queue.fill(database, "read", CONVERSATIONS, messages=MESSAGES)
    queue.fill(database, "churn", 400, messages=20)
    database.execute(SLOW)
    return database


class Churn(threading.Thread):
    """The primary deletes other rows of the tables that are read, and vacuums, until it is told to stop."""

    def __init__(self, database):
        super().__init__()
        self.database, self.ended, self.rounds = database, threading.Event(), 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def run(self):
        while not self.ended.wait(0.02):
            with self.database.connect() as connection:
                connection.execute("DELETE FROM chat.message_kept WHERE id IN (SELECT m.id FROM chat.message_kept m"
                                   " JOIN chat.conversation c ON c.id = m.conversation_id"
                                   " WHERE c.channel_id = 'churn' LIMIT 20)")
                connection.execute("UPDATE chat.conversation SET contact_id = contact_id WHERE channel_id = 'churn'"
                                   " AND id %% 10 = %s", [self.rounds % 10])
                connection.execute("VACUUM (INDEX_CLEANUP ON) chat.message_kept, chat.conversation")
            self.rounds += 1


def archive_of(program, database, folder, storage):
    """(the archive's bytes, the log) of one export of the channel that is read."""
    with queue.Crew(program, folder, storage, max_attempts=20) as crew:
        job_id = queue.add_job(database, "read")
        found = queue.finished(database, job_id, 300)
        assert (found.conversations, found.messages) == (CONVERSATIONS, CONVERSATIONS * MESSAGES)
        return queue.archive(storage, found), crew.log()


def conflicts(standby, name):
    return standby.database().value("SELECT confl_snapshot FROM pg_stat_database_conflicts WHERE datname = %s", [name])


def test_an_export_from_a_standby_under_vacuum(primary, platform, verbatim):
    with scratch_folder() as folder, Standby(primary) as standby:
        program = Program(verbatim, platform.url)
        storage = file_storage(folder)
        expected, log = archive_of(program, platform, folder, storage)
        assert TOLD not in log
        with Churn(platform) as churn:
            through = Program(verbatim, platform.url, {"source_url": standby.database(platform.name).url})
            found, log = archive_of(through, platform, folder, storage)
        ended = conflicts(standby, platform.name)
        print(f"{churn.rounds} rounds of deletes and vacuum on the primary, {ended} statements ended by replay,"
              f" told {log.count(TOLD)} times, {log.count('attempt ')} failed attempts")
        assert found == expected
        assert churn.rounds > 0 and ended > 0 and TOLD in log
