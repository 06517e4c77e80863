"""A Chatwoot installation's tables, filled with believable rows, and the views of examples/ over them."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLES = ROOT / "tests/end_to_end/chatwoot.sql"
VIEWS = ROOT / "examples/chatwoot.sql"

# Two accounts; inboxes: 1 WhatsApp and 2 web widget of account 1, 3 SMS of account 2. A bot works in inbox 1.
# Each conversation: the customer, the bot or an agent, a private note, an activity, and a picture now and then.
ROWS = """
INSERT INTO accounts (id, name, created_at, updated_at) VALUES (1, 'Acme', now(), now()), (2, 'Other', now(), now());
INSERT INTO users (id, name, display_name, email, created_at, updated_at) VALUES
    (1, 'Grace Hopper', 'Grace', 'grace@acme.example', now(), now()), (2, 'José Núñez', NULL, 'jose@acme.example',
        now(), now());
INSERT INTO channel_whatsapp VALUES (7, 1, '+12025550123', now(), now());
INSERT INTO channel_sms VALUES (7, 2, '+12025550199', now(), now());
INSERT INTO channel_web_widgets VALUES (7, 'https://acme.example', 1, now(), now());
INSERT INTO inboxes (id, channel_id, account_id, name, created_at, updated_at, channel_type) VALUES
    (1, 7, 1, 'Support', now(), now(), 'Channel::Whatsapp'), (2, 7, 1, 'Website', now(), now(), 'Channel::WebWidget'),
    (3, 7, 2, 'Texts', now(), now(), 'Channel::Sms');
INSERT INTO agent_bots (id, name, account_id, created_at, updated_at) VALUES (5, 'Ada', 1, now(), now());
INSERT INTO agent_bot_inboxes (inbox_id, agent_bot_id, status, account_id, created_at, updated_at)
    VALUES (1, 5, 0, 1, now(), now());
INSERT INTO contacts (id, name, last_name, email, phone_number, account_id, created_at, updated_at,
    additional_attributes,
    contact_type) SELECT n, 'Contact ' || n, CASE WHEN n % 3 = 0 THEN '王' ELSE '' END, 'c' || n || '@example.com',
    '+1202555' || lpad(n::text, 4, '0'), 1 + n % 2, now(), now(),
    jsonb_build_object('company_name', 'Company ' || n, 'city', 'Lima'), n % 3 FROM generate_series(1,
        {contacts}) AS n;
INSERT INTO conversations (id, account_id, inbox_id, status, assignee_id, created_at, updated_at, contact_id,
    display_id,
    last_activity_at, priority)
SELECT n, CASE WHEN n % 4 = 3 THEN 2 ELSE 1 END, (ARRAY[1, 1, 2, 3])[n % 4 + 1], n % 3, 1 + n % 2, at, at,
    1 + n % {contacts}, n, at + interval '1 hour', CASE WHEN n % 5 = 0 THEN 3 END
FROM (SELECT n, timestamp '2026-04-01 00:10:00' + n * {step} AS at FROM generate_series(1,
    {conversations}) AS n) AS c;
INSERT INTO messages (content, account_id, inbox_id, conversation_id, message_type, created_at, updated_at, private,
    status,
    sender_type, sender_id)
SELECT (ARRAY['Hello, my order is late 📦', 'I am Ada. Which order?', 'Grace here: it ships today', 'VIP, be kind',
    'Conversation was marked resolved by Grace Hopper', 'Rate us'])[k] || ' #' || c.id, c.account_id, c.inbox_id,
        c.id,
    (ARRAY[0, 1, 1, 1, 2, 3])[k], c.created_at + k * interval '1 minute', c.created_at, k = 4, k % 3,
    (ARRAY['Contact', 'AgentBot', 'User', 'User', NULL, NULL])[k],
    (ARRAY[c.contact_id, 5, c.assignee_id, c.assignee_id, NULL, NULL])[k]
FROM conversations AS c, generate_series(1, 6) AS k ORDER BY c.id, k;
INSERT INTO attachments (id, external_url, message_id, account_id, created_at, updated_at)
SELECT m.id, CASE WHEN m.conversation_id % 20 = 0 THEN 'https://files.example/' || m.id || '.jpg' END, m.id,
    m.account_id,
    now(), now() FROM messages AS m WHERE m.message_type = 0 AND m.conversation_id % 10 = 0;
INSERT INTO active_storage_blobs (id, key, filename, content_type, byte_size, created_at, service_name)
SELECT a.id, 'k' || a.id, 'photo.jpg', 'image/jpeg', 12345, now(),
    'amazon' FROM attachments AS a WHERE external_url IS NULL;
INSERT INTO active_storage_attachments (name, record_type, record_id, blob_id, created_at)
SELECT 'file', 'Attachment', id, id, now() FROM active_storage_blobs;
INSERT INTO csat_survey_responses (account_id, conversation_id, message_id, rating, feedback_message, contact_id,
    created_at,
    updated_at) SELECT account_id, conversation_id, id, 1 + conversation_id % 5, 'quick', 1, created_at, created_at
FROM messages WHERE message_type = 3 AND conversation_id % 7 = 0;
INSERT INTO tags (id, name) VALUES (1, 'billing'), (2, 'vip');
INSERT INTO taggings (tag_id, taggable_type, taggable_id, context, created_at)
SELECT 1 + n % 2, 'Conversation', n, 'labels', now() FROM generate_series(1, {conversations}, 3) AS n;
ANALYZE;
"""


def create(database, conversations=300, contacts=40, step="interval '17 minutes'"):
    database.execute(TABLES.read_text())
    database.execute(ROWS.format(conversations=conversations, contacts=contacts, step=step))


def connect(database, indexes=True):
    """The views, and the indexes that the file recommends."""
    views, _, recommended = VIEWS.read_text().partition("COMMIT;")
    database.execute(views + "COMMIT;")
    assert recommended.count("CREATE INDEX") >= 4
    if indexes:
        database.execute(recommended)
        database.execute("ANALYZE")
