"""The door of agents' exports, promise by promise: all conversations of one agent in one answer, as JSON or CSV."""

import csv
import io
import json
import urllib.parse

import pytest

from tests.lib import direct_source as source
from tests.lib.process import wait_until

PATH = "/v3/agents/{}/convos/export"


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    return source.make_keys(program)


def get(service, key, agent="ada", query="", **headers):
    headers = {"Authorization": f"Bearer {key}"} | headers
    return service.request("GET", PATH.format(urllib.parse.quote(agent, safe="")) + query, headers=headers)


def exported(answer):
    assert answer.status == 200, answer.body
    return answer.json()


def refusal(answer, status, code):
    """Errors have a message, a code, and a list of issues with a message each; nothing else."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert set(body) == {"message", "code", "issues"} and body["code"] == code
    assert body["message"] and body["issues"] and all(set(issue) == {"message"} for issue in body["issues"])
    return body


# --- the answer ---

def test_documented_example(service, keys):
    """The example answer: `success`, `message` and `data`; a conversation has metadata (feedback, the lead, sessions)
    and turns, a turn one side and its messages, a message its type, a readable time and a payload of text and feedback.
    """
    first, _ = exported(get(service, keys["one"]))["data"]
    assert first["metadata"] == {
        "feedback": "Positive",
        "convo": {"id": "convo123", "userName": "John Doe", "userEmail": "john@example.com", "userPhone": "+1234567890",
                  "userCompany": "Acme Corp", "userAddress": "Elm Street 1", "userWebsite": "https://acme.example",
                  "notes": "Customer interested in premium plan\nCall \"back\"", "tags": ["new-lead", "high-priority"]},
        "sessions": []}
    assert first["turns"][0] == {"from": "user", "messages": [
        {"type": "text", "ts": "December 1st 2024, 10:30:00 am",
         "payload": {"message": "Hello!", "feedback": "Unset"}}]}


def test_shape_of_the_answer(service, keys):
    """The schema: an object of success, message and data, all required, and nothing else."""
    body = exported(get(service, keys["one"]))
    assert list(body) == ["success", "message", "data"]
    assert (body["success"], body["message"]) == (True, "Conversations exported successfully")


def test_all_conversations_with_all_turns(service, keys):
    """All conversations of the agent come back, with their whole history of turns."""
    data = exported(get(service, keys["one"]))["data"]
    assert [each["metadata"]["convo"]["id"] for each in data] == ["convo123", "second"]
    turns = [(turn["from"], len(turn["messages"])) for turn in data[0]["turns"]]
    assert turns == [("user", 1), ("bot", 2), ("agent", 1)]


def test_feedback_is_one_of_three_words(service, keys):
    """Feedback is Positive, Negative or Unset: of conversations and of messages."""
    data = exported(get(service, keys["one"]))["data"]
    assert [each["metadata"]["feedback"] for each in data] == ["Positive", "Unset"]
    words = [m["payload"]["feedback"] for turn in data[0]["turns"] for m in turn["messages"]]
    assert words == ["Unset", "Positive", "Negative", "Unset"]


def test_times_are_for_people(service, program, keys):
    """Times are readable text; they are those of the workspace's zone."""
    [message] = exported(get(service, keys["one"]))["data"][1]["turns"][0]["messages"]
    assert message["ts"] == "December 2nd 2024, 1:05:09 pm"
    program.workspace("one", source_id="platform-one", time_zone="Asia/Tokyo")
    try:
        [message] = exported(get(service, keys["one"]))["data"][1]["turns"][0]["messages"]
        assert message["ts"] == "December 2nd 2024, 10:05:09 pm"
    finally:
        program.workspace("one", source_id="platform-one", time_zone="UTC")


def test_all_lead_fields_are_there(service, keys):
    """Every lead field is included; one that the source lacks is empty."""
    convo = exported(get(service, keys["one"]))["data"][1]["metadata"]["convo"]
    assert convo == {"id": "second", "userName": "", "userEmail": "", "userPhone": "", "userCompany": "",
                     "userAddress": "", "userWebsite": "", "notes": "", "tags": []}


def test_agent_without_conversations(service, keys):
    assert exported(get(service, keys["one"], "idle")) == {
        "success": True, "message": "Conversations exported successfully", "data": []}


# --- format ---

def test_json_is_the_default(service, keys):
    """`format` may be left out, and is json then."""
    plain, named = get(service, keys["one"]), get(service, keys["one"], query="?format=json")
    assert plain.body == named.body
    assert plain.headers["Content-Type"] == named.headers["Content-Type"] == "application/json"


def test_csv(service, keys):
    """`format` may be csv: for download."""
    answer = get(service, keys["one"], query="?format=csv")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert len(rows) == 5 and len(rows[0]) == 12
    assert [row["conversation_id"] for row in rows] == ["convo123"] * 4 + ["second"]
    texts = [value for value in rows[1].values() if "How" in value]
    assert texts == ['\'=How, "can" I\nhelp?']


@pytest.mark.parametrize("query, extension", [("", "json"), ("?format=csv", "csv")])
def test_suitable_for_download(service, keys, query, extension):
    """The answer is meant for saving: it has a name, in any language."""
    name = get(service, keys["one"], query=query).headers["Content-Disposition"]
    assert name.startswith("attachment; filename=\"Ada_S_hne_") and name.split("; ")[1].endswith(f".{extension}\"")
    assert "filename*=UTF-8''Ada_S%C3%B6hne_" in name


@pytest.mark.parametrize("query", ["?format=xml", "?format=", "?format=JSON", "?format=csv&format=csv", "?page=2"])
def test_bad_parameters(service, keys, query):
    body = refusal(get(service, keys["one"], query=query), 400, "BAD_REQUEST")
    assert ("page" if "page" in query else "format") in body["issues"][0]["message"]


# --- who asks ---

def test_bearer_is_asked_for(service, keys):
    """The caller is known by a bearer token."""
    refusal(service.request("GET", PATH.format("ada")), 401, "UNAUTHORIZED")
    refusal(get(service, "vb_unknown"), 401, "UNAUTHORIZED")
    assert service.get(PATH.format("ada"), keys["one"]).status == 200  # the same key in X-API-Key


def test_scope_and_role(service, keys):
    refusal(get(service, keys["metrics"]), 403, "FORBIDDEN")
    refusal(get(service, keys["viewer"]), 403, "FORBIDDEN")


def test_unknown_and_foreign_agents_look_alike(service, keys):
    unknown = refusal(get(service, keys["one"], "nobody"), 404, "NOT_FOUND")
    for agent in ("far", "ada ", "x" * 300, "ä/ö"):
        assert refusal(get(service, keys["one"], agent), 404, "NOT_FOUND") == unknown
    assert refusal(get(service, keys["two"]), 404, "NOT_FOUND") == unknown


def test_wrong_method_and_route(service, keys):
    answer = service.request("POST", PATH.format("ada"), keys["one"], body=b"")
    refusal(answer, 405, "METHOD_NOT_SUPPORTED")
    assert answer.headers["Allow"] == "GET, HEAD"
    refusal(service.get("/v3/agents/ada/convos", keys["one"]), 404, "NOT_FOUND")


@pytest.mark.parametrize("query", ["", "?format=csv"])
def test_editor_gets_the_own_audience(service, keys, query):
    text = get(service, keys["sales"], query=query).body.decode()
    assert "convo123" in text and "second" not in text
    nothing = get(service, keys["nobody"], query=query)
    assert nothing.status == 200 and b"convo123" not in nothing.body and b"second" not in nothing.body


# --- the audit ---

def test_audit(service, keys, database):
    before = len(source.audit(database))
    get(service, keys["one"])
    expected = [("v3", "grace@example.com", "json", [("records", 2)])]
    wait_until(lambda: source.audit(database)[before:] == expected, "the audit")
    get(service, keys["sales"], query="?format=csv")
    wait_until(lambda: source.last_audit(database)[2:] == ("csv", [("records", 1)]), "the second entry")
    [filters] = database.execute("SELECT filter, audience FROM verbatim.audit ORDER BY audit_id DESC LIMIT 1")
    assert filters[0]["select"] == {"assistant_id": "ada"} and filters[1] == ["sales"]


def test_what_is_refused_is_no_export(service, keys, database):
    before = source.audit(database)
    get(service, keys["one"], "nobody")
    get(service, keys["viewer"])
    get(service, keys["one"], query="?format=xml")
    answer = service.request("HEAD", PATH.format("ada"), keys["one"])
    assert answer.status == 200 and answer.body == b"" and "attachment" in answer.headers["Content-Disposition"]
    assert source.audit(database) == before


def test_the_answer_is_one_json_document(service, keys):
    """Quotes, line feeds and foreign letters are in their places."""
    text = get(service, keys["one"]).body.decode()
    assert json.loads(text)["data"][0]["turns"][1]["messages"][0]["payload"]["message"] == '=How, "can" I\nhelp?'
