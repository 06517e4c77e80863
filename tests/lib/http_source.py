"""A small source (schema `chat`, ids are uuid) and workspaces for tests of the HTTP front end."""

WHATSAPP = "a1b2c3d4-1111-2222-3333-444455556666"
SMS = "b2c3d4e5-7777-8888-9999-000011112222"
TOLL_FREE = "c3d4e5f6-0000-1111-2222-333344445555"
LONELY = "d4e5f6a7-0000-1111-2222-333344445555"
FOREIGN = "e5f6a7b8-0000-1111-2222-333344445555"
SHARED_NUMBER = "+12025550123"
LONELY_NUMBER = "+4915112345678"

TABLES = f"""
CREATE SCHEMA chat;
CREATE TABLE chat.channel (id uuid PRIMARY KEY, workspace_id text NOT NULL, name text NOT NULL,
    channel_type text NOT NULL, phone_number text);
CREATE TABLE chat.contact (id uuid PRIMARY KEY, workspace_id text, name text, phone text, email text);
CREATE TABLE chat.assistant (id uuid PRIMARY KEY, workspace_id text NOT NULL, name text NOT NULL);
CREATE TABLE chat.conversation (id uuid PRIMARY KEY, workspace_id text NOT NULL, channel_id uuid NOT NULL,
    created_at timestamptz NOT NULL, contact_id uuid, assistant_id uuid);
CREATE TABLE chat.message (id uuid PRIMARY KEY, conversation_id uuid NOT NULL, created_at timestamptz NOT NULL,
    direction text NOT NULL, speaker_type text NOT NULL, speaker_name text, text text);
INSERT INTO chat.channel VALUES
    ('{SMS}', 'platform-one', 'SMS Support', 'LOCAL', '{SHARED_NUMBER}'),
    ('{WHATSAPP}', 'platform-one', 'WhatsApp Sales', 'WHATSAPP_BUSINESS_PLATFORM', '{SHARED_NUMBER}'),
    ('{TOLL_FREE}', 'platform-one', 'Hotline', 'TOLL_FREE', '{SHARED_NUMBER}'),
    ('{LONELY}', 'platform-one', 'Büro', 'LINE', '{LONELY_NUMBER}'),
    ('{FOREIGN}', 'two', 'Elsewhere', 'LOCAL', '+33123456789');
"""


def make_source(database):
    database.execute(TABLES)


def add_conversation(database):
    """One of one message, in LONELY."""
    database.execute(
        "INSERT INTO chat.contact"
        " VALUES ('11111111-0000-4000-8000-000000000001', 'platform-one', 'Ada', '+4930123', NULL);"
        "INSERT INTO chat.conversation VALUES ('22222222-0000-4000-8000-000000000001', 'platform-one',"
        f" '{LONELY}', '2026-02-03T10:00:00Z', '11111111-0000-4000-8000-000000000001', NULL);"
        "INSERT INTO chat.message VALUES ('33333333-0000-4000-8000-000000000001',"
        " '22222222-0000-4000-8000-000000000001', '2026-02-03T10:00:01Z', 'inbound', 'customer', 'Ada', 'good day')")


def lonely_talks(database, count=1, text="'good day'"):
    """Conversations of the channel LONELY in February 2026, each with one message; `text` is SQL."""
    database.execute(
        f"INSERT INTO chat.conversation SELECT gen_random_uuid(), 'platform-one', '{LONELY}', '2026-02-03'"
        f" FROM generate_series(1, {count});"
        f"INSERT INTO chat.message SELECT gen_random_uuid(), id, created_at, 'inbound', 'customer', 'Ada', {text}"
        " FROM chat.conversation")


def somebody_sends_mails(database):
    """Behind `migrate`, before the service starts: addresses are taken then, by a service that sends no mail itself."""
    database.execute("INSERT INTO verbatim.mailer VALUES (gen_random_uuid(), 'infinity')")


def make_workspaces(program):
    """Workspaces one (its source calls it platform-one) and two; their keys, and one for metrics."""
    program.migrate()
    program.workspace("one", source_id="platform-one")
    program.workspace("two")
    return {"one": program.key("one"), "two": program.key("two"), "metrics": program.key("one", scope="metrics")}
