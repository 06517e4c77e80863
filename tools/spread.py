"""Runs pytest in several processes that share the test files out among themselves, longest first.

usage: spread.py WORKERS FOLDER ARGUMENT...

Each worker has servers and ports of its own, and takes the next file when it is done with one (tests/end_to_end/
conftest.py). Each writes FOLDER/end_to_end-N.xml and a log that is shown at the end. Not pytest-xdist: execnet 1.9, as
Debian 12 has it, may run the tests on a thread, and signals, time limits and parent-death signals need the main one.

Tests that failed are run once more by themselves, to FOLDER/end_to_end-again.xml, if they are few: one that then passes
may have failed for what ran beside it. The tally names it as unsteady. Never so for what a sanitizer found.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

UNSTEADY_MOST = 25  # a machine that stands still for minutes fails all that wait then; more than so many is no chance
PASSED, FAILED = 0, 1  # pytest's statuses

def command(name, folder, arguments):
    """Ends with us, however we end."""
    return ["setpriv", "--pdeathsig", "TERM", sys.executable, "-B", "-m", "pytest", *arguments,
            "--junitxml", str(folder / f"end_to_end-{name}.xml")]


def start(number, folder, arguments):
    environment = os.environ | {"TEST_WORKER": str(number), "TEST_CLAIMS": str(folder / "claims")}
    with open(log_of(folder, number), "wb") as log:
        return subprocess.Popen(command(number, folder, arguments), stdin=subprocess.DEVNULL, stdout=log,
                                stderr=subprocess.STDOUT, env=environment)


def log_of(folder, number):
    return folder / f"end_to_end-{number}.log"


def wait(workers, claims):
    """A line for each file that is begun."""
    told = set()
    while True:
        ended = all(worker.poll() is not None for worker in workers)
        for name in sorted(set(os.listdir(claims)) - told):
            print(name, flush=True)
            told.add(name)
        if ended:
            return [worker.returncode for worker in workers]
        time.sleep(0.1)


def failed_tests(folder):
    """The ids of all that failed; None if there is one among them that a second run must not excuse."""
    ids = []
    for path in folder.glob("end_to_end-[0-9]*.xml"):
        for case in ElementTree.parse(path).iter("testcase"):
            words = "".join("".join(part.itertext()) for part in case)
            if case.find("failure") is None and case.find("error") is None:
                continue
            if "Sanitizer" in words or "runtime error:" in words:
                return None
            ids.append(case.get("classname").replace(".", "/") + ".py::" + case.get("name"))
    return ids


def run_again(folder, statuses, arguments):
    """The status of all tests after a second run of the failed ones."""
    status = max(abs(status) for status in statuses)
    ids = failed_tests(folder) if status == FAILED else None
    if not ids or len(ids) > UNSTEADY_MOST:
        return status
    print("-- once more: " + " ".join(ids), flush=True)
    options = [each for each in arguments if not each.startswith("tests/")]
    return subprocess.run(command("again", folder, [*options, *ids]), stdin=subprocess.DEVNULL, check=False).returncode


def main(count, folder, *arguments):
    folder = pathlib.Path(folder)
    if int(count) == 1:  # nothing to share, and the tests may be watched
        words = command(0, folder, arguments)
        os.execvp(words[0], words)
    (folder / "claims").mkdir(parents=True)
    workers = [start(number, folder, arguments) for number in range(int(count))]

    def pass_on(number, _):
        for worker in workers:
            worker.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    statuses = wait(workers, folder / "claims")
    for number in range(len(workers)):
        print(f"-- worker {number}")
        print(log_of(folder, number).read_text(errors="replace"), end="", flush=True)
    return run_again(folder, statuses, arguments)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
