"""Exports with media, without an HTTP door: attachments in a source, jobs that ask for them, archives read back."""

import csv
import io
import json
import zipfile

from . import queue
from .queue import Crew

TABLES = """
CREATE TABLE chat.attachment (id bigint PRIMARY KEY, message_id bigint NOT NULL, conversation_id bigint NOT NULL,
    url text NOT NULL, file_name text, content_type text, size bigint);
CREATE INDEX ON chat.attachment (conversation_id, message_id);
"""
ERRORS = "media/errors.csv"
HEADER = ["conversation_id", "message_id", "attachment_id", "media_url", "entry", "reason"]


def prepare(program, database):
    """The source of tests.lib.queue with attachments, and its workspace w."""
    queue.prepare(program, database, w={"max_running": 50})
    database.execute(TABLES)
    database.execute("CREATE SEQUENCE chat.next_attachment")


def attach(database, channel, urls, **columns):
    """One attachment a message, in the messages' order, as far as the URLs go. Returns the ids of the attachments."""
    names = ["url", *columns]
    return [number for number, in database.execute(
        f"""
        INSERT INTO chat.attachment (id, message_id, conversation_id, {", ".join(names)})
        SELECT nextval('chat.next_attachment'), m.id, m.conversation_id, {", ".join(["u.url", *columns.values()])}
        FROM unnest(%s::text[]) WITH ORDINALITY AS u(url, place)
        JOIN (SELECT m.id, m.conversation_id,
                  row_number() OVER (ORDER BY c.created_at, c.id, m.created_at, m.id) AS place
              FROM chat.message AS m JOIN chat.conversation AS c ON c.id = m.conversation_id
              WHERE c.channel_id = %s) AS m USING (place)
        ORDER BY u.place RETURNING id""", [urls, channel])]


def add(database, channel, as_of="2027-06-01T00:00:00Z", **specification):
    whole = {"select": {"channel_id": channel}, "include": ["messages", "customer", "tags", "media"]} | specification
    return queue.add_job(database, channel, specification=json.dumps(whole), as_of=as_of)


def read(data):
    """(name: ZipInfo, name: bytes), in the archive's order; every CRC is checked."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        infos = {info.filename: info for info in archive.infolist()}
        assert len(infos) == len(archive.infolist())
        return infos, {name: archive.read(name) for name in infos}


def rows(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))


def errors(contents):
    table = rows(contents[ERRORS])
    assert table[0] == HEADER
    return [dict(zip(HEADER, row)) for row in table[1:]]


def counts(database, job_id):
    [found] = database.execute("SELECT media, media_failed FROM verbatim.job WHERE job_id = %s", [job_id])
    return found


def export(program, database, folder, storage, channel, specification=None, **options):
    """One export by a crew of its own: (job id, infos, contents)."""
    with Crew(program, folder, storage, **options):
        job_id = add(database, channel, **(specification or {}))
        found = queue.finished(database, job_id)
    return job_id, *read(queue.archive(storage, found))
