"""Several media at a time: sooner, and the same archive however their answers come; within bounds at each host and on
the disk."""

import os
import pathlib
import threading
import time

import pytest

from tests.lib import attachments, queue
from tests.lib import media_server as faults
from tests.lib.attachments import ERRORS, add, attach, counts, errors, export, read
from tests.lib.measure import peak_rss
from tests.lib.media_server import BusyServer, MediaServer, medium
from tests.lib.patience import LIMIT
from tests.lib.process import SANITIZED, wait_until
from tests.lib.queue import Crew

MIB = 1024 * 1024
AHEAD = 64 * MIB  # what may lie on the disk beside the medium whose turn it is


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    attachments.prepare(program, database)


def uneven(path):
    """Later ones are often sooner."""
    return 0.02 + 0.02 * (int(path.strip("/").split(".")[0]) * 7 % 5)


def timed(program, database, folder, storage, channel, **options):
    """(seconds from the order to the end, the archive)."""
    with Crew(program, folder, storage, workers=1, **options):
        begun = time.monotonic()
        found = queue.finished(database, add(database, channel))
        return time.monotonic() - begun, queue.archive(storage, found)


def test_sooner_and_the_same_bytes(program, database, folder, local):
    """One medium a conversation, some of them missing or elsewhere: one at a time against the default, in turn."""
    channel = queue.fill(database, "paired", 50, messages=2)
    with BusyServer(uneven) as server:
        server.faults = {f"/{n}.png": faults.status(404) for n in range(0, 50, 13)} | {
            f"/{n}.png": faults.redirect(f"/{n + 1000}.png") for n in range(5, 50, 20)}
        attach(database, channel, [f"{server.url}/{n}.png" for n in range(50)])
        ratios = []
        while not ratios or (min(ratios) > 0.4 and len(ratios) < 4):  # a busy machine may spoil a pair
            server.most = 0
            serial, expected = timed(program, database, folder, local, channel, media_allow=server.allow,
                                     media_fetches=1)
            assert server.most == 1
            together, found = timed(program, database, folder, local, channel, media_allow=server.allow)
            assert found == expected
            assert 4 < server.most <= 16
            ratios.append(together / serial)
    assert min(ratios) <= 0.4, ratios
    _, contents = read(found)
    assert [one["reason"] for one in errors(contents)] == ["the answer was 404"] * 4
    media = [data for name, data in contents.items() if name.startswith("media/") and name != ERRORS]
    assert media == [medium(f"/{n + 1000 * (n % 20 == 5)}.png")[1] for n in range(50) if n % 13]


def test_no_more_at_one_host_than_it_may_have(program, database, folder, local):
    channel = queue.fill(database, "polite", 30, messages=1)
    with BusyServer() as server:
        attach(database, channel, [f"{server.url}/{n}.png" for n in range(30)])
        job_id, _, contents = export(program, database, folder, local, channel, workers=1, media_allow=server.allow,
                                     media_host_fetches=3)
        assert server.most == 3 and len(server.seen) == 30
    assert counts(database, job_id) == (30, 0)


def test_a_server_that_bears_few_at_a_time_loses_nothing(program, database, folder, local):
    """429 to whatever is one too many: it is asked for fewer, and everything is had."""
    channel = queue.fill(database, "bears", 40, messages=1)
    with BusyServer(bears=3) as server:
        attach(database, channel, [f"{server.url}/{n}.png" for n in range(40)])
        job_id, _, contents = export(program, database, folder, local, channel, workers=1, media_allow=server.allow)
        assert 0 < server.refused <= 20
    assert counts(database, job_id) == (40, 0)
    assert [data for name, data in contents.items() if name.startswith("media/")] == [
        medium(f"/{n}.png")[1] for n in range(40)]


def test_a_kill_with_a_window_under_way_changes_no_byte(program, database, folder, local):
    channel = queue.fill(database, "killed", 60, messages=2)
    event = threading.Event()
    with BusyServer() as server:
        attach(database, channel, [f"{server.url}/{n}.png" for n in range(120)])
        _, expected = timed(program, database, folder, local, channel, media_allow=server.allow)
        server.faults = {"/70.png": faults.stall(event)}
        with Crew(program, folder, local, workers=1, lease="3s", media_allow=server.allow) as crew:
            job_id = add(database, channel)
            wait_until(lambda: server.asked("/70.png") == 2 and server.asked("/80.png") == 2, "a window under way")
            crew.kill()
        event.set()
        server.faults = {}
        with Crew(program, folder, local, workers=1, lease="3s", media_allow=server.allow):
            assert queue.archive(local, queue.finished(database, job_id)) == expected
    assert counts(database, job_id) == (120, 0)


def test_a_cancel_breaks_off_all_that_is_under_way(program, database, folder, local):
    """The worker's connections are gone soon, though no server has said a word."""
    channel = queue.fill(database, "called-off", 40, messages=1)
    event = threading.Event()
    with MediaServer() as server:
        silent = [f"/{n}.png" for n in range(20, 40)]
        server.faults = {path: faults.stall(event) for path in silent}
        attach(database, channel, [f"{server.url}/{n}.png" for n in range(40)])
        try:
            with Crew(program, folder, local, workers=1, lease="3s", media_allow=server.allow) as crew:
                job_id = add(database, channel)
                wait_until(lambda: sum(server.asked(path) for path in silent) >= 10, "silent servers")
                with database.connect() as connection, connection.transaction():
                    connection.execute("SELECT set_config('verbatim.workspace_id', 'w', true)")
                    connection.execute("SELECT verbatim.job_cancel('w', %s, NULL, 'ann')", [job_id])
                wait_until(lambda: connections(crew.process.pid, server.port) == 0, "the connections to go")
                assert not event.is_set()
                # The thread is free, and its next export begins with a window of its own.
                other = queue.fill(database, "next", 5, messages=1)
                attach(database, other, [f"{server.url}/{n}.png" for n in range(5)])
                next_id = add(database, other)
                queue.finished(database, next_id)
        finally:
            event.set()
    assert queue.job(database, job_id).status == "cancelled"
    assert counts(database, next_id) == (5, 0)


def connections(pid, port):
    """Open TCP connections of the process to that port of 127.0.0.1."""
    sockets = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(entry))
        except FileNotFoundError:
            pass
    rows = [line.split() for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2] == f"0100007F:{port:04X}" and f"socket:[{row[9]}]" in sockets for row in rows)


def spooled(pid):
    """Bytes of the process's temporary files of media."""
    total = 0
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            if "/verbatim-media-" in os.readlink(entry):
                total += entry.stat().st_size
        except FileNotFoundError:
            pass
    return total


@pytest.mark.skipif(SANITIZED, reason="sanitizers take memory of their own")
def test_large_media_ahead_rest_at_their_servers(program, database, folder, local):
    """The first keeps all others waiting: they take no more disk than they may, and memory does not grow with them."""
    channel = queue.fill(database, "large", 16, messages=1)
    event = threading.Event()
    bodies = [faults.wav(n) * (8 * MIB // len(faults.wav(n))) for n in range(12)]
    with MediaServer() as server:
        server.faults = {f"/{n}.big": faults.answer("audio/wav", body) for n, body in enumerate(bodies)}
        server.faults["/first"] = faults.first(lambda handler: (event.wait(LIMIT), faults.give(handler, 503)), 1,
                                               "/1.png")
        urls = [f"{server.url}/{n}.wav" for n in range(3)]  # so that the host is known
        attach(database, channel, [*urls, f"{server.url}/first", *(f"{server.url}/{n}.big" for n in range(12))])
        try:
            with Crew(program, folder, local, workers=1, media_allow=server.allow, media_timeout="10m") as crew:
                job_id = add(database, channel)
                pid, most = crew.process.pid, 0
                wait_until(lambda: spooled(pid) > AHEAD - MIB, "as much as may lie ahead", 60)
                for _ in range(20):
                    most = max(most, spooled(pid))
                    time.sleep(0.01)
                event.set()
                while queue.job(database, job_id).status == "started":
                    most = max(most, spooled(pid))
                    time.sleep(0.02)
                found = queue.finished(database, job_id, 120)
                peak = peak_rss(pid)
        finally:
            event.set()
    _, contents = read(queue.archive(local, found))
    media = [data for name, data in contents.items() if name.startswith("media/")]
    assert media == [faults.wav(0), faults.wav(1), faults.wav(2), faults.png(1), *bodies]
    assert most <= AHEAD + 8 * MIB + MIB  # and the list of attachments
    assert peak < 64
