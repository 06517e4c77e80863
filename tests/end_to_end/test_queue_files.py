"""One raw file, files of many conversations, an entry for each: what is in them, and the same bytes however cut."""

import csv
import datetime
import io
import json
import random
import struct
import zipfile
import zlib

import pytest

from tests.lib import queue, workbook
from tests.lib.cuts import ROUNDS, SEED, Turmoil, draw
from tests.lib.process import wait_until
from tests.lib.queue import Crew

CHUNK = 70
CHANNELS = ("plain", "seconds", "giants")

# format, layout, files
FORMS = {
    "csv single": {"format": "csv", "files": "single"},
    "csv semicolons": {"format": "csv", "files": "single", "delimiter": ";", "csv_quote": "all",
                       "byte_order_mark": True},
    "csv chunks": {"format": "csv", "files": "chunks"},
    "conversations single": {"format": "csv", "layout": "conversations", "files": "single"},
    "leads chunks": {"format": "csv", "layout": "leads", "files": "chunks"},
    "xlsx single": {"format": "xlsx"},
    "xlsx chunks": {"format": "xlsx", "files": "chunks"},
    "xlsx entries": {"format": "xlsx", "layout": "leads", "files": "per_conversation"},
    "json single": {"format": "json", "files": "single"},
    "json chunks": {"format": "json", "files": "chunks"},
    "json entries": {"format": "json", "files": "per_conversation"},
    "ndjson single": {"format": "ndjson", "files": "single"},
    "ndjson chunks": {"format": "ndjson", "files": "chunks"},
    "pdf entries": {"format": "pdf", "files": "per_conversation"},
    "html single": {"format": "html", "files": "single"},
    "html chunks": {"format": "html", "files": "chunks"},
    "html entries": {"format": "html", "files": "per_conversation"},
}


def specification(channel, form):
    return json.dumps({"select": {"channel_id": channel}} | FORMS[form])


def add(database, channel, form, **columns):
    return queue.add_job(database, channel, specification=specification(channel, form), **columns)


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 50})
    queue.fill(database, "none", 0)
    queue.fill(database, "plain", 400, messages=3)
    queue.fill(database, "seconds", 420, messages=2, step="170 milliseconds")  # six in each second
    queue.fill(database, "giants", 12, messages=400, noise=4)
    database.execute("ALTER TABLE chat.conversation ADD COLUMN status text, ADD COLUMN tags text[],"
                     " ADD COLUMN audience text[], ADD COLUMN ended_at timestamptz")
    database.execute("UPDATE chat.conversation SET status = (ARRAY['open', 'closed', 'spam'])[id % 3 + 1],"
                     " tags = CASE WHEN id % 2 = 0 THEN ARRAY[(ARRAY['red', 'green', 'blue'])[id % 5 % 3 + 1]] END,"
                     " audience = CASE WHEN id % 7 = 0 THEN ARRAY['red', 'x'] END,"
                     " ended_at = CASE WHEN id % 4 > 0 THEN created_at + id * interval '1 second' END")


@pytest.fixture(scope="module")
def expected(program, database, folder, local):
    """The bytes of each channel in each form, written by one thread in one piece."""
    whole = {}
    with Crew(program, folder, local, workers=1, s3_equal_parts="on", chunk=CHUNK):
        jobs = [(channel, form, add(database, channel, form)) for channel in CHANNELS for form in FORMS]
        for channel, form, job_id in jobs:
            whole[channel, form] = queue.archive(local, queue.finished(database, job_id))
    return whole


def entries(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: (archive.read(info), info.date_time) for info in archive.infolist()}


def rows(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))


def conversation_ids(database, channel):
    return [str(number) for number, in database.execute(
        "SELECT id FROM chat.conversation WHERE channel_id = %s ORDER BY created_at, id", [channel])]


def test_a_single_csv_has_one_header_and_every_message(database, expected):
    table = rows(expected["plain", "csv single"])
    assert len(table) == 1 + 400 * 3 and table[0][0] == "message_id"
    assert [row[1] for row in table[1::3]] == conversation_ids(database, "plain")
    table = rows(expected["plain", "conversations single"])
    assert [row[0] for row in table] == ["conversation_id", *conversation_ids(database, "plain")]


def test_semicolons_and_quotes_hold_the_same_cells(expected):
    for channel in CHANNELS:
        text = expected[channel, "csv semicolons"].decode()
        assert text.startswith("\ufeff")
        text = text[1:]
        assert text.startswith('"message_id";"conversation_id";') and '";"2026-' in text
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
        assert table == rows(expected[channel, "csv single"])


def test_workbooks_hold_the_cells_of_the_tables(expected):
    for channel in CHANNELS:
        table = rows(expected[channel, "csv single"])
        assert [[cell or "" for cell in row] for row in workbook.rows(expected[channel, "xlsx single"])] == [
            [*table[0], "continued"], *([*row, ""] for row in table[1:])]
        parts = [workbook.rows(data) for data, _ in entries(expected[channel, "xlsx chunks"]).values()]
        assert [row for part in parts for row in part[1:]] == workbook.rows(expected[channel, "xlsx single"])[1:]
    found = entries(expected["plain", "xlsx entries"])
    assert len(found) == 400 and all(name.endswith("--Line plain (+12025550123).xlsx") for name in found)
    leads = [row for data, _ in entries(expected["plain", "leads chunks"]).values() for row in rows(data)[1:]]
    for (data, _), lead in zip(list(found.values())[::40], leads[::40]):
        head, row = workbook.rows(data)
        assert row[head.index("message_count")] == 3, "a number, to be added up"
        assert [str(cell or "") for cell in row[:-1]] == lead


def test_single_json_is_one_document(database, expected):
    for channel in CHANNELS:
        listed = json.loads(expected[channel, "json single"])
        assert [one["id"] for one in listed] == conversation_ids(database, channel)
        lines = expected[channel, "ndjson single"].decode().splitlines()
        assert [json.loads(line) for line in lines] == listed
    assert len(json.loads(expected["giants", "json single"])[0]["messages"]) == 400


@pytest.mark.parametrize("form, extension", [("csv chunks", "csv"), ("json chunks", "json"),
                                             ("ndjson chunks", "ndjson"), ("leads chunks", "csv")])
def test_chunks_hold_so_many_each(database, expected, form, extension):
    found = entries(expected["plain", form])
    assert list(found) == [f"conversations-{number:05}.{extension}" for number in range(1, 7)]
    ids = conversation_ids(database, "plain")
    for number, (data, at) in enumerate(found.values()):
        wanted = ids[number * CHUNK:(number + 1) * CHUNK]
        if extension == "csv":
            column = 1 if form == "csv chunks" else 0
            got = list(dict.fromkeys(row[column] for row in rows(data)[1:]))
        elif extension == "json":
            got = [one["id"] for one in json.loads(data)]
        else:
            got = [json.loads(line)["id"] for line in data.decode().splitlines()]
        assert got == wanted
        began = database.value("SELECT created_at FROM chat.conversation WHERE id = %s", [wanted[0]])
        began = began.astimezone(datetime.timezone.utc)
        assert at == (began.year, began.month, began.day, began.hour, began.minute, began.second // 2 * 2)


def test_entries_carry_the_extension_of_their_format(database, expected):
    found = entries(expected["plain", "json entries"])
    assert len(found) == 400 and all(name.endswith("--Line plain (+12025550123).json") for name in found)
    assert [json.loads(data)[0]["id"] for data, _ in found.values()] == conversation_ids(database, "plain")


@pytest.mark.parametrize("form, content_type", [
    ("csv single", "text/csv; charset=utf-8"), ("json single", "application/json"),
    ("ndjson single", "application/x-ndjson"), ("xlsx single", workbook.MIME), ("csv chunks", "application/zip")])
def test_the_finish_notes_what_the_file_is(program, database, folder, storage, form, content_type):
    with Crew(program, folder, storage, chunk=CHUNK):
        job_id = add(database, "plain", form)
        found = queue.finished(database, job_id)
    data = queue.archive(storage, found)
    name, noted, crc = database.execute("SELECT file_name, content_type, crc32 FROM verbatim.job WHERE job_id = %s",
                                        [job_id])[0]
    extension = "zip" if form.endswith("chunks") else form.split()[0]
    assert name == f"Line_plain_2026-04_{job_id[:8]}.{extension}" == found.key.rsplit("/", 1)[1]
    assert noted == content_type
    assert crc == zlib.crc32(data)
    if storage.store:
        head = storage.store.client().head_object(Bucket=storage.bucket, Key=found.key)
        assert head["ContentType"] == content_type
        assert name in head["ContentDisposition"]


NOTHING = ["Nothing was found: no conversation matches what was asked for.", "", "Channel: Line none",
           "Channel's number: +12025550123", "Time range: from 1 April 2026 to the end of 30 April 2027 (UTC)"]


@pytest.mark.parametrize("form, content", [
    ("csv single", None), ("json single", []), ("ndjson single", b""), ("xlsx single", None), ("csv chunks", NOTHING),
    ("json entries", NOTHING), ("html chunks", NOTHING)])
def test_nothing_to_export_is_a_valid_file(program, database, folder, storage, form, content):
    with Crew(program, folder, storage):
        found, again = (queue.finished(database, add(database, "none", form)) for _ in range(2))
    data = queue.archive(storage, found)
    assert found.size == len(data) and found.conversations == 0
    if form == "csv single":
        assert len(rows(data)) == 1
    elif form == "xlsx single":
        assert len(workbook.rows(data)) == 1
    elif form == "json single":
        assert json.loads(data) == content
    elif form == "ndjson single":
        assert data == content
    else:
        [(name, (text, at))] = entries(data).items()
        assert name == "nothing-found.txt" and text.decode().splitlines() == content and at[:3] == (2026, 4, 1)
        # Two exports that find nothing of the same are the same bytes.
        assert queue.archive(storage, again) == data


def test_times_are_those_of_the_workspaces_zone(program, database, folder, local):
    """As in the names; and as instants, which unpacked files get, whatever the zone of who unpacks."""
    with Crew(program, folder, local):
        data = queue.archive(local, queue.finished(database, add(database, "plain", "json entries",
                                                                 time_zone="America/St_Johns")))
    infos = zipfile.ZipFile(io.BytesIO(data)).infolist()
    began = [at for at, in database.execute(
        "SELECT created_at FROM chat.conversation WHERE channel_id = 'plain' ORDER BY created_at, id")]
    assert len(infos) == len(began) == 400
    for info, at in zip(infos, began):
        local_time = datetime.datetime(*info.date_time)
        assert info.filename.split("--")[1] == (local_time + datetime.timedelta(seconds=at.second % 2)).strftime(
            "%Y-%m-%d_%H%M%S")
        assert local_time != at.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        assert struct.unpack("<HHBi", info.extra) == (0x5455, 5, 1, int(at.timestamp()))


def names_of(program, database, folder, local, **columns):
    with Crew(program, folder, local):
        job_id = queue.add_job(database, "plain", **columns)
        return queue.finished(database, job_id).key.rsplit("/", 1)[1].replace(job_id[:8], "ID"), job_id


def test_names_without_a_channel(program, database, folder, local):
    everything = {"channel_id": None, "channel_name": None, "channel_phone": None, "channel_type": None,
                  "specification": json.dumps({"select": {"all": True}, "format": "json"})}
    assert names_of(program, database, folder, local, **everything)[0] == "all_2026-04_ID.json"
    assert names_of(program, database, folder, local, **everything, title="Ada Lovelace")[0] \
        == "Ada_Lovelace_2026-04_ID.json"
    few = json.dumps({"select": {"conversation_ids": ["1"]}, "format": "json"})
    assert names_of(program, database, folder, local, **everything | {"specification": few})[0] \
        == "conversations_2026-04_ID.json"
    # An open range is named after its end, in the workspace's zone.
    assert names_of(program, database, folder, local, **everything, range_from="0001-01-01T00:00:00Z",
                    as_of="2026-12-31T23:30:00Z", range_to="2026-12-31T23:30:00.000001Z",
                    time_zone="Europe/Berlin")[0] == "all_2027-01_ID.json"


def test_entries_of_several_channels_are_named_by_their_own(program, database, folder, local):
    with Crew(program, folder, local):
        job_id = queue.add_job(database, "plain", channel_id=None, channel_name=None, channel_phone=None,
                               channel_type=None, specification=json.dumps({"select": {"all": True}}))
        found = queue.finished(database, job_id)
    names = list(entries(queue.archive(local, found)))
    for channel, count in (("plain", 400), ("seconds", 420), ("giants", 12)):
        assert sum(f"--Line {channel} (+12025550123)" in name for name in names) == count


# What a specification says (stored form), and the same as a condition.
SELECTIONS = {
    "all": ({"select": {"all": True}}, "true"),
    "assistant": ({"select": {"assistant_id": "1"}}, "assistant_id = 1"),
    "contact": ({"select": {"contact_id": "8"}}, "contact_id = 8"),
    "everybody who is the contact": ({"select": {"contact_id": "8"}, "contact_ids": ["8", "9"]},
                                     "contact_id IN (8, 9)"),
    "ids": ({"select": {"conversation_ids": ["5", "401", "17", "999999"]}}, "id IN (5, 17, 401)"),
    "assistant and contact": ({"select": {"assistant_id": "1"}, "filter": {"contact_id": "11"}}, "contact_id = 11"),
    "contact and assistant": ({"select": {"contact_id": "11"}, "filter": {"assistant_id": "2"}}, "false"),
    "a channel of the contact": ({"select": {"contact_id": "8"}, "filter": {"channel_id": "giants"}},
                                 "contact_id = 8 AND channel_id = 'giants'"),
    "a type of channel": ({"select": {"all": True}, "filter": {"channel_type": "sms"},
                           "channel_ids": ["plain", "giants"]}, "channel_id IN ('plain', 'giants')"),
    "status": ({"select": {"all": True}, "filter": {"status": ["open", "closed"]}}, "status IN ('open', 'closed')"),
    "tags": ({"select": {"all": True}, "filter": {"tags": ["red", "blue"]}}, "tags && '{red,blue}'"),
    "completed": ({"select": {"all": True}, "filter": {"completed_only": True}}, "ended_at <= '2026-04-01 10:30+00'"),
    "audience": ({"select": {"all": True}, "audience": ["red"]}, "coalesce(audience, tags) && '{red}'"),
    "no audience": ({"select": {"all": True}, "audience": []}, "false"),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_the_line_reads_what_was_asked(program, database, folder, local, name):
    wanted, condition = SELECTIONS[name]
    expected = [str(number) for number, in database.execute(
        f"SELECT id FROM chat.conversation WHERE created_at <= '2026-04-01 10:30+00' AND {condition}"
        " ORDER BY created_at, id")]
    assert ("false" in condition) == (not expected)
    with Crew(program, folder, local, page=50, cuts=100):
        job_id = queue.add_job(database, "plain", channel_id=None, channel_name=None, channel_phone=None,
                               channel_type=None, as_of="2026-04-01T10:30:00Z",
                               specification=json.dumps({"format": "json"} | wanted))
        listed = json.loads(queue.archive(local, queue.finished(database, job_id)))
    assert [one["id"] for one in listed] == expected
    assert all(one["channel"]["name"] == f"Line {one['channel']['id']}" for one in listed)


def test_the_link_dies_with_the_retention(program, database, folder, local):
    """Counted from the creation; without one, from the finish alone."""
    with Crew(program, folder, local):
        short, long, none = (queue.add_job(database, "plain", **columns) for columns in (
            {"retention": "10 minutes"}, {"retention": "7 days"}, {}))
        for job_id in (short, long, none):
            queue.finished(database, job_id)
    assert database.value("SELECT link_expires_at = created_at + retention FROM verbatim.job WHERE job_id = %s",
                          [short])
    for job_id in (long, none):
        assert database.value("SELECT link_expires_at = finished_at + link_ttl FROM verbatim.job WHERE job_id = %s",
                              [job_id])


def test_random_cuts(program, database, folder, local, expected):
    chance = random.Random(SEED)
    split = absorbed = 0
    for number in range(ROUNDS // 5):
        tuning = draw(chance, number % 2 == 0, [1, 2, 7, 30, 400], [1, 3, 20, 150])
        forms = chance.sample(list(FORMS), 3)
        with Crew(program, folder, local, log_level="info", chunk=CHUNK, **tuning) as crew:
            jobs = [(channel, form, add(database, channel, form)) for channel in CHANNELS for form in forms]
            for channel, form, job_id in jobs:
                data = queue.archive(local, queue.finished(database, job_id, 120))
                assert data == expected[channel, form], (SEED, number, channel, form, tuning)
                assert database.value("SELECT crc32 FROM verbatim.job WHERE job_id = %s", [job_id]) == zlib.crc32(data)
            counts = crew.stop()
            split += counts["split"]
            absorbed += counts["absorbed"]
    assert split > 2 * ROUNDS and absorbed > ROUNDS / 3  # the cuts were real


def test_processes_that_die_and_stall(program, database, folder, local, expected):
    with Turmoil(program, folder, local, random.Random(SEED + 1), chunk=CHUNK) as crews:
        jobs = [(channel, form, add(database, channel, form)) for channel in CHANNELS for form in FORMS]
        for _ in range(5):
            crews.turn()
        for channel, form, job_id in jobs:
            found = queue.finished(database, job_id, 120)
            assert queue.archive(local, found) == expected[channel, form], (SEED, channel, form, job_id)


def test_rows_that_vanish_between_the_first_stretch_and_the_close(program, database, folder, local):
    """The first stretch is done again and finds nothing: the file must not begin with a separator."""
    queue.fill(database, "vanish", 60, messages=1)
    job_id = add(database, "vanish", "json single")
    with Crew(program, folder, local, page=1, cuts=5, workers=1):
        wait_until(lambda: len(queue.segments(database, job_id)) >= 4, "a few segments")
    last = database.value("SELECT high_id FROM verbatim.segment WHERE job_id = %s ORDER BY part_first LIMIT 1",
                          [job_id])
    database.execute("DELETE FROM chat.message WHERE conversation_id IN (SELECT id FROM chat.conversation"
                     " WHERE channel_id = 'vanish' AND id <= %s)", [last])
    database.execute("DELETE FROM chat.conversation WHERE channel_id = 'vanish' AND id <= %s", [last])
    queue.reopen(database, job_id, "part_first = 1")
    with Crew(program, folder, local, workers=2) as crew:
        found = queue.finished(database, job_id)
        assert "begun anew" in crew.log()
    listed = json.loads(queue.archive(local, found))
    assert [one["id"] for one in listed] == conversation_ids(database, "vanish")
    assert len(listed) == found.conversations > 0


def test_rows_that_vanish_leave_a_short_chunk(program, database, folder, local):
    queue.fill(database, "holes", 100, messages=1)
    job_id = add(database, "holes", "json chunks")
    with Crew(program, folder, local, page=1, cuts=1, workers=1, chunk=10):
        wait_until(lambda: len(queue.segments(database, job_id)) >= 3, "a few segments")
    starts = database.execute("SELECT coalesce(first_conversation, 0) FROM verbatim.segment WHERE job_id = %s"
                              " ORDER BY part_first", [job_id])
    assert [start % 10 for start, in starts] == [0] * len(starts)
    gone = conversation_ids(database, "holes")[12:16]  # of the second chunk
    database.execute("DELETE FROM chat.conversation WHERE id = ANY (%s::bigint[])", [gone])
    queue.reopen(database, job_id, "status = 'recorded'")
    with Crew(program, folder, local, chunk=10):
        found = queue.finished(database, job_id)
    files = {name: [one["id"] for one in json.loads(data)]
             for name, (data, _) in entries(queue.archive(local, found)).items()}
    assert [one for ids in files.values() for one in ids] == conversation_ids(database, "holes")
    assert len(files) == 10 and len(files["conversations-00002.json"]) == 6


@pytest.fixture(scope="module")
def large(program, database, folder, local):
    """A large export in two forms, each in one piece."""
    queue.fill(database, "large", 1200, messages=20, noise=50)
    with Crew(program, folder, local, workers=1, s3_equal_parts="on", chunk=100):
        whole = {form: queue.archive(local, queue.finished(database, add(database, "large", form)))
                 for form in ("csv single", "csv chunks")}
    assert min(len(data) for data in whole.values()) > 18 * 1024 * 1024
    return whole


def test_parts_of_a_large_file(program, database, folder, storage, large):
    """Real parts of real size; the CRC-32 of the whole comes from theirs."""
    for form, whole in large.items():
        for tuning in ({"page": 100}, {"page": 50, "cuts": 120}, {"page": 20, "numbers": 1, "units": 1, "cuts": 900}):
            with Crew(program, folder, storage, chunk=100, **tuning) as crew:
                job_id = add(database, "large", form)
                assert queue.archive(storage, queue.finished(database, job_id)) == whole, (form, tuning)
                assert crew.stop()["split"] > 0
            assert database.value("SELECT crc32 FROM verbatim.job WHERE job_id = %s", [job_id]) == zlib.crc32(whole)
