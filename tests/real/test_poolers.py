"""Poolers of Debian's next release in transaction mode with three server connections (`./run test real poolers`): what
holds behind PgBouncer of the stable one holds behind each, with nothing set. Prints its lines of docs/operator.md."""

import pathlib

import pytest

from tests.end_to_end.test_poolers import (  # noqa: F401 (fixtures and tests of each pooler)
    keys,
    pooled,
    test_exports_do_not_wait_for_what_is_not_told,
    test_it_is_told_once,
    test_strangers_find_sessions_as_the_server_makes_them,
    test_the_doctor_names_it,
)
from tests.lib import more_poolers

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs/operator.md"


@pytest.fixture(scope="module", params=sorted(more_poolers.KINDS))
def narrow(request, postgres):
    with more_poolers.KINDS[request.param](postgres) as pooler:
        yield pooler


@pytest.fixture(scope="module")
def service(keys, pooled, make_service):  # noqa: F811
    """It ends before its pooler does."""
    service = make_service(database_url=pooled.url)
    yield service
    service.stop()


def test_its_line(narrow):
    row = f"| {narrow.title} ({narrow.version()}) |"
    print(row)
    assert any(line.startswith(row) for line in DOCS.read_text().splitlines()), row
