"""The compose file says what the code needs, and nothing that it does not know; the image is small in rights."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from portalctl.attach import Settings as CommandLine
from portalctl.commands.secrets import names
from portalctl.console import Failed
from portalctl.home import NATS_USERS, SERVICES
from portalctl.main import main

DEPLOY = Path(__file__).parents[2] / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
OURS = {name: one for name, one in COMPOSE["services"].items() if "kundenportal" in one["image"]}


def settings_of(service: str) -> set[str]:
    package = "gateway" if service == "gateway" else f"services.{service}"
    model = importlib.import_module(f"{package}.settings").Settings
    return {f"{service.upper()}_{field.upper()}" for field in model.model_fields}


def test_every_process_has_a_service() -> None:
    assert {*SERVICES, "gateway", "setup", "portalctl", "demo"} == set(OURS)
    served = {one["command"][1] for one in OURS.values() if one.get("command", [""])[0] == "serve"}
    assert served == {*SERVICES, "gateway"}


def test_every_variable_is_a_setting_that_exists() -> None:
    known = set().union(*map(settings_of, (*SERVICES, "gateway")), {"PORTAL_HOME"})
    known |= {f"PORTALCTL_{field.upper()}" for field in CommandLine.model_fields}
    for name, service in OURS.items():
        assert set(service["environment"]) <= known, name
    for name in (*SERVICES, "gateway"):
        told = OURS[name]["environment"]
        assert all(variable.startswith(f"{name.upper()}_") for variable in told), f"{name} learns another's secrets"


def test_our_processes_may_next_to_nothing() -> None:
    for name, service in OURS.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"mem_limit", "pids_limit"} <= set(service), name
    for name in (*SERVICES, "gateway"):
        assert "8000/readyz" in OURS[name]["healthcheck"]["test"][3], name
        assert OURS[name]["restart"] == "unless-stopped", name


def test_only_the_gateway_and_two_pages_of_the_operator_are_reached_from_outside() -> None:
    published = {name: one["ports"] for name, one in COMPOSE["services"].items() if "ports" in one}

    assert set(published) == {"gateway", "mailpit", "grafana"}
    assert all(port.startswith("127.0.0.1:") for name in ("mailpit", "grafana") for port in published[name])
    assert COMPOSE["networks"]["inner"]["internal"] is True
    outward = {name for name, one in OURS.items() if "outer" in one.get("networks", [])}
    assert outward == {"gateway", "documents"}, "documents fetches files that billing names by URL"


def test_every_service_has_limits_and_state_has_a_name() -> None:
    for name, service in COMPOSE["services"].items():
        assert service.get("mem_limit"), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOY / source).exists() or source == "./signing-key.json", volume


def test_compose_refuses_to_start_without_a_secret_and_has_none_of_its_own() -> None:
    demanded = set(re.findall(r"\$\{(\w+):\?", TEXT))

    assert demanded == set(names())
    assert {f"NATS_{user.upper()}_PASSWORD" for user in NATS_USERS} <= demanded
    for variable, default in re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|KEY)\w*):?-([^}]*)\}", TEXT):
        assert not default, variable


def test_secrets_are_made_once_and_never_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["secrets", str(tmp_path)]) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    lines = dict(line.split("=", 1) for line in before[".env"].decode().splitlines()[1:])
    assert list(lines) == names()
    assert len(set(lines.values())) == len(lines)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600

    assert main(["secrets", str(tmp_path)]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=mine\n")
    assert main(["secrets", str(tmp_path)]) == 0
    assert (tmp_path / ".env").read_text().startswith("POSTGRES_PASSWORD=mine\n")
    assert len((tmp_path / ".env").read_text().splitlines()) == len(names())
    assert lines["AUTH_SECRET_KEY"] not in capsys.readouterr().out
    assert issubclass(Failed, Exception)


def test_both_configurations_of_clamd_differ_in_their_socket_only() -> None:
    def lines(name: str) -> list[str]:
        kept = (DEPLOY / "clamd" / name).read_text("utf-8").splitlines()
        return [line for line in kept if not line.startswith(("LocalSocket", "TCP", "#"))]

    assert lines("clamd.conf") == lines("clamd.tcp.conf")


def test_the_image_runs_as_nobody_and_asks_no_registry_for_its_syntax() -> None:
    lines = (DEPLOY / "Dockerfile").read_text("utf-8").splitlines()

    assert "USER 10001:10001" in lines
    assert not [line for line in lines if line.startswith("# syntax=")]
    assert "--require-hashes" in "".join(lines)
    copied = {line.split()[1] for line in lines if line.startswith("COPY") and "--from" not in line}
    ignored = (DEPLOY.parent / ".dockerignore").read_text("utf-8").splitlines()
    assert ignored[1] == "*"
    wanted = {line[1:] for line in ignored if line.startswith("!")}
    assert {name.split("/")[0] for name in copied} == wanted
