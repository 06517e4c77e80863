"""The small source of http_source, with tags, audiences and people: what the native door can name."""

from . import http_source as source

ASSISTANT = "11111111-aaaa-0000-0000-000000000001"
FOREIGN_ASSISTANT = "11111111-aaaa-0000-0000-000000000002"
JANE = "22222222-bbbb-0000-0000-000000000001"  # spoke under the tag vip
JANE_AGAIN = "22222222-bbbb-0000-0000-000000000002"  # the same e-mail, written otherwise
JANE_BY_PHONE = "22222222-bbbb-0000-0000-000000000003"  # the same phone
JOHN = "22222222-bbbb-0000-0000-000000000004"  # spoke under the tag press
FOREIGN_CONTACT = "22222222-bbbb-0000-0000-000000000005"  # of another workspace, with Jane's e-mail
NAMELESS = "22222222-bbbb-0000-0000-000000000006"
VIP, PRESS, HIDDEN, FOREIGN = (f"33333333-cccc-0000-0000-00000000000{n}" for n in (1, 2, 3, 4))

PEOPLE = f"""
ALTER TABLE chat.conversation ADD COLUMN tags text[], ADD COLUMN audience text[], ADD COLUMN status text,
    ADD COLUMN ended_at timestamptz;
CREATE INDEX ON chat.conversation (channel_id, created_at, id);
CREATE INDEX ON chat.message (conversation_id, created_at, id);
INSERT INTO chat.assistant VALUES ('{ASSISTANT}', 'platform-one', 'Ada / Sales'),
    ('{FOREIGN_ASSISTANT}', 'two', 'Elsewhere');
INSERT INTO chat.contact VALUES
    ('{JANE}', 'platform-one', 'Jane Doe', '+12025550199', 'jane@example.com'),
    ('{JANE_AGAIN}', 'platform-one', 'J. Doe', NULL, 'Jane@Example.com'),
    ('{JANE_BY_PHONE}', 'platform-one', '', '+12025550199', ''),
    ('{JOHN}', 'platform-one', 'John', NULL, ''),
    ('{FOREIGN_CONTACT}', 'two', 'Jane Doe', '+12025550199', 'jane@example.com'),
    ('{NAMELESS}', 'platform-one', NULL, NULL, 'nobody@example.com');
INSERT INTO chat.conversation
    (id, workspace_id, channel_id, created_at, contact_id, assistant_id, tags, audience, status, ended_at) VALUES
    ('{VIP}', 'platform-one', '{source.SMS}', '2026-02-10T10:00:00Z', '{JANE}', '{ASSISTANT}', '{{vip}}', NULL,
     'open', NULL),
    ('{PRESS}', 'platform-one', '{source.LONELY}', '2026-02-11T10:00:00Z', '{JOHN}', '{ASSISTANT}', '{{vip}}',
     '{{press}}', 'closed', '2026-02-12T10:00:00Z'),
    ('{HIDDEN}', 'platform-one', '{source.SMS}', '2026-02-12T10:00:00Z', '{JOHN}', NULL, NULL, NULL, 'open', NULL),
    ('{FOREIGN}', 'two', '{source.FOREIGN}', '2026-02-10T10:00:00Z', '{FOREIGN_CONTACT}', NULL, '{{vip}}', NULL,
     'open', NULL);
INSERT INTO chat.message SELECT gen_random_uuid(), id, created_at + n * interval '1 minute', 'inbound', 'customer',
    NULL, repeat('x', 10 * n) FROM chat.conversation, generate_series(1, 3) AS n;
"""


def make_source(database):
    source.make_source(database)
    database.execute(PEOPLE)


def make_key(program, database, role, audience=(), user=None, workspace="one"):
    """A key of a workspace with a role; written as the command would write it."""
    key = program.key(workspace)
    database.execute("UPDATE verbatim.api_key SET role = %s, audience = %s, user_email = %s WHERE key_id = %s",
                     [role, list(audience), user, key.split("_")[1]])
    return key


def make_keys(program, database):
    """Keys of workspaces one and two, and of those who may do less in one."""
    keys = source.make_workspaces(program)
    keys["editor"] = make_key(program, database, "editor", ["vip", "press"])
    keys["vip"] = make_key(program, database, "editor", ["vip"])
    keys["press"] = make_key(program, database, "editor", ["press"], "press@example.com")
    keys["nobody"] = make_key(program, database, "editor", ["none"])
    keys["viewer"] = make_key(program, database, "viewer")
    return keys
