"""Builds the Debian package on a bare machine of a release, with that release's libraries and its lintian.

usage: package_on.py RELEASE SOURCE FOLDER     SOURCE: a copy of the sources; package and bill of materials go to FOLDER
"""

import os
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from tests.lib.bare_root import Machine  # noqa: E402 (after the path)

SCRIPT = """set -e
cd /build/source
dpkg-buildpackage -b -us -uc -ui
cd ..
deb=$(echo verbatim_*.deb)
lintian --fail-on error,warning "$deb"
SOURCE_DATE_EPOCH=$(cd source && dpkg-parsechangelog -S Timestamp) \
    python3 -B source/packaging/sbom.py "$deb" >"${deb%.deb}.spdx.json"
"""


def build_packages(source):
    """What debian/control asks for, the first of alternatives."""
    text = pathlib.Path(source, "debian/control").read_text()
    names = re.search(r"^Build-Depends:\n((?: .*\n)+)", text, re.M)[1].split(",")
    return [re.sub(r"[\s(|].*", "", name.strip(), flags=re.S) for name in names
            if name.strip() and "debhelper-compat" not in name]


def main():
    release, source, folder = sys.argv[1:]
    with Machine(release, packages=["debhelper", "lintian", "dpkg-dev", "python3", "build-essential",
                                    *build_packages(source)]) as machine:
        shutil.copytree(source, machine.root / "build/source", symlinks=True)
        revision = re.sub(r"[^A-Za-z0-9.-]", "", os.environ.get("SOURCE_REVISION", ""))
        print(machine.run_unbooted("bash", "-c", f"export SOURCE_REVISION={revision}\n{SCRIPT}"))
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        for pattern in ("verbatim_*.deb", "verbatim_*.spdx.json"):
            for path in (machine.root / "build").glob(pattern):
                shutil.copy(path, folder)


if __name__ == "__main__":
    main()
