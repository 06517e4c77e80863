"""The S3 client against real servers that verify signatures: MinIO, versitygw, Swift."""

import hashlib
import time
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config

from tests.lib.process import SANITIZED
from tests.lib.s3_probe import Probe, body

MIB = 1024 * 1024
NAMES = ["plain.zip", "with space+plus.zip", "ünïcode/会話_محادثة_😀.zip", "a=b&c/100%/~'()*!;:@$,.zip"]


@pytest.fixture(scope="module")
def bucket(object_store):
    return object_store.make_bucket("client")


@pytest.fixture(scope="module")
def probe(object_store, bucket):
    with Probe.of_store(object_store, bucket) as running:
        yield running


def stored(object_store, bucket, key):
    return object_store.client().get_object(Bucket=bucket, Key=key)


@pytest.mark.parametrize("name", NAMES)
def test_put_and_get(object_store, bucket, probe, name):
    answer = probe.do("put", name, 300_000, 5, "application/zip", "Jane – 会話 \"x\".zip")
    kept = stored(object_store, bucket, name)
    assert kept["Body"].read() == body(300_000, 5)
    assert kept["ETag"].strip('"') == answer["etag"].strip('"')
    assert kept["ContentType"] == "application/zip"
    head = probe.do("head", name)
    assert head["size"] == 300_000
    assert head["etag"].strip('"') == answer["etag"].strip('"')
    assert abs(head["last_modified"] / 1e6 - time.time()) < 300
    got = probe.do("get", name, MIB)
    assert got["sha256"] == hashlib.sha256(body(300_000, 5)).hexdigest()


def test_put_nothing(object_store, bucket, probe):
    probe.do("put", "empty", 0, 0)
    assert stored(object_store, bucket, "empty")["Body"].read() == b""
    assert probe.do("head", "empty")["size"] == 0


def test_get_stops_at_the_ceiling(probe):
    probe.do("put", "large", 200_000, 1)
    answer = probe.ask("get", "large", 100_000)
    assert (answer["status"], answer["size"]) == ("limit", 0)


def test_what_is_not_there(probe):
    assert probe.ask("head", "missing")["status"] == "not_found"
    answer = probe.ask("get", "missing", 1000)
    assert (answer["status"], answer["code"], answer["retryable"]) == ("not_found", "NoSuchKey", False)
    assert "get missing" in answer["text"] and "404" in answer["text"]
    probe.do("delete", "missing")


def test_delete(probe):
    probe.do("put", "short-lived", 10, 0)
    probe.do("delete", "short-lived")
    assert probe.ask("head", "short-lived")["status"] == "not_found"


def test_parts_out_of_order_with_gaps_and_unequal_sizes(object_store, bucket, probe):
    key = "parts/会話 +1.zip"
    upload = probe.do("create", key, "application/zip", "会話.zip")["upload_id"]
    sizes = {40: 1000, 7: 5 * MIB + 12345, 17: 6 * MIB, 33: 5 * MIB}
    etags = {n: probe.do("part", key, upload, n, size, n)["etag"] for n, size in sizes.items()}
    listed = probe.do("list", key, upload)["parts"]
    assert [(part["number"], part["size"]) for part in listed] == sorted(sizes.items())
    words = [word for n in sorted(sizes) for word in (n, sizes[n], etags[n])]
    probe.do("complete", key, upload, *words)
    kept = stored(object_store, bucket, key)
    assert kept["Body"].read() == b"".join(body(sizes[n], n) for n in sorted(sizes))
    assert kept["ContentType"] == "application/zip"
    assert "filename*=UTF-8''%E4%BC%9A%E8%A9%B1.zip" in kept["ContentDisposition"]


def test_part_that_is_not_listed_is_left_out(object_store, bucket, probe):
    upload = probe.do("create", "subset")["upload_id"]
    etag = probe.do("part", "subset", upload, 2, 1000, 2)["etag"]
    probe.do("part", "subset", upload, 5, 5 * MIB, 5)
    probe.do("complete", "subset", upload, 2, 1000, etag)
    assert stored(object_store, bucket, "subset")["Body"].read() == body(1000, 2)


def test_part_sent_twice_counts_once(object_store, bucket, probe):
    upload = probe.do("create", "twice")["upload_id"]
    probe.do("part", "twice", upload, 1, 2000, 1)
    etag = probe.do("part", "twice", upload, 1, 3000, 2)["etag"]
    probe.do("complete", "twice", upload, 1, 3000, etag)
    assert stored(object_store, bucket, "twice")["Body"].read() == body(3000, 2)


def test_abort_leaves_nothing(object_store, bucket, probe):
    upload = probe.do("create", "aborted")["upload_id"]
    probe.do("part", "aborted", upload, 1, 1000, 1)
    probe.do("abort", "aborted", upload)
    assert probe.ask("list", "aborted", upload)["status"] == "not_found"
    assert probe.ask("head", "aborted")["status"] == "not_found"
    listed = object_store.client().list_multipart_uploads(Bucket=bucket, Prefix="aborted")
    assert not listed.get("Uploads")


def test_uploads_of_a_key_are_listed(probe):
    """More than a page of them, and neighbours that only begin with the key."""
    key = "listed/会話 +&1.zip"
    assert probe.do("uploads", key)["uploads"] == []
    made = {probe.do("create", key)["upload_id"] for _ in range(120)}
    others = [(name, probe.do("create", name)["upload_id"]) for name in (key + ".zip", key + "/b")]
    left = set(made)
    while listed := probe.do("uploads", key)["uploads"]:
        assert set(listed) <= left and len(set(listed)) == len(listed) >= min(len(left), 100)
        for upload in listed:
            probe.do("abort", key, upload)
        left -= set(listed)
    assert not left
    for name, upload in others:
        assert probe.do("uploads", name)["uploads"] == [upload]
        probe.do("abort", name, upload)


def test_abort_of_what_is_gone(probe):
    upload = probe.do("create", "gone")["upload_id"]
    probe.do("abort", "gone", upload)
    assert probe.ask("abort", "gone", upload)["status"] in ("not_found", "ok")  # MinIO: ok
    answer = probe.ask("list", "gone", upload)
    assert (answer["status"], answer["retryable"]) == ("not_found", False)


def test_complete_again_is_success_when_the_object_stands(probe):
    upload = probe.do("create", "again")["upload_id"]
    etag = probe.do("part", "again", upload, 1, 4000, 1)["etag"]
    first = probe.do("complete", "again", upload, 1, 4000, etag)["etag"]
    assert probe.do("complete", "again", upload, 1, 4000, etag)["etag"].strip('"') == first.strip('"')


def test_complete_of_an_aborted_upload_is_refused(probe):
    upload = probe.do("create", "lost")["upload_id"]
    etag = probe.do("part", "lost", upload, 1, 4000, 1)["etag"]
    probe.do("abort", "lost", upload)
    answer = probe.ask("complete", "lost", upload, 1, 4000, etag)
    assert (answer["status"], answer["retryable"]) == ("not_found", False)
    assert answer["code"] in ("NoSuchUpload", "NoSuchKey")


def test_complete_with_a_wrong_etag_is_a_conflict(probe):
    upload = probe.do("create", "wrong")["upload_id"]
    probe.do("part", "wrong", upload, 1, 4000, 1)
    answer = probe.ask("complete", "wrong", upload, 1, 4000, '"' + "0" * 32 + '"')
    assert (answer["status"], answer["code"], answer["retryable"]) == ("conflict", "InvalidPart", False)
    probe.do("abort", "wrong", upload)


@pytest.mark.parametrize("name", NAMES)
def test_presigned_link(object_store, bucket, probe, name):
    probe.do("put", name, 5000, 9, "application/zip")
    now = int(time.time())
    url = probe.do("presign", name, now, 3600, "Jane – 会話.zip")["url"]
    assert probe.do("presign", name, now, 3600, "Jane – 会話.zip")["url"] == url
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == body(5000, 9)
        disposition = answer.headers["Content-Disposition"]
    assert "filename*=UTF-8''Jane%20%E2%80%93%20%E4%BC%9A%E8%A9%B1.zip" in disposition


@pytest.mark.parametrize("change", [("X-Amz-Expires=3600", "X-Amz-Expires=3601"), ("plain", "large"),
                                    ("Jane", "John")])
def test_changed_link_is_refused(probe, change):
    probe.do("put", "plain.zip", 10, 0)
    probe.do("put", "large.zip", 10, 0)
    url = probe.do("presign", "plain.zip", int(time.time()), 3600, "Jane.zip")["url"]
    assert change[0] in url
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(url.replace(*change))
    assert refusal.value.code == 403


def test_expired_link_is_refused(probe):
    probe.do("put", "plain.zip", 10, 0)
    url = probe.do("presign", "plain.zip", int(time.time()) - 100, 60)["url"]
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(url)
    assert refusal.value.code in (400, 403)


@pytest.mark.parametrize("name", NAMES)
def test_presigned_link_equals_botocore(object_store, bucket, probe, name):
    """Everything but the order of parameters, which both sort for the signature."""
    client = boto3.client("s3", endpoint_url=object_store.endpoint, region_name=object_store.region,
                          aws_access_key_id=object_store.access_key,
                          aws_secret_access_key=object_store.secret_key,
                          config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    theirs = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": name}, 3600)
    stamp = theirs.split("X-Amz-Date=")[1][:16]
    seconds = int(time.mktime(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))) - time.timezone
    ours = probe.do("presign", name, seconds, 3600)["url"]
    split = [url.partition("?") for url in (ours, theirs)]
    assert split[0][0] == split[1][0]
    assert sorted(split[0][2].split("&")) == sorted(split[1][2].split("&"))


def test_bucket_check(object_store, probe):
    probe.do("bucket")
    with Probe.of_store(object_store, "no-such-bucket") as stranger:
        assert stranger.ask("bucket")["status"] == "not_found"


def test_wrong_secret_is_denied_at_once_and_shows_no_key(object_store, bucket):
    with Probe.of_store(object_store, bucket, AWS_SECRET_ACCESS_KEY="wrong-secret-of-ours") as stranger:
        answer = stranger.ask("put", "never", 10, 0)
        assert (answer["status"], answer["retryable"]) == ("denied", False)
        assert answer["code"] == "SignatureDoesNotMatch"
        assert "wrong-secret" not in answer["text"] and object_store.access_key not in answer["text"]
        assert answer["counters"]["refused"] == 1 and answer["counters"]["retries"] == 0


def test_counters(object_store, bucket):
    with Probe.of_store(object_store, bucket) as fresh:
        counters = fresh.do("put", "counted", 70_000, 0)["counters"]
        assert (counters["ok"], counters["retries"], counters["bytes_sent"]) == (1, 0, 70_000)


def test_server_that_is_away_is_retryable(object_store, bucket):
    with Probe.of_store(object_store, bucket, S3_ENDPOINT="http://127.0.0.1:9", S3_ATTEMPTS=2) as lost:
        answer = lost.ask("head", "anything")
        assert (answer["status"], answer["retryable"]) == ("network", True)
        assert answer["counters"]["unreachable"] == 2


@pytest.mark.skipif(SANITIZED, reason="measures memory, which a sanitizer changes")
def test_memory_does_not_grow_with_parts(object_store, bucket):
    """One client sends part after part; beyond the probe's own body nothing piles up."""
    with Probe.of_store(object_store, bucket) as running:
        upload = running.do("create", "memory")["upload_id"]
        running.do("part", "memory", upload, 1, 6 * MIB, 0)
        first = running.memory()
        for number in range(2, 12):
            running.do("part", "memory", upload, number, 6 * MIB, number)
        assert running.memory() - first < MIB
        running.do("abort", "memory", upload)
