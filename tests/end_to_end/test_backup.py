"""Backups as docs/operator.md tells: dump, restore into a fresh cluster, and everything goes on there."""

import re
import subprocess

import pytest

from tests.lib.doctor import doctor
from tests.lib.postgres import Postgres, program as postgres_program
from tests.lib.process import wait_until
from tests.lib.service import Program, Service, clean_environment

NAME = "exports"
OWNER = "owner of all"
URL_OWNER = "owner%20of%20all"
EXPORTS = "/api/v1/workspace/acme/exports"


def pg(command, *arguments, check=True):
    done = subprocess.run([postgres_program(command), *arguments], capture_output=True, text=True,
                          env=clean_environment())
    assert not check or done.returncode == 0, done.stderr
    return done


class Home:
    """A cluster with the database, whose owner is nobody special."""

    def __init__(self, verbatim, cluster, storage):
        self.database = cluster.create_database(NAME)
        self.database.execute(f'CREATE ROLE "{OWNER}" LOGIN')
        self.database.execute(f'GRANT CREATE ON DATABASE {NAME} TO "{OWNER}"')
        self.url = self.database.url.replace("postgres@", URL_OWNER + "@")
        self.program = Program(verbatim, self.url, {"storage": f"file://{storage}", "workers": 1})

    def make_roles(self):
        """The statements of docs/operator.md."""
        for kind in ("api", "worker"):
            self.database.execute(f'CREATE ROLE verbatim_{kind}_{NAME}; GRANT verbatim_{kind}_{NAME} TO "{OWNER}"')

    def rows(self):
        """How many rows each table has, by an eye that sees them all."""
        names = self.database.execute("SELECT relname FROM pg_class WHERE relnamespace = 'verbatim'::regnamespace"
                                      " AND relkind = 'r' ORDER BY relname")
        return {name: self.database.value(f"SELECT count(*) FROM verbatim.{name}") for name, in names}


@pytest.fixture(scope="module")
def home(verbatim, postgres_of_its_own, folder):
    home = Home(verbatim, postgres_of_its_own, folder / "archives")
    (folder / "archives").mkdir()
    home.make_roles()
    home.program.migrate()
    home.program.demo_data(conversations=60, messages_per_conversation=3)
    home.source_id = home.database.value("SELECT workspace_id::text FROM chat.conversation LIMIT 1")
    home.program.run("workspace", "set", "acme", "--source-id", home.source_id)
    home.key = home.program.key("acme")
    return home


@pytest.fixture(scope="module")
def postgres_of_its_own():
    with Postgres() as cluster:
        yield cluster


def order(service, key, **wanted):
    answer = service.request("POST", EXPORTS, json_body={"select": {"all": True}} | wanted, key=key)
    assert answer.status == 202, answer.body
    return answer.json()["export_id"]


def ended(service, key, export_id):
    status = service.request("GET", f"{EXPORTS}/{export_id}", key=key).json()
    return status if status["status"] in ("finished", "failed", "cancelled") else None


@pytest.fixture(scope="module")
def dump(home, folder):
    """Made while one export is finished, with a link, and one is queued."""
    with Service(home.program, folder) as service:
        home.finished = order(service, home.key)
        status = wait_until(lambda: ended(service, home.key, home.finished), "the export ends")
        assert status["status"] == "finished"
        home.port, home.link = service.port, status["download_url"]
        home.archive = service.request("GET", path_of(home.link)).body
        assert home.archive.startswith(b"PK")
    with Service(home.program, folder, workers=0, listen=f"127.0.0.1:{home.port}") as service:
        home.queued = order(service, home.key, format="html", files="single")
    path = folder / "verbatim.dump"
    pg("pg_dump", "--enable-row-security", "--format=custom", f"--file={path}", "--dbname", home.url)
    return path


def path_of(link):
    return re.sub(r"^https?://[^/]+", "", link)


def test_plain_pg_dump_refuses(home):
    done = pg("pg_dump", "--schema=verbatim", "--dbname", home.url, check=False)
    assert done.returncode != 0 and "row-level security" in done.stderr


def test_the_doctor_tells_of_the_way_that_works(home):
    (line,) = doctor(home.program).of("backup")
    assert line.finding == "ok" and "--enable-row-security" in line.text and OWNER in line.text


def test_the_doctor_warns_where_the_owner_would_not_get_everything(home):
    """A table of somebody else's, a policy that hides, one that is missing."""
    wrong = {
        "ALTER TABLE verbatim.outbox OWNER TO postgres": f'ALTER TABLE verbatim.outbox OWNER TO "{OWNER}"',
        "ALTER POLICY owner ON verbatim.job USING (workspace_id = 'acme');"
        "ALTER POLICY worker ON verbatim.job USING (workspace_id = 'acme')":  # the owner may take that role on
            "ALTER POLICY owner ON verbatim.job USING (true); ALTER POLICY worker ON verbatim.job USING (true)",
        "CREATE POLICY more ON verbatim.api_key AS RESTRICTIVE USING (false)":
            "DROP POLICY more ON verbatim.api_key",
        "ALTER SEQUENCE verbatim.claim_epoch OWNER TO postgres":
            f'ALTER SEQUENCE verbatim.claim_epoch OWNER TO "{OWNER}"'}
    for statement, cure in wrong.items():
        home.database.execute(statement)
        (line,) = doctor(home.program).of("backup")
        home.database.execute(cure)
        assert line.finding == "warning" and re.search(r"verbatim\.(\w+)", statement)[0] in line.text, statement


@pytest.fixture(scope="module", params=["roles first", "no roles"])
def restored(request, verbatim, home, dump, folder):
    """A cluster that has never seen it; the one that was dumped is gone for its processes."""
    with Postgres() as cluster:
        other = Home(verbatim, cluster, folder / "archives")
        if request.param == "roles first":
            other.make_roles()
        done = pg("pg_restore", f"--dbname={other.url}", str(dump), check=False)
        if request.param == "roles first":
            assert done.returncode == 0, done.stderr
        else:  # what names them is left out, and is made up for
            assert "role" in done.stderr
            other.make_roles()
        other.program.migrate()
        yield other


def test_every_row_is_there(home, restored):
    assert restored.rows() == home.rows()


def test_old_links_open_keys_work_and_jobs_go_on(home, restored, folder):
    with Service(restored.program, folder, listen=f"127.0.0.1:{home.port}") as service:
        assert service.request("GET", path_of(home.link)).body == home.archive
        assert service.request("GET", f"{EXPORTS}/{home.finished}", key=home.key).json()["download_url"] == home.link
        status = wait_until(lambda: ended(service, home.key, home.queued), "the queued export ends")
        assert status["status"] == "finished"
        assert service.request("GET", f"{EXPORTS}/{home.queued}", key="vb_wrong").status == 401


def test_rows_are_shut_in_as_before(restored):
    policies = restored.database.execute("SELECT tablename, count(*) FROM pg_policies WHERE schemaname = 'verbatim'"
                                         " GROUP BY 1")
    assert policies and {number for _, number in policies} == {3}
    report = doctor(restored.program)
    assert report.findings("database") <= {"ok", "warning"} and report.findings("backup") == {"ok"}
