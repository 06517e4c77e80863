"""A moment without memory costs an attempt at the most, never a job or a byte: one allocation of our own code fails
while a job runs, and each of them has its turn."""

import pathlib
from dataclasses import replace

import pytest

from tests.lib import queue
from tests.lib.allocations import Allocations
from tests.lib.process import SANITIZED, wait_until
from tests.lib.queue import Crew

pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitizer has a malloc of its own")

# Everything that is cut, recorded and closed, in as little as possible.
CUT = {"page": 3, "cuts": 5, "chunk": 9, "workers": 1}
SPLIT = """{"select": {"channel_id": "small"}, "format": "json", "files": "single"}"""
HTML = """{"select": {"channel_id": "small"}, "format": "html", "files": "chunks"}"""
PDF = """{"select": {"channel_id": "small"}, "format": "pdf"}"""


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database)
    queue.fill(database, "small", 12)


@pytest.fixture
def allocations(folder, program):
    return Allocations(folder, pathlib.Path(program.path).parent / "tests/tools/queue_tool")


def end_without_pauses(database, job_id):
    """What the job comes to, where the pause before the next attempt is not waited for."""
    def ended():
        if queue.job(database, job_id).status in ("finished", "failed"):
            return True
        database.execute("WITH due AS (UPDATE verbatim.segment SET not_before = clock_timestamp() WHERE job_id = %s"
                         " AND status = 'waiting' AND not_before > clock_timestamp() RETURNING 1)"
                         " SELECT pg_notify('verbatim_work', '') FROM due", [job_id])
        return False
    wait_until(ended, f"the end of job {job_id}", 60)
    return queue.job(database, job_id)


def export(database, storage, **columns):
    found = end_without_pauses(database, queue.add_job(database, "small", **columns))
    return found, queue.archive(storage, found) if found.status == "finished" else b""


@pytest.mark.parametrize("columns", [{}] + [{"specification": each} for each in (SPLIT, HTML, PDF)],
                         ids=["csv", "json", "html", "pdf"])
@pytest.mark.parametrize("cuts", [{"workers": 1}, CUT], ids=["whole", "cut"])
def test_each_allocation_of_a_job_may_fail_once(program, database, folder, local, allocations, cuts, columns):
    storage = replace(local, env=allocations.env)
    with Crew(program, folder, storage, lease="4s", **cuts):
        export(database, storage, **columns)  # from here on statements are prepared and buffers have grown
        before = allocations.seen
        undisturbed, data = export(database, storage, **columns)
        count = allocations.seen - before
        assert undisturbed.status == "finished" and count > 20
        faults, unmet = [], 0
        for number in range(1, count + 1, 1 + count // 50):
            allocations.fail(number)
            found, bytes_found = export(database, storage, **columns)
            unmet += not allocations.failed
            lost = database.value("SELECT max(lost_leases) FROM verbatim.segment")
            if found.status != "finished" or bytes_found != data or lost:
                faults.append(f"{number}, {allocations.where()}: {found}, {lost} leases lost")
                database.execute("UPDATE verbatim.segment SET lost_leases = 0 WHERE lost_leases > 0")
        assert not faults, "\n".join(faults)
        assert unmet < count / 2, "most of them were met"


def test_a_process_without_memory_at_its_first_job(program, database, folder, local, allocations):
    storage = replace(local, env=allocations.env)
    with Crew(program, folder, local, workers=1):
        _, undisturbed = export(database, local)
    for number in range(5, 141, 15):
        before = database.execute("SELECT process_id FROM verbatim.process")
        with Crew(program, folder, storage, workers=1):
            wait_until(lambda: set(database.execute("SELECT process_id FROM verbatim.process")) - set(before),
                       "the workers")
            allocations.fail(number)
            found, data = export(database, storage)
            allocations.spare()
            assert (found.status, data) == ("finished", undisturbed), (number, allocations.where(), found)
