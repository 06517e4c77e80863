"""Mail servers as Debian installs them, each in a folder of its own (debootstrap), run there on a port of loopback.

Nothing of this machine is touched: the server's processes have a mount and a process namespace of their own, end with
it, and the host name `vm`. What was made once stays in .run/roots. Wants root and debootstrap.
"""

import pathlib
import re
import shutil
import socket
import tempfile

from .bare_root import DEVICES, KEPT, PATH, SETTING, checked, mirror
from .process import Process, free_port, wait_until

RELEASE = "bookworm"
HOST = "vm"
ENTER = ('root=$1; shift; hostname %s; mount -t proc proc "$root/proc"; '
         'mount -t tmpfs -o mode=755 tmpfs "$root/dev"; '
         'for name in %s; do touch "$root/dev/$name"; '
         'mount --bind "/dev/$name" "$root/dev/$name"; done; '
         'ln -s /proc/self/fd "$root/dev/fd"; mkdir "$root/dev/shm"; '
         'exec chroot "$root" /usr/bin/env -i %s %s "$@"' % (HOST, " ".join(DEVICES), PATH, SETTING))


def installed(packages):
    """A folder with a bare Debian and these packages, configured as nobody answers its questions."""
    ready = KEPT / "-".join(["mail", RELEASE, *packages])
    if not (ready / "made").exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(ready, ignore_errors=True)
        print(f"debootstrap: Debian {RELEASE} with {' '.join(packages)} into {ready}")
        checked("debootstrap", "--variant=minbase", f"--include={','.join(packages)}", RELEASE, ready, mirror())
        (ready / "made").touch()
    return ready


class MailHost:
    """A server whose mail is for the users of its machine: ann, bob and verbatim have mailboxes."""

    name = None
    packages = ()
    mailbox = "/var/mail/{user}"
    knows_users = True  # at RCPT

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mail-", dir=KEPT))
        self.folder.chmod(0o755)
        self.root = self.folder / "root"
        checked("cp", "-a", "--reflink=auto", installed(self.packages), self.root)
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {HOST}\n")
        (self.root / "etc/hostname").write_text(HOST + "\n")
        (self.root / "etc/mailname").write_text(HOST + "\n")
        for user in ("ann", "bob", "verbatim"):
            checked(*self.inside("useradd", "-m", user))
        self.port = free_port()
        self.process = None
        self.prepare()
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def inside(self, *command):
        return ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=KILL",
                "bash", "-ec", ENTER, "enter", str(self.root), *command]

    def start(self):
        self.process = Process(self.inside(*self.command()), self.folder / "server.log")
        wait_until(self._greets, f"{self.name} to greet: {self.log()}", 60)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process = None

    def restart(self):
        self.stop()
        self.start()

    def _greets(self):
        assert self.process.running, self.log()
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as connection:
                return connection.recv(100).startswith(b"220")
        except OSError:
            return False

    def log(self):
        return (self.folder / "server.log").read_text(errors="replace")[-3000:]

    def version(self):
        return checked("dpkg-query", f"--admindir={self.root}/var/lib/dpkg", "-W", "-f", "${Version}", self.packages[0])

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    def mails(self, user):
        """Messages in the user's mailbox, by their Message-ID."""
        return re.findall(r"(?im)^Message-ID: <(.*?)\.mail@", self.mailbox_text(user))

    def returned(self, user):
        """All that the user has, of which some may be quoted."""
        return self.mailbox_text(user)

    def mailbox_text(self, user):
        path = self.root / self.mailbox.format(user=user).lstrip("/")
        if path.is_dir():
            return "".join(file.read_text(errors="replace") for file in path.rglob("*") if file.is_file())
        return path.read_text(errors="replace") if path.exists() else ""


class Postfix(MailHost):
    name = "Postfix"
    packages = ("postfix", "ssl-cert")

    def prepare(self):
        """Port and interface are moved; for the rest, what its package wrote is left."""
        master = self.root / "etc/postfix/master.cf"
        moved = re.sub(r"(?m)^smtp(\s+inet)", rf"127.0.0.1:{self.port}\1", master.read_text())
        master.write_text(moved)
        self.configure(maillog_file="/var/log/postfix.log", inet_interfaces="127.0.0.1",
                       mydestination=f"{HOST}, {HOST}.example.com, localhost")

    def configure(self, **parameters):
        checked(*self.inside("postconf", "-e", *(f"{name}={value}" for name, value in parameters.items())))

    def forget(self, *names):
        checked(*self.inside("postconf", "-X", *names))

    def command(self):
        return ["bash", "-c", "rm -f /var/spool/postfix/pid/*; exec postfix start-fg"]

    def certificate(self):
        return self.root / "etc/ssl/certs/ssl-cert-snakeoil.pem"


class Exim(MailHost):
    """Takes whatever this machine gives it, and sends back what has no mailbox."""

    knows_users = False
    name = "Exim"
    packages = ("exim4-daemon-light", "exim4-config")

    def prepare(self):
        checked(*self.inside("update-exim4.conf"))

    def command(self):
        return ["exim4", "-bdf", "-q30m", "-oX", str(self.port)]


class OpenSMTPD(MailHost):
    name = "OpenSMTPD"
    packages = ("opensmtpd",)
    mailbox = "/home/{user}/Maildir"

    def prepare(self):
        path = self.root / "etc/smtpd.conf"
        path.write_text(re.sub(r"(?m)^listen on .*$", f"listen on 127.0.0.1 port {self.port}", path.read_text()))

    def command(self):
        return ["smtpd", "-d"]


HOSTS = {"postfix": Postfix, "exim": Exim, "opensmtpd": OpenSMTPD}
