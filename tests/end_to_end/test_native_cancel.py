"""Cancel and delete through the native door in every phase, on MinIO behind a proxy that stops the work where it is
wanted: the answer comes at once, and two seconds later the work has stopped and nothing is left in the store. That is
promised to users, so it is the one time that a test holds the program to: most of these ends must be in time, since
one may share the machine with other tests. Behind a transaction pooler as well."""

import contextlib
import statistics
import time
import urllib.error
import urllib.request

import pytest

from tests.lib import queue
from tests.lib.patience import LIMIT, Stopwatch
from tests.lib.process import wait_until
from tests.lib.proxy import Proxy
from tests.lib.service import Service

pytestmark = pytest.mark.threads

EXPORTS = "/api/v1/workspace/w/exports"
through = []  # seconds awake from each answer until all was over

# A conversation whose messages come slowly, a hundred at a time. Declared stable, or no filter would pass the view.
SLOW = """
CREATE SCHEMA slow;
CREATE FUNCTION slow.nap(id bigint) RETURNS text LANGUAGE plpgsql STABLE AS
    $$ BEGIN IF id % 100 = 0 THEN PERFORM pg_sleep(0.005); END IF; RETURN ''; END $$;
CREATE VIEW slow.channel AS SELECT * FROM chat.channel;
CREATE VIEW slow.contact AS SELECT * FROM chat.contact;
CREATE VIEW slow.assistant AS SELECT * FROM chat.assistant;
CREATE VIEW slow.conversation AS SELECT * FROM chat.conversation;
CREATE VIEW slow.message AS SELECT id, conversation_id, created_at, direction, speaker_type, speaker_name,
    text || slow.nap(id) AS text, media_urls, status, sender_account FROM chat.message;
"""


@pytest.fixture(scope="module")
def key(program, database):
    queue.prepare(program, database, w={"max_running": 1})
    queue.fill(database, "small", 10)
    queue.fill(database, "large", 2000, messages=20, noise=50)  # some 30 MB of archive
    queue.fill(database, "giant", 1, messages=200000, noise=10)  # as much in one conversation
    database.execute(SLOW)
    return program.key("w")


@pytest.fixture(scope="module")
def bucket(minio):
    minio.make_bucket("native-cancel")
    return "native-cancel"


@pytest.fixture(params=["direct", "pooled"])
def way(request, database, pgbouncer):
    """Options for the way to the database: straight to the server, or through a pooler that lets nobody listen."""
    if request.param == "direct":
        return {}
    return {"database_url": pgbouncer.database(database.name).url, "source_url": database.url,
            "prepared_statements": "off"}


@contextlib.contextmanager
def serving(program, folder, minio, bucket, hold_on=None, alone=False, **more):
    """A service whose way to MinIO is a proxy."""
    with Proxy(minio.port, hold_on=hold_on, alone=alone) as proxy:
        options = minio.options(bucket) | {"s3_endpoint": f"http://127.0.0.1:{proxy.port}"} | more
        with Service(program, folder, env=minio.credentials(), workers=2, janitor_interval="1h", lease="1h",
                     **options) as service:
            yield service, proxy


def start(service, key, channel):
    answer = service.request("POST", EXPORTS, key, json_body={"select": {"channel_id": channel}})
    assert answer.status == 202, answer.body
    return answer.json()["export_id"]


def end(service, key, export, how):
    """Cancels, or deletes; either is done within a moment."""
    watch = Stopwatch()
    if how == "cancel":
        answer = service.request("POST", f"{EXPORTS}/{export}/cancel", key)
        assert (answer.status, answer.json()["status"]) == (200, "cancelled"), answer.body
        assert service.get(f"{EXPORTS}/{export}", key).json() == answer.json()
    else:
        assert service.request("DELETE", f"{EXPORTS}/{export}", key).status == 204
        assert service.get(f"{EXPORTS}/{export}", key).status == 404
    assert watch.awake < 2, watch


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


def dropped(service, export):
    """A worker thread says so when it has let go of everything, its requests to the store included."""
    return any(export in line and "not ours any more" in line for line in service.log().splitlines())


def wait_through(service, database, minio, bucket, where, export):
    """From here, the cancel's answer, the promise runs."""
    watch = Stopwatch()
    wait_until(lambda: dropped(service, export) and look_is_clean(database, export)
               and gone(minio, bucket, where, export), "the work to stop and the store to be clean", queue.CANCEL_LIMIT)
    through.append(watch.awake)


@pytest.mark.parametrize("how", ["cancel", "delete"])
def test_behind_max_running(program, folder, database, minio, bucket, key, how, way):
    with serving(program, folder, minio, bucket, **way) as (service, _), database.connect() as blocker:
        with blocker.transaction(force_rollback=True):
            blocker.execute("LOCK TABLE chat.message IN ACCESS EXCLUSIVE MODE")
            first, second = start(service, key, "small"), start(service, key, "small")
            wait_until(lambda: service.get(f"{EXPORTS}/{first}", key).json()["status"] == "started", "the first")
            assert service.get(f"{EXPORTS}/{second}", key).json()["status"] == "queued"
            end(service, key, second, how)
            end(service, key, first, how)  # its first page: the source does not answer
            wait_through(service, database, minio, bucket, None, first)
        assert gone(minio, bucket, None, first) and gone(minio, bucket, None, second)


@pytest.mark.parametrize("how", ["cancel", "delete"])
@pytest.mark.parametrize("phase, hold_on", [("part", b"partNumber=1&"), ("close", b"?uploadId=")])
def test_while_it_is_written(program, folder, database, minio, bucket, key, phase, hold_on, how):
    """Held in a part, and in the request that completes the upload: what was on its way arrives after the end."""
    with serving(program, folder, minio, bucket, hold_on) as (service, proxy):
        export = start(service, key, "large")
        wait_until(lambda: proxy.holds, "the phase")
        where = object_key(database, export)
        assert not gone(minio, bucket, where, export)
        end(service, key, export, how)
        proxy.release()
        wait_through(service, database, minio, bucket, where, export)
        time.sleep(0.5)
        assert gone(minio, bucket, where, export)
        # The next one of the workspace has its turn, and is whole.
        after = start(service, key, "small")
        service.finished(key, after, "w")


@pytest.mark.parametrize("phase, hold_on", [("part", b"partNumber=1&"), ("close", b"?uploadId=")])
def test_a_stalled_request_is_left(program, folder, database, minio, bucket, key, phase, hold_on, way):
    """One connection to the store stands still for good: it is given up, and another one cleans."""
    with serving(program, folder, minio, bucket, hold_on, alone=True, **way) as (service, proxy):
        export = start(service, key, "large")
        wait_until(lambda: proxy.stuck, "the phase")
        where = object_key(database, export)
        assert not gone(minio, bucket, where, export)
        end(service, key, export, "cancel")
        wait_through(service, database, minio, bucket, where, export)


@pytest.mark.parametrize("how", ["cancel", "delete"])
def test_in_the_middle_of_a_giant(program, folder, database, minio, bucket, key, how, way):
    with serving(program, folder, minio, bucket, source_schema="slow", **way) as (service, _):
        export = start(service, key, "giant")
        begun = "SELECT upload_id IS NOT NULL FROM verbatim.job WHERE job_id = %s"
        wait_until(lambda: database.value(begun, [export]), "the first part")
        where = object_key(database, export)
        assert service.get(f"{EXPORTS}/{export}", key).json()["segments"]["running"] == 1
        assert not gone(minio, bucket, where, export)
        end(service, key, export, how)
        wait_through(service, database, minio, bucket, where, export)


def test_waiting_for_the_others(program, folder, database, minio, bucket, key, way):
    """The first segment is a stranger's that never ends; the owner of the last one waits for it."""
    with serving(program, folder, minio, bucket, **way) as (service, _):
        export = queue.begin_lent(database, lambda: start(service, key, "large"))
        wait_until(lambda: queue.waits_for_others(database, export), "all others recorded")
        where = object_key(database, export)
        end(service, key, export, "cancel")
        wait_through(service, database, minio, bucket, where, export)


@pytest.mark.parametrize("by", ["link", "key"])
def test_a_download_leads_to_the_store_and_dies_with_the_export(program, folder, minio, bucket, key, by):
    with serving(program, folder, minio, bucket) as (service, _):
        export = start(service, key, "small")
        seen = service.finished(key, export, "w")
        link = seen["download_url"]
        if by == "key":
            answer = service.get(f"{EXPORTS}/{export}/download", key)
            assert (answer.status, answer.headers["Cache-Control"]) == (302, "no-store"), answer.body
            link = answer.headers["Location"]
            assert "X-Amz-Expires=3600&" in link + "&"
        with urllib.request.urlopen(link, timeout=LIMIT) as fetched:
            assert len(fetched.read()) == seen["files"][0]["size"]
            assert seen["files"][0]["name"] in fetched.headers["Content-Disposition"]
        end(service, key, export, "delete")

        def dead():
            try:
                with urllib.request.urlopen(link, timeout=LIMIT):
                    return False
            except urllib.error.HTTPError as error:
                return error.code == 404
        wait_until(dead, "the link to die", queue.CANCEL_LIMIT)


def test_most_ends_are_in_time():
    """The last one of this file: it looks at those before it."""
    if len(through) < 5:
        pytest.skip("too few ends to judge by")
    assert statistics.median(through) < queue.CANCEL_SECONDS, through
