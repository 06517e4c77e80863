"""Chromium's DevTools protocol over a pair of pipes: commands, their answers, and events by session.

One thread. Events are taken in while an answer is waited for, or by `take`; they stay in `events` of their session
until somebody clears it. The browser ends by itself when the pipes close.
"""

import json
import os
import select
import subprocess
import tempfile
import time

from .patience import LIMIT

CHROMIUM = "/usr/bin/chromium"
# Its sandbox refuses root; it opens pages of our own alone, and finds no host but this one (plain.test is
# this one under a name that is not trusted without TLS). Of two pages only one has
# the focus, unless they are told to believe it; pages behind others are to go on working as the one in front.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
         "--disable-renderer-backgrounding", "--disable-background-timer-throttling", "--lang=en-US",
         "--host-resolver-rules=MAP plain.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
         "--remote-debugging-pipe"]


class ProtocolError(Exception):
    """The browser refused a command; often what it was about has gone."""


class DevTools:
    """The process and its pipes; `stop` ends it."""

    def __init__(self):
        self._profile = tempfile.TemporaryDirectory(prefix="verbatim-browser-", ignore_cleanup_errors=True)
        their_input, self._to = os.pipe()
        self._from, their_output = os.pipe()
        # It reads from 3 and writes to 4.
        command = f'exec "$@" 3<&{their_input} 4>&{their_output}'
        self._child = subprocess.Popen(
            ["bash", "-c", command, "bash", CHROMIUM, *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(their_input, their_output))
        os.close(their_input)
        os.close(their_output)
        self._rest, self._number, self.events = b"", 0, {}
        self.on_paused = {}  # of a session: what is to be told of a request that waits for us

    def stop(self):
        os.close(self._to)
        os.close(self._from)
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._profile.cleanup()

    def call(self, session, method, **parameters):
        """Sends one command, to the browser itself where session is None, and returns its result."""
        number = self.send(session, method, **parameters)
        while True:
            answer = self._message(LIMIT)
            if answer is None:
                raise TimeoutError(f"the browser does not answer {method}")
            if answer.get("id") == number:
                if "error" in answer:
                    raise ProtocolError(f"{method}: {answer['error']}")
                return answer["result"]

    def send(self, session, method, **parameters):
        """Sends one command whose answer nobody waits for; returns its number."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        return self._number

    def take(self, seconds):
        """Takes in what comes until there is one event more; False if none came in that time."""
        message = self._message(seconds)
        return message is not None

    def _message(self, seconds):
        end = time.monotonic() + seconds
        while b"\0" not in self._rest:
            if not select.select([self._from], [], [], max(0, end - time.monotonic()))[0]:
                return None
            data = os.read(self._from, 1 << 20)
            if not data:
                raise EOFError("the browser has gone")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(line)
        if "method" in message:
            self.events.setdefault(message.get("sessionId"), []).append(message)
            if message["method"] == "Fetch.requestPaused" and message.get("sessionId") in self.on_paused:
                self.on_paused[message["sessionId"]](message["params"])
        return message
