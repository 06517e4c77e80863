"""The API's description: that it is well formed, whole, true to what the service answers, and shown without help.

Every example of a request in it is sent to a service over demo data; what comes back is held against the documented
status, headers, schema, and the shape of the documented example. schemathesis looks for what nobody thought of.
"""

import html.parser
import os
import pathlib
import re
import subprocess
import urllib.parse

import jsonschema
import pytest

from tests.lib import api_document, http_source
from tests.lib.native_source import make_key

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = pathlib.Path(os.environ.get("VERBATIM_SCHEMATHESIS", ROOT / ".run/venv-schemathesis"))
WORKSPACE = "00000000-0000-4000-8000-000000000001"
ELSEWHERE = "00000000-0000-4000-8000-00000000ffff"

DOCUMENT = api_document.load(ROOT / "service/api/openapi/openapi.json")
OPERATIONS = list(DOCUMENT.operations())
EXAMPLES = [(operation, name) for operation in OPERATIONS for name in operation.example_names()]
KEYED = [operation for operation in OPERATIONS if operation.needs_key]
WITH_BODY = [operation for operation in OPERATIONS if "requestBody" in operation.spec]


@pytest.fixture(scope="module")
def keys(program, database):
    program.migrate()
    http_source.somebody_sends_mails(database)
    program.demo_data(conversations=200, messages_per_conversation=5)
    program.workspace(WORKSPACE)
    program.workspace(ELSEWHERE)
    return {"owner": program.key(WORKSPACE), "elsewhere": program.key(ELSEWHERE),
            "metrics": program.key(WORKSPACE, scope="metrics")}


@pytest.fixture(scope="module")
def worker(service, make_service):
    return make_service(command="worker", workers=2)


@pytest.fixture(scope="module")
def calls(service, worker, keys):
    return api_document.Calls(service, worker, keys, WORKSPACE)


def key_for(operation, keys):
    return keys["metrics" if operation.id == "metrics" else "owner"] if operation.needs_key else None


# --- the document ---

def test_the_document_is_served_as_it_is_but_for_the_address(service):
    answer = service.get("/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    text = (ROOT / "service/api/openapi/openapi.json").read_text()
    assert answer.body.decode() == text.replace('[{"url": "/"}]', f'[{{"url": "{service.url}"}}]')
    held = service.get("/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (held.status, held.body, held.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    assert service.get("/openapi.json", headers={"If-None-Match": '"another"'}).status == 200
    head = service.request("HEAD", "/openapi.json")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(answer.body)))
    assert answer.headers.get_all("Cache-Control") == ["no-cache"]


def test_clients_made_from_the_document_call_base_url(service, make_service):
    """Behind a proxy's path too; and another address is another document to caches."""
    other = make_service(workers=0, base_url="https://public.example/export-api")
    answer = other.get("/openapi.json")
    assert answer.json()["servers"] == [{"url": "https://public.example/export-api"}]
    held = service.get("/openapi.json").headers["ETag"]
    assert other.get("/openapi.json", headers={"If-None-Match": held}).status == 200


def test_the_page_is_found_with_a_slash_behind_it(service):
    answer = service.get("/docs/")
    assert answer.status == 308
    for base in (service.url, "https://public.example/export-api"):
        assert urllib.parse.urljoin(base + "/docs/", answer.headers["Location"]) == base + "/docs"


def test_the_document_has_the_routes_of_the_program_and_no_others(service):
    page = service.get("/docs").body.decode()
    listed = re.findall(r"<li><code>([A-Z]+) (\S+)</code></li>", page.split("<noscript>")[1].split("</noscript>")[0])
    assert len(listed) > 8
    paths = [(operation.method, re.sub(r"\{\w+\}", "{}", operation.path)) for operation in OPERATIONS]
    documented = [(method, re.sub(r"^/(files|console)/\{}$", r"/\1/*", path)) for method, path in paths]
    assert sorted(documented) == sorted(listed)


def test_every_operation_is_told_apart_grouped_and_exemplified():
    ids = [operation.id for operation in OPERATIONS]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in DOCUMENT.root["tags"]}
    for operation in OPERATIONS:
        assert set(operation.spec["tags"]) <= tags and len(operation.spec["tags"]) == 1, operation.id
        assert operation.method != "POST" or "requestBody" not in operation.spec or operation.example_names() != [None]
    assert {operation.spec["tags"][0] for operation in OPERATIONS} == tags


def test_schemas_are_schemas():
    for name, schema in DOCUMENT.root["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert DOCUMENT.problems({"$ref": f"#/components/schemas/{name}"}, object()), f"{name} takes anything"


def test_documented_examples_keep_to_their_schemas():
    count = 0
    for where, content in DOCUMENT.contents():
        for name, value in api_document.examples_of(content):
            assert DOCUMENT.problems(content["schema"], value) == [], (where, name)
            count += 1
    assert count > 20


def test_what_a_specification_may_not_be_breaks_its_schema():
    """The rules of the document, not only those of the service, refuse these."""
    everything = {"all": True}
    for body in ({}, {"select": {}}, {"select": {"all": False}}, {"select": {"all": True, "channel_id": "x"}},
                 {"select": everything, "format": "xml"}, {"select": everything, "format": "json", "layout": "leads"},
                 {"select": everything, "include": ["media"], "format": "json", "files": "single"},
                 {"select": everything, "include": ["tags"]}, {"select": everything, "link_ttl": "8d"},
                 {"select": {"channel_id": "x"}, "filter": {"channel_type": "sms"}},
                 {"select": {"conversation_ids": ["x"] * 2}}, {"select": everything, "surplus": 1}):
        assert DOCUMENT.problems({"$ref": "#/components/schemas/Specification"}, body), body


def test_openapi_spec_validator_finds_the_document_good():
    python = venv_program("python")
    code = ("import json, sys\nfrom openapi_spec_validator import OpenAPIV31SpecValidator\n"
            "OpenAPIV31SpecValidator(json.load(open(sys.argv[1]))).validate()")
    done = subprocess.run([python, "-c", code, ROOT / "service/api/openapi/openapi.json"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


# --- its examples, sent ---

@pytest.mark.parametrize("operation, name", EXAMPLES, ids=lambda each: getattr(each, "id", each) or "plain")
def test_an_example_is_answered_as_documented(operation, name, calls, service, keys):
    answer = calls.send(operation, name, key_for(operation, keys))
    assert answer.status == operation.good_status, answer.body[:500]
    assert api_document.differences(operation, answer) == []
    assert api_document.shape_differences(operation, answer) == []


@pytest.mark.parametrize("operation", KEYED, ids=lambda each: each.id)
def test_refusals_are_as_documented(operation, calls, service, keys):
    without = calls.send(operation, operation.example_names()[0], None)
    assert without.status == 401
    assert api_document.differences(operation, without) == []
    other = keys["owner" if operation.id == "metrics" else "metrics"]
    lacking = calls.send(operation, operation.example_names()[0], other)
    assert lacking.status == 403
    assert api_document.differences(operation, lacking) == []


@pytest.mark.parametrize("operation", [each for each in KEYED if "{" in each.path], ids=lambda each: each.id)
def test_what_is_not_there_is_as_documented(operation, calls, service, keys):
    answer = calls.send(operation, operation.example_names()[0], keys["owner"], missing=True)
    assert answer.status == 404, answer.body
    assert api_document.differences(operation, answer) == []


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda each: each.id)
def test_bad_bodies_are_as_documented(operation, calls, service, keys):
    broken = calls.send_body(operation, {"surplus": 1}, keys["owner"])
    assert broken.status == 422
    assert api_document.differences(operation, broken) == []
    large = calls.send_body(operation, {"surplus": "x" * 70000}, keys["owner"])
    assert large.status == 413
    assert api_document.differences(operation, large) == []
    typed = calls.send_body(operation, {}, keys["owner"], content_type="text/plain")
    assert typed.status == 415
    assert api_document.differences(operation, typed) == []


def test_a_viewer_is_refused_what_changes_anything(calls, program, database, keys):
    viewer = make_key(program, database, "viewer", workspace=WORKSPACE)
    posts = [operation for operation in KEYED if operation.method in ("POST", "DELETE") and operation.id != "signOut"]
    assert posts
    for operation in posts:
        answer = calls.send(operation, operation.example_names()[0], viewer)
        assert answer.status == 403, (operation.id, answer.body)
        assert api_document.differences(operation, answer) == []


# --- the page ---

class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.loads, self.inline, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        if tag in ("script", "img", "iframe", "object", "embed", "link", "source", "video", "audio"):
            self.loads.append(attributes.get("src") or attributes.get("href") or "")
        self.inline += [name for name in attributes if name.startswith("on")]
        if tag == "script" and "src" not in attributes:
            self.inline.append("script")


def test_the_page_needs_nothing_from_elsewhere(service):
    answer = service.get("/docs")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ") and "script-src 'self'" in policy
    assert "http" not in policy and "*" not in policy and "unsafe-eval" not in policy
    text = answer.body.decode()
    page = Page(text)
    assert page.inline == [], "the policy forbids scripts in the page"
    assert sorted(page.loads) == ["data:,", "docs/docs.js"]
    assert not re.search(r"""@import|url\(|//[a-z0-9-]+\.[a-z]""", text)
    assert {"main", "nav", "noscript", "h1"} <= set(page.tags)
    head = service.request("HEAD", "/docs")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(answer.body)))


def test_the_script_of_the_page_asks_for_the_document_alone(service):
    answer = service.get("/docs/docs.js")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
    script = answer.body.decode()
    assert re.findall(r"fetch\(([^)]*)\)", script) == ['"openapi.json"']
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval", "XMLHttpRequest", "import(", "http:",
                 "https:"):
        assert word not in script, word
    for used in re.findall(r'getElementById\("(\w+)"\)', script):
        assert f'id="{used}"' in service.get("/docs").body.decode()


# --- schemathesis ---

def venv_program(name):
    path = VENV / "bin" / name
    if not path.exists():
        pytest.skip("schemathesis is not on this machine: PyPI could not be reached")
    return path


@pytest.mark.timeout(300)
def test_schemathesis_finds_nothing(service, worker, keys, folder):
    command = [venv_program("schemathesis"), "--config-file", ROOT / "tests/end_to_end/schemathesis.toml", "run",
               f"{service.url}/openapi.json", "--no-color",
               "--exclude-operation-id", "followExports", "--header", f"X-API-Key: {keys['owner']}"]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": str(ROOT / "tests/end_to_end"),
                                "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=280)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    cases = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert cases and int(cases[1]) > 50 * len(OPERATIONS), done.stdout[-1500:]
    # It leaves out the route that it has the document from; an answer without an end is nothing for it.
    assert f"Tested: {len(OPERATIONS) - 2}" in done.stdout
