"""Buckets that keep versions: what is deleted is gone, and where the store does not give it up it is said."""

import json

import boto3
import pytest

from tests.end_to_end.conftest import Storage
from tests.end_to_end.test_janitor import make_house
from tests.end_to_end.test_storage import Tool, body, storage_tool  # noqa: F401 (a fixture)
from tests.lib import http_source as source
from tests.lib.doctor import doctor
from tests.lib.process import wait_until

VERSIONED, LOCKED = "versioned", "locked"
RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-28"}


@pytest.fixture(scope="module")
def store(minio):
    client = minio.client()
    client.create_bucket(Bucket=VERSIONED)
    client.put_bucket_versioning(Bucket=VERSIONED, VersioningConfiguration={"Status": "Enabled"})
    client.create_bucket(Bucket=LOCKED, ObjectLockEnabledForBucket=True)
    return minio


def storage_of(store, bucket, **env):
    return Storage(bucket, store.options(bucket), store.credentials() | env, store, bucket)


@pytest.fixture
def tool(store, storage_tool, tmp_path):  # noqa: F811
    return Tool(storage_tool, storage_of(store, VERSIONED), tmp_path)


@pytest.fixture
def locked(store, storage_tool, tmp_path):  # noqa: F811
    return Tool(storage_tool, storage_of(store, LOCKED), tmp_path)


def without_versions(store, bucket):
    """Temporary keys that may do all but delete a version."""
    tokens = boto3.client("sts", endpoint_url=store.endpoint, region_name=store.region,
                          aws_access_key_id=store.access_key, aws_secret_access_key=store.secret_key)
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::*"]},
        {"Effect": "Deny", "Action": "s3:DeleteObjectVersion", "Resource": ["arn:aws:s3:::*"]}]}
    keys = tokens.assume_role(RoleArn="arn:aws:iam::1:role/any", RoleSessionName="verbatim", DurationSeconds=900,
                              Policy=json.dumps(policy))["Credentials"]
    return storage_of(store, bucket, AWS_ACCESS_KEY_ID=keys["AccessKeyId"],
                      AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"], AWS_SESSION_TOKEN=keys["SessionToken"])


def held(store, bucket, key=""):
    """(ids of the versions, ids of the deletion markers) below the key."""
    found = store.client().list_object_versions(Bucket=bucket, Prefix=key)
    return ([version["VersionId"] for version in found.get("Versions", [])],
            [marker["VersionId"] for marker in found.get("DeleteMarkers", [])])


def put(tool, data=b"x" * 100):
    key = tool.key()
    tool.run("put", key, "a.zip", tool.file(data))
    return key, held(tool.storage.store, tool.storage.bucket, key)[0][0]


def is_visible(tool, key):
    return tool.run("size", key, check=False)[0] == 0


def test_a_version_that_is_known(tool, store):
    key, version = put(tool)
    assert tool.run("remove", key, "", version) == "clean"
    assert held(store, VERSIONED, key) == ([], [])
    assert tool.run("remove", key, "", version) == "clean", "the second look"
    assert held(store, VERSIONED, key) == ([], [])


def test_versions_that_are_not_known(tool, store):
    key, _ = put(tool)
    tool.run("put", key, "a.zip", tool.file(body(50)))
    store.client().delete_object(Bucket=VERSIONED, Key=key)
    tool.run("put", key, "a.zip", tool.file(body(60)))
    store.client().delete_object(Bucket=VERSIONED, Key=key)
    assert [len(part) for part in held(store, VERSIONED, key)] == [3, 2]
    assert tool.run("clean", key, "", "drop") == "clean"
    assert held(store, VERSIONED, key) == ([], [])


def test_an_archive_of_parts(tool, store):
    key = tool.key()
    upload = tool.run("begin", key, "a.zip")
    recorded = tool.parts(key, upload, {1: body(1000)})
    assert tool.close(key, upload, recorded) == "done"
    assert tool.run("remove", key, upload, "") == "clean"
    assert held(store, VERSIONED, key) == ([], [])


def test_versions_that_were_suspended(tool, store):
    key, _ = put(tool)
    change = {"Bucket": VERSIONED, "VersioningConfiguration": {"Status": "Suspended"}}
    store.client().put_bucket_versioning(**change)
    try:
        tool.run("put", key, "a.zip", tool.file(body(70)))
        assert tool.run("clean", key, "", "drop") == "clean"
        assert held(store, VERSIONED, key) == ([], [])
    finally:
        store.client().put_bucket_versioning(**change | {"VersioningConfiguration": {"Status": "Enabled"}})


@pytest.mark.parametrize("is_known", [True, False])
def test_a_locked_version_is_hidden_and_told_until_it_is_given_up(locked, store, is_known):
    key, version = put(locked)
    hold = {"Bucket": LOCKED, "Key": key, "VersionId": version}
    store.client().put_object_legal_hold(**hold, LegalHold={"Status": "ON"})
    told = locked.run("remove", key, "", version if is_known else "")
    assert told.startswith(f"kept {version}: ") and "stays readable" in told, told
    assert not is_visible(locked, key)
    before = held(store, LOCKED, key)
    assert before[0] == [version] and len(before[1]) == 1
    assert locked.run("remove", key, "", version).startswith(f"kept {version}: ")
    assert held(store, LOCKED, key) == before, "nothing more is put on top"
    store.client().put_object_legal_hold(**hold, LegalHold={"Status": "OFF"})
    assert locked.run("remove", key, "", version) == "clean"
    assert held(store, LOCKED, key) == ([], [])


def test_a_janitor_keeps_what_it_learned(program, database, folder, store, storage_tool):  # noqa: F811
    house = make_house(program, database, folder, storage_of(store, LOCKED), storage_tool)
    key, version = put(house.tool)
    hold = {"Bucket": LOCKED, "Key": key, "VersionId": version}
    store.client().put_object_legal_hold(**hold, LegalHold={"Status": "ON"})
    number = house.cleanup(key)

    def row():
        return database.execute("SELECT looks, object_version, last_error FROM verbatim.cleanup"
                                " WHERE cleanup_id = %s", [number])[0]
    with house.janitor() as process:
        wait_until(lambda: row()[2], "the first look")
        looks, kept, reason = row()
        assert (looks, kept) == (0, version) and "the bucket keeps versions" in reason
        wait_until(lambda: "the bucket keeps versions" in process.log(), "the log")
        store.client().put_object_legal_hold(**hold, LegalHold={"Status": "OFF"})
        database.execute("UPDATE verbatim.cleanup SET not_before = now()")
        wait_until(lambda: row()[0] == 1, "the look after the lock")
    assert held(store, LOCKED, key) == ([], [])


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    source.add_conversation(database)
    return source.make_workspaces(program)


def test_exports_that_are_deleted_and_those_whose_time_is_up(keys, database, make_service, store):
    service = make_service(storage_of(store, VERSIONED), workers=1, janitor_interval="1s", retention="1h",
                           link_ttl="1h")
    made = [service.export("one", keys["one"], channel_id=source.LONELY, **RANGE)["export_job_id"] for _ in range(2)]
    rows = database.execute("SELECT object_version, object_key FROM verbatim.job WHERE job_id = ANY(%s::uuid[])"
                            " ORDER BY object_key", [made])
    assert [[row[0]] for row in rows] == [held(store, VERSIONED, row[1])[0] for row in rows]
    assert database.value("SELECT verbatim.job_delete('one', %s, NULL, 'me')"
                          " FROM set_config('verbatim.workspace_id', 'one', false)", [made[0]])
    assert database.value("SELECT object_version FROM verbatim.cleanup WHERE job_id = %s", [made[0]]) in {
        row[0] for row in rows}
    database.execute("UPDATE verbatim.job SET finished_at = now() - interval '2 hours',"
                     " link_expires_at = now() - interval '1 hour' WHERE job_id = %s", [made[1]])
    wait_until(lambda: database.value("SELECT count(*) FROM verbatim.cleanup"
                                      " WHERE looks = 1 AND job_id = ANY(%s::uuid[])", [made]) == 2, "the janitor")
    for _, key in rows:
        assert held(store, VERSIONED, key) == ([], [])


def test_the_doctor(keys, program, store):
    report = doctor(program, env=storage_of(store, VERSIONED).env, **store.options(VERSIONED))
    assert report.only("storage", "ok")
    assert held(store, VERSIONED, "conversation_exports/doctor/") == ([], [])
    bare = without_versions(store, VERSIONED)
    line = doctor(program, env=bare.env, **bare.options).only("storage", "warning")
    assert "the bucket keeps versions" in line.text and "s3:DeleteObjectVersion" in line.remedy
    assert "lifecycle rule" in line.remedy
