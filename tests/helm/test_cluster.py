"""A real kube-apiserver takes all that the chart makes, and a release lives there: installed, used, tested, upgraded,
rolled back, uninstalled, by both releases of Helm. What is real and what stands in: tests/lib/kubernetes.py."""

import base64
import json
import os
import subprocess
import urllib.request

import pytest
import yaml

from tests.helm.conftest import CHART, HELMS, TOOLS, run_tool
from tests.lib import http_source as source
from tests.lib.kubernetes import Node
from tests.lib.process import free_port, wait_until
from tests.lib.service import Program, http_request
from tests.lib.tls import Authority

NAMESPACE = "exports"
CHART_USER = 10001


@pytest.fixture(scope="module")
def defined(plane):
    wanted = ("httproutes.", "servicemonitors.", "prometheusrules.", "scaledobjects.", "triggerauthentications.")
    for path in sorted((TOOLS / "definitions").glob("*.yaml")):
        definition = yaml.safe_load(path.read_text())
        if definition["metadata"]["name"].startswith(wanted):
            plane.define(definition)
    return plane


def test_everything_is_taken_with_every_field_judged(defined, values):
    name = values.stem
    defined.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    rendered = run_tool("helm4", "template", "acme", CHART, "--namespace", name, "--values", values,
                        "--set", "networkPolicy.enabled=true").stdout
    things = [thing for thing in yaml.safe_load_all(rendered) if thing]
    for thing in things:
        defined.create(thing, name, dry=True)
    print(name, len(things), "objects taken by Kubernetes", defined.call("GET", "/version")["gitVersion"])


class Release:
    """One release in a namespace of its own, with a node that runs what it makes."""

    def __init__(self, helm, plane, postgres, verbatim, folder, namespace=None, prepare=True):
        self.helm, self.plane, self.folder = helm, plane, folder / helm
        self.folder.mkdir()
        for place in (self.folder, folder):  # the pods' user has to get through
            place.chmod(0o755)
        self.namespace = namespace or f"{NAMESPACE}-{helm}"
        self.database = postgres.create_database(f"chart_{self.namespace.replace('-', '_')}")
        source.make_source(self.database)
        self.port = free_port()
        self.program = Program(verbatim, self.database.url)
        self.node = Node(plane, self.namespace, verbatim, self.folder)
        if prepare:
            self.prepare()

    def prepare(self):
        """Namespace, secret and values, as docs/kubernetes.md tells to make them."""
        (self.folder / "archives").mkdir()
        self.plane.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        self.plane.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "verbatim"}, "data": {
            "database_url": base64.b64encode(self.database.url.encode()).decode()}}, self.namespace)
        self.values = self.folder / "values.yaml"
        self.values.write_text(json.dumps({
            "secrets": {"database_url": {"existingSecret": "verbatim"}},
            "fileStorage": {"existingClaim": "archives"},
            "options": {"base_url": f"http://127.0.0.1:{self.port}", "storage": f"file://{self.folder}/archives",
                        "stop_delay": "100ms"},
            "serve": {"replicas": 1, "port": self.port}}))

    def run(self, *words, check=True):
        """Helm works while the node does; both are waited for."""
        child = subprocess.Popen([TOOLS / self.helm, "--namespace", self.namespace, *map(str, words)], text=True,
                                 env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wait_until(lambda: self.node.step() or child.poll() is not None, f"helm {words[0]}", 120)
        told = child.stdout.read()
        assert (child.returncode == 0) == check, told
        self.node.step()
        return told

    def environment(self):
        homes = {f"HELM_{kind}_HOME": str(self.folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        return os.environ | homes | {"KUBECONFIG": str(self.plane.kubeconfig)}

    def apply(self, word, *more, check=True):
        return self.run(word, "verbatim", CHART, "--values", self.values, *more, check=check)

    def options(self, role):
        text = self.plane.get("ConfigMap", self.namespace, f"verbatim-{role}")["data"]["verbatim.conf"]
        return dict(line.split(" = ", 1) for line in text.splitlines())

    def pods(self):
        return {name: pod.pid for name, (_, pod) in self.node.running.items()}

    def export(self, key, workspace="one"):
        answer = http_request(self.port, "POST", f"/api/v1/workspace/{workspace}/exports", json.dumps(
            {"format": "csv", "select": {"channel_id": source.LONELY},
             "filter": {"from": "2026-02-01", "to": "2026-02-28"}}),
            {"X-API-Key": key, "Content-Type": "application/json"})
        assert answer.status in (201, 202), answer.body
        path = f"/api/v1/workspace/{workspace}/exports/{answer.json()['export_id']}"

        def ended():
            job = http_request(self.port, "GET", path, headers={"X-API-Key": key}).json()
            return job if job["status"] not in ("queued", "started") else None
        job = wait_until(ended, "the export", 60)
        assert job["status"] == "finished", job
        with urllib.request.urlopen(job["download_url"], timeout=30) as answer:
            return answer.read()


@pytest.fixture(scope="module", params=HELMS)
def release(request, plane, postgres, verbatim, folder):
    made = Release(request.param, plane, postgres, verbatim, folder)
    with made.node:
        yield made


@pytest.mark.skipif(os.geteuid() != 0, reason="the node's mounts need root")
class TestRelease:
    """In order: each step stands on the one before."""

    key = None

    def test_install(self, release):
        """migrate ran first, as the hook; then both roles are there, under the chart's user, without a capability."""
        told = release.apply("install")
        assert f"http://127.0.0.1:{release.port}/console/" in told
        assert "schema" in release.node.log("verbatim-migrate")
        assert set(release.pods()) == {"verbatim-serve", "verbatim-worker"}
        for pid in release.pods().values():
            status = open(f"/proc/{pid}/status").read()
            assert "Uid:\t10001\t10001" in status and "CapEff:\t0000000000000000" in status
            assert open(f"/proc/{pid}/comm").read() == "verbatim\n"
        assert release.plane.listed("Job", release.namespace) == [], "a hook that succeeded is gone"

    def test_an_export(self, release):
        """Workspaces and keys are made in a pod, by the same program; the order is the API's, the work the worker's."""
        type(self).key = source.make_workspaces(release.program)["one"]
        assert release.export(self.key)[:2] == b"PK"
        assert release.database.value("SELECT count(*) FROM verbatim.job WHERE status = 'finished'") == 1

    def test_helm_test(self, release):
        assert "Succeeded" in release.run("test", "verbatim")
        log = release.node.log("verbatim-test-doctor")
        assert "ok       database" in log and "failed" not in log

    def test_upgrade(self, release):
        """An option changes: migrate runs again, the pods are new ones, and what was exported is still there."""
        before = release.pods()
        release.apply("upgrade", "--set", "options.link_ttl=48h")
        assert release.options("serve")["link_ttl"] == release.options("worker")["link_ttl"] == "48h"
        after = release.pods()
        assert set(after) == set(before) and not set(after.values()) & set(before.values())
        assert release.export(self.key)[:2] == b"PK"

    def test_an_upgrade_that_changes_nothing_replaces_nothing(self, release):
        before = release.pods()
        release.apply("upgrade", "--set", "options.link_ttl=48h")
        assert release.pods() == before

    def test_a_wrong_value_changes_nothing(self, release):
        before = release.pods()
        assert "lnk" in release.apply("upgrade", "--set", "options.lnk=48h", check=False)
        assert release.pods() == before and release.options("serve")["link_ttl"] == "48h"

    def test_an_upgrade_whose_schema_fails_leaves_the_release_running(self, release):
        """The hook's pod ends with a failure: the pods that run are left as they are."""
        before = release.pods()
        release.plane.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "wrong"}, "data": {
            "database_url": base64.b64encode(b"postgresql://127.0.0.1:1/none").decode()}}, release.namespace)
        told = release.apply("upgrade", "--set", "migrate.database_url.existingSecret=wrong",
                             "--set", "options.link_ttl=1h", check=False)
        assert "pre-upgrade hooks failed" in told
        assert release.pods() == before and release.options("serve")["link_ttl"] == "48h"
        assert release.export(self.key)[:2] == b"PK"
        assert release.plane.get("Job", release.namespace, "verbatim-migrate"), "to be looked at"

    def test_tls_of_the_api_itself(self, release):
        """The pods are ready, which by the probe's scheme means that they speak it."""
        certificate, key = Authority(release.folder).certificate("server")
        release.plane.create({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "certificate"},
            "data": {name: base64.b64encode(path.read_bytes()).decode()
                     for name, path in (("tls.crt", certificate), ("tls.key", key))}}, release.namespace)
        release.apply("upgrade", "--set", "tls.existingSecret=certificate")
        assert release.options("serve")["tls_key_file"] == "/etc/verbatim/tls/tls.key"
        health = release.program.run("healthcheck", options={
            "listen": f"127.0.0.1:{release.port}", "tls_cert_file": certificate, "tls_key_file": key})
        assert health.stdout == "ok\n"

    def test_rollback(self, release):
        before = release.pods()
        release.run("rollback", "verbatim", "1")
        assert "link_ttl" not in release.options("serve")
        assert not set(release.pods().values()) & set(before.values())
        assert release.export(self.key)[:2] == b"PK"

    def test_uninstall(self, release):
        """Nothing of the release stays but the test's pod, which is there to be looked at (so was the job that failed,
        until the next upgrade); and nothing that is not the release's goes: database, archives, secrets."""
        release.run("uninstall", "verbatim")
        assert release.pods() == {}
        left = {kind: [thing["metadata"]["name"] for thing in release.plane.listed(kind, release.namespace)]
                for kind in ("Deployment", "Service", "ConfigMap", "Job", "Pod")}
        assert left == {"Deployment": [], "Service": [], "ConfigMap": [], "Job": [], "Pod": ["verbatim-test-doctor"]}
        assert release.plane.get("Secret", release.namespace, "verbatim")
        assert release.database.value("SELECT count(*) FROM verbatim.job WHERE status = 'finished'") == 4
        assert list((release.folder / "claim-archives").rglob("*.zip"))
