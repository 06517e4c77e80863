"""What keeps generators from making clients of the document stays out of it; no service is needed to see that.

Each test names what it would cost. The generators themselves are `./run test real clients`. Rules behind `if`, `then`
and `else` are for validators: generators pass over them, so these may say there what makes them fail elsewhere.
"""

import collections
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "service/api/openapi/openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
RULES = ("if", "then", "else")
VALUES = ("example", "examples", "default", "const", "enum")
MEMBERS = ("properties", "schemas", "parameters", "responses", "headers", "securitySchemes", "content", "paths")
# What TypeScript, Python or Go mean something else by.
TAKEN = {"any", "array", "blob", "boolean", "date", "error", "exception", "file", "function", "headers", "history",
         "json", "list", "map", "null", "number", "object", "record", "request", "response", "set", "string", "symbol",
         "text", "time", "type", "union"}


def nodes(node, where="", named=False):
    """(where, object) of the document without rules and examples; a member's name is not a keyword."""
    if isinstance(node, dict):
        if not named:
            yield where, node
        for name, each in node.items():
            if named or name not in RULES + VALUES:
                yield from nodes(each, f"{where}/{name}", not named and name in MEMBERS and isinstance(each, dict))
    elif isinstance(node, list):
        for place, each in enumerate(node):
            yield from nodes(each, f"{where}/{place}")


NODES = list(nodes(DOCUMENT))


def places(fits):
    return [where for where, node in NODES if fits(node)]


def reached(node, found):
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(node)):
        if name not in found:
            found.add(name)
            reached(SCHEMAS[name], found)
    return found


def operations():
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


def test_the_walk_sees_the_document():
    assert len(NODES) > 1500
    assert places(lambda node: node is SCHEMAS["Selection"]["properties"]["channel_id"])
    assert not [where for where, _ in NODES if "/then/" in where]


def test_references_lead_to_components():
    """oapi-codegen and openapi-ts stop at anything deeper, as `#/components/schemas/A/$defs/b`."""
    assert places(lambda node: "$defs" in node) == []
    found = [node["$ref"] for _, node in NODES if "$ref" in node]
    assert len(found) > 300
    for reference in found:
        section, name = re.fullmatch(r"#/components/(\w+)/(\w+)", reference).groups()
        assert name in DOCUMENT["components"][section], reference


def test_a_type_is_one_type_or_null():
    """oapi-codegen knows no `[string, integer]`."""
    assert places(lambda node: isinstance(node.get("type"), list) and
                  (len(node["type"]) != 2 or node["type"][1] != "null")) == []


def test_null_is_only_what_something_else_may_be_too():
    """openapi-generator makes a model Null of a member that is always null, and its Python stops."""
    alternatives = [each for _, node in NODES for each in node.get("anyOf", [])]
    nulls = [(where, node) for where, node in NODES if node.get("type") == "null"]
    assert [where for where, node in nulls if not any(node is each for each in alternatives)] == []
    for where, node in NODES:
        if {"type": "null"} in node.get("anyOf", []):
            assert len(node["anyOf"]) > 1, where
        assert {"type": "null"} not in node.get("oneOf", []), where


def test_texts_of_answers_that_may_be_null_say_so_themselves():
    """Beside a reference to a plain text openapi-generator's Python loses the null, and refuses the answer."""
    sent = set()
    for _, operation in operations():
        reached(operation.get("requestBody", {}), sent)
    for name in set(SCHEMAS) - sent:
        for where, node in nodes(SCHEMAS[name], name):
            for each in node.get("anyOf", []) if {"type": "null"} in node.get("anyOf", []) else []:
                target = SCHEMAS[each["$ref"].rsplit("/", 1)[1]] if "$ref" in each else each
                assert target["type"] != "string" or "enum" in target, where


def test_members_and_choices_stand_apart():
    """`oneOf` beside `properties` costs the members in some clients and the choice in others; `not` becomes a model."""
    assert places(lambda node: "properties" in node and {"oneOf", "anyOf", "allOf"} & set(node)) == []
    assert places(lambda node: "not" in node or "allOf" in node) == []


def test_lists_say_what_of():
    """Spectral calls it an error, and openapi-python-client leaves out every model above it."""
    assert places(lambda node: "array" in ([node.get("type")] if isinstance(node.get("type"), str)
                                           else node.get("type") or []) and "items" not in node) == []


def test_a_name_is_given_once():
    """oapi-codegen makes types of parameters and answers too: one name in two sections does not compile."""
    names = collections.Counter(name.lower() for section in ("schemas", "parameters", "responses")
                                for name in DOCUMENT["components"][section])
    assert [name for name, count in names.items() if count > 1] == []
    made = {operation["operationId"].lower() + end for _, operation in operations()
            for end in ("response", "params", "jsonrequestbody")}
    assert made & set(names) == set()
    assert TAKEN & set(names) == set()


def test_names_are_words_of_the_document():
    """A `title` would name the model; an object or a choice of words without a name would be numbered."""
    assert places(lambda node: "title" in node and "properties" in node) == []
    for name in SCHEMAS:
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", name), name
    named = [id(each) for each in SCHEMAS.values()]
    inside = [where for where, node in NODES if id(node) not in named and
              ("properties" in node or len(node.get("enum", [])) > 1)]
    assert [where for where in inside if not where.startswith("/components/schemas/OpenApiDocument")] == []


def test_words_have_a_type_and_are_never_null():
    for where, node in NODES:
        if "enum" in node:
            assert node.get("type") in ("string", "integer") and None not in node["enum"], where
        if "const" in node:
            assert "type" in node, where


def test_days_have_no_pattern():
    """openapi-generator's Python makes dates of them, and asks the dates to match it."""
    found = [(where, node) for where, node in NODES if node.get("format") in ("date", "date-time", "uuid")]
    assert len(found) > 5
    assert [where for where, node in found if "pattern" in node] == []


def test_bodies_have_a_type():
    """`*/*` gives no body at all. What may be any file is bytes first, then the ranges of what files are.

    With `application/json` among them oapi-codegen would parse every file whose type has `json` in it, NDJSON too."""
    for where, operation in operations():
        for body in [operation.get("requestBody", {}), *operation["responses"].values()]:
            types = list(body.get("content", {}))
            if [each for each in types if "*" in each] or "application/octet-stream" in types:
                assert types == ["application/octet-stream", "application/*", "text/*"], where
                for content in body["content"].values():
                    assert content["schema"] == {"type": "string", "format": "binary"}, where


def test_every_type_of_file_is_in_these_ranges():
    """What `vb_content_type_of` may say of a file."""
    types = {"application/zip"}
    for source in (ROOT / "export/format").glob("*.c"):
        types |= set(re.findall(r'\.content_type = "([^"]+)"', source.read_text()))
    assert len(types) > 5 and all(each.startswith(("application/", "text/")) for each in types), types
    for name in ("downloadExport", "downloadAppExport", "followShortLink", "followLink"):
        [operation] = [each for _, each in operations() if each["operationId"] == name]
        for status in ("200", "206"):
            assert "application/octet-stream" in operation["responses"][status]["content"], (name, status)


def test_parameters_in_heads_are_plain():
    """openapi-python-client leaves out an operation with a constant header."""
    assert places(lambda node: node.get("in") == "header" and "schema" in node and
                  ({"const", "enum"} & set(node["schema"]) or node["schema"].get("type") != "string")) == []


def test_what_is_sent_is_closed_and_what_comes_is_open():
    """Clients of openapi-generator refuse what a closed answer does not name, so nothing could ever be added."""
    sent = set()
    for _, operation in operations():
        reached(operation.get("requestBody", {}), sent)
    assert {"Specification", "Selection", "ConversationExportRequest"} <= sent
    for name, schema in SCHEMAS.items():
        if "properties" in schema and name != "OpenApiDocument":
            assert schema.get("additionalProperties") == (False if name in sent else None), name


def test_nothing_lies_about_unused():
    used = set(re.findall(r'"#/components/(\w+/\w+)"', json.dumps(DOCUMENT)))
    for section in ("schemas", "parameters", "responses", "headers"):
        assert {f"{section}/{name}" for name in DOCUMENT["components"][section]} - used == set()
