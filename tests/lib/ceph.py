"""Ceph of one node with its S3 gateway (RGW): a monitor, one daemon that keeps objects in memory, and radosgw.

The programs are Debian's packages as tools/real/stores.sh unpacks them; they run as whoever runs the tests, and trust
each other without keys. There is no manager: nobody here asks for statistics."""

import os
import re
import signal
import subprocess
import uuid

from .object_stores import ObjectStore
from .process import KEPT, Process, free_port, wait_until
from .unpacked import Unpacked

SETTINGS = """[global]
fsid = {fsid}
mon host = {mon}
public addr = 127.0.0.1
ms bind msgr1 = false
auth cluster required = none
auth service required = none
auth client required = none
run dir = {folder}
admin socket =
pid file =
log to file = false
log to stderr = true
mon cluster log to file = false
plugin dir = {libraries}/ceph
erasure code dir = {libraries}/ceph/erasure-code
osd class dir = {libraries}/rados-classes
mon data = {folder}/data/mon
mon data avail crit = 1
osd data = {folder}/data/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
osd crush chooseleaf type = 0
[client.rgw.one]
ms mon client mode = crc
rgw data = {folder}/data
rgw frontends = beast endpoint=127.0.0.1:{port}
"""


class Ceph(ObjectStore):
    name = "Ceph RGW"
    programs = Unpacked(os.environ.get("VERBATIM_CEPH", KEPT / "debian/ceph"))

    @classmethod
    def is_here(cls):
        return cls.programs.program("radosgw") is not None

    def version(self):
        return re.search(r"\d+\.\d+\.\d+", self._run("radosgw", "--version")).group()

    def _arguments(self, program, *arguments):
        return [*self.programs.command(program), "-c", str(self.settings), *arguments]

    def _run(self, program, *arguments, seconds=300):
        done = subprocess.run(self._arguments(program, *arguments), env=self.programs.environment(),
                              capture_output=True, text=True, timeout=seconds, check=False, cwd=self.folder)
        if done.returncode != 0:
            raise RuntimeError(f"{program} {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _daemon(self, program, *arguments):
        process = Process(self._arguments(program, "-f", *arguments), self.folder / f"{program}.log",
                          env=self.programs.environment(), cwd=self.folder, stop_signal=signal.SIGKILL)
        self.processes.append(process)
        return process

    def _start(self):
        self.settings = self.folder / "ceph.conf"
        fsid, mon = str(uuid.uuid4()), f"[v2:127.0.0.1:{free_port()}/0]"
        self.settings.write_text(SETTINGS.format(
            fsid=fsid, mon=mon, folder=self.folder, port=self.port,
            libraries=self.programs.libraries().resolve()))
        for name in ("mon", "osd"):
            (self.data / name).mkdir()
        self._start_cluster(fsid, mon)
        self._run("radosgw-admin", "user", "create", "--uid=verbatim", "--display-name=verbatim",
                  f"--access-key={self.access_key}", f"--secret-key={self.secret_key}")
        self._daemon("radosgw", "-n", "client.rgw.one").wait_ready(self.takes_requests, 300)

    def _start_cluster(self, fsid, mon):
        monmap, disk = str(self.folder / "monmap"), str(uuid.uuid4())
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", mon, monmap)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        monitor = self._daemon("ceph-mon", "-i", "a")
        monitor.wait_ready(lambda: "quorum" in self._run("ceph", "--connect-timeout", "120", "mon", "stat"), 300)
        number = self._run("ceph", "osd", "new", disk).strip()
        self._run("ceph-osd", "-i", number, "--mkfs", "--osd-uuid", disk)
        self._daemon("ceph-osd", "-i", number)
        wait_until(lambda: "1 up" in self._run("ceph", "osd", "stat"), "the object daemon to be up", 300, pause=1)


class CephNext(Ceph):
    """Of Debian's next release."""

    programs = Unpacked(os.environ.get("VERBATIM_CEPH_NEXT", KEPT / "debian/ceph-next"))
