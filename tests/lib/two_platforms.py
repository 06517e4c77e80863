"""Two platforms of different types, each with every relation of the source contract, and plain queries over them.

`chat`   tables with uuids and timestamptz
`legacy` views over bigint, integer and text ids, timestamps without time zone, an enum, arrays of varchar
`bare`   chat, with nothing but what the contract requires
"""

import re

WORKSPACE = "00000000-0000-4000-8000-0000000000aa"
SECOND = 1_000_000
START = 1_775_000_000 * SECOND
AS_OF = START + 100_000 * SECOND
CHANNEL, DETAILS, CUSTOMER, CITATIONS, NOTES, EVENTS, SKILLS, MEDIA, NO_MESSAGES, NOTES_FIRST = (
    1 << i for i in range(10))
EXTRAS = NOTES | EVENTS | SKILLS
BRIEF = 1 << 16

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

BARE = """
CREATE SCHEMA bare; SET search_path = bare;
CREATE VIEW channel AS TABLE chat.channel;
CREATE VIEW message AS TABLE chat.message;
CREATE VIEW conversation AS SELECT id, workspace_id, channel_id, created_at FROM chat.conversation;
"""

# Each filter: the reader's setting, its value, and what it means in SQL.
FILTERS = {
    "chat": {
        "channel": "md5('ch1')::uuid", "assistant": "md5('as2')::uuid", "contact": "md5('co3')::uuid",
        "channels": "md5('ch1')::uuid, md5('ch4')::uuid, md5('ch1')::uuid, md5('none')::uuid",
        "contacts": "md5('co3')::uuid, md5('co8')::uuid",
        "conversations": ", ".join(f"md5('v{i}')::uuid" for i in (299, 3, 4, 4, 5, 16, 77, 200, 999)),
        "statuses": "'open', 'pending'", "tags": "'a', 'd, e'", "audience": "'red', 'b'", "completed": "1",
        "activity": "1"},
    "legacy": {
        "channel": "3", "assistant": "2", "contact": "5", "channels": "2, 6, 2, 4", "contacts": "5, 9, 1, 77",
        "conversations": ", ".join(str(i) for i in (399, 13, 14, 2, 2, 150, 9999)),
        "statuses": "'closed', 'pending'", "tags": "'b', 'none'", "audience": "'a', 'red'", "completed": "1",
        "activity": "1"},
}
# Of messages, so of `activity` alone: its first and last second.
RANGES = {"chat": (START + 200 * SECOND, START + 450 * SECOND),
          "legacy": (START + 2500 * SECOND, START + 4000 * SECOND)}
SQL = {
    "channel": "c.channel_id = {0}", "assistant": "c.assistant_id = {0}", "contact": "c.contact_id = {0}",
    "channels": "c.channel_id IN ({0})", "contacts": "c.contact_id IN ({0})", "conversations": "c.id IN ({0})",
    "statuses": "c.status::text IN ({0})", "tags": "c.tags::text[] && ARRAY[{0}]::text[]",
    "audience": "coalesce({audience}, c.tags::text[]) && ARRAY[{0}]::text[]",
    "completed": "c.ended_at <= {as_of}",
    "activity": "EXISTS (SELECT FROM {schema}.message m WHERE m.conversation_id = c.id AND {within})"}


def make_platforms(database):
    database.execute(CHAT)
    database.execute(LEGACY)
    database.execute(BARE)
    database.execute("VACUUM ANALYZE")


def workspace(schema):
    return WORKSPACE if schema == "chat" else "acme"


def literal_as_of(schema):
    stamp = f"to_timestamp({AS_OF // SECOND})"
    return stamp if schema == "chat" else f"({stamp} AT TIME ZONE 'UTC')"


def settings_of(source, schema, names, **more):
    """The same filters as the reader's settings, values as the server prints them."""
    found = {"workspace": workspace(schema), "as_of": AS_OF}
    if "activity" in names:
        found |= {"from": RANGES[schema][0], "to": RANGES[schema][1]}
    for name in names:
        values = source.execute(f"SELECT x::text FROM unnest(ARRAY[{FILTERS[schema][name]}])"
                                " WITH ORDINALITY u (x, n) ORDER BY n")
        values = [value for value, in values]
        found[name] = ",".join(value.replace("d, e", "d") for value in values)
    return found | more


def within(schema):
    """The range of `activity`, of a message m."""
    return " AND ".join(f"m.created_at {sign} to_timestamp({at // SECOND})"
                        + ("" if schema == "chat" else " AT TIME ZONE 'UTC'")
                        for sign, at in zip((">=", "<"), RANGES[schema]))


def condition(schema, names):
    audience = "c.audience" if schema == "chat" else "NULL::text[]"
    parts = [f"c.workspace_id::text = '{workspace(schema)}' AND c.created_at <= {literal_as_of(schema)}"]
    parts += [SQL[name].format(FILTERS[schema][name].replace("d, e", "d"), audience=audience,
                               as_of=literal_as_of(schema), schema=schema, within=within(schema)) for name in names]
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
