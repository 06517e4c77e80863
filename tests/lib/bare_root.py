"""Bare Debian machines: a release made by debootstrap in a folder, booted with its systemd in namespaces of its own.

    with Machine("trixie", packages=["postgresql"]) as machine:
        machine.boot()
        machine.run("systemctl", "is-active", "postgresql")

Wants root, debootstrap and a kernel that gives namespaces. What is fetched once stays in .run/roots. A booted
machine has no network but its own loopback: what it is to install has to be fetched before (`fetch`), and no port of
it can meet another's.
"""

import functools
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

from .process import wait_until

KEPT = pathlib.Path(__file__).resolve().parents[2] / ".run/roots"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SETTING = "HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive"
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
EVERY_MACHINE = ("systemd-sysv", "dbus", "ca-certificates", "curl")

# The first process of the machine: its mounts, then its systemd. Control groups are those of the kernel's kind; where
# it has only the old kind, systemd since 256 has to be told that this is meant.
BOOT = r"""
set -e
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
for folder in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$root/$folder"; done
chmod 1777 "$root/tmp"
for name in %s; do touch "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
mkdir -p "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t sysfs -o ro sysfs "$root/sys"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
    mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
    mkdir "$root/sys/fs/cgroup/systemd"
    mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
fi
mkdir -p "$root/run/outside"
cd "$root"
pivot_root . run/outside  # units' own mounts need a root that is one
umount -l /run/outside
exec /usr/bin/env -i container=lxc %s SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 \
    SYSTEMD_PROC_CMDLINE=systemd.legacy_systemd_cgroup_controller=1 /lib/systemd/systemd --log-target=console
""" % (" ".join(DEVICES), PATH)


def mirror():
    """Where this machine's packages come from."""
    for path in sorted(pathlib.Path("/etc/apt").glob("sources.list.d/*.sources")):
        found = re.search(r"^URIs:\s*(\S+/debian)/?\s*$", path.read_text(), re.M)
        if found:
            return found[1]
    return "http://deb.debian.org/debian"


def checked(*command, **settings):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **settings)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n"
                             f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def run_in(root, *command):
    """A command in the folder, with this machine's network; no service runs."""
    return checked("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "bash", "-c",
                   'root=$1; shift; mount -t proc proc "$root/proc"; mount --bind /dev "$root/dev"; '
                   f'exec chroot "$root" /usr/bin/env -i {PATH} {SETTING} "$@"',
                   "unbooted", str(root), *map(str, command))


def lend_settings(root):
    """How this machine reaches its mirror is how the other one does."""
    for folder in ("etc/apt/apt.conf.d", "etc/ssl/certs"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-aLn", f"/{folder}/.", root / folder], capture_output=True)
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", root / "etc" / name)


def digest(packages):
    """For a folder's name, which must not grow with them."""
    return hashlib.sha256(" ".join(sorted(packages)).encode()).hexdigest()[:12]


@functools.cache
def base(release, packages):
    """The folder of a fresh machine with these packages; a copy of it is for use."""
    KEPT.mkdir(parents=True, exist_ok=True)
    bare, ready = KEPT / release, KEPT / f"{release}-{digest(packages)}"
    if not (bare / "made").exists():
        print(f"debootstrap: Debian {release} into {bare}")
        shutil.rmtree(bare, ignore_errors=True)
        checked("debootstrap", "--variant=minbase", "--include=ca-certificates", release, bare, mirror())
        (bare / "made").touch()
    if not (ready / "made").exists():
        print(f"installing into it: {' '.join([*EVERY_MACHINE, *packages])}")
        shutil.rmtree(ready, ignore_errors=True)
        checked("cp", "-a", f"{bare}/.", ready)
        (ready / "made").unlink()
        lend_settings(ready)
        policy = ready / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        run_in(ready, "apt-get", "update", "-q")
        run_in(ready, "apt-get", "install", "-qy", "-o", "Dpkg::Options::=--force-confold",
               "--no-install-recommends", *EVERY_MACHINE, *packages)
        policy.unlink()
        (ready / "made").touch()
    return ready


class Machine:
    """A machine of its own, gone at the end of the `with`."""

    def __init__(self, release, packages=()):
        self.release = release
        self.packages = tuple(packages)
        self.process = self.folder = self.root = None

    def __enter__(self):
        ready = base(self.release, self.packages)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.release}-", dir=KEPT))
        self.root = self.folder / "root"
        checked("cp", "-a", "--reflink=auto", ready, self.root)
        return self

    def __exit__(self, *_):
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def halt(self):
        """Its processes are those of one process namespace: they end with its first."""
        if self.process:
            os.kill(self.first(), signal.SIGKILL)
            self.process.wait(timeout=30)
            self.process = None

    def first(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0])

    def boot(self, seconds=120):
        with (self.folder / "console.log").open("wb") as console:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork", "--kill-child=KILL",
                 "bash", "-c", BOOT, "boot", str(self.root)],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        wait_until(self._is_up, f"{self.release} is up: {self.folder}/console.log", seconds)

    def _is_up(self):
        if self.process.poll() is not None:
            raise AssertionError((self.folder / "console.log").read_text()[-3000:])
        try:
            state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        except (OSError, IndexError):
            return False
        return state in ("running", "degraded")

    def run(self, *command, check=True, user=None, text=True, seconds=300, env=()):
        """A command in the booted machine."""
        enter = ["nsenter", "-t", str(self.first()), "-m", "-u", "-i", "-n", "-p", "-r", "-w", "/usr/bin/env", "-i",
                 PATH, *SETTING.split(), *env]
        if user:
            enter += ["runuser", "-u", user, "--"]
        done = subprocess.run([*enter, *map(str, command)], capture_output=True, text=text, timeout=seconds,
                              stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n"
                                 f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done

    def shell(self, script, **settings):
        return self.run("bash", "-euo", "pipefail", "-c", script, **settings).stdout

    def run_unbooted(self, *command):
        return run_in(self.root, *command)

    def fetch(self, *packages):
        """Makes packages, or files of packages in the folder, installable without a network."""
        self.run_unbooted("apt-get", "install", "-qy", "--download-only", "--no-install-recommends", *packages)

    def put(self, path, to):
        return shutil.copy(path, self.root / str(to).lstrip("/"))
