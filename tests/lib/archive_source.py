"""A platform whose conversations show what an HTML archive has to cope with: threads of several people, scripts of both
directions, code and words without end, one that fills pages of paper; and a corpus of names, texts, tags, file names
and addresses that would run in a page that took them for markup."""

import datetime
import json

from .process import wait_until

WORKSPACE = "shop"
EXPORTS = f"/api/v1/workspace/{WORKSPACE}/exports"
EVERYTHING = ["messages", "customer", "tags", "notes", "events", "skills", "citations"]
TABLES = """
CREATE SCHEMA chat;
CREATE TABLE chat.channel (id text PRIMARY KEY, workspace_id text NOT NULL, name text NOT NULL,
    channel_type text NOT NULL, phone_number text);
CREATE TABLE chat.contact (id text PRIMARY KEY, workspace_id text, name text, phone text, email text, company text,
    address text, website text, lead_status text);
CREATE TABLE chat.assistant (id text PRIMARY KEY, workspace_id text NOT NULL, name text NOT NULL);
CREATE TABLE chat.conversation (id text PRIMARY KEY, workspace_id text NOT NULL, channel_id text NOT NULL,
    created_at timestamptz NOT NULL, contact_id text, assistant_id text, ended_at timestamptz, status text,
    priority text, summary text, tags text[], audience text[], assigned_agent text, csat_rating integer,
    csat_comment text, feedback text);
CREATE TABLE chat.message (id text PRIMARY KEY, conversation_id text NOT NULL, created_at timestamptz NOT NULL,
    direction text, speaker_type text, speaker_name text, text text NOT NULL, media_urls text[], status text,
    sender_account text, feedback text, reply_to text, edited_at timestamptz);
CREATE TABLE chat.note (id text PRIMARY KEY, conversation_id text, created_at timestamptz, author text, text text);
CREATE TABLE chat.event (id text PRIMARY KEY, conversation_id text, created_at timestamptz, kind text, actor text,
    detail text);
CREATE TABLE chat.skill_run (conversation_id text, created_at timestamptz, name text, outcome text, message_id text);
CREATE TABLE chat.citation (message_id text, conversation_id text, title text, url text, snippet text);
CREATE TABLE chat.attachment (id text PRIMARY KEY, message_id text, conversation_id text, url text, file_name text,
    content_type text, size bigint, duration_seconds double precision);
CREATE INDEX ON chat.conversation (channel_id, created_at, id);
CREATE INDEX ON chat.message (conversation_id, created_at, id);
"""
START = datetime.datetime(2026, 4, 8, 7, 24, 43, 123456, datetime.timezone.utc)

# Threads: (contact, [(who, words)]); `who` is the customer, the bot Nova, or an agent by name.
TALKS = {
    "order": ("Anna Müller", [
        ("customer", "Hi, my order 4711 has not arrived yet. It was promised for Tuesday."),
        ("Nova", "Hello Anna, I am sorry to hear that. Order 4711 left our warehouse on Monday and is with the "
                 "carrier."),
        ("customer", "The tracking page says “delivered”, but nobody was here.\nCould a neighbour have it?"),
        ("Nova", "That happens. I am handing you over to a colleague who can look at the delivery note."),
        ("Sam Okafor", "Hi Anna, Sam here. The driver left it at number 12, ground floor, name “Weiß”. "
                       "Would you have a look?"),
        ("customer", "Found it, thank you so much! 🎉"),
        ("Sam Okafor", "Wonderful. Anything else I can do for you?"),
        ("customer", "No, that's all."),
    ]),
    "refund": ("José García", [
        ("customer", "Hola, I was charged twice for the same coffee machine. Straße 7, Köln is the address."),
        ("Nova", "I can see two charges of 249.00 € on 5 April. One of them is a reservation that lapses by itself."),
        ("customer", "When does it lapse? My bank is naïve enough to count it."),
        ("Lena Weiß", "Within three working days. If not, write again and I will start the refund by hand."),
    ]),
    "arabic": ("فاطمة الحداد", [
        ("customer", "مرحباً، لم يصل طلبي رقم 4711 حتى الآن. "
                     "هل يمكنكم المساعدة؟"),
        ("Nova", "مرحباً فاطمة، طلبك في الطريق "
                 "وسيصل غداً بين الساعة 10 و12."),
        ("customer", "شكراً جزيلاً! رقم هاتفي الجديد هو +49 30 1234567، "
                     "وبريدي fatima@example.com."),
        ("نور يوسف", "تم تحديث الرقم. "
                     "رابط التتبع (tracking link):\nhttps://example.com/track?id=4711"),
        ("customer", "ممتاز 👍"),
    ]),
    "hebrew": ("דוד Levy", [
        ("customer", "שלום, I need the invoice בקובץ PDF בבקשה."),
        ("Sam Okafor", "Of course, דוד. Here it is: חשבונית 2026-118."),
    ]),
    "chinese": ("王小明", [
        ("customer", "你好,我想退货。订单号是 4712。"),
        ("Nova", "您好!退货标签已发送到您的邮箱。ありがとうございます。감사합니다."),
        ("customer", "धन्यवाद, that is all I need."),
    ]),
    "code": ("Dev Null", [
        ("customer", "It fails with:\n\n    for (i = 0; i < n; i++) {\n        if (a[i] && b[i] > 0)\n            "
                     "printf(\"%s\\n\", very_long_function_name_that_never_ends(a[i], b[i], c[i], d[i], e[i], f[i]));\n"
                     "    }\n\tand a tab"),
        ("customer", "x" * 400),
        ("Nova", "https://example.com/" + "a-very-long-path/" * 30 + "?token=" + "0123456789abcdef" * 8),
    ]),
}
NAMES = {"Nova": "bot"}
LONG = 420  # messages of the thread that fills pages
AGENTS = ("Sam Okafor", "Lena Weiß", "نور يوسف")

# Each would call the canary if it were anything but text.
CALL = "globalThis.canary=1"
HOSTILE = [
    f"<script>{CALL}</script>",
    f"</title></style></script><script>{CALL}</script>",
    f"<img src=x onerror={CALL}>",
    f"\"><svg onload={CALL}>",
    f"' onmouseover='{CALL}' autofocus onfocus='{CALL}' x='",
    f"\" onfocus=\"{CALL}\" autofocus tabindex=1 x=\"",
    f" onpointerenter={CALL} style=position:fixed;inset:0",
    f"<iframe srcdoc=\"<script>parent.{CALL}</script>\"></iframe>",
    f"<a href=\"javascript:{CALL}\">here</a>",
    "<style>@import 'http://127.0.0.1:9/'; * { display: none }</style><link rel=stylesheet href=http://127.0.0.1:9/>",
    "<meta http-equiv=refresh content=\"0;url=http://127.0.0.1:9/\"><base href=http://127.0.0.1:9/>",
    f"<!-- <![CDATA[ --><noscript><p title=\"</noscript><img src=x onerror={CALL}>\">",
    f"<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=x onerror={CALL}&gt;\">",
    "</ol></article></main></body></html><plaintext>",
    "<form action=http://127.0.0.1:9/><button autofocus>Log in again</button><textarea>",
    f"&lt;script&gt;{CALL}&lt;/script&gt; &amp; &#60;b&#62; &notanentity",
    "\u202egnp.exe \u2066\u2067\u2068 \u202d\u202b unbalanced",
    "left\u200e right\u200f zero\u200bwidth \ufeff soft\u00adhyphen",
    "\x01\x02\x1b[31m bell\x07 back\x08space \x7f",
    f"{{{{constructor.constructor('{CALL}')()}}}} ${{{CALL}}} <%= 1 %>",
    f"data:text/html,<script>{CALL}</script>",
    "constructor", "__proto__", "toString", "#tools", "hit",
]
ADDRESSES = [
    f"javascript:{CALL}", f"JaVaScRiPt:{CALL}", f" javascript:{CALL}", f"java\tscript:{CALL}", f"\x01javascript:{CALL}",
    f"data:text/html,<script>{CALL}</script>", f"vbscript:{CALL}", "file:///etc/passwd", "//127.0.0.1:9/x", "ftp://x/y",
    f"https://example.com/\"><img src=x onerror={CALL}>", f"https://example.com/' onclick='{CALL}",
    f"https://example.com/ onmouseover={CALL}", "https://example.com/a b<c>", "HTTPS://EXAMPLE.COM/%0d%0aX", "s3://b/k",
]


class Filler:
    """Rows in time's order: one conversation after another, a message a minute."""

    def __init__(self, database):
        self.database, self.at, self.number = database, START, 0

    def insert(self, table, **columns):
        names = ", ".join(columns)
        self.database.execute(f"INSERT INTO chat.{table} ({names}) VALUES ({', '.join(['%s'] * len(columns))})",
                              list(columns.values()))

    def step(self, **time):
        self.at += datetime.timedelta(**time)
        self.number += 1
        return self.at

    def conversation(self, channel, id, contact, **columns):
        self.step(hours=5)
        self.insert("contact", id=f"of {id}", workspace_id=WORKSPACE, name=contact, **columns.pop("person", {}))
        self.insert("conversation", id=id, workspace_id=WORKSPACE, channel_id=channel, created_at=self.at,
                    contact_id=f"of {id}", assistant_id=columns.pop("assistant", "nova"), **columns)

    def message(self, conversation, who, text, **columns):
        kind = NAMES.get(who, "customer" if who == "customer" else "agent")
        inbound = kind == "customer"
        self.step(minutes=1)
        id = columns.pop("id", f"{conversation}-{self.number}")
        columns = {"speaker_type": kind, "speaker_name": who if kind == "agent" else None,
                   "direction": "inbound" if inbound else "outbound",
                   "status": None if inbound else "delivered"} | columns
        self.insert("message", id=id, conversation_id=conversation, created_at=self.at, text=text, **columns)
        return id


def fill_shop(fill):
    fill.insert("channel", id="shop", workspace_id=WORKSPACE, name="Web chat", channel_type="LINE", phone_number=None)
    fill.insert("assistant", id="nova", workspace_id=WORKSPACE, name="Nova")
    facts = {
        "order": {"summary": "A parcel marked as delivered had been left with a neighbour. Resolved by Sam.",
                  "csat_rating": 5, "csat_comment": "Quick and kind", "assigned_agent": "Sam Okafor",
                  "tags": ["delivery", "vip"], "priority": "high", "feedback": "Positive",
                  "person": {"email": "anna@example.com", "phone": "+4930123456",
                              "company": "Müller & Töchter GmbH"}},
        "refund": {"tags": ["payment"], "assigned_agent": "Lena Weiß", "person": {"email": "jose@example.com"}},
        "arabic": {"tags": ["توصيل", "delivery"], "summary": "طلب متأخر، تم حل المشكلة.",
                   "person": {"email": "fatima@example.com"}},
    }
    for id, (contact, talk) in TALKS.items():
        fill.conversation("shop", id, contact, status="closed",
                          ended_at=fill.at + datetime.timedelta(hours=5, minutes=len(talk) + 2), **facts.get(id, {}))
        message = None
        for who, text in talk:
            more = {"reply_to": message, "edited_at": fill.at + datetime.timedelta(days=4)}
            message = fill.message(id, who, text, **(more if who == "Lena Weiß" else {}))
            if "warehouse" in text:
                fill.insert("citation", message_id=message, conversation_id=id, title="Where is my parcel?",
                            url="https://example.com/help/parcel", snippet="Parcels leave the warehouse within a day.")
        if id == "order":
            fill.message(id, "customer", "", media_urls=["https://media.example.com/door.jpg?size=large"])
            fill.insert("note", id="n1", conversation_id=id, created_at=fill.at, author="Sam Okafor",
                        text="Called the driver: left with Weiß, number 12.")
            fill.insert("event", id="e1", conversation_id=id, created_at=fill.at, kind="escalate", actor="Nova",
                        detail="handed over to Sam Okafor")
            fill.insert("skill_run", conversation_id=id, created_at=fill.at, name="look up order", outcome="found",
                        message_id=None)
    fill.message("code", "customer", "Nobody knows who said this.", speaker_type=None, direction=None)


def fill_long(fill):
    fill.insert("channel", id="long", workspace_id=WORKSPACE, name="Long talks", channel_type="LINE")
    fill.conversation("long", "endless", "Paula Pages", status="open")
    for number in range(LONG):
        fill.message("endless", ("customer", "Nova", "Sam Okafor")[number % 3],
                     f"Line {number} of the endless talk. " + "More words to fill the page. " * (number % 5))
    fill.conversation("long", "wall", "Walter Wall", status="open")
    fill.message("wall", "customer", "\n".join(f"Row {number} of one message." for number in range(300)))


def fill_hostile(fill):
    """Every text of the corpus at every place that a platform's people can write to."""
    fill.insert("channel", id="hostile", workspace_id=WORKSPACE, name=HOSTILE[0] + HOSTILE[3], channel_type="LINE")
    for number, bad in enumerate(HOSTILE):
        bad_text = bad.replace("\x00", "")
        id = f"{bad_text[:60]} {number}"
        fill.insert("assistant", id=id, workspace_id=WORKSPACE, name=bad)
        fill.conversation("hostile", id, bad, assistant=id, status=bad, priority=bad, summary=bad, tags=[bad, "ok"],
                          audience=[bad], assigned_agent=bad, csat_rating=1, csat_comment=bad, feedback=bad,
                          person=dict.fromkeys(("phone", "email", "company", "address", "website", "lead_status"), bad))
        message = fill.message(id, "customer", f"{bad} in a message", id=id, speaker_name=bad, status=bad, feedback=bad,
                               media_urls=[*ADDRESSES, bad])
        fill.message(id, "Nova", bad, speaker_name=bad, speaker_type=("bot", "agent", bad)[number % 3],
                     reply_to=(id, bad)[number % 2])
        fill.insert("note", id=id, conversation_id=id, created_at=fill.at, author=bad, text=bad)
        fill.insert("event", id=id, conversation_id=id, created_at=fill.at, kind=bad, actor=bad, detail=bad)
        fill.insert("skill_run", conversation_id=id, created_at=fill.at, name=bad, outcome=bad, message_id=id)
        fill.insert("citation", message_id=message, conversation_id=id, title=bad,
                    url=ADDRESSES[number % len(ADDRESSES)], snippet=bad)


def make_source(program, database):
    """The platform and its workspace; returns a key of it."""
    program.migrate()
    database.execute(TABLES)
    for part in (fill_shop, fill_long, fill_hostile):
        part(Filler(database))
    program.workspace(WORKSPACE, time_zone="Europe/Berlin")
    return program.key(WORKSPACE)


def export(service, key, channel, files="single", format="html", include=None, **more):
    """The bytes of a finished export: a page, or a ZIP of pages."""
    body = {"select": {"channel_id": channel}, "format": format, "files": files,
            "include": include or EVERYTHING} | more
    answer = service.request("POST", EXPORTS, key, json_body=body)
    assert answer.status in (200, 201, 202), answer.body
    number = answer.json()["export_id"]

    def ended():
        job = service.get(f"{EXPORTS}/{number}", key).json()
        return job if job["status"] in ("finished", "failed", "cancelled") else None
    job = wait_until(ended, "the export", 60)
    assert job["status"] == "finished", json.dumps(job)
    answer = service.get(f"{EXPORTS}/{number}/download", key)
    assert answer.status == 200, answer.body
    return answer.body
