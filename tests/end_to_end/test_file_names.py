"""What a download is called and what it is, in any language: every format, from a directory and from S3, where the
answer leads to the store by a link of a minute."""

import csv
import io
import json
import re
import urllib.parse
import urllib.request
import zipfile

import pytest

from tests.lib import queue
from tests.lib.patience import LIMIT
from tests.lib.process import wait_until
from tests.lib.service import Service

EXPORTS = "/api/v1/workspace/w/exports"
APP = "/app/conversation-exports"
# A channel and its assistant are called alike. Letters and digits of any script stay in a file's name.
NAMES = {"arabic": ("دعم العملاء ٢٤", "دعم_العملاء_٢٤"),
         "japanese": ("日本語サポート窓口", "日本語サポート窓口"),
         "emoji": ("Fête 🎉👩‍👩‍👧 сервис", "Fête_сервис")}
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "ndjson": "application/x-ndjson"}


@pytest.fixture(scope="module")
def key(program, database):
    queue.prepare(program, database, w={})
    for number, (channel, (name, _)) in enumerate(NAMES.items(), 2):
        queue.fill(database, channel, 3, messages=2)
        database.execute("UPDATE chat.channel SET name = %s WHERE id = %s", [name, channel])
        database.execute("INSERT INTO chat.assistant VALUES (%s, 'w', %s)", [number, name])
        database.execute("UPDATE chat.conversation SET assistant_id = %s WHERE channel_id = %s", [number, channel])
    return program.key("w")


@pytest.fixture(scope="module", params=["file", "minio"])
def kept_in(request):
    return request.param


@pytest.fixture(scope="module")
def service(kept_in, program, folder, key, minio):
    """One at a time: any process with workers would take the jobs."""
    minio.make_bucket(f"names-{kept_in}")
    options = minio.options("names-minio") if kept_in == "minio" else {"storage": f"file://{folder}"}
    with Service(program, folder, env=minio.credentials(), workers=1, **options) as service:
        yield service


def finished(service, key, path, name, body):
    answer = service.request("POST", path, key, json_body=body)
    assert answer.status in (201, 202), answer.body
    path = f"{path}/{answer.json()[name]}"
    return path, wait_until(lambda: (shown := service.get(path, key).json())["status"] in ("finished", "ready")
                            and shown, "the export")


def follow(url):
    with urllib.request.urlopen(url, timeout=LIMIT) as answer:
        return answer.headers, answer.read()


def download(service, key, path, kept_in):
    """Headers and bytes of what a key gets, by way of the store if need be."""
    answer = service.get(path + "/download", key)
    if kept_in == "file":
        assert answer.status == 200, answer.body
        return answer.headers, answer.body
    assert (answer.status, answer.headers["Cache-Control"]) == (302, "no-store"), answer.body
    link = answer.headers["Location"]
    assert urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["X-Amz-Expires"] == ["3600"]
    return follow(link)


def saved_as(headers):
    """(RFC 6266) the name for clients of today, after checking the one for all others."""
    found = re.fullmatch(r"""attachment; filename="([ -~]+)"; filename\*=UTF-8''([\w.~%-]+)""",
                         headers["Content-Disposition"], re.ASCII)
    assert found, headers["Content-Disposition"]
    plain, name = found[1], urllib.parse.unquote(found[2], errors="strict")
    assert plain == "".join(each if each.isascii() else "_" for each in name)
    return name


def messages(format, body):
    if format == "csv":
        return [row["message_text"] for row in csv.DictReader(io.StringIO(body.decode(), newline=""))]
    conversations = json.loads(body) if format == "json" else [json.loads(line) for line in body.splitlines()]
    return [message["text"] for conversation in conversations for message in conversation["messages"]]


@pytest.mark.parametrize("channel", NAMES)
@pytest.mark.parametrize("format", TYPES)
def test_a_single_file_has_its_type_and_name(service, key, kept_in, format, channel):
    path, shown = finished(service, key, EXPORTS, "export_id", {
        "select": {"channel_id": channel}, "filter": {"from": "2026-04-01", "to": "2026-04-30"}, "format": format,
        "files": "single"})
    [file] = shown["files"]
    assert file["name"] == f"{NAMES[channel][1]}_2026-04_{shown['export_id'][:8]}.{format}"
    assert file["content_type"] == TYPES[format]
    for headers, body in (download(service, key, path, kept_in), follow(shown["download_url"])):
        assert (headers["Content-Type"], saved_as(headers)) == (TYPES[format], file["name"])
        assert len(body) == file["size"] and sorted(messages(format, body)) == sorted(
            f"Message {m} of {n}" for m in (1, 2) for n in (1, 2, 3))


@pytest.mark.parametrize("channel", NAMES)
def test_an_archive_and_its_entries(service, key, kept_in, channel):
    path, shown = finished(service, key, EXPORTS, "export_id", {"select": {"channel_id": channel}})
    headers, body = download(service, key, path, kept_in)
    assert headers["Content-Type"] == shown["files"][0]["content_type"] == "application/zip"
    assert saved_as(headers) == shown["files"][0]["name"] and NAMES[channel][1] in saved_as(headers)
    entries = zipfile.ZipFile(io.BytesIO(body)).namelist()
    assert len(entries) == 3 and all(NAMES[channel][0] in name for name in entries)


@pytest.mark.parametrize("number, channel", enumerate(NAMES, 2))
@pytest.mark.parametrize("format", ["csv", "json"])
def test_the_app_download(service, key, kept_in, format, number, channel):
    """By its door the link is the key's alone: from S3 the answer leads to it for a minute."""
    path, shown = finished(service, key, APP, "id", {"format": format, "agent_id": str(number), "from": "2026-04-01"})
    assert shown["download_url"].endswith(path + "/download")
    headers, body = download(service, key, path, kept_in)
    assert (headers["Content-Type"], len(body)) == (TYPES[format], shown["file_size"])
    assert saved_as(headers) == f"{NAMES[channel][1]}_2026-04_{shown['id'][:8]}.{format}"
    if format == "json":
        assert len(messages("json", body)) == 6
    else:
        rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        assert [row["channel"] for row in rows] == 3 * [NAMES[channel][0]] and shown["row_count"] == 3
