"""Credentials that may do only what exports need, and what a refusal says where they may not."""

import base64
import json

import boto3
import pytest

from tests.end_to_end.conftest import Storage
from tests.end_to_end.test_storage import Tool, body, storage_tool  # noqa: F401 (a fixture)
from tests.lib import http_source as source
from tests.lib.doctor import doctor
from tests.lib.fault_proxy import FaultProxy
from tests.lib.loopback_http import read_body
from tests.lib.object_stores import Minio
from tests.lib.process import wait_until
from tests.lib.scripted_http import ScriptedHttp, Step, error

BUCKET, FOLDER = "rights", "acme"
OBJECTS = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
IN_FOLDER = {"Effect": "Allow", "Action": OBJECTS, "Resource": [f"arn:aws:s3:::{BUCKET}/{FOLDER}/*"]}
LISTED = {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [f"arn:aws:s3:::{BUCKET}"],
          "Condition": {"StringLike": {"s3:prefix": [f"{FOLDER}/*"]}}}


@pytest.fixture(scope="module")
def bucket(minio):
    return minio.make_bucket(BUCKET)


def limited(minio, *statements, **options):
    """The folder, with keys that may do so much."""
    tokens = boto3.client("sts", endpoint_url=minio.endpoint, region_name=minio.region,
                          aws_access_key_id=minio.access_key, aws_secret_access_key=minio.secret_key)
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    keys = tokens.assume_role(RoleArn="arn:aws:iam::1:role/any", RoleSessionName="verbatim", DurationSeconds=900,
                              Policy=policy)["Credentials"]
    env = {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
           "AWS_SESSION_TOKEN": keys["SessionToken"]}
    return Storage("limited", minio.options(BUCKET, FOLDER) | options, env, minio, BUCKET)


def below(minio):
    return minio.client().list_objects_v2(Bucket=BUCKET, Prefix=f"{FOLDER}/").get("Contents", [])


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    source.add_conversation(database)
    return source.make_workspaces(program)


@pytest.mark.parametrize("statements", [(IN_FOLDER, LISTED), (IN_FOLDER,)], ids=["listed", "unlisted"])
def test_a_folder_of_a_bucket(minio, bucket, storage_tool, tmp_path, statements):  # noqa: F811
    tool = Tool(storage_tool, limited(minio, *statements), tmp_path)
    tool.run("ready")
    key = tool.key()
    tool.run("put", key, "a.zip", tool.file(body(10)))
    upload = tool.run("begin", key, "a.zip")
    assert tool.run("clean", key, upload, "drop") == "clean"
    assert below(minio) == []


def test_an_export_where_a_missing_key_is_forbidden(minio, bucket, keys, program, database, make_service):
    """As on Amazon without ListBucket."""
    with FaultProxy(minio.endpoint) as proxy:
        def forbid(call, status, data):
            if status == 404 and call in ("head", "get"):
                return 403, error(403, "AccessDenied").body
            return status, data
        proxy.change = forbid
        storage = limited(minio, IN_FOLDER, s3_endpoint=proxy.endpoint)
        service = make_service(storage, workers=1, janitor_interval="1s")
        wait_until(lambda: service.get("/readyz").status == 200, "readiness")
        report = doctor(program, env=storage.env, **storage.options, base_url=service.url)
        assert report.findings("storage") == {"ok"}, report.output
        job = service.export("one", keys["one"], channel_id=source.LONELY, start_date="2026-02-01",
                             end_date="2026-02-28")["export_job_id"]
        assert len(below(minio)) == 1
        assert database.value("SELECT verbatim.job_delete('one', %s, NULL, 'me')"
                              " FROM set_config('verbatim.workspace_id', 'one', false)", [job])
        wait_until(lambda: database.execute("SELECT looks, last_error FROM verbatim.cleanup WHERE job_id = %s",
                                            [job]) == [(1, None)], "the janitor")
        assert below(minio) == []
        service.stop()


def test_keys_that_may_not_write_are_not_ready(minio, bucket, storage_tool, tmp_path):  # noqa: F811
    other = IN_FOLDER | {"Resource": [f"arn:aws:s3:::{BUCKET}/other/*"]}
    status, errors = Tool(storage_tool, limited(minio, other), tmp_path).run("ready", check=False)
    assert status == 1 and errors.startswith("denied: ") and "AccessDenied" in errors, errors


def scripted_ready(storage_tool, tmp_path, *steps):  # noqa: F811
    with ScriptedHttp(*steps) as server:
        storage = Storage("scripted", {"storage": "s3://bucket/a", "s3_endpoint": server.endpoint},
                          {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "secret"})
        status, text = Tool(storage_tool, storage, tmp_path).run("ready", check=False)
        return status, text, [f"{request.method} {request.target}" for request in server.seen]


def test_what_a_bucket_says_that_is_elsewhere(storage_tool, tmp_path):  # noqa: F811
    """Amazon's header, where the words have no region."""
    moved = Step(301, error(301, "PermanentRedirect", "use the other endpoint").body,
                 (("x-amz-bucket-region", "eu-west-3"),))
    status, text, seen = scripted_ready(storage_tool, tmp_path, Step(301), moved)
    assert (status, text) == (1, "storage: look at the bucket: HTTP 301 PermanentRedirect: use the other endpoint"
                                 " (the region is 'eu-west-3')\n")
    assert seen == ["HEAD /bucket", "GET /bucket?list-type=2&max-keys=1&prefix=a%2F"]


def test_a_bucket_that_is_gone_is_not_taken_for_a_missing_key(storage_tool, tmp_path):  # noqa: F811
    denied = error(403, "AccessDenied")
    status, text, seen = scripted_ready(storage_tool, tmp_path, Step(403), denied, error(404, "NoSuchBucket"))
    assert status == 1 and text.startswith("not_found: ") and len(seen) == 3


@pytest.mark.parametrize("name", ["versitygw", "swift"])  # MinIO takes any region
def test_a_wrong_region_is_told(program, keys, request, name):
    store = request.getfixturevalue(name)
    options = store.options(store.make_bucket("region")) | {"s3_region": "garage"}
    line = doctor(program, env=store.credentials(), **options).only("storage", "failed")
    assert "reaching it" in line.text and store.region in line.text, line
    assert line.remedy == "set s3_region to the store's region"


class Encrypting(Minio):
    """One that has a key, so that it can encrypt."""

    env = {"MINIO_KMS_SECRET_KEY": "exports:" + base64.b64encode(bytes(range(32))).decode()}


@pytest.fixture(scope="module")
def encrypting(minio):
    with Encrypting() as store:
        store.make_bucket(BUCKET)
        yield store


def demanding(store, method):
    """Keys that may write only what is encrypted so."""
    condition = {"StringNotEquals": {"s3:x-amz-server-side-encryption": method}}
    return limited(store, {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::*"]},
                   {"Effect": "Deny", "Action": "s3:PutObject", "Resource": ["arn:aws:s3:::*"], "Condition": condition})


@pytest.mark.parametrize("method", ["AES256", "aws:kms"])
def test_a_policy_that_demands_encryption(encrypting, program, keys, storage_tool, tmp_path, method):  # noqa: F811
    storage = demanding(encrypting, method)
    line = doctor(program, env=storage.env, **storage.options).only("storage", "failed")
    assert line.text.startswith("writing: ") and "AccessDenied" in line.text
    assert line.remedy == f"set s3_sse = {method}: so encrypted the store takes the object"
    report = doctor(program, env=storage.env, **storage.options, s3_sse=method)
    assert report.findings("storage") == {"ok"}, report.output
    options = storage.options | {"s3_sse": method} | ({"s3_sse_key": "exports"} if method == "aws:kms" else {})
    tool = Tool(storage_tool, Storage("demanding", options, storage.env, encrypting, BUCKET), tmp_path)
    key = tool.key()
    tool.run("put", key, "a.zip", tool.file(body(10)))
    upload = tool.run("begin", key + ".parts", "a.zip")
    tool.close(key + ".parts", upload, tool.parts(key + ".parts", upload, {1: body(10)}))
    for name in (key, key + ".parts"):
        head = encrypting.client().head_object(Bucket=BUCKET, Key=name)
        assert head["ServerSideEncryption"] == method
        assert "exports" in head.get("SSEKMSKeyId", "exports")
        assert tool.run("clean", name, "", "drop") == "clean"


class Strict(FaultProxy):
    """Wants an MD5 with each body that is put, as Amazon for a bucket with a retention."""

    refused, passed = 0, 0

    def answer(self, handler):
        if handler.command != "PUT" or "Content-MD5" in handler.headers:
            self.passed += handler.command == "PUT"
            super().answer(handler)
            return
        self.refused += 1
        read_body(handler)
        text = error(400, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object"
                                            " requests with Object Lock parameters").body
        handler.send_response_only(400)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)


def test_a_store_that_wants_md5(minio, bucket, program, keys, storage_tool, tmp_path):  # noqa: F811
    with Strict(minio.endpoint) as proxy:
        storage = Storage("strict", minio.options(bucket) | {"s3_endpoint": proxy.endpoint}, minio.credentials(),
                          minio, bucket)
        tool = Tool(storage_tool, storage, tmp_path)
        key = tool.key()
        tool.run("put", key, "a.zip", tool.file(body(300_007)))
        assert (proxy.refused, proxy.passed) == (1, 1)
        upload = tool.run("begin", key, "a.zip")
        recorded = tool.parts(key, upload, {1: body(5 << 20), 2: body(9)})
        assert tool.close(key, upload, recorded) == "done"
        assert (proxy.refused, proxy.passed) == (3, 3)
        assert tool.content(key) == body(5 << 20) + body(9)
        report = doctor(program, env=storage.env, **storage.options)
        assert report.findings("storage") == {"ok"}, report.output
