"""Every operation of the merged OpenAPI document x every kind of caller: nothing of another company, nobody half in.

A new operation without a row in `TABLE` fails. Each company has a canary in all its data, searched in every answer
that somebody else gets.
"""

import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client, Response

from chassis.testing import wait_until
from tests.isolation.table import EVERYBODY, SCOPES, TABLE, Row
from tests.people import Person, browser
from tests.portal import Portal
from tests.world import Company, World

OWNERS = ("own", "foreign", "unknown")
ABOUT_BOTH = {"GET /auth/session", "POST /auth/session/customer"}
"""Where somebody of two companies is told of both, and opens either: `test_of_two_companies_one_is_open_at_a_time`."""


@dataclass
class Stage:
    """Two companies, and a browser for each kind of caller of the first."""

    world: World
    mine: Company
    other: Company
    callers: dict[str, Client]
    operations: set[str]

    def company_for(self, caller: str, owner: str) -> Company:
        """Whose thing the caller tries: ``own`` is the caller's."""
        return self.other if (owner == "foreign") != (caller == "other_admin") else self.mine

    def canary_for(self, caller: str) -> str:
        """What the caller must never read."""
        return (self.mine if caller == "other_admin" else self.other).canary


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
    here = _second_operator(portal, mine)
    mine.admin.step_up()
    tokens = {f"token_{scope}": _api_token(portal, mine.admin, f"{scope}:read") for scope in SCOPES}
    callers: dict[str, Person | Client] = {
        "nobody": nobody,
        "half": half,
        "graphs_only": graphs,
        "reader": reader,
        "admin": mine.admin,
        "operator": _without_customer(portal),
        "operator_here": here,
        "machine": world.machine,
        "machine_network": _machine(portal, "network:publish"),
        "deactivated": _deactivated(mine),
        "signed_out": _signed_out(mine),
        "of_two": _of_two(portal, mine, other),
        "other_admin": other.admin,
        "revoked_token": _revoked(portal, mine.admin),
        **tokens,
    }
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


def _machine(portal: Portal, scope: str) -> Client:
    made = portal.command("create-token", f"isolation-{uuid4().hex[:8]}", "--scope", scope).stdout
    return browser(portal.url, Authorization=f"Bearer {next(word for word in made.split() if word.startswith('kp_'))}")


def _api_token(portal: Portal, admin: Person, *scopes: str) -> Client:
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    made = admin.post("/auth/api-tokens", {"name": "isolation", "scopes": scopes, "expires_at": until})
    assert made.status_code == 201, made.text
    return browser(portal.url, Authorization=f"Bearer {made.json()['token']}")


def _revoked(portal: Portal, admin: Person) -> Client:
    client = _api_token(portal, admin, "invoices:read")
    assert client.get("/api/v1/documents").status_code == 200
    newest = admin.get("/auth/api-tokens").json()["items"][0]["id"]
    assert admin.client.delete(f"/api/v1/auth/api-tokens/{newest}").status_code == 204
    wait_until(lambda: client.get("/api/v1/documents").status_code == 401, seconds=10)
    return client


def _deactivated(company: Company) -> Person:
    """Was in, with every right, until the admin said otherwise."""
    person = company.customer.person("gone", role="admin")
    row = next(one for one in company.admin.get("/users").json()["items"] if one["email"] == person.username)
    head = {"If-Match": company.admin.get(f"/users/{row['id']}").headers["ETag"]}
    done = company.admin.client.patch(f"/api/v1/users/{row['id']}", json={"active": False}, headers=head)
    assert done.status_code == 200, done.text
    wait_until(lambda: person.get("/auth/session").status_code == 401, seconds=10)
    return person


def _signed_out(company: Company) -> Person:
    """Kept the cookie."""
    person = company.customer.person("out", role="admin")
    cookies = dict(person.client.cookies)
    assert person.client.delete("/api/v1/auth/session").status_code == 204
    person.client.cookies.update(cookies)
    return person


def _of_two(portal: Portal, mine: Company, other: Company) -> Person:
    """Works for both companies, and has the first one open."""
    email = f"both-{uuid4().hex[:8]}@beratung.example"
    operator = portal.operator()
    for company, role in ((mine, "member"), (other, "admin")):
        assert operator.post("/auth/session/customer", {"customer_id": company.customer.id}).status_code == 200
        names = {"given_name": "Both", "family_name": "Beispiel", "role": role, "modules": ["invoices"]}
        made = operator.post("/users", {"email": email, **names})
        assert made.status_code == 201, made.text
        if company is mine:
            assert operator.post(f"/users/{made.json()['id']}/invitation").status_code == 202
            person = portal.invited(email)
    wait_until(lambda: len(person.get("/auth/session").json()["memberships"]) == 2, seconds=10)
    assert person.get("/auth/session").json()["customer"]["id"] == mine.customer.id
    return person


def call(stage: Stage, operation: str, row: Row, caller: str, owner: str) -> Response:
    method, template = operation.split(" ", 1)
    company = stage.company_for(caller, owner)
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
    for (operation, row), caller in itertools.product(TABLE.items(), EVERYBODY):
        for owner in OWNERS if row.owned else ("own",):
            expected = row.expected(operation, caller, owner)
            if expected is None or (caller == "of_two" and operation in ABOUT_BOTH):
                continue
            answer = call(stage, operation, row, caller, owner)
            cells += 1
            if answer.status_code not in expected:
                wrong.append(
                    f"{operation} as {caller} on {owner}: {answer.status_code}, not {expected} {answer.text[:200]}"
                )
            if caller not in ("operator", "operator_here") and stage.canary_for(caller) in answer.text:
                leaks.append(f"{operation} as {caller} on {owner}")
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", (operation, caller, answer.text)

    assert not leaks
    assert not wrong, "\n".join(wrong)
    assert cells >= 2000


def test_what_belongs_to_others_looks_like_what_does_not_exist(stage: Stage) -> None:
    different = []
    for operation, row in TABLE.items():
        for caller in ("reader", "admin"):
            if not row.owned or row.expected(operation, caller, "foreign") != {404}:
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


def test_of_two_companies_one_is_open_at_a_time(stage: Stage) -> None:
    person = stage.callers["of_two"]
    open_customer = "/api/v1/auth/session/customer"

    def shown() -> tuple[bool, bool]:
        """The canaries of both companies, in all that a reader of invoices can read."""
        texts = [person.get(f"/api/v1{path}").text for path in ("/documents", "/documents/folders", "/dashboard")]
        theirs = [person.get(f"/api/v1/documents/{one.documents[0]}").text for one in (stage.mine, stage.other)]
        everything = "".join(texts + theirs)
        return stage.mine.canary in everything, stage.other.canary in everything

    try:
        assert shown() == (True, False)
        assert person.get("/api/v1/users").status_code == 403
        assert person.post(open_customer, json={"customer_id": stage.other.customer.id}).status_code == 200
        assert shown() == (False, True)
        # An admin there, whose users are not told where else this person works.
        assert stage.mine.canary not in person.get("/api/v1/users").text
        assert stage.mine.canary not in person.get("/api/v1/users/audit").text
    finally:
        assert person.post(open_customer, json={"customer_id": stage.mine.customer.id}).status_code == 200
