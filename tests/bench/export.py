"""The export itself against its yardsticks; every figure a ratio of the same run on the same machine.

large    1,000,000 messages in 40,000 conversations of one channel to MinIO: trigger to finished, against
         `psql -c "COPY (the same rows, joined and ordered) TO STDOUT WITH CSV"`; own CPU, peak RSS, parts
threads  the same with one worker thread against two, and how busy the database's processes were
giant    one conversation of 1,000,000 messages: peak RSS, time against its COPY
small    10 messages on file storage: trigger to finished, median of many

usage: export.py [large] [threads] [giant] [small] [--messages N]
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.lib import object_stores  # noqa: E402 (after the path)
from tests.lib.large_source import CHANNELS, COPY, RANGE, SETTINGS, WORKSPACE, House, prepare  # noqa: E402
from tests.lib.measure import cpu_seconds, idle_seconds, peak_rss, tree_cpu_seconds  # noqa: E402
from tests.lib.postgres import Postgres, program  # noqa: E402
from tests.lib.process import scratch_folder, wait_until  # noqa: E402


def copy_seconds(database, name):
    start = time.monotonic()
    with open("/dev/null", "wb") as sink:
        subprocess.run([program("psql"), "-X", "-q", "-c", COPY.format(channel=CHANNELS[name]), database.url],
                       check=True, stdout=sink)
    return time.monotonic() - start


class Bench(House):
    def export(self, service, name, pause=0.005):
        """Trigger to finished as the caller sees it, and the job."""
        start = time.monotonic()
        answer = service.start_export(WORKSPACE, self.key, channel_id=CHANNELS[name], **RANGE)
        assert answer.status == 202, answer.body
        job_id = answer.json()["export_job_id"]

        def ended():
            job = service.job(WORKSPACE, self.key, job_id)
            return job if job["status"] in ("finished", "failed") else None
        job = wait_until(ended, "the export", 600, pause)
        seconds = time.monotonic() - start
        assert job["status"] == "finished", job
        return seconds, job

    def parts(self, job):
        rows = self.database.execute("SELECT object_key, size, conversations, messages FROM verbatim.job"
                                     " WHERE job_id = %s", [job["export_job_id"]])
        key, size, conversations, messages = rows[0]
        etag = self.store.client().head_object(Bucket="bench", Key=key)["ETag"].strip('"')
        parts = int(etag.rsplit("-", 1)[1]) if "-" in etag else 1
        return parts, size, conversations, messages

    def one_large(self, name, workers, runs):
        """Pairs of yardstick and export; the median of the ratios."""
        ratios, walls, yards, cpus, servers, busy = [], [], [], [], [], []
        with self.service("s3", workers=workers) as service:
            for _ in range(runs):
                yard = copy_seconds(self.database, name)
                own, server = cpu_seconds(service.process.pid), tree_cpu_seconds(self.cluster.process.pid)
                idle = idle_seconds()
                wall, job = self.export(service, name)
                busy.append(1 - (idle_seconds() - idle) / (wall * os.cpu_count()))
                cpus.append(cpu_seconds(service.process.pid) - own)
                servers.append(tree_cpu_seconds(self.cluster.process.pid) - server)
                ratios.append(wall / yard)
                walls.append(wall)
                yards.append(yard)
            rss = peak_rss(service.process.pid)
        parts, size, conversations, messages = self.parts(job)
        assert messages == self.messages, (messages, self.messages)
        middle = statistics.median
        print(f"{name}, {workers} worker thread(s): export {middle(walls):.2f} s, COPY {middle(yards):.2f} s, "
              f"ratio {middle(ratios):.2f} (of {', '.join(f'{r:.2f}' for r in ratios)}); own CPU "
              f"{middle(cpus):.2f} s, server CPU {middle(servers):.2f} s, {os.cpu_count()} cores busy "
              f"{middle(busy):.0%}; peak RSS {rss:.1f} MiB; {parts} parts, "
              f"{size / 2**20:.1f} MiB, {conversations} conversations, {messages} messages", flush=True)
        return middle(walls)

    def large(self):
        self.one_large("large", 2, 5)

    def threads(self):
        one, two = self.one_large("large", 1, 5), self.one_large("large", 2, 5)
        print(f"threads: two against one {one / two:.2f} x as fast", flush=True)

    def giant(self):
        self.one_large("giant", 2, 3)

    def small(self, runs=200):
        times = []
        with self.service("file", workers=2) as service:
            for _ in range(runs):
                times.append(self.export(service, "small", pause=0.0005)[0] * 1000)
        times.sort()
        print(f"small: trigger to finished, file storage: median {statistics.median(times):.1f} ms, "
              f"p90 {times[int(runs * 0.9)]:.1f} ms, least {times[0]:.1f} ms of {runs}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="*")
    parser.add_argument("--messages", type=int, default=1_000_000)
    arguments = parser.parse_args()
    figures = arguments.figures or ["large", "threads", "giant", "small"]
    stores = object_stores.available()
    store_kind = object_stores.STORES[stores[0]] if stores else None
    needs_store = set(figures) - {"small"}
    if needs_store and not store_kind:
        sys.exit("no S3 server on this machine")
    with scratch_folder() as folder, Postgres(SETTINGS) as cluster:
        database = cluster.create_database("bench")
        prepare(database, arguments.messages)
        if not needs_store:
            run(Bench(cluster, database, folder, None, arguments.messages), figures)
            return
        with store_kind() as store:
            print(f"S3 server: {store.name}", flush=True)
            store.make_bucket("bench")
            run(Bench(cluster, database, folder, store, arguments.messages), figures)


def run(bench, figures):
    for figure in figures:
        getattr(bench, figure)()


if __name__ == "__main__":
    main()
