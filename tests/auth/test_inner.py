"""What the gateway hears: who is behind a session, a ticket, an API token."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from chassis.db import utc_now
from services.auth.models import ApiToken, create_machine_token
from services.auth.secrets import token_hash
from tests.auth.conftest import GATEWAY, STRANGER, Auth


async def machine_token(auth: Auth, **changes: object) -> str:
    async with auth.database.transaction() as session:
        return create_machine_token(session, **{"name": "erp-1", "scopes": ["billing:publish"], **changes})  # type: ignore[arg-type]


async def test_a_session(auth: Auth) -> None:
    person, browser = await auth.enrolled()

    principal = await auth.principal(session=browser.cookies["session"])

    assert principal is not None
    assert principal["kind"] == "session"
    assert principal["user_id"] == str(person.user_id)
    assert principal["customer_id"] is None
    assert principal["amr"] == ["pwd", "otp"]
    assert abs(principal["step_up_at"] - utc_now().timestamp()) < 60
    assert principal["scopes"] == []


async def test_a_machine(auth: Auth) -> None:
    token = await machine_token(auth)

    principal = await auth.principal(api_token=token)

    assert token.startswith("kp_")
    assert principal is not None
    assert (principal["kind"], principal["name"], principal["scopes"]) == ("machine", "erp-1", ["billing:publish"])
    assert (principal["user_id"], principal["session_id"]) == (None, None)
    assert await auth.count(ApiToken, ApiToken.token_hash == token_hash(token)) == 1


@pytest.mark.parametrize("how", ["expired", "revoked"])
async def test_a_machine_whose_token_is_over(auth: Auth, how: str) -> None:
    token = await machine_token(auth, expires_at=utc_now() + timedelta(hours=1))
    if how == "expired":
        await auth.time_passes(timedelta(hours=1))
    else:
        async with auth.database.transaction() as session:
            (row,) = await auth.rows(ApiToken)
            (await session.get_one(ApiToken, row.id)).revoked_at = utc_now()

    assert await auth.principal(api_token=token) is None


async def test_a_machine_token_with_a_mistake_is_not_made(auth: Auth) -> None:
    names = [{"name": name} for name in ("", "Großes ERP", "a/b", "x" * 41)]
    scopes = [{"scopes": scopes} for scopes in ([], ["invoices:read"], ["billing:publish", "everything"])]

    for wrong in names + scopes:
        with pytest.raises(ValueError, match="machine"):
            await machine_token(auth, **wrong)

    assert await auth.count(ApiToken) == 0


async def test_what_opens_nothing_is_nobody(auth: Auth) -> None:
    for secret in ("", "x", "x" * 43, "x" * 100_000, "kp_", "\u0000", "ü", "'; DROP TABLE sessions"):
        for kind in ("session", "ticket", "api_token"):
            assert await auth.principal(**{kind: secret}) is None, (kind, secret[:20])


async def test_a_question_asks_for_exactly_one(auth: Auth) -> None:
    for body in ({}, {"session": "a", "ticket": "b"}, {"touch": True}, {"session": 7}, {"who": "me"}):
        answer = await auth.client(GATEWAY).post("/inner/principal", json=body)
        assert answer.status_code == 422, body


async def test_only_the_gateway_may_ask(auth: Auth) -> None:
    _, browser = await auth.enrolled()
    token = browser.cookies["session"]

    for caller in (auth.client(STRANGER), browser):
        answer = await caller.post("/inner/principal", json={"session": token})
        assert answer.status_code == 401


async def test_the_inner_endpoint_is_not_in_the_public_description(
    make_auth_with: Callable[..., Awaitable[Auth]],
) -> None:
    auth = await make_auth_with()

    paths = auth.app.openapi()["paths"]

    assert "/inner/principal" not in paths
    assert "/auth/login" in paths
