"""Keys made, listed and revoked through the API: shown once, never more than who makes them may, ended at once."""

import hashlib
import re
import threading

import psycopg
import pytest

from tests.lib import native_source as people
from tests.lib.process import wait_until

PATH = "/api/v1/workspace/one/keys"
KEY = re.compile(r"vb_([0-9A-Za-z]{12})_[0-9A-Za-z]{49}")


@pytest.fixture(scope="module")
def keys(keys, program, database):
    keys["admin"] = people.make_key(program, database, "admin", user="admin@example.com")
    return keys


def make(service, by, **body):
    return service.request("POST", PATH, by, json_body=body)


def made(*arguments, **body):
    answer = make(*arguments, **body)
    assert answer.status == 201, answer.body
    return answer.json()


def revoke(service, key, key_id, workspace="one"):
    return service.request("DELETE", f"/api/v1/workspace/{workspace}/keys/{key_id}", key)


def listed(service, key):
    answer = service.get(PATH, key)
    assert answer.status == 200, answer.body
    return {each["key_id"]: each for each in answer.json()["keys"]}


def test_a_new_key_works_at_once_and_is_shown_once(service, keys, database):
    answer = make(service, keys["one"], name="Nächtlich", role="viewer", user="jane@example.com")
    assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
    new = answer.json()
    assert KEY.fullmatch(new["key"]).group(1) == new["key_id"]
    assert {name: new[name] for name in ("name", "role", "user")} == {
        "name": "Nächtlich", "role": "viewer", "user": "jane@example.com"}
    assert service.get("/api/v1/workspace/one/exports", new["key"]).status == 200
    assert new["key"] not in service.get(PATH, keys["one"]).body.decode()
    stored = database.execute("SELECT secret_hash, scopes FROM verbatim.api_key WHERE key_id = %s", [new["key_id"]])
    assert stored == [(hashlib.sha256(new["key"].encode()).digest(), ["workspace-events-notification"])]
    assert new["key"] not in str(database.execute("SELECT k::text FROM verbatim.api_key AS k"))
    assert new["key"] not in service.log()


def test_the_list_has_every_key_of_the_workspace(service, keys, database):
    tags = ["vip", "press", "a,b", 'q"uote']
    editor = made(service, keys["one"], name="press", role="editor", audience=tags)["key_id"]
    old = made(service, keys["one"], role="owner")["key_id"]
    assert revoke(service, keys["one"], old).status == 204
    found = listed(service, keys["admin"])
    assert set(found) == {row[0] for row in database.execute(
        "SELECT key_id FROM verbatim.api_key WHERE workspace_id = 'one'")}
    assert list(found)[-1] == old, "those that are good come first"
    assert found[editor] | {"created_at": ""} == {
        "key_id": editor, "name": "press", "role": "editor", "user": None, "audience": sorted(tags),
        "scopes": ["workspace-events-notification"], "created_at": "", "last_used_at": None, "revoked_at": None}
    assert (found[old]["audience"], found[old]["name"]) == (None, "")
    assert found[old]["revoked_at"] >= found[old]["created_at"]


def test_an_audience_is_in_force(service, keys):
    key = made(service, keys["one"], role="editor", audience=["press"])["key"]
    answer = service.request("POST", "/api/v1/workspace/one/exports/preview", key, json_body={"select": {"all": True}})
    assert (answer.status, answer.json()["conversations"]) == (200, 1)


@pytest.mark.parametrize("maker, role, status", (
    ("one", "owner", 201), ("one", "admin", 201), ("admin", "owner", 403), ("admin", "admin", 201),
    ("admin", "editor", 201), ("admin", "viewer", 201), ("editor", "viewer", 403), ("viewer", "viewer", 403)))
def test_nobody_makes_more_than_he_has(service, keys, database, maker, role, status):
    before = database.value("SELECT count(*) FROM verbatim.api_key")
    assert make(service, keys[maker], role=role).status == status
    assert database.value("SELECT count(*) FROM verbatim.api_key") == before + (status == 201)


@pytest.mark.parametrize("body, members", (
    ({}, ["role"]), ({"role": "root"}, ["role"]), ({"role": None}, ["role"]), ({"role": ["owner"]}, ["role"]),
    ({"role": "viewer", "name": "x" * 201}, ["name"]), ({"role": "viewer", "name": "a\nb"}, ["name"]),
    ({"role": "viewer", "name": "\x1b[31m"}, ["name"]), ({"role": "viewer", "user": "nobody"}, ["user"]),
    ({"role": "viewer", "user": "a@example.com\r\nBcc: b@example.com"}, ["user"]),
    ({"role": "viewer", "audience": ["vip"]}, ["audience"]), ({"role": "editor", "audience": []}, ["audience"]),
    ({"role": "editor", "audience": "vip"}, ["audience"]),
    ({"role": "editor", "audience": ["vip", ""]}, ["audience.1"]),
    ({"role": "editor", "audience": ["x" * 201]}, ["audience.0"]),
    ({"role": "viewer", "scopes": ["metrics"]}, ["scopes"]),
    ({"role": "viewer", "key": "vb_mine"}, ["key"]), ({"role": "x", "name": 7, "z": 1}, ["name", "role", "z"])))
def test_broken_rules_are_told_by_name(service, keys, body, members):
    answer = make(service, keys["one"], **body)
    assert answer.status == 422, answer.body
    assert [".".join(str(each) for each in problem["loc"][1:]) for problem in answer.json()["detail"]] == members


def test_a_revocation_acts_at_once(service, keys):
    new = made(service, keys["admin"], role="viewer")
    assert revoke(service, keys["admin"], new["key_id"]).status == 204
    assert service.get("/api/v1/workspace/one/exports", new["key"]).status == 401
    first = listed(service, keys["one"])[new["key_id"]]["revoked_at"]
    assert revoke(service, keys["admin"], new["key_id"]).status == 204, "again is no error"
    assert listed(service, keys["one"])[new["key_id"]]["revoked_at"] == first


def test_a_key_may_revoke_itself(service, keys):
    new = made(service, keys["one"], role="admin")
    assert revoke(service, new["key"], new["key_id"]).status == 204
    assert revoke(service, new["key"], new["key_id"]).status == 401


def test_an_owners_key_is_the_owners_to_revoke(service, keys):
    new = made(service, keys["one"], role="owner")
    answer = revoke(service, keys["admin"], new["key_id"])
    assert (answer.status, answer.json()["detail"]) == (
        403, "The API key's role may not revoke a key of the role owner.")
    assert service.get("/api/v1/workspace/one/exports", new["key"]).status == 200
    assert revoke(service, keys["one"], new["key_id"]).status == 204


@pytest.mark.parametrize("key_id", ("nothing", "%20", "a'b", "..%2f", "x" * 1000))
def test_an_unknown_key(service, keys, key_id):
    assert (revoke(service, keys["one"], key_id).status, revoke(service, keys["one"], key_id).json()) == (
        404, {"detail": "Key not found."})


def test_keys_of_another_workspace_are_out_of_reach(service, keys, database):
    other = keys["two"].split("_")[1]
    assert revoke(service, keys["one"], other).status == 404
    assert revoke(service, keys["one"], other, workspace="two").status == 404
    assert other not in listed(service, keys["one"])
    assert service.get("/api/v1/workspace/two/keys", keys["one"]).status == 404
    assert database.value("SELECT revoked_at IS NULL FROM verbatim.api_key WHERE key_id = %s", [other])


def test_a_key_that_is_revoked_meanwhile_makes_none(service, keys, database):
    """Its body is under way while it ends: what it makes is judged in the transaction that makes it."""
    new = made(service, keys["one"], role="admin")
    before = database.value("SELECT count(*) FROM verbatim.api_key")
    answers = []
    with database.connect() as connection, connection.transaction():
        connection.execute("UPDATE verbatim.api_key SET revoked_at = now() WHERE key_id = %s", [new["key_id"]])
        thread = threading.Thread(target=lambda: answers.append(make(service, new["key"], role="viewer").status))
        thread.start()
        wait_until(lambda: database.value("SELECT count(*) FROM pg_locks WHERE NOT granted"), "it waits")
    thread.join()
    assert answers == [403]
    assert database.value("SELECT count(*) FROM verbatim.api_key") == before


def test_the_api_reads_no_hash_and_writes_no_key(service, keys, database):
    """What a mistake in the front end could reach: its role may not."""
    for statement in ("SELECT secret_hash FROM verbatim.api_key", "UPDATE verbatim.api_key SET role = 'owner'",
                      "INSERT INTO verbatim.api_key (key_id) VALUES ('x')", "DELETE FROM verbatim.api_key",
                      "SELECT verbatim.key_insert('x', 'one', '', '\\x00', '{}', 'owner', NULL, '{}')",
                      "SELECT verbatim.key_manager()"):
        with database.connect() as connection:
            connection.execute(f"SET ROLE {database.role('api')}")
            connection.execute("SELECT set_config('verbatim.workspace_id', 'one', false)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_the_command_makes_keys_as_before(program, service, keys):
    key = program.key("one", role="editor", name="by hand", audience=["b", "a", "b"])
    assert listed(service, keys["one"])[key.split("_")[1]]["audience"] == ["a", "b"]
    assert program.run("key", "create", "--workspace", "nowhere", check=False).returncode == 1
