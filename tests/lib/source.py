"""The reader of the source contract from outside: runs read_source and understands what it prints."""

import os
import pathlib
import re
import subprocess

from .patience import ATTEMPTS, LIMIT, Stopwatch
from .process import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
LONG_STALL = 4  # seconds, less than the limit of a connection


def binary():
    verbatim = os.environ.get("VERBATIM_BINARY")
    build = pathlib.Path(verbatim).parent if verbatim else ROOT / "build/release"
    return build / "tests/tools/read_source"


class ReadFailed(Exception):
    """The reader's status line; `partial` is what it had given before."""

    def __init__(self, text, partial):
        super().__init__(text)
        self.retryable = text.splitlines()[-1].split(":")[0].endswith("retryable")
        self.partial = partial


def command(url, schema, settings):
    pairs = [f"{name.rstrip('_')}={value}" for name, value in settings.items() if value is not None]
    return [str(binary()), url, schema, *pairs]


def parse(output):
    return [line.split("\t") for line in output.splitlines()]


def read(url, schema, **settings):
    """Lines as lists of fields. Instants and cursors are given as the reader prints them.

    What may be tried again is, where the machine stood still for longer than a server is waited for."""
    for attempt in range(ATTEMPTS):
        watch = Stopwatch()
        done = subprocess.run(command(url, schema, settings), capture_output=True, timeout=LIMIT)
        lines = parse(done.stdout.decode())
        if done.returncode == 0:
            return lines
        failure = ReadFailed(done.stderr.decode().strip(), lines)
        if not failure.retryable or watch.still < LONG_STALL or attempt == ATTEMPTS - 1:
            raise failure


def events(lines):
    """Without the borders of pages, which are not part of what is read."""
    return [line for line in lines if line[0] in ("conversation", "message")]


def start(url, schema, **settings):
    """A reader that runs beside the test."""
    return subprocess.Popen(command(url, schema, settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def readers(source):
    return {pid for pid, in source.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'read_source'"
                                           " AND datname = current_database()")}


def plans(source, postgres, schema, selection, **settings):
    """The plans that the server really used, by auto_explain; all are told when the reader's backend is gone."""
    before, others = len(postgres.log()), readers(source)
    url = (source.url + "?options=-csession_preload_libraries%3Dauto_explain%20-cauto_explain.log_min_duration%3D0"
           "%20-cauto_explain.log_level%3DLOG%20-cauto_explain.log_analyze%3Don")
    read(url, schema, **settings, **selection)
    wait_until(lambda: readers(source) <= others, "the end of the reader", pause=0.005)
    entries = re.split(r"\n(?=\d{4}-\d\d-\d\d )", postgres.log()[before:])
    return "\n".join(entry for entry in entries if "Query Text: EXPLAIN" not in entry)  # looked at, not run


def scans(log):
    """(kind of scan, index, table) of each scan in the plans."""
    return re.findall(r"(\w[\w ]*? Scan)(?: Backward)?(?: using (\w+))? on (\w+)", log)


def rows_looked_at(log, table):
    """Rows of a table (an expression for its name) that the plans touched, those that a filter threw away included."""
    total = 0
    for block in re.split(r"\n(?=\s*(?:->|\S+ \S+ UTC))", log):
        if re.search(rf"Scan .*on {table}\b", block):
            actual = re.search(r"actual time=\S+ rows=([\d.]+) loops=(\d+)", block)  # from 18 on with fractions
            removed = re.search(r"Rows Removed by Filter: (\d+)", block)
            if actual:  # else it was never executed
                total += (float(actual[1]) + int(removed[1] if removed else 0)) * int(actual[2])
    return total


def assert_by_index(log, *tables):
    """Each of the tables is read, by an index alone, and nothing is sorted."""
    found = scans(log)
    assert {table for _, _, table in found} >= set(tables)
    for scan, _, table in found:
        if table in tables:
            assert scan in ("Index Scan", "Index Only Scan"), (scan, table)
    assert "Sort" not in log.replace("Sort Key", "")


def forget_statistics(source):
    """As on the day a platform was restored. ANALYZE is the way back."""
    own = "(SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('chat', 'app'))"
    unknown = "-1" if source.value("SELECT current_setting('server_version_num')::int") >= 140000 else "0, relpages = 0"
    source.execute(f"DELETE FROM pg_statistic WHERE starelid IN {own};"
                   f"UPDATE pg_class SET reltuples = {unknown} WHERE oid IN {own}")
