"""P5 and P6: how soon a small export is there, and how many of them one process makes."""

import concurrent.futures
import http.client
import json
import statistics
import time

from tests.lib.large_source import CHANNELS, RANGE, WORKSPACE
from tests.lib.process import wait_until

from .house import BUCKET, EXPORTS
from .report import percentile, show

WORKSPACES = 20
ORDERING = 4  # connections that order




class BarePut:
    """PUT by a kept connection and a link signed before the clock starts: what the store itself takes."""

    def __init__(self, store, count):
        client = store.client()
        self.links = [client.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": f"bare/{n}"})
                      for n in range(count)]
        self.endpoint = store.endpoint
        self.connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=30)

    def milliseconds(self, n, body):
        path = self.links[n].removeprefix(self.endpoint)
        start = time.perf_counter()
        self.connection.request("PUT", path, body)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return (time.perf_counter() - start) * 1e3


PAUSE = 0.0005  # between two polls of a caller in a hurry


def one_small(here, service, path=EXPORTS, wait=False):
    """(milliseconds from the trigger to the end, as it tells who polls or waits; the export)."""
    connection = service.connection()
    headers = {"X-API-Key": here.key, "Content-Type": "application/json"}
    body = json.dumps({"select": {"channel_id": CHANNELS["small"]},
                       "filter": {"from": RANGE["start_date"], "to": RANGE["end_date"]}})
    start = time.perf_counter()
    connection.request("POST", path, body, headers)
    path += f"/{json.loads(connection.getresponse().read())['export_id']}"
    while True:
        connection.request("GET", path, headers=headers | ({"Prefer": "wait=20"} if wait else {}))
        export = json.loads(connection.getresponse().read())
        if export["status"] == "finished":
            connection.close()
            return (time.perf_counter() - start) * 1e3, export
        assert export["status"] in ("queued", "started"), export
        time.sleep(0 if wait else PAUSE)


def latency(house, report):
    here = house.installation(house.usual())
    count = house.sizes.small_jobs
    with here.service("file") as service:
        pairs = [[one_small(here, service, wait=wait)[0] for wait in (False, True)] for _ in range(count + 5)]
    times, waits = (list(each) for each in zip(*pairs[5:]))
    report.add("P5 file", [statistics.median(times)],
               f"polled twice a millisecond, p99 {show(percentile(times, 0.99))} ms of {count}; for who waits "
               f"{show(statistics.median(waits))} ms", times=times, waits=waits)
    house.need_store()
    bare = BarePut(house.store, count + 5)
    with here.service() as service:
        pairs = []
        for n in range(count + 5):
            took, export = one_small(here, service)
            pairs.append((took, bare.milliseconds(n, bytes(export["files"][0]["size"]))))
    times, puts = (list(each) for each in zip(*pairs[5:]))
    report.add("P5 minio", [statistics.median(times) / statistics.median(puts)],
               f"{show(statistics.median(times))} ms, a PUT {show(statistics.median(puts))} ms; p99 "
               f"{show(percentile(times, 0.99))} and {show(percentile(puts, 0.99))} ms of {count}",
               times=times, puts=puts)


def make_workspaces(here):
    """Workspaces that share the source, each with a key: {id: key}."""
    keys = {}
    for n in range(WORKSPACES):
        name = f"small-{n}"
        here.program.workspace(name, source_id=WORKSPACE)
        keys[name] = here.program.key(name)
    return keys


def order(service, keys, count):
    """Orders so many exports, evenly over the workspaces, from few kept connections."""
    body = json.dumps({"select": {"channel_id": CHANNELS["small"]},
                       "filter": {"from": RANGE["start_date"], "to": RANGE["end_date"]}})
    names = list(keys)

    def work(first):
        connection = service.connection()
        for n in range(first, count, ORDERING):
            name = names[n % len(names)]
            connection.request("POST", f"/api/v1/workspace/{name}/exports", body,
                               {"X-API-Key": keys[name], "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 202, text
        connection.close()
    with concurrent.futures.ThreadPoolExecutor(ORDERING) as pool:
        list(pool.map(work, range(ORDERING)))


def rate(here, keys, storage, count):
    """Exports a second of a process with default options that finds them all waiting."""
    with here.service(storage, workers=0) as door:
        order(door, keys, count)
    waiting = "SELECT count(*) FROM verbatim.job WHERE status NOT IN ('finished', 'failed', 'cancelled')"
    assert here.database.value(waiting) == count
    before = here.database.value("SELECT clock_timestamp()")
    with here.service(storage, workers=None):
        wait_until(lambda: here.database.value(waiting) == 0, "all small exports", 600, 0.1)
    failed, seconds = here.database.execute(
        "SELECT count(*) FILTER (WHERE status <> 'finished'),"
        " extract(epoch FROM max(finished_at) - min(started_at))::float8 FROM verbatim.job WHERE created_at < %s"
        " AND finished_at > %s", [before, before])[0]
    assert failed == 0, failed
    return count / seconds


def throughput(house, report):
    here = house.installation(house.usual())
    keys = make_workspaces(here)
    count, rounds = house.sizes.many_jobs, house.sizes.loads
    note = f"{count} exports of 10 messages of {WORKSPACES} workspaces, default options"
    report.add("P6 file", [rate(here, keys, "file", count) for _ in range(rounds)], note)
    house.need_store()
    report.add("P6 minio", [rate(here, keys, "s3", count) for _ in range(rounds)], note)
