"""The same bytes however an export was cut: by chance, with absorbed segments, kills and stalls in between."""

import random

import pytest

from tests.end_to_end.conftest import file_storage
from tests.lib import queue
from tests.lib.cuts import ROUNDS, SEED, Turmoil, draw
from tests.lib.process import wait_until
from tests.lib.queue import Crew

@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 50})
    queue.fill(database, "plain", 400, messages=3)
    queue.fill(database, "seconds", 400, messages=2, step="170 milliseconds")  # six in each second
    queue.fill(database, "crowd", 5000, messages=1, step="100 microseconds")  # more than 4,096 in one
    queue.fill(database, "giants", 12, messages=400, noise=4)
    queue.fill(database, "usual", 120, messages=60)  # of a size that goes by common tables


@pytest.fixture(scope="module")
def expected(program, database, folder):
    """The bytes of each channel, written by one thread in one piece."""
    (folder / "whole").mkdir()
    storage = file_storage(folder / "whole")
    whole = {}
    with Crew(program, folder, storage, workers=1, s3_equal_parts="on"):
        for channel in ("plain", "seconds", "crowd", "giants", "usual"):
            found = queue.finished(database, queue.add_job(database, channel))
            whole[channel] = queue.archive(storage, found)
    return whole


def test_random_cuts(program, database, folder, local, expected):
    chance = random.Random(SEED)
    split = absorbed = 0
    for number in range(ROUNDS // 3):
        tuning = draw(chance, number % 2 == 0, [1, 2, 7, 30, 400, 1000], [1, 3, 20, 150, 2000])
        with Crew(program, folder, local, log_level="info", **tuning) as crew:
            jobs = [(channel, queue.add_job(database, channel)) for channel in ("plain", "usual", "seconds", "giants")]
            for channel, job_id in jobs:
                found = queue.finished(database, job_id)
                assert queue.archive(local, found) == expected[channel], (SEED, number, channel, tuning)
            counts = crew.stop()
            split += counts["split"]
            absorbed += counts["absorbed"]
    assert split > ROUNDS and absorbed > ROUNDS / 5  # the cuts were real


@pytest.mark.parametrize("cuts, absorb", [(400, 0), (1500, 0), (800, 60_000)])
def test_cuts_within_one_crowded_second(program, database, folder, local, expected, cuts, absorb):
    with Crew(program, folder, local, page=150, cuts=cuts, absorb=absorb) as crew:
        found = queue.finished(database, queue.add_job(database, "crowd"))
        assert queue.archive(local, found) == expected["crowd"]
        assert crew.stop()["split"] > 1


def test_processes_that_die_and_stall(program, database, folder, local, expected):
    with Turmoil(program, folder, local, random.Random(SEED + 1)) as crews:
        jobs = [(channel, queue.add_job(database, channel)) for channel in ("plain", "seconds", "giants", "usual") * 3]
        for _ in range(5):
            crews.turn()
        for channel, job_id in jobs:
            found = queue.finished(database, job_id, 90)
            assert queue.archive(local, found) == expected[channel], (SEED, channel, job_id)
    assert database.value("SELECT count(*) FROM verbatim.job WHERE status <> 'finished'") == 0


@pytest.fixture(scope="module")
def large(program, database, folder, local):
    queue.fill(database, "large", 1500, messages=20, noise=50)
    with Crew(program, folder, local, workers=1, s3_equal_parts="on"):
        whole = queue.archive(local, queue.finished(database, queue.add_job(database, "large")))
    assert len(whole) > 24 * 1024 * 1024
    return whole


def test_parts_of_a_large_export(program, database, folder, storage, large):
    """Real parts of real size, split by their estimate; on S3 small segments are absorbed for the rule of 5 MiB."""
    # 120 conversations are less than 5 MiB, so fronts must absorb; where they have up to 900 it is chance.
    small_cuts = {"page": 50, "cuts": 120}
    for tuning in ({"page": 100}, small_cuts, {"page": 20, "numbers": 1, "units": 1, "cuts": 900}):
        with Crew(program, folder, storage, **tuning) as crew:
            job_id = queue.add_job(database, "large")
            assert queue.archive(storage, queue.finished(database, job_id)) == large, tuning
            counts = crew.stop()
        assert counts["split"] > 0
        if storage.name != "file" and tuning == small_cuts:
            assert counts["absorbed"] > 0
        wait_until(lambda: database.value("SELECT count(*) FROM verbatim.segment_directory WHERE job_id = %s",
                                          [job_id]) == 0, "the end of the directory's pieces")


def test_closing_segment_steps_aside_for_the_others(program, database, folder, local, expected):
    """One thread, and the end of the archive is read before an earlier segment is due: it must not wait for itself."""
    job_id = queue.add_job(database, "plain")
    with Crew(program, folder, local, page=1, cuts=40, workers=1):
        wait_until(lambda: len(queue.segments(database, job_id)) >= 3, "a few segments")
    queue.reopen(database, job_id, "part_first = 1", due="5 seconds")
    with Crew(program, folder, local, workers=1) as crew:
        assert queue.archive(local, queue.finished(database, job_id)) == expected["plain"]
        assert "until all other segments are recorded" in crew.log()
    assert {attempts for _, _, _, attempts, _ in queue.segments(database, job_id)} == {0}


def lend(program, database, folder, local):
    """A job of the channel `usual` that has begun, and whose first segment the next process takes over."""
    with Crew(program, folder, local, page=10, cuts=20):
        job_id = queue.begin_lent(database, lambda: queue.add_job(database, "usual"))
    database.execute("UPDATE verbatim.segment SET lease_until = now() - interval '1 second'"
                     " WHERE job_id = %s AND part_first = 1", [job_id])
    return job_id


def test_the_next_worker_goes_by_the_tables_that_were_noted(program, database, folder, local, expected):
    job_id = lend(program, database, folder, local)
    tables = database.value("SELECT deflate_tables FROM verbatim.job WHERE job_id = %s", [job_id])
    with Crew(program, folder, local):
        assert queue.archive(local, queue.finished(database, job_id)) == expected["usual"]
    assert tables == database.value("SELECT deflate_tables FROM verbatim.job WHERE job_id = %s", [job_id])
    assert len(tables) > 1000


def test_damaged_tables_are_refused(program, database, folder, local):
    job_id = lend(program, database, folder, local)
    database.execute("UPDATE verbatim.job SET deflate_tables = overlay(deflate_tables PLACING 'f00d' FROM 9)"
                     " WHERE job_id = %s", [job_id])
    with Crew(program, folder, local):
        found = queue.wait_end(database, job_id)
    assert found.status == "failed"
    assert "the deflate tables noted with the job are damaged" in found.error
