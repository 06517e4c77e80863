"""The reader of the source contract from outside: runs read_source and understands what it prints."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary():
    verbatim = os.environ.get("VERBATIM_BINARY")
    build = pathlib.Path(verbatim).parent if verbatim else ROOT / "build/release"
    return build / "tests/tools/read_source"


class ReadFailed(Exception):
    """The reader's status line; `partial` is what it had given before."""

    def __init__(self, text, partial):
        super().__init__(text)
        self.retryable = text.split(":")[0].endswith("retryable")
        self.partial = partial


def command(url, schema, settings):
    pairs = [f"{name.rstrip('_')}={value}" for name, value in settings.items() if value is not None]
    return [str(binary()), url, schema, *pairs]


def parse(output):
    return [line.split("\t") for line in output.splitlines()]


def read(url, schema, **settings):
    """Lines as lists of fields. Instants and cursors are given as the reader prints them."""
    done = subprocess.run(command(url, schema, settings), capture_output=True, timeout=120)
    lines = parse(done.stdout.decode())
    if done.returncode != 0:
        raise ReadFailed(done.stderr.decode().strip(), lines)
    return lines


def events(lines):
    """Without the borders of pages, which are not part of what is read."""
    return [line for line in lines if line[0] in ("conversation", "message")]


def start(url, schema, **settings):
    """A reader that runs beside the test."""
    return subprocess.Popen(command(url, schema, settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
