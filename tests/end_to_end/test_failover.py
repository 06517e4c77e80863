"""After a failover of the queue's database: requests go to the new primary, and nobody listens to the old one, which is
up and answers whoever still asks. And what libpq has to say when connections are cut is in the log, in its form."""

import json
import time

import pytest

from tests.lib import http_source as source
from tests.lib.postgres import Postgres, Standby
from tests.lib.process import wait_until
from tests.lib.proxy import Proxy
from tests.lib.service import Program

SECONDS = 20  # for what should take a few
REST = 6  # longer than a connection at rest is believed without being asked


def prepared(verbatim, primary):
    """A database with a source and workspaces; the program, and the workspaces' keys."""
    database = primary.create_database("failover")
    program = Program(verbatim, database.url)
    source.make_source(database)
    return program, source.make_workspaces(program)


@pytest.fixture
def pair(verbatim):
    with Postgres() as primary:
        program, keys = prepared(verbatim, primary)
        with Standby(primary) as standby:
            standby.wait_received()
            yield primary, standby, program, keys


def post(service, keys):
    """Status of an order for an export, which is one of many."""
    return service.start_export("one", keys["one"], channel_id=source.SMS, start_date="2026-01-01",
                                end_date="2026-01-02").status


def look(service, key):
    """Status of a look at a job that is not there: it takes no more than a good key."""
    return service.get("/api/v1/workspace/two/export-conversations/00000000-0000-4000-8000-000000000000", key).status


def test_a_standby_named_first_is_passed_over(pair, make_service):
    primary, standby, program, keys = pair
    url = f"postgresql://postgres@127.0.0.1:{standby.port},127.0.0.1:{primary.port}/failover"
    service = make_service(database_url=url, source_url=program.options["database_url"], workers=1)
    assert post(service, keys) == 202
    assert {post(service, keys) for _ in range(20)} <= {202, 409}


def fail_over(primary, standby, proxy):
    """The standby takes over; the old primary lives on, read-only, and new connections are led to the new one."""
    primary.database().execute("ALTER SYSTEM SET default_transaction_read_only = on")
    standby.wait_received()
    standby.database().execute("SELECT pg_promote(true)")
    primary.database().execute("SELECT pg_reload_conf()")
    proxy.target = standby.port


def test_the_old_primary_is_left(pair, make_service):
    primary, standby, _, keys = pair
    with Proxy(primary.port) as proxy:
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}/failover"
        # What the old primary still took of a job in its last moments is unknown to the new one, until the lease ends.
        source_url = primary.database("failover").url
        service = make_service(database_url=url, source_url=source_url, workers=1, lease="4s")
        resting = make_service(database_url=url, source_url=source_url, workers=0)
        assert (post(service, keys), look(service, keys["two"])) == (202, 404)
        assert {look(resting, keys["two"]) for _ in range(20)} == {404}
        fail_over(primary, standby, proxy)
        rests_until = time.monotonic() + REST
        standby.database("failover").execute("UPDATE verbatim.api_key SET revoked_at = now()"
                                             " WHERE workspace_id = 'two'")
        # Nothing is written here: each thread that answers has to find out by itself.
        wait_until(lambda: {look(service, keys["two"]) for _ in range(20)} == {401}, "the revoked key to be refused",
                   SECONDS)
        wait_until(lambda: {post(service, keys) for _ in range(20)} <= {202, 409}, "orders to be taken", SECONDS)
        count = "SELECT count(*) FROM verbatim.job WHERE workspace_id = 'one' AND status IN ('queued', 'started')"
        wait_until(lambda: standby.database("failover").value(count) == 0, "the worker on the new primary", SECONDS)
        # Who had nothing to do meanwhile asks before it answers, so the key is good not even once.
        time.sleep(max(0, rests_until - time.monotonic()))
        assert {look(resting, keys["two"]) for _ in range(20)} <= {401, 503}
        wait_until(lambda: {look(resting, keys["two"]) for _ in range(20)} == {401}, "the new primary", SECONDS)
        service.stop()


@pytest.fixture(scope="module")
def here(program, database):
    source.make_source(database)
    return source.make_workspaces(program)


def test_all_that_is_said_of_lost_connections_is_json(here, database, make_service):
    service = make_service(log_format="json", log_level="debug", workers=2)
    assert post(service, here) == 202
    for _ in range(3):
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                         " AND pid <> pg_backend_pid()")
        wait_until(lambda: look(service, here["two"]) == 404, "the connections to be made again", SECONDS)
    service.stop()
    lines = [json.loads(line) for line in service.log().splitlines()]
    assert any("57P01" in line["message"] for line in lines), "the server's farewell"
