"""Who gets the next thread: max_running, round-robin, the express thread, and a backlog that costs nothing."""

import pytest

from tests.lib import queue
from tests.lib.process import wait_until
from tests.lib.queue import Crew

pytestmark = pytest.mark.threads


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 2}, busy={"max_running": 3}, late={}, v={})
    for workspace in ("w", "busy", "late", "v"):
        queue.fill(database, f"small-{workspace}", 20, workspace=workspace)
    queue.fill(database, "giant", 30000, messages=1, workspace="v")


def lives(database, workspace):
    """(started_at, finished_at) of the workspace's jobs in order."""
    return database.execute("SELECT started_at, finished_at FROM verbatim.job WHERE workspace_id = %s"
                            " ORDER BY started_at", [workspace])


def test_max_running_is_exact(program, database, folder, local):
    """Three processes with six threads and 60 jobs: never more than two at a time, and often two."""
    crews = [Crew(program, folder, local, workers=2, page=2) for _ in range(3)]
    try:
        jobs = [queue.add_job(database, "small-w") for _ in range(60)]
        for job_id in jobs:
            queue.finished(database, job_id)
    finally:
        for crew in crews:
            crew.stop()
    times = lives(database, "w")
    running = [sum(start <= moment < end for start, end in times) for moment, _ in times]
    assert max(running) == 2


def test_round_robin_over_workspaces(program, database, folder, local):
    """One job of a workspace that comes late does not wait for the backlog of another."""
    backlog = [queue.add_job(database, "small-busy", "busy") for _ in range(30)]
    late = queue.add_job(database, "small-late", "late")
    with Crew(program, folder, local, workers=1):
        for job_id in [late, *backlog]:
            queue.finished(database, job_id)
    [(start, _)] = lives(database, "late")
    assert sum(begun < start for begun, _ in lives(database, "busy")) <= 3


def test_a_workspace_made_by_sql_is_served_like_any_other(program, database, folder, local):
    """It has no turn in the round until a worker misses it."""
    database.execute("INSERT INTO verbatim.workspace (workspace_id, source_id) VALUES ('sql', 'v')")
    job_id = queue.add_job(database, "small-v", "sql", source_workspace="v")
    with Crew(program, folder, local, workers=1):
        queue.finished(database, job_id)
    assert database.value("SELECT last_turn > 0 FROM verbatim.turn WHERE workspace_id = 'sql'")


def test_work_that_others_hold_is_not_asked_for_every_few_milliseconds(program, database, folder, local):
    """And whoever waits for it says so."""
    job_id = queue.add_job(database, "small-late", "late")
    with database.connect() as holder, holder.transaction():
        holder.execute("SELECT FROM verbatim.turn WHERE workspace_id = 'late' FOR UPDATE")
        with Crew(program, folder, local, workers=1) as crew:
            wait_until(lambda: "others have had their hands on it" in crew.log(), "a word about it", 60)
    with Crew(program, folder, local, workers=1):
        queue.finished(database, job_id)


def test_oldest_job_of_a_workspace_first(program, database, folder, local):
    jobs = [queue.add_job(database, "small-late", "late") for _ in range(6)]
    with Crew(program, folder, local, workers=1):
        for job_id in jobs:
            queue.finished(database, job_id)
    order = [str(row[0]) for row in database.execute(
        "SELECT job_id FROM verbatim.job WHERE job_id = ANY (%s) ORDER BY started_at", [jobs])]
    assert order == jobs


def test_small_export_does_not_wait_for_a_giant(program, database, folder, local):
    with Crew(program, folder, local, workers=1, page=40):
        giant = queue.add_job(database, "giant", "v")
        wait_until(lambda: database.value("SELECT count(*) FROM verbatim.segment WHERE job_id = %s"
                                                " AND status = 'running'", [giant]), "the giant to run")
        small = [queue.add_job(database, "small-v", "v") for _ in range(3)]
        for job_id in small:
            queue.finished(database, job_id)
        assert queue.job(database, giant).status == "started"
        queue.finished(database, giant)


def test_nobody_waits_for_a_turn_that_is_held(program, database, folder, local):
    """Another process is about to start a job of the workspace whose turn comes first."""
    first = queue.add_job(database, "small-w")
    database.execute("UPDATE verbatim.turn SET last_turn = CASE WHEN workspace_id = 'w' THEN 0"
                     " ELSE nextval('verbatim.turn_number') END")
    with Crew(program, folder, local, workers=1):
        with database.connect() as connection, connection.transaction():
            connection.execute("UPDATE verbatim.turn SET last_turn = last_turn WHERE workspace_id = 'w'")
            queue.finished(database, queue.add_job(database, "small-v", "v"))
            assert queue.job(database, first).status == "queued"
        queue.finished(database, first)


def rows_read(database):
    """Rows of jobs and segments that the server has read so far."""
    database.execute("SELECT pg_stat_force_next_flush()")
    return database.value("SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_all_tables"
                          " WHERE relid IN ('verbatim.job'::regclass, 'verbatim.segment'::regclass)")


@pytest.mark.parametrize("statistics", ["none", "before", "after"])
def test_backlog_costs_nothing(program, database, folder, local, statistics):
    """With 20,000 queued jobs of one workspace, a claim reads rows by the dozen: without statistics, with those of
    before the backlog, and with right ones."""
    queue.add_job(database, "small-late", "late")
    with database.connect() as connection:
        for table in ("job", "segment"):
            connection.execute(f"ALTER TABLE verbatim.{table} SET (autovacuum_enabled = false)")
        connection.execute("DELETE FROM pg_statistic WHERE starelid IN ('verbatim.job'::regclass,"
                           " 'verbatim.segment'::regclass)")
        if statistics == "before":
            connection.execute("ANALYZE verbatim.job, verbatim.segment")
        connection.execute("""
            WITH one AS (SELECT * FROM verbatim.job WHERE workspace_id = 'late' LIMIT 1),
            made AS (INSERT INTO verbatim.job (job_id, workspace_id, door, specification, source_workspace, channel_id,
                    start_date, end_date, range_from, range_to, time_zone, csv_profile, as_of, link_ttl)
                SELECT gen_random_uuid(), workspace_id, door, specification, source_workspace, channel_id, start_date,
                    end_date, range_from, range_to, time_zone, csv_profile, as_of, link_ttl
                FROM one, generate_series(1, 20000) RETURNING job_id, workspace_id)
            INSERT INTO verbatim.segment (job_id, part_first, part_last, workspace_id)
            SELECT job_id, 1, 10000, workspace_id FROM made""")
        if statistics == "after":
            connection.execute("ANALYZE verbatim.job, verbatim.segment")
    archives = local.folder / "conversation_exports/late"
    archives.mkdir(parents=True, exist_ok=True)
    there = len(list(archives.iterdir()))
    before = rows_read(database)
    with Crew(program, folder, local, workers=2, log_level="info") as crew:
        wait_until(lambda: len(list(archives.iterdir())) >= there + 100, "100 archives")
        finished = crew.stop()["finished"]
    assert (rows_read(database) - before) / finished < 500
    database.execute("DELETE FROM verbatim.job WHERE status IN ('queued', 'started')")
