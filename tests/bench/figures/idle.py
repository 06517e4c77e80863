"""P13: what a process costs that has nothing to do: API, two worker threads, janitor."""

import time

from tests.lib.measure import process_seconds
from tests.lib.statements import Statements

from .report import show

SETTLE = 16  # seconds, in which what the start, its look at /readyz and the first export have to do is done


def measure(house, report):
    here = house.installation(house.usual())
    both = here.database, here.source
    Statements.log(*both)
    with here.service("file") as service:
        here.export(service, "small")
        time.sleep(SETTLE)
        asked = Statements(house.cluster, *both)
        cpu, start = process_seconds(service.process.pid), time.monotonic()
        time.sleep(house.sizes.idle_seconds)
        seconds = time.monotonic() - start
        spent = process_seconds(service.process.pid) - cpu
        statements = len(asked.all())
    Statements.log(*both, on=False)
    report.add("P13 cpu", [spent / seconds * 100], f"{show(spent * 1e3)} ms in {show(seconds)} s")
    report.add("P13 statements", [statements / seconds], f"{statements} in {show(seconds)} s")
