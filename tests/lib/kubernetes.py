"""A real control plane, and a node that stands in for the kubelet.

`ControlPlane` is kube-apiserver with etcd: what it takes, it takes as any cluster of its version would. There are no
controllers and no kubelet beside it, so `Node` does their work as far as a chart needs it: it runs the container of a
Job, a Deployment or a bare Pod as a process of this machine with its variables, its volumes at their places, its user,
no capability and a read-only root, asks its readiness probe, and writes their states. There is one pod for a
Deployment however many it wants, no network of a pod's own, no limit of resources, and no image: the program is the one
under test.
"""

import base64
import contextlib
import datetime
import json
import pathlib
import shutil
import signal
import ssl
import subprocess
import urllib.error
import urllib.request

from .process import Process, free_port, wait_until
from .service import clean_environment

TOKEN = "token"
CONFIGURATION = pathlib.Path("/etc/verbatim")
KINDS = {"Secret": "/api/v1", "ConfigMap": "/api/v1", "Service": "/api/v1", "Pod": "/api/v1",
         "Deployment": "/apis/apps/v1", "Job": "/apis/batch/v1"}


class Refused(Exception):
    """What the API server said no to, in its words."""


class ControlPlane:
    """Start it as a context; `folder` holds its state and logs."""

    def __init__(self, programs, folder):
        self.programs, self.folder = pathlib.Path(programs), pathlib.Path(folder)
        self.port, etcd, peers = free_port(), free_port(), free_port()
        self.etcd_url, self.peer_url = f"http://127.0.0.1:{etcd}", f"http://127.0.0.1:{peers}"
        self.processes = []
        self.trust = ssl.create_default_context()
        self.trust.check_hostname = False
        self.trust.verify_mode = ssl.CERT_NONE

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.stop()

    def _start(self):
        key, tokens = self.folder / "accounts.key", self.folder / "tokens.csv"
        tokens.write_text(f"{TOKEN},admin,admin,system:masters\n")
        self._make_key(key)
        self.processes.append(Process([
            self.programs / "etcd", "--data-dir", self.folder / "etcd", "--unsafe-no-fsync",
            "--listen-client-urls", self.etcd_url, "--advertise-client-urls", self.etcd_url,
            "--listen-peer-urls", self.peer_url, "--initial-advertise-peer-urls", self.peer_url,
            "--initial-cluster", f"default={self.peer_url}"], self.folder / "etcd.log"))
        self.processes.append(Process([
            self.programs / "kube-apiserver", "--etcd-servers", self.etcd_url, "--bind-address", "127.0.0.1",
            "--secure-port", str(self.port), "--cert-dir", self.folder / "certificates", "--token-auth-file", tokens,
            "--service-account-issuer", "https://kubernetes.default", "--service-account-key-file", key,
            "--service-account-signing-key-file", key, "--authorization-mode", "RBAC",
            "--service-cluster-ip-range", "10.96.0.0/16", "--disable-admission-plugins", "ServiceAccount",
        ], self.folder / "apiserver.log"))
        self.processes[-1].wait_ready(self._ready, 90)
        self._write_kubeconfig()

    @staticmethod
    def _make_key(path):
        subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True, capture_output=True)

    def _write_kubeconfig(self):
        self.kubeconfig = self.folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "admin"}}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "clusters": [{"name": "here", "cluster": {"server": f"https://127.0.0.1:{self.port}",
                                                      "insecure-skip-tls-verify": True}}]}))

    def _ready(self):
        try:
            return self.call("GET", "/readyz", raw=True) == b"ok"
        except (OSError, Refused):
            return False

    def call(self, method, path, body=None, kind="application/json", raw=False):
        """The answer's JSON; Refused tells what was said."""
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.port}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.trust) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Refused(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from None
        return text if raw else json.loads(text)

    def create(self, thing, namespace=None, dry=False):
        """With every field judged; `dry`: nothing is kept."""
        place = self.place(thing, namespace) + "?fieldValidation=Strict"
        return self.call("POST", place + ("&dryRun=All" if dry else ""), thing)

    def place(self, thing, namespace=None):
        """Where things of its kind lie, as the API server itself tells."""
        version = thing["apiVersion"]
        root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        known = {each["kind"]: each for each in self.call("GET", root)["resources"] if "/" not in each["name"]}
        resource = known[thing["kind"]]
        inside = f"/namespaces/{namespace or thing['metadata']['namespace']}" if resource["namespaced"] else ""
        return f"{root}{inside}/{resource['name']}"

    def listed(self, kind, namespace):
        return self.call("GET", f"{KINDS[kind]}/namespaces/{namespace}/{kind.lower()}s")["items"]

    def get(self, kind, namespace, name):
        return self.call("GET", f"{KINDS[kind]}/namespaces/{namespace}/{kind.lower()}s/{name}")

    def define(self, definition):
        """A CustomResourceDefinition, until its kind can be made."""
        definition["metadata"].setdefault("annotations", {})["api-approved.kubernetes.io"] = "unapproved, for a test"
        self.create(definition)
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" + definition["metadata"]["name"]

        def established():
            conditions = self.call("GET", path)["status"].get("conditions") or ()
            return any((each["type"], each["status"]) == ("Established", "True") for each in conditions)
        wait_until(established, path)


class Node:
    """Runs what the API server has, as a context, whenever step() is called: children end with the thread that started
    them, so it has none of its own."""

    def __init__(self, plane, namespace, program, folder):
        self.plane, self.namespace, self.program, self.folder = plane, namespace, program, pathlib.Path(folder)
        self.running, self.ended, self.failures, self.logs = {}, set(), [], {}
        self.number = 0

    def __enter__(self):
        self.made = not CONFIGURATION.exists()
        CONFIGURATION.mkdir(exist_ok=True)  # volumes are mounted over it, in namespaces of their own
        return self

    def __exit__(self, *_):
        for name in list(self.running):
            self._stop(name)
        if self.made:
            CONFIGURATION.rmdir()

    def step(self):
        """One look at what is wanted; called by whoever waits for something."""
        for job in self.plane.listed("Job", self.namespace):
            if job["metadata"]["uid"] not in self.ended:
                self._run_job(job)
        for pod in self.plane.listed("Pod", self.namespace):
            if pod["metadata"]["uid"] not in self.ended:
                self._run_pod(pod)
        wanted = {each["metadata"]["name"]: each for each in self.plane.listed("Deployment", self.namespace)}
        for name in set(self.running) - set(wanted):
            self._stop(name)
        for name, deployment in wanted.items():
            self._run_deployment(name, deployment)

    # --- states ---

    def _run_job(self, job):
        self.ended.add(job["metadata"]["uid"])
        status = self._run_to_end(job["metadata"]["name"], job["spec"]["template"]["spec"])
        now = self._now()
        done = [{"type": kind, "status": "True", "lastTransitionTime": now, "lastProbeTime": now,
                 **({} if status == 0 else {"reason": "BackoffLimitExceeded"})}
                for kind in (("SuccessCriteriaMet", "Complete") if status == 0 else ("FailureTarget", "Failed"))]
        self._write_status("Job", job, {
            "startTime": now, "conditions": done, "ready": 0,
            **({"succeeded": 1, "completionTime": now} if status == 0 else {"failed": 1})})

    def _run_pod(self, pod):
        self.ended.add(pod["metadata"]["uid"])
        status = self._run_to_end(pod["metadata"]["name"], pod["spec"])
        self._write_status("Pod", pod, {"phase": "Succeeded" if status == 0 else "Failed"})

    def _run_deployment(self, name, deployment):
        template = deployment["spec"]["template"]
        mark = json.dumps(template, sort_keys=True)
        wanted = min(deployment["spec"]["replicas"], 1)
        if name in self.running and (self.running[name][0] != mark or wanted == 0):
            self._stop(name)
        if wanted and name not in self.running:
            pod = self._start(name, template["spec"])
            self.running[name] = (mark, pod)
            self._wait_ready(name, pod, template["spec"])
            self._tell_deployment(name)
        elif name in self.running and not self.running[name][1].running:
            raise AssertionError(f"{name} has ended:\n{self.log(name)}")
        elif deployment.get("status", {}).get("observedGeneration") != deployment["metadata"]["generation"]:
            self._tell_deployment(name)

    def _tell_deployment(self, name):
        deployment = self.plane.get("Deployment", self.namespace, name)
        count, now = deployment["spec"]["replicas"], self._now()
        self._write_status("Deployment", deployment, {
            "observedGeneration": deployment["metadata"]["generation"], "replicas": count, "updatedReplicas": count,
            "readyReplicas": count, "availableReplicas": count, "conditions": [
                {"type": kind, "status": "True", "reason": reason, "lastUpdateTime": now, "lastTransitionTime": now}
                for kind, reason in (("Available", "MinimumReplicasAvailable"),
                                     ("Progressing", "NewReplicaSetAvailable"))]})

    def _write_status(self, kind, thing, status):
        path = f"{KINDS[kind]}/namespaces/{self.namespace}/{kind.lower()}s/{thing['metadata']['name']}/status"
        self.plane.call("PATCH", path, {"status": status}, "application/merge-patch+json")

    @staticmethod
    def _now():
        return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    # --- processes ---

    def log(self, name):
        return self.logs[name].read_text(errors="replace") if name in self.logs else ""

    def _run_to_end(self, name, spec):
        return self._start(name, spec).child.wait(300)

    def _stop(self, name):
        _, pod = self.running.pop(name)
        if pod.running:
            status = pod.stop(pod.grace)
            assert status == 0, f"{name} ended with {status}:\n{self.log(name)}"

    def _wait_ready(self, name, pod, spec):
        probe = spec["containers"][0].get("readinessProbe")
        if not probe:  # its own word for it, so that no signal comes before its handlers
            pod.wait_ready(lambda: " started: " in self.log(name), 60)
            return
        asked = probe["httpGet"]
        port = next(each["containerPort"] for each in spec["containers"][0]["ports"] if each["name"] == asked["port"])
        url = f"{asked['scheme'].lower()}://127.0.0.1:{port}{asked['path']}"

        def ready():
            with contextlib.suppress(OSError):  # as the kubelet, which verifies no certificate
                return urllib.request.urlopen(url, timeout=5, context=self.plane.trust).status == 200
        pod.wait_ready(ready, 60)

    def _start(self, name, spec):
        for container in spec.get("initContainers", ()):
            status = self._process(f"{name}-{container['name']}", spec, container).child.wait(120)
            assert status == 0, self.log(f"{name}-{container['name']}")
        pod = self._process(name, spec, spec["containers"][0])
        pod.grace = spec.get("terminationGracePeriodSeconds", 30)
        return pod

    def _process(self, name, spec, container):
        """In a mount namespace of its own, where everything but the container's volumes is read-only."""
        self.number += 1
        place = self.folder / f"pod-{self.number}"
        place.mkdir()
        volumes = {volume["name"]: self._volume(place, volume, spec) for volume in spec.get("volumes", ())}
        mounts = [(volumes[mount["name"]] / mount.get("subPath", ""), mount)
                  for mount in container.get("volumeMounts", ())]
        script = ["set -e", "mount --make-rprivate /", *self._mount_lines(place, mounts)]
        script.append('exec "$@"')
        security = {**spec["securityContext"], **container["securityContext"]}
        assert security["readOnlyRootFilesystem"] and security["capabilities"]["drop"] == ["ALL"]
        words = ["unshare", "--mount", "bash", "-c", "\n".join(script), "pod", "setpriv",
                 f"--reuid={security['runAsUser']}", f"--regid={security['runAsGroup']}",
                 f"--groups={security['fsGroup']}", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs",
                 self.program, *container.get("args", ())]
        self.logs[name] = place / "log"
        return Process(words, self.logs[name], env=self._environment(container), death_signal=signal.SIGTERM)

    @staticmethod
    def _mount_lines(place, mounts):
        """/etc/verbatim is a folder of the pod's own; a file or folder of a volume is bound to its place in it."""
        (place / "etc").mkdir()
        yield f"mount --bind {place / 'etc'} /etc/verbatim"
        for origin, mount in mounts:
            target = mount["mountPath"]
            inside = place / "etc" / pathlib.Path(target).relative_to("/etc/verbatim") if target.startswith(
                "/etc/verbatim/") else None
            if inside:
                if origin.is_dir():
                    inside.mkdir(parents=True)
                else:
                    inside.touch()
            yield f"mount --bind {origin} {target}"
            if mount.get("readOnly"):
                yield f"mount -o remount,bind,ro {target}"
        yield "mount -o remount,bind,ro /"

    def _environment(self, container):
        env = {}
        for each in container.get("env", ()):
            if "value" in each:
                env[each["name"]] = each["value"]
            else:
                reference = each["valueFrom"]["secretKeyRef"]
                secret = self.plane.get("Secret", self.namespace, reference["name"])
                env[each["name"]] = base64.b64decode(secret["data"][reference["key"]]).decode()
        return clean_environment(extra=env)

    def _volume(self, place, volume, spec):
        folder = place / volume["name"]
        folder.mkdir()
        group = spec["securityContext"]["fsGroup"]
        if "emptyDir" in volume:
            for inner in ("tmp", "var-tmp"):
                (folder / inner).mkdir()
                (folder / inner).chmod(0o777)
        elif "persistentVolumeClaim" in volume:
            folder = self.folder / ("claim-" + volume["persistentVolumeClaim"]["claimName"])
            folder.mkdir(exist_ok=True)
            shutil.chown(folder, group=group)
            folder.chmod(0o2775)
        else:
            for kind, source in self._sources(volume):
                self._write_files(folder, kind, source, volume, group)
        return folder

    @staticmethod
    def _sources(volume):
        if "projected" in volume:
            for source in volume["projected"]["sources"]:
                yield from ((kind, source[kind]) for kind in source)
        elif "secret" in volume:
            yield "secret", {"name": volume["secret"]["secretName"], **volume["secret"]}
        else:
            yield "configMap", volume["configMap"]

    def _write_files(self, folder, kind, source, volume, group):
        thing = self.plane.get("Secret" if kind == "secret" else "ConfigMap", self.namespace, source["name"])
        mode = volume.get("projected", volume.get("secret", volume.get("configMap", {}))).get("defaultMode", 0o644)
        items = source.get("items") or [{"key": key, "path": key} for key in thing["data"]]
        for item in items:
            text = thing["data"][item["key"]]
            path = folder / item["path"]
            path.write_bytes(base64.b64decode(text) if kind == "secret" else text.encode())
            path.chmod(mode)
            shutil.chown(path, group=group)
