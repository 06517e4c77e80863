"""Lists of the console: filters of the exports' list, pages of it while jobs come, and what an export shows in it.

No worker runs here; states are written by hand."""

import datetime
import itertools
import threading
import urllib.parse
import uuid

import pytest

from tests.lib import http_source as source
from tests.lib import native_source as people

EXPORTS = "/api/v1/workspace/one/exports"
FIELDS = ("door", "name", "subject", "expires_at", "notification")


@pytest.fixture(scope="module")
def keys(keys, program, database):
    source.somebody_sends_mails(database)
    for name in ("jane", "john"):
        keys[name] = people.make_key(program, database, "owner", user=f"{name}@example.com")
    return keys


@pytest.fixture(autouse=True)
def no_jobs(keys, database):
    database.execute("DELETE FROM verbatim.job")


def insert(database, count=1, workspace="one", at="2026-03-01T12:00:00Z", status="finished", door="native",
           format="csv", author="jane@example.com", audience=None):
    """Jobs of one microsecond; their ids."""
    return [str(row[0]) for row in database.execute(
        "INSERT INTO verbatim.job (job_id, workspace_id, door, specification, status, source_workspace, range_from,"
        " range_to, time_zone, csv_profile, as_of, link_ttl, created_at, finished_at, requested_by, audience)"
        " SELECT gen_random_uuid(), %s, %s, jsonb_build_object('select', jsonb_build_object('all', true), 'format',"
        " %s::text, 'files', 'single', 'include', '[]'::jsonb), %s, 'x', '2026-01-01', '2026-02-01', 'UTC', 'safe',"
        " now(), '1 day', %s, CASE WHEN %s IN ('queued', 'started') THEN NULL ELSE now() END, %s, %s"
        " FROM generate_series(1, %s) RETURNING job_id",
        [workspace, door, format, status, at, status, author, audience, count])]


def listed(service, key, query="", workspace="one"):
    answer = service.get(f"/api/v1/workspace/{workspace}/exports?{query}", key)
    assert answer.status == 200, answer.body
    return answer.json()


def walk(service, key, query="", limit=3):
    """Ids of all pages, and how many pages there were."""
    found, cursor = [], ""
    for page in itertools.count(1):
        answer = listed(service, key, f"limit={limit}&{query}{cursor}")
        assert len(answer["exports"]) <= limit
        found += [each["export_id"] for each in answer["exports"]]
        if answer["next_cursor"] is None:
            return found, page
        cursor = f"&cursor={answer['next_cursor']}"


# --- filters ---

KINDS = [{"status": s, "door": d, "format": f, "author": a}
         for s, d, f, a in itertools.product(("queued", "finished", "failed"), ("native", "console"), ("csv", "html"),
                                             ("jane@example.com", "nightly & co"))]
QUERIES = {
    "status=failed": lambda k: k["status"] == "failed",
    "status=failed,queued": lambda k: k["status"] in ("failed", "queued"),
    "status=failed&status=queued": lambda k: k["status"] in ("failed", "queued"),
    "door=console": lambda k: k["door"] == "console",
    "format=html": lambda k: k["format"] == "html",
    "format=html,csv&door=native&status=finished": lambda k: k["door"] == "native" and k["status"] == "finished",
    "requested_by=nightly+%26+co": lambda k: k["author"] == "nightly & co",
    "requested_by=nightly+%26+co&status=queued&door=console&format=csv":
        lambda k: k == {"status": "queued", "door": "console", "format": "csv", "author": "nightly & co"},
    "requested_by=nobody": lambda k: False,
    "status=cancelled": lambda k: False,
    "door=app,v1,main": lambda k: False,
}


@pytest.mark.parametrize("key, audience", (
    ("one", None), ("viewer", None), ("vip", ["vip"]), ("editor", ["vip", "press"])))
@pytest.mark.parametrize("query", QUERIES)
def test_filters(service, keys, database, key, audience, query):
    """As far as the key sees them, page by page, each once and in order; the same for every role."""
    wanted = []
    for place, kind in enumerate(KINDS):
        at = f"2026-03-0{1 + place % 3}T12:00:00Z"  # several of one microsecond
        for seen in (audience, ["billing"], ["billing", "press", "vip"]):
            jobs = insert(database, at=at, audience=seen, **kind)
            if QUERIES[query](kind) and (audience is None or seen == audience):
                wanted += [(at, job) for job in jobs]
    insert(database, workspace="two")
    found, _ = walk(service, keys[key], query)
    assert found == [job for at, job in sorted(wanted, reverse=True)]


def test_an_audience_is_a_set(service, keys, database):
    """Tags in another order or twice are the same audience; a part of it is another one."""
    same = insert(database, audience=["press", "vip"]) + insert(database, audience=["vip", "press", "vip"])
    insert(database, audience=["vip"])
    insert(database, audience=[])
    insert(database)
    assert sorted(walk(service, keys["editor"])[0]) == sorted(same)
    assert sorted(walk(service, keys["editor"], "requested_by=jane@example.com")[0]) == sorted(same)


def test_days_are_those_of_the_workspace(service, keys, program, database):
    before, first, last, behind = (insert(database, at=at)[0] for at in (
        "2026-03-28T23:59:59.999999+01:00", "2026-03-29T00:00:00+01:00",
        "2026-03-29T23:59:59.999999+02:00", "2026-03-30T00:00:00+02:00"))
    program.workspace("one", time_zone="Europe/Berlin")
    try:
        for query, wanted in (("from=2026-03-29&to=2026-03-29", [last, first]),
                              ("from=2026-03-29", [behind, last, first]),
                              ("to=2026-03-29", [last, first, before]), ("from=2026-03-31", []), ("to=2026-03-27", []),
                              ("from=2026-03-29&status=finished&to=2026-03-30", [behind, last, first])):
            assert walk(service, keys["one"], query, limit=1)[0] == wanted, query
    finally:
        program.workspace("one", time_zone="UTC")


@pytest.mark.parametrize("query, member", (
    ("status=done", "status"), ("status=", "status"), ("status=failed,", "status"),
    ("door=v3", "door"), ("door='or'1'='1", "door"), ("format=exe", "format"), ("requested_by=", "requested_by"),
    ("requested_by=" + "x" * 1001, "requested_by"), ("requested_by=%FF", "requested_by"),
    ("requested_by=a&requested_by=b", "requested_by"),
    ("from=2026-02-30", "from"), ("from=2026-02-01T00:00:00Z", "from"), ("to=yesterday", "to"),
    ("from=2026-02-02&to=2026-02-01", "to"), ("limit=0", "limit"), ("limit=101", "limit"), ("cursor=abc", "cursor"),
    ("sort=asc", "sort")))
def test_broken_queries_are_told_by_name(service, keys, query, member):
    answer = service.get(f"{EXPORTS}?{query}", keys["one"])
    assert answer.status == 422, answer.body
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", member]]


def test_several_broken_ones_at_once(service, keys):
    answer = service.get(f"{EXPORTS}?status=x&door=y&format=z&from=1", keys["one"])
    assert [problem["loc"][1] for problem in answer.json()["detail"]] == ["status", "door", "format", "from"]


@pytest.mark.parametrize("hostile", ("' OR true --", "\\", "{}", "%", "_", "\U0001f600", '"}\'', "a,b", "$1"))
def test_hostile_authors_are_texts(service, keys, database, hostile):
    insert(database)
    job = insert(database, author=hostile)
    assert walk(service, keys["one"], f"requested_by={urllib.parse.quote(hostile)}")[0] == job


def test_a_query_is_judged_behind_the_key(service, keys):
    assert service.get(f"{EXPORTS}?status=x").status == 401
    assert service.get(f"{EXPORTS}?from=2026-01-01").status == 401
    assert service.get(f"{EXPORTS}?from=2026-01-01&status=x", keys["two"]).status == 404
    assert service.get(f"{EXPORTS}?from=2026-01-01", keys["metrics"]).status == 403


def test_a_cursor_of_another_workspace_is_refused(service, keys, database):
    insert(database, 3)
    insert(database, 3, workspace="two")
    cursor = listed(service, keys["one"], "limit=1")["next_cursor"]
    assert service.get(f"/api/v1/workspace/two/exports?cursor={cursor}", keys["two"]).status == 422


# --- pages ---

@pytest.mark.parametrize("query", ("", "status=finished", "requested_by=jane@example.com", "from=2026-03-01"))
def test_no_job_is_lost_or_doubled_while_others_come(service, keys, database, query):
    """250 of one microsecond, walked page by page while older, newer and equal ones are made."""
    there = insert(database, 250)
    stop = threading.Event()

    def make():
        while not stop.is_set():
            for at in ("2026-02-28T12:00:00Z", "2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z"):
                insert(database, at=at)
    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        found, pages = [], 0
        for _ in range(3):
            found, pages = walk(service, keys["one"], query, limit=7)
            assert len(found) == len(set(found)), "none twice"
            assert set(there) <= set(found), "none lost"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert pages >= 250 // 7
    assert database.value("SELECT count(*) FROM verbatim.job") > 250, "others came meanwhile"


def test_a_walk_goes_on_when_rows_of_it_are_deleted(service, keys, database):
    there = sorted(insert(database, 9), reverse=True)
    page = listed(service, keys["one"], "limit=3&status=finished")
    database.execute("DELETE FROM verbatim.job WHERE job_id = ANY (%s::uuid[])", [there[1:4]])
    rest = listed(service, keys["one"], f"limit=100&status=finished&cursor={page['next_cursor']}")
    assert [each["export_id"] for each in rest["exports"]] == there[4:]


def test_an_index_for_a_job_that_changes_its_status(service, keys, database):
    job = insert(database, status="queued")[0]
    assert walk(service, keys["one"], "status=queued")[0] == [job]
    database.execute("UPDATE verbatim.job SET status = 'started' WHERE job_id = %s", [job])
    assert walk(service, keys["one"], "status=queued")[0] == []
    assert walk(service, keys["one"], "status=started")[0] == [job]


# --- what an export shows ---

def start(service, key, **body):
    answer = service.request("POST", EXPORTS, key, json_body=body)
    assert answer.status == 202, answer.body
    return answer.json()


@pytest.mark.parametrize("select, subject", (
    ({"all": True}, "all"), ({"channel_id": source.SMS}, "SMS Support"),
    ({"phone_number": source.LONELY_NUMBER}, "Büro"),
    ({"assistant_id": people.ASSISTANT}, "Ada / Sales"), ({"contact_id": people.JANE}, "Jane Doe"),
    ({"contact_id": people.NAMELESS}, "nobody@example.com"), ({"conversation_ids": [people.VIP]}, "conversations")))
def test_subject(service, keys, select, subject):
    assert start(service, keys["one"], select=select)["subject"] == subject


def test_a_new_export_shows_what_is_known(service, keys):
    export = start(service, keys["one"], select={"all": True})
    assert [export[name] for name in FIELDS] == ["native", None, "all", None, None]
    asked = start(service, keys["one"], select={"all": True}, notification_email="a@example.com")
    assert asked["notification"] == "waiting"


def finish(database, job, retention=None, ended="0 s", email=None):
    database.execute(
        "UPDATE verbatim.job SET status = 'finished', finished_at = now() - %s::interval, object_key = 'a/b/c.csv',"
        " file_name = 'c.csv', link_expires_at = now() - %s::interval + interval '1 day', retention = %s::interval,"
        " notification_email = %s WHERE job_id = %s", [ended, ended, retention, email, job])
    return database.execute("SELECT created_at, finished_at, link_expires_at FROM verbatim.job WHERE job_id = %s",
                            [job])[0]


def test_expires_at_is_the_end_of_the_file(service, keys, program, database):
    def shown():
        return service.get(f"{EXPORTS}/{job}", keys["one"]).json()["expires_at"]

    def text(moment):
        return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")
    job = start(service, keys["one"], select={"all": True})["export_id"]
    created, finished, link = finish(database, job)
    assert shown() == text(finished + datetime.timedelta(days=7)), "the option"
    database.execute("UPDATE verbatim.workspace SET retention = '2 days' WHERE workspace_id = 'one'")
    assert shown() == text(finished + datetime.timedelta(days=2)), "the workspace's wins over it"
    database.execute("UPDATE verbatim.workspace SET retention = '1 hour' WHERE workspace_id = 'one'")
    assert shown() == text(link), "no file goes before its link"
    finish(database, job, retention="30 days")
    assert shown() == text(created + datetime.timedelta(days=30)), "the door's own wins over both"
    database.execute("UPDATE verbatim.workspace SET retention = NULL")
    database.execute("UPDATE verbatim.job SET archive_deleted_at = now() WHERE job_id = %s", [job])
    assert shown() is None, "it has gone"


def test_notification_follows_the_outbox(service, keys, database, make_service, smtp):
    job = start(service, keys["one"], select={"all": True}, notification_email="a@example.com")["export_id"]
    mailing = make_service(workers=0, smtp_url=smtp.url, mail_from="export@verbatim.example")

    def shown(by=mailing):
        return by.get(f"{EXPORTS}/{job}", keys["one"]).json()["notification"]
    assert shown() == "waiting"
    finish(database, job, email="a@example.com")
    database.execute("INSERT INTO verbatim.outbox (workspace_id, job_id, kind, recipient, not_before)"
                     " VALUES ('one', %s, 'mail', 'a@example.com', 'infinity')", [job])
    assert (shown(), shown(service)) == ("waiting", "waiting")
    database.execute("UPDATE verbatim.outbox SET given_up_at = now()")
    assert (shown(), shown(service)) == ("failed", "failed")
    database.execute("UPDATE verbatim.outbox SET given_up_at = NULL, sent_at = now()")
    assert shown() == "sent"
    database.execute("UPDATE verbatim.job SET status = 'failed', error_message = 'x' WHERE job_id = %s", [job])
    assert shown() is None, "no mail tells of a failure"


def test_a_foreign_export_shows_nothing(service, keys, database):
    job = insert(database, workspace="two")[0]
    assert service.get(f"{EXPORTS}/{job}", keys["one"]).status == 404
    assert service.get(f"{EXPORTS}/{uuid.uuid4()}", keys["one"]).status == 404
