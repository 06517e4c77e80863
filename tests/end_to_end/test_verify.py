"""`verbatim verify`: archives of every format are whole, and whatever is wrong with one is told by entry."""

import json
import stat
import struct
import subprocess
import zipfile

import pytest

from tests.lib import queue
from tests.lib.media_server import MediaServer
from tests.lib.process import SANITIZED
from tests.lib.queue import Crew
from tests.lib.service import Program

NAME = "Jane--2026-04-08_032443--SMS.csv"
GOOD = "a,b\r\n1,2\r\n"


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 50})
    queue.fill(database, "full", 40, messages=3)
    queue.fill(database, "none", 0)
    database.execute("CREATE TABLE chat.attachment (id bigint PRIMARY KEY, message_id bigint NOT NULL,"
                     " conversation_id bigint NOT NULL, url text NOT NULL, file_name text, content_type text)")


@pytest.fixture
def verify(program):
    """The command's exit status, report and error; or with as_json its report as an object."""
    def run(path, *flags, as_json=False):
        done = Program(program.path).run("verify", str(path), *flags, *(["--json"] if as_json else []), check=False)
        return done.returncode, json.loads(done.stdout) if as_json else done.stdout, done.stderr
    return run


@pytest.fixture(scope="module")
def crew(program, folder, local):
    with MediaServer() as server, Crew(program, folder, local, chunk=15, media_allow=server.allow) as crew:
        yield crew, server


@pytest.mark.parametrize("form", [
    {}, {"format": "json", "files": "per_conversation"}, {"format": "ndjson", "files": "chunks"},
    {"format": "html", "files": "chunks"}, {"format": "pdf"}, {"layout": "leads", "files": "chunks"},
    {"files": "single"}, {"format": "json", "files": "single"}, {"format": "ndjson", "files": "single"},
    {"format": "html", "files": "single"}, {"csv_profile": "excel"},
    {"delimiter": ";", "csv_quote": "all"}, {"format": "xlsx", "files": "single"},
    {"format": "xlsx", "files": "chunks"}], ids=str)
def test_exports_of_every_format_are_whole(database, local, crew, verify, tmp_path, form):
    found = queue.finished(database, queue.add_job(
        database, "full", specification=json.dumps({"select": {"channel_id": "full"}} | form),
        csv_profile=form.get("csv_profile", "safe")))
    path = tmp_path / found.key.rsplit("/", 1)[1]
    path.write_bytes(queue.archive(local, found))
    status, report, error = verify(path)
    assert (status, error) == (0, "") and report.startswith("ok "), report
    report = verify(path, as_json=True)[1]
    assert report["whole"] and report["failed"] == report["warnings"] == 0 and report["findings"] == []
    if form.get("files") != "single":
        assert report["entries"] == len(zipfile.ZipFile(path).namelist())
    if form.get("format", "csv") == "csv" and "layout" not in form:
        assert report["csv_rows"] == 120
    if form.get("format") in ("json", "ndjson"):
        assert report["conversations"] == 40


def test_media_errors_and_nothing(database, local, crew, verify, tmp_path):
    specification = {"select": {"channel_id": "full"}, "include": ["messages", "media"]}
    for place, path in enumerate(("/1.png", "/2.wav", "http://10.0.0.1/x.png")):
        database.execute("INSERT INTO chat.attachment SELECT %s, id, conversation_id, %s, 'a.bin', 'image/png'"
                         " FROM chat.message ORDER BY id LIMIT 1",
                         [place, path if "//" in path else crew[1].url + path])
    found = queue.finished(database, queue.add_job(database, "full", specification=json.dumps(specification)))
    nothing = queue.finished(database, queue.add_job(database, "none"))
    for job, wanted in ((found, {"entries": 43, "media": 2, "csv_files": 41}), (nothing, {"entries": 1})):
        path = tmp_path / "archive.zip"
        path.write_bytes(queue.archive(local, job))
        status, report, _ = verify(path, as_json=True)
        assert status == 0 and wanted.items() <= report.items(), report


def archive(path, *entries, change=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in entries:
            made.writestr(name, data)
    if change:
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)
    return path


def special(name, mode):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


def stored(name):
    return zipfile.ZipInfo(name)


@pytest.mark.parametrize("entries, problem", [
    ([(NAME, "a,b\r\n1\r\n")], f"{NAME}: row 2 has 1 columns, the header has 2"),
    ([(NAME, GOOD), (NAME.upper(), GOOD)], f"{NAME.upper()}: the name was there before, but for case or spelling"),
    ([("../../etc/cron.csv", GOOD)], "../../etc/cron.csv: the path leads elsewhere"),
    ([("--help.csv", GOOD)], "--help.csv: does not begin with a letter or digit"),
    ([("x\x1b]0;y\x07.csv", GOOD)], "x?]0;y?.csv: has a character that file systems refuse or people cannot see"),
    ([("a.json", "[1,]")], "a.json: no JSON at byte 3"), ([("a.ndjson", "{}\n{\n")], "a.ndjson: line 2 is no JSON"),
    ([("a.html", "<p>")], "a.html: is no whole page"),
    ([("a.xlsx", "PK\3\4" + 50 * "x")], "a.xlsx: is no whole workbook"),
    ([("a.pdf", "%PDF-1.7")], "a.pdf: is no whole PDF"),
    ([(special("a.csv", stat.S_IFLNK | 0o777), "/etc/passwd")], "a.csv: is no plain file"),
    ([], "the archive has no entry"),
])
def test_what_is_wrong_is_told_by_entry(verify, tmp_path, entries, problem):
    status, report, error = verify(archive(tmp_path / "x.zip", *entries))
    assert status == 1 and " fault" in error
    assert any(line.startswith(f"failed   {problem}") for line in report.splitlines()), report
    assert "\x1b" not in report and "\x07" not in report
    assert report.splitlines()[-1].startswith("failed ")


def flip(place):
    def change(data):
        data[place] ^= 0x40
    return change


def encrypt(data):
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + place] |= 1


@pytest.mark.parametrize("change, problem", [
    (flip(30 + len(NAME) + 3), "CRC error"), (flip(30), "inconsistent"), (encrypt, "is encrypted"),
    (lambda data: data.__delitem__(slice(len(data) - 30, None)), "Not a zip archive"),
    (lambda data: data.__delitem__(slice(10, 20)), ""), (lambda data: data.clear(), ""),
    (lambda data: data.__setitem__(slice(-2, None), struct.pack("<H", 3) + b"hey"), "the archive has a comment"),
], ids=range(7))
def test_damaged_archives(verify, tmp_path, change, problem):
    path = archive(tmp_path / "x.zip", (stored(NAME), GOOD), change=change)
    status, report, error = verify(path)
    assert status == 1 and problem in report and "fault" in error, (report, error)


def test_findings_are_counted_beyond_a_hundred(verify, tmp_path):
    path = archive(tmp_path / "x.zip", *[(f"_{number}.csv", GOOD) for number in range(130)])
    status, report, _ = verify(path)
    assert status == 1 and len(report.splitlines()) == 102 and "... and 30 more" in report
    status, report, _ = verify(path, as_json=True)
    assert (status, report["failed"], report["findings_left_off"], len(report["findings"])) == (1, 130, 30, 100)
    assert report["findings"][0] == {"level": "failed", "entry": "_0.csv",
                                     "problem": "does not begin with a letter or digit"}


def test_what_is_of_no_known_kind_is_a_warning(verify, tmp_path):
    status, report, _ = verify(archive(tmp_path / "x.zip", (NAME, GOOD), ("readme", b"\xff")))
    assert status == 0 and "warning  readme: is of no kind that exports have" in report and "1 warning" in report


def test_what_cannot_be_looked_at_is_told_apart(verify, tmp_path):
    assert verify(tmp_path / "gone.zip")[0] == verify(tmp_path)[0] == 2
    assert "cannot open" in verify(tmp_path / "gone.zip")[2]


@pytest.mark.skipif(SANITIZED, reason="measures memory")
def test_memory_does_not_grow_with_entries_sizes(program, tmp_path):
    """A row of 200 MB in one cell, and a number of JSON as long."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for name, edges in ((NAME, ("a,b\r\n1,\"", "\"\r\n")), ("a.json", ("[\"", "\"]"))):
            with made.open(name, "w") as entry:
                entry.write(edges[0].encode())
                for _ in range(200):
                    entry.write(b"x" * 1_000_000)
                entry.write(edges[1].encode())
    done = subprocess.run(["/usr/bin/env", "bash", "-c", "ulimit -v 200000 && exec \"$0\" verify \"$1\"",
                           program.path, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stdout.startswith("ok ")
