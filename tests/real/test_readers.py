"""The blocks of docs/reading.md, each run as it stands there against an export of hostile texts.

`./run test real readers` installs the readers and names their folder in READERS_TOOLS; one that is not there is
skipped. What was read is compared with the database, text by text."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from tests.lib import hostile, queue

TOOLS = pathlib.Path(os.environ["READERS_TOOLS"])
GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs/reading.md"
PYTHON = TOOLS / "venv/bin/python"
REMOTE = "PostgreSQL, from another machine"


def blocks():
    """By section and reader: the code."""
    section, name, found = None, None, {}
    for line in re.split(r"\n(?=#|```)", GUIDE.read_text()):
        if line.startswith("## "):
            section = line.split("\n")[0][3:]
        elif line.startswith("### "):
            name = line.split("\n")[0][4:]
        elif re.match(r"```\w", line):
            found[section, name] = line.split("\n", 1)[1]
    return found


BLOCKS = blocks()


@pytest.fixture(scope="module")
def exports(program, database, make_service, folder):
    """A folder with export.csv and export.ndjson."""
    hostile.make_source(database)
    program.migrate()
    program.workspace("one")
    key = program.key("one")
    service = make_service(workers=1)
    target = folder / "exports"
    target.mkdir()
    for kind, more in (("csv", {"csv_profile": "raw"}), ("ndjson", {})):
        answer = service.request("POST", "/api/v1/workspace/one/exports", key, json_body={
            "select": {"all": True}, "format": kind, "files": "single"} | more)
        assert answer.status == 202, answer.body
        job = answer.json()["export_id"]
        queue.finished(database, job)
        (target / f"export.{kind}").write_bytes(
            service.get(f"/api/v1/workspace/one/exports/{job}/download", key).body)
    return target


def run(*command, cwd, env=None):
    done = subprocess.run([str(each) for each in command], cwd=cwd, env=os.environ | (env or {}), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240)
    assert done.returncode == 0, done.stdout[-4000:]


def need(*paths):
    for path in paths:
        if not pathlib.Path(path).exists():
            pytest.skip(f"{path} is not on this machine")


def tool(name):
    return shutil.which(name) or pytest.skip(f"{name} is not on this machine")


def python(folder, code, result):
    """`result` is an expression over what the block has left."""
    need(PYTHON)
    script = f"{code}\nimport json as j\nj.dump({result}, open('out.json', 'w'))\n"
    run(PYTHON, "-c", script, cwd=folder)
    return json.loads((folder / "out.json").read_text())


def duckdb(folder, code, result="[dict(zip(names, row)) for row in rows]"):
    return python(folder, f"import duckdb\nt = duckdb.sql({code!r})\nnames, rows = t.columns, t.fetchall()", result)


def clickhouse(folder, code):
    text = f"import chdb\nout = chdb.query({code!r}, 'JSONCompact')\nimport json\nout = json.loads(str(out))"
    return python(folder, text, "[dict(zip([m['name'] for m in out['meta']], row)) for row in out['data']]")


def node(folder, code, result):
    need(TOOLS / "npm/node_modules")
    script = f'{code}\nrequire("fs").writeFileSync("out.json", JSON.stringify({result}));'
    run(tool("node"), "-e", script, cwd=folder, env={"NODE_PATH": str(TOOLS / "npm/node_modules")})
    return json.loads((folder / "out.json").read_text())


def r(folder, code):
    end = ('con <- file("out.tsv", "w", encoding = "UTF-8")\n'
           'hex <- function(x) paste(sprintf("%02x", as.integer(charToRaw(enc2utf8(x)))), collapse = "")\n'
           'writeLines(paste(names(rows), collapse = " "), con)\n'
           'for (i in seq_len(nrow(rows))) writeLines(paste(sapply(rows[i, ], hex), collapse = " "), con)\n'
           "close(con)\n")
    run(tool("Rscript"), "-e", f"{code}\n{end}", cwd=folder, env={"LC_ALL": "C.UTF-8"})
    names, *rows = (folder / "out.tsv").read_text().splitlines()
    return [dict(zip(names.split(), (bytes.fromhex(cell).decode() for cell in row.split(" ")))) for row in rows]


def java(folder, code):
    need(TOOLS / "jars/opencsv.jar")
    imports = "\n".join(line for line in code.splitlines() if line.startswith("import "))
    body = "\n".join(line for line in code.splitlines() if not line.startswith("import "))
    (folder / "Read.java").write_text(f"""{imports}
class Read {{
    public static void main(String[] arguments) throws Exception {{
        {body}
        try (var out = Files.newBufferedWriter(Path.of("out.txt"), StandardCharsets.UTF_8)) {{
            for (var row : rows) {{
                for (var cell : row)
                    out.write(java.util.HexFormat.of().formatHex(cell.getBytes(StandardCharsets.UTF_8)) + " ");
                out.write("\\n");
            }}
        }}
    }}
}}
""")
    run(tool("java"), "-cp", TOOLS / "jars/*", "Read.java", cwd=folder)
    names, *rows = [[bytes.fromhex(cell).decode() for cell in line[:-1].split(" ")]
                    for line in (folder / "out.txt").read_text().splitlines()]
    return [dict(zip(names, row)) for row in rows]


def server(database, exports, code, table):
    """SQL of the guide on the tests' server, which reads the file itself, as another user."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        pathlib.Path(folder).chmod(0o755)
        for name in ("export.csv", "export.ndjson"):
            shutil.copy(exports / name, folder)
        database.execute(code.replace("/srv/", f"{folder}/"))
    return database.execute(f"SELECT to_jsonb(t) FROM {table} AS t")


def psql(folder, database, code):
    (folder / "block.sql").write_text(code)
    run(tool("psql"), "-qXv", "ON_ERROR_STOP=1", "-d", database.url, "-f", "block.sql", cwd=folder)


def spark(folder, code, result):
    need(PYTHON, tool("java"))
    return python(folder, code, result)


CSV = {
    "Python": lambda folder, code: python(folder, code, "rows"),
    "pandas": lambda folder, code: python(folder, code, "rows.to_dict('records')"),
    "polars": lambda folder, code: python(folder, code, "rows.to_dicts()"),
    "pyarrow": lambda folder, code: python(folder, code, "rows.to_pylist()"),
    "DuckDB": duckdb,
    "ClickHouse": clickhouse,
    "R": r,
    "Spark": lambda folder, code: spark(folder, code, "[row.asDict() for row in rows.collect()]"),
    "Java: opencsv": java,
    "JavaScript: Papa Parse": lambda folder, code: node(folder, code, "rows"),
    "JavaScript: SheetJS": lambda folder, code: node(folder, code, "rows"),
}
# What becomes a line feed inside a text, as the guide says.
LINE_FEEDS = {"R": r"\r\n?", "Java: opencsv": r"\r\n?", "JavaScript: SheetJS": r"\r\n"}
LINES = {
    "Python": lambda folder, code: python(folder, code, "conversations"),
    "pandas": lambda folder, code: python(folder, code, "conversations"),
    "polars": lambda folder, code: python(folder, code, "conversations"),
    "DuckDB": lambda folder, code: [json.loads(row["json"]) for row in duckdb(folder, code)],
    "ClickHouse": lambda folder, code: [json.loads(row["json"]) for row in clickhouse(folder, code)],
    "Spark": lambda folder, code: spark(folder, code, "conversations"),
    "JavaScript": lambda folder, code: node(folder, code, "conversations"),
}


def of_rows(rows):
    return {row["message_id"]: (row["conversation_id"], row["contact_name"] or "", row["contact_phone"] or "",
                                row["message_text"] or "") for row in rows}


def of_conversations(conversations):
    return {message["id"]: (each["id"], each["customer"]["name"] or "", each["customer"]["phone"] or "",
                            message["text"] or "") for each in conversations for message in each["messages"]}


def compare(found, database, line_feeds=None):
    expected = hostile.messages(database)
    if line_feeds:
        expected = {key: tuple(re.sub(line_feeds, "\n", cell) for cell in row) for key, row in expected.items()}
    wrong = {key: (repr(found.get(key))[:120], repr(value)[:120]) for key, value in expected.items()
             if found.get(key) != value}
    assert not wrong, (len(wrong), list(wrong.items())[:4])
    assert len(found) == len(expected)


@pytest.mark.parametrize("reader", CSV)
def test_csv(exports, database, reader):
    rows = CSV[reader](exports, BLOCKS["CSV", reader])
    assert len(rows) == len(hostile.messages(database))
    compare(of_rows(rows), database, LINE_FEEDS.get(reader))


@pytest.mark.parametrize("reader", LINES)
def test_ndjson(exports, database, reader):
    compare(of_conversations(LINES[reader](exports, BLOCKS["NDJSON", reader])), database)


def test_postgresql(exports, database):
    compare(of_rows(row for row, in server(database, exports, BLOCKS["CSV", "PostgreSQL"], "export")), database)
    found = server(database, exports, BLOCKS["NDJSON", "PostgreSQL"], "conversations")
    compare(of_conversations(row["conversation"] for row, in found), database)
    # The same from here, into tables beside those that the server read by itself.
    exec(BLOCKS["CSV", REMOTE].replace("open(", f"open({str(exports)!r} + '/' + "), {"URL": database.url})
    compare(of_rows(row for row, in database.execute("SELECT to_jsonb(t) FROM export_copied AS t")), database)
    psql(exports, database, BLOCKS["NDJSON", REMOTE])
    found = database.execute("SELECT conversation FROM conversations_copied")
    compare(of_conversations(row for row, in found), database)


def test_every_block_has_its_test():
    servers = ("PostgreSQL", REMOTE)
    tested = {("CSV", name) for name in (*CSV, *servers)} | {("NDJSON", name) for name in (*LINES, *servers)}
    assert tested == set(BLOCKS)
