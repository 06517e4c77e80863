"""Media in archives: fetched, stored beside the files that name them, the same bytes however cut; what cannot be had is
listed with its reason."""

import base64
import json
import random
import re
import signal
import ssl
import threading
import zipfile

import pytest

from tests.lib import attachments
from tests.lib import media_server as faults
from tests.lib import queue
from tests.lib.attachments import ERRORS, add, attach, counts, errors, export, read, rows
from tests.lib.cuts import SEED, Turmoil
from tests.lib.loopback_http import reset
from tests.lib.mail_sink import make_certificate
from tests.lib.measure import peak_rss
from tests.lib.media_server import MediaServer, medium
from tests.lib.patience import again_after_a_stall
from tests.lib.process import SANITIZED, wait_until
from tests.lib.queue import Crew
from tests.lib.service import Program, Service

CHUNK = 20


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    attachments.prepare(program, database)


@pytest.fixture(scope="module")
def server():
    with MediaServer() as running:
        yield running


def test_media_stand_behind_the_conversation_that_names_them(program, database, folder, storage, server):
    channel = queue.fill(database, f"kinds-{storage.name}", 3, messages=3)
    paths = ["/1.wav", "/2.mp3", "/3.png", "/4.wav"]
    ids = attach(database, channel, [server.url + path for path in paths], file_name="'call, ' || u.place || '.x1'",
                 content_type="'audio/wav'")
    job_id, infos, contents = export(program, database, folder, storage, channel, media_allow=server.allow)
    talks = [str(number) for number, in database.execute(
        "SELECT id FROM chat.conversation WHERE channel_id = %s ORDER BY id", [channel])]
    names = [f"media/{talks[0]}/{ids[0]}-call_ 1.x1", f"media/{talks[0]}/{ids[1]}-call_ 2.x1",
             f"media/{talks[0]}/{ids[2]}-call_ 3.x1", f"media/{talks[1]}/{ids[3]}-call_ 4.x1"]
    order = list(infos)
    assert [name for name in order if name.startswith("media/")] == names
    assert [name.startswith("media/") for name in order] == [False, True, True, True, False, True, False]
    for name, path in zip(names, paths):
        assert contents[name] == medium(path)[1]
        assert infos[name].compress_type == zipfile.ZIP_STORED
        assert infos[name].date_time == infos[order[0]].date_time or name == names[3]
    cells = [row[9] for row in rows(contents[order[0]])[1:]]
    assert cells == names[:3]
    assert counts(database, job_id) == (4, 0)
    assert server.agents == {"verbatim/0.1.0"}


@pytest.mark.parametrize("form", [
    {"format": "json", "files": "per_conversation"}, {"format": "json"}, {"format": "ndjson", "files": "chunks"},
    {"files": "chunks"}, {"layout": "conversations"}, {"layout": "leads", "files": "chunks"},
    {"format": "json", "include": ["media"]}])
def test_every_format_has_media_beside_it(program, database, folder, local, server, form):
    channel = queue.fill(database, "forms-" + "-".join(map(str, form.values())).replace("[", "").replace("'", ""), 45,
                         messages=2)
    attach(database, channel, [f"{server.url}/{n}.png" for n in range(90)])
    job_id, infos, contents = export(program, database, folder, local, channel, form, media_allow=server.allow,
                                     chunk=CHUNK)
    files = [name for name in infos if not name.startswith("media/")]
    media = [name for name in infos if name.startswith("media/")]
    assert len(files) == (45 if form.get("files") == "per_conversation" else 3)
    assert [contents[name] for name in media] == [medium(f"/{n}.png")[1] for n in range(90)]
    assert counts(database, job_id) == (90, 0)
    # Those of a file stand behind it, before the next one.
    places = [list(infos).index(name) for name in files]
    assert places == ([3 * n for n in range(45)] if len(files) == 45 else [0, 41, 82])
    if form.get("format") == "json" and "messages" in form.get("include", ["messages"]):
        named = [one["entry"] for name in files for talk in json.loads(contents[name])
                 for message in talk["messages"] for one in message["media"]]
        assert named == media


@again_after_a_stall
def test_reasons_of_what_cannot_be_had(program, database, folder, local, server):
    """One export with every trouble, each in its own row, and the good ones between them."""
    event = threading.Event()
    server.faults = {
        "/missing": faults.status(404), "/secret": faults.status(403), "/gone": faults.status(410),
        "/page": faults.answer("text/html", b"<html>sign in"),
        "/feed": faults.answer("application/rss+xml", b"<rss/>"),
        "/disguised": faults.answer("audio/wav", b"\r\n<!DOCTYPE html><title>Sign in"),
        "/unknown": faults.answer("application/octet-stream", b"MZ\x90"),
        "/octets": faults.answer("application/octet-stream", faults.png(7)),
        "/declared-large": faults.answer("audio/wav", faults.wav(1, 2)),
        "/endless": faults.endless("audio/wav"),
        "/self": faults.redirect(f"{server.url}/self"),
        "/hop1": faults.redirect("/hop2"), "/hop2": faults.redirect(f"{server.url}/11.png", 307),
        "/to-localhost": faults.redirect(f"http://localhost:{server.port}/1.png"),
        "/to-metadata": faults.redirect("http://169.254.169.254/latest/meta-data/"),
        "/to-file": faults.redirect("file:///etc/passwd"),
        "/to-nowhere": faults.status(302),
        "/busy": faults.first(faults.status(503), 2, "/12.png"),
        "/broken": faults.status(500),
        "/reset": reset, "/reset-once": faults.first(reset, 1, "/13.png"),
        "/cut": faults.cut("image/png", faults.png(1) * 50, 300),
        "/partial": lambda handler: faults.give(handler, 206, "image/png", faults.png(1)),
        "/empty": faults.answer("audio/wav", b""),
        "/slow": faults.drip(event, bytes(200)),
    }
    expected = [
        ("/missing", "the answer was 404"), ("/secret", "the answer was 403"), ("/gone", "the answer was 410"),
        ("/page", "the answer is a web page"), ("/feed", "the answer's type application/rss+xml is none of media"),
        ("/disguised", "the answer is a web page"),
        ("/unknown", "the answer is of no type that is known"), ("/octets", None),
        ("/declared-large", "larger than the 20000 bytes that are allowed"),
        ("/endless", "larger than the 20000 bytes that are allowed"),
        ("/self", "more than 5 redirects"), ("/hop1", None),
        ("/to-localhost", f"localhost:{server.port} is not in media_allow"),
        ("/to-metadata", "169.254.169.254:80 is not in media_allow"),
        ("/to-file", "the URL is not of http, https or s3"), ("/to-nowhere", "the answer was 302"),
        ("/busy", None), ("/broken", "the answer was 500"), ("/reset-once", None),
        ("/partial", "the answer was 206"), ("/empty", None), ("/14.png", None),
        (f"http://localhost:{server.port}/1.png", f"localhost:{server.port} is not in media_allow"),
        ("http://10.0.0.1/x.png", "10.0.0.1:80 is not in media_allow"),
        (f"http://0x7f000001:{server.port + 1}/x", f"127.0.0.1:{server.port + 1} is not in media_allow"),
        (f"http://2130706433:{server.port}/15.png", None),
        ("ftp://127.0.0.1/x.png", "the URL is not of http, https or s3"),
        ("file:///etc/passwd", "the URL is not of http, https or s3"),
        ("media/17.png", "the URL cannot be read"), ("", "the URL cannot be read"),
        ("s3://calls/1.wav", "s3://calls is not in media_allow, or not this folder of it"),
        ("s3://calls", "the URL is not s3://BUCKET/KEY"),
        ("=cmd|'/c calc'!A1", "the URL cannot be read"), ("/slow", "127.0.0.1: Timeout was reached"),
    ]
    channel = queue.fill(database, f"troubles-{len(server.seen)}", 6, messages=10)
    urls = [server.url + url if url.startswith("/") else url for url, _ in expected]
    ids = attach(database, channel, urls)
    try:
        job_id, infos, contents = export(
            program, database, folder, local, channel, workers=1, media_allow=server.allow, media_file_limit=20000,
            media_timeout="2s")
    finally:
        event.set()
        server.faults = {}
    listed = errors(contents)
    wanted = [(str(number), url, reason) for number, url, (_, reason) in zip(ids, urls, expected) if reason]
    unguard = {f"'{url}": url for url in urls}
    assert [(one["attachment_id"], unguard.get(one["media_url"], one["media_url"]), one["reason"])
            for one in listed] == wanted
    assert any(one["media_url"].startswith("'=cmd") for one in listed)  # guarded as every other cell
    good = [number for number, (_, reason) in zip(ids, expected) if not reason]
    assert counts(database, job_id) == (len(good), len(wanted))
    media = {name: data for name, data in contents.items() if name.startswith("media/") and name != ERRORS}
    assert [int(name.split("/")[2].split("-")[0].split(".")[0]) for name in media] == good
    assert list(infos)[-1] == ERRORS and infos[ERRORS].compress_type == zipfile.ZIP_DEFLATED
    by_id = {number: data for number, data in zip(good, media.values())}
    place = {url: number for number, (url, _) in zip(ids, expected)}
    assert by_id[place["/octets"]] == faults.png(7) and by_id[place["/empty"]] == b""
    assert by_id[place["/hop1"]] == faults.png(11) and by_id[place["/busy"]] == faults.png(12)
    # Every row names the entry by which its conversation's file calls it.
    named = {cell for name, data in contents.items() if not name.startswith("media/")
             for row in rows(data)[1:] for cell in row[9].split(",") if cell}
    assert {one["entry"] for one in listed} | set(media) == named
    talks = dict(database.execute("SELECT id::text, conversation_id::text FROM chat.attachment"))
    assert all(one["conversation_id"] == talks[one["attachment_id"]] for one in listed)


def test_a_name_that_leads_to_a_private_address(program, database, folder, local, server):
    """localhost is on the list, what it resolves to is not: refused when the socket is made, not by its spelling."""
    channel = queue.fill(database, "resolved", 1, messages=3)
    attach(database, channel, [f"http://localhost:{server.port}/1.png"])
    before = len(server.seen)
    _, _, contents = export(program, database, folder, local, channel, media_allow=f"localhost:{server.port}")
    [error] = errors(contents)
    assert error["reason"].startswith("localhost leads to ")
    assert error["reason"].endswith(", a private address that media_allow does not list")
    assert len(server.seen) == before
    _, _, contents = export(program, database, folder, local, channel,
                            media_allow=f"localhost:{server.port}, 127.0.0.0/8, [::1]")
    assert ERRORS not in contents and len(server.seen) == before + 1


def test_nothing_is_fetched_unless_it_is_allowed(program, database, folder, local, server):
    channel = queue.fill(database, "closed", 2, messages=1)
    attach(database, channel, [f"{server.url}/{n}.png" for n in range(2)])
    before = len(server.seen)
    job_id, infos, contents = export(program, database, folder, local, channel)
    assert {one["reason"] for one in errors(contents)} == {"no media are fetched here: media_allow is not set"}
    assert counts(database, job_id) == (0, 2) and len(server.seen) == before
    env = {"http_proxy": server.url, "https_proxy": server.url, "all_proxy": server.url}
    program.env, kept = program.env | env, program.env
    try:
        export(program, database, folder, local, channel, media_allow="media.invalid, *")
    finally:
        program.env = kept
    assert len(server.seen) == before  # nor by way of the environment's proxy


def test_the_export_has_a_limit_too(program, database, folder, local, server):
    channel = queue.fill(database, "limit", 10, messages=1)
    server.seen.clear()
    attach(database, channel, [f"{server.url}/{n}.wav" for n in range(10)])
    size = len(faults.wav(1))
    job_id, infos, contents = export(program, database, folder, local, channel, media_allow=server.allow,
                                     media_export_limit=3 * size + size // 2, workers=1)
    assert counts(database, job_id) == (3, 7)
    assert {one["reason"] for one in errors(contents)} == {
        f"the export's media exceed the {3 * size + size // 2} bytes allowed"}
    asked = [path for path in server.seen if path.endswith(".wav")]
    assert sorted(asked) == [f"/{n}.wav" for n in range(4)]  # no more than tells that the limit is reached


def test_a_host_that_is_gone_is_not_waited_for_each_time(program, database, folder, local, server):
    channel = queue.fill(database, "dead", 40, messages=1)
    with MediaServer() as dead:
        port = dead.port
    urls = [f"http://127.0.0.1:{port}/{n}.png" for n in range(40)]
    attach(database, channel, urls)
    job_id, infos, contents = export(program, database, folder, local, channel, workers=1,
                                     media_allow=f"127.0.0.1:{port}")
    reasons = [one["reason"] for one in errors(contents)]
    assert reasons[:5] == ["127.0.0.1: Couldn't connect to server"] * 5
    assert set(reasons[5:]) == {"127.0.0.1 has failed 5 times in a row and was not asked"}
    assert counts(database, job_id) == (0, 40)


def test_a_server_that_asks_for_patience_gets_it(program, database, folder, local, server):
    """429 and 503 with Retry-After are waited out, however many media in a row are answered so."""
    channel = queue.fill(database, "throttled", 8, messages=1)

    def come_later(handler):
        faults.give(handler, 503, **{"Retry-After": "1"})
    for n in range(8):
        server.faults[f"/busy{n}"] = faults.first(faults.status(429) if n % 2 else come_later, 3 if n % 2 else 1,
                                                  f"/{n}.png")
    attach(database, channel, [f"{server.url}/busy{n}" for n in range(8)])
    try:
        job_id, infos, contents = export(program, database, folder, local, channel, media_allow=server.allow)
    finally:
        server.faults = {}
    assert counts(database, job_id) == (8, 0) and ERRORS not in contents
    assert [server.asked(f"/busy{n}") for n in range(8)] == [2, 4] * 4


def test_objects_with_the_services_own_credentials(program, database, folder, object_store):
    from tests.end_to_end.conftest import Storage
    store, name = object_store, f"media-{object_store.name}"
    for bucket in (name, "calls-" + object_store.name):
        store.make_bucket(bucket)
    bucket = "calls-" + object_store.name
    large = bytes(random.Random(SEED).randbytes(3 * 1024 * 1024 + 17))
    objects = {"in/a b+ü.wav": faults.wav(3), "in/deep/large.mp3": b"ID3" + large, "in/none.wav": b"",
               "out/secret.wav": faults.wav(4), "in/text.txt": b"hello"}
    client = store.client()
    for key, body in objects.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)
    channel = queue.fill(database, f"objects-{store.name}", 7, messages=1)
    keys = ["in/a b+ü.wav", "in/deep/large.mp3", "in/none.wav", "in/absent.wav", "out/secret.wav", "in/text.txt"]
    attach(database, channel, [f"s3://{bucket}/{key}" for key in keys] + ["s3://other/x.wav"],
           content_type="CASE WHEN u.place = 3 THEN 'audio/wav' END")
    storage = Storage(store.name, store.options(name), store.credentials(), store, name)
    job_id, infos, contents = export(program, database, folder, storage, channel,
                                     media_allow=f"s3://{bucket}/in, s3://nothing")
    media = [data for name, data in contents.items() if name.startswith("media/") and name != ERRORS]
    assert media == [objects[key] for key in keys[:3]]
    absent, secret, text, other = errors(contents)
    assert "404" in absent["reason"] and "in/absent.wav" in absent["reason"]
    refused = "is not in media_allow, or not this folder of it"
    assert secret["reason"] == f"s3://{bucket} {refused}" and other["reason"] == f"s3://other {refused}"
    # Swift and MinIO say nothing of use about the type; the content says nothing either.
    assert text["reason"] in ("the answer is of no type that is known",
                              "the answer's type binary/octet-stream is none of media")
    assert counts(database, job_id) == (3, 4)


@pytest.fixture(scope="module")
def mixed(database, server):
    """A channel with media of all kinds, of which some cannot be had."""
    channel = queue.fill(database, "mixed", 150, messages=3, step="170 milliseconds")
    kinds = ("wav", "mp3", "png")
    urls = [f"{server.url}/{n}.{kinds[n % 3]}" if n % 7 else f"http://10.9.8.7/{n}.png" for n in range(450)]
    attach(database, channel, urls, file_name="CASE WHEN u.place %% 3 = 0 THEN 'file ' || u.place END",
           content_type="'image/png'")
    return channel


FORMS = {"entries": {"format": "json", "files": "per_conversation"}, "csv": {}, "chunks": {"files": "chunks"}}


@pytest.fixture(scope="module")
def whole(program, database, folder, local, mixed, server):
    """The bytes of the mixed channel in one piece."""
    made = {}
    with Crew(program, folder, local, workers=1, s3_equal_parts="on", chunk=CHUNK, media_allow=server.allow):
        for form, specification in FORMS.items():
            job_id = add(database, mixed, **specification)
            made[form] = queue.archive(local, queue.finished(database, job_id))
    infos, contents = read(made["entries"])
    assert len(errors(contents)) == 65 and len(infos) == 150 + 450 - 65 + 1
    assert infos[ERRORS].date_time == max(info.date_time for info in infos.values() if info.filename != ERRORS)
    return made


@pytest.mark.parametrize("seed", range(4))
def test_the_same_bytes_however_cut(program, database, folder, local, mixed, server, whole, seed):
    chance = random.Random(SEED + seed)
    tuning = {"page": chance.choice([1, 7, 40]), "cuts": chance.choice([1, 5, 30]), "unit": 20000,
              "numbers": chance.choice([1, 2, 16]), "chunk": CHUNK}
    with Crew(program, folder, local, workers=chance.choice([1, 3]), media_allow=server.allow, **tuning) as crew:
        for form, specification in FORMS.items():
            # Ordered on another day: nothing of that may be in the bytes.
            job_id = add(database, mixed, f"2027-06-{2 + seed:02d}T12:34:56Z", **specification)
            assert queue.archive(local, queue.finished(database, job_id)) == whole[form], (SEED + seed, form, tuning)
            assert counts(database, job_id) == (385, 65)
        assert crew.stop()["split"] > 0


def test_real_parts_and_few_part_numbers(program, database, folder, object_store, local, server):
    """Media much larger than the conversations: parts run out of numbers, and successors are taken over."""
    from tests.end_to_end.conftest import Storage
    bucket = "media-parts-" + object_store.name
    object_store.make_bucket(bucket)
    storage = Storage(object_store.name, object_store.options(bucket), object_store.credentials(), object_store, bucket)
    channel = queue.fill(database, f"parts-{storage.name}", 60, messages=1)
    for n in range(60):
        server.faults[f"/big{n}"] = faults.answer("audio/wav", faults.wav(n) * 900)
    attach(database, channel, [f"{server.url}/big{n}" for n in range(60)])
    try:
        for form in ({}, {"files": "chunks"}):
            with Crew(program, folder, local, workers=1, s3_equal_parts="on", chunk=15, media_allow=server.allow):
                expected = queue.archive(local, queue.finished(database, add(database, channel, **form)))
            assert len(expected) > 40 << 20
            with Crew(program, folder, storage, chunk=15, media_allow=server.allow, page=5, numbers=1, units=1,
                      cuts=20) as crew:
                found = queue.finished(database, add(database, channel, **form), 120)
                assert queue.archive(storage, found) == expected, form
                assert crew.stop()["split"] > 0
    finally:
        server.faults = {}


def test_rows_that_vanish_leave_a_short_chunk_with_its_media(program, database, folder, local, server):
    """A short entry ends where its segment ends; should the next segment be taken over, no number is given twice."""
    channel = queue.fill(database, "holes", 100, messages=1)
    attach(database, channel, [f"{server.url}/{n}.png" for n in range(100)])
    job_id = add(database, channel, format="json")
    with Crew(program, folder, local, page=1, cuts=1, workers=1, chunk=10, media_allow=server.allow):
        wait_until(lambda: len(queue.segments(database, job_id)) >= 3, "a few segments")
    ids = [str(number) for number, in database.execute(
        "SELECT id FROM chat.conversation WHERE channel_id = %s ORDER BY created_at, id", [channel])]
    gone = ids[12:16]
    for table, column in (("attachment", "conversation_id"), ("message", "conversation_id"), ("conversation", "id")):
        database.execute(f"DELETE FROM chat.{table} WHERE {column} = ANY (%s::bigint[])", [gone])
    queue.reopen(database, job_id, "status = 'recorded'")
    # One worker: of two, the second could have taken the third chunk over before the first takes both.
    with Crew(program, folder, local, chunk=10, workers=1, absorb=100_000_000, media_allow=server.allow) as crew:
        found = queue.finished(database, job_id)
        assert crew.stop()["absorbed"] > 0
    infos, contents = read(queue.archive(local, found))
    files = {name: [one["id"] for one in json.loads(data)] for name, data in contents.items() if name.endswith(".json")}
    assert list(files) == [f"conversations-{n:05}.json" for n in range(1, 11)]
    assert [one for listed in files.values() for one in listed] == [one for one in ids if one not in gone]
    assert len(files["conversations-00002.json"]) == 6
    assert [name for name in infos if name.startswith("media/")] and counts(database, job_id) == (96, 0)


def test_kills_and_stalls_change_no_byte(program, database, folder, local, mixed, server, whole):
    with Turmoil(program, folder, local, random.Random(SEED), chunk=CHUNK, media_allow=server.allow) as crews:
        jobs = [(form, add(database, mixed, **specification)) for form, specification in FORMS.items()
                for _ in range(3)]
        for _ in range(4):
            crews.turn()
        for form, job_id in jobs:
            found = queue.finished(database, job_id, 120)
            assert queue.archive(local, found) == whole[form], (SEED, form, job_id)
            assert counts(database, job_id) == (385, 65)


def test_a_stop_does_not_wait_for_a_server(program, database, folder, local, server):
    """SIGTERM while a server keeps silent: the segment goes back at once, nothing is charged."""
    event = threading.Event()
    server.faults = {"/silent": faults.stall(event)}
    channel = queue.fill(database, "silent", 2, messages=1)
    attach(database, channel, [f"{server.url}/silent"])
    try:
        with Crew(program, folder, local, workers=1, media_allow=server.allow) as crew:
            job_id = add(database, channel)
            wait_until(lambda: server.asked("/silent"), "the request")
            crew.stop()  # within its time, or this fails
            assert not event.is_set()
        assert queue.segments(database, job_id) == [(1, 10000, "waiting", 0, 0)]
    finally:
        event.set()
        server.faults = {}
    with Crew(program, folder, local, workers=1, media_allow=server.allow):
        server.faults = {"/silent": faults.answer("audio/wav", faults.wav(1))}
        queue.finished(database, job_id)
    server.faults = {}


def test_the_source_is_let_go_of_while_servers_are_slow(program, database, folder, local, server):
    """No statement and no transaction is open on the source while media take their time."""
    event = threading.Event()
    channel = queue.fill(database, "patient", 4, messages=4000, noise=60)  # more than sockets hold
    server.faults["/wait"] = faults.drip(event, bytes(2400))  # four minutes, unless the event ends it
    attach(database, channel, [f"{server.url}/wait", f"{server.url}/1.png"])
    try:
        with Crew(program, folder, local, workers=1, media_allow=server.allow):
            job_id = add(database, channel)
            wait_until(lambda: server.asked("/wait"), "the request")
            wait_until(lambda: database.value(
                "SELECT coalesce(bool_and(state = 'idle'), true) FROM pg_stat_activity"
                " WHERE application_name = 'verbatim reader'"),
                "the reader to let go")
            assert queue.job(database, job_id).status == "started"  # it still waits
            event.set()
            queue.finished(database, job_id)
    finally:
        event.set()
        server.faults = {}
    assert counts(database, job_id)[0] >= 1


@pytest.mark.skipif(SANITIZED, reason="sanitizers take memory of their own")
def test_memory_does_not_grow_with_a_medium(program, database, folder, local, server):
    channel = queue.fill(database, "memory", 2, messages=1)
    body = faults.wav(1) * 1
    blob = (body * (96 * 1024 * 1024 // len(body) + 1))[:96 * 1024 * 1024]
    server.faults = {"/huge": faults.answer("audio/wav", blob)}
    attach(database, channel, [f"{server.url}/huge", f"{server.url}/1.png"])
    try:
        with Crew(program, folder, local, workers=1, media_allow=server.allow) as crew:
            job_id = add(database, channel)
            found = queue.finished(database, job_id, 120)
            peak = peak_rss(crew.process.pid)
        assert found.size > 96 << 20 and counts(database, job_id) == (2, 0)
        assert peak < 64  # MiB
    finally:
        server.faults = {}


def test_logins_are_sent_to_their_host_and_nowhere_else(program, database, folder, local, server):
    """By scheme, host and port, and never behind a redirect that led elsewhere, nor to plain http."""
    certificate, key = make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    basic = "Basic " + base64.b64encode(b"me:s3cret w\xc3\xb6rd").decode()
    own = "Basic " + base64.b64encode(b"own:s3same").decode()
    file = folder / "logins"
    with MediaServer() as other, MediaServer(context) as secured:
        file.write_text(f"# ours\nhttp://127.0.0.1:{server.port} basic me:s3cret wörd\r\n\n"
                        f"127.0.0.1:{secured.port}\tBearer  s3.T0ken=\n")
        file.chmod(0o600)
        server.logins.clear()
        server.faults = {"/1.png": faults.demand(basic, "/1.png"), "/hop": faults.redirect(f"{other.url}/3.png"),
                         "/away": faults.redirect(f"{other.url}/back"), "/same": faults.redirect("/6.png"),
                         "/7.png": faults.demand(own, "/7.png"), "/9.png": faults.demand("Basic x", "/9.png")}
        secured.faults = {"/2.png": faults.demand("Bearer s3.T0ken=", "/2.png"),
                          "/down": faults.redirect(f"{server.url}/4.png")}
        other.faults = {"/8.png": faults.demand(basic, "/8.png"), "/back": faults.redirect(f"{server.url}/5.png")}
        urls = [f"{server.url}/1.png", f"{secured.url}/2.png", f"{server.url}/hop", f"{secured.url}/down",
                f"{server.url}/away", f"{server.url}/same", f"http://own:s3same@127.0.0.1:{server.port}/7.png",
                f"{other.url}/8.png", f"{server.url}/9.png", f"http://own:s3same@127.0.0.1:{other.port}/8.png"]
        channel = queue.fill(database, "logins", 1, messages=10)
        attach(database, channel, urls)
        trusting = Program(program.path, env=program.env | {"SSL_CERT_FILE": str(certificate)},
                           options=program.options)
        try:
            crew = Crew(trusting, folder, local, workers=1, media_credentials_file=str(file),
                        media_allow=",".join(each.allow for each in (server, other, secured)))
            with crew:
                found = queue.finished(database, add(database, channel))
        finally:
            server.faults = {}
        _, contents = read(queue.archive(local, found))
        assert [(each["media_url"], each["reason"]) for each in errors(contents)] == [
            (f"{other.url}/8.png", "the answer was 401 (a login for the host: media_credentials_file)"),
            (f"{server.url}/9.png", "the answer was 401 to the login of media_credentials_file"),
            (f"http://...@127.0.0.1:{other.port}/8.png",
             "the answer was 401 (a login for the host: media_credentials_file)")]
        media = [data for name, data in contents.items() if name.startswith("media/") and name != ERRORS]
        assert media == [medium(f"/{number}.png")[1] for number in range(1, 8)]
        assert secured.logins == {"/2.png": ["Bearer s3.T0ken="], "/down": ["Bearer s3.T0ken="]}
        assert {path: server.logins[path] for path in ("/hop", "/4.png", "/away", "/5.png", "/same", "/6.png")} == {
            "/hop": [basic], "/4.png": [None], "/away": [basic], "/5.png": [None], "/same": [basic], "/6.png": [basic]}
        both = other.logins.pop("/8.png")  # of two messages, fetched at the same time
        assert sorted(both, key=str) == sorted([None, own], key=str)
        assert other.logins == {"/3.png": [None], "/back": [None]}
        assert "s3" not in re.sub(r"s3_\w+|s3://", "", crew.log())


def test_logins_are_read_anew_at_sighup(program, database, folder, server):
    """A file with a mistake leaves them as they are."""
    first, second = ("Basic " + base64.b64encode(f"me:{word}".encode()).decode() for word in ("old", "new"))
    file = folder / "renewed-logins"
    file.write_text(f"http://127.0.0.1:{server.port} basic me:old\n")
    file.chmod(0o600)
    channel = queue.fill(database, "renewed", 1, messages=1)
    attach(database, channel, [f"{server.url}/21.png"])
    server.faults = {"/21.png": faults.demand(first, "/21.png")}

    def failed():
        """Attachments that could not be had."""
        job_id = add(database, channel)
        queue.finished(database, job_id)
        return counts(database, job_id)[1]

    def reload(word):
        told = service.log().count("SIGHUP: ")
        service.process.signal(signal.SIGHUP)
        return wait_until(lambda: service.log().count("SIGHUP: ") > told and service.log().split("SIGHUP: ")[-1], word)
    with Service(program, folder, storage=f"file://{folder}", workers=1, media_allow=server.allow,
                 media_credentials_file=str(file)) as service:
        assert failed() == 0
        server.faults = {"/21.png": faults.demand(second, "/21.png")}
        assert failed() == 1
        file.write_text(f"http://127.0.0.1:{server.port} basic new\n")
        assert "line 1: behind basic must stand USER:PASSWORD" in reload("the mistake")
        assert failed() == 1
        file.write_text(f"http://127.0.0.1:{server.port} basic me:new\n")
        assert reload("the new login").startswith("reloaded: logins of media")
        assert failed() == 0
        assert reload("the same").startswith("nothing to reload has changed")
    server.faults = {}
