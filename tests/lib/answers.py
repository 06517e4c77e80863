"""Exports whose answers get lost: every statement and every store call of an export is known, and may be failed.

A House has what all share: the cluster, the source, the store. A Lane is one worker process behind proxies of its own,
with a queue of its own in a database of its own, so that many lanes run side by side. A round is one export in it with
Steps (which event fails, and how); `round` answers what is wrong afterwards, and `sweep` what was left in the store.

The worker's one thread asks one thing after the other, so the events of an undisturbed run come in the same order each
time. Heartbeats come by the clock and are not counted; nor is the express thread, whose looks come beside the work.
"""

import collections
import contextlib
import json
import re
import select
import shutil
import threading
import time
import uuid
from dataclasses import dataclass

import psycopg

from . import queue
from .answer_house import SCENARIOS
from .answer_plan import DUE, LOOK, READER, WORKER, Plan, of_the_job
from .answer_stores import FileStore, S3Store
from .fault_proxy import FaultProxy, key_of_call, name_of_call
from .parts import running_part
from .patience import LIMIT
from .postgres_proxy import PostgresProxy
from .process import wait_until
from .queue import Crew
from .service import Program

LEASE = 4  # seconds: what a claim costs whose answer was lost
AGAIN = 9  # times that a round is begun anew whose fault did not happen


def _mark(statement, connection):
    """The express thread's looks come beside the work, whenever they like. The last parameter of a look tells it."""
    if LOOK in statement.text and statement.parameters:
        connection.role = "ignored" if statement.parameters[-1] == "t" else "worker"


def _admit(connection, others):
    """A connection is the worker's or the express thread's: who comes second is known by who is there."""
    if connection.application != WORKER:
        return True
    roles = [each.role for each in others if each.application == WORKER]
    if "ignored" not in roles and "worker" in roles:
        connection.role = "ignored"
    return None not in roles


def _has_looked(connection):
    return connection.application != WORKER or LOOK in connection.asked or DUE in connection.asked


FACTS = ("SELECT status, error_message, object_key, conversations, messages, media, media_failed, size, crc32"
         " FROM verbatim.job WHERE job_id = %s")
# Nobody waits for a back-off here: who is to try again may do so at once.
HURRY = """
WITH due AS (UPDATE verbatim.segment SET not_before = clock_timestamp() WHERE job_id = %s AND status = 'waiting'
    AND not_before > clock_timestamp() AND not_before < 'infinity' RETURNING 1)
SELECT pg_notify('verbatim_work', '') WHERE EXISTS (SELECT FROM due)
    OR NOT EXISTS (SELECT FROM verbatim.segment WHERE job_id = %s AND status = 'running')
"""
# Another job like one that is cut into segments, as if its worker had gone after that.
FRESH = {"job_id": "%(new)s", "status": "'started'", "active_key": "NULL", "error_message": "NULL",
         "archive_epoch": "%(epoch)s", "object_key": "%(key)s", "upload_id": "%(upload)s",
         "open_segments": "(SELECT count(*) FROM verbatim.segment AS s WHERE s.job_id = %(old)s)",
         "conversations": "0", "messages": "0", "media": "0", "media_failed": "0", "size": "NULL", "crc32": "NULL",
         "finished_at": "NULL", "link_expires_at": "NULL", "archive_deleted_at": "NULL",
         "created_at": "now()", "started_at": "now()"}
SEGMENTS = """
INSERT INTO verbatim.segment (job_id, part_first, part_last, workspace_id, low_at, low_id, high_at, high_id, estimate,
    expected, first_conversation)
SELECT %(new)s, part_first, part_last, workspace_id, low_at, low_id, high_at, high_id, estimate, expected,
    first_conversation FROM verbatim.segment WHERE job_id = %(old)s
"""


@dataclass
class Outcome:
    job_id: str
    wrong: list
    plan: Plan
    steps: tuple
    seconds: float

    def __str__(self):
        fired = "; ".join(f"{step.way} at {event}" for step, event in self.plan.fired)
        return f"job {self.job_id}: {'; '.join(self.wrong)} [{'; '.join(map(str, self.steps))}] fired: {fired}"


class Lane:
    """`with Lane(house, "file", "split") as lane:`; `expected` and `seen` come from an undisturbed run at the start."""

    def __init__(self, house, place, scenario, cold=False, options=None, applications=(WORKER, READER)):
        """cold: each round begins with a new process, so that the connection to the source is a new one too."""
        self.house, self.place, self.scenario_name, self._cold = house, place, scenario, cold
        self.scenario = SCENARIOS["file" if place == "file" else "s3"].get(scenario)
        self._options, self._applications = options or {}, applications
        self._steps = {}  # of each job since the last sweep
        self.expected = None  # (bytes, counts)
        self._disturbed = False

    def __enter__(self):
        self._cleanup = contextlib.ExitStack()
        try:
            self._open()
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(self, kind, *_):
        self._leave(kind)
        self._cleanup.close()

    def _open(self):
        self._open_place()
        self._template = self._cut() if self.scenario.cut else None
        self._enter_crew(self.scenario.tuning)
        self._record()

    def _open_place(self):
        """The queue's database, the store, and the proxies."""
        house, name = self.house, self.house.name()
        self.folder = house.folder / name
        self.folder.mkdir()
        self._cleanup.callback(shutil.rmtree, self.folder, True)
        self.database = self._cleanup.enter_context(house.queue_database())
        self._looks = self._cleanup.enter_context(psycopg.connect(self.database.url, autocommit=True))
        self._looks.execute("LISTEN verbatim_ended")
        self.proxy = self._cleanup.enter_context(PostgresProxy(house.postgres.port, marking=_mark, admit=_admit))
        store = house.stores[self.place]
        self.storage = S3Store(store, name) if store else FileStore(self.folder)
        self._cleanup.callback(self.storage.close)
        options = dict(self.storage.options)
        self.calls = None
        if store:
            self.calls = self._cleanup.enter_context(FaultProxy(store.endpoint))
            options["s3_endpoint"] = self.calls.endpoint
        self._through = options
        self.program = Program(house.verbatim, self.database.url, {"source_url": house.source.url})

    def _record(self):
        for _ in range(2):  # the first one makes connections that are kept
            undisturbed = self.round()
            assert not undisturbed.wrong, undisturbed
        self.seen = of_the_job(undisturbed.plan.seen)
        self._disturbed = False

    def _enter_crew(self, tuning):
        options = {"lease": f"{LEASE}s", "workers": 1, "log_level": "info", "media_allow": self.house.media.allow,
                   "database_url": self.proxy.url(self.database.name),
                   "source_url": self.proxy.url(self.house.source.name)} | tuning | self._options
        plan = Plan(applications=self._applications)
        self.proxy.decide = plan.statement
        self.crew = Crew(self.program, self.folder, Place(self._through, self.storage.env), **options)
        self.crew.__enter__()
        # An idle worker leaves new jobs to no express thread, but a look of that one that was begun before must be
        # over; and who beats has begun to listen.
        wait_until(lambda: plan.idle() and self.proxy.at_rest(_has_looked)
                   and self._looks.execute("SELECT FROM verbatim.process").rowcount, "the crew's first beat",
                   pause=0.003)

    def _leave(self, kind=None):
        crew, self.crew = getattr(self, "crew", None), None
        if crew:
            crew.__exit__(kind, None, None)

    def _cut(self):
        """A job cut into segments by a crew that absorbs none. S3 refuses such an archive; it is not needed anyway."""
        self._enter_crew({**self.scenario.tuning, "absorb": 0, **self.scenario.cut})
        job_id = self._add()
        queue.wait_end(self.database, job_id, 120)
        self._leave()
        assert len(queue.segments(self.database, job_id)) > 2, "nothing to absorb"
        self.sweep()
        return job_id

    def _add(self):
        specification = {"select": {"channel_id": self.scenario.channel}} | self.scenario.specification
        return queue.add_job(self.database, self.scenario.channel, specification=json.dumps(specification),
                             email="who@example.org", connection=self._looks)

    def _copy(self):
        """A new job like the template, with an upload of its own."""
        old, new = self._template, str(uuid.uuid4())
        epoch, key, = self._looks.execute(
            "SELECT nextval('verbatim.claim_epoch'), object_key FROM verbatim.job WHERE job_id = %s", [old]).fetchone()
        key = re.sub(r"/[^/]*/([^/]*)$", rf"/{new}-{epoch}/\1", key)
        facts = {"new": new, "old": old, "epoch": epoch, "key": key, "upload": self.storage.begin_upload(key)}
        columns = [name for name, in self._looks.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'verbatim' AND table_name = 'job'"
            " AND is_generated = 'NEVER'")]
        with self._looks.transaction():
            self._looks.execute(
                f"INSERT INTO verbatim.job ({', '.join(columns)})"
                f" SELECT {', '.join(FRESH.get(name, name) for name in columns)}"
                " FROM verbatim.job WHERE job_id = %(old)s", facts)
            self._looks.execute(SEGMENTS, facts)
            self._looks.execute("SELECT pg_notify('verbatim_work', '')")
        return new

    # ---- a round

    def _fresh(self, plan):
        """Without a connection to the queue, so that making it can fail too. One to the source that dies between two
        exports costs an attempt, so that one is kept, or all is made anew."""
        if self._cold:
            self._leave()
            self._enter_crew(self.scenario.tuning)
        self.proxy.decide = plan.statement
        self.proxy.drop(lambda connection: connection.role == "worker")

    def round(self, *steps, label="", also=None, seconds=LIMIT):
        """One export with these faults; `label` names it where something of it is found too late."""
        begun = time.monotonic()
        if steps and self._disturbed and not self._cold:  # whose connection to the source knows no statements
            self._disturbed = False
            self.round()
        plan = Plan(*steps, applications=self._applications, also=also, vanish=self.storage.vanish)
        self._fresh(plan)
        if self.calls:
            self.calls.decide = self._decide_call(plan)
        try:
            job_id = self._begin()
            self._steps[job_id] = f"{label} {'; '.join(map(str, steps))}"
            self._wait(job_id, seconds)
            self._rest(plan)
        finally:
            self.proxy.decide = lambda statement: None
            if self.calls:
                self.calls.decide = lambda method, target: None
                self.calls.settle()
        self._disturbed |= any(event.name.startswith(f"{READER}: connect") for event in plan.seen)
        return Outcome(job_id, self.check(job_id), plan, steps, time.monotonic() - begun)

    def _begin(self):
        return self._copy() if self._template else self._add()

    def _rest(self, plan):
        wait_until(plan.idle, "a worker with nothing to do", pause=0.002)

    def _decide_call(self, plan):
        def decide(method, target):
            if name_of_call(method, target) == "create":
                self.storage.keys.add(key_of_call(target))
            return plan.call(method, target)
        return decide

    def _wait(self, job_id, seconds):
        end = time.monotonic() + seconds
        pause = 0.1
        while True:
            facts = self._looks.execute(FACTS, [job_id]).fetchone()
            if facts[0] in ("finished", "failed", "cancelled") or time.monotonic() > end:
                return
            select.select([self._looks.fileno()], [], [], pause)
            self._looks.pgconn.consume_input()
            if not self._looks.pgconn.notifies():
                self._looks.execute(HURRY, [job_id, job_id])

    def check(self, job_id):
        """What is wrong with a job that has ended."""
        status, error, key, *numbers = self._looks.execute(FACTS, [job_id]).fetchone()
        if status != "finished":
            return [f"the job is {status}: {error}" + self._segments(job_id)]
        wrong = []
        try:
            data = self.storage.read(key)
        except Exception as failure:  # of any store
            return [f"no archive: {failure}"]
        if self.expected is None:
            self.expected = (data, numbers)
        expected, counts = self.expected
        if data != expected:
            wrong.append(f"the archive has other bytes ({len(data)} instead of {len(expected)})")
        if numbers != counts:
            wrong.append(f"counts are {numbers} instead of {counts}")
        look = self._looks.execute(
            "SELECT (SELECT count(*) FROM verbatim.outbox WHERE job_id = %(job)s),"
            " (SELECT count(*) FROM verbatim.segment WHERE job_id = %(job)s AND status <> 'recorded'),"
            " (SELECT count(*) FROM verbatim.segment_directory WHERE job_id = %(job)s)", {"job": job_id}).fetchone()
        for found, right, what in zip(look, (1, 0, 0), ("mails", "open segments", "pieces of the directory")):
            if found != right:
                wrong.append(f"{found} {what}")
        return wrong

    def _segments(self, job_id):
        rows = self._looks.execute("SELECT part_first, status, attempts, last_error FROM verbatim.segment"
                                   " WHERE job_id = %s ORDER BY part_first", [job_id]).fetchall()
        return "; segments: " + ", ".join(f"{row[0]} {row[1]} attempts {row[2]} {row[3] or ''}" for row in rows)

    def sweep(self):
        """The janitor works off what is left to it, twice; what the store then holds too much or too little, each with
        the steps of its round. The archives go."""
        place = Place(self._through, self.storage.env)  # the store's endpoint is part of its identity
        if not self._cleaned():
            with running_part(self.program, "janitor", self.folder, place, janitor_interval="1s"):
                wait_until(self._cleaned, "the janitor", 60, pause=0.05)
        jobs = dict(self.database.execute("SELECT object_key, job_id::text FROM verbatim.job WHERE status = 'finished'"
                                          " AND archive_deleted_at IS NULL"))
        wanted = {key for key, job_id in jobs.items() if job_id in self._steps}
        found = self.storage.left()
        wrong = [f"left in the store: {name} {self._of(name)}" for name in sorted(found - wanted)]
        wrong += [f"gone from the store: {name} {self._of(name)}" for name in sorted(wanted - found)]
        for key in found:
            self.storage.remove(key.split(" upload ")[0])
        self.database.execute("UPDATE verbatim.job SET archive_deleted_at = now() WHERE status = 'finished'")
        self._steps = {}
        return wrong

    def _of(self, key):
        steps = [steps for job_id, steps in self._steps.items() if job_id in key]
        return f"[{steps[0].strip()}]" if steps else ""

    def _cleaned(self):
        """Nobody waits an hour for the second look."""
        self.database.execute("UPDATE verbatim.cleanup SET not_before = now() WHERE not_before > now()"
                              " AND (attempts = 0 OR last_error IS NOT NULL)")
        return self.database.value("SELECT count(*) FROM verbatim.cleanup") == 0


@dataclass(frozen=True)
class Place:
    options: dict
    env: dict


def open_lane(house, place, scenario, cold=False):
    if scenario == "clean-up":
        from .answer_cleaning import Cleaning  # which builds on this file
        return Cleaning(house, place)
    return Lane(house, place, scenario, cold)


def run_steps(house, place, scenario, jobs, lanes=2, cold=False):
    """Each of `jobs` (tuples of steps) is a round in one of several lanes. Returns (rounds, what was wrong).

    Where a worker is slow to come to rest the express thread may take an export, and no fault happens: then again,
    later, for the machine may be busy for a while."""
    left, wrong, done = collections.deque((steps, AGAIN) for steps in jobs), [], []

    def work():
        try:
            with open_lane(house, place, scenario, cold) as lane:
                while True:
                    try:
                        steps, more = left.popleft()
                    except IndexError:
                        break
                    outcome = lane.round(*steps)
                    if more and not (outcome.plan.fired or outcome.wrong):
                        left.append((steps, more - 1))
                        continue
                    done.append(outcome)
                    wrong.extend([f"{place} {scenario}: {outcome}"] if outcome.wrong else [])
                wrong.extend(f"{place} {scenario}: {each}" for each in lane.sweep())
        except Exception as failure:  # of the harness: as bad as any
            wrong.append(f"{place} {scenario}: the lane broke: {failure!r}")

    threads = [threading.Thread(target=work) for _ in range(min(lanes, len(jobs)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done, wrong


def record(house, place, scenario, cold=False):
    """The events of an undisturbed run."""
    with open_lane(house, place, scenario, cold) as lane:
        return lane.seen
