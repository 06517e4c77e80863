"""Time zone databases for a program under test: TZDIR leads it to a folder of ours."""

import datetime
import pathlib

ZONES = pathlib.Path("/usr/share/zoneinfo")


def make_zones(folder, *names, release):
    """A database of these zones alone, as a system has it that was stripped; returns the environment for it."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ZONES / name).read_bytes())
    (folder / "tzdata.zi").write_text(f"# version {release}\n")
    return {"TZDIR": str(folder)}


def recent_zones(folder):
    """All zones of this machine, under the name of a release of this year."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in ZONES.iterdir():
        if path.name != "tzdata.zi" and not (folder / path.name).exists():
            (folder / path.name).symlink_to(path)
    return make_zones(folder, release=f"{datetime.datetime.now(datetime.UTC).year}a")
