"""Files of the native door (INTERFACE 7): downloads with a key, and what is gone with a deleted export."""

import io
import zipfile
import zlib

import pytest

from tests.lib import http_source as source
from tests.lib import native_source as people
from tests.lib.process import wait_until

pytestmark = pytest.mark.threads

EXPORTS = "/api/v1/workspace/one/exports"
FEBRUARY = {"select": {"channel_id": source.SMS}, "filter": {"from": "2026-02-01", "to": "2026-02-28"}}


@pytest.fixture(scope="module")
def keys(keys, program, database):
    return keys | {
        "jane": people.make_key(program, database, "owner", user="jane@example.com")}


@pytest.fixture(scope="module")
def working(keys, make_service):
    return make_service(workers=1, janitor_interval="1h")


def detail(answer, status):
    assert answer.status == status, answer.body
    return answer.json()["detail"]


@pytest.fixture
def done(working, keys):
    """A finished export of two conversations, as read."""
    export = working.request("POST", EXPORTS, keys["one"], json_body=FEBRUARY).json()["export_id"]
    return working.finished(keys["one"], export)


def test_download(working, keys, done, database):
    path = f"{EXPORTS}/{done['export_id']}/download"
    answer = working.get(path, keys["jane"])
    assert answer.status == 200
    [file] = done["files"]
    assert (len(answer.body), f"{zlib.crc32(answer.body):08x}") == (file["size"], file["crc32"])
    assert answer.headers["Content-Type"] == file["content_type"] == "application/zip"
    assert file["name"] in answer.headers["Content-Disposition"]
    assert len(zipfile.ZipFile(io.BytesIO(answer.body)).namelist()) == 2
    part = working.get(path, keys["jane"], headers={"Range": "bytes=4-13"})
    assert (part.status, part.body) == (206, answer.body[4:14])
    same = working.get(path, keys["jane"], headers={"If-None-Match": answer.headers["ETag"]})
    assert (same.status, same.body) == (304, b"")
    head = working.request("HEAD", path, keys["jane"])
    assert (head.status, head.headers["Content-Length"], head.body) == (200, str(file["size"]), b"")
    assert working.get(done["download_url"].removeprefix(working.url)).body == answer.body
    wait_until(lambda: database.execute(
        "SELECT count(*) FROM verbatim.audit_event JOIN verbatim.audit USING (audit_id) WHERE kind = 'download'"
        " AND by_whom = 'jane@example.com' AND job_id = %s", [done["export_id"]]) == [(2,)], "both in the audit", 5)


def test_no_download_before_the_end_after_expiry_or_without_one(working, keys, done, database):
    path = f"{EXPORTS}/{done['export_id']}/download"
    database.execute("UPDATE verbatim.job SET link_expires_at = now() - interval '1 s' WHERE job_id = %s",
                     [done["export_id"]])
    assert working.get(path, keys["one"]).status == 200, "the file outlives its link"
    database.execute("UPDATE verbatim.job SET finished_at = now() - interval '7 days 1 s' WHERE job_id = %s",
                     [done["export_id"]])
    assert "expired" in detail(working.get(path, keys["one"]), 410)
    database.execute("UPDATE verbatim.job SET link_expires_at = now() + interval '1 h', archive_deleted_at = now()"
                     " WHERE job_id = %s", [done["export_id"]])
    assert "expired" in detail(working.get(path, keys["one"]), 410)
    database.execute("UPDATE verbatim.job SET status = 'started', finished_at = NULL WHERE job_id = %s",
                     [done["export_id"]])
    assert "not finished" in detail(working.get(path, keys["one"]), 409)
    database.execute("UPDATE verbatim.job SET status = 'cancelled', finished_at = now() WHERE job_id = %s",
                     [done["export_id"]])
    assert "cancelled" in detail(working.get(path, keys["one"]), 409)


def test_delete_takes_the_file_and_the_link(working, keys, done, folder):
    link = done["download_url"].removeprefix(working.url)
    stored = folder / "storage" / link.removeprefix("/files/").split("?")[0]
    assert working.get(link).status == 200 and stored.exists()
    assert working.request("DELETE", f"{EXPORTS}/{done['export_id']}", keys["one"]).status == 204
    wait_until(lambda: not stored.exists(), "the file to go")
    assert working.get(link).status == 404
