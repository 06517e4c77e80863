"""on_bad_row = list: rows that the source cannot give are left out, listed in errors.csv and told wherever one
looks."""

import csv
import io
import json
import random
import re
import zipfile

import pytest

from tests.end_to_end.conftest import file_storage
from tests.lib import queue
from tests.lib.cuts import SEED, Turmoil, draw
from tests.lib.process import wait_until
from tests.lib.queue import Crew

ERRORS = "errors.csv"
UNREADABLE = "unsupported Unicode escape sequence (SQLSTATE 22P05)"
NO_NUMBER = 'invalid input syntax for type integer: "good" (SQLSTATE 22P02)'
TIMELESS = "it has no created_at"
NOTE = "{} of the platform could not be read and {} left out: errors.csv in the archive lists them."
# Texts within JSON and ratings as they were typed, as platforms keep them.
VIEWS = """
ALTER TABLE chat.message RENAME TO post;
ALTER TABLE chat.post ALTER COLUMN created_at DROP NOT NULL;
ALTER TABLE chat.conversation RENAME TO talk;
ALTER TABLE chat.talk ADD COLUMN rating text;
CREATE VIEW chat.message AS SELECT id, conversation_id, created_at, direction,
    CASE WHEN speaker_type LIKE '{%' THEN speaker_type::json ->> 't' ELSE speaker_type END AS speaker_type,
    speaker_name,
    CASE WHEN text LIKE '{%' THEN text::json ->> 't' ELSE text END AS text, media_urls, status, sender_account
    FROM chat.post;
CREATE VIEW chat.conversation AS SELECT id, workspace_id, channel_id, created_at, contact_id, assistant_id,
    rating::integer AS csat_rating FROM chat.talk;
"""


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 50})
    queue.fill(database, "some", 300, messages=4)
    queue.fill(database, "seconds", 300, messages=4, step="170 milliseconds")  # six in each second
    queue.fill(database, "lost", 2, messages=2)
    queue.fill(database, "large", 3, messages=3)
    queue.fill(database, "untold", 30, messages=3)
    database.execute(VIEWS)
    return database


@pytest.fixture(scope="module")
def bad(database):
    """(conversation, message, reason) of each channel, in the order of the list."""
    rows = {}
    for channel in ("some", "seconds"):
        ids = [row for row, in database.execute("SELECT id FROM chat.talk WHERE channel_id = %s ORDER BY created_at",
                                                [channel])]
        found = []
        for place, which in ((0, [1]), (9, [0, 2, 3]), (8, [2]), (151, [0, 1, 2, 3]), (299, [3])):
            messages = [row for row, in database.execute("SELECT id FROM chat.post WHERE conversation_id = %s"
                                                         " ORDER BY created_at", [ids[place]])]
            for number in which:
                timeless = number == 2
                database.execute("UPDATE chat.post SET created_at = NULL WHERE id = %s" if timeless else
                                 """UPDATE chat.post SET text = '{"t": "\\u0000"}' WHERE id = %s""", [messages[number]])
                found.append((place, str(messages[number]), TIMELESS if timeless else UNREADABLE))
        for place in (6, 7, 70, 71):
            database.execute("UPDATE chat.talk SET rating = 'good' WHERE id = %s", [ids[place]])
        rows[channel] = [(str(ids[place]), message, reason) for place, message, reason in sorted(found)]
        rows[channel, "rated"] = [(str(ids[place]), message, reason) for place, message, reason in sorted(
            found + [(place, "", NO_NUMBER) for place in (6, 7, 70, 71)])]
    database.execute("UPDATE chat.talk SET rating = 'good' WHERE channel_id = 'lost'")
    return rows


def specification(channel, **members):
    return {"specification": json.dumps({"select": {"channel_id": channel}} | members)}


def export(program, database, folder, storage, channel, members, **options):
    with Crew(program, folder, storage, on_bad_row="list", **options):
        job_id = queue.add_job(database, channel, **specification(channel, **members))
        found = queue.finished(database, job_id)
    return job_id, queue.archive(storage, found)


def table(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        head, *rows = csv.reader(io.StringIO(archive.read(ERRORS).decode(), newline=""))
    assert head == ["conversation_id", "message_id", "reason"]
    return [tuple(row) for row in rows]


def facts(database, job_id):
    return database.execute("SELECT bad_rows, incomplete, conversations, messages FROM verbatim.job WHERE job_id = %s",
                            [job_id])[0]


def test_the_rows_are_listed_and_all_others_are_there(program, database, folder, local, bad):
    job_id, data = export(program, database, folder, local, "some", {})
    assert table(data) == bad["some"]
    assert facts(database, job_id) == (10, NOTE.format("10 rows", "were"), 300, 1190)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist()[-1] == ERRORS and len(archive.namelist()) == 301
        rows = [row for name in archive.namelist() if name != ERRORS
                for row in csv.DictReader(io.StringIO(archive.read(name).decode(), newline=""))]
    lost = {message for _, message, _ in bad["some"]}
    ids = {str(row) for row, in database.execute("SELECT p.id FROM chat.post p JOIN chat.talk t"
                                                 " ON t.id = p.conversation_id WHERE t.channel_id = 'some'")}
    assert {row["message_id"] for row in rows} == ids - lost and len(rows) == 1190


def test_fail_is_the_default_and_names_the_row(program, database, folder, local, bad):
    with Crew(program, folder, local):
        found = queue.wait_end(database, queue.add_job(database, "some"))
    assert found.status == "failed" and f"message {bad['some'][0][1]}: " in found.error
    assert "22P05" in found.error


@pytest.mark.parametrize("channel, form", [("seconds", {}), ("some", {"format": "ndjson", "files": "chunks"})],
                         ids=str)
def test_the_same_bytes_however_it_was_cut(program, database, folder, local, bad, channel, form):
    chance = random.Random(SEED)
    expected = export(program, database, folder, local, channel, form, workers=1, s3_equal_parts="on", chunk=7)[1]
    assert table(expected) == bad[(channel, "rated") if form else channel]
    split = 0
    for number in range(3):
        tuning = draw(chance, number % 2 == 0, [2, 7, 30], [3, 20]) | {"chunk": 7}
        with Crew(program, folder, local, on_bad_row="list", log_level="info", **tuning) as crew:
            job_id = queue.add_job(database, channel, **specification(channel, **form))
            found = queue.finished(database, job_id)
            assert queue.archive(local, found) == expected, (SEED, number, tuning)
            split += crew.stop()["split"]
        assert facts(database, job_id)[0] == len(table(expected))
    assert split > 2


def test_the_same_bytes_when_processes_die(program, database, folder, local, bad):
    chance = random.Random(SEED)
    expected = export(program, database, folder, local, "some", {}, workers=1, s3_equal_parts="on")[1]
    with Turmoil(program, folder, local, chance, on_bad_row="list") as turmoil:
        jobs = [queue.add_job(database, "some") for _ in range(4)]
        for _ in range(2):
            turmoil.turn()
        for job_id in jobs:
            assert queue.archive(local, queue.finished(database, job_id, 120)) == expected
            assert facts(database, job_id)[0] == len(bad["some"])


def test_every_format_of_an_archive_lists_them(program, database, folder, local, bad, tmp_path):
    forms = [{"format": "json", "files": "chunks"}, {"format": "html", "files": "per_conversation"}, {"format": "pdf"},
             {"format": "html", "files": "chunks"}, {"format": "xlsx", "files": "chunks"},
             {"layout": "conversations", "files": "chunks"}, {"layout": "leads", "files": "chunks"}]
    with Crew(program, folder, local, on_bad_row="list"):
        jobs = [queue.add_job(database, "some", **specification("some", **form)) for form in forms]
        found = [queue.finished(database, job_id) for job_id in jobs]
    for form, job in zip(forms, found):
        data = queue.archive(local, job)
        assert set(bad["some"]) <= set(table(data)) <= set(bad["some", "rated"])
        (tmp_path / "archive.zip").write_bytes(data)
        assert program.run("verify", tmp_path / "archive.zip").returncode == 0
        if form.get("format") == "html":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                assert ERRORS in archive.read("index.html").decode()


def test_a_row_too_large_is_listed(program, database, folder, local):
    """One that no file may hold, and one that only JSON writes in six times its bytes."""
    rows = database.execute("SELECT t.id, p.id FROM chat.post p JOIN chat.talk t ON t.id = p.conversation_id"
                            " WHERE t.channel_id = 'large' ORDER BY t.created_at, p.created_at")
    (first, huge), (_, control) = rows[1], rows[2]
    database.execute("UPDATE chat.post SET text = repeat('x', 68000000) WHERE id = %s", [huge])
    database.execute("UPDATE chat.post SET text = repeat(chr(1), 23000000) WHERE id = %s", [control])
    form = {"format": "json", "files": "chunks"}
    job_id, data = export(program, database, folder, local, "large", form)
    assert table(data) == sorted([(str(first), str(huge), "too large for one row"),
                                  (str(first), str(control), "too large for one row of json")])
    assert facts(database, job_id)[0] == 2 and facts(database, job_id)[3] == 7
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        [name] = [name for name in archive.namelist() if name != ERRORS]
        sent = [message["id"] for each in json.loads(archive.read(name)) for message in each["messages"]]
    assert sent == [str(message) for _, message in rows if message not in (huge, control)]
    with Crew(program, folder, local):
        found = queue.wait_end(database, queue.add_job(database, "large", **specification("large", **form)))
    assert found.status == "failed"
    assert found.error == (f"conversation {first}, message {control}: too large for one row: written it has more than"
                           " 135266304 bytes")


def test_numbers_of_rows_that_cannot_be_counted(program, database, folder, local):
    """The statistics at the head of a file for people: of all conversations but those that fail them."""
    ids = [row for row, in database.execute("SELECT id FROM chat.talk WHERE channel_id = 'untold' ORDER BY created_at")]
    odd = [database.value("SELECT min(id) FROM chat.post WHERE conversation_id = %s", [ids[place]])
           for place in (0, 7, 29)]
    database.execute("""UPDATE chat.post SET speaker_type = '{"t": "\\u0000"}' WHERE id = ANY (%s)""", [odd])
    job_id, data = export(program, database, folder, local, "untold", {"format": "html", "files": "per_conversation"})
    assert [row[1:] for row in table(data)] == [(str(message), UNREADABLE) for message in odd]
    assert facts(database, job_id)[2:] == (30, 87)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert re.findall(r"<dt>Conversations</dt><dd>(\d+)", archive.read("index.html").decode()) == ["27", "27"]
    with Crew(program, folder, local):
        found = queue.wait_end(database, queue.add_job(database, "untold", **specification("untold", format="html")))
    assert found.status == "failed" and f"conversation {ids[0]}" in found.error


def test_where_nothing_else_is_left_the_list_says_so(program, database, folder, local, bad):
    """It is not the archive that says that nothing was found."""
    job_id, data = export(program, database, folder, local, "lost", {"format": "ndjson", "files": "chunks"})
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == [ERRORS]
    assert [(message, reason) for _, message, reason in table(data)] == [("", NO_NUMBER)] * 2
    assert facts(database, job_id) == (2, NOTE.format("2 rows", "were"), 0, 0)


def test_a_file_without_an_archive_has_no_place_for_the_list(program, database, folder, local, bad):
    with Crew(program, folder, local, on_bad_row="list"):
        found = queue.wait_end(database, queue.add_job(database, "some", **specification(
            "some", layout="leads", files="single")))
    assert found.status == "failed" and found.error.startswith("conversation ") and "22P02" in found.error


def test_it_is_told_wherever_one_looks(program, database, make_service, smtp, bad):
    service = make_service(workers=1, on_bad_row="list", smtp_url=smtp.url, mail_from="export@verbatim.example")
    key = program.key("w")
    job = service.export("w", key, channel_id="some", start_date="2026-04-01", end_date="2026-04-30",
                         notification_email="ann@example.com")
    note = NOTE.format("10 rows", "were")
    assert (job["status"], job["bad_rows"], job["incomplete"]) == ("finished", 10, note)
    native = service.get(f"/api/v1/workspace/w/exports/{job['export_job_id']}", key).json()
    assert (native["bad_rows"], native["incomplete"]) == (10, note)
    wait_until(lambda: smtp.mails, "the mail")
    for part in smtp.mails[0].message.walk():
        if not part.is_multipart():
            assert note in " ".join(part.get_payload(decode=True).decode().split())
    assert service.figures(program.key("w", scope="metrics"))["verbatim_bad_rows_total"] == "10"
    assert "finished without 10 rows that the source could not give" in service.log()


def test_direct_answers_fail_as_they_did(program, make_service, bad):
    """They have no place for a list either; an answer that is not whole must not look so."""
    service = make_service(workers=0, on_bad_row="list")
    key = program.key("w")
    conversation = bad["some"][0][0]
    answer = service.get(f"/v1/conversations/{conversation}/export?format=json", key)
    assert answer.status >= 400, answer
