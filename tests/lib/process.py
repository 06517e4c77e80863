"""Child processes that never outlive us, free ports, scratch folders, and waiting for a condition.

Every child gets a parent-death signal, so that it ends also when this process is killed by SIGKILL.
The signal goes by the *thread* that started the child: start children on the main thread.
"""

import contextlib
import ctypes
import itertools
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .patience import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEPT = ROOT / ".run"
PR_SET_PDEATHSIG = 1
# A sanitizer keeps freed memory and shadows the rest: what a process occupies then says nothing about the program.
SANITIZED = os.environ.get("VERBATIM_PRESET") in ("asan", "tsan")
WORKERS_APART = 16
_libc = ctypes.CDLL(None, use_errno=True)


def _ports():
    """Ports below those that the kernel hands out by itself, so that no connection takes one before its server does.

    Each worker of a run has numbers of its own; where they begin is chance, for the sake of other runs."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    worker = int(os.environ.get("TEST_WORKER", "0")) % WORKERS_APART
    own = range(10_000 + worker, lowest, WORKERS_APART)
    start = random.SystemRandom().randrange(len(own)) if own else 0
    return itertools.cycle([*own[start:], *own[:start]] or [0])


def free_port():
    """A loopback port that nobody listens on, and that is not handed out again for a long time."""
    for port in _own_ports:
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return probe.getsockname()[1]


_own_ports = _ports()


def port_answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(condition, what, seconds=60, pause=0.02):
    """Polls `condition` until it is truthy and returns its value; TimeoutError names `what`.

    `seconds` by a quiet machine: the patience is PATIENCE times that."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds * PATIENCE} s for {what}")
        time.sleep(pause)


def server_user():
    """Who runs servers that refuse root: `postgres` when we are root, else None (ourselves)."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def _before_exec(user, death_signal):
    def prepare():
        os.setpgid(0, 0)  # Ctrl-C goes to us alone, and we stop our servers in order
        if user:
            os.setgid(user.pw_gid)
            os.initgroups(user.pw_name, user.pw_gid)
            os.setuid(user.pw_uid)
        _libc.prctl(PR_SET_PDEATHSIG, death_signal)  # after setuid, which clears it

    return prepare


class Process:
    """One child with its output in a log file."""

    def __init__(self, arguments, log, *, env=None, cwd=None, user=None,
                 death_signal=signal.SIGKILL, stop_signal=signal.SIGTERM):
        self.name = pathlib.Path(arguments[0]).name
        self.log_path = pathlib.Path(log)
        self.stop_signal = stop_signal
        with open(log, "ab") as output:
            self.child = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, cwd=cwd,
                preexec_fn=_before_exec(user, death_signal))

    @property
    def pid(self):
        return self.child.pid

    @property
    def running(self):
        return self.child.poll() is None

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_ready(self, condition, seconds=60):
        """Waits for the condition; a child that died or stays silent is an error with the end of its log."""
        def ready_or_dead():
            return condition() or not self.running
        try:
            wait_until(ready_or_dead, f"{self.name} to get ready", seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log()[-4000:]}") from None
        if not self.running:
            raise RuntimeError(f"{self.name} ended with {self.child.returncode}:\n{self.log()[-4000:]}")

    def signal(self, number):
        if self.running:
            self.child.send_signal(number)

    def stop(self, seconds=60):
        """Asks the child to end, kills it when it does not, and returns its exit status."""
        self.signal(self.stop_signal)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.child.returncode

    def kill(self):
        """SIGKILL to the child and to whatever it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()


def _owner_lives(folder):
    try:
        os.kill(int((folder / "owner").read_text()), 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


def _sweep(parent):
    """Removes the folders of runs that were killed before they could do so."""
    for folder in parent.glob("verbatim-test-*"):
        try:
            aged = time.time() - folder.stat().st_mtime > 60  # one that is just being made has no owner file yet
        except FileNotFoundError:
            continue  # another run ended just now
        if aged and not _owner_lives(folder):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def scratch_folder(parent=None, user=None):
    """A folder that goes away at the end; below .run/ unless a parent is given."""
    parent = pathlib.Path(parent or KEPT / "scratch")
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="verbatim-test-", dir=parent))
    (folder / "owner").write_text(str(os.getpid()))
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
