"""A store that stops in the middle of a part: the source is let go of meanwhile, and the bytes are the same."""

import contextlib
import time
from dataclasses import replace

import pytest

from tests.end_to_end.conftest import file_storage, storage_in_store
from tests.lib import queue
from tests.lib.patience import Stopwatch, again_after_a_stall
from tests.lib.process import wait_until
from tests.lib.proxy import Proxy
from tests.lib.queue import Crew

pytestmark = pytest.mark.threads

# The reader's statement and transaction, and whether the server waits for us to take its rows.
OPEN = ("SELECT wait_event FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'verbatim reader' AND xact_start IS NOT NULL")
PAGE_STALL = 10  # seconds: VB_PAGE_STALL


@pytest.fixture(scope="module", autouse=True)
def expected(program, database, folder):
    """The archive of an export that nothing disturbs."""
    queue.prepare(program, database)
    # About 33 MB of archive, and in one statement: more than sockets hold and the reader takes in ahead.
    queue.fill(database, "large", 25, messages=640, noise=130)
    local = file_storage(folder)
    with Crew(program, folder, local, workers=1):
        return queue.archive(local, queue.finished(database, queue.add_job(database, "large")))


@pytest.fixture(scope="module")
def store(minio, request):
    return storage_in_store(minio, request)


@contextlib.contextmanager
def stalled(program, database, folder, store, **options):
    """An export whose first part does not arrive, while the reader is in the middle of its only page."""
    with Proxy(store.store.port, hold_on=b"partNumber=1&") as proxy:
        stalling = replace(store, options=store.options | {"s3_endpoint": f"http://127.0.0.1:{proxy.port}"})
        with Crew(program, folder, stalling, workers=1, page=2000, s3_equal_parts="on", **options) as crew:
            job_id = queue.add_job(database, "large")
            wait_until(lambda: proxy.holds, "the first part")
            wait_until(lambda: database.execute(OPEN) == [("ClientWrite",)], "the reader to be held up")
            yield proxy, crew, job_id
            proxy.release()


@again_after_a_stall
def test_source_is_released_while_the_store_stalls(program, database, folder, store, expected):
    with stalled(program, database, folder, store) as (proxy, _, job_id):
        watch = Stopwatch()
        wait_until(lambda: database.execute(OPEN) == [], "the end of the transaction")
        assert watch.awake < PAGE_STALL + 5, watch
        assert watch.seconds > PAGE_STALL / 2, watch  # a short stall costs no second statement
        time.sleep(1)
        assert database.execute(OPEN) == [] and queue.job(database, job_id).status == "started"
        proxy.release()
        found = queue.finished(database, job_id)
    assert queue.archive(store, found) == expected
    assert [attempts for *_, attempts, _ in queue.segments(database, job_id)] == [0]


@again_after_a_stall
def test_source_is_released_when_the_work_is_dropped(program, database, folder, store):
    """The worker has nothing else to do then: its reader must not stay in the middle of the page."""
    with stalled(program, database, folder, store, lease="3s") as (_, crew, job_id):
        database.execute("UPDATE verbatim.segment SET claim_epoch = nextval('verbatim.claim_epoch'),"
                         " process_id = gen_random_uuid(), lease_until = now() + interval '1 hour'"
                         " WHERE job_id = %s", [job_id])
        wait_until(lambda: "is not ours any more: its work is dropped" in crew.log(), "the work to be dropped")
        watch = Stopwatch()
        wait_until(lambda: database.execute(OPEN) == [], "the end of the transaction")
        assert watch.awake < 2, watch
