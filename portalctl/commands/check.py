"""Look at all the portal needs, before it starts: databases, broker, store, mail server, scanner, keys, clocks."""

import argparse
import asyncio
import importlib
import json
from collections.abc import AsyncIterator
from typing import Any

from pydantic import ValidationError

from chassis.bus import BusDown
from chassis.mail import MailSettings
from chassis.settings import ServiceSettings
from gateway.settings import Settings as GatewaySettings
from portalctl import checks
from portalctl.attach import attach
from portalctl.broker import broker
from portalctl.checks import Finding, found
from portalctl.console import Failed, sentences
from portalctl.home import SERVICES
from services.documents.settings import Settings as DocumentsSettings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which, and for whom."""
    parser.add_argument("service", nargs="?", default="all", choices=("all", *SERVICES, "gateway"))
    parser.add_argument("--json", action="store_true", help="one object a line, for machines")


def run(chosen: argparse.Namespace) -> int:
    """A line for each check; 1 when something is wrong."""
    reach = attach()
    names = (*SERVICES, "gateway") if chosen.service == "all" else (chosen.service,)
    findings = asyncio.run(_all(names, reach))
    width = max(len(f"{one.of} {one.about}") for one in findings)
    for one in findings:
        line = {"of": one.of, "about": one.about, "ok": not one.wrong, "wrong": one.wrong}
        plain = f"{f'{one.of} {one.about}':<{width}}  {one.wrong or 'ok'}"
        print(json.dumps(line) if chosen.json else plain, flush=True)  # noqa: T201  # what was asked for
    return 1 if any(one.wrong for one in findings) else 0


async def _all(names: tuple[str, ...], reach: Any) -> list[Finding]:
    findings = [await found("portalctl", "streams", lambda: _streams(reach))]
    for name in names:
        findings += [one async for one in _of(name)]
    return findings


async def _streams(reach: Any) -> str:
    try:
        async with broker(reach) as bus:
            return await checks.streams(bus)
    except (Failed, BusDown) as down:
        return str(down)


async def _of(name: str) -> AsyncIterator[Finding]:
    package = "gateway" if name == "gateway" else f"services.{name}"
    try:
        settings: Any = importlib.import_module(f"{package}.settings").Settings()
    except ValidationError as wrong:
        yield Finding(name, "settings", "; ".join(sentences(name, wrong)))
        return
    yield Finding(name, "settings", "")
    assert isinstance(settings, ServiceSettings)
    yield await found(name, "broker", lambda: checks.broker(settings, name))
    if isinstance(settings, GatewaySettings):
        yield await found(name, "signing key", lambda: checks.signing_key(settings))
        return
    yield await found(name, "database", lambda: checks.database(name, settings))
    if isinstance(settings, MailSettings):
        yield await found(name, "mail server", lambda: checks.mail_server(settings))
    if isinstance(settings, DocumentsSettings):
        yield await found(name, "store", lambda: checks.storage(settings))
        if settings.scanning:
            yield await found(name, "scanner", lambda: checks.scanner(settings))
