"""A streaming standby as the source: what was committed before the request is in the export, or its lack is told."""

import pytest

from tests.lib import http_source as source
from tests.lib.doctor import doctor
from tests.lib.postgres import Standby
from tests.lib.process import wait_until

RANGE = {"channel_id": source.SMS, "start_date": "2026-01-01", "end_date": "2100-12-31"}
LAGS = "the source has not caught up with the moment the job was created"


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    return source.make_workspaces(program)


@pytest.fixture(scope="module")
def standby(postgres, keys):
    with Standby(postgres) as standby:
        yield standby


@pytest.fixture
def service(standby, database, make_service):
    service = make_service(workers=1, source_url=standby.database(database.name).url)
    yield service
    standby.resume()
    service.stop()


def add_conversation(database):
    """Committed on the primary; returns how many there are."""
    with database.connect() as connection, connection.transaction():
        connection.execute("INSERT INTO chat.conversation SELECT gen_random_uuid(), 'platform-one', %s, now()",
                           [source.SMS])
        return connection.execute("SELECT count(*) FROM chat.conversation").fetchone()[0]


def exported(database, job):
    return database.value("SELECT conversations FROM verbatim.job WHERE job_id = %s", [job["export_job_id"]])


def start(service, keys):
    answer = service.start_export("one", keys["one"], **RANGE)
    assert answer.status == 202, answer.body
    return answer.json()["export_job_id"]


def test_what_was_committed_is_in(service, standby, database, keys):
    assert standby.database().value("SELECT pg_is_in_recovery()")
    for _ in range(5):
        count = add_conversation(database)
        standby.wait_received()
        assert exported(database, service.export("one", keys["one"], **RANGE)) == count
    assert LAGS not in service.log()


def test_reading_waits_for_replay(service, standby, database, keys):
    standby.pause()
    count = add_conversation(database)
    standby.wait_received()
    job_id = start(service, keys)
    # The reader asks the standby again and again whether it has caught up.
    replica = standby.database(database.name)
    wait_until(lambda: replica.value("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <>"
                                     " pg_backend_pid() AND query LIKE '%%pg_last_xact_replay_timestamp() >=%%'",
                                     [database.name]), "the reader to wait")
    assert service.job("one", keys["one"], job_id)["status"] == "started"
    standby.resume()
    assert exported(database, service.wait_for_job("one", keys["one"], job_id)) == count
    assert LAGS not in service.log()


def test_waiting_for_replay_ends_and_says_so(service, standby, database, keys):
    before = exported(database, service.export("one", keys["one"], **RANGE))
    standby.pause()
    assert add_conversation(database) == before + 1
    standby.wait_received()
    job = service.wait_for_job("one", keys["one"], start(service, keys))
    assert job["status"] == "finished" and exported(database, job) == before
    assert service.log().count(LAGS) == 1
    waited = database.value("SELECT extract(epoch FROM finished_at - started_at)::float8 FROM verbatim.job"
                            " WHERE job_id = %s", [job["export_job_id"]])
    assert waited > 8, waited
    assert "had not caught up with the moment of the order" in job["incomplete"]
    native = service.get(f"/api/v1/workspace/one/exports/{job['export_job_id']}", keys["one"]).json()
    assert native["incomplete"] == job["incomplete"]
    standby.resume()
    assert service.export("one", keys["one"], **RANGE)["incomplete"] is None


def seconds_behind(service, keys):
    return float(service.figures(keys["metrics"])["verbatim_source_lag_seconds"])


def test_how_far_it_lies_behind_is_told(service, standby, program, database, keys):
    """By the figures and by the doctor; what was received and is not replayed counts."""
    flags = {"source_url": standby.database(database.name).url}
    add_conversation(database)
    standby.wait_received()
    wait_until(lambda: seconds_behind(service, keys) == 0, "a replica that has caught up")
    assert "a replica, 0.0 s behind" in [line.text for line in doctor(program, **flags).of("source")]
    standby.pause()
    add_conversation(database)
    standby.wait_received()
    wait_until(lambda: seconds_behind(service, keys) > 1, "the figure of a replica that lags")
    behind = [line for line in doctor(program, replica_wait="1s", **flags).of("source") if "a replica" in line.text]
    assert [line.finding for line in behind] == ["warning"] and "may be incomplete" in behind[0].text
    assert behind[0].remedy == "read from the primary, or raise replica_wait"


def test_it_may_fail_instead(standby, database, keys, make_service):
    service = make_service(workers=1, source_url=standby.database(database.name).url, replica_wait="1s",
                           on_lag="fail", max_attempts=2)
    standby.pause()
    add_conversation(database)
    standby.wait_received()
    job = service.wait_for_job("one", keys["one"], start(service, keys))
    standby.resume()
    assert job["status"] == "failed", job
    assert job["error_message"].endswith("the replica has not caught up with the moment of the order"), job
    assert service.export("one", keys["one"], **RANGE)["status"] == "finished"
    service.stop()


def test_a_server_that_does_not_tell_how_far_it_is(standby, database, keys, make_service):
    """As readers of Aurora, and hardened servers, refuse functions: the clock alone decides then."""
    database.execute("DO $$ BEGIN CREATE ROLE replica_plain LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
                     " GRANT USAGE ON SCHEMA chat TO replica_plain;"
                     " GRANT SELECT ON ALL TABLES IN SCHEMA chat TO replica_plain;"
                     " REVOKE EXECUTE ON FUNCTION pg_last_wal_receive_lsn() FROM PUBLIC")
    count = add_conversation(database)
    standby.wait_received()
    source = standby.database(database.name).url.replace("postgres@", "replica_plain@")
    service = make_service(workers=1, source_url=source)
    assert exported(database, service.export("one", keys["one"], **RANGE)) == count
    assert service.log().count("does not tell how far it is") == 1
    wait_until(lambda: service.figures(keys["metrics"])["verbatim_source_lag_seconds"] == "NaN", "no figure of it")
    assert service.get("/readyz").json()["degraded"] == []
    database.execute("GRANT EXECUTE ON FUNCTION pg_last_wal_receive_lsn() TO PUBLIC")
    service.stop()
