"""Plans of the statements that the front end sends: how many rows and blocks one walks, as EXPLAIN counts them."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def statements():
    """name -> (text, number of parameters), of every statement to Verbatim's own database."""
    build = pathlib.Path(os.environ.get("VERBATIM_BINARY", ROOT / "build/release/verbatim")).parent
    text = subprocess.run([build / "tests/tools/sql_tool"], check=True, capture_output=True, text=True).stdout
    found = {}
    for piece in text.split("\n.\n")[:-1]:
        head, _, sql = piece.partition("\n")
        name, count = head.split(" ")
        found[name] = (sql, int(count))
    return found


class Walks:
    """A connection in the API's role, which runs statements as the front end would and counts what they walk."""

    def __init__(self, database):
        self.connection = database.connect(prepare_threshold=None)
        self.connection.execute(f"SET ROLE {database.role('api')}")
        self.known = statements()
        self.prepared = set()

    def set(self, **settings):
        """verbatim.NAME of the session, as an entry sets it for its transaction; or a setting of PostgreSQL."""
        for name, value in settings.items():
            name = name if name == "plan_cache_mode" else f"verbatim.{name}"
            self.connection.execute("SELECT set_config(%s, %s, false)", [name, value])

    def explain(self, name, *values):
        """(rows, blocks): of all nodes that read a table or an index, also what they read and did not want."""
        sql, count = self.known[name]
        assert len(values) == count, name
        if name not in self.prepared:
            self.connection.execute(f"PREPARE {name} AS {sql}".encode())
            self.prepared.add(name)
        given = ", ".join("NULL" if value is None else "'" + str(value).replace("'", "''") + "'" for value in values)
        plan = self.connection.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE {name} ({given})".encode()).fetchone()[0]
        plan = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
        return sum(self._rows(plan)), plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]

    def _rows(self, node):
        if "Relation Name" in node or "Index Name" in node:
            lost = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            yield (node["Actual Rows"] + lost) * node["Actual Loops"]
        for child in node.get("Plans", []):
            yield from self._rows(child)
