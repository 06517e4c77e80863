"""verbatim migrate: many at once, lesser logins, newer databases, and the policies of every table."""

import subprocess

import psycopg
import pytest
from psycopg import errors, sql

from tests.lib.patience import LIMIT
from tests.lib.postgres import PgBouncer
from tests.lib.process import ROOT, wait_until
from tests.lib.service import Program, clean_environment

VERSIONS = [int(path.name[:3]) for path in (ROOT / "service/database/schema").glob("[0-9]*.sql")]
NEWEST, COUNT = max(VERSIONS), len(VERSIONS)


@pytest.fixture
def fresh(postgres, request):
    """A database of the test's own, without roles as on a first day."""
    return postgres.create_database("migrate_" + str(abs(hash(request.node.name)) % 10 ** 8))


@pytest.fixture
def login(postgres, fresh):
    """A login without any right, and how to reach the fresh database as that one."""
    name = "lesser_" + fresh.name
    postgres.database().execute(f"CREATE ROLE {name} LOGIN")
    yield name
    fresh.execute(f"DROP OWNED BY {name} CASCADE")
    postgres.database().execute(f"DROP ROLE {name}")


def url_of(database, user):
    return database.url.replace("postgres@", user + "@")


def state(database):
    return database.execute("SELECT version, name FROM verbatim.schema_migration ORDER BY 1")


def test_again_changes_nothing(verbatim, fresh):
    program = Program(verbatim, fresh.url)
    assert program.run("migrate").stdout == f"schema verbatim: version {NEWEST}, {COUNT} applied\n"
    before = state(fresh), fresh.value("SELECT secret FROM verbatim.link_secret WHERE generation = 1")
    assert len(before[1]) == 32 and len(before[0]) == COUNT
    assert program.run("migrate").stdout == f"schema verbatim: version {NEWEST}, 0 applied\n"
    assert before == (state(fresh), fresh.value("SELECT secret FROM verbatim.link_secret"))


def start_migrate(verbatim, database):
    return subprocess.Popen([verbatim, "migrate"], env=clean_environment({"database_url": database.url}),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_many_at_once_in_several_databases(verbatim, postgres):
    databases = [postgres.create_database(f"migrate_many_{i}") for i in range(3)]
    started = [start_migrate(verbatim, database) for _ in range(5) for database in databases]
    applied = []
    for process in started:
        output, complaint = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, complaint
        applied.append(int(output.split()[-2]))
    assert sum(applied) == 3 * COUNT
    for database in databases:
        assert len(state(database)) == COUNT
        assert database.value("SELECT count(*) FROM verbatim.link_secret") == 1


def test_through_a_transaction_pooler(verbatim, postgres, fresh):
    with PgBouncer(postgres, pool_size=1) as pooler:
        program = Program(verbatim, pooler.database(fresh.name).url, {"prepared_statements": "off"})
        program.migrate()
        program.workspace("w")
        assert program.key("w").startswith("vb_")
    assert len(state(fresh)) == COUNT


def test_a_login_without_rights_is_told_what_an_administrator_runs(verbatim, postgres, fresh, login):
    program = Program(verbatim, url_of(fresh, login))
    done = program.run("migrate", check=False)
    assert done.returncode == 1
    statements = [line for line in done.stderr.splitlines() if line.endswith(";")]
    api, worker = fresh.role("api"), fresh.role("worker")
    assert statements == [f"CREATE ROLE {api} NOLOGIN;", f"CREATE ROLE {worker} NOLOGIN;",
                          f"GRANT {api}, {worker} TO {login};",
                          f"CREATE SCHEMA verbatim AUTHORIZATION {login};"]
    assert fresh.value("SELECT to_regnamespace('verbatim') IS NULL")
    for statement in statements:
        fresh.execute(statement)
    program.migrate()
    assert fresh.value("SELECT tableowner FROM pg_tables WHERE tablename = 'job'") == login
    program.workspace("w")
    assert program.key("w").startswith("vb_")
    # A superuser's migrate afterwards leaves the tables and policies with their owner.
    Program(verbatim, fresh.url).migrate()
    fresh.execute("DELETE FROM verbatim.schema_rights")
    Program(verbatim, fresh.url).migrate()
    assert program.key("w").startswith("vb_")


def test_a_login_that_may_create_roles_needs_no_administrator(verbatim, postgres, fresh, login):
    postgres.database().execute(f"ALTER ROLE {login} CREATEROLE")
    fresh.execute(f"GRANT CREATE ON DATABASE {fresh.name} TO {login}")
    Program(verbatim, url_of(fresh, login)).migrate()
    with psycopg.connect(url_of(fresh, login)) as connection:
        connection.execute(f"SET ROLE {fresh.role('api')}")
        connection.execute(f"RESET ROLE; SET ROLE {fresh.role('worker')}")


def at_version(database, version):
    """The schema as an earlier version left it, without its roles."""
    database.execute("CREATE SCHEMA verbatim; CREATE TABLE verbatim.schema_migration (version integer PRIMARY KEY,"
                     " name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())")
    for path in sorted((ROOT / "service/database/schema").glob("[0-9]*.sql")):
        if int(path.name[:3]) <= version:
            database.execute(path.read_text())
            database.execute("INSERT INTO verbatim.schema_migration VALUES (%s, %s)", [int(path.name[:3]), path.name])


def test_exports_that_ended_before_the_counts_get_theirs(verbatim, fresh):
    """The sums of their segments; of a finished one whose segments are gone, what it was finished with."""
    at_version(fresh, 2)
    fresh.execute("INSERT INTO verbatim.workspace VALUES ('w', '', 'UTC', 'w')")
    for status, conversations in [("finished", 7), ("finished", 4), ("failed", 0), ("started", 0)]:
        fresh.execute("INSERT INTO verbatim.job (job_id, workspace_id, door, specification, source_workspace,"
                      " range_from, range_to, time_zone, csv_profile, as_of, link_ttl, status, finished_at,"
                      " requested_by, conversations, messages)"
                      " VALUES (gen_random_uuid(), 'w', 'native', '{}', 'w', now(), now() + interval '1 day', 'UTC',"
                      " 'safe', now(), '1 day', %s, %s, %s, %s, %s)",
                      [status, None if status == "started" else "now", f"{status} {conversations}", conversations,
                       conversations * 5])
    fresh.execute("INSERT INTO verbatim.segment (job_id, part_first, part_last, workspace_id, status, conversations,"
                  " messages, bytes, attempts) SELECT job_id, 1, 9, 'w', CASE status WHEN 'finished' THEN 'recorded'"
                  " ELSE 'waiting' END, 4, 20, 300, 1 FROM verbatim.job WHERE requested_by <> 'finished 7'")
    Program(verbatim, fresh.url).migrate()
    assert dict(fresh.execute("SELECT requested_by, counts FROM verbatim.job")) == {
        "finished 7": [7, 35, 0, 0, 0, 0, 0], "finished 4": [4, 20, 300, 1, 0, 0, 1],
        "failed 0": [4, 20, 300, 0, 0, 1, 1], "started 0": None}


def test_a_deadlock_with_what_is_running_is_got_over(verbatim, fresh):
    """A transaction of the version before takes what migrate waits for, then what migrate has taken already: migrate is
    the one that the server ends, since the other one looks later."""
    at_version(fresh, NEWEST - 1)
    url = fresh.url + ("&" if "?" in fresh.url else "?") + "options=-c%20deadlock_timeout%3D3s"
    with psycopg.connect(fresh.url) as running:
        running.execute("SET deadlock_timeout = '10min'")
        running.commit()
        running.execute("LOCK TABLE verbatim.turn IN ROW EXCLUSIVE MODE")
        migrating = subprocess.Popen([verbatim, "migrate"], env=clean_environment({"database_url": url}),
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: fresh.value("SELECT count(*) FROM pg_locks WHERE relation = 'verbatim.turn'::regclass"
                                       " AND NOT granted") == 1, "migrate waits")
        assert running.execute("SELECT count(*) FROM verbatim.job").fetchone() == (0,)
    assert migrating.communicate(timeout=LIMIT) == (f"schema verbatim: version {NEWEST}, 1 applied\n", "")
    assert fresh.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 1


def test_a_newer_database_is_refused(verbatim, fresh):
    program = Program(verbatim, fresh.url)
    program.migrate()
    fresh.execute("INSERT INTO verbatim.schema_migration VALUES (9999, 'future')")
    for command in ("migrate", "serve", "worker"):
        done = program.run(command, check=False, options={} if command == "migrate" else {"storage": "file:///tmp"})
        assert done.returncode == 1
        assert "9999" in done.stderr and "newer verbatim" in done.stderr


@pytest.fixture(scope="module")
def migrated(verbatim, database):
    program = Program(verbatim, database.url)
    program.migrate()
    for name in ("mine", "other"):
        program.workspace(name)
        program.key(name)
        database.execute(
            "INSERT INTO verbatim.job (job_id, workspace_id, door, specification, source_workspace, channel_id,"
            " start_date,"
            " end_date, range_from, range_to, time_zone, csv_profile, as_of, link_ttl) "
            " VALUES (gen_random_uuid(), %s, 'main',"
            " '{}', 's', 'c', '2026-01-01', '2026-01-01', '2026-01-01', '2026-01-02', 'UTC', 'safe', now(), '1 day')",
            (name,))
        database.execute("INSERT INTO verbatim.segment (job_id, part_first, part_last, workspace_id)"
                         " SELECT job_id, 1, 10000, workspace_id FROM verbatim.job WHERE workspace_id = %s", (name,))
    return database


def workspace_tables(database):
    tables = [name for (name,) in database.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE a.attname = 'workspace_id'"
        " AND c.relkind IN ('r', 'p') AND c.relnamespace = 'verbatim'::regnamespace")]
    assert {"workspace", "api_key", "job", "segment", "outbox", "cleanup"} <= set(tables)
    return tables


def test_every_table_of_workspaces_is_under_forced_policies(migrated):
    for table in workspace_tables(migrated):
        forced = migrated.execute("SELECT relrowsecurity, relforcerowsecurity FROM pg_class"
                                  " WHERE oid = ('verbatim.' || %s)::regclass", (table,))
        assert forced == [(True, True)], table
        policies = dict(migrated.execute("SELECT policyname, roles::text[] FROM pg_policies"
                                         " WHERE schemaname = 'verbatim' AND tablename = %s", (table,)))
        assert policies["api"] == [migrated.role("api")] and policies["worker"] == [migrated.role("worker")], table
        assert set(policies) == {"api", "worker", "owner"}, table


def test_the_api_role_sees_nothing_without_a_workspace_and_one_with(migrated):
    with migrated.connect() as connection:
        readable = [name for name in workspace_tables(migrated) if connection.execute(
            "SELECT has_table_privilege(%s::name, 'verbatim.' || %s, 'SELECT')",
            (migrated.role("api"), name)).fetchone()[0]]
        assert {"workspace", "job", "segment"} <= set(readable)
        connection.execute(f"SET ROLE {migrated.role('api')}")
        for name in readable:
            query = sql.SQL("SELECT DISTINCT workspace_id FROM verbatim.{}").format(sql.Identifier(name))
            assert connection.execute(query).fetchall() == [], name
            with connection.transaction():
                connection.execute("SELECT set_config('verbatim.workspace_id', 'mine', true)")
                assert connection.execute(query).fetchall() in ([("mine",)], []), name
            assert connection.execute(query).fetchall() == [], name
        with connection.transaction():
            connection.execute("SELECT set_config('verbatim.workspace_id', 'mine', true)")
            assert connection.execute("SELECT count(*) FROM verbatim.job").fetchone() == (1,)


def test_the_api_role_cannot_write_for_another_workspace(migrated):
    with migrated.connect() as connection:
        connection.execute(f"SET ROLE {migrated.role('api')}")
        with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
            connection.execute("SELECT set_config('verbatim.workspace_id', 'mine', true)")
            connection.execute("INSERT INTO verbatim.segment (job_id, part_first, part_last, workspace_id)"
                               " VALUES (gen_random_uuid(), 1, 1, 'other')")
        for table in ("api_key", "outbox", "process"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM verbatim.{table}")


def test_the_worker_role_sees_the_queue_of_all_but_no_key(migrated):
    with migrated.connect() as connection:
        connection.execute(f"SET ROLE {migrated.role('worker')}")
        assert connection.execute("SELECT count(*) FROM verbatim.job").fetchone() == (2,)
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM verbatim.api_key")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("SELECT verbatim.key_about('x')")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM verbatim.key_here")


def test_the_api_role_sees_the_key_it_names_alone(verbatim, fresh):
    program = Program(verbatim, fresh.url)
    program.migrate()
    for workspace in ("one", "two"):
        program.workspace(workspace)
    first, other = program.key("one").split("_")[1], program.key("two").split("_")[1]
    with fresh.connect() as connection:
        connection.execute(f"SET ROLE {fresh.role('api')}")
        connection.execute("SELECT set_config('verbatim.workspace_id', 'two', false)")
        look = "SELECT key_id, workspace_id FROM verbatim.key_here"
        assert connection.execute(look).fetchall() == []
        connection.execute("SELECT set_config('verbatim.key_id', %s, false)", [first])
        assert connection.execute(look).fetchall() == [(first, "one")]
        assert connection.execute(look + " WHERE key_id = %s", [other]).fetchall() == []
    fresh.execute("UPDATE verbatim.api_key SET revoked_at = now() WHERE key_id = %s", [first])
    with fresh.connect() as connection:
        connection.execute("SELECT set_config('verbatim.key_id', %s, false)", [first])
        assert connection.execute(look).fetchall() == []


def test_what_a_key_is_asked_about_is_the_key_of_the_transaction(verbatim, fresh):
    program = Program(verbatim, fresh.url)
    program.migrate()
    program.workspace("one")
    first, other = (program.key("one", user=f"{name}@example.com").split("_")[1] for name in ("ann", "bob"))
    with fresh.connect() as connection, connection.transaction():
        connection.execute("SELECT set_config('verbatim.key_id', %s, true)", [first])
        for key in (first, other):
            connection.execute("SELECT verbatim.key_touch(%s)", [key])
        about = "SELECT user_email FROM verbatim.key_about(%s)"
        assert connection.execute(about, [first]).fetchall() == [("ann@example.com",)]
        assert connection.execute(about, [other]).fetchall() == []
    assert fresh.execute("SELECT key_id, last_used_at IS NOT NULL FROM verbatim.api_key ORDER BY user_email") \
        == [(first, True), (other, False)]


def test_functions_with_the_rights_of_the_owner_look_into_no_schema_of_the_caller(migrated):
    found = migrated.execute("SELECT proname, proconfig FROM pg_proc WHERE pronamespace = 'verbatim'::regnamespace"
                             " AND prosecdef")
    assert found and all(config == ["search_path=pg_catalog, pg_temp"] for _, config in found), found


def test_functions_are_closed_to_the_public(migrated):
    open_functions = migrated.execute(
        "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'verbatim'::regnamespace"
        " AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))")
    assert open_functions == []
