"""Fixtures of the console's tests, beside those of the end-to-end tests: one browser a module, a fresh tab a test.

browser   the process; `browser.new_page()` is one more person
page      a tab without cookies, closed at the test's end; nothing it did may have broken its policy
"""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.end_to_end.conftest import *  # noqa: E402,F401,F403 (after the path; fixtures and the sharing out of files)
from tests.lib.browser import Browser  # noqa: E402


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture
def page(browser):
    page = browser.new_page()
    page.window(1280, 900)
    yield page
    page.close()
