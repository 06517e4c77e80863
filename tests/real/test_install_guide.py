"""docs/install.md, each of its commands as it stands there, on a bare machine with the package and a stock Postfix."""

import os
import pathlib
import re

import pytest

from tests.lib.bare_root import Machine
from tests.lib.process import ROOT, wait_until

DEB = next(pathlib.Path(os.environ["VERBATIM_PACKAGE"]).glob("*.deb"))
RELEASE = os.environ.get("VERBATIM_PACKAGE_RELEASE", "bookworm")


def commands():
    """What stands behind # in the guide's blocks, with the lines that go on."""
    blocks = re.findall(r"^```console\n(.*?)^```$", (ROOT / "docs/install.md").read_text(), re.M | re.S)
    return re.sub(r"^# ", "", "".join(blocks), flags=re.M)


@pytest.fixture(scope="module")
def machine():
    with Machine(RELEASE, packages=["postgresql", "postfix", "curl"]) as machine:
        machine.put(DEB, f"/root/{DEB.name}")
        (machine.root / "etc/apt/apt.conf.d/99yes").write_text('APT::Get::Assume-Yes "true";\n')
        machine.run_unbooted("apt-get", "install", "--download-only", f"/root/{DEB.name}")
        machine.boot()
        yield machine


def test_the_guide_leads_to_an_export_and_a_mail(machine):
    output = machine.shell("cd /root\n" + commands(), seconds=600)
    assert '"status":"finished"' in re.sub(r"\s", "", output), output[-2000:]
    assert "failed" not in re.findall(r"^(ok|warning|failed) ", output, re.M)
    link = re.search(r'"download_url": ?"([^"]+)"', output)[1]
    assert machine.run("curl", "-sS", "--fail", link, text=False).stdout.startswith(b"PK")
    mail = wait_until(lambda: machine.run("cat", "/var/mail/root", check=False).stdout, "the mail is in root's box", 60)
    (short,) = set(re.findall(r"http://127\.0\.0\.1:8080/d/[\w.~-]+", re.sub(r"=\n", "", mail)))
    found = machine.run("curl", "-sSL", "--fail", short, text=False).stdout
    assert found.startswith(b"PK") or b"<html" in found.lower()
