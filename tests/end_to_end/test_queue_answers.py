"""Transactions of the queue that were committed while their answer was lost: each counts once, and costs nothing."""

import itertools

import pytest

from tests.end_to_end.conftest import file_storage
from tests.lib import queue
from tests.lib.patience import again_after_a_stall
from tests.lib.postgres_proxy import Fault, PostgresProxy
from tests.lib.process import wait_until
from tests.lib.queue import Crew

# Words of a statement that only this transaction has.
START = "AND s.status = 'waiting' RETURNING"
CLAIM = "turned AS"
NOTE_KEY = "upload_id = NULL, part_size"
NOTE_UPLOAD = "SET upload_id = $2"
SPLIT = "INSERT INTO verbatim.segment (job_id, part_first, part_last, workspace_id, low_at"
PIECE = "INSERT INTO verbatim.segment_directory"
ABSORB = "expected = expected +"
RECORD = "SET open_segments = open_segments - 1"
CLOSE = "SET size = $2, loose_parts ="
HAND_BACK = "after_others = $4"
COMPLETE = "jsonb_array_elements(s.parts)"
FINISH = "file_name = $4"
FAIL = "kind) SELECT audit_id"


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 50})
    queue.fill(database, "plain", 400, messages=3)
    queue.fill(database, "few", 3)


@pytest.fixture(scope="module")
def expected(program, database, folder):
    """The bytes of each channel, written by one thread in one piece."""
    (folder / "whole").mkdir()
    storage = file_storage(folder / "whole")
    whole = {}
    with Crew(program, folder, storage, workers=1, s3_equal_parts="on", chunk=50):
        for channel, files in itertools.product(("plain", "few"), ("per_conversation", "chunks")):
            found = queue.finished(database, add_job(database, channel, files))
            whole[channel, files] = queue.archive(storage, found)
    return whole


def add_job(database, channel, files="per_conversation", **columns):
    specification = {"select": {"channel_id": channel}}
    if files == "chunks":
        specification["files"] = "chunks"
    return queue.add_job(database, channel, specification=queue.json.dumps(specification), **columns)


class Losing:
    """Loses the answer to the end of transactions with such words in a statement, as often as `turns` says so.

    away: from now on every statement is lost before it goes out."""

    def __init__(self, turns, *words):
        self._turns, self._words = turns, words
        self._open = {}
        self.lost = 0
        self.away = False

    def __call__(self, statement):
        if self.away:
            return Fault("drop")
        texts = self._open.setdefault(statement.connection, [])
        if statement.text.startswith("BEGIN"):
            texts.clear()
        texts.append(statement.text)
        loses = (statement.commits and any(word in text for text in texts for word in self._words)
                 and next(self._turns, False))
        self.lost += loses
        if statement.commits or not statement.in_transaction:
            texts.clear()
        return Fault("lose") if loses else None


def every_other(*words):
    """Loses the first answer to each such transaction, and not that to its repetition."""
    return Losing(itertools.cycle((True, False)), *words)


@pytest.fixture
def losing(program, database, folder, postgres, local):
    """losing(decide, **tuning) -> (proxy, crew): a crew whose database is behind the proxy."""
    def make(decide, **tuning):
        proxy = PostgresProxy(postgres.port, decide)
        return proxy, lambda: Crew(program, folder, local, database_url=proxy.url(database.name),
                                   source_url=database.url, **tuning)
    return make


def charges(database, job_id):
    """Attempts and lost leases of all segments."""
    return database.execute("SELECT sum(attempts), sum(lost_leases) FROM verbatim.segment WHERE job_id = %s",
                            [job_id])[0]


CUTS = {"page": 20, "cuts": 150}
CASES = {
    "start": (START, {}, "on"), "start_unprepared": (START, {}, "off"), "claim": (CLAIM, CUTS, "on"),
    "claim_unprepared": (CLAIM, CUTS, "off"), "note_key": (NOTE_KEY, CUTS, "on"),
    "note_upload": (NOTE_UPLOAD, CUTS, "on"), "split": (SPLIT, CUTS, "on"), "split_unprepared": (SPLIT, CUTS, "off"),
    "piece": (PIECE, CUTS, "on"), "absorb": (ABSORB, CUTS | {"absorb": 60_000}, "on"), "record": (RECORD, CUTS, "on"),
    "close": (CLOSE, CUTS, "on"), "finish": (FINISH, CUTS, "on"),
    "finish_small": (FINISH, {}, "on"), "finish_unprepared": (FINISH, CUTS, "off"),
}


@pytest.mark.parametrize("words, tuning, prepared", CASES.values(), ids=CASES)
@again_after_a_stall
def test_an_answer_that_is_lost_changes_nothing(database, local, losing, expected, words, tuning, prepared):
    """Each transaction is repeated once without need; the bytes, the charges, the mail and the clean-up are those of
    an undisturbed job."""
    answers = every_other(words)
    proxy, crew = losing(answers, prepared_statements=prepared, **tuning)
    with proxy, crew() as running:
        job_id = add_job(database, "plain", email="a@example.com")
        found = queue.finished(database, job_id)
        assert queue.archive(local, found) == expected["plain", "per_conversation"]
        assert (found.conversations, found.messages) == (400, 1200)
        counts = running.stop()
        assert words == ABSORB or "not ours any more" not in running.log()
    assert answers.lost > 0, "nothing was lost"
    assert charges(database, job_id) == (0, 0)
    assert (counts["finished"], counts["lost"]) == (1, 0)
    assert database.value("SELECT count(*) FROM verbatim.outbox WHERE job_id = %s", [job_id]) == 1
    assert database.value("SELECT count(*) FROM verbatim.segment_directory WHERE job_id = %s", [job_id]) == 0
    # The express thread may have begun with a key of its own.
    trail = database.execute("SELECT keep_object FROM verbatim.cleanup WHERE job_id = %s ORDER BY cleanup_id", [job_id])
    assert trail[-1:] == ([(True,)] if tuning else []) and len(trail) <= 2


@again_after_a_stall
def test_a_segment_that_is_handed_back_is_charged_nothing(program, database, folder, local, losing, expected):
    answers = every_other(HAND_BACK)
    proxy, crew = losing(answers, workers=1)
    with proxy, crew() as running, database.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE chat.message")
        job_id = add_job(database, "plain")
        wait_until(lambda: queue.job(database, job_id).status == "started", "the claim")
        running.stop()
        # What the express thread hands to a worker is the worker's before the lost answer is asked for once more.
        assert not [line for line in running.log().splitlines()
                    if "not ours any more" in line and "thread=express" not in line]
    assert answers.lost > 0
    assert queue.segments(database, job_id) == [(1, 10000, "waiting", 0, 0)]
    with Crew(program, folder, local):
        assert queue.archive(local, queue.finished(database, job_id)) == expected["plain", "per_conversation"]


@again_after_a_stall
def test_a_job_fails_once(database, losing):
    answers = every_other(FAIL)
    proxy, crew = losing(answers)
    with proxy, crew() as running:
        job_id = add_job(database, "few", csv_profile="none of ours")
        assert queue.wait_end(database, job_id).error == 'the CSV profile "none of ours" is not known here'
        running.stop()
        assert "not ours any more" not in running.log()
    assert answers.lost == 1
    assert database.execute("SELECT keep_object FROM verbatim.cleanup WHERE job_id = %s", [job_id]) == [(False,)]


def test_a_job_that_finished_is_not_failed_when_the_database_stays_away(database, local, losing, expected):
    """The answer to the finish is lost, and so is everything else until the lease is over."""
    answers = Losing(iter([True]), FINISH)
    def decide(statement):
        fault = answers(statement)
        answers.away = answers.lost > 0
        return fault
    proxy, crew = losing(decide, lease="3s")
    with proxy, crew() as running:
        job_id = add_job(database, "few", email="a@example.com")
        found = queue.finished(database, job_id)
        wait_until(lambda: "left to its lease" in running.log(), "the end of the claim")
    assert queue.archive(local, found) == expected["few", "per_conversation"]
    assert queue.job(database, job_id).status == "finished"
    assert database.value("SELECT count(*) FROM verbatim.outbox WHERE job_id = %s", [job_id]) == 1


def test_whoever_completes_for_another_leaves_the_counts_as_they_are(database, local, losing, expected):
    """The closing segment's record is made; the look at the parts fails, and the segment changes hands."""
    looks = []
    def decide(statement):
        if COMPLETE in statement.text:
            looks.append(statement)
        return Fault("lose") if COMPLETE in statement.text and len(looks) == 1 else None
    proxy, crew = losing(decide, **CUTS)
    with proxy, crew():
        job_id = add_job(database, "plain")
        found = queue.finished(database, job_id)
    assert len(looks) > 1
    assert queue.archive(local, found) == expected["plain", "per_conversation"]
    assert (found.conversations, found.messages) == (400, 1200)
