"""The native door over another kind of source: bigint and text ids, relations and columns that are not there."""

import pytest

pytestmark = pytest.mark.threads

EXPORTS = "/api/v1/workspace/one/exports"

TABLES = """
CREATE SCHEMA chat;
CREATE TABLE chat.channel (id integer PRIMARY KEY, workspace_id bigint NOT NULL, name text NOT NULL,
    channel_type text NOT NULL);
CREATE TABLE chat.contact (id varchar(20) PRIMARY KEY, email text, phone text);
CREATE TABLE chat.conversation (id bigint PRIMARY KEY, workspace_id bigint NOT NULL, channel_id integer NOT NULL,
    created_at timestamptz NOT NULL, contact_id varchar(20), tags text[]);
CREATE TABLE chat.message (id bigint PRIMARY KEY, conversation_id bigint NOT NULL, created_at timestamptz NOT NULL,
    direction text NOT NULL, speaker_type text NOT NULL, text text);
INSERT INTO chat.channel VALUES (1, 70, 'One', 'LOCAL'), (2, 71, 'Two', 'LOCAL');
INSERT INTO chat.contact VALUES ('jane', 'jane@example.com', NULL), ('far "away"', 'far@example.com', NULL);
INSERT INTO chat.conversation VALUES (100, 70, 1, '2026-02-01', 'jane', NULL), (7, 70, 1, '2026-02-02', 'jane', NULL),
    (200, 71, 2, '2026-02-01', 'far "away"', NULL);
INSERT INTO chat.message VALUES (1, 100, '2026-02-01', 'inbound', 'customer', 'x');
"""


@pytest.fixture(scope="module")
def key(program, database):
    database.execute(TABLES)
    program.migrate()
    program.workspace("one", source_id="70")
    return program.key("one")


@pytest.fixture(scope="module")
def service(key, make_service):
    return make_service(workers=0)


def post(service, key, select, path=EXPORTS, **more):
    return service.request("POST", path, key, json_body={"select": select} | more)


@pytest.mark.parametrize("select, status", [
    ({"channel_id": "1"}, 202), ({"channel_id": "2"}, 404), ({"channel_id": "01"}, 404),
    ({"channel_id": "99999999999"}, 404), ({"phone_number": "+12025550123"}, 404),
    ({"contact_id": "jane"}, 202), ({"contact_id": 'far "away"'}, 404), ({"contact_id": "'; --"}, 404),
    ({"conversation_ids": ["100", "7"]}, 202), ({"conversation_ids": ["100", "007"]}, 404),
    ({"conversation_ids": ["200"]}, 404), ({"conversation_ids": ["99999999999999999999"]}, 404),
    ({"conversation_ids": ["NULL"]}, 404), ({"assistant_id": "1"}, 404), ({"all": True}, 202),
])
def test_what_is_found(service, key, select, status):
    assert post(service, key, select).status == status


def test_the_first_missing_conversation_is_named(service, key):
    answer = post(service, key, {"conversation_ids": ["100", "x{},\"", "200"]})
    assert answer.json() == {"detail": "No conversation found for select.conversation_ids.1."}


@pytest.mark.parametrize("filters, column", [({"status": ["open"]}, "status"), ({"completed_only": True}, "ended_at")])
def test_filters_by_what_the_source_lacks_are_refused(service, key, filters, column):
    for path in (EXPORTS, EXPORTS + "/preview"):
        answer = post(service, key, {"all": True}, path, filter=filters)
        assert answer.status == 422, answer.body
        [problem] = answer.json()["detail"]
        assert problem["loc"] == ["body", "filter"]
        assert problem["input"] == filters
        assert f"conversation.{column}" in problem["msg"]


def test_previews_of_it(service, key):
    answer = post(service, key, {"contact_id": "jane"}, EXPORTS + "/preview")
    assert (answer.json()["conversations"], answer.json()["messages"]) == (2, 1)


def test_a_workspace_that_cannot_be_one_of_the_source(service, program):
    program.workspace("words", source_id="no-number")
    key = program.key("words")
    path = "/api/v1/workspace/words/exports"
    assert post(service, key, {"channel_id": "1"}, path).status == 404
    assert post(service, key, {"all": True}, path).json() == {"detail": "No conversation found for select."}
