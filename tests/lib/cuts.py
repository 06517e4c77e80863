"""Cutting an export by chance: how it is cut, and processes that die and stall while they work on it."""

import os
import signal
import time

from .queue import Crew

SEED = int(os.environ.get("VERBATIM_TEST_SEED", "20260611"))
ROUNDS = int(os.environ.get("VERBATIM_TEST_CUTS", "30"))  # enough that every kind of cut comes; more find the rare
LEASE = 2  # seconds


def draw(chance, absorb, pages, cuts):
    """Some way to cut. absorb: small cuts, of which most are too small."""
    tuning = {"page": chance.choice(pages), "cuts": chance.choice(cuts), "numbers": chance.choice([1, 2, 16]),
              "units": chance.choice([1, 4]), "workers": chance.choice([1, 2, 4])}
    if absorb:
        tuning |= {"absorb": chance.choice([1_500, 5_000, 50_000]), "cuts": chance.choice([1, 3, 20]),
                   "page": chance.choice([1, 2, 7])}
    if chance.random() < 0.3:
        tuning["giant"] = chance.choice([1, 5, 100])
    return tuning


class Turmoil:
    """Three crews on one queue; at each turn one is killed or stopped beyond its lease, and another comes."""

    def __init__(self, program, folder, storage, chance, **options):
        self._arguments, self._options = (program, folder, storage), options
        self._chance = chance
        self._made = []

    def _start(self):
        chance = self._chance
        crew = Crew(*self._arguments, lease=f"{LEASE}s", log_level="info", page=chance.choice([1, 5, 20]),
                    cuts=chance.choice([3, 20]), numbers=chance.choice([1, 4]), absorb=chance.choice([1, 3_000]),
                    workers=2, **self._options)
        self._made.append(crew)
        return crew

    def __enter__(self):
        self._crews = [self._start() for _ in range(3)]
        return self

    def __exit__(self, *_):
        for crew in self._made:
            if crew.process:
                crew.kill()

    def turn(self):
        time.sleep(self._chance.uniform(0.2, 0.8))
        victim = self._crews.pop(0)
        if self._chance.random() < 0.5:
            victim.kill()
        else:
            victim.signal(signal.SIGSTOP)
            time.sleep(LEASE + 0.5)
            victim.signal(signal.SIGCONT)
            victim.stop()
        self._crews.append(self._start())
