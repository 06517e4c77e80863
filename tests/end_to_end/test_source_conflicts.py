"""A replica whose replay ends statements that are in its way (40001): pages get smaller until they come through."""

import pytest

from tests.lib.postgres_proxy import Fault, PostgresProxy
from tests.lib.source import ReadFailed, read
from tests.lib.two_platforms import START, WORKSPACE

CHANNEL = "00000000-0000-4000-8000-0000000000cc"
CONVERSATIONS, MESSAGES = 60, 5
SELECTION = {"workspace": WORKSPACE, "channel": CHANNEL}

# In `busy` a statement of more than four conversations is ended in the middle of its rows, in `never` each.
PLATFORM = f"""
CREATE SCHEMA chat; SET search_path = chat;
CREATE TABLE channel (id uuid PRIMARY KEY, workspace_id uuid, name text, channel_type text);
INSERT INTO channel VALUES ('{CHANNEL}', '{WORKSPACE}', 'Support', 'SMS');
CREATE TABLE conversation (id bigint PRIMARY KEY, workspace_id uuid, channel_id uuid, created_at timestamptz);
INSERT INTO conversation SELECT i, '{WORKSPACE}', '{CHANNEL}', to_timestamp({START // 1_000_000} + i / 2)
    FROM generate_series(1, {CONVERSATIONS}) i;
CREATE INDEX ON conversation (channel_id, created_at, id);
CREATE TABLE message (id bigint PRIMARY KEY, conversation_id bigint, created_at timestamptz, direction text,
    speaker_type text, text text);
INSERT INTO message SELECT i * {MESSAGES} + j, i, to_timestamp({START // 1_000_000} + i + j), 'inbound', 'customer',
    'text ' || i || '.' || j FROM generate_series(1, {CONVERSATIONS}) i, generate_series(0, {MESSAGES} - 1) j;
CREATE INDEX ON message (conversation_id, created_at, id);
CREATE FUNCTION conflict(id bigint, most integer) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
    IF id % 20 = 17 AND length(regexp_replace(current_query(), '[^"]', '', 'g')) / 2 > most THEN
        RAISE EXCEPTION 'canceling statement due to conflict with recovery' USING ERRCODE = '40001';
    END IF;
    RETURN ''; END $$;
""" + "".join(f"""
CREATE SCHEMA {schema};
CREATE VIEW {schema}.channel AS SELECT * FROM chat.channel;
CREATE VIEW {schema}.conversation AS SELECT * FROM chat.conversation;
CREATE VIEW {schema}.message AS SELECT id, conversation_id, created_at, direction, speaker_type,
    text || chat.conflict(id, {most}) AS text FROM chat.message;""" for schema, most in (("busy", 4), ("never", 0)))


@pytest.fixture(scope="module")
def source(database):
    database.execute(PLATFORM)
    database.execute("VACUUM ANALYZE")
    return database


@pytest.mark.parametrize("settings", [{}, {"prepared": "off"}, {"giant": 2}], ids=str)
def test_a_page_of_messages_is_halved(source, settings):
    wanted = read(source.url, "chat", **SELECTION, **settings)
    assert sum(line[0] == "message" for line in wanted) == CONVERSATIONS * MESSAGES
    assert read(source.url, "busy", **SELECTION, **settings) == wanted


def test_what_never_comes_through_is_left_to_the_next_attempt(source):
    with pytest.raises(ReadFailed) as failure:
        read(source.url, "never", **SELECTION)
    assert failure.value.retryable and "40001" in str(failure.value)


def test_a_page_of_conversations_is_halved_and_grows_again(source, postgres):
    limits = []

    def decide(statement):
        if statement.kind != "execute" or "FROM (SELECT c.id, c.created_at" not in statement.text:
            return None
        limits.append(int(statement.parameters[-1]))
        return Fault("refuse", "40001") if limits[-1] > 20 and len(limits) < 8 else None
    wanted = [line for line in read(source.url, "chat", **SELECTION) if line[0] != "page"]
    with PostgresProxy(postgres.port, decide) as proxy:
        found = read(source.url, "chat", page=50, through=proxy.url(source.name), **SELECTION)
    assert [line for line in found if line[0] != "page"] == wanted
    assert limits[:3] == [51, 26, 13] and max(limits[3:]) > 13, limits
