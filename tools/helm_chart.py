"""README.md and values.schema.json of the chart, made from the comments of its values.yaml and from docs/options.md.

usage: helm_chart.py [--check]   --check changes nothing, and ends with 1 where a file is not what would be made
"""

import json
import pathlib
import re
import sys

import yaml

from helm_types import TYPES, closed, schema_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHART = ROOT / "helm/verbatim"
KEY = re.compile(r"( *)([A-Za-z_][\w-]*):(.*)")
TYPED = re.compile(r" *# \(([^)]+)\) (.+)")
OPTION = re.compile(r"^\| `(\w+)`( \\\*)? \| (.*?) \| (.*) \| (.*) \|$", re.M)
# The chart gives these itself: from serve.listenAddress and serve.port.
OWN = {"listen"}

HEAD = """# The chart `verbatim`

Made by `python3 tools/helm_chart.py` from `values.yaml` and the option table;
[docs/kubernetes.md](../../docs/kubernetes.md) tells how it is used. It brings no
database, no object store and no mail server: values name what is there.

Version {version}, for verbatim {appVersion} and Kubernetes {kubeVersion}.

| value | type | default | meaning |
|---|---|---|---|
"""


class Value:
    """A leaf of values.yaml: its path, the words of its type, its meaning and its default."""

    def __init__(self, path, kind, meaning, default):
        self.path, self.kind, self.meaning, self.default = path, kind, meaning, default


def at(tree, path):
    for name in path:
        tree = tree[name]
    return tree


def read_values(text):
    """All typed values in their order; SystemExit names a key that has no type and holds no typed ones."""
    tree, values, path, typed, open_keys = yaml.safe_load(text), [], [], None, {}
    for number, line in enumerate(text.splitlines(), 1):
        comment, key = TYPED.fullmatch(line), KEY.fullmatch(line)
        if comment:
            typed = comment.groups()
        elif key:
            depth = len(key[1]) // 2
            inside = values and depth > len(values[-1].path) - 1 and path[:len(values[-1].path)] == values[-1].path
            if inside and not typed:
                continue
            path = [*path[:depth], key[2]]
            if typed:
                values.append(Value(path, *typed, at(tree, path)))
            else:
                open_keys[tuple(path)] = number
            typed = None
    for key, number in open_keys.items():
        if not any(tuple(value.path[:len(key)]) == key for value in values):
            raise SystemExit(f"values.yaml line {number}: {'.'.join(key)} has no comment with its type")
    return values


def read_options():
    """name, secret, allowed of each option, as the program's table has them (a test compares table and document)."""
    rows = OPTION.findall((ROOT / "docs/options.md").read_text())
    return [(name, bool(secret), allowed) for name, secret, _, _, allowed in rows]


def option_schema(allowed):
    """null is an option that is not given, as a second values file takes back what the first one gave."""
    return {"anyOf": [{"type": "null"}, value_schema(allowed)]}


def value_schema(allowed):
    """Only what YAML makes of a value is judged closely; the rule itself is the program's, which names it."""
    number = re.fullmatch(r"a number from (\d+) to (\d+)", allowed)
    if number:
        return {"type": "integer", "minimum": int(number[1]), "maximum": int(number[2])}
    if allowed == "on or off":
        return {"enum": ["on", "off", True, False]}
    if allowed.startswith("a duration"):
        return {"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$"}
    if allowed.startswith("a size"):
        return {"type": ["string", "integer"], "minimum": 0, "pattern": "^[0-9]+(KiB|MiB|GiB)?$"}
    words = re.split(r", | or ", allowed)
    if len(words) > 1 and all(re.fullmatch(r"[a-z0-9-]+", word) for word in words):
        return {"enum": words}
    return {"type": "string", "pattern": "^[^\\n\\r]+$"}


def make_schema(values):
    options = read_options()
    TYPES["options"] = {"$ref": "#/$defs/options"}
    root = closed()
    for value in values:
        place = root
        for name in value.path[:-1]:
            place = place["properties"].setdefault(name, closed())
        try:
            schema = schema_of(value.kind)
        except KeyError:
            raise SystemExit(f"{'.'.join(value.path)}: there is no type {value.kind}") from None
        place["properties"][value.path[-1]] = {"description": value.meaning, **schema}
    given = {".".join(value.path[1:-1]) for value in values if value.path[0] == "secrets"}
    for name, is_secret, _ in options:
        if is_secret and name not in given:
            raise SystemExit(f"values.yaml: secrets.{name} is missing: the option {name} is a secret")
    # Helm hands these two down to every chart.
    root["properties"].update({"global": {"type": "object"}})
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of the chart verbatim", **root,
            "$defs": {"options": closed(**{
                name: option_schema(allowed) for name, is_secret, allowed in options
                if not is_secret and name not in OWN})}}


def cell(text):
    return text.replace("|", "\\|")


def make_readme(values):
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    rows = [f"| `{'.'.join(value.path)}` | {cell(value.kind)} | `{cell(json.dumps(value.default))}` | "
            f"{cell(value.meaning)} |" for value in values]
    return HEAD.format(**chart) + "\n".join(rows) + "\n"


def main():
    values = read_values((CHART / "values.yaml").read_text())
    made = {CHART / "README.md": make_readme(values),
            CHART / "values.schema.json": json.dumps(make_schema(values), indent=2) + "\n"}
    stale = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{path.relative_to(ROOT)} is not what values.yaml and docs/options.md make: "
              "run python3 tools/helm_chart.py" if "--check" in sys.argv else f"wrote {path.relative_to(ROOT)}")
        if "--check" not in sys.argv:
            path.write_text(made[path])
    return bool(stale) and "--check" in sys.argv


if __name__ == "__main__":
    sys.exit(main())
