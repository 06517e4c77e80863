"""P9: one export by several worker processes, each in a network namespace with an address of its own.

A bridge connects them with PostgreSQL, MinIO and the front end, so each process is a machine of its own as far as the
network can tell. Wants root and ip(8); everything that is made goes at the end.
"""

import contextlib
import hashlib
import os
import shutil
import statistics
import subprocess

from tests.lib.measure import process_seconds
from tests.lib.object_stores import Minio
from tests.lib.service import Program, Service

from .house import BUCKET, LeftOut
from .report import show

NET = "10.213.77"
BRIDGE = f"{NET}.1"
PROCESSES = (1, 2, 4)


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise LeftOut(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Network:
    """A bridge and so many namespaces behind it; names hold our process id, so runs do not meet."""

    def __init__(self, count):
        self.bridge = f"vb{os.getpid()}"
        self.names = [f"{self.bridge}-{n}" for n in range(count)]

    def __enter__(self):
        self._undo = contextlib.ExitStack()
        try:
            self._make()
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(self, *_):
        self._undo.close()

    def _later(self, *words):
        self._undo.callback(subprocess.run, ["ip", *words], capture_output=True)

    def _make(self):
        ip("link", "add", self.bridge, "type", "bridge")
        self._later("link", "del", self.bridge)
        ip("address", "add", f"{BRIDGE}/24", "dev", self.bridge)
        ip("link", "set", self.bridge, "up")
        for n, name in enumerate(self.names):
            ip("netns", "add", name)
            self._later("netns", "del", name)
            ip("link", "add", f"{self.bridge}v{n}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"{self.bridge}v{n}", "master", self.bridge, "up")
            for words in (["address", "add", f"{NET}.{10 + n}/24", "dev", "eth0"], ["link", "set", "eth0", "up"],
                          ["link", "set", "lo", "up"]):
                ip("-n", name, *words)


class BridgeMinio(Minio):
    host = BRIDGE


@contextlib.contextmanager
def reachable(cluster):
    """The cluster listens on the bridge too, and trusts who comes from there."""
    rules = cluster.data / "pg_hba.conf"
    before, settings = rules.read_text(), dict(cluster.settings)
    cluster.stop()
    rules.write_text(before + f"host all all {NET}.0/24 trust\n")
    cluster.settings["listen_addresses"] = f"127.0.0.1,{BRIDGE}"
    cluster.start()
    try:
        yield
    finally:
        cluster.stop()
        rules.write_text(before)
        cluster.settings = settings
        cluster.start()


def entering(folder, name, binary):
    """A program that is the binary within the namespace; `ip netns exec` becomes it, so its pid is ours."""
    path = folder / f"in-{name}"
    path.write_text(f'#!/bin/sh\nexec ip netns exec {name} "{binary}" "$@"\n')
    path.chmod(0o755)
    return path


def away(program, path):
    """The same installation for a process that reaches it by the bridge."""
    options = {name: value.replace("127.0.0.1", BRIDGE) for name, value in program.options.items()}
    return Program(path, options=options)


def run(here, network, store, count):
    """One export by so many processes: (seconds, CPU of each, SHA-256 of the archive)."""
    folder = here.house.folder
    common = {"env": store.credentials()}
    with contextlib.ExitStack() as stack:
        door = stack.enter_context(Service(here.program, folder, workers=0, **common, **store.options(BUCKET)))
        workers = [stack.enter_context(Service(
            away(here.program, entering(folder, name, here.program.path)), folder, "worker", workers=2, **common,
            **store.options(BUCKET))) for name in network.names[:count]]
        here.export(door, "small")
        before = [process_seconds(worker.process.pid) for worker in workers]
        ended = here.export(door)
        cpus = [process_seconds(worker.process.pid) - one for worker, one in zip(workers, before)]
    key = here.database.value("SELECT object_key FROM verbatim.job WHERE job_id = %s", [ended.export["export_id"]])
    digest, body = hashlib.sha256(), store.client().get_object(Bucket=BUCKET, Key=key)["Body"]
    for piece in iter(lambda: body.read(1 << 20), b""):
        digest.update(piece)
    store.client().delete_object(Bucket=BUCKET, Key=key)
    return ended.wall, cpus, digest.hexdigest()


def measure(house, report):
    house.need_store()
    if os.geteuid() != 0 or not shutil.which("ip"):
        raise LeftOut("it wants root and ip(8), for network namespaces")
    messages = house.sizes.most
    here = house.installation(house.sized(messages))
    with Network(max(PROCESSES)) as network, reachable(house.cluster), BridgeMinio() as store:
        store.make_bucket(BUCKET)
        rounds = 1 if messages >= 10_000_000 else house.sizes.loads
        found = {count: [] for count in PROCESSES}
        for _ in range(rounds):
            for count in PROCESSES:
                found[count].append(run(here, network, store, count))
    walls = {count: statistics.median(wall for wall, _, _ in runs) for count, runs in found.items()}
    digests = {digest for runs in found.values() for _, _, digest in runs}
    rows = [[count, show(walls[count]), f"{messages / walls[count]:,.0f}", show(walls[count] / walls[1]),
             ", ".join(show(cpu) for cpu in found[count][-1][1]), found[count][-1][2][:12]] for count in PROCESSES]
    report.table(f"{messages:,} messages by processes with addresses of their own",
                 ["processes", "s", "messages/s", "x one", "CPU s of each", "SHA-256"], rows)
    report.add("P9 bytes", [len(digests)], f"{messages:,} messages, {sum(map(len, found.values()))} exports")
    for key, count in (("P9 two", 2), ("P9 four", 4)):
        report.add(key, [many[0] / one[0] for many, one in zip(found[count], found[1])])
