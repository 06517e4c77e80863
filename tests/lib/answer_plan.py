"""Which event of an export fails, and how: see answers.py."""

import re
import time
from dataclasses import dataclass

from .fault_proxy import name_of_call
from .postgres_proxy import Fault

WORKER, READER, KEEPER = "verbatim worker", "verbatim reader", "verbatim keeper"
SQL_WAYS = ("drop", "lose")
CALL_WAYS = ("drop", "lose", "late")
QUIET = 0.02  # seconds
LOOK, DUE = "queued(workspace_id)", "THEN s.lease_until ELSE s.not_before END"  # an idle worker's two statements


@dataclass(frozen=True)
class Event:
    """A statement of the worker, or a call to the store."""

    domain: str  # sql, s3
    name: str

    def __str__(self):
        return f"{self.domain} {self.name[:110]!r}"


@dataclass(frozen=True)
class Step:
    """Fails the n-th event of that kind, or, without an event, the n-th of all after the step before."""

    way: str
    number: int = 1
    event: Event = None

    def __str__(self):
        return f"{self.way} {self.number}. {self.event or 'event later'}"


def words(text):
    return " ".join(text.split())


class Plan:
    """Decides for both proxies. `seen` are the events in order, `fired` what was failed. `also(statement)` may decide
    before; `vanish()` takes away all uploads, for the way of that name, in which the event itself goes through."""

    def __init__(self, *steps, applications=(WORKER, READER), also=None, vanish=None):
        self.seen, self.fired, self._also, self._vanish = [], [], also, vanish
        self._steps = list(steps)
        self._applications = applications
        self._counts = {}
        self._after = 0
        self._at = 0.0

    def idle(self):
        """The worker's last words were those of one with nothing to do, and that is a moment ago. What time alone makes
        due it does not ask again before it has heard of something."""
        last = self.seen[-1].name if self.seen else ""
        return time.monotonic() - self._at > QUIET and (DUE in last or LOOK in last) and ": execute:" in last

    def _due(self, event):
        self.seen.append(event)
        self._at = time.monotonic()
        number = self._counts[event] = self._counts.get(event, 0) + 1
        # How often a worker looks for work after a fault depends on the clock.
        self._after += not (LOOK in event.name or DUE in event.name)
        if not self._steps:
            return None
        step = self._steps[0]
        if step.event and (step.event, step.number) != (event, number):
            return None
        if not step.event and self._after != step.number:
            return None
        self._steps.pop(0)
        self._after = 0
        self.fired.append((step, event))
        if step.way == "vanish":
            self._vanish()
        return step.way

    def statement(self, statement):
        fault = self._also(statement) if self._also else None
        if fault:
            return fault
        if statement.application not in self._applications:
            return None
        event = Event("sql", f"{statement.application}: {statement.kind}: {words(statement.text)}")
        way = self._due(event)
        if not way or way == "vanish":
            return None
        if way in ("drop", "lose"):
            return Fault(way)
        return Fault("delay", seconds=0.3) if way == "late" else Fault("refuse", state=way)

    def call(self, method, target):
        way = self._due(Event("s3", name_of_call(method, target)))
        return way if way in (None, *CALL_WAYS) else None if way == "vanish" else "lose"


def occurrences(seen):
    """[(event, its number)] of a list of events."""
    counts = {}
    for event in seen:
        counts[event] = counts.get(event, 0) + 1
        yield event, counts[event]


def of_commit(event):
    return event.domain == "sql" and re.search(r": (?:query|execute): COMMIT$", event.name)


def singles(seen):
    """A step for each event and each way to fail it."""
    return [Step(way, number, event) for event, number in occurrences(seen)
            for way in (SQL_WAYS if event.domain == "sql" else CALL_WAYS)]


def of_the_job(seen):
    """Without looks of a worker that finds nothing to do: how many there are is chance."""
    kept = []
    for event in seen:
        if DUE not in event.name:
            kept.append(event)
        elif kept and LOOK in kept[-1].name and ": execute:" in kept[-1].name:
            kept.pop()
    return kept
