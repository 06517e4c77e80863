"""Every edge of a job's life that anybody takes is in the one table of them, service/rules/job_status.c.

Edges are taken by workers, by functions of the schema and by pruning. They are looked for in two ways: a trigger notes
those that are taken while all of them run, and the statements that could take one are searched for in the program and
in the schema, so that a new one does not stay unseen.
"""

import pathlib
import re

import pytest

from tests.end_to_end.conftest import file_storage
from tests.lib import queue
from tests.lib.parts import running_part
from tests.lib.process import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATUSES = ("queued", "started", "finished", "failed", "cancelled")
ENDED = STATUSES[2:]

RECORDER = """
CREATE TABLE public.edge (job_id uuid, before text, after text);
CREATE FUNCTION public.note_edge() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO public.edge VALUES (OLD.job_id, OLD.status, CASE WHEN TG_OP = 'DELETE' THEN 'gone' ELSE NEW.status END);
    RETURN NULL;
END $$;
CREATE TRIGGER edge_changed AFTER UPDATE ON verbatim.job FOR EACH ROW WHEN (OLD.status <> NEW.status)
    EXECUTE FUNCTION public.note_edge();
CREATE TRIGGER edge_deleted AFTER DELETE ON verbatim.job FOR EACH ROW EXECUTE FUNCTION public.note_edge();
"""

# A statement up to its WHERE, and a status among what it sets.
WRITES_STATUS = re.compile(rb"UPDATE verbatim\.job\b(?:(?!WHERE|\0).)*?SET(?:(?!WHERE|\0).)*?\bstatus =", re.S)
DELETES_JOB = re.compile(rb"DELETE FROM verbatim\.job\b")


@pytest.fixture(scope="module")
def table():
    text = (ROOT / "service/rules/job_status.c").read_text()
    edges = {(a.lower(), b.lower()) for a, b in re.findall(r"\{VB_JOB_(\w+), VB_JOB_(\w+)\}", text)}
    assert ("queued", "started") in edges
    return edges


@pytest.fixture(scope="module")
def house(program, database, folder):
    """The storage; edges are noted in the database."""
    queue.prepare(program, database)
    queue.fill(database, "small", 3)
    database.execute(RECORDER)
    return file_storage(folder)


@pytest.fixture
def taken(house, database):
    """The edges that were taken since the test began, other than by the test."""
    database.execute("DELETE FROM verbatim.job")
    database.execute("DELETE FROM public.edge")
    return lambda: set(database.execute("SELECT before, after FROM public.edge"))


def put_job(database, status, **columns):
    """A job in that status, by no edge; no worker would start it."""
    with database.connect() as connection, connection.transaction():
        if status in ENDED:
            columns["finished_at"] = "2020-02-01T00:00:00Z"
        job_id = queue.add_job(database, "small", connection=connection, status=status, **columns)
        connection.execute("UPDATE verbatim.segment SET not_before = 'infinity' WHERE job_id = %s", [job_id])
    return job_id


def call(database, function, job_id):
    with database.connect() as connection, connection.transaction():
        connection.execute("SELECT set_config('verbatim.workspace_id', 'w', true)")
        return connection.execute(f"SELECT verbatim.{function}('w', %s, NULL, 'ann')", [job_id]).fetchone()[0]


# --- taken ---

def test_cancelling_takes_the_edges_that_there_are(database, table, taken):
    for status in STATUSES:
        job_id = put_job(database, status)
        allowed = (status, "cancelled") in table
        assert call(database, "job_cancel", job_id) == ("cancelled" if allowed else status)
        assert queue.job(database, job_id).status == ("cancelled" if allowed else status)
    assert taken() == {edge for edge in table if edge[1] == "cancelled"}


def test_deleting_ends_what_runs_and_then_lets_it_go(database, table, taken):
    for status in STATUSES:
        assert call(database, "job_delete", put_job(database, status)) is True
    assert database.value("SELECT count(*) FROM verbatim.job") == 0
    assert taken() == {edge for edge in table if edge[1] in ("cancelled", "gone")}


def test_pruning_takes_what_has_ended(program, house, database, table, taken):
    for status in STATUSES:
        put_job(database, status, created_at="2020-01-01T00:00:00Z", retention="7 days")
    program.run("prune", options=house.options)
    assert taken() == {edge for edge in table if edge[1] == "gone"}
    assert {row[0] for row in database.execute("SELECT status FROM verbatim.job")} == {"queued", "started"}


def test_janitors_take_what_ended_long_ago(program, house, database, folder, table, taken):
    for status in STATUSES:
        put_job(database, status)
    with running_part(program, "janitor", folder, house, janitor_interval="1s"):
        wait_until(lambda: database.value("SELECT count(*) FROM verbatim.job") == 2, "the old rows to go")
    assert taken() == {edge for edge in table if edge[1] == "gone"}


def test_workers_take_the_rest(program, house, database, folder, table, taken):
    good = queue.add_job(database, "small")
    bad = queue.add_job(database, "small", specification='{"select": {"all": true}, "format": "unheard-of"}')
    with queue.Crew(program, folder, house, workers=1):
        queue.finished(database, good)
        assert queue.wait_end(database, bad).status == "failed"
    assert taken() == {edge for edge in table if edge[1] not in ("cancelled", "gone")}


# --- could be taken ---

def functions(database, pattern):
    sources = database.execute("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'verbatim'::regnamespace")
    return {name for name, source in sources if pattern.search(source.encode())}


def test_one_function_of_the_schema_writes_a_status_and_one_deletes(house, database):
    assert functions(database, WRITES_STATUS) == {"job_cancel"}
    assert functions(database, DELETES_JOB) == {"job_delete"}


def test_few_statements_of_the_program_write_a_status_and_two_delete(program):
    """Of those that it sends; migrations, which it carries as well, were searched as they are installed. A claim and a
    finish (with parts, recorded before, or in one piece) write the row once, with their edge in it; all other edges are
    taken by one statement."""
    sent = [text for text in re.findall(rb"[\t\n\x20-\x7e]{20,}", pathlib.Path(program.path).read_bytes())
            if not text.startswith(b"--")]
    writes = [text for text in sent if WRITES_STATUS.search(text)]
    edges = sorted(re.search(rb"UPDATE verbatim\.job\b.*?\bstatus = ('\w+'|\$\d)", text)[1] for text in writes)
    assert edges == [b"$3", b"'finished'", b"'finished'", b"'finished'", b"'started'"]
    prunes, cleans = sorted((text for text in sent if DELETES_JOB.search(text)), reverse=True)
    assert prunes.startswith(b"WITH due AS (SELECT job_id")
    assert cleans.startswith(b"DELETE FROM verbatim.job WHERE job_id IN (SELECT")
