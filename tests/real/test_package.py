"""The Debian package on a bare machine of its release, under that one's systemd, from installation to purge.

VERBATIM_PACKAGE is the folder that ./run package filled, VERBATIM_PACKAGE_RELEASE its release of Debian. The machine's
is one story, told in order."""

import json
import os
import pathlib
import re
import subprocess
import time

import pytest

from tests.lib.bare_root import Machine, checked
from tests.lib.process import wait_until

FOLDER = pathlib.Path(os.environ["VERBATIM_PACKAGE"])
UNITS = ["verbatim-serve.service", "verbatim-worker.service", "verbatim-migrate.service"]
CONF = "/etc/verbatim/verbatim.conf"
STORAGE = "/var/lib/verbatim"
FONTS = ["fonts-noto-core", "fonts-wqy-microhei", "fonts-noto-color-emoji"]
MOST_EXPOSED = 2.0


def the_file(pattern):
    (found,) = FOLDER.glob(pattern)
    return found


DEB = the_file("*.deb")


def newer(deb, folder, version="0.1.0+next"):
    """The same package under a later version, whose configuration file has a line more."""
    checked("dpkg-deb", "-R", deb, folder / "tree")
    control = folder / "tree/DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.M))
    conf = folder / ("tree" + CONF)
    conf.write_text(conf.read_text() + "# a later version has more to say\n")
    sums = folder / "tree/DEBIAN/md5sums"
    sums.write_text("".join(line for line in sums.read_text().splitlines(True) if CONF[1:] not in line))
    checked("dpkg-deb", "--root-owner-group", "-b", folder / "tree", folder / "newer.deb")
    return folder / "newer.deb"


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    with Machine(os.environ.get("VERBATIM_PACKAGE_RELEASE", "bookworm"), packages=["postgresql", *FONTS]) as machine:
        machine.put(DEB, "/root/verbatim.deb")
        machine.put(newer(DEB, tmp_path_factory.mktemp("newer")), "/root/newer.deb")
        machine.fetch("/root/verbatim.deb")
        machine.boot()
        yield machine


def state(machine, unit):
    """(enabled?, active?) of a unit, in systemd's words."""
    return tuple(machine.run("systemctl", verb, unit, check=False).stdout.strip()
                 for verb in ("is-enabled", "is-active"))


def owner_and_mode(machine, path):
    return machine.run("stat", "-c", "%U:%G %a", path).stdout.strip()


def main_pid(machine, unit="verbatim-serve"):
    return machine.run("systemctl", "show", "-p", "MainPID", "--value", unit).stdout.strip()


def readiness(machine):
    return machine.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:8080/readyz",
                       check=False).stdout


def verbatim(machine, *arguments):
    return machine.run("verbatim", *arguments, user="verbatim", env=[f"VERBATIM_CONFIG={CONF}"]).stdout.strip()


class Api:
    def __init__(self, machine):
        self.machine = machine
        self.key = verbatim(machine, "key", "create", "--workspace", "acme")

    def call(self, method, path, body=None):
        command = ["curl", "-sS", "--fail-with-body", "-X", method, "-H", f"X-API-Key: {self.key}"]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        url = f"http://127.0.0.1:8080/api/v1/workspace/acme/exports{path}"
        return json.loads(self.machine.run(*command, url).stdout)

    def export(self, **specification):
        specification = {"select": {"all": True}} | specification
        return self.call("POST", "", specification)["export_id"]

    def finished(self, export_id):
        status = wait_until(lambda: self.ended(export_id), "the export ends", 120)
        assert status["status"] == "finished", status
        return status

    def ended(self, export_id):
        status = self.call("GET", f"/{export_id}")
        return status if status["status"] in ("finished", "failed", "cancelled") else None

    def file(self, export_id):
        url = self.finished(export_id)["download_url"]
        return self.machine.run("curl", "-sS", "--fail", url, text=False).stdout


@pytest.fixture(scope="module")
def api(machine):
    return Api(machine)


def test_it_installs_and_starts_nothing(machine):
    machine.run("apt-get", "install", "-qy", "--no-install-recommends", "/root/verbatim.deb")
    assert machine.run("verbatim", "--version").stdout.startswith("verbatim 0.1.0")
    assert owner_and_mode(machine, CONF) == "root:verbatim 640"
    assert owner_and_mode(machine, STORAGE) == "verbatim:verbatim 750"
    assert "/usr/sbin/nologin" in machine.run("getent", "passwd", "verbatim").stdout
    for unit in UNITS[:2]:
        assert state(machine, unit) == ("disabled", "inactive"), unit
    assert "not found" not in machine.run("ldd", "/usr/bin/verbatim").stdout


def test_every_file_is_as_it_was_packed(machine):
    assert machine.run("dpkg", "--verify", "verbatim").stdout.strip() == ""
    assert CONF in machine.run("dpkg-query", "-W", "-f", "${Conffiles}", "verbatim").stdout


def test_systemd_knows_every_line_of_the_units(machine):
    done = machine.run("systemd-analyze", "verify", "--man=no", *UNITS)
    assert "verbatim" not in done.stderr, done.stderr


def test_units_are_shut_in(machine):
    for unit in UNITS:
        last = machine.run("systemd-analyze", "security", "--offline=true", "--no-pager", unit).stdout.splitlines()[-1]
        print(machine.release, last.strip())
        assert float(re.search(r": (\d+\.\d+)", last)[1]) < MOST_EXPOSED, last


def test_a_start_waits_for_its_database_and_says_so(machine):
    """No database is named yet, and none is called verbatim: the start is not over, and is not a failure."""
    machine.run("systemctl", "stop", "postgresql")
    machine.run("systemctl", "start", "--no-block", "verbatim-serve")

    def waits():
        shown = machine.run("systemctl", "show", "-p", "StatusText,ActiveState", "verbatim-serve").stdout
        return "StatusText=waiting for the database" in shown and "ActiveState=activating" in shown
    wait_until(waits, "the unit waits for the database", 60)
    machine.run("systemctl", "stop", "verbatim-serve")
    machine.run("systemctl", "reset-failed")
    machine.run("systemctl", "start", "postgresql")


def test_it_serves_once_it_knows_its_database(machine):
    machine.shell("createuser verbatim && createdb -O verbatim verbatim", user="postgres")
    machine.shell(f"cat >>{CONF} <<'END'\ndatabase_url = postgresql:///verbatim\nstop_delay = 1s\nworkers = 1\nEND")
    advice = machine.run("verbatim", "migrate", user="verbatim", env=[f"VERBATIM_CONFIG={CONF}"], check=False)
    if advice.returncode != 0: # roles are an administrator's to make; what is printed is for him
        statements = "\n".join(line for line in advice.stderr.splitlines() if line.rstrip().endswith(";"))
        machine.shell(f"psql -qd verbatim <<'END'\n{statements}\nEND", user="postgres")
        verbatim(machine, "migrate")
    verbatim(machine, "demo-data", "--conversations", "200", "--messages-per-conversation", "4")
    source_id = machine.run("psql", "-Atd", "verbatim", "-c", "SELECT workspace_id FROM chat.conversation LIMIT 1",
                            user="postgres").stdout.strip()
    verbatim(machine, "workspace", "set", "acme", "--source-id", source_id)
    machine.run("systemctl", "enable", "--now", "verbatim-serve")
    assert state(machine, UNITS[0]) == ("enabled", "active")
    assert readiness(machine) == "200"  # READY=1 came no earlier
    assert machine.run("systemctl", "show", "-p", "Result", "--value", UNITS[2]).stdout.strip() == "success"


@pytest.mark.parametrize("wanted, begins", [({}, b"PK"), ({"format": "pdf"}, b"PK"),
                                            ({"format": "html", "files": "single"}, b"<!")])
def test_exports_are_made_and_fetched_inside_the_sandbox(machine, api, wanted, begins):
    data = api.file(api.export(**wanted))
    assert data.lower().startswith(begins.lower()) and len(data) > 10_000
    kept = machine.shell(f"find {STORAGE} -type f -size +1k -printf '%u %m\\n' | sort -u").split("\n")
    assert kept[0].startswith("verbatim ")


def test_a_reload_is_one(machine):
    before = main_pid(machine)
    machine.run("sed", "-i", "$ a log_level = debug", CONF)
    machine.run("systemctl", "reload", "verbatim-serve")
    wait_until(lambda: "reloaded: log_level" in machine.shell("journalctl -u verbatim-serve --no-pager"), "a line", 30)
    assert main_pid(machine) == before and state(machine, UNITS[0])[1] == "active"


def test_what_hangs_is_ended_by_the_watchdog_and_started_anew(machine):
    folder = "/run/systemd/system/verbatim-serve.service.d"
    machine.shell(f"mkdir -p {folder}; printf '[Service]\\nWatchdogSec=2s\\nRestartSec=100ms\\n' >{folder}/quick.conf")
    machine.shell("systemctl daemon-reload; systemctl restart verbatim-serve")
    before = main_pid(machine)
    machine.run("sleep", "5")  # more than twice the watchdog's time: it is content
    assert main_pid(machine) == before
    machine.shell(f"kill -STOP {before}")
    wait_until(lambda: main_pid(machine) not in (before, "0") and readiness(machine) == "200", "a new process", 60)
    assert machine.run("systemctl", "show", "-p", "NRestarts", "--value", "verbatim-serve").stdout.strip() == "1"
    machine.shell(f"rm -r {folder}; systemctl daemon-reload; systemctl restart verbatim-serve")


def test_an_upgrade_restarts_what_runs_and_keeps_what_was_written(machine, api):
    """With an export under way, which loses nothing; requests are answered for stop_delay."""
    before, conf = main_pid(machine), machine.run("cat", CONF).stdout
    under_way = api.export(format="pdf")
    begun = time.monotonic()
    done = machine.run("dpkg", "-i", "--force-confold", "/root/newer.deb")
    assert "prompt" not in done.stdout.lower()
    assert main_pid(machine) not in (before, "0") and state(machine, UNITS[0]) == ("enabled", "active")
    assert state(machine, UNITS[1]) == ("disabled", "inactive")
    assert time.monotonic() - begun > 1, "stop_delay was not waited for"
    assert machine.run("cat", CONF).stdout == conf and owner_and_mode(machine, CONF) == "root:verbatim 640"
    wait_until(lambda: readiness(machine) == "200", "it serves again", 60)
    assert api.file(under_way).startswith(b"PK")


def test_the_worker_alone_is_a_service_too(machine, api):
    machine.run("systemctl", "disable", "--now", "verbatim-serve")
    machine.run("systemctl", "enable", "--now", "verbatim-worker")
    assert state(machine, UNITS[1]) == ("enabled", "active")
    machine.run("systemctl", "disable", "--now", "verbatim-worker")
    assert machine.run("systemctl", "show", "-p", "Result", "--value", UNITS[1]).stdout.strip() == "success"
    machine.run("systemctl", "enable", "--now", "verbatim-serve")


def test_removing_stops_it_and_keeps_configuration_and_archives(machine):
    machine.run("apt-get", "remove", "-qy", "verbatim")
    assert state(machine, UNITS[0])[1] in ("inactive", "unknown")
    assert machine.run("pgrep", "-u", "verbatim", check=False).stdout == ""
    assert machine.run("test", "-e", "/usr/bin/verbatim", check=False).returncode != 0
    assert machine.shell(f"find {STORAGE} -type f -size +1k | wc -l").strip() != "0"
    assert "database_url" in machine.run("cat", CONF).stdout


def test_purging_asks_nothing_and_leaves_only_database_and_user(machine):
    machine.run("apt-get", "purge", "-qy", "verbatim", env=["DEBIAN_FRONTEND=readline"])
    left = machine.shell("ls -d /etc/verbatim /var/lib/verbatim /etc/systemd/system/*/verbatim* "
                         "/var/lib/systemd/deb-systemd-helper-enabled/verbatim* 2>/dev/null || true")
    assert left == ""
    assert machine.run("getent", "passwd", "verbatim").stdout
    assert machine.run("psql", "-Atd", "verbatim", "-c", "SELECT count(*) > 0 FROM verbatim.job",
                       user="postgres").stdout.strip() == "t"
    assert machine.run("dpkg-query", "-W", "verbatim", check=False).returncode != 0


# --- the package by itself ---

def test_the_same_source_gives_the_same_package():
    """VERBATIM_PACKAGE_AGAIN: built once more, in another folder."""
    again = pathlib.Path(os.environ["VERBATIM_PACKAGE_AGAIN"])
    for path in sorted(FOLDER.iterdir()):
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_bill_of_materials_has_what_the_loader_finds():
    bill = json.loads(the_file("*.spdx.json").read_text())
    named = {package["name"]: package for package in bill["packages"]}
    depends = subprocess.run(["dpkg-deb", "-f", DEB, "Depends"], check=True, capture_output=True, text=True).stdout
    libraries = re.findall(r"\b(lib[a-z0-9.+-]+)", depends)
    assert len(libraries) > 12 and set(libraries) <= set(named)
    for name, package in named.items():
        assert package["versionInfo"] and package["licenseDeclared"] != "NOASSERTION", name
    linked = {each["relatedSpdxElement"] for each in bill["relationships"]
              if each["relationshipType"] == "DYNAMIC_LINK"}
    assert linked == {f"SPDXRef-deb-{name}" for name in libraries if name != "librsvg2-2"}
    assert {"spdxElementId": "SPDXRef-deb-librsvg2-2", "relationshipType": "RUNTIME_DEPENDENCY_OF",
            "relatedSpdxElement": "SPDXRef-program"} in bill["relationships"]
