"""The install target: what lies where, below DESTDIR and a prefix; and what systemd says of the units."""

import os
import pathlib
import shutil
import subprocess

import pytest

from tests.end_to_end.conftest import ROOT

UNITS = ["verbatim-serve.service", "verbatim-worker.service", "verbatim-migrate.service"]
MOST_EXPOSED = 2.0  # of systemd-analyze's scale to 10


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that DESTDIR named; below it is the prefix /usr."""
    build = pathlib.Path(os.environ.get("VERBATIM_BINARY", ROOT / "build/release/verbatim")).parent
    if not (build / "cmake_install.cmake").exists():
        pytest.skip("the program comes from no build folder")
    destination = tmp_path_factory.mktemp("destination")
    subprocess.run(["cmake", "--install", build, "--strip", "--prefix", "/usr"], check=True, capture_output=True,
                   env=os.environ | {"DESTDIR": str(destination)})
    return destination


def test_everything_lies_below_the_destination(installed):
    top = {path.name for path in installed.iterdir()}
    assert "usr" in top and top <= {"usr", "etc"}
    program = installed / "usr/bin/verbatim"
    assert os.access(program, os.X_OK)
    sections = subprocess.run(["readelf", "-SW", program], check=True, capture_output=True, text=True).stdout
    assert ".text" in sections and ".debug_info" not in sections
    for path in ["share/doc/verbatim/operator.md", "lib/sysusers.d/verbatim.conf", "lib/tmpfiles.d/verbatim.conf",
                 "share/man/man1/verbatim.1", "share/man/man5/verbatim.conf.5",
                 "share/bash-completion/completions/verbatim", "share/zsh/site-functions/_verbatim",
                 "share/fish/vendor_completions.d/verbatim.fish", "share/doc/verbatim/examples/verbatim.conf"]:
        assert (installed / "usr" / path).is_file(), path


def test_the_installed_program_runs(installed):
    done = subprocess.run([installed / "usr/bin/verbatim", "--version"], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("verbatim ")


def analyze(installed, *arguments):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed")
    return subprocess.run(["systemd-analyze", *arguments, f"--root={installed}"], capture_output=True, text=True)


def test_units_are_what_systemd_expects(installed):
    (installed / "bin").mkdir(exist_ok=True)
    shutil.copy("/bin/true", installed / "bin/sh")
    units = [str(installed / "usr/lib/systemd/system" / unit) for unit in UNITS]
    # The prefix is the build's, so that the program's own path may be another than the one looked at here.
    for path in units:
        text = pathlib.Path(path).read_text().replace("/usr/local/", "/usr/")
        pathlib.Path(path).write_text(text)
    done = analyze(installed, "verify", "--man=no", "--recursive-errors=no", *units)
    assert done.returncode == 0 and "verbatim" not in done.stderr, done.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_shut_in(installed, unit):
    done = analyze(installed, "security", "--offline=true", f"--threshold={int(MOST_EXPOSED * 10)}", unit)
    assert done.returncode == 0, done.stdout[-400:]
