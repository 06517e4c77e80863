"""Ids under collations: by which different ids are equal, or which two views give to what is compared."""

import pytest

from tests.lib.doctor import doctor
from tests.lib.source import ReadFailed, events, read
from tests.lib.two_platforms import START, WORKSPACE

SELECTION = {"workspace": WORKSPACE, "channel": "main"}
PLATFORM = f"""
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE SCHEMA chat; SET search_path = chat, public;
CREATE TABLE channel (id text, workspace_id uuid, name text, channel_type text);
INSERT INTO channel VALUES ('main', '{WORKSPACE}', 'Support', 'SMS');
CREATE TABLE contact (id text COLLATE "C", name text);
INSERT INTO contact VALUES ('c1', 'Jane');
CREATE TABLE conversation (id text, workspace_id uuid, channel_id text, created_at timestamptz,
    contact_id text COLLATE "POSIX");
INSERT INTO conversation SELECT CASE WHEN i % 2 = 0 THEN 'a' ELSE 'A' END || i / 2, '{WORKSPACE}', 'main',
    to_timestamp({START // 1_000_000}), 'c1' FROM generate_series(0, 39) i;
CREATE TABLE message (id text, conversation_id text, created_at timestamptz, direction text, speaker_type text,
    text text);
INSERT INTO message SELECT 'm' || c.id, c.id, c.created_at, 'inbound', 'customer', 'x' FROM conversation c;
"""


@pytest.fixture(scope="module")
def source(database):
    database.execute(PLATFORM)
    return database


@pytest.fixture
def views(source):
    """views(relation=columns): a schema of views like chat, with other columns in those that are named."""
    def make(**columns):
        source.execute("DROP SCHEMA IF EXISTS views CASCADE; CREATE SCHEMA views")
        for relation in ("channel", "contact", "conversation", "message"):
            source.execute(f"CREATE VIEW views.{relation} AS SELECT {columns.get(relation, '*')} FROM chat.{relation}")
        return "views"
    return make


TALK = "{}, workspace_id, channel_id, created_at"
POST = "{}, {}, created_at, direction, speaker_type, text"


def test_ids_that_a_collation_takes_for_equal_are_refused_by_column(source, views):
    loose = views(conversation=TALK.format("id COLLATE loose AS id"), message=POST.format(
        "id COLLATE loose AS id", "conversation_id"))
    with pytest.raises(ReadFailed) as failure:
        read(source.url, loose, contract=1)
    for relation in ("conversation", "message"):
        assert f"{relation}.id has the collation loose, by which different ids may be equal" in str(failure.value)
    assert not failure.value.retryable


def test_with_a_collation_in_the_view_nothing_is_lost(source, views):
    """The cure that the message names: a table's column may stay as it is."""
    source.execute("CREATE TABLE chat.loose AS SELECT id COLLATE loose AS id, workspace_id, channel_id, created_at"
                   " FROM chat.conversation")
    views(message=POST.format("id", "conversation_id"))
    source.execute("DROP VIEW views.conversation; CREATE VIEW views.conversation AS"
                   " SELECT id COLLATE \"C\" AS id, workspace_id, channel_id, created_at FROM chat.loose")
    found = events(read(source.url, "views", page=7, **SELECTION))
    assert len({line[1] for line in found if line[0] == "conversation"}) == 40
    assert sum(line[0] == "message" for line in found) == 40


def test_two_collations_are_told_by_column(source, views, program, folder):
    pair = 'conversation.contact_id ("POSIX") and contact.id ("C")'
    with pytest.raises(ReadFailed) as failure:
        read(source.url, "chat", **SELECTION)
    assert pair in str(failure.value) and "42P22" in str(failure.value) and not failure.value.retryable
    program.migrate()
    (folder / "files").mkdir()
    found = doctor(program, storage=f"file://{folder}/files").of("source")
    line = next(line for line in found if line.finding == "failed")
    assert line.text == f"ids of two collations cannot be compared: {pair}" and 'COLLATE "C"' in line.remedy
    cured = views(conversation=TALK.format("id") + ', contact_id COLLATE "C" AS contact_id')
    assert {line[5] for line in read(source.url, cured, **SELECTION) if line[0] == "conversation"} == {"Jane"}
    found = doctor(program, storage=f"file://{folder}/files", source_schema="views").of("source")
    assert "failed" not in {line.finding for line in found}
