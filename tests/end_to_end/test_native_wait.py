"""`Prefer: wait=N` on an export (RFC 7240): answered when it ends, while no thread and no connection waits with it."""

import datetime
import os
import socket
import threading
import time

import pytest

from tests.lib import http_source as source
from tests.lib.http_raw import RawConnection
from tests.lib.process import wait_until

pytestmark = pytest.mark.threads

EXPORTS = "/api/v1/workspace/one/exports"
ALL = {"select": {"all": True}}
FEBRUARY = {"select": {"channel_id": source.SMS}, "filter": {"from": "2026-02-01", "to": "2026-02-28"}}


@pytest.fixture(autouse=True)
def no_jobs(keys, database):
    database.execute("DELETE FROM verbatim.job")


def start(service, keys, body=ALL):
    return service.request("POST", EXPORTS, keys["one"], json_body=body).json()["export_id"]


def wait(service, keys, export, prefer):
    """Status, Preference-Applied, and how long it took."""
    begun = time.monotonic()
    answer = service.get(f"{EXPORTS}/{export}", keys["one"], headers={"Prefer": prefer}, seconds=60)
    assert answer.status == 200, answer.body
    return answer.json()["status"], answer.headers["Preference-Applied"], time.monotonic() - begun


def begin(service, keys, export, seconds=30, origin="127.0.0.1"):
    """A request that waits, on a connection that a test can look at or close."""
    connection = RawConnection(service.port, seconds=60, origin=origin)
    return connection.send(f"GET {EXPORTS}/{export} HTTP/1.1\r\nHost: a\r\nX-API-Key: {keys['one']}\r\n"
                           f"Prefer: wait={seconds}\r\n\r\n".encode())


def later(seconds, act):
    timer = threading.Timer(seconds, act)
    timer.start()
    return timer


def cancel(service, keys, export):
    assert service.request("POST", f"{EXPORTS}/{export}/cancel", keys["one"]).status == 200


def of_service(database):
    """Connections of the database that belong to services: counted without those of the test."""
    [(count,)] = database.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                  " AND application_name LIKE 'verbatim%%'", [])
    return count


def threads(service):
    return len(os.listdir(f"/proc/{service.process.pid}/task"))


def waiting_at(service, keys):
    lines = service.get("/metrics", keys["metrics"]).body.decode().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("verbatim_http_waiting "))


def test_it_waits_as_long_as_asked(service, keys):
    export = start(service, keys)
    status, applied, took = wait(service, keys, export, "wait=1")
    assert (status, applied) == ("queued", "wait=1")
    assert 0.95 <= took < 3


def test_what_has_ended_is_answered_at_once(service, keys):
    export = start(service, keys)
    cancel(service, keys, export)
    status, applied, took = wait(service, keys, export, "wait=20")
    assert (status, applied) == ("cancelled", "wait=20") and took < 2


def test_an_end_by_another_process_wakes_it(service, keys, make_service):
    export = start(service, keys)
    other = make_service(workers=0)
    timer = later(1, lambda: cancel(other, keys, export))
    status, _, took = wait(service, keys, export, "wait=20")
    timer.join()
    assert status == "cancelled" and 0.9 < took < 1.9, took


def test_a_worker_s_finish_wakes_it(service, keys, make_service):
    with begin(service, keys, start(service, keys, FEBRUARY)) as connection:
        worker = make_service(command="worker", workers=1)
        answer = connection.answer().json()
        waited = time.time() - datetime.datetime.fromisoformat(answer["finished_time"] + "+00:00").timestamp()
        assert answer["status"] == "finished" and waited < 1, waited
        worker.stop()


def test_a_deleted_one_is_not_found(service, keys):
    export = start(service, keys)
    timer = later(0.5, lambda: service.request("DELETE", f"{EXPORTS}/{export}", keys["one"]))
    begun = time.monotonic()
    answer = service.get(f"{EXPORTS}/{export}", keys["one"], headers={"Prefer": "wait=20"})
    timer.join()
    assert answer.status == 404 and time.monotonic() - begun < 2


def test_a_key_that_is_revoked_meanwhile_learns_nothing(service, keys, program):
    export, key = start(service, keys), program.key("one")
    timer = later(0.5, lambda: (program.run("key", "revoke", key.split("_")[1]), cancel(service, keys, export)))
    answer = service.get(f"{EXPORTS}/{export}", key, headers={"Prefer": "wait=20"})
    timer.join()
    assert answer.status == 401


def test_longer_waits_are_cut_below_what_proxies_allow_and_not_by_the_answer_s_deadline(service, keys):
    export = start(service, keys)
    status, applied, took = wait(service, keys, export, "wait=900")
    assert (status, applied) == ("queued", "wait=25") and 24.9 <= took < 30, took


@pytest.mark.parametrize("prefer", ["wait", "wait=", "wait=x", "wait=-1", "respond-async", "wait=0", ""])
def test_other_preferences_are_answered_at_once(service, keys, prefer):
    export = start(service, keys)
    status, applied, took = wait(service, keys, export, prefer)
    assert (status, applied) == ("queued", None) and took < 2


@pytest.mark.parametrize("name, status", [("nonsense", 404), ("00000000-0000-0000-0000-000000000007", 404)])
def test_nobody_waits_for_what_is_not_there(service, keys, name, status):
    begun = time.monotonic()
    answer = service.get(f"{EXPORTS}/{name}", keys["one"], headers={"Prefer": "wait=20"})
    assert answer.status == status and time.monotonic() - begun < 2
    assert service.get(f"{EXPORTS}/{name}", "vb_x", headers={"Prefer": "wait=20"}).status == 401


def test_many_wait_on_few_connections_and_threads(service, keys, database):
    exports = [start(service, keys) for _ in range(20)]
    wait(service, keys, exports[0], "wait=1")
    tasks, links = threads(service), of_service(database)
    waiting = [begin(service, keys, exports[n % 20]) for n in range(200)]
    time.sleep(1)
    assert (threads(service), of_service(database)) == (tasks, links)
    assert waiting_at(service, keys) == 200
    [(active,)] = database.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                   " AND application_name LIKE 'verbatim%%' AND state <> 'idle'", [])
    assert active == 0, "a connection is busy while all wait"
    begun = time.monotonic()
    for export in exports:
        cancel(service, keys, export)
    for connection in waiting:
        answer = connection.answer()
        assert (answer.status, answer.json()["status"]) == (200, "cancelled")
        connection.socket.close()
    assert time.monotonic() - begun < 3, "twenty ends and two hundred answers"
    assert waiting_at(service, keys) == 0


def test_who_leaves_is_forgotten(service, keys, database):
    export = start(service, keys)
    gone = [begin(service, keys, export) for _ in range(20)]
    wait_until(lambda: waiting_at(service, keys) == 20, "all to wait", 3)
    for connection in gone[:10]:
        connection.socket.close()
    for connection in gone[10:]:  # a reset
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.socket.close()
    wait_until(lambda: waiting_at(service, keys) == 0, "all to be forgotten", 3)


def test_who_has_no_more_to_ask_is_still_answered(service, keys):
    export = start(service, keys)
    with begin(service, keys, export) as connection:
        connection.socket.shutdown(socket.SHUT_WR)
        begun = time.monotonic()
        assert connection.answer().json()["status"] == "queued"
        assert time.monotonic() - begun < 2


def test_a_pipelined_request_comes_after_it(service, keys):
    export = start(service, keys)
    with begin(service, keys, export, 1) as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.answer().json()["export_id"] == export
        assert connection.answer().status == 200


def test_a_lost_listener_only_makes_it_slower(service, keys, database):
    export = start(service, keys)
    with begin(service, keys, export) as connection:
        time.sleep(0.5)
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ="
                         " 'verbatim waits' AND datname = current_database()", [])
        # Ended without a word: only the look finds it.
        database.execute("UPDATE verbatim.job SET status = 'cancelled', finished_at = now()")
        begun = time.monotonic()
        assert connection.answer().json()["status"] == "cancelled"
        assert time.monotonic() - begun < 8


def test_an_end_that_was_not_told_is_found(service, keys, database):
    export = start(service, keys)
    with begin(service, keys, export) as connection:
        time.sleep(0.5)
        database.execute("UPDATE verbatim.job SET status = 'cancelled', finished_at = now()")
        begun = time.monotonic()
        assert connection.answer().json()["status"] == "cancelled"
        assert time.monotonic() - begun < 8


def test_behind_a_transaction_pooler(keys, database, make_service, pgbouncer):
    """Nobody can listen there; the look comes every second instead."""
    service = make_service(workers=0, database_url=pgbouncer.database(database.name).url, source_url=database.url,
                           prepared_statements="off")
    export = start(service, keys)
    timer = later(1, lambda: cancel(service, keys, export))
    status, _, took = wait(service, keys, export, "wait=20")
    timer.join()
    assert status == "cancelled" and took < 4, took


def test_a_stop_answers_who_waits(keys, make_service):
    service = make_service(workers=0)
    export = start(service, keys)
    with begin(service, keys, export) as connection:
        time.sleep(0.5)
        begun = time.monotonic()
        service.stop()
        assert time.monotonic() - begun < 5
        assert connection.answer().json()["status"] == "queued"
