"""Every operation of the merged OpenAPI document x every kind of caller: nothing of another company, nobody half in.

A new operation without a row in `TABLE` fails. Each company has a canary in all its data, searched in every answer
that somebody else gets.
"""

import itertools
import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client, Response

from tests.isolation.table import CALLERS, TABLE, Row
from tests.people import Person
from tests.portal import Portal
from tests.world import Company, World

OWNERS = ("own", "foreign", "unknown")


@dataclass
class Stage:
    """Two companies, and a browser for each kind of caller of the first."""

    world: World
    mine: Company
    other: Company
    callers: dict[str, Client]
    operations: set[str]

    def company_for(self, owner: str) -> Company:
        return self.other if owner == "foreign" else self.mine


@pytest.fixture(scope="module")
def stage(portal: Portal) -> Stage:
    world = World(portal)
    mine, other = world.company(), world.company()
    nobody = portal.stranger()
    half = portal.stranger(mine.admin.username)
    half.phone = mine.admin.phone
    assert half.password_step().status_code == 200
    graphs = mine.customer.person("graphs", modules=("graphs",))
    reader = mine.customer.person("reader", modules=("invoices",))
    roaming = portal.operator()
    here = _second_operator(portal, mine)
    callers: dict[str, Person | Client] = {
        "nobody": nobody,
        "half": half,
        "graphs_only": graphs,
        "reader": reader,
        "admin": mine.admin,
        "operator": _without_customer(portal),
        "operator_here": here,
        "machine": world.machine,
    }
    assert roaming.get("/auth/session").status_code == 200
    document = nobody.get("/openapi.json").json()
    paths = {path.removeprefix("/api/v1"): methods for path, methods in document["paths"].items()}
    operations = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    return Stage(
        world,
        mine,
        other,
        {name: caller.client if isinstance(caller, Person) else caller for name, caller in callers.items()},
        operations,
    )


def _new_operator(portal: Portal) -> Person:
    email = f"op-{uuid4().hex[:8]}@nordwelle.example"
    names = ["--given-name", "Ole", "--family-name", "Probe"]
    portal.command("invite-operator", "--email", email, *names)
    return portal.invited(email)


def _without_customer(portal: Portal) -> Person:
    return _new_operator(portal)


def _second_operator(portal: Portal, company: Company) -> Person:
    person = _new_operator(portal)
    opened = person.post("/auth/session/customer", {"customer_id": company.customer.id})
    assert opened.status_code == 200, opened.text
    return person


def call(stage: Stage, operation: str, row: Row, caller: str, owner: str) -> Response:
    method, template = operation.split(" ", 1)
    company = stage.company_for(owner)
    ids = {name: str(uuid4()) if owner == "unknown" else value(company) for name, value in row.path.items()}
    body = row.body(company if owner != "unknown" else None) if row.body else None
    headers = row.headers | ({"If-Match": '"999999"'} if method in ("PATCH", "DELETE", "PUT") else {})
    return stage.callers[caller].request(
        method, f"/api/v1{template.format(**ids)}", json=body, headers=headers, params=row.query
    )


def test_the_matrix_is_complete(stage: Stage) -> None:
    assert stage.operations ^ set(TABLE) == set(), "every operation needs a row"


def test_every_cell(stage: Stage) -> None:
    wrong, leaks, cells = [], [], 0
    for (operation, row), caller in itertools.product(TABLE.items(), CALLERS):
        for owner in OWNERS if row.owned else ("own",):
            expected = row.expected(caller, owner)
            if expected is None:
                continue
            answer = call(stage, operation, row, caller, owner)
            cells += 1
            if answer.status_code not in expected:
                wrong.append(
                    f"{operation} as {caller} on {owner}: {answer.status_code}, not {expected} {answer.text[:200]}"
                )
            if caller not in ("operator", "operator_here") and stage.other.canary in answer.text:
                leaks.append(f"{operation} as {caller} on {owner}")
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", (operation, caller, answer.text)

    assert not leaks
    assert not wrong, "\n".join(wrong)
    assert cells > 250


def test_what_belongs_to_others_looks_like_what_does_not_exist(stage: Stage) -> None:
    different = []
    for operation, row in TABLE.items():
        for caller in ("reader", "admin"):
            if not row.owned or row.expected(caller, "foreign") != {404}:
                continue
            foreign, unknown = (call(stage, operation, row, caller, owner) for owner in ("foreign", "unknown"))
            if bare(foreign) != bare(unknown):
                different.append(f"{operation} as {caller}: {bare(foreign)} {bare(unknown)}")

    assert not different


def bare(answer: Response) -> Any:
    """An answer without what differs each time."""
    return answer.status_code, {**json.loads(answer.text), "request_id": ""}


def test_a_cursor_of_another_company_shows_nothing_of_it(stage: Stage) -> None:
    for path in ("/documents", "/users", "/users/audit"):
        stage.world.publish(stage.other, f"RE-{uuid4().hex[:8]}-{stage.other.canary}") if path == "/documents" else None
        theirs = stage.other.admin.get(path, params={"limit": 1}).json()
        cursor = theirs["next_cursor"]
        if cursor is None:
            continue
        answer = stage.mine.admin.get(path, params={"cursor": cursor})
        assert answer.status_code == 200
        assert stage.other.canary not in answer.text


def test_a_search_for_another_companys_number_finds_nothing(stage: Stage) -> None:
    answer = stage.mine.admin.get("/documents", params={"q": stage.other.canary})

    assert answer.json()["items"] == []
