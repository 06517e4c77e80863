"""What the lanes of lost answers share: the exports that they make, their source, the cluster, the store."""

import contextlib
import itertools
import pathlib
import threading
import uuid
from dataclasses import dataclass, field

from . import queue
from .media_server import MediaServer
from .service import Program

MIB = 1024 * 1024


@dataclass(frozen=True)
class Scenario:
    """An export: which channel, asked for how, cut by which tuning. `cut` says that it begins with several segments,
    as its worker would have left them behind; `tuning` then is that of those who go on with it."""

    channel: str
    specification: dict = field(default_factory=dict)
    tuning: dict = field(default_factory=dict)
    cut: dict = None


FILE = {
    "small": Scenario("small"),
    "split": Scenario("many", tuning={"page": 10, "unit": 4000, "units": 1}),
    "absorbed": Scenario("many", tuning={"page": 10, "absorb": 60000}, cut={"page": 10, "unit": 3000, "units": 1}),
    "giant": Scenario("giant"),
    "chunked": Scenario("plain", {"files": "chunks"}, {"page": 8, "unit": 400, "units": 1, "chunk": 10}),
    "chunks absorbed": Scenario("plain", {"files": "chunks"}, {"page": 8, "absorb": 700, "chunk": 5},
                                {"page": 5, "unit": 200, "units": 1}),
    "media": Scenario("media", {"include": ["messages", "customer", "tags", "media"]},
                      {"page": 4, "unit": 2500, "units": 1}),
}
S3 = {
    "small": Scenario("small"),
    "split": Scenario("large", tuning={"page": 20}),
    "absorbed": Scenario("large", tuning={"page": 10}, cut={"page": 10, "unit": 3 * MIB, "units": 1}),
    "media": Scenario("media", {"include": ["messages", "customer", "tags", "media"]}),
}
SCENARIOS = {"file": FILE, "s3": S3}

MEDIA = """
CREATE TABLE chat.attachment (id bigint PRIMARY KEY, message_id bigint NOT NULL, conversation_id bigint NOT NULL,
    url text NOT NULL, file_name text, content_type text, size bigint);
CREATE INDEX ON chat.attachment (conversation_id, message_id);
"""
ATTACH = """
INSERT INTO chat.attachment (id, message_id, conversation_id, url)
SELECT m.id, m.id, m.conversation_id, %(url)s || CASE m.id %% 9 WHEN 0 THEN '/gone' ELSE '/' || m.id %% 90 || '.png' END
FROM chat.message AS m JOIN chat.conversation AS c ON c.id = m.conversation_id
WHERE c.channel_id = 'media' AND m.id %% 3 = 0
"""


def fill_source(database, media_url):
    """All channels of the scenarios."""
    database.execute(queue.SOURCE + MEDIA)
    queue.fill(database, "small", 12, messages=3)
    queue.fill(database, "plain", 40, messages=2)
    queue.fill(database, "many", 100, messages=2)  # the first 64 cannot be split (export/archive/tables.h)
    queue.fill(database, "giant", 1, messages=4200)
    queue.fill(database, "media", 18, messages=3)
    queue.fill(database, "large", 100, messages=2, noise=3700)  # about 12 MB of archive
    with database.connect() as connection:
        connection.execute(ATTACH, {"url": media_url})
        connection.execute("ANALYZE chat.attachment")


class House:
    """What all lanes share. `place`: "file", or a running S3 server."""

    def __init__(self, postgres, verbatim, folder):
        self.postgres, self.verbatim, self.folder = postgres, verbatim, pathlib.Path(folder)
        self.stores = {"file": None}
        self._names, self._free, self._lock = itertools.count(), [], threading.Lock()

    def __enter__(self):
        self._cleanup = contextlib.ExitStack()
        self.media = self._cleanup.enter_context(MediaServer())
        self.media.faults["/gone"] = _gone
        self.source = self.postgres.create_database("answers_source")
        fill_source(self.source, self.media.url)
        return self

    def __exit__(self, *_):
        self._cleanup.close()

    def name(self):
        return f"answers_{next(self._names)}_{uuid.uuid4().hex[:8]}"

    @contextlib.contextmanager
    def queue_database(self):
        """An empty queue in a database that nobody else has. Its roles are made once, so it is used again."""
        with self._lock:
            database = self._free.pop() if self._free else None
        if not database:
            database = self.postgres.create_database(self.name())
            program = Program(self.verbatim, database.url, {"source_url": self.source.url})
            program.migrate()
            program.workspace("w", max_running=50)
        try:
            yield database
        finally:
            with database.connect() as connection:
                connection.execute("TRUNCATE verbatim.job, verbatim.cleanup, verbatim.process CASCADE")
            with self._lock:
                self._free.append(database)


def _gone(handler):
    handler.send_response_only(404)
    handler.send_header("Content-Length", "0")
    handler.end_headers()
