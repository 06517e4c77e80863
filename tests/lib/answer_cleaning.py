"""Lost answers of the janitor: what ended jobs left behind goes, and nothing else."""

import pathlib
import subprocess
import time
import uuid

from .answers import Lane, Place
from .parts import add_job, running_part
from .service import clean_environment

JANITOR = "verbatim janitor"
# A claim whose answer was lost is left for a quarter of an hour, a failure for less, the second look for an hour.
HURRY = "UPDATE verbatim.cleanup SET not_before = now() WHERE not_before > now()"


class Cleaning(Lane):
    """A round: an archive to keep with uploads to its key, one to drop, and one past its retention."""

    def __init__(self, house, place):
        super().__init__(house, place, "clean-up", applications=(JANITOR,))

    def _open(self):
        self._open_place()
        through = Place(self._through | {"database_url": self.proxy.url(self.database.name)}, self.storage.env)
        self._cleanup.enter_context(
            running_part(self.program, "janitor", self.folder, through, janitor_interval="1s"))
        self._identity = self._look_up_identity()
        self._record()

    def _look_up_identity(self):
        """A row of another store would be passed over; the proxy's address is part of it."""
        tool = pathlib.Path(self.program.path).parent / "tests/tools/storage_tool"
        environment = clean_environment(self._through, self.storage.env)
        return subprocess.run([str(tool), "identity"], env=environment, check=True, capture_output=True).stdout.decode()

    def _fresh(self, plan):
        self.proxy.decide = plan.statement
        self.proxy.drop(lambda connection: connection.application == JANITOR)

    def _begin(self):
        round_id = str(uuid.uuid4())
        self._keys = {name: f"conversation_exports/w/{round_id}-{number}/a.zip"
                      for number, name in enumerate(("keep", "drop", "old"), 1)}
        rows = []
        for name, key in self._keys.items():
            self.storage.write(key, name.encode())
            if name != "old":
                self.storage.leave(key)  # one that nobody knows
                rows.append((round_id, self._identity, key, self.storage.leave(key), name == "keep"))
        with self._looks.transaction():
            for row in rows:
                self._looks.execute("INSERT INTO verbatim.cleanup (workspace_id, job_id, storage, object_key,"
                                    " upload_id, keep_object) VALUES ('w', %s, %s, %s, %s, %s)", row)
        self._old = add_job(self.database, ended="8 days", object_key=self._keys["old"], storage=self._identity)
        return round_id

    def _wait(self, job_id, seconds):
        end = time.monotonic() + seconds

        def cleaned():
            self._looks.execute(HURRY)
            deleted, = self._looks.execute("SELECT archive_deleted_at IS NOT NULL FROM verbatim.job WHERE job_id = %s",
                                           [self._old]).fetchone()
            return deleted and self._looks.execute("SELECT FROM verbatim.cleanup").rowcount == 0
        while not cleaned() and time.monotonic() < end:
            time.sleep(0.1)

    def _rest(self, plan):
        """The janitor comes by the clock."""

    def check(self, job_id):
        left = self.storage.left() - {self._keys["keep"]}
        wrong = [f"left in the store: {name}" for name in sorted(left)]
        rows = self._looks.execute("SELECT object_key, looks, attempts, last_error FROM verbatim.cleanup").fetchall()
        wrong += [f"a row is left: {row}" for row in rows]
        try:
            if self.storage.read(self._keys["keep"]) != b"keep":
                wrong.append("the archive to keep was changed")
            self.storage.remove(self._keys["keep"])
        except Exception as failure:  # of any store
            wrong.append(f"the archive to keep is gone: {failure}")
        return wrong

    def sweep(self):
        return []
