"""/readyz is about taking requests: without the store or the source they are taken, and it says what is missing."""

import re

import pytest

from tests.end_to_end.conftest import Storage
from tests.lib import http_source as source
from tests.lib.process import wait_until
from tests.lib.proxy import Proxy

RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-28", "channel_id": source.LONELY}
BUCKET = "ready"


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    database.execute("CREATE ROLE ready_reader LOGIN; GRANT USAGE ON SCHEMA chat TO ready_reader;"
                     "GRANT SELECT ON ALL TABLES IN SCHEMA chat TO ready_reader")
    yield source.make_workspaces(program)
    database.execute("DROP OWNED BY ready_reader; DROP ROLE ready_reader")


@pytest.fixture(scope="module")
def store(versitygw):
    """The store behind something that can hold all of its connections still, as one that hangs does."""
    versitygw.make_bucket(BUCKET)
    with Proxy(int(re.search(r":([0-9]+)$", versitygw.endpoint)[1])) as proxy:
        yield proxy, Storage("held", versitygw.options(BUCKET) | {"s3_endpoint": f"http://127.0.0.1:{proxy.port}"},
                             versitygw.credentials())


@pytest.fixture(scope="module")
def service(keys, store, make_service, database):
    return make_service(store[1], workers=0, source_url=database.url.replace("postgres@", "ready_reader@"))


def degraded(service):
    answer = service.get("/readyz")
    assert answer.status == 200 and answer.json()["status"] == "ready", answer.body
    return answer.json()["degraded"]


def becomes(service, parts):
    wait_until(lambda: degraded(service) == parts, f"{parts} to be what is degraded")


def figures(service, keys):
    told = service.figures(keys["metrics"])
    return {part: int(told[f'verbatim_degraded{{part="{part}"}}']) for part in ("storage", "source")}


def test_a_store_that_hangs_is_told_of_and_requests_are_taken(service, keys, store):
    proxy, _ = store
    becomes(service, [])
    assert service.get("/readyz?storage&source").status == 200
    proxy.hold()
    becomes(service, ["storage"])
    held = wait_until(lambda: [line for line in service.log().splitlines() if "storage does not answer" in line],
                      "a line in the log")
    assert len(held) == 1 and "it has been asked for seconds" in held[0], "before the call itself gave up"
    answer = service.get("/readyz?storage")
    assert (answer.status, answer.json()) == (503, {"detail": "The storage does not answer."})
    assert answer.headers["Retry-After"] == "2"
    assert service.get("/readyz?source=1").status == 200
    assert service.get("/readyz?nothing=of&ours").status == 200
    assert figures(service, keys) == {"storage": 1, "source": 0}
    order = service.start_export("one", keys["one"], **RANGE)
    assert order.status == 202
    assert service.job("one", keys["one"], order.json()["export_job_id"])["status"] == "queued"
    proxy.release()
    becomes(service, [])
    assert "storage answers again" in service.log()


def test_a_source_that_is_away_is_told_of_and_polls_are_answered(service, keys, database):
    becomes(service, [])
    database.execute("ALTER ROLE ready_reader CONNECTION LIMIT 0")
    database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ready_reader'")
    becomes(service, ["source"])
    answer = service.get("/readyz?storage=&source")
    assert (answer.status, answer.json()) == (503, {"detail": "The source does not answer."})
    assert service.get("/readyz?storage").status == 200
    assert figures(service, keys) == {"storage": 0, "source": 1}
    assert "the source does not answer" in service.log()
    database.execute("ALTER ROLE ready_reader CONNECTION LIMIT -1")
    becomes(service, [])
    assert "the source answers again" in service.log()
