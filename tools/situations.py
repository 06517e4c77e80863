"""The table of situations from JUnit files: how many of a platform's rows exports looked at for one that they wanted.

usage: situations.py RELEASE=FOLDER...

Each folder is of one release: its files end_to_end-*.xml hold the tests of test_source_situations.py, which record
what they looked at. A cell is the worst of fresh, missing and wrong statistics, and of the tests of its kind.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

KINDS = {"test_messages": "messages", "test_the_rest": "the rest of a giant", "test_events": "events",
         "test_a_range": "messages of a range"}
NAME = re.compile(r"(test_(?:messages|the_rest|events|a_range))_.*\[(?:.*-)?([^-\]]*, [^-\]]*, [^-\]]*?)(?:-[^\]]*)?\]")


def recorded(folder):
    """(situation, kind, looked at for one wanted) of each test that recorded it."""
    for path in sorted(pathlib.Path(folder).glob("end_to_end-*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            found = NAME.match(case.get("name"))
            noted = {each.get("name"): float(each.get("value")) for each in case.iter("property")}
            if found and noted:
                yield found[2], KINDS[found[1]], noted["looked_at"] / noted["wanted"]


def main(arguments):
    releases = dict(argument.split("=", 1) for argument in arguments)
    worst, situations = {}, {}
    for release, folder in releases.items():
        for situation, kind, ratio in recorded(folder):
            key = situation, kind, release
            worst[key] = max(ratio, worst.get(key, 0))
            situations.setdefault((situation, kind))
    if not situations:
        return
    print("| table, view, indexes | rows | " + " | ".join(releases) + " |")
    print("|---" * (len(releases) + 2) + "|")
    for situation, kind in situations:
        cells = [f"{worst[key]:.1f}" if (key := (situation, kind, release)) in worst else "" for release in releases]
        print(f"| {situation} | {kind} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
