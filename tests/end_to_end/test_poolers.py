"""Behind PgBouncer with nothing set: it is noticed on each kind of connection, nothing of ours stays on the sessions
that strangers get next, exports do not wait for notifications that never come. What cannot work says so: a pooler for
single statements, and a server that is too old."""

import datetime
import re

import pytest

from tests.lib import http_source as source
from tests.lib.doctor import doctor
from tests.lib.patience import Stopwatch
from tests.lib.postgres import PgBouncer
from tests.lib.process import wait_until
from tests.lib.proxy import Proxy
from tests.lib.service import Program

pytestmark = pytest.mark.threads

RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-28"}
SESSION = """SELECT current_setting('default_transaction_read_only'), current_setting('statement_timeout'),
    current_setting('plan_cache_mode'), current_setting('enable_seqscan'), current_setting('role'),
    current_setting('verbatim.workspace_id', true), (SELECT count(*) FROM pg_prepared_statements
    WHERE name NOT LIKE 'odyssey%')"""  # what that pooler makes by itself of statements without a name


@pytest.fixture(scope="module")
def narrow(postgres):
    """So few server connections that everybody is lent everybody's."""
    with PgBouncer(postgres, pool_size=3) as pooler:
        yield pooler


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    return source.make_workspaces(program)


@pytest.fixture(scope="module")
def pooled(narrow, database):
    return narrow.database(database.name)


@pytest.fixture(scope="module")
def service(keys, pooled, make_service):
    return make_service(database_url=pooled.url)


def seconds_of_an_export(service, keys, day):
    """From the order to the end, as a poll every 20 ms tells it."""
    watch = Stopwatch()
    range_ = {"start_date": "2026-02-01", "end_date": str(datetime.date(2026, 2, 1) + datetime.timedelta(days=day))}
    answer = service.start_export("one", keys["one"], **range_, channel_id=source.SMS)
    assert answer.status == 202, answer.body
    wait_until(lambda: service.job("one", keys["one"], answer.json()["export_job_id"])["status"] == "finished",
               "the export")
    return watch.awake


def test_exports_do_not_wait_for_what_is_not_told(service, keys):
    """Workers that think they listen look every ten seconds alone; those that know they do not, every half second."""
    assert min(seconds_of_an_export(service, keys, day) for day in range(4)) < 3


def test_strangers_find_sessions_as_the_server_makes_them(service, keys, pooled, database):
    fresh = None
    with database.connect() as direct:
        fresh = direct.execute(SESSION).fetchone()
    service.start_export("one", keys["one"], **RANGE, channel_id=source.SMS)
    database.execute("CREATE TABLE IF NOT EXISTS public.theirs (id int)")
    for i in range(40):
        assert service.get("/api/v1/workspace/one/exports", keys["one"]).status == 200
        with pooled.connect() as stranger:
            seen = stranger.execute(SESSION, prepare=False).fetchone()
            assert (*seen[:5], seen[5] or None, seen[6]) == (*fresh[:5], None, 0), i
            stranger.execute("INSERT INTO public.theirs VALUES (1)", prepare=False)


def test_it_is_told_once(service, keys):
    assert service.get("/readyz").status == 200
    assert service.log().count("a pooler stands before the database") == 1


def test_the_doctor_names_it(program, keys, pooled, narrow, folder):
    seen = doctor(Program(program.path, pooled.url), storage=f"file://{folder}/storage")
    assert "a pooler" in " ".join(line.text for line in seen.lines if line.subject == "database"), seen.output


def test_single_statements_are_too_little(program, keys, postgres, database, folder):
    with PgBouncer(postgres, pool_mode="statement") as pooler:
        url = pooler.database(database.name).url
        ended = Program(program.path, url).run("serve", "--storage", f"file://{folder}/storage", check=False)
        assert ended.returncode == 1 and "set pool_mode = transaction" in ended.stderr, ended.stderr
        seen = doctor(Program(program.path, url), storage=f"file://{folder}/storage")
        assert seen.status == 1 and "set pool_mode = transaction" in seen.output


class Older(Proxy):
    """Tells clients that the server is of release 12, as a server of that release does at the start."""

    def _pass(self, source, to, data):
        super()._pass(source, to, re.sub(rb"server_version\x00\d\d", b"server_version\x0012", data))


@pytest.mark.parametrize("which", ["database_url", "source_url"])
def test_a_server_that_is_too_old(program, keys, postgres, database, folder, which):
    words = "PostgreSQL 13 or later is needed, this server is 12"
    with Older(postgres.port) as proxy:
        url = database.url.replace(str(postgres.port), str(proxy.port))
        older = (Program(program.path, url) if which == "database_url" else
                 Program(program.path, database.url, {"source_url": url}))
        ended = older.run("serve", "--storage", f"file://{folder}/storage", check=False)
        assert ended.returncode == 1 and words in ended.stderr, ended.stderr
        seen = doctor(older, storage=f"file://{folder}/storage")
        assert seen.status == 1 and words in seen.output, seen.output
