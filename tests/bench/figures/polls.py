"""P4 and P4b: answers a second against what PostgreSQL itself gives, both ends on this machine in either case.

Load is made by wrk, as many connections to the service as pgbench has to the database; rounds alternate.
"""

import re
import shutil
import statistics
import subprocess

from tests.bench import polls as native
from tests.lib import http_source
from tests.lib.measure import process_seconds
from tests.lib.service import Program, Service

from .house import LeftOut
from .report import show

SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}
# What the service reads for a running export: the job and the sums of its segments.
RUNNING = """SELECT j.job_id, j.status, j.printed, j.conversations_total, j.error_message, j.requested_by, j.created_at,
    j.started_at, j.finished_at, j.as_of, j.link_expires_at, j.object_key, j.archive_deleted_at, j.file_name,
    j.content_type, j.size, j.crc32, coalesce(j.counts, verbatim.job_count(j.job_id))
    FROM verbatim.job AS j WHERE j.workspace_id = 'one' AND j.job_id = '{job}';
"""


def wrk(port, connections, seconds, path, key):
    """(answers a second, 99th percentile in ms); an answer that is no success is an error."""
    done = subprocess.run(["wrk", "--latency", "-t", "1" if connections < 32 else "2", "-c", str(connections), "-d",
                           f"{seconds}s", "-H", f"X-API-Key: {key}", f"http://127.0.0.1:{port}{path}"],
                          check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in done and "Socket errors" not in done, done
    value, unit = re.search(r"^\s+99%\s+([\d.]+)(us|ms|s|m)$", done, re.M).groups()
    return float(re.search(r"^Requests/sec:\s+([\d.]+)", done, re.M)[1]), float(value) * SECONDS[unit] * 1e3


class Polled:
    """A service without workers on a history of 10,000 exports, of which one runs; a pgbench database beside it."""

    def __init__(self, house):
        self.house = house

    def __enter__(self):
        if not shutil.which("wrk"):
            raise LeftOut("wrk is not installed")
        cluster, folder = self.house.cluster, self.house.folder
        self.yardstick = cluster.create_database("yardstick").url
        native.pgbench(self.yardstick, "-i", "-q", "-s", "10")
        self.database = cluster.create_database("polls")
        program = Program(self.house.binary, self.database.url)
        http_source.make_source(self.database)
        self.key = http_source.make_workspaces(program)["one"]
        self.service = Service(program, folder, workers=0, storage=f"file://{folder}")
        self.service.__enter__()
        self.job = self.service.start_export("one", self.key, start_date="2026-02-01", end_date="2026-02-28",
                                             channel_id=http_source.LONELY).json()["export_job_id"]
        return self

    def __exit__(self, *error):
        self.service.__exit__(*error)

    def bench(self, url, connections, *arguments):
        seconds = self.house.sizes.seconds + connections // 64  # it counts what it takes to connect
        rate = native.pgbench(url, "-n", "-M", "prepared", "-c", str(connections), "-j",
                              "1" if connections < 32 else "2", "-T", str(seconds), *arguments)
        assert rate, f"pgbench did nothing within {seconds} s over {connections} connections"
        return rate

    def load(self, connections, path):
        return wrk(self.service.port, connections, self.house.sizes.seconds, path, self.key)


def against_select(house, report):
    rounds = house.sizes.loads
    with Polled(house) as polled:
        path = f"{native.WORKSPACE}/export-conversations/{polled.job}"
        for connections in (8, 32, 128):
            rates, yards, tails, cpus = [], [], [], []
            for _ in range(rounds):
                yards.append(polled.bench(polled.yardstick, connections, "-S"))
                before = process_seconds(polled.service.process.pid)
                rate, tail = polled.load(connections, path)
                cpus.append((process_seconds(polled.service.process.pid) - before) / rate / house.sizes.seconds * 1e6)
                rates.append(rate)
                tails.append(tail)
            report.add(f"P4 {connections}", [rate / yard for rate, yard in zip(rates, yards)],
                       f"{show(statistics.median(rates))} a second of {show(statistics.median(yards))}, "
                       f"{show(statistics.median(cpus))} us of own CPU each", polls=rates, pgbench=yards)
            report.add(f"P4 {connections} p99", tails)


def against_rows(house, report):
    """Lists, and reads of what runs, against their rows alone: by pgbench as a superuser, without a key."""
    rounds = house.sizes.loads
    with Polled(house) as polled:
        running = native.fill(polled.database, polled.job)
        scripts = {"list": native.FLOOR.format(limit=21), "running": RUNNING.format(job=running)}
        paths = {"list": f"{native.WORKSPACE}/exports?limit=20", "running": f"{native.WORKSPACE}/exports/{running}"}
        for name, path in paths.items():
            script = house.folder / f"{name}.sql"
            script.write_text(scripts[name].replace("\n", " "))
            rates, yards, tails = [], [], []
            for _ in range(rounds):
                yards.append(polled.bench(polled.database.url, 32, "-f", str(script)))
                rate, tail = polled.load(32, path)
                rates.append(rate)
                tails.append(tail)
            report.add(f"P4b {name}", [rate / yard for rate, yard in zip(rates, yards)],
                       f"{show(statistics.median(rates))} a second of {show(statistics.median(yards))}, "
                       f"32 connections, p99 {show(statistics.median(tails))} ms",
                       answers=rates, pgbench=yards, p99=tails)
