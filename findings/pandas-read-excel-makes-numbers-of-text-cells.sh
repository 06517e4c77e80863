#!/usr/bin/env bash
# pandas: read_excel makes numbers of cells that the workbook says are texts, and NaN of the text NA.
#
# Packages  PyPI's pandas 2.3.3, openpyxl 3.1.5 and python-calamine 0.9.1, in a virtual environment in a temporary
#           folder.
# Input     A workbook of openpyxl with two columns of text cells (t="s", number format "@"): 00123 and 00456; NA and y.
# Guess     XLSX has types, other than CSV: a text cell is read as a text, and its zeros stay.
# Seen      Both engines hand the texts over as texts, but read_excel then passes each column through the parser that
#           CSV goes through: 00123 becomes the integer 123, NA becomes NaN. With dtype=str and keep_default_na=False
#           they stay.
#
# Exit 0: as seen. 1: it behaves otherwise. 2: it could not be tried.
set -euo pipefail
work=$(mktemp -d /var/tmp/finding-XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"
{ /usr/bin/python3 -m venv venv && venv/bin/pip -q install pandas==2.3.3 openpyxl==3.1.5 python-calamine==0.9.1; } \
    >log 2>&1 || { echo "cannot fetch the packages"; cat log; exit 2; }
venv/bin/python - <<'PYTHON'
import sys

import openpyxl
import pandas

book = openpyxl.Workbook()
book.active.append(["zeros", "words"])
for row in ["00123", "NA"], ["00456", "y"]:
    book.active.append(row)
for row in book.active.iter_rows():
    for cell in row:
        cell.number_format = "@"
book.save("texts.xlsx")
cells = [cell for row in openpyxl.load_workbook("texts.xlsx").active.iter_rows() for cell in row]
print("openpyxl", openpyxl.__version__, "reads", [cell.value for cell in cells], {cell.data_type for cell in cells})
seen = []
for engine in "openpyxl", "calamine":
    frame = pandas.read_excel("texts.xlsx", engine=engine)
    zeros, words = frame["zeros"].tolist(), frame["words"].isna().tolist()
    print("pandas", pandas.__version__, engine, "zeros:", zeros, "words are NaN:", words)
    seen.append((zeros, words))
asked = pandas.read_excel("texts.xlsx", dtype=str, keep_default_na=False).values.tolist()
print("with dtype=str, keep_default_na=False:", asked)
sys.exit(seen != 2 * [([123, 456], [True, False])] or asked != [["00123", "NA"], ["00456", "y"]])
PYTHON
