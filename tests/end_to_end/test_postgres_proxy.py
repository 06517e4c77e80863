"""The proxy that the tests of lost answers stand on: what it knows of statements, and each way to fail one."""

import threading

import psycopg
import pytest

from tests.lib.patience import LIMIT
from tests.lib.postgres_proxy import Fault, PostgresProxy, at_commit
from tests.lib.process import wait_until

NAME = "proxied"


@pytest.fixture
def proxy(postgres, database):
    database.execute("DROP TABLE IF EXISTS t; CREATE TABLE t (n integer PRIMARY KEY)")
    with PostgresProxy(postgres.port) as running:
        yield running


class Once:
    """Fails the first statement that holds the text; `seen` are all."""

    def __init__(self, text, fault, kind=None):
        self.text, self.fault, self.kind = text, fault, kind
        self.seen, self.fired = [], 0

    def __call__(self, statement):
        self.seen.append(statement)
        if self.fired or self.text not in statement.text or self.kind not in (None, statement.kind):
            return None
        self.fired += 1
        return self.fault


def connect(proxy, database, **options):
    return psycopg.connect(proxy.url(database.name), application_name=NAME, **options)


def rows(database):
    return [n for n, in database.execute("SELECT n FROM t ORDER BY n")]


def test_what_goes_through_is_unchanged_and_known(proxy, database):
    proxy.decide = seen = Once("nothing", None)
    with connect(proxy, database, autocommit=True, prepare_threshold=0) as client:
        for n in range(3):
            client.execute("INSERT INTO t VALUES (%s)", [n])
        with client.cursor() as cursor:
            with cursor.copy("COPY t FROM STDIN") as copy:
                copy.write(b"".join(b"%d\n" % n for n in range(10, 2000)))
            with cursor.copy("COPY t TO STDOUT") as copy:
                assert b"".join(bytes(part) for part in copy).count(b"\n") == 1993
        assert client.execute("SELECT repeat('x', 3000000)").fetchone()[0] == "x" * 3_000_000
        with pytest.raises(psycopg.errors.UniqueViolation):
            client.execute("INSERT INTO t VALUES (%s)", [1])
    kinds = [(statement.kind, statement.text.split(" ")[0]) for statement in seen.seen]
    assert kinds[0] == ("connect", "connect") and ("prepare", "INSERT") in kinds
    inserts = [statement for statement in seen.seen if statement.kind == "execute" and "INSERT" in statement.text]
    assert len(inserts) == 4 and all(statement.commits for statement in inserts)
    assert {statement.application for statement in seen.seen} == {NAME}


def test_a_pipeline_goes_through(proxy, database):
    with connect(proxy, database, autocommit=True) as client, client.pipeline():
        cursors = [client.execute("INSERT INTO t VALUES (%s) RETURNING n", [n]) for n in range(200)]
        assert [cursor.fetchone()[0] for cursor in cursors] == list(range(200))


def test_a_cancel_goes_through(proxy, database):
    with connect(proxy, database, autocommit=True) as client:
        def cancel():
            wait_until(lambda: database.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
                                              " AND wait_event = 'PgSleep'", [NAME]), "the statement")
            client.cancel()
        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            client.execute("SELECT pg_sleep(100)")
        thread.join()


@pytest.mark.parametrize("threshold", [None, 0], ids=["plain", "prepared"])
@pytest.mark.parametrize("way, there", [("drop", []), ("lose", [5])])
def test_a_statement_or_its_answer_is_lost(proxy, database, way, there, threshold):
    proxy.decide = once = Once("INSERT", Fault(way), "execute")
    with connect(proxy, database, autocommit=True, prepare_threshold=threshold) as client:
        client.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            client.execute("INSERT INTO t VALUES (%s)", [5])
    assert once.fired == 1 and rows(database) == there
    with connect(proxy, database, autocommit=True) as client:
        client.execute("INSERT INTO t VALUES (6)")
    assert rows(database) == [*there, 6]


@pytest.mark.parametrize("way, there", [("drop", []), ("lose", [1, 2])])
def test_a_commit_or_its_answer_is_lost(proxy, database, way, there):
    proxy.decide = at_commit(1, Fault(way), NAME)
    with pytest.raises(psycopg.OperationalError), connect(proxy, database) as client:
        client.execute("INSERT INTO t VALUES (1)")
        client.execute("INSERT INTO t VALUES (%s)", [2])
        client.commit()
    assert rows(database) == there


def test_commits_are_counted_explicit_and_implicit(proxy, database):
    proxy.decide = at_commit(3, Fault("lose"), NAME)
    with connect(proxy, database, autocommit=True) as client:
        client.execute("INSERT INTO t VALUES (1)")
        client.execute("SELECT 1")
        with client.transaction():
            client.execute("INSERT INTO t VALUES (%s)", [2])
        with pytest.raises(psycopg.OperationalError):
            client.execute("INSERT INTO t VALUES (%s)", [3])
    assert rows(database) == [1, 2, 3]


@pytest.mark.parametrize("threshold", [None, 0], ids=["plain", "prepared"])
@pytest.mark.parametrize("kind", ["execute", "query"])
def test_a_refused_statement_fails_its_transaction(proxy, database, kind, threshold):
    proxy.decide = once = Once("(7)" if kind == "query" else "INSERT", Fault("refuse", "40001"), kind)
    with connect(proxy, database, prepare_threshold=threshold) as client:
        client.execute("SELECT 1")
        with pytest.raises(psycopg.errors.SerializationFailure):
            if kind == "query":
                client.pgconn.exec_(b"SELECT 1")
                result = client.pgconn.exec_(b"INSERT INTO t VALUES (7)")
                raise psycopg.errors.lookup(result.error_field(psycopg.pq.DiagnosticField.SQLSTATE).decode())
            client.execute("INSERT INTO t VALUES (%s)", [7])
        assert client.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        client.rollback()
        client.execute("INSERT INTO t VALUES (%s)", [8])
        client.commit()
    assert once.fired == 1 and rows(database) == [8]


@pytest.mark.parametrize("kind", ["execute", "query"])
def test_a_refused_commit_leaves_no_transaction(proxy, database, kind):
    proxy.decide = Once("COMMIT", Fault("refuse", "40P01"))
    with connect(proxy, database) as client:
        client.execute("INSERT INTO t VALUES (1)")
        if kind == "execute":
            with pytest.raises(psycopg.errors.DeadlockDetected):
                client.commit()
        else:
            assert client.pgconn.exec_(b"COMMIT").error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"40P01"
        assert proxy.decide.seen[-1].kind == kind
        assert client.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        client.execute("INSERT INTO t VALUES (2)")
        client.commit()
    assert rows(database) == [2]


def test_a_farewell_closes_the_connection(proxy, database):
    proxy.decide = Once("INSERT", Fault("refuse", "57P01"))
    with connect(proxy, database, autocommit=True) as client:
        with pytest.raises(psycopg.OperationalError, match="made up by the test's proxy"):
            client.execute("INSERT INTO t VALUES (1)")
        assert client.closed
    assert rows(database) == []


@pytest.mark.parametrize("fault", [Fault("drop"), Fault("lose"), Fault("refuse", "53300")], ids=lambda fault: fault.way)
def test_a_connection_that_does_not_come_about(proxy, database, fault):
    proxy.decide = Once("connect", fault)
    with pytest.raises(psycopg.OperationalError):
        connect(proxy, database)
    with connect(proxy, database) as client:
        assert client.execute("SELECT 1").fetchone() == (1,)


def test_a_statement_in_the_middle_of_a_pipeline(proxy, database):
    """What stands before it is answered; without the Sync nothing is committed."""
    proxy.decide = once = Once("VALUES (2)", Fault("lose"), "execute")
    with pytest.raises(psycopg.OperationalError), connect(proxy, database, autocommit=True) as client:
        with client.pipeline() as pipeline:
            first = client.execute("INSERT INTO t VALUES (1) RETURNING n")
            client.execute("INSERT INTO t VALUES (2)")
            client.execute("INSERT INTO t VALUES (3)")
            pipeline.sync()
            assert first.fetchone() == (1,)
    assert once.fired == 1 and rows(database) == []


def test_a_statement_that_is_delayed_waits_for_its_event(proxy, database):
    event = threading.Event()
    proxy.decide = Once("INSERT", Fault("delay", seconds=LIMIT, until=event))
    done = []

    def insert():
        with connect(proxy, database, autocommit=True) as client:
            client.execute("INSERT INTO t VALUES (1)")
            done.append(True)
    thread = threading.Thread(target=insert)
    thread.start()
    wait_until(lambda: proxy.decide.fired, "the statement")
    assert rows(database) == [] and not done
    event.set()
    thread.join()
    assert rows(database) == [1] and done
