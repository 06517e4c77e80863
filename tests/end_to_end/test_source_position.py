"""message.position: the order of messages within one instant, in each way of reading them.

`number` a table with bigint positions, some of them NULL
`word`   a view with text positions over the same rows
`twice`  a view that gives each of them three times
"""

import pytest

from tests.lib.source import ReadFailed, assert_by_index, plans, read

SELECTION = {"workspace": "w", "channel": 1}
MESSAGES = 400  # of the first conversation, in few instants
DETAILS, NOTES, NOTES_FIRST = 2, 16, 512

TABLES = f"""
CREATE SCHEMA number; SET search_path = number;
CREATE TABLE channel (id integer PRIMARY KEY, workspace_id text, name text, channel_type text);
CREATE TABLE conversation (id integer PRIMARY KEY, workspace_id text, channel_id integer, created_at timestamptz);
CREATE TABLE message (id uuid PRIMARY KEY, conversation_id integer, created_at timestamptz, direction text,
    speaker_type text, text text, position bigint);
CREATE TABLE note (id integer, conversation_id integer, created_at timestamptz, text text);
INSERT INTO channel VALUES (1, 'w', 'Desk', 'SMS');
INSERT INTO conversation SELECT i, 'w', 1, to_timestamp(1780000000 + i) FROM generate_series(1, 6) i;
-- Ids in no order; question and answer of one second; every seventh row without a position.
INSERT INTO message SELECT md5(i || '.' || j)::uuid, i, to_timestamp(1780000000 + i + j / 60), 'inbound', 'customer',
    'text ' || j, CASE WHEN j % 7 > 0 THEN j / 2 - 90 END
    FROM generate_series(1, 6) i, generate_series(1, {MESSAGES}) j WHERE i = 1 OR j <= i * 5;
INSERT INTO note SELECT i, 1 + i % 3, to_timestamp(1780000000), 'note' FROM generate_series(1, 9) i;
CREATE INDEX ON conversation (channel_id, created_at, id);
CREATE INDEX in_order ON message (conversation_id, created_at, position, id);
CREATE INDEX ON note (conversation_id, created_at);
CREATE SCHEMA word; SET search_path = word;
CREATE VIEW channel AS TABLE number.channel;
CREATE VIEW conversation AS TABLE number.conversation;
CREATE VIEW message AS SELECT id, conversation_id, created_at, direction, speaker_type, text,
    chr(64 + abs(position::int) % 20) || position AS position FROM number.message;
CREATE VIEW note AS TABLE number.note;
CREATE SCHEMA twice; SET search_path = twice;
CREATE VIEW channel AS TABLE number.channel;
CREATE VIEW conversation AS TABLE number.conversation;
CREATE VIEW message AS SELECT m.* FROM number.message m, generate_series(1, 3);
CREATE VIEW note AS TABLE number.note;
"""
SCHEMAS = pytest.mark.parametrize("schema", ["number", "word", "twice"])


@pytest.fixture(scope="module")
def source(database):
    database.execute(TABLES)
    database.execute("ANALYZE")
    return database


def expected(source, schema):
    return [id_ for id_, in source.execute(
        f"SELECT m.id::text FROM {schema}.conversation c JOIN {schema}.message m ON m.conversation_id = c.id"
        " ORDER BY c.created_at, c.id, m.created_at, m.position, m.id")]


def ids(source, schema, **settings):
    return [line[1] for line in read(source.url, schema, **SELECTION, **settings) if line[0] == "message"]


@SCHEMAS
def test_messages_of_one_instant_come_by_their_position(source, schema):
    found = expected(source, schema)
    assert ids(source, schema) == found and len(found) > MESSAGES
    by_id = source.execute(f"SELECT id::text FROM {schema}.message ORDER BY conversation_id, created_at, id")
    assert found != [id_ for id_, in by_id]


@SCHEMAS
@pytest.mark.parametrize("columns", [0, DETAILS | NOTES, NOTES | NOTES_FIRST])
def test_a_giant_is_read_on_behind_any_of_its_messages(source, schema, columns):
    """By the limit of a statement, by a consumer that lets go, and by one that stalls."""
    found = expected(source, schema)
    for settings in ({"giant": 1}, {"giant": 7}, {"giant": 60, "prepared": "off"}, {"release": 13}, {"page": 2},
                     {"stall": 100_000, "pause": "77,200000"}):
        assert ids(source, schema, columns=columns, **settings) == found, settings


def test_the_order_comes_from_the_index_that_holds_it(source, postgres):
    for giant in (None, 50):
        log = plans(source, postgres, "number", SELECTION, giant=giant)
        assert_by_index(log, "conversation", "message")
        assert "using in_order on message" in log


def test_a_position_longer_than_an_id_may_be_names_its_message(source):
    source.execute("CREATE SCHEMA long; SET search_path = long; CREATE VIEW channel AS TABLE number.channel;"
                   "CREATE VIEW conversation AS TABLE number.conversation; CREATE VIEW message AS SELECT id,"
                   " conversation_id, created_at, direction, speaker_type, text, repeat('x', 300) AS position"
                   " FROM number.message WHERE conversation_id = 2")
    message = source.value("SELECT id::text FROM number.message WHERE conversation_id = 2 ORDER BY created_at, id")
    with pytest.raises(ReadFailed, match=f"conversation 2, message {message}: its position is longer than 255 bytes"):
        read(source.url, "long", **SELECTION)


def test_a_position_that_has_no_order_is_refused_by_its_type(source):
    source.execute("CREATE SCHEMA wrong; SET search_path = wrong; CREATE VIEW channel AS TABLE number.channel;"
                   "CREATE VIEW conversation AS TABLE number.conversation; CREATE VIEW message AS SELECT id,"
                   " conversation_id, created_at, direction, speaker_type, text, position::float8 FROM number.message")
    with pytest.raises(ReadFailed, match="message.position is double precision but must be bigint, integer, smallint"
                                         " or text"):
        read(source.url, "wrong", contract=1)
