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
from tests.lib.postgres import Postgres, program  # noqa: E402
from tests.lib.process import scratch_folder, wait_until  # noqa: E402
from tests.lib.service import Program, Service  # noqa: E402

WORKSPACE = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
CHANNELS = {name: f"a1b2c3d4-0000-4000-8000-{number:012d}"
            for number, name in enumerate(["large", "giant", "small"], 1)}
RANGE = {"start_date": "2026-04-01", "end_date": "2026-04-30"}
# As reading.md's figures were taken: everything cached, and commits that really reach the disk.
SETTINGS = {"fsync": "on", "full_page_writes": "on", "shared_buffers": "1GB", "max_wal_size": "8GB"}

TABLES = """
CREATE SCHEMA chat;
CREATE TABLE chat.channel (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, name text NOT NULL,
    channel_type text NOT NULL, phone_number text);
CREATE TABLE chat.contact (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, name text, phone text, email text);
CREATE TABLE chat.assistant (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, name text NOT NULL);
CREATE TABLE chat.conversation (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, channel_id uuid NOT NULL,
    contact_id uuid, assistant_id uuid, created_at timestamptz NOT NULL);
CREATE TABLE chat.message (id uuid PRIMARY KEY, conversation_id uuid NOT NULL, created_at timestamptz NOT NULL,
    direction text NOT NULL, speaker_type text NOT NULL, speaker_name text, text text NOT NULL,
    media_urls text[], status text, sender_account text);
"""
INDEXES = """
CREATE INDEX ON chat.conversation (channel_id, created_at, id);
CREATE INDEX ON chat.message (conversation_id, created_at, id);
VACUUM ANALYZE;
"""
# Messages are inserted by time across all conversations, so one conversation's rows lie scattered over the heap.
FILL = """
INSERT INTO chat.channel VALUES ('{channel}', '{workspace}', 'Support {name}', 'LOCAL', '+1202555012{number}');
INSERT INTO chat.contact
    SELECT gen_random_uuid(), '{workspace}', 'Contact ' || n, '+4930' || (1000000 + n), 'c' || n || '@example.com'
    FROM generate_series(1, {contacts}) AS n;
INSERT INTO chat.assistant VALUES (gen_random_uuid(), '{workspace}', 'Helper {name}');
INSERT INTO chat.conversation
    SELECT gen_random_uuid(), '{workspace}', '{channel}', c.id,
           (SELECT id FROM chat.assistant WHERE name = 'Helper {name}'),
           '2026-04-01T00:00:00Z'::timestamptz + (row_number() OVER () * interval '{step} ms')
    FROM (SELECT id FROM chat.contact ORDER BY id LIMIT {conversations}) AS c;
INSERT INTO chat.message
    SELECT gen_random_uuid(), c.id, c.created_at + n * interval '{gap} s',
           CASE WHEN n % 2 = 1 THEN 'inbound' ELSE 'outbound' END,
           CASE WHEN n % 2 = 1 THEN 'customer' WHEN n % 4 = 0 THEN 'agent' ELSE 'bot' END,
           CASE WHEN n % 4 = 0 THEN 'Alex Doe' END,
           'Message ' || n || ' of the conversation, "quoted, with commas" and more words to make it as long '
               || 'as people write: ' || substr(md5(n::text || c.id::text), 1, 20 + n % 12),
           CASE WHEN n % 10 = 0 THEN ARRAY['https://media.example.com/' || n || '.jpg'] END,
           'delivered', CASE WHEN n % 4 = 0 THEN 'alex@example.com' END
    FROM generate_series(1, {per_conversation}) AS n
    CROSS JOIN (SELECT id, created_at FROM chat.conversation WHERE channel_id = '{channel}') AS c
    ORDER BY n, md5(c.id::text);
"""
COPY = """COPY (SELECT m.id, m.conversation_id, k.name, k.phone, m.direction, m.speaker_type,
    coalesce(m.speaker_name, CASE m.speaker_type WHEN 'customer' THEN k.name WHEN 'bot' THEN a.name END),
    m.created_at, m.text, array_to_string(m.media_urls, ','), m.status, m.sender_account
    FROM chat.conversation AS c JOIN chat.message AS m ON m.conversation_id = c.id
    LEFT JOIN chat.contact AS k ON k.id = c.contact_id LEFT JOIN chat.assistant AS a ON a.id = c.assistant_id
    WHERE c.channel_id = '{channel}' AND c.created_at >= '2026-04-01' AND c.created_at < '2026-05-01'
    ORDER BY c.created_at, c.id, m.created_at, m.id) TO STDOUT WITH CSV"""


def fill(database, name, number, conversations, per_conversation):
    step = max(1, 29 * 24 * 3600 * 1000 // conversations)
    gap = min(37, 30 * 24 * 3600 / per_conversation)  # all of it has to lie before the export's as_of
    database.execute(FILL.format(channel=CHANNELS[name], workspace=WORKSPACE, name=name, number=number,
                                 contacts=conversations, conversations=conversations, step=step, gap=gap,
                                 per_conversation=per_conversation))


def prepare(database, messages):
    database.execute(TABLES)
    fill(database, "large", 1, messages // 25, 25)
    fill(database, "giant", 2, 1, messages)
    fill(database, "small", 3, 2, 5)
    with database.connect() as connection:
        for statement in filter(str.strip, INDEXES.split(";")):
            connection.execute(statement)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle_seconds():
    """What all cores spent idle or waiting for a disk, since the machine's start."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")


def tree_cpu_seconds(pid):
    """User and system time of a process and all that it reaped or still has: the database server's backends."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    reaped = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    total = cpu_seconds(pid) + reaped
    for child in children:
        try:
            total += cpu_seconds(child)
        except OSError:
            continue  # it ended; its time is its parent's by now
    return total


def peak_rss(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def copy_seconds(database, name):
    start = time.monotonic()
    with open("/dev/null", "wb") as sink:
        subprocess.run([program("psql"), "-X", "-q", "-c", COPY.format(channel=CHANNELS[name]), database.url],
                       check=True, stdout=sink)
    return time.monotonic() - start


class Bench:
    """One cluster filled once; a service is started for each figure, so its CPU and memory are that figure's."""

    def __init__(self, cluster, database, folder, store, messages):
        self.cluster, self.database, self.folder, self.store = cluster, database, folder, store
        self.messages = messages
        self.program = Program(os.environ.get("VERBATIM_BINARY", ROOT / "build/release/verbatim"), database.url)
        self.program.migrate()
        self.program.workspace(WORKSPACE)
        self.key = self.program.key(WORKSPACE)

    def service(self, storage, **options):
        if storage == "s3":
            return Service(self.program, self.folder, env=self.store.credentials(),
                           **self.store.options("bench"), **options)
        return Service(self.program, self.folder, storage=f"file://{self.folder}", **options)

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
