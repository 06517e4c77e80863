"""SIGHUP: what a running process takes anew from its files, what it says of the rest, mistakes that change nothing."""

import signal

import pytest

from tests.lib.process import wait_until
from tests.lib.service import Service

pytestmark = pytest.mark.threads

EXPORTS = "/api/v1/workspace/one/exports"
ALL = {"select": {"all": True}}


class Reloaded:
    """A service whose options stand in files of the test."""

    def __init__(self, folder, database, make_service):
        self.config, self.url = folder / "verbatim.conf", folder / "database_url"
        self.base = database.url
        self.write("log_level = info\n")
        self.connect_as("before")
        self.service = make_service(workers=1, database_url=None, env={
            "VERBATIM_CONFIG": str(self.config), "VERBATIM_DATABASE_URL_FILE": str(self.url)})
        self.times = 0

    def write(self, text):
        self.config.write_text(text)

    def connect_as(self, name):
        """The name is shown by the server; a password would not be."""
        self.url.write_text(f"{self.base}{'&' if '?' in self.base else '?'}application_name={name}\n")

    def reload(self):
        """The lines about it."""
        told = len(self.lines())
        self.service.process.signal(signal.SIGHUP)
        wait_until(lambda: len(self.lines()) > told, "a line about the signal")
        self.service.process.signal(signal.SIGUSR1)
        self.times += 1
        wait_until(lambda: self.service.log().count("SIGUSR1: ") == self.times, "the main thread to be done")
        return [line.split("SIGHUP: ", 1)[1] for line in self.lines()[told:]]

    def lines(self):
        return [line for line in self.service.log().splitlines() if "SIGHUP: " in line]


@pytest.fixture(scope="module")
def running(keys, folder, database, make_service):
    return Reloaded(folder, database, make_service)


def test_the_level_of_the_log(running):
    assert running.reload() == ["nothing to reload has changed"]
    running.service.get("/healthz")
    assert "http GET /healthz" not in running.service.log()
    running.write("log_level = debug\n")
    assert running.reload() == ["reloaded: log_level"]
    running.service.get("/healthz")
    wait_until(lambda: "http GET /healthz" in running.service.log(), "a line at level debug")
    assert running.reload() == ["nothing to reload has changed"]


def named(database, name):
    return database.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [name])


def test_connections_made_from_then_on_take_the_new_secret(running, database, keys):
    assert named(database, "before") > 0
    running.connect_as("after")
    assert sorted(running.reload()) == ["reloaded: database_url, source_url"]
    database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'before'")
    wait_until(lambda: running.service.get("/readyz").status == 200, "the database to be used again")
    made = wait_until(lambda: running.service.request("POST", EXPORTS, keys["one"], json_body=ALL).json()
                      .get("export_id"), "the source to be asked again")
    wait_until(lambda: running.service.get(f"{EXPORTS}/{made}", keys["one"]).json().get("status") == "finished",
                   "the end")
    assert named(database, "before") == 0 and named(database, "after") > 2
    running.connect_as("at last")
    assert running.reload() == ["reloaded: database_url, source_url"]


def test_what_takes_a_restart_is_named_each_time(running):
    running.write("log_level = debug\nlease = 20s\nworkers = 3\n")
    for _ in range(2):
        assert running.reload() == ["nothing to reload has changed",
                                    "changed, and taken at a restart only: lease"]
    running.write("log_level = info\nlease = 20s\n")
    assert running.reload() == ["reloaded: log_level", "changed, and taken at a restart only: lease"]


def test_a_mistake_changes_nothing(running):
    running.write("log_level = debug\nlease = never\n")
    shown = running.service.log().count("http GET /healthz")
    told = running.reload()
    assert len(told) == 1 and told[0].startswith('nothing is reloaded: option lease (') and '"never"' in told[0]
    running.service.get("/healthz")
    running.url.unlink()
    running.write("log_level = info\n")
    told = running.reload()
    assert len(told) == 1 and "VERBATIM_DATABASE_URL_FILE" in told[0]
    assert running.service.log().count("http GET /healthz") == shown, "the level of the log is what it was"
    assert running.service.get("/readyz").status == 200


def test_a_connection_string_may_be_mended_while_the_start_waits(program, folder, database, keys):
    """A wrong password, found by whoever looks at a service that does not start."""
    url = folder / "mended"
    url.write_text("postgresql://127.0.0.1:1/none\n")
    service = Service(program, folder, workers=0, database_url=None, storage=f"file://{folder}",
                      env={"VERBATIM_DATABASE_URL_FILE": str(url)})
    service.start(wait=False)
    wait_until(lambda: "waiting for the database" in service.log(), "it to wait")
    url.write_text(database.url + "\n")
    service.process.signal(signal.SIGHUP)
    wait_until(lambda: "started: " in service.log(), "the start", 60)
    assert service.get("/readyz").status == 200
    service.stop()
