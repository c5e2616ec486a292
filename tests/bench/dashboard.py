"""The start page: what `GET /dashboard` costs with all services up, and with one that takes calls and never answers."""

import json
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from chassis.testing import wait_until
from tests.bench.report import Line, Rounds, Section, say
from tests.browser.crm import a_contract, tell
from tests.people import Person
from tests.portal import Portal, running_portal
from tests.world import World

ROUNDS = 5
REQUESTS = 40
HANGING_REQUESTS = 5
INVOICES = 12
CONTRACTS = 5
GOAL_MS = 25.0
GOAL_HANGING_MS = 1000.0

HOW = f"""The whole portal as `make run` starts it, on SQLite, without demo data; one customer with {INVOICES} new
invoices and {CONTRACTS} contracts. Its admin's browser asks `GET /dashboard` through the gateway over one kept
connection, {ROUNDS} rounds of {REQUESTS} requests, alternating with the anchor, `GET /documents/folders` (one service
asked once); given are the rounds' medians. Hanging: the process `contracts` is stopped (SIGSTOP), so that it takes
connections and answers nothing; the slowest of {HANGING_REQUESTS} requests in each round."""


def bench() -> Section:
    """About a minute."""
    with tempfile.TemporaryDirectory(prefix="bench-dashboard-") as folder, running_portal(Path(folder) / "h") as portal:
        admin = _customer(portal)
        whole, anchor = _rounds(portal, admin)
        with _stopped(portal, "contracts"):
            hanging = Rounds([max(_times(portal, admin, "/dashboard", HANGING_REQUESTS)) for _ in range(ROUNDS)])
            missing = admin.get("/dashboard").json()["deadlines"]
    assert "unavailable" in missing, missing
    lines = [
        Line(
            "start page, all services up (median)",
            whole.text("ms", 1),
            f"one service: {anchor.text('ms', 1)}",
            f"< {GOAL_MS:.0f} ms",
            whole.median < GOAL_MS,
        ),
        Line(
            "start page, one service hanging (slowest)",
            hanging.text("ms"),
            "",
            f"< {GOAL_HANGING_MS:.0f} ms",
            max(hanging.values) < GOAL_HANGING_MS,
        ),
    ]
    return Section("dashboard", "Start page", HOW, lines)


def _customer(portal: Portal) -> Person:
    world = World(portal)
    company = world.company()
    for n in range(INVOICES - 1):
        world.publish(company, f"RE-{n}")
    tell(portal, *(a_contract(company.customer.number, f"V-{n}") for n in range(CONTRACTS)))
    wait_until(lambda: len(company.admin.get("/contracts").json()["items"]) == CONTRACTS, seconds=30)
    found = company.admin.get("/dashboard").json()
    parts = {name: part for name, part in found.items() if name not in ("greeting", "weather", "lines")}
    if wrong := [name for name, part in parts.items() if "unavailable" in part]:
        raise RuntimeError(f"missing before anything was stopped: {wrong}")
    return company.admin


def _rounds(portal: Portal, admin: Person) -> tuple[Rounds, Rounds]:
    whole, anchor = [], []
    _times(portal, admin, "/dashboard", 10)
    for number in range(ROUNDS):
        whole.append(statistics.median(_times(portal, admin, "/dashboard", REQUESTS)))
        anchor.append(statistics.median(_times(portal, admin, "/documents/folders", REQUESTS)))
        say(f"  round {number + 1} of {ROUNDS}: start page {whole[-1]:.1f} ms, one service {anchor[-1]:.1f} ms")
    return Rounds(whole), Rounds(anchor)


def _times(portal: Portal, admin: Person, path: str, requests: int) -> list[float]:
    """Milliseconds of each answer, read to its end."""
    cookie = "; ".join(f"{name}={value}" for name, value in admin.client.cookies.items())
    connection = HTTPConnection("127.0.0.1", portal.port, timeout=10)
    found = []
    for _ in range(requests):
        started = time.perf_counter()
        connection.request("GET", f"/api/v1{path}", headers={"Cookie": cookie})
        answer = connection.getresponse()
        body = answer.read()
        found.append((time.perf_counter() - started) * 1000)
        if answer.status != 200 or not json.loads(body):
            raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
    connection.close()
    return found


@contextmanager
def _stopped(portal: Portal, service: str) -> Iterator[None]:
    pid = portal.kill(service, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
