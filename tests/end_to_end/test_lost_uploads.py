"""Uploads whose id never reached us, since the answer to their creation was lost: none is left in the store."""

import pytest

from tests.end_to_end.conftest import Storage
from tests.lib import queue
from tests.lib.fault_proxy import FaultProxy
from tests.lib.parts import running_part
from tests.lib.process import wait_until
from tests.lib.queue import Crew

BUCKET = "lost-uploads"
ATTEMPTS = 5  # of one call


@pytest.fixture(scope="module", autouse=True)
def source(program, database, minio):
    queue.prepare(program, database)
    queue.fill(database, "parts", 300, messages=20, noise=120)  # about 12 MB of archive: two parts
    minio.make_bucket(BUCKET)


@pytest.fixture
def losing(minio):
    """losing(n) -> (proxy, storage): the answers to the first n creations are lost."""
    def make(count):
        proxy = FaultProxy(minio.endpoint, lambda method, target: method == "POST" and "uploads=" in target
                           and proxy.lost < count)
        storage = Storage("proxied", minio.options(BUCKET) | {"s3_endpoint": proxy.endpoint}, minio.credentials(),
                          minio, BUCKET)
        return proxy, storage
    return make


def uploads(storage, key):
    """Only the exact key is a prefix by which MinIO lists."""
    listed = storage.store.client().list_multipart_uploads(Bucket=BUCKET, Prefix=key).get("Uploads", [])
    return [upload["UploadId"] for upload in listed]


def trail(database, job_id):
    return database.execute("SELECT object_key, upload_id, keep_object, looks, last_error FROM verbatim.cleanup"
                            " WHERE job_id = %s ORDER BY cleanup_id", [job_id])


def clean(program, database, folder, storage, job_id):
    """A janitor works the job's rows off; the keys that they named."""
    keys = [row[0] for row in trail(database, job_id)]
    with running_part(program, "janitor", folder, storage, janitor_interval="1s"):
        wait_until(lambda: all(row[3] == 1 for row in trail(database, job_id)), "the janitor")
    return keys


def exists(storage, key):
    return bool(storage.store.client().list_objects_v2(Bucket=BUCKET, Prefix=key).get("KeyCount"))


def test_after_another_attempt_of_the_same_claim(program, database, folder, losing):
    proxy, storage = losing(2)
    with proxy:
        with Crew(program, folder, storage):
            job_id = queue.add_job(database, "parts")
            queue.finished(database, job_id)
        *_, (key, upload, keep, _, _) = trail(database, job_id)
        assert (proxy.lost, keep) == (2, True)
        assert len(uploads(storage, key)) == 2 and upload not in uploads(storage, key)
        clean(program, database, folder, storage, job_id)
    assert uploads(storage, key) == [] and exists(storage, key)


def test_after_another_claim(program, database, folder, losing):
    proxy, storage = losing(ATTEMPTS)
    with proxy:
        with Crew(program, folder, storage):
            job_id = queue.add_job(database, "parts")
            queue.finished(database, job_id)
        *_, first, last = trail(database, job_id)
        assert first[1:3] == ("", False) and last[2] is True
        assert len(uploads(storage, first[0])) == ATTEMPTS
        clean(program, database, folder, storage, job_id)
    assert uploads(storage, first[0]) == [] and uploads(storage, last[0]) == []
    assert exists(storage, last[0]) and not exists(storage, first[0])


def test_after_the_job_has_failed(program, database, folder, losing):
    proxy, storage = losing(100)
    with proxy:
        job_id = queue.add_job(database, "parts")
        database.execute("UPDATE verbatim.segment SET attempts = 4 WHERE job_id = %s", [job_id])
        with Crew(program, folder, storage):
            wait_until(lambda: database.value("SELECT status = 'failed' FROM verbatim.job WHERE job_id = %s", [job_id]),
                       "the failure", 60)
        # The express thread may have looked at it first: its key stands before the last one.
        *_, (key, upload, keep, _, _) = trail(database, job_id)
        assert (upload, keep) == ("", False) and len(uploads(storage, key)) == proxy.lost == ATTEMPTS
        clean(program, database, folder, storage, job_id)
    assert uploads(storage, key) == [] and not exists(storage, key)
