#!/usr/bin/env bash
# Ground: S3 servers. ListMultipartUploads with max-uploads, which Amazon documents as a number from 1 to 1,000.
# Guess:  a page of at most so many uploads; a server that cannot list uploads at all answers 501 to every list.
# Seen:   S3Proxy 3.1.0 (filesystem-nio2) lists uploads by prefix, and answers 501 NotImplemented to the same request
#         with max-uploads=100. So a client that sends it takes the server for one without such lists, and uploads whose
#         id it never learned stay.
# So:     after a 501 ask once more without max-uploads before giving the list up.
# Needs:  Java 17, Maven, Python 3 with venv. Exit 0: seen as told; 1: it has changed.
set -euo pipefail
port=${PORT:-17982}
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT

# By itself Maven takes two releases of Jackson here, and completions of uploads are answered 500.
cat >"$folder/pom.xml" <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
<dependencyManagement><dependencies><dependency><groupId>com.fasterxml.jackson</groupId>
<artifactId>jackson-bom</artifactId><version>2.21.2</version><type>pom</type><scope>import</scope>
</dependency></dependencies></dependencyManagement>
<dependencies><dependency><groupId>org.gaul</groupId><artifactId>s3proxy</artifactId>
<version>3.1.0</version></dependency></dependencies></project>
POM
mvn -q -B -f "$folder/pom.xml" dependency:copy-dependencies -DoutputDirectory="$folder/jars"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.40.50

mkdir "$folder/data"
cat >"$folder/conf" <<CONF
s3proxy.endpoint=http://127.0.0.1:$port
s3proxy.authorization=aws-v2-or-v4
s3proxy.identity=user
s3proxy.credential=password1
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir=$folder/data
CONF
java -cp "$folder/jars/*" org.gaul.s3proxy.Main --properties "$folder/conf" >"$folder/log" 2>&1 &
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
for _ in range(1200):
    try:
        s3.list_buckets()
        break
    except (botocore.exceptions.EndpointConnectionError, botocore.exceptions.ConnectionClosedError):
        time.sleep(0.1)
s3.create_bucket(Bucket="bucket")
upload = s3.create_multipart_upload(Bucket="bucket", Key="key")["UploadId"]


def listed(**more):
    try:
        found = s3.list_multipart_uploads(Bucket="bucket", Prefix="key", **more).get("Uploads", [])
        return "200", [each["UploadId"] for each in found] == [upload]
    except botocore.exceptions.ClientError as error:
        return str(error.response["ResponseMetadata"]["HTTPStatusCode"]), False


plain, limited = listed(), listed(MaxUploads=100)
print(f"S3Proxy 3.1.0: list of uploads: {plain[0]}, the upload is in it: {plain[1]}")
print(f"S3Proxy 3.1.0: the same with max-uploads=100: {limited[0]}")
as_told = plain == ("200", True) and limited[0] == "501"
print("as told" if as_told else "CHANGED")
sys.exit(not as_told)
PYTHON
