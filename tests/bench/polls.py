"""Status polls at 32 connections against `pgbench -S -M prepared` at 32 connections, of the same run.

Both ends run on this machine in both cases; rounds alternate, and the medians are compared. Also printed: the CPU
seconds of the service itself a thousand polls. Aim: at least 0.3.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.lib import http_source as source  # noqa: E402 (after the path)
from tests.lib.postgres import Postgres, program  # noqa: E402
from tests.lib.process import scratch_folder  # noqa: E402
from tests.lib.service import Program, Service  # noqa: E402

CONNECTIONS = 32


def build_load(folder):
    path = folder / "poll_load"
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", str(ROOT / "tests/bench/poll_load.c"), "-o", str(path)], check=True)
    return path


def pgbench(url, *arguments):
    done = subprocess.run([program("pgbench"), *arguments, url], check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("tps = "):
            return float(line.split()[2])
    return None


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    binary = os.environ.get("VERBATIM_BINARY", ROOT / "build/release/verbatim")
    with Postgres() as cluster, scratch_folder() as folder:
        yardstick = cluster.create_database("yardstick").url
        pgbench(yardstick, "-i", "-q", "-s", "10")
        database = cluster.create_database("polls")
        verbatim = Program(binary, database.url)
        source.make_source(database)
        keys = source.make_workspaces(verbatim)
        load = build_load(folder)
        (folder / "storage").mkdir()
        with Service(verbatim, folder, workers=0, storage=f"file://{folder}/storage") as service:
            job = service.start_export("one", keys["one"], start_date="2026-02-01", end_date="2026-02-28",
                                       channel_id=source.LONELY).json()["export_job_id"]
            path = f"/api/v1/workspace/one/export-conversations/{job}"
            polls, selects, cpu, answered = [], [], 0.0, 0.0
            for _ in range(options.rounds):
                selects.append(pgbench(yardstick, "-n", "-S", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "2",
                                       "-T", str(options.seconds)))
                before = cpu_seconds(service.process.child.pid)
                done = subprocess.run([str(load), str(service.port), str(CONNECTIONS), str(options.seconds), path,
                                       keys["one"]], check=True, capture_output=True, text=True)
                rate, median, tail = done.stdout.split()
                cpu += cpu_seconds(service.process.child.pid) - before
                answered += float(rate) * options.seconds
                polls.append(float(rate))
                print(f"polls {float(rate):.0f}/s (median {median} us, 99th percentile {tail} us), "
                      f"pgbench -S {selects[-1]:.0f}/s")
    ratio = statistics.median(polls) / statistics.median(selects)
    print(f"polls: {ratio:.2f} of pgbench -S -M prepared (aim 0.30); {cpu / answered * 1e3:.3f} CPU s of the service "
          f"per 1,000 polls")
    return 0 if ratio >= 0.3 else 1


if __name__ == "__main__":
    sys.exit(main())
