"""A store that stops in the middle of a part: the source is let go of meanwhile, and the bytes are the same."""

import time
from dataclasses import replace

import pytest

from tests.end_to_end.conftest import file_storage, storage_in_store
from tests.lib import queue
from tests.lib.process import wait_until
from tests.lib.proxy import Proxy
from tests.lib.queue import Crew

pytestmark = pytest.mark.threads

# The reader's statement and transaction, and whether the server waits for us to take its rows.
OPEN = ("SELECT wait_event FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'verbatim reader' AND xact_start IS NOT NULL")
PAGE_STALL = 10  # seconds: VB_PAGE_STALL


def test_source_is_released_while_the_store_stalls(program, database, folder, minio, request):
    queue.prepare(program, database)
    queue.fill(database, "large", 800, messages=20, noise=130)  # about 33 MB of archive
    local = file_storage(folder)
    with Crew(program, folder, local, workers=1):
        whole = queue.archive(local, queue.finished(database, queue.add_job(database, "large")))
    store = storage_in_store(minio, request)
    with Proxy(minio.port, hold_on=b"partNumber=1&") as proxy:
        stalling = replace(store, options=store.options | {"s3_endpoint": f"http://127.0.0.1:{proxy.port}"})
        with Crew(program, folder, stalling, workers=1, page=2000, s3_equal_parts="on") as crew:
            job_id = queue.add_job(database, "large")
            wait_until(lambda: proxy.holds, "the first part")
            begun = time.monotonic()
            wait_until(lambda: database.execute(OPEN) == [("ClientWrite",)], "the reader to be held up", 8)
            wait_until(lambda: database.execute(OPEN) == [], "the end of the transaction", PAGE_STALL + 5)
            assert time.monotonic() - begun > PAGE_STALL - 1  # a short stall costs no second statement
            time.sleep(1)
            assert database.execute(OPEN) == [] and queue.job(database, job_id).status == "started"
            proxy.release()
            found = queue.finished(database, job_id)
            crew.stop()
    assert queue.archive(store, found) == whole
    assert [attempts for *_, attempts, _ in queue.segments(database, job_id)] == [0]
