"""A job's life from end to end: small path, parts, failures, hand-back, takeover."""

import csv
import io
import zipfile

import pytest

from tests.lib import queue
from tests.lib.queue import Crew


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database)
    queue.fill(database, "none", 0)
    queue.fill(database, "small", 10)
    queue.fill(database, "pages", 2500, messages=3)
    queue.fill(database, "parts", 300, messages=20, noise=120)  # about 12 MB of archive: two parts


def read(data):
    """{name: rows} of the archive, every checksum compared."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: list(csv.reader(io.StringIO(archive.read(name).decode("utf-8"), newline="")))
                for name in archive.namelist()}


@pytest.mark.parametrize("channel, conversations, messages", [
    ("none", 0, 0), ("small", 10, 100), ("pages", 2500, 7500), ("parts", 300, 6000)])
def test_every_row_arrives(program, database, folder, storage, channel, conversations, messages):
    with Crew(program, folder, storage):
        job_id = queue.add_job(database, channel)
        found = queue.finished(database, job_id)
    data = queue.archive(storage, found)
    files = read(data)
    assert (found.conversations, found.messages, found.size) == (conversations, messages, len(data))
    assert len(files) == conversations
    assert sum(len(rows) - 1 for rows in files.values()) == messages
