"""What lies in the memory of a running process."""

import contextlib
import re


def holds(service, secret):
    """Places of the process's memory that hold the bytes."""
    found = []
    with open(f"/proc/{service.process.pid}/maps") as maps, open(f"/proc/{service.process.pid}/mem", "rb") as memory:
        for line in maps:
            begin, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            if not rights.startswith("rw") or "[v" in line:
                continue
            with contextlib.suppress(OSError, ValueError):
                memory.seek(int(begin, 16))
                data = memory.read(int(end, 16) - int(begin, 16))
                found += [int(begin, 16) + match.start() for match in re.finditer(re.escape(secret), data)]
    return found
