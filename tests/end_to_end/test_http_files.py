"""/files/: own links of the file storage, with the archive written by the test itself."""

import os

import pytest

from tests.lib import http_source as source
from tests.lib import workbook

NAME = "Büro \"1\" 東京_2026-02_0123abcd.zip"
KEY = "conversation_exports/one/6a0e9f2c-0000-4000-8000-000000000001-7/" + NAME
BODY = os.urandom(3_000_000)
JOBS = "/api/v1/workspace/one/export-conversations"


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    return source.make_workspaces(program)


@pytest.fixture(scope="module")
def service(keys, make_service, folder):
    target = folder / "storage" / KEY
    service = make_service(workers=0)
    target.parent.mkdir(parents=True)
    target.write_bytes(BODY)
    return service


def finish(service, keys, database, expires="1 hour"):
    database.execute("DELETE FROM verbatim.job")
    job = service.start_export("one", keys["one"], start_date="2026-02-01", end_date="2026-02-28",
                               channel_id=source.LONELY).json()["export_job_id"]
    database.execute("UPDATE verbatim.job SET status = 'finished', finished_at = now(), object_key = %s,"
                     " link_expires_at = now() + %s::interval WHERE job_id = %s", [KEY, expires, job])
    return job


@pytest.fixture(scope="module")
def link(service, keys, database):
    job = finish(service, keys, database)
    url = service.job("one", keys["one"], job)["presigned_url"]
    assert url.startswith(service.url + "/files/")
    return url[len(service.url):]


def test_the_link_is_the_same_at_every_poll(service, keys, database, link):
    job = database.value("SELECT job_id::text FROM verbatim.job")
    found = [service.job("one", keys["one"], job) for _ in range(3)]
    assert {each["presigned_url"] for each in found} == {service.url + link}
    assert found[0]["status"] == "finished" and found[0]["presigned_url_expires_at"]


def test_download(service, link):
    answer = service.get(link)
    assert answer.status == 200 and answer.body == BODY
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] and answer.headers["Last-Modified"] and answer.headers["X-Request-Id"]
    disposition = answer.headers["Content-Disposition"]
    assert disposition == ("attachment; filename=\"B_ro _1_ ___2026-02_0123abcd.zip\"; "
                           "filename*=UTF-8''B%C3%BCro%20%221%22%20%E6%9D%B1%E4%BA%AC_2026-02_0123abcd.zip")


@pytest.mark.parametrize("extension, content_type", [
    ("csv", "text/csv; charset=utf-8"), ("json", "application/json"), ("ndjson", "application/x-ndjson"),
    ("xlsx", workbook.MIME), ("zip", "application/zip")])
def test_a_file_is_served_as_what_it_is(service, keys, database, folder, extension, content_type):
    key = KEY.rsplit(".", 1)[0] + "-other." + extension
    (folder / "storage" / key).write_bytes(b"")
    job = finish(service, keys, database)
    database.execute("UPDATE verbatim.job SET object_key = %s WHERE job_id = %s", [key, job])
    url = service.job("one", keys["one"], job)["presigned_url"]
    for method in ("GET", "HEAD"):
        answer = service.request(method, url[len(service.url):])
        assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
        assert f".{extension}\"" in answer.headers["Content-Disposition"]


def test_head(service, link):
    answer = service.request("HEAD", link)
    assert (answer.status, answer.body, int(answer.headers["Content-Length"])) == (200, b"", len(BODY))


@pytest.mark.parametrize("wanted, begin, end", [("bytes=0-0", 0, 1), ("bytes=100-199", 100, 200),
                                                ("bytes=2999990-", 2999990, 3000000), ("bytes=-5", 2999995, 3000000),
                                                ("bytes=0-99999999", 0, 3000000), ("bytes=-99999999", 0, 3000000)])
def test_ranges(service, link, wanted, begin, end):
    answer = service.get(link, headers={"Range": wanted})
    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes {begin}-{end - 1}/3000000"
    assert answer.body == BODY[begin:end]


@pytest.mark.parametrize("wanted", ["bytes=3000000-", "bytes=-0", "bytes=9999999-99999999"])
def test_ranges_outside(service, link, wanted):
    answer = service.get(link, headers={"Range": wanted})
    assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */3000000")
    assert answer.json()["detail"]


@pytest.mark.parametrize("wanted", ["bytes=5-1", "bytes=0-1,3-4", "lines=1-2", "bytes=", "bytes=a-b", "bytes 0-1"])
def test_ranges_that_are_ignored(service, link, wanted):
    answer = service.get(link, headers={"Range": wanted})
    assert answer.status == 200 and answer.body == BODY


def test_conditions(service, link):
    etag = service.request("HEAD", link).headers["ETag"]
    ranged = {"Range": "bytes=0-9"}
    assert service.get(link, headers=ranged | {"If-Range": etag}).status == 206
    assert service.get(link, headers=ranged | {"If-Range": '"other"'}).status == 200
    answer = service.get(link, headers={"If-None-Match": etag})
    assert (answer.status, answer.body) == (304, b"")


def test_tampered_and_expired_links_look_the_same(service, keys, database, link):
    path, query = link.split("?")
    forged = [path, path + "?" + query.replace("expires=", "expires=9"), link[:-1] + ("0" if link[-1] != "0" else "1"),
              path.replace("one", "two", 1) + "?" + query, path[:-4] + "%2e%2e/x?" + query, link + "&expires=9",
              "/files/..%2f..%2fetc/passwd?" + query, "/files/?" + query]
    job = finish(service, keys, database, "1 second")
    database.execute("UPDATE verbatim.job SET link_expires_at = now() + interval '1 hour'")
    answers = [service.get(each) for each in forged]
    assert {answer.status for answer in answers} <= {403, 404}
    assert {answer.body for answer in answers if answer.status == 403} == {
        b'{"detail":"The link is not valid or has expired."}'}
    assert [answer.status for answer in answers[:4]] == [403] * 4
    assert job


def test_a_link_dies_with_its_time(service, keys, database):
    job = finish(service, keys, database, "2 seconds")
    url = service.job("one", keys["one"], job)["presigned_url"]
    assert service.get(url[len(service.url):]).status == 200
    database.execute("SELECT pg_sleep(2.5)")
    assert service.get(url[len(service.url):]).status == 403
    found = service.job("one", keys["one"], job)
    assert found["presigned_url"] is None and found["presigned_url_expires_at"]


def test_a_file_that_is_gone(service, folder, link):
    target = folder / "storage" / KEY
    target.rename(target.with_suffix(".away"))
    try:
        answer = service.get(link)
        assert (answer.status, answer.json()) == (404, {"detail": "File not found."})
    finally:
        target.with_suffix(".away").rename(target)


def test_no_signature_is_in_the_log(service, link):
    service.get(link)
    service.get(link + "x")
    assert "/files/" in service.log()
    assert link.split("signature=")[1][:20] not in service.log()
