"""Each S3 server that installs by name (`./run test real stores`): what exports do there, and what is peculiar to it.

Prints the table of docs/s3-servers.md and compares it with that. What every server has to do is asserted for each:
small archives, large ones in parts with gaps or begun anew as the store wants them, links, deletion without a rest."""

import io
import pathlib
import re
import time
import urllib.request
import zipfile

import botocore.exceptions
import pytest

from tests.end_to_end.conftest import Storage
from tests.end_to_end.test_storage import HOUR, MIB, Tool, body, storage_tool  # noqa: F401 (a fixture)
from tests.end_to_end.test_strict_stores import (
    LEAST,
    add_stray,
    begin_with_a_small_front,
    recorded_numbers,
    take_back,
)
from tests.lib import more_stores, queue
from tests.lib.doctor import doctor
from tests.lib.process import wait_until
from tests.lib.strict_store import StrictStore

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs/s3-servers.md"
COLUMNS = ("server", "large archives", "parts that are not named", "highest part number", "uploads are listed",
           "a wrong region", "a range")


@pytest.fixture(scope="module")
def platform(program, database):
    queue.prepare(program, database)
    queue.fill(database, "small", 20)
    queue.fill(database, "large", 300, messages=20, noise=120)  # about 12 MB of archive
    queue.fill(database, "parts", 400, messages=20, noise=120)
    return program


@pytest.fixture(scope="module")
def expected(platform, database, folder, local):
    with queue.Crew(platform, folder, local, workers=1):
        return queue.archive(local, queue.finished(database, queue.add_job(database, "parts")))


@pytest.fixture(scope="module", params=sorted(more_stores.SERVERS))
def store(request):
    if not more_stores.is_here(request.param):
        pytest.skip(f"{request.param} is not on this machine")
    with more_stores.SERVERS[request.param]() as running:
        running.bucket = running.make_bucket("exports")
        yield running


@pytest.fixture
def tool(store, storage_tool, tmp_path):  # noqa: F811
    return Tool(storage_tool, storage_of(store), tmp_path)


def storage_of(store, **options):
    return Storage(store.name, store.options(store.bucket) | options, store.credentials(), store, store.bucket)


def words(errors):
    """"HTTP 400 InvalidPart" of an error's text."""
    found = re.search(r"HTTP \d+( \w+)?", errors)
    return found.group() if found else errors.strip()


def export(program, database, folder, storage, channel, **options):
    """(the job, what the process logged), of one that finished with an archive that can be read."""
    with queue.Crew(program, folder, storage, max_attempts=2, **options) as crew:
        job_id = queue.add_job(database, channel)
        found = queue.finished(database, job_id, 120)
        with zipfile.ZipFile(io.BytesIO(queue.archive(storage, found))) as archive:
            assert archive.testzip() is None and archive.namelist()
        return job_id, crew.log()


def has_gap(database, job_id):
    numbers = [number for number, in database.execute(
        "SELECT (p ->> 'number')::int FROM verbatim.segment, jsonb_array_elements(parts) AS p WHERE job_id = %s"
        " ORDER BY part_first", [job_id])]
    return numbers != list(range(1, len(numbers) + 1))


def large_archives(program, database, folder, store):
    """Cut into small segments, one that begins behind another leaves numbers out."""
    for _ in range(10):
        job_id, log = export(program, database, folder, storage_of(store), "large", page=60, cuts=100, workers=2,
                             s3_part_size="5MiB")
        if "(s3_equal_parts = on)" in log:
            return "once anew, as by `s3_equal_parts = on`"
        if has_gap(database, job_id):
            return "as they are"
    raise AssertionError("no archive of several segments in ten")


def unnamed_parts(tool):
    key = tool.key()
    upload = tool.run("begin", key, "a.zip")
    recorded = tool.parts(key, upload, {1: body(5 * MIB), 2: body(5 * MIB, 2), 3: body(20, 3)})
    closed = tool.outcome("close", key, upload, 5 * MIB + 20, recorded[0], recorded[2])
    tool.run("clean", key, upload, "drop")
    return "left out" if closed == ("ok", "done") else "refused"


def highest_number(tool):
    key = tool.key()
    upload = tool.run("begin", key, "a.zip")
    numbers = [number for number in (1000, 10000)
               if tool.run("part", key, upload, number, 1, tool.file(body(9)), check=False)[0] == 0]
    assert tool.run("clean", key, upload, "drop") == "clean"
    return str(max(numbers))


def uploads_are_listed(tool):
    key = tool.key()
    tool.run("begin", key, "a.zip")
    assert tool.run("clean", key, "", "drop") == "clean"
    try:
        found = tool.storage.store.client().list_multipart_uploads(Bucket=tool.storage.bucket, Prefix=key)
    except botocore.exceptions.ClientError:
        return "no"
    return "no" if found.get("Uploads") else "yes"


def range_status(tool):
    """What a resumed download is answered with; by the standard it is 206."""
    key = tool.key()
    tool.run("put", key, "a.zip", tool.file(body(1000)))
    now = int(time.time() * 1e6)
    request = urllib.request.Request(tool.run("link", key, "a.zip", now, now + HOUR), headers={"Range": "bytes=9-"})
    with urllib.request.urlopen(request) as answer:
        return str(answer.status)


def wrong_region(program, store):
    report = doctor(program, env=store.credentials(), **store.options(store.bucket) | {"s3_region": "elsewhere-1"})
    failed = [line for line in report.of("storage") if line.finding == "failed"]
    if not failed:
        return "taken"
    return "told" if "s3_region" in failed[0].remedy else words(failed[0].text)


def test_small_archives(store, tool, platform, database, folder):
    export(platform, database, folder, storage_of(store), "small")
    name = "\u0645" * ((store.name_most - 4) // 2) + ".zip"
    key = tool.key(name)
    tool.run("put", key, name, tool.file(body(300_007)))
    assert tool.run("size", key) == "300007"
    now = int(time.time() * 1e6)
    link = tool.run("link", key, name, now, now + HOUR)
    request = urllib.request.Request(link, headers={"Range": "bytes=100-199"})
    with urllib.request.urlopen(request) as answer:
        assert answer.status in (200, 206) and answer.headers["Content-Range"] == "bytes 100-199/300007"
        assert answer.read() == body(300_007)[100:200]
    assert tool.run("clean", key, "", "drop") == "clean"
    assert tool.run("clean", key, "", "drop") == "clean", "the second look"
    assert tool.run("size", key, check=False)[1].startswith("not_found")


def test_an_upload_that_is_given_up_leaves_nothing(tool):
    key = tool.key()
    upload = tool.run("begin", key, "a.zip")
    tool.parts(key, upload, {1: body(5 * MIB), 2: body(10)})
    assert tool.run("clean", key, upload, "drop") == "clean"
    assert tool.run("clean", key, upload, "drop") == "clean", "the second look"


def test_an_upload_that_somebody_else_gave_up_is_gone(store, tool):
    """Its completion is told as such, so that the archive begins anew, however the store words it."""
    key = tool.key()
    upload = tool.run("begin", key, "a.zip")
    recorded = tool.parts(key, upload, {1: body(5 * MIB), 2: body(10)})
    store.client().abort_multipart_upload(Bucket=store.bucket, Key=key, UploadId=upload)
    told = "denied" if store.name == "s3s-fs" else "not_found"  # 403: nobody's upload is somebody else's there
    assert tool.outcome("close", key, upload, 5 * MIB + 10, *recorded) == (told, "")


def test_the_doctor_finds_nothing(store, platform):
    report = doctor(platform, env=store.credentials(), **store.options(store.bucket))
    assert "failed" not in report.findings("storage"), report.output


def test_a_part_that_nobody_names_costs_no_export(store, platform, database, folder, expected):
    """Whether the store refuses to complete an upload that holds one, keeps it or drops it."""
    with StrictStore(store, "unnamed-part") as watched:
        add_stray(watched, number=990)
        job_id = queue.add_job(database, "parts")
        with queue.Crew(platform, folder, watched.storage, page=60, cuts=100, **LEAST):
            found = queue.finished(database, job_id)
        assert queue.archive(watched.storage, found) == expected and watched.strays


def test_parts_of_an_absorbed_segment(store, platform, database, postgres, folder, expected):
    """A segment that is too small by itself takes the next one over, which is recorded already: one upload is enough,
    unless the store wants equal parts."""
    with StrictStore(store, "absorbed") as watched:
        job_id = begin_with_a_small_front(platform, database, postgres, folder, watched.storage)
        with queue.Crew(platform, folder, watched.storage, page=60, cuts=1, workers=1, **LEAST) as crew:
            wait_until(lambda: recorded_numbers(database, job_id) and queue.waits_for_others(database, job_id),
                       "all others")
            take_back(database, job_id)
            found = queue.finished(database, job_id)
            log = crew.log()
        assert queue.archive(watched.storage, found) == expected
        assert "(recorded already)" in log
        assert len(watched.keys) == 1 or "(s3_equal_parts = on)" in log


def test_its_line(store, tool, platform, database, folder):
    line = (f"{store.name} {store.version()}", large_archives(platform, database, folder, store), unnamed_parts(tool),
            highest_number(tool), uploads_are_listed(tool), wrong_region(platform, store), range_status(tool))
    row = "| " + " | ".join(line) + " |"
    print(row)
    assert row in DOCS.read_text().splitlines(), f"docs/s3-servers.md has another line than {row}"
