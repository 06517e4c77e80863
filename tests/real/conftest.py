"""Fixtures of tests on real things that are too large for every run (`./run test real NAME`): those of the end-to-end
tests."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.end_to_end.conftest import *  # noqa: E402,F401,F403 (after the path; fixtures)
