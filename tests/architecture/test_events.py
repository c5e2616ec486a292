"""The published language: committed schemas, compatible changes only, listeners as declared."""

import ast
import importlib
import json
import re
from typing import Any

import pytest

from chassis.consumer import EventRouter
from events.base import Event
from events.export import FOLDER, PAGE, page, schema_of
from events.registry import OWNERS, REGISTRY, consumers
from tests.architecture.conftest import parsed, tracked

STAY_AS_THEY_ARE = {"approaching", "nearing", "due"}


@pytest.mark.parametrize("subject", sorted(REGISTRY))
def test_only_optional_fields_were_added(subject: str) -> None:
    committed = json.loads((FOLDER / f"{subject}.json").read_text("utf-8"))

    assert incompatibilities(committed, schema_of(REGISTRY[subject])) == []


def test_the_page_of_events_is_as_the_code_says() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make docs`"


def incompatibilities(before: dict[str, Any], now: dict[str, Any], where: str = "") -> list[str]:
    """What would break a sender or listener of today."""
    found = [
        f"{where}: {name} is new and required" for name in now.get("required", []) if name not in before["required"]
    ]
    for name, old in before.get("properties", {}).items():
        new = now.get("properties", {}).get(name)
        if new is None:
            found.append(f"{where}: {name} is gone")
        elif {**new, "description": ""} != {**old, "description": ""}:
            found.append(f"{where}: {name} changed from {old} to {new}")
    for name, old in before.get("$defs", {}).items():
        found += incompatibilities({"required": [], **old}, now.get("$defs", {}).get(name, {}), f"{where}/{name}")
    return found


def test_the_comparison_sees_what_breaks() -> None:
    before = {"required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}

    added = {"required": ["a"], "properties": before["properties"] | {"c": {"type": "string"}}}
    required = {"required": ["a", "c"], "properties": before["properties"] | {"c": {"type": "string"}}}
    gone = {"required": ["a"], "properties": {"a": {"type": "string"}}}
    changed = {"required": ["a"], "properties": before["properties"] | {"b": {"type": "integer"}}}

    assert incompatibilities(before, added) == []
    assert all(incompatibilities(before, breaking) for breaking in (required, gone, changed))


@pytest.mark.parametrize("event", REGISTRY.values(), ids=lambda event: event.subject)
def test_subjects_are_owner_entity_participle_version(event: type[Event]) -> None:
    owner, entity, happened, version = event.subject.split(".")

    assert owner in OWNERS
    assert re.fullmatch(r"[a-z_]+", entity)
    assert re.fullmatch(r"v\d+", version)
    assert happened in STAY_AS_THEY_ARE or re.fullmatch(r"[a-z]+ed|set|sent|reset", happened)
    assert event.__doc__
    assert event.entity_field in event.model_fields


@pytest.mark.parametrize("path", tracked("services/*/handlers.py"), ids=lambda path: path.parent.name)
def test_a_service_handles_exactly_what_the_registry_promises_it(path: Any) -> None:
    service = path.parent.name
    module = importlib.import_module(f"services.{service}.handlers")
    routers = [value for value in vars(module).values() if isinstance(value, EventRouter)]
    declared = {subject for (_, who), subjects in consumers().items() if who == service for subject in subjects}

    assert {subject for router in routers for subject in router.handlers} == declared


def test_only_the_owner_emits_its_events() -> None:
    names = {event.__name__: event.owner() for event in REGISTRY.values()}
    wrong = []
    for path in tracked("services/*.py", "gateway/*.py"):
        room = path.parts[path.parts.index("services") + 1] if "services" in path.parts else "gateway"
        calls = [node.func for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
        made = [call.id for call in calls if isinstance(call, ast.Name)]
        wrong += [f"{room} makes {name}" for name in made if names.get(name, room) != room]

    assert not wrong
