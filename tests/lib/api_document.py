"""An OpenAPI document as tests use it: its operations and examples, sending them, and holding answers against it."""

import http.client
import json
import re
import urllib.parse

import jsonschema

from .patience import LIMIT
from .process import wait_until
from .service import Answer

METHODS = ("get", "post", "put", "patch", "delete")


def examples_of(content):
    """(name, value) of a media type's examples; ("plain", value) for one without a name."""
    if "example" in content:
        yield "plain", content["example"]
    for name, example in content.get("examples", {}).items():
        yield name, example["value"]


class Operation:
    def __init__(self, document, path, method, spec):
        self.document, self.path, self.method, self.spec = document, path, method.upper(), spec
        self.id = spec["operationId"]
        self.parameters = [document.resolve(each) for each in spec.get("parameters", [])]
        self.needs_key = spec.get("security", document.root["security"]) != []
        self.good_status = min(int(status) for status in spec["responses"])

    def body_examples(self):
        content = self.spec.get("requestBody", {}).get("content", {}).get("application/json", {})
        return dict(examples_of(content))

    def example_names(self):
        """Of its requests; [None]: one without a body."""
        return list(self.body_examples()) or [None]

    def response(self, status):
        found = self.spec["responses"].get(str(status))
        return self.document.resolve(found) if found else None


class Document:
    def __init__(self, root):
        self.root = root

    def resolve(self, thing):
        while "$ref" in thing:
            at = self.root
            for name in thing["$ref"].removeprefix("#/").split("/"):
                at = at[name.replace("~1", "/")]
            thing = at
        return thing

    def operations(self):
        for path, item in self.root["paths"].items():
            for method in METHODS:
                if method in item:
                    yield Operation(self, path, method, item[method])

    def contents(self):
        """(where, media type) of all bodies of requests and answers."""
        for operation in self.operations():
            for content in operation.spec.get("requestBody", {}).get("content", {}).values():
                yield f"{operation.id} body", content
            for status in operation.spec["responses"]:
                for content in operation.response(status).get("content", {}).values():
                    yield f"{operation.id} {status}", content

    def problems(self, schema, value, closed=False):
        """What a value breaks of a schema of this document. Closed: members that it does not name are too many."""
        whole = {**schema, "components": self.root["components"]}
        if closed:
            whole = without_surplus(whole)
        validator = jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())
        return [f"{'/'.join(map(str, error.path))}: {error.message[:200]}" for error in validator.iter_errors(value)]


def without_surplus(node):
    """Objects have the members that their schema names and no others, which the document leaves open for what comes."""
    if isinstance(node, list):
        return [without_surplus(each) for each in node]
    if not isinstance(node, dict):
        return node
    rules = ("if", "then", "else", "not", "example", "examples")
    found = {name: each if name in rules else without_surplus(each) for name, each in node.items()}
    if found.get("type") == "object" and "properties" in found:
        found.setdefault("additionalProperties", False)
    return found


def load(path):
    return Document(json.loads(path.read_text()))


# --- answers ---

def type_of(answer):
    return (answer.headers["Content-Type"] or "").split(";")[0]


def content_of(response, answer):
    contents, kind = response.get("content", {}), type_of(answer)
    return contents.get(kind, contents.get(kind.split("/")[0] + "/*"))


def differences(operation, answer):
    """Where an answer is not what its operation documents: status, type, headers, body."""
    response = operation.response(answer.status)
    if response is None:
        return [f"{answer.status} is not documented"]
    found = [f"the header {name} is missing" for name, header in response.get("headers", {}).items()
             if operation.document.resolve(header).get("required") and name not in answer.headers]
    content = content_of(response, answer)
    if "content" not in response:
        return found + (["a body that is not documented"] if answer.body else [])
    if content is None:
        return found + [f"the type {type_of(answer)} is not documented"]
    if type_of(answer) in response["content"] and type_of(answer) == "application/json":
        found += operation.document.problems(content["schema"], answer.json(), closed=True)
    return found


def shape(value):
    """Types and members; of a list its first element's."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def compare(example, answer, where):
    if isinstance(example, dict) and isinstance(answer, dict):
        if where.endswith((".specification", ".filter")):  # of any selection
            return []
        if set(example) != set(answer):
            return [f"{where}: members {sorted(set(example) ^ set(answer))}"]
        return [each for name in example for each in compare(example[name], answer[name], f"{where}.{name}")]
    if isinstance(example, list) and isinstance(answer, list):
        return compare(example[0], answer[0], where + "[]") if example and answer else []
    return [f"{where}: {example} and {answer}"] if example != answer and "NoneType" not in (example, answer) else []


def shape_differences(operation, answer):
    """Where an answer has other members or types than the example that is documented for it."""
    content = content_of(operation.response(answer.status), answer)
    if not content or type_of(answer) != "application/json":
        return []
    for _, example in examples_of(content):
        return compare(shape(example), shape(answer.json()), "answer")
    return []


# --- requests ---

class Calls:
    """Sends examples. Ids of jobs are those of exports made for it; the rest of a path is as the document has it."""

    def __init__(self, service, worker, keys, workspace):
        self.service, self.worker, self.key, self.workspace = service, worker, keys["owner"], workspace
        self.made = {}

    def native(self, ended):
        path = f"/api/v1/workspace/{self.workspace}/exports"
        answer = self.service.request("POST", path, self.key, json_body={"select": {"all": True}, "format": "ndjson"})
        assert answer.status == 202, answer.body
        name = answer.json()["export_id"]
        if ended:
            self.wait(f"{path}/{name}", ("finished",))
        return name

    def wait(self, path, ends):
        def has_ended():
            job = self.service.get(path, self.key).json()
            assert job["status"] != "failed", job
            return job["status"] in ends
        wait_until(has_ended, f"the end of {path}", 60)

    def main(self):
        answer = self.service.start_export(self.workspace, self.key, start_date="2026-03-01", end_date="2026-03-31",
                                           channel_id="00000000-0000-4000-8000-000000000103")
        assert answer.status == 202, answer.body
        name = answer.json()["export_job_id"]
        self.service.wait_for_job(self.workspace, self.key, name)
        return name

    def door(self, path, member, end):
        answer = self.service.request("POST", path, self.key, json_body={"format": "json"})
        assert answer.status in (201, 202), answer.body
        name = answer.json()[member]
        self.wait(f"{path}/{name}", (end,))
        return name

    def spare_key(self):
        answer = self.service.request("POST", f"/api/v1/workspace/{self.workspace}/keys", self.key,
                                      json_body={"role": "viewer", "name": "spare"})
        assert answer.status == 201, answer.body
        return answer.json()["key_id"]

    def link(self):
        path = f"/api/v1/workspace/{self.workspace}/exports/{self.once('export_id')}"
        return self.service.get(path, self.key).json()["download_url"].removeprefix(self.service.url)

    def token(self):
        path = f"/api/v1/workspace/{self.workspace}/exports/{self.native(True)}"
        return self.service.get(path, self.key).json()["link"].rpartition("/")[2]

    def once(self, name):
        """The value of a parameter that only the running service can give; None: the document's example does."""
        makers = {"key_id": self.spare_key, "export_id": lambda: self.native(True), "export_job_id": self.main,
                  "id": lambda: self.door("/app/conversation-exports", "id", "ready"),
                  "token": self.token,
                  "job_id": lambda: self.door("/v1/conversations/export", "job_id", "completed")}
        if name in makers and name not in self.made:
            self.made[name] = makers[name]()
        return self.made.get(name)

    def target(self, operation, missing, fresh):
        path = operation.path
        parameters = {each["name"]: each for each in operation.parameters}
        names = re.findall(r"\{(\w+)\}", path)
        for name in names:
            value = self.once(name) or parameters[name]["example"]
            if fresh and name == names[-1]:
                value = fresh
            if missing and name == names[-1]:
                value = "00000000-0000-4000-8000-00000000dead"
            path = path.replace("{%s}" % name, value)
        query = [(each["name"], each["example"]) for each in operation.parameters
                 if each["in"] == "query" and "example" in each]
        return path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else "")

    def begin(self, operation, key, missing):
        """The head of an answer that has no end, or the whole of one that has."""
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=LIMIT)
        try:
            connection.request(operation.method, self.target(operation, missing, None),
                               headers={"X-API-Key": key} if key else {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.readline() if answer.status == 200 else answer.read())
        finally:
            connection.close()

    def send(self, operation, example, key, missing=False):
        if operation.id == "followExports":
            return self.begin(operation, key, missing)
        if operation.id == "followLink":
            return self.service.request(operation.method, self.link())
        changes = operation.id in ("cancelExport", "deleteExport") and key == self.key and not missing
        if changes:  # before a worker gets to it
            self.worker.pause()
        try:
            target = self.target(operation, missing, self.native(False) if changes else None)
            body = operation.body_examples().get(example)
            if operation.id == "signIn":
                body = {"key": self.key}
            return self.service.request(operation.method, target, key, headers=self.headers(operation), json_body=body)
        finally:
            if changes:
                self.worker.resume()

    def send_body(self, operation, body, key, content_type="application/json"):
        return self.service.request(operation.method, self.target(operation, False, None), key, json_body=body,
                                    headers=self.headers(operation) | {"Content-Type": content_type})

    @staticmethod
    def headers(operation):
        return {each["name"]: each["example"] for each in operation.parameters
                if each["in"] == "header" and "example" in each}
