"""Time on machines that are slow, shared, or stand still for a while: what a limit may be, and how long a thing took.

A clock on the wall says nothing of the program where the machine stood still. So what must come soon is held to the
seconds in which this process got to run, what must not come early to those of the clock, and a test whose deadlines
are shorter than such a stall is told anew when there was one.
"""

import functools
import threading
import time

# A wait's seconds are what it may take on a quiet machine of two cores; a slower one, or one that stands still for a
# while, has so many times as long. A condition that holds costs nothing of it.
PATIENCE = 3
LIMIT = 240  # seconds: ends what hangs for good, and says nothing of speed
TICK = 0.02
STALL = 0.5  # seconds without a turn that a test with short deadlines may have failed for
ATTEMPTS = 5


class _Turns(threading.Thread):
    """Counts the time in which threads of this process got their turn: a late tick is worth no more than two."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seconds, self._began, self._lock = 0.0, False, threading.Lock()

    def begin(self):
        with self._lock:
            if not self._began:
                self._began = True
                self.start()
        return self

    def run(self):
        last = time.monotonic()
        while True:
            time.sleep(TICK)
            now = time.monotonic()
            self.seconds += min(now - last, 2 * TICK)
            last = now


_turns = _Turns()


class Stopwatch:
    """Runs from when it is made. `seconds`: by the clock; `awake`: those in which we got to run; `still`: the rest."""

    def __init__(self):
        self._awake, self._begun = _turns.begin().seconds, time.monotonic()

    @property
    def seconds(self):
        return time.monotonic() - self._begun

    @property
    def awake(self):
        return _turns.seconds - self._awake

    @property
    def still(self):
        return max(0, self.seconds - self.awake)

    def __repr__(self):
        return f"{self.seconds:.2f} s, {self.awake:.2f} s of them awake"


def again_after_a_stall(test):
    """A test that failed while the machine stood still is done anew, with the fixtures it has.

    Never so for what a sanitizer found."""
    @functools.wraps(test)
    def attempt(*arguments, **named):
        whole = Stopwatch()
        for number in range(ATTEMPTS):
            watch = Stopwatch()
            try:
                return test(*arguments, **named)
            except Exception as error:  # whatever a deadline that ran out leads to
                is_last = number == ATTEMPTS - 1 or whole.seconds > LIMIT
                if watch.still < STALL or is_last or "Sanitizer" in str(error):
                    raise
                print(f"{watch}: once more after {type(error).__name__}: {error}")
    return attempt
