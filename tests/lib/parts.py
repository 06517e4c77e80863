"""Jobs written straight into the database, and the background parts of the service run one by one (parts_tool)."""

import contextlib
import os
import pathlib
import uuid

from .patience import LIMIT
from .process import Process, wait_until
from .service import SANITIZER_REPORT, clean_environment

WORKSPACE = "w"


def add_workspace(database, time_zone="UTC"):
    database.execute("INSERT INTO verbatim.workspace (workspace_id, source_id, time_zone) VALUES (%s, %s, %s) "
                     "ON CONFLICT DO NOTHING", (WORKSPACE, WORKSPACE, time_zone))


def add_job(database, status="finished", ended="1 minute", link_ttl="24 hours", **columns):
    """An ended (or running) job of the workspace, ended that long ago; returns its id."""
    add_workspace(database)
    row = {"job_id": str(uuid.uuid4()), "workspace_id": WORKSPACE, "door": "main", "specification": "{}",
           "status": status, "source_workspace": WORKSPACE, "channel_id": "c1", "channel_name": "SMS Support",
           "channel_phone": "+12025550123", "start_date": "2026-06-01", "end_date": "2026-06-10",
           "range_from": "2026-06-01T00:00:00Z", "range_to": "2026-06-11T00:00:00Z", "time_zone": "Europe/Paris",
           "csv_profile": "safe", "as_of": "2026-06-11T00:00:00Z", "link_ttl": link_ttl, "conversations": 12,
           "messages": 345, "size": 1234567} | columns
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    values = list(row.values())
    if status in ("finished", "failed", "cancelled"):
        names += ", finished_at, link_expires_at"
        marks += ", now() - %s::interval, now() - %s::interval + %s::interval"
        values += [ended, ended, link_ttl]
    database.execute(f"INSERT INTO verbatim.job ({names}) VALUES ({marks})", values)
    return row["job_id"]


@contextlib.contextmanager
def running_part(program, part, folder, storage, env=None, **options):
    """parts_tool PART beside the program's database; ends by SIGTERM, cleanly, or the test fails."""
    tool = pathlib.Path(program.path).parent / "tests" / "tools" / "parts_tool"
    environment = clean_environment(program.options | storage.options | options, storage.env | (env or {}))
    log = folder / f"{part}-{uuid.uuid4()}.log"
    process = Process([str(tool), part], log, env=environment)
    try:
        yield process
    finally:
        if process.running:
            # It has blocked the signal before it begins threads; one that came earlier would just end it.
            tasks = f"/proc/{process.pid}/task"
            wait_until(lambda: not process.running or len(os.listdir(tasks)) > 1, f"{part} to begin")
            status = process.stop(LIMIT)
            text = log.read_text(errors="replace")
            assert not SANITIZER_REPORT.search(text), text[-8000:]
            assert status == 0, text[-4000:]
