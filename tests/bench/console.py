"""How long the console's first view takes until it can be read, against a page of one line from the same service, in
the same browser, without a cache. Also printed: its requests and bytes.

usage: console.py [--rounds N]
"""

import argparse
import os
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.lib import console  # noqa: E402 (after the path)
from tests.lib.browser import Browser  # noqa: E402
from tests.lib.postgres import Postgres  # noqa: E402
from tests.lib.process import scratch_folder  # noqa: E402
from tests.lib.service import Program, Service  # noqa: E402

# Milliseconds from the navigation's start to the first picture with a row, told by the page's own clock.
WATCH = """new MutationObserver((_, watch) => {
  if (!document.querySelector(".row-name")) return;
  watch.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.__shown = performance.now(); }));
}).observe(document, {subtree: true, childList: true});"""
YARDSTICK = "performance.getEntriesByType('navigation')[0].loadEventEnd"


def once(browser, service, key):
    page = browser.new_page()
    page.window(1280, 900)
    page.call("Network.setCacheDisabled", cacheDisabled=True)
    page.open(service.url + "/healthz")
    bare = page.wait(YARDSTICK)
    page.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    console.enter(page, service, key, "#/exports")
    shown = page.wait("window.__shown")
    ended = [event["params"] for event in page.events if event["method"] == "Network.loadingFinished"]
    cost = (shown, bare, len(page.requested()), sum(each["encodedDataLength"] for each in ended))
    page.close()
    return cost


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with Postgres() as cluster, scratch_folder() as folder:
        database = cluster.create_database("console")
        program = Program(os.environ["VERBATIM_BINARY"], database.url)
        keys = console.make_world(program, database)
        (folder / "storage").mkdir()
        with Service(program, folder, workers=1, storage=f"file://{folder}/storage") as service, Browser() as browser:
            api = console.Api(service, keys["owner"])
            for _ in range(20):
                api.made()
            once(browser, service, keys["owner"])  # the browser's own first time
            costs = [once(browser, service, keys["owner"]) for _ in range(options.rounds)]
    shown, bare, requests, size = (statistics.median(column) for column in zip(*costs))
    print(f"first view: {shown:.0f} ms until the list can be read, {shown / bare:.1f} times a bare page"
          f" ({bare:.0f} ms); {requests:.0f} requests, {size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
