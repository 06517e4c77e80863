"""A cancelled export's upload is aborted when nobody sends to it any more: some stores keep what comes later."""

import threading
import time

import pytest

from tests.lib import queue
from tests.lib.patience import LIMIT, again_after_a_stall
from tests.lib.process import wait_until
from tests.lib.service import Service
from tests.lib.strict_store import StrictStore


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 50})
    queue.fill(database, "large", 4000, messages=5, noise=100)  # some 35 MB of archive, four pages


class Slow:
    """A store that works on each part for a while when it has all of it, and at least until `go_on`; `aborts`: how many
    it was working on at each abort."""

    def __init__(self, store, seconds=0.4):
        self.seconds, self.lock, self.at_work, self.aborts = seconds, threading.Lock(), 0, []
        self.go_on = threading.Event()
        store.before, store.proxy.change = self.begin, self.end

    def begin(self, call, target, body):
        with self.lock:
            if call == "abort":
                self.aborts.append(self.at_work)
            self.at_work += call.startswith("part ")
        if call.startswith("part "):
            self.go_on.wait(LIMIT)
            time.sleep(self.seconds)

    def end(self, call, status, data):
        with self.lock:
            self.at_work -= call.startswith("part ")
        return status, data


def cancel(database, job_id):
    """What the cancelling wrote of the job's uploads, before any worker has seen it: (holders, not yet due)."""
    with database.connect() as connection, connection.transaction():
        connection.execute("SELECT set_config('verbatim.workspace_id', 'w', true)")
        answer = connection.execute("SELECT verbatim.job_cancel('w', %s, NULL, 'ann')", [job_id]).fetchone()[0]
        assert answer == "cancelled"
        return connection.execute("SELECT holders, not_before > clock_timestamp() FROM verbatim.cleanup"
                                  " WHERE job_id = %s", [job_id]).fetchall()


def begin(database, slow):
    """A job of which parts are on their way."""
    job_id = queue.add_job(database, "large")
    wait_until(lambda: slow.at_work > 0, "parts on their way", pause=0.005)
    return job_id


def is_clean(database, job_id):
    rows = database.execute("SELECT looks FROM verbatim.cleanup WHERE job_id = %s", [job_id])
    return rows and all(looks > 0 for looks, in rows)


def test_the_abort_waits_for_the_threads(program, database, folder, minio):
    with StrictStore(minio, "cancel-order") as store:
        slow = Slow(store)
        with Service(program, folder, "worker", store.storage.env, workers=3, lease="1h", janitor_interval="1h",
                     segment_parts=1, s3_part_size="5MiB", **store.storage.options):
            job_id = begin(database, slow)
            assert all(holders for holders, _ in cancel(database, job_id))
            slow.go_on.set()
            wait_until(lambda: is_clean(database, job_id), "the clean-up", queue.CANCEL_LIMIT)
        assert slow.aborts and set(slow.aborts) == {0}
        assert store.client.list_objects_v2(Bucket="cancel-order").get("KeyCount") == 0


@again_after_a_stall
def test_the_abort_does_not_wait_for_the_dead(program, database, folder, minio):
    """Their leases run out."""
    with StrictStore(minio, "cancel-order") as store:
        slow = Slow(store)
        options = store.storage.options | {"lease": "3s", "segment_parts": 1, "s3_part_size": "5MiB"}
        with Service(program, folder, "worker", store.storage.env, workers=3, **options) as service:
            job_id = begin(database, slow)
            service.kill()
        slow.go_on.set()
        assert any(waits for _, waits in cancel(database, job_id)), "while their leases last, they may be at work"
        with Service(program, folder, "worker", store.storage.env, workers=1, janitor_interval="1s", **options):
            wait_until(lambda: is_clean(database, job_id), "the clean-up", queue.CANCEL_LIMIT)
        assert slow.aborts and set(slow.aborts) == {0}
