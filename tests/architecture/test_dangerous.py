"""What must not be in the code at all, whatever a review overlooks (security.md; docs/security/asvs.csv)."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from tests.architecture.conftest import ROOT, parsed, tracked

SERVICES = sorted(path.parent.name for path in tracked("services/*/main.py"))
RUNS_TEXT = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "marshal.loads", "yaml.load"}
UNSAFE_FORMATS = {"pickle", "marshal", "shelve", "dill", "yaml", "xml.sax", "xml.dom.minidom", "telnetlib", "ftplib"}
CHANCE = {
    "gateway/met_norway.py": "when the weather is asked for",
    "portalctl/supervisor/ports.py": "which free port is tried first",
    "portalctl/demo": "made-up data",
}
"""Where predictable chance is good enough, and for what."""
BOUNDED = {"uuid", "date", "date-time", "duration", "time"}
"""Formats whose readers refuse what is too long."""
BOUNDED_OTHERWISE = {
    **dict.fromkeys(("net", "tax", "gross", "open_amount"), "fourteen digits (`events.base.Amount`)"),
    "content": "5 MiB over all files of an invoice",
    "roles[]": "forty letters by its pattern",
    "languages[]": "thirty letters by its pattern",
}
"""Fields whose length the schema does not tell, and what bounds them."""


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Each call with the dotted name of what is called."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def modules(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def of_constants(text: ast.expr) -> bool:
    """A text that the source alone decides: its parts are literals and constants of the module."""
    match text:
        case ast.JoinedStr():
            return all(of_constants(part) for part in text.values)
        case ast.FormattedValue():
            return of_constants(text.value)
        case ast.Name():
            return text.id.isupper() or text.id == "pragma"
        case _:
            return isinstance(text, ast.Constant)


def test_no_text_is_run_as_code_and_no_shell_is_asked(code: list[Path]) -> None:
    found = [
        f"{named(path)}:{call.lineno} {name}"
        for path in code
        for name, call in calls(path)
        if name in RUNS_TEXT
        or "subprocess_shell" in name
        or any(
            word.arg == "shell" and not (isinstance(word.value, ast.Constant) and not word.value.value)
            for word in call.keywords
        )
    ]

    assert not found
    assert not [f"{named(path)} {name}" for path in code for name in modules(path) if name in UNSAFE_FORMATS]


def test_no_statement_is_put_together_from_values(code: list[Path]) -> None:
    """Values are bound; of the text of a statement nothing comes from outside. Migrations name tables and roles, and
    whoever migrates makes the database."""
    found = [
        f"{named(path)}:{call.lineno}"
        for path in code
        if "migration" not in named(path) and named(path) not in ("chassis/testing.py", "portalctl/database.py")
        for name, call in calls(path)
        if name.rpartition(".")[2] in ("text", "exec_driver_sql", "execute") and call.args
        if isinstance(call.args[0], ast.JoinedStr | ast.BinOp) and not of_constants(call.args[0])
    ]

    assert not found


def test_chance_comes_from_the_operating_system(code: list[Path]) -> None:
    uses = [named(path) for path in code if "random" in set(modules(path))]

    assert not [name for name in uses if not name.startswith(tuple(CHANCE))]


def test_nothing_is_hashed_or_sealed_with_what_is_broken(code: list[Path]) -> None:
    """SHA-1 exists for the checksums of tus clients only (tus 1.0.0, checksum), which prove nothing about anybody."""
    wrong = ("md5", "sha1", "ecb", "pkcs1v15", "arc4", "tripledes", "blowfish")
    found = [
        f"{named(path)}:{call.lineno} {name}"
        for path in code
        for name, call in calls(path)
        if name.rpartition(".")[2].lower() in wrong
    ]

    assert not found
    own = {"hashlib", "hmac", "secrets", "cryptography", "argon2", "joserfc"}
    other = {"Crypto", "Cryptodome", "nacl", "rsa", "ecdsa", "jwt", "jose", "bcrypt", "passlib", "crypt"}
    assert not [f"{named(path)} {name}" for path in code for name in modules(path) if name.split(".")[0] in other - own]


def test_no_client_follows_redirects_or_takes_any_certificate(code: list[Path]) -> None:
    careless = {("verify", False), ("follow_redirects", True), ("check_hostname", False), ("ssl", False)}
    found = [
        f"{named(path)}:{call.lineno} {word.arg}"
        for path in code
        for _, call in calls(path)
        for word in call.keywords
        if isinstance(word.value, ast.Constant) and (word.arg, word.value.value) in careless
    ]

    assert not found
    assert not [
        named(path) for path in code if "CERT_NONE" in path.read_text() or "_create_unverified" in path.read_text()
    ]


def test_no_address_is_made_from_what_the_caller_calls_us(code: list[Path]) -> None:
    """Links, in mails above all, begin with the configured address, never with ``Host`` or ``X-Forwarded-Host``."""
    asked = ("request.base_url", "request.url_for", "x-forwarded-host", "request.url.hostname", 'headers["host"]')
    found = [
        f"{named(path)} {word}"
        for path in code
        if named(path).startswith(("services/", "chassis/"))
        for word in asked
        if word in path.read_text("utf-8")
    ]

    assert not found


def test_pages_show_text_as_text() -> None:
    wrong = ("{@html", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "new Function(", "eval(")
    files = tracked("web/src/*.svelte", "web/src/*.ts", "web/src/**/*.svelte", "web/src/**/*.ts")

    assert files
    assert not [f"{named(path)} {word}" for path in files for word in wrong if word in path.read_text("utf-8")]


@pytest.mark.parametrize("service", SERVICES)
def test_every_text_that_is_sent_has_a_greatest_length(service: str) -> None:
    app = FastAPI()
    for router in importlib.import_module(f"services.{service}.main").ROUTERS:
        app.include_router(router)
    document = app.openapi()
    schemas = document.get("components", {}).get("schemas", {})
    bodies = [
        (f"{method} {path}", content["schema"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind in ("application/json", "multipart/form-data")
    ]

    assert not [place for name, schema in bodies for place in endless(schema, schemas, name)]


def endless(schema: Any, schemas: dict[str, Any], place: str, seen: tuple[str, ...] = ()) -> Iterator[str]:
    """Where a schema lets a text be as long as its sender likes."""
    if reference := schema.get("$ref"):
        if reference not in seen:
            yield from endless(schemas[reference.rpartition("/")[2]], schemas, place, (*seen, reference))
        return
    bounded = {"maxLength", "enum", "const", "contentMediaType"} & schema.keys() or schema.get("format") in BOUNDED
    counted = re.fullmatch(r"\^(\[[^]]+\]\{\d+\})+\$", schema.get("pattern", ""))
    known = place.rpartition(" ")[2] in BOUNDED_OTHERWISE
    if schema.get("type") == "string" and not (bounded or counted or known):
        yield place
    for name, field in schema.get("properties", {}).items():
        yield from endless(field, schemas, f"{place} {name}", seen)
    for word in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(word, ()):
            yield from endless(one, schemas, place, seen)
    if isinstance(schema.get("items"), dict):
        yield from endless(schema["items"], schemas, f"{place}[]", seen)
