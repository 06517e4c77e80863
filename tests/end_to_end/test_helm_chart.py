"""The chart, as far as it can be judged without Helm: what is made of it is up to date, its options are the program's,
values that are wrong are refused by name. `./run test helm` renders and installs it.
"""

import copy
import json
import re
import subprocess
import sys

import jsonschema
import pytest
import yaml

from tests.lib import http_source as source
from tests.lib.option_rows import option_rows
from tests.lib.process import ROOT
from tests.lib.service import Program

CHART = ROOT / "helm/verbatim"


def merge(values, over):
    """As Helm lays a file over values.yaml: maps are merged, null takes away, all else replaces."""
    merged = copy.deepcopy(values)
    for name, value in over.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = merge(merged[name], value)
        else:
            merged[name] = value
    return merged


@pytest.fixture(scope="module")
def judge():
    """Errors of a values file as `path: message`."""
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    validator = jsonschema.Draft7Validator(json.loads((CHART / "values.schema.json").read_text()))

    def errors(text):
        merged = merge(defaults, yaml.safe_load(text) or {})
        return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
                for error in validator.iter_errors(merged)]
    return errors


def test_readme_and_schema_are_what_the_values_file_makes():
    made = subprocess.run([sys.executable, "-B", ROOT / "tools/helm_chart.py", "--check"],
                          capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr


def test_the_chart_is_for_this_version():
    number = re.search(r"project\(verbatim VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == number


def test_options_of_the_chart_are_those_of_the_program(verbatim):
    rows = option_rows(Program(verbatim))
    secret = {name.replace("-", "_") for name, _, mark, *_ in rows if mark}
    plain = {name.replace("-", "_") for name, _, mark, *_ in rows if not mark}
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert plain - set(schema["$defs"]["options"]["properties"]) == {"listen"}  # of serve.listenAddress and serve.port
    assert set(schema["$defs"]["options"]["properties"]) <= plain
    assert set(schema["properties"]["secrets"]["properties"]) == secret


def closed_everywhere(schema, path=""):
    """Paths of objects that name members and would take others."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("additionalProperties") is not False and "type" in schema:
            yield path
        for name, inner in schema.items():
            yield from closed_everywhere(inner, f"{path}/{name}")


def test_every_object_of_the_schema_is_closed():
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    assert list(closed_everywhere(schema)) == []


@pytest.mark.parametrize("file", sorted((CHART / "ci").glob("*.yaml")), ids=lambda file: file.stem)
def test_values_files_of_the_chart_are_valid(judge, file):
    assert judge(file.read_text()) == []


@pytest.mark.parametrize("text, where, what", [
    ("optoins: {}", "", "optoins"),
    ("options: {link_tll: 24h}", "options", "link_tll"),
    ("options: {database_url: postgresql://x}", "options", "database_url"),
    ("options: {listen: '0.0.0.0:80'}", "options", "listen"),
    ("options: {lease: 30}", "options.lease", "30"),
    ("options: {workers: two}", "options.workers", "two"),
    ("options: {workers: 300}", "options.workers", "300"),
    ("options: {s3_part_size: 6MB}", "options.s3_part_size", "6MB"),
    ("options: {smtp_tls: yes}", "options.smtp_tls", "True"),
    ("options: {prepared_statements: maybe}", "options.prepared_statements", "maybe"),
    ("options: {base_url: \"https://a\\nlisten = x\"}", "options.base_url", "listen"),
    ("options: {prune_at: 02:15}\nserve: {options: {prune_at: 12:30}}", "serve.options.prune_at", "750"),
    ("optionsAs: env", "optionsAs", "env"),
    ("secrets: {database_url: {value: postgresql://x}}", "secrets.database_url", "value"),
    ("secrets: {database_url: {existingSecret: My_Secret}}", "secrets.database_url.existingSecret", "My_Secret"),
    ("secrets: {smtp_pass: {existingSecret: a}}", "secrets", "smtp_pass"),
    ("image: {digest: latest}", "image.digest", "latest"),
    ("image: {pullSecrets: [regcred]}", "image.pullSecrets.0", "regcred"),
    ("image: {pullPolicy: Sometimes}", "image.pullPolicy", "Sometimes"),
    ("serve: {replicas: '2'}", "serve.replicas", "'2'"),
    ("serve: {port: 80}", "serve.port", "80"),
    ("serve: {listenAddress: localhost}", "serve.listenAddress", "localhost"),
    ("serve: {resources: {limits: {memory: 1 GB}}}", "serve.resources.limits.memory", "1 GB"),
    ("serve: {resources: {limit: {memory: 1Gi}}}", "serve.resources", "limit"),
    ("serve: {livenessProbe: {httpGet: {path: /}}}", "serve.livenessProbe", "httpGet"),
    ("serve: {affinity: {podAntiAfinity: {}}}", "serve.affinity", "podAntiAfinity"),
    ("worker: {tolerations: [{effect: NoScheduling}]}", "worker.tolerations.0.effect", "NoScheduling"),
    ("worker: {extraEnv: {A: b}}", "worker.extraEnv", "'A'"),
    ("worker: {extraEnv: [{name: A, value: 1}]}", "worker.extraEnv.0.value", "1"),
    ("worker: {extraVolumes: [{name: a, secretName: b}]}", "worker.extraVolumes.0", "secretName"),
    ("worker: {podDisruptionBudget: {maxUnavailable: many}}", "worker.podDisruptionBudget.maxUnavailable", "many"),
    ("migrate: {mode: job}", "migrate.mode", "job"),
    ("service: {type: External}", "service.type", "External"),
    ("ingress: {hosts: [exports.example.com]}", "ingress.hosts.0", "exports.example.com"),
    ("ingress: {hosts: [{host: 'https://a'}]}", "ingress.hosts.0.host", "https://a"),
    ("httpRoute: {parentRefs: [{gateway: a}]}", "httpRoute.parentRefs.0", "gateway"),
    ("networkPolicy: {egress: {databse: {enabled: true}}}", "networkPolicy.egress", "databse"),
    ("networkPolicy: {egress: {database: {ports: ['5432']}}}", "networkPolicy.egress.database.ports.0", "5432"),
    ("keda: {housekeeping: {start: hourly}}", "keda.housekeeping.start", "hourly"),
    ("keda: {maxReplicaCount: 0}", "keda.maxReplicaCount", "0"),
    ("podSecurityContext: {runAsRoot: false}", "podSecurityContext", "runAsRoot"),
    ("securityContext: {capabilities: {drop: ALL}}", "securityContext.capabilities.drop", "ALL"),
    ("metrics: {serviceMonitor: {interval: 30}}", "metrics.serviceMonitor.interval", "30"),
])
def test_a_wrong_value_is_refused_by_name(judge, text, where, what):
    assert any(error.startswith(f"{where}: ") and what in error for error in judge(text)), judge(text)


def test_templates_use_every_value():
    templates = "\n".join(path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file())
    values = re.findall(r"^\| `([\w.]+)` \|", (CHART / "README.md").read_text(), re.M)
    assert len(values) > 100
    unused = [path for path in values if not re.search(rf"\b{path.split('.')[-1]}\b", templates)]
    assert unused == []


def names_in(text):
    return set(re.findall(r"\bverbatim_[a-z0-9_]+", text))


def expressions():
    """Of alerts and dashboard: by the name of the one and the title of the other."""
    for group in yaml.safe_load((CHART / "files/alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    dashboard = json.loads((CHART / "files/dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        yield variable["name"], json.dumps(variable["query"])


def test_figures_that_alerts_and_dashboard_ask_for_are_told(program, database, make_service):
    source.make_source(database)
    key = source.make_workspaces(program)["metrics"]
    service = make_service(workers=1)
    told = names_in(service.get("/metrics", key).body.decode())
    asked = dict(expressions())
    assert len(asked) > 15 and len(told) > 20
    assert {title: names_in(text) - told for title, text in asked.items() if names_in(text) - told} == {}
