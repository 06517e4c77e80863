"""verbatim jobs, workspace and status: what an operator sees and does from the command line, on rows of HTTP's doors.

Jobs are ordered by HTTP and looked at, cancelled and made anew by commands; one service without workers for all.
"""

import json
import subprocess
import uuid

import pytest

from tests.lib import http_source as source
from tests.lib import native_source as people
from tests.lib.parts import add_job
from tests.lib.process import wait_until
from tests.lib.service import Program
from tests.lib.terminal import on_terminal

EXPORTS = "/api/v1/workspace/one/exports"
MAIN = {"select": {"channel_id": source.LONELY}, "filter": {"from": "2026-02-01", "to": "2026-02-28"}}


@pytest.fixture(scope="module")
def keys(keys, database):
    source.somebody_sends_mails(database)
    return keys


@pytest.fixture(autouse=True)
def no_jobs(keys, database):
    database.execute("DELETE FROM verbatim.job")


def order(service, key, body=MAIN, path=EXPORTS):
    answer = service.request("POST", path, key, json_body=body)
    assert answer.status in (200, 201, 202), answer.body
    told = answer.json()
    return told.get("export_id") or told.get("export_job_id") or told.get("id")


def listed(program, *arguments):
    return json.loads(program.run("jobs", "list", "--json", *arguments).stdout)


def shown(program, job):
    return json.loads(program.run("jobs", "show", job, "--json").stdout)


def refused(program, status, *arguments, **settings):
    done = program.run(*arguments, check=False, **settings)
    assert done.returncode == status and done.stdout == "", (done.returncode, done.stdout, done.stderr)
    return done.stderr


# --- jobs list, show ---

def test_jobs_of_all_workspaces_the_newest_first(service, keys, program):
    first = order(service, keys["one"])
    second = order(service, keys["one"], MAIN | {"format": "json"})
    other = order(service, keys["two"], {"select": {"channel_id": source.FOREIGN}}, "/api/v1/workspace/two/exports")
    assert [job["job_id"] for job in listed(program)] == [other, second, first]
    assert [job["job_id"] for job in listed(program, "--workspace", "one")] == [second, first]
    assert [job["job_id"] for job in listed(program, "--limit", "1")] == [other]
    newest = listed(program, "--workspace", "one")[0]
    assert newest["status"] == "queued" and newest["format"] == "json" and newest["door"] == "native"
    assert newest["created_at"].endswith("Z") and newest["finished_at"] is None


def test_jobs_are_filtered_by_status(service, keys, program):
    kept, ended = order(service, keys["one"]), order(service, keys["one"])
    program.run("jobs", "cancel", ended)
    assert [job["job_id"] for job in listed(program, "--status", "cancelled")] == [ended]
    assert [job["job_id"] for job in listed(program, "--status", "queued", "--status", "started")] == [kept]
    assert listed(program, "--status", "finished") == []
    assert "queued, started" in refused(program, 2, "jobs", "list", "--status", "done")
    assert "1 to" in refused(program, 2, "jobs", "list", "--limit", "0")
    assert "verbatim workspace list" in refused(program, 1, "jobs", "list", "--workspace", "nowhere")


def test_one_job_with_all_that_is_known(service, keys, program, database):
    job = order(service, keys["one"], MAIN | {"notification_email": "ann@example.com"})
    database.execute("UPDATE verbatim.segment SET last_error = 'the source is away' WHERE job_id = %s", [job])
    told = shown(program, job.upper())
    assert told["job_id"] == job and told["workspace_id"] == "one" and told["mail"] == "waiting"
    assert told["specification"]["select"] == {"channel_id": source.LONELY}
    assert told["segments"] == {"recorded": 0, "running": 0, "waiting": 1}
    assert told["last_error"] == "the source is away" and told["crc32"] is None
    lines = dict(line.split("\t", 1) for line in program.run("jobs", "show", job).stdout.splitlines())
    assert lines["job"] == job and lines["mail to"] == "ann@example.com" and lines["ended"] == "-"


def test_an_id_that_is_none(program):
    assert "must be a UUID" in refused(program, 2, "jobs", "show", "17")
    for command in ("show", "cancel", "retry"):
        assert "there is no job" in refused(program, 1, "jobs", command, str(uuid.uuid4()))


# --- on a terminal ---

def test_a_terminal_gets_a_table_with_colours_and_its_width(service, keys, program):
    job = order(service, keys["one"])
    program.run("jobs", "cancel", job)
    status, text = on_terminal(program, "jobs", "list")
    lines = text.splitlines()
    assert status == 0 and "\x1b[1mjob" in lines[0] and "\x1b[2mcancelled\x1b[0m" in lines[1]
    assert f"{job}  one" in lines[1] and "Z  " in lines[1]
    plain = on_terminal(program, "jobs", "list", env={"NO_COLOR": "1"})[1]
    assert "\x1b" not in plain and plain.splitlines()[0].startswith("job      ")
    wide, narrow = (on_terminal(program, "jobs", "list", columns=width, env={"NO_COLOR": "1"})[1].splitlines()
                    for width in (400, 150))
    assert max(map(len, narrow)) <= max(map(len, wide))
    assert "\x1b" not in program.run("jobs", "list").stdout


# --- cancel ---

def test_a_cancel_is_the_doors_with_its_entry_in_the_audit(service, keys, program, database):
    job = order(service, keys["one"])
    assert program.run("jobs", "cancel", job).stdout == f"cancelled {job}\n"
    assert service.get(f"{EXPORTS}/{job}", keys["one"]).json()["status"] == "cancelled"
    assert database.execute("SELECT e.kind, e.by_whom FROM verbatim.audit_event AS e"
                            " JOIN verbatim.audit USING (audit_id)"
                            " WHERE job_id = %s", [job]) == [("cancelled", "command line")]
    assert program.run("jobs", "cancel", job).stdout == f"cancelled {job}\n", "again is no error"


@pytest.mark.parametrize("ended", ["finished", "failed"])
def test_what_has_ended_otherwise_is_not_cancelled(program, database, ended):
    job = str(uuid.uuid4())
    add_job(database, job_id=job, status=ended)
    assert f"has {ended} already" in refused(program, 1, "jobs", "cancel", job)


# --- retry ---

WISHES = [
    (EXPORTS, MAIN, "native"),
    (EXPORTS, {"select": {"conversation_ids": [people.VIP]}, "format": "json", "link_ttl": "2h",
               "include": ["messages", "notes"]}, "native"),
    (EXPORTS, {"select": {"assistant_id": people.ASSISTANT}, "filter": {"tags": ["vip"]},
               "notification_email": "ann@example.com"}, "native"),
    ("/app/conversation-exports", {"format": "csv", "from": "2026-02-01", "to": "2026-02-28"}, "app"),
    ("/api/v1/workspace/one/export-conversations",
     {"channel_id": source.SMS, "start_date": "2026-02-01", "end_date": "2026-02-28"}, "main"),
]
SAME = """
SELECT to_jsonb(j) - '{job_id, created_at, as_of, source_snapshot, range_to, requested_by, requested_key, status,
    finished_at, counts, idempotency_key, request_hash}'::text[] FROM verbatim.job AS j WHERE job_id = %s
"""


@pytest.mark.parametrize("path, body, door", WISHES)
@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_a_retry_is_the_same_job_anew(service, keys, program, database, path, body, door, how):
    job = order(service, keys["one"], body, path)
    if how == "cancelled":
        program.run("jobs", "cancel", job)
    else:
        database.execute("UPDATE verbatim.job SET status = 'failed', finished_at = now(), error_message = 'no'"
                         " WHERE job_id = %s", [job])
    again = program.run("jobs", "retry", job).stdout.strip()
    assert again != job and shown(program, again)["status"] == "queued" and shown(program, again)["door"] == door
    first, second = (database.value(SAME, [each]) for each in (job, again))
    assert second == {**first, "error_message": None}
    assert database.execute("SELECT door, author FROM verbatim.audit WHERE job_id = %s", [again]) == [
        (door, "command line")]
    assert shown(program, again)["requested_by"] == "command line"


def test_a_retry_sees_no_more_than_the_job_did(service, keys, program, database):
    job = order(service, keys["press"], {"select": {"all": True}})
    program.run("jobs", "cancel", job)
    again = program.run("jobs", "retry", job).stdout.strip()
    assert database.execute("SELECT audience, specification -> 'audience' FROM verbatim.job WHERE job_id = %s",
                            [again]) == [(["press"], ["press"])]
    assert service.get(f"{EXPORTS}/{again}", keys["press"]).status == 200
    assert service.get(f"{EXPORTS}/{again}", keys["vip"]).status == 404


def test_a_retry_is_under_the_doors_rules(service, keys, program, database):
    main = {"channel_id": source.SMS, "start_date": "2026-02-01", "end_date": "2026-02-28"}
    path = "/api/v1/workspace/one/export-conversations"
    job = order(service, keys["one"], main, path)
    assert "only one that failed or was cancelled" in refused(program, 1, "jobs", "retry", job)
    program.run("jobs", "cancel", job)
    running = order(service, keys["one"], main, path)
    assert running in refused(program, 1, "jobs", "retry", job), "one for a channel and range at a time"
    gone = order(service, keys["one"], {"select": {"contact_id": people.NAMELESS}})
    program.run("jobs", "cancel", gone)
    database.execute("UPDATE chat.contact SET workspace_id = 'two' WHERE id = %s", [people.NAMELESS])
    assert "select.contact_id" in refused(program, 1, "jobs", "retry", gone)
    database.execute("UPDATE chat.contact SET workspace_id = 'platform-one' WHERE id = %s", [people.NAMELESS])


def test_a_mail_that_nobody_would_send_is_not_promised(service, keys, program, database):
    job = order(service, keys["one"], MAIN | {"notification_email": "ann@example.com"})
    program.run("jobs", "cancel", job)
    database.execute("UPDATE verbatim.mailer SET seen_at = now() - interval '3 days'")
    try:
        assert "smtp_url" in refused(program, 1, "jobs", "retry", job)
    finally:
        database.execute("UPDATE verbatim.mailer SET seen_at = now()")


# --- workspaces ---

def test_workspaces_are_listed_and_shown(service, keys, program):
    order(service, keys["one"])
    all_of_them = json.loads(program.run("workspace", "list", "--json").stdout)
    one = next(each for each in all_of_them if each["workspace_id"] == "one")
    assert one["source_id"] == "platform-one" and one["exports"] == one["active"] == 1 and one["keys"] > 1
    program.workspace("one", retention="14d", brand_name="Acme")
    told = json.loads(program.run("workspace", "show", "one", "--json").stdout)
    assert told["retention_seconds"] == 14 * 86400 and told["link_ttl_seconds"] is None
    assert told["exports"] == {"queued": 1} and told["brand_name"] == "Acme"
    assert "verbatim workspace set creates one" in refused(program, 1, "workspace", "show", "nowhere")


def rows_of(database, workspace):
    """Tables that still name the workspace."""
    tables = [name for name, in database.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'verbatim'"
        " AND column_name = 'workspace_id' AND table_name IN"
        " (SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'verbatim'::regnamespace)")]
    return {name for name in tables
            if database.value(f"SELECT count(*) FROM verbatim.{name} WHERE workspace_id = %s", [workspace])}


def make_doomed(program, database, service):
    """A workspace with everything that one can have."""
    program.workspace("doomed", source_id="platform-one", brand_name="Doom")
    key = program.key("doomed")
    path = "/api/v1/workspace/doomed/exports"
    waiting = order(service, key, MAIN | {"notification_email": "ann@example.com"}, path)
    finished = str(uuid.uuid4())
    add_job(database, workspace_id="doomed", job_id=finished, status="finished", upload_id="", storage="file:x",
            object_key="conversation_exports/doomed/x/a.zip")
    database.execute("INSERT INTO verbatim.outbox (workspace_id, job_id, kind, recipient)"
                     " VALUES ('doomed', %s, 'mail', 'ann@example.com')", [finished])
    database.execute("INSERT INTO verbatim.console_session (session_id, workspace_id, key_id, token_hash, expires_at)"
                     " VALUES (gen_random_uuid(), 'doomed', %s, sha256('x'), now() + interval '1 hour')",
                     [key.split("_")[1]])
    return key, waiting, finished


def test_a_workspace_goes_with_everything_but_the_audit(service, keys, program, database):
    key, waiting, finished = make_doomed(program, database, service)
    assert "add --yes" in refused(program, 2, "workspace", "delete", "doomed", stdin=subprocess.DEVNULL)
    everywhere = {"job", "segment", "outbox", "api_key", "console_session", "brand", "turn", "audit"}
    assert everywhere <= rows_of(database, "doomed")
    told = program.run("workspace", "delete", "doomed", "--yes").stdout
    assert "2 exports and 1 keys" in told
    assert rows_of(database, "doomed") <= {"audit", "audit_event", "cleanup", "job_change"}
    assert database.value("SELECT object_key FROM verbatim.cleanup WHERE job_id = %s", [finished]).endswith("a.zip")
    kinds = database.execute("SELECT e.kind, e.by_whom FROM verbatim.audit_event AS e JOIN verbatim.audit USING"
                             " (audit_id) WHERE job_id = %s ORDER BY 1", [waiting])
    assert kinds == [("cancelled", "command line"), ("deleted", "command line")]
    assert service.get("/api/v1/workspace/doomed/exports", key).status == 401
    assert rows_of(database, "one") >= {"api_key", "turn"}, "others stay"
    assert "there is no workspace" in refused(program, 1, "workspace", "delete", "doomed", "--yes")


def test_at_a_terminal_the_id_is_asked_for_again(service, program):
    program.workspace("asked")
    status, text = on_terminal(program, "workspace", "delete", "asked", types="wrong\n")
    assert status == 2 and "Type its id again" in text and "nothing was deleted" in text
    status, text = on_terminal(program, "workspace", "delete", "asked", types="asked\n")
    assert status == 0 and "deleted workspace asked" in text


# --- status ---

def test_status_tells_processes_queue_and_storage(service, keys, program, make_service, folder):
    order(service, keys["one"])
    (folder / "storage").mkdir(exist_ok=True)
    program = Program(program.path, None, program.options | {"storage": f"file://{folder}/storage"})
    told = json.loads(program.run("status", "--json").stdout)
    assert told["jobs_queued"] == told["segments_waiting"] == 1 and told["oldest_waiting_seconds"] >= 0
    assert told["schema_version"] == told["schema_needed"] > 10 and told["storage_answers"] is True
    assert told["mails_given_up"] == 0 and told["clean_ups_overdue"] == 0
    worker = make_service(command="worker", workers=2)
    wait_until(lambda: "started: no API" in worker.log(), "the worker runs")

    def workers():
        told = json.loads(program.run("status", "--json").stdout)
        return [each for each in told["processes"] if each["workers"] == 2]
    process = wait_until(workers, "the worker in the status")[0]
    assert process["state"] == "live" and process["storage"].startswith("file:")
    text = program.run("status").stdout
    assert process["process_id"] in text and "jobs queued\t" in text
    worker.stop()


def test_status_of_a_database_without_schema(postgres, verbatim):
    bare = Program(verbatim, postgres.create_database("status_bare").url, {"storage": "file:///nowhere/at/all"})
    told = json.loads(bare.run("status", "--json").stdout)
    assert told["schema_version"] is None and told["storage_answers"] is False and told["processes"] == []
    assert "/nowhere/at/all" in told["storage_error"]
