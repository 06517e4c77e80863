"""An export that waits says what for: no worker, none that writes where it was ordered, its turn, the source."""

import pytest

from tests.end_to_end.conftest import Storage
from tests.lib import http_source as source
from tests.lib.process import wait_until

RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-28", "channel_id": source.LONELY}
LEASE = {"lease": "2s"}  # so that beats are frequent, and their end is noticed soon


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    return source.make_workspaces(program)


@pytest.fixture(scope="module")
def front(keys, make_service):
    """Takes orders, and works on none."""
    return make_service(workers=0, **LEASE)


@pytest.fixture
def job(front, keys, database):
    answer = front.start_export("one", keys["one"], **RANGE)
    assert answer.status == 202, answer.body
    yield answer.json()["export_job_id"]
    database.execute("DELETE FROM verbatim.job")


def seen(front, keys, job):
    """What the poll, the resource and the list say: they agree."""
    def look():
        exports = "/api/v1/workspace/one/exports"
        said = {front.job("one", keys["one"], job)["waiting_for"],
                front.get(f"{exports}/{job}", keys["one"]).json()["waiting_for"],
                front.get(exports, keys["one"]).json()["exports"][0]["waiting_for"]}
        return said if len(said) == 1 else None
    return wait_until(look, "one word everywhere").pop()


def waits_for(front, keys, job, reason):
    wait_until(lambda: seen(front, keys, job) == reason, f"the export to wait for {reason}")


def waiting(front, keys):
    figures = front.figures(keys["metrics"])
    return {reason: int(figures[f'verbatim_waiting_jobs{{reason="{reason}"}}'])
            for reason in ("worker", "turn", "source")}


def doctors_word(front):
    done = front.program.run("doctor", check=False, options={"storage": front.options["storage"]})
    return next(line for line in done.stdout.splitlines() if " processes: " in line)


def told(service, words):
    return wait_until(lambda: [line for line in service.log().splitlines() if words in line], f"{words!r} in the log")


def test_without_any_worker_the_poll_the_log_and_the_figures_say_so(front, keys, job):
    assert seen(front, keys, job) == "worker"
    assert waiting(front, keys) == {"worker": 1, "turn": 0, "source": 0}
    assert "exports wait and no worker lives" in told(front, "start verbatim worker")[0]
    assert doctors_word(front).startswith("failed   processes: 1 exports wait and no worker lives")


def test_a_worker_with_another_storage_leaves_it_and_says_so_once(front, keys, job, make_service, folder, database):
    (folder / "elsewhere").mkdir()
    elsewhere = make_service(Storage("elsewhere", {"storage": f"file://{folder}/elsewhere"}), command="worker",
                             workers=1, janitor_interval="100ms", **LEASE)
    wait_until(lambda: database.value("SELECT count(*) FROM verbatim.worker_alive") == 1, "the worker's first beat")
    assert len(told(elsewhere, "are left to others")) == 1
    assert seen(front, keys, job) == "worker", "it lives, but writes elsewhere"
    assert "that writes to where they were ordered" in told(front, "with the same storage")[0]
    assert "no worker lives that writes to where they were ordered: file:" in doctors_word(front)
    home = make_service(command="worker", workers=1, **LEASE)
    link = front.wait_for_job("one", keys["one"], job)["presigned_url"]
    assert front.get(link.removeprefix(front.url)).status == 200, "the link leads to the archive"
    assert seen(front, keys, job) is None
    told(front, "every export has workers again")
    assert doctors_word(front).startswith("warning  processes: workers write to 2 stores")
    assert len(told(elsewhere, "are left to others")) == 1
    home.stop()
    elsewhere.stop()


def test_orders_of_the_version_before_are_taken_by_any_worker(front, keys, job, make_service, database):
    database.execute("UPDATE verbatim.job SET ordered_storage = NULL")
    worker = make_service(command="worker", workers=1, **LEASE)
    assert front.wait_for_job("one", keys["one"], job)["status"] == "finished"
    worker.stop()


def test_a_workspace_whose_turn_is_taken_waits_for_its_turn(front, keys, job, make_service, database):
    """The one place of the workspace is held by a started export that nobody works on."""
    database.execute("UPDATE verbatim.workspace SET max_running = 1")
    other = database.value("INSERT INTO verbatim.job (job_id, workspace_id, door, specification, source_workspace,"
                           " channel_id, start_date, end_date, range_from, range_to, time_zone, csv_profile, as_of,"
                           " link_ttl, status) SELECT gen_random_uuid(), workspace_id, door, specification,"
                           " source_workspace, channel_id, start_date, end_date, range_from, range_to, time_zone,"
                           " csv_profile, as_of, link_ttl, 'started' FROM verbatim.job RETURNING job_id")
    worker = make_service(command="worker", workers=1, **LEASE)
    try:
        waits_for(front, keys, job, "turn")
    finally:
        database.execute("UPDATE verbatim.workspace SET max_running = NULL")
    database.execute(f"DELETE FROM verbatim.job WHERE job_id = '{other}'; NOTIFY verbatim_work")
    assert front.wait_for_job("one", keys["one"], job)["status"] == "finished"
    worker.stop()


def test_a_source_that_does_not_answer_is_what_an_export_waits_for(front, keys, make_service, database):
    database.execute("CREATE ROLE platform_reader LOGIN; GRANT USAGE ON SCHEMA chat TO platform_reader;"
                     "GRANT SELECT ON ALL TABLES IN SCHEMA chat TO platform_reader")
    worker = make_service(command="worker", workers=1, max_attempts=100, **LEASE,
                          source_url=database.url.replace("postgres@", "platform_reader@"))
    wait_until(lambda: database.value("SELECT count(*) FROM verbatim.worker_alive") == 1, "the worker's first beat")
    database.execute("ALTER ROLE platform_reader CONNECTION LIMIT 0")
    database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'platform_reader'")
    job = front.start_export("one", keys["one"], **RANGE).json()["export_job_id"]
    waits_for(front, keys, job, "source")
    assert waiting(front, keys)["source"] == 1
    database.execute("ALTER ROLE platform_reader CONNECTION LIMIT -1")
    assert front.wait_for_job("one", keys["one"], job)["status"] == "finished"
    worker.stop()
    database.execute("DROP OWNED BY platform_reader; DROP ROLE platform_reader")


def test_a_process_that_only_takes_requests_is_there_while_it_runs(keys, make_service, database):
    rows = "SELECT count(*) FROM verbatim.process WHERE serves AND worker_threads = 0"
    before = database.value(rows)
    service = make_service(workers=0, **LEASE)
    wait_until(lambda: database.value(rows) == before + 1, "its row")
    assert database.value("SELECT bool_and(host_name <> '' AND version <> '' AND zone_data ~ '^20[0-9][0-9]')"
                          " FROM verbatim.process WHERE serves")
    service.stop()
    assert database.value(rows) == before
