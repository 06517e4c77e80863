"""What some S3 servers do otherwise, put into a real one's answers by the proxy: each is a row here and a cure in s3/
or service/storage/s3.c."""

import re

import pytest

from tests.end_to_end.conftest import Storage
from tests.end_to_end.test_storage import MIB, Tool, body, storage_tool  # noqa: F401 (a fixture)
from tests.lib.fault_proxy import FaultProxy
from tests.lib.scripted_http import ScriptedHttp, Step, error

BUCKET = "store-quirks"
NONE_OPEN = error(404, "NoSuchUpload")  # rclone, of the list of uploads
NO_PARTS = Step(200, b"<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>")
ONE_PART = Step(200, b"<ListPartsResult><Part><PartNumber>1</PartNumber><Size>5</Size><ETag>e</ETag></Part>"
                     b"</ListPartsResult>")


@pytest.fixture
def quirky(minio, storage_tool, tmp_path):  # noqa: F811
    """(a tool behind a proxy, the proxy): the test sets proxy.change."""
    if BUCKET not in [bucket["Name"] for bucket in minio.client().list_buckets()["Buckets"]]:
        minio.make_bucket(BUCKET)
    with FaultProxy(minio.endpoint) as proxy:
        options = minio.options(BUCKET) | {"s3_endpoint": proxy.endpoint}
        yield Tool(storage_tool, Storage("quirky", options, minio.credentials(), minio, BUCKET), tmp_path), proxy


def upload_with_a_part_missing(tool):
    """(key, upload, records of the parts 1, 2 and 3), of which 2 was never stored."""
    key = tool.key()
    upload = tool.run("begin", key, "a.zip")
    first, last = tool.parts(key, upload, {1: body(5 * MIB), 3: body(9)})
    return key, upload, [first, "2" + first[1:], last]


def test_parts_are_listed_without_the_quotes_of_their_etags(quirky):
    tool, proxy = quirky
    changed = []

    def bare(call, status, data):
        if call != "list parts" or b"<ETag>" not in data:
            return status, data
        changed.append(re.sub(rb"(<ETag>)&#34;([^&]*)&#34;", rb"\1\2", data))
        assert changed[-1] != data
        return status, changed[-1]
    proxy.change = bare
    key, upload, recorded = upload_with_a_part_missing(tool)
    assert tool.close(key, upload, recorded) == "differ 2"
    assert len(changed) == 1
    assert tool.close(key, upload, [recorded[0], recorded[2]]) == "done"
    assert tool.content(key) == body(5 * MIB) + body(9)


def test_parts_are_listed_in_any_order_and_twice(quirky):
    tool, proxy = quirky
    changed = []

    def shuffled(call, status, data):
        parts = re.findall(rb"<Part>.*?</Part>", data)
        if call != "list parts" or not parts:
            return status, data
        stale = re.sub(rb"<Size>\d+</Size>", b"<Size>1</Size>", parts[0])
        changed.append(re.sub(rb"<Part>.*</Part>", b"".join(reversed(parts)) + stale, data, flags=re.S))
        return status, changed[-1]
    proxy.change = shuffled
    key, upload, recorded = upload_with_a_part_missing(tool)
    assert tool.close(key, upload, recorded) == "differ 2"
    assert len(changed) == 1
    proxy.change = lambda call, status, data: (status, data)
    assert tool.run("clean", key, upload, "keep") == "clean"


@pytest.fixture
def scripted(storage_tool, tmp_path):  # noqa: F811
    """scripted(step, ...) -> (a tool before a store that answers so, the requests that it saw)."""
    servers = []

    def make(*steps):
        server = ScriptedHttp(*steps).__enter__()
        servers.append(server)
        options = {"storage": "s3://bucket", "s3_endpoint": server.endpoint}
        keys = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "secret"}
        return Tool(storage_tool, Storage("scripted", options, keys), tmp_path), server.seen
    yield make
    for server in servers:
        server.__exit__(None, None, None)


@pytest.mark.parametrize("answers", [
    (Step(204), NO_PARTS),  # s3s-fs, the first time
    (error(403, "AccessDenied"), NO_PARTS),  # and every time after
    (error(404, "NoSuchUpload"),),  # Swift would list the parts of the object that it became
    (error(403, "AccessDenied"), error(404, "NoSuchUpload")),
    (Step(204), Step(200)), (Step(204), Step(204)), (Step(204), error(403, "AccessDenied")),
    (Step(204), ONE_PART, Step(204), Step(200)),
], ids=lambda answers: "-".join(str(step.status) for step in answers))
def test_an_upload_that_is_gone_in_other_words(scripted, answers):
    tool, seen = scripted(*answers, NONE_OPEN)
    assert tool.run("clean", "key", "upload", "keep") == "clean"
    assert len(seen) == len(answers) + 1


@pytest.mark.parametrize("answers", [(error(403, "AccessDenied"), error(403, "AccessDenied")),
                                     (error(403, "AccessDenied"), ONE_PART)], ids=["unseen", "seen"])
def test_an_abort_that_is_refused_is_told_and_the_object_is_deleted(scripted, answers):
    tool, seen = scripted(*answers, Step(204), error(404, "NoSuchKey"), NONE_OPEN)
    assert tool.run("clean", "key", "upload", "drop", check=False) == (
        1, "denied: abort upload of key: HTTP 403 AccessDenied: as told (request id REQ-1)\n")
    assert [request.method for request in seen] == ["DELETE", "GET", "DELETE", "HEAD", "GET"]


@pytest.mark.parametrize("look", [error(403, "AccessDenied"), Step(404)], ids=["403", "404"])
def test_a_deletion_that_was_accepted_is_enough(scripted, look):
    tool, seen = scripted(Step(204), look, NONE_OPEN)
    assert tool.run("clean", "key", "", "drop") == "clean"
    assert [request.method for request in seen] == ["DELETE", "HEAD", "GET"]
