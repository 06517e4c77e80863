"""Media behind the doors that can name them: bulk exports of v1, one contact's, the native door; cancelling while a
server keeps silent."""

import io
import threading
import zipfile

import pytest

from tests.lib import door_source
from tests.lib import media_server as faults
from tests.lib import native_source as people
from tests.lib.media_server import MediaServer
from tests.lib.process import wait_until
from tests.lib.queue import CANCEL_LIMIT

pytestmark = pytest.mark.threads

EXPORTS = "/api/v1/workspace/one/exports"
ATTACHMENTS = """
CREATE TABLE chat.attachment (id uuid PRIMARY KEY, message_id uuid NOT NULL, conversation_id uuid NOT NULL,
    url text NOT NULL, file_name text, content_type text);
"""
# A recording with the first message of each conversation, a picture with the last, and one that is nowhere.
FILL = """
INSERT INTO chat.attachment SELECT md5('call' || m.id)::uuid, m.id, m.conversation_id,
    %(url)s || '/' || row_number() OVER (ORDER BY c.created_at) || '.wav', 'call.wav', 'audio/wav'
    FROM chat.message AS m JOIN chat.conversation AS c ON c.id = m.conversation_id
    WHERE m.created_at = c.created_at + interval '1 minute';
INSERT INTO chat.attachment SELECT md5('picture' || m.id)::uuid, m.id, m.conversation_id, %(url)s || '/7.png', NULL,
    'image/png' FROM chat.message AS m JOIN chat.conversation AS c ON c.id = m.conversation_id
    WHERE m.created_at = c.created_at + interval '3 minutes';
INSERT INTO chat.attachment SELECT md5('gone' || m.id)::uuid, m.id, m.conversation_id, %(url)s || '/gone', 'gone.mp3',
    'audio/mpeg' FROM chat.message AS m WHERE m.conversation_id = %(vip)s AND m.speaker_type = 'bot';
"""


@pytest.fixture(scope="module")
def server():
    with MediaServer() as running:
        running.faults["/gone"] = faults.status(404)
        yield running


@pytest.fixture(scope="module")
def keys(program, database, server):
    door_source.make_source(database)
    database.execute(ATTACHMENTS)
    for statement in FILL.split(";\n")[:3]:
        database.execute(statement, {"url": server.url, "vip": people.VIP})
    return people.make_keys(program, database)


@pytest.fixture(scope="module")
def service(keys, make_service, server):
    return make_service(workers=2, media_allow=server.allow)


def wait(service, key, path, ended):
    def look():
        answer = service.get(path, key).json()
        return answer if answer["status"] in ended else None
    return wait_until(look, f"the end of {path}")


def archive(service, url):
    answer = service.get(url.removeprefix(service.url))
    assert answer.status == 200
    with zipfile.ZipFile(io.BytesIO(answer.body)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def expect_media(files, conversations, gone):
    media = {name: data for name, data in files.items() if name.startswith("media/") and name != "media/errors.csv"}
    assert len(media) == 2 * conversations
    assert sum(data[:4] == b"RIFF" for data in media.values()) == conversations
    assert sum(data == faults.png(7) for data in media.values()) == conversations
    if gone:
        assert b"the answer was 404" in files["media/errors.csv"] and files["media/errors.csv"].count(b"\r\n") == 2
    else:
        assert "media/errors.csv" not in files


def test_recordings_are_included_in_bulk_exports(service, keys):
    """001: "Can I export audio recordings? Audio files in WAV/MP3 included in bulk export." """
    for mode, shape in (("conversations", "csv"), ("messages", "csv"), ("conversations", "json")):
        answer = service.request("POST", "/v1/conversations/export", keys["one"], json_body={
            "format": shape, "mode": mode, "fields": ["messages", "customer", "tags", "media"]})
        assert answer.status == 202, answer.body
        job = wait(service, keys["one"], f"/v1/conversations/export/{answer.json()['job_id']}", ("completed", "failed"))
        assert job["status"] == "completed", job
        files = archive(service, job["files"][0]["url"])
        assert list(files)[0] == f"conversations-00001.{shape}"
        expect_media(files, 4, True)


def test_all_that_there_is_of_a_contact(service, keys):
    answer = service.request("POST", f"/v1/contacts/{people.JANE}/export", keys["one"],
                             json_body={"format": "json", "match": "identity", "fields": ["messages", "media"]})
    job = wait(service, keys["one"], f"/v1/conversations/export/{answer.json()['job_id']}", ("completed", "failed"))
    expect_media(archive(service, job["files"][0]["url"]), 2, True)


def test_the_native_door_counts_them(service, keys):
    body = {"select": {"all": True}, "include": ["messages", "media"]}
    export = service.request("POST", EXPORTS, keys["one"], json_body=body).json()
    assert (export["media"], export["media_failed"]) == (0, 0)
    assert export["specification"]["files"] == "per_conversation"
    export = wait(service, keys["one"], f"{EXPORTS}/{export['export_id']}", ("finished", "failed"))
    assert (export["status"], export["media"], export["media_failed"]) == ("finished", 8, 1)
    expect_media(archive(service, export["download_url"]), 4, True)
    [listed] = [one for one in service.get(EXPORTS, keys["one"]).json()["exports"]
                if one["export_id"] == export["export_id"]]
    assert listed == export


def test_an_editor_gets_those_of_their_own_conversations(service, keys):
    body = {"select": {"all": True}, "include": ["messages", "media"], "format": "json"}
    export = service.request("POST", EXPORTS, keys["press"], json_body=body).json()
    assert export["specification"]["files"] == "chunks"  # media need an archive
    export = wait(service, keys["press"], f"{EXPORTS}/{export['export_id']}", ("finished", "failed"))
    assert (export["media"], export["media_failed"]) == (4, 0)
    expect_media(archive(service, export["download_url"]), 2, False)


def test_a_single_file_has_no_room_for_media(service, keys):
    body = {"select": {"all": True}, "include": ["messages", "media"], "files": "single"}
    answer = service.request("POST", EXPORTS, keys["one"], json_body=body)
    assert answer.status == 422
    [problem] = answer.json()["detail"]
    assert problem["loc"] == ["body", "include"] and "media needs an archive" in problem["msg"]


def test_cancel_does_not_wait_for_a_server(service, keys, server, database, folder):
    event = threading.Event()
    server.faults["/7.png"] = faults.stall(event)
    try:
        before = server.asked("/7.png")
        body = {"select": {"all": True}, "include": ["messages", "media"]}
        export = service.request("POST", EXPORTS, keys["one"], json_body=body).json()["export_id"]
        wait_until(lambda: server.asked("/7.png") > before, "the request")
        assert service.request("POST", f"{EXPORTS}/{export}/cancel", keys["one"]).status == 200
        # The thread is free again while the server is still silent.
        wait_until(lambda: "its work is dropped" in service.log(), "the worker to let go", CANCEL_LIMIT)
        assert not event.is_set()
        wait_until(lambda: database.value("SELECT count(*) FROM verbatim.cleanup WHERE looks = 0") == 0,
                   "the janitor's look")
        assert not [path for path in folder.rglob("*") if export in str(path) and path.is_file()]
    finally:
        event.set()
        del server.faults["/7.png"]
