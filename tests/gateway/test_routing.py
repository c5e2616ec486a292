"""What is not in the table does not exist, however it is spelt."""

import re
from pathlib import Path

import pytest

from chassis.errors import MethodNotAllowed, NotFound
from chassis.settings import ServiceSettings
from gateway.main import ROUTES
from gateway.routing import Route, Table
from gateway.settings import Settings
from tests.gateway.conftest import World, raw_exchange

PUBLIC = {
    "/auth/password-rules",
    "/auth/invitations/check",
    "/auth/invitations/accept",
    "/auth/invitations/renew",
    "/auth/login",
    "/auth/login/second-factor",
    "/auth/second-factor/enrolment",
    "/auth/second-factor/enrolment/confirm",
    "/auth/password-reset",
    "/auth/password-reset/check",
    "/auth/password-reset/complete",
    "/auth/email/confirm",
    "/brand",
    "/contracts/calendar/{token}.ics",
    "/openapi.json",
}

ODD_PATHS = [
    "/api/v1/inner/principal",
    "/api/v1/auth/inner/principal",
    "/api/v1/auth/../inner/principal",
    "/api/v1/auth/..%2finner/principal",
    "/api/v1/auth/%2e%2e/inner/principal",
    "/api/v1/auth/%252e%252e/inner/principal",
    "/api/v1/auth/.%2e/inner/principal",
    "/api/v1/documents/..",
    "/api/v1/documents/.",
    "/api/v1/documents/%2e",
    "/api/v1/documents/%2E%2E/inner",
    "/api/v1/documents/a%2fb",
    "/api/v1/documents/a%2Fb",
    "/api/v1/documents/a%5cb",
    "/api/v1/documents/a\\b",
    "/api/v1/documents/a%00b",
    "/api/v1/documents/a%0d%0ab",
    "/api/v1/documents/a%7f",
    "/api/v1/documents/a%",
    "/api/v1/documents/a%2",
    "/api/v1/documents/a%zz",
    "/api/v1/documents/a;b=c",
    "/api/v1/documents//folders",
    "/api/v1//documents/folders",
    "/api/v1/documents/",
    "/api/v1/documents/folders/",
    "/api/v1/Documents/folders",
    "/api/v1/documents/%66olders/x",
    "/api/v1/healthz",
    "/api/v1/telemetry",
    "/api/v1/documents/" + "a" * 301,
    "/api/v1",
    "/api/v1/",
    "/api",
    "/api/v2/documents",
    "/API/v1/documents",
    "//api/v1/documents/folders",
    "/./api/v1/documents/folders",
    "/inner/principal",
    "/healthz",
    "/telemetry",
    "/identity-keys",
]


async def test_an_odd_path_leads_nowhere(world: World) -> None:
    secret, _, _ = world.people.session()
    found = []
    for path in ODD_PATHS:
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nCookie: session={secret}\r\nConnection: close\r\n\r\n"
        said = await raw_exchange(world.gateway.port, head.encode(), seconds=2)

        page = b"<title>Portal</title>" in said and not path.startswith("/api")
        if said.split(b" ", 2)[1] not in (b"404", b"400") and not page:
            found.append((path, said[:80]))

    assert found == []
    assert not [seen for service in world.services.values() for seen in service.seen]


async def test_an_absolute_address_is_the_same_path(world: World) -> None:
    head = b"GET http://elsewhere.example/api/v1/auth/password-rules HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    said = await raw_exchange(world.gateway.port, head)

    assert said.startswith(b"HTTP/1.1 200 ")
    assert world.services["auth"].last.path == "/auth/password-rules"


async def test_a_path_is_passed_on_as_it_came(world: World) -> None:
    path = "/billing/events/evt:2026@a+b%20c%C3%A4"
    url = world.base + "/api/v1" + path

    said = await raw_exchange(
        world.gateway.port,
        f"GET /api/v1{path}?a=%2F&b=%00 HTTP/1.1\r\nHost: x\r\nCookie: session={world.people.session()[0]}\r\n"
        "Connection: close\r\n\r\n".encode(),
    )

    assert said.startswith(b"HTTP/1.1 200 "), url
    assert world.documents.last.path == path + "?a=%2F&b=%00"


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "PATCH", "DELETE", "PUT", "HEAD"])
async def test_another_method_is_refused_with_those_that_are_known(world: World, method: str) -> None:
    async with world.http.request(method, world.api("/documents/folders"), headers=world.signed_in()) as answer:
        assert answer.status == 405
        assert answer.headers["allow"] == "GET"
    assert world.documents.seen == []


async def test_connect_makes_no_tunnel(world: World) -> None:
    said = await raw_exchange(world.gateway.port, b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n", seconds=2)

    assert said.split(b" ", 2)[1] in (b"400", b"405")


def test_literal_paths_win_over_patterns() -> None:
    table = Table([Route("GET", "/a/{id}", "x"), Route("GET", "/a/list", "y"), Route("POST", "/a/{id}", "z")])

    assert table.find("GET", "/a/list").target == "y"
    assert table.find("GET", "/a/1").target == "x"
    assert table.find("POST", "/a/1").target == "z"
    with pytest.raises(MethodNotAllowed) as refused:
        table.find("POST", "/a/list")
    assert refused.value.headers == {"Allow": "GET"}
    with pytest.raises(NotFound):
        table.find("GET", "/a/1/2")


def test_a_call_is_listed_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Table([Route("GET", "/a", "x"), Route("GET POST", "/a", "y")])


def test_the_public_calls_are_exactly_these() -> None:
    assert {route.path for route in ROUTES if route.public} == PUBLIC


def calls_behind_the_door() -> list[tuple[str, str]]:
    filled = {"{id}": "1", "{file_id}": "2", "{event_id}": "3"}
    calls = []
    for route in ROUTES:
        path = route.path
        for name, value in filled.items():
            path = path.replace(name, value)
        calls += [(method, path) for method in route.methods.split() if not route.public]
    return calls


async def codes_of_all_calls(world: World, headers: dict[str, str]) -> set[tuple[int, str]]:
    found = set()
    for method, path in calls_behind_the_door():
        async with world.http.request(method, world.api(path), headers=headers) as answer:
            problem = await answer.json(content_type=None) if method != "HEAD" else {}
            found.add((answer.status, problem.get("code", "-")))
    return found


async def test_half_a_session_opens_no_call_of_the_table(world: World) -> None:
    user_id = "4c9f3f2e-0000-7000-8000-000000000001"
    world.people.principals["half"] = {"kind": "ticket", "user_id": user_id, "amr": ["pwd"]}
    headers = {"Cookie": "ticket=half", "Sec-Fetch-Site": "same-origin"}

    assert await codes_of_all_calls(world, headers) == {(401, "second_factor_required"), (401, "-")}

    assert not [seen for service in world.services.values() for seen in service.seen if seen.path != "/inner/principal"]


async def test_a_stranger_opens_no_call_of_the_table(world: World) -> None:
    assert await codes_of_all_calls(world, {}) == {(401, "not_signed_in"), (401, "-")}

    assert not [seen for service in world.services.values() for seen in service.seen]


def test_the_readme_names_every_call_and_no_other() -> None:
    text = (Path(__file__).parents[2] / "gateway" / "README.md").read_text("utf-8")
    real = {f"{method} {route.path}" for route in ROUTES for method in route.methods.split()}

    assert set(re.findall(r"\| `((?:GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE) /[^`]*)` \|", text)) == real


def test_the_readme_names_every_setting_and_no_other() -> None:
    text = (Path(__file__).parents[2] / "gateway" / "README.md").read_text("utf-8")
    own = {f"GATEWAY_{name.upper()}" for name in set(Settings.model_fields) - set(ServiceSettings.model_fields)}
    every = {f"GATEWAY_{name.upper()}" for name in Settings.model_fields}

    assert own <= set(re.findall(r"`(GATEWAY_[A-Z_]+)`", text)) <= every
