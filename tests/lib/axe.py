"""axe-core's judgement of a page: what breaks rules of accessibility, WCAG 2.2 AA and good practice.

It runs in a world of its own beside the page's scripts, by way of the browser's tools: the page's policy stays in force
for the page and does not reach it.
"""

import functools
import json
import os
import re

import pytest

from .process import KEPT, ROOT


@functools.cache
def source():
    """axe.min.js of the version that tools/install.sh names, or None where it could not be had."""
    version = re.search(r"^axe_version=(\S+)$", (ROOT / "tools/install.sh").read_text(), re.M)[1]
    path = os.environ.get("VERBATIM_AXE") or KEPT / f"axe-core-{version}/axe.min.js"
    return open(path).read() if os.path.exists(path) else None


needed = pytest.mark.skipif(source() is None, reason="axe-core is not on this machine: see ./run test")

# Sizes of targets (2.5.8) are no part of axe's usual rules yet. Style sheets need not be fetched again.
OPTIONS = {"rules": {"target-size": {"enabled": True}}, "preload": False, "resultTypes": ["violations"]}
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}  # what light and dark can differ in


def violations(page, **options):
    """One line for each rule and element that breaks it; none is as it should be. `options` are axe's own."""
    frame = page.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = page.call("Page.createIsolatedWorld", frameId=frame, worldName="axe")["executionContextId"]

    def run(expression):
        answer = page.call("Runtime.evaluate", expression=expression, contextId=world, returnByValue=True,
                           awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    if not run("'axe' in globalThis"):
        run(source() + "; 0")
    found = run(f"axe.run(document, {json.dumps(OPTIONS | options)}).then((found) => found.violations)")
    return [f"{rule['id']}: {rule['help']}: {node['html'][:160]}: {' '.join(node['failureSummary'].split())}"
            for rule in found for node in rule["nodes"]]
