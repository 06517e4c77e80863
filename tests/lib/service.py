"""The program `verbatim` under test: its commands, and running services with a small HTTP client.

Options go to the program as environment variables (VERBATIM_...), and nothing of ours leaks in:
variables of the caller that could steer it (VERBATIM_, AWS_, PG) are taken out.
"""

import http.client
import json
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass

from .patience import LIMIT, Stopwatch
from .process import Process, free_port, wait_until

SANITIZER_REPORT = re.compile(r"(?:Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:")
STOP_SECONDS = 10  # STOP_MOST of the program
STEERING = ("VERBATIM_", "AWS_", "PG")


def clean_environment(options=None, extra=None):
    """The caller's environment without what steers Verbatim, plus options as VERBATIM_... variables; None: not set.

    Pango, cairo, fontconfig and GLib lock by means that the thread sanitizer does not see."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(STEERING)}
    env |= {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1",
            "TSAN_OPTIONS": "halt_on_error=0:second_deadlock_stack=1:ignore_noninstrumented_modules=1"}
    options = {"stop_delay": "0s"} | (options or {})  # no test waits for proxies that are not there
    env |= {"VERBATIM_" + name.upper(): str(value) for name, value in options.items() if value is not None}
    return env | (extra or {})


def flags(options):
    """{"time_zone": "UTC", "scope": ["a", "b"]} -> ["--time-zone", "UTC", "--scope", "a", "--scope", "b"]"""
    arguments = []
    for name, value in options.items():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            arguments += ["--" + name.replace("_", "-"), str(item)]
    return arguments


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)


def exchange(connection, method, path, body=None, headers=None):
    """One request on a connection, which ends with it; the target goes out as given, unchanged."""
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def state_of(answer):
    """What a poll tells; None where the database took longer than a request waits: whoever polls asks again."""
    assert answer.status in (200, 503), (answer.status, answer.body)
    return answer.json() if answer.status == 200 else None


def http_request(port, method, path, body=None, headers=None, seconds=LIMIT):
    """One request on a connection of its own."""
    return exchange(http.client.HTTPConnection("127.0.0.1", port, timeout=seconds), method, path, body, headers)


class Program:
    """The binary with a database, options and environment; runs commands to their end."""

    def __init__(self, path, database_url=None, options=None, env=None):
        self.path = str(path)
        self.options = dict(options or {})
        if database_url:
            self.options["database_url"] = database_url
        self.env = dict(env or {})

    def run(self, *arguments, check=True, text=True, seconds=LIMIT, options=None, **settings):
        """Runs a command; returns subprocess.CompletedProcess. A failure raises with standard error, unless
        check=False. A sanitizer's report is an error in any case."""
        env = clean_environment(self.options | (options or {}), self.env)
        done = subprocess.run([self.path, *arguments], env=env, capture_output=True, text=text, timeout=seconds,
                              **settings)
        errors = done.stderr if text else done.stderr.decode(errors="replace")
        assert not SANITIZER_REPORT.search(errors), errors
        if check and done.returncode != 0:
            raise AssertionError(f"verbatim {' '.join(arguments)} ended with {done.returncode}:\n{errors}")
        return done

    def migrate(self):
        self.run("migrate")

    def demo_data(self, **options):
        self.run("demo-data", *flags(options))

    def workspace(self, workspace_id, **options):
        self.run("workspace", "set", workspace_id, *flags(options))

    def key(self, workspace_id, **options):
        """A new API key of the workspace."""
        return self.run("key", "create", "--workspace", workspace_id, *flags(options)).stdout.strip()


class Service:
    """A running `verbatim serve` (or `worker`): `with Service(program, log_folder, workers=2) as service:`."""

    def __init__(self, program, folder, command="serve", env=None, **options):
        self.program = program
        self.folder = folder
        self.command = command
        self.env = program.env | (env or {})
        self.options = program.options | options
        self.process = None
        self.port = None
        if command == "serve" and "listen" not in self.options:
            self.port = free_port()
            self.options["listen"] = f"127.0.0.1:{self.port}"
        elif command == "serve":
            self.port = int(self.options["listen"].rsplit(":", 1)[1])
        self.log_path = folder / f"{command}-{self.port or time.monotonic_ns()}.log"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        if self.process and kind:
            self.process.kill()
        else:
            self.stop()

    def start(self, wait=True):
        env = clean_environment(self.options, self.env)
        self.process = Process([self.program.path, self.command], self.log_path, env=env)
        if wait and self.port:
            try:
                self.process.wait_ready(self._ready, 60)
            except BaseException:
                self.process.kill()
                raise

    def _ready(self):
        try:
            return self.request("GET", "/readyz", seconds=5).status == 200
        except OSError:
            return False

    def stop(self):
        """SIGTERM; the program has to end with 0 within its 10 s, and no sanitizer may have complained.

        Those are seconds by the clock: a machine that stood still for most of them has not given it any time."""
        if not self.process:
            return
        watch = Stopwatch()
        status = self.process.stop(LIMIT)
        self.process = None
        log = self.log()
        assert not SANITIZER_REPORT.search(log), log[-8000:]
        was_late = status == 1 and "the parts did not stop in time" in log and watch.still > STOP_SECONDS / 2
        assert status == 0 or was_late, f"verbatim {self.command} ended with {status}, {watch}:\n{log[-4000:]}"

    def wait_end(self, seconds=LIMIT):
        """For the end that a signal has asked for; its exit status."""
        status = self.process.child.wait(seconds)
        self.process = None
        return status

    def kill(self):
        """SIGKILL, as a crash would end it."""
        self.process.kill()
        self.process = None

    def pause(self):
        self.process.signal(signal.SIGSTOP)

    def resume(self):
        self.process.signal(signal.SIGCONT)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def request(self, method, path, key=None, json_body=None, body=None, headers=None, seconds=LIMIT):
        headers = dict(headers or {})
        if key is not None:
            headers["X-API-Key"] = key
        if json_body is not None:
            body = json.dumps(json_body)
            headers.setdefault("Content-Type", "application/json")
        return exchange(self.connection(seconds), method, path, body, headers)

    def connection(self, seconds=LIMIT):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)

    def get(self, path, key=None, **settings):
        return self.request("GET", path, key, **settings)

    def figures(self, key=None, **settings):
        """The samples of /metrics, as text by name and labels."""
        answer = self.get("/metrics", key, **settings)
        assert answer.status == 200, answer.body
        return dict(line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if line[0] != "#")

    def start_export(self, workspace_id, key, **fields):
        """POST to the main contract's route; the answer, whatever it is."""
        return self.request("POST", f"/api/v1/workspace/{workspace_id}/export-conversations", key, json_body=fields)

    def job(self, workspace_id, key, job_id):
        answer = self._poll(workspace_id, key, job_id)
        assert answer.status == 200, answer.body
        return answer.json()

    def _poll(self, workspace_id, key, job_id):
        return self.get(f"/api/v1/workspace/{workspace_id}/export-conversations/{job_id}", key)

    def wait_for_job(self, workspace_id, key, job_id, seconds=60):
        """Polls until the job is finished or failed, and returns its last state."""
        def ended():
            job = state_of(self._poll(workspace_id, key, job_id))
            return job if job and job["status"] in ("finished", "failed") else None
        return wait_until(ended, f"the end of job {job_id}", seconds)

    def finished(self, key, export_id, workspace_id="one"):
        """The export of the native door once it has finished; asked for until then, as one wait may be too short."""
        def ended():
            export = state_of(self.get(f"/api/v1/workspace/{workspace_id}/exports/{export_id}", key,
                                       headers={"Prefer": "wait=5"}))
            return export if export and export["status"] not in ("queued", "started") else None
        export = wait_until(ended, f"the end of export {export_id}")
        assert export["status"] == "finished", export
        return export

    def export(self, workspace_id, key, seconds=60, **fields):
        """Starts an export, waits for its success and returns the job."""
        answer = self.start_export(workspace_id, key, **fields)
        assert answer.status == 202, (answer.status, answer.body)
        job = self.wait_for_job(workspace_id, key, answer.json()["export_job_id"], seconds)
        assert job["status"] == "finished", job
        return job
