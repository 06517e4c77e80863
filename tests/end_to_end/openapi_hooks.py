"""Rules that JSON Schema cannot say, for schemathesis: what breaks them alone is put right.

A day after today becomes one of the past, and a range that ends before it begins is turned around. Nobody but the
service makes cursors, so one of the right form is left out; so is a range of bytes, since a piece of JSON is none. What
breaks the schema is left as it is: the service has to refuse it. Limits of texts are bytes here and characters there,
so what is within one and not the other is cut. A key of idempotency is another for each request.
"""

import datetime
import itertools
import re

import schemathesis

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
CURSOR = re.compile(r"[0-9A-Za-z_-]+")
IDEMPOTENCY = re.compile(r"[!-~]{1,255}")
TURNS = itertools.count(1)
BYTES = {"q": 200, "author": 1000, "requested_by": 1000, "name": 200, "audience": 200}
SPAN = re.compile(r"[0-9]+(ms|s|m|h|d)")
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt].*")


def within(name, value):
    """In bytes what it is in characters; a list's texts each."""
    if isinstance(value, list):
        return [within(name, each) for each in value]
    most = BYTES.get(name)
    if not most or not isinstance(value, str) or len(value) > most:
        return value
    return value.encode("utf-8", "surrogatepass")[:most].decode("utf-8", "ignore")


def is_day(value):
    try:
        return isinstance(value, str) and bool(DAY.fullmatch(value)) and bool(datetime.date.fromisoformat(value))
    except ValueError:
        return False


def moment_of(value):
    """Comparable; None where it is no moment of the calendar."""
    try:
        if is_day(value):
            return datetime.datetime.fromisoformat(value + "T00:00:00+00:00")
        if isinstance(value, str) and INSTANT.fullmatch(value):
            return datetime.datetime.fromisoformat(value.upper())
    except ValueError:
        pass
    return None


def set_right(ranges, first, last):
    """A range of one day's distance at least, and not in the future."""
    begin, end = moment_of(ranges.get(first)), moment_of(ranges.get(last))
    if begin and begin.year > 2020:
        ranges[first] = "2020" + ranges[first][4:].replace("-02-29", "-02-28")
        begin = moment_of(ranges[first])
    if begin and end and (end - begin) < datetime.timedelta(days=2):
        ranges[last] = "2024-01-01" if is_day(ranges[last]) else "2024-01-01T00:00:00Z"


def body_set_right(body):
    body = dict(body)
    set_right(body, "start_date", "end_date")
    for name, first, last in (("filter", "from", "to"), ("filter", "since", "until")):
        if isinstance(body.get(name), dict):
            body[name] = dict(body[name])
            set_right(body[name], first, last)
    set_right(body, "from", "to")
    body = {name: within(name, value) for name, value in body.items()}
    if isinstance(body.get("time_zone"), str):
        body["time_zone"] = "Europe/Berlin"
    for name, value in (("retention", "30d"), ("link_ttl", "12h")):
        if isinstance(body.get(name), str) and SPAN.fullmatch(body[name]):
            body[name] = value
    if body.get("format") == "pdf" and body.get("files") in ("single", "chunks"):
        body["files"] = "per_conversation"  # one file is one conversation's
    if isinstance(body.get("audience"), list) and body.get("role") in ("owner", "admin", "viewer"):
        body["role"] = "editor"  # the others have none
    return body


def query_set_right(query):
    """Days and texts of a list, likewise."""
    query = {name: within(name, value) for name, value in query.items()}
    first, last = moment_of(query.get("from")), moment_of(query.get("to"))
    if first and last and last < first:
        query["from"], query["to"] = query["to"], query["from"]
    return query


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.query and CURSOR.fullmatch(str(case.query.get("cursor", ""))):
        case.query = {name: value for name, value in case.query.items() if name != "cursor"}
    if case.headers and str(case.headers.get("Range", "")).startswith("bytes="):
        case.headers = {name: value for name, value in case.headers.items() if name != "Range"}
    if case.headers and IDEMPOTENCY.fullmatch(str(case.headers.get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = f"turn-{next(TURNS)}"
    if case.query:
        case.query = query_set_right(case.query)
    if isinstance(case.body, dict):
        case.body = body_set_right(case.body)


def unwrapped(node):
    """Rules that stand behind an empty `if`, where makers of clients pass over them, beside the members that they rule.

    The same schema; schemathesis takes no more than four conditions of one object, and that would be the fifth.
    """
    if isinstance(node, list):
        return [unwrapped(each) for each in node]
    if not isinstance(node, dict):
        return node
    node = {name: unwrapped(each) for name, each in node.items()}
    if node.get("if") == {} and "then" in node:
        return {name: each for name, each in node.items() if name not in ("if", "then")} | node["then"]
    return node


def files_any(schema):
    """Bodies that are files are bytes to clients; schemathesis would read those of JSON, and find no string."""
    for item in schema["paths"].values():
        for operation in item.values():
            for answer in operation["responses"].values():
                for kind, content in answer.get("content", {}).items():
                    if kind.endswith("/*"):
                        content["schema"] = {}


@schemathesis.hook
def before_load_schema(context, schema):
    schema.update(unwrapped(schema))
    files_any(schema)
