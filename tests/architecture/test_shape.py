"""The shape of the code: sizes, purity, words. Import rules themselves are import-linter's (`make check`)."""

import ast
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from chassis.errors import AppError
from portalctl.home import SERVICES
from tests.architecture.conftest import ROOT, parsed, tracked

NEVER_PURE = {"fastapi", "starlette", "nats", "aiohttp", "minio", "aiosmtplib", "uvicorn"}
FORBIDDEN_NAMES = {
    "service",
    "repository",
    "schemas",
    "crud",
    "utils",
    "helpers",
    "common",
    "misc",
    "constants",
    "types",
}
PURE = (
    "models",
    "totp",
    "passwords",
    "throttle",
    "secrets",
    "audit",
    "einvoice",
    "file_checks",
    "record",
    "search_words",
    "terms",
    "statutory",
    "outlook",
    "wording",
    "deadlines",
    "icalendar",
)
"""Rooms that hold rules only, in whichever service."""


def pure_files() -> list[Path]:
    files = tracked("services/*.py")
    inner = [path for path in files if not {"api", "mails", "storage"} & set(path.parts)]
    return [path for path in inner if path.stem in PURE or path.parent.name in PURE]


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_rules_know_neither_web_nor_broker_and_never_await(path: Path) -> None:
    tree = parsed(path)
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert not imported & NEVER_PURE
    assert not [node.name for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]


def test_no_file_is_longer_than_its_room(code: list[Path]) -> None:
    long = {str(path.relative_to(ROOT)): n for path in code if (n := len(path.read_text().splitlines())) > 400}
    web = tracked("web/src/*.svelte", "web/src/*.ts")
    long |= {
        str(path.relative_to(ROOT)): n
        for path in web
        if path.name != "api.gen.ts" and (n := len(path.read_text().splitlines())) > 400
    }

    assert not long


def test_no_function_is_longer_than_forty_lines(code: list[Path]) -> None:
    long = {}
    for path in code:
        if "migrations" in path.parts or path.name == "migrations.py":
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                documented = node.body[0] if ast.get_docstring(node) else None
                docstring = (documented.end_lineno or 0) - documented.lineno + 1 if documented else 0
                length = (node.end_lineno or 0) - node.lineno + 1 - docstring
                if length > 40:
                    long[f"{path.relative_to(ROOT)}:{node.name}"] = length

    assert not long


def test_no_file_is_named_after_nothing(code: list[Path]) -> None:
    assert not [path for path in code if path.stem in FORBIDDEN_NAMES]


def test_every_error_speaks_both_languages(code: list[Path]) -> None:
    for path in code:
        if path.name != "__init__.py" and "migrations" not in path.parts and path.parent.name != "migration_env":
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))

    def children(kind: type[AppError]) -> list[type[AppError]]:
        return [one for child in kind.__subclasses__() for one in (child, *children(child))]

    silent = [kind.__name__ for kind in children(AppError) if "de" not in kind.__dict__ or not kind.__doc__]
    assert not silent


def test_nothing_is_mocked() -> None:
    this = Path(__file__)
    words = re.compile(r"unittest\.mock|MagicMock|\bmocker\b")

    assert not [path for path in tracked("tests/*.py") if path != this and words.search(path.read_text())]


def test_locks_name_no_registry_and_no_machine() -> None:
    for path in tracked("requirements*.lock"):
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links|file:", path.read_text())
        assert "--hash=sha256:" in path.read_text()
    for path in tracked("web/package-lock.json"):
        assert '"resolved"' not in path.read_text()


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    if dependant.call is not None:
        yield dependant.call
    for below in dependant.dependencies:
        yield from _calls(below)


@pytest.mark.parametrize("service", SERVICES)
def test_no_request_waits_for_a_thread(service: str) -> None:
    """FastAPI runs a plain function of an endpoint in a thread, which costs more than most of our endpoints do."""
    routers = importlib.import_module(f"services.{service}.api").ROUTERS
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    in_threads = {
        f"{call.__module__}.{call.__qualname__}"
        for route in routes
        for call in _calls(route.dependant)
        if not inspect.iscoroutinefunction(call) and not inspect.isasyncgenfunction(call)
    }

    assert routes
    assert not in_threads
