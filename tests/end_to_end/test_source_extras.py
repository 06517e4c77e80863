"""What of a conversation is read: wide columns, and the rows that are no messages, on two platforms."""

import itertools

import pytest

from tests.lib.source import ReadFailed, read
from tests.lib.two_platforms import (
    AS_OF, BRIEF, CHANNEL, CITATIONS, CUSTOMER, DETAILS, EVENTS, EXTRAS, MEDIA, NOTES, NOTES_FIRST, NO_MESSAGES, SECOND,
    SKILLS, WORKSPACE, condition, literal_as_of, make_platforms, micros, settings_of, unescape)

HALF = ["channel", "statuses"]  # of a channel, with rows of every kind: a statement for each row is slow
BOTH = pytest.mark.parametrize("schema", ["chat", "legacy"])


@pytest.fixture(scope="module")
def source(database):
    make_platforms(database)
    return database


DETAILED = """
SELECT c.id::text, ch.id::text, ch.name, ch.channel_type::text, ch.phone_number, c.assistant_id::text, c.status::text,
    {priority}, {agent}, c.csat_comment, NULL, c.contact_id::text, co.company, {address}, NULL, {lead},
    """ + micros("c.ended_at") + """, c.csat_rating::text, array_remove(c.tags::text[], NULL)
FROM {schema}.conversation c JOIN {schema}.channel ch ON ch.id = c.channel_id
LEFT JOIN {schema}.contact co ON co.id = c.contact_id WHERE {condition} ORDER BY c.created_at, c.id"""


@BOTH
def test_details_channel_and_customer(source, schema):
    chat = schema == "chat"
    rows = source.execute(DETAILED.format(
        schema=schema, condition=condition(schema, []), priority="c.priority" if chat else "NULL",
        agent="c.assigned_agent" if chat else "NULL", address="co.address" if chat else "NULL",
        lead="co.lead_status" if chat else "NULL"))
    lines = read(source.url, schema, columns=CHANNEL | DETAILS | CUSTOMER | NO_MESSAGES, page=7,
                 **settings_of(source, schema, []))
    found = [[unescape(value) for value in line[1:]] for line in lines if line[0] == "details"]
    assert found == [[*row[1:18], *(row[18] or [])] for row in rows]


@BOTH
def test_columns_that_were_not_asked_for_are_null(source, schema):
    for columns, present in ((CHANNEL, {1, 2, 3}), (DETAILS, {5, 6, 17, 18}), (CUSTOMER, {11, 12})):
        lines = read(source.url, schema, columns=columns | NO_MESSAGES, **settings_of(source, schema, []))
        details = [line for line in lines if line[0] == "details"]
        filled = {i for line in details for i in range(1, 18) if line[i] != "\\N"}
        tagged = any(len(line) > 18 for line in details)
        assert present - {18} <= filled and tagged == (18 in present)
        others = {CHANNEL: range(5, 18), DETAILS: [1, 2, 3, 4, *range(11, 16)],
                  CUSTOMER: [*range(1, 11), 16, 17]}[columns]
        assert not filled & set(others)


def own_lists(source, schema):
    """Citations and attachments of each message, as the contract orders them."""
    chat = schema == "chat"
    return {message: (citations, attachments) for message, citations, attachments in source.execute(f"""
        SELECT m.id::text,
            (SELECT array_agg(v ORDER BY title COLLATE "C", url COLLATE "C" NULLS LAST, snippet COLLATE "C", n) FROM (
                SELECT t.title, {'t.url' if chat else 'NULL::text AS url'},
                    {'t.snippet' if chat else 'NULL::text AS snippet'} FROM {schema}.citation t
                WHERE t.message_id = m.id) t, LATERAL unnest(ARRAY[title, coalesce(url, ''), coalesce(snippet, '')])
                WITH ORDINALITY u (v, n)),
            (SELECT array_agg(v ORDER BY t.id, n) FROM {schema}.attachment t, LATERAL unnest(ARRAY[t.id::text, t.url,
                {"coalesce(t.file_name, ''), coalesce(t.content_type, '')" if chat else "'', ''"}])
                WITH ORDINALITY u (v, n) WHERE t.message_id = m.id)
        FROM {schema}.message m""")}


@BOTH
@pytest.mark.parametrize("giant", [None, 2])
def test_citations_and_attachments_of_each_message(source, schema, giant):
    wanted = own_lists(source, schema)
    lines = read(source.url, schema, columns=CITATIONS | MEDIA | DETAILS, giant=giant,
                 **settings_of(source, schema, ["channel"]))
    found, message, counts = {}, None, {"citations": 0, "attachments": 0, "feedback": 0}
    for line in lines:
        if line[0] == "message":
            message = unescape(line[1])
            found[message] = [None, None]
        elif line[0] in counts:
            counts[line[0]] += 1
            if line[0] != "feedback":
                found[message][line[0] == "attachments"] = [unescape(value) for value in line[1:]]
    assert counts["citations"] and counts["attachments"] and bool(counts["feedback"]) == (schema == "chat")
    assert {message: tuple(lists) for message, lists in found.items()} == {
        message: wanted[message] for message in found}


KINDS = {"message": (2, "m.text", "NULL", "NULL"), "note": (3, None, "t.text", "NULL"),
         "event": (4, "t.kind::text", None, None), "skill_run": (5, "t.name", None, "t.message_id::text")}


def everything(source, schema, names, notes_first=False):
    """One query written by hand: conversations, and all that belongs to each, up to as_of."""
    chat = schema == "chat"
    as_of = literal_as_of(schema)
    note_as_of = f"to_timestamp({AS_OF // SECOND})"
    rows = source.execute(f"""
        SELECT c.id::text, x.kind, x.at, x.id, x.a, x.b, x.c FROM {schema}.conversation c LEFT JOIN LATERAL (
            SELECT 2 AS rank, row_number() OVER (ORDER BY m.created_at, m.id) AS place, 'message' AS kind,
                {micros('m.created_at')} AS at, m.id::text, m.text AS a, NULL AS b, NULL AS c
            FROM {schema}.message m WHERE m.conversation_id = c.id AND m.created_at <= {as_of}
            UNION ALL SELECT {1 if notes_first else 3}, row_number() OVER (ORDER BY t.created_at, t.id), 'note',
                {micros('t.created_at')}, t.id::text, {'t.author' if chat else 'NULL'}, t.text, NULL
            FROM {schema}.note t WHERE t.conversation_id = c.id AND t.created_at <= {note_as_of}
            UNION ALL SELECT 4, row_number() OVER (ORDER BY t.created_at, t.id), 'event', {micros('t.created_at')},
                t.id::text, t.kind::text, {'t.actor' if chat else 'NULL'}, {'t.detail' if chat else 'NULL'}
            FROM {schema}.event t WHERE t.conversation_id = c.id AND t.created_at <= {as_of}
            UNION ALL SELECT 5, row_number() OVER (ORDER BY t.created_at, t.name,
                    {'t.outcome, ' if chat else ''} t.message_id), 'skill', {micros('t.created_at')},
                NULL, t.name, {'t.outcome' if chat else 'NULL'}, t.message_id::text
            FROM {schema}.skill_run t WHERE t.conversation_id = c.id AND t.created_at <= {as_of}
        ) x ON true WHERE {condition(schema, names)} ORDER BY c.created_at, c.id, x.rank, x.place""")
    found, last = [], None
    for conversation, kind, *values in rows:
        if conversation != last:
            found.append(("conversation", conversation))
        if kind:
            found.append((kind, *values))
        last = conversation
    return found


def told(lines):
    """What the reader gave, in the shape of `everything`."""
    found = []
    for line in lines:
        values = [unescape(value) for value in line[1:]]
        if line[0] == "conversation":
            found.append(("conversation", values[0]))
        elif line[0] == "message":
            found.append(("message", values[1], values[0], values[5], None, None))
        elif line[0] == "extra":
            found.append(tuple(values))
    return found


@BOTH
@pytest.mark.parametrize("notes_first", [False, True])
def test_all_rows_of_a_conversation_in_pages_of_any_size(source, schema, notes_first):
    wanted = everything(source, schema, HALF, notes_first)
    kinds = [row[0] for row in wanted]
    assert {"conversation", "message", "note", "event", "skill"} == set(kinds)
    settings = settings_of(source, schema, HALF, columns=EXTRAS | (NOTES_FIRST if notes_first else 0))
    for page, giant, prepared in ((2000, None, "on"), (1, None, "on"), (2, 3, "off"), (7, 1, "on"), (7, 2, "on"),
                                  (50, 6, "on")):
        assert told(read(source.url, schema, page=page, giant=giant, prepared=prepared, **settings)) == wanted


@BOTH
@pytest.mark.parametrize("columns", [NOTES, EVENTS, SKILLS, NOTES | SKILLS, EXTRAS | NO_MESSAGES, EVENTS | NO_MESSAGES,
                                     NOTES_FIRST | EXTRAS | DETAILS | CITATIONS | MEDIA, NOTES_FIRST, NO_MESSAGES])
def test_only_what_was_asked_for(source, schema, columns):
    asked = {"conversation"} | {name for name, bit in (("note", NOTES), ("event", EVENTS), ("skill", SKILLS))
                                if columns & bit} | (set() if columns & NO_MESSAGES else {"message"})
    wanted = [row for row in everything(source, schema, HALF, bool(columns & NOTES_FIRST)) if row[0] in asked]
    assert {row[0] for row in wanted} == asked
    for page, giant in ((2000, None), (2, 2)):
        assert told(read(source.url, schema, page=page, giant=giant, columns=columns,
                         **settings_of(source, schema, HALF))) == wanted


@BOTH
@pytest.mark.parametrize("notes_first", [0, NOTES_FIRST])
def test_a_consumer_that_lets_go_in_the_middle_of_extras_repeats_and_loses_nothing(source, schema, notes_first):
    settings = settings_of(source, schema, HALF, columns=EXTRAS | notes_first)
    wanted = everything(source, schema, HALF, bool(notes_first))
    assert {row[0] for row in wanted} == {"conversation", "message", "note", "event", "skill"}
    for release, giant in ((1, 2), (5, None), (7, 3)):
        assert told(read(source.url, schema, release=release, giant=giant, page=40, **settings)) == wanted


@BOTH
def test_a_stall_in_the_middle_of_extras_repeats_and_loses_nothing(source, schema):
    settings = settings_of(source, schema, ["channel"], columns=EXTRAS)
    wanted = everything(source, schema, ["channel"])
    rows = [row for row in wanted if row[0] != "conversation"]
    middles = [next(i for i in range(1, len(rows)) if rows[i - 1][0] == rows[i][0] == kind) for kind in
               ("note", "event", "skill")]
    borders = [next(i for i in range(1, len(rows)) if rows[i - 1][0] == a and rows[i][0] == b) for a, b in
               (("message", "note"), ("note", "event"))]
    for place in itertools.chain(middles, borders):
        assert told(read(source.url, schema, page=500, stall=100_000, pause=f"{place},200000", **settings)) == wanted


def test_what_is_behind_a_giant_s_messages_is_asked_for_once(source):
    """A statement left in the middle costs its connection: one for the rows behind the first limit, not one a limit."""
    if source.value("SELECT current_setting('server_version_num')::integer") < 140000:
        pytest.skip("PostgreSQL counts its sessions from 14 on")
    channel = source.value("SELECT md5('behind')::uuid::text")
    source.execute(f"""INSERT INTO chat.conversation (id, workspace_id, channel_id, created_at)
            VALUES (md5('b1')::uuid, '{WORKSPACE}', '{channel}', to_timestamp(1780000000));
        INSERT INTO chat.message SELECT gen_random_uuid(), md5('b1')::uuid, to_timestamp(1780000000 + i), 'inbound',
            'customer', 'x' FROM generate_series(1, 100) i;
        INSERT INTO chat.note SELECT gen_random_uuid(), md5('b1')::uuid, to_timestamp(1780000000 + i), 'a', 'y'
            FROM generate_series(1, 100) i""")

    def sessions():
        return source.value("SELECT sessions FROM pg_stat_database WHERE datname = current_database()")
    try:
        before = sessions()
        lines = read(source.url, "chat", workspace=WORKSPACE, channel=channel, columns=EXTRAS, giant=5)
        assert [line[0] for line in lines if line[0] in ("message", "extra")] == 100 * ["message"] + 100 * ["extra"]
        assert sessions() - before < 8, "20 limits"
    finally:
        source.execute("; ".join(f"DELETE FROM chat.{table} WHERE {column} = md5('b1')::uuid" for table, column in
                                 (("conversation", "id"), ("message", "conversation_id"), ("note", "conversation_id"))))


ROWS_AHEAD = 1 << 20  # what the reader may take in ahead of a slow consumer


def test_giants_of_every_kind_in_flat_memory(source):
    """200,000 messages, notes, events and skill runs in one conversation between two small ones."""
    channel = source.value("SELECT md5('giant')::uuid::text")
    source.execute(f"""INSERT INTO chat.conversation (id, workspace_id, channel_id, created_at)
            SELECT md5('g' || i)::uuid, '{WORKSPACE}', '{channel}', to_timestamp(1780000000 + i)
            FROM generate_series(1, 3) i;
        INSERT INTO chat.message SELECT gen_random_uuid(), md5('g2')::uuid, to_timestamp(1780000000 + i / 3), 'inbound',
            'customer', repeat('x', 100) FROM generate_series(1, 200000) i;
        INSERT INTO chat.note SELECT gen_random_uuid(), md5('g2')::uuid, to_timestamp(1780000000 + i / 3), 'a',
            repeat('y', 100) FROM generate_series(1, 200000) i;
        INSERT INTO chat.event SELECT gen_random_uuid(), md5('g2')::uuid, to_timestamp(1780000000 + i / 3), 'k'
            FROM generate_series(1, 200000) i;
        INSERT INTO chat.skill_run SELECT md5('g2')::uuid, to_timestamp(1780000000 + i / 3), 's'
            FROM generate_series(1, 200000) i;
        INSERT INTO chat.note SELECT gen_random_uuid(), md5('g' || i)::uuid, to_timestamp(1780000000), 'a', 'small'
            FROM generate_series(1, 3, 2) i;
        ANALYZE chat.message, chat.note, chat.event, chat.skill_run""")
    try:
        for stall in (None, 150_000):
            lines = read(source.url, "chat", workspace=WORKSPACE, channel=channel, columns=EXTRAS, quiet=1, stall=stall)
            tally = dict(pair.split("=") for pair in lines[-1][0].split())  # a loaded machine tells of slowness first
            assert (tally["conversations"], tally["messages"], tally["extras"]) == ("3", "200000", "600002")
            assert int(tally["memory"]) < ROWS_AHEAD + 64_000
    finally:
        source.execute("; ".join(f"DELETE FROM chat.{table} WHERE {column} IN (SELECT md5('g' || i)::uuid"
                                 " FROM generate_series(1, 3) i)" for table, column in
                                 (("conversation", "id"), ("message", "conversation_id"), ("note", "conversation_id"),
                                  ("event", "conversation_id"), ("skill_run", "conversation_id"))))
        source.execute("VACUUM ANALYZE")


@pytest.mark.parametrize("table, value, text", [
    ("note", "NULL", "created_at of a note"), ("event", "'-infinity'", "created_at of a note"),
    ("skill_run", "'infinity'", None)])
def test_an_extra_that_breaks_the_contract_names_its_conversation(source, table, value, text):
    conversation = source.value("SELECT md5('v7')::uuid::text")
    settings = settings_of(source, "chat", [], columns=EXTRAS, conversations=conversation)
    source.execute(f"""CREATE TABLE kept AS TABLE chat.{table};
        UPDATE chat.{table} SET created_at = {value} WHERE conversation_id = '{conversation}'""")
    try:
        if text is None:
            assert not [line for line in read(source.url, "chat", **settings) if line[1] == "skill"]
        else:
            with pytest.raises(ReadFailed, match=f"source: conversation {conversation}: {text}"):
                read(source.url, "chat", **settings)
    finally:
        source.execute(f"TRUNCATE chat.{table}; INSERT INTO chat.{table} TABLE kept; DROP TABLE kept")


@BOTH
@pytest.mark.parametrize("giant", [None, 2])
def test_brief_messages_have_what_a_row_of_a_conversation_tells(source, schema, giant):
    """The same rows in the same order; what nobody looks at is NULL, also with attachments beside it."""
    settings = settings_of(source, schema, HALF, giant=giant, page=7)
    for more in (0, MEDIA):
        whole = read(source.url, schema, columns=DETAILS | more, **settings)
        brief = read(source.url, schema, columns=DETAILS | BRIEF | more, **settings)
        wanted = [line if line[0] != "message" else [*line[:3], "\\N", line[4], "\\N", line[6], "\\N", "\\N"]
                  for line in whole if line[0] != "feedback"]
        assert brief == wanted and sum(line[0] == "message" for line in brief) > 20
        assert any(line[0] == "attachments" for line in brief) == (bool(more) and schema == "chat")
