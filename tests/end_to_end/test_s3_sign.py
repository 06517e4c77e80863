"""Our signer against botocore's: the same request, stage by stage, in hundreds of drawn variations."""

import json
import os
import pathlib
import random
import subprocess
from datetime import datetime, timedelta, timezone
from unittest import mock
from urllib.parse import quote, urlencode

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = pathlib.Path(__file__).resolve().parents[2]
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ALPHABET = "abcXYZ019-_.~ +%/=&?#'()*!$,;:@\"<>[]{}|\\^`éß会話😀ç"


def ours(request):
    program = pathlib.Path(os.environ.get("VERBATIM_BINARY", ROOT / "build/release/verbatim"))
    done = subprocess.run([program, "s3", "sign"], input=json.dumps(request), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def text(draw, longest):
    return "".join(draw.choice(ALPHABET) for _ in range(draw.randint(0, longest)))


def drawn(draw, mode):
    service = draw.choice(["s3", "s3", "execute-api"])
    path = "/" + "/".join(text(draw, 8) for _ in range(draw.randint(0, 4)))
    names = {text(draw, 6) or "q" for _ in range(draw.randint(0, 5))}
    host = draw.choice(["127.0.0.1:9000", "bucket.s3.eu-west-3.amazonaws.com", "[::1]:8080"])
    headers = [["Host", host], ["Content-Type", "application/zip"], ["X-Amz-Meta-Two", "a   b\tc  "],
               ["Range", "bytes=0-9"], ["User-Agent", "not signed"]]
    payload = draw.choice([EMPTY, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"])
    if mode == "query":
        headers, payload = headers[:1], "UNSIGNED-PAYLOAD" if service == "s3" else EMPTY
    elif service == "s3":
        headers.append(["X-Amz-Content-SHA256", payload])
    moment = datetime(2015, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=draw.randint(0, 10**9))
    return {"method": draw.choice(["GET", "PUT", "POST", "DELETE", "HEAD"]), "path": path,
            "query": [[name, text(draw, 8)] for name in sorted(names)], "headers": headers,
            "payload_sha256": payload, "access_key_id": draw.choice(["AKIDEXAMPLE", "acc:ount+1"]),
            "secret_access_key": "wJalr/XUtn+FEMI", "timestamp": moment.strftime("%Y%m%dT%H%M%SZ"),
            "session_token": draw.choice([None, "tok/en+=="]), "region": draw.choice(["us-east-1", "auto"]),
            "service": service, "mode": mode, "expires": draw.randint(1, 604800),
            "normalize_path": service != "s3"}


class Clock(datetime):
    """Stands in for the clock of botocore.auth."""

    now_is = None

    @classmethod
    def utcnow(cls):
        return cls.now_is


SIGNERS = {("s3", "header"): botocore.auth.S3SigV4Auth, ("s3", "query"): botocore.auth.S3SigV4QueryAuth,
           ("execute-api", "header"): botocore.auth.SigV4Auth,
           ("execute-api", "query"): botocore.auth.SigV4QueryAuth}


def theirs(request):
    """botocore encodes a path for S3 never and for others once: it gets what the wire would carry, or the octets."""
    host = dict(request["headers"])["Host"]
    encoded = quote(request["path"], safe="/~") if request["service"] == "s3" else request["path"]
    query = urlencode([tuple(pair) for pair in request["query"]], quote_via=quote, safe="~")
    url = f"https://{host}{encoded}" + (f"?{query}" if query else "")
    made = AWSRequest(request["method"], url)
    for name, value in request["headers"]:
        made.headers[name] = value
    credentials = Credentials(request["access_key_id"], request["secret_access_key"], request["session_token"])
    extra = {"expires": request["expires"]} if request["mode"] == "query" else {}
    signer = SIGNERS[request["service"], request["mode"]](
        credentials, request["service"], request["region"], **extra)
    signer.payload = lambda _: request["payload_sha256"]
    stages = {}
    for stage in ("canonical_request", "string_to_sign"):
        method = getattr(signer, stage)
        setattr(signer, stage, lambda *a, stage=stage, method=method: stages.setdefault(stage, method(*a)))
    signature = signer.signature
    signer.signature = lambda *a: stages.setdefault("signature", signature(*a))
    moment = datetime.strptime(request["timestamp"], "%Y%m%dT%H%M%SZ")
    Clock.now_is = Clock(*moment.timetuple()[:6])
    with mock.patch("botocore.auth.datetime.datetime", Clock):
        signer.add_auth(made)
    return stages


@pytest.mark.parametrize("mode", ["header", "query"])
@pytest.mark.parametrize("seed", range(60))
def test_same_stages_as_botocore(mode, seed):
    request = drawn(random.Random(f"{mode} {seed}"), mode)
    if request["service"] != "s3":  # their URL parser would take these characters of a raw path for syntax
        for character in "?#%[]@:;\\":
            request["path"] = request["path"].replace(character, "x")
        request["path"] = "/" + request["path"].lstrip("/")
    expected = theirs(request)
    assert ours(request) == expected


@pytest.mark.parametrize("bad", ["", "[]", "{}", '{"path": "/", "timestamp": "yesterday"}'])
def test_bad_input_is_refused(bad):
    program = pathlib.Path(os.environ.get("VERBATIM_BINARY", ROOT / "build/release/verbatim"))
    done = subprocess.run([program, "s3", "sign"], input=bad, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr
