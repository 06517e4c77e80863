"""What running processes have cost so far, as the kernel counts it."""

import os
import pathlib
import subprocess
import time


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def process_seconds(pid):
    """The same in nanoseconds' steps, by the process's own clock (clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | 2)


def idle_seconds():
    """What all cores spent idle or waiting for a disk, since the machine's start."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")


def tree_cpu_seconds(pid):
    """User and system time of a process and all that it reaped or still has: the database server's backends."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    reaped = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    total = cpu_seconds(pid) + reaped
    for child in children:
        try:
            total += cpu_seconds(child)
        except OSError:
            continue  # it ended; its time is its parent's by now
    return total


def peak_rss(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0
