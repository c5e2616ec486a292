"""Contracts: what a page of a customer's contracts costs, with a hundred and with ten thousand of them."""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from chassis.db import Database, utc_now
from chassis.identity import HEADER, sign
from chassis.testing import KEY, free_port, fresh_database, person
from events.crm import ContractPosition, ContractUpserted, NoticeRule
from services.contracts.filing.notes import Note
from services.contracts.filing.settle import settle
from services.contracts.filing.upkeep import look
from services.contracts.models import Customer
from services.contracts.settings import Settings
from tests.bench.listing import identity_keys
from tests.bench.processes import broker, running
from tests.bench.report import Line, Rounds, Section, say

SIZES = (100, 10_000)
POSITIONS = 5
ROUNDS = 5
REQUESTS = 40
GOAL_MS = 30.0
FLAT = 2.0
PRODUCTS = ("Rack", "USV-Anschluss", "Internet Connect Burst", "Redundanz", "IPv4-Adressen")
TO = ("term_end", "month_end", "quarter_end", "any_time")

HOW = f"""One process of `contracts` (`portalctl serve contracts`) on SQLite; two customers in one database, with 100
and 10,000 contracts of {POSITIONS} positions each, filed through the same code as events. Every date is reckoned
for each answer. Signed identities as the gateway makes them; times as a client on loopback sees them over one kept
connection. Pages of 50 contracts. {ROUNDS} rounds of {REQUESTS} requests for each figure, alternating; given are the
rounds' medians. Anchor: an answer of the same process that does nothing (`/healthz`). Flat means: ten thousand cost
at most twice what a hundred cost."""


@dataclass(frozen=True)
class Reader:
    """Somebody of the customer with so many contracts."""

    count: int
    customer_id: UUID
    ask: Callable[[str], tuple[float, Any]]
    """Path to milliseconds and body."""

    def timed(self, path: str) -> Callable[[], float]:
        """Asks once; milliseconds."""
        return lambda: self.ask(path)[0]


def bench() -> Section:
    """Filling takes longer than measuring."""
    with tempfile.TemporaryDirectory(prefix="bench-contracts-") as name:
        folder = Path(name)
        customers = {count: uuid4() for count in SIZES}
        url = asyncio.run(fresh_database("contracts", None, folder))
        for count, customer_id in customers.items():
            say(f"  filing {count:,} contracts ...")
            asyncio.run(_fill(url, customer_id, count))
        asyncio.run(_settled(url))
        with _service(folder, url) as port:
            readers = [_reader(port, count, customer_id) for count, customer_id in customers.items()]
            found = _measured(readers)
            nothing = Rounds([_median(readers[0].timed("/healthz")) for _ in range(ROUNDS)])
    return Section("contracts", "Contracts", HOW, _lines(found, nothing))


async def _fill(url: str, customer_id: UUID, count: int) -> None:
    database, number = Database(url), f"KD-{count}"
    customer = Customer(id=customer_id, number=number, name="Beispiel AG", end_user=True, active=True, version=1)
    customer.time_zone = "Europe/Berlin"
    async with database.transaction() as session:
        session.add(customer)
    for start in range(0, count, 500):
        async with database.transaction() as session:
            for at in range(start, min(start + 500, count)):
                note = Note(f"/crm/{count}", str(at), ContractUpserted.subject, utc_now())
                await settle(session, note, _contract(number, at))
    await database.close()


async def _settled(url: str) -> None:
    """What is due is told before anything is measured."""
    database = Database(url)
    while await look(database, Settings(database_url=url), utc_now()):
        pass
    await database.close()


def _contract(customer: str, at: int) -> ContractUpserted:
    notice = NoticeRule(value=1 + at % 3, unit="months", to=TO[at % 4])
    positions = tuple(
        ContractPosition(number=str(n), quantity=1 + at % 7, unit="Stück", product=product, telecom_service=n > 1)
        for n, product in enumerate(PRODUCTS[:POSITIONS])
    )
    return ContractUpserted(
        customer_number=customer,
        contract_number=f"V-{at:06d}",
        name=f"Standort {at % 100} Vertrag {at}",
        site=f"Standort {at % 100}",
        starts_on=date(2018, 1, 1) + timedelta(days=at % 3000),
        min_term_months=(12, 24, 36)[at % 3],
        renewal_months=(12, 1, 0)[at % 3],
        notice=notice,
        cancelled_on=date(2026, 1, 1) if at % 10 == 0 else None,
        ends_on=date(2028, 12, 31) if at % 10 == 0 else None,
        telecom_service=False,
        positions=positions,
        version=1,
    )


@contextmanager
def _service(folder: Path, database_url: str) -> Iterator[int]:
    port = free_port()
    with broker() as nats, identity_keys() as keys_url:
        environment = {
            "PORTAL_HOME": str(folder),
            "CONTRACTS_PORT": str(port),
            "CONTRACTS_DATABASE_URL": database_url,
            "CONTRACTS_IDENTITY_KEYS_URL": keys_url,
            "CONTRACTS_NATS_URL": nats.url,
        }
        command = [sys.executable, "-m", "portalctl.main", "serve", "contracts"]
        with running(command, log=folder / "contracts.log", environment=environment, port=port):
            yield port


def _reader(port: int, count: int, customer_id: UUID) -> Reader:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    admin = person(cust=str(customer_id))
    tokens: dict[int, str] = {}

    def ask(path: str) -> tuple[float, Any]:
        half_minute = int(time.monotonic() / 30)
        token = tokens.get(half_minute) or tokens.setdefault(half_minute, sign(admin, audience="contracts", key=KEY))
        start = time.perf_counter()
        connection.request("GET", path, headers={HEADER: token})
        answer = connection.getresponse()
        body = answer.read()
        taken = (time.perf_counter() - start) * 1000
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:500]!r}")
        return taken, json.loads(body)

    return Reader(count, customer_id, ask)


def _paths(reader: Reader) -> dict[str, str]:
    """What is asked, and that it finds what it should."""
    edge = reader.ask("/contracts?limit=50")[1]["next_cursor"]
    last = reader.count - 1
    paths = {
        "first page": "/contracts",
        "page after that": f"/contracts?{urlencode({'cursor': edge})}",
        "cancelled ones": "/contracts?state=cancelled&limit=10",
        "search by number": f"/contracts?q=v-{last:06d}",
        "deadlines": "/contracts/calendar",
    }
    pages = {name: reader.ask(path)[1]["items"] for name, path in paths.items()}
    assert len(pages["first page"]) == 50
    assert len(pages["first page"][0]["positions"]) == POSITIONS
    assert [row["number"] for row in pages["search by number"]] == [f"V-{last:06d}"]
    assert {row["state"] for row in pages["cancelled ones"]} == {"cancelled"}
    assert len(pages["deadlines"]) == 50
    return paths


def _measured(readers: list[Reader]) -> dict[str, dict[int, Rounds]]:
    """By figure and size."""
    paths = {reader.count: _paths(reader) for reader in readers}
    found: dict[str, dict[int, list[float]]] = {}
    for number in range(ROUNDS):
        for reader in readers:
            for name, path in paths[reader.count].items():
                found.setdefault(name, {}).setdefault(reader.count, []).append(_median(reader.timed(path)))
        words = ", ".join(f"{name} {by_size[SIZES[-1]][-1]:.1f} ms" for name, by_size in found.items())
        say(f"  round {number + 1} of {ROUNDS}, ten thousand: {words}")
    return {name: {size: Rounds(values) for size, values in by_size.items()} for name, by_size in found.items()}


def _median(once: Callable[[], float]) -> float:
    return statistics.median(once() for _ in range(REQUESTS))


def _lines(found: dict[str, dict[int, Rounds]], nothing: Rounds) -> list[Line]:
    lines = []
    for name, by_size in found.items():
        for size, rounds in by_size.items():
            anchor = f"nothing: {nothing.text('ms', 1)}"
            under = rounds.median < GOAL_MS
            lines.append(Line(f"{name} of {size:,}", rounds.text("ms", 1), anchor, f"< {GOAL_MS:.0f} ms", under))
        growth = by_size[SIZES[-1]].over(by_size[SIZES[0]])
        lines.append(Line("... ten thousand over a hundred", growth.text("", 2), "1", "flat", growth.median <= FLAT))
    return lines
