"""docs/kubernetes.md, followed to the letter: its commands are run in their order, by a shell, on a real API server,
with a real object store. Addresses, names and passwords of its examples are those of this test's servers; images are
not built (`./run test real container` does), and as no kubelet hands out logs and shells, `--logs` is left out and
`exec` enters the pod's process."""

import re
import shlex
import subprocess

import pytest

from tests.helm.conftest import ROOT, TOOLS
from tests.helm.test_cluster import CHART_USER, Release
from tests.lib.process import wait_until

DOCUMENT = ROOT / "docs/kubernetes.md"
NAMESPACE = "exports"


def commands(text):
    """Of its console blocks: what stands behind each `$`, with the lines that belong to it."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S):
        for command in re.split(r"^\$ ", block, flags=re.M)[1:]:
            yield command.rstrip("\n")


def test_commands_are_found():
    found = list(commands("```console\n$ a \\\n    b\n$ c <<'END'\nd\nEND\n```\ntext\n```yaml\n$ no\n```\n"))
    assert found == ["a \\\n    b", "c <<'END'\nd\nEND"]


class Reader(Release):
    """Who follows the document: a shell in a folder with the project's files, and the programs that it names."""

    def __init__(self, plane, postgres, verbatim, folder, store):
        super().__init__("helm4", plane, postgres, verbatim, folder, namespace=NAMESPACE, prepare=False)
        self.store = store
        store.make_bucket("exports")
        (self.folder / "helm").symlink_to(ROOT / "helm")
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        self.write_program("helm", f'exec {TOOLS}/helm4 "${{@/--logs/--debug=false}}"')
        self.write_program("kubectl", f"""
            [[ " $* " == *" exec "* ]] || exec {TOOLS}/kubectl "$@"
            pod=$(sed 's/.* exec deploy\\/\\([^ ]*\\) -- .*/\\1/' <<<"$*")
            while [ "$1" != -- ]; do shift; done
            pid=$(cat {self.folder}/$pod.pid)
            mapfile -d '' variables </proc/$pid/environ
            exec nsenter --target $pid --mount setpriv --reuid={CHART_USER} --regid={CHART_USER} --clear-groups \\
                env --ignore-environment "${{variables[@]}}" {verbatim} "${{@:3}}" """)

    def write_program(self, name, text):
        path = self.programs / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def here(self, command):
        """The document's examples as things of this test."""
        host = re.search(r"@([^/]+)/", self.database.url)[1]
        for example, ours in (
                ("postgresql://verbatim:SECRET@db.example.com/verbatim", self.database.url), ("db.example.com", host),
                ("=KEY", "=" + self.store.access_key), ("AWS_SECRET_ACCESS_KEY=SECRET", "AWS_SECRET_ACCESS_KEY="
                 + self.store.secret_key), ("https://minio.example.com", self.store.endpoint),
                ("https://exports.example.com", f"http://127.0.0.1:{self.port}"), ("DATABASE", self.database.name),
                ("options:\n", f"serve: {{port: {self.port}}}\noptions:\n")):
            command = command.replace(example, ours)
        return command

    def follow(self, command):
        path = f"{self.programs}:/usr/sbin:/usr/bin:/sbin:/bin"
        env = self.environment() | {"PATH": path, "OWNER": self.database.url}
        child = subprocess.Popen(["bash", "-euc", self.here(command)], cwd=self.folder, env=env, text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if " create namespace " not in f" {command}":
            wait_until(lambda: self.node.step() or child.poll() is not None, command, 120)
        told = child.communicate()[0]
        for name, pid in self.pods().items():
            (self.folder / f"{name}.pid").write_text(str(pid))
        assert child.returncode == 0, f"{command}\n{told}"
        return told


@pytest.fixture(scope="module")
def reader(plane, postgres, verbatim, folder, minio):
    made = Reader(plane, postgres, verbatim, folder, minio)
    with made.node:
        yield made


def test_the_document_works_as_it_stands(reader):
    followed, told = [], {}
    for command in commands(DOCUMENT.read_text()):
        word = shlex.split(command.splitlines()[0].rstrip("\\"))[0]
        if word == "buildah":
            continue
        told[command] = reader.follow(command)
        followed.append(command.splitlines()[0])
    print("followed:", *followed, sep="\n  ")
    assert len(followed) >= 10
    key = next(text for command, text in told.items() if "key create" in command).strip()
    reader.database.execute("UPDATE chat.channel SET workspace_id = 'acme';"
                            "UPDATE chat.conversation SET workspace_id = 'acme'")
    assert reader.export(key, "acme")[:2] == b"PK"
    scaler = reader.here("postgresql://verbatim_keda:SECRET@db.example.com/DATABASE")
    depth = subprocess.run(["psql", scaler, "-Atc", "SELECT verbatim.queue_depth(3)"], capture_output=True, text=True)
    assert depth.stdout == "0\n", depth.stderr
