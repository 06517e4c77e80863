"""An HTML archive of 250,000 messages in a browser: how soon it opens, and how soon a search answers.

first paint    from the navigation to the first text that can be seen (first-contentful-paint)
first key      from the navigation until the page has answered a key that was pressed as soon as there was a page
longest key    the longest that any key waited for its answer until the file was read to its end
read           from the navigation to DOMContentLoaded; CPU is the page's main thread's until then
searchable     from there until every word can be found; read in idle moments, so a busy machine delays it
search         from the last letter of a word until the number of hits and the hits in sight are drawn

Times are of the clock, so they hold for a machine with nothing else to do: the load is printed. Every figure is the
median of the runs, its goal behind it.

usage: archive_page.py [--messages N] [--runs N] [--file FILE]   FILE is measured in place of a new archive
"""

import argparse
import os
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.lib.devtools import DevTools  # noqa: E402 (after the path)

WORDS = ["quoted", "contact 64", "message 7 conversation", "2026-04-11", "alex doe", "zzz", "e"]
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
READ = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
SEARCHABLE = "document.querySelector('#filters select').length > 1"
# Two frames: the answer is written before the first, what is in sight is marked in it, and drawn before the second.
SEARCH = """new Promise((done) => {
  const field = document.querySelector("input[type=search]"), output = document.querySelector("#tools output");
  field.value = %r;
  const start = performance.now(), before = output.textContent;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  new MutationObserver((changes, observer) => {
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => done([performance.now() - start, output.textContent])));
  }).observe(output, { childList: true });
})"""


CLEAR = """new Promise((done) => {
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
  const look = () => document.querySelector("#tools output").textContent ? setTimeout(look, 10) : done();
  look();
})"""


class Tab:
    """A fresh browser, without anything beside the page that listens to it."""

    def __enter__(self):
        self.tools = DevTools()
        target = next(each for each in self.tools.call(None, "Target.getTargets")["targetInfos"]
                      if each["type"] == "page")
        self.session = self.tools.call(None, "Target.attachToTarget", targetId=target["targetId"],
                                       flatten=True)["sessionId"]
        for domain in ("Page", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        return self

    def __exit__(self, *_):
        self.tools.stop()

    def call(self, method, **parameters):
        return self.tools.call(self.session, method, **parameters)

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def happened(self, method):
        return any(event["method"] == method for event in self.tools.events.get(self.session, []))

    def main_thread(self):
        """Its CPU in ms and the process's memory in MiB: of our pages' processes the largest."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_text()
                if "--type=renderer" in words and self.tools._profile.name in words:
                    pages = int((folder / "statm").read_text().split()[1])
                    found.append((pages, int((folder / f"task/{folder.name}/schedstat").read_text().split()[0])))
            except OSError:
                continue
        pages, nanoseconds = max(found)
        return nanoseconds / 1e6, pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def opened(tab, path):
    """Figures of opening in ms, while keys are pressed."""
    start = time.monotonic()
    tab.call("Page.navigate", url=path.as_uri())
    waits = []
    while not tab.happened("Page.domContentEventFired"):
        pressed = time.monotonic()
        for kind in ("keyDown", "keyUp"):
            tab.call("Input.dispatchKeyEvent", type=kind, key="Shift", code="ShiftLeft", windowsVirtualKeyCode=16)
        waits.append((time.monotonic() - pressed, time.monotonic() - start))
        tab.tools.take(0.02)
    cpu, memory = tab.main_thread()
    figures = {"first paint": tab.value(PAINTED), "first key": waits[0][1] * 1000,
               "longest key": max(wait for wait, _ in waits) * 1000, "read": tab.value(READ), "read, CPU": cpu,
               "memory, MiB": memory}
    start = time.monotonic()
    while not tab.value(SEARCHABLE):
        time.sleep(0.05)
    return figures | {"searchable": (time.monotonic() - start) * 1000}


GOALS = {"first paint": 2000, "first key": 2000, "longest key": 2000, "search": 300}


def show(name, values):
    goal = f", goal {GOALS[name.split(':')[0]]}" if name.split(":")[0] in GOALS else ""
    runs = ", ".join(f"{each:.0f}" for each in values)
    print(f"{name}: {statistics.median(values):.0f}{goal} (of {runs})", flush=True)


def measure(path, runs):
    opening, searches, answers = {}, {word: [] for word in WORDS}, {}
    for _ in range(runs):
        with Tab() as tab:
            for name, value in opened(tab, path).items():
                opening.setdefault(name, []).append(value)
            for word in WORDS:
                tab.value(CLEAR)
                took, answers[word] = tab.value(SEARCH % word)
                searches[word].append(took)
    print(f"{path.stat().st_size / 2**20:.1f} MiB, {runs} runs, load {os.getloadavg()[0]:.1f} on {os.cpu_count()}"
          " cores; ms unless it says otherwise", flush=True)
    for name, values in opening.items():
        show(name, values)
    for word, values in searches.items():
        show(f"search: {word!r}, {answers[word]}", values)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=250_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--file", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.file:
        measure(arguments.file.resolve(), arguments.runs)
        return
    from tests.bench.archive import Bench
    from tests.lib.large_source import SETTINGS, prepare
    from tests.lib.postgres import Postgres
    from tests.lib.process import scratch_folder
    with scratch_folder() as folder, Postgres(SETTINGS) as cluster:
        database = cluster.create_database("bench")
        prepare(database, arguments.messages)
        bench = Bench(cluster, database, pathlib.Path(folder), None, arguments.messages)
        with bench.service("file", workers=2) as service:
            bench.export(service, {"format": "html"})
        [path] = [each for each in pathlib.Path(folder).rglob("*.html")]
        measure(path, arguments.runs)


if __name__ == "__main__":
    main()
