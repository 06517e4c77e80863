"""Adds up JUnit files, NAME.xml or NAME-N.xml: prints what failed with its message, then `N passed, N failed`
(and `, N skipped`) as its last line. What failed and then passed by itself (NAME-again.xml, tools/spread.py) counts as
passed and is printed as unsteady.

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


def name_of(case):
    return f"{case.get('classname')} {case.get('name')}"


def tell(word, case):
    reason = case.find("failure") if case.find("failure") is not None else case.find("error")
    message = (reason.get("message") or "").strip().splitlines()[:1]
    print(": ".join([word, name_of(case), *message])[:400])


def cases(paths):
    return [case for path in paths for case in ElementTree.parse(path).iter("testcase")]


def count(folder, name):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    again = {name_of(case) for case in cases(folder.glob(name + "-again.xml")) if outcome(case) == "passed"}
    for case in cases([*folder.glob(name + ".xml"), *folder.glob(name + "-[0-9]*.xml")]):
        found = outcome(case)
        if found == "failed" and name_of(case) in again:
            tell("unsteady", case)
            found = "passed"
        elif found == "failed":
            tell("failed", case)
        counts[found] += 1
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
