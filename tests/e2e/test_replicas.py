"""Two processes of everything on PostgreSQL: nothing relies on being alone, and one may go at any time."""

import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from chassis.testing import wait_until
from tests.faults.figures import say
from tests.people import Person
from tests.replicas import NAMES, Cluster, running_cluster
from tests.world import Company, World

FULL = os.environ.get("FAULTS") == "full"
INVOICES = 400 if FULL else 40
REQUESTS = 20_000 if FULL else 1_000
ROLLED = NAMES if FULL else ("documents", "gateway")
THREADS = 4

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200 if FULL else 240)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster"), postgres_url, USERS_NOTICES_QUIET="PT1S") as started:
        yield started


@pytest.fixture(scope="module")
def world(cluster: Cluster) -> World:
    return World(cluster.portal)


@pytest.fixture(scope="module")
def company(world: World) -> Company:
    return world.company()


def numbers(person: Person) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = person.get("/documents", params={"limit": 100, **({"cursor": cursor} if cursor else {})}).json()
        found += [row["number"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_each_invoice_is_filed_and_told_once(cluster: Cluster, world: World, company: Company) -> None:
    wanted = [f"RE-{uuid4().hex[:12]}" for _ in range(INVOICES)]

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda number: world.publish(company, number), wanted))

    found = Counter(numbers(company.admin))
    assert {number: found[number] for number in wanted} == dict.fromkeys(wanted, 1)

    def told() -> int:
        """Over all mails to the admin, by their subjects: one names its number, several are counted."""
        subjects = [mail["subject"] for mail in cluster.portal.mails() if company.admin.username in mail["to"]]
        several = [int(found[1]) for subject in subjects if (found := re.search(r"(\d+) neue Rechnungen", subject))]
        return sum(several) + sum("Neu: Rechnung" in subject for subject in subjects)

    # The company's first invoice is one more.
    wait_until(lambda: told() >= INVOICES + 1, seconds=60, every=0.2)
    assert told() == INVOICES + 1


class Load:
    """People who go on working: reading, and what must not happen twice."""

    def __init__(self, company: Company) -> None:
        self.answers: Counter[str] = Counter()
        self.folders: list[str] = []
        self._company = company
        self._end = threading.Event()

    def run(self, number: int) -> None:
        admin = self._company.admin
        with httpx2.Client(base_url=admin.url, headers=admin.client.headers, timeout=30) as client:
            client.cookies.update(dict(admin.client.cookies))
            turn = 0
            while not self._end.is_set():
                turn += 1
                name = f"ordner-{number}-{turn}"
                if turn % 10 == 0:
                    self._count(lambda name=name: client.post("/api/v1/exchange/folders", json={"name": name}), 201)
                    self.folders.append(name)
                else:
                    path = ("/documents", "/users/me", "/exchange/usage", "/dashboard", "/contacts")[turn % 5]
                    self._count(lambda path=path: client.get(f"/api/v1{path}"), 200)

    def _count(self, ask: object, wanted: int) -> None:
        try:
            status = ask().status_code  # type: ignore[operator]
        except httpx2.TransportError as error:
            self.answers[type(error).__name__] += 1
            return
        self.answers["good" if status == wanted else str(status)] += 1

    def stop(self) -> None:
        self._end.set()


def test_a_rolling_restart_fails_no_request(cluster: Cluster, company: Company, tmp_path: Path) -> None:
    load = Load(company)
    begun = time.monotonic()
    with ThreadPoolExecutor(THREADS) as threads:
        working = [threads.submit(load.run, number) for number in range(THREADS)]
        try:
            rolled = 0
            while rolled == 0 or (FULL and load.answers.total() < REQUESTS):
                for replica in [one for name in ROLLED for one in cluster.replicas if one.name == name]:
                    cluster.roll(replica)
                    rolled += 1
            wait_until(lambda: load.answers.total() >= REQUESTS, seconds=120, every=0.1)
        finally:
            load.stop()
        for one in working:
            one.result()

    seconds = time.monotonic() - begun
    say(f"{rolled} processes replaced in {seconds:.0f} s under {load.answers.total()} requests: {dict(load.answers)}")
    assert set(load.answers) == {"good"}
    entries = company.admin.get("/exchange/entries", params={"limit": 200}).json()["items"]
    made = [entry["name"] for entry in entries if entry["name"].startswith("ordner-")]
    assert len(made) == len(set(made))
    if len(load.folders) <= 150:
        assert set(made) == set(load.folders)
