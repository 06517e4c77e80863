"""The image: built by buildah, run by podman as a cluster runs it, with a read-only root and no capability, as a
user of its own or any other."""

import contextlib
import json
import os
import pathlib
import resource
import shutil
import subprocess
import time

import pytest

from tests.lib import http_source as source
from tests.lib.process import ROOT, free_port, wait_until
from tests.lib.service import http_request

FOLDER = pathlib.Path(os.environ["CONTAINER_FOLDER"])
BASE = "localhost/debian:12-slim"
IMAGE = "localhost/verbatim:test"
USER = 10001
SIZE_MOST = 330e6
pytestmark = pytest.mark.timeout(2400)  # the first one builds
LEFT_OUT = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian",
            "var/cache/apt", "var/lib/apt/lists", "var/log")


def tool(name, *arguments, check=True, seconds=1800, **settings):
    """buildah or podman with a storage of this test's own."""
    done = subprocess.run([name, "--root", FOLDER / "storage", "--runroot", FOLDER / "run", "--storage-driver", "vfs",
                           *arguments], capture_output=True, text=True, timeout=seconds, **settings)
    told = f"{name} {' '.join(map(str, arguments))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    assert not check or done.returncode == 0, told
    return done


def make_base():
    """What the registry's debian:12-slim is: the smallest Debian, without documents, manuals and languages. It takes
    packages from where this machine does."""
    root = FOLDER / "base"
    if not (root / "bin/bash").exists():
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", root], check=True,
                       capture_output=True, timeout=900)
    for name in LEFT_OUT:
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir(parents=True)
    made = tool("buildah", "from", "scratch").stdout.strip()
    tool("buildah", "add", "--quiet", made, root, "/")
    tool("buildah", "config", "--cmd", "bash", made)
    tool("buildah", "commit", "--quiet", "--rm", made, BASE)


@pytest.fixture(scope="module")
def image():
    FOLDER.mkdir(parents=True, exist_ok=True)
    if tool("buildah", "inspect", "--type", "image", BASE, check=False).returncode != 0:
        make_base()
    started = time.monotonic()
    # The kernel's own isolation for the steps: a machine that is a container itself may forbid more.
    tool("buildah", "build", "--isolation", "chroot", "--network", "host", "--format", "docker", "--layers",
         "--build-arg", f"BASE={BASE}", "--file", "container/Containerfile", "--tag", IMAGE, ROOT, cwd=ROOT)
    about = json.loads(tool("podman", "image", "inspect", IMAGE).stdout)[0]
    base = json.loads(tool("podman", "image", "inspect", BASE).stdout)[0]
    print(f"image {about['Size'] / 1e6:.0f} MB, of which the base has {base['Size'] / 1e6:.0f} MB;"
          f" built in {time.monotonic() - started:.0f} s")
    yield about
    tool("podman", "image", "prune", "--force", check=False)


def run_arguments(*more, user=None):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return ["--runtime", shutil.which("runc", path="/usr/sbin:/usr/bin"), "run", "--network", "host", "--read-only",
            "--read-only-tmpfs=false", "--tmpfs", "/var/tmp:rw,mode=1777,size=64m", "--cap-drop", "all",
            "--security-opt", "no-new-privileges", "--ulimit", f"nofile={most}:{most}", "--ulimit", "nproc=4096:4096",
            *(["--user", f"{user}:{user}"] if user else []), *more]


class Container:
    """Options as variables, archives in a volume; commands run beside the service as `kubectl exec` runs them."""

    def __init__(self, database, folder, user=USER):
        self.archives = folder / f"archives-{user}"
        self.archives.mkdir()
        os.chown(self.archives, user, user)
        for above in (folder, folder.parent):  # the user in the container has to get through
            above.chmod(above.stat().st_mode | 0o011)
        self.user, self.port, self.id = user, free_port(), None
        self.options = {"database_url": database.url, "storage": "file:///var/lib/verbatim", "workers": 2,
                        "listen": f"127.0.0.1:{self.port}"}

    def arguments(self, *more):
        env = [f"--env=VERBATIM_{name.upper()}={value}" for name, value in self.options.items()]
        return run_arguments(*env, "--volume", f"{self.archives}:/var/lib/verbatim", *more, user=self.user)

    def command(self, *words, check=True):
        return tool("podman", *self.arguments("--rm", "--no-healthcheck", IMAGE, *words), check=check)

    @contextlib.contextmanager
    def serve(self):
        self.id = tool("podman", *self.arguments("--detach", IMAGE)).stdout.strip()
        try:
            wait_until(self.ready, "the container to get ready", 60)
            yield self
        except BaseException:
            print(tool("podman", "logs", self.id, check=False).stderr)
            raise
        finally:
            tool("podman", "rm", "--force", self.id, check=False)

    def ready(self):
        try:
            return http_request(self.port, "GET", "/readyz").status == 200
        except OSError:
            return False

    def inside(self, *words, check=True):
        return tool("podman", "--runtime", shutil.which("runc", path="/usr/sbin:/usr/bin"), "exec", self.id, *words,
                    check=check)


def test_what_it_is(image):
    config = image["Config"]
    assert config["User"] == f"{USER}:{USER}"
    assert config["Entrypoint"] == ["/usr/bin/verbatim"] and config["Cmd"] == ["serve"]
    assert image["Healthcheck"]["Test"] == ["CMD", "/usr/bin/verbatim", "healthcheck"]
    assert image["Size"] < SIZE_MOST


def listing(*words):
    told = tool("podman", *run_arguments("--rm", "--no-healthcheck", "--workdir", "/", "--entrypoint", words[0], IMAGE,
                                         *words[1:], user="0"))
    return told.stdout.splitlines()


def test_what_is_in_it(image):
    """Nothing of what built it, nothing that takes another user's rights, no library that is missing."""
    inside = ("find", "/", "-xdev", "-path", "/var/lib/verbatim", "-prune", "-o")
    assert listing(*inside, "(", "-name", "cc1", "-o", "-name", "cmake", "-o", "-name", "*.h", "-o", "-path", "/src",
                   "-o", "-name", "libraries", ")", "-print") == []
    assert listing(*inside, "-type", "f", "-perm", "/6000", "-print") == []
    assert not [line for line in listing("ldd", "/usr/bin/verbatim") if "not found" in line]


@pytest.fixture(scope="module")
def prepared(image, program, database):
    source.make_source(database)
    return source.make_workspaces(program)


def test_it_serves_and_exports_and_ends(prepared, database, folder):
    """migrate, serve, an export as CSV and one as PDF, whose fonts are the image's, health, and the end."""
    container = Container(database, folder)
    assert "schema" in container.command("migrate").stdout
    with container.serve():
        assert container.inside("/usr/bin/verbatim", "healthcheck").stdout == "ok\n"
        assert tool("podman", "--runtime", shutil.which("runc", path="/usr/sbin:/usr/bin"), "healthcheck", "run",
                    container.id).returncode == 0
        status = container.inside("cat", "/proc/1/status").stdout
        assert f"Uid:\t{USER}\t{USER}" in status
        assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status
        assert "Read-only file system" in container.inside("touch", "/usr/bin/x", check=False).stderr
        for form in ("csv", "pdf"):
            created = http_request(
                container.port, "POST", "/api/v1/workspace/one/exports", json.dumps(
                    {"format": form, "select": {"channel_id": source.LONELY},
                     "filter": {"from": "2026-02-01", "to": "2026-02-28"}}),
                {"X-API-Key": prepared["one"], "Content-Type": "application/json"})
            assert created.status in (201, 202), created.body
            link = wait_until(lambda: finished(container, prepared["one"], created.json()["export_id"]), f"the {form}")
            assert http_request(container.port, "GET", link.split(f":{container.port}", 1)[1]).body[:2] == b"PK"
        started = time.monotonic()
        tool("podman", "stop", "--time", "30", container.id)
        assert json.loads(tool("podman", "inspect", container.id).stdout)[0]["State"]["ExitCode"] == 0
        print(f"ended {time.monotonic() - started:.1f} s after SIGTERM, with stop_delay = 5s")


def finished(container, key, export):
    answer = http_request(container.port, "GET", f"/api/v1/workspace/one/exports/{export}", headers={"X-API-Key": key})
    body = answer.json()
    assert body["status"] not in ("failed", "cancelled"), body
    return body["download_url"] if body["status"] == "finished" else None


def test_it_runs_as_whichever_user_a_platform_assigns(prepared, database, folder):
    with Container(database, folder, user=1000650000).serve() as container:
        assert container.inside("/usr/bin/verbatim", "healthcheck").stdout == "ok\n"


def test_it_listens_on_all_addresses_unless_told_otherwise(prepared, database, folder):
    container = Container(database, folder, user=20002)
    del container.options["listen"]
    refused = container.command("serve", check=False)
    assert refused.returncode == 2 and "0.0.0.0:8080" in refused.stderr and "base_url" in refused.stderr
