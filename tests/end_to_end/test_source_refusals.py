"""A source that answers and refuses: told as what it is, since trying again would not help."""

import pytest

from tests.lib import http_source as source
from tests.lib.process import wait_until

ORDER = {"channel_id": source.SMS, "start_date": "2026-01-01", "end_date": "2026-01-31"}


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    return source.make_workspaces(program)


@pytest.fixture(scope="module")
def service(keys, database, make_service):
    """Its login sees what policies let it see, and is not told of less: row_security is off."""
    database.execute("CREATE ROLE refused LOGIN; ALTER ROLE refused SET row_security = off; GRANT USAGE ON SCHEMA chat"
                     " TO refused; GRANT SELECT ON ALL TABLES IN SCHEMA chat TO refused")
    yield make_service(workers=0, source_url=database.url.replace("postgres@", "refused@"))
    database.execute("DROP OWNED BY refused; DROP ROLE refused")


BREAK = {
    "row security": ("ALTER TABLE chat.channel ENABLE ROW LEVEL SECURITY",
                     "ALTER TABLE chat.channel DISABLE ROW LEVEL SECURITY", "42501"),
    "right": ("REVOKE SELECT ON chat.channel FROM refused", "GRANT SELECT ON chat.channel TO refused", "42501"),
    "column": ("ALTER TABLE chat.channel RENAME COLUMN name TO title",
               "ALTER TABLE chat.channel RENAME COLUMN title TO name", "42703"),
}


@pytest.mark.parametrize("fault", BREAK)
def test_it_is_no_503(service, keys, database, fault):
    """The connection may stand already, or be made while the source refuses: the answer is one."""
    broken, mended, state = BREAK[fault]

    def answered():
        answer = service.start_export("one", keys["one"], **ORDER)
        return answer if answer.status != 503 else None
    database.execute(broken)
    try:
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'refused'")
        for _ in range(3):  # each loop of the service has a connection, and makes it anew
            answer = wait_until(answered, "an answer that does not ask for patience")
            assert answer.status == 500, answer.body
            assert answer.json()["detail"].startswith("The platform's database refuses"), answer.body
        assert f"(SQLSTATE {state})" in service.log()
    finally:
        database.execute(mended)
    assert wait_until(answered, "an order").status in (202, 409)
