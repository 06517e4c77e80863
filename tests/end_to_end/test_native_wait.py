"""`Prefer: wait=N` on an export (RFC 7240): answered when it ends, while no thread and no connection waits with it."""

import os
import socket

import pytest

from tests.lib import http_source as source
from tests.lib.http_raw import RawConnection
from tests.lib.patience import Stopwatch
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
    """Status, Preference-Applied, and a watch that has run since it was asked."""
    watch = Stopwatch()
    answer = service.get(f"{EXPORTS}/{export}", keys["one"], headers={"Prefer": prefer})
    assert answer.status == 200, answer.body
    return answer.json()["status"], answer.headers["Preference-Applied"], watch


def begin(service, keys, export, seconds=30, origin="127.0.0.1"):
    """A request that waits, on a connection that a test can look at or close."""
    connection = RawConnection(service.port, origin=origin)
    return connection.send(f"GET {EXPORTS}/{export} HTTP/1.1\r\nHost: a\r\nX-API-Key: {keys['one']}\r\n"
                           f"Prefer: wait={seconds}\r\n\r\n".encode())


def cancel(service, keys, export):
    assert service.request("POST", f"{EXPORTS}/{export}/cancel", keys["one"]).status == 200


def of_service(database):
    """Connections of the database that belong to services: counted without those of the test."""
    [(count,)] = database.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                  " AND application_name LIKE 'verbatim%%'", [])
    return count


def threads(service):
    return len(os.listdir(f"/proc/{service.process.pid}/task"))


def waits(service, keys, count):
    """Until so many requests wait there."""
    wait_until(lambda: waiting_at(service, keys) == count, f"{count} that wait")


def waiting_at(service, keys):
    lines = service.get("/metrics", keys["metrics"]).body.decode().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("verbatim_http_waiting "))


def test_it_waits_as_long_as_asked(service, keys):
    export = start(service, keys)
    status, applied, watch = wait(service, keys, export, "wait=1")
    assert (status, applied) == ("queued", "wait=1")
    assert 0.95 <= watch.seconds and watch.awake < 3, watch


def test_what_has_ended_is_answered_at_once(service, keys):
    export = start(service, keys)
    cancel(service, keys, export)
    status, applied, watch = wait(service, keys, export, "wait=20")
    assert (status, applied) == ("cancelled", "wait=20") and watch.awake < 2, watch


def test_an_end_by_another_process_wakes_it(service, keys, make_service):
    export = start(service, keys)
    other = make_service(workers=0)
    with begin(service, keys, export) as connection:
        waits(service, keys, 1)
        cancel(other, keys, export)
        watch = Stopwatch()
        assert connection.answer().json()["status"] == "cancelled" and watch.awake < 1, watch


def test_a_worker_s_finish_wakes_it(service, keys, make_service, database):
    with begin(service, keys, start(service, keys, FEBRUARY)) as connection:
        worker = make_service(command="worker", workers=1)
        wait_until(lambda: database.value("SELECT status FROM verbatim.job") == "finished", "the finish")
        watch = Stopwatch()
        assert connection.answer().json()["status"] == "finished" and watch.awake < 1, watch
        worker.stop()


def test_a_deleted_one_is_not_found(service, keys):
    export = start(service, keys)
    with begin(service, keys, export) as connection:
        waits(service, keys, 1)
        service.request("DELETE", f"{EXPORTS}/{export}", keys["one"])
        watch = Stopwatch()
        assert connection.answer().status == 404 and watch.awake < 2, watch


def test_a_key_that_is_revoked_meanwhile_learns_nothing(service, keys, program):
    export, key = start(service, keys), program.key("one")
    with begin(service, {"one": key}, export) as connection:
        waits(service, keys, 1)
        program.run("key", "revoke", key.split("_")[1])
        cancel(service, keys, export)
        assert connection.answer().status == 401


def test_longer_waits_are_cut_below_what_proxies_allow_and_not_by_the_answer_s_deadline(service, keys):
    export = start(service, keys)
    status, applied, watch = wait(service, keys, export, "wait=900")
    assert (status, applied) == ("queued", "wait=25") and 24.9 <= watch.seconds and watch.awake < 30, watch


@pytest.mark.parametrize("prefer", ["wait", "wait=", "wait=x", "wait=-1", "respond-async", "wait=0", ""])
def test_other_preferences_are_answered_at_once(service, keys, prefer):
    export = start(service, keys)
    status, applied, watch = wait(service, keys, export, prefer)
    assert (status, applied) == ("queued", None) and watch.awake < 2, watch


@pytest.mark.parametrize("name, status", [("nonsense", 404), ("00000000-0000-0000-0000-000000000007", 404)])
def test_nobody_waits_for_what_is_not_there(service, keys, name, status):
    watch = Stopwatch()
    answer = service.get(f"{EXPORTS}/{name}", keys["one"], headers={"Prefer": "wait=20"})
    assert answer.status == status and watch.awake < 2, watch
    assert service.get(f"{EXPORTS}/{name}", "vb_x", headers={"Prefer": "wait=20"}).status == 401


def test_many_wait_on_few_connections_and_threads(service, keys, database):
    exports = [start(service, keys) for _ in range(20)]
    wait(service, keys, exports[0], "wait=1")
    tasks, links = threads(service), of_service(database)
    waiting = [begin(service, keys, exports[n % 20]) for n in range(200)]
    waits(service, keys, 200)
    assert (threads(service), of_service(database)) == (tasks, links)
    active = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
              " AND application_name LIKE 'verbatim%' AND state <> 'idle'")
    wait_until(lambda: database.value(active) == 0, "no connection to be busy while all wait")
    assert waiting_at(service, keys) == 200
    for export in exports:
        cancel(service, keys, export)
    watch = Stopwatch()
    for connection in waiting:
        answer = connection.answer()
        assert (answer.status, answer.json()["status"]) == (200, "cancelled")
        connection.socket.close()
    assert watch.awake < 3, f"twenty ends and two hundred answers: {watch}"
    assert waiting_at(service, keys) == 0


def test_who_leaves_is_forgotten(service, keys, database):
    export = start(service, keys)
    gone = [begin(service, keys, export) for _ in range(20)]
    waits(service, keys, 20)
    watch = Stopwatch()
    for connection in gone[:10]:
        connection.socket.close()
    for connection in gone[10:]:  # a reset
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.socket.close()
    waits(service, keys, 0)
    assert watch.awake < 5, watch


def test_who_has_no_more_to_ask_is_still_answered(service, keys):
    export = start(service, keys)
    with begin(service, keys, export) as connection:
        connection.socket.shutdown(socket.SHUT_WR)
        watch = Stopwatch()
        assert connection.answer().json()["status"] == "queued" and watch.awake < 2, watch


def test_a_pipelined_request_comes_after_it(service, keys):
    export = start(service, keys)
    with begin(service, keys, export, 1) as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.answer().json()["export_id"] == export
        assert connection.answer().status == 200


def test_a_lost_listener_only_makes_it_slower(service, keys, database):
    export = start(service, keys)
    with begin(service, keys, export) as connection:
        waits(service, keys, 1)
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ="
                         " 'verbatim waits' AND datname = current_database()", [])
        # Ended without a word: only the look finds it.
        database.execute("UPDATE verbatim.job SET status = 'cancelled', finished_at = now()")
        watch = Stopwatch()
        assert connection.answer().json()["status"] == "cancelled" and watch.awake < 8, watch


def test_an_end_that_was_not_told_is_found(service, keys, database):
    export = start(service, keys)
    with begin(service, keys, export) as connection:
        waits(service, keys, 1)
        database.execute("UPDATE verbatim.job SET status = 'cancelled', finished_at = now()")
        watch = Stopwatch()
        assert connection.answer().json()["status"] == "cancelled" and watch.awake < 8, watch


def test_behind_a_transaction_pooler(keys, database, make_service, pgbouncer):
    """Nobody can listen there; the look comes every second instead."""
    service = make_service(workers=0, database_url=pgbouncer.database(database.name).url, source_url=database.url,
                           prepared_statements="off")
    export = start(service, keys)
    with begin(service, keys, export) as connection:
        waits(service, keys, 1)
        cancel(service, keys, export)
        watch = Stopwatch()
        assert connection.answer().json()["status"] == "cancelled" and watch.awake < 4, watch


def test_a_stop_answers_who_waits(keys, make_service):
    service = make_service(workers=0)
    export = start(service, keys)
    with begin(service, keys, export) as connection:
        waits(service, keys, 1)
        watch = Stopwatch()
        service.stop()
        assert watch.awake < 5, watch
        assert connection.answer().json()["status"] == "queued"
