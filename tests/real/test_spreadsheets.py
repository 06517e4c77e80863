"""LibreOffice opens exports (`./run test real spreadsheets`): every cell of a workbook is the text that the source has,
and so is every cell of a CSV file whose texts are in quotes. Prints what it made of the others."""

import csv
import io
import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from tests.end_to_end.test_xlsx import HOSTILE, fill_hostile
from tests.lib import queue
from tests.lib.queue import Crew

SPACE = {prefix: f"urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0" for prefix in ("office", "table", "text")}
GERMAN = 1031  # of Windows' numbers for languages
csv.field_size_limit(1 << 30)
# What flat ODS, which is XML, cannot hold.
UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def name(prefix, local):
    return f"{{{SPACE[prefix]}}}{local}"


def words(node):
    """A paragraph's text: runs of blanks and tabs are elements."""
    text = node.text or ""
    for child in node:
        if child.tag == name("text", "s"):
            text += " " * int(child.get(name("text", "c"), "1"))
        elif child.tag == name("text", "tab"):
            text += "\t"
        elif child.tag == name("text", "line-break"):
            text += "\n"
        else:
            text += words(child)
        text += child.tail or ""
    return text


def cell(node):
    """(type, text); None for nothing."""
    kind = node.get(name("office", "value-type"))
    return kind and (kind, "\n".join(words(each) for each in node.findall("text:p", SPACE)))


def table(path):
    """The rows of the first sheet, without the empty cells at their ends."""
    sheet = ElementTree.parse(path).getroot().find(".//table:table", SPACE)
    rows = []
    for row in sheet.iter(name("table", "table-row")):
        cells = []
        for node in row.findall("table:table-cell", SPACE):
            times = int(node.get(name("table", "number-columns-repeated"), "1"))
            cells += [cell(node)] * (times if times < 1000 else 0)
        rows.append(cells)
    while rows and not any(rows[-1]):
        rows.pop()
    return rows


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """office(file, filter=None): the file as LibreOffice has it once it is open."""
    home = tmp_path_factory.mktemp("office")
    print(subprocess.run(["soffice", "--version"], capture_output=True, text=True, check=True).stdout.strip())

    def opened(path, infilter=None):
        command = ["soffice", f"-env:UserInstallation={(home / 'profile').as_uri()}", "--headless",
                   "--convert-to", "fods", "--outdir", str(home),
                   *([f"--infilter={infilter}"] if infilter else []), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        made = home / f"{path.stem}.fods"
        assert done.returncode == 0 and made.exists(), done.stdout + done.stderr
        return table(made)
    return opened


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    fill_hostile(program, database)


@pytest.fixture(scope="module")
def export(program, database, folder, local, tmp_path_factory):
    target = tmp_path_factory.mktemp("exports")

    def made(file_name, **columns):
        specification = json.dumps({"select": {"channel_id": "hostile"}, "files": "single"} | columns)
        profile = columns.get("csv_profile", "safe")
        found = queue.finished(database, queue.add_job(database, "hostile", specification=specification,
                                                       csv_profile=profile))
        path = target / file_name
        path.write_bytes(queue.archive(local, found))
        return path

    with Crew(program, folder, local):
        yield made


def plain(text):
    """As it can be told by flat ODS, whose paragraphs end at each kind of line end."""
    return UNSPEAKABLE.sub("", text or "").replace("\r\n", "\n").replace("\r", "\n")


def texts(rows, count):
    """Each cell is a text or nothing."""
    assert {kind for row in rows for kind, _ in filter(None, row)} == {"string"}
    return [[each and each[1] for each in row] + [None] * (count - len(row)) for row in rows]


def test_a_workbook_has_every_cell_as_it_is(office, export):
    head, *rows = texts(office(export("book.xlsx", format="xlsx")), 18)
    assert head[:2] == ["message_id", "conversation_id"] and head[12] == "continued"
    assert [len(row) for row in rows] == [18] * len(HOSTILE)
    for row, text in zip(rows, HOSTILE):
        assert row[2:4] == ["00123", "+491711234567"]
        whole = row[8] or ""
        if len((text or "").encode("utf-16-le")) // 2 >= 32766:
            whole += "".join(filter(None, row[12:]))
        assert plain(whole) == plain(text), (text or "")[:40]
        assert re.fullmatch(r"2026-04-02T.*\+00:00", row[7])


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_csv_with_all_texts_in_quotes_is_left_alone(office, export, delimiter):
    path = export(f"quoted-{ord(delimiter)}.csv", delimiter=delimiter, csv_quote="all", csv_profile="excel")
    written = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""), delimiter=delimiter))
    # Delimiter, quote, UTF-8, first line, no formats, language, quoted fields as text.
    rows = texts(office(path, f"CSV:{ord(delimiter)},34,76,1,,{GERMAN},true"), 12)
    assert rows[0] == written[0] and len(rows) == len(written)
    for row, line in zip(rows[1:], written[1:]):
        assert [plain(each)[:32767] for each in row] == [plain(each)[:32767] for each in line]


def test_what_becomes_of_csv_with_few_quotes(office, export):
    """The reason for the other forms: with a language's own rules numbers and dates are made of texts."""
    rows = office(export("few.csv", delimiter=";", csv_profile="raw"), f"CSV:59,34,76,1,,{GERMAN},false")
    assert all(len(row) <= 12 for row in rows), "columns are right all the same"
    changed = [(text, row[8]) for text, row in zip(HOSTILE, rows[1:]) if text and row[8] and row[8][0] != "string"]
    print(f"{len(changed)} texts became something else:", "; ".join(f"{text[:25]} -> {has[1][:25]}"
                                                                    for text, has in changed))
    assert changed and rows[1][3][0] == "float", "a telephone number"
