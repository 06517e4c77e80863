"""An event that cannot be added (no memory, or no watch left in the kernel) ends what would have waited for it at once:
nobody is left on a connection that hears nothing, and what comes next is served."""

import contextlib
import http.client
import pathlib

import pytest

from tests.lib import direct_source as source
from tests.lib.allocations import Events
from tests.lib.patience import again_after_a_stall
from tests.lib.process import SANITIZED, wait_until
from tests.lib.service import Service

pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitizer has to be loaded first")

EXPORTS = "/api/v1/workspace/one/exports"
STREAM = "/v3/agents/big/convos/export?format=json"
SOON = 5  # seconds; a connection that hears nothing stays for ten or more


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    source.fill(database, "big", 20, 200, 500)  # 2 MB: more than one write
    return source.make_keys(program)


@pytest.fixture
def events(folder, program):
    return Events(folder, pathlib.Path(program.path).parent / "tests/tools/queue_tool")


@pytest.fixture
def service(program, folder, local, events, keys):
    with Service(program, folder, env=events.env, workers=0, **local.options) as running:
        yield running


def asked(service, method="GET", path="/readyz", **settings):
    """The status; None where the connection was closed. One that hears nothing is a TimeoutError."""
    with contextlib.suppress(ConnectionError, http.client.HTTPException):
        return service.request(method, path, seconds=SOON, **settings).status


def each_event_fails(service, events, ask):
    """ask() once for each event that is added by it, which fails; returns how many there were."""
    events.spare()
    ask()
    count = 0
    while True:
        count += 1
        events.fail(count)
        ask()
        failed = events.failed
        events.spare()
        wait_until(lambda: asked(service) == 200, "an answer")
        if not failed:
            return count - 1


@again_after_a_stall
def test_a_connection_that_would_hear_nothing_is_closed(service, events, keys):
    assert each_event_fails(service, events, lambda: asked(service)) > 0


@again_after_a_stall
def test_a_wait_that_nothing_would_end_is_closed(service, events, keys):
    export = service.request("POST", EXPORTS, keys["one"], json_body={"select": {"all": True}}).json()["export_id"]
    assert each_event_fails(service, events, lambda: asked(service, path=f"{EXPORTS}/{export}", key=keys["one"],
                                                           headers={"Prefer": "wait=1"})) > 1


@again_after_a_stall
def test_a_stream_that_would_hear_nothing_is_closed(service, events, keys):
    assert each_event_fails(service, events, lambda: asked(service, path=STREAM, key=keys["one"])) > 1


@again_after_a_stall
def test_a_link_to_the_database_that_would_hear_nothing_is_made_again(service, events, database, keys):
    """Its answers would not be heard: the next one takes its place within the same second."""
    def ask():
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                         " AND application_name = 'verbatim http'")
        wait_until(lambda: asked(service) == 200, "a link", SOON)
    assert each_event_fails(service, events, ask) > 1


def test_a_loop_that_would_hear_nothing_does_not_start(program, folder, local, events, keys):
    """Either the service says so and ends, or all of it works."""
    told = 0
    for number in range(1, 20):
        events.fail(number)
        service = Service(program, folder, env=events.env, workers=0, **local.options)
        service.start(wait=False)
        started = wait_until(lambda: not service.process.running or asked(service) == 200, "the end or an answer")
        assert started
        if service.process.running:
            wait_until(lambda: all(asked(service) == 200 for _ in range(10)), "ten answers")
            service.stop()
        else:
            assert "event" in service.log()
            told += 1
    assert told >= 3
