"""Making a job without HTTP: blocking connections drive the same steps as the loops do, with the same results.

order_tool stands for a command. No worker runs here, so jobs stay queued.
"""

import contextlib
import json
import pathlib
import re
import subprocess

import pytest

from tests.lib import http_source as source
from tests.lib import native_source as people
from tests.lib.patience import LIMIT
from tests.lib.postgres_proxy import Fault, PostgresProxy
from tests.lib.service import SANITIZER_REPORT, clean_environment

EXPORTS = "/api/v1/workspace/one/exports"
JOBS = "/api/v1/workspace/one/export-jobs"
MAIN = {"select": {"channel_id": source.LONELY}, "filter": {"from": "2026-02-01", "to": "2026-02-28"}}
# All that a job is but what differs from one job to the next, and who ordered it.
FACTS = """
SELECT to_jsonb(j) - '{job_id, created_at, as_of, source_snapshot, range_to, requested_by, requested_key,
    ordered_storage}'::text[],
    range_to - as_of < interval '1 second', source_snapshot <> '', as_of <= clock_timestamp(),
    (SELECT array_agg((part_first, part_last, status, workspace_id)::text) FROM verbatim.segment AS s
     WHERE s.job_id = j.job_id),
    (SELECT array_agg((workspace_id, door, audience, filter, format)::text) FROM verbatim.audit AS a
     WHERE a.job_id = j.job_id)
FROM verbatim.job AS j WHERE job_id = %s
"""


@pytest.fixture(scope="module")
def keys(keys, database):
    source.somebody_sends_mails(database)
    return keys


@pytest.fixture(autouse=True)
def no_jobs(keys, database):
    database.execute("DELETE FROM verbatim.job")


@pytest.fixture
def order(program):
    tool = pathlib.Path(program.path).parent / "tests/tools/order_tool"

    def run(body, *arguments, workspace="one", door="native", **options):
        """What came of it, and the words behind that."""
        env = clean_environment(program.options | options, program.env)
        done = subprocess.run([str(tool), workspace, door, *arguments], input=json.dumps(body), env=env, text=True,
                              capture_output=True, timeout=LIMIT)
        assert not SANITIZER_REPORT.search(done.stderr), done.stderr
        assert done.returncode == 0, done.stderr
        what, _, words = done.stdout.strip().partition(" ")
        return what, words
    return run


def post(service, key, body, **headers):
    return service.request("POST", EXPORTS, key, json_body=body,
                           headers={name.replace("_", "-"): value for name, value in headers.items()})


def facts(database, job):
    [row] = database.execute(FACTS, [job])
    return row


# --- made ---

@pytest.mark.parametrize("body", [
    {"select": {"all": True}},
    {"select": {"channel_id": source.SMS}, "filter": {"from": "2026-02-01", "to": "2026-02-28", "tags": ["vip"]}},
    {"select": {"phone_number": source.LONELY_NUMBER}, "format": "csv", "layout": "conversations", "files": "chunks"},
    {"select": {"assistant_id": people.ASSISTANT}, "filter": {"from": "2026-02-01T10:00:00Z"}, "format": "json",
     "files": "single", "csv_profile": "raw", "notification_email": "a@example.com", "link_ttl": "2h"},
    {"select": {"contact_id": people.JANE}, "filter": {"channel_type": "sms"}},
    {"select": {"conversation_ids": [people.PRESS, people.VIP]}},
], ids=lambda body: next(iter(body["select"])))
def test_a_job_has_the_rows_that_a_request_makes(service, keys, database, order, body):
    answer = post(service, keys["one"], body)
    assert answer.status == 202, answer.body
    what, job = order(body)
    assert what == "made"
    assert facts(database, job) == facts(database, answer.json()["export_id"])


def test_a_restricted_caller_s_job_is_its_audience_s(service, keys, database, order):
    body = {"select": {"all": True}}
    answer = post(service, keys["editor"], body)
    what, job = order(body, "audience=press", "audience=vip")
    assert what == "made"
    assert facts(database, job) == facts(database, answer.json()["export_id"])
    assert database.value("SELECT audience FROM verbatim.job WHERE job_id = %s", [job]) == ["press", "vip"]


def test_a_contact_may_stand_for_the_person(database, order):
    what, job = order({"select": {"contact_id": people.JANE, "match": "identity"}})
    assert what == "made"
    [(contacts,)] = database.execute("SELECT specification -> 'contact_ids' FROM verbatim.job WHERE job_id = %s", [job])
    assert set(contacts) == {people.JANE, people.JANE_AGAIN, people.JANE_BY_PHONE}


# --- refused ---

def test_what_is_not_there_is_missing_at_its_place(order):
    foreign = [people.PRESS, people.FOREIGN]
    assert order({"select": {"channel_id": source.FOREIGN}}) == ("missing", "select.channel_id")
    assert order({"select": {"channel_id": "no-uuid"}}) == ("missing", "select.channel_id")
    assert order({"select": {"phone_number": "+19999999999"}}) == ("missing", "select.phone_number")
    assert order({"select": {"assistant_id": people.FOREIGN_ASSISTANT}}) == ("missing", "select.assistant_id")
    assert order({"select": {"conversation_ids": foreign}}) == ("missing", "select.conversation_ids.1")
    assert order({"select": {"all": True}, "filter": {"contact_id": people.FOREIGN_CONTACT}}) == (
        "missing", "filter.contact_id")
    assert order({"select": {"contact_id": people.JOHN}}, "audience=none") == ("missing", "select.contact_id")


def test_a_shared_number_has_candidates_in_order(service, keys, order):
    body = {"select": {"phone_number": source.SHARED_NUMBER}}
    answer = post(service, keys["one"], body).json()
    assert order(body) == ("several", " ".join(each["channel_id"] for each in answer["detail"]["candidates"]))


def test_a_range_that_is_none(order):
    backwards = {"from": "2026-02-02", "to": "2026-02-01T10:00:00Z"}
    assert order({"select": {"all": True}, "filter": backwards}) == (
        "no", "range to: Value error, to must be after from")
    assert order({"select": {"all": True}, "filter": {"from": "2999-01-01"}}) == (
        "no", "range from: Value error, from is in the future")


def test_a_filter_that_the_source_cannot_make(service, keys, database, order):
    database.execute("ALTER TABLE chat.conversation RENAME COLUMN status TO state")
    try:
        what, words = order({"select": {"all": True}, "filter": {"status": ["open"]}})
    finally:
        database.execute("ALTER TABLE chat.conversation RENAME COLUMN state TO status")
    assert what == "unsupported"
    assert "status" in words


# --- one active export, idempotency ---

def test_an_active_export_is_in_the_way_whoever_made_it(service, keys, database, order):
    answer = service.start_export("one", keys["one"], channel_id=source.LONELY, start_date="2026-02-01",
                                  end_date="2026-02-28")
    first = answer.json()["export_job_id"]
    assert order(MAIN, "active", door="main") == ("active", first)
    database.execute("UPDATE verbatim.job SET status = 'finished', finished_at = now()")
    what, second = order(MAIN, "active", door="main")
    assert what == "made"
    again = service.start_export("one", keys["one"], channel_id=source.LONELY, start_date="2026-02-01",
                                 end_date="2026-02-28")
    assert (again.status, again.json()["detail"]["export_job_id"]) == (409, second)
    assert order(MAIN, "active", "audience=vip", door="main")[0] == "made"  # another audience, another export


def test_a_key_is_the_same_to_requests_and_commands(service, keys, database, order):
    body = {"select": {"channel_id": source.SMS}}
    answer = post(service, keys["one"], body, Idempotency_Key="k")
    assert order(body, "key=k") == ("found", answer.json()["export_id"])
    assert order({"select": {"all": True}}, "key=k") == ("differs", "")
    what, job = order(body, "key=l")
    assert what == "made"
    assert post(service, keys["one"], body, Idempotency_Key="l").json()["export_id"] == job
    assert order(body, "key=k", door="command")[0] == "made"  # a key is good within its door
    assert database.value("SELECT count(*) FROM verbatim.job") == 3


def test_a_key_is_found_where_what_it_named_has_gone(database, order):
    body = {"select": {"channel_id": source.LONELY}}
    what, job = order(body, "key=k")
    assert what == "made"
    database.execute("UPDATE chat.channel SET workspace_id = 'gone' WHERE id = %s", [source.LONELY])
    try:
        assert order(body, "key=k") == ("found", job)
        assert order(body, "key=l") == ("missing", "select.channel_id")
    finally:
        database.execute("UPDATE chat.channel SET workspace_id = 'platform-one' WHERE id = %s", [source.LONELY])


@contextlib.contextmanager
def refusing(database, times):
    """The first so many inserts make nothing, as if a job in the way ended before it was looked for."""
    database.execute(f"""
        CREATE SEQUENCE public.tries;
        CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
            'BEGIN RETURN CASE WHEN nextval(''public.tries'') > {times} THEN NEW END; END';
        CREATE TRIGGER refuse BEFORE INSERT ON verbatim.job FOR EACH ROW EXECUTE FUNCTION public.refuse()""")
    try:
        yield lambda: database.value("SELECT last_value FROM public.tries")
    finally:
        database.execute("DROP TRIGGER refuse ON verbatim.job; DROP FUNCTION public.refuse; DROP SEQUENCE public.tries")


@pytest.mark.parametrize("arguments", [(), ("active",), ("key=k",)], ids=["plain", "active", "key"])
def test_what_was_in_the_way_and_is_gone_is_no_hindrance(database, order, arguments):
    with refusing(database, 4) as tries:
        assert order(MAIN, *arguments)[0] == "made"
        assert tries() == 5
    with refusing(database, 99) as tries:
        assert order(MAIN, *arguments, door="other")[0] == ("active" if "active" in arguments else "failed")
        database.execute("DELETE FROM verbatim.job")
        assert order(MAIN, *arguments) == ("failed", "the job could neither be made nor found")
    assert database.value("SELECT count(*) FROM verbatim.job") == 0


# --- what is lost on the way ---

@pytest.mark.parametrize("way", ["drop", "lose"])
@pytest.mark.parametrize("arguments", [(), ("active",), ("key=k",)], ids=["plain", "active", "key"])
def test_a_lost_statement_or_answer_makes_one_job(postgres, database, order, arguments, way):
    """Each statement to Verbatim's database in turn, the COMMIT among them."""
    seen, failing, is_reading = [], None, True

    def decide(statement):
        nonlocal is_reading
        is_reading = is_reading and "verbatim.job" not in statement.text and statement.text != "BEGIN"
        if statement.application != "verbatim order" or is_reading:
            return None  # what the tool reads before it orders
        seen.append(statement.text)
        return Fault(way) if len(seen) == failing else None

    def audited():
        return database.value("SELECT count(*) FROM verbatim.audit")

    with PostgresProxy(postgres.port, decide) as proxy:
        url = {"database_url": proxy.url(database.name), "source_url": database.url}
        assert order(MAIN, *arguments, **url)[0] == "made"
        texts = list(seen)
        assert "COMMIT" in texts and any("INSERT INTO verbatim.job" in text for text in texts)
        for failing in range(1, len(texts) + 1):
            database.execute("DELETE FROM verbatim.job")
            before, is_reading = audited(), True
            seen.clear()
            what, job = order(MAIN, *arguments, **url)
            assert what == "made", (texts[failing - 1], what, job)
            assert len(seen) > failing, "nothing was repeated"
            assert database.execute("SELECT job_id::text FROM verbatim.job") == [(job,)]
            assert database.execute("SELECT job_id::text FROM verbatim.segment") == [(job,)]
            assert audited() == before + 1


def test_a_source_that_goes_away_makes_nothing(postgres, database, order):
    def decide(statement):
        is_lookup = statement.application == "verbatim order source" and "pg_current_snapshot" in statement.text
        return Fault("drop") if is_lookup else None

    with PostgresProxy(postgres.port, decide) as proxy:
        what, words = order(MAIN, database_url=database.url, source_url=proxy.url(database.name))
    assert what == "failed", words
    assert database.value("SELECT count(*) FROM verbatim.job") == 0


def test_a_request_takes_three_round_trips_and_one_for_its_key(postgres, database, keys, make_service):
    """One for each transaction, whatever it holds: each begins with the role, or goes to the source."""
    begun = []

    def decide(statement):
        if statement.kind == "execute" and re.search(r"set_config\('role'|pg_current_snapshot", statement.text):
            begun.append(statement.text)

    with PostgresProxy(postgres.port, decide) as proxy:
        service = make_service(workers=0, database_url=proxy.url(database.name))

        def count(**headers):
            begun.clear()
            assert post(service, keys["one"], {"select": {"all": True}}, **headers).status == 202
            return len(begun)

        # The loops send a little for themselves now and then, but not all the time.
        assert min(count() for _ in range(8)) == 3
        assert min(count(Idempotency_Key=f"k{n}") for n in range(8)) == 4
        service.stop()
