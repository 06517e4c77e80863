"""POST of the native door (INTERFACE 7): what may be asked for, what is found, what is written, idempotency.

No worker runs here, so jobs stay queued.
"""

import threading
import uuid

import pytest

from tests.lib import http_source as source
from tests.lib import native_source as people
from tests.lib.source import read

pytestmark = pytest.mark.threads

EXPORTS = "/api/v1/workspace/one/exports"
ALL = {"select": {"all": True}}


@pytest.fixture(scope="module")
def keys(keys, database):
    source.somebody_sends_mails(database)
    return keys


@pytest.fixture(autouse=True)
def no_jobs(keys, database):
    database.execute("DELETE FROM verbatim.job")


def post(service, key, body, **headers):
    return service.request("POST", EXPORTS, key, json_body=body,
                           headers={name.replace("_", "-"): value for name, value in headers.items()})


def created(answer):
    assert answer.status == 202, answer.body
    return answer.json()


def problems(answer):
    assert answer.status == 422, answer.body
    return [(each["type"], *each["loc"]) for each in answer.json()["detail"]]


def detail(answer, status):
    assert answer.status == status, answer.body
    return answer.json()["detail"]


# --- the resource ---

def test_the_resource(service, keys, database):
    answer = created(post(service, keys["one"], ALL | {"filter": {"from": "2026-02-01"}}))
    job, as_of, created_at = database.execute("SELECT job_id::text, as_of, created_at FROM verbatim.job")[0]
    text = "%Y-%m-%dT%H:%M:%S.%f"
    assert answer == {
        "export_id": job, "workspace_id": "one", "status": "queued",
        "specification": {"select": {"all": True}, "filter": {"from": "2026-02-01"}, "format": "csv",
                          "layout": "messages", "files": "per_conversation",
                          "include": ["messages", "customer", "tags"]},
        "progress": {"conversations_done": 0, "conversations_total": None, "messages_done": 0, "bytes_written": 0,
                     "eta_seconds": None},
        "files": [], "download_url": None, "download_url_expires_at": None, "link": None,
        "link_expires_at": None, "error_message": None,
        "requested_by": keys["one"].split("_")[1], "created_time": created_at.strftime(text), "started_time": None,
        "finished_time": None, "as_of": as_of.strftime(text), "segments": {"recorded": 0, "running": 0, "waiting": 1},
        "attempts": 0, "media": 0, "media_failed": 0, "bad_rows": 0, "door": "native", "name": None, "subject": "all",
        "expires_at": None, "notification": None, "waiting_for": "worker", "incomplete": None}


def test_the_job_s_row_of_everything(service, keys, database):
    created(post(service, keys["one"], ALL))
    [row] = database.execute(
        "SELECT door, channel_id, channel_name, title, start_date, end_date, range_from::text,"
        " range_to = as_of + interval '1 microsecond', csv_profile, active_key, idempotency_key, audience,"
        " link_ttl::text, retention, source_snapshot <> '', source_workspace FROM verbatim.job")
    assert row == ("native", None, None, None, None, None, "0001-01-01 00:00:00+00", True, "safe", None, None, None,
                   "24:00:00", None, True, "platform-one")
    assert database.execute("SELECT part_first, part_last, status FROM verbatim.segment") == [(1, 10000, "waiting")]


def test_ranges_in_the_workspace_s_zone(service, keys, program, database):
    program.workspace("one", source_id="platform-one", time_zone="Asia/Tokyo")
    try:
        created(post(service, keys["one"], ALL | {"filter": {"from": "2026-02-01", "to": "2026-02-28"}}))
        created(post(service, keys["one"], ALL | {"filter": {"from": "2026-01-31T20:00:00Z",
                                                             "to": "2026-02-28T15:00:00Z"}}))
        database.execute("SET TIME ZONE 'UTC'")
        rows = database.execute("SELECT start_date::text, end_date::text, range_from AT TIME ZONE 'UTC' = %s,"
                                " range_to AT TIME ZONE 'UTC' = '2026-02-28T15:00' FROM verbatim.job"
                                " ORDER BY created_at", ["2026-01-31T15:00"])
        assert rows == [("2026-02-01", "2026-02-28", True, True), ("2026-02-01", "2026-02-28", False, True)]
    finally:
        program.workspace("one", source_id="platform-one", time_zone="UTC")


def test_what_a_job_is_named_after(service, keys, database):
    cases = [({"channel_id": source.LONELY}, "Büro", None), ({"assistant_id": people.ASSISTANT}, None, "Ada / Sales"),
             ({"contact_id": people.JANE}, None, "Jane Doe"),
             ({"contact_id": people.NAMELESS}, None, "nobody@example.com"),
             ({"contact_id": people.JANE_BY_PHONE}, None, "+12025550199"),
             ({"conversation_ids": [people.VIP]}, None, None), ({"phone_number": source.LONELY_NUMBER}, "Büro", None)]
    for select, channel, title in cases:
        database.execute("DELETE FROM verbatim.job")
        created(post(service, keys["one"], {"select": select}))
        assert database.execute("SELECT channel_name, title FROM verbatim.job") == [(channel, title)], select


def test_options_of_the_specification(service, keys, database):
    body = ALL | {"link_ttl": "48h", "notification_email": "a@example.com", "csv_profile": "raw"}
    assert created(post(service, keys["one"], body))["specification"]["link_ttl"] == "48h"
    assert database.execute("SELECT link_ttl::text, notification_email, csv_profile FROM verbatim.job") == [
        ("48:00:00", "a@example.com", "raw")]


def test_what_the_workspace_says_of_csv_is_decided_when_the_job_is_made(service, keys, database):
    def stored(**said):
        answer = created(post(service, keys["one"], ALL | said))
        shown = {name: answer["specification"].get(name) for name in ("delimiter", "csv_quote", "byte_order_mark")}
        assert shown == {"delimiter": None, "csv_quote": None, "byte_order_mark": None} | said, "as asked for, no more"
        return database.execute("SELECT specification ->> 'delimiter', specification ->> 'csv_quote',"
                                " specification -> 'byte_order_mark' FROM verbatim.job WHERE job_id = %s",
                                [answer["export_id"]])[0]

    assert stored() == (None, None, None)
    assert stored(delimiter=";", csv_quote="all", byte_order_mark=True) == (";", "all", True)
    database.execute("UPDATE verbatim.workspace SET delimiter = E'\\t', csv_quote = 'all', byte_order_mark = true"
                     " WHERE workspace_id = 'one'")
    try:
        assert stored() == ("\t", "all", True)
        assert stored(delimiter=",", csv_quote="minimal", byte_order_mark=False) == (",", "minimal", False)
        assert stored(csv_quote="all") == ("\t", "all", True)
        database.execute("UPDATE verbatim.workspace SET byte_order_mark = false WHERE workspace_id = 'one'")
        assert stored() == ("\t", "all", False)
    finally:
        database.execute("UPDATE verbatim.workspace SET delimiter = ',', csv_quote = 'minimal', byte_order_mark = NULL")


def test_the_audit_has_the_specification_as_asked(service, keys, database):
    before = database.value("SELECT coalesce(max(audit_id), 0) FROM verbatim.audit")
    answer = created(post(service, keys["press"], ALL))
    [row] = database.execute("SELECT job_id::text, door, author, audience, filter, format FROM verbatim.audit"
                             " WHERE audit_id > %s", [before])
    assert row == (answer["export_id"], "native", "press@example.com", ["press"], answer["specification"], "csv")


def test_equal_exports_may_run_side_by_side(service, keys):
    body = {"select": {"channel_id": source.SMS}, "filter": {"from": "2026-02-01", "to": "2026-02-28"}}
    first, second = (created(post(service, keys["one"], body))["export_id"] for _ in range(2))
    assert first != second


# --- the main contract's door, made of the same ---

def test_the_main_door_leaves_an_entry_in_the_audit(service, keys, database):
    answer = service.start_export("one", keys["one"], channel_id=source.SMS, start_date="2026-02-01",
                                  end_date="2026-02-28").json()
    [row] = database.execute("SELECT door, author, audience, filter -> 'select', format FROM verbatim.audit"
                             " WHERE job_id = %s::uuid", [answer["export_job_id"]])
    assert row == ("main", keys["one"].split("_")[1], None, {"channel_id": source.SMS}, "csv")


def test_one_active_export_is_meant_for_each_audience(service, keys):
    def start(key):
        return service.start_export("one", keys[key], channel_id=source.SMS, start_date="2026-02-01",
                                    end_date="2026-02-28").status
    assert [start(key) for key in ("one", "vip", "press")] == [202, 202, 202]
    assert [start(key) for key in ("one", "vip", "press")] == [409, 409, 409]


# --- broken rules ---

@pytest.mark.parametrize("body, expected", [
    ({}, [("missing", "body", "select")]),
    ([], [("model_attributes_type", "body")]),
    (ALL | {"audience": ["vip"]}, [("extra_forbidden", "body", "audience")]),
    (ALL | {"contact_ids": []}, [("extra_forbidden", "body", "contact_ids")]),
    (ALL | {"a.b": 1}, [("extra_forbidden", "body", "a.b")]),
    ({"select": {"all": True, "contact_id": "x"}}, [("value_error", "body", "select")]),
    ({"select": {"conversation_ids": [str(n) for n in range(201)]}},
     [("too_long", "body", "select", "conversation_ids")]),
    ({"select": {"conversation_ids": ["a", 1]}}, [("string_type", "body", "select", "conversation_ids", 1)]),
    (ALL | {"format": "html", "layout": "messages"}, [("value_error", "body", "layout")]),
    (ALL | {"format": "pdf", "files": "single"}, [("value_error", "body", "files")]),
    ({"select": {"conversation_ids": ["a", "b"]}, "format": "pdf", "files": "single"},
     [("value_error", "body", "files")]),
    (ALL | {"format": "pdf", "files": "chunks"}, [("value_error", "body", "files")]),
    (ALL | {"format": "pdf", "layout": "messages"}, [("value_error", "body", "layout")]),
    (ALL | {"format": "json", "layout": "messages"}, [("value_error", "body", "layout")]),
    (ALL | {"format": "json", "layout": "turns"}, [("value_error", "body", "layout")]),
    (ALL | {"filter": {"from": "2026-02-01T00:00:00"}}, [("datetime_parsing", "body", "filter", "from")]),
    (ALL | {"filter": {"from": "2026-02-30"}}, [("datetime_parsing", "body", "filter", "from")]),
    (ALL | {"filter": {"from": "2026-02-02", "to": "2026-02-01"}}, [("value_error", "body", "filter", "to")]),
    (ALL | {"filter": {"from": "2026-02-02", "to": "2026-02-02T00:00:00Z"}}, [("value_error", "body", "filter", "to")]),
    (ALL | {"filter": {"from": "2999-01-01"}}, [("value_error", "body", "filter", "from")]),
    (ALL | {"filter": {"tags": "vip", "status": []}},
     [("too_short", "body", "filter", "status"), ("list_type", "body", "filter", "tags")]),
    (ALL | {"include": ["media"], "files": "single", "format": "json"}, [("value_error", "body", "include")]),
    (ALL | {"link_ttl": "169h"}, [("value_error", "body", "link_ttl")]),
    (ALL | {"notification_email": "a@b\r\nc"}, [("value_error", "body", "notification_email")]),
])
def test_broken_rules_are_listed(service, keys, database, body, expected):
    assert problems(post(service, keys["one"], body)) == expected
    assert database.value("SELECT count(*) FROM verbatim.job") == 0


def test_other_bodies_and_keys(service, keys):
    plain = service.request("POST", EXPORTS, keys["one"], body=b"{", headers={"Content-Type": "text/plain"})
    assert plain.status == 415
    assert post(service, keys["one"], {"select": {"channel_id": "x" * 70000}}).status == 413
    assert post(service, None, ALL).status == 401
    assert post(service, keys["metrics"], ALL).status == 403
    assert post(service, keys["viewer"], ALL).status == 403
    assert detail(post(service, keys["two"], ALL), 404) == "Workspace not found."


# --- what is not there, not ours, or out of sight ---

MISSING = [
    ({"channel_id": source.FOREIGN}, "No channel found for select.channel_id."),
    ({"channel_id": "x"}, "No channel found for select.channel_id."),
    ({"phone_number": "+999999999"}, "No channel found for select.phone_number."),
    ({"phone_number": "+33123456789"}, "No channel found for select.phone_number."),
    ({"assistant_id": people.FOREIGN_ASSISTANT}, "No assistant found for select.assistant_id."),
    ({"assistant_id": str(uuid.UUID(int=7))}, "No assistant found for select.assistant_id."),
    ({"assistant_id": "x"}, "No assistant found for select.assistant_id."),
    ({"contact_id": people.FOREIGN_CONTACT}, "No contact found for select.contact_id."),
    ({"contact_id": ""}, "No contact found for select.contact_id."),
    ({"conversation_ids": [people.VIP, people.FOREIGN]}, "No conversation found for select.conversation_ids.1."),
    ({"conversation_ids": [people.VIP, people.HIDDEN, "x", people.FOREIGN]},
     "No conversation found for select.conversation_ids.2."),
    ({"conversation_ids": [str(uuid.UUID(int=7))]}, "No conversation found for select.conversation_ids.0."),
]


@pytest.mark.parametrize("select, text", MISSING)
def test_unknown_and_foreign_are_404_alike(service, keys, database, select, text):
    assert detail(post(service, keys["one"], {"select": select}), 404) == text
    assert database.value("SELECT count(*) FROM verbatim.job") == 0


@pytest.mark.parametrize("select, text", [each for each in MISSING if "conversation_ids" not in each[0]
                                          and "phone_number" not in each[0]])
def test_the_same_in_the_filter(service, keys, select, text):
    answer = post(service, keys["one"], ALL | {"filter": select})
    assert detail(answer, 404) == text.replace("select", "filter")


def test_an_editor_sees_contacts_and_conversations_of_its_audience_only(service, keys, database):
    """`audience` counts where it is set, else the tags do; who has neither is seen by owners and admins alone."""
    def status(key, **select):
        return post(service, keys[key], {"select": select}).status
    visible = {key: [status(key, conversation_ids=[each]) for each in (people.VIP, people.PRESS, people.HIDDEN)]
               for key in ("one", "editor", "vip", "press", "nobody")}
    assert visible == {"one": [202, 202, 202], "editor": [202, 202, 404], "vip": [202, 404, 404],
                       "press": [404, 202, 404], "nobody": [404, 404, 404]}
    contacts = {key: [status(key, contact_id=each) for each in (people.JANE, people.JOHN, people.NAMELESS)]
                for key in ("one", "vip", "press", "nobody")}
    assert contacts == {"one": [202, 202, 202], "vip": [202, 404, 404], "press": [404, 202, 404],
                        "nobody": [404, 404, 404]}
    assert status("nobody", assistant_id=people.ASSISTANT) == 202
    hidden = post(service, keys["vip"], {"select": {"contact_id": people.JOHN}})
    unknown = post(service, keys["vip"], {"select": {"contact_id": str(uuid.UUID(int=7))}})
    assert hidden.body == unknown.body


def test_the_audience_is_in_the_stored_specification_and_in_no_answer(service, keys, database):
    answer = created(post(service, keys["editor"], ALL))
    [(stored, audience)] = database.execute("SELECT specification, audience FROM verbatim.job")
    assert stored["audience"] == audience == ["press", "vip"]
    assert "audience" not in answer["specification"]


def test_several_channels_of_one_number(service, keys):
    several = detail(post(service, keys["one"], {"select": {"phone_number": source.SHARED_NUMBER}}), 409)
    assert [each["channel_id"] for each in several["candidates"]] == sorted(
        [source.SMS, source.WHATSAPP, source.TOLL_FREE])
    body = {"select": {"phone_number": source.SHARED_NUMBER, "channel_type": "whatsapp"}}
    assert created(post(service, keys["one"], body))["specification"]["select"] == body["select"]


def test_a_channel_type_stands_for_its_channels(service, keys, database):
    created(post(service, keys["one"], ALL | {"filter": {"channel_type": "sms"}}))
    stored = database.value("SELECT specification FROM verbatim.job")
    assert sorted(stored["channel_ids"]) == sorted([source.SMS, source.TOLL_FREE])
    database.execute("DELETE FROM verbatim.job")
    created(post(service, keys["one"], ALL | {"filter": {"channel_type": "messenger"}}))
    assert database.value("SELECT specification FROM verbatim.job")["channel_ids"] == []


# --- Idempotency-Key ---

def test_the_same_key_and_body_is_the_same_export(service, keys, database):
    first = created(post(service, keys["one"], ALL, Idempotency_Key="k1"))
    # The same in meaning: members in another order, defaults written out.
    again = created(post(service, keys["one"], {"format": "csv", "filter": {}} | ALL, Idempotency_Key="k1"))
    assert again == first
    assert database.value("SELECT count(*) FROM verbatim.job") == 1


def test_the_same_key_with_another_body_is_422(service, keys, database):
    created(post(service, keys["one"], ALL, Idempotency_Key="k2"))
    assert problems(post(service, keys["one"], ALL | {"filter": {"activity": True}}, Idempotency_Key="k2")) == [
        ("value_error", "header", "Idempotency-Key")]
    answer = post(service, keys["one"], ALL | {"csv_profile": "raw"}, Idempotency_Key="k2")
    assert problems(answer) == [("value_error", "header", "Idempotency-Key")]
    assert database.value("SELECT count(*) FROM verbatim.job") == 1


def test_a_key_is_of_one_workspace_and_audience(service, keys, program, database):
    ids = {created(post(service, keys[key], ALL, Idempotency_Key="k3"))["export_id"] for key in ("one", "vip", "press")}
    other = service.request("POST", "/api/v1/workspace/two/exports", keys["two"], json_body=ALL,
                            headers={"Idempotency-Key": "k3"})
    ids.add(created(other)["export_id"])
    second_vip = people.make_key(program, database, "editor", ["vip"])
    again = created(post(service, second_vip, ALL, Idempotency_Key="k3"))["export_id"]
    assert len(ids) == 4
    assert again in ids


def test_a_repetition_is_answered_although_what_it_named_has_gone(service, keys, database):
    body = {"select": {"contact_id": people.NAMELESS}}
    first = created(post(service, keys["one"], body, Idempotency_Key="k4"))
    gone = database.execute("DELETE FROM chat.contact WHERE id = %s RETURNING workspace_id, name, phone, email",
                            [people.NAMELESS])[0]
    try:
        assert created(post(service, keys["one"], body, Idempotency_Key="k4")) == first
        assert post(service, keys["one"], body).status == 404
    finally:
        database.execute("INSERT INTO chat.contact VALUES (%s, %s, %s, %s, %s)", [people.NAMELESS, *gone])


def test_two_at_once_are_one(service, keys, database):
    for turn in range(5):
        answers, gate = [], threading.Barrier(6)

        def ask():
            gate.wait()
            answers.append(post(service, keys["one"], ALL, Idempotency_Key=f"race{turn}"))
        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({created(answer)["export_id"] for answer in answers}) == 1
    assert database.value("SELECT count(*) FROM verbatim.job") == 5


@pytest.mark.parametrize("value", ["", "a b", "x" * 256, "caf\xe9"])
def test_keys_that_are_none(service, keys, value):
    assert problems(post(service, keys["one"], ALL, Idempotency_Key=value)) == [
        ("value_error", "header", "Idempotency-Key")]


def test_the_longest_key(service, keys):
    first, second = (created(post(service, keys["one"], ALL, Idempotency_Key="x" * 255)) for _ in range(2))
    assert first == second


# --- one person under several contacts: what a door may ask an order for ---

def test_contacts_with_the_same_e_mail_or_phone_are_one_person(service, database):
    lines = {line[0].split(": ")[0]: line[0].split(": ", 1)[1] for line in read(database.url, "chat", contract=1)}
    statement = lines["same person"].replace("%", "%%").replace("$1", "%(workspace)s").replace("$2", "%(contact)s")

    def same(contact):
        rows = database.execute(statement, {"workspace": "platform-one", "contact": contact})
        return [str(row[0]) for row in rows]
    assert same(people.JANE) == [people.JANE, people.JANE_AGAIN, people.JANE_BY_PHONE]
    assert same(people.JANE_AGAIN) == [people.JANE, people.JANE_AGAIN]  # of another's phone it knows nothing
    assert same(people.JOHN) == [people.JOHN]  # empty e-mails are no e-mail


def test_everything_of_a_person_and_not_only_of_the_contact(service, keys, database):
    body = {"select": {"contact_id": people.JANE, "match": "identity"}}
    answer = created(post(service, keys["one"], body, Idempotency_Key="person"))
    assert answer["specification"]["select"] == body["select"]
    assert created(post(service, keys["one"], body, Idempotency_Key="person"))["export_id"] == answer["export_id"]
    assert post(service, keys["one"], {"select": {"contact_id": people.JANE}}, Idempotency_Key="person").status == 422
    stored = database.value("SELECT specification FROM verbatim.job")
    assert stored["select"] == {"contact_id": people.JANE}, "as an older version reads it"
    assert stored["contact_ids"] == [people.JANE, people.JANE_AGAIN, people.JANE_BY_PHONE]
    assert database.value("SELECT filter -> 'select' FROM verbatim.audit ORDER BY audit_id DESC LIMIT 1") == (
        body["select"])


def test_a_preview_of_a_person(service, keys, database):
    database.execute(f"UPDATE chat.conversation SET contact_id = '{people.JANE_AGAIN}' WHERE id = '{people.HIDDEN}'")
    try:
        counts = [service.request("POST", EXPORTS + "/preview", keys["one"], json_body={
            "select": {"contact_id": people.JANE} | more}).json()["conversations"]
            for more in ({}, {"match": "identity"})]
    finally:
        database.execute(f"UPDATE chat.conversation SET contact_id = '{people.JOHN}' WHERE id = '{people.HIDDEN}'")
    assert counts == [1, 2]
