"""docs/doors.md names tests and files: each must be there, so that the table cannot outlive what it speaks of."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = [ROOT / "tests/end_to_end", ROOT / "tests/console"]
TABLE = (ROOT / "docs/doors.md").read_text()
SHORT = {"app": "test_door_app.py", "v1": "test_door_v1.py", "v3": "test_door_v3.py", "single": "test_single.py",
         "console": "test_door_console.py", "lists": "test_console_lists.py"}


def test_every_test_named_is_there():
    named = re.findall(r"`([\w.]+)::(\w+)`", TABLE)
    assert len(named) > 50
    for file, test in named:
        places = [folder / SHORT.get(file, file) for folder in TESTS if (folder / SHORT.get(file, file)).exists()]
        assert places, f"{file} is not there"
        text = places[0].read_text()
        assert re.search(rf"^def {test}\(", text, re.M), f"{file}::{test}"


def test_every_file_named_is_there():
    named = set(re.findall(r"`([\w/]+\.(?:c|sql|py))`", TABLE))
    assert len(named) > 20
    folders = [ROOT, ROOT / "service", *TESTS]
    assert [name for name in named if not any((folder / name).exists() for folder in folders)] == []


def test_a_promise_without_a_test_is_open():
    rows = [row for row in TABLE.splitlines() if row.startswith("| ") and not row.startswith("| promise")]
    assert [row for row in rows if "`" not in row.split("|")[3] and "**open**" not in row] == []
