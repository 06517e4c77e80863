"""Exports with lost answers, for as long as one likes: all singles of every scenario, and pairs of faults by chance.

usage: ./run torture answers [--singles] [--rounds N] [--seed S] [--lanes N] [--only PLACE/SCENARIO]

A round is one export in which two events fail; its seed is S plus its place in the run, so that `--rounds 1 --seed X`
does the round with the seed X again. Lanes are processes of their own, each with one worker process and a queue.
Without --singles and --rounds it does both, with 500 rounds. The last line is the tally; failures name their seeds.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.lib import object_stores  # noqa: E402 (after the path)
from tests.lib.answer_house import SCENARIOS, House  # noqa: E402
from tests.lib.answer_plan import CALL_WAYS, Step, occurrences, singles  # noqa: E402
from tests.lib.answers import open_lane  # noqa: E402
from tests.lib.postgres import Database, Postgres  # noqa: E402
from tests.lib.process import scratch_folder  # noqa: E402

# Most of what can go wrong goes wrong in the database; a large export to S3 costs twenty small ones.
WEIGHTS = {"file/small": 22, "file/split": 20, "file/absorbed": 14, "file/giant": 6, "file/chunked": 10,
           "file/chunks absorbed": 10, "file/media": 8, "s3/small": 8, "s3/media": 5, "s3/split": 2, "s3/absorbed": 2,
           "file/clean-up": 1, "s3/clean-up": 1}
BATCH = 24  # rounds of a scenario in one lane, between two looks at the whole store
TELL = "TORTURE_TELL" in os.environ  # each round in .run/torture.log
COLD = 0.2  # of the rounds begin with a new process


def draw_scenario(seed, only):
    chance = random.Random(f"{seed} scenario")
    names = [name for name in WEIGHTS if name in only]
    return chance.choices(names, [WEIGHTS[name] for name in names])[0], chance.random() < COLD


def draw_steps(seed, seen):
    """Any event, and then any that comes after it, or none when there are fewer."""
    chance = random.Random(f"{seed} steps")
    place = chance.randrange(len(seen))
    event, number = list(occurrences(seen))[place]
    ways = CALL_WAYS if event.domain == "s3" else ("drop", "lose", "lose", "40001")
    later = chance.randrange(1, len(seen) - place + 12)
    return Step(chance.choice(ways), number, event), Step(chance.choice(("drop", "lose", "lose", "late")), later)


# ---- a lane's process: batches come as lines of JSON, and so go their results


def run_batch(house, batch):
    place, scenario = batch["name"].split("/")
    wrong, done = [], 0
    with open_lane(house, place, scenario, batch["cold"]) as lane:
        every = singles(lane.seen)
        count = len(every)
        for label in batch["rounds"]:
            if batch["kind"] == "singles":
                if label >= count:
                    break
                steps, told = (every[label],), f"single {label}"
            else:
                steps, told = draw_steps(label, lane.seen), f"seed {label}"
            outcome = lane.round(*steps, label=told)
            done += 1
            if batch["tell"]:
                print(f"{told}: {outcome}", file=sys.stderr)
            if outcome.wrong:
                wrong.append(f"{told}: {batch['name']}: {outcome}")
        wrong += [f"{batch['name']}: {text}" for text in lane.sweep()]
    return {"done": done, "wrong": wrong, "count": count}


def lane_main(text):
    facts = json.loads(text)
    postgres = Postgres()
    postgres.port = facts["postgres"]
    house = House(postgres, facts["verbatim"], facts["folder"])
    house.source = Database(facts["postgres"], facts["source"])
    house.media = types.SimpleNamespace(allow=facts["media_allow"])
    if facts["store"]:
        store = object_stores.STORES[facts["store"]]()
        store.port = facts["store_port"]
        house.stores["s3"] = store
    with contextlib.redirect_stdout(sys.stderr):  # what a failed round says of its crew
        for line in sys.stdin:
            batch = json.loads(line)
            try:
                result = run_batch(house, batch)
            except Exception as failure:  # of the harness: as bad as any
                result = {"done": 0, "count": 0, "wrong": [f"{batch['name']} {batch['rounds']}: broke: {failure!r}"]}
            print(json.dumps(result), file=sys.__stdout__, flush=True)


# ---- the run


class Run:
    def __init__(self, house, store, arguments):
        self.arguments = arguments
        self.passed = self.failed = self.rounds = 0
        self._begun = self._told = time.monotonic()
        self._lock = threading.Lock()
        facts = {"postgres": house.postgres.port, "verbatim": str(house.verbatim), "folder": str(house.folder),
                 "source": house.source.name, "media_allow": house.media.allow,
                 "store": store.name if store else None, "store_port": store.port if store else 0}
        log = open(ROOT / ".run" / "torture.log", "wb")
        self._lanes = [subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", sys.executable, "-B", __file__, "--lane", json.dumps(facts)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            env=os.environ | {"TEST_WORKER": str(number)}) for number in range(arguments.lanes)]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        """Whoever ends it does not wait for batches."""
        for lane in self._lanes:
            if kind:
                lane.terminate()
            with contextlib.suppress(OSError):
                lane.stdin.close()
            lane.wait()

    def do(self, batches):
        """All lanes take batches until there are none."""
        left = collections.deque(batches)
        threads = [threading.Thread(target=self._drive, args=(lane, left)) for lane in self._lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _drive(self, lane, left):
        while True:
            try:
                batch = left.popleft()
            except IndexError:
                return
            try:
                lane.stdin.write(json.dumps(batch) + "\n")
                lane.stdin.flush()
                answer = lane.stdout.readline()
            except OSError:
                answer = ""
            if not answer:
                self._tell({"done": 0, "wrong": [f"{batch['name']} {batch['rounds']}: the lane's process ended"]})
                return
            result = json.loads(answer)
            self._tell(result)
            # The first batch of singles has found out how many there are.
            if batch["kind"] == "singles" and batch["rounds"][-1] + 1 < result["count"] and batch["first"]:
                left.extend(batches_of(batch["name"], batch["cold"], "singles",
                                       range(batch["rounds"][-1] + 1, result["count"])))

    def _tell(self, result):
        with self._lock:
            self.rounds += result["done"]
            self.failed += len(result["wrong"])
            self.passed = max(0, self.rounds - self.failed)
            for text in result["wrong"]:
                print("WRONG", text, flush=True)
            now = time.monotonic()
            if now - self._told > 10:
                self._told = now
                print(f"{self.rounds} rounds, {self.failed} wrong, {now - self._begun:.0f} s", flush=True)


def batch_size(name):
    """The janitor comes once a second, however little there is to do."""
    return 6 if name.endswith("/clean-up") else BATCH


def batches_of(name, cold, kind, rounds, first=False):
    rounds, size = list(rounds), batch_size(name)
    return [{"name": name, "cold": cold, "kind": kind, "rounds": rounds[at:at + size], "first": first, "tell": TELL}
            for at in range(0, len(rounds), size)]


def pair_batches(arguments, only):
    """Rounds of the same scenario go together; which round is what depends on its seed alone."""
    groups = collections.defaultdict(list)
    for seed in range(arguments.seed, arguments.seed + arguments.rounds):
        groups[draw_scenario(seed, only)].append(seed)
    batches = [batch for (name, cold), seeds in groups.items() for batch in batches_of(name, cold, "pairs", seeds)]
    random.Random(arguments.seed).shuffle(batches)
    return batches


def single_batches(only):
    """How many there are, the first batch of each scenario finds out. Each small export begins with a new process."""
    return [batch for name in only
            for batch in batches_of(name, name.endswith("/small"), "singles", range(batch_size(name)), first=True)]


def parse():
    parser = argparse.ArgumentParser(prog="./run torture answers")
    parser.add_argument("--singles", action="store_true")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10 ** 9))
    parser.add_argument("--lanes", type=int, default=4 * (os.cpu_count() or 1))
    parser.add_argument("--only", action="append", choices=list(WEIGHTS))
    parser.add_argument("--lane", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.singles and not arguments.rounds:
        arguments.singles, arguments.rounds = True, 500
    return arguments


def interrupt(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would come in the middle of the stopping
    raise KeyboardInterrupt


def main():
    arguments = parse()
    if arguments.lane:
        return lane_main(arguments.lane)
    signal.signal(signal.SIGTERM, interrupt)
    available = object_stores.available()
    name = next((name for name in ("versitygw", "minio", "swift") if name in available), None)
    only = [each for each in arguments.only or WEIGHTS if name or each.startswith("file/")]
    assert set(WEIGHTS) == {f"{place}/{scenario}" for place, scenarios in SCENARIOS.items()
                            for scenario in (*scenarios, "clean-up")}
    verbatim = os.environ.get("VERBATIM_BINARY", ROOT / "build/release/verbatim")
    print(f"seed {arguments.seed}, {arguments.lanes} lanes, S3 by {name or 'nobody'}", flush=True)
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        folder = stack.enter_context(scratch_folder())
        house = stack.enter_context(House(postgres, verbatim, folder))
        store = stack.enter_context(object_stores.STORES[name]()) if name else None
        run = stack.enter_context(Run(house, store, arguments))
        run.do((single_batches(only) if arguments.singles else []) + pair_batches(arguments, only))
    print(f"seed {arguments.seed}")
    print(f"{run.passed} passed, {run.failed} failed")
    return 1 if run.failed or not run.passed else 0


if __name__ == "__main__":
    sys.exit(main())
