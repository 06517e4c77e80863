"""P13: what a process costs that has nothing to do: API, two worker threads, janitor."""

import time

from tests.lib.measure import process_seconds

from .report import show

SETTLE = 11  # seconds: so long may a session that has become idle keep its counts to itself
COUNT = "SELECT sum(xact_commit + xact_rollback)::int FROM pg_stat_database WHERE datname = ANY (%s)"


def measure(house, report):
    here = house.installation(house.usual())
    names = [here.database.name, here.source.name]
    look = house.cluster.database()  # not one of the two, so that looking is not counted
    with here.service("file") as service:
        here.export(service, "small")
        time.sleep(SETTLE)
        before, cpu, start = look.value(COUNT, [names]), process_seconds(service.process.pid), time.monotonic()
        time.sleep(house.sizes.idle_seconds)
        seconds = time.monotonic() - start
        spent = process_seconds(service.process.pid) - cpu
        statements = look.value(COUNT, [names]) - before
    report.add("P13 cpu", [spent / seconds * 100], f"{show(spent * 1e3)} ms in {show(seconds)} s")
    report.add("P13 statements", [statements / seconds], f"{statements} in {show(seconds)} s")
