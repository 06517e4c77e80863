#!/usr/bin/env bash
# Ground: S3 servers. CompleteMultipartUpload of Ceph's gateway (RGW), where it differs from Amazon's.
# Guess:  parts that the list leaves out are dropped; an upload that was aborted is answered 404 NoSuchUpload; a list in
#         falling order is refused by InvalidPartOrder; ListParts of a gone upload is 404 NoSuchUpload as well.
# Seen:   Ceph RGW 16.2.15 (20.2.4 alike): 400 InvalidPart though each named part is in place; 500 InternalError "This
#         multipart completion is already in progress", and so 5 s later; the falling list is taken, in the order of
#         numbers; and ListParts says 404 NoSuchKey.
# So:     a client that tries again behind a 500 never learns that the upload is gone: let it list the parts. Before it
#         asks what was wrong with its parts after InvalidPart, let it look for parts that it did not name.
# Needs:  Debian 12's apt and Python 3 with venv; the packages are unpacked into a temporary folder. 1 GiB of disk.
#         Exit 0: seen as told; 1: it has changed; 2: it could not be tried.
set -euo pipefail
ceph=16.2.15+ds-0+deb12u2
work=$(mktemp -d /var/tmp/finding-XXXXXX) port=${PORT:-17988} pids=()
trap '{ kill -9 "${pids[@]}"; wait; } 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
mkdir -p apt/lists/partial apt/cache/archives/partial debs root mon osd
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main" \
    >apt/list
options=(-qq -o "Dir::Etc::sourcelist=$work/apt/list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/apt/lists"
    -o Dir::State::status=/dev/null -o "Dir::Cache=$work/apt/cache" -o APT::Sandbox::User=root --no-install-recommends)
apt-get "${options[@]}" update >log 2>&1 &&
    apt-get "${options[@]}" -s install "radosgw=$ceph" "ceph-mon=$ceph" "ceph-osd=$ceph" >list 2>>log &&
    awk '/^Inst/ {print $2}' list | (cd debs && xargs apt-get "${options[@]}" download >>../log 2>&1) ||
    { echo "cannot fetch the packages"; cat log; exit 2; }
for package in debs/*.deb; do dpkg-deb -x "$package" root; done
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check boto3==1.40.50 || exit 2

export PYTHONHOME=$work/root/usr PYTHONPATH=$work/root/usr/lib/python3/dist-packages
libraries=$work/root/usr/lib/x86_64-linux-gnu
loader=("$work/root/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" --library-path
    "$libraries:$work/root/lib/x86_64-linux-gnu:$libraries/ceph")
run() { "${loader[@]}" "$work/root/usr/bin/$1" -c "$work/ceph.conf" "${@:2}"; }
daemon() {
    "${loader[@]}" "$work/root/usr/bin/$1" -c "$work/ceph.conf" "${@:2}" -f >"$1.log" 2>&1 &
    pids+=($!)
}
tell() { "${loader[@]}" "$work/root/usr/bin/python3.11" "$work/root/usr/bin/ceph" -c "$work/ceph.conf" "$@"; }
cluster=$(cat /proc/sys/kernel/random/uuid) disk=$(cat /proc/sys/kernel/random/uuid)
cat >ceph.conf <<CONF
[global]
fsid = $cluster
mon host = [v2:127.0.0.1:$((port + 1))/0]
public addr = 127.0.0.1
ms bind msgr1 = false
auth cluster required = none
auth service required = none
auth client required = none
run dir = $work
admin socket =
pid file =
log to file = false
mon cluster log to file = false
plugin dir = $libraries/ceph
erasure code dir = $libraries/ceph/erasure-code
osd class dir = $libraries/rados-classes
mon data = $work/mon
osd data = $work/osd
osd objectstore = memstore
osd pool default size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
osd crush chooseleaf type = 0
[client.rgw.one]
ms mon client mode = crc
rgw data = $work
rgw frontends = beast endpoint=127.0.0.1:$port
CONF
{
    run monmaptool --create --fsid "$cluster" --addv a "[v2:127.0.0.1:$((port + 1))/0]" monmap
    run ceph-mon --mkfs -i a --monmap monmap
    daemon ceph-mon -i a
    run ceph-osd -i "$(tell --connect-timeout 120 osd new "$disk")" --mkfs --osd-uuid "$disk"
    daemon ceph-osd -i 0
    run radosgw-admin user create --uid=user --display-name=user --access-key=user --secret-key=password1
    daemon radosgw -n client.rgw.one
} >setup.log 2>&1 || { echo "the cluster does not start"; tail -n 20 setup.log; exit 2; }
unset PYTHONHOME PYTHONPATH

PORT=$port venv/bin/python - <<'PYTHON'
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


def outcome(call, **arguments):
    try:
        call(Bucket="bucket", **arguments)
        return "200"
    except botocore.exceptions.ClientError as error:
        return f"{error.response['ResponseMetadata']['HTTPStatusCode']} {error.response['Error']['Code']}"


def complete(key, named, aborted=False):
    """Of three parts: (the completion's answer, the list's behind it)"""
    upload = {"Key": key, "UploadId": s3.create_multipart_upload(Bucket="bucket", Key=key)["UploadId"]}
    tags = {number: s3.upload_part(Bucket="bucket", **upload, PartNumber=number,
                                   Body=bytes([number]) * (5 << 20))["ETag"] for number in (1, 2, 3)}
    parts = {"Parts": [{"PartNumber": number, "ETag": tags[number]} for number in named]}
    if aborted:
        s3.abort_multipart_upload(Bucket="bucket", **upload)
        outcome(s3.complete_multipart_upload, **upload, MultipartUpload=parts)
        time.sleep(5)
    answer = outcome(s3.complete_multipart_upload, **upload, MultipartUpload=parts)
    return answer, outcome(s3.list_parts, **upload)


left_out, falling = complete("left-out", [1, 3]), complete("falling", [3, 1, 2])
order = s3.get_object(Bucket="bucket", Key="falling")["Body"].read()[::5 << 20]
aborted = complete("aborted", [1, 2, 3], aborted=True)
print("Ceph RGW 16.2.15, completion and the list behind it:")
print(f"one of three parts left out: {left_out}; in falling order: {falling}, joined as {list(order)}; "
      f"aborted before: {aborted}")
as_told = (left_out == ("400 InvalidPart", "200") and falling == ("200", "404 NoSuchKey")
           and order == b"\x01\x02\x03" and aborted == ("500 InternalError", "404 NoSuchKey"))
print("as told" if as_told else "CHANGED")
sys.exit(not as_told)
PYTHON
