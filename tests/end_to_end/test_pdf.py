"""Transcripts as PDF, read back with poppler and qpdf: what is in them, in every script; brands and their logos."""

import io
import json
import os
import random
import struct
import subprocess
import zipfile
import zlib

import pytest

from tests.lib import direct_source as source
from tests.lib import pdf
from tests.lib.process import wait_until

PATH = "/v1/conversations/{}/export?format=pdf"
EXPORTS = "/api/v1/workspace/one/exports"
# One message a script, as its writers would read it.
SCRIPTS = {
    "latin": "Größe, façade, Œuvre, žluťoučký kůň, Tiếng Việt",
    "greek": "Καλημέρα κόσμε",
    "cyrillic": "Привет, как дела?",
    "devanagari": "नमस्ते, मेरा पार्सल अभी तक नहीं आया है",
    "chinese": "您好，我的包裹还没有到。订单号12345",
    "japanese": "こんにちは、荷物がまだ届いていません",
    "korean": "안녕하세요 소포가 아직 도착하지 않았습니다",
    "thai": "สวัสดีครับ",
    "tamil": "வணக்கம்",
    "georgian": "გამარჯობა",
    "emoji": "Thanks 😀 👍🏽 👨‍👩‍👧 🇩🇪 🥰 ❤️",
    "hebrew": "החבילה שלי עדיין לא הגיעה", "arabic": "لم تصل طلبيتي بعد",
}
CANARY = '"></svg><script>alert(1)</script> (\\) %PDF-1.4 endobj'


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    database.execute("""
        INSERT INTO chat.contact (id, workspace_id, name) VALUES ('many', 'platform-one', %(name)s);
        INSERT INTO chat.conversation (id, workspace_id, channel_id, created_at, contact_id, assistant_id, tags) VALUES
            ('scripts', 'platform-one', 'web', '2026-03-28T22:00:00Z', 'many', 'ada', ARRAY[%(name)s]),
            ('hostile', 'platform-one', 'web', '2026-03-28T22:00:00Z', 'many', 'ada', NULL)
        """ % {"name": "'" + CANARY + "'"})
    for table, texts in (("scripts", SCRIPTS.values()), ("hostile", hostile())):
        for number, text in enumerate(texts):
            database.execute("INSERT INTO chat.message (id, conversation_id, created_at, direction, speaker_type, text)"
                             " VALUES (%s, %s, timestamptz '2026-03-28T22:00:00Z' + %s * interval '30 minutes',"
                             " 'inbound', 'customer', %s)", [f"{table}-{number}", table, number, text])
    return source.make_keys(program)


def hostile():
    """Texts that a page may trip over."""
    chance = random.Random(7)
    return [
        "w" * 20000, "a" + "\u0301" * 5000, "\u202e" * 300 + "txt.exe", "\u2066" * 200 + "deep", CANARY,
        "".join(chance.choice("abc אבג ابج 123 \u200f\u200e\u202a\u202b\u202c") for _ in range(3000)),
        "\x01\x02\x07\x1b[31m\x7f\x85\x9f", "\n" * 5000 + "after", "\r\r\n\u2028\u2029\x0b\x0c",
        "\ufeff\ufffe\uffff\U0010ffff",
        "\U000e0001\U000e0041", "😀" * 3000, "\u200b" * 3000, "ﷺ" * 500, "𒐫" * 100, " " * 10000, "\t" * 2000, "",
        "Zalgo " + "".join(c + "\u0316\u0321\u034f\u0489" * 8 for c in "comes"),
        "ก็็็็็็็็็็็็็็็็็็็็",
    ]


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(workers=2)


def transcript(service, keys, folder, conversation="convo123"):
    answer = service.get(PATH.format(conversation), keys["one"])
    assert answer.status == 200, answer.body
    return pdf.saved(folder, answer.body)


def post(service, keys, body):
    answer = service.request("POST", EXPORTS, keys["one"], json_body={"format": "pdf"} | body)
    assert answer.status == 202, answer.body
    return answer.json()["export_id"]


def ended(service, keys, export):
    def look():
        shown = service.get(f"{EXPORTS}/{export}", keys["one"]).json()
        return shown if shown["status"] in ("finished", "failed") else None
    return wait_until(look, "the end of the export")


def download(service, keys, shown):
    assert shown["status"] == "finished", shown
    answer = service.get(f"{EXPORTS}/{shown['export_id']}/download", keys["one"])
    assert answer.status == 200
    return answer.body


# --- a document ---

def test_all_text_of_every_script_comes_back(service, keys, folder):
    path = transcript(service, keys, folder, "scripts")
    text = " ".join(pdf.text(path).split())
    # poppler puts marks of direction around runs, and blanks between pictures.
    plain = text.translate({ord(mark): None for mark in "\u200e\u200f\u202a\u202b\u202c"})
    for script, words in SCRIPTS.items():
        assert words.replace(" ", "") in plain.replace(" ", ""), (script, plain)
    pdf.check(path)


def test_every_font_is_embedded_and_knows_its_letters(service, keys, folder):
    found = pdf.fonts(transcript(service, keys, folder, "scripts"))
    assert len(found) > 10
    assert all(marks == ["yes", "yes", "yes"] for _, marks in found), found
    for family in ("NotoSans-Regular", "NotoSans-Bold", "NotoSansArabic", "NotoSansHebrew", "NotoSansDevanagari",
                   "WenQuanYiMicroHei"):
        assert any(family in name for name, _ in found), family


def test_properties_and_bookmarks(program, service, keys, folder):
    program.workspace("one", time_zone="Europe/Berlin")
    path = transcript(service, keys, folder)
    info = pdf.info(path)
    assert (info["Title"], info["Author"], info["Creator"]) == ("John Doe", "Verbatim", "Verbatim")
    assert info["Subject"] == "Web chat · 1 December 2024"
    assert info["CreationDate"] == info["ModDate"] and info["Tagged"] == "yes" and "(A4)" in info["Page size"]
    catalog = json.loads(pdf.run("qpdf", "--json", path))
    assert '"/Lang": "u:en"' in json.dumps(catalog) or '"/Lang": "en"' in json.dumps(catalog)
    # The clocks go forward in the night: the second day begins at +01:00 and goes on at +02:00.
    path = transcript(service, keys, folder, "scripts")
    assert pdf.outline(path) == ["Saturday, 28 March 2026  (UTC+01:00)", "Sunday, 29 March 2026  (UTC+01:00)"]
    text = pdf.text(path)
    assert "Customer · 23:30:00" in text and "Customer · 03:30:00 UTC+02:00" in text
    program.workspace("one", time_zone="UTC")


def test_what_is_included(service, keys, folder):
    everything = ["messages", "customer", "tags", "notes", "events", "skills", "citations", "media"]
    export = post(service, keys, {"select": {"conversation_ids": ["convo123"]}, "include": everything})
    archive = zipfile.ZipFile(io.BytesIO(download(service, keys, ended(service, keys, export))))
    names = [name for name in archive.namelist() if name.endswith(".pdf")]
    assert names == ["John Doe--2024-12-01_103000--Web chat.pdf"]
    path = pdf.saved(folder, archive.read(names[0]))
    text = pdf.text(path, layout=True)
    for words in ("John Doe", "+1234567890", "Acme Corp", "Elm Street 1", "won", "new-lead, high-priority",
                  "[1] Handbook", "Greet first.", "Internal notes", "Customer interested in premium plan",
                  "Events", "claim",
                  "Skills", "greet", "5 · Thanks", "read · feedback: POSITIVE"):
        assert words in text, words
    assert pdf.outline(path) == ["Sunday, 1 December 2024  (UTC+00:00)", "Internal notes", "Events", "Skills"]
    assert b"https://docs.example" in archive.read(names[0])
    export = post(service, keys, {"select": {"conversation_ids": ["convo123"]}, "include": ["notes"],
                                  "files": "single"})
    text = pdf.text(pdf.saved(folder, download(service, keys, ended(service, keys, export))))
    assert "John Doe" not in text and "Hello!" not in text and "premium plan" in text


def test_hostile_texts_make_whole_documents(service, keys, folder):
    path = transcript(service, keys, folder, "hostile")
    pdf.check(path)
    text = pdf.text(path)
    assert CANARY in text.replace("\n", " ") and "after" in text and "deep" in text
    assert pdf.info(path)["Title"] == CANARY and pdf.info(path)["JavaScript"] == "no"
    assert int(pdf.info(path)["Pages"]) < 60
    assert text.replace("\n", "").count("w" * 60) > 100


def test_a_single_file_without_its_conversation_is_a_page_that_says_so(service, keys, folder):
    export = post(service, keys, {"select": {"conversation_ids": ["convo123"]}, "files": "single",
                                  "filter": {"status": ["nothing"]}})
    shown = ended(service, keys, export)
    path = pdf.saved(folder, download(service, keys, shown))
    assert shown["files"][0]["content_type"] == "application/pdf" and "No conversation" in pdf.text(path)
    pdf.check(path)


def test_the_same_bytes_at_every_door(service, keys):
    select = {"select": {"conversation_ids": ["scripts"]}, "files": "single"}
    first, second = (download(service, keys, ended(service, keys, post(service, keys, select))) for _ in range(2))
    assert first == second == service.get(PATH.format("scripts"), keys["one"]).body


def test_no_environment_has_a_say(verbatim):
    """Languages, zones and fontconfig's own settings of a machine change no byte."""
    messages = [{"id": str(n), "created_at": n * 10**9, "direction": "inbound", "speaker_type": "customer",
                 "text": text} for n, text in enumerate(SCRIPTS.values())]
    story = json.dumps([{"id": "1", "created_at": 0, "messages": messages}]).encode()
    command = [verbatim.parent / "tests/tools/render_tool", "pdf", "", "127", "Europe/Berlin"]
    machines = [{}, {"LANGUAGE": "ja:de", "LC_ALL": "C.UTF-8"}, {"PANGO_LANGUAGE": "ko:ar", "TZ": "Asia/Tokyo"},
                {"FONTCONFIG_FILE": "/nowhere/fonts.conf", "HOME": "/nowhere", "XDG_CONFIG_HOME": "/nowhere"}]
    made = {subprocess.run(command, input=story, stdout=subprocess.PIPE, check=True, env=os.environ | each).stdout
            for each in machines}
    assert len(made) == 1 and made.pop().startswith(b"%PDF-")


@pytest.fixture
def paused(service):
    """Others work meanwhile."""
    service.pause()
    yield service
    service.resume()


def test_a_missing_font_is_told_at_the_start(paused, keys, make_service, folder):
    (folder / "fonts").mkdir()
    bare = make_service(workers=1, fonts=folder / "fonts")
    answer = bare.get(PATH.format("convo123"), keys["one"])
    assert answer.status == 500 and answer.headers["Content-Type"] == "application/json"
    shown = ended(bare, keys, post(bare, keys, {"select": {"all": True}}))
    assert shown["status"] == "failed"
    assert "fonts-noto-core" in shown["error_message"] and '"Noto Sans"' in shown["error_message"]
    assert "fonts-noto-core" in bare.log()
    bare.stop()


# --- brands ---

def png(width, height, color=b"\x20\x60\xa0\xff", interlaced=0, rows=None):
    """A PNG of one colour; `rows` are as many as really are in it."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    data = zlib.compress((b"\0" + color * width) * (height if rows is None else rows))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, interlaced))
            + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def svg(inside="", attributes='width="300" height="100"', head=""):
    return (f'{head}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {attributes}>'
            f'<rect width="100%" height="100%" fill="#2060a0"/>{inside}</svg>').encode()


def images(path):
    """Width and height of the pictures of the first page."""
    return [tuple(map(int, row.split()[3:5])) for row in pdf.run("pdfimages", "-list", path).splitlines()[2:]
            if row.split()[2] == "image"]


@pytest.fixture
def logo(folder):
    def write(data):
        path = folder / "logo"
        path.write_bytes(data)
        return path
    return write


def test_a_transcript_bears_the_brand(program, service, keys, folder, logo):
    """PDF transcript: human-readable, branded layout."""
    program.workspace("one", brand_name="Acme & Söhne", brand_color="#B02030", brand_logo=logo(png(1200, 300)),
                      brand_footer="Acme Ltd · 1 Elm Street · acme.example")
    path = transcript(service, keys, folder)
    text = pdf.text(path)
    assert text.count("Acme & Söhne") == 1 and "Acme Ltd · 1 Elm Street · acme.example" in text
    assert pdf.info(path)["Author"] == "Acme & Söhne"
    assert images(path) == [(640, 160)], "made small when it was set"
    pdf.check(path)
    # What is not given stays, what is empty goes.
    program.workspace("one", brand_footer="", brand_logo="")
    path = transcript(service, keys, folder)
    assert "Elm Street · acme" not in pdf.text(path) and images(path) == []
    assert pdf.info(path)["Author"] == "Acme & Söhne"
    program.workspace("one", brand_name="", brand_color="")
    assert pdf.info(transcript(service, keys, folder))["Author"] == "Verbatim"


@pytest.mark.parametrize("attributes", ['width="300" height="100"', 'viewBox="0 0 3 1"', 'width="3cm" height="1cm"'])
def test_an_svg_is_drawn_when_it_is_set(program, service, keys, database, folder, logo, attributes):
    program.workspace("one", brand_logo=logo(svg('<path d="M0 0h5v5z" style="fill:url(#a)"/>', attributes)))
    kept = bytes(database.value("SELECT logo FROM verbatim.brand ORDER BY brand_id DESC LIMIT 1"))
    assert kept.startswith(b"\x89PNG") and b"svg" not in kept
    assert images(transcript(service, keys, folder)) == [(600, 200)]
    program.workspace("one", brand_logo="")


@pytest.mark.parametrize("data, words", [
    (b"GIF89a" + b"\0" * 100, "must be a PNG or an SVG"),
    (b"", "must be a PNG or an SVG"),
    (png(10, 10) + b"\0" * (50 << 20), "at most 1 MiB"),
    (png(4001, 10), "at most 4000 x 4000 pixels"),
    (png(10, 4001), "at most 4000 x 4000 pixels"),
    (png(2**31 - 1, 2**31 - 1, b"", rows=0), "the PNG is broken"),
    (png(100, 100)[:150], "the PNG is broken"),
    (png(100, 100, rows=50), "the PNG is broken"),
    (png(100, 100).replace(b"IDAT", b"IDAX"), "the PNG is broken"),
    (png(100, 100, interlaced=1), "without interlacing"),
    (svg("<script>1</script>"), "script"), (svg("<SCRIPT>1</SCRIPT>"), "script"),
    (svg('<x:script xmlns:x="http://www.w3.org/2000/svg"/>'), "script"),
    (svg('<rect onload="x()" />'), "script"), (svg('<a xlink:href="javascript:x()"/>'), "href"),
    (svg('<use href="other.svg#a"/>'), "href"), (svg('<use xlink:href="file:///etc/passwd"/>'), "href"),
    (svg('<image href="#a"/>'), "image"), (svg('<rect fill="url(http://x.example/a)"/>'), "url"),
    (svg('<rect style="fill: URL( \'//x.example/a\' )"/>'), "url"), (svg("<style>@import 'x.css';</style>"), "style"),
    (svg("<style><![CDATA[a{fill:url(x.svg#a)}]]></style>"), "style"),
    (svg("<style>a{fill:u\\72l(x)}</style>"), "style"), (svg("<style>a{}<g/>@import 'x.css';</style>"), "style sheet"),
    (svg("<foreignObject/>"), "foreignObject"), (svg("<text>Acme</text>"), "paths"), (svg("<filter/>"), "filters"),
    (svg('<g xml:base="http://x.example/"/>'), "xml:base"),
    (svg(head='<!DOCTYPE svg [<!ENTITY a "b">]>'), "entities"),
    (svg(head='<?xml-stylesheet href="x.css"?>'), "xml-stylesheet"),
    (svg("<use href='#a'/>" * 21), "more than 20"), (svg("<g/>" * 5000), "5,000"),
    (svg("<g>" * 70 + "</g>" * 70), "64"),
    (svg("<g>"), "the SVG is broken"), (svg(attributes=""), "viewBox"), (b"<html></html>", "must be a PNG or an SVG"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_logos_that_are_refused(program, database, logo, data, words):
    before = database.value("SELECT brand_id FROM verbatim.workspace WHERE workspace_id = 'one'")
    done = program.run("workspace", "set", "one", "--brand-logo", str(logo(data)), check=False)
    assert done.returncode in (1, 2) and words in done.stderr, done.stderr
    assert "--brand-logo" in done.stderr
    assert database.value("SELECT brand_id FROM verbatim.workspace WHERE workspace_id = 'one'") == before


@pytest.mark.parametrize("flag, value, words", [
    ("color", "red", "#2b4c7e"), ("color", "#12345", "#2b4c7e"), ("color", "#12345g", "#2b4c7e"),
    ("color", "#ffff00", "too light"), ("name", "a\nb", "control"), ("name", "x" * 201, "200 bytes"),
    ("footer", "x" * 401, "400 bytes"), ("logo", "/nowhere", "/nowhere")])
def test_brands_that_are_refused(program, keys, flag, value, words):
    done = program.run("workspace", "set", "one", f"--brand-{flag}", value, check=False)
    assert done.returncode in (1, 2) and words in done.stderr and f"--brand-{flag}" in done.stderr


def test_a_job_keeps_the_brand_of_its_order(program, paused, keys, database, make_service, folder, logo):
    program.workspace("one", brand_name="Before", brand_logo=logo(png(64, 64)))
    idle = make_service(workers=0)
    export = post(idle, keys, {"select": {"conversation_ids": ["convo123"]}, "files": "single"})
    program.workspace("one", brand_name="Between")
    program.workspace("one", brand_name="After", brand_logo="")
    assert database.value("SELECT count(*) FROM verbatim.brand") == 2, "the job's and the current one"
    idle.stop()
    paused.resume()
    path = pdf.saved(folder, download(paused, keys, ended(paused, keys, export)))
    assert pdf.info(path)["Author"] == "Before" and images(path) == [(64, 64)]
    program.workspace("one", brand_name="")
    assert database.value("SELECT count(*) FROM verbatim.brand") == 1


def test_looks_at_a_page(service, keys, folder):
    """A page as poppler draws it: neither empty nor black, and the speakers' sides differ."""
    path = transcript(service, keys, folder)
    made = subprocess.run(["pdftoppm", "-r", "40", "-gray", "-singlefile", path], stdout=subprocess.PIPE, check=True)
    kind, size, _, pixels = made.stdout.split(b"\n", 3)
    width, height = map(int, size.split())
    assert kind == b"P5" and len(pixels) == width * height
    tints = {side: sum(1 for y in range(height) for x in range(*columns) if 180 < pixels[y * width + x] < 250)
             for side, columns in (("left", (28, 60)), ("right", (width - 60, width - 28)))}
    assert all(count > 100 for count in tints.values()), tints
    assert 0.5 < sum(1 for pixel in pixels if pixel > 250) / len(pixels) < 0.99
