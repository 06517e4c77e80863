"""Moments without memory, or without events: steers tests/tools/failing_allocations.c and failing_events.c, which a
program under test has preloaded."""

import mmap
import pathlib
import struct
import subprocess


class Allocations:
    """The shared page of one program: `env` goes into its environment."""

    LIBRARY, VARIABLE = "failing_allocations.so", "FAILING_ALLOCATIONS"
    SEEN, FAIL_AT, PLACE = 0, 8, 16

    def __init__(self, folder, program):
        self.path = folder / self.VARIABLE.lower()
        self.path.write_bytes(bytes(mmap.PAGESIZE))
        self.program = pathlib.Path(program)
        library = self.program.parent / self.LIBRARY
        self.env = {"LD_PRELOAD": str(library), self.VARIABLE: str(self.path)}
        with self.path.open("r+b") as file:
            self.page = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def _get(self, at):
        return struct.unpack_from("=Q", self.page, at)[0]

    def _set(self, at, value):
        struct.pack_into("=Q", self.page, at, value)

    @property
    def seen(self):
        """How many there were so far."""
        return self._get(self.SEEN)

    def fail(self, number):
        """The one that is `number` away from here fails, and no other."""
        self._set(self.PLACE, 0)
        self._set(self.FAIL_AT, self.seen + number)

    def spare(self):
        """None fails."""
        self._set(self.FAIL_AT, 0)

    @property
    def failed(self):
        return self._get(self.PLACE) != 0

    def where(self):
        """Function and line of what failed, for people."""
        place = self._get(self.PLACE)
        done = subprocess.run(["addr2line", "-fpe", str(self.program), hex(place - 1)], capture_output=True, text=True)
        return done.stdout.strip() or hex(place)


class Events(Allocations):
    """The same for events that are added; `program` is any beside failing_events.so."""

    LIBRARY, VARIABLE = "failing_events.so", "FAILING_EVENTS"
