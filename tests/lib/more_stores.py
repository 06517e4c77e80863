"""S3 servers that are too large or too slow to build for every run (`./run test real stores`), beside those of
object_stores. tools/real/stores.sh installs them."""

import json
import os
import pathlib
import re
import subprocess
import urllib.error
import urllib.request

import botocore.exceptions

from . import object_stores
from .ceph import Ceph, CephNext
from .object_stores import ObjectStore, find_program
from .process import KEPT, free_port


def answers(url):
    """Whether something speaks HTTP there, whatever it says."""
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def first_version(arguments, text=r"\d+\.\d+(\.\d+)?"):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    return re.search(text, done.stdout + done.stderr).group()


class S3proxy(ObjectStore):
    """S3Proxy over a folder (filesystem-nio2)."""

    name = "S3Proxy"
    program = "java"
    folder_of_jars = KEPT / "s3proxy"

    def _start(self):
        settings = pathlib.Path(self.folder, "s3proxy.conf")
        settings.write_text(f"s3proxy.endpoint={self.endpoint}\ns3proxy.authorization=aws-v2-or-v4\n"
                            f"s3proxy.identity={self.access_key}\ns3proxy.credential={self.secret_key}\n"
                            f"jclouds.provider=filesystem-nio2\njclouds.filesystem.basedir={self.data}\n")
        arguments = [find_program("java"), "-Xmx512m", "-cp", f"{self._jars()}/*", "org.gaul.s3proxy.Main",
                     "--properties", str(settings)]
        self._spawn(arguments).wait_ready(lambda: answers(self.endpoint), 120)

    def _jars(self):
        return os.environ.get("VERBATIM_S3PROXY_JARS", self.folder_of_jars)

    def version(self):
        return next(re.search(r"s3proxy-(.*)\.jar", path.name).group(1)
                    for path in pathlib.Path(self._jars()).glob("s3proxy-*.jar"))


class Rclone(ObjectStore):
    """rclone serve s3 over a folder, whose folders are the buckets."""

    name = "rclone serve s3"
    program = "rclone"

    def _start(self):
        arguments = [find_program("rclone"), "--config", str(self.folder / "none"), "serve", "s3", "--addr",
                     f"127.0.0.1:{self.port}", "--auth-key", f"{self.access_key},{self.secret_key}", str(self.data)]
        self._spawn(arguments).wait_ready(lambda: answers(self.endpoint))

    def version(self):
        return first_version([find_program("rclone"), "version"])


class Seaweedfs(ObjectStore):
    """SeaweedFS in one process: master, volume server, filer and the S3 gateway."""

    name = "SeaweedFS"
    program = "weed"

    def _start(self):
        identities = self.folder / "identities.json"
        identities.write_text(json.dumps({"identities": [{
            "name": "verbatim", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            "credentials": [{"accessKey": self.access_key, "secretKey": self.secret_key}]}]}))
        ports = [f"-{part}.port{kind}={free_port()}" for part in ("master", "volume", "filer")
                 for kind in ("", ".grpc")]
        arguments = [find_program("weed"), "server", "-ip=127.0.0.1", f"-dir={self.data}", *ports, "-filer", "-s3",
                     f"-s3.port={self.port}", f"-s3.port.grpc={free_port()}", f"-s3.config={identities}",
                     "-s3.port.iceberg=0", "-master.volumeSizeLimitMB=64", "-volume.max=50",
                     "-master.telemetry=false"]
        self._spawn(arguments).wait_ready(self._takes_buckets, 120)

    def _takes_buckets(self):
        """Whether all of its parts have found each other."""
        if not answers(self.endpoint):
            return False
        try:
            self.client().create_bucket(Bucket="ready")
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError):
            return False
        return True

    def version(self):
        return first_version([find_program("weed"), "version"], r"\d+\.\d+(?= )")


class S3sFs(ObjectStore):
    """s3s-fs over a folder."""

    name = "s3s-fs"
    program = "s3s-fs"
    name_most = 96  # it keeps facts of an object in a file whose name is made of the whole key

    def _start(self):
        arguments = [find_program("s3s-fs"), "--host", "127.0.0.1", "--port", str(self.port), "--access-key",
                     self.access_key, "--secret-key", self.secret_key, str(self.data)]
        self._spawn(arguments).wait_ready(lambda: answers(self.endpoint))

    def version(self):
        return first_version([find_program("s3s-fs"), "--version"])


class Minio(object_stores.Minio):
    name = "MinIO"

    def version(self):
        return first_version([find_program("minio"), "--version"], r"RELEASE\.\S+|DEVELOPMENT\.\S+")


class Versitygw(object_stores.Versitygw):
    def version(self):
        return first_version(["go", "version", "-m", find_program("versitygw")], r"(?<=versitygw\tv)\S+")


class Swift(object_stores.Swift):
    name = "OpenStack Swift"

    def version(self):
        return first_version(["dpkg-query", "-Wf", "${Version}", "swift-proxy"])


SERVERS = {"minio": Minio, "versitygw": Versitygw, "swift": Swift, "s3proxy": S3proxy, "rclone": Rclone,
           "seaweedfs": Seaweedfs, "s3s-fs": S3sFs, "ceph": Ceph, "ceph-next": CephNext}


def is_here(name):
    if name == "s3proxy" and not any(pathlib.Path(S3proxy()._jars()).glob("s3proxy-*.jar")):
        return False
    if issubclass(SERVERS[name], Ceph):
        return SERVERS[name].is_here()
    return find_program(SERVERS[name].program) is not None
