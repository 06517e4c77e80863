"""What ./run bench says of its figures: a missed goal is told as missed, and nothing is measured past the table."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.bench.figures.report import Report, markdown, percentile, put_into, show
from tests.bench.figures.table import BY_KEY, FIGURES, GOALS
from tests.lib.process import ROOT

FACTS = {"revision": "r", "against": "b", "quick": False,
         "machine": {"cores": 2, "processor": "p", "memory": "1 GiB", "postgres": "15", "date": "d", "load": 0.1}}


@pytest.fixture()
def report():
    said = []
    found = Report(dict(FACTS), said.append)
    found.said = said
    return found


def test_the_median_is_judged_and_a_missed_goal_is_told(report):
    report.add("P1", [0.2, 0.54, 9.0], "a note")
    assert report.status() == 0
    report.add("P4 8", [0.9, 0.59, 0.1])
    assert report.status() == 1
    held, missed = report.said
    assert "0.54 (0.20 to 9.00) x psql COPY" in held and "goal <= 0.55: held" in held and held.endswith(": a note")
    assert "0.59 (0.10 to 0.90)" in missed and "goal >= 0.6: MISSED" in missed
    assert report.summary() == "1 goals held, 1 missed (P4 8)"


def test_what_stands_at_its_goal_holds_it(report):
    for key in ("P1", "P4 8"):
        report.add(key, [BY_KEY[key].limit])
    report.add("P9 two", [5.0])  # shown: nothing is asked for
    assert report.status() == 0 and [row.held for row in report.rows] == [True, True, None]


def test_what_failed_is_an_error_and_what_is_left_out_is_not(report):
    report.leave_out("P9", "it wants root")
    assert report.status() == 0
    report.failed("P8", RuntimeError("no server"))
    assert report.status() == 1 and "P8 " in report.said[-1] and "RuntimeError: no server" in report.said[-1]
    assert report.summary() == "0 goals held, 0 missed, left out: P9, P8"


def test_json_keeps_every_round_and_makes_the_same_tables(report, tmp_path):
    report.add("P4 8", [0.9, 0.5, 0.1], "x", polls=[1, 2, 3])
    report.add("P1", [0.5])
    report.table("By processes", ["processes", "s"], [[1, 2.5], ["a | b", 3]])
    report.write(tmp_path / "below" / "figures.json")
    found = json.loads((tmp_path / "below" / "figures.json").read_text())
    row = found["figures"][0]
    assert (row["figure"], row["value"], row["least"], row["most"], row["held"]) == ("P4", 0.5, 0.1, 0.9, False)
    assert row["rounds"] == [0.9, 0.5, 0.1] and row["raw"] == {"polls": [1, 2, 3]} and row["goal"] == 0.6
    text = markdown(found)
    assert text == markdown(report.as_json())
    assert "| P4 8 | status polls over 8 connections (x) | 0.50 x pgbench -S -M prepared | 0.10 to 0.90 | >= 0.6 "\
        "| MISSED |" in text
    assert text.index("| P1 |") < text.index("| P4 8 |")
    assert "**By processes**" in text and "| 1 | 2.5 |\n| a \\| b | 3 |" in text


def test_a_document_gets_its_tables_between_its_marks(tmp_path):
    path = tmp_path / "document.md"
    path.write_text("before\n<!-- peers: how -->\nold\n<!-- end of peers -->\nafter\n")
    for text in ("new", "newer"):
        put_into(path, "peers", text)
    assert path.read_text() == "before\n<!-- peers: how -->\n\nnewer\n\n<!-- end of peers -->\nafter\n"
    with pytest.raises(ValueError, match="no marks of figures"):
        put_into(path, "figures", "x")
    for name in ("figures", "peers"):
        assert f"<!-- {name}: " in (ROOT / "docs/performance.md").read_text()


def test_every_figure_can_be_measured():
    from tests.bench import goals
    assert list(goals.MEASURES) == FIGURES


def test_numbers_are_shown_to_be_read():
    assert [show(value) for value in (0, 0.0123, 0.5, 1.234, 12.34, 1234.5)] == [
        "0", "0.012", "0.50", "1.23", "12.3", "1234"]
    assert percentile(range(1, 101), 0.99) == 100 and percentile([3], 0.99) == 3


def test_the_table_of_goals_is_whole():
    assert len(BY_KEY) == len(GOALS)
    assert [figure for figure in FIGURES if not re.fullmatch(r"P\d+b?", figure)] == []
    named = set()
    for path in (ROOT / "tests/bench/figures").glob("*.py"):
        named |= set(re.findall(r'"(P\d+b?(?: [\w ]+)?)"', path.read_text()))
    assert named <= set(BY_KEY) | set(FIGURES)


def run(*arguments):
    return subprocess.run([sys.executable, "-B", str(ROOT / "tests/bench/goals.py"), *arguments], capture_output=True,
                          text=True, env=os.environ | {"PYTHONPATH": ""})


def test_the_command_lists_goals_and_refuses_what_it_has_not():
    listed = run("--list")
    assert listed.returncode == 0 and len(listed.stdout.splitlines()) == len(GOALS)
    unknown = run("P1", "P99")
    assert unknown.returncode == 2 and "no figure P99; there are: P1 P2" in unknown.stderr
