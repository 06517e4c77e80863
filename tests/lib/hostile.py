"""A source of texts that are hard on readers of CSV and JSON: what people write, and what programs take for something
else. Ids are 19-digit numbers, which are rounded by whoever takes them for a double."""

TEXTS = [
    None, "", "NA", "N/A", "#N/A", "None", "null", "NULL", "nan", "NaN", "-", "true", "FALSE", "T", "inf", "1e5",
    "00123", "+491711234567", "9007199254740994008", "3/4", "2026-01-02", "1,5", "12:30", "0x1F", "=1+1", "@x",
    "'quoted'", "  blanks in front and behind  ", " ", "\t", "a\tb", "semi;colon", "comma, comma", "pipe|pipe",
    'say "hi"', '"', '""', '",', "\\", 'back\\"slash', "ends with \\", '\\"', "\\N", "\\n", "\\.", "two\nlines",
    "two\r\nlines", "carriage\rreturn", "\nfirst", "last\n", "a\n\\.\nb", "a\n\nb", "# no comment", "--",
    "\ufeffmark", "\u00a0no break", "Ünïcödé 漢字 🙂 ع",
    "next\u0085line", "line\u2028sep\u2029par", "zero\u200bwidth",
    "long " + "x" * 200_000, "many\n" * 500, '"\n"' * 300, "{\"a\": 1}", "[1, 2]", "<b>&amp;</b>", "\\u0041",
    "%s %d", "${HOME}", "$1", "end",
]
NAMES = ["Ada", "00123", "+491711234567", "true", "NA", None, "3/4", "Müller; \"Ed\", jr."]
FIRST_ID = 9007199254740993000

TABLES = """
CREATE SCHEMA chat;
CREATE TABLE chat.channel (id text PRIMARY KEY, workspace_id text NOT NULL, name text NOT NULL,
    channel_type text NOT NULL, phone_number text);
CREATE TABLE chat.contact (id bigint PRIMARY KEY, workspace_id text, name text, phone text);
CREATE TABLE chat.conversation (id bigint PRIMARY KEY, workspace_id text NOT NULL, channel_id text NOT NULL,
    created_at timestamptz NOT NULL, contact_id bigint);
CREATE TABLE chat.message (id bigint PRIMARY KEY, conversation_id bigint NOT NULL, created_at timestamptz NOT NULL,
    direction text NOT NULL, speaker_type text NOT NULL, speaker_name text, text text);
CREATE INDEX ON chat.conversation (channel_id, created_at, id);
CREATE INDEX ON chat.message (conversation_id, created_at, id);
INSERT INTO chat.channel VALUES ('sms', 'one', 'SMS', 'LOCAL', '+12025550123');
"""


def make_source(database):
    """One conversation a name; every text in each."""
    database.execute(TABLES)
    for place, name in enumerate(NAMES):
        conversation = FIRST_ID + place * 1000
        phone = None if place % 3 == 2 else f"+4917112345{place:02}"
        database.execute("INSERT INTO chat.contact VALUES (%s, 'one', %s, %s)", [conversation, name, phone])
        database.execute("INSERT INTO chat.conversation VALUES (%s, 'one', 'sms', timestamptz '2026-02-01T10:00:00Z' +"
                         " %s * interval '1 day', %s)", [conversation, place, conversation])
        for number, text in enumerate(TEXTS, 1):
            database.execute(
                "INSERT INTO chat.message SELECT %s, %s, c.created_at + %s * interval '1 second', 'inbound',"
                " 'customer', NULL, %s FROM chat.conversation AS c WHERE c.id = %s",
                [conversation + number, conversation, number, text, conversation])


def messages(database):
    """By id: conversation, contact's name and phone, text; all as text, None as ''."""
    rows = database.execute(
        "SELECT m.id::text, m.conversation_id::text, coalesce(k.name, ''), coalesce(k.phone, ''), coalesce(m.text, '')"
        " FROM chat.message AS m JOIN chat.conversation AS c ON c.id = m.conversation_id"
        " JOIN chat.contact AS k ON k.id = c.contact_id")
    return {row[0]: tuple(row[1:]) for row in rows}
