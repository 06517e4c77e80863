"""Adds up JUnit files, NAME.xml or NAME-N.xml: prints what failed with its message, then `N passed, N failed`
(and `, N skipped`) as its last line.

usage: tally.py NAME=EXIT_STATUS... FOLDER

A suite that ended with an error, but whose file shows no failed test (it crashed, or wrote no file),
counts as one failure. Exits 1 if anything failed or nothing passed at all.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None or case.get("status") in ("disabled", "notrun"):
        return "skipped"
    return "passed"


def tell_failed(case):
    reason = case.find("failure") if case.find("failure") is not None else case.find("error")
    message = (reason.get("message") or "").strip().splitlines()[:1]
    print(": ".join(["failed", f"{case.get('classname')} {case.get('name')}", *message])[:400])


def count(folder, name):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for path in [*folder.glob(name + ".xml"), *folder.glob(name + "-[0-9]*.xml")]:
        for case in ElementTree.parse(path).iter("testcase"):
            counts[outcome(case)] += 1
            if outcome(case) == "failed":
                tell_failed(case)
    return counts


def main(arguments):
    *suites, folder = arguments
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for suite in suites:
        name, status = suite.split("=")
        counts = count(pathlib.Path(folder), name)
        if int(status) != 0 and counts["failed"] == 0:
            print(f"{name}: ended with status {status}")
            counts["failed"] = 1
        for key in total:
            total[key] += counts[key]
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{total['passed']} passed, {total['failed']} failed{skipped}")
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
