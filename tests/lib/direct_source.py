"""A source (schema `chat`, ids are text) with every relation, for exports that are answered at once."""

TABLES = """
CREATE SCHEMA chat;
CREATE TABLE chat.channel (id text PRIMARY KEY, workspace_id text NOT NULL, name text NOT NULL,
    channel_type text NOT NULL, phone_number text);
CREATE TABLE chat.contact (id text PRIMARY KEY, workspace_id text, name text, phone text, email text, company text,
    address text, website text, lead_status text);
CREATE TABLE chat.assistant (id text PRIMARY KEY, workspace_id text NOT NULL, name text NOT NULL);
CREATE TABLE chat.conversation (id text PRIMARY KEY, workspace_id text NOT NULL, channel_id text NOT NULL,
    created_at timestamptz NOT NULL, contact_id text, assistant_id text, ended_at timestamptz, status text,
    priority text, summary text, tags text[], audience text[], assigned_agent text, csat_rating int,
    csat_comment text, feedback text);
CREATE TABLE chat.message (id text PRIMARY KEY, conversation_id text NOT NULL, created_at timestamptz NOT NULL,
    direction text, speaker_type text, speaker_name text, text text, media_urls text[], status text,
    sender_account text, feedback text);
CREATE TABLE chat.note (id text, conversation_id text, created_at timestamptz, author text, text text);
CREATE TABLE chat.event (id text, conversation_id text, created_at timestamptz, kind text, actor text, detail text);
CREATE TABLE chat.skill_run (conversation_id text, created_at timestamptz, name text, outcome text, message_id text);
CREATE TABLE chat.citation (message_id text, conversation_id text, title text, url text, snippet text);
CREATE INDEX ON chat.conversation (channel_id, created_at, id);
CREATE INDEX ON chat.conversation (assistant_id, created_at, id);
CREATE INDEX ON chat.message (conversation_id, created_at, id);
INSERT INTO chat.channel VALUES ('web', 'platform-one', 'Web chat', 'WEB', NULL), ('far', 'two', 'Far', 'WEB', NULL);
INSERT INTO chat.assistant VALUES ('ada', 'platform-one', 'Ada & Söhne'), ('idle', 'platform-one', 'Idle'),
    ('far', 'two', 'Far');
INSERT INTO chat.contact VALUES
    ('john', 'platform-one', 'John Doe', '+1234567890', 'john@example.com', 'Acme Corp', 'Elm Street 1',
     'https://acme.example', 'won'),
    ('bare', 'platform-one', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO chat.conversation (id, workspace_id, channel_id, created_at, contact_id, assistant_id, ended_at, status,
        priority, tags, audience, assigned_agent, csat_rating, csat_comment, feedback) VALUES
    ('convo123', 'platform-one', 'web', '2024-12-01T10:30:00Z', 'john', 'ada', '2024-12-01T11:00:00Z', 'closed', 'high',
     '{new-lead,high-priority}', '{sales}', 'Grace', 5, 'Thanks', 'positive'),
    ('second', 'platform-one', 'web', '2024-12-02T13:05:09Z', 'bare', 'ada', NULL, 'open', NULL, NULL, '{press}', NULL,
     NULL, NULL, NULL),
    ('other', 'platform-one', 'web', '2024-12-03T00:00:00Z', NULL, NULL, NULL, 'open', NULL, NULL, NULL, NULL, NULL,
     NULL, NULL),
    ('foreign', 'two', 'far', '2024-12-01T10:30:00Z', NULL, 'far', NULL, 'open', NULL, NULL, NULL, NULL, NULL, NULL,
     NULL);
INSERT INTO chat.message (id, conversation_id, created_at, direction, speaker_type, speaker_name, text, media_urls,
        status, feedback) VALUES
    ('m1', 'convo123', '2024-12-01T10:30:00Z', 'inbound', 'customer', NULL, 'Hello!', NULL, 'read', NULL),
    ('m2', 'convo123', '2024-12-01T10:30:05Z', 'outbound', 'bot', NULL, '=How, "can" I
help?', NULL, 'read', 'POSITIVE'),
    ('m3', 'convo123', '2024-12-01T10:30:06Z', 'outbound', 'bot', NULL, 'Anything?', NULL, 'read', 'negative'),
    ('m4', 'convo123', '2024-12-01T10:31:00Z', 'outbound', 'agent', 'Grace', 'I take over.', NULL, 'read', NULL),
    ('m5', 'second', '2024-12-02T13:05:09Z', 'inbound', 'customer', NULL, NULL, '{https://cdn.example/a.png}', NULL,
     NULL),
    ('m6', 'foreign', '2024-12-01T10:30:00Z', 'inbound', 'customer', NULL, 'secret', NULL, NULL, NULL);
INSERT INTO chat.note VALUES ('n1', 'convo123', '2024-12-01T10:40:00Z', 'Grace', 'Customer interested in premium plan'),
    ('n2', 'convo123', '2024-12-01T10:41:00Z', 'Grace', 'Call "back"');
INSERT INTO chat.event VALUES ('e1', 'convo123', '2024-12-01T10:31:00Z', 'claim', 'Grace', NULL);
INSERT INTO chat.skill_run VALUES ('convo123', '2024-12-01T10:30:05Z', 'greet', 'ok', 'm2');
INSERT INTO chat.citation VALUES ('m2', 'convo123', 'Handbook', 'https://docs.example', 'Greet first.');
"""


def make_source(database):
    database.execute(TABLES)


def fill(database, agent, conversations, messages, size=200):
    """An agent with so many conversations of so many messages each."""
    database.execute("INSERT INTO chat.assistant VALUES (%s, 'platform-one', %s)", [agent, agent])
    database.execute(
        "INSERT INTO chat.conversation (id, workspace_id, channel_id, created_at, assistant_id)"
        " SELECT %(agent)s || '-' || n, 'platform-one', 'web', timestamptz '2025-01-01Z' + n * interval '1 minute',"
        " %(agent)s"
        " FROM generate_series(1, %(conversations)s) AS n", {"agent": agent, "conversations": conversations})
    database.execute(
        "INSERT INTO chat.message (id, conversation_id, created_at, direction, speaker_type, text)"
        " SELECT c.id || '-' || n, c.id, c.created_at + n * interval '1 second',"
        " CASE WHEN n %% 2 = 1 THEN 'inbound' ELSE 'outbound' END, CASE WHEN n %% 2 = 1 THEN 'customer' ELSE 'bot' END,"
        " repeat(chr(97 + (n %% 26)::int), %(size)s) || n"
        " FROM chat.conversation AS c, generate_series(1, %(messages)s) AS n"
        " WHERE c.assistant_id = %(agent)s", {"agent": agent, "messages": messages, "size": size})
    database.execute("ANALYZE chat.conversation, chat.message")


def make_keys(program):
    """Workspace one (its source calls it platform-one) and two, and a key of each kind of person in one."""
    program.migrate()
    program.workspace("one", source_id="platform-one")
    program.workspace("two")
    return {"one": program.key("one", user="grace@example.com"), "two": program.key("two"),
            "viewer": program.key("one", role="viewer"),
            "sales": program.key("one", role="editor", audience="sales"),
            "nobody": program.key("one", role="editor", audience="nothing"),
            "metrics": program.key("one", scope="metrics")}


def audit(database):
    """What stands in the audit, oldest first: (door, author, format, [(how it ended, conversations), ...])."""
    rows = database.execute(
        "SELECT a.door, a.author, a.format, coalesce(json_agg(json_build_array(e.kind, e.records)"
        " ORDER BY audit_event_id) FILTER (WHERE e.kind IS NOT NULL), '[]') FROM verbatim.audit AS a"
        " LEFT JOIN verbatim.audit_event AS e USING (audit_id) GROUP BY a.audit_id ORDER BY a.audit_id")
    return [(*row[:3], [tuple(event) for event in row[3]]) for row in rows]


def last_audit(database):
    return audit(database)[-1]
