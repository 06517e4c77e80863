"""verbatim demo-data: the same for the same seed, all that most platforms have, never over another's schema."""

import subprocess

import pytest

from tests.lib.patience import LIMIT
from tests.lib.service import clean_environment
from tests.lib.source import read

WORKSPACE = "00000000-0000-4000-8000-000000000001"
CHANNEL = "00000000-0000-4000-8000-000000000101"
TABLES = ("channel", "contact", "assistant", "conversation", "message", "attachment", "note", "event", "skill_run",
          "citation")
# Of the contract; they are tried in test_source_marks.py, test_activity.py and test_source_position.py.
FEW_PLATFORMS_HAVE = (
    "conversation.last_message_at", "conversation.title", "conversation.deleted_at", "conversation.extra",
    "message.position", "message.edited_at", "message.deleted_at", "message.kind", "message.reply_to",
    "message.format", "message.extra", "participant", "reaction", "revision")


@pytest.fixture(scope="module")
def demo_data(verbatim, database):
    def run(*arguments):
        return subprocess.run([str(verbatim), "demo-data", "--database-url", database.url, *arguments],
                              env=clean_environment(), capture_output=True, text=True, timeout=LIMIT)
    return run


def fingerprint(database):
    """Of all rows in the order in which they were written."""
    return [database.value(f"SELECT md5(string_agg(t::text, '|' ORDER BY ctid)) FROM chat.{table} t")
            for table in TABLES]


def test_the_same_for_the_same_seed_and_replaced_at_will(database, demo_data):
    prints = []
    for seed in ("1", "2", "1"):
        done = demo_data("--conversations", "300", "--messages-per-conversation", "9", "--seed", seed)
        assert done.returncode == 0, done.stderr
        assert WORKSPACE in done.stdout
        prints.append(fingerprint(database))
        assert None not in prints[-1]
    assert prints[0] == prints[2] and prints[0] != prints[1]


def test_it_fulfils_the_contract_and_has_what_it_promises(database, demo_data):
    assert demo_data("--conversations", "2000", "--messages-per-conversation", "12").returncode == 0
    assert read(database.url, "chat", contract=1)[0] == [f"missing: {', '.join(FEW_PLATFORMS_HAVE)}"]
    assert database.value("SELECT count(*) FROM chat.message") == 24_000
    lines = read(database.url, "chat", workspace=WORKSPACE, channel=CHANNEL)
    heads = [line for line in lines if line[0] == "conversation"]
    assert 900 < len(heads) < 1100 and any(int(line[4]) > 1 for line in heads)
    assert "\\N" in {line[5] for line in heads}
    names = {name for name, in database.execute("SELECT name FROM chat.contact")}
    assert {"=HYPERLINK(\"http://example.com\")", "CON", "", "AC/DC Fan Club", None, "Line\nBreak"} <= names
    texts = " ".join(line[6] for line in lines if line[0] == "message")
    assert all(part in texts for part in ("订单", "طلبي", "👋", "Bestellung"))
    shared = database.execute("SELECT channel_type FROM chat.channel WHERE phone_number = '+12025550123' ORDER BY id")
    assert shared == [("LOCAL",), ("WHATSAPP_BUSINESS_PLATFORM",)]
    months = database.execute("SELECT DISTINCT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM')"
                              " FROM chat.conversation ORDER BY 1")
    assert [month for month, in months] == [f"2026-0{i}" for i in range(1, 7)]
    assert database.value("SELECT count(*) FROM chat.message m"
                          " LEFT JOIN chat.conversation c ON c.id = m.conversation_id"
                          " WHERE c.id IS NULL") == 0


FILLED = """
SELECT 'contact', count(company), count(address), count(website), count(lead_status) FROM chat.contact
UNION ALL SELECT 'conversation', count(ended_at), count(status), count(priority), count(tags) FROM chat.conversation
UNION ALL SELECT 'marks', count(audience), count(feedback), count(csat_rating), count(csat_comment)
    FROM chat.conversation
UNION ALL SELECT 'attachment', count(url), count(file_name), count(size), count(duration_seconds) FROM chat.attachment
UNION ALL SELECT 'note', count(author), count(text), count(DISTINCT text), count(*) FROM chat.note
UNION ALL SELECT 'event', count(kind), count(actor), count(detail), count(*) FROM chat.event
UNION ALL SELECT 'skill_run', count(name), count(outcome), count(message_id), count(*) FROM chat.skill_run
UNION ALL SELECT 'citation', count(title), count(url), count(snippet), count(*) FROM chat.citation"""


def test_every_relation_is_filled_and_belongs_together(database, demo_data):
    assert demo_data("--conversations", "2000", "--messages-per-conversation", "12").returncode == 0
    for relation, *counts in database.execute(FILLED):
        assert min(counts) > 0, relation
    types = database.execute("SELECT DISTINCT content_type FROM chat.attachment ORDER BY 1")
    assert [kind for kind, in types] == ["audio/mpeg", "audio/wav", "image/jpeg", "image/png"]
    assert database.value("SELECT bool_and(url LIKE 'https://media.example.test/%') FROM chat.attachment")
    for table in ("attachment", "citation", "skill_run"):
        assert database.value(f"SELECT count(*) FROM chat.{table} t LEFT JOIN chat.message m ON m.id = t.message_id"
                              " WHERE t.message_id IS NOT NULL"
                              " AND m.conversation_id IS DISTINCT FROM t.conversation_id") == 0
    lines = read(database.url, "chat", workspace=WORKSPACE, columns=1023 - 256)
    assert {line[0] for line in lines} >= {"details", "citations", "attachments", "extra"}
    assert {line[1] for line in lines if line[0] == "extra"} == {"note", "event", "skill"}


RARE = """
SELECT 'conversation', count(title), count(last_message_at), count(extra) FROM chat.conversation
UNION ALL SELECT 'deleted', count(deleted_at), count(*) - count(deleted_at), 1 FROM chat.conversation
UNION ALL SELECT 'formats', count(*) FILTER (WHERE format = 'text'), count(*) FILTER (WHERE format = 'markdown'),
    count(*) FILTER (WHERE format = 'html' AND text LIKE '<p>%</p>') FROM chat.message
UNION ALL SELECT 'message', count(reply_to), count(edited_at), count(deleted_at) FROM chat.message
UNION ALL SELECT 'kinds', count(*) FILTER (WHERE kind = 'system'), count(*) FILTER (WHERE kind = 'form'), count(extra)
    FROM chat.message
UNION ALL SELECT 'participant', count(DISTINCT role), count(contact_id), count(left_at) FROM chat.participant
UNION ALL SELECT 'reaction', count(DISTINCT name), count(by), count(created_at) FROM chat.reaction
UNION ALL SELECT 'revision', count(text), count(editor), count(*) FROM chat.revision"""


def test_everything_has_what_few_platforms_have(database, demo_data):
    prints = []
    for _ in range(2):
        done = demo_data("--conversations", "2000", "--messages-per-conversation", "15", "--everything")
        assert done.returncode == 0, done.stderr
        prints.append(fingerprint(database))
    assert prints[0] == prints[1]
    assert read(database.url, "chat", contract=1)[0] == ["missing: "]
    assert database.value("SELECT count(*) FROM chat.message") == 30_000, "none more, none less"
    for relation, *counts in database.execute(RARE):
        assert min(counts) > 0, relation
    assert database.value("SELECT max(count) FROM (SELECT count(*) FROM chat.message"
                          " GROUP BY conversation_id, position) AS places") == 1
    for table, column in (("reaction", "message_id"), ("revision", "message_id"), ("message", "reply_to")):
        assert database.value(f"SELECT count(*) FROM chat.{table} t LEFT JOIN chat.message m ON m.id = t.{column}"
                              f" WHERE t.{column} IS NOT NULL"
                              " AND m.conversation_id IS DISTINCT FROM t.conversation_id") == 0
    assert database.value("SELECT count(*) FROM chat.revision t JOIN chat.message m ON m.id = t.message_id"
                          " WHERE m.edited_at IS NULL OR m.text = t.text") == 0
    lines = read(database.url, "chat", workspace=WORKSPACE, channel=CHANNEL)
    assert sum(line[0] == "message" for line in lines) < database.value(
        "SELECT count(*) FROM chat.message m JOIN chat.conversation c ON c.id = m.conversation_id"
        f" WHERE c.channel_id = '{CHANNEL}'"), "without those that were deleted"


def test_each_way_to_select_has_its_index(database, demo_data):
    assert demo_data("--conversations", "300").returncode == 0
    indexes = {definition.split(" USING btree ")[1] for definition, in database.execute(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'chat' AND tablename = 'conversation'")}
    assert indexes >= {f"({column}, created_at, id)" for column in
                       ("workspace_id", "channel_id", "assistant_id", "contact_id")}


def test_a_schema_of_somebody_else_is_left_alone(database, demo_data):
    database.execute("DROP SCHEMA IF EXISTS chat CASCADE; CREATE SCHEMA chat;"
                     " CREATE TABLE chat.precious AS SELECT 1 AS one")
    done = demo_data()
    assert done.returncode == 1 and "was not made by demo-data" in done.stderr
    assert database.value("SELECT one FROM chat.precious") == 1


@pytest.mark.parametrize("value", ["0", "-1", "ten", "1x", "999999999999"])
def test_counts_are_checked(demo_data, value):
    done = demo_data("--conversations", value)
    assert done.returncode == 2 and "--conversations" in done.stderr
