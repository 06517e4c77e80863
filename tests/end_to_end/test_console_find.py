"""Finding assistants, channels and contacts by what somebody types: pieces of texts, literally, within a time, and as
far as the role goes."""

import threading
import urllib.parse

import pytest

from tests.lib import http_source as source
from tests.lib import native_source as people
from tests.lib.postgres_proxy import Fault, PostgresProxy
from tests.lib.process import wait_until

HOSTILE = ("100%_sure", "back\\slash", "O'Brien \"; DROP TABLE chat.contact; --", "<script>alert(1)</script>",
           "${jndi}", "عميل", "客户", "\U0001f600 smile", "a" * 200)


@pytest.fixture(scope="module")
def keys(program, database):
    people.make_source(database)
    database.execute("ALTER TABLE chat.contact ADD COLUMN company text")
    database.execute("UPDATE chat.contact SET company = 'Doe & Sons' WHERE id = %s", [people.JANE])
    for name in HOSTILE:
        database.execute("INSERT INTO chat.contact VALUES (gen_random_uuid(), 'platform-one', %s)", [name])
    for place in range(60):
        database.execute("INSERT INTO chat.contact VALUES (gen_random_uuid(), 'platform-one', %s, %s, %s)",
                         [f"Crowd {place:02}", f"+49 (151) 2{place:02}-00", f"crowd{place:02}@example.org"])
    return people.make_keys(program, database) | {"admin": people.make_key(program, database, "admin")}


def find(service, key, what, workspace="one", **query):
    answer = service.get(f"/api/v1/workspace/{workspace}/{what}?{urllib.parse.urlencode(query)}", key)
    assert answer.status == 200, answer.body
    return answer.json()


def names(page):
    return [each["name"] for each in next(iter(page.values()))]


def test_assistants(service, keys):
    assert find(service, keys["one"], "assistants") == {
        "assistants": [{"id": people.ASSISTANT, "name": "Ada / Sales"}], "more": False}
    assert names(find(service, keys["vip"], "assistants", q="sALES")) == ["Ada / Sales"]
    assert names(find(service, keys["one"], "assistants", q="Elsewhere")) == []


def test_channels(service, keys):
    page = find(service, keys["one"], "channels", q="hotline")
    assert page == {"channels": [{"id": source.TOLL_FREE, "name": "Hotline", "type": "sms",
                                  "phone_number": source.SHARED_NUMBER}], "more": False}
    assert names(find(service, keys["one"], "channels")) == ["Büro", "Hotline", "SMS Support", "WhatsApp Sales"]
    assert names(find(service, keys["one"], "channels", q="+4915")) == ["Büro"]
    assert find(service, keys["one"], "channels", limit=3)["more"] is True
    assert names(find(service, keys["two"], "channels", workspace="two")) == ["Elsewhere"]


@pytest.mark.parametrize("typed, found", (
    ("jane", {people.JANE, people.JANE_AGAIN}), ("JANE@EXAMPLE", {people.JANE, people.JANE_AGAIN}),
    ("Doe", {people.JANE, people.JANE_AGAIN}), ("+12025550199", {people.JANE, people.JANE_BY_PHONE}),
    ("1 (202) 555-0199", {people.JANE, people.JANE_BY_PHONE}), ("5550199", {people.JANE, people.JANE_BY_PHONE}),
    ("nobody@example.com", {people.NAMELESS}), ("nobody at all", set()), ("Sons", set())))
def test_contacts_by_name_address_or_number(service, keys, typed, found):
    page = find(service, keys["admin"], "contacts", q=typed)
    assert {each["id"] for each in page["contacts"]} == found
    assert page["more"] is False


def test_a_contact_is_told_so_that_one_can_choose(service, keys):
    assert find(service, keys["one"], "contacts", q="Jane Doe")["contacts"] == [
        {"id": people.JANE, "name": "Jane Doe", "email": "jane@example.com", "phone": "+12025550199",
         "company": "Doe & Sons"}]


def test_who_is_reached_exactly_so_comes_first(service, keys, database):
    database.execute("INSERT INTO chat.contact VALUES"
                     " (gen_random_uuid(), 'platform-one', 'Aaron', NULL, 'xcrowd07@example.org')")
    try:
        assert names(find(service, keys["one"], "contacts", q="crowd07@example.org")) == ["Crowd 07", "Aaron"]
    finally:
        database.execute("DELETE FROM chat.contact WHERE name = 'Aaron'")


@pytest.mark.parametrize("limit", (1, 20, 50))
def test_at_most_so_many_and_whether_there_are_more(service, keys, limit):
    page = find(service, keys["one"], "contacts", q="crowd", limit=limit)
    assert names(page) == [f"Crowd {place:02}" for place in range(limit)]
    assert page["more"] is True


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_found_as_they_are_written(service, keys, name):
    assert names(find(service, keys["one"], "contacts", q=name)) == [name]


@pytest.mark.parametrize("typed", ("%", "_", "\\", "%%", "J_ne", "Jan%", "Crowd%", "*", "?", "crowd 0.", "''"))
def test_wildcards_are_themselves(service, keys, typed):
    assert all(typed.lower() in name.lower() for name in names(find(service, keys["one"], "contacts", q=typed)))


@pytest.mark.parametrize("query, member", (
    ("", "q"), ("q=", "q"), ("q=+++", "q"), ("q=" + "x" * 201, "q"), ("q=%FF", "q"), ("q=a&q=b", "q"),
    ("q=a&limit=0", "limit"), ("q=a&limit=51", "limit"), ("q=a&sort=x", "sort")))
def test_broken_queries(service, keys, query, member):
    answer = service.get(f"/api/v1/workspace/one/contacts?{query}", keys["one"])
    assert answer.status == 422, answer.body
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", member]]


def test_contacts_are_for_owner_and_admin(service, keys):
    for key in ("vip", "editor", "viewer"):
        assert service.get("/api/v1/workspace/one/contacts?q=jane", keys[key]).status == 403
    for what in ("assistants", "channels"):
        assert service.get(f"/api/v1/workspace/one/{what}", keys["viewer"]).status == 403
    assert service.get("/api/v1/workspace/two/contacts?q=jane", keys["one"]).status == 404


def test_contacts_of_another_workspace_are_not_found(service, keys):
    page = find(service, keys["two"], "contacts", workspace="two", q="jane")
    assert [each["id"] for each in page["contacts"]] == [people.FOREIGN_CONTACT]


def test_a_person_that_was_found_is_exported(service, keys):
    person = find(service, keys["one"], "contacts", q="Jane Doe")["contacts"][0]["id"]
    answer = service.request("POST", "/api/v1/workspace/one/exports", keys["one"],
                             json_body={"select": {"contact_id": person}, "format": "json"})
    assert (answer.status, answer.json()["subject"]) == (202, "Jane Doe")


def test_a_slow_search_ends_and_holds_nobody_up(service, keys, database):
    """Each contact takes its time: a search ends by its own, and orders meanwhile find what they name."""
    answers = []

    def search():
        answers.append(service.get("/api/v1/workspace/one/contacts?q=jane", keys["one"]))
    database.execute("ALTER TABLE chat.contact RENAME TO people; CREATE VIEW chat.contact AS SELECT id, workspace_id,"
                     " name || coalesce(pg_sleep(0.5)::text, '') AS name, phone, email, company FROM chat.people")
    try:
        thread = threading.Thread(target=search)
        thread.start()
        wait_until(lambda: database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"),
                   "the search is under way")
        answer = service.request("POST", "/api/v1/workspace/one/exports", keys["one"],
                                 json_body={"select": {"channel_id": source.SMS}})
        assert answer.status == 202
        assert not answers, "the order did not wait for the search"
        thread.join()
    finally:
        database.execute("DROP VIEW chat.contact; ALTER TABLE chat.people RENAME TO contact")
    assert answers[0].status == 504
    assert answers[0].json()["detail"].startswith("Searching took longer than 3 seconds.")
    assert names(find(service, keys["one"], "contacts", q="Jane Doe")) == ["Jane Doe"]


def test_a_server_that_hears_of_its_limit_late(keys, postgres, database, make_service):
    """The connection is given up before the server says that time is up: it is as much out of time."""
    def decide(statement):
        is_search = statement.kind == "execute" and "contact r" in statement.text
        return Fault("delay", seconds=8) if is_search else None

    with PostgresProxy(postgres.port) as proxy:
        service = make_service(workers=0, source_url=proxy.url(database.name))
        assert names(find(service, keys["one"], "contacts", q="Jane Doe")) == ["Jane Doe"]
        proxy.decide = decide
        answer = service.get("/api/v1/workspace/one/contacts?q=jane", keys["one"])
        proxy.decide = None
        assert answer.status == 504, answer.body
        assert answer.json()["detail"].startswith("Searching took longer than 3 seconds."), answer.body
        service.stop()


# --- sources that have less ---

def columns_gone(database, relation, *columns):
    database.execute("; ".join(f"ALTER TABLE chat.{relation} DROP COLUMN {column} CASCADE" for column in columns))


def test_sources_without_the_optional_columns(keys, database, make_service):
    """Contacts without a workspace are those of its conversations; what is missing is null, and found by nothing."""
    columns_gone(database, "contact", "workspace_id", "phone", "company")
    columns_gone(database, "channel", "phone_number")
    service = make_service(workers=0)
    page = find(service, keys["one"], "contacts", q="jane")
    assert page["contacts"] == [{"id": people.JANE, "name": "Jane Doe", "email": "jane@example.com", "phone": None,
                                 "company": None}], "the others have spoken to nobody here"
    assert names(find(service, keys["one"], "contacts", q="5550199")) == []
    assert find(service, keys["one"], "channels", q="hotline")["channels"][0]["phone_number"] is None
    database.execute("DROP TABLE chat.assistant CASCADE")
    columns_gone(database, "contact", "name", "email")
    service = make_service(workers=0)
    assert find(service, keys["one"], "assistants") == {"assistants": [], "more": False}
    assert find(service, keys["one"], "contacts", q="jane") == {"contacts": [], "more": False}


def test_sources_without_contacts(keys, database, make_service):
    database.execute("DROP TABLE chat.contact CASCADE")
    service = make_service(workers=0)
    assert find(service, keys["one"], "contacts", q="jane") == {"contacts": [], "more": False}
