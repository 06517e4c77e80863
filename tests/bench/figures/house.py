"""What figures run in: one cluster, one MinIO, sources filled when first asked for, installations of any build.

A source is a database of its own and Verbatim's rows are in another one, so that an older build has a schema of its own
beside the same source, and what a source bears can be told from what the queue costs. Everything goes with the house.
"""

import contextlib
import os
import pathlib
import shutil
import time
from dataclasses import dataclass

import boto3

from tests.lib import object_stores
from tests.lib.large_source import CHANNELS, INDEXES, RANGE, SETTINGS, TABLES, WORKSPACE, fill
from tests.lib.measure import process_seconds
from tests.lib.postgres import Postgres
from tests.lib.process import ROOT, scratch_folder
from tests.lib.service import Program, Service

BUCKET = "bench"
EXPORTS = f"/api/v1/workspace/{WORKSPACE}/exports"
ROW_BYTES = 1_000  # of disk for a message: its row, its indexes, WAL and an archive or two
HUGE_MESSAGE = """
INSERT INTO chat.message SELECT gen_random_uuid(), id, created_at + interval '1 hour', 'inbound', 'customer', NULL,
    rpad('', {size}, 'every word of a large message counts. '), NULL, 'delivered', NULL
FROM chat.conversation LIMIT 1"""


class LeftOut(Exception):
    """This machine cannot measure it; says why."""


@dataclass
class Ended:
    """One export: seconds from the trigger to its end as the caller sees it, its resource, own CPU."""

    wall: float
    export: dict
    cpu: float


class Installation:
    """A build with a database of its own on a source: services of it are started for each figure."""

    def __init__(self, house, source, binary, number):
        self.house, self.source = house, source
        self.database = house.cluster.create_database(f"installation_{number}")
        self.program = Program(binary, self.database.url, {"source_url": source.url})
        self.program.migrate()
        self.program.workspace(WORKSPACE)
        self.key = self.program.key(WORKSPACE)

    def service(self, storage="s3", command="serve", **options):
        """To be entered. Two worker threads unless told otherwise."""
        options = {"workers": 2} | options
        if storage == "s3":
            store = self.house.store
            return Service(self.program, self.house.folder, command, env=store.credentials(),
                           **store.options(BUCKET) | options)
        return Service(self.program, self.house.folder, command, storage=f"file://{self.house.folder}", **options)

    def export(self, service, channel="large", seconds=1800, **words):
        """Orders and waits as the API offers it, so that nobody polls meanwhile."""
        before, start = process_seconds(service.process.pid), time.monotonic()
        body = {"select": {"channel_id": CHANNELS[channel]},
                "filter": {"from": RANGE["start_date"], "to": RANGE["end_date"]}} | words
        answer = service.request("POST", EXPORTS, self.key, json_body=body)
        assert answer.status == 202, answer.body
        path = f"{EXPORTS}/{answer.json()['export_id']}"
        while True:
            export = service.get(path, self.key, headers={"Prefer": "wait=20"}).json()
            if export["status"] in ("finished", "failed", "cancelled"):
                break
            assert time.monotonic() < start + seconds, export
        wall = time.monotonic() - start
        assert export["status"] == "finished", export
        return Ended(wall, export, process_seconds(service.process.pid) - before)

    def archive(self, ended):
        """(key, its bytes in the store) of an export to MinIO."""
        key = self.database.value("SELECT object_key FROM verbatim.job WHERE job_id = %s", [ended.export["export_id"]])
        return key, self.house.store.client().get_object(Bucket=BUCKET, Key=key)["Body"]


def shared_buffers():
    """A quarter of the memory, as PostgreSQL's manual advises: ten million messages are cached with 24 GiB."""
    return f"{max(1024, memory() >> 22)}MB"


def memory():
    """Bytes of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class House:
    """`with House(sizes, binary) as house:`"""

    def __init__(self, sizes, binary, say=print):
        self.sizes, self.binary, self.say = sizes, str(binary), say
        self.against = None  # path of the build before, when there is one
        self._sources, self._installations = {}, {}

    def __enter__(self):
        self._cleanup = contextlib.ExitStack()
        try:
            self.folder = self._cleanup.enter_context(scratch_folder())
            self.cluster = self._cleanup.enter_context(Postgres(SETTINGS | {"shared_buffers": shared_buffers()}))
            self.has_store = bool(object_stores.find_program("minio"))
            if self.has_store:
                self.store = self._cleanup.enter_context(object_stores.Minio())
                self.store.make_bucket(BUCKET)
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(self, *error):
        self._cleanup.close()

    def need_store(self):
        if not self.has_store:
            raise LeftOut("there is no MinIO on this machine")

    def sweep(self):
        """Archives that nobody needs any more, so that they do not fill the disk."""
        if self.has_store:
            store = boto3.resource("s3", endpoint_url=self.store.endpoint, region_name=self.store.region,
                                   aws_access_key_id=self.store.access_key,
                                   aws_secret_access_key=self.store.secret_key)
            store.Bucket(BUCKET).objects.all().delete()
        for path in self.folder.rglob("*"):
            if path.suffix in (".zip", ".csv", ".json", ".ndjson", ".html", ".xlsx", ".pdf"):
                path.unlink(missing_ok=True)

    def room_for(self, messages):
        """Raises where the cluster's disk would not hold so many."""
        free = shutil.disk_usage(self.cluster.folder).free
        if free < messages * ROW_BYTES + (2 << 30):
            raise LeftOut(f"{messages:,} messages want {messages * ROW_BYTES / 1e9 + 2:.0f} GB of disk,"
                          f" {free / 1e9:.0f} GB are free")

    def source(self, conversations, per_conversation=25, name=""):
        """The database with so many conversations in the channel `large` and ten messages in `small`."""
        name = name or f"source_{conversations}_{per_conversation}"
        if name not in self._sources:
            self.room_for(conversations * per_conversation)
            start = time.monotonic()
            database = self.cluster.create_database(name)
            database.execute(TABLES)
            fill(database, "large", 1, conversations, per_conversation)
            fill(database, "small", 3, 2, 5)
            with database.connect() as connection:
                for statement in filter(str.strip, INDEXES.split(";")):
                    connection.execute(statement)
            self.say(f"  ({conversations * per_conversation:,} messages made in {time.monotonic() - start:.0f} s)")
            self._sources[name] = database
        return self._sources[name]

    def usual(self):
        return self.source(self.sizes.messages // 25)

    def sized(self, messages):
        return self.source(messages // 25)

    def huge(self):
        """A source with one message of so many MiB beside a few others."""
        database = self.source(2, 5, "source_huge")
        database.execute(HUGE_MESSAGE.format(size=self.sizes.huge * 2**20))
        return database

    def installation(self, source, binary=None):
        key = source.name, binary or self.binary
        if key not in self._installations:
            self._installations[key] = Installation(self, source, key[1], len(self._installations))
        return self._installations[key]


def machine(cluster):
    """Facts about where it was measured."""
    words = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        words.setdefault(*(part.strip() for part in (line + ":").split(":")[:2]))
    return {"processor": words.get("model name", "unknown"), "cores": os.cpu_count(),
            "memory": f"{memory() / 2**30:.0f} GiB", "kernel": os.uname().release,
            "postgres": cluster.database().value("SHOW server_version").split()[0],
            "load": round(os.getloadavg()[0], 2), "date": time.strftime("%Y-%m-%d")}


def binary_here():
    return pathlib.Path(os.environ.get("VERBATIM_BINARY", ROOT / "build/release/verbatim"))

