"""Cancel and delete through the native door in every phase, on MinIO behind a proxy that stops the work where it is
wanted: the answer comes at once, and soon after nothing of the export is left in the store."""

import contextlib
import time
import urllib.error
import urllib.request

import pytest

from tests.lib import queue
from tests.lib.process import wait_until
from tests.lib.proxy import Proxy
from tests.lib.service import Service

pytestmark = pytest.mark.threads

EXPORTS = "/api/v1/workspace/w/exports"
SOON = 5  # seconds; 2 are promised, and the machine of a test may be busy


@pytest.fixture(scope="module")
def key(program, database):
    queue.prepare(program, database, w={"max_running": 1})
    queue.fill(database, "small", 10)
    queue.fill(database, "large", 2000, messages=20, noise=50)  # some 30 MB of archive
    return program.key("w")


@pytest.fixture(scope="module")
def bucket(minio):
    minio.make_bucket("native-cancel")
    return "native-cancel"


@contextlib.contextmanager
def serving(program, folder, minio, bucket, hold_on=None):
    """A service whose way to MinIO is a proxy."""
    with Proxy(minio.port, hold_on=hold_on) as proxy:
        options = minio.options(bucket) | {"s3_endpoint": f"http://127.0.0.1:{proxy.port}"}
        with Service(program, folder, env=minio.credentials(), workers=2, janitor_interval="1h", lease="90s",
                     **options) as service:
            yield service, proxy


def start(service, key, channel):
    answer = service.request("POST", EXPORTS, key, json_body={"select": {"channel_id": channel}})
    assert answer.status == 202, answer.body
    return answer.json()["export_id"]


def end(service, key, export, how):
    """Cancels, or deletes; either is done within a moment."""
    begun = time.monotonic()
    if how == "cancel":
        answer = service.request("POST", f"{EXPORTS}/{export}/cancel", key)
        assert (answer.status, answer.json()["status"]) == (200, "cancelled"), answer.body
        assert service.get(f"{EXPORTS}/{export}", key).json() == answer.json()
    else:
        assert service.request("DELETE", f"{EXPORTS}/{export}", key).status == 204
        assert service.get(f"{EXPORTS}/{export}", key).status == 404
    assert time.monotonic() - begun < 2


def object_key(database, export):
    return database.value("SELECT object_key FROM verbatim.job WHERE job_id = %s", [export])


def gone(minio, bucket, where, export):
    client = minio.client()
    listed = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    uploads = client.list_multipart_uploads(Bucket=bucket, Prefix=where).get("Uploads", []) if where else []
    return not uploads and not any(export in each["Key"] for each in listed)


def look_is_clean(database, export):
    """Nobody works on it, and the last look into the store found nothing."""
    return (database.value("SELECT count(*) FROM verbatim.segment WHERE job_id = %s AND status = 'running'", [export])
            == database.value("SELECT count(*) FROM verbatim.cleanup WHERE job_id = %s AND looks = 0", [export]) == 0)


@pytest.mark.parametrize("how", ["cancel", "delete"])
def test_behind_max_running(program, folder, database, minio, bucket, key, how):
    with serving(program, folder, minio, bucket) as (service, _), database.connect() as blocker:
        with blocker.transaction(force_rollback=True):
            blocker.execute("LOCK TABLE chat.message IN ACCESS EXCLUSIVE MODE")
            first, second = start(service, key, "small"), start(service, key, "small")
            wait_until(lambda: service.get(f"{EXPORTS}/{first}", key).json()["status"] == "started", "the first")
            assert service.get(f"{EXPORTS}/{second}", key).json()["status"] == "queued"
            end(service, key, second, how)
            end(service, key, first, how)  # its first page: the source does not answer
            wait_until(lambda: look_is_clean(database, first), "the work to stop", SOON)
        assert gone(minio, bucket, None, first) and gone(minio, bucket, None, second)


@pytest.mark.parametrize("how", ["cancel", "delete"])
@pytest.mark.parametrize("phase, hold_on", [("part", b"partNumber=1&"), ("close", b"?uploadId=")])
def test_while_it_is_written(program, folder, database, minio, bucket, key, phase, hold_on, how):
    """Held in a part, and in the request that completes the upload: what was on its way arrives after the end."""
    with serving(program, folder, minio, bucket, hold_on) as (service, proxy):
        export = start(service, key, "large")
        wait_until(lambda: proxy.holds, "the phase", 60)
        where = object_key(database, export)
        assert not gone(minio, bucket, where, export)
        end(service, key, export, how)
        proxy.release()
        wait_until(lambda: gone(minio, bucket, where, export) and look_is_clean(database, export),
                   "the store to be clean", SOON)
        time.sleep(0.5)
        assert gone(minio, bucket, where, export)
        # The next one of the workspace has its turn, and is whole.
        after = start(service, key, "small")
        seen = service.get(f"{EXPORTS}/{after}", key, headers={"Prefer": "wait=20"}).json()
        assert seen["status"] == "finished", seen


@pytest.mark.parametrize("way", ["link", "key"])
def test_a_download_leads_to_the_store_and_dies_with_the_export(program, folder, minio, bucket, key, way):
    with serving(program, folder, minio, bucket) as (service, _):
        export = start(service, key, "small")
        seen = service.get(f"{EXPORTS}/{export}", key, headers={"Prefer": "wait=20"}).json()
        link = seen["download_url"]
        if way == "key":
            answer = service.get(f"{EXPORTS}/{export}/download", key)
            assert (answer.status, answer.headers["Cache-Control"]) == (302, "no-store"), answer.body
            link = answer.headers["Location"]
            assert "X-Amz-Expires=60&" in link + "&"
        with urllib.request.urlopen(link, timeout=10) as fetched:
            assert len(fetched.read()) == seen["files"][0]["size"]
            assert seen["files"][0]["name"] in fetched.headers["Content-Disposition"]
        end(service, key, export, "delete")

        def dead():
            try:
                with urllib.request.urlopen(link, timeout=10):
                    return False
            except urllib.error.HTTPError as error:
                return error.code == 404
        wait_until(dead, "the link to die", SOON)
