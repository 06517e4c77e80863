"""Time zone databases for a program under test: TZDIR leads it to a folder of ours."""

import datetime
import pathlib
import subprocess

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


def compile_zones(folder, form, source=ZONES / "tzdata.zi"):
    """All zones of the source, `form` slim (changes that the rule repeats are left out) or fat (listed until 2037)."""
    folder.mkdir(parents=True)
    subprocess.run(["/usr/sbin/zic", "-b", form, "-d", folder, source], check=True)
    return folder


def names_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def clocks(tool, folder, names):
    """What the program makes of the zones of a folder: by name, the text that jobs keep and the changes of offset."""
    done = subprocess.run([tool], input="".join(f"{name}\n" for name in names), text=True, check=True,
                          capture_output=True, env={"TZDIR": str(folder)})
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {name: (text, [tuple(map(int, change.split(":"))) for change in changes.split()])
            for name, text, changes in rows}
