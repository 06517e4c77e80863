"""A source (schema `chat`) of any size for benchmarks, and what is needed to export it: many conversations of 25
messages in one channel, one giant conversation in another, a few messages in a third; and a house to start services
in."""

import os

from .process import ROOT
from .service import Program, Service

WORKSPACE = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
CHANNELS = {name: f"a1b2c3d4-0000-4000-8000-{number:012d}"
            for number, name in enumerate(["large", "giant", "small"], 1)}
RANGE = {"start_date": "2026-04-01", "end_date": "2026-04-30"}
# As reading.md's figures were taken: everything cached, and commits that really reach the disk.
SETTINGS = {"fsync": "on", "full_page_writes": "on", "shared_buffers": "1GB", "max_wal_size": "8GB"}

TABLES = """
CREATE SCHEMA chat;
CREATE TABLE chat.channel (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, name text NOT NULL,
    channel_type text NOT NULL, phone_number text);
CREATE TABLE chat.contact (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, name text, phone text, email text);
CREATE TABLE chat.assistant (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, name text NOT NULL);
CREATE TABLE chat.conversation (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, channel_id uuid NOT NULL,
    contact_id uuid, assistant_id uuid, created_at timestamptz NOT NULL);
CREATE TABLE chat.message (id uuid PRIMARY KEY, conversation_id uuid NOT NULL, created_at timestamptz NOT NULL,
    direction text NOT NULL, speaker_type text NOT NULL, speaker_name text, text text NOT NULL,
    media_urls text[], status text, sender_account text);
"""
INDEXES = """
CREATE INDEX ON chat.conversation (channel_id, created_at, id);
CREATE INDEX ON chat.conversation (assistant_id, created_at, id);
CREATE INDEX ON chat.message (conversation_id, created_at, id);
VACUUM ANALYZE;
"""
# Messages are inserted by time across all conversations, so one conversation's rows lie scattered over the heap.
FILL = """
INSERT INTO chat.channel VALUES ('{channel}', '{workspace}', 'Support {name}', 'LOCAL', '+1202555012{number}');
INSERT INTO chat.contact
    SELECT gen_random_uuid(), '{workspace}', 'Contact ' || n, '+4930' || (1000000 + n), 'c' || n || '@example.com'
    FROM generate_series(1, {contacts}) AS n;
INSERT INTO chat.assistant VALUES (gen_random_uuid(), '{workspace}', 'Helper {name}');
INSERT INTO chat.conversation
    SELECT gen_random_uuid(), '{workspace}', '{channel}', c.id,
           (SELECT id FROM chat.assistant WHERE name = 'Helper {name}'),
           '2026-04-01T00:00:00Z'::timestamptz + (row_number() OVER () * interval '{step} ms')
    FROM (SELECT id FROM chat.contact ORDER BY id LIMIT {conversations}) AS c;
INSERT INTO chat.message
    SELECT gen_random_uuid(), c.id, c.created_at + n * interval '{gap} s',
           CASE WHEN n % 2 = 1 THEN 'inbound' ELSE 'outbound' END,
           CASE WHEN n % 2 = 1 THEN 'customer' WHEN n % 4 = 0 THEN 'agent' ELSE 'bot' END,
           CASE WHEN n % 4 = 0 THEN 'Alex Doe' END,
           'Message ' || n || ' of the conversation, "quoted, with commas" and more words to make it as long '
               || 'as people write: ' || substr(md5(n::text || c.id::text), 1, 20 + n % 12),
           CASE WHEN n % 10 = 0 THEN ARRAY['https://media.example.com/' || n || '.jpg'] END,
           'delivered', CASE WHEN n % 4 = 0 THEN 'alex@example.com' END
    FROM generate_series(1, {per_conversation}) AS n
    CROSS JOIN (SELECT id, created_at FROM chat.conversation WHERE channel_id = '{channel}') AS c
    ORDER BY n, md5(c.id::text);
"""
COPY = """COPY (SELECT m.id, m.conversation_id, k.name, k.phone, m.direction, m.speaker_type,
    coalesce(m.speaker_name, CASE m.speaker_type WHEN 'customer' THEN k.name WHEN 'bot' THEN a.name END),
    m.created_at, m.text, array_to_string(m.media_urls, ','), m.status, m.sender_account
    FROM chat.conversation AS c JOIN chat.message AS m ON m.conversation_id = c.id
    LEFT JOIN chat.contact AS k ON k.id = c.contact_id LEFT JOIN chat.assistant AS a ON a.id = c.assistant_id
    WHERE c.channel_id = '{channel}' AND c.created_at >= '2026-04-01' AND c.created_at < '2026-05-01'
    ORDER BY c.created_at, c.id, m.created_at, m.id) TO STDOUT WITH CSV"""


def fill(database, name, number, conversations, per_conversation):
    step = max(1, 29 * 24 * 3600 * 1000 // conversations)
    gap = min(37, 30 * 24 * 3600 / per_conversation)  # all of it has to lie before the export's as_of
    database.execute(FILL.format(channel=CHANNELS[name], workspace=WORKSPACE, name=name, number=number,
                                 contacts=conversations, conversations=conversations, step=step, gap=gap,
                                 per_conversation=per_conversation))


def prepare(database, messages):
    database.execute(TABLES)
    fill(database, "large", 1, messages // 25, 25)
    fill(database, "giant", 2, 1, messages)
    fill(database, "small", 3, 2, 5)
    with database.connect() as connection:
        for statement in filter(str.strip, INDEXES.split(";")):
            connection.execute(statement)


class House:
    """One cluster filled once; a service is started for each figure, so its CPU and memory are that figure's."""

    def __init__(self, cluster, database, folder, store, messages):
        self.cluster, self.database, self.folder, self.store = cluster, database, folder, store
        self.messages = messages
        self.program = Program(os.environ.get("VERBATIM_BINARY", ROOT / "build/release/verbatim"), database.url)
        self.program.migrate()
        self.program.workspace(WORKSPACE)
        self.key = self.program.key(WORKSPACE)

    def service(self, storage, **options):
        if storage == "s3":
            return Service(self.program, self.folder, env=self.store.credentials(),
                           **self.store.options("bench"), **options)
        return Service(self.program, self.folder, storage=f"file://{self.folder}", **options)
