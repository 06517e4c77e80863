"""What a manifest costs: the same export as entries of one conversation, with and without, in turns.

usage: manifest.py [--messages N] [--runs N]
"""

import argparse
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.lib.large_source import CHANNELS, SETTINGS, WORKSPACE, House, prepare  # noqa: E402 (after the path)
from tests.lib.measure import cpu_seconds, peak_rss  # noqa: E402
from tests.lib.postgres import Postgres  # noqa: E402
from tests.lib.process import scratch_folder, wait_until  # noqa: E402


class Bench(House):
    def export(self, service):
        start, before = time.monotonic(), cpu_seconds(service.process.pid)
        path = f"/api/v1/workspace/{WORKSPACE}/exports"
        answer = service.request("POST", path, key=self.key, json_body={"select": {"channel_id": CHANNELS["large"]}})
        assert answer.status == 202, answer.body
        path += "/" + answer.json()["export_id"]
        shown = wait_until(lambda: (one := service.request("GET", path, key=self.key).json())["status"] in
                           ("finished", "failed") and one, "the export", 600, 0.01)
        assert shown["status"] == "finished", shown
        return time.monotonic() - start, cpu_seconds(service.process.pid) - before, shown["files"][0]["size"]

    def measure(self, runs):
        figures, peaks = {"off": [], "on": []}, {}
        for _ in range(runs):
            for manifest, found in figures.items():
                with self.service("file", workers=2, manifest=manifest) as service:
                    self.export(service)  # the first one warms up
                    found.append(self.export(service))
                    peaks[manifest] = peak_rss(service.process.pid)
        for manifest, found in figures.items():
            walls, own, sizes = (list(each) for each in zip(*found))
            ratio = statistics.median(one[1] / yard[1] for one, yard in zip(found, figures["off"]))
            print(f"manifest {manifest}: {statistics.median(walls):.2f} s, own CPU {statistics.median(own):.2f} s "
                  f"({ratio:.2f} of off), {sizes[0] / 2**20:.2f} MiB, peak RSS {peaks[manifest]:.1f} MiB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=250_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with scratch_folder() as folder, Postgres(SETTINGS) as cluster:
        database = cluster.create_database("bench")
        prepare(database, arguments.messages)
        Bench(cluster, database, pathlib.Path(folder), None, arguments.messages).measure(arguments.runs)


if __name__ == "__main__":
    main()
