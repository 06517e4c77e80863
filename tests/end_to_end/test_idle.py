"""What a process asks that has nothing to do: no more for having several loops and several worker threads."""

import re
import time

from tests.lib import http_source
from tests.lib.process import wait_until

WINDOW = 8  # seconds
READ_ONLY = "transaction_read_only"  # whether the server still takes writes, every three seconds
CLAIM = "WITH RECURSIVE queued"  # a look for work, every five to ten seconds
LINE = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] (\S+) LOG:  (?:execute|statement)[^:]*: (.*)$", re.M)


class Statements:
    """Those of one database, as the server logs them, from the moment of making this on."""

    def __init__(self, postgres, database):
        self.postgres, self.database = postgres, database
        self.skip, self.start = len(postgres.log()), time.monotonic()

    def pids(self, word):
        """Sessions that sent statements with this word, one entry a statement."""
        return [pid for pid, name, text in LINE.findall(self.postgres.log()[self.skip:])
                if name == self.database.name and word in text]

    def in_a_second(self, word):
        time.sleep(1)
        return self.pids(word)

    def seconds(self):
        return time.monotonic() - self.start


def sessions(database):
    """Those of the HTTP loops."""
    return {str(pid) for pid, in database.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'verbatim http'")}


def test_an_idle_process_asks_once_for_all_its_threads(postgres, database, program, make_service):
    http_source.make_source(database)
    program.migrate()
    database.execute(f"ALTER DATABASE {database.name} SET log_statement = 'all'")
    begun = Statements(postgres, database)
    make_service(workers=6)
    wait_until(lambda: len(set(begun.pids(CLAIM))) >= 6, "each worker thread to have looked for work")
    # New connections have all of them asked once more.
    wait_until(lambda: not Statements(postgres, database).in_a_second(READ_ONLY), "the start to be over")
    idle = Statements(postgres, database)
    time.sleep(WINDOW)
    seconds, of_requests = idle.seconds(), sessions(database)
    asked = [pid for pid in idle.pids(READ_ONLY) if pid in of_requests]
    # Each session is asked twice a minute besides.
    assert asked and len(asked) <= seconds / 3 + len(set(asked)), asked
    looks = idle.pids(CLAIM)
    assert len(looks) <= seconds / 5 + 1, looks
