"""Every endpoint, every wrong body: the documented code, never a 5xx."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chassis.errors import PROBLEM_JSON
from tests.auth.conftest import Auth

TOKEN = {"token": "x" * 43}
GOOD: dict[str, dict[str, Any]] = {
    "/auth/invitations/check": TOKEN,
    "/auth/invitations/accept": TOKEN | {"password": "Tasse-7-blau-Nebel"},
    "/auth/invitations/renew": TOKEN,
    "/auth/login": {"username": "a@kunde.example", "password": "x"},
    "/auth/login/second-factor": {"code": "123456"},
    "/auth/second-factor/enrolment": TOKEN,
    "/auth/second-factor/enrolment/confirm": {"code": "123456"},
    "/auth/session/customer": {"customer_id": "00000000-0000-4000-8000-000000000000"},
    "/auth/step-up": {"code": "123456"},
    "/auth/password-reset": {"username": "a@kunde.example"},
    "/auth/password-reset/check": TOKEN,
    "/auth/password-reset/complete": TOKEN | {"password": "Tasse-7-blau-Nebel"},
}
NASTY: list[Any] = [
    None,
    "",
    7,
    True,
    [],
    {},
    "\u0000",
    "\ud800",
    "a\r\nb",
    "x" * 2000,
    "' OR 1=1 --",
    "../../etc",
    "＠",
]
RAW = [b"", b"null", b"[]", b"{", b'{"a":1}', b"\xff\xfe", b'"x"', b"{" * 5000]


@pytest.fixture
async def auth(make_auth_with: Callable[..., Awaitable[Auth]]) -> Auth:
    """Never throttled, so that every value is really looked at."""
    many = 100_000
    return await make_auth_with(
        password_tries=many,
        second_factor_tries_per_5_minutes=many,
        second_factor_tries_per_hour=many,
        second_factor_tries_per_day=many,
        second_factor_failures_to_lock=many,
    )


async def test_a_body_that_is_none(auth: Auth) -> None:
    _, browser = await auth.enrolled()

    for path in GOOD:
        for raw in RAW:
            answer = await browser.post(path, content=raw, headers={"Content-Type": "application/json"})
            assert answer.status_code in (400, 422), (path, raw, answer.text)
            assert answer.headers["content-type"] == PROBLEM_JSON
        for media in ("text/plain", "multipart/form-data; boundary=x"):
            answer = await browser.post(path, content=b"a=b", headers={"Content-Type": media})
            assert answer.status_code in (400, 415, 422), (path, media)


async def test_a_field_that_is_wrong(auth: Auth) -> None:
    _, browser = await auth.enrolled()
    json_type = {"Content-Type": "application/json"}

    for path, good in GOOD.items():
        for field, nasty in ((field, nasty) for field in good for nasty in NASTY):
            answer = await browser.post(path, content=json.dumps(good | {field: nasty}), headers=json_type)
            assert answer.status_code < 500, (path, field, nasty)
            if answer.status_code == 422:
                assert all(error["pointer"].startswith("/") for error in answer.json()["errors"])
        extra = await browser.post(path, json=good | {"role": "operator"})
        assert extra.status_code == 422
        assert extra.json()["errors"][0]["pointer"] == "/role"


async def test_cookies_that_are_rubbish(auth: Auth) -> None:
    browser = auth.client()
    for path, good in GOOD.items():
        for rubbish in ("x", "x" * 5000, '"', "a=b", "%00"):
            browser.headers["Cookie"] = "; ".join(f"{name}={rubbish}" for name in ("session", "ticket", "device"))
            answer = await browser.post(path, json=good)
            assert answer.status_code < 500, (path, rubbish)


@pytest.mark.parametrize("path", ["/auth/session", "/auth/login", "/auth/nothing"])
async def test_other_methods_and_paths(auth: Auth, path: str) -> None:
    browser = auth.client()

    for method in ("PUT", "PATCH", "OPTIONS", "TRACE"):
        answer = await browser.request(method, path)
        assert answer.status_code in (404, 405)
        assert answer.headers["content-type"] == PROBLEM_JSON


async def test_without_a_statement_of_the_gateway_nothing_is_open(auth: Auth) -> None:
    browser = auth.client()
    del browser.headers["x-identity"]

    for path, body in GOOD.items():
        assert (await browser.post(path, json=body)).status_code == 401, path
    assert (await browser.get("/auth/password-rules")).status_code == 401
    assert (await browser.get("/auth/session")).status_code == 401


async def test_every_refusal_is_described(auth: Auth) -> None:
    """What the endpoints above answer is in the description that clients are generated from."""
    paths = auth.app.openapi()["paths"]

    for path in GOOD:
        described = set(paths[path]["post"]["responses"])
        assert {"401", "422", "429"} <= described, path
    assert {"404", "410"} <= set(paths["/auth/invitations/accept"]["post"]["responses"])
    assert {"403", "409"} <= set(paths["/auth/second-factor/enrolment"]["post"]["responses"])
