"""What happens in one service arrives in somebody's mailbox: over the broker, `users` and the mail server."""

import base64
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from chassis.testing import wait_until
from tests.people import Person
from tests.portal import Portal, running_portal
from tests.world import Company, World

IMPATIENT = {"USERS_NOTICES_QUIET": "PT1S", "USERS_FILES_COLLECTED": "PT1S"}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal that collects for a second only."""
    with running_portal(tmp_path_factory.mktemp("impatient"), **IMPATIENT) as started:
        yield started


@pytest.fixture(scope="module")
def world(impatient: Portal) -> World:
    return World(impatient)


@pytest.fixture(scope="module")
def company(world: World) -> Company:
    return world.company()


def mails_about(portal: Portal, what: str, person: Person) -> list[dict[str, Any]]:
    return [mail for mail in portal.mails() if what in mail["text"] and person.username in mail["to"]]


def want(person: Person, event: str, wanted: bool) -> None:
    body = {"events": [{"event": event, "channels": {"mail": wanted}}]}
    answer = person.client.put("/api/v1/users/me/notifications", json=body)
    assert answer.status_code == 200, answer.text


def test_an_invoice_is_told_with_a_link_to_it_unless_unwanted(
    impatient: Portal, world: World, company: Company
) -> None:
    numbers = [f"RE-{uuid4().hex[:10]}" for _ in range(3)]
    document_id = world.publish(company, numbers[0])
    (mail,) = wait_until(lambda: mails_about(impatient, numbers[0], company.admin), seconds=30)
    assert f"{impatient.url}/files?document={document_id}" in mail["html"]

    want(company.admin, "invoice_filed", False)
    world.publish(company, numbers[1])
    wait_until(lambda: company.admin.get("/documents", params={"q": numbers[1]}).json()["items"])
    _nothing_waits(impatient)
    want(company.admin, "invoice_filed", True)
    world.publish(company, numbers[2])

    assert wait_until(lambda: mails_about(impatient, numbers[2], company.admin), seconds=30)
    assert mails_about(impatient, numbers[1], company.admin) == []


def _nothing_waits(portal: Portal) -> None:
    """Until what was published has become mails, or none."""
    health = portal.operator().get("/users/operator/health").json()
    assert health["failed_mails"] == 0
    other = World(portal).company()
    wait_until(lambda: mails_about(portal, f"RE-{other.canary}", other.admin), seconds=30)


def test_a_users_that_is_killed_tells_when_it_is_back(impatient: Portal, world: World, company: Company) -> None:
    number = f"RE-{uuid4().hex[:10]}"
    before = impatient.kill("users")
    world.publish(company, number)

    assert wait_until(lambda: mails_about(impatient, number, company.admin), seconds=60)
    assert impatient.pids["users"] != before


def test_a_file_of_the_operator_is_told_to_the_customer(impatient: Portal, company: Company) -> None:
    operator = impatient.operator()
    opened = operator.post("/auth/session/customer", {"customer_id": company.customer.id})
    assert opened.status_code == 200, opened.text
    name = f"cdr-{uuid4().hex[:8]}.csv"
    metadata = f"filename {base64.b64encode(name.encode()).decode()}"
    made = operator.client.post(
        "/api/v1/exchange/uploads",
        headers={
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "5",
            "Upload-Metadata": metadata,
            "Content-Type": "application/offset+octet-stream",
        },
        content=b"a;b;c",
    )
    assert made.status_code == 201, made.text

    (mail,) = wait_until(lambda: mails_about(impatient, name, company.admin), seconds=30)

    assert mail["subject"] == f"Nordwelle: Neue Datei im Austausch: {name}"
    assert f"{impatient.url}/files/exchange?" in mail["text"]
