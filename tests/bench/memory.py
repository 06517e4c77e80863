"""Peak memory (VmHWM) of a `serve` with two worker threads, for everything that it exports: at most 64 MiB each.

1,000,000 messages in 40,000 conversations (large) and in a single one (giant), through the native door in every format
and packaging, to an S3 store and once to files; and through the doors that answer at once, four answers at a time. The
service is started anew for each row, so the peak is that row's. Ends with 1 if a row misses the goal.

usage: memory.py [WORD...] [--messages N]: rows that hold all of the words
"""

import argparse
import concurrent.futures
import http.client
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.lib import object_stores  # noqa: E402 (after the path)
from tests.lib.large_source import CHANNELS, RANGE, SETTINGS, WORKSPACE, House, prepare  # noqa: E402
from tests.lib.measure import peak_rss  # noqa: E402
from tests.lib.postgres import Postgres  # noqa: E402
from tests.lib.process import scratch_folder, wait_until  # noqa: E402

GOAL = 64.0
AT_ONCE = 4
SOURCES = ["large", "giant"]
SHAPES = [{"format": "csv", "layout": "messages"}, {"format": "csv", "layout": "conversations"},
          {"format": "csv", "layout": "leads"}, {"format": "json"}, {"format": "ndjson"}, {"format": "html"},
          {"format": "xlsx"}, {"format": "pdf"}]
PACKAGINGS = ["per_conversation", "chunks", "single"]
EXPORTS = f"/api/v1/workspace/{WORKSPACE}/exports"


class Absent(Exception):
    """There is no such export."""


class Memory(House):
    def look(self, service):
        assert service.get(EXPORTS, self.key).status == 200

    def native(self, service, source, shape, files):
        body = {"select": {"channel_id": CHANNELS[source]}, "files": files,
                "filter": {"from": RANGE["start_date"], "to": RANGE["end_date"]}, **shape}
        answer = service.request("POST", EXPORTS, self.key, json_body=body)
        if answer.status == 422 and (b"not available yet" in answer.body or b"a pdf holds one" in answer.body
                                     or b"single pdf holds" in answer.body):
            raise Absent
        assert answer.status == 202, answer.body
        path = f"{EXPORTS}/{answer.json()['export_id']}"

        def ended():
            export = service.get(path, self.key).json()
            return export if export["status"] in ("finished", "failed") else None
        export = wait_until(ended, "the export", 600, 0.1)
        assert export["status"] == "finished", export
        assert export["progress"]["messages_done"] == self.messages, export

    def read(self, service, path):
        """The length of an answer that is read to its end and not kept; a truncated one raises."""
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
        connection.request("GET", path, headers={"X-API-Key": self.key})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        length = 0
        while piece := answer.read(1 << 20):
            length += len(piece)
        connection.close()
        return length

    def at_once(self, service, path):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            lengths = list(pool.map(lambda _: self.read(service, path), range(AT_ONCE)))
        assert min(lengths) > 100 * self.messages, lengths

    def id_of(self, relation, name):
        column = {"assistant": "name = 'Helper ' || %s", "conversation": "channel_id::text = %s"}[relation]
        value = name if relation == "assistant" else CHANNELS[name]
        return self.database.execute(f"SELECT id FROM chat.{relation} WHERE {column}", [value])[0][0]

    def rows(self):
        """Name, storage, and what to do with a running service: a method and its arguments."""
        yield "after start, a request", "file", self.look, []
        for source in SOURCES:
            for shape in SHAPES:
                for files in PACKAGINGS:
                    yield " ".join([source, *shape.values(), files]), "s3", self.native, [source, shape, files]
            yield (" ".join([source, *SHAPES[0].values(), PACKAGINGS[0]]), "file", self.native,
                   [source, SHAPES[0], PACKAGINGS[0]])
            for form in ("json", "csv"):
                path = f"/v3/agents/{self.id_of('assistant', source)}/convos/export?format={form}"
                yield f"{source} /v3 {form} at once", "file", self.at_once, [path]
        for form in ("json", "csv", "pdf"):
            path = f"/v1/conversations/{self.id_of('conversation', 'giant')}/export?format={form}"
            yield f"giant /v1 {form} at once", "file", self.at_once, [path]

    def measure(self, storage, act, arguments):
        with self.service(storage, workers=2) as service:
            act(service, *arguments)
            return peak_rss(service.process.pid)

    def table(self, words):
        """Prints each row as it is known; how many missed the goal."""
        missed = shown = 0
        print(f"{'export':48} {'store':6} {'MiB':>6}", flush=True)
        for name, storage, act, arguments in self.rows():
            store = self.store.name if storage == "s3" else "files"
            if not all(word in (*name.split(), store) for word in words):
                continue
            try:
                peak = self.measure(storage, act, arguments)
            except Absent:
                continue
            shown += 1
            missed += peak > GOAL
            print(f"{name:48} {store:6} {peak:6.1f}{'  over the goal' if peak > GOAL else ''}", flush=True)
        print(f"{shown} exports of {self.messages} messages, {missed} of them above {GOAL:.0f} MiB", flush=True)
        return missed if shown else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--messages", type=int, default=1_000_000)
    arguments = parser.parse_args()
    names = object_stores.available()
    if not names:
        sys.exit("no S3 server on this machine")
    with scratch_folder() as folder, Postgres(SETTINGS) as cluster, object_stores.STORES[names[0]]() as store:
        database = cluster.create_database("memory")
        prepare(database, arguments.messages)
        store.make_bucket("bench")
        missed = Memory(cluster, database, folder, store, arguments.messages).table(arguments.words)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
