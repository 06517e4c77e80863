"""A source for the doors of platforms: native_source with what an export can hold beside messages, all in February.

VIP is by Jane on SMS (assistant Ada), PRESS by John on LINE (Ada), HIDDEN by John on SMS without an assistant; SECOND
is by the same person as Jane under another contact, on WhatsApp."""

from . import http_source as source
from . import native_source as people

SECOND = "33333333-cccc-0000-0000-000000000009"

MORE = f"""
ALTER TABLE chat.conversation ADD COLUMN priority text, ADD COLUMN assigned_agent text, ADD COLUMN csat_rating integer,
    ADD COLUMN csat_comment text;
ALTER TABLE chat.contact ADD COLUMN lead_status text;
UPDATE chat.contact SET lead_status = 'qualified' WHERE id = '{people.JANE}';
UPDATE chat.conversation SET priority = 'high', assigned_agent = 'Bob', csat_rating = 4, csat_comment = 'fine'
    WHERE id = '{people.VIP}';
INSERT INTO chat.conversation
    (id, workspace_id, channel_id, created_at, contact_id, assistant_id, tags, audience, status, ended_at) VALUES
    ('{SECOND}', 'platform-one', '{source.WHATSAPP}', '2026-02-20T10:00:00Z', '{people.JANE_AGAIN}', NULL, '{{press}}',
     NULL, 'closed', '2026-02-21T10:00:00Z');
DELETE FROM chat.message;
INSERT INTO chat.message (id, conversation_id, created_at, direction, speaker_type, speaker_name, text)
    SELECT md5(c.id::text || n)::uuid, c.id, c.created_at + n * interval '1 minute',
           CASE WHEN n = 2 THEN 'outbound' ELSE 'inbound' END, CASE WHEN n = 2 THEN 'bot' ELSE 'customer' END, NULL,
           (ARRAY['Hello, "you"', 'How can I help?', 'Thanks'])[n]
    FROM chat.conversation AS c, generate_series(1, 3) AS n;
CREATE TABLE chat.note (id uuid PRIMARY KEY, conversation_id uuid NOT NULL, created_at timestamptz NOT NULL,
    author text, text text NOT NULL);
CREATE TABLE chat.event (id uuid PRIMARY KEY, conversation_id uuid NOT NULL, created_at timestamptz NOT NULL,
    kind text NOT NULL, actor text, detail text);
CREATE TABLE chat.skill_run (conversation_id uuid NOT NULL, created_at timestamptz NOT NULL, name text NOT NULL,
    outcome text, message_id uuid);
CREATE TABLE chat.citation (message_id uuid NOT NULL, conversation_id uuid NOT NULL, title text NOT NULL, url text,
    snippet text);
INSERT INTO chat.note SELECT md5('note' || id)::uuid, id, created_at + interval '5 minutes', 'Bob', 'call back'
    FROM chat.conversation;
INSERT INTO chat.event SELECT md5(kind || c.id)::uuid, c.id, c.created_at + n * interval '1 minute', kind, 'Bob', NULL
    FROM chat.conversation AS c, unnest(ARRAY['claim', 'escalate', 'resolve']) WITH ORDINALITY AS e (kind, n);
INSERT INTO chat.skill_run SELECT id, created_at + interval '2 minutes', 'order lookup', 'found', NULL
    FROM chat.conversation;
INSERT INTO chat.citation SELECT m.id, m.conversation_id, 'Manual', 'https://docs.example.com/1', 'page 1'
    FROM chat.message AS m WHERE speaker_type = 'bot';
"""


def make_source(database):
    people.make_source(database)
    database.execute(MORE)
