"""Stores that are strict about parts: each that was uploaded has to be named, all have to be of one length or numbered
without gaps, or their numbers end early. An export that is refused begins anew as the store wants it."""

import os
import signal
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.end_to_end.conftest import Storage
from tests.lib import queue
from tests.lib.doctor import doctor
from tests.lib.fault_proxy import key_of_call
from tests.lib.object_stores import Swift, available
from tests.lib.postgres_proxy import PostgresProxy
from tests.lib.process import wait_until
from tests.lib.queue import Crew
from tests.lib.strict_store import StrictStore, dense, dense_and_told_so, equal, few, named, refusal

ABSORB = "ORDER BY s.part_first LIMIT 1 FOR UPDATE"  # the first words of an absorb
LEAST = {"s3_part_size": "5MiB"}


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 50})
    queue.fill(database, "parts", 400, messages=20, noise=120)  # about 16 MB of archive


@pytest.fixture(scope="module")
def expected(program, database, folder, local):
    with Crew(program, folder, local, workers=1, s3_equal_parts="on"):
        return queue.archive(local, queue.finished(database, queue.add_job(database, "parts")))


def lend(database, job_id):
    """The first segment is a stranger's who never ends."""
    database.execute("UPDATE verbatim.segment SET process_id = gen_random_uuid(), lease_until = now() + '1 hour',"
                     " claim_epoch = nextval('verbatim.claim_epoch') WHERE job_id = %s AND part_first = 1", [job_id])


def take_back(database, job_id):
    database.execute("UPDATE verbatim.segment SET lease_until = now() - interval '1 second'"
                     " WHERE job_id = %s AND part_first = 1", [job_id])


def begin_with_a_small_front(program, database, postgres, folder, storage):
    """A job whose first segment has less than 5 MiB; its worker was killed when it was about to absorb the next one."""
    crews = []

    def kill(statement):
        if ABSORB in statement.text and statement.kind == "execute":
            os.kill(crews[0].process.pid, signal.SIGKILL)
    with PostgresProxy(postgres.port, kill) as proxy:
        crews.append(Crew(program, folder, storage, page=60, cuts=1, workers=1, database_url=proxy.url(database.name),
                          source_url=database.url, **LEAST))
        job_id = queue.add_job(database, "parts")
        wait_until(lambda: not crews[0].process.running, "the kill")
    assert [(first, last) for first, last, *_ in queue.segments(database, job_id)] == [(1, 16), (17, 10000)]
    lend(database, job_id)
    return job_id


def recorded_numbers(database, job_id):
    rows = database.execute("SELECT p ->> 'number' FROM verbatim.segment, jsonb_array_elements(parts) AS p"
                            " WHERE job_id = %s AND status = 'recorded' ORDER BY part_first", [job_id])
    return [int(number) for number, in rows]


@pytest.mark.parametrize("workers", [1, 3])
def test_parts_of_an_absorbed_segment_are_written_over(program, database, postgres, folder, minio, expected, workers):
    """The second segment is recorded when the first one, too small by itself, is taken over and absorbs it."""
    with StrictStore(minio, "strict-named", named) as store:
        job_id = begin_with_a_small_front(program, database, postgres, folder, store.storage)
        with Crew(program, folder, store.storage, page=60, cuts=1, workers=workers, **LEAST) as crew:
            wait_until(lambda: recorded_numbers(database, job_id) and queue.waits_for_others(database, job_id),
                       "all others")
            numbers = recorded_numbers(database, job_id)
            take_back(database, job_id)
            found = queue.finished(database, job_id)
            assert "(recorded already)" in crew.log()
        assert queue.archive(store.storage, found) == expected
    assert (store.refused, len(store.keys)) == ([], 1) and store.sent[0][:len(numbers)] == numbers


def add_stray(store, times=1, number=9999):
    """Puts a part that nobody knows beside the first part of so many uploads."""
    left = [times]

    def look(call, target, body):
        if call.startswith("part ") and left[0] > 0 and store.strays.count(key_of_call(target)) == 0:
            left[0] -= 1
            upload = parse_qs(urlsplit(target).query)["uploadId"][0]
            store.client.upload_part(Bucket=store.bucket, Key=key_of_call(target), UploadId=upload,
                                     PartNumber=number, Body=b"x")
            store.strays.append(key_of_call(target))
    store.strays, store.before = [], look


def test_an_upload_with_a_part_that_nobody_names_is_begun_anew(program, database, folder, minio, expected):
    """By a store that refuses to complete it."""
    with StrictStore(minio, "strict-named", named) as store:
        add_stray(store)
        job_id = queue.add_job(database, "parts")
        with Crew(program, folder, store.storage, page=60, cuts=100, **LEAST):
            found = queue.finished(database, job_id)
        assert queue.archive(store.storage, found) == expected
        assert len(store.refused) == 1 and found.key == store.keys[-1] != store.strays[0]
        trail = database.execute("SELECT object_key, keep_object FROM verbatim.cleanup WHERE job_id = %s", [job_id])
        assert (store.strays[0], False) in trail


@pytest.mark.parametrize("sent, attempts, uploads", [(False, 0, 1), (True, 1, 2), (True, 2, 1)])
def test_a_store_that_would_keep_such_a_part_is_not_left_with_it(program, database, folder, minio, expected,
                                                                 sent, attempts, uploads):
    """Looked at where an earlier owner may have sent it, and not for ever."""
    with StrictStore(minio, "strict-loose") as store:
        add_stray(store)
        with database.connect() as connection, connection.transaction():
            job_id = queue.add_job(database, "parts", connection=connection)
            connection.execute("UPDATE verbatim.segment SET sent = %s, attempts = %s WHERE job_id = %s",
                               [sent, attempts, job_id])
        with Crew(program, folder, store.storage, page=60, cuts=1000, workers=1, **LEAST):
            found = queue.finished(database, job_id)
        assert queue.archive(store.storage, found) == expected
        assert (store.refused, len(store.keys)) == ([], uploads)


@pytest.mark.parametrize("fate, uploads", [("aborted", 2), ("completed", 1)])
def test_a_completion_of_a_gone_upload_that_is_answered_500(program, database, folder, minio, expected, fate, uploads):
    """As by Ceph RGW: of one that somebody else aborted, and of one that was completed, by an answer that was lost."""
    with StrictStore(minio, f"strict-gone-{fate}") as store:
        def look(call, target, body):
            if call != "complete" or len(store.keys) > 1:
                return None
            upload = {"Bucket": store.bucket, "Key": store.keys[0],
                      "UploadId": parse_qs(urlsplit(target).query)["uploadId"][0]}
            if fate == "aborted" and not store.refused:
                store.client.abort_multipart_upload(**upload)
            elif fate == "completed" and not store.refused:
                held = store.client.list_parts(**upload)["Parts"]
                parts = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in held]
                store.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
            return refusal("InternalError", "This multipart completion is already in progress", 500)
        store.before = look
        job_id = queue.add_job(database, "parts")
        with Crew(program, folder, store.storage, page=60, cuts=1000, workers=1, **LEAST):
            found = queue.finished(database, job_id)
        assert queue.archive(store.storage, found) == expected
        assert store.refused and len(store.keys) == uploads


SMALL_CUTS = {"page": 60, "cuts": 100} | LEAST


def numbers_of(sent):
    return list(range(1, len(sent) + 1))


@pytest.mark.parametrize("rules", [(equal,), (dense,), (named, dense, equal)], ids=["equal", "dense", "all"])
def test_an_archive_refused_for_its_form_is_begun_anew_as_the_store_wants_it(program, database, folder, minio, expected,
                                                                             rules):
    """And what this process does next begins that way. Cut by chance an archive may please the store at once."""
    with StrictStore(minio, "strict-form", *rules) as store:
        with Crew(program, folder, store.storage, **SMALL_CUTS) as crew:
            while not store.refused:
                store.keys, store.sent = [], []
                first = queue.add_job(database, "parts")
                assert queue.archive(store.storage, queue.finished(database, first)) == expected
            second = queue.finished(database, queue.add_job(database, "parts"))
            assert queue.archive(store.storage, second) == expected
            assert "(s3_equal_parts = on)" in crew.log()
        assert (len(store.refused), len(store.keys), len(store.sent)) == (1, 3, 2)
        assert all(sent == numbers_of(sent) and len(sent) > 2 for sent in store.sent)
    assert queue.segments(database, first) == [(1, 10000, "recorded", 1, 0)]


def drop(client, upload):
    """rclone serve s3 1.75: an upload whose parts it refuses is gone."""
    client.abort_multipart_upload(**upload)


def eat(client, upload):
    """s3s-fs 0.14: what it read before it refused is gone."""
    client.upload_part(**upload, PartNumber=1, Body=b"gone")


@pytest.mark.parametrize(("rule", "spoil"), [(dense, drop), (equal, drop), (dense_and_told_so, eat)])
def test_a_store_may_take_the_upload_with_its_refusal(program, database, folder, minio, expected, rule, spoil):
    with StrictStore(minio, "strict-form", rule) as store:
        store.spoil = spoil
        with Crew(program, folder, store.storage, **SMALL_CUTS) as crew:
            while not store.refused:
                found = queue.finished(database, queue.add_job(database, "parts"))
                assert queue.archive(store.storage, found) == expected
            assert "(s3_equal_parts = on)" in crew.log()
        assert len(store.refused) == 1
        assert "s3_equal_parts = on" in look(program, store).only("storage", "warning").remedy


def test_what_a_job_has_to_be_like_is_known_to_the_next_process(program, database, folder, minio, expected):
    with StrictStore(minio, "strict-form", dense) as store:
        with Crew(program, folder, store.storage, workers=1, lease="2s", **SMALL_CUTS) as crew:
            job_id = queue.add_job(database, "parts")
            wait_until(lambda: store.refused, "the refusal")
            wait_until(lambda: database.value("SELECT equal_parts FROM verbatim.job WHERE job_id = %s", [job_id]),
                       "the new beginning")
            crew.kill()
        with Crew(program, folder, store.storage, **SMALL_CUTS):
            assert queue.archive(store.storage, queue.finished(database, job_id)) == expected
        assert len(store.refused) == 1


def test_a_store_that_takes_nothing_at_all_is_told_by_name(program, database, folder, minio):
    with StrictStore(minio, "strict-form", lambda sent, held: (400, b"<Error><Code>InvalidPart</Code>"
                                                               b"<Message>Never.</Message></Error>")) as store:
        with Crew(program, folder, store.storage, **SMALL_CUTS):
            found = queue.wait_end(database, queue.add_job(database, "parts"))
        assert found.status == "failed" and len(store.refused) == 2
        assert found.error.startswith("the store refuses parts that it lists as recorded: "), found.error
        assert "Never." in found.error


def test_the_highest_part_number_is_learned(program, database, folder, minio, expected):
    """16 numbers a segment: those of the second one end above it. Then segments are longer, and the next job knows."""
    with StrictStore(minio, "strict-few") as store:
        store.before = few(20)
        with Crew(program, folder, store.storage, page=60, cuts=1, workers=2, **LEAST) as crew:
            for _ in range(2):
                found = queue.finished(database, queue.add_job(database, "parts"))
                assert queue.archive(store.storage, found) == expected
            assert "(s3_max_part_number = 20)" in crew.log()
        assert len(store.keys) == 3 and store.refused and max(max(sent) for sent in store.sent) <= 20


def test_parts_grow_where_numbers_are_few(program, database, folder, minio, expected):
    """Two numbers for 17 MB, of parts of 5 MiB by option."""
    with StrictStore(minio, "strict-few") as store:
        store.before = few(2)
        with Crew(program, folder, store.storage, page=60, workers=2, **LEAST):
            found = queue.finished(database, queue.add_job(database, "parts"))
            assert queue.archive(store.storage, found) == expected
        assert all(max(sent) <= 2 for sent in store.sent)


def test_the_option_spares_the_refusal(program, database, folder, minio, expected):
    with StrictStore(minio, "strict-few", dense, equal) as store:
        store.before = few(10)
        with Crew(program, folder, store.storage, s3_max_part_number=10, s3_equal_parts="on", **SMALL_CUTS):
            assert queue.archive(store.storage, queue.finished(database, queue.add_job(database, "parts"))) == expected
        assert (store.refused, len(store.keys)) == ([], 1)


def look(program, store, **options):
    report = doctor(program, env=store.storage.env, **store.storage.options, **options)
    objects = store.client.list_objects_v2(Bucket=store.bucket, Prefix="conversation_exports/doctor/")
    assert objects.get("KeyCount") == 0, "it leaves nothing behind"
    return report


@pytest.mark.parametrize("rule", [equal, dense])
def test_the_doctor_finds_a_store_that_wants_equal_parts(program, minio, rule):
    with StrictStore(minio, "strict-doctor", rule) as store:
        warning = look(program, store).only("storage", "warning")
        assert "s3_equal_parts = on" in warning.remedy and "parts of one size" in warning.text
        assert look(program, store, s3_equal_parts="on").findings("storage") == {"ok"}


def test_the_doctor_finds_the_highest_part_number(program, minio):
    with StrictStore(minio, "strict-doctor", named) as store:
        store.before = few(1000)
        warning = look(program, store).only("storage", "warning")
        assert "s3_max_part_number" in warning.remedy and "s3_max_part_number = 1000" in warning.text
        assert look(program, store, s3_max_part_number=1000).findings("storage") == {"ok"}


@pytest.mark.parametrize("most", [2, 3, 10, 17, 18])
def test_the_doctor_keeps_to_few_part_numbers(program, minio, most):
    """What it sends keeps to the highest number, told by the option or learned a moment before."""
    with StrictStore(minio, "strict-doctor", named) as store:
        store.before = few(most)
        told = {"s3_max_part_number": most} if most >= 10 else {}
        found = look(program, store, **told)
        assert len(store.refused) == (0 if told else 1) and max(store.sent[0]) <= most
        assert found.findings("storage") == ({"ok"} if told else {"ok", "warning"})


def test_the_doctor_finds_equal_parts_wanted_where_numbers_are_few(program, minio):
    with StrictStore(minio, "strict-doctor", equal) as store:
        store.before = few(10)
        warning = look(program, store, s3_max_part_number=10).only("storage", "warning")
        assert "s3_equal_parts = on" in warning.remedy


class FewSwift(Swift):
    part_most = 20


@pytest.mark.skipif("swift" not in available(), reason="Swift is not there")
def test_a_swift_of_few_numbers(program, database, folder, expected):
    with FewSwift() as server:
        server.make_bucket("few")
        storage = Storage("few", server.options("few"), server.credentials(), server, "few")
        with Crew(program, folder, storage, page=60, cuts=1, **LEAST) as crew:
            job_id = queue.add_job(database, "parts")
            assert queue.archive(storage, queue.finished(database, job_id)) == expected
            assert "(s3_max_part_number = 20)" in crew.log()
        assert database.value("SELECT max((p ->> 'number')::integer) FROM verbatim.segment,"
                              " jsonb_array_elements(parts) AS p WHERE job_id = %s", [job_id]) <= 20
