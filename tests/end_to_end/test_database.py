"""The blocking connection (tests/unit/database/test_pg.c) against real servers, directly and through poolers;
and the pool of a loop (test_pool.c)."""

import os
import subprocess

import pytest

from tests.lib.patience import LIMIT
from tests.lib.postgres import PgBouncer


@pytest.fixture(scope="module")
def roles(database):
    for kind in ("api", "worker"):
        database.execute(f"CREATE ROLE {database.role(kind)}")


def run_suite(verbatim, url, admin_url, prepared, name="test_pg", count=8):
    program = verbatim.parent / "tests/unit" / name
    env = os.environ | {"TEST_DATABASE_URL": url, "TEST_ADMIN_URL": admin_url, "TEST_PREPARED": prepared}
    done = subprocess.run([program], env=env, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"[  PASSED  ] {count} test(s)." in done.stdout + done.stderr


@pytest.mark.parametrize("prepared", ["on", "off"])
def test_connection_to_the_server_itself(verbatim, database, roles, prepared):
    run_suite(verbatim, database.url, database.url, prepared)


def test_the_pool_of_a_loop(verbatim, database, roles):
    run_suite(verbatim, database.url, database.url, "on", "test_pool", 14)


def test_connection_through_a_transaction_pooler(verbatim, postgres, database, roles):
    with PgBouncer(postgres, pool_size=1) as pooler:
        run_suite(verbatim, pooler.database(database.name).url, database.url, "off")


def test_connection_through_a_session_pooler(verbatim, postgres, database, roles):
    with PgBouncer(postgres, pool_mode="session", pool_size=5) as pooler:
        run_suite(verbatim, pooler.database(database.name).url, database.url, "on")
