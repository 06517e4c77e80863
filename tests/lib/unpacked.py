"""Programs of Debian packages that unpack_debian (tools/real.sh) unpacked below a folder: of whatever release, with
their libraries and their loader, never installed."""

import os
import pathlib

MACHINE = "x86_64-linux-gnu"


class Unpacked:
    def __init__(self, root):
        self.root = pathlib.Path(root)

    def find(self, *names):
        """The first of these paths that is there; None."""
        return next((path for name in names if (path := self.root / name).exists()), None)

    def program(self, name):
        return self.find(f"usr/sbin/{name}", f"usr/bin/{name}", f"sbin/{name}", f"bin/{name}")

    def libraries(self, name=""):
        return self.root / "usr/lib" / MACHINE / name

    def command(self, name):
        """How a program is run: by its own release's loader, one of Python by its own release's Python."""
        path = self.program(name)
        loader = self.find(*(f"{folder}/{MACHINE}/ld-linux-x86-64.so.2" for folder in ("usr/lib", "lib")))
        folders = (self.libraries(), self.root / "lib" / MACHINE, self.libraries("ceph"))
        script = [self.program("python3")] if path.open("rb").read(2) == b"#!" else []
        return [*map(str, [loader, "--library-path", ":".join(map(str, folders)), *script, path])]

    def environment(self):
        """For its programs of Python, which would take this machine's modules otherwise."""
        modules = self.root / "usr/lib/python3/dist-packages"
        return os.environ | {"PYTHONHOME": str(self.root / "usr"), "PYTHONPATH": str(modules)}
