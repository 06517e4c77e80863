"""HTML archives: the head's numbers against the database, by scope, filter and zone."""

import collections
import datetime
import json
import statistics
import zoneinfo

import pytest

from tests.lib import queue
from tests.lib.html_archive import Page, number
from tests.lib.process import wait_until
from tests.lib.queue import Crew

# A channel whose messages lie around both changes of Berlin's clocks, midnights and the turn of a year.
EDGES = """
INSERT INTO chat.message (id, conversation_id, created_at, direction, speaker_type, text)
SELECT nextval('chat.next_id'), c.id, at, 'inbound', kind, 'at an edge'
FROM chat.conversation AS c,
    unnest(ARRAY['2026-03-29 00:59:59.999999+00', '2026-03-29 01:00:00+00', '2026-10-25 00:59:59.999999+00',
                 '2026-10-25 01:00:00+00', '2026-12-31 22:59:59.999999+00', '2026-12-31 23:00:00+00',
                 '2026-12-31 23:59:59.999999+00', '2027-01-01 00:00:00+00']::timestamptz[],
           ARRAY['customer', 'bot', 'agent', 'system', 'customer', 'bot', 'agent', 'customer']) AS edge (at, kind)
WHERE c.channel_id = 'edges'
"""
# Speakers and times as in life: a greeting before the question, nobody who answers, a night between.
MIXED = """
UPDATE chat.message AS m SET speaker_type = (ARRAY['bot', 'customer', 'customer', 'agent', 'bot', 'system'])[
        1 + (abs(hashint8(m.id)) % 6)],
    created_at = m.created_at + (abs(hashint8(m.id + 7)) % 90000) * interval '1 second'
WHERE conversation_id IN (SELECT id FROM chat.conversation WHERE channel_id = 'mixed')
"""


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 50})
    database.execute("ALTER TABLE chat.conversation ADD COLUMN status text, ADD COLUMN tags text[],"
                     " ADD COLUMN audience text[], ADD COLUMN ended_at timestamptz")
    queue.fill(database, "none", 0)
    queue.fill(database, "edges", 3, messages=2)
    queue.fill(database, "mixed", 150, messages=9, step="13 hours")
    queue.fill(database, "plain", 300, messages=3)
    database.execute(EDGES)
    database.execute(MIXED)
    database.execute("UPDATE chat.conversation SET status = (ARRAY['open', 'closed'])[id % 2 + 1],"
                     " tags = ARRAY[(ARRAY['red', 'green', 'blue'])[id % 3 + 1]],"
                     " ended_at = CASE WHEN id % 4 > 0 THEN created_at + id * interval '1 hour' END")
    # What begins or is written after the export's instant is not in it.
    database.execute("UPDATE chat.message SET created_at = '2027-06-02' WHERE id % 50 = 0")


ALL = {"channel_id": None, "channel_name": None, "channel_phone": None, "channel_type": None}


def export(program, database, folder, storage, channel="mixed", specification=None, tuning=None, **columns):
    specification = {"select": {"channel_id": channel}, "format": "html"} | (specification or {})
    with Crew(program, folder, storage, **(tuning or {})):
        job_id = queue.add_job(database, channel, specification=json.dumps(specification), **columns)
        found = queue.finished(database, job_id)
    return Page(queue.archive(storage, found)), found


def expected(database, condition, as_of="2027-06-01 00:00+00", zone="UTC"):
    """The same numbers by other means: every message, one by one."""
    zone = zoneinfo.ZoneInfo(zone)
    ids = [row[0] for row in database.execute(
        f"SELECT id FROM chat.conversation AS c WHERE created_at >= '2026-04-01' AND created_at < '2027-05-01'"
        f" AND created_at <= '{as_of}' AND {condition}")]
    rows = database.execute("SELECT conversation_id, created_at, speaker_type FROM chat.message"
                            f" WHERE conversation_id = ANY (%s) AND created_at <= '{as_of}'"
                            " ORDER BY conversation_id, created_at", [ids])
    speakers, days, hours, asked, waits = (collections.Counter(), collections.Counter(), collections.Counter(), {}, {})
    for conversation, at, speaker in rows:
        local = at.astimezone(zone)
        speakers[speaker] += 1
        days[local.date().isoformat()] += 1
        hours[f"{local.hour:02}:00"] += 1
        if speaker == "customer":
            asked.setdefault(conversation, at)
        elif speaker in ("bot", "agent") and conversation in asked and conversation not in waits:
            waits[conversation] = (at - asked[conversation]).total_seconds()
    return len(ids), len(rows), speakers, days, hours, waits


def duration(seconds):
    """As the page has it: the two largest units, after what the statistics rounded."""
    seconds = int(seconds)
    seconds -= seconds % (60 if 3600 <= seconds < 86400 else 3600 if seconds >= 86400 else 1)
    units = [(86400, "d"), (3600, "h"), (60, "min"), (1, "s")]
    place = next((i for i, (size, _) in enumerate(units) if seconds >= size), 3)
    words = [f"{seconds // units[place][0]} {units[place][1]}"]
    if place < 3 and seconds % units[place][0] // units[place + 1][0]:
        words.append(f"{seconds % units[place][0] // units[place + 1][0]} {units[place + 1][1]}")
    return " ".join(words)


def check(page, wanted):
    conversations, messages, speakers, days, hours, waits = wanted
    assert number(page.figures["Conversations"]) == conversations == len(page.conversations)
    assert number(page.figures["Messages"]) == messages == sum(len(one.rows) for one in page.conversations)
    shown = page.numbers("speakers")
    other = messages - sum(speakers[name] for name in ("customer", "bot", "agent"))
    assert shown == {"Customer": [speakers["customer"]], "Bot": [speakers["bot"]], "Agent": [speakers["agent"]]} \
        | ({"Other": [other]} if other else {})
    assert {day: numbers[-1] for day, numbers in page.numbers("days").items()} == days
    assert all(sum(numbers[:-1]) == numbers[-1] for numbers in page.numbers("days").values())
    assert {hour: count for hour, (count,) in page.numbers("hours").items() if count} == hours
    busiest = sorted(hours.items(), key=lambda pair: (-pair[1], pair[0]))[:3]
    assert page.figures["Busiest hours"] == ", ".join(
        f"{hour}–{int(hour[:2]) + 1:02}:00 ({count:,})" for hour, count in busiest)
    # And what follows says the same: the days by the rows' own texts.
    assert collections.Counter(row.time[:10] for one in page.conversations for row in one.rows) == days
    if waits:
        middle = statistics.median_low(waits.values())
        assert page.figures["Median time to the first answer"] == f"{duration(middle)} ({len(waits):,} answered)"
    else:
        assert "Median time to the first answer" not in page.figures


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia"])
@pytest.mark.parametrize("channel", ["edges", "mixed"])
def test_totals_are_those_of_the_database_in_the_workspaces_zone(program, database, folder, local, channel, zone):
    page, _ = export(program, database, folder, local, channel, time_zone=zone)
    check(page, expected(database, f"channel_id = '{channel}'", zone=zone))
    assert zone in page.about["Time range"]


SCOPES = {
    "everything": ({"select": {"all": True}}, "true"),
    "assistant": ({"select": {"assistant_id": "1"}}, "assistant_id = 1"),
    "contact": ({"select": {"contact_id": "8"}}, "contact_id = 8"),
    "ids": ({"select": {"conversation_ids": ["5", "17", "999999"]}}, "id IN (5, 17)"),
    "channels": ({"select": {"all": True}, "filter": {"channel_type": "sms"}, "channel_ids": ["plain", "edges"]},
                 "channel_id IN ('plain', 'edges')"),
    "status": ({"select": {"all": True}, "filter": {"status": ["open"]}}, "status = 'open'"),
    "tags": ({"select": {"all": True}, "filter": {"tags": ["red", "blue"]}}, "tags && '{red,blue}'"),
    "completed": ({"select": {"all": True}, "filter": {"completed_only": True}}, "ended_at <= '2026-05-01 10:00+00'"),
    "audience": ({"select": {"all": True}, "audience": ["red"]}, "coalesce(audience, tags) && '{red}'"),
}


@pytest.mark.parametrize("name", SCOPES)
def test_totals_are_of_what_was_selected(program, database, folder, local, name):
    specification, condition = SCOPES[name]
    page, found = export(program, database, folder, local, "plain", specification, as_of="2026-05-01T10:00:00Z", **ALL)
    wanted = expected(database, condition, as_of="2026-05-01 10:00+00")
    check(page, wanted)
    assert (found.conversations, found.messages) == wanted[:2] and wanted[0] > 0


def test_an_export_without_conversations_says_so(program, database, folder, local):
    page, _ = export(program, database, folder, local, "none")
    assert "Nothing was found" in page.root.one("main").text and not page.conversations
    assert number(page.about["Conversations"]) == 0 and not page.figures


def test_the_head_says_what_was_exported(program, database, folder, local):
    database.execute("UPDATE verbatim.workspace SET name = 'Ada & Söhne' WHERE workspace_id = 'w'")
    page, _ = export(program, database, folder, local, "plain", time_zone="Europe/Berlin",
                     range_from="2026-03-31T22:00:00Z", range_to="2027-04-30T22:00:00Z")
    assert page.root.one("h1").text == page.root.one("title").text == "Line plain"
    assert page.about | {"Messages": None} == {
        "Workspace": "Ada & Söhne", "Channel": "Line plain", "Channel's number": "+12025550123",
        "Channel's type": "SMS",
        "Exported": "2027-06-01 02:00:00+02:00", "Time range": "2026-04-01 to 2027-04-30 (Europe/Berlin)",
        "Conversations": "300", "Messages": None}
    page, _ = export(program, database, folder, local, "plain", {
        "select": {"assistant_id": "1"}, "filter": {"status": ["open", "closed"], "completed_only": True}},
        title="<b>Bella</b>", range_from="0001-01-01T00:00:00Z", range_to="2027-06-01T00:00:00.000001Z", **ALL)
    assert page.about["Assistant"] == page.root.one("h1").text == "<b>Bella</b>"
    assert page.about["Time range"] == "Until the export (UTC)"
    assert page.about["Only with status"] == "open, closed" and page.about["Only"] == "completed conversations"


def test_statistics_are_taken_once(program, database, folder, local):
    """Whoever works on the job: those of the first worker stand in its row."""
    page, _ = export(program, database, folder, local, "mixed", tuning={"page": 5, "cuts": 9})
    job_id, noted = database.execute("SELECT job_id, statistics FROM verbatim.job ORDER BY created_at DESC LIMIT 1")[0]
    assert noted["conversations"] == 150 == len(page.conversations)
    assert sum(noted["messages"]) == database.value("SELECT messages FROM verbatim.job WHERE job_id = %s", [job_id])
    assert datetime.date.fromordinal(719163 + noted["days"][0]).isoformat() in page.numbers("days")


def test_what_is_not_exported(program, database, folder, local):
    """Internal data, tokens and costs, configuration, what is other users': none of it, though it is in the source."""
    database.execute("""
        ALTER TABLE chat.message ADD COLUMN tokens text DEFAULT 'secret-tokens', ADD COLUMN cost text
            DEFAULT 'secret-cost', ADD COLUMN trace text DEFAULT 'secret-trace';
        ALTER TABLE chat.assistant ADD COLUMN prompt text DEFAULT 'secret-prompt';
        ALTER TABLE chat.channel ADD COLUMN api_token text DEFAULT 'secret-configuration'""")
    queue.fill(database, "others", 3, messages=2, workspace="v")
    database.execute("UPDATE chat.message SET text = 'secret of others' WHERE conversation_id IN"
                     " (SELECT id FROM chat.conversation WHERE workspace_id = 'v')")
    page, found = export(program, database, folder, local, "plain", {
        "select": {"all": True}, "include": ["messages", "customer", "tags", "notes", "events", "skills", "citations"]},
        **ALL)
    assert found.conversations == 453 and "secret" not in page.text
    # The customer is: by name, and by mail where there is one.
    database.execute("UPDATE chat.contact SET email = 'c' || id || '@example.com'")
    page, _ = export(program, database, folder, local, "plain")
    assert page.conversations[0].contact.startswith("Contact ")
    assert "@example.com" in page.conversations[0].node.one("p", "who").text
    assert "Line plain" in page.conversations[0].node.one("p", "meta").text


def test_an_archive_that_is_begun_anew_is_counted_anew(program, database, folder, local):
    """The first stretch is done again and its rows are gone: the head is of what follows all the same."""
    queue.fill(database, "vanish", 60, messages=2)
    job_id = queue.add_job(database, "vanish", specification=json.dumps(
        {"select": {"channel_id": "vanish"}, "format": "html", "files": "single"}))
    with Crew(program, folder, local, page=1, cuts=5, workers=1):
        wait_until(lambda: len(queue.segments(database, job_id)) >= 4, "a few segments")
    assert database.value("SELECT statistics['conversations'] FROM verbatim.job WHERE job_id = %s", [job_id]) == 60
    last = database.value("SELECT high_id FROM verbatim.segment WHERE job_id = %s ORDER BY part_first LIMIT 1",
                          [job_id])
    database.execute("DELETE FROM chat.conversation WHERE channel_id = 'vanish' AND id <= %s", [last])
    queue.reopen(database, job_id, "part_first = 1")
    with Crew(program, folder, local, workers=2) as crew:
        page = Page(queue.archive(local, queue.finished(database, job_id)))
        assert "begun anew" in crew.log()
    check(page, expected(database, "channel_id = 'vanish'"))
    assert 0 < len(page.conversations) < 60


def test_very_many_conversations_are_counted_in_stretches(program, database, folder, local):
    """More than one statement counts; conversations that began at the same instant are on either side of a border."""
    queue.fill(database, "many", 20500, messages=1, step="0.1 milliseconds")
    page, found = export(program, database, folder, local, "many")
    assert found.conversations == 20500
    check(page, expected(database, "channel_id = 'many'"))


def test_times_without_zone_are_counted_alike(program, database, folder, local):
    """Last, for it changes the source: columns of timestamp, which are UTC."""
    before, _ = export(program, database, folder, local, "mixed", time_zone="Asia/Kathmandu")
    for table in ("conversation", "message"):
        database.execute(f"ALTER TABLE chat.{table} ALTER created_at TYPE timestamp"
                         " USING created_at AT TIME ZONE 'UTC'")
    database.execute("ALTER TABLE chat.message ALTER speaker_type TYPE varchar(20), ALTER direction TYPE name")
    after, _ = export(program, database, folder, local, "mixed", time_zone="Asia/Kathmandu")
    assert after.text == before.text
