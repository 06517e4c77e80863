"""The janitor on a directory and on every S3 server: what is of no use goes, what is in use stays."""

import datetime
import os
import uuid

import pytest

from tests.end_to_end.conftest import file_storage
from tests.lib.parts import WORKSPACE, add_job, add_workspace, running_part
from tests.lib.postgres_proxy import Fault, PostgresProxy
from tests.lib.process import wait_until
from tests.lib.queue import SOURCE
from tests.end_to_end.test_storage import MIB, Tool, body, storage_tool  # noqa: F401 (a fixture)


def ago(**age):
    return datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**age)


class House:
    """One storage, its jobs in the database, and janitors."""

    def __init__(self, program, database, folder, storage, tool):
        self.program, self.database, self.folder, self.storage, self.tool = program, database, folder, storage, tool
        self.identity = tool.run("identity")

    def janitor(self, **options):
        return running_part(self.program, "janitor", self.folder, self.storage, janitor_interval="1s", **options)

    def archive(self, job=None):
        """An object of a job, in the store; its key."""
        key = self.tool.run("key", WORKSPACE, job or uuid.uuid4(), 1, "a.zip")
        self.tool.run("put", key, "a.zip", self.tool.file(body(1000)))
        return key

    def ended(self, **columns):
        """An ended job with an archive in the store: id and key."""
        job = str(uuid.uuid4())
        key = self.archive(job)
        add_job(self.database, job_id=job, object_key=key, storage=self.identity, upload_id="", **columns)
        return job, key

    def cleanup(self, key, upload="", keep=False, storage=None):
        add_workspace(self.database)
        return self.database.value(
            "INSERT INTO verbatim.cleanup (workspace_id, job_id, storage, object_key, upload_id, keep_object) "
            "VALUES ('w', gen_random_uuid(), %s, %s, %s, %s) RETURNING cleanup_id",
            (storage or self.identity, key, upload, keep))

    def row(self, number):
        rows = self.database.execute("SELECT looks, attempts, last_error, not_before - now() > interval '50 minutes' "
                                     "FROM verbatim.cleanup WHERE cleanup_id = %s", (number,))
        return rows[0] if rows else None

    def exists(self, key):
        return self.tool.run("size", key, check=False)[0] == 0


def make_house(program, database, folder, storage, storage_tool):  # noqa: F811
    program.migrate()
    database.execute("TRUNCATE verbatim.job, verbatim.cleanup, verbatim.process CASCADE")
    return House(program, database, folder, storage, Tool(storage_tool, storage, folder))


@pytest.fixture
def house(program, database, folder, storage, storage_tool):  # noqa: F811
    return make_house(program, database, folder, storage, storage_tool)


@pytest.fixture
def directory(program, database, folder, tmp_path, storage_tool):  # noqa: F811
    return make_house(program, database, folder, file_storage(tmp_path), storage_tool)


def test_an_upload_and_its_object_are_cleaned_with_a_second_look(house):
    key = house.archive()
    upload = house.tool.run("begin", key, "a.zip")
    house.tool.parts(key, upload, {1: body(5 * MIB), 2: body(10)})
    number = house.cleanup(key, upload)
    with house.janitor():
        wait_until(lambda: house.row(number)[0] == 1, "the first look")
        assert house.row(number) == (1, 0, None, True)
        assert not house.exists(key)
        house.archive(key.split("/")[-2][:36])
        assert house.exists(key), "a worker that woke up late"
        house.database.execute("UPDATE verbatim.cleanup SET not_before = now()")
        wait_until(lambda: house.row(number) is None, "the second look")
    assert not house.exists(key)


def test_an_archive_to_keep_is_kept(house):
    key = house.archive()
    number = house.cleanup(key, keep=True)
    with house.janitor():
        wait_until(lambda: house.row(number)[0] == 1, "the first look")
    assert house.exists(key)


def test_retention_deletes_what_is_past_it_and_nothing_else(house):
    old = house.ended(ended="8 days")
    young = house.ended(ended="6 days")
    linked = house.ended(ended="8 days", link_ttl="9 days")
    other = add_job(house.database, ended="8 days", storage="elsewhere", object_key="k")
    with house.janitor():
        wait_until(lambda: not house.exists(old[1]), "the deletion")
        wait_until(lambda: house.database.value("SELECT count(*) FROM verbatim.cleanup WHERE looks = 1") == 1, "a row")
    deleted = house.database.execute("SELECT job_id::text FROM verbatim.job WHERE archive_deleted_at IS NOT NULL")
    assert deleted == [(old[0],)]
    assert house.exists(young[1]) and house.exists(linked[1]) and other


def test_a_job_with_a_retention_of_its_own_keeps_to_that(house):
    """Counted from its creation: sooner than the process's seven days after the end, or later."""
    short = house.ended(ended="1 hour", link_ttl="1 minute", retention="2 hours", created_at=ago(hours=3))
    fresh = house.ended(ended="1 hour", link_ttl="1 minute", retention="2 hours", created_at=ago(minutes=90))
    long = house.ended(ended="8 days", link_ttl="1 minute", retention="30 days", created_at=ago(days=9))
    with house.janitor():
        wait_until(lambda: not house.exists(short[1]), "the deletion")
        wait_until(lambda: house.database.value("SELECT count(*) FROM verbatim.cleanup WHERE looks = 1") == 1, "a row")
    assert house.exists(fresh[1]) and house.exists(long[1])


def test_rows_of_another_store_are_left_and_told_once(house):
    key = house.archive()
    number = house.cleanup(key, storage="s3:another/place")
    house.database.execute("UPDATE verbatim.cleanup SET not_before = now() - interval '2 minutes'")
    own = house.cleanup(house.archive())
    with house.janitor() as process:
        wait_until(lambda: house.row(own)[0] == 1, "its own row")
        wait_until(lambda: "s3:another/place" in process.log(), "the word")
        second = house.cleanup(house.archive())
        wait_until(lambda: house.row(second)[0] == 1, "one more round")
        assert process.log().count("s3:another/place") == 1
    assert house.row(number)[:2] == (0, 0) and house.exists(key)


def test_a_store_that_is_away_is_waited_for(directory):
    key = directory.archive()
    number = directory.cleanup(key)
    parent = (directory.storage.folder / key).parent
    parent.rename(parent.with_name("aside"))
    parent.write_text("no folder")
    with directory.janitor():
        wait_until(lambda: directory.row(number)[2], "a failure")
        looks, attempts, error, _ = directory.row(number)
        assert (looks, attempts) == (0, 1) and "folder" in error
        parent.unlink()
        parent.with_name("aside").rename(parent)
        directory.database.execute("UPDATE verbatim.cleanup SET not_before = now()")
        wait_until(lambda: directory.row(number)[0] == 1, "the deletion")
    assert not directory.exists(key)


def test_many_janitors_share_the_work(directory):
    keys = [directory.archive() for _ in range(60)]
    numbers = [directory.cleanup(key) for key in keys]
    with directory.janitor(), directory.janitor(), directory.janitor():
        wait_until(lambda: directory.database.value("SELECT count(*) FROM verbatim.cleanup WHERE looks = 1") == 60,
                   "all rows")
    assert not any(directory.exists(key) for key in keys) and len(numbers) == 60


def test_orphaned_files_go_by_the_age_and_the_job(directory):
    def parts_of(job, hours):
        key = directory.tool.run("key", WORKSPACE, job, 1, "a.zip")
        directory.tool.run("begin", key, "a.zip")
        directory.tool.parts(key, "", {1: body(10)})
        folder = next((directory.storage.folder / key).parent.glob(".parts-*"))
        stamp = folder.stat().st_mtime - hours * 3600
        os.utime(folder, (stamp, stamp))
        return folder

    unknown, unknown_old = parts_of(uuid.uuid4(), 2), parts_of(uuid.uuid4(), 30)
    running = parts_of(add_job(directory.database, status="started"), 300)
    ended_old = parts_of(add_job(directory.database, status="failed"), 2)
    ended_young = parts_of(add_job(directory.database, status="failed"), 0)
    finished, key = directory.ended()
    with directory.janitor():
        wait_until(lambda: not unknown_old.exists() and not ended_old.exists(), "the search")
    assert unknown.exists() and running.exists() and ended_young.exists() and directory.exists(key) and finished


def test_old_rows_go(directory):
    database = directory.database
    ancient, key = directory.ended(ended="91 days")
    failed = add_job(database, status="failed", ended="91 days")
    kept = add_job(database, status="failed", ended="89 days")
    running = add_job(database, status="started")
    for job in (ancient, failed, kept, running):
        database.execute("INSERT INTO verbatim.segment (job_id, part_first, part_last, workspace_id) "
                         "VALUES (%s, 1, 10000, 'w')", (job,))
        database.execute("INSERT INTO verbatim.segment_directory (job_id, part_first, claim_epoch, piece, "
                         "workspace_id, raw_size, records) VALUES (%s, 1, 1, 1, 'w', 1, '')", (job,))
        database.execute("INSERT INTO verbatim.outbox (workspace_id, job_id, kind, recipient, sent_at) "
                         "VALUES ('w', %s, 'mail', 'a@example.com', now() - interval '31 days')", (job,))
    for age in ("2 hours", "1 minute"):
        database.execute("INSERT INTO verbatim.process (process_id, fingerprint, storage, worker_threads, beat_at) "
                         "VALUES (gen_random_uuid(), 'f', 'file', 1, now() - %s::interval)", (age,))

    def jobs(table):
        return {row[0] for row in database.execute(f"SELECT job_id::text FROM verbatim.{table}")}
    with directory.janitor():
        wait_until(lambda: failed not in jobs("job"), "the old job")
        wait_until(lambda: not directory.exists(key), "its archive")
        assert ancient in jobs("job"), "as long as a clean-up row stands"
        wait_until(lambda: database.value("SELECT count(*) FROM verbatim.process") == 1, "the dead process")
        database.execute("DELETE FROM verbatim.cleanup")
        wait_until(lambda: ancient not in jobs("job"), "the job after its archive")
    assert jobs("job") == {kept, running}
    assert jobs("segment") == {running} and jobs("segment_directory") == {running}
    assert jobs("outbox") == set()


def test_a_clean_up_of_a_process_that_died_is_taken_over(directory):
    """One whose process lives is left to it."""
    alive, dead = str(uuid.uuid4()), str(uuid.uuid4())
    directory.database.execute("INSERT INTO verbatim.process (process_id, fingerprint, storage, worker_threads)"
                               " VALUES (%s, 'f', 's', 1)", (alive,))
    kept, taken = directory.cleanup(directory.archive()), directory.cleanup(directory.archive())
    for number, process in ((kept, alive), (taken, dead)):
        directory.database.execute("UPDATE verbatim.cleanup SET process_id = %s, attempts = 1,"
                                   " not_before = now() + interval '14 minutes' WHERE cleanup_id = %s",
                                   (process, number))
    with directory.janitor():
        wait_until(lambda: directory.row(taken)[0] == 1, "the first look")
        assert directory.row(kept)[:2] == (0, 1)
        directory.database.execute("DELETE FROM verbatim.process")
        wait_until(lambda: directory.row(kept)[0] == 1, "the first look at the other one")
    assert directory.database.value("SELECT count(*) FROM verbatim.cleanup WHERE process_id IS NOT NULL") == 0


def test_a_clean_up_whose_claim_was_not_answered_is_not_left_for_minutes(directory, postgres, make_service):
    lost = []

    def decide(statement):
        is_claim = statement.application == "verbatim janitor" and "RETURNING cleanup_id" in statement.text
        if is_claim and statement.commits and not lost:
            lost.append(statement)
            return Fault("lose")
        return None
    directory.database.execute(SOURCE)  # which a worker looks at before it starts
    key = directory.archive()
    number = directory.cleanup(key)
    with PostgresProxy(postgres.port, decide) as proxy:
        service = make_service(directory.storage, command="worker", database_url=proxy.url(directory.database.name),
                               source_url=directory.database.url, workers=1, janitor_interval="1s")
        wait_until(lambda: directory.row(number)[0] == 1, "the first look", 60)
        service.stop()
    assert lost and not directory.exists(key)
