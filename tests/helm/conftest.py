"""Fixtures of the chart's tests on real tools (`./run test helm`): those of the end-to-end tests, and the tools."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.end_to_end.conftest import *  # noqa: E402,F401,F403 (after the path; fixtures)
from tests.lib.kubernetes import ControlPlane  # noqa: E402

CHART = ROOT / "helm/verbatim"
TOOLS = pathlib.Path(os.environ["HELM_FOLDER"]) / "bin"
HELMS = ("helm3", "helm4")
VALUES = sorted((CHART / "ci").glob("*.yaml"))


def run_tool(name, *arguments, check=True, env=None, **settings):
    done = subprocess.run([TOOLS / name, *map(str, arguments)], capture_output=True, text=True, timeout=600,
                          env=os.environ | (env or {}), **settings)
    assert not check or done.returncode == 0, f"{name} {' '.join(map(str, arguments))}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def plane(folder):
    place = folder / "plane"
    place.mkdir()
    with ControlPlane(TOOLS, place) as running:
        yield running


@pytest.fixture(params=HELMS)
def helm(request):
    return request.param


@pytest.fixture(params=VALUES, ids=lambda path: path.stem)
def values(request):
    return request.param
