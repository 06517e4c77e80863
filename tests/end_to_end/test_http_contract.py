"""The main contract's routes, rule by rule (INTERFACE 4): statuses, bodies, and the order of the checks.

No worker runs here, so jobs stay queued until a test writes another state itself.
"""

import datetime
import json
import threading
import urllib.parse
import uuid

import pytest

from tests.lib import http_source as source
from tests.lib.http_raw import RawConnection
from tests.lib.process import wait_until

pytestmark = pytest.mark.threads

JOBS = "/api/v1/workspace/one/export-conversations"
RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-28"}
EXACT_KEYS = ["export_job_id", "workspace_id", "channel_id", "start_date", "end_date", "status", "presigned_url",
              "presigned_url_expires_at", "error_message", "created_time", "notification", "waiting_for",
              "incomplete", "bad_rows"]


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    keys = source.make_workspaces(program)
    source.somebody_sends_mails(database)
    return keys


@pytest.fixture(autouse=True)
def no_jobs(keys, database):
    database.execute("DELETE FROM verbatim.job")


def post(service, key, workspace="one", **fields):
    return service.start_export(workspace, key, **fields)


def problems(answer):
    assert answer.status == 422, answer.body
    return [(each["type"], *each["loc"][1:]) for each in answer.json()["detail"]]


# --- keys and workspaces ---

@pytest.mark.parametrize("key", [None, "", "vb_nonsense", "vb_AAAAAAAAAAAA_" + "B" * 49])
def test_no_or_bad_key_is_401(service, key):
    for answer in (post(service, key), service.get(f"{JOBS}/x", key), service.get("/metrics", key)):
        assert (answer.status, answer.json()) == (401, {"detail": "Missing or invalid X-API-Key."})


def test_a_key_with_its_secret_changed_is_401(service, keys):
    assert post(service, keys["one"][:-8] + "AAAAAAAA").status == 401


def test_a_revoked_key_is_401_at_once(service, program, make_service):
    other = make_service(workers=0)
    key = program.key("one")
    assert service.get(f"{JOBS}/x", key).status == other.get(f"{JOBS}/x", key).status == 404
    program.run("key", "revoke", key.split("_")[1])
    assert service.get(f"{JOBS}/x", key).status == other.get(f"{JOBS}/x", key).status == 401


def test_two_keys_in_one_request_are_401(service, keys):
    with RawConnection(service.port) as connection:
        connection.send(f"GET {JOBS}/x HTTP/1.1\r\nHost: a\r\nX-API-Key: {keys['one']}\r\n"
                        f"X-API-Key: {keys['one']}\r\n\r\n".encode())
        assert connection.answer().status == 401


def test_missing_scope_is_403_and_named(service, keys):
    for answer in (post(service, keys["metrics"]), service.get(f"{JOBS}/x", keys["metrics"])):
        assert answer.status == 403
        assert "workspace-events-notification" in answer.json()["detail"]
    assert "metrics" in service.get("/metrics", keys["one"]).json()["detail"]


def test_foreign_and_unknown_workspaces_look_the_same(service, keys):
    foreign, unknown = (post(service, keys["one"], name, **RANGE) for name in ("two", "nowhere"))
    assert foreign.status == unknown.status == 404
    assert foreign.body == unknown.body
    assert foreign.json() == {"detail": "Workspace not found."}


def test_checks_come_in_their_order(service, keys):
    """Each request breaks its own rule and all later ones."""
    big = b"x" * 70000
    headers = {"Content-Type": "text/plain"}
    assert service.request("POST", JOBS, None, body=big, headers=headers).status == 401
    assert service.request("POST", JOBS, keys["metrics"], body=big, headers=headers).status == 403
    assert service.request("POST", JOBS, keys["two"], body=big, headers=headers).status == 404
    assert service.request("POST", JOBS, keys["one"], body=big, headers=headers).status == 413
    assert service.request("POST", JOBS, keys["one"], body=b"{", headers=headers).status == 415
    assert post(service, keys["one"], start_date="2999-01-01", end_date="2999-01-01", channel_id="x", q=1).status == 422
    assert post(service, keys["one"], start_date="2999-01-01", end_date="2999-01-01", channel_id="x").status == 400
    assert post(service, keys["one"], **RANGE, channel_id="x").status == 404


# --- what was ordered ---

@pytest.mark.parametrize("path, body, name", [
    ("/api/v1/workspace/one/exports", {"select": {"all": True}}, "export_id"),
    ("/app/conversation-exports", {"format": "csv"}, "id"),
    ("/api/v1/workspace/one/export-conversations",
     {"start_date": "2026-02-01", "end_date": "2026-02-02", "channel_id": source.LONELY}, "export_job_id")])
def test_what_was_ordered_is_found_where_the_answer_says(service, keys, path, body, name):
    answer = service.request("POST", path, keys["one"], json_body=body)
    assert answer.status in (201, 202), answer.body
    there = urllib.parse.urljoin(f"{service.url}/behind{path}", answer.headers["Location"])
    assert there == f"{service.url}/behind{path}/{answer.json()[name]}"
    assert service.get(there.removeprefix(f"{service.url}/behind"), keys["one"]).status == 200


# --- the body ---

@pytest.mark.parametrize("coding", ["gzip", "br", "x", "identity, gzip", ""])
def test_a_body_in_a_coding_is_415(service, keys, coding):
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = service.request("POST", JOBS, keys["one"], body=b"\x1f\x8b", headers=headers)
    assert (answer.status, answer.headers["Accept-Encoding"]) == (415, "identity")
    assert "Content-Encoding" in answer.json()["detail"]


def test_a_byte_order_mark_before_a_body_is_no_part_of_it(service, keys):
    """PowerShell and editors of Windows write one. One, and at the beginning."""
    mark = "\ufeff"
    for before, status in ((mark, 404), (mark + mark, 422), (" " + mark, 422)):
        body = (before + json.dumps(RANGE | {"channel_id": "x"})).encode()
        headers = {"Content-Type": "application/json", "Content-Encoding": "identity"}
        assert service.request("POST", JOBS, keys["one"], body=body, headers=headers).status == status, before


def test_401_says_by_what_one_is_let_in(service):
    for headers in ({}, {"X-API-Key": "vb_nonsense"}, {"Authorization": "Basic dXNlcjpwYXNz"}):
        answer = service.request("GET", f"{JOBS}/x", headers=headers)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="verbatim"')


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1",
                                  "application/jsonx", ""])
def test_a_body_that_is_not_json_is_415(service, keys, kind):
    answer = service.request("POST", JOBS, keys["one"], body=json.dumps(RANGE), headers={"Content-Type": kind})
    assert answer.status == 415
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("kind", ["Application/JSON", "application/json; charset=UTF-8",
                                  "application/json;charset=utf-8"])
def test_forms_of_the_json_type(service, keys, kind):
    body = json.dumps(RANGE | {"channel_id": source.SMS})
    assert service.request("POST", JOBS, keys["one"], body=body, headers={"Content-Type": kind}).status == 202


def test_64_kib_is_the_limit(service, keys):
    body = json.dumps(RANGE | {"channel_id": "x" * 65536})
    fits = json.dumps(RANGE | {"channel_id": "x" * (65536 - len(json.dumps(RANGE | {"channel_id": ""})))})
    assert len(fits) == 65536
    headers = {"Content-Type": "application/json"}
    assert service.request("POST", JOBS, keys["one"], body=body, headers=headers).status == 413
    assert service.request("POST", JOBS, keys["one"], body=fits, headers=headers).status == 404


@pytest.mark.parametrize("body", [b"{", b'{"start_date": "2026-02-01",}', b'{"a": 1, "a": 2}', b'{"a": "\xff"}',
                                  b'{"a": "\\u0000"}', b'{"a": "\x00"}', b"[" * 60000, b"{} {}",
                                  b"\xef\xbb\xbf\xef\xbb\xbf{}"])
def test_malformed_json(service, keys, body):
    answer = service.request("POST", JOBS, keys["one"], body=body, headers={"Content-Type": "application/json"})
    assert problems(answer) == [("json_invalid",)]


def test_every_broken_field_is_listed_with_its_input(service, keys):
    answer = post(service, keys["one"], start_date="2026-02-30", end_date=5, phone_number="12", channel_type="fax",
                  notification_email="a@b\r\nc", surprise={"x": 1})
    assert problems(answer) == [("date_parsing", "start_date"), ("string_type", "end_date"),
                                ("string_pattern_mismatch", "phone_number"), ("enum", "channel_type"),
                                ("value_error", "notification_email"), ("extra_forbidden", "surprise")]
    by_field = {each["loc"][1]: each for each in answer.json()["detail"]}
    assert by_field["surprise"]["input"] == {"x": 1}
    assert by_field["end_date"]["input"] == 5
    assert by_field["start_date"]["loc"] == ["body", "start_date"]
    assert all(each["msg"] for each in by_field.values())


def test_neither_and_both_ways_to_name_a_channel(service, keys):
    [neither] = post(service, keys["one"], **RANGE).json()["detail"]
    assert neither["loc"] == ["body"]
    assert neither["msg"].endswith("either channel_id or phone_number must be provided")
    [both] = post(service, keys["one"], **RANGE, channel_id="x", phone_number=source.SHARED_NUMBER).json()["detail"]
    assert both["loc"] == ["body"]
    assert both["msg"].endswith("provide exactly one of channel_id and phone_number")


def test_end_before_start(service, keys):
    answer = post(service, keys["one"], start_date="2026-02-02", end_date="2026-02-01", channel_id=source.SMS)
    assert problems(answer) == [("value_error", "end_date")]


def test_missing_body(service, keys):
    assert problems(service.request("POST", JOBS, keys["one"])) == [("missing",)]


def test_nulls_of_optional_fields_count_as_absent(service, keys):
    answer = post(service, keys["one"], **RANGE, channel_id=source.SMS, phone_number=None, channel_type=None,
                  notification_email=None, csv_profile=None, delimiter=None, csv_quote=None,
                  byte_order_mark=None)
    assert answer.status == 202


def test_a_channel_type_beside_a_channel_id_is_checked_then_ignored(service, keys):
    assert problems(post(service, keys["one"], **RANGE, channel_id=source.SMS, channel_type="LOCAL")) == [
        ("enum", "channel_type")]
    assert post(service, keys["one"], **RANGE, channel_id=source.SMS, channel_type="whatsapp").status == 202


# --- dates ---

def test_the_future_begins_in_the_workspace_zone(service, program):
    """At any instant it is already another day somewhere between UTC+14 and UTC-12."""
    now = datetime.datetime.now(datetime.timezone.utc)
    ahead, behind = (now + datetime.timedelta(hours=14)).date(), (now - datetime.timedelta(hours=12)).date()
    program.workspace("early", source_id="platform-one", time_zone="Pacific/Kiritimati")
    program.workspace("late", source_id="platform-one", time_zone="Etc/GMT+12")
    day = {"start_date": str(ahead), "end_date": str(ahead), "channel_id": source.SMS}
    assert post(service, program.key("early"), "early", **day).status == 202
    assert ahead > behind
    answer = post(service, program.key("late"), "late", **day)
    assert (answer.status, answer.json()) == (400, {"detail": "start_date is in the future."})


def test_an_end_in_the_future_is_fine(service, keys):
    assert post(service, keys["one"], start_date="2026-02-01", end_date="9999-12-31",
                channel_id=source.SMS).status == 202


def test_the_range_is_the_workspace_zone_s(service, program, database):
    program.workspace("berlin", source_id="platform-one", time_zone="Europe/Berlin")
    answer = post(service, program.key("berlin"), "berlin", start_date="2026-03-29", end_date="2026-03-29",
                  channel_id=source.SMS)
    [row] = database.execute("SELECT extract(epoch FROM range_from), extract(epoch FROM range_to), time_zone,"
                             " start_date::text FROM verbatim.job WHERE job_id = %s", [answer.json()["export_job_id"]])
    begin = datetime.datetime(2026, 3, 28, 23, tzinfo=datetime.timezone.utc).timestamp()
    assert row == (begin, begin + 23 * 3600, "Europe/Berlin", "2026-03-29")  # the day clocks go forward


# --- channels ---

@pytest.mark.parametrize("channel", [str(uuid.UUID(int=1)), "no-uuid", "", "1; DROP TABLE x", source.FOREIGN])
def test_unknown_and_foreign_channel_ids_are_not_found(service, keys, channel):
    answer = post(service, keys["one"], **RANGE, channel_id=channel)
    assert (answer.status, answer.json()) == (404, {"detail": "No channel found for the given channel_id."})


@pytest.mark.parametrize("fields", [{"phone_number": "+19999999999"}, {"phone_number": "+33123456789"},
                                    {"phone_number": source.LONELY_NUMBER, "channel_type": "sms"}])
def test_unknown_and_foreign_numbers_are_not_found(service, keys, fields):
    answer = post(service, keys["one"], **RANGE, **fields)
    assert (answer.status, answer.json()) == (404, {"detail": "No channel found for the phone number."})


def test_a_shared_number_is_409_with_candidates_in_order(service, keys):
    answer = post(service, keys["one"], **RANGE, phone_number=source.SHARED_NUMBER)
    assert answer.status == 409
    assert answer.json() == {"detail": {
        "message": "Multiple channels match this phone number. Specify channel_type or channel_id.",
        "candidates": [
            {"channel_id": source.WHATSAPP, "channel_type": "WHATSAPP_BUSINESS_PLATFORM", "name": "WhatsApp Sales"},
            {"channel_id": source.SMS, "channel_type": "LOCAL", "name": "SMS Support"},
            {"channel_id": source.TOLL_FREE, "channel_type": "TOLL_FREE", "name": "Hotline"}]}}


def test_a_type_that_leaves_several_is_409_too(service, keys):
    answer = post(service, keys["one"], **RANGE, phone_number=source.SHARED_NUMBER, channel_type="sms")
    assert [each["channel_id"] for each in answer.json()["detail"]["candidates"]] == [source.SMS, source.TOLL_FREE]


def test_a_type_can_settle_it(service, keys, database):
    answer = post(service, keys["one"], **RANGE, phone_number=source.SHARED_NUMBER, channel_type="whatsapp")
    assert answer.status == 202
    assert service.job("one", keys["one"], answer.json()["export_job_id"])["channel_id"] == source.WHATSAPP


# --- jobs ---

def test_created(service, keys, database):
    answer = post(service, keys["one"], **RANGE, channel_id=source.LONELY)
    assert answer.status == 202
    body = answer.json()
    assert body == {"export_job_id": str(uuid.UUID(body["export_job_id"])), "status": "queued",
                    "message": "Export job created."}
    [row] = database.execute("SELECT workspace_id, door, channel_name, channel_type, channel_phone, source_workspace,"
                             " csv_profile, link_ttl::text, as_of <= clock_timestamp(), source_snapshot <> ''"
                             " FROM verbatim.job")
    assert row == ("one", "main", "Büro", "LINE", source.LONELY_NUMBER, "platform-one", "safe", "24:00:00", True, True)
    assert database.execute("SELECT part_first, part_last, status, workspace_id FROM verbatim.segment") == [
        (1, 10000, "waiting", "one")]


def test_created_with_mail_and_profile(service, keys, database):
    answer = post(service, keys["one"], **RANGE, channel_id=source.LONELY, notification_email="a@example.com",
                  csv_profile="raw", delimiter=";", csv_quote="all", byte_order_mark=True)
    assert answer.json()["message"] == (
        "Export job created. You will be emailed a download link when it is ready.")
    [(mail, profile, specification)] = database.execute(
        "SELECT notification_email, csv_profile, specification FROM verbatim.job")
    assert (mail, profile) == ("a@example.com", "raw")
    assert specification == {"select": {"channel_id": source.LONELY}, "format": "csv", "layout": "messages",
                             "filter": {"from": "2026-02-01", "to": "2026-02-28"}, "files": "per_conversation",
                             "include": ["messages", "customer", "tags"], "csv_profile": "raw",
                             "delimiter": ";", "csv_quote": "all", "byte_order_mark": True,
                             "notification_email": "a@example.com"}


def test_the_channel_s_name_for_the_database_cannot_break_out(service, keys, database):
    database.execute("UPDATE chat.channel SET name = %s WHERE id = %s", ["a'; DROP TABLE x; --\"\\", source.LONELY])
    assert post(service, keys["one"], **RANGE, channel_id=source.LONELY).status == 202
    assert database.value("SELECT channel_name FROM verbatim.job") == "a'; DROP TABLE x; --\"\\"
    database.execute("UPDATE chat.channel SET name = 'Büro' WHERE id = %s", [source.LONELY])


def test_one_active_export_per_channel_and_range(service, keys, database):
    first = post(service, keys["one"], **RANGE, phone_number=source.LONELY_NUMBER).json()["export_job_id"]
    again = post(service, keys["one"], **RANGE, channel_id=source.LONELY.upper())
    assert again.status == 409
    assert again.json() == {"detail": {
        "message": "An export for this channel and date range is already in progress.", "export_job_id": first}}
    assert post(service, keys["one"], start_date="2026-02-01", end_date="2026-02-27",
                channel_id=source.LONELY).status == 202
    assert post(service, keys["one"], **RANGE, channel_id=source.SMS).status == 202
    database.execute("UPDATE verbatim.job SET status = 'finished', finished_at = now() WHERE job_id = %s", [first])
    assert post(service, keys["one"], **RANGE, channel_id=source.LONELY).status == 202


def test_days_of_messages_are_another_export(service, keys, database):
    """By activity and by creation side by side, and one of each at a time."""
    first = post(service, keys["one"], **RANGE, channel_id=source.LONELY, activity=True)
    again = post(service, keys["one"], **RANGE, channel_id=source.LONELY, activity=True)
    assert (first.status, again.status) == (202, 409)
    assert again.json()["detail"]["export_job_id"] == first.json()["export_job_id"]
    assert post(service, keys["one"], **RANGE, channel_id=source.LONELY).status == 202
    assert post(service, keys["one"], **RANGE, channel_id=source.LONELY, activity=False).status == 409
    filters = [found for found, in database.execute("SELECT specification->'filter' FROM verbatim.job"
                                                    " ORDER BY created_at")]
    assert filters == [{"from": "2026-02-01", "to": "2026-02-28", "activity": True},
                       {"from": "2026-02-01", "to": "2026-02-28"}]


def test_of_many_at_once_exactly_one_is_created(service, keys, make_service):
    other = make_service(workers=0)
    answers = []

    def ask(which):
        answers.append(post(which, keys["one"], **RANGE, channel_id=source.LONELY))
    threads = [threading.Thread(target=ask, args=[which]) for which in [service, other] * 12]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [answer.json()["export_job_id"] for answer in answers if answer.status == 202]
    refused = [answer.json()["detail"]["export_job_id"] for answer in answers if answer.status == 409]
    assert (len(made), len(refused)) == (1, 23)
    assert set(refused) == set(made)


def test_job_fields(service, keys, database):
    job = post(service, keys["one"], **RANGE, channel_id=source.LONELY).json()["export_job_id"]
    database.execute("UPDATE verbatim.job SET created_at = '2026-06-11 08:50:43.86+02'")
    answer = service.get(f"{JOBS}/{job}", keys["one"])
    assert list(answer.json()) == EXACT_KEYS
    assert answer.json() == {
        "export_job_id": job, "workspace_id": "one", "channel_id": source.LONELY, "start_date": "2026-02-01",
        "end_date": "2026-02-28", "status": "queued", "presigned_url": None, "presigned_url_expires_at": None,
        "error_message": None, "created_time": "2026-06-11T06:50:43.860000", "notification": None,
        "waiting_for": "worker", "incomplete": None, "bad_rows": 0}
    assert service.get(f"{JOBS}/{job.upper()}", keys["one"]).json() == answer.json()


def test_failed_and_cancelled_jobs(service, keys, database):
    job = post(service, keys["one"], **RANGE, channel_id=source.LONELY).json()["export_job_id"]
    database.execute("UPDATE verbatim.job SET status = 'failed', finished_at = now(), error_message = 'no \"luck\"'")
    found = service.job("one", keys["one"], job)
    assert (found["status"], found["error_message"], found["presigned_url"]) == ("failed", 'no "luck"', None)
    database.execute("UPDATE verbatim.job SET status = 'cancelled', error_message = NULL")
    found = service.job("one", keys["one"], job)
    assert (found["status"], found["error_message"]) == ("failed", "Export cancelled.")


def test_jobs_that_are_not_there_or_not_ours(service, keys, database):
    job = post(service, keys["one"], **RANGE, channel_id=source.LONELY).json()["export_job_id"]
    for path, key in [(f"{JOBS}/{uuid.uuid4()}", "one"), (f"{JOBS}/x", "one"), (f"{JOBS}/%20", "one"),
                      (f"{JOBS.replace('one', 'two')}/{job}", "two")]:
        answer = service.get(path, keys[key])
        assert (answer.status, answer.json()) == (404, {"detail": "Export job not found."})
    database.execute("UPDATE verbatim.job SET door = 'native'")
    assert service.get(f"{JOBS}/{job}", keys["one"]).json() == {"detail": "Export job not found."}


def test_the_database_itself_keeps_workspaces_apart(service, keys, database):
    post(service, keys["one"], **RANGE, channel_id=source.LONELY)
    with database.connect() as connection, connection.transaction():
        connection.execute("SELECT set_config('role', %s, true), set_config('verbatim.workspace_id', 'two', true)",
                           [database.role("api")])
        assert connection.execute("SELECT count(*) FROM verbatim.job").fetchone() == (0,)


# --- what every answer carries ---

def test_headers_of_answers(service, keys):
    seen = set()
    for answer in (service.get("/healthz"), service.get("/nowhere"), post(service, None), post(service, keys["one"]),
                   service.get(f"{JOBS}/x", keys["one"])):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"] == "application/json"
        seen.add(answer.headers["X-Request-Id"])
    assert len(seen) == 5 and all(seen)


@pytest.mark.parametrize("given, taken", [("abc-1.2_X", True), ("a b", False), ("a" * 65, False), ("", False),
                                          ("a\"b", False)])
def test_request_ids(service, given, taken):
    answer = service.get("/healthz", headers={"X-Request-Id": given})
    assert (answer.headers["X-Request-Id"] == given) == taken
    assert answer.headers["X-Request-Id"]


def test_unknown_routes_and_methods(service, keys):
    for path in ("/", "/api", JOBS + "/", f"{JOBS}/a/b", "/api/v1/workspace//export-conversations", "/healthz/x"):
        answer = service.get(path, keys["one"])
        assert (answer.status, answer.json()) == (404, {"detail": "Not Found"})
    for method, path, allow in [("GET", JOBS, "POST"), ("DELETE", JOBS, "POST"), ("POST", f"{JOBS}/x", "GET, HEAD"),
                                ("PATCH", "/healthz", "GET, HEAD"), ("BREW", JOBS, "POST")]:
        answer = service.request(method, path, keys["one"])
        assert (answer.status, answer.headers["Allow"]) == (405, allow)
        assert answer.json() == {"detail": "Method Not Allowed"}


def test_health_and_metrics(service, keys):
    assert service.get("/healthz").json() == {"status": "ok"}
    wait_until(lambda: service.get("/readyz").json() == {"status": "ready", "degraded": []}, "both to be looked at")
    post(service, keys["one"], **RANGE, channel_id=source.LONELY)
    answer = service.get("/metrics", keys["metrics"])
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
    samples = dict(line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if not line.startswith("#"))
    assert samples['verbatim_jobs{status="queued"}'] == "1"
    assert samples['verbatim_segments{status="waiting"}'] == "1"
    assert 0 <= float(samples["verbatim_oldest_waiting_seconds"]) < 60


def test_the_last_use_of_a_key_is_noted(service, program, database):
    key = program.key("one")
    service.get(f"{JOBS}/x", key)
    service.get("/readyz")
    for _ in range(100):
        used = database.value("SELECT last_used_at FROM verbatim.api_key WHERE key_id = %s", [key.split("_")[1]])
        if used:
            break
    assert used


def test_no_secret_is_in_the_log(service, keys):
    post(service, keys["one"], **RANGE, channel_id=source.LONELY)
    log = service.log()
    assert "export-conversations" in log
    assert not any(key.split("_")[2] in log for key in keys.values())
