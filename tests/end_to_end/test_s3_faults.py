"""The S3 client against a server that fails by script: what is tried again, what is not, and what is said."""

import base64
import hashlib
import subprocess
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.lib.patience import Stopwatch
from tests.lib.s3_probe import Probe, body
from tests.lib.scripted_http import ScriptedHttp, Step, error

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "a-very-secret-key"}
STORED = Step(headers=(("ETag", '"abc"'),))
DONE = Step(body=b"<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>")
PART = (1, 4000, '"abc"')


@pytest.fixture
def run():
    """run(steps, command...) -> (answer, requests that the server saw)."""
    def run(steps, *words, **env):
        with ScriptedHttp(*steps) as server:
            place = {"S3_ENDPOINT": server.endpoint, "S3_BUCKET": "bucket", "S3_ATTEMPTS": 3}
            with Probe(**place | KEYS | env) as probe:
                return probe.ask(*words), server.seen
    return run


@pytest.mark.parametrize("failure", [
    error(503, "SlowDown"), error(500, "InternalError"), error(429, "TooManyRequests"), Step(502, b"<html>"),
    error(400, "RequestTimeout"), Step(503), error(503, "ServiceUnavailable"), error(400, "IncompleteBody"),
    Step(reset="body"), Step(reset="answer")], ids=lambda step: step.reset or str(step.status))
def test_what_may_heal_is_tried_again_with_the_whole_body(run, failure):
    answer, seen = run([failure, STORED], "put", "key", 3_000_000, 4)
    assert (answer["status"], answer["etag"]) == ("ok", '"abc"')
    assert len(seen) == 2 and seen[1].body == body(3_000_000, 4)
    assert answer["counters"]["retries"] == 1
    assert seen[1].headers["x-amz-content-sha256"] == hashlib.sha256(body(3_000_000, 4)).hexdigest()


def test_throttling_is_counted_apart(run):
    answer, _ = run([error(503, "SlowDown"), STORED], "put", "key", 10, 0)
    assert (answer["counters"]["throttled"], answer["counters"]["server_error"]) == (1, 0)


def test_each_attempt_is_signed_afresh(run):
    _, seen = run([Step(503, headers=(("Retry-After", "1"),)), STORED], "put", "key", 10, 0)
    assert seen[0].headers["x-amz-date"] < seen[1].headers["x-amz-date"]
    assert seen[0].headers["Authorization"] != seen[1].headers["Authorization"]


def test_attempts_come_to_an_end(run):
    answer, seen = run([error(500, "InternalError")] * 9, "put", "key", 10, 0)
    assert (answer["status"], answer["retryable"], answer["code"]) == ("storage_away", True, "InternalError")
    assert len(seen) == 3 and answer["counters"]["server_error"] == 3
    for word in ("put key", "attempt 3", "HTTP 500", "InternalError", "as told", "REQ-1"):
        assert word in answer["text"]


@pytest.mark.parametrize("failure, status", [
    (error(403, "AccessDenied"), "denied"), (error(404, "NoSuchBucket"), "not_found"),
    (error(400, "EntityTooLarge"), "storage"), (error(501, "NotImplemented"), "storage"),
    (error(301, "PermanentRedirect"), "storage"), (error(400, "EntityTooSmall"), "conflict"),
    (error(403, "InvalidAccessKeyId"), "denied")])
def test_what_cannot_heal_is_tried_once(run, failure, status):
    answer, seen = run([failure, STORED], "put", "key", 10, 0)
    assert (answer["status"], answer["retryable"], len(seen)) == (status, False, 1)


def test_only_the_agreed_headers_are_sent(run):
    _, seen = run([STORED], "put", "key", 10, 0, "application/zip", "a.zip", AWS_SESSION_TOKEN="the-token")
    names = {name.lower() for name in seen[0].headers}
    assert names == {"host", "accept", "authorization", "content-length", "content-type", "content-disposition",
                     "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"}
    signed = seen[0].headers["Authorization"].split("SignedHeaders=")[1].split(",")[0]
    assert signed == "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token"


def test_wrong_clock_is_corrected_once_and_kept(run):
    skewed = error(403, "RequestTimeTooSkewed", skew=7200)
    answer, seen = run([skewed, STORED], "put", "key", 10, 0, S3_ATTEMPTS=1)
    assert answer["status"] == "ok"
    hours = [int(request.headers["x-amz-date"][9:11]) for request in seen]
    assert (hours[1] - hours[0]) % 24 in (2, 3)
    with ScriptedHttp(skewed, STORED, STORED) as server:
        with Probe(S3_ENDPOINT=server.endpoint, S3_BUCKET="bucket", **KEYS) as probe:
            probe.do("put", "key", 10, 0)
            probe.do("put", "key", 10, 0)
        assert len(server.seen) == 3


def test_clock_that_stays_wrong_is_a_failure(run):
    answer, seen = run([error(403, "RequestTimeTooSkewed", skew=7200)] * 5, "put", "key", 10, 0)
    assert (answer["status"], len(seen)) == ("expired", 2)


def test_wrong_clock_of_an_answer_without_body(run):
    found = Step(headers=(("ETag", '"abc"'),), declared=77)
    answer, seen = run([Step(403, skew=-7200), found], "head", "key")
    assert (answer["status"], answer["size"], len(seen)) == ("ok", 77, 2)


def test_expired_token_fetches_new_keys_once(run, tmp_path):
    path = tmp_path / "credentials"
    keys = "[default]\naws_access_key_id = {0}\naws_secret_access_key = s\naws_session_token = t{0}\n"
    path.write_text(keys.format("old"))
    env = {"AWS_SHARED_CREDENTIALS_FILE": path, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
           "S3_ATTEMPTS": 1}
    with ScriptedHttp(STORED, error(400, "ExpiredToken"), STORED) as server:
        with Probe(**KEYS | env | {"S3_ENDPOINT": server.endpoint, "S3_BUCKET": "bucket"}) as probe:
            probe.do("put", "key", 10, 0)
            path.write_text(keys.format("new"))
            probe.do("put", "key", 10, 0)
        tokens = [request.headers["x-amz-security-token"] for request in server.seen]
    assert tokens == ["told", "told", "tnew"]
    answer, seen = run([error(400, "ExpiredToken")] * 5, "put", "key", 10, 0, **env)
    assert (answer["status"], answer["code"], len(seen)) == ("expired", "ExpiredToken", 2)


def test_failure_inside_a_200_is_tried_again(run):
    hidden = error(200, "InternalError")
    hidden.body = b"  \n  " + hidden.body
    answer, seen = run([hidden, DONE], "complete", "key", "id", *PART)
    assert (answer["status"], answer["etag"], len(seen)) == ("ok", '"whole"', 2)
    assert b"<PartNumber>1</PartNumber><ETag>&quot;abc&quot;</ETag>" in seen[1].body


def test_refusal_inside_a_200_is_a_failure(run):
    answer, seen = run([error(200, "InvalidPart"), DONE], "complete", "key", "id", *PART)
    assert (answer["status"], answer["code"]) == ("conflict", "InvalidPart")


@pytest.mark.parametrize("text", [b"", b"<html/>", b"not xml", b"<CompleteMultipartUploadResult/>",
                                  b"<CompleteMultipartUploadResult><ETag>\"whole\"</ETag>"])
def test_200_without_an_etag_is_no_success(run, text):
    answer, seen = run([Step(body=text)] * 3, "complete", "key", "id", *PART)
    assert (answer["status"], answer["retryable"], len(seen)) == ("storage_away", True, 3)


def test_white_space_before_the_answer_is_waited_out(run):
    step = Step(body=b" \n" * 2000 + DONE.body, stall=2.5)
    answer, _ = run([step], "complete", "key", "id", *PART, S3_STALL_SECONDS=1)
    assert answer["status"] == "ok"


def test_lost_answer_to_complete_is_resolved_by_the_object(run):
    stands = Step(headers=(("ETag", '"whole"'),), declared=4000)
    steps = [Step(reset="answer"), error(404, "NoSuchUpload"), stands]
    answer, seen = run(steps, "complete", "key", "id", *PART)
    assert (answer["status"], answer["etag"]) == ("ok", '"whole"')
    assert [request.method for request in seen] == ["POST", "POST", "HEAD"]


@pytest.mark.parametrize("look", [Step(404), Step(declared=3999)])
def test_gone_upload_without_the_object_is_not_found(run, look):
    answer, _ = run([error(404, "NoSuchUpload"), look], "complete", "key", "id", *PART)
    assert (answer["status"], answer["code"], answer["retryable"]) == ("not_found", "NoSuchUpload", False)
    assert "NoSuchUpload" in answer["text"]


MD5_WANTED = error(400, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object")


def test_md5_is_sent_once_it_was_asked_for(run):
    answer, seen = run([MD5_WANTED, Step(headers=(("ETag", '"e"'),))], "put", "key", 1000, 1)
    assert (answer["status"], answer["counters"]["retries"]) == ("ok", 1)
    md5 = base64.b64encode(hashlib.md5(body(1000, 1)).digest()).decode()
    assert [request.headers.get("Content-MD5") for request in seen] == [None, md5]


def test_md5_that_does_not_help_is_a_refusal(run):
    answer, seen = run([MD5_WANTED] * 3, "put", "key", 1000, 1)
    assert (answer["status"], answer["retryable"], len(seen)) == ("storage", False, 2)


def test_stalled_server_is_given_up(run):
    answer, _ = run([Step(stall=30), STORED], "put", "key", 10, 0, S3_STALL_SECONDS=1)
    assert answer["status"] == "ok" and answer["counters"]["unreachable"] == 1


def test_stop_ends_a_call_and_a_wait():
    for steps in ([Step(stall=20)], [Step(503, headers=(("Retry-After", "20"),))]):
        with ScriptedHttp(*steps) as server:
            with Probe(S3_ENDPOINT=server.endpoint, S3_BUCKET="bucket", **KEYS) as probe:
                probe.do("stop", 300)
                watch = Stopwatch()
                answer = probe.ask("put", "key", 10, 0)
                assert answer["status"] == "stopped" and watch.awake < 5, watch


@pytest.mark.parametrize("text", [
    b"<!DOCTYPE a [<!ENTITY e 'SlowDown'>]><Error><Code>&e;</Code></Error>",
    b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><Error><Code>SlowDown</Code></Error>",
    b"<Error>" * 100_000, b"<Error><Code>" + b"A" * 500_000, b"\xff\xfe\x00<", b"<Error><Code>Slow\x00Down",
    b"<" + b"n" * 100_000 + b"/>"], ids=["entity", "external", "deep", "long", "utf16", "nul", "name"])
def test_hostile_answer_is_just_a_refusal(run, text):
    answer, _ = run([Step(403, text)], "get", "key", 100_000)
    assert (answer["status"], answer["code"], answer["size"]) == ("denied", "", 0)


def test_hostile_text_is_made_harmless(run):
    message = "line\nbreak AKIDEXAMPLE a-very-secret-key " + "0123456789abcdef" * 4 + " &lt;end&gt;"
    answer, _ = run([error(403, "SignatureDoesNotMatch", message)], "get", "key", 1000)
    for secret in ("AKIDEXAMPLE", "a-very-secret-key", "0123456789abcdef", "\n"):
        assert secret not in answer["text"]
    assert "line break" in answer["text"] and "<end>" in answer["text"]


def test_answer_cut_short_is_tried_again(run):
    cut = Step(body=b"half", declared=8)
    answer, seen = run([cut, Step(body=b"complete")], "get", "key", 1000)
    assert (answer["sha256"], len(seen)) == (hashlib.sha256(b"complete").hexdigest(), 2)


def page(numbers, truncated):
    parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>\"e{n}\"</ETag><Size>{n * 10}</Size></Part>"
                    for n in numbers)
    return Step(body=f"<ListPartsResult xmlns='x'>{parts}<IsTruncated>{truncated}</IsTruncated></ListPartsResult>"
                .encode())


def test_list_of_several_pages(run):
    answer, seen = run([page([1, 2, 7], "true"), page([9], "false")], "list", "key", "id")
    assert [(part["number"], part["size"], part["etag"]) for part in answer["parts"]] == [
        (n, n * 10, f'"e{n}"') for n in (1, 2, 7, 9)]
    assert "part-number-marker=7" in seen[1].target


def test_list_in_any_order_and_a_number_twice(run):
    answer, seen = run([page([9, 1, 7, 1], "true"), page([12, 7], "false")], "list", "key", "id")
    assert [part["number"] for part in answer["parts"]] == [9, 1, 7, 1, 12]
    assert "part-number-marker=9" in seen[1].target


def test_answers_whose_root_has_another_name(run):
    """rclone's creation and moto's list."""
    answer, _ = run([Step(body=b"<InitiateMultipartUpload><UploadId>u1</UploadId></InitiateMultipartUpload>")],
                    "create", "key")
    assert answer["upload_id"] == "u1"
    parts = page([3], "false")
    parts.body = parts.body.replace(b"ListPartsResult", b"ListPartsResponse")
    answer, _ = run([parts], "list", "key", "id")
    assert [part["number"] for part in answer["parts"]] == [3]
    failed = Step(body=b"<Error><Code>InternalError</Code><UploadId>u1</UploadId></Error>")
    answer, _ = run([failed] * 3, "create", "key")
    assert answer["status"] == "storage_away"


def test_list_that_never_ends_is_left(run):
    answer, seen = run([page([1], "true")] * 50, "list", "key", "id")
    assert len(answer["parts"]) == 1 and len(seen) == 2


def uploads(pairs, truncated="false", marker=None):
    rows = "".join(f"<Upload><Key>{key}</Key><UploadId>{upload}</UploadId></Upload>" for key, upload in pairs)
    next_page = f"<NextKeyMarker>{marker[0]}</NextKeyMarker><NextUploadIdMarker>{marker[1]}</NextUploadIdMarker>" \
        if marker else ""
    return Step(body=f"<ListMultipartUploadsResult xmlns='x'><KeyMarker/><IsTruncated>{truncated}</IsTruncated>"
                     f"{next_page}{rows}</ListMultipartUploadsResult>".encode())


def test_uploads_of_one_key_over_several_pages(run):
    steps = [uploads([("a&amp;b", "1"), ("a&amp;b.zip", "2")], "true", ("a&amp;b", "m/1")),
             uploads([("a&amp;b", "3")], "true"), uploads([("other", "4"), ("a&amp;b", "5")])]
    answer, seen = run(steps, "uploads", "a&b")
    assert answer["uploads"] == ["1", "3", "5"]
    queries = [parse_qs(urlsplit(request.target).query, keep_blank_values=True) for request in seen]
    assert all(query["prefix"] == ["a&b"] and query["uploads"] == [""] for query in queries)
    assert [(query.get("key-marker"), query.get("upload-id-marker")) for query in queries] == [
        (None, None), (["a&b"], ["m/1"]), (["a&b"], ["3"])]


@pytest.mark.parametrize("pairs", [[("key", "1")], []])
def test_uploads_that_never_end_are_left(run, pairs):
    answer, seen = run([uploads(pairs, "true")] * 50, "uploads", "key")
    assert answer["status"] == "ok" and len(seen) <= 2


def test_uploads_where_the_length_of_a_page_is_not_taken(run):
    """S3Proxy."""
    answer, seen = run([error(501, "NotImplemented"), uploads([("key", "1")])], "uploads", "key")
    assert (answer["status"], answer["uploads"]) == ("ok", ["1"])
    assert ["max-uploads" in request.target for request in seen] == [True, False]


def test_uploads_after_a_marker_that_is_refused(run):
    answer, seen = run([uploads([("key", "1")], "true"), error(400, "InvalidArgument")], "uploads", "key")
    assert (answer["status"], answer["uploads"], len(seen)) == ("ok", ["1"], 2)
    answer, _ = run([error(400, "InvalidArgument")], "uploads", "key")
    assert answer["status"] == "storage"


@pytest.mark.parametrize("text", [b"", b"<html/>", b"<ListMultipartUploadsResult>", b"<ListPartsResult/>"])
def test_uploads_in_an_answer_that_is_none(run, text):
    answer, _ = run([Step(body=text)], "uploads", "key")
    assert (answer["status"], answer["uploads"]) == ("storage", [])


def test_create_without_an_id_is_a_failure(run):
    answer, _ = run([Step(body=b"<InitiateMultipartUploadResult/>")] * 3, "create", "key")
    assert (answer["status"], answer["retryable"]) == ("storage_away", True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "pair.pem"
    key, cert = path.with_suffix(".key"), path.with_suffix(".crt")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert,
                    "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    path.write_bytes(key.read_bytes() + cert.read_bytes())
    return path


def test_stranger_on_tls_gets_no_request(certificate):
    with ScriptedHttp(STORED, certificate=certificate) as server:
        with Probe(S3_ENDPOINT=server.endpoint, S3_BUCKET="bucket", **KEYS) as probe:
            answer = probe.ask("put", "key", 10, 0)
        assert (answer["status"], answer["retryable"], server.seen) == ("untrusted", False, [])
        assert "certificate" in answer["text"]


def test_trusted_server_on_tls(certificate):
    with ScriptedHttp(STORED, certificate=certificate) as server:
        with Probe(S3_ENDPOINT=server.endpoint, S3_BUCKET="bucket", AWS_CA_BUNDLE=certificate, **KEYS) as probe:
            probe.do("put", "key", 3_000_000, 0)
        assert server.seen[0].body == body(3_000_000, 0)
