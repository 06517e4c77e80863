"""Uploads that a lifecycle rule or a clean-up took away while an export was writing to them: it begins anew."""

import shutil

import pytest

from tests.end_to_end.conftest import Storage
from tests.lib import queue
from tests.lib.fault_proxy import FaultProxy, key_of_call, name_of_call
from tests.lib.patience import again_after_a_stall
from tests.lib.postgres_proxy import PostgresProxy
from tests.lib.process import wait_until
from tests.lib.queue import Crew

RECORD = "SET open_segments = open_segments - 1"
COMPLETE = "jsonb_array_elements(s.parts)"
BUCKET = "taken-away"


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database)
    queue.fill(database, "parts", 300, messages=20, noise=120)  # about 12 MB of archive: two parts or more


@pytest.fixture(scope="module")
def expected(program, database, folder, local):
    with Crew(program, folder, local, workers=1, s3_equal_parts="on"):
        return queue.archive(local, queue.finished(database, queue.add_job(database, "parts")))


class Vanishing:
    """Takes the job's upload away, so many times, when a statement with such words is on its way to the database."""

    def __init__(self, database, storage, words, times):
        self.database, self.storage, self.words, self.left = database, storage, words, times
        self.job_id = None
        self.taken = []

    def __call__(self, statement):
        if self.job_id and self.left > 0 and self.words in statement.text and statement.kind == "execute":
            self.left -= 1
            self.take()

    def take(self):
        key, upload = self.database.execute("SELECT object_key, upload_id FROM verbatim.job WHERE job_id = %s",
                                            [self.job_id])[0]
        if self.storage.folder:
            [parts] = [path for path in (self.storage.folder / key).parent.iterdir() if path.is_dir()]
            shutil.rmtree(parts)
        else:
            self.storage.store.client().abort_multipart_upload(Bucket=self.storage.bucket, Key=key, UploadId=upload)
        self.taken.append(key)


@pytest.fixture
def export(program, database, folder, postgres, storage):
    """export(words, times) -> (vanishing, the ended job, its id).

    One worker: a part of another one that was on its way may keep or bring back an upload that is aborted. Such an
    export ends right as well, under its first key."""
    def run(words, times):
        vanishing = Vanishing(database, storage, words, times)
        with PostgresProxy(postgres.port, vanishing) as proxy:
            with Crew(program, folder, storage, page=20, cuts=120, workers=1, database_url=proxy.url(database.name),
                      source_url=database.url, max_attempts=3):
                vanishing.job_id = queue.add_job(database, "parts", email="a@example.com")
                return vanishing, queue.wait_end(database, vanishing.job_id, 90), vanishing.job_id
    return run


@pytest.mark.parametrize("words", [RECORD, COMPLETE], ids=["in_the_middle", "before_the_close"])
def test_an_export_whose_upload_vanished_begins_anew(database, storage, expected, export, words):
    vanishing, found, job_id = export(words, 1)
    assert found.status == "finished", found.error
    assert queue.archive(storage, found) == expected
    assert (found.conversations, found.messages) == (300, 6000)
    assert vanishing.taken and found.key not in vanishing.taken
    trail = database.execute("SELECT object_key, keep_object FROM verbatim.cleanup WHERE job_id = %s", [job_id])
    assert (vanishing.taken[0], False) in trail and (found.key, True) in trail
    assert max(attempts for _, _, _, attempts, _ in queue.segments(database, job_id)) == 1
    assert database.value("SELECT count(*) FROM verbatim.outbox WHERE job_id = %s", [job_id]) == 1


def test_a_store_that_keeps_no_upload_fails_the_export_in_the_end(database, storage, export):
    vanishing, found, job_id = export(COMPLETE, 100)
    assert (found.status, len(vanishing.taken)) == ("failed", 3)
    assert found.error.startswith("Given up after 3 attempts: "), found.error
    wait_until(lambda: database.value("SELECT count(*) FROM verbatim.cleanup WHERE job_id = %s AND keep_object",
                                      [job_id]) == 0, "a trail that keeps nothing")


class Taken:
    """A store whose uploads somebody aborts just before a part of them arrives, so many times: the part that comes
    after so many others of its upload. `answers` are the store's to such parts."""

    def __init__(self, minio, times, behind=1):
        self.left, self.behind = times, behind
        self.client, self.parts = minio.client(), {}
        if BUCKET not in [bucket["Name"] for bucket in self.client.list_buckets()["Buckets"]]:
            minio.make_bucket(BUCKET)
        self.proxy = FaultProxy(minio.endpoint, decide=self.look)
        self.storage = Storage("taken", minio.options(BUCKET) | {"s3_endpoint": self.proxy.endpoint},
                               minio.credentials(), minio, BUCKET)

    def look(self, method, target):
        if not name_of_call(method, target).startswith("part "):
            return
        key = key_of_call(target)
        self.parts[key] = self.parts.get(key, 0) + 1
        if self.left > 0 and self.parts[key] == self.behind + 1:
            self.left -= 1
            self.abort(key)

    def abort(self, key):
        for upload in self.client.list_multipart_uploads(Bucket=BUCKET, Prefix=key).get("Uploads", []):
            self.client.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload["UploadId"])


def test_a_part_finds_its_upload_aborted_while_others_are_sent(program, database, folder, minio, expected):
    taken = Taken(minio, 1)
    with taken.proxy, Crew(program, folder, taken.storage, page=20, cuts=120, workers=3):
        job_id = queue.add_job(database, "parts")
        found = queue.finished(database, job_id)
        assert queue.archive(taken.storage, found) == expected
    assert taken.left == 0 and len(taken.parts) == 2 and found.key == list(taken.parts)[-1]
    assert max(attempts for _, _, _, attempts, _ in queue.segments(database, job_id)) == 1


@again_after_a_stall
def test_an_upload_is_aborted_after_its_worker_was_killed(program, database, folder, minio, expected):
    taken = Taken(minio, 0)
    with taken.proxy:
        crew = Crew(program, folder, taken.storage, page=20, cuts=120, workers=1, lease="2s")
        job_id = queue.add_job(database, "parts")
        wait_until(lambda: any(status == "recorded" for _, _, status, _, _ in queue.segments(database, job_id)),
                   "a recorded segment", pause=0.005)
        crew.kill()
        [key] = taken.parts
        taken.abort(key)
        with Crew(program, folder, taken.storage, page=20, cuts=120, workers=2, lease="2s"):
            found = queue.finished(database, job_id)
            assert queue.archive(taken.storage, found) == expected
    assert found.key != key
    assert max(attempts for _, _, _, attempts, _ in queue.segments(database, job_id)) == 1


def test_parts_of_which_none_finds_its_upload_fail_the_export_in_the_end(program, database, folder, minio):
    taken = Taken(minio, 100)
    with taken.proxy, Crew(program, folder, taken.storage, page=20, cuts=120, workers=2, max_attempts=2):
        found = queue.wait_end(database, queue.add_job(database, "parts"), 60)
    assert found.status == "failed" and len(taken.parts) == 2
    assert found.error.startswith("Given up after 2 attempts: upload part of "), found.error
    assert "NoSuchUpload" in found.error
