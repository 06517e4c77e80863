"""The job queue without its HTTP door: a source filled by SQL, jobs inserted as the door inserts them, workers."""

import json
import pathlib
import time
import uuid
from dataclasses import dataclass

from .patience import LIMIT
from .process import SANITIZED, Process, wait_until
from .service import SANITIZER_REPORT, clean_environment

# A cancel is promised to be through within so many seconds of its answer: the work stopped, nothing left in the store.
CANCEL_SECONDS = 10 if SANITIZED else 2
CANCEL_LIMIT = 60  # what one cancel may take on a machine that is busy with other tests

SOURCE = """
CREATE SCHEMA chat;
CREATE TABLE chat.channel (id text PRIMARY KEY, workspace_id text NOT NULL, name text NOT NULL,
    channel_type text NOT NULL, phone_number text);
CREATE TABLE chat.contact (id bigint PRIMARY KEY, workspace_id text, name text, phone text, email text);
CREATE TABLE chat.assistant (id bigint PRIMARY KEY, workspace_id text NOT NULL, name text NOT NULL);
CREATE TABLE chat.conversation (id bigint PRIMARY KEY, workspace_id text NOT NULL, channel_id text NOT NULL,
    created_at timestamptz NOT NULL, contact_id bigint, assistant_id bigint);
CREATE TABLE chat.message (id bigint PRIMARY KEY, conversation_id bigint NOT NULL, created_at timestamptz NOT NULL,
    direction text NOT NULL, speaker_type text NOT NULL, speaker_name text, text text, media_urls text[],
    status text, sender_account text);
CREATE INDEX ON chat.conversation (channel_id, created_at, id);
CREATE INDEX ON chat.message (conversation_id, created_at, id);
CREATE SEQUENCE chat.next_id;
INSERT INTO chat.contact SELECT n, 'w', 'Contact ' || n % 7 FROM generate_series(1, 50) AS n;
INSERT INTO chat.assistant VALUES (1, 'w', 'Ada');
"""

# Conversations follow each other by `step`; every message differs, and only `random` ones are hard to compress.
CHANNEL = """
WITH channel AS (INSERT INTO chat.channel VALUES (%(channel)s, %(workspace)s, 'Line ' || %(channel)s,
    'SMS', '+12025550123')),
born AS MATERIALIZED (SELECT nextval('chat.next_id') AS id, n FROM generate_series(1, %(conversations)s) AS n),
made AS (INSERT INTO chat.conversation SELECT id, %(workspace)s, %(channel)s,
    '2026-04-01 10:00:00+00'::timestamptz + (n - 1) * %(step)s::interval, n %% 50 + 1, 1 FROM born RETURNING id)
INSERT INTO chat.message (id, conversation_id, created_at, direction, speaker_type, text)
SELECT nextval('chat.next_id'), born.id, '2026-04-02'::timestamptz + m * interval '1 second', 'inbound', 'customer',
    'Message ' || m || ' of ' || n || CASE WHEN %(noise)s > 0 THEN
        (SELECT string_agg(md5(n || '/' || m || '/' || k), '') FROM generate_series(1, %(noise)s) AS k) ELSE '' END
FROM born, generate_series(1, %(messages)s) AS m
"""


def prepare(program, database, **workspaces):
    """Schema, source, and workspaces: prepare(program, database, w={}, v={"max_running": 1})."""
    program.migrate()
    database.execute(SOURCE)
    for name, options in (workspaces or {"w": {}}).items():
        program.workspace(name, **options)


def fill(database, channel, conversations, messages=10, step="61 seconds", noise=0, workspace="w"):
    """A channel with so many conversations; noise: blocks of 32 hexadecimal digits in each message."""
    with database.connect() as connection:
        connection.execute(CHANNEL, {"channel": channel, "conversations": conversations, "messages": messages,
                                     "step": step, "noise": noise, "workspace": workspace})
        connection.execute("ANALYZE chat.conversation")
        connection.execute("ANALYZE chat.message")
    return channel


def add_job(database, channel, workspace="w", email=None, connection=None, **columns):
    """Inserts a job as the HTTP door does, and returns its id."""
    facts = {
        "job_id": str(uuid.uuid4()), "workspace_id": workspace, "door": "test",
        "specification": json.dumps({"select": {"channel_id": channel}}), "notification_email": email,
        "source_workspace": workspace, "channel_id": channel, "channel_name": f"Line {channel}",
        "channel_type": "SMS", "channel_phone": "+12025550123", "start_date": "2026-04-01", "end_date": "2027-04-30",
        "range_from": "2026-04-01T00:00:00Z", "range_to": "2027-05-01T00:00:00Z", "time_zone": "UTC",
        "csv_profile": "safe", "as_of": "2027-06-01T00:00:00Z", "link_ttl": "24 hours",
    } | columns
    names = ", ".join(facts)
    values = ", ".join(f"%({name})s" for name in facts)
    sql = f"""
        WITH made AS (INSERT INTO verbatim.job ({names}) VALUES ({values}) RETURNING job_id, workspace_id),
        cut AS (INSERT INTO verbatim.segment (job_id, part_first, part_last, workspace_id)
            SELECT job_id, 1, 10000, workspace_id FROM made)
        SELECT pg_notify('verbatim_work', '')"""
    if connection:
        connection.execute(sql, facts)
    else:
        database.execute(sql, facts)
    return facts["job_id"]


@dataclass(frozen=True)
class Job:
    status: str
    error: str
    key: str
    conversations: int
    messages: int
    size: int


def job(database, job_id):
    return Job(*database.execute("SELECT status, error_message, object_key, conversations, messages, size"
                                 " FROM verbatim.job WHERE job_id = %s", [job_id])[0])


def wait_end(database, job_id, seconds=60):
    def ended():
        found = job(database, job_id)
        return found if found.status in ("finished", "failed", "cancelled") else None
    return wait_until(ended, f"the end of job {job_id}", seconds)


def finished(database, job_id, seconds=60):
    found = wait_end(database, job_id, seconds)
    assert found.status == "finished", found
    return found


def segments(database, job_id):
    """(part_first, part_last, status, attempts, lost_leases) of each segment in order."""
    return database.execute("SELECT part_first, part_last, status, attempts, lost_leases FROM verbatim.segment"
                            " WHERE job_id = %s ORDER BY part_first", [job_id])


def reopen(database, job_id, which, due="0 seconds"):
    """Segments that were done wait to be done again; nobody may be at work on the job."""
    database.execute("UPDATE verbatim.segment SET status = 'waiting', parts = NULL, size = NULL, process_id = NULL,"
                     " lease_until = NULL, not_before = clock_timestamp() + %s::interval"
                     f" WHERE job_id = %s AND {which}", [due, job_id])
    database.execute("UPDATE verbatim.job SET open_segments = (SELECT count(*) FROM verbatim.segment AS s"
                     " WHERE s.job_id = job.job_id AND s.status <> 'recorded') WHERE job_id = %s", [job_id])


def lend_first_segment(database, job_id):
    """Makes the first segment a stranger's who never ends; false when it is recorded already."""
    return database.execute("UPDATE verbatim.segment SET process_id = gen_random_uuid(), status = 'running',"
                            " lease_until = now() + interval '1 hour', claim_epoch = nextval('verbatim.claim_epoch')"
                            " WHERE job_id = %s AND part_first = 1 AND status <> 'recorded' RETURNING part_first",
                            [job_id])


def begin_lent(database, begin):
    """A job of begin() whose first segment is a stranger's. One that was quicker goes on, and another is begun."""
    for _ in range(20):
        job_id = begin()
        wait_until(lambda: len(segments(database, job_id)) >= 2, "a split", pause=0.005)
        if lend_first_segment(database, job_id):
            return job_id
    raise AssertionError("each first segment was recorded before it could be lent")


def waits_for_others(database, job_id):
    """All is recorded but that first segment, and the last one, whose owner has nothing else to do."""
    return database.value("SELECT count(*) FILTER (WHERE status = 'recorded') = count(*) - 2 FROM verbatim.segment"
                          " WHERE job_id = %s", [job_id])


def archive(storage, found):
    """The archive's bytes."""
    if storage.folder:
        return (pathlib.Path(storage.folder) / found.key).read_bytes()
    return storage.store.client().get_object(Bucket=storage.bucket, Key=found.key)["Body"].read()


class Crew:
    """A process with worker threads only, cut as told: `with Crew(program, folder, storage, cuts=5, workers=2)`.

    Arguments that are members of the tuning go to queue_tool; all others are options."""

    TUNING = ("page", "giant", "absorb", "unit", "units", "numbers", "cuts", "chunk")

    def __init__(self, program, folder, storage, **options):
        tool = pathlib.Path(program.path).parent / "tests/tools/queue_tool"
        tuning = [f"{name}={options.pop(name)}" for name in self.TUNING if name in options]
        self.log_path = folder / f"crew-{time.monotonic_ns()}.log"
        options = {"log_level": "debug", "workers": 2} | storage.options | options
        env = clean_environment(program.options | options, program.env | storage.env)
        self.process = Process([str(tool), *tuning], self.log_path, env=env)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if not self.process:
            return
        if kind:
            self.process.kill()
            print(self.log()[-6000:])  # pytest shows it with the failure
        else:
            self.stop()

    def stop(self):
        """SIGTERM; returns the counters."""
        process, self.process = self.process, None
        status = process.stop(LIMIT)
        log = self.log()
        assert not SANITIZER_REPORT.search(log), log[-8000:]
        assert status == 0, f"queue_tool ended with {status}:\n{log[-4000:]}"
        counts = [line for line in log.splitlines() if line.startswith("fenced=")][-1]
        return {name: int(value) for name, value in (pair.split("=") for pair in counts.split())}

    def kill(self):
        process, self.process = self.process, None
        process.kill()

    def signal(self, number):
        self.process.signal(number)

    def log(self):
        return self.log_path.read_text(errors="replace")
