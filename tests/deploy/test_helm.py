"""The chart: linted and rendered by Helm 4, every manifest held against three versions of Kubernetes, offline."""

import copy
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

from events.registry import consumers
from portalctl.attach import Settings as CommandLine
from portalctl.home import SERVICES

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "kundenportal"
SETS = sorted(path.stem for path in (CHART / "ci").glob("*.yaml"))
VERSIONS = ("1.35", "1.36", "1.37")
OTHERS = {"ServiceMonitor", "PrometheusRule", "ScaledObject"}
"""Of other operators: Kubernetes itself has no schema of them; their shape is looked at below."""

Manifest = dict[str, Any]


def values_of(name: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((CHART / "ci" / f"{name}.yaml").read_text("utf-8"))
    return values


def rendered(values: dict[str, Any]) -> list[Manifest]:
    chart = helm_python.Chart.load(str(CHART))
    chart.validate_schema(values)
    found = chart.render(values, name="portal", namespace="kundenportal")
    texts = [text for path, text in sorted(found.items()) if path.endswith(".yaml")]
    return [manifest for text in texts for manifest in yaml.safe_load_all(text) if manifest]


@pytest.fixture(scope="module", params=SETS)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    return rendered(values_of(request.param))


@pytest.fixture(scope="module")
def carrier() -> list[Manifest]:
    return rendered(values_of("carrier-values"))


def of(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for one in manifests:
        if one["kind"] in ("Deployment", "Job"):
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]


@pytest.mark.parametrize("name", SETS)
def test_helm_has_nothing_to_complain_of(name: str) -> None:
    report = helm_python.lint(str(CHART), values_of(name), strict=True)

    assert [message for message in report["messages"] if message["severity"] > 1] == []
    assert report["errors"] == []


def test_every_manifest_is_one_in_three_versions_of_kubernetes(manifests: list[Manifest]) -> None:
    assert len(manifests) > 20
    for manifest in manifests:
        if manifest["kind"] in OTHERS:
            continue
        for version in VERSIONS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_the_check_finds_a_field_that_does_not_exist(manifests: list[Manifest]) -> None:
    wrong = copy.deepcopy(of(manifests, "Deployment")["portal-auth"])
    wrong["spec"]["template"]["spec"]["containers"][0]["lifecycle"]["preStop"]["slep"] = {"seconds": 10}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_every_process_has_its_deployment_service_and_budget(manifests: list[Manifest]) -> None:
    wanted = {f"portal-{name}" for name in (*SERVICES, "gateway")}

    for kind in ("Deployment", "Service", "PodDisruptionBudget"):
        assert set(of(manifests, kind)) == wanted
    for name, one in of(manifests, "Service").items():
        labels = of(manifests, "Deployment")[name]["spec"]["template"]["metadata"]["labels"]
        assert one["spec"]["selector"].items() <= labels.items()


def test_no_pod_may_more_than_it_must(manifests: list[Manifest]) -> None:
    for name, pod in pods(manifests):
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        (container,) = pod["containers"]
        expected = {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["securityContext"] == expected, name
        assert container["resources"]["limits"]["memory"], name


def test_secrets_are_named_and_never_held(manifests: list[Manifest]) -> None:
    assert not of(manifests, "Secret")
    for name, pod in pods(manifests):
        (container,) = pod["containers"]
        assert container["envFrom"], name
        plain = [one["name"] for one in container["env"]]
        assert not [one for one in plain if re.search(r"PASSWORD|ACCESS_KEY|SECRET_KEY|DATABASE_URL", one)], name


def test_every_variable_is_a_setting_that_exists(manifests: list[Manifest]) -> None:
    known = {"OTEL_EXPORTER_OTLP_ENDPOINT"} | {f"PORTALCTL_{field.upper()}" for field in CommandLine.model_fields}
    for service in (*SERVICES, "gateway"):
        package = "gateway" if service == "gateway" else f"services.{service}"
        fields = importlib.import_module(f"{package}.settings").Settings.model_fields
        known |= {f"{service.upper()}_{field.upper()}" for field in fields}
    for name, pod in pods(manifests):
        assert {one["name"] for one in pod["containers"][0]["env"]} <= known, name


def test_probes_ask_what_the_processes_answer(manifests: list[Manifest]) -> None:
    answered = (ROOT / "chassis/app.py").read_text() + (ROOT / "gateway/inner.py").read_text()
    for one in of(manifests, "Deployment").values():
        (container,) = one["spec"]["template"]["spec"]["containers"]
        ports = {port["name"] for port in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container[probe]["httpGet"]
            assert f'"{asked["path"]}"' in answered
            assert asked["port"] in ports


def test_a_pod_that_leaves_has_time_to_be_forgotten_and_to_finish(manifests: list[Manifest]) -> None:
    """Longer than the pause and what uvicorn grants open requests (chassis/app.py)."""
    granted = max(map(int, re.findall(r"timeout_graceful_shutdown=(\d+)", (ROOT / "chassis/app.py").read_text())))
    for one in of(manifests, "Deployment").values():
        pod = one["spec"]["template"]["spec"]
        pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        readiness = pod["containers"][0]["readinessProbe"]
        assert pause >= readiness["periodSeconds"] * readiness["failureThreshold"]
        assert pod["terminationGracePeriodSeconds"] > pause + granted + 10
        assert one["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_every_process_is_scaled_by_one_thing(manifests: list[Manifest]) -> None:
    scaled = [*of(manifests, "HorizontalPodAutoscaler"), *of(manifests, "ScaledObject")]

    assert len(scaled) == len(set(scaled))
    for name, one in of(manifests, "Deployment").items():
        assert ("replicas" in one["spec"]) == (name not in scaled), name


def test_lag_is_that_of_consumers_which_exist(carrier: list[Manifest]) -> None:
    asked = set()
    for one in of(carrier, "ScaledObject").values():
        assert one["spec"]["scaleTargetRef"]["name"] in of(carrier, "Deployment")
        for trigger in one["spec"]["triggers"]:
            if trigger["type"] == "nats-jetstream":
                asked.add((trigger["metadata"]["stream"], trigger["metadata"]["consumer"]))

    assert asked <= set(consumers())
    feeds = {pair for pair in consumers() if pair[0] in ("BILLING", "NETWORK", "CRM")}
    assert feeds - {("CRM", "users")} <= asked


def test_the_rules_are_those_that_promtool_has_tested(carrier: list[Manifest]) -> None:
    rules = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text("utf-8"))

    assert of(carrier, "PrometheusRule")["portal"]["spec"] == rules
    (monitor,) = of(carrier, "ServiceMonitor").values()
    assert monitor["spec"]["endpoints"] == [{"port": "inner", "path": "/telemetry", "interval": "15s"}]


def test_walls_let_through_what_the_table_says_and_nothing_else(carrier: list[Manifest]) -> None:
    policies = of(carrier, "NetworkPolicy")
    deny = policies.pop("portal-default-deny")
    assert set(deny["spec"]) == {"podSelector", "policyTypes"}
    assert set(policies) == {f"portal-{name}" for name in (*SERVICES, "gateway", "setup")}

    for name, policy in policies.items():
        heard = policy["spec"]["ingress"] or []
        public = [rule for rule in heard if rule["ports"] == [{"port": 8080}]]
        assert bool(public) == (name == "portal-gateway")
        assert all("from" in rule for rule in heard), f"{name} is open to anybody"
        ports = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
        assert (5432 in ports) == (name != "portal-gateway"), name
        assert (25 in ports) == (name in ("portal-auth", "portal-users")), name
        assert (3310 in ports) == (name == "portal-documents"), name
        assert (443 in ports) == (name in ("portal-documents", "portal-setup")), name
    heard_by = policies["portal-documents"]["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"]
    assert heard_by["app.kubernetes.io/component"] == "gateway"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"publicUrl": "portal.example"}, "publicUrl"),
        ({"publicUrl": "http://portal.example"}, "publicUrl"),
        ({"publicURL": "https://portal.example"}, "publicURL"),
        ({"smtp": {"host": ""}}, "host"),
        ({"smtp": {"host": "mail.example", "tls": False}}, "tls"),
        ({"nats": {"url": "nats.example:4222"}}, "url"),
        ({"nats": {"url": "nats://nats.example:4222", "replicas": 2}}, "replicas"),
        ({"storage": {"url": "file:/objects"}}, "storage"),
        ({"clamd": {"url": "clamd"}}, "clamd"),
        ({"services": {"documents": {"replicas": 0}}}, "replicas"),
        ({"services": {"documents": {"secret": ""}}}, "secret"),
        ({"services": {"billing": {"secret": "x"}}}, "billing"),
        ({"services": {"auth": {"env": {"AUTH_DATABASE_URL": "postgresql://secret"}}}}, "AUTH_DATABASE_URL"),
        ({"image": {"repository": "", "tag": "1"}}, "repository"),
    ],
)
def test_a_wrong_value_is_refused_and_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(helm_python.HelmError) as refused:
        rendered(values_of("small-values") | wrong)

    assert said in str(refused.value)


def test_without_its_values_it_does_not_install() -> None:
    with pytest.raises(helm_python.HelmError, match="publicUrl"):
        rendered({})
    lag = values_of("carrier-values")
    del lag["nats"]["monitoring"]
    with pytest.raises(helm_python.HelmError, match=r"keda\.enabled needs nats\.monitoring"):
        rendered(lag)


def test_its_version_is_the_programs() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert chart["appVersion"] == project["version"]
    assert (CHART / "files/rules.yml").read_text("utf-8") == (ROOT / "deploy/prometheus/rules.yml").read_text("utf-8")
