"""A small export costs three commits: insert; claim; finish with its mail.

Counted are transaction numbers: each transaction that writes takes one, and its commit waits for the disk. A thread
that looks for work and is too late takes one as well, but rolls back. The cluster is the test's own, and nothing
else in it writes: no autovacuum, and a lease that outlasts the test.
"""

import pytest

from tests.lib import http_source as source
from tests.lib.postgres import Postgres
from tests.lib.service import Program, Service

RANGE = {"channel_id": source.SMS, "start_date": "2026-06-01", "end_date": "2026-06-30"}


@pytest.fixture(scope="module")
def own_database():
    with Postgres({"autovacuum": "off"}) as cluster:
        yield cluster.create_database("small")


def next_number(database):
    """Of the next transaction that writes."""
    return int(database.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text"))


def commits(database, first, end):
    return database.value("SELECT count(*) FROM generate_series(%s::bigint, %s::bigint - 1) AS n"
                          " WHERE pg_xact_status(n::text::xid8) = 'committed'", [first, end])


@pytest.mark.parametrize("workers", [1, 2])
def test_three_commits(verbatim, own_database, folder, workers):
    program = Program(verbatim, own_database.url)
    own_database.execute("DROP SCHEMA IF EXISTS chat, verbatim CASCADE")
    source.make_source(own_database)
    key = source.make_workspaces(program)["one"]
    source.somebody_sends_mails(own_database)
    (folder / "storage").mkdir(exist_ok=True)
    options = {"workers": workers, "lease": "1h", "storage": f"file://{folder}/storage"}
    with Service(program, folder, **options) as service:
        service.export("one", key, **RANGE)  # the key's first use, and the workspace's first turn, are written too
        before = next_number(own_database)
        jobs = [service.export("one", key, **RANGE, notification_email="ann@example.com") for _ in range(5)]
        after = next_number(own_database)
    assert own_database.value("SELECT count(*) FROM verbatim.outbox") == len(jobs)
    assert commits(own_database, before, after) == 3 * len(jobs)
