"""Cancelling and deleting in every phase of an export: the work stops at once, and nothing stays in the store."""

import random
import time
import uuid

import psycopg
import pytest

from tests.lib import queue
from tests.lib.process import wait_until
from tests.lib.service import Service

LEASE = "1h"  # beats every 20 minutes: whatever stops has heard of it
SOON = queue.CANCEL_LIMIT


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 50}, other={})
    queue.fill(database, "small", 10)
    queue.fill(database, "large", 4000, messages=20, noise=50)  # some 60 MB of archive


def within(database, workspace, statement, parameters):
    """The value, in a transaction of that workspace."""
    with database.connect() as connection, connection.transaction():
        connection.execute("SELECT set_config('verbatim.workspace_id', %s, true)", [workspace])
        return connection.execute(statement, parameters).fetchone()[0]


def cancel(database, job_id, workspace="w", audience=None, who="ann"):
    return within(database, workspace, "SELECT verbatim.job_cancel(%s, %s, %s, %s)",
                  [workspace, job_id, audience, who])


def delete(database, job_id, workspace="w"):
    return within(database, workspace, "SELECT verbatim.job_delete(%s, %s, NULL, 'ann')", [workspace, job_id])


@pytest.fixture(scope="module")
def worker(program, folder, storage):
    """The only one: another storage's worker would take the jobs."""
    with Service(program, folder, "worker", storage.env, workers=2, lease=LEASE, janitor_interval="1h",
                 log_level="debug", **storage.options) as service:
        yield service


def left_behind(storage, job_id):
    """Objects, uploads and files of the job."""
    if storage.folder:
        return [path for path in storage.folder.rglob(f"*{job_id}*/**/*") if path.is_file()]
    client = storage.store.client()
    objects = [one["Key"] for one in client.list_objects_v2(Bucket=storage.bucket).get("Contents", [])
               if job_id in one["Key"]]
    return objects


def uploads_of(storage, key):
    if storage.folder or not key:
        return []
    return storage.store.client().list_multipart_uploads(Bucket=storage.bucket, Prefix=key).get("Uploads", [])


def is_clean(database, storage, job_id, keys):
    """Every look came back clean, after the last of the work was given up, and the store agrees."""
    dirty = database.value("SELECT count(*) FROM verbatim.cleanup WHERE job_id = %s AND looks = 0", [job_id])
    return dirty == 0 and not left_behind(storage, job_id) and not any(uploads_of(storage, key) for key in keys)


def nothing_left(database, storage, job_id, keys):
    wait_until(lambda: is_clean(database, storage, job_id, keys), f"the clean-up of {job_id}")


def running(database, job_id):
    return database.value("SELECT count(*) FROM verbatim.segment WHERE job_id = %s AND status = 'running'", [job_id])


def key_of(database, job_id):
    return database.value("SELECT object_key FROM verbatim.job WHERE job_id = %s", [job_id])


def dropped(worker, job_id):
    return any(job_id in line and "not ours any more" in line for line in worker.log().splitlines())


def wait_through(database, storage, worker, job_id, key):
    """From here, the cancel's answer, the promise runs: the worker has let go, and nothing is left."""
    wait_until(lambda: dropped(worker, job_id) and is_clean(database, storage, job_id, [key]),
               "the worker to stop and the store to be clean", SOON)


def test_only_its_own_workspace_and_audience(database):
    job_id = queue.add_job(database, "small", audience=["vip", "de"])
    assert cancel(database, job_id, workspace="other") is None
    assert cancel(database, job_id, audience=["vip"]) is None
    assert cancel(database, uuid.uuid4()) is None
    assert delete(database, job_id, workspace="other") is False
    assert queue.job(database, job_id).status == "queued"
    assert cancel(database, job_id, audience=["de", "vip"]) == "cancelled"


@pytest.mark.parametrize("function", ["job_cancel", "job_delete"])
@pytest.mark.parametrize("current", ["w", "", None])
def test_only_the_workspace_of_the_transaction(database, function, current):
    """What the caller says does not make it so."""
    job_id = queue.add_job(database, "small", workspace="other")
    with database.connect() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            if current is not None:
                connection.execute("SELECT set_config('verbatim.workspace_id', %s, true)", [current])
            connection.execute(f"SELECT verbatim.{function}('other', %s, NULL, 'ann')", [job_id])
    assert queue.job(database, job_id).status == "queued"
    database.execute("DELETE FROM verbatim.job WHERE job_id = %s", [job_id])


def test_temporary_names_of_the_caller_mean_nothing(database):
    job_id = queue.add_job(database, "small")
    with database.connect() as connection:
        connection.execute("CREATE TEMPORARY TABLE text (x pg_catalog.text); CREATE TEMPORARY TABLE uuid (x int)")
        connection.execute("SELECT set_config('verbatim.workspace_id', 'w', false)")
        assert connection.execute("SELECT verbatim.job_cancel('w', %s, NULL, 'x')", [job_id]).fetchone() \
            == ("cancelled",)


def test_the_api_role_may_call_but_not_write(database):
    job_id = queue.add_job(database, "small")
    become = (f"SELECT set_config('role', '{database.role('api')}', true),"
              " set_config('verbatim.workspace_id', 'w', true)")
    with database.connect() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(become)
            connection.execute("UPDATE verbatim.job SET status = 'cancelled' WHERE job_id = %s", [job_id])
        with connection.transaction():
            connection.execute(become)
            [answer] = connection.execute("SELECT verbatim.job_cancel('w', %s, NULL, 'x')", [job_id]).fetchone()
            assert answer == "cancelled"


def test_queued(database, storage, worker):
    """A job that no worker may start yet: nothing was ever put anywhere."""
    database.execute("UPDATE verbatim.workspace SET max_running = 1 WHERE workspace_id = 'other'")
    with database.connect() as connection, connection.transaction():
        blocker = queue.add_job(database, "small", workspace="other", connection=connection, status="started")
        connection.execute("UPDATE verbatim.segment SET not_before = 'infinity' WHERE job_id = %s", [blocker])
    waiting = queue.add_job(database, "small", workspace="other")
    assert cancel(database, waiting, workspace="other") == "cancelled"
    assert database.value("SELECT count(*) FROM verbatim.cleanup WHERE job_id = %s", [waiting]) == 0
    database.execute("UPDATE verbatim.workspace SET max_running = 2 WHERE workspace_id = 'other'")
    time.sleep(0.5)
    assert queue.job(database, waiting).status == "cancelled"
    database.execute("DELETE FROM verbatim.job WHERE workspace_id = 'other'")


def test_in_the_first_page(database, storage, worker):
    """The source hangs: nothing comes that could tell the worker to stop but the keeper."""
    with database.connect() as blocker, blocker.transaction(force_rollback=True):
        blocker.execute("LOCK TABLE chat.message IN ACCESS EXCLUSIVE MODE")
        job_id = queue.add_job(database, "small")
        wait_until(lambda: running(database, job_id), "the claim")
        time.sleep(0.3)
        key = key_of(database, job_id)
        assert cancel(database, job_id) == "cancelled"
        wait_through(database, storage, worker, job_id, key)


def test_in_the_middle_of_an_upload(database, storage, worker):
    job_id = queue.add_job(database, "large")
    wait_until(lambda: database.value("SELECT upload_id IS NOT NULL FROM verbatim.job WHERE job_id = %s", [job_id]),
               "the upload", pause=0.005)
    key = key_of(database, job_id)
    assert cancel(database, job_id) == "cancelled"
    wait_through(database, storage, worker, job_id, key)
    assert queue.job(database, job_id).status == "cancelled"
    assert database.value("SELECT count(*) FROM verbatim.segment_directory WHERE job_id = %s", [job_id]) == 0


def test_waiting_to_close(database, storage, worker):
    """The first segment is a stranger's that never ends; the owner of the last one waits for it."""
    job_id = queue.begin_lent(database, lambda: queue.add_job(database, "large"))
    wait_until(lambda: queue.waits_for_others(database, job_id), "all others recorded")
    time.sleep(1)
    key = key_of(database, job_id)
    assert cancel(database, job_id) == "cancelled"
    wait_through(database, storage, worker, job_id, key)


def test_at_any_moment_either_wins_but_never_both(database, storage, worker):
    """Cancels at chance moments, during Complete among them: a file stands if and only if the job is finished."""
    chance = random.Random(20260611)
    statuses = []
    jobs = []
    for number in range(14):
        job_id = queue.add_job(database, "large" if number % 2 else "small")
        if number % 2:  # close to the end: the closing segment is recorded, or about to be
            closing = ("SELECT status NOT IN ('queued', 'started') OR size IS NOT NULL"
                       " OR (open_segments = 1 AND conversations_total IS NOT NULL)"
                       " FROM verbatim.job WHERE job_id = %s")
            wait_until(lambda: database.value(closing, [job_id]), "the close", pause=0.002)
            time.sleep(chance.uniform(0, 0.15))
        else:
            time.sleep(chance.uniform(0, 0.03))
        answer = cancel(database, job_id)
        statuses.append(answer)
        jobs.append((job_id, key_of(database, job_id)))
    assert set(statuses) <= {"finished", "cancelled"}
    wait_until(lambda: database.value("SELECT count(*) FROM verbatim.segment WHERE status = 'running'") == 0, "quiet")
    for (job_id, key), status in zip(jobs, statuses):
        assert queue.job(database, job_id).status == status
        if status == "cancelled":
            nothing_left(database, storage, job_id, [key])
        else:
            assert len(queue.archive(storage, queue.job(database, job_id))) == queue.job(database, job_id).size


def test_delete_takes_the_file_along(database, storage, worker):
    job_id = queue.add_job(database, "small")
    found = queue.finished(database, job_id)
    assert left_behind(storage, job_id)
    assert delete(database, job_id) is True
    assert database.value("SELECT count(*) FROM verbatim.job WHERE job_id = %s", [job_id]) == 0
    nothing_left(database, storage, job_id, [found.key])
    assert delete(database, job_id) is False


def test_delete_of_running_work_cancels_it(database, storage, worker):
    job_id = queue.add_job(database, "large")
    wait_until(lambda: database.value("SELECT upload_id IS NOT NULL FROM verbatim.job WHERE job_id = %s", [job_id]),
               "the upload", pause=0.005)
    key = key_of(database, job_id)
    assert delete(database, job_id) is True
    wait_through(database, storage, worker, job_id, key)
    assert "job failed" not in "".join(line for line in worker.log().splitlines() if job_id in line)


def test_the_workers_go_on(database, storage, worker):
    assert queue.finished(database, queue.add_job(database, "small")).conversations == 10
