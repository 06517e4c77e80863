"""An answer that is lost changes nothing: every statement and every store call of an export fails, one at a time.

The long form with pairs of faults is ./run torture answers."""

import random
import threading

import pytest

from tests.lib import object_stores
from tests.lib.answer_house import SCENARIOS, House
from tests.lib.answer_plan import KEEPER, READER, SQL_WAYS, WORKER, Step, occurrences, of_commit, singles
from tests.lib.answers import Lane, record, run_steps
from tests.lib.cuts import SEED
from tests.lib.postgres_proxy import Fault

STORE = next((name for name in ("versitygw", "minio", "swift") if name in object_stores.available()), None)
PLACES = ["file", *(["s3"] if STORE else [])]
LANES = 3
SHARE = {"file": 16, "s3": 8}  # singles of each larger export, besides all COMMITs whose answers are lost


@pytest.fixture(scope="module")
def house(postgres, verbatim, folder, request):
    with House(postgres, verbatim, folder) as running:
        if STORE:
            running.stores["s3"] = request.getfixturevalue(STORE)
        yield running


def assert_right(done, wrong, jobs):
    assert len(done) == len(jobs)
    assert not [str(outcome) for outcome in done if not outcome.plan.fired], "faults that did not happen"
    assert not wrong, "\n".join(wrong)


# What an export cannot do without, however few round trips it takes.
NEEDED = [("sql", words) for words in (f"{WORKER}: connect", "verbatim.turn", "UPDATE verbatim.segment",
                                       "UPDATE verbatim.job", "verbatim.outbox", "FOR NO KEY UPDATE", ": COMMIT",
                                       f"{READER}: connect", f"{READER}: execute")]


@pytest.mark.parametrize("place", PLACES)
def test_every_single_of_a_small_export(house, place):
    seen = record(house, place, "small", cold=True)
    needed = NEEDED + ([("s3", "put")] if place == "s3" else [])
    missing = [want for want in needed if not any(event.domain == want[0] and want[1] in event.name for event in seen)]
    assert not missing, f"{missing} of {sorted({str(event) for event in seen})}"
    jobs = [(step,) for step in singles(seen)]
    assert_right(*run_steps(house, place, "small", jobs, LANES, cold=True), jobs)


@pytest.mark.parametrize("place, scenario", [(place, scenario) for place in PLACES
                                             for scenario in SCENARIOS[place] if scenario != "small"])
def test_singles_of_a_larger_export(house, place, scenario):
    steps = singles(record(house, place, scenario))
    chosen = [step for step in steps if step.way == "lose" and of_commit(step.event)]
    others = [step for step in steps if step not in chosen]
    chosen += random.Random(f"{SEED} {place} {scenario}").sample(others, min(SHARE[place], len(others)))
    jobs = [(step,) for step in chosen]
    assert_right(*run_steps(house, place, scenario, jobs, LANES), jobs)


@pytest.mark.parametrize("place, scenario", [(place, scenario) for place in PLACES
                                             for scenario in ("split", "absorbed")])
def test_an_upload_that_vanishes_is_begun_anew(house, place, scenario):
    """Before each call that needs it; in a directory before each COMMIT."""
    def needs(event):
        return of_commit(event) if place == "file" else event.name.split(" ")[0] in ("part", "complete")
    steps = [Step("vanish", number, event) for event, number in occurrences(record(house, place, scenario))
             if needs(event)]
    assert len(steps) >= 3
    jobs = [(step,) for step in steps]
    assert_right(*run_steps(house, place, scenario, jobs, LANES), jobs)


STATES = ("40001", "40P01", "53300", "57P01", "25006", "08006")


def test_a_commit_that_is_refused_is_tried_again(house):
    commits = [(event, number) for event, number in occurrences(record(house, "file", "small")) if of_commit(event)]
    assert len(commits) >= 2
    jobs = [(Step(state, number, event),) for event, number in commits for state in STATES]
    assert_right(*run_steps(house, "file", "small", jobs, LANES), jobs)


class Beats:
    """Fails the first heartbeat that holds a segment, and keeps the worker reading until the next one has come."""

    def __init__(self, way):
        self.way, self.count, self.next = way, 0, threading.Event()
        self._reads = 0

    def __call__(self, statement):
        if statement.application == KEEPER and "beaten AS" in statement.text and statement.kind == "execute":
            self.count += 1
            if self.count == 1:
                return Fault(self.way)
            self.next.set()
        if statement.application == READER and "COPY" in statement.text:
            self._reads += 1
            return Fault("delay", seconds=30, until=self.next) if self._reads == 1 else None
        return None


@pytest.mark.parametrize("way", SQL_WAYS)
def test_a_heartbeat_that_is_lost_changes_nothing(house, way):
    with Lane(house, "file", "small") as lane:
        beats = Beats(way)
        outcome = lane.round(also=beats)
        assert not outcome.wrong and beats.count >= 2, outcome
        assert lane.database.execute("SELECT attempts, lost_leases FROM verbatim.segment WHERE job_id = %s",
                                     [outcome.job_id]) == [(0, 0)]
        assert lane.sweep() == []


@pytest.mark.parametrize("place", PLACES)
def test_the_checker_objects(house, place):
    """To an archive that was changed, a mail that is missing, and to what is left in the store."""
    with Lane(house, place, "small") as lane:
        job_id = lane.round().job_id
        assert lane.check(job_id) == []
        key = lane.database.value("SELECT object_key FROM verbatim.job WHERE job_id = %s", [job_id])
        lane.storage.write(key, lane.storage.read(key)[:-1] + b"!")
        assert "other bytes" in lane.check(job_id)[0]
        lane.database.execute("DELETE FROM verbatim.outbox")
        lane.database.execute("UPDATE verbatim.job SET messages = messages - 1")
        assert [text.split(" ")[0] for text in lane.check(job_id)[1:]] == ["counts", "0"]
        lane.storage.leave(key + ".left")
        assert [text.split(":")[0] for text in lane.sweep()] == ["left in the store"]
        job_id = lane.round().job_id
        lane.storage.remove(lane.database.value("SELECT object_key FROM verbatim.job WHERE job_id = %s", [job_id]))
        assert "no archive" in lane.check(job_id)[0]
        assert "gone from the store" in lane.sweep()[0]
