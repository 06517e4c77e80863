"""P11: what a large export does to others of the same process: small jobs' wait in the queue, and polls.

Small jobs come one at a time from workspaces of their own; polls come at a steady pace over kept connections. Their
99th percentiles beside those of the same load without the export.
"""

import statistics
import threading
import time

from tests.lib.large_source import WORKSPACE

from .report import percentile, show
from .small import one_small
from .watch import Beside

POLLS = 50  # a second
WAITS = """SELECT extract(epoch FROM started_at - created_at)::float8 * 1e3 FROM verbatim.job
    WHERE workspace_id = 'small' AND created_at >= %s AND status = 'finished'"""


class Polls(Beside):
    """A poll each 20 ms over one connection, on a thread of its own; `times` in ms from when it was due."""

    def __init__(self, service, path, key):
        super().__init__()
        self.service, self.path, self.key = service, path, key
        self.times = []

    def _run(self):
        connection, due = self.service.connection(), time.perf_counter()
        while not self._end.wait(max(0, due - time.perf_counter())):
            connection.request("GET", self.path, headers={"X-API-Key": self.key})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
            self.times.append((time.perf_counter() - due) * 1e3)
            due = max(due + 1 / POLLS, time.perf_counter() - 1)
        connection.close()


class Small:
    """What one_small() wants of an installation: the key of another workspace."""

    def __init__(self, here):
        here.program.workspace("small", source_id=WORKSPACE, max_running=4)
        self.key = here.program.key("small")
        self.path = "/api/v1/workspace/small/exports"


def load(here, small, service, jobs, until=lambda: False):
    """(waits of small jobs, times of polls) in ms; ends after so many jobs, or when `until` says so."""
    since = here.database.value("SELECT clock_timestamp()")
    _, first = one_small(small, service, small.path, wait=True)
    with Polls(service, f"{small.path}/{first['export_id']}", small.key) as polls:
        for n in range(jobs):
            if until():
                break
            one_small(small, service, small.path, wait=True)
    waits = [wait for wait, in here.database.execute(WAITS, [since])]
    return waits, polls.times


def measure(house, report):
    house.need_store()
    messages = house.sizes.neighbour_messages
    here = house.installation(house.sized(messages))
    small, jobs = Small(here), house.sizes.neighbour_jobs
    with here.service() as service:
        load(here, small, service, 10)
        quiet = load(here, small, service, jobs)
        waits, times, ended = [], [], []
        while len(waits) < jobs:
            large = threading.Thread(target=lambda: ended.append(here.export(service)))
            large.start()
            time.sleep(0.1)
            found = load(here, small, service, jobs - len(waits), lambda: not large.is_alive())
            large.join()
            waits += found[0]
            times += found[1]
    note = (f"{len(waits)} small jobs, {len(times)} polls beside {len(ended)} exports of {messages:,} messages in "
            f"{show(statistics.median(each.wall for each in ended))} s each")
    for key, with_it, without in (("P11 queue", waits, quiet[0]), ("P11 polls", times, quiet[1])):
        tail, yard = percentile(with_it, 0.99), percentile(without, 0.99)
        report.add(key, [tail / yard], f"p99 {show(tail)} ms, quiet {show(yard)} ms, medians "
                   f"{show(statistics.median(with_it))} and {show(statistics.median(without))} ms; {note}",
                   loaded=with_it, quiet=without)
