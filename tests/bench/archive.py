"""HTML archives against CSV and JSON: the same conversations as one file on file storage, in turns.

usage: archive.py [--messages N] [--runs N] [--keep FILE]   FILE gets the HTML archive, to be opened
"""

import argparse
import pathlib
import shutil
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.lib.large_source import CHANNELS, SETTINGS, WORKSPACE, House, prepare  # noqa: E402 (after the path)
from tests.lib.measure import cpu_seconds, peak_rss, tree_cpu_seconds  # noqa: E402
from tests.lib.postgres import Postgres  # noqa: E402
from tests.lib.process import scratch_folder, wait_until  # noqa: E402

FORMATS = {"csv": {"format": "csv", "files": "single"}, "json": {"format": "json"}, "html": {"format": "html"}}


class Bench(House):
    def export(self, service, words):
        """Trigger to finished, and the resource."""
        start = time.monotonic()
        body = {"select": {"channel_id": CHANNELS["large"]}} | words
        answer = service.request("POST", f"/api/v1/workspace/{WORKSPACE}/exports", key=self.key, json_body=body)
        assert answer.status == 202, answer.body
        path = f"/api/v1/workspace/{WORKSPACE}/exports/{answer.json()['export_id']}"

        def ended():
            export = service.request("GET", path, key=self.key).json()
            return export if export["status"] in ("finished", "failed") else None
        export = wait_until(ended, "the export", 600, 0.01)
        assert export["status"] == "finished", export
        return time.monotonic() - start, export

    def measure(self, runs, keep):
        walls, own, server, sizes = ({name: [] for name in FORMATS} for _ in range(4))
        peaks = {}
        for name, words in FORMATS.items():
            with self.service("file", workers=2) as service:
                self.export(service, words)
                peaks[name] = peak_rss(service.process.pid)
        with self.service("file", workers=2) as service:
            for _ in range(runs):
                for name, words in FORMATS.items():
                    before = cpu_seconds(service.process.pid), tree_cpu_seconds(self.cluster.process.pid)
                    wall, export = self.export(service, words)
                    walls[name].append(wall)
                    own[name].append(cpu_seconds(service.process.pid) - before[0])
                    server[name].append(tree_cpu_seconds(self.cluster.process.pid) - before[1])
                    sizes[name].append(export["files"][0]["size"])
            if keep:
                key = self.database.value("SELECT object_key FROM verbatim.job WHERE job_id = %s",
                                          [export["export_id"]])
                shutil.copyfile(self.folder / key, keep)
        middle = statistics.median
        for name in FORMATS:
            ratio = middle(one / yard for one, yard in zip(walls[name], walls["csv"]))
            print(f"{name}: {middle(walls[name]):.2f} s ({ratio:.2f} of csv), own CPU {middle(own[name]):.2f} s, "
                  f"database CPU {middle(server[name]):.2f} s, {sizes[name][0] / 2**20:.1f} MiB, "
                  f"peak RSS {peaks[name]:.1f} MiB, {self.messages} messages", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=250_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keep", type=pathlib.Path)
    arguments = parser.parse_args()
    with scratch_folder() as folder, Postgres(SETTINGS) as cluster:
        database = cluster.create_database("bench")
        prepare(database, arguments.messages)
        Bench(cluster, database, pathlib.Path(folder), None, arguments.messages).measure(arguments.runs, arguments.keep)


if __name__ == "__main__":
    main()
