"""Clients that six generators make of /openapi.json: they are made, compile, and get an export from POST to download.

`./run test real clients` installs the tools and names their folder in CLIENTS_TOOLS; a generator whose
tool is not there is skipped. The programs in tests/real/clients/ are what a person would write with each client.
"""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from tests.lib import clients_document
from tests.lib.clients_document import CHANNEL, WORKSPACE

TOOLS = pathlib.Path(os.environ["CLIENTS_TOOLS"])
HERE = pathlib.Path(__file__).resolve().parent / "clients"
NODE = TOOLS / "npm/node_modules/.bin"


@pytest.fixture(scope="module")
def key(program):
    return clients_document.make_key(program, messages_per_conversation=5)


@pytest.fixture(scope="module")
def service(key, make_service):
    return make_service(workers=1)


@pytest.fixture(scope="module")
def document(service, folder):
    path = folder / "openapi.json"
    path.write_bytes(service.get("/openapi.json").body)
    return path


def run(*command, cwd, env=None, seconds=240):
    done = subprocess.run([str(each) for each in command], cwd=cwd, env=os.environ | (env or {}), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def tool(path):
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")
    return path


@pytest.fixture
def place(folder, request):
    """A folder of this test's own."""
    path = folder / re.sub(r"\W", "_", request.node.name)
    path.mkdir()
    return path


@pytest.fixture
def drive(service, key, place):
    """Runs a client's program; what it downloaded has to be what the service answers to a plain request."""
    def drive(*command, env=None):
        before = {each["export_id"] for each in exports(service, key)}
        given = {"BASE": service.url, "KEY": key, "WORKSPACE": WORKSPACE, "CHANNEL": CHANNEL}
        said = run(*command, cwd=place, env=given | (env or {}))
        assert re.fullmatch(r"422\D.*select", said.strip()), said
        made = [each for each in exports(service, key) if each["export_id"] not in before]
        assert sorted(each["door"] for each in made) == ["main", "native"]
        for each in made:
            assert each["status"] == "finished"
            path = f"/api/v1/workspace/{WORKSPACE}/exports/{each['export_id']}/download"
            assert (place / each["door"]).read_bytes() == service.get(path, key).body
    return drive


def exports(service, key):
    return service.get(f"/api/v1/workspace/{WORKSPACE}/exports?limit=100", key).json()["exports"]


def compiled(place, program, generated):
    """tsc over one program and what was generated for it; the program as JavaScript."""
    for name in ("tsconfig.json", "shared.ts"):
        shutil.copy(HERE / name, place)
    shutil.copy(HERE / program, place / "main.ts")
    (place / "package.json").write_text('{"type": "module"}')
    (place / "node_modules").symlink_to(TOOLS / "npm/node_modules")
    assert (place / generated).exists()
    run(NODE / "tsc", "-p", place, cwd=place)
    return bundled(place)


def bundled(place):
    """Node wants endings that generated code leaves out: they are put in, as a bundler would."""
    for file in (place / "js").rglob("*.js"):
        def whole(match, file=file):
            path = match[2]
            target = file.parent / path
            end = "" if path.endswith(".js") else "/index.js" if target.is_dir() else ".js"
            return f"{match[1]}{path}{end}{match[3]}"
        file.write_text(re.sub(r'''(from ['"])(\.[^'"]+)(['"])''', whole, file.read_text()))
    return place / "js/main.js"


def test_oapi_codegen(document, place, drive):
    tool(TOOLS / "go/bin/oapi-codegen")
    (place / "verbatim").mkdir()
    run(TOOLS / "go/bin/oapi-codegen", "-generate", "types,client", "-package", "verbatim", "-o",
        "verbatim/client.go", document, cwd=place)
    shutil.copy(HERE / "main.go", place)
    (place / "go.mod").write_text("module example.com/clients\n\ngo 1.24\n\n"
                                  "require github.com/oapi-codegen/runtime v1.9.0\n")
    run("go", "mod", "tidy", cwd=place)
    run("go", "vet", "./...", cwd=place)
    run("go", "build", "-o", "program", ".", cwd=place)
    drive(place / "program")


def test_hey_api_openapi_ts(document, place, drive):
    run(tool(NODE / "openapi-ts"), "-i", document, "-o", "hey", "-c", "@hey-api/client-fetch", cwd=place)
    drive("node", compiled(place, "hey.ts", "hey/sdk.gen.ts"))


def test_openapi_typescript_and_openapi_fetch(document, place, drive):
    run(tool(NODE / "openapi-typescript"), document, "-o", "schema.d.ts", cwd=place)
    drive("node", compiled(place, "openapi_fetch.ts", "schema.d.ts"))


def generate(document, place, name, output, *more):
    jar = tool(TOOLS / "openapi-generator-cli.jar")
    said = run("java", "-jar", jar, "generate", "-i", document, "-g", name, "-o", output, *more, cwd=place)
    assert not re.search(r"ERROR|Exception|not supported", said), said[-4000:]


def test_openapi_generator_typescript_fetch(document, place, drive):
    generate(document, place, "typescript-fetch", "typescript_fetch")
    drive("node", compiled(place, "typescript_fetch.ts", "typescript_fetch/index.ts"))


def imported(place, python):
    """Each module of the package can be imported."""
    run(python, "-c", "import importlib, pkgutil, verbatim_client\n"
        "for each in pkgutil.walk_packages(verbatim_client.__path__, 'verbatim_client.'):\n"
        "    importlib.import_module(each.name)", cwd=place)


def test_openapi_generator_python(document, place, drive):
    generate(document, place, "python", "python", "--package-name", "verbatim_client")
    (place / "verbatim_client").symlink_to("python/verbatim_client")
    python = tool(TOOLS / "venv/bin/python")
    imported(place, python)
    drive(python, HERE / "openapi_generator.py", env={"PYTHONPATH": str(place)})


def test_openapi_python_client(document, place, drive):
    """Nothing may be left out: it says so and goes on."""
    said = run(tool(TOOLS / "venv/bin/openapi-python-client"), "generate", "--path", document, "--meta", "none",
               "--output-path", "verbatim_client", cwd=place)
    assert not re.search(r"WARNING|will not be generated|Unable to", said), said[-4000:]
    python = TOOLS / "venv/bin/python"
    imported(place, python)
    drive(python, HERE / "openapi_python_client.py", env={"PYTHONPATH": str(place)})


def test_datamodel_code_generator_names_models_as_the_document_does(document, place, service):
    run(tool(TOOLS / "venv/bin/datamodel-codegen"), "--input", document, "--input-file-type", "openapi", "--output",
        "models.py", "--output-model-type", "pydantic_v2.BaseModel", cwd=place)
    names = set(re.findall(r"^class (\w+)", (place / "models.py").read_text(), re.MULTILINE))
    schemas = set(service.get("/openapi.json").json()["components"]["schemas"])
    assert [name for name in names if re.search(r"\d$", name)] == []
    assert schemas - names <= {"OpenApiDocument"} and len(names - schemas) <= 3, (schemas - names, names - schemas)
    run(TOOLS / "venv/bin/python", "-c", "import models", cwd=place)


def test_redocly_finds_nothing(document, place):
    said = run(tool(NODE / "redocly"), "lint", "--config", HERE / "redocly.yaml", document, cwd=place,
               env={"REDOCLY_TELEMETRY": "off"})
    assert not re.search(r"Warning was generated|You have \d", said), said


def test_spectral_finds_nothing(document, place):
    run(tool(NODE / "spectral"), "lint", "--fail-severity", "hint", "-r", HERE / "spectral.yaml", document, cwd=place)


@pytest.mark.parametrize("name", list(clients_document.PROGRAMS))
def test_the_documents_examples_run(name, service, key, place):
    if not clients_document.is_there(name):
        pytest.skip(f"{name} is not on this machine")
    output, file = clients_document.run(name, place, service, key)
    assert clients_document.masked(output) == clients_document.masked(clients_document.program(name)[2])
    assert file.stat().st_size > 0
