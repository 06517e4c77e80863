"""Both releases of Helm: the chart is clean, both make the same of it, and refuse the same values by name."""

import tarfile

import pytest
import yaml

from tests.helm.conftest import CHART, VALUES, run_tool


def objects(helm, *arguments):
    rendered = run_tool(helm, "template", "acme", CHART, "--namespace", "exports", *arguments).stdout
    return [thing for thing in yaml.safe_load_all(rendered) if thing]


def by_name(things):
    return {(thing["kind"], thing["metadata"]["name"]): thing for thing in things}


def test_the_chart_is_clean(helm, values):
    assert "0 chart(s) failed" in run_tool(helm, "lint", "--strict", CHART, "--values", values).stdout


def test_both_make_the_same(values):
    made = [by_name(objects(helm, "--values", values)) for helm in ("helm3", "helm4")]
    assert made[0] == made[1] and len(made[0]) >= 4


def test_everything_makes_everything():
    kinds = {thing["kind"] for thing in objects("helm4", "--values", CHART / "ci/everything-values.yaml")}
    assert kinds == {"ConfigMap", "Deployment", "HTTPRoute", "HorizontalPodAutoscaler", "Ingress", "Job",
                     "NetworkPolicy", "Pod", "PodDisruptionBudget", "PrometheusRule", "ScaledObject", "Service",
                     "ServiceAccount", "ServiceMonitor", "TriggerAuthentication"}
    assert len(VALUES) >= 3


@pytest.mark.parametrize("name, value, told", [
    ("options.link_tll", "24h", "link_tll"), ("options.lease", "30", "/options/lease"),
    ("options.database_url", "x", "database_url"), ("serve.replica", "1", "replica"),
    ("image.pullPolicy", "Sometimes", "/image/pullPolicy"), ("migrate.mode", "job", "/migrate/mode"),
    ("networkPolicy.egress.databse.enabled", "true", "databse"), ("serve.resources.limit.memory", "1Gi", "limit"),
    ("keda.maxReplicaCount", "0", "/keda/maxReplicaCount"),
    ("ingress.hosts[0].host", "https://a", "/ingress/hosts/0/host"),
])
def test_wrong_values_are_refused_by_name(helm, name, value, told):
    refused = run_tool(helm, "template", "acme", CHART, "--values", CHART / "ci/s3-values.yaml", "--set",
                       f"{name}={value}", check=False)
    assert refused.returncode != 0
    assert told in refused.stderr


def test_nothing_given_says_what_is_needed(helm):
    refused = run_tool(helm, "template", "acme", CHART, check=False)
    assert refused.returncode != 0 and "secrets.database_url.existingSecret: must name a secret" in refused.stderr


def test_the_package_has_no_tests(helm, folder):
    run_tool(helm, "package", CHART, "--destination", folder)
    with tarfile.open(next(folder.glob("verbatim-*.tgz"))) as archive:
        names = archive.getnames()
    assert "verbatim/templates/tests/doctor.yaml" in names and "verbatim/files/alerts.yaml" in names
    assert not [name for name in names if "_test.yaml" in name or "/ci/" in name]
