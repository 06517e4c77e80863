"""P10: media from a server that takes its time, by one worker thread, beside fetching them one after the other."""

import http.client
import statistics
import sys
import time
import zipfile

from tests.lib.large_source import CHANNELS
from tests.lib.measure import peak_rss
from tests.lib.process import Process, free_port, port_answers

from . import slow_media
from .report import show

SIZE, MILLISECONDS = 200_000, 50
ATTACHMENTS = """
CREATE TABLE chat.attachment (id bigint PRIMARY KEY, message_id uuid NOT NULL, conversation_id uuid NOT NULL,
    url text NOT NULL, file_name text, content_type text, size bigint);
INSERT INTO chat.attachment
    SELECT row_number() OVER (ORDER BY c.created_at, c.id, m.created_at, m.id), m.id, m.conversation_id,
        'http://127.0.0.1:{port}/' || row_number() OVER (ORDER BY c.created_at, c.id, m.created_at, m.id) || '.png'
    FROM chat.message AS m JOIN chat.conversation AS c ON c.id = m.conversation_id WHERE c.channel_id = '{channel}';
CREATE INDEX ON chat.attachment (conversation_id, message_id);
ANALYZE chat.attachment;
"""


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    data = connection.getresponse().read()
    connection.close()
    return data


def one_after_the_other(port, count):
    """Seconds for each of a few fetches over a kept connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    start = time.monotonic()
    for n in range(count):
        connection.request("GET", f"/{n}.png")
        assert len(connection.getresponse().read()) == SIZE
    connection.close()
    return (time.monotonic() - start) / count


def wrong(path, count):
    """How many of the media are missing, out of order or have other bytes in the archive."""
    faults, expected = 0, 1
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.startswith("media/") and name != "media/errors.csv"]
        for name in names:
            data = archive.read(name)
            faults += data != slow_media.body(expected, SIZE)
            expected += 1
    return faults + abs(count - len(names))


def measure(house, report):
    count, port = house.sizes.media, free_port()
    source = house.source(max(1, count // 25), min(25, count), f"source_media_{count}")
    count = source.value("SELECT count(*) FROM chat.message AS m JOIN chat.conversation AS c"
                         " ON c.id = m.conversation_id WHERE c.channel_id = %s", [CHANNELS["large"]])
    source.execute("DROP TABLE IF EXISTS chat.attachment;" + ATTACHMENTS.format(port=port, channel=CHANNELS["large"]))
    here = house.installation(source)
    server = Process([sys.executable, "-B", slow_media.__file__, str(port), str(SIZE), str(MILLISECONDS)],
                     house.folder / "media.log")
    try:
        server.wait_ready(lambda: port_answers(port))
        serial = one_after_the_other(port, min(40, count)) * count
        walls, peaks = [], []
        for _ in range(house.sizes.loads):
            with here.service("file", workers=1, media_allow=f"127.0.0.1:{port}") as service:
                ended = here.export(service, include=["messages", "media"])
                walls.append(ended.wall)
                peaks.append(peak_rss(service.process.pid))
        most = int(get(port, "/most"))
    finally:
        server.stop()
    key = here.database.value("SELECT object_key FROM verbatim.job WHERE job_id = %s", [ended.export["export_id"]])
    report.add("P10 time", [wall / serial for wall in walls],
               f"{count} in {show(statistics.median(walls))} s, one after the other {show(serial)} s; at most "
               f"{most} at once", walls=walls, serial=serial)
    report.add("P10 memory", peaks)
    report.add("P10 wrong", [wrong(house.folder / key, count)], f"of {count}")
