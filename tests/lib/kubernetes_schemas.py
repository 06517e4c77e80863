"""JSON schemas for kubeconform: of Kubernetes' own document of its API, and of definitions of custom resources. Objects
that name their members are closed, as a strict API server takes them."""

import copy
import json

INT_OR_STRING = {"oneOf": [{"type": "string"}, {"type": "integer"}]}
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def file_name(kind, group, version):
    """As kubeconform asks for it: the group's first word alone."""
    words = [kind.lower(), *([group.split(".")[0]] if group else []), version.lower()]
    return "-".join(words) + ".json"


def close(schema):
    """In place."""
    if isinstance(schema, list):
        for each in schema:
            close(each)
    elif isinstance(schema, dict):
        if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
        if schema.get("format") == "int-or-string" or schema.get("x-kubernetes-int-or-string"):
            schema.clear()
            schema.update(INT_OR_STRING)
        for each in list(schema.values()):
            close(each)


def used(schema, definitions, found):
    """Names of the definitions that a schema needs, with those that these need."""
    if isinstance(schema, list):
        for each in schema:
            used(each, definitions, found)
    elif isinstance(schema, dict):
        name = schema.get("$ref", "").removeprefix("#/definitions/")
        if name and name not in found:
            found.add(name)
            used(definitions[name], definitions, found)
        for each in schema.values():
            used(each, definitions, found)
    return found


def write_schemas(document, folder):
    folder.mkdir(exist_ok=True)
    definitions = document["definitions"]
    close(definitions)
    definitions[QUANTITY] = {"oneOf": [{"type": "string"}, {"type": "number"}]}
    for name, schema in definitions.items():
        for kind in schema.get("x-kubernetes-group-version-kind", ()):
            needed = {each: definitions[each] for each in used(schema, definitions, {name})}
            whole = {"$ref": f"#/definitions/{name}", "definitions": needed}
            (folder / file_name(kind["kind"], kind["group"], kind["version"])).write_text(json.dumps(whole))


def schema_of_definition(definition, folder):
    spec = definition["spec"]
    for version in spec["versions"]:
        schema = copy.deepcopy(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        close(schema)
        schema["properties"]["metadata"] = {"type": "object"}
        (folder / file_name(spec["names"]["kind"], spec["group"], version["name"])).write_text(json.dumps(schema))
