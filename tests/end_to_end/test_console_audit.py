"""The audit for people: filtered, page by page, and all of it as CSV that a spreadsheet may open."""

import csv
import http.client
import io
import itertools
import os
import re
import urllib.parse

import pytest

from tests.lib import native_source as people
from tests.lib.patience import LIMIT
from tests.lib.process import SANITIZED, wait_until

PATH = "/api/v1/workspace/one/audit"
COLUMNS = ["audit_id", "at_utc", "author", "door", "format", "export_id", "status", "records", "downloads",
           "last_download_at_utc", "last_download_by", "deleted_at_utc", "deleted_by", "specification"]


@pytest.fixture(scope="module")
def keys(keys, program, database):
    return keys | {
        "admin": people.make_key(program, database, "admin", user="admin@example.com"),
        "jane": people.make_key(program, database, "owner", user="jane@example.com")}


@pytest.fixture
def working(keys, make_service, local):
    service = make_service(local, workers=1)
    yield service
    service.stop()


@pytest.fixture(autouse=True)
def no_entries(keys, database):
    tables = ("audit", "audit_event")
    for statement in [f"ALTER TABLE verbatim.{table} DISABLE TRIGGER USER" for table in tables] + [
            "DELETE FROM verbatim.job", "TRUNCATE verbatim.audit CASCADE"] + [
            f"ALTER TABLE verbatim.{table} ENABLE TRIGGER USER" for table in tables]:
        database.execute(statement)


def insert(database, count=1, workspace="one", at="2026-03-01T12:00:00Z", door="native", format="csv",
           author="jane@example.com", direct=False):
    return [str(row[0]) for row in database.execute(
        "INSERT INTO verbatim.audit (workspace_id, job_id, door, author, filter, format, created_at)"
        " SELECT %s, CASE WHEN %s THEN NULL ELSE gen_random_uuid() END, %s, %s, '{}', %s, %s"
        " FROM generate_series(1, %s) RETURNING audit_id", [workspace, direct, door, author, format, at, count])]


def page_of(service, key, query=""):
    answer = service.get(f"{PATH}?{query}", key)
    assert answer.status == 200, answer.body
    return answer.json()


def walk(service, key, query="", limit=3):
    found, cursor = [], ""
    while cursor is not None:
        page = page_of(service, key, f"limit={limit}&{query}" + (f"&cursor={cursor}" if cursor else ""))
        assert len(page["entries"]) <= limit
        found += [each["audit_id"] for each in page["entries"]]
        cursor = page["next_cursor"]
    return found


def rows_of(service, key, query=""):
    answer = service.get(f"{PATH}.csv?{query}", key)
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "audit.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.body.decode(), newline=""), strict=True))
    assert rows[0] == COLUMNS
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows[1:]]


# --- what an entry says ---

def test_the_life_of_an_export(working, keys, database):
    body = {"select": {"all": True}, "format": "json"}
    export = working.request("POST", "/api/v1/workspace/one/exports", keys["jane"], json_body=body).json()["export_id"]
    path = f"/api/v1/workspace/one/exports/{export}"
    working.finished(keys["jane"], export)
    assert working.get(f"{path}/download", keys["admin"]).status == 200
    wait_until(lambda: page_of(working, keys["one"])["entries"][0]["downloads"], "the download is noted")
    entry, = page_of(working, keys["one"])["entries"]
    names = ("author", "door", "format", "export_id", "subject", "status", "records", "deleted")
    assert {name: entry[name] for name in names} == {
        "author": "jane@example.com", "door": "native", "format": "json", "export_id": export, "subject": "all",
        "status": "finished", "records": 3, "deleted": None}
    assert entry["specification"]["select"] == {"all": True}
    assert [each["by"] for each in entry["downloads"]] == ["admin@example.com"]
    assert working.request("DELETE", path, keys["admin"]).status == 204
    entry, = page_of(working, keys["one"])["entries"]
    assert (entry["status"], entry["deleted"]["by"]) == ("finished", "admin@example.com"), "the entry outlives it"
    row, = rows_of(working, keys["one"])
    assert [row[name] for name in ("audit_id", "export_id", "records", "downloads")] == [
        entry["audit_id"], export, "3", "1"]
    assert (row["last_download_by"], row["deleted_by"]) == ("admin@example.com",) * 2
    assert (row["at_utc"], row["deleted_at_utc"]) == (entry["at"], entry["deleted"]["at"])


def test_statuses(service, keys, database):
    for body in ({"select": {"all": True}}, {"select": {"all": True}, "format": "json"}):
        assert service.request("POST", "/api/v1/workspace/one/exports", keys["one"], json_body=body).status == 202
    first = page_of(service, keys["one"])["entries"][1]["export_id"]
    assert service.request("POST", f"/api/v1/workspace/one/exports/{first}/cancel", keys["one"]).status == 200
    assert [each["status"] for each in page_of(service, keys["one"])["entries"]] == ["queued", "cancelled"]
    insert(database, at="2025-01-01T00:00:00Z", direct=True)
    insert(database, at="2024-01-01T00:00:00Z")
    entries = page_of(service, keys["one"])["entries"]
    assert [(each["status"], each["records"]) for each in entries[2:]] == [("started", None), (None, None)]


def test_an_export_answered_at_once_has_no_job(service, keys):
    assert service.get(f"/v3/agents/{people.ASSISTANT}/convos/export", keys["jane"]).status == 200
    wait_until(lambda: page_of(service, keys["one"], "kind=direct")["entries"][0]["status"] == "finished", "its end")
    entry, = page_of(service, keys["one"], "kind=direct&door=v3")["entries"]
    assert (entry["export_id"], entry["records"], entry["author"]) == (None, 2, "jane@example.com")
    assert page_of(service, keys["one"], "kind=job")["entries"] == []


# --- filters and pages ---

KINDS = [{"door": d, "format": f, "author": a, "direct": i} for d, f, a, i in itertools.product(
    ("native", "v3"), ("csv", "json"), ("jane@example.com", "x, y"), (False, True))]
QUERIES = {
    "": lambda k: True,
    "door=v3": lambda k: k["door"] == "v3",
    "door=v3,native&format=json": lambda k: k["format"] == "json",
    "format=csv&format=html&kind=direct": lambda k: k["format"] == "csv" and k["direct"],
    "kind=job": lambda k: not k["direct"],
    "author=x%2C+y": lambda k: k["author"] == "x, y",
    "author=x%2C+y&kind=direct&door=v3&format=csv": lambda k: k == {"door": "v3", "format": "csv", "author": "x, y",
                                                                     "direct": True},
    "author=nobody": lambda k: False,
    "door=app": lambda k: False,
}


@pytest.mark.parametrize("query", QUERIES)
def test_filters(service, keys, database, query):
    """In pages, in one page, and as CSV: the same entries in the same order."""
    wanted = []
    for place, kind in enumerate(KINDS):
        at = f"2026-03-0{1 + place % 3}T12:00:00Z"
        made = insert(database, 2, at=at, **kind)
        wanted += [(at, int(each)) for each in made if QUERIES[query](kind)]
    insert(database, workspace="two")
    wanted = [str(number) for _, number in sorted(wanted, reverse=True)]
    assert walk(service, keys["admin"], query) == wanted
    assert walk(service, keys["one"], query, limit=100) == wanted
    assert [row["audit_id"] for row in rows_of(service, keys["one"], query)] == wanted


def test_days_are_those_of_the_workspace(service, keys, program, database):
    before, first, last, behind = (insert(database, at=at)[0] for at in (
        "2026-03-28T23:59:59.999999+01:00", "2026-03-29T00:00:00+01:00",
        "2026-03-29T23:59:59.999999+02:00", "2026-03-30T00:00:00+02:00"))
    program.workspace("one", time_zone="Europe/Berlin")
    try:
        for query, wanted in (("from=2026-03-29&to=2026-03-29", [last, first]), ("to=2026-03-28", [before]),
                              ("from=2026-03-30", [behind]), ("from=2026-03-29&kind=job", [behind, last, first])):
            assert walk(service, keys["one"], query, limit=1) == wanted, query
            assert [row["audit_id"] for row in rows_of(service, keys["one"], query)] == wanted, query
    finally:
        program.workspace("one", time_zone="UTC")


def test_entries_of_one_microsecond_are_neither_lost_nor_doubled(service, keys, database):
    there = insert(database, 250)
    for at in ("2026-02-28T12:00:00Z", "2026-03-02T12:00:00Z"):
        insert(database, 3, at=at)
    found = walk(service, keys["one"], limit=7)
    assert len(found) == len(set(found)) == 256 and set(there) <= set(found)
    assert len(rows_of(service, keys["one"])) == 256


@pytest.mark.parametrize("query, member", (
    ("door=x", "door"), ("format=exe", "format"), ("kind=x", "kind"), ("author=", "author"), ("from=1", "from"),
    ("to=2026-02-30", "to"), ("from=2026-02-02&to=2026-02-01", "to"), ("sort=x", "sort")))
def test_broken_queries(service, keys, query, member):
    for path in (PATH, f"{PATH}.csv"):
        answer = service.get(f"{path}?{query}", keys["one"])
        assert answer.status == 422, answer.body
        assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", member]]
    for query, member in (("limit=0", "limit"), ("cursor=x", "cursor")):
        assert service.get(f"{PATH}?{query}", keys["one"]).json()["detail"][0]["loc"] == ["query", member]
    assert service.get(f"{PATH}.csv?limit=1", keys["one"]).status == 422


def test_a_cursor_of_another_list_is_refused(service, keys, database):
    insert(database, 3)
    cursor = service.get("/v1/exports/audit?limit=1", keys["one"]).json()["next"]
    assert service.get(f"{PATH}?cursor={cursor}", keys["one"]).status == 422


def test_who_may(service, keys, database):
    insert(database)
    for path in (PATH, f"{PATH}.csv"):
        for key in ("editor", "viewer"):
            assert service.get(path, keys[key]).status == 403
        assert service.get(path).status == 401
        assert service.get(path, keys["two"]).status == 404
    assert service.get("/api/v1/workspace/two/audit", keys["two"]).json()["entries"] == []


# --- the CSV ---

@pytest.mark.parametrize("author", (
    "=1+1", "+SUM(A1)", "-2", "@x", "\t=1", "＝1", "'=1", 'a"b,c', "a;b\nc", "<script>", "客户"))
def test_a_spreadsheet_runs_nothing(service, keys, database, author):
    insert(database, author=author)
    row, = rows_of(service, keys["one"])
    guarded = re.match(r"'? *[=+\-@\t\r＝＋－＠]", author)
    assert row["author"] == ("'" + author if guarded else author)
    found, = page_of(service, keys["one"], urllib.parse.urlencode({"author": author}))["entries"]
    assert found["author"] == author


def test_no_entries_are_a_header(service, keys):
    assert rows_of(service, keys["one"]) == []


def test_head_reads_nothing(service, keys, database):
    insert(database)
    answer = service.request("HEAD", f"{PATH}.csv", keys["one"])
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, "text/csv; charset=utf-8", b"")


def memory(service):
    with open(f"/proc/{service.process.child.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(SANITIZED, reason="sanitizers keep what is freed")
def test_a_large_audit_is_streamed_in_constant_memory(service, keys, database):
    insert(database, 60_000)
    assert len(rows_of(service, keys["one"], "kind=direct")) == 0
    before = memory(service)
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=LIMIT)
    connection.request("GET", f"{PATH}.csv", headers={"X-API-Key": keys["one"]})
    answer, lines, most = connection.getresponse(), 0, 0
    assert answer.headers["Transfer-Encoding"] == "chunked"
    while piece := answer.read(1 << 16):
        lines += piece.count(b"\n")
        most = max(most, memory(service))
    connection.close()
    assert lines == 60_001
    assert most - before < 16 << 20, "the CSV itself has 8 MB"


def test_a_client_that_leaves_ends_it(service, keys, database):
    """And the service goes on, also for one that reads slowly meanwhile."""
    insert(database, 20_000)
    slow = http.client.HTTPConnection("127.0.0.1", service.port, timeout=LIMIT)
    slow.request("GET", f"{PATH}.csv", headers={"X-API-Key": keys["one"]})
    begun = slow.getresponse()
    begun.read(100)
    for _ in range(5):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=LIMIT)
        connection.request("GET", f"{PATH}.csv", headers={"X-API-Key": keys["one"]})
        connection.getresponse().read(100)
        connection.close()
    assert service.get(PATH, keys["one"]).status == 200
    assert begun.read().count(b"\n") == 20_001
    slow.close()
