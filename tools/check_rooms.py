"""Whether includes keep to the rooms: a file may name headers of its own room and of those that stand under USES, and
a room that stands there is one whose headers somebody names, so that the list says what is used and no more.

The link check of cmake/Room.cmake sees calls; types and macros are seen here alone. Rooms and what they use are read
from the CMakeLists.txt of each folder, so the build file is the one place where an arrow is drawn. Also said: a circle,
a room below another one that it uses, and a file of service/ or export/ that lies in no room.
"""

import pathlib
import re
import sys

# Public headers lie together in include/verbatim; these are not of base.
PUBLIC = {
    "s3": ("s3_client", "s3_credentials", "s3_signer", "transfer"),
    "export_source": ("conversation", "postgres", "source", "statistics"),
    "export_pdf": ("brand", "pdf"),
    "export_xlsx": ("xlsx",),
    "export_format": ("bad_rows", "media_errors", "names", "nothing_found", "render", "zone"),
    "export_archive": ("archive",),
    "export_verify": ("verify",),
}
ROOM = re.compile(r"vb_room\((\w+)(?:\s+USES\s+((?:\w+\s+)*?)(?=PUBLIC|PRIVATE|SOURCES))?")
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)


def rooms():
    """Folder to name, and name to what it uses."""
    folders, uses = {}, {}
    for build in sorted(pathlib.Path().glob("*/**/CMakeLists.txt")):
        if build.parts[0] not in ("base", "s3", "export", "service"):
            continue
        for name, used in ROOM.findall(build.read_text()):
            folders[build.parent] = name
            uses[name] = used.split()
    return folders, uses


def closure(name, uses, path=()):
    if name in path:
        sys.exit(f"a circle of rooms: {' -> '.join((*path, name))}")
    reached = {name}
    for used in uses[name]:
        reached |= closure(used, uses, (*path, name))
    return reached


def room_of_header(file, include, folders):
    """The room whose header it is; None for a generated or foreign one."""
    if include.startswith("verbatim/"):
        stem = pathlib.Path(include).stem
        return next((room for room, stems in PUBLIC.items() if stem in stems), "base")
    for root in (file.parent, pathlib.Path("service"), pathlib.Path("export")):
        if (root / include).is_file():
            return folders.get((root / include).parent)
    return None


def faults(folders, uses):
    used = {name: set() for name in uses}
    for root in ("base", "s3", "export", "service"):
        for file in sorted(pathlib.Path(root).rglob("*.[ch]")):
            room = folders.get(file.parent)
            if not room:
                yield f"{file}: lies in no room"
                continue
            for include in INCLUDE.findall(file.read_text()):
                other = room_of_header(file, include, folders)
                if other and other not in (room, *uses[room]):
                    yield f"{file}: {room} may not use {other} ({include})"
                used[room].add(other)
    for folder, room in folders.items():
        if uses[room] != sorted(uses[room]):
            yield f"{folder}/CMakeLists.txt: USES is not sorted"
        for other in uses[room]:
            if other not in used[room]:
                yield f"{folder}/CMakeLists.txt: {room} uses nothing of {other}"


def main():
    folders, uses = rooms()
    if len(folders) < 10:
        sys.exit("hardly a room was found: this check does not understand the build files any more")
    for name in uses:
        closure(name, uses)
    found = list(faults(folders, uses))
    print(*found, sep="\n", end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
