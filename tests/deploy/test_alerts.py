"""The alerts: rules that Prometheus takes, about metrics that exist, each with its runbook."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge

import gateway.telemetry
import services.auth.telemetry
from chassis import telemetry

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
RULES = (FOLDER / "rules.yml").read_text("utf-8")
NAMED = re.compile(r"\b((?:outbox|bus|consumer|dead_letters|event|feed|gateway|mails|request|sign_ins)_[a-z_]+)")
MODULES = (telemetry, services.auth.telemetry, gateway.telemetry)
KEPT = {
    sample if metric.type != "histogram" else f"{metric.name}_{part}"
    for module in MODULES
    for family in vars(module).values()
    if isinstance(family, Counter | Gauge | telemetry.Durations)
    for metric in family.describe()
    for sample in (f"{metric.name}_total" if metric.type == "counter" else metric.name,)
    for part in ("bucket", "count", "sum")
}


def test_every_metric_that_a_rule_asks_for_exists() -> None:
    asked = {name for line in RULES.splitlines() for name in NAMED.findall(line)}

    assert len(asked) >= 7
    assert asked <= KEPT


@pytest.mark.parametrize(
    "board", sorted((ROOT / "deploy/grafana/dashboards").glob("*.json")), ids=lambda path: path.stem
)
def test_every_metric_that_a_dashboard_shows_exists(board: Path) -> None:
    panels = json.loads(board.read_text("utf-8"))["panels"]
    asked = [set(NAMED.findall(target["expr"])) for panel in panels for target in panel["targets"]]

    assert len(asked) >= 8
    assert all(asked)
    assert set().union(*asked) <= KEPT


def test_every_alert_has_a_runbook() -> None:
    alerts = re.findall(r"alert: (\w+)", RULES)
    runbooks = re.findall(r"^## (\w+)$", (ROOT / "docs/operations/alerts.md").read_text("utf-8"), re.MULTILINE)

    assert alerts == runbooks
    assert re.findall(r"runbook: (\S+)", RULES) == [f"docs/operations/alerts.md#{name.lower()}" for name in alerts]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here (Debian package prometheus)")
@pytest.mark.parametrize("check", [("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")])
def test_prometheus_takes_them_and_they_fire_when_they_should(check: tuple[str, ...]) -> None:
    told = subprocess.run(["promtool", *check], cwd=FOLDER, capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stdout + told.stderr
