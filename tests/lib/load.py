"""Many small requests at a steady pace, each on a connection of its own or on kept ones; what failed is kept."""

import collections
import http.client
import threading
import time

from .patience import LIMIT


class Load:
    """`with Load(port, "/healthz", 100) as load:` sends about so many requests a second from threads.

    `kept`: each thread goes on with its connection until the server ends it. `failures` are (time, what)."""

    def __init__(self, port, path, rate, threads=4, kept=False, method="GET", headers=None, body=None):
        self.port, self.kept = port, kept
        self.request = (method, path, body, headers or {})
        self.pause = threads / rate
        self.statuses, self.failures, self.closes = collections.Counter(), [], 0
        self._lock, self._end = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._end.set()
        for thread in self._threads:
            thread.join(LIMIT)

    def done(self):
        with self._lock:
            return sum(self.statuses.values()) + len(self.failures)

    def _run(self, number):
        connection, due = None, time.monotonic() + number * self.pause / len(self._threads)
        while not self._end.wait(max(0, due - time.monotonic())):
            due = max(due + self.pause, time.monotonic() - 1)
            connection = self._one(connection)
        if connection:
            connection.close()

    def _one(self, connection):
        """One request; the connection for the next, or None."""
        fresh = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        begun = time.monotonic()
        method, path, body, headers = self.request
        try:
            fresh.request(method, path, body=body, headers=headers)
            answer = fresh.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            with self._lock:
                self.failures.append((begun, f"{type(error).__name__}: {error}"))
            fresh.close()
            return None
        closes = answer.headers.get("Connection", "").lower() == "close"
        with self._lock:
            self.statuses[answer.status] += 1
            self.closes += closes
            if answer.status >= 500:
                self.failures.append((begun, f"{answer.status}: {text[:200]!r}"))
        if self.kept and not closes:
            return fresh
        fresh.close()
        return None
