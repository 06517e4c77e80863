"""verbatim export: an order from the command line, its progress, its link and its file, on file storage and S3."""

import io
import json
import re
import signal
import subprocess
import urllib.request
import zipfile

import pytest

from tests.end_to_end.conftest import S3_SERVERS, storage_in_store
from tests.lib import http_source as source
from tests.lib.patience import LIMIT
from tests.lib.process import wait_until
from tests.lib.service import Program, clean_environment
from tests.lib.terminal import on_terminal

DAYS = ["--from", "2026-02-01", "--to", "2026-02-28"]
ORDER = ["export", "--workspace", "one", "--channel", source.SMS, *DAYS]
JOB = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="module", params=["file", *S3_SERVERS[:1]])
def place(request, keys, local):
    """A storage, and programs that use it."""
    if request.param == "file":
        return local
    return storage_in_store(request.getfixturevalue(request.param), request)


@pytest.fixture(scope="module")
def service(place, make_service):
    return make_service(place, workers=2)


@pytest.fixture
def command(program, place, service):
    """The program with the storage and the address of the service."""
    return Program(program.path, None, program.options | place.options | {"base_url": service.url}, place.env)


@pytest.fixture
def idle(program, folder, database, keys):
    """The program where no worker takes anything."""
    database.execute("DELETE FROM verbatim.job")
    (folder / "idle").mkdir(exist_ok=True)
    return Program(program.path, None, program.options | {"storage": f"file://{folder}/idle"})


def refused(program, status, *line):
    done = program.run(*line, check=False)
    assert done.returncode == status and done.stdout == "", (done.returncode, done.stderr)
    return done.stderr


def test_an_order_prints_its_id(idle, database):
    done = idle.run(*ORDER)
    assert JOB.fullmatch(done.stdout.strip()) and done.stderr == ""
    job = done.stdout.strip()
    assert database.execute("SELECT door, requested_by, specification ->> 'format' FROM verbatim.job"
                            " WHERE job_id = %s", [job]) == [("native", "command line", "csv")]
    assert database.value("SELECT author FROM verbatim.audit WHERE job_id = %s", [job]) == "command line"
    told = json.loads(idle.run(*ORDER, "--format", "json", "--json").stdout)
    assert told["status"] == "queued" and told["format"] == "json" and told["job_id"] != job


def test_a_range_of_messages(idle, database):
    done = idle.run(*ORDER, "--activity")
    assert database.value("SELECT specification->'filter' FROM verbatim.job WHERE job_id = %s",
                          [done.stdout.strip()]) == {"from": "2026-02-01", "to": "2026-02-28", "activity": True}


def test_a_channel_by_its_number_and_instants(idle):
    line = ["export", "--workspace", "one", "--channel", source.LONELY_NUMBER, "--from", "2026-02-01T00:00:00Z", "--to",
            "2026-02-20T12:00:00+01:00", "--json"]
    told = json.loads(idle.run(*line).stdout)
    assert told["specification"]["select"] == {"phone_number": source.LONELY_NUMBER}


@pytest.mark.parametrize("change, status, words", [
    ({"--workspace": "nowhere"}, 1, "verbatim workspace list"),
    ({"--channel": "nothing"}, 1, "select.channel_id"),
    ({"--channel": source.FOREIGN}, 1, "select.channel_id"),
    ({"--from": "yesterday"}, 2, "filter.from"),
    ({"--from": "2999-01-01", "--to": "2999-01-02"}, 2, "from"),
    ({"--from": "2026-03-02", "--to": "2026-03-01"}, 2, "to"),
    ({"--format": "docx"}, 2, "format"),
    ({"--output": "/no/such/folder/file.zip"}, 1, "--output"),
    ({"--output": "/tmp"}, 2, "must be the name of a file"),
    ({"--output": ""}, 2, "must be the name of a file"),
])
def test_what_is_refused(idle, database, change, status, words):
    settings = {"--workspace": "one", "--channel": source.SMS, "--from": "2026-02-01", "--to": "2026-02-28"} | change
    assert words in refused(idle, status, "export", *[word for pair in settings.items() for word in pair])
    assert database.value("SELECT count(*) FROM verbatim.job") == 0


@pytest.mark.parametrize("missing", ["--workspace", "--channel", "--from", "--to"])
def test_what_is_required(idle, missing):
    line = [*ORDER]
    at = line.index(missing)
    assert f"{missing} is required" in refused(idle, 2, *line[:at], *line[at + 2:])


# --- waiting ---

def test_waiting_prints_the_link_alone(command):
    done = command.run(*ORDER, "--wait")
    link = done.stdout.strip()
    with urllib.request.urlopen(link, timeout=LIMIT) as answer:
        names = zipfile.ZipFile(io.BytesIO(answer.read())).namelist()
    assert names and all(name.endswith(".csv") for name in names)
    assert JOB.search(done.stderr) and "finished" in done.stderr and "\r" not in done.stderr


def test_the_file_is_what_a_download_gives(command, service, keys, folder, database):
    target = folder / "export.zip"
    target.write_text("what was there before")
    done = command.run(*ORDER, "--output", str(target))
    job = JOB.search(done.stderr)[0]
    assert done.stdout == "" and f"wrote {target}: {target.stat().st_size} bytes" in done.stderr
    link = json.loads(service.get(f"/api/v1/workspace/one/exports/{job}", keys["one"]).body)["download_url"]
    with urllib.request.urlopen(link, timeout=LIMIT) as answer:
        assert answer.read() == target.read_bytes()
    assert database.execute("SELECT e.kind, e.by_whom FROM verbatim.audit_event AS e JOIN verbatim.audit USING"
                            " (audit_id) WHERE job_id = %s AND e.kind = 'download'", [job])[0][1] == "command line"
    assert not list(folder.glob(".verbatim-*"))


def test_json_tells_the_job_as_it_ended(command, folder):
    done = command.run(*ORDER, "--format", "ndjson", "--output", str(folder / "export.ndjson"), "--json")
    told = json.loads(done.stdout)
    assert told["status"] == "finished" and told["size"] == (folder / "export.ndjson").stat().st_size
    lines = [json.loads(line) for line in (folder / "export.ndjson").read_text().splitlines()]
    assert len(lines) == told["conversations"] > 0


def test_a_terminal_shows_how_far_it_is(command, folder):
    status, text = on_terminal(command, *ORDER, "--output", str(folder / "seen.zip"))
    assert status == 0 and "\r\x1b[K" in text and "[########################] 100%" in text
    assert f"wrote {folder}/seen.zip" in text


def test_other_bytes_than_were_written_are_no_file(command, folder, database, place):
    """Somebody changes the file in the store between its end and the download."""
    if not place.folder:
        pytest.skip("a directory is changed more simply than a bucket, and the check is the same")
    target = folder / "spoilt.zip"
    database.execute("CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
                     " $$ BEGIN NEW.crc32 := 1; RETURN NEW; END $$")
    database.execute("CREATE TRIGGER spoil BEFORE UPDATE OF crc32 ON verbatim.job"
                     " FOR EACH ROW EXECUTE FUNCTION spoil()")
    try:
        message = refused(command, 1, *ORDER, "--output", str(target))
    finally:
        database.execute("DROP TRIGGER spoil ON verbatim.job")
    assert "is not the one that was written there" in message and not target.exists()
    assert not list(folder.glob(".verbatim-*"))


# --- ends of the wait ---

def start(program, *line):
    return subprocess.Popen([program.path, *line], env=clean_environment(program.options, program.env),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def waiting(database):
    return wait_until(lambda: database.execute("SELECT job_id::text FROM verbatim.job WHERE status = 'queued'"),
                      "the order")[0][0]


@pytest.mark.parametrize("end, words", [
    ("SELECT set_config('verbatim.workspace_id', 'one', true), verbatim.job_cancel('one', %s::uuid, NULL, 'me')",
     "was cancelled"),
    ("UPDATE verbatim.job SET status = 'failed', finished_at = now(), error_message = 'the disk is full'"
     " WHERE job_id = %s", "failed: the disk is full"),
    ("DELETE FROM verbatim.job WHERE job_id = %s", "was deleted"),
])
def test_another_end_than_a_file_is_status_1(idle, database, folder, end, words):
    process = start(idle, *ORDER, "--output", str(folder / "never.zip"))
    job = waiting(database)
    database.execute(end, [job])
    output, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 1 and output == "" and job in errors and words in errors
    assert not (folder / "never.zip").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_the_job_to_the_workers(idle, database, folder, number):
    process = start(idle, *ORDER, "--output", str(folder / "never.zip"))
    job = waiting(database)
    told = wait_until(lambda: process.stderr.readline(), "its first line")
    assert job in told
    process.send_signal(number)
    output, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 1 and output == "" and f"verbatim jobs show {job}" in errors
    assert database.value("SELECT status FROM verbatim.job WHERE job_id = %s", [job]) == "queued"


def test_without_a_worker_that_is_told(idle, database):
    process = start(idle, *ORDER, "--wait")
    job = waiting(database)
    lines = [process.stderr.readline(), process.stderr.readline()]
    process.terminate()
    process.communicate(timeout=LIMIT)
    assert job in lines[0] and "no worker" in lines[1]
