"""Workbooks hold what the source has, cell by cell: nothing is taken for a number, a date or a formula."""

import json

import pytest

from tests.lib import queue, workbook
from tests.lib.queue import Crew

HOSTILE = [
    "=1+1", "+491711234567", "-5", "@SUM(A1)", "'quoted", "=cmd|' /C calc'!A0", "00123", "9007199254740994008", "3/4",
    "2026-02-01", "true", "1e5", "NaN", "NULL", "", None, " two  blanks ", "\ttab", "line\nfeed",
    "carriage\r\nreturn\r",
    "a<b>&amp;\"c\"'d' ]]>",
    "\x01\x08\x1f bell\x07", "_x0041_ and _x000D_", "_x005F_x0041_", "\x85\u2028\u2029\x7f",
    "\ufffe\uffff\ufeff", "Grüße 東京 😀 e\u0301 \u200f שלום", "a;b,c|d", "x" * 32765,
    "y" * 32766, "z" * 32767, "w" * 32768,
    "😀" * 30000, "long " * 30000, "\x01" * 33000,
]


def table(database, local, crew, **columns):
    assert crew
    specification = json.dumps({"select": {"channel_id": "hostile"}, "format": "xlsx"} | columns)
    data = queue.archive(local, queue.finished(database, queue.add_job(database, "hostile",
                                                                       specification=specification)))
    return data, workbook.sheets(data)


def fill_hostile(program, database):
    """The one conversation of a channel `hostile`; its contact looks like numbers."""
    queue.prepare(program, database)
    queue.fill(database, "hostile", 1, messages=len(HOSTILE))
    numbers = [number for number, in database.execute("SELECT id FROM chat.message ORDER BY created_at, id")]
    for number, text in zip(numbers, HOSTILE, strict=True):
        database.execute("UPDATE chat.message SET text = %s WHERE id = %s", [text, number])
    database.execute("UPDATE chat.contact SET name = '00123', phone = '+491711234567'")


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    fill_hostile(program, database)


@pytest.fixture(scope="module")
def crew(program, folder, local):
    with Crew(program, folder, local) as crew:
        yield crew


def joined(row, at):
    """A text and what of it is continued; openpyxl gives None for an empty text."""
    text, rest = row[at] or "", list(row[12:])
    while len((row[at] or "").encode("utf-16-le")) // 2 >= 32766 and rest:
        piece = rest.pop(0) or ""
        text += piece
        if len(piece.encode("utf-16-le")) // 2 < 32766:
            break
    return workbook.unescaped(text)


def test_every_text_is_what_it_was(database, local, crew):
    _, found = table(database, local, crew)
    [(name, (head, *rows))] = found.items()
    assert name == "messages" and head[8] == "message_text" and head[12] == "continued"
    facts = database.execute("SELECT id::text, conversation_id::text FROM chat.message ORDER BY created_at, id")
    assert [tuple(row[:2]) for row in rows] == facts, "ids are texts"
    assert {tuple(row[2:4]) for row in rows} == {("00123", "+491711234567")}
    for row, text in zip(rows, HOSTILE, strict=True):
        at = head.index("message_text")
        # A text of 33,000 escaped characters is longer in the file than what it stands for.
        if text and text[0] == "\x01" and len(text) > 100:
            assert workbook.unescaped(row[at]) == "\x01" * 32767 and workbook.unescaped(row[12]) == "\x01" * 233
        else:
            assert joined(row, at) == (text or ""), text[:50]
    times = [row[head.index("message_time")] for row in rows]
    assert all(isinstance(at, str) and at.endswith("+00:00") and len(at) == 32 for at in times)


def test_an_empty_text_is_a_cell_and_a_null_is_none(database, local, crew):
    data, _ = table(database, local, crew)
    sheet = workbook.part(data, "xl/worksheets/sheet1.xml")
    empty, null = HOSTILE.index("") + 2, HOSTILE.index(None) + 2
    assert f'<c r="I{empty}" s="1" t="inlineStr"><is><t></t></is></c>' in sheet
    assert f'r="I{null}"' not in sheet and f'r="H{null}"' in sheet


def test_profiles_of_csv_change_nothing(database, local, crew):
    plain, _ = table(database, local, crew)
    other, _ = table(database, local, crew, csv_profile="excel", delimiter=";", csv_quote="all",
                     byte_order_mark=True)
    assert plain == other


def test_the_layouts_of_csv(database, local, crew):
    _, found = table(database, local, crew, layout="conversations", include=["messages", "tags"])
    [(name, (head, row))] = found.items()
    assert name == "conversations" and row[head.index("message_count")] == len(HOSTILE)
    assert row[head.index("customer_email")] is None and row[head.index("first_message")] == "=1+1"
    last = row[head.index("last_message")]
    assert workbook.unescaped(last) == "\x01" * 32767 and head[-1] == "continued"
