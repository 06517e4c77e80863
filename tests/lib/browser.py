"""Debian's Chromium without a window, told what to do over a pair of pipes (its DevTools protocol)."""

import json
import os
import select
import subprocess
import tempfile
import time

CHROMIUM = "/usr/bin/chromium"
# Its sandbox refuses root; it opens pages of our own alone, and finds no host but this one.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-pipe"]


class Browser:
    """`with Browser() as browser: browser.open(url)`. It ends by itself when the pipes close."""

    def __enter__(self):
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
        self._rest, self._number, self.session, self.events = b"", 0, None, []
        page = next(each for each in self.call("Target.getTargets")["targetInfos"] if each["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        os.close(self._to)
        os.close(self._from)
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._profile.cleanup()

    def call(self, method, **parameters):
        """Sends one command and returns its result; events that come meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message(30)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _message(self, seconds):
        end = time.monotonic() + seconds
        while b"\0" not in self._rest:
            ready = select.select([self._from], [], [], max(0, end - time.monotonic()))[0]
            data = os.read(self._from, 1 << 20) if ready else b""
            if not data:
                raise TimeoutError("the browser says nothing")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message

    def open(self, url):
        """Goes there, and returns when the page and what it loads at once are there."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._message(30)

    def window(self, width, height, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def value(self, expression):
        """What the expression comes to in the page; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True,
                           userGesture=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def requested(self):
        """URLs that the page has asked for since it was opened."""
        return [event["params"]["request"]["url"] for event in self.events
                if event["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        """Errors, warnings and refusals of the page's policy."""
        entries = [event["params"]["entry"] for event in self.events if event["method"] == "Log.entryAdded"]
        thrown = [event["params"] for event in self.events if event["method"] == "Runtime.exceptionThrown"]
        return [entry for entry in entries if entry["level"] in ("error", "warning")] + thrown
