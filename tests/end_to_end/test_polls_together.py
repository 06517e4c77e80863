"""Polls of one key that wait at the same time look into the database together: each still has the answer, the refusal
and the moment of its own."""

import contextlib
import threading
import uuid
import zlib

import pytest

from tests.lib import http_source as source
from tests.lib.http_raw import RawConnection
from tests.lib.patience import again_after_a_stall
from tests.lib.process import wait_until

MAIN = "/api/v1/workspace/{}/export-conversations/{}"
NATIVE = "/api/v1/workspace/{}/exports/{}"
LIST = "/api/v1/workspace/{}/exports?limit={}"
RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-28"}


@pytest.fixture(scope="module")
def jobs(service, keys):
    """Six of workspace one, whose answers differ by their ids and channels at least."""
    found = [service.start_export("one", keys["one"], **RANGE, channel_id=channel).json()["export_job_id"]
             for channel in (source.SMS, source.WHATSAPP, source.TOLL_FREE)]
    for channel in (source.SMS, source.WHATSAPP, source.TOLL_FREE):
        body = {"select": {"channel_id": channel}, "filter": {"from": "2026-03-01", "to": "2026-03-02"}}
        answer = service.request("POST", "/api/v1/workspace/one/exports", keys["one"], json_body=body)
        found.append(answer.json()["export_id"])
    return found


def ask(service, path, key):
    return RawConnection(service.port).send(
        f"GET {path} HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\n\r\n".encode())


def ask_alone(service, path, key):
    with ask(service, path, key) as connection:
        answer = connection.answer()
        return answer.status, answer.body


def others_key(key):
    """The same key by its id, well formed, with another secret."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    signed = key[:-7] + ("A" if key[-7] != "A" else "B")
    crc = zlib.crc32(signed.encode())
    return signed + "".join(digits[crc // 62**place % 62] for place in range(5, -1, -1))


@contextlib.contextmanager
def looks_held(database):
    """Every look at a job waits meanwhile; yields what ends it."""
    with database.connect() as blocker, blocker.transaction() as transaction:
        blocker.execute("LOCK TABLE verbatim.job IN ACCESS EXCLUSIVE MODE")
        yield transaction


def waiting_looks(database):
    return database.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                          " AND wait_event_type = 'Lock' AND application_name = 'verbatim http'")


def mixed_questions(keys, jobs):
    """Looks of several kinds, many of them alike: of each job by both doors, of none, of forms that are none, by a key
    that is wrong in its secret alone, by one of another workspace, and lists."""
    names = [*jobs, str(uuid.uuid4()), jobs[0].upper(), "no-id", "0"]
    questions = [(form.format("one", name), keys["one"]) for form in (MAIN, NATIVE) for name in names]
    questions += [(NATIVE.format("one", jobs[1]), others_key(keys["one"])), (MAIN.format("one", jobs[1]), keys["two"]),
                  (NATIVE.format("two", jobs[1]), keys["two"]), (NATIVE.format("two", jobs[1]), keys["one"])]
    questions += [(LIST.format("one", limit), keys["one"]) for limit in (1, 3, 3, 20)]
    return [*questions, ("/api/v1/workspace/one/exports", keys["one"])]


@again_after_a_stall
def test_each_has_its_own_answer(service, keys, jobs, database):
    questions = mixed_questions(keys, jobs) * 3
    alone = [ask_alone(service, path, key) for path, key in questions]
    assert {status for status, _ in alone} == {200, 401, 404}
    with contextlib.ExitStack() as stack:
        with looks_held(database):
            connections = [stack.enter_context(ask(service, path, key)) for path, key in questions]
            wait_until(lambda: waiting_looks(database) > 0, "a look that waits")
        together = [connection.answer() for connection in connections]
    assert [(answer.status, answer.body) for answer in together] == alone


@again_after_a_stall
def test_many_more_than_go_together(service, keys, jobs, database):
    """Beyond what one statement asks for, others follow it."""
    path = NATIVE.format("one", jobs[2])
    alone = ask_alone(service, path, keys["one"])
    with contextlib.ExitStack() as stack:
        with looks_held(database):
            connections = [stack.enter_context(ask(service, path, keys["one"])) for _ in range(300)]
            wait_until(lambda: waiting_looks(database) > 0, "a look that waits")
        assert {(answer.status, answer.body) for answer in (each.answer() for each in connections)} == {alone}


@again_after_a_stall
def test_who_leaves_is_not_missed(service, keys, jobs, database):
    with contextlib.ExitStack() as stack:
        with looks_held(database):
            leaving = [ask(service, NATIVE.format("one", job), keys["one"]) for job in jobs]
            staying = [stack.enter_context(ask(service, NATIVE.format("one", job), keys["one"])) for job in jobs]
            wait_until(lambda: waiting_looks(database) > 0, "a look that waits")
            for connection in leaving:
                connection.socket.close()
        assert [connection.answer().json()["export_id"] for connection in staying] == jobs


class Crowd:
    """Pollers of one path, each asking again at once, so that there is always something to share."""

    def __init__(self, service, path, key, size=12):
        self.statuses, self._over = set(), False
        self._threads = [threading.Thread(target=self._poll, args=(service, path, key)) for _ in range(size)]

    def _poll(self, service, path, key):
        with RawConnection(service.port) as connection:
            while not self._over:
                connection.send(f"GET {path} HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\n\r\n".encode())
                self.statuses.add(connection.answer().status)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        wait_until(lambda: self.statuses, "answers")
        return self

    def __exit__(self, *_):
        self._over = True
        for thread in self._threads:
            thread.join()


@again_after_a_stall
def test_a_revoked_key_is_refused_by_the_next_poll(service, program, database, jobs):
    path = NATIVE.format("one", jobs[0])
    key = program.key("one")
    with Crowd(service, path, key) as crowd:
        assert crowd.statuses == {200}
        database.execute("UPDATE verbatim.api_key SET revoked_at = now() WHERE key_id = %s", [key.split("_")[1]])
        for _ in range(10):
            assert ask_alone(service, path, key)[0] == 401
        assert crowd.statuses <= {200, 401}


@again_after_a_stall
def test_a_change_is_seen_by_the_next_poll(service, keys, database, jobs):
    path = NATIVE.format("one", jobs[3])
    with Crowd(service, path, keys["one"]) as crowd:
        for number in range(1, 15):
            database.execute("UPDATE verbatim.job SET conversations_total = %s WHERE job_id = %s", [number, jobs[3]])
            with ask(service, path, keys["one"]) as connection:
                assert connection.answer().json()["progress"]["conversations_total"] == number
        assert crowd.statuses == {200}


def test_a_lost_connection_answers_each_once(service, keys, database, jobs):
    paths = [form.format("one", job) for form in (MAIN, NATIVE) for job in jobs] * 3
    with contextlib.ExitStack() as stack:
        with looks_held(database):
            connections = [stack.enter_context(ask(service, path, keys["one"])) for path in paths]
            wait_until(lambda: waiting_looks(database) > 0, "a look that waits")
            database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                             " WHERE datname = current_database() AND application_name = 'verbatim http'")
            wait_until(lambda: not waiting_looks(database), "the end of the connections")
        for connection in connections:
            answer = connection.answer()
            assert answer.status in (200, 404, 503), answer
            assert answer.status != 503 or answer.headers["retry-after"] == "2"
        wait_until(lambda: ask_alone(service, paths[0], keys["one"])[0] == 200, "the database to be used again")
        for connection in connections:  # one answer each: the next one is that of the next request
            connection.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: next\r\n\r\n")
            assert connection.answer().headers["x-request-id"] == "next"
