"""Temporary S3 credentials: links are Verbatim's own, and lead to one that the store accepts at that moment."""

import io
import json
import threading
import urllib.request
import zipfile
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from tests.end_to_end.conftest import Storage
from tests.lib import http_source as source
from tests.lib.process import wait_until
from tests.lib.scripted_http import ScriptedHttp, Step

pytestmark = pytest.mark.threads

RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-28"}
BUCKET = "temporary"


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    source.add_conversation(database)
    return source.make_workspaces(program)


@pytest.fixture(scope="module")
def assumed(minio):
    """Keys of a quarter of an hour, from the store's own token service."""
    minio.make_bucket(BUCKET)
    tokens = boto3.client("sts", endpoint_url=minio.endpoint, region_name=minio.region,
                          aws_access_key_id=minio.access_key, aws_secret_access_key=minio.secret_key)
    return tokens.assume_role(RoleArn="arn:aws:iam::1:role/any", RoleSessionName="verbatim",
                              DurationSeconds=900)["Credentials"]


def start(make_service, minio, workers=1, **env):
    return make_service(Storage("temporary", minio.options(BUCKET), env), workers=workers)


def test_an_export_with_temporary_credentials(minio, assumed, keys, make_service):
    service = start(make_service, minio, AWS_ACCESS_KEY_ID=assumed["AccessKeyId"],
                    AWS_SECRET_ACCESS_KEY=assumed["SecretAccessKey"], AWS_SESSION_TOKEN=assumed["SessionToken"])
    url = service.export("one", keys["one"], channel_id=source.LONELY, **RANGE)["presigned_url"]
    assert url.startswith(service.url + "/files/conversation_exports/one/")
    assert set(parse_qs(urlsplit(url).query)) == {"expires", "signature"}

    answer = service.get(url[len(service.url):])
    assert (answer.status, answer.headers["Cache-Control"]) == (302, "no-store")
    target = answer.headers["Location"]
    query = parse_qs(urlsplit(target).query)
    assert target.startswith(minio.endpoint + "/" + BUCKET + "/conversation_exports/one/")
    assert query["X-Amz-Security-Token"] == [assumed["SessionToken"]]
    assert query["X-Amz-Credential"][0].startswith(assumed["AccessKeyId"] + "/")
    assert 0 < int(query["X-Amz-Expires"][0]) <= 3600
    look = service.request("HEAD", url[len(service.url):])
    assert look.status == 302
    with urllib.request.urlopen(urllib.request.Request(look.headers["Location"], method="HEAD")) as head:
        assert (head.status, head.headers["Accept-Ranges"]) == (200, "bytes")
        size = int(head.headers["Content-Length"])

    with urllib.request.urlopen(url) as download:  # follows the redirect, as a browser does
        assert download.url == target or download.url.split("?")[0] == target.split("?")[0]
        assert "attachment" in download.headers["Content-Disposition"]
        data = download.read()
        assert len(data) == size
        archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    (name,) = archive.namelist()
    assert "good day" in archive.read(name).decode()

    # The last character but one: the bits of the last one may be padding.
    forged = url[:-2] + ("0" if url[-2] != "0" else "1") + url[-1]
    refused = service.get(forged[len(service.url):])
    assert refused.status == 403 and "Location" not in refused.headers
    log = service.log()
    assert assumed["SessionToken"] not in log and query["X-Amz-Signature"][0] not in log


def container_keys(assumed, seconds):
    expires = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return json.dumps({"Code": "Success", "AccessKeyId": assumed["AccessKeyId"],
                       "SecretAccessKey": assumed["SecretAccessKey"], "Token": assumed["SessionToken"],
                       "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}).encode()


def test_a_storage_that_gives_no_keys_is_named(minio, assumed, keys, make_service):
    """Keys that run out within seconds and are not renewed: links stay, and what they lead to is away for a while."""
    # Keys are not used in their last minute.
    with ScriptedHttp(Step(body=container_keys(assumed, 60 + 15))) as server:
        service = start(make_service, minio, AWS_CONTAINER_CREDENTIALS_FULL_URI=server.endpoint)
        url = service.export("one", keys["one"], channel_id=source.LONELY, **RANGE)["presigned_url"]
        link = url[len(service.url):]
        assert service.get(link).status == 302
        answer = wait_until(lambda: (found := service.get(link)).status != 302 and found, "the keys to expire",
                            pause=0.2)
        assert (answer.status, answer.json()) == (503, {"detail": "The storage is not available. Try again later."})
        assert answer.headers["Retry-After"]
        assert service.get("/healthz").status == 200
        assert 1 < len(server.seen) < 50  # it did ask again, but not at every request


@pytest.mark.parametrize("workers", [0, 1])
def test_keys_from_a_service_that_hangs(minio, assumed, keys, make_service, workers):
    """A loop that waited for the keys would make all of its other requests wait too, longer than we do."""
    release = threading.Event()
    exporter = start(make_service, minio, AWS_ACCESS_KEY_ID=assumed["AccessKeyId"],
                     AWS_SECRET_ACCESS_KEY=assumed["SecretAccessKey"], AWS_SESSION_TOKEN=assumed["SessionToken"])
    url = exporter.export("one", keys["one"], channel_id=source.LONELY, **RANGE)["presigned_url"]
    link = url[len(exporter.url):]
    exporter.stop()
    hanging = Step(body=container_keys(assumed, 800), hold=release)
    with ScriptedHttp(Step(body=container_keys(assumed, 60 + 10)), *[hanging] * 1000) as server:
        service = start(make_service, minio, workers=workers,
                        AWS_CONTAINER_CREDENTIALS_FULL_URI=server.endpoint)

        def is_away():
            answer = service.get(link)
            return answer.status == 503 and "storage" in answer.json()["detail"]
        try:
            wait_until(lambda: service.get(link).status == 302, "the first keys")
            wait_until(is_away, "their end", pause=0.2)
            for _ in range(50):
                assert is_away()
                assert service.get("/healthz").status == 200
                assert service.get("/api/v1/workspace/one/export-conversations/none", keys["one"],
                                   seconds=2).status in (400, 404)
            assert len(server.seen) < 30
        finally:
            release.set()
        wait_until(lambda: service.get(link).status == 302, "new keys, by no request of ours", 90, 0.2)


def test_a_service_that_hangs_holds_no_process_back(minio, assumed, keys, make_service):
    release = threading.Event()
    hanging = Step(body=b"{}", hold=release)
    with ScriptedHttp(Step(body=container_keys(assumed, 600)), *[hanging] * 100) as server:
        try:
            service = start(make_service, minio, AWS_CONTAINER_CREDENTIALS_FULL_URI=server.endpoint)
            wait_until(lambda: server.seen[1:], "the renewal")
            service.stop()  # within the time that it has, and with status 0
        finally:
            release.set()
