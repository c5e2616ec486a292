"""The words held against the code: READMEs, ADRs, dependencies, proofs of the security list."""

import csv
import importlib
import re
import tomllib
from pathlib import Path

import pytest

from chassis.app import api_routes
from chassis.settings import ServiceSettings
from events.registry import REGISTRY, consumers
from tests.architecture.conftest import ROOT, tracked

SERVICES = sorted(path.parent.name for path in tracked("services/*/main.py"))


def readme(service: str) -> str:
    return (ROOT / "services" / service / "README.md").read_text("utf-8")


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_readme_names_its_endpoints(service: str) -> None:
    text = readme(service)
    module = importlib.import_module(f"services.{service}.main")
    missing = [
        f"{method} {route.path}"
        for router in module.ROUTERS
        for route in api_routes(router)
        for method in route.methods or ()
        if f"`{method} {route.path}`" not in text
    ]

    assert not missing


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_readme_names_no_endpoint_that_is_gone(service: str) -> None:
    module = importlib.import_module(f"services.{service}.main")
    real = {
        f"{method} {route.path}"
        for router in module.ROUTERS
        for route in api_routes(router)
        for method in route.methods or ()
    }

    assert set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`", readme(service))) <= real


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_readme_names_its_events(service: str) -> None:
    text = readme(service)
    own = {subject for subject, event in REGISTRY.items() if event.owner() == service}
    heard = {subject for (_, who), subjects in consumers().items() if who == service for subject in subjects}

    assert not [subject for subject in own | heard if f"`{subject}`" not in text]


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_readme_names_its_settings(service: str) -> None:
    module = importlib.import_module(f"services.{service}.settings")
    own = set(module.Settings.model_fields) - set(ServiceSettings.model_fields)
    names = {f"{service.upper()}_{name.upper()}" for name in own}

    assert not [name for name in names if f"`{name}`" not in readme(service)]


def test_every_dependency_says_what_for_and_since_when() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(d for group in project["optional-dependencies"].values() for d in group)]
    text = (ROOT / "docs/dependencies.md").read_text("utf-8")

    names = [re.split(r"[<>=;[]", line)[0] for line in wanted]
    assert not [name for name in names if f"| {name} |" not in text]


def test_every_proof_of_the_security_list_exists() -> None:
    with (ROOT / "docs/security/asvs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = []
    for row in rows:
        for proof in row["proved_by"].split():
            path, _, test = proof.partition("::")
            found = (ROOT / path).is_file() and (
                not test or re.search(rf"def {test}\b", (ROOT / path).read_text("utf-8"))
            )
            if not found:
                missing.append(f"{row['id']}: {proof}")

    assert rows
    assert all(row["proved_by"] for row in rows)
    assert not missing


def test_links_between_the_documents_lead_somewhere() -> None:
    broken = []
    for path in tracked("*.md"):
        targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text("utf-8"))
        inner = [target for target in targets if not re.match(r"[a-z]+:", target)]
        broken += [f"{path.relative_to(ROOT)} -> {target}" for target in inner if not (path.parent / target).exists()]

    assert not broken


def test_the_readme_names_only_make_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = {
        name
        for path in (ROOT / "README.md", *Path(ROOT / "docs").rglob("*.md"))
        for name in re.findall(r"`make ([a-z-]+)", path.read_text("utf-8"))
    }

    assert not [name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)]
