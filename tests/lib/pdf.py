"""PDF files through the eyes of poppler and qpdf."""

import re
import subprocess


def saved(folder, data, name="transcript.pdf"):
    path = folder / name
    path.write_bytes(data)
    return path


def run(*command):
    made = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert made.returncode == 0, (command, made.stdout[-2000:], made.stderr[-2000:])
    return made.stdout.decode()


def check(path):
    """Its structure has no faults, also none that readers forgive."""
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", path)


def text(path, layout=False):
    return run("pdftotext", *(["-layout"] if layout else []), path, "-")


def info(path):
    """The properties, by name."""
    return dict(re.findall(r"^([^:]+): +(.*)$", run("pdfinfo", path), re.M))


def fonts(path):
    """Of each: name, and whether it is embedded and says what its letters mean."""
    rows = run("pdffonts", path).splitlines()[2:]
    return [(row[:36].strip(), row.split()[-5:-2]) for row in rows]


def outline(path):
    """Titles of the bookmarks."""
    made = run("qpdf", "--json", "--json-key=outlines", path)
    return re.findall(r'"title": "(.*)"', made)
