"""Every figure that is held to a goal (tests/bench/figures/table.py), each a ratio in one run or true by its nature.

Sides alternate, the median of the rounds is judged, the spread stands beside it. Ends with 1 if a goal is missed.

usage: goals.py [FIGURE...] [--quick] [--against REF] [--most N] [--json FILE] [--markdown] [--into FILE] [--list]
       goals.py --from FILE [--into FILE]

  FIGURE          P1 to P13, all by default
  --quick         smaller sizes and fewer rounds of all: two minutes on two quiet cores. Goals are for the full sizes
  --against REF   what P2 compares with, a git revision that is built under .run/
  --most N        no export of more messages than that (10,000,000, which want 12 GB of disk)
  --json FILE     where the raw figures go (.run/bench/TIME.json)
  --markdown      prints the tables at the end as docs/performance.md has them; --into FILE puts them there
  --from FILE     tables of an earlier run's JSON, nothing is measured
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.figures import before, formats, growth, harm, idle, large, media  # noqa: E402 (after the path)
from tests.bench.figures import memory, neighbours, network, polls, small  # noqa: E402
from tests.bench.figures.house import House, LeftOut, binary_here, machine  # noqa: E402
from tests.bench.figures.report import Report, markdown, marked, put_into  # noqa: E402
from tests.bench.figures.sizes import sizes  # noqa: E402
from tests.bench.figures.table import FIGURES, GOALS  # noqa: E402
from tests.lib.process import KEPT  # noqa: E402

MEASURES = {"P1": large.against_copy, "P2": large.against_before, "P3": memory.peaks, "P4": polls.against_select,
            "P4b": polls.against_rows, "P5": small.latency, "P6": small.throughput, "P7": growth.steps,
            "P8": harm.measure, "P9": network.measure, "P10": media.measure, "P11": neighbours.measure,
            "P12": formats.measure, "P13": idle.measure}


def words():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="*", metavar="FIGURE")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--against", default=before.BEFORE, metavar="REF")
    parser.add_argument("--most", type=lambda text: int(text.replace(",", "").replace("_", "")), metavar="N")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--into", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--from", dest="source", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--list", action="store_true")
    found = parser.parse_args()
    if found.into:
        marked(found.into, "figures")  # before anything is measured
    unknown = set(found.figures) - set(FIGURES)
    if unknown:
        parser.error(f"no figure {', '.join(sorted(unknown))}; there are: {' '.join(FIGURES)}")
    return found


def revision():
    """What is measured, with a + where the tree differs from it."""
    done = subprocess.run(["git", "describe", "--always", "--abbrev=8", "--dirty=+"], cwd=ROOT, capture_output=True,
                          text=True)
    return done.stdout.strip() or "unknown"


def measure(house, report, figures):
    for figure in figures:
        start = time.monotonic()
        report.say(f"== {figure}")
        try:
            MEASURES[figure](house, report)
        except LeftOut as reason:
            report.leave_out(figure, str(reason))
        except Exception as error:  # the others are measured all the same, and the end says so
            report.failed(figure, error)
        house.sweep()
        report.facts["seconds"][figure] = round(time.monotonic() - start, 1)


def bench(options, say):
    size = sizes(options.quick, options.most)
    figures = [figure for figure in FIGURES if figure in (options.figures or FIGURES) and figure in MEASURES]
    against = None
    try:
        against, name = before.build(options.against, say) if "P2" in figures else (None, None)
    except RuntimeError as error:
        name = str(error)
    with House(size, binary_here(), say) as house:
        facts = {"revision": revision(), "against": name, "quick": options.quick, "sizes": vars(size),
                 "machine": machine(house.cluster), "seconds": {}}
        report = Report(facts, say)
        if options.quick:
            say("quick: smaller sizes and fewer rounds; the goals are for the full sizes")
        if facts["machine"]["load"] > 0.5:
            say(f"load {facts['machine']['load']}: this machine is not quiet, so times are not worth much")
        house.against = against
        measure(house, report, figures)
    return report


def main():
    options = words()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped in order
    if options.list:
        for goal in GOALS:
            print(f"{goal.key:28} {goal.words():10} {goal.unit}: {goal.what}")
        return 0
    if options.source:
        tables = markdown(json.loads(options.source.read_text()))
        put_into(options.into, "figures", tables) if options.into else print(tables)
        return 0
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    report = bench(options, lambda text: print(text, flush=True))
    path = options.json or KEPT / "bench" / time.strftime("%Y%m%d-%H%M%S.json")
    report.write(path)
    if options.into:
        put_into(options.into, "figures", markdown(report.as_json()))
    if options.markdown:
        print("\n" + markdown(report.as_json()) + "\n")
    print(f"{report.summary()}; raw figures in {path}")
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
