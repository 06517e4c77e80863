"""What some S3 servers do otherwise, put into a real one's answers by the proxy: each is a row here and a cure in s3/
or service/storage/s3.c."""

import re

import pytest

from tests.end_to_end.conftest import Storage
from tests.end_to_end.test_storage import MIB, Tool, body, storage_tool  # noqa: F401 (a fixture)
from tests.lib.fault_proxy import FaultProxy

BUCKET = "store-quirks"


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
