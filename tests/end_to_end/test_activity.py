"""The filter `activity`: of conversations of any age the messages of a range, alike in every format and every cut."""

import csv
import io
import json
import random
import re
import zipfile

import pytest

from tests.lib import pdf, queue
from tests.lib.cuts import SEED, Turmoil, draw
from tests.lib.html_archive import Page, number
from tests.lib.queue import Crew

AS_OF = "2026-12-20T12:00:00Z"
# One room of 10 January in which somebody writes twice a day until the end of the year; conversations of a few days,
# six a second, some of which are taken up again weeks later and some of which are silent; and one of July that a
# platform made of messages of June.
SOURCE = """
INSERT INTO chat.channel VALUES ('rooms', 'w', 'Line rooms', 'SMS', '+12025550123');
INSERT INTO chat.conversation VALUES (900001, 'w', 'rooms', '2026-01-10 08:00+00', 1, 1),
    (900002, 'w', 'rooms', '2026-07-03 08:00+00', 2, 1);
INSERT INTO chat.conversation SELECT 900100 + n, 'w', 'rooms',
    '2026-05-20 10:00+00'::timestamptz + n / 30 * interval '5 days' + n % 30 * interval '170 milliseconds',
    n % 50 + 1, 1
    FROM generate_series(0, 149) n;
INSERT INTO chat.message (id, conversation_id, created_at, direction, speaker_type, text)
    SELECT 1000000 + n, 900001, '2026-01-10 08:00+00'::timestamptz + n * interval '12 hours',
        CASE WHEN n % 2 = 0 THEN 'inbound' ELSE 'outbound' END, CASE WHEN n % 2 = 0 THEN 'customer' ELSE 'bot' END,
        'r' || n || '.' FROM generate_series(0, 710) n
    UNION ALL SELECT 2000000 + n, 900002, '2026-06-29 08:00+00'::timestamptz + n * interval '1 day', 'inbound',
        'customer', 'i' || n || '.' FROM generate_series(0, 3) n
    UNION ALL SELECT 3000000 + n * 10 + j, 900100 + n, '2026-05-20 10:00+00'::timestamptz + n / 30 * interval '5 days'
        + n % 30 * interval '170 milliseconds' + j * n % 5 * interval '9 days', 'inbound',
        CASE WHEN j % 2 = 0 THEN 'customer' ELSE 'agent' END, 'd' || n || '_' || j || '.'
        FROM generate_series(0, 149) n, generate_series(0, 4) j WHERE n % 7 > 0;
CREATE TABLE chat.note (id bigint, conversation_id bigint, created_at timestamptz, author text, text text);
CREATE TABLE chat.event (id bigint, conversation_id bigint, created_at timestamptz, kind text);
CREATE TABLE chat.skill_run (conversation_id bigint, created_at timestamptz, name text);
INSERT INTO chat.note SELECT n, 900001, '2026-01-10 09:00+00'::timestamptz + n * interval '9 days', 'Ada', 'n' || n
    FROM generate_series(0, 37) n;
INSERT INTO chat.event SELECT n, 900001, '2026-01-10 09:00+00'::timestamptz + n * interval '7 days', 'e' || n
    FROM generate_series(0, 50) n;
INSERT INTO chat.skill_run SELECT 900001, '2026-01-10 09:00+00'::timestamptz + n * interval '8 days', 's' || n
    FROM generate_series(0, 40) n;
CREATE INDEX ON chat.note (conversation_id, created_at);
ANALYZE chat.conversation; ANALYZE chat.message;
"""
JUNE = ("2026-06-01", "2026-07-01")
FORMS = {
    "csv entries": {"format": "csv"},
    "csv single": {"format": "csv", "files": "single"},
    "conversations single": {"format": "csv", "layout": "conversations", "files": "single"},
    "leads single": {"format": "csv", "layout": "leads", "files": "single"},
    "json single": {"format": "json", "include": ["messages", "notes", "events", "skills"]},
    "ndjson chunks": {"format": "ndjson", "files": "chunks"},
    "html single": {"format": "html", "files": "single"},
    "html entries": {"format": "html", "files": "per_conversation"},
}


def add(database, form, span=JUNE, **columns):
    """`form` is a name of FORMS, or members of a specification."""
    wanted = {"select": {"channel_id": "rooms"}, "filter": {"activity": True}} | (
        FORMS[form] if isinstance(form, str) else form)
    return queue.add_job(database, "rooms", specification=json.dumps(wanted), range_from=f"{span[0]}T00:00:00Z",
                         range_to=f"{span[1]}T00:00:00Z", start_date=span[0], **{"as_of": AS_OF} | columns)


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 50})
    database.execute(SOURCE)


def expected(database, span=JUNE, as_of=AS_OF):
    """Of each conversation the texts of its messages in the range, in the archive's order."""
    rows = database.execute(
        "SELECT c.id::text, m.text FROM chat.conversation c JOIN chat.message m ON m.conversation_id = c.id"
        " WHERE c.channel_id = 'rooms' AND m.created_at >= %s::date::timestamp AT TIME ZONE 'UTC'"
        " AND m.created_at < %s::date::timestamp AT TIME ZONE 'UTC' AND m.created_at <= %s AND c.created_at <= %s"
        " ORDER BY c.created_at, c.id, m.created_at, m.id", [*span, as_of, as_of])
    found = {}
    for conversation, text in rows:
        found.setdefault(conversation, []).append(text)
    return found


@pytest.fixture(scope="module")
def whole(program, database, folder, local):
    """Bytes and counts of June in each form, by one thread in one piece."""
    with Crew(program, folder, local, workers=1, s3_equal_parts="on", chunk=70):
        jobs = {form: add(database, form) for form in FORMS}
        done = {form: queue.finished(database, job_id) for form, job_id in jobs.items()}
    return {form: (queue.archive(local, found), found) for form, found in done.items()}


def entries(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {info.filename: archive.read(info).decode() for info in archive.infolist()}


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_june_is_what_was_written_in_june(database, whole):
    wanted = expected(database)
    assert wanted["900001"] == [f"r{n}." for n in range(284, 344)] and wanted["900002"] == ["i0.", "i1."]
    listed = json.loads(whole["json single"][0])
    assert [one["id"] for one in listed] == list(wanted)
    assert [[message["text"] for message in one["messages"]] for one in listed] == list(wanted.values())
    room = listed[0]
    assert room["created_at"].startswith("2026-01-10T08:00:00")
    for kind, name in ("notes", "text"), ("events", "kind"), ("skills", "name"):
        relation = {"notes": "note", "events": "event", "skills": "skill_run"}[kind]
        assert [row[name] for row in room[kind]] == [value for value, in database.execute(
            f"SELECT {name} FROM chat.{relation} WHERE created_at >= '2026-06-01 00:00+00'"
            " AND created_at < '2026-07-01 00:00+00' ORDER BY created_at")] != []


def test_each_format_holds_the_same(database, whole):
    wanted = expected(database)
    for form, (_, found) in whole.items():
        assert (found.conversations, found.messages) == (len(wanted), sum(map(len, wanted.values()))), form
    table = rows(whole["csv single"][0].decode())
    assert [(row["conversation_id"], row["message_text"]) for row in table] == [
        (conversation, text) for conversation, texts in wanted.items() for text in texts]
    assert [[row["message_text"] for row in rows(text)] for text in entries(whole["csv entries"][0]).values()] \
        == list(wanted.values())
    lines = [json.loads(line) for text in entries(whole["ndjson chunks"][0]).values() for line in text.splitlines()]
    assert [[message["text"] for message in one["messages"]] for one in lines] == list(wanted.values())
    table = rows(whole["conversations single"][0].decode())
    assert [(row["conversation_id"], int(row["message_count"]), row["first_message"], row["last_message"])
            for row in table] == [(key, len(texts), texts[0], texts[-1]) for key, texts in wanted.items()]
    assert [(row["conversation_id"], int(row["message_count"])) for row in rows(whole["leads single"][0].decode())] \
        == [(key, len(texts)) for key, texts in wanted.items()]


def test_pages_tell_the_range_and_count_what_they_hold(database, whole):
    wanted = expected(database)
    page = Page(whole["html single"][0].decode())
    assert [len(one.rows) for one in page.conversations] == list(map(len, wanted.values()))
    assert number(page.figures["Messages"]) == sum(map(len, wanted.values()))
    assert number(page.figures["Conversations"]) == len(wanted)
    assert sum(numbers[-1] for numbers in page.numbers("days").values()) == sum(map(len, wanted.values()))
    assert page.about["Only"] == "messages of the time range"
    assert page.about["Time range"] == "2026-06-01 to 2026-06-30 (UTC)"
    files = [text for name, text in entries(whole["html entries"][0]).items() if name != "index.html"]
    assert [[text for row in Page(file).conversations[0].rows for text in row.texts] for file in files] \
        == list(wanted.values())


def test_transcripts(program, database, folder, local):
    """Of two days, since each is a file to be set."""
    span = ("2026-07-01", "2026-07-03")
    wanted = expected(database, span)
    with Crew(program, folder, local):
        found = queue.finished(database, add(database, {"format": "pdf"}, span))
    with zipfile.ZipFile(io.BytesIO(queue.archive(local, found))) as archive:
        texts = [pdf.text(pdf.saved(folder, archive.read(info))) for info in archive.infolist()]
    assert [re.findall(r"^[rdi][\d_]+\.$", text, re.M) for text in texts] == list(wanted.values())


def test_names_and_times_are_the_conversations(whole):
    with zipfile.ZipFile(io.BytesIO(whole["csv entries"][0])) as archive:
        infos = archive.infolist()
    assert infos[0].filename == "Contact 1--2026-01-10_080000--Line rooms (+12025550123).csv"
    assert infos[0].date_time == (2026, 1, 10, 8, 0, 0)
    assert len({info.filename for info in infos}) == len(infos)


def test_months_are_apart_and_together_all_there_is(program, database, folder, local):
    """Each message is in one month, of a room of years as of a conversation that was taken up again."""
    borders = [f"2026-{month:02}-01" for month in range(1, 13)] + ["2027-01-01"]
    spans = list(zip(borders, borders[1:]))
    seen = []
    with Crew(program, folder, local, page=7, giant=50, cuts=20):
        jobs = [(span, add(database, "csv single", span)) for span in spans]
        for span, job_id in jobs:
            found = queue.finished(database, job_id)
            texts = [row["message_text"] for row in rows(queue.archive(local, found).decode())]
            assert texts == [text for part in expected(database, span).values() for text in part], span
            seen += texts
    assert sorted(seen) == sorted(text for text, in database.execute(
        "SELECT text FROM chat.message WHERE created_at <= %s", [AS_OF]))
    assert sum(text.startswith("r") for text in seen) == 689


def test_what_was_written_after_the_order_is_not_in_it(program, database, folder, local):
    early = "2026-06-10T12:00:00Z"
    with Crew(program, folder, local):
        found = queue.finished(database, add(database, "csv single", as_of=early))
    texts = [row["message_text"] for row in rows(queue.archive(local, found).decode())]
    assert texts == [text for part in expected(database, as_of=early).values() for text in part]


def test_a_range_of_silence_finds_nothing_and_says_so(program, database, folder, local):
    with Crew(program, folder, local):
        found = queue.finished(database, add(database, "csv entries", ("2025-06-01", "2025-07-01")))
    [(name, text)] = entries(queue.archive(local, found)).items()
    assert name == "nothing-found.txt" and "Only: messages of the time range" in text.splitlines()


def test_the_same_bytes_however_it_was_cut(program, database, folder, local, whole):
    chance = random.Random(SEED)
    for turn in range(2):
        tuning = draw(chance, turn % 2 == 0, [2, 7, 30], [3, 20])
        with Crew(program, folder, local, chunk=70, **tuning) as crew:
            jobs = [(form, add(database, form)) for form in chance.sample(list(FORMS), 2)]
            for form, job_id in jobs:
                assert queue.archive(local, queue.finished(database, job_id)) == whole[form][0], (form, tuning)
            assert crew.stop()["split"] > 0


def test_the_same_bytes_after_deaths_and_stalls(program, database, folder, local, whole):
    with Turmoil(program, folder, local, random.Random(SEED + 2), chunk=70) as crews:
        jobs = [(form, add(database, form)) for form in FORMS]
        for _ in range(2):
            crews.turn()
        for form, job_id in jobs:
            assert queue.archive(local, queue.finished(database, job_id, 90)) == whole[form][0], form


def test_the_same_bytes_by_last_message_at(program, database, folder, local, whole):
    database.execute("ALTER TABLE chat.conversation ADD COLUMN last_message_at timestamptz;"
                     "UPDATE chat.conversation c SET last_message_at = (SELECT max(m.created_at) FROM chat.message m"
                     " WHERE m.conversation_id = c.id)")
    try:
        with Crew(program, folder, local, chunk=70, page=30):
            for form in ("json single", "csv entries", "html single"):
                found = queue.finished(database, add(database, form))
                assert queue.archive(local, found) == whole[form][0], form
    finally:
        database.execute("ALTER TABLE chat.conversation DROP COLUMN last_message_at")
