"""The table of situations from JUnit files: how many of a platform's rows exports looked at for one that they wanted.

usage: situations.py RELEASE=FOLDER...

Each folder is of one release: its files end_to_end-*.xml hold the tests of test_source_situations.py, which record
what they looked at. A cell is the worst of fresh, missing and wrong statistics and of the releases, and where these
differ the best release before it.
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
    worst = {}
    for argument in arguments:
        release, folder = argument.split("=", 1)
        for situation, kind, ratio in recorded(folder):
            of_release = worst.setdefault(situation, {}).setdefault(kind, {})
            of_release[release] = max(ratio, of_release.get(release, 0))
    if not worst:
        return
    print("| table, view, indexes | " + " | ".join(KINDS.values()) + " |")
    print("|---" * (len(KINDS) + 1) + "|")
    for situation, kinds in worst.items():
        cells = []
        for kind in KINDS.values():
            ratios = sorted({f"{ratio:.1f}" for ratio in kinds.get(kind, {}).values()}, key=float)
            cells.append(" to ".join(dict.fromkeys([*ratios[:1], *ratios[-1:]])))
        print(f"| {situation} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
