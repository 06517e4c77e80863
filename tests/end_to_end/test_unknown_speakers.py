"""Messages of which the platform does not say whose they are, or which way they went: exported with these cells empty,
in every format, layout and packaging; the doctor says that there are such."""

import csv
import io
import json
import zipfile

import jsonschema
import pytest

from tests.lib import direct_source as source
from tests.lib.doctor import doctor
from tests.lib.process import ROOT, wait_until

EXPORTS = "/api/v1/workspace/one/exports"
# (id, direction, speaker type) of the conversation's messages, in their order.
SAID = [("g1", None, "customer"), ("g2", "inbound", None), ("g3", None, None), ("g4", "outbound", None),
        ("g5", "outbound", "bot")]


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    database.execute("INSERT INTO chat.assistant VALUES ('gap', 'platform-one', 'Gap');"
                     "INSERT INTO chat.conversation (id, workspace_id, channel_id, created_at, contact_id,"
                     " assistant_id) VALUES ('gaps', 'platform-one', 'web', '2024-12-05T10:00:00Z', 'john', 'gap')")
    for number, (message, direction, speaker) in enumerate(SAID):
        database.execute("INSERT INTO chat.message (id, conversation_id, created_at, direction, speaker_type, text)"
                         " VALUES (%s, 'gaps', timestamptz '2024-12-05T10:00:00Z' + %s * interval '1 s', %s, %s, %s)",
                         [message, number, direction, speaker, f"text {message}"])
    return source.make_keys(program)


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(workers=1)


def export(service, key, **specification):
    body = {"select": {"assistant_id": "gap"}} | specification
    answer = service.request("POST", EXPORTS, key, json_body=body)
    assert answer.status == 202, answer.body
    path = f"{EXPORTS}/{answer.json()['export_id']}"
    shown = wait_until(lambda: (found := service.get(path, key).json())["status"] in ("finished", "failed") and found,
                       "the export")
    assert shown["status"] == "finished", shown["error_message"]
    return service.get(path + "/download", key).body


def table(data):
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


@pytest.mark.parametrize("files", ["per_conversation", "single", "chunks"])
def test_rows_of_messages_have_empty_cells(service, keys, files):
    data = export(service, keys["one"], files=files)
    if files != "single":
        archive = zipfile.ZipFile(io.BytesIO(data))
        [name] = archive.namelist()
        data = archive.read(name)
    rows = table(data)
    assert [(row["message_id"], row["direction"] or None, row["speaker_type"] or None) for row in rows] == SAID
    assert [row["message_text"] for row in rows] == [f"text {message}" for message, _, _ in SAID]
    assert [row["speaker_name"] for row in rows] == ["John Doe", "", "", "", "Gap"]


@pytest.mark.parametrize("format", ["json", "ndjson"])
def test_members_are_null(service, keys, format):
    conversation = json.loads(export(service, keys["one"], format=format, files="single"))
    conversation = conversation[0] if format == "json" else conversation
    said = [(message["id"], message["direction"], message["speaker_type"]) for message in conversation["messages"]]
    assert said == SAID
    schema = json.loads((ROOT / "docs/schemas/conversation.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(conversation)


def test_a_row_of_a_conversation_counts_and_shows_them(service, keys):
    [row] = table(export(service, keys["one"], layout="conversations", files="single"))
    assert (row["message_count"], row["first_message"], row["last_message"]) == ("5", "text g1", "text g5")


def test_a_lead_is_quoted_only_where_it_is_known_to_speak(service, keys):
    [row] = table(export(service, keys["one"], layout="leads", files="single"))
    assert row["message_count"] == "5"
    assert (row["first_user_message"], row["last_assistant_message"]) == ("text g1", "text g5")


def test_a_turn_goes_by_the_direction_and_is_nobody_elses_for_sure(service, keys):
    """What comes in is the user's; what has neither is put into nobody's mouth but the agents'."""
    answer = service.request("GET", "/v3/agents/gap/convos/export",
                             headers={"Authorization": f"Bearer {keys['one']}"})
    assert answer.status == 200, answer.body
    [conversation] = answer.json()["data"]
    assert [(turn["from"], [message["payload"]["message"] for message in turn["messages"]])
            for turn in conversation["turns"]] == [
        ("user", ["text g1", "text g2"]), ("agent", ["text g3", "text g4"]), ("bot", ["text g5"])]


def test_the_doctor_tells_that_there_are_such(program, database, keys, tmp_path):
    report = doctor(program, storage=f"file://{tmp_path}")
    lines = [line for line in report.of("source rows") if "direction" in line.text or "speaker_type" in line.text]
    assert [line.finding for line in lines] == 2 * ["warning"]
    assert "2 of 11 messages have no direction" in lines[0].text
    assert "3 of 11 messages have no speaker_type" in lines[1].text
    assert all("docs/connect.md" in line.remedy for line in lines)
    database.execute("UPDATE chat.message SET direction = coalesce(direction, 'inbound'),"
                     " speaker_type = coalesce(speaker_type, 'agent')")
    report = doctor(program, storage=f"file://{tmp_path}")
    assert [line for line in report.of("source rows") if "direction" in line.text] == []
