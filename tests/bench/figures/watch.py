"""What a database's sessions do, looked at fifty times a second by a session that counts itself out."""

import threading
import time

from tests.lib.measure import process_seconds

PAUSE = 0.02
# An xmin is held for the transaction where it was seen between statements, else for the statement.
LOOK = """
SELECT pid, backend_start::text, state, application_name, backend_xmin IS NOT NULL,
    extract(epoch FROM clock_timestamp() - query_start)::float8,
    extract(epoch FROM clock_timestamp() - xact_start)::float8,
    wait_event_type = 'Lock' OR cardinality(pg_blocking_pids(pid)) > 0, xact_start::text
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type IN ('client backend', 'parallel worker')
"""


class Beside:
    """Its _run goes on a thread of its own for as long as the block lasts, and ends when _end is set."""

    def __init__(self):
        self._end = threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()


class Watch(Beside):
    """`with Watch(database, skip=("pgbench",)) as watch:`; figures are there at the end of the block.

    statement, transaction, xmin: seconds at most; blocked: sessions seen waiting; cpu: seconds of all its backends;
    temp_files, temp_bytes: of the database meanwhile. Programs whose names are in `skip` count for `blocked` alone."""

    def __init__(self, database, skip=("pgbench",)):
        super().__init__()
        self.database, self.skip = database, skip
        self.statement = self.transaction = self.xmin = 0.0
        self.blocked, self.looks, self.longest = set(), 0, ""
        self._cpu, self._first, self._holders = {}, {}, set()

    def __enter__(self):
        self._files = self._temporary()
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        files, size = self._temporary()
        self.temp_files, self.temp_bytes = files - self._files[0], size - self._files[1]

    @property
    def cpu(self):
        return sum(self._cpu.values()) - sum(self._first.values())

    def _temporary(self):
        time.sleep(0.1)  # a backend tells its figures when it is idle or ends
        return self.database.execute("SELECT temp_files, temp_bytes FROM pg_stat_database"
                                     " WHERE datname = current_database()")[0]

    def _run(self):
        with self.database.connect() as connection:
            while not self._end.is_set():
                for row in connection.execute(LOOK).fetchall():
                    self._see(*row)
                self.looks += 1
                self._end.wait(PAUSE)

    def _see(self, pid, born, state, program, has_xmin, statement, transaction, blocked, begun):
        if blocked:
            self.blocked.add((pid, begun))
        if program in self.skip:
            return
        self._count_cpu(pid, born)
        if state == "active" and statement is not None and statement > self.statement:
            self.statement, self.longest = statement, program
        if transaction is None:
            return
        self.transaction = max(self.transaction, transaction)
        if has_xmin:
            if state != "active":
                self._holders.add((pid, begun))
            self.xmin = max(self.xmin, transaction if (pid, begun) in self._holders else statement)

    def _count_cpu(self, pid, born):
        """What it had when it was first seen is taken off where it was there before us."""
        try:
            seconds = process_seconds(pid)
        except OSError:
            return  # it ended since; at most one pause of it is lost
        if self.looks == 0:
            self._first.setdefault((pid, born), seconds)
        self._cpu[pid, born] = seconds
