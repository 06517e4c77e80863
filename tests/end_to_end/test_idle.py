"""What a process asks that has nothing to do: no more for having several loops and several worker threads."""

import time

from tests.lib import http_source
from tests.lib.process import wait_until
from tests.lib.statements import Statements

WINDOW = 12  # seconds
READ_ONLY = "transaction_read_only"  # whether the server still takes writes: only before something else is asked
SECRETS = "FROM verbatim.link_secret"  # every twenty seconds, as long as nobody sends mails
CLAIM = "WITH RECURSIVE queued"  # a look for work, every five to ten seconds


def of_requests(database):
    """Sessions of the HTTP loops."""
    return {str(pid) for pid, in database.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'verbatim http'")}


def test_an_idle_process_asks_once_for_all_its_threads(postgres, database, program, make_service):
    http_source.make_source(database)
    program.migrate()
    Statements.log(database)
    begun = Statements(postgres, database)
    make_service(workers=6)
    wait_until(lambda: len(set(begun.pids(CLAIM))) >= 6 and begun.pids(SECRETS), "the start to be over")
    time.sleep(2)
    idle, start = Statements(postgres, database), time.monotonic()
    time.sleep(WINDOW)
    looks, secrets, asked = idle.pids(CLAIM), idle.pids(SECRETS), idle.pids(READ_ONLY)
    seconds, sessions = time.monotonic() - start, of_requests(database)
    assert len(looks) <= seconds / 5 + 1, idle.all()
    assert len(secrets) <= seconds / 20 + 1, idle.all()
    assert len([pid for pid in asked if pid in sessions]) <= len(secrets) + 1, idle.all()
