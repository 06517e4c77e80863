"""Whether every function and table that a file exports is used by another one, and everything declared exists.

Reads the objects of build/clang: what is defined there and what is asked for. Something that only its own file uses
becomes static; something that nobody uses goes. Tests count as users by their text, since the fuzz targets are not of
that build. But code that the program itself never runs is there for tests alone, and that is to be said here.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys

ROOMS = ("base", "s3", "export", "service")
# What only tests use, and why it is in the program nevertheless.
TEST_DOORS = {
    "vb_media_credentials_new": "logins from a text, so that the rules are tested and fuzzed without a file",
    "vb_reader_memory": "the bound on a reader's memory is a promise",
    "vb_s3_credentials_source": "which of the places for credentials was taken",
    "vb_storage_size": "what a store holds, asked behind the back of what wrote it",
}
DECLARED = re.compile(r"^(?!static|typedef|#|/| |\})[^\n;{(]*?\b(vb_\w+)\([^;{]*;", re.M)


def objects(build):
    """Object to source of the files that the build has now; older ones may lie beside them."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = re.search(r" -o (\S+\.o) ", entry["command"])
        found[build / path[1]] = pathlib.Path(entry["file"])
    return found


def symbols(path):
    """What an object defines for others, and what it asks of them."""
    defined, used = set(), set()
    for line in subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout.splitlines():
        *_, kind, name = line.split()
        if kind in "TDBR":
            defined.add(name)
        elif kind == "U":
            used.add(name)
    return defined, used


def faults(root, build):
    defined, users = {}, collections.Counter()
    for path, source in objects(build).items():
        room = source.relative_to(root).parts[0] if source.is_relative_to(root) else ""
        if room == "build":  # generated
            room = source.relative_to(build).parts[0]
        if room in ROOMS:
            own, used = symbols(path)
            defined |= {name: source for name in own if name != "main"}
            users.update(used)
    if len(defined) < 300:
        sys.exit("hardly a function was found: this check does not understand the build any more")
    tests = set(re.findall(r"\w+", "".join(file.read_text() for file in (root / "tests").rglob("*.c"))))
    for name, source in sorted(defined.items(), key=lambda item: (item[1], item[0])):
        where = f"{source.relative_to(root)}: {name}"
        inside = len(re.findall(rf"\b{name}\b", source.read_text())) > 1
        if users[name]:
            if name in TEST_DOORS:
                yield f"{where} is used by the program: no exception any more"
        elif name not in tests:
            yield f"{where} is used by no other file: {'make it static' if inside else 'remove it'}"
        elif not inside and name not in TEST_DOORS:
            yield f"{where} is used by tests alone"
    for name in sorted(TEST_DOORS.keys() - defined.keys()):
        yield f"{name}: an exception for what is not there"
    for directory in ("include", *ROOMS):
        for header in sorted((root / directory).rglob("*.h")):
            for name in DECLARED.findall(header.read_text()):
                if name not in defined:
                    yield f"{header.relative_to(root)}: {name} is declared and defined nowhere"


def main():
    root = pathlib.Path.cwd()
    found = list(faults(root, root / "build" / "clang"))
    print(*found, sep="\n", end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
