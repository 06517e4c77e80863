"""Debian's Chromium without a window, as a person uses it.

    with Browser() as browser:
        browser.open(url)                                     the first page is the browser itself
        browser.get("button", "New key").click()              by role and name, as a screen reader says them
        browser.press("Tab"); browser.type("Backup")
        other = browser.new_page()                            another person: cookies of its own
"""

import base64
import contextlib
import fnmatch
import json
import pathlib

from .devtools import DevTools, ProtocolError
from .keyboard import Keyboard
from .process import wait_until
from .seen import Seen, described

# What a page's live regions say, in order, as a screen reader would hear it; runs before the page's own scripts.
LISTEN = """(() => {
  if (window.__heard) return;
  const heard = [];
  Object.defineProperty(window, "__heard", {value: heard});
  const live = "[aria-live=polite], [aria-live=assertive], [role=status], [role=alert], [role=log], output";
  const hear = (node) => {
    const region = (node.nodeType === 1 ? node : node.parentElement)?.closest(live);
    const words = region?.textContent.trim();
    if (words && heard.at(-1) !== words) heard.push(words);
  };
  new MutationObserver((changes) => changes.forEach((change) => {
    hear(change.target);
    change.addedNodes.forEach((node) => node.nodeType === 1 && [node, ...node.querySelectorAll(live)].forEach(hear));
  })).observe(document, {subtree: true, childList: true, characterData: true});
})()"""
DOMAINS = ("Page", "Network", "Runtime", "Log")


class Page(Keyboard):
    """One tab. `call` is the way to everything that has no verb here."""

    def __init__(self, tools, target, context=None):
        self._tools, self.target, self.context, self._rules = tools, target, context, []
        self.session = tools.call(None, "Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.events = tools.events.setdefault(self.session, [])
        for domain in DOMAINS:
            self.call(f"{domain}.enable")
        # Whoever is not in front would think that nobody looks.
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.call("Page.addScriptToEvaluateOnNewDocument", source=LISTEN)

    def call(self, method, **parameters):
        return self._tools.call(self.session, method, **parameters)

    # Going somewhere

    def open(self, url):
        """Goes there, and returns when the page and what it loads at once are there."""
        self.events.clear()
        answer = self.call("Page.navigate", url=url)
        assert "errorText" not in answer, answer
        if answer.get("loaderId"):  # else it was a fragment of this very page
            self.wait_event("Page.loadEventFired")

    def reload(self):
        self.events.clear()
        self.call("Page.reload")
        self.wait_event("Page.loadEventFired")

    def wait_event(self, method, seconds=60):
        def come():
            self._tools.take(0.05)
            return next((event["params"] for event in self.events if event["method"] == method), None)
        return wait_until(lambda: next((e["params"] for e in self.events if e["method"] == method), None) or come(),
                          method, seconds, pause=0)

    @property
    def address(self):
        return self.value("location.href")

    def close(self):
        self._tools.call(None, "Target.closeTarget", targetId=self.target)

    # What the page is told about the world

    def window(self, width, height, dark=False, reduced_motion=False, forced_colors=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if reduced_motion else "no-preference"},
            {"name": "forced-colors", "value": "active" if forced_colors else "none"}])

    def language(self, tag):
        """Both what the page may read (navigator.languages) and what Intl does by itself."""
        agent = self.value("navigator.userAgent")
        self.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=tag)
        self.call("Emulation.setLocaleOverride", locale=tag.replace("-", "_"))

    def time_zone(self, name):
        self.call("Emulation.setTimezoneOverride", timezoneId=name)

    def offline(self, yes=True):
        self.call("Network.emulateNetworkConditions", offline=yes, latency=0, downloadThroughput=-1,
                  uploadThroughput=-1)

    def respond(self, pattern, status, body, method="GET"):
        """Requests to a URL of the pattern are answered here and never leave the browser."""
        self._rules.append((pattern, method, status, body))
        self._tools.on_paused[self.session] = self._paused
        self.call("Fetch.enable", patterns=[{"urlPattern": each[0]} for each in self._rules])

    def stay(self, pattern):
        """Requests to a URL of the pattern wait for ever."""
        self.respond(pattern, None, None)

    def release(self):
        """All requests go their way again."""
        self._rules.clear()
        self.call("Fetch.disable")

    def _paused(self, event):
        number, request = event["requestId"], event["request"]
        for pattern, method, status, body in self._rules:
            if method == request["method"] and fnmatch.fnmatch(request["url"], pattern.replace("[", "[[]")):
                if status:
                    self._tools.send(self.session, "Fetch.fulfillRequest", requestId=number, responseCode=status,
                                     responseHeaders=[{"name": "Content-Type", "value": "application/json"}],
                                     body=base64.b64encode(body.encode()).decode())
                return
        self._tools.send(self.session, "Fetch.continueRequest", requestId=number)

    def script(self, allowed):
        """Whether scripts of pages run that are opened from here on; questions of ours still do."""
        self.call("Emulation.setScriptExecutionDisabled", value=not allowed)

    # What the page says

    def value(self, expression):
        """What the expression comes to in the page; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True,
                           userGesture=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, expression, what=None, seconds=60):
        return wait_until(lambda: self._value_or_none(expression), what or expression, seconds)

    def _value_or_none(self, expression):
        with contextlib.suppress(ProtocolError):  # the page is just being left
            return self.value(expression)

    def get(self, role, name=None, within=None, **state):
        """What has this role and name (text or pattern), looked for at each use; `state` is {"checked": True}."""
        return Seen(self, role, name, within, state)

    def wait_text(self, text, seconds=60):
        """Until the words can be read somewhere on the page."""
        try:
            self.wait(f"document.body?.innerText.includes({json.dumps(text)})", repr(text), seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; the page says: {self.text()[:2000]}") from None

    def text(self):
        return self.value("document.body.innerText")

    def focused(self):
        """(role, name) of what has the keyboard's focus."""
        node = self.call("Runtime.evaluate", expression="document.activeElement")["result"]
        tree = self.call("Accessibility.getPartialAXTree", objectId=node["objectId"], fetchRelatives=False)
        return described(tree["nodes"][0])

    def heard(self):
        """What live regions have said since the page was opened."""
        return self.value("window.__heard")

    def requested(self):
        """URLs that the page has asked for since it was opened."""
        return [event["params"]["request"]["url"] for event in self.events
                if event["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        """Errors, warnings and refusals of the page's policy."""
        entries = [event["params"]["entry"] for event in self.events if event["method"] == "Log.entryAdded"]
        thrown = [event["params"] for event in self.events if event["method"] == "Runtime.exceptionThrown"]
        return [entry for entry in entries if entry["level"] in ("error", "warning")] + thrown

    # What it leaves behind

    def screenshot(self, path, whole=False):
        """A PNG of the window, or of the whole page."""
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        pathlib.Path(path).write_bytes(base64.b64decode(picture["data"]))

    def pdf(self, path):
        """What printing it gives, in the size and with the margins that the page itself wishes."""
        printed = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        pathlib.Path(path).write_bytes(base64.b64decode(printed["data"]))

    def downloads(self, folder):
        """From here on files go into the folder, under the names that they were given."""
        self._tools.call(None, "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder),
                         eventsEnabled=True, **({"browserContextId": self.context} if self.context else {}))

    def downloaded(self, seconds=30):
        """The names of files that have come whole since `downloads`; waits for the first."""
        def names():
            self._tools.take(0.05)
            events = [(event["method"], event["params"]) for event in self._tools.events.get(None, [])]
            done = {each["guid"] for method, each in events
                    if method == "Browser.downloadProgress" and each["state"] == "completed"}
            return [each["suggestedFilename"] for method, each in events
                    if method == "Browser.downloadWillBegin" and each["guid"] in done]
        return wait_until(names, "a download", seconds, pause=0)


class Browser(Page):
    """The process, with its first page."""

    def __init__(self):
        pass  # it starts with the `with`

    def __enter__(self):
        tools = DevTools()
        pages = tools.call(None, "Target.getTargets")["targetInfos"]
        super().__init__(tools, next(each["targetId"] for each in pages if each["type"] == "page"))
        return self

    def __exit__(self, *_):
        self._tools.stop()

    def new_page(self, context=None):
        """A tab of a person who has nothing to do with the others, or of one who is here already."""
        context = context or self._tools.call(None, "Target.createBrowserContext")["browserContextId"]
        target = self._tools.call(None, "Target.createTarget", url="about:blank", browserContextId=context)
        return Page(self._tools, target["targetId"], context)

    def opened_by(self, page, seconds=30):
        """The tab that something on this page opened."""
        def found():
            return [each["targetId"] for each in self._tools.call(None, "Target.getTargets")["targetInfos"]
                    if each["type"] == "page" and each.get("openerId") == page.target]
        return Page(self._tools, wait_until(found, "a new tab", seconds)[0], page.context)
