"""Keys of programs: never more than their person may, shown once, withdrawn at once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient

from chassis.db import utc_now
from chassis.identity import HEADER, Identity, sign
from chassis.testing import KEY
from services.auth.models import ApiToken
from services.auth.secrets import token_hash
from tests.auth.conftest import Auth, Person, a_user, text_of


async def as_member(auth: Auth, browser: AsyncClient, person: Person, **claims: Any) -> AsyncClient:
    """The same browser, with the identity the gateway signs for a member who may see invoices."""
    principal = await auth.principal(session=browser.cookies["session"])
    assert principal is not None
    mine = {"role": "member", "cust": str(person.customer_id), "modules": ("invoices",)} | claims
    identity = Identity(
        sub=principal["user_id"],
        sid=principal["session_id"],
        amr=tuple(principal["amr"]),
        step_up_at=principal["step_up_at"],
        ip="192.0.2.7",
        rid="rid-3",
        **mine,
    )
    browser.headers[HEADER] = sign(identity, audience="auth", key=KEY)
    return browser


def wanted(*scopes: str, days: float = 30, name: str = "Buchhaltung") -> dict[str, Any]:
    return {"name": name, "scopes": list(scopes), "expires_at": (utc_now() + timedelta(days=days)).isoformat()}


async def test_a_token_is_shown_once_kept_as_a_hash_and_told_by_mail(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await as_member(auth, browser, person)

    made = await browser.post("/auth/api-tokens", json=wanted("invoices:read"))

    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    token = made.json()["token"]
    assert token.startswith("kp_")
    (row,) = await auth.rows(ApiToken)
    assert (row.token_hash, row.customer_id, row.user_id) == (token_hash(token), person.customer_id, person.user_id)
    (shown,) = (await browser.get("/auth/api-tokens")).json()["items"]
    assert "token" not in shown
    assert (shown["name"], shown["scopes"], shown["last_used_at"]) == ("Buchhaltung", ["invoices:read"], None)
    await auth.deliver()
    assert auth.mailbox.mails[-1]["Subject"] == "Neues API-Token „Buchhaltung“"
    assert "invoices:read" in text_of(auth.mailbox.mails[-1])
    assert token not in text_of(auth.mailbox.mails[-1])


async def test_its_use_is_noted_and_its_principal_names_customer_and_scopes(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await as_member(auth, browser, person)
    token = (await browser.post("/auth/api-tokens", json=wanted("invoices:read"))).json()["token"]

    principal = await auth.principal(api_token=token)

    assert principal is not None
    assert (principal["kind"], principal["amr"], principal["scopes"]) == (
        "user_token",
        ["api_token"],
        ["invoices:read"],
    )
    assert UUID(principal["customer_id"]) == person.customer_id
    (shown,) = (await browser.get("/auth/api-tokens")).json()["items"]
    assert shown["last_used_at"] is not None


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (("graphs:read",), (403, "scope_not_allowed")),
        (("invoices:read", "contacts:read"), (403, "scope_not_allowed")),
        (("billing:publish",), (403, "scope_not_allowed")),
        (("invoices:read", "network:publish"), (403, "scope_not_allowed")),
        (("invoices:write",), (422, "invalid_request")),
        ((), (422, "invalid_request")),
    ],
)
async def test_scopes_that_one_does_not_have_are_refused(
    auth: Auth, scopes: tuple[str, ...], expected: tuple[int, str]
) -> None:
    person, browser = await auth.enrolled()
    await as_member(auth, browser, person)

    answer = await browser.post("/auth/api-tokens", json=wanted(*scopes))

    assert answer.status_code == expected[0]
    assert await auth.count(ApiToken) == 0


@pytest.mark.parametrize("days", [-1, 367])
async def test_every_token_ends_within_a_year(auth: Auth, days: float) -> None:
    person, browser = await auth.enrolled()
    await as_member(auth, browser, person)

    answer = await browser.post("/auth/api-tokens", json=wanted("invoices:read", days=days))

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/expires_at")


async def test_a_withdrawn_an_expired_and_a_deactivated_persons_token_open_nothing(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await as_member(auth, browser, person)
    made = [
        (await browser.post("/auth/api-tokens", json=wanted("invoices:read", name=str(n)))).json() for n in range(2)
    ]

    assert (await browser.delete(f"/auth/api-tokens/{made[0]['id']}")).status_code == 204
    assert await auth.principal(api_token=made[0]["token"]) is None
    assert await auth.principal(api_token=made[1]["token"]) is not None
    assert (await browser.delete(f"/auth/api-tokens/{made[0]['id']}")).status_code == 404

    await auth.handle(a_user(person, version=2, active=False))
    assert await auth.principal(api_token=made[1]["token"]) is None


async def test_it_ends_on_time(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await as_member(auth, browser, person)
    token = (await browser.post("/auth/api-tokens", json=wanted("invoices:read", days=1))).json()["token"]
    await auth.time_passes(timedelta(days=1, seconds=1))

    assert await auth.principal(api_token=token) is None


async def test_a_strangers_token_does_not_exist(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await as_member(auth, browser, person)
    made = (await browser.post("/auth/api-tokens", json=wanted("invoices:read"))).json()
    other, stranger = await auth.enrolled(email_address="berta@kunde.example")
    await as_member(auth, stranger, other)

    assert (await stranger.get("/auth/api-tokens")).json()["items"] == []
    assert (await stranger.delete(f"/auth/api-tokens/{made['id']}")).status_code == 404
    assert await auth.principal(api_token=made["token"]) is not None


async def test_one_person_has_so_many_and_no_more(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await as_member(auth, browser, person)

    codes = [
        (await browser.post("/auth/api-tokens", json=wanted("invoices:read", name=str(n)))).status_code
        for n in range(auth.settings.api_tokens_per_user + 1)
    ]

    assert codes == [201] * auth.settings.api_tokens_per_user + [409]


async def test_the_operator_makes_and_withdraws_those_of_machines(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await as_member(auth, browser, person, role="operator", cust=None, modules=())

    made = await browser.post("/auth/api-tokens", json=wanted("billing:publish", name="abrechnung"))
    misnamed = await browser.post("/auth/api-tokens", json=wanted("billing:publish", name="Zu Viel"))

    assert made.status_code == 201, made.text
    assert (misnamed.status_code, misnamed.json()["errors"][0]["pointer"]) == (422, "/name")
    principal = await auth.principal(api_token=made.json()["token"])
    assert principal is not None
    assert (principal["kind"], principal["name"], principal["scopes"]) == ("machine", "abrechnung", ["billing:publish"])
    assert (await browser.delete(f"/auth/api-tokens/{made.json()['id']}")).status_code == 204
    assert await auth.principal(api_token=made.json()["token"]) is None
