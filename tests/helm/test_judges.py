"""What judges charts: helm-unittest, kubeconform, kube-score, checkov, promtool."""

import json
import os
import pathlib
import re

import pytest
import yaml

from tests.helm.conftest import CHART, ROOT, TOOLS, run_tool
from tests.lib.kubernetes_schemas import schema_of_definition, write_schemas

SUITES = 30
# Each with its reason; all else is an error.
SCORE_IGNORED = {
    "container-image-pull-policy": "a tag is a version here, or a digest is given",
    "deployment-strategy": "one pod on a claim of its own is replaced at once",
    "deployment-replicas": "one worker's pod takes as many exports as it has threads, and another goes on if it dies",
}
CHECKOV_IGNORED = {
    "CKV_K8S_43": "an image's digest is for whoever installs: image.digest",
    "CKV_K8S_15": "IfNotPresent: a tag is a version here",
    "CKV_K8S_8": "verbatim worker listens nowhere (worker.listens)",
    "CKV_K8S_9": "the same",
}


@pytest.fixture(scope="module")
def rendered(folder):
    """All values files, one file of objects each, with the policies on."""
    made = {}
    for path in sorted((CHART / "ci").glob("*.yaml")):
        made[path.stem] = folder / f"{path.stem}.yaml"
        made[path.stem].write_text(run_tool("helm4", "template", "acme", CHART, "--namespace", "exports",
                                            "--values", path, "--set", "networkPolicy.enabled=true").stdout)
    return made


def test_suites():
    told = run_tool("helm-unittest", CHART).stdout
    passed, total = map(int, re.search(r"Test Suites: (\d+) passed, (\d+) total", told).groups())
    assert passed == total >= SUITES, told
    print(re.search(r"Tests: .*", told)[0].strip(), "in", total, "suites")


@pytest.fixture(scope="module")
def schemas(folder):
    """Of Kubernetes' own document of its API, and of the definitions of others."""
    place = folder / "schemas"
    source = pathlib.Path(os.environ["KUBERNETES_SOURCE"]) / "api/openapi-spec/swagger.json"
    write_schemas(json.loads(source.read_text()), place)
    for path in (TOOLS / "definitions").glob("*.yaml"):
        schema_of_definition(yaml.safe_load(path.read_text()), place)
    return place


def conform(schemas, path):
    return run_tool("kubeconform", "-strict", "-summary", "-output", "text", "-schema-location",
                    f"{schemas}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json", path, check=False)


def test_every_field_is_one_that_kubernetes_knows(schemas, rendered):
    for path in rendered.values():
        done = conform(schemas, path)
        assert done.returncode == 0 and " Skipped: 0" in done.stdout, done.stdout
        print(path.stem, done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("kind, from_text, to_text", [
    ("Deployment", "terminationGracePeriodSeconds:", "terminationGraceSeconds:"),
    ("NetworkPolicy", "policyTypes:", "policies:"), ("ScaledObject", "pollingInterval:", "polling:"),
    ("HTTPRoute", "backendRequest:", "backend:"), ("ServiceMonitor", "scrapeTimeout: 10s", "scrapeTimeout: [10s]"),
])
def test_a_field_that_it_does_not_know_is_seen(schemas, rendered, folder, kind, from_text, to_text):
    text = rendered["everything-values"].read_text()
    assert from_text in text
    wrong = folder / "wrong.yaml"
    wrong.write_text(text.replace(from_text, to_text))
    done = conform(schemas, wrong)
    assert done.returncode != 0 and kind in done.stdout, done.stdout


def test_kube_score(rendered):
    ignored = [word for name in SCORE_IGNORED for word in ("--ignore-test", name)]
    for path in rendered.values():
        done = run_tool("kube-score", "score", "--output-format", "ci", *ignored, path, check=False)
        bad = [line for line in done.stdout.splitlines() if line.startswith(("[CRITICAL]", "[WARNING]"))]
        assert done.stdout.count("[OK]") > 20
        assert [line for line in bad if "(beside)" not in line and "(before)" not in line] == []


def test_checkov(rendered):
    for path in rendered.values():
        done = run_tool("checkov", "--framework", "kubernetes", "--quiet", "--compact", "--output", "json",
                        "--skip-download",
                        "--file", path, "--skip-check", ",".join(CHECKOV_IGNORED), check=False)
        report = json.loads(done.stdout)
        failed = [f"{each['check_id']} {each['check_name']}: {each['resource']}"
                  for each in report["results"]["failed_checks"]]
        assert failed == [] and report["summary"]["passed"] > 100
        print(path.stem, report["summary"]["passed"], "checks of checkov passed")


def test_alerts():
    assert "SUCCESS" in run_tool("promtool", "check", "rules", CHART / "files/alerts.yaml").stdout
    told = run_tool("promtool", "test", "rules", ROOT / "tests/helm/alerts_test.yaml", check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def test_each_alert_is_seen_firing():
    alerts = {rule["alert"] for group in yaml.safe_load((CHART / "files/alerts.yaml").read_text())["groups"]
              for rule in group["rules"]}
    tests = yaml.safe_load((ROOT / "tests/helm/alerts_test.yaml").read_text())["tests"]
    fired = {each["alertname"] for test in tests for each in test["alert_rule_test"] if each.get("exp_alerts")}
    silent = {each["alertname"] for test in tests for each in test["alert_rule_test"] if not each.get("exp_alerts")}
    assert fired == silent == alerts


def test_prometheus_reads_what_the_dashboard_asks(folder):
    dashboard = json.loads((CHART / "files/dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    rules = folder / "dashboard.yaml"
    rules.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": [
        {"record": f"panel:{number}", "expr": text.replace("$__rate_interval", "5m")}
        for number, text in enumerate(asked)]}]}))
    told = run_tool("promtool", "check", "rules", rules, check=False)
    assert len(asked) > 30 and told.returncode == 0, told.stdout + told.stderr
