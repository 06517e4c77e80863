#!/usr/bin/env bash
# Ground: S3 servers. CompleteMultipartUpload of an upload that was aborted, while some object stands at its key.
# Guess:  404 NoSuchUpload, as AWS documents and MinIO, Swift and versitygw itself (with no object there) answer.
# Seen:   versitygw 1.8.0 answers 200 with the ETag that the upload's parts would have had. The object that stands
#         there, written by a plain PUT, has another ETag and stays as it was; nothing of the upload is in it.
# So:     a 200 and an ETag from Complete say nothing about the bytes; a client that repeats a Complete has to look at
#         the object itself (size, checksum) before it believes.
# Needs:  Go 1.25, Python 3 with venv. Exit 0: seen as told; 1: it has changed.
set -euo pipefail
gateway=github.com/versity/versitygw/cmd/versitygw@v1.8.0
port=${PORT:-17981}
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT

GOBIN=$folder/bin GOFLAGS=-modcacherw GOPATH=$folder/go GOCACHE=$folder/cache go install "$gateway"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.40.50

mkdir "$folder/data"
"$folder/bin/versitygw" --access user --secret password1 --port "127.0.0.1:$port" posix "$folder/data" \
    >"$folder/log" 2>&1 &
server=$!

PORT=$port "$folder/venv/bin/python" - <<'PYTHON'
import os
import sys
import time

import boto3
import botocore

s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{os.environ['PORT']}", region_name="us-east-1",
                  aws_access_key_id="user", aws_secret_access_key="password1",
                  config=botocore.config.Config(retries={"total_max_attempts": 1}))
for _ in range(100):
    try:
        s3.list_buckets()
        break
    except botocore.exceptions.EndpointConnectionError:
        time.sleep(0.1)
s3.create_bucket(Bucket="bucket")


def aborted(key):
    """An upload with one part, aborted; and what Complete is sent for it."""
    upload = s3.create_multipart_upload(Bucket="bucket", Key=key)["UploadId"]
    part = s3.upload_part(Bucket="bucket", Key=key, UploadId=upload, PartNumber=1, Body=b"bytes of the upload")
    s3.abort_multipart_upload(Bucket="bucket", Key=key, UploadId=upload)
    return {"Bucket": "bucket", "Key": key, "UploadId": upload,
            "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}}


def outcome(request):
    try:
        return "200", s3.complete_multipart_upload(**request)["ETag"]
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], None


nothing = outcome(aborted("nothing-there"))
request = aborted("something-there")
s3.put_object(Bucket="bucket", Key="something-there", Body=b"quite another thing")
status, etag = outcome(request)
found = s3.get_object(Bucket="bucket", Key="something-there")
print("Complete of an aborted upload, no object at the key:", nothing[0])
print(f"Complete of an aborted upload, an object of a PUT there: {status} {etag}; the object's is {found['ETag']}")
as_told = (nothing[0] == "NoSuchUpload" and status == "200" and etag != found["ETag"] and
           found["Body"].read() == b"quite another thing")
print("as told" if as_told else "CHANGED")
sys.exit(not as_told)
PYTHON
