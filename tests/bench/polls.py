"""Status polls at 32 connections against `pgbench -S -M prepared` at 32 connections, of the same run: those of the main
door, reads of the native door (queued and running), and its lists with 10,000 exports behind them. The floor of a list
is printed beside it: its bare rows through pgbench, as a superuser and without a key.

Both ends run on this machine in both cases; rounds alternate, and the medians are compared. Also printed: the CPU
seconds of the service itself a thousand answers.
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
from tests.lib.measure import cpu_seconds  # noqa: E402
from tests.lib.postgres import Postgres, program  # noqa: E402
from tests.lib.process import scratch_folder  # noqa: E402
from tests.lib.service import Program, Service  # noqa: E402

CONNECTIONS = 32
WORKSPACE = "/api/v1/workspace/one"


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


def fill(database, job):
    """A history behind it, so that a list has pages: finished exports like the one that is asked for, and a running
    one, which is returned."""
    with database.connect() as connection:
        columns = [row[0] for row in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'verbatim.job'::regclass AND attnum > 0 AND NOT"
            " attisdropped AND attgenerated = '' AND attname NOT IN"
            " ('job_id', 'created_at', 'active_key', 'status', 'finished_at')")]
        names = ", ".join(columns)
        connection.execute(
            f"INSERT INTO verbatim.job (job_id, created_at, status, finished_at, {names})"
            f" SELECT gen_random_uuid(), created_at - n * interval '1 minute',"
            f" CASE WHEN n < 10000 THEN 'finished' ELSE 'queued' END, CASE WHEN n < 10000 THEN created_at END, {names}"
            " FROM verbatim.job, generate_series(1, 10000) AS n WHERE job_id = %s", [job])
        connection.execute("INSERT INTO verbatim.segment (job_id, part_first, part_last, workspace_id, status)"
                           " SELECT job_id, 1, 10000, workspace_id, 'recorded' FROM verbatim.job WHERE job_id <> %s",
                           [job])
        running = connection.execute("UPDATE verbatim.job SET status = 'started', started_at = now()"
                                     " WHERE job_id <> %s AND status = 'queued' RETURNING job_id", [job]).fetchone()[0]
        connection.execute("UPDATE verbatim.segment SET status = 'running', process_id = gen_random_uuid(),"
                           " lease_until = now() + interval '1 day' WHERE job_id = %s", [running])
        connection.execute("ANALYZE verbatim.job")
        connection.execute("ANALYZE verbatim.segment")
    return running


FLOOR = """SELECT job_id, status, printed, conversations_total, error_message, requested_by, created_at, started_at,
    finished_at, as_of, link_expires_at, object_key, archive_deleted_at, file_name, content_type, size, crc32, counts
    FROM verbatim.job WHERE workspace_id = 'one' ORDER BY created_at DESC, job_id DESC LIMIT {limit};
"""


def floor(yardstick, database, folder, limit, options):
    """What the rows of a list cost by themselves, as a ratio to pgbench -S."""
    script = folder / f"list_{limit}.sql"
    script.write_text(FLOOR.format(limit=limit + 1).replace("\n", " "))
    common = ["-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "2", "-T", str(options.seconds)]
    rates = [(pgbench(database.url, "-f", str(script), *common), pgbench(yardstick, "-S", *common))
             for _ in range(options.rounds)]
    return statistics.median(rate for rate, _ in rates) / statistics.median(select for _, select in rates)


def measure(yardstick, load, service, key, path, options):
    """Ratio to pgbench, and CPU seconds of the service for a thousand answers."""
    rates, selects, cpu, answered = [], [], 0.0, 0.0
    for _ in range(options.rounds):
        selects.append(pgbench(yardstick, "-n", "-S", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "2",
                               "-T", str(options.seconds)))
        before = cpu_seconds(service.process.child.pid)
        done = subprocess.run([str(load), str(service.port), str(CONNECTIONS), str(options.seconds), path, key],
                              check=True, capture_output=True, text=True)
        rate, median, tail = done.stdout.split()
        cpu += cpu_seconds(service.process.child.pid) - before
        answered += float(rate) * options.seconds
        rates.append(float(rate))
        print(f"{path.split('/', 5)[5][:20]} {float(rate):.0f}/s (median {median} us, 99th percentile {tail} us), "
              f"pgbench -S {selects[-1]:.0f}/s")
    return statistics.median(rates) / statistics.median(selects), cpu / answered * 1e3


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
            running = fill(database, job)
            paths = [("polls", 0.3, f"{WORKSPACE}/export-conversations/{job}"),
                     ("native read", 0.5, f"{WORKSPACE}/exports/{job}"),
                     ("native read, running", 0.5, f"{WORKSPACE}/exports/{running}"),
                     ("native list of 1", 0.5, f"{WORKSPACE}/exports?limit=1"),
                     ("native list of 20", 0.5, f"{WORKSPACE}/exports")]
            done = [measure(yardstick, load, service, keys["one"], path, options) for _, _, path in paths]
        floors = {limit: floor(yardstick, database, folder, limit, options) for limit in (1, 20)}
    for (name, goal, _), (ratio, cpu) in zip(paths, done):
        print(f"{name}: {ratio:.2f} of pgbench -S -M prepared (goal {goal:.2f}); {cpu:.3f} CPU s of the service "
              f"per 1,000 answers")
    for limit, ratio in floors.items():
        print(f"the bare rows of a list of {limit}: {ratio:.2f} of pgbench -S -M prepared")
    return 0 if all(ratio >= goal for (_, goal, _), (ratio, _) in zip(paths, done)) else 1


if __name__ == "__main__":
    sys.exit(main())
