"""Two installations in one cluster: neither login can reach what is the other's, roles of earlier versions included."""

import contextlib
import re

import psycopg
import pytest
from psycopg import sql

from tests.lib.postgres import Postgres
from tests.lib.process import ROOT
from tests.lib.service import Program, Service

SCHEMA = ROOT / "service/database/schema"
SHARED = ("verbatim_api", "verbatim_worker")


@pytest.fixture(scope="module")
def cluster():
    """One of its own: roles are the whole cluster's."""
    with Postgres() as server:
        yield server


def url_of(database, login):
    return database.url.replace("postgres@", login + "@")


def advice(done):
    return [line for line in done.stderr.splitlines() if line.endswith(";")]


def old_rights():
    """roles.sql, each grant of an object by itself: a version of the schema lacks what came later."""
    text = (SCHEMA / "roles.sql").read_text().replace(":api", "verbatim_api").replace(":worker", "verbatim_worker")
    grants = re.compile(r"^GRANT (.*?) ON ((?:FUNCTION |SEQUENCE )?)([^;]*?) TO ([^;]*);$", re.M | re.S)
    yield grants.sub("", text)
    for rights, kind, objects, roles in grants.findall(text):
        for each in re.split(r",\s+(?=verbatim\.)", objects):
            yield f"GRANT {rights} ON {kind}{each} TO {roles}"


class Installation:
    """A database with a login that owns the schema, made as `migrate` tells an administrator."""

    def __init__(self, verbatim, cluster, name, old=False):
        self.database = cluster.create_database(name)
        self.login = name + "_login"
        self.database.execute(f"CREATE ROLE {self.login} LOGIN")
        self.program = Program(verbatim, url_of(self.database, self.login))
        if old:
            self._make_old()
        else:
            self.migrate()

    def migrate(self):
        for statement in advice(self.program.run("migrate", check=False)):
            self.database.execute(statement)
        return self.program.run("migrate").stdout

    def _make_old(self):
        """As version 4 of the schema left it: the roles are those of every database, and so are the rights."""
        self.database.execute("DO $$ BEGIN CREATE ROLE verbatim_api; CREATE ROLE verbatim_worker;"
                              " EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
                              f"GRANT verbatim_api, verbatim_worker TO {self.login};"
                              f"CREATE SCHEMA verbatim AUTHORIZATION {self.login}")
        with psycopg.connect(url_of(self.database, self.login), autocommit=True) as connection:
            connection.execute("CREATE TABLE verbatim.schema_migration"
                               " (version integer PRIMARY KEY, name text NOT NULL,"
                               " applied_at timestamptz NOT NULL DEFAULT now());"
                               "CREATE TABLE verbatim.schema_rights (one_row boolean PRIMARY KEY DEFAULT true,"
                               " digest text NOT NULL)")
            for path in sorted(SCHEMA.glob("00[1-4]_*.sql")):
                connection.execute(path.read_text())
                connection.execute("INSERT INTO verbatim.schema_migration VALUES (%s, %s)",
                                   [int(path.name[:3]), path.name])
            connection.execute("SELECT set_config('verbatim.roles_api', 'verbatim_api', false),"
                               " set_config('verbatim.roles_worker', 'verbatim_worker', false)")
            for statement in old_rights():
                with contextlib.suppress(psycopg.errors.UndefinedObject, psycopg.errors.UndefinedTable,
                                         psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedColumn):
                    connection.execute(statement)
            connection.execute("INSERT INTO verbatim.link_secret VALUES (1, sha256('x'))")

    def roles(self):
        return [f"verbatim_{kind}_{self.database.name}" for kind in ("api", "worker")]


def taken(connection):
    """Roles that the session may take on, itself among them."""
    return [name for (name,) in connection.execute(
        "SELECT rolname FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')").fetchall()]


def readable(database, login):
    """(role, relation or function) of the schema that the login gets at, under whichever role."""
    found = set()
    names = [name for (name,) in database.execute("SELECT relname FROM pg_class WHERE relnamespace ="
                                                  " 'verbatim'::regnamespace AND relkind IN ('r', 'v')")]
    with psycopg.connect(url_of(database, login), autocommit=True) as connection:
        for role in taken(connection):
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
            for name in names:
                try:
                    connection.execute(sql.SQL("SELECT FROM verbatim.{} LIMIT 1").format(sql.Identifier(name)))
                    found.add((role, name))
                except psycopg.errors.InsufficientPrivilege:
                    pass
    return found


@pytest.fixture(scope="module")
def pair(verbatim, cluster):
    return [Installation(verbatim, cluster, name) for name in ("prod", "staging")]


def test_a_login_of_one_reads_nothing_of_the_other(pair):
    prod, staging = pair
    assert readable(prod.database, staging.login) == set()
    assert readable(staging.database, prod.login) == set()
    mine = readable(prod.database, prod.login)
    assert {("verbatim_worker_prod", "job"), ("verbatim_api_prod", "link_secret")} <= mine


def test_a_login_of_one_cannot_take_on_a_role_of_the_other(pair):
    prod, staging = pair
    with psycopg.connect(url_of(prod.database, staging.login), autocommit=True) as connection:
        assert set(taken(connection)) == {staging.login, *staging.roles()}
        for role in prod.roles():
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SET ROLE {role}")


def test_the_cluster_has_no_shared_roles(cluster, pair):
    assert cluster.database().execute("SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)", [list(SHARED)]) == []


def test_both_serve(pair, folder):
    for installation in pair:
        program = installation.program
        installation.database.execute(f"GRANT CREATE ON DATABASE {installation.database.name} TO {installation.login}")
        program.demo_data(conversations=5, messages_per_conversation=2)
        workspace = str(installation.database.value("SELECT workspace_id FROM chat.channel LIMIT 1"))
        program.workspace(workspace)
        key = program.key(workspace)
        with Service(program, folder, storage=f"file://{folder}", workers=1) as service:
            channel = installation.database.value("SELECT id::text FROM chat.channel LIMIT 1")
            service.export(workspace, key, channel_id=channel, start_date="2020-01-01", end_date="2035-01-01")


@pytest.mark.parametrize("name", ["Ünïcode \"quoted\" 'name' -- $$ %s", "x" * 63, "ß" * 31])
def test_any_name_of_a_database(verbatim, cluster, folder, name):
    database = cluster.create_database(name)
    program = Program(verbatim, f"host=127.0.0.1 port={cluster.port} user=postgres dbname='"
                      + name.replace("\\", "\\\\").replace("'", "\\'") + "'")
    program.migrate()
    program.migrate()
    with psycopg.connect(host="127.0.0.1", port=cluster.port, user="postgres", dbname=name) as connection:
        found = connection.execute("SELECT DISTINCT unnest(roles)::text FROM pg_policies WHERE schemaname = 'verbatim'"
                                   " AND policyname IN ('api', 'worker') ORDER BY 1").fetchall()
        assert len(found) == 2 and all(re.match("verbatim_(api|worker)_.", role) for (role,) in found)
    program.workspace("w")
    assert program.key("w").startswith("vb_")
    report = program.run("doctor", check=False, options={"storage": f"file://{folder}"}).stdout
    assert "both roles can be taken on" in report and database.name == name


def test_a_clone_of_a_database_gets_roles_of_its_own(verbatim, cluster, pair):
    """Staging is often made of a copy of production. The owner stays the owner; the roles of production go."""
    prod, _ = pair
    cluster.database().execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'prod'")
    cluster.database().execute("CREATE DATABASE clone TEMPLATE prod")
    clone = cluster.database("clone")
    Program(verbatim, clone.url).migrate()
    assert {role for role, _ in readable(clone, prod.login)} == {prod.login}
    assert clone.value("SELECT bool_and(roles = ARRAY['verbatim_worker_clone'::name]) FROM pg_policies"
                       " WHERE schemaname = 'verbatim' AND policyname = 'worker'")


@pytest.fixture(scope="module")
def upgraded(verbatim, cluster, pair):
    """Of version 4, beside a second one of version 4 in the same cluster."""
    first, second = (Installation(verbatim, cluster, name, old=True) for name in ("older", "other"))
    first.printed = first.migrate()
    return first, second


def rows(database, login, role):
    """(jobs that the worker's role sees, secrets) or None where it sees nothing."""
    with psycopg.connect(url_of(database, login), autocommit=True) as connection:
        connection.execute(f"SET ROLE {role}")
        try:
            return connection.execute("SELECT (SELECT count(*) FROM verbatim.process) + 1,"
                                      " (SELECT count(*) FROM verbatim.link_secret)").fetchone()
        except psycopg.errors.InsufficientPrivilege:
            return None


def report(installation, folder):
    done = installation.program.run("doctor", check=False, options={"storage": f"file://{folder}"})
    return [line for line in done.stdout.splitlines() if "database:" in line]


def test_a_login_that_could_make_itself_a_member_of_any_role_is_told_of(cluster, pair, folder):
    prod, _ = pair
    prod.database.execute(f"ALTER ROLE {prod.login} CREATEROLE")
    found = [line for line in report(prod, folder) if "may create roles" in line and line.startswith("warning")]
    assert len(found) == (prod.database.value("SELECT current_setting('server_version_num')::int < 160000"))
    prod.database.execute(f"ALTER ROLE {prod.login} NOCREATEROLE")
    assert not any("may create roles" in line for line in report(prod, folder))


def test_a_renamed_database_gets_roles_of_its_new_name(verbatim, cluster):
    before = Installation(verbatim, cluster, "before")
    cluster.database().execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'before'")
    cluster.database().execute("ALTER DATABASE before RENAME TO after")
    after = cluster.database("after")
    assert "has verbatim migrate been run" in Program(verbatim, after.url).run(
        "serve", check=False, options={"storage": "file:///tmp"}).stderr
    Program(verbatim, after.url).migrate()
    assert {role for role, _ in readable(after, before.login)} == {before.login}
    assert after.value("SELECT bool_and(roles = ARRAY['verbatim_api_after'::name]) FROM pg_policies"
                       " WHERE schemaname = 'verbatim' AND policyname = 'api'")


def test_after_an_upgrade_both_versions_run_until_the_shared_roles_are_retired(upgraded, folder):
    first, second = upgraded
    own, old = first.roles()[1], "verbatim_worker"
    assert rows(first.database, first.login, own) == rows(first.database, first.login, old) == (1, 1)
    assert rows(first.database, second.login, old) == (1, 1)  # what is to be closed
    assert "retire-shared-roles" in first.printed and f"database: {second.login}" in first.printed
    assert any(line.startswith("warning") and "retire-shared-roles" in line for line in report(first, folder))
    # A second look changes nothing: init containers of all machines run it.
    assert "retire-shared-roles" in first.program.run("migrate").stdout
    assert rows(first.database, first.login, old) == (1, 1)

    first.program.run("retire-shared-roles")
    assert rows(first.database, first.login, own) == (1, 1)
    assert rows(first.database, first.login, old) is None
    assert readable(first.database, second.login) == set()
    assert not any("retire" in line or line.startswith("failed") for line in report(first, folder))
    assert "retire" not in first.program.run("migrate").stdout
    assert rows(first.database, first.login, old) is None
    first.program.run("retire-shared-roles")
    # The other one was not touched.
    assert rows(second.database, second.login, old) == (1, 1)


def test_a_login_that_has_only_the_shared_roles_goes_on_until_it_gets_its_own(verbatim, upgraded, folder):
    _, second = upgraded
    second.database.execute("CREATE ROLE service LOGIN; GRANT verbatim_api, verbatim_worker TO service")
    second.migrate()
    service = Program(verbatim, url_of(second.database, "service"))
    told = service.run("doctor", check=False, options={"storage": f"file://{folder}"}).stdout
    assert "both roles can be taken on" in told and "service" in told
    api, worker = second.roles()
    assert f"GRANT {api}, {worker} to the service's login, if it is one of" in told
    second.database.execute(f"GRANT {api}, {worker} TO service")
    second.program.run("retire-shared-roles")
    told = service.run("doctor", check=False, options={"storage": f"file://{folder}"}).stdout
    assert "both roles can be taken on" in told and "retire" not in told


def test_only_the_owner_retires_them(verbatim, upgraded):
    first, second = upgraded
    done = Program(verbatim, url_of(first.database, second.login)).run("retire-shared-roles", check=False)
    assert done.returncode == 1 and f"belongs to {first.login}" in done.stderr
