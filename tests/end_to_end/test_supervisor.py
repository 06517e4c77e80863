"""What a service manager is told: the protocol of sd_notify(3), at a real socket."""

import signal
import socket
import tempfile
import time

import pytest

from tests.lib.patience import LIMIT
from tests.lib.process import free_port
from tests.lib.service import Program, Service

pytestmark = pytest.mark.threads


class Manager:
    """The socket of a service manager, and what came to it as {"READY": "1"} for each message."""

    def __init__(self, folder):
        self.path = f"{folder}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)

    def hear(self, seconds=LIMIT):
        self.socket.settimeout(seconds)
        message = self.socket.recv(4096).decode()
        return dict(line.split("=", 1) for line in message.split("\n"))

    def hear_until(self, name, seconds=LIMIT):
        """The messages up to the first that has the variable; it is the last of them."""
        end, heard = time.monotonic() + seconds, []
        while not heard or name not in heard[-1]:
            heard.append(self.hear(max(end - time.monotonic(), 0.01)))
        return heard


@pytest.fixture
def manager():
    # Names of sockets are short; a test's folder need not be.
    with tempfile.TemporaryDirectory() as folder:
        manager = Manager(folder)
        yield manager
        manager.socket.close()


@pytest.fixture(scope="module")
def ready(program):
    program.migrate()
    program.demo_data(conversations=20, messages_per_conversation=3)
    return program


@pytest.fixture
def start(folder, manager):
    """start(program, command, watchdog=None): a service that is told to talk to the manager."""
    def make(program, command, watchdog=None):
        told = {"NOTIFY_SOCKET": manager.path} | ({"WATCHDOG_USEC": str(watchdog)} if watchdog else {})
        service = Service(program, folder, command, told, storage=f"file://{folder}", workers=1)
        service.start(wait=False)
        return service
    return make


def test_ready_is_told_once_requests_are_taken_and_stopping_when_they_end(ready, start, manager):
    service = start(ready, "serve")
    assert manager.hear() == {"READY": "1", "STATUS": "taking requests"}
    assert service.get("/healthz").status == 200
    service.process.signal(signal.SIGTERM)
    stopping = manager.hear()
    assert stopping["STOPPING"] == "1" and int(stopping["EXTEND_TIMEOUT_USEC"]) >= 10_000_000
    assert service.wait_end() == 0


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_signs_of_life_are_given_as_often_as_they_are_wanted(ready, start, manager, command):
    service = start(ready, command, watchdog=300_000)
    manager.hear_until("READY")
    for _ in range(3):
        assert manager.hear_until("WATCHDOG")[-1] == {"WATCHDOG": "1"}
    service.stop()


def test_a_start_that_waits_for_the_database_asks_for_more_time(verbatim, start, manager):
    service = start(Program(verbatim, f"postgresql://127.0.0.1:{free_port()}/none"), "serve")
    heard = [manager.hear() for _ in range(2)]
    assert all(int(message["EXTEND_TIMEOUT_USEC"]) >= 10_000_000 for message in heard)
    assert all("database" in message["STATUS"] and "READY" not in message for message in heard)
    service.stop()
    assert "stopped" in service.log(), "it ended while it waited"
