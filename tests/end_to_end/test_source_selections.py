"""What of a source is read: every filter alone and together, wide columns, and the rows that are no messages.

Two platforms of different types, each compared with one plain query over the contract's relations:
`chat`   tables with uuids and timestamptz
`legacy` views over bigint, integer and text ids, timestamps without time zone, an enum, arrays of varchar
"""

import itertools
import random
import re
import time

import pytest

from tests.lib.source import ReadFailed, assert_by_index, binary, forget_statistics, plans, read, scans

WORKSPACE = "00000000-0000-4000-8000-0000000000aa"
SECOND = 1_000_000
START = 1_775_000_000 * SECOND
AS_OF = START + 100_000 * SECOND
CHANNEL, DETAILS, CUSTOMER, CITATIONS, NOTES, EVENTS, SKILLS, MEDIA, NO_MESSAGES, NOTES_FIRST = (
    1 << i for i in range(10))
EXTRAS = NOTES | EVENTS | SKILLS

CHAT = f"""
CREATE SCHEMA chat; SET search_path = chat;
CREATE TABLE channel (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, name text NOT NULL, channel_type text NOT NULL,
    phone_number text);
CREATE TABLE contact (id uuid PRIMARY KEY, name text, phone text, email text, company text, address text, website text,
    lead_status text);
CREATE TABLE assistant (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, name text NOT NULL);
CREATE TABLE conversation (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, channel_id uuid NOT NULL,
    created_at timestamptz NOT NULL, contact_id uuid, assistant_id uuid, ended_at timestamptz, status text,
    priority text, tags text[], audience text[], assigned_agent text, csat_rating smallint, csat_comment text,
    feedback text);
CREATE TABLE message (id uuid PRIMARY KEY, conversation_id uuid NOT NULL, created_at timestamptz, direction text,
    speaker_type text, text text, media_urls text[], feedback text);
CREATE TABLE note (id uuid PRIMARY KEY, conversation_id uuid, created_at timestamptz, author text, text text);
CREATE TABLE event (id uuid PRIMARY KEY, conversation_id uuid, created_at timestamptz, kind text, actor text,
    detail text);
CREATE TABLE skill_run (conversation_id uuid, created_at timestamptz, name text, outcome text, message_id uuid);
CREATE TABLE citation (message_id uuid, conversation_id uuid, title text, url text, snippet text);
CREATE TABLE attachment (id uuid PRIMARY KEY, message_id uuid, conversation_id uuid, url text, file_name text,
    content_type text, size bigint);
INSERT INTO channel SELECT md5('ch' || i)::uuid, '{WORKSPACE}', 'Line ' || i, 'SMS', '+1' || i
    FROM generate_series(0, 4) i;
INSERT INTO contact SELECT md5('co' || i)::uuid, 'Contact ' || i, NULL, 'c' || i || '@x', 'Firm ' || i,
    CASE WHEN i % 2 = 0 THEN 'Street ' || i END, NULL, 'Lead' FROM generate_series(0, 9) i;
INSERT INTO assistant SELECT md5('as' || i)::uuid, '{WORKSPACE}', 'Bot ' || i FROM generate_series(0, 2) i;
-- Three of an instant; every seventeenth is another workspace's.
INSERT INTO conversation SELECT md5('v' || i)::uuid,
    CASE WHEN i % 17 = 16 THEN md5('elsewhere')::uuid ELSE '{WORKSPACE}' END, md5('ch' || i % 5)::uuid,
    to_timestamp({START // SECOND} + i / 3 * 7), CASE WHEN i % 7 > 0 THEN md5('co' || i % 10)::uuid END,
    CASE WHEN i % 4 > 0 THEN md5('as' || i % 3)::uuid END,
    CASE i % 6 WHEN 0 THEN NULL WHEN 1 THEN timestamptz '2090-01-01' ELSE to_timestamp({START // SECOND} + i * 9) END,
    (ARRAY['open', 'closed', 'pending', NULL])[1 + i % 4], CASE WHEN i % 3 = 0 THEN 'high' END,
    (ARRAY['{{a,b}}', '{{b}}', '{{}}', NULL, '{{c,NULL,"d, e"}}'])[1 + i % 5]::text[],
    (ARRAY[NULL, '{{red}}', '{{red,blue}}', '{{}}', NULL, NULL])[1 + i % 6]::text[],
    CASE WHEN i % 2 = 0 THEN 'Agent ' || i END, nullif(i % 6, 0), CASE WHEN i % 6 = 1 THEN 'poor' END, NULL
    FROM generate_series(0, 299) i;
INSERT INTO message SELECT md5('m' || i || '.' || j)::uuid, md5('v' || i)::uuid,
    to_timestamp({START // SECOND} + i / 3 * 7 + j / 3), CASE WHEN j % 2 = 0 THEN 'inbound' ELSE 'outbound' END,
    CASE WHEN j % 2 = 0 THEN 'customer' ELSE 'bot' END, 'text ' || i || '.' || j, NULL,
    CASE WHEN j = 3 THEN 'helpful' END
    FROM generate_series(0, 299) i, generate_series(1, 8) j WHERE j <= i % 9;
-- None, one or many to a conversation; several in one instant; some with NULLs; some after as_of.
INSERT INTO note SELECT md5('n' || i || '.' || j)::uuid, md5('v' || i)::uuid,
    to_timestamp({START // SECOND} + CASE WHEN j = 5 THEN 200000 ELSE j / 2 END), nullif('Author ' || j, 'Author 2'),
    E'note\\t' || j FROM generate_series(0, 299) i, generate_series(1, 5) j WHERE j <= i % 4 OR i % 50 = 1;
INSERT INTO event SELECT md5('e' || i || '.' || j)::uuid, md5('v' || i)::uuid,
    to_timestamp({START // SECOND} + j / 3), 'kind ' || j, NULL, nullif('detail ' || j, 'detail 1')
    FROM generate_series(0, 299) i, generate_series(1, 7) j WHERE j <= i % 8 - 1;
INSERT INTO skill_run SELECT md5('v' || i)::uuid, to_timestamp({START // SECOND} + j / 2), 'skill ' || j % 3,
    CASE WHEN j % 2 = 0 THEN 'found' END, CASE WHEN j < 3 THEN md5('m' || i || '.' || j)::uuid END
    FROM generate_series(0, 299) i, generate_series(1, 6) j WHERE i % 3 = 2;
INSERT INTO citation SELECT md5('m' || i || '.' || j)::uuid, md5('v' || i)::uuid, 'Title ' || k % 3,
    CASE WHEN k = 2 THEN NULL ELSE 'https://x/' || k END, CASE WHEN k = 1 THEN 'snip, pet' END
    FROM generate_series(0, 299) i, generate_series(1, 8) j, generate_series(1, 4) k WHERE j <= i % 9 AND k < i % 6;
INSERT INTO attachment SELECT md5('at' || i || '.' || j || '.' || k)::uuid, md5('m' || i || '.' || j)::uuid,
    md5('v' || i)::uuid, 's3://b/' || k, CASE WHEN k = 1 THEN 'a "b".wav' END, 'audio/wav', k
    FROM generate_series(0, 299) i, generate_series(1, 8) j, generate_series(1, 3) k WHERE j <= i % 9 AND k < i % 7;
CREATE INDEX ON conversation (workspace_id, created_at, id);
CREATE INDEX ON conversation (channel_id, created_at, id);
CREATE INDEX ON conversation (assistant_id, created_at, id);
CREATE INDEX ON conversation (contact_id, created_at, id);
CREATE INDEX ON message (conversation_id, created_at, id);
CREATE INDEX ON note (conversation_id, created_at, id);
CREATE INDEX ON event (conversation_id, created_at, id);
CREATE INDEX ON skill_run (conversation_id, created_at);
CREATE INDEX ON citation (conversation_id, message_id);
CREATE INDEX ON attachment (conversation_id, message_id);
CREATE INDEX ON attachment (conversation_id, id);
"""

LEGACY = """
CREATE SCHEMA app; SET search_path = app;
CREATE TYPE state AS ENUM ('open', 'closed', 'pending');
CREATE TABLE inbox (no integer PRIMARY KEY, tenant text, title varchar(80), kind char(12), phone text);
CREATE TABLE person (no integer PRIMARY KEY, first text, company varchar);
CREATE TABLE robot (no smallint PRIMARY KEY, tenant text, name text);
CREATE TABLE thread (no bigint PRIMARY KEY, tenant text, inbox_no integer, started timestamp, person integer,
    robot integer, closed timestamp, state state, labels varchar[], stars integer, remark text);
CREATE TABLE post (key text COLLATE "und-x-icu" PRIMARY KEY, thread_no bigint, posted timestamp, incoming boolean,
    body varchar, links varchar[]);
CREATE TABLE remark (no integer PRIMARY KEY, thread_no bigint, at timestamptz, body varchar);
CREATE TABLE happening (key varchar PRIMARY KEY, thread_no bigint, at timestamp, what state);
CREATE TABLE run (thread_no bigint, at timestamp, name varchar, post_key text);
CREATE TABLE quote (post_key text, thread_no bigint, title varchar);
CREATE TABLE file (no bigint PRIMARY KEY, post_key text, thread_no bigint, url varchar);
INSERT INTO inbox SELECT i, 'acme', 'Desk ' || i, 'SMS', NULL FROM generate_series(1, 6) i;
INSERT INTO person SELECT i, 'P' || i, 'Firm' FROM generate_series(1, 9) i;
INSERT INTO robot SELECT i, 'acme', 'R' || i FROM generate_series(1, 3) i;
INSERT INTO thread SELECT i, CASE WHEN i % 13 = 0 THEN 'other' ELSE 'acme' END, 1 + i % 6,
    timestamp '2026-04-01' + i / 4 * interval '40 s', nullif(i % 10, 0), nullif(i % 4, 0),
    CASE WHEN i % 3 > 0 THEN timestamp '2026-04-01' + i * interval '41 s' END,
    (ARRAY['open', 'closed', 'pending', NULL])[1 + i % 4]::state,
    (ARRAY['{a,b}', '{b}', '{}', NULL, '{c,red}'])[1 + i % 5]::varchar[], i % 5, NULL FROM generate_series(1, 400) i;
INSERT INTO post SELECT (ARRAY['a', 'B', 'Ä', 'z', '_'])[1 + j % 5] || '"\\-''' || i || '/' || j, i,
    timestamp '2026-04-01' + i / 4 * interval '40 s' + j / 4 * interval '1 s', j % 2 = 0, 'body ' || j,
    CASE WHEN j = 1 THEN '{x,y}'::varchar[] END
    FROM generate_series(1, 400) i, generate_series(1, 6) j WHERE i % 3 > 0;
INSERT INTO remark SELECT i * 10 + j, i, timestamptz '2026-04-01 00:00+00' + j / 2 * interval '1 s', 'remark ' || j
    FROM generate_series(1, 400) i, generate_series(1, 5) j WHERE j <= i % 6;
INSERT INTO happening SELECT (ARRAY['z', 'B', 'a'])[1 + j % 3] || i || '.' || j, i, timestamp '2026-04-01', 'open'
    FROM generate_series(1, 400) i, generate_series(1, 4) j WHERE j <= i % 5;
INSERT INTO run SELECT i, timestamp '2026-04-01', 'run ' || j % 2, NULL
    FROM generate_series(1, 400) i, generate_series(1, 3) j WHERE i % 7 = 0;
INSERT INTO quote SELECT key, thread_no, 'from ' || key FROM post WHERE thread_no % 5 = 0;
INSERT INTO file SELECT row_number() OVER (ORDER BY key), key, thread_no, 'file:' || key FROM post
    WHERE thread_no % 4 = 0;
CREATE INDEX ON thread (tenant, started, no);
CREATE INDEX ON thread (inbox_no, started, no);
CREATE INDEX ON thread (robot, started, no);
CREATE INDEX ON thread (person, started, no);
CREATE INDEX ON post (thread_no, posted, key);
CREATE INDEX ON remark (thread_no, at, no);
CREATE INDEX ON happening (thread_no, at, key);
CREATE INDEX ON run (thread_no, at);
CREATE INDEX ON quote (thread_no, post_key);
CREATE INDEX ON file (thread_no, post_key);
CREATE INDEX ON file (thread_no, no);
CREATE SCHEMA legacy; SET search_path = legacy;
CREATE VIEW channel AS SELECT no AS id, tenant AS workspace_id, title AS name, kind AS channel_type,
    phone AS phone_number FROM app.inbox;
CREATE VIEW contact AS SELECT no AS id, first AS name, company FROM app.person;
CREATE VIEW assistant AS SELECT no AS id, tenant AS workspace_id, name FROM app.robot;
CREATE VIEW conversation AS SELECT no AS id, tenant AS workspace_id, inbox_no AS channel_id, started AS created_at,
    person AS contact_id, robot AS assistant_id, closed AS ended_at, state AS status, labels AS tags,
    stars AS csat_rating, remark AS csat_comment FROM app.thread;
CREATE VIEW message AS SELECT key AS id, thread_no AS conversation_id, posted AS created_at,
    CASE WHEN incoming THEN 'inbound' ELSE 'outbound' END AS direction,
    CASE WHEN incoming THEN 'customer' ELSE 'bot' END AS speaker_type, body AS text, links AS media_urls FROM app.post;
CREATE VIEW note AS SELECT no AS id, thread_no AS conversation_id, at AS created_at, body AS text FROM app.remark;
CREATE VIEW event AS SELECT key AS id, thread_no AS conversation_id, at AS created_at, what AS kind FROM app.happening;
CREATE VIEW skill_run AS SELECT thread_no AS conversation_id, at AS created_at, name, post_key AS message_id
    FROM app.run;
CREATE VIEW citation AS SELECT post_key AS message_id, thread_no AS conversation_id, title FROM app.quote;
CREATE VIEW attachment AS SELECT no AS id, post_key AS message_id, thread_no AS conversation_id, url FROM app.file;
"""

# Each filter: the reader's setting, its value, and what it means in SQL.
FILTERS = {
    "chat": {
        "channel": "md5('ch1')::uuid", "assistant": "md5('as2')::uuid", "contact": "md5('co3')::uuid",
        "channels": "md5('ch1')::uuid, md5('ch4')::uuid, md5('ch1')::uuid, md5('none')::uuid",
        "contacts": "md5('co3')::uuid, md5('co8')::uuid",
        "conversations": ", ".join(f"md5('v{i}')::uuid" for i in (299, 3, 4, 4, 5, 16, 77, 200, 999)),
        "statuses": "'open', 'pending'", "tags": "'a', 'd, e'", "audience": "'red', 'b'", "completed": "1"},
    "legacy": {
        "channel": "3", "assistant": "2", "contact": "5", "channels": "2, 6, 2, 4", "contacts": "5, 9, 1, 77",
        "conversations": ", ".join(str(i) for i in (399, 13, 14, 2, 2, 150, 9999)),
        "statuses": "'closed', 'pending'", "tags": "'b', 'none'", "audience": "'a', 'red'", "completed": "1"},
}
SQL = {
    "channel": "c.channel_id = {0}", "assistant": "c.assistant_id = {0}", "contact": "c.contact_id = {0}",
    "channels": "c.channel_id IN ({0})", "contacts": "c.contact_id IN ({0})", "conversations": "c.id IN ({0})",
    "statuses": "c.status::text IN ({0})", "tags": "c.tags::text[] && ARRAY[{0}]::text[]",
    "audience": "coalesce({audience}, c.tags::text[]) && ARRAY[{0}]::text[]",
    "completed": "c.ended_at <= {as_of}"}
BOTH = pytest.mark.parametrize("schema", ["chat", "legacy"])


@pytest.fixture(scope="module")
def source(database):
    assert binary().exists(), f"{binary()} is not built"
    database.execute(CHAT)
    database.execute(LEGACY)
    database.execute("VACUUM ANALYZE")
    return database


def workspace(schema):
    return WORKSPACE if schema == "chat" else "acme"


def literal_as_of(schema):
    stamp = f"to_timestamp({AS_OF // SECOND})"
    return stamp if schema == "chat" else f"({stamp} AT TIME ZONE 'UTC')"


def settings_of(source, schema, names, **more):
    """The same filters as the reader's settings, values as the server prints them."""
    found = {"workspace": workspace(schema), "as_of": AS_OF}
    for name in names:
        values = source.execute(f"SELECT x::text FROM unnest(ARRAY[{FILTERS[schema][name]}])"
                                " WITH ORDINALITY u (x, n) ORDER BY n")
        values = [value for value, in values]
        found[name] = ",".join(value.replace("d, e", "d") for value in values)
    return found | more


def condition(schema, names):
    audience = "c.audience" if schema == "chat" else "NULL::text[]"
    parts = [f"c.workspace_id::text = '{workspace(schema)}' AND c.created_at <= {literal_as_of(schema)}"]
    parts += [SQL[name].format(FILTERS[schema][name].replace("d, e", "d"), audience=audience,
                               as_of=literal_as_of(schema)) for name in names]
    return " AND ".join(parts)


def micros(column):
    return f"(extract(epoch FROM {column}) * 1000000)::bigint::text"


def expected_heads(source, schema, names):
    return source.execute(f"SELECT c.id::text, {micros('c.created_at')} FROM {schema}.conversation c"
                          f" WHERE {condition(schema, names)} ORDER BY c.created_at, c.id")


def unescape(text):
    return None if text == "\\N" else re.sub(r"\\x(..)", lambda m: chr(int(m[1], 16)), text)


def heads(lines):
    return [(unescape(line[1]), line[2]) for line in lines if line[0] == "conversation"]


@BOTH
@pytest.mark.parametrize("name", [None, *SQL])
def test_each_filter_alone(source, schema, name):
    """The same conversations as one plain query, in pages of any size; counted alike, ordinals and all."""
    names = [name] if name else []
    wanted = expected_heads(source, schema, names)
    assert wanted and (name is None or len(wanted) < len(expected_heads(source, schema, [])))
    settings = settings_of(source, schema, names)
    whole = read(source.url, schema, **settings)
    assert heads(whole) == wanted
    for page in (1, 2, 7) if len(wanted) < 100 else (7, 50):
        assert [line for line in read(source.url, schema, page=page, **settings) if line[0] != "page"] == \
            [line for line in whole if line[0] != "page"]
    messages = sum(line[0] == "message" for line in whole)
    assert read(source.url, schema, count=1, **settings) == [["count", str(len(wanted)), str(messages)]]


@BOTH
@pytest.mark.parametrize("seed", range(12))
def test_filters_together(source, schema, seed):
    chance = random.Random(f"{schema}{seed}")
    names = chance.sample(sorted(SQL), chance.randint(2, 4))
    settings = settings_of(source, schema, names, page=chance.choice([1, 2, 7, 2000]),
                           prepared=chance.choice(["on", "off"]), columns=NO_MESSAGES)
    assert heads(read(source.url, schema, **settings)) == expected_heads(source, schema, names)


@BOTH
@pytest.mark.parametrize("name", [None, *SQL])
def test_any_stretch_of_any_selection(source, schema, name):
    """Cut anywhere: stretches, look-ahead and places within a second all speak of the selection."""
    settings = settings_of(source, schema, [name] if name else [], columns=NO_MESSAGES)
    whole = [line for line in read(source.url, schema, **settings) if line[0] == "conversation"]
    cut = whole[len(whole) // 3]
    border = f"{cut[2]},{unescape(cut[1])}"
    parts = [line for half in ({"high": border}, {"low": border})
             for line in read(source.url, schema, page=3, **half, **settings) if line[0] == "conversation"]
    assert parts == whole
    seconds = [int(line[2]) // SECOND for line in whole]
    assert [(int(line[3]), int(line[4])) for line in whole] == [
        (1 + seconds[:i].count(second), seconds.count(second)) for i, second in enumerate(seconds)]
    ahead = read(source.url, schema, ahead=1, **settings)
    if len(set(seconds)) > 1:
        assert int(ahead[0][1]) // SECOND == seconds[0]
    else:
        assert ahead == [["end"]]


@BOTH
@pytest.mark.parametrize("name", ["channels", "contacts", "conversations", "statuses", "tags", "audience"])
def test_an_empty_list_selects_nothing(source, schema, name):
    settings = {"workspace": workspace(schema), name: ""}
    assert read(source.url, schema, **settings) == []
    assert read(source.url, schema, count=1, **settings) == [["count", "0", "0"]]


def test_what_a_source_cannot_filter_by_is_refused_by_name(source):
    source.execute("""CREATE SCHEMA bare; SET search_path = bare;
        CREATE VIEW channel AS TABLE chat.channel; CREATE VIEW message AS TABLE chat.message;
        CREATE VIEW conversation AS SELECT id, workspace_id, channel_id, created_at FROM chat.conversation""")
    refused = {"assistant": ("assistant_id", WORKSPACE), "contact": ("contact_id", WORKSPACE),
               "contacts": ("contact_id", WORKSPACE), "statuses": ("status", "open"), "tags": ("tags", "a"),
               "completed": ("ended_at", 1)}
    for setting, (column, value) in refused.items():
        for more in ({}, {"count": 1}):
            with pytest.raises(ReadFailed, match=f"^source: .*conversation.{column},") as failure:
                read(source.url, "bare", workspace=WORKSPACE, **{setting: value}, **more)
            assert not failure.value.retryable
    # Who may see only what is marked sees nothing of a source that marks nothing.
    assert read(source.url, "bare", workspace=WORKSPACE, audience="a") == []
    everything = read(source.url, "bare", workspace=WORKSPACE, columns=1023 - NO_MESSAGES)
    assert len(heads(everything)) == len(read(source.url, "bare", workspace=WORKSPACE, columns=NO_MESSAGES)) - 1
    assert {line[0] for line in everything} == {"conversation", "details", "message", "feedback", "page"}


DETAILED = """
SELECT c.id::text, ch.id::text, ch.name, ch.channel_type::text, ch.phone_number, c.assistant_id::text, c.status::text,
    {priority}, {agent}, c.csat_comment, NULL, c.contact_id::text, co.company, {address}, NULL, {lead},
    """ + micros("c.ended_at") + """, c.csat_rating::text, array_remove(c.tags::text[], NULL)
FROM {schema}.conversation c JOIN {schema}.channel ch ON ch.id = c.channel_id
LEFT JOIN {schema}.contact co ON co.id = c.contact_id WHERE {condition} ORDER BY c.created_at, c.id"""


@BOTH
@pytest.mark.parametrize("setting, column", [("contacts", "contact_id"), ("channels", "channel_id"),
                                             ("conversations", "id")])
def test_lists_as_long_as_they_come(source, schema, setting, column):
    """More than a statement has branches for, most of them of nobody."""
    other = "md5('nobody' || i)::uuid::text" if schema == "chat" else "(1000 + i)::text"
    words = [word for word, in source.execute(f"""SELECT {other} FROM generate_series(1, 190) i UNION ALL
        (SELECT DISTINCT {column}::text FROM {schema}.conversation WHERE {column} IS NOT NULL ORDER BY 1 LIMIT 6)""")]
    wanted = [row for row in source.execute(
        f"SELECT c.id::text, {micros('c.created_at')} FROM {schema}.conversation c WHERE {condition(schema, [])}"
        f" AND c.{column}::text = ANY(%s) ORDER BY c.created_at, c.id", [words])]
    for page in (3, 2000):
        assert heads(read(source.url, schema, page=page, columns=NO_MESSAGES, workspace=workspace(schema), as_of=AS_OF,
                          **{setting: ",".join(words)})) == wanted


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
    wanted = everything(source, schema, ["channel"], notes_first)
    kinds = [row[0] for row in wanted]
    assert {"conversation", "message", "note", "event", "skill"} == set(kinds)
    settings = settings_of(source, schema, ["channel"], columns=EXTRAS | (NOTES_FIRST if notes_first else 0))
    for page, giant, prepared in ((2000, None, "on"), (1, None, "on"), (2, 3, "off"), (7, 1, "on"), (7, 2, "on"),
                                  (50, 6, "on")):
        assert told(read(source.url, schema, page=page, giant=giant, prepared=prepared, **settings)) == wanted


@BOTH
@pytest.mark.parametrize("columns", [NOTES, EVENTS, SKILLS, NOTES | SKILLS, EXTRAS | NO_MESSAGES, EVENTS | NO_MESSAGES,
                                     NOTES_FIRST | EXTRAS | DETAILS | CITATIONS | MEDIA, NOTES_FIRST, NO_MESSAGES])
def test_only_what_was_asked_for(source, schema, columns):
    asked = {"conversation"} | {name for name, bit in (("note", NOTES), ("event", EVENTS), ("skill", SKILLS))
                                if columns & bit} | (set() if columns & NO_MESSAGES else {"message"})
    wanted = [row for row in everything(source, schema, ["channel"], bool(columns & NOTES_FIRST)) if row[0] in asked]
    for page, giant in ((2000, None), (2, 2)):
        assert told(read(source.url, schema, page=page, giant=giant, columns=columns,
                         **settings_of(source, schema, ["channel"]))) == wanted


@BOTH
@pytest.mark.parametrize("notes_first", [0, NOTES_FIRST])
def test_a_consumer_that_lets_go_in_the_middle_of_extras_repeats_and_loses_nothing(source, schema, notes_first):
    settings = settings_of(source, schema, ["channel"], columns=EXTRAS | notes_first)
    wanted = everything(source, schema, ["channel"], bool(notes_first))
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
            line = read(source.url, "chat", workspace=WORKSPACE, channel=channel, columns=EXTRAS, quiet=1, stall=stall)
            tally = dict(pair.split("=") for pair in line[0][0].split())
            assert (tally["conversations"], tally["messages"], tally["extras"]) == ("3", "200000", "600002")
            assert int(tally["memory"]) < 64_000
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
def test_attachments_of_a_conversation_page_by_page(source, schema):
    conversation = "32" if schema == "legacy" else source.value("SELECT md5('v44')::uuid::text")
    chat = schema == "chat"
    wanted = source.execute(f"""SELECT id::text, message_id::text, url, {'file_name, content_type' if chat else
        'NULL, NULL'}, {'size::text' if chat else "'-1'"} FROM {schema}.attachment
        WHERE conversation_id::text = %s ORDER BY {schema}.attachment.id""", [conversation])
    assert len(wanted) > 3
    for page in (1, 2, 1000):
        lines = read(source.url, schema, workspace=workspace(schema), attachments=conversation, page=page)
        assert [tuple(unescape(value) for value in line[1:]) for line in lines] == wanted
    assert read(source.url, "bare" if chat else schema, workspace=workspace(schema),
                attachments=source.value("SELECT md5('v45')::uuid::text") if chat else "1") == []


def without_statistics(source, statistics):
    if statistics == "none":
        forget_statistics(source)


# The column that leads the index which a selection's conversations have to be read by.
LEADS = {None: "workspace", "channel": "channel", "assistant": "assistant", "contact": "contact", "channels": "channel",
         "contacts": "contact", "statuses": "workspace", "tags": "workspace", "audience": "workspace",
         "completed": "workspace"}
COLUMNS = {"chat": {"workspace": "workspace_id", "channel": "channel_id", "assistant": "assistant_id",
                    "contact": "contact_id"},
           "legacy": {"workspace": "tenant", "channel": "inbox_no", "assistant": "robot", "contact": "person"}}
TABLES = {"chat": ("conversation", "message", "note", "event", "skill_run", "citation", "attachment"),
          "legacy": ("thread", "post", "remark", "happening", "run", "quote", "file")}


@pytest.fixture(scope="module")
def crowd(source):
    """So many more conversations that reading the wrong way would be seen in the rows that a plan looked at."""
    source.execute(f"""INSERT INTO chat.conversation
                (id, workspace_id, channel_id, created_at, contact_id, assistant_id)
            SELECT md5('crowd' || i)::uuid, '{WORKSPACE}', md5('busy' || i % 3)::uuid,
            to_timestamp({START // SECOND - 100_000} + i), md5('busy' || i % 50)::uuid, md5('busy')::uuid
            FROM generate_series(1, 20000) i;
        INSERT INTO app.thread (no, tenant, inbox_no, started, person, robot)
            SELECT 100000 + i, 'acme', 50 + i % 3, timestamp '2026-03-01' + i * interval '1 s', 100 + i % 50, 9
            FROM generate_series(1, 20000) i;
        INSERT INTO chat.message SELECT gen_random_uuid(), md5('crowd' || i)::uuid, now(), 'inbound', 'customer', 'x'
            FROM generate_series(1, 20000) i, generate_series(1, 3);
        INSERT INTO app.post SELECT 'crowd' || i || '.' || j, 100000 + i, now(), true, 'x'
            FROM generate_series(1, 20000) i, generate_series(1, 3) j""")
    source.execute("VACUUM ANALYZE")
    yield source
    source.execute("DELETE FROM chat.conversation WHERE id IN (SELECT md5('crowd' || i)::uuid"
                   " FROM generate_series(1, 20000) i); DELETE FROM app.thread WHERE no > 100000;"
                   "DELETE FROM chat.message WHERE text = 'x'; DELETE FROM app.post WHERE thread_no > 100000")
    source.execute("VACUUM ANALYZE")


def looked_at(log, table):
    """Rows of a table that the plans touched, those that a filter threw away included."""
    total = 0
    for block in re.split(r"\n(?=\s*(?:->|\S+ \S+ UTC))", log):
        if re.search(rf"Scan .*on {table}\b", block):
            rows, loops = re.search(r"actual time=\S+ rows=(\d+) loops=(\d+)", block).groups()
            removed = re.search(r"Rows Removed by Filter: (\d+)", block)
            total += (int(rows) + int(removed[1] if removed else 0)) * int(loops)
    return total


@BOTH
@pytest.mark.parametrize("name", [name for name in LEADS if LEADS[name] != "workspace"] + ["conversations"])
@pytest.mark.parametrize("statistics", ["fresh", "none"])
def test_each_selection_reads_its_own_conversations_alone(crowd, postgres, schema, name, statistics):
    """Of 20,000 neighbours in the workspace nothing is touched, through views too."""
    settings = settings_of(crowd, schema, [name], page=20, columns=CHANNEL | DETAILS | CUSTOMER)
    wanted = len(expected_heads(crowd, schema, [name]))
    table, messages = TABLES[schema][:2]
    without_statistics(crowd, statistics)
    try:
        log = plans(crowd, postgres, schema, settings)
        used = {index for _, index, relation in scans(log) if relation == table}
        lead = COLUMNS[schema].get(LEADS.get(name))
        if name == "conversations":
            assert used == {f"{table}_pkey"}
        else:
            assert_by_index(log, table, messages)
            assert all(index.startswith(f"{table}_{lead}") for index in used), used
        pages = wanted // 20 + 1
        branches = len(settings[name].split(","))
        assert wanted <= looked_at(log, table) <= 4 * (wanted + pages * branches) + 60
    finally:
        crowd.execute("ANALYZE")


@BOTH
@pytest.mark.parametrize("name", [name for name in LEADS if LEADS[name] == "workspace"])
@pytest.mark.parametrize("statistics", ["fresh", "none"])
def test_a_workspace_is_read_in_its_order(crowd, postgres, schema, name, statistics):
    """Without a narrower selection by (workspace, created_at, id), behind the cursor alone, and nothing is sorted."""
    low = expected_heads(crowd, schema, [])[-60]
    settings = settings_of(crowd, schema, [name] if name else [], page=20, low=f"{low[1]},{low[0]}")
    table, messages = TABLES[schema][:2]
    without_statistics(crowd, statistics)
    try:
        log = plans(crowd, postgres, schema, settings)
        assert_by_index(log, table)
        lead = COLUMNS[schema]["workspace"]
        assert {index for _, index, relation in scans(log) if relation == table} == {f"{table}_{lead}_"
                f"{'created_at_id' if schema == 'chat' else 'started_no'}_idx"}
        assert 0 < looked_at(log, table) <= 4 * 60 + 60
    finally:
        crowd.execute("ANALYZE")


@BOTH
@pytest.mark.parametrize("statistics", ["fresh", "none"])
@pytest.mark.parametrize("giant", [None, 2])
def test_further_relations_are_read_by_index(crowd, postgres, schema, statistics, giant):
    settings = settings_of(crowd, schema, ["channel"], columns=EXTRAS | CITATIONS | MEDIA, giant=giant, page=20)
    without_statistics(crowd, statistics)
    try:
        log = plans(crowd, postgres, schema, settings)
        kinds = {(scan, table) for scan, _, table in scans(log) if table in TABLES[schema]}
        assert {table for _, table in kinds} == set(TABLES[schema])
        assert {scan for scan, _ in kinds} <= {"Index Scan", "Index Only Scan"}
        # A skill run has no id: ties of one instant are put in order by themselves.
        assert not re.search(r"(?<!Incremental )Sort  ", log)
    finally:
        crowd.execute("ANALYZE")


@BOTH
def test_a_preview_counts_by_index(crowd, postgres, schema):
    log = plans(crowd, postgres, schema, settings_of(crowd, schema, ["channel"], count=1))
    for table, name in zip(TABLES[schema], ("conversation", "message")):
        wanted = crowd.value(f"SELECT count(*) FROM {schema}.conversation c"
                             + (f" JOIN {schema}.message m ON m.conversation_id = c.id" if name == "message" else "")
                             + f" WHERE {condition(schema, ['channel'])}")
        assert 0.8 * wanted <= looked_at(log, table) <= 3 * wanted  # rows are told as a rounded mean of the loops
