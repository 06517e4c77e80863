"""SIGTERM: requests go on for stop_delay while others turn away, then the port closes; nothing is refused or cut."""

import signal
import time

import pytest

from tests.lib.event_stream import EventStream
from tests.lib.http_raw import RawConnection
from tests.lib.load import Load
from tests.lib.patience import again_after_a_stall
from tests.lib.process import wait_until

pytestmark = pytest.mark.threads

DELAY = 1
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
READY = b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"
EXPORTS = "/api/v1/workspace/one/exports"


@pytest.fixture
def start(keys, make_service):
    """start(**options): a service that is asked to stop by the test itself."""
    def make(**options):
        return make_service(**{"workers": 0, "stop_delay": f"{DELAY}s"} | options)
    return make


def test_nobody_is_refused_in_the_delay(start):
    """Who connects anew each time is answered until the listener closes, and is then refused, not cut in the middle."""
    service = start()
    with Load(service.port, "/healthz", 200) as load:
        wait_until(lambda: load.done() > 50, "some requests")
        asked = time.monotonic()
        service.process.signal(signal.SIGTERM)
        assert service.wait_end() == 0
        wait_until(lambda: load.failures, "the port to be closed")
    assert set(load.statuses) == {200}
    assert min(at for at, _ in load.failures) >= asked + DELAY
    assert {what.split(":")[0] for _, what in load.failures} == {"ConnectionRefusedError"}


def test_the_delay_is_told_to_whoever_asks(start):
    """A balancer by /readyz, clients by `Connection: close`; the process itself lives, so no supervisor restarts it."""
    service = start(stop_delay="60s")
    with RawConnection(service.port) as kept, RawConnection(service.port) as later:
        assert "connection" not in kept.send(ALIVE).answer().headers
        service.process.signal(signal.SIGTERM)
        wait_until(lambda: service.get("/readyz").status == 503, "readiness to end")
        assert service.get("/readyz").json() == {"detail": "The process is stopping."}
        for connection in (kept, later):
            answer = connection.send(ALIVE).answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert "keep-alive" not in answer.headers and connection.answer() is None
        service.process.signal(signal.SIGTERM)  # who cannot wait says so
        assert service.wait_end() == 1
    assert "requests are taken for another 60000 ms" in service.log() and "a second signal" in service.log()


@again_after_a_stall
def test_waits_and_streams_end_with_the_delay(start, keys):
    service = start()
    export = service.request("POST", EXPORTS, keys["one"], json_body={"select": {"all": True}}).json()["export_id"]
    with EventStream(service, f"{EXPORTS}/events", {"X-API-Key": keys["one"]}) as events, \
            RawConnection(service.port, seconds=60) as waiting:
        events.ready()
        asked = time.monotonic()
        service.process.signal(signal.SIGTERM)
        wait_until(lambda: service.get("/readyz").status == 503, "readiness to end")
        waiting.send(f"GET {EXPORTS}/{export} HTTP/1.1\r\nHost: a\r\nX-API-Key: {keys['one']}\r\n"
                     "Prefer: wait=25\r\n\r\n".encode())
        answer = waiting.answer()
        assert answer.status == 200 and answer.json()["status"] == "queued"
        assert time.monotonic() >= asked + DELAY
        assert events.wait_end() == "well"
    assert service.wait_end() == 0


def test_work_is_handed_back_before_the_delay_is_over(start, keys, database):
    service = start(workers=1, stop_delay="60s")
    with database.connect() as blocker, blocker.transaction():
        blocker.execute("LOCK TABLE chat.message IN ACCESS EXCLUSIVE MODE")
        service.request("POST", EXPORTS, keys["one"], json_body={"select": {"all": True}})
        running = "SELECT count(*) FROM verbatim.segment WHERE status = 'running'"
        wait_until(lambda: database.value(running) == 1, "the work to begin")
        service.process.signal(signal.SIGTERM)
        wait_until(lambda: database.value(running) == 0, "the work to be handed back")
        assert service.get("/healthz").status == 200
    service.process.signal(signal.SIGINT)
    assert service.wait_end() == 1


@pytest.mark.parametrize("number, options", [
    (signal.SIGINT, {}),  # somebody at a terminal
    (signal.SIGTERM, {"stop_delay": "0s"}),
    (signal.SIGTERM, {"command": "worker", "workers": 1}),  # nobody comes to it
])
def test_no_delay_where_nobody_turns_away(start, number, options):
    service = start(**{"stop_delay": "60s"} | options)
    wait_until(lambda: "started: " in service.log(), "the start")
    service.process.signal(number)
    assert service.wait_end() == 0
    assert "are taken for another" not in service.log()


def test_a_request_on_its_way_is_answered_when_the_listener_closes(start):
    """One that has connected and says nothing yet, and one whose head is half there."""
    service = start(stop_delay="0s")
    with RawConnection(service.port) as half, RawConnection(service.port) as idle:
        assert idle.send(ALIVE).answer().status == 200
        half.send(ALIVE[:20])
        wait_until(lambda: service.get("/healthz").status == 200, "the loops to have seen it")
        with RawConnection(service.port) as silent:
            service.process.signal(signal.SIGTERM)
            assert idle.answer() is None
            assert silent.send(ALIVE).answer().status == 200
            assert half.send(ALIVE[20:]).answer().status == 200
    assert service.wait_end() == 0
