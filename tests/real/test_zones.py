"""Releases of the zone database as PyPI has them: every zone against Python's zoneinfo, and an export whose order was
taken on a machine of one release and worked on by one of another. `./run test real zones` fetches them."""

import os
import pathlib
import zoneinfo

import pytest

from tests.end_to_end.test_all_zones import differences
from tests.end_to_end.test_zone_clocks import ROWS, offsets
from tests.lib import http_source as source
from tests.lib import queue
from tests.lib.service import Service
from tests.lib.zones import clocks, names_of

FOLDER = pathlib.Path(os.environ["ZONES_RELEASES"])
RELEASES = sorted(path.parent.name for path in FOLDER.glob("*/tzdata"))
# Slim files of some releases say otherwise of a week of 2022 than the law did, and readers differ by an instant there.
WRONG_FILES = {"America/Ojinaga"}


def files(release):
    return FOLDER / release / "tzdata/zoneinfo"


@pytest.mark.parametrize("release", RELEASES)
def test_python_agrees_on_every_zone(release, verbatim):
    folder = files(release)
    names = [name for name in names_of(folder) if (folder / name).read_bytes()[:4] == b"TZif"]
    found = clocks(verbatim.parent / "tests/tools/zone_tool", folder, names)
    assert len(found) > 500
    wrong = {}
    for name, (text, changes) in found.items():
        with (folder / name).open("rb") as file:
            bad = list(differences(zoneinfo.ZoneInfo.from_file(file), changes)) if changes else [text]
        if bad:
            wrong[name] = bad[:3]
    assert set(wrong) <= WRONG_FILES, wrong


def test_one_export_has_one_clock(program, database, make_service, folder):
    """Almaty went from +06:00 to +05:00 in March 2024, as the later release knows."""
    source.make_source(database)
    source.lonely_talks(database)
    program.migrate()
    program.workspace("one", source_id="platform-one", time_zone="Asia/Almaty")
    key = program.key("one")
    found = {}
    for orders, works in (("2023.3", "2026.6"), ("2026.6", "2023.3")):
        service = make_service(workers=0, env={"TZDIR": str(files(orders))})
        job = service.request("POST", "/api/v1/workspace/one/exports", key, json_body=ROWS).json()["export_id"]
        options = {"storage": service.options["storage"], "workers": 1}
        with Service(program, folder, command="worker", env={"TZDIR": str(files(works))}, **options):
            queue.finished(database, job)
        found[orders] = set(offsets(service.get(f"/api/v1/workspace/one/exports/{job}/download", key).body))
        service.stop()
    assert found == {"2023.3": {b"+06:00"}, "2026.6": {b"+05:00"}}
