"""HTML archives of several files: what is in each, the page that leads to them, media beside them."""

import io
import json
import urllib.parse
import zipfile

import pytest

from tests.lib import queue
from tests.lib.html_archive import Page, number
from tests.lib.measure import peak_rss
from tests.lib.media_server import MediaServer, medium
from tests.lib.process import SANITIZED
from tests.lib.queue import Crew

CHUNK = 20


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 50})
    database.execute("""
        CREATE TABLE chat.attachment (id bigint PRIMARY KEY, message_id bigint NOT NULL,
            conversation_id bigint NOT NULL, url text NOT NULL, file_name text, content_type text, size bigint);
        CREATE INDEX ON chat.attachment (conversation_id, message_id);
        ALTER TABLE chat.conversation ADD COLUMN summary text""")
    queue.fill(database, "none", 0)
    queue.fill(database, "plain", 45, messages=2)
    database.execute("UPDATE chat.conversation SET summary = 'About <' || id || '>' WHERE id % 2 = 0")
    database.execute("UPDATE chat.contact SET name = 'Jane #' || id || '? 100% <b>' WHERE id % 3 = 0")


@pytest.fixture(scope="module")
def server():
    with MediaServer() as running:
        yield running


def export(program, database, folder, storage, channel="plain", files="chunks", include=None, **options):
    specification = {"select": {"channel_id": channel}, "format": "html", "files": files}
    specification |= {"include": include} if include else {}
    with Crew(program, folder, storage, chunk=CHUNK, **options):
        job_id = queue.add_job(database, channel, specification=json.dumps(specification))
        found = queue.finished(database, job_id)
    with zipfile.ZipFile(io.BytesIO(queue.archive(storage, found))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def ids_of(database, channel="plain"):
    return [f"c-{number}" for number, in database.execute(
        "SELECT id FROM chat.conversation WHERE channel_id = %s ORDER BY created_at, id", [channel])]


def links(page):
    return [urllib.parse.unquote(link.attributes["href"]) for link in page.root.one("ol", "files").all("a")]


@pytest.mark.parametrize("files, count", [("chunks", 3), ("per_conversation", 45)])
@pytest.mark.parametrize("tuning", [{}, {"page": 4, "cuts": 6}])
def test_the_last_entry_leads_to_all_files(program, database, folder, storage, files, count, tuning):
    found = export(program, database, folder, storage, files=files, **tuning)
    *names, last = found
    assert last == "index.html" and len(names) == count
    index = Page(found[last])
    assert links(index) == names  # in the archive's order, and each can be reached
    assert number(index.figures["Conversations"]) == 45 and number(index.figures["Messages"]) == 90
    pages = [Page(found[name]) for name in names]
    assert [one.id for page in pages for one in page.conversations] == ids_of(database)
    for page in pages:
        # Numbers stand only where all that they count follows; the head is the same otherwise.
        assert not page.figures and "Messages" not in page.about
        assert page.about == {name: value for name, value in index.about.items()
                              if name not in ("Conversations", "Messages")}
        assert page.root.one("p", "up").one("a").attributes["href"] == "index.html"
        assert page.root.one("html").attributes["lang"] == "en"
        assert "default-src 'none'" in next(
            meta.attributes["content"] for meta in page.root.all("meta")
            if meta.attributes.get("http-equiv") == "Content-Security-Policy")


def test_nothing_to_export_is_a_text_that_says_so(program, database, folder, storage):
    found = export(program, database, folder, storage, "none")
    assert list(found) == ["nothing-found.txt"] and b"Nothing was found" in found["nothing-found.txt"]


def test_summaries_stand_where_there_are_some(program, database, folder, local):
    found = export(program, database, folder, local)
    for one in (one for name in list(found)[:-1] for one in Page(found[name]).conversations):
        own = int(one.id[2:])
        summary = one.node.one("p", "sum")
        assert (summary.text.strip() if summary else None) == (f"About <{own}>" if own % 2 == 0 else None)


@pytest.mark.parametrize("files", ["chunks", "per_conversation"])
def test_media_are_reached_from_where_the_file_lies(program, database, folder, storage, server, files):
    channel = queue.fill(database, f"media {storage.name} {files}", 3, messages=2)
    kinds = [("/1.png", "a picture, #1?.png", "image/png"), ("/2.wav", "call 100%.wav", "audio/wav"),
             ("/3.mp3", None, "application/octet-stream"), ("/4.png", "sunset.png", None)]
    messages = database.execute("SELECT m.id, m.conversation_id FROM chat.message AS m JOIN chat.conversation AS c"
                                " ON c.id = m.conversation_id WHERE c.channel_id = %s"
                                " ORDER BY c.created_at, c.id, m.created_at, m.id", [channel])
    for place, ((path, name, kind), (message, conversation)) in enumerate(zip(kinds, messages)):
        database.execute("INSERT INTO chat.attachment VALUES (%s, %s, %s, %s, %s, %s)",
                         [message * 10 + place, message, conversation, server.url + path, name, kind])
    found = export(program, database, folder, storage, channel, files, ["messages", "customer", "media"],
                   media_allow=server.allow)
    pages = [Page(data) for name, data in found.items() if name.endswith(".html") and name != "index.html"]
    lists = [item for page in pages for item in page.root.all("ul", "media")]
    assert len(lists) == 4
    for (path, name, _), shown in zip(kinds, lists):
        entry, source = [link.attributes["href"] for link in shown.all("a")]
        assert source == server.url + path
        assert found[urllib.parse.unquote(entry)] == medium(path)[1]
        assert shown.one("a").text == (name or "file")
        player = shown.one("img") or shown.one("audio")
        assert (player.attributes["src"] if player else None) == (None if path == "/3.mp3" else entry)
        assert (player.name if player else None) == {"/2.wav": "audio", "/3.mp3": None}.get(path, "img")
    assert [name for name in found if name.startswith("media/")] and list(found)[-1] == "index.html"
    assert [name for name in links(Page(found["index.html"])) if "/" in name] == []


@pytest.mark.skipif(SANITIZED, reason="measures memory")
def test_memory_does_not_grow_with_the_conversation(program, database, folder, local):
    """One of 60,000 messages against one of 300, both with statistics and a head."""
    peaks = []
    for channel, messages in (("short", 300), ("giant", 60000)):
        queue.fill(database, channel, 1, messages=messages, noise=4)
        specification = json.dumps({"select": {"channel_id": channel}, "format": "html"})
        with Crew(program, folder, local, workers=1) as crew:
            found = queue.finished(database, queue.add_job(database, channel, specification=specification))
            peaks.append(peak_rss(crew.process.pid))
        assert found.messages == messages
    page = queue.archive(local, found)
    assert page.count(b"\n<li class=in id=m-") == 60000 and b"<dd>60,000</dd>" in page
    assert peaks[1] < peaks[0] + 48, peaks
