"""Workbooks as openpyxl reads them: sheets as lists of rows, cells without anything as None."""

import io
import re
import warnings
import zipfile

import openpyxl

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def load(data):
    # Its own reader checks no CRC.
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert package.testzip() is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return openpyxl.load_workbook(io.BytesIO(data))


def sheets(data):
    """{name: rows}. Texts are texts and numbers numbers: anything else would be a guess of the reader."""
    found = {}
    for sheet in load(data).worksheets:
        assert all(cell.data_type in ("s", "n", "inlineStr") for row in sheet.iter_rows() for cell in row
                   if cell.value is not None)
        found[sheet.title] = [list(row) for row in sheet.iter_rows(values_only=True)]
    return found


def rows(data):
    """Of its only sheet, with the texts that ECMA-376 escapes as they were; openpyxl leaves the escapes."""
    [table] = sheets(data).values()
    return [[unescaped(cell) for cell in row] for row in table]


def unescaped(cell):
    if not isinstance(cell, str):
        return cell
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), cell)


def part(data, name):
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return package.read(name).decode()
