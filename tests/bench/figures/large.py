"""P1 and P2: a large export against what a database client needs to print its rows, and against the build before."""

import statistics
import subprocess
import time

from tests.lib.large_source import CHANNELS, COPY
from tests.lib.measure import cpu_seconds, peak_rss, tree_cpu_seconds
from tests.lib.postgres import program

from .house import LeftOut
from .report import show


def copy_seconds(database):
    """psql COPY CSV of the channel's rows, joined and in the export's order, to /dev/null."""
    start = time.monotonic()
    with open("/dev/null", "wb") as sink:
        subprocess.run([program("psql"), "-X", "-q", "-c", COPY.format(channel=CHANNELS["large"]), database.url],
                       check=True, stdout=sink)
    return time.monotonic() - start


def against_copy(house, report):
    house.need_store()
    source = house.usual()
    here = house.installation(source)
    walls, yards, own, servers, stores = [], [], [], [], []
    with here.service() as service:
        here.export(service, "small")
        copy_seconds(source)
        for _ in range(house.sizes.rounds):
            yards.append(copy_seconds(source))
            server, store = tree_cpu_seconds(house.cluster.process.pid), cpu_seconds(house.store.processes[0].pid)
            ended = here.export(service)
            walls.append(ended.wall)
            own.append(ended.cpu)
            servers.append(tree_cpu_seconds(house.cluster.process.pid) - server)
            stores.append(cpu_seconds(house.store.processes[0].pid) - store)
        peak = peak_rss(service.process.pid)
    assert ended.export["progress"]["messages_done"] == house.sizes.messages, ended.export
    middle = statistics.median
    report.add("P1", [wall / yard for wall, yard in zip(walls, yards)],
               f"{house.sizes.messages:,} messages in {show(middle(walls))} s, COPY {show(middle(yards))} s; CPU: own "
               f"{show(middle(own))} s, PostgreSQL {show(middle(servers))} s, MinIO {show(middle(stores))} s; "
               f"{ended.export['files'][0]['size'] / 1e6:.1f} MB, peak {peak:.0f} MiB",
               export=walls, copy=yards, own=own, postgres=servers, minio=stores)


def against_before(house, report):
    """The two builds side by side, a service of each; what does not export meanwhile is idle."""
    house.need_store()
    source = house.usual()
    here = house.installation(source)
    if not house.against:
        raise LeftOut("no build to compare with (--against REF)")
    before = house.installation(source, house.against)
    cpus = {here: [], before: []}
    with here.service() as one, before.service() as other:
        sides = {here: one, before: other}
        for side, service in sides.items():
            side.export(service, "small")
        for n in range(house.sizes.rounds):
            for side in list(sides) if n % 2 == 0 else reversed(list(sides)):
                cpus[side].append(side.export(sides[side]).cpu)
    scale = 1e6 / house.sizes.messages
    report.add("P2", [a / b for a, b in zip(cpus[here], cpus[before])],
               f"{show(statistics.median(cpus[here]))} s, {report.facts['against']} "
               f"{show(statistics.median(cpus[before]))} s", here=cpus[here], before=cpus[before])
    report.add("P2 seconds", [cpu * scale for cpu in cpus[here]], "of this machine")
