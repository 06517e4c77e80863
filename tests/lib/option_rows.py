"""The options that the program's help tells."""

import re

ROW = re.compile(r"^  --(\S+)   \[(.*?)\]( \(or NAME-file: .*?\))?\n      (.*)\n      (.*)$", re.M)


def option_rows(program):
    """Of each option: name, default, words for a secret (else ""), meaning, what is allowed."""
    rows = ROW.findall(program.run("serve", "--help").stdout)
    assert len(rows) > 30
    return rows
