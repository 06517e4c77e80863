"""Server-sent events as a client without a library takes them: every event, and how the stream ended."""

import http.client
import json
import threading

from .patience import LIMIT
from .process import wait_until


class EventStream:
    """`with EventStream(service, path, headers) as events:`; a thread takes what comes.

    `events` are pairs of name and data, `words` counts comments; `ended` is None while it goes on, then "well" or what
    broke it."""

    def __init__(self, service, path, headers=None):
        self._connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=LIMIT)
        self._connection.request("GET", path, headers=headers or {})
        self.answer = self._connection.getresponse()
        self.status, self.headers = self.answer.status, self.answer.headers
        self.events, self.words, self.ended = [], 0, None
        self._thread = threading.Thread(target=self._take, daemon=True)

    def __enter__(self):
        assert self.status == 200, self.answer.read()
        self._thread.start()
        return self

    def __exit__(self, *_):
        if self._connection.sock:
            self._connection.sock.shutdown(2)
        self._thread.join(LIMIT)
        self._connection.close()

    def _take(self):
        name, data = None, None
        try:
            for line in self.answer:
                line = line.decode().rstrip("\n")
                if line.startswith(":"):
                    self.words += 1
                elif line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    data = json.loads(line[6:])
                elif line == "" and name:
                    self.events.append((name, data))
                    name = data = None
            self.ended = "well"
        except Exception as error:  # whatever it is, it is how the stream ended
            self.ended = type(error).__name__

    def ready(self):
        wait_until(lambda: self.events[:1] == [("ready", {})], "the stream to be ready")
        return self

    def of(self, export, name="export"):
        """What was told of an export, in order."""
        return [data for kind, data in self.events if kind == name and data["export_id"] == export]

    def wait(self, export, holds=lambda data: True, what="an event", name="export", seconds=30):
        """The first event of the export that the condition holds for."""
        def found():
            return next((data for data in self.of(export, name) if holds(data)), None)
        return wait_until(found, f"{what} of {export}", seconds)

    def wait_end(self, seconds=30):
        return wait_until(lambda: self.ended, "the end of the stream", seconds)
