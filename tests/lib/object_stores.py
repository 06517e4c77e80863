"""Real S3 servers on loopback ports: MinIO, versitygw and OpenStack Swift, each with its own empty data folder.

All three verify signatures. MinIO and versitygw are programs that ./run built (or that VERBATIM_SERVERS_BIN
has); Swift comes from Debian's packages. `available()` names those that this machine has.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .process import KEPT, Process, free_port, port_answers, scratch_folder

REGION = "us-east-1"


def find_program(name):
    """Where a server's program lies, or None."""
    folders = [os.environ.get("VERBATIM_SERVERS_BIN"), str(KEPT / "bin"), os.environ.get("PATH")]
    return shutil.which(name, path=os.pathsep.join(folder for folder in folders if folder))


def http_ok(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


class ObjectStore:
    """What the servers have in common; a subclass says in `_start` how it is run."""

    name = ""
    program = ""
    access_key = "verbatim-access"
    secret_key = "verbatim-secret-key"
    region = REGION
    host = "127.0.0.1"  # where it listens
    name_most = 200  # bytes that an archive's name may have: that of the product, unless the server takes less

    def __init__(self):
        self.processes = []

    def __enter__(self):
        self._cleanup = contextlib.ExitStack()
        self.folder = self._cleanup.enter_context(scratch_folder())
        self.data = self.folder / "data"
        self.data.mkdir()
        self.port = free_port()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        self._cleanup.close()

    def start(self):
        """Starts it again on the same port and data, after a stop."""
        self._start()

    def stop(self):
        while self.processes:
            self.processes.pop().stop()

    def _spawn(self, arguments, env=None):
        process = Process(arguments, self.folder / "log", env=os.environ | (env or {}), cwd=self.folder)
        self.processes.append(process)
        return process

    @property
    def endpoint(self):
        return f"http://{self.host}:{self.port}"

    def client(self, access_key=None, secret_key=None):
        return boto3.client(
            "s3", endpoint_url=self.endpoint, region_name=self.region,
            aws_access_key_id=access_key or self.access_key,
            aws_secret_access_key=secret_key or self.secret_key,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 2}))

    def takes_requests(self):
        """Whether it answers who signs with its keys; for servers that listen before they serve."""
        try:
            self.client().list_buckets()
        except (ClientError, BotoCoreError):
            return False
        return True

    def make_bucket(self, name):
        self.client().create_bucket(Bucket=name)
        return name

    def options(self, bucket, prefix=""):
        """Verbatim's options for a bucket here."""
        return {"storage": f"s3://{bucket}" + (f"/{prefix}" if prefix else ""),
                "s3_endpoint": self.endpoint, "s3_region": self.region}

    def credentials(self):
        """Environment variables with which Verbatim may use this store."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}


class Minio(ObjectStore):
    name = "minio"
    program = "minio"
    env = {}  # more of a subclass

    def _start(self):
        arguments = [find_program("minio"), "server", "--quiet", "--address", f"{self.host}:{self.port}",
                     str(self.data)]
        process = self._spawn(arguments, {
            "MINIO_ROOT_USER": self.access_key, "MINIO_ROOT_PASSWORD": self.secret_key, "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off", "HOME": str(self.folder)} | self.env)
        process.wait_ready(lambda: http_ok(f"{self.endpoint}/minio/health/ready"))


class Versitygw(ObjectStore):
    name = "versitygw"
    program = "versitygw"

    def _start(self):
        arguments = [find_program("versitygw"), "--access", self.access_key, "--secret", self.secret_key,
                     "--region", self.region, "--port", f"{self.host}:{self.port}", "--health", "/health",
                     "posix", str(self.data)]
        self._spawn(arguments).wait_ready(lambda: http_ok(f"{self.endpoint}/health"))


SWIFT_PIPELINE = ("catch_errors proxy-logging cache listing_formats s3api tempauth bulk copy slo dlo "
                  "versioned_writes proxy-logging proxy-server")

SWIFT_PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
[pipeline:main]
pipeline = {pipeline}
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{name} = {secret} .admin
[filter:s3api]
use = egg:swift#s3api
location = {region}
min_segment_size = 5242880
max_upload_part_num = {part_most}
auth_pipeline_check = false
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
"""

SWIFT_BACKEND = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
devices = {folder}/data
mount_check = false
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""

# One replica, one device a ring. Run apart because importing Swift takes the better part of a second.
SWIFT_RINGS = """
import sys
from swift.common.ring import RingBuilder
folder, *rings = sys.argv[1:]
for ring in rings:
    name, port = ring.split("=")
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port),
                     "replication_ip": "127.0.0.1", "replication_port": int(port),
                     "device": "disk", "weight": 1, "meta": ""})
    builder.rebalance()
    builder.get_ring().save(folder + "/" + name + ".ring.gz")
"""


class Swift(ObjectStore):
    """Four processes: proxy with the S3 API, account, container and object server."""

    name = "swift"
    program = "swift-proxy-server"
    access_key = "verbatim:tester"  # account and user of tempauth; the colon is a good test of encoding
    secret_key = "verbatim-secret-key"
    part_most = 1000  # the highest part number, as it comes

    def _start(self):
        ports = {kind: free_port() for kind in ("account", "container", "object")}
        (self.data / "disk").mkdir(exist_ok=True)
        self._make_rings(ports)
        user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
        for kind, port in ports.items():
            text = SWIFT_BACKEND.format(kind=kind, port=port, user=user, folder=self.folder)
            self._run_server(kind, port, text)
        account, name = self.access_key.split(":")
        text = SWIFT_PROXY.format(port=self.port, user=user, folder=self.folder, account=account, name=name,
                                  secret=self.secret_key, region=self.region, pipeline=SWIFT_PIPELINE,
                                  part_most=self.part_most)
        self._run_server("proxy", self.port, text)
        ports["proxy"] = self.port
        for process, port in zip(self.processes, ports.values()):
            process.wait_ready(lambda port=port: port_answers(port), 120)  # it imports for long on a busy machine

    def _make_rings(self, ports):
        rings = [f"{kind}={port}" for kind, port in ports.items()]
        subprocess.run([sys.executable, "-c", SWIFT_RINGS, str(self.folder), *rings], check=True)

    def _run_server(self, kind, port, text):
        path = pathlib.Path(self.folder, f"{kind}.conf")
        path.write_text(text)
        self._spawn([f"/usr/bin/swift-{kind}-server", str(path), "-v"])


STORES = {store.name: store for store in (Minio, Versitygw, Swift)}


def available():
    """Names of the S3 servers that can be run on this machine; TEST_STORES="minio ..." names those that are wanted."""
    wanted = os.environ.get("TEST_STORES", " ".join(STORES)).split()
    return [name for name, store in STORES.items() if name in wanted and find_program(store.program)]
