"""Short links (/d/TOKEN): what a mail carries and /v1 gives, on every storage. One link leads to the file until it
ends, is revoked, or the file goes; what somebody fetched by it stands in the audit."""

import datetime
import io
import re
import urllib.request
import zipfile
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.lib import http_source as source
from tests.lib.http_raw import RawConnection
from tests.lib.process import wait_until

EXPORTS = "/api/v1/workspace/one/exports"
FEBRUARY = {"select": {"channel_id": source.SMS}, "filter": {"from": "2026-02-01", "to": "2026-02-28"}}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}
TOKEN = re.compile(r"/d/[a-z2-7]{34}$")


@pytest.fixture(scope="module")
def service(keys, storage, make_service):
    service = make_service(storage, workers=1, janitor_interval="1h")
    yield service
    service.stop()  # or its worker would take jobs of the next storage


def finished(service, key, body=None):
    export = service.request("POST", EXPORTS, key, json_body=body or FEBRUARY).json()["export_id"]
    return service.finished(key, export)


@pytest.fixture
def done(service, keys):
    return finished(service, keys["one"])


def path_of(link):
    """Of a link to the service, as it would be sent."""
    parts = urlsplit(link)
    return parts.path + ("?" + parts.query if parts.query else "")


def opened(service, link, method="GET", **headers):
    return service.request(method, path_of(link), headers={name.replace("_", "-"): value
                                                           for name, value in headers.items()})


def followed(link):
    """The file, as somebody gets it who clicks."""
    with urllib.request.urlopen(link) as answer:
        return answer.read()


def events(database, export, kind="download"):
    """By whom, oldest first."""
    return [by for by, in database.execute(
        "SELECT e.by_whom FROM verbatim.audit_event AS e JOIN verbatim.audit AS a USING (audit_id)"
        " WHERE a.job_id = %s AND e.kind = %s ORDER BY audit_event_id", [export["export_id"], kind])]


def settled(service, database, count):
    """What was asked for before is in the audit: a note that was sent later is."""
    probe = finished(service, settled.key)
    followed(probe["link"])
    wait_until(lambda: len(events(database, probe)) == 1, "a later note in the audit")
    return count()


@pytest.fixture(autouse=True)
def with_key(keys):
    settled.key = keys["one"]


def change(database, export, words):
    database.execute(f"UPDATE verbatim.job SET {words} WHERE job_id = %s", [export["export_id"]])


def detail(answer, status):
    assert answer.status == status, answer.body
    return answer.json()["detail"]


def test_a_link_is_short_and_leads_to_the_file(service, storage, keys, done, database):
    assert done["link"].startswith(service.url + "/d/") and TOKEN.search(done["link"]), done["link"]
    assert done["link_expires_at"] == done["download_url_expires_at"]
    archive = followed(done["link"])
    assert len(zipfile.ZipFile(io.BytesIO(archive)).namelist()) == 2
    assert service.get(f"{EXPORTS}/{done['export_id']}", keys["one"]).json()["link"] == done["link"], "always the same"
    answer = opened(service, done["link"])
    if storage.store:
        assert (answer.status, answer.headers["Cache-Control"]) == (302, "no-store")
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert 300 <= int(query["X-Amz-Expires"][0]) <= 600, "enough for a slow start, and no more"
    else:
        assert (answer.status, answer.body) == (200, archive)
        part = opened(service, done["link"], Range="bytes=4-13")
        assert (part.status, part.body) == (206, archive[4:14])
    assert (answer.headers["Referrer-Policy"], answer.headers["X-Robots-Tag"]) == ("no-referrer", "noindex")
    assert opened(service, done["link"].upper().replace("HTTP://", "http://").replace("/D/", "/d/")).status == \
        answer.status, "a gateway may change the case of letters"
    assert TOKEN.search(done["link"]).group()[3:] not in service.log(), "the token is the right to the file"


def test_a_link_of_the_store_never_outlives_the_link(service, storage, done, database):
    if not storage.store:
        pytest.skip("a directory needs none")
    change(database, done, "link_expires_at = now() + interval '90 s'")
    query = parse_qs(urlsplit(opened(service, done["link"]).headers["Location"]).query)
    assert 1 <= int(query["X-Amz-Expires"][0]) <= 90


def test_what_is_no_link(service, keys, done):
    token = done["link"].rsplit("/", 1)[1]
    other = finished(service, keys["one"])["link"].rsplit("/", 1)[1]
    forged = [token[:place] + ("a" if token[place] != "a" else "b") + token[place + 1:] for place in range(34)]
    forged += ["x", token[:-1], token + "a", token[:-1] + "1", "0" * 34, token[:17] + other[17:]]
    for each in forged:
        assert detail(service.get("/d/" + each), 404) == "Link not found.", each
    for path in ("/d/", "/d", "/d/a/b"):
        assert detail(service.get(path), 404) == "Not Found"
    refused = service.request("POST", "/d/" + token, body="")
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert token not in service.log()


def test_a_link_ends(service, done, database):
    change(database, done, "link_expires_at = now() - interval '1 s'")
    assert detail(opened(service, done["link"]), 410) == "The link has expired."
    change(database, done, "link_expires_at = now() + interval '1 h', archive_deleted_at = now()")
    assert detail(opened(service, done["link"]), 410) == "The export's file is not kept any longer."


def test_a_deleted_export_has_no_links(service, keys, done):
    assert service.request("DELETE", f"{EXPORTS}/{done['export_id']}", keys["one"]).status == 204
    assert detail(opened(service, done["link"]), 404) == "Link not found."


def test_people_see_a_page(service, storage, done, database):
    """Who opens a dead link in a browser reads why, and what to do; programs get JSON."""
    change(database, done, "link_expires_at = now() - interval '1 s'")
    page = opened(service, done["link"], **BROWSER)
    assert (page.status, page.headers["Content-Type"]) == (410, "text/html; charset=utf-8")
    assert "This link has expired" in page.body.decode() and "http" not in page.body.decode()
    nonce = re.search(r"style-src 'nonce-([0-9a-f]{32})'", page.headers["Content-Security-Policy"]).group(1)
    assert f'<style nonce="{nonce}">'.encode() in page.body and b"<script" not in page.body
    assert page.headers["Vary"] == "Accept" and page.headers["Cache-Control"] == "no-store"
    unknown = service.get("/d/" + "a" * 34, headers=BROWSER)
    assert unknown.status == 404 and "This link leads nowhere" in unknown.body.decode()
    for accept in ("*/*", "application/json", "text/html;q=0.5, application/json", "text/html;q=0"):
        assert detail(opened(service, done["link"], Accept=accept), 410) == "The link has expired."
    assert opened(service, done["link"], "HEAD", **BROWSER).body == b""


def test_revoked_links_stop_everywhere_and_one_more_can_be_issued(service, storage, keys, done, database,
                                                                  make_service):
    other = make_service(storage, workers=0, base_url=service.url)
    path = f"{EXPORTS}/{done['export_id']}/links"
    revoked = service.request("POST", path + "/revoke", keys["one"])
    assert (revoked.status, revoked.json()["link"]) == (200, None)
    assert revoked.json() == service.get(f"{EXPORTS}/{done['export_id']}", keys["one"]).json()
    for each in (service, other):
        assert detail(opened(each, done["link"]), 410) == "The link was revoked."
    assert "This link was withdrawn" in opened(service, done["link"], **BROWSER).body.decode()
    assert service.request("POST", path + "/revoke", keys["one"]).status == 200, "twice is no error"
    assert len(events(database, done, "link_revoked")) == 1

    issued = other.request("POST", path, keys["one"])
    assert issued.status == 201 and set(issued.json()) == {"url", "expires_at"}, issued.body
    again = issued.json()["url"]
    assert TOKEN.search(again) and again != done["link"]
    assert followed(again)[:2] == b"PK"
    assert detail(opened(service, done["link"]), 410) == "The link was revoked.", "the old one stays dead"
    shown = service.get(f"{EXPORTS}/{done['export_id']}", keys["one"]).json()
    assert (shown["link"], shown["link_expires_at"]) == (again, issued.json()["expires_at"])
    assert shown["download_url"] == done["download_url"], "the presigned one is another"
    assert len(events(database, done, "link_issued")) == 1
    other.stop()


def test_an_issued_link_lives_as_long_as_the_first_did_but_not_longer_than_the_file(service, keys, done, database):
    path = f"{EXPORTS}/{done['export_id']}/links"
    change(database, done, "link_expires_at = now() - interval '1 s', finished_at = now() - interval '2 days'")
    assert detail(opened(service, done["link"]), 410) == "The link has expired."
    issued = service.request("POST", path, keys["one"]).json()

    def hours(text):
        at = datetime.datetime.fromisoformat(text)
        return (at - datetime.datetime.now(datetime.UTC).replace(tzinfo=None)).total_seconds() / 3600
    assert 23.9 < hours(issued["expires_at"]) <= 24
    assert opened(service, issued["url"]).status in (200, 302)
    assert detail(opened(service, done["link"]), 410) == "The link has expired.", "the first one does not live again"
    change(database, done, "finished_at = now() - interval '7 days' + interval '1 hour'")
    assert hours(service.request("POST", path, keys["one"]).json()["expires_at"]) < 1.01
    change(database, done, "finished_at = now() - interval '8 days', link_ends = NULL")
    assert "expired" in detail(service.request("POST", path, keys["one"]), 410)


def test_links_of_what_has_not_finished(service, keys, done, database):
    path = f"{EXPORTS}/{done['export_id']}/links"
    change(database, done, "status = 'started', finished_at = NULL")
    for each in (path, path + "/revoke"):
        assert "not finished" in detail(service.request("POST", each, keys["one"]), 409)
    assert detail(opened(service, done["link"]), 404) == "Link not found."
    change(database, done, "status = 'cancelled', finished_at = now()")
    for each in (path, path + "/revoke"):
        assert "cancelled" in detail(service.request("POST", each, keys["one"]), 409)
    change(database, done, "status = 'finished', links = 255, links_revoked = 255")
    assert "too many" in detail(service.request("POST", path, keys["one"]), 409)
    for unknown in ("00000000-0000-4000-8000-000000000000", "x"):
        for end in ("links", "links/revoke"):
            answer = service.request("POST", f"{EXPORTS}/{unknown}/{end}", keys["one"])
            assert detail(answer, 404) == "Export not found."


def test_roles_and_audiences(service, keys, database):
    """A viewer sees no link; an editor deals with the links of his own audience alone."""
    done = finished(service, keys["vip"])
    path = f"{EXPORTS}/{done['export_id']}/links"
    assert service.get(f"{EXPORTS}/{done['export_id']}", keys["viewer"]).json()["link"] is None
    for end, words in (("", "download exports"), ("/revoke", "cancel or delete exports")):
        assert detail(service.request("POST", path + end, keys["viewer"]), 403).endswith(f"may not {words}.")
        assert detail(service.request("POST", path + end, keys["press"]), 404) == "Export not found."
    assert opened(service, done["link"]).status in (200, 302), "nothing of that has revoked it"
    assert service.request("POST", path, keys["vip"]).status == 201
    assert service.request("POST", path + "/revoke", keys["vip"]).status == 200


def test_downloads_by_link_are_in_the_audit(service, storage, done, database):
    """"File downloaded at" of 001, also from an object store: there the redirect is the download."""
    followed(done["link"])
    wait_until(lambda: events(database, done) == ["link"], "the download in the audit")
    opened(service, done["link"])
    wait_until(lambda: events(database, done) == ["link"] * 2, "each click")


def test_what_a_scanner_does_is_no_download(service, storage, done, database):
    opened(service, done["link"], "HEAD")
    opened(service, done["link"], Range="bytes=0-0")
    opened(service, done["link"], "HEAD", Range="bytes=0-0")
    if not storage.store:
        opened(service, done["download_url"], "HEAD")
        opened(service, done["download_url"], Range="bytes=0-0")
    assert settled(service, database, lambda: events(database, done)) == []


@pytest.mark.parametrize("taken, count", [(1 << 16, 0), (20 << 20, 1)], ids=["a look", "most of it"])
def test_a_download_that_is_cut_short(service, storage, done, database, taken, count):
    """Where we send the bytes ourselves: what a scanner takes before it closes is none, a good part of the file is."""
    if storage.store:
        pytest.skip("the object store sends them")
    [stored] = storage.folder.glob(f"conversation_exports/one/{done['export_id']}-*/*.zip")
    with open(stored, "r+b") as file:
        file.truncate(40 << 20)
    with RawConnection(service.port, window=4096) as connection:
        connection.send(f"GET {path_of(done['link'])} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        got = 0
        while got < taken:
            got += len(connection.socket.recv(1 << 16))
    if count:
        wait_until(lambda: events(database, done) == ["link"], "the download in the audit")
    assert settled(service, database, lambda: len(events(database, done))) == count


def test_a_download_that_goes_on_is_one(service, done, database):
    """Browsers ask for the rest by Range after a break, managers of downloads for pieces."""
    opened(service, done["link"])
    wait_until(lambda: events(database, done) == ["link"], "the download in the audit")
    for first in (10, 40, 70):
        opened(service, done["link"], Range=f"bytes={first}-")
    assert settled(service, database, lambda: events(database, done)) == ["link"]


def test_links_of_v1_are_short_and_live_seven_days(service, storage, keys, database):
    started = service.request("POST", "/v1/conversations/export", keys["one"], json_body={"format": "json"})
    job = started.json()["job_id"]
    shown = wait_until(lambda: (lambda answer: answer if answer["status"] == "completed" else None)(
        service.get(f"/v1/conversations/export/{job}", keys["one"]).json()), "the export")
    [file] = shown["files"]
    assert TOKEN.search(file["url"]) and len(followed(file["url"])) == file["size"]
    ends, finished_at = (datetime.datetime.fromisoformat(shown[name]) for name in ("expires_at", "completed_at"))
    assert ends - finished_at == datetime.timedelta(days=7)
    wait_until(lambda: events(database, {"export_id": job}) == ["link"], "the download in the audit")
    service.request("POST", f"{EXPORTS}/{job}/links/revoke", keys["one"])
    [file] = service.get(f"/v1/conversations/export/{job}", keys["one"]).json()["files"]
    assert file["url"] is None and file["size"] > 0


def test_the_main_contract_keeps_its_presigned_url(service, storage, keys):
    job = service.export("one", keys["one"], channel_id=source.SMS, start_date="2026-02-01", end_date="2026-02-28")
    assert "/d/" not in job["presigned_url"] and "link" not in job
    wanted = "X-Amz-Signature" if storage.store else "signature"
    assert wanted in parse_qs(urlsplit(job["presigned_url"]).query)
    service.request("POST", f"{EXPORTS}/{job['export_job_id']}/links/revoke", keys["one"])
    assert service.job("one", keys["one"], job["export_job_id"])["presigned_url"] == job["presigned_url"]


def test_a_link_is_found_by_the_key_of_its_job(service, done, database):
    """However many exports there are: none of them is read but those whose ids begin alike."""
    columns = [name for name, in database.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'verbatim.job'::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' AND attname <> 'job_id'")]
    database.execute(f"INSERT INTO verbatim.job (job_id, {', '.join(columns)})"
                     f" SELECT gen_random_uuid(), {', '.join(columns)} FROM verbatim.job, generate_series(1, 20000)"
                     " WHERE job_id = %s", [done["export_id"]])
    database.execute("ANALYZE verbatim.job")

    def scans():
        database.execute("SELECT pg_stat_clear_snapshot()")
        return database.value("SELECT seq_scan FROM pg_stat_user_tables WHERE relid = 'verbatim.job'::regclass")
    before = scans()
    for _ in range(20):
        assert opened(service, done["link"]).status in (200, 302)
        assert opened(service, "/d/" + "a" * 34).status == 404
    assert scans() - before < 20  # other parts of the process may look at all jobs, once in a while
    database.execute("DELETE FROM verbatim.job WHERE job_id <> %s", [done["export_id"]])
