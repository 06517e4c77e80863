"""Every zone there is, from slim files and from fat ones, against Python's zoneinfo from 1970 to 2100."""

import datetime
import zoneinfo

import pytest

from tests.lib.zones import clocks, compile_zones, names_of

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)
END = 4102444800  # 2100-01-01
STEP = 10 * 86400  # shorter than any stretch that a zone has had
# Where zic of glibc 2.36 itself writes slim files that say otherwise than its fat ones: a week of 2022 in Ojinaga, and
# the Ramadans foretold for after 2072.
UNEQUAL_FILES = {"America/Ojinaga", "Asia/Gaza", "Asia/Hebron"}


@pytest.fixture(scope="module")
def known(tmp_path_factory, verbatim):
    """By the form of their files: the folder, and what the program says of its zones."""
    found = {}
    for form in ("slim", "fat"):
        folder = compile_zones(tmp_path_factory.mktemp("zones") / form, form)
        found[form] = folder, clocks(verbatim.parent / "tests/tools/zone_tool", folder, names_of(folder))
    return found


def differences(zone, changes):
    """Instants at which the two disagree: at each change, just before it, and every ten days."""
    following = iter([*changes[1:], (END, 0)])
    border, offset = 0, None
    probes = sorted({*range(0, END, STEP), *(at for at, _ in changes), *(at - 1 for at, _ in changes[1:])})
    current, (border, after) = changes[0][1], next(following)
    for at in probes:
        if at >= border:
            current, (border, after) = after, next(following)
        offset = (EPOCH + at * SECOND).astimezone(zone).utcoffset()
        if offset != current * SECOND:
            yield at


@pytest.mark.parametrize("form, names", [("slim", None), ("fat", UNEQUAL_FILES | {"Europe/Dublin"})])
def test_python_agrees_on_every_zone(known, form, names):
    """Of the fat ones those suffice whose texts are not those of the slim ones."""
    folder, zones = known[form]
    assert len(zones) > 400
    seen, wrong = {}, {}
    for name in sorted(names or zones):
        text, changes = zones[name]
        content = (folder / name).read_bytes()
        if content in seen:  # another name of the same zone
            assert seen[content] == changes, name
            continue
        seen[content] = changes
        with (folder / name).open("rb") as file:
            bad = list(differences(zoneinfo.ZoneInfo.from_file(file), changes)) if changes else [text]
        if bad:
            wrong[name] = bad[:3]
    assert set(wrong) <= {"America/Ojinaga"}, wrong


def test_equal_clocks_have_equal_texts(known):
    """What the rule repeats is dropped, so that both forms of a file make one text, and none is long."""
    slim, fat = known["slim"][1], known["fat"][1]
    assert {name for name in slim if slim[name][0] != fat[name][0]} <= UNEQUAL_FILES
    assert max(len(text) for text, _ in slim.values()) < 4096


def test_winters_behind_the_standard_time(known):
    """Ireland's rule calls its winters the summer, one hour back."""
    text, changes = known["slim"][1]["Europe/Dublin"]
    assert text.startswith("IST-1GMT0,M10.5.0,M3.5.0/1 ")
    assert [offset for at, offset in changes if at > 1735689600][:4] == [3600, 0, 3600, 0]
