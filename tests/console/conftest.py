"""Fixtures of the console's tests, beside those of the end-to-end tests: one browser a module, a fresh tab a test.

browser   the process; `browser.new_page()` is one more person
page      a tab without cookies, closed at the test's end; nothing it did may have broken its policy
keys      of the console's workspace, by role           service   on it, with one worker
archives  HTML archives of a workspace of their own, on a disk
api       what the page's user could do by HTTP as well; a module may have its own of these three
"""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.end_to_end.conftest import *  # noqa: E402,F401,F403 (after the path; fixtures and the sharing out of files)
from tests.lib import archive_source, console  # noqa: E402
from tests.lib.archive_pages import Archives  # noqa: E402
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


@pytest.fixture(scope="module")
def keys(program, database):
    return console.make_world(program, database)


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(workers=1)


@pytest.fixture(scope="module")
def api(service, keys):
    return console.Api(service, keys["owner"])


@pytest.fixture(scope="module")
def archives(program, database, make_service, folder):
    key = archive_source.make_source(program, database)
    return Archives(make_service(workers=1), key, folder)
