"""One conversation, exported at once: GET /v1/conversations/{id}/export."""

import csv
import io

import pytest

from tests.lib import direct_source as source
from tests.lib import pdf
from tests.lib.process import wait_until

PATH = "/v1/conversations/{}/export"


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    return source.make_keys(program)


def get(service, key, conversation="convo123", query=""):
    return service.get(PATH.format(conversation) + query, key)


def test_json_is_full_data_with_metadata(service, keys):
    """JSON is for machines: all the data, metadata included."""
    answer = get(service, keys["one"], query="?format=json")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
    [conversation] = answer.json()
    message = conversation["messages"][1]
    assert (conversation["id"], conversation["status"], conversation["priority"]) == ("convo123", "closed", "high")
    assert conversation["channel"] == {"id": "web", "name": "Web chat", "type": "WEB", "phone_number": None}
    assert conversation["assistant"] == {"id": "ada", "name": "Ada & Söhne"}
    assert conversation["csat"] == {"rating": 5, "comment": "Thanks"}
    assert conversation["customer"]["lead_status"] == "won" and conversation["tags"] == ["new-lead", "high-priority"]
    assert [note["id"] for note in conversation["notes"]] == ["n1", "n2"]
    assert [(event["kind"], event["actor"]) for event in conversation["events"]] == [("claim", "Grace")]
    assert [(skill["name"], skill["message_id"]) for skill in conversation["skills"]] == [("greet", "m2")]
    assert message["citations"] == [{"title": "Handbook", "url": "https://docs.example", "snippet": "Greet first."}]
    assert [each["id"] for each in conversation["messages"]] == ["m1", "m2", "m3", "m4"]


def test_csv_is_messages_with_timestamps(service, keys):
    """CSV is for spreadsheets: messages with their times."""
    answer = get(service, keys["one"], query="?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert answer.headers["Content-Type"].startswith("text/csv") and len(rows) == 4
    assert rows[0]["message_time"] == "2024-12-01T10:30:00.000000+00:00"
    assert rows[1]["message_time"] == "2024-12-01T10:30:05.000000+00:00"
    assert {row["conversation_id"] for row in rows} == {"convo123"}


def test_json_is_the_default(service, keys):
    assert get(service, keys["one"]).body == get(service, keys["one"], query="?format=json").body


def test_pdf_is_human_readable(service, keys, folder):
    """PDF is a transcript for people: who spoke when, and what; no internal notes."""
    answer = get(service, keys["one"], query="?format=pdf")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/pdf"
    assert '.pdf"; filename*' in answer.headers["Content-Disposition"]
    text = pdf.text(pdf.saved(folder, answer.body), layout=True)
    for words in ("John Doe", "Web chat", "new-lead, high-priority", "Sunday, 1 December 2024",
                  "John Doe Customer · 10:30:00", "Hello!", "Ada & Söhne Bot · 10:30:05", '=How, "can" I', "help?",
                  "Grace Agent · 10:31:00", "I take over.", "Page 1"):
        assert words in text
    assert "premium plan" not in text and "Internal notes" not in text
    assert answer.body == get(service, keys["one"], query="?format=pdf").body


@pytest.mark.parametrize("query", ["?format=html", "?format=", "?fields=tags", "?format=csv&format=json"])
def test_bad_parameters(service, keys, query):
    answer = get(service, keys["one"], query=query)
    assert answer.status == 422 and answer.json()["detail"][0]["loc"][0] == "query"


def test_named_for_download(service, keys):
    name = get(service, keys["one"]).headers["Content-Disposition"]
    assert name.startswith('attachment; filename="convo123_') and name.split("; ")[1].endswith('.json"')


def test_any_conversation(service, keys):
    """It is available from any conversation: also from one without an agent, a contact or a message."""
    [conversation] = get(service, keys["one"], "other").json()
    assert conversation["assistant"] is None and conversation["messages"] == []


def test_unknown_foreign_and_invisible_look_alike(service, keys):
    """An editor sees the permitted scope; another workspace sees nothing at all."""
    unknown = get(service, keys["one"], "nothing")
    assert (unknown.status, unknown.json()) == (404, {"detail": "Conversation not found."})
    for key, conversation in (("one", "foreign"), ("two", "convo123"), ("sales", "second"), ("nobody", "convo123"),
                              ("one", "x" * 300)):
        answer = get(service, keys[key], conversation)
        assert (answer.status, answer.body) == (404, unknown.body)
    assert get(service, keys["sales"]).status == 200


def test_rights(service, keys):
    assert get(service, None).status == 401
    assert get(service, keys["viewer"]).status == 403
    assert get(service, keys["metrics"]).status == 403


def test_audit(service, keys, database):
    """An export logs author, time, filter and the number of records."""
    before = len(source.audit(database))
    assert get(service, keys["one"], query="?format=csv").status == 200
    expected = [("v1", "grace@example.com", "csv", [("records", 1)])]
    wait_until(lambda: source.audit(database)[before:] == expected, "the audit")
    [row] = database.execute("SELECT filter, created_at IS NOT NULL FROM verbatim.audit ORDER BY audit_id DESC LIMIT 1")
    assert row[0]["select"] == {"conversation_ids": ["convo123"]} and row[1]
