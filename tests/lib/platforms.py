"""Platforms as they are installed: their tables with rows of ours, and the views of examples/ over them.

What was said stands in tables of the test's own (`told`), from which each platform's rows are made; what comes out of
an export is compared with those tables, not with the platform's.
"""

import datetime
import json
import pathlib
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECOND, MILLISECOND = 1_000_000, 1_000

# Pairs of one second. Conversation 5 is a giant, and each has its own person, room and agent.
TOLD = """
CREATE SCHEMA told;
CREATE TABLE told.talk AS
SELECT c, timestamp '2026-03-01 00:00:00' + c * interval '97 seconds' AS at, 1 + c % 500 AS person, 1 + c % 40 AS room,
    1 + c % 9 AS agent, CASE WHEN c = 5 THEN {giant} ELSE 1 + c * 7 % 29 END AS size
FROM generate_series(1, {conversations}) c;
CREATE TABLE told.said AS
SELECT row_number() OVER (ORDER BY c, k) AS n, c, k,
    at + (k - 1) / 2 * interval '60 s' + ((k - 1) % 600 + 1) * interval '1 ms' AS at,
    CASE WHEN k % 2 = 1 THEN 'in' WHEN k % 4 = 0 THEN 'agent' ELSE 'bot' END AS side,
    'm' || c || '.' || k || ' Grüße, "你好" <b>' || chr(92) || 'n' AS text
FROM told.talk, generate_series(1, size) k;
CREATE UNIQUE INDEX ON told.talk (c);
ANALYZE told.talk, told.said;
"""


@dataclass(frozen=True)
class Platform:
    name: str
    workspace: str = "main"
    resolution: int = MILLISECOND  # of the platform's times, in microseconds
    sides: dict = field(default_factory=dict)  # who speaks, where it is not (customer, agent, bot)
    by_room: bool = False  # a conversation is a room with all its talks


def create(database, platform, conversations=60, giant=5000):
    database.execute("DROP SCHEMA IF EXISTS chat CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
                     " DROP SCHEMA IF EXISTS told CASCADE")
    database.execute(TOLD.format(conversations=conversations, giant=giant))
    database.execute((ROOT / f"tests/platforms/{platform.name}.sql").read_text())
    database.execute((ROOT / f"examples/{platform.name}.sql").read_text())
    database.execute("ANALYZE")


def expected(database, platform):
    """For each conversation, in any order, what was said: (instant, direction, speaker type, text)."""
    group = "room" if platform.by_room else "c"
    rows = database.execute(f"""
        SELECT t.{group}, (extract(epoch FROM s.at) * 1000000)::bigint, s.side, s.text
        FROM told.said s JOIN told.talk t USING (c) ORDER BY t.{group}, {'s.at, ' if platform.by_room else ''}s.n""")
    sides = {"in": ("inbound", "customer"), "agent": ("outbound", "agent"), "bot": ("outbound", "bot")} | platform.sides
    found = {}
    for key, at, side, text in rows:
        found.setdefault(key, []).append((at - at % platform.resolution, *sides[side], text))
    return sorted(found.values(), key=lambda messages: messages[0][3])


def micros(text):
    """Of the files' times, which are UTC here."""
    assert text.endswith("+00:00")
    at = datetime.datetime.fromisoformat(text) - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return at // datetime.timedelta(microseconds=1)


def exported(ndjson):
    """The conversations of a file, and in the shape of `expected`."""
    conversations = [json.loads(line) for line in ndjson.splitlines()]
    found = [[(micros(m["created_at"]), m["direction"], m["speaker_type"], m["text"]) for m in c["messages"]]
             for c in conversations]
    return conversations, sorted(found, key=lambda messages: messages[0][3] if messages else "")


BOT = {"agent": ("outbound", "bot")}
PLATFORMS = [
    Platform("zammad"),
    Platform("mattermost"),
    Platform("rasa", sides=BOT),
    Platform("zulip", workspace="2", by_room=True),
    Platform("synapse"),
    Platform("dify", workspace="00000000-0000-4000-8000-00000000d1f1", resolution=SECOND, sides=BOT),
    Platform("open-webui", resolution=SECOND, sides=BOT),
    Platform("discourse", sides={"bot": ("outbound", "bot")}),
]
# What is somewhere in an export with all parts, deleted rows included.
BEYOND = {
    "zammad": {
        "internal articles are notes": lambda c: any("hidden note" in n["text"] for n in c["notes"]),
        "title and tags": lambda c: c["title"].startswith("Talk ") and c["tags"] == ["vip"],
        "HTML is told": lambda c: {m["format"] for m in c["messages"]} == {"html", "text"},
        "the customer": lambda c: c["customer"]["name"].startswith("Person ") and c["customer"]["company"] == "Acme"},
    "mattermost": {
        "a deleted answer": lambda c: any(m["deleted_at"] and m["text"] == "hidden, deleted" for m in c["messages"]),
        "the text before": lambda c: [r["text"] for r in c["revisions"]] == ["hidden, before"]
        and c["messages"][1]["edited_at"] and c["revisions"][0]["message_id"] == c["messages"][1]["id"],
        "a reaction": lambda c: c["reactions"] and c["reactions"][0]["message_id"] == c["id"],
        "who is there": lambda c: [p["name"] for p in c["participants"]] == ["person1", "person2", "person3"]},
    "rasa": {"actions": lambda c: "action_listen" in [e["detail"] for e in c["events"]]},
    "zulip": {
        "topics": lambda c: c["messages"][0]["extra"]["topic"].startswith("Talk "),
        "reactions": lambda c: c["reactions"] and c["reactions"][0]["by"] == "Person 1",
        "who is there": lambda c: len(c["participants"]) == 3,
        "edits": lambda c: any(m["edited_at"] for m in c["messages"])},
    "synapse": {
        "what was taken back": lambda c: any(m["deleted_at"] and "redacted" in m["text"] for m in c["messages"]),
        "who is there": lambda c: c["participants"][0]["name"].startswith("Person ")},
    "dify": {
        "deleted conversations": lambda c: c["deleted_at"] and c["title"] == "hidden",
        "what an answer cost": lambda c: any((m["extra"] or {}).get("question_tokens") == 7 for m in c["messages"])},
    "open-webui": {"what is answered": lambda c: len(c["messages"]) > 1
                   and c["messages"][1]["reply_to"] == c["messages"][0]["id"]},
    "discourse": {
        "deleted posts": lambda c: any(m["deleted_at"] and m["text"] == "hidden, deleted" for m in c["messages"]),
        "deleted topics": lambda c: c["deleted_at"] and c["title"] == "hidden",
        "what the site did": lambda c: "hidden, closed" in [e["detail"] for e in c["events"]],
        "likes": lambda c: c["reactions"] and c["reactions"][0]["name"] == "like",
        "answers": lambda c: any(b["reply_to"] == a["id"] for a, b in zip(c["messages"], c["messages"][1:])),
        "tags": lambda c: c["tags"] == ["vip"]},
}
