"""How much anybody may ask: requests, bytes, kinds of content, other people's pages."""

import io

import pytest
from aiohttp import web

from chassis.errors import TooMany
from gateway.caller import address_of, network_of
from gateway.limits import RateLimit
from gateway.main import ROUTES
from tests.gateway.conftest import NewWorld, World, raw_exchange


def test_the_window_slides() -> None:
    now = [0.0]
    limit = RateLimit(10, 100, clock=lambda: now[0])
    for _ in range(10):
        limit.take("a")
    with pytest.raises(TooMany) as refused:
        limit.take("a")
    assert refused.value.headers == {"Retry-After": "101"}

    limit.take("b")
    now[0] = 150
    for _ in range(5):
        limit.take("a")
    with pytest.raises(TooMany):
        limit.take("a")
    now[0] = 400
    for _ in range(10):
        limit.take("a")


def test_never_more_than_twice_the_limit_in_any_window() -> None:
    now = [0.0]
    limit = RateLimit(100, 10, clock=lambda: now[0])
    taken = []
    for step in range(4000):
        now[0] = step / 100
        try:
            limit.take("a")
        except TooMany:
            continue
        taken.append(now[0])

    busiest = max(sum(start <= at < start + 10 for at in taken) for start in taken)
    assert busiest <= 130


async def test_one_person_is_limited_however_many_sessions(new_world: NewWorld) -> None:
    async with new_world(requests_per_window=5) as world:
        first, principal, _ = world.people.session()
        second, other, _ = world.people.session()
        world.people.principals[second] = principal | {"session_id": other["session_id"]}
        statuses = []
        for n in range(8):
            headers = {"Cookie": f"session={(first, second)[n % 2]}"}
            async with world.http.get(world.api("/documents/folders"), headers=headers) as answer:
                statuses.append(answer.status)
                last = answer

        assert statuses == [200] * 5 + [429] * 3
        assert 1 <= int(last.headers["retry-after"]) <= 301
        async with world.http.get(world.api("/documents/folders"), headers=world.signed_in()) as answer:
            assert answer.status == 200


async def test_strangers_are_limited_by_address_and_known_people_go_on(new_world: NewWorld) -> None:
    async with new_world(requests_per_window=5) as world:
        known = world.signed_in()
        async with world.http.get(world.api("/documents/folders"), headers=known) as answer:
            assert answer.status == 200
        statuses = []
        for n in range(8):
            headers = {"Cookie": f"session=guess{n}"}
            async with world.http.get(world.api("/documents/folders"), headers=headers) as answer:
                statuses.append(answer.status)

        assert statuses == [401] * 5 + [429] * 3
        assert len(world.people.asked) == 6
        async with world.http.get(world.api("/documents/folders"), headers=known) as answer:
            assert answer.status == 200


def test_the_address_is_what_the_outermost_proxy_of_ours_saw() -> None:
    forged = b"198.51.100.7, 192.0.2.9, 10.0.0.1"

    assert address_of("127.0.0.1", forged, 0) == "127.0.0.1"
    assert address_of("127.0.0.1", forged, 1) == "10.0.0.1"
    assert address_of("127.0.0.1", forged, 2) == "192.0.2.9"
    assert address_of("::ffff:192.0.2.1", None, 0) == "192.0.2.1"
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64"


@pytest.mark.parametrize("forwarded", [None, b"", b"unknown", b"192.0.2.1:80", b"192.0.2.1,", b"_hidden", b"1.2.3"])
async def test_an_address_our_proxy_did_not_say_is_refused(new_world: NewWorld, forwarded: bytes | None) -> None:
    async with new_world(trusted_proxies=1) as world:
        line = b"X-Forwarded-For: " + forwarded + b"\r\n" if forwarded is not None else b""
        head = b"GET /api/v1/auth/password-rules HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + line + b"\r\n"

        assert (await raw_exchange(world.gateway.port, head)).startswith(b"HTTP/1.1 400 ")


async def test_behind_a_proxy_the_client_is_named_by_it(new_world: NewWorld) -> None:
    async with new_world(trusted_proxies=1) as world:
        headers = {"X-Forwarded-For": "198.51.100.7, 192.0.2.9"}
        async with world.http.get(world.api("/auth/password-rules"), headers=headers):
            pass

        assert (await world.identity("auth", world.services["auth"].last)).ip == "192.0.2.9"


async def test_a_body_over_the_limit_is_refused_by_its_declared_length(world: World) -> None:
    async with world.http.post(
        world.api("/auth/login"), data=io.BytesIO(b"x" * (1024**2 + 1)), headers=world.signed_in() | JSON
    ) as answer:
        assert answer.status == 413
        assert (await answer.json(content_type=None))["code"] == "too_large"
    assert world.services["auth"].seen == []


async def test_a_body_over_the_limit_is_refused_while_it_streams(world: World) -> None:
    got = []

    async def hears(request: web.Request) -> web.Response:
        try:
            got.append(await request.read())
        except Exception as error:
            got.append(error)
            raise
        return web.json_response({})

    hears.streams = True  # type: ignore[attr-defined]
    world.services["auth"].answers["/auth/login"] = hears

    async def endless():  # type: ignore[no-untyped-def]
        for _ in range(40):
            yield b"x" * 65536

    headers = world.signed_in() | JSON
    async with world.http.post(world.api("/auth/login"), data=endless(), headers=headers) as answer:
        assert answer.status == 413

    assert not [whole for whole in got if isinstance(whole, bytes)]


async def test_billing_may_send_eight_mebibytes(world: World) -> None:
    world.people.principals["kp_machine"] = {"kind": "machine", "name": "demo", "scopes": ["billing:publish"]}
    headers = {"Authorization": "Bearer kp_machine", "Content-Type": "multipart/form-data; boundary=x"}
    sizes = []
    for size in (8 * 1024**2, 8 * 1024**2 + 1):
        async with world.http.post(
            world.api("/billing/invoices"), data=io.BytesIO(b"x" * size), headers=headers
        ) as answer:
            sizes.append((answer.status, (await answer.json(content_type=None)).get("bytes")))

    assert sizes == [(200, 8 * 1024**2), (413, None)]


JSON = {"Content-Type": "application/json"}


KINDS = {
    "application/json": 200,
    "application/json; charset=utf-8": 200,
    "Application/JSON": 200,
    "text/plain": 415,
    "application/x-www-form-urlencoded": 415,
    "multipart/form-data; boundary=x": 415,
    "application/json, text/plain": 415,
    "application/jsonx": 415,
    "": 415,
}


async def test_bodies_are_json_unless_the_route_says_otherwise(world: World) -> None:
    found = {}
    for kind in KINDS:
        line = f"Content-Type: {kind}\r\n" if kind else ""
        head = f"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n{line}\r\n"
        said = await raw_exchange(world.gateway.port, head.encode() + b"{}")
        found[kind] = int(said.split(b" ", 2)[1])

    assert found == KINDS


async def test_a_get_has_no_body(world: World) -> None:
    headers = world.signed_in() | JSON
    async with world.http.get(world.api("/documents/folders"), data=b"{}", headers=headers) as answer:
        assert answer.status == 400


ORIGINS: list[tuple[dict[str, str], int]] = [
    ({}, 403),
    ({"Origin": "http://portal.example"}, 200),
    ({"Origin": "http://portal.example:80"}, 403),
    ({"Origin": "https://portal.example"}, 403),
    ({"Origin": "http://portal.example.evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": ""}, 403),
    ({"Referer": "http://portal.example/"}, 403),
    ({"Sec-Fetch-Site": "same-origin"}, 200),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "none"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://portal.example"}, 403),
]


async def test_an_unsafe_call_with_a_cookie_comes_from_our_own_page(world: World) -> None:
    for said, status in ORIGINS:
        secret, _, _ = world.people.session()
        headers = {"Cookie": f"session={secret}"} | said
        async with world.http.delete(world.api("/auth/session"), headers=headers) as answer:
            assert answer.status == status, said
            if status == 403:
                assert (await answer.json(content_type=None))["code"] == "foreign_origin"


async def test_a_foreign_page_cannot_sign_its_visitor_in(world: World) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        async with world.http.post(world.api("/auth/login"), data=b"{}", headers=headers | JSON) as answer:
            assert answer.status == 403
    async with world.http.post(world.api("/auth/login"), data=b"{}", headers=JSON) as answer:
        assert answer.status == 200


async def test_a_token_needs_no_origin_and_hides_the_cookie(world: World) -> None:
    world.people.principals["kp_machine"] = {"kind": "machine", "name": "demo", "scopes": ["billing:publish"]}
    headers = world.signed_in() | {"Authorization": "Bearer kp_machine", "Sec-Fetch-Site": "cross-site"} | JSON

    async with world.http.post(world.api("/billing/payments"), data=b"{}", headers=headers) as answer:
        assert answer.status == 200

    identity = await world.identity("documents", world.documents.last)
    assert (identity.sub, identity.scopes) == ("machine:demo", ("billing:publish",))


@pytest.mark.parametrize(
    "said", ["Basic a3A6eA==", "Bearer", "Bearer ", "Bearer other", "kp_machine", "Bearer kp_wrong"]
)
async def test_a_wrong_authorization_never_falls_back_to_the_cookie(world: World, said: str) -> None:
    headers = world.signed_in() | {"Authorization": said}

    async with world.http.get(world.api("/documents/folders"), headers=headers) as answer:
        assert answer.status == 401


def test_only_feeds_lists_and_uploads_may_send_more_than_one_mebibyte() -> None:
    large = {route.path: route.body_bytes for route in ROUTES if route.body_bytes > 1024**2}

    assert set(large) == {
        "/billing/invoices",
        "/billing/documents",
        "/billing/payments",
        "/metrics/ingest/prometheus",
        "/metrics/ingest/influx",
        "/users/import",
        "/customers/import",
        "/exchange/uploads",
        "/exchange/uploads/{id}",
    }
    uploads = {path for path, size in large.items() if size > 16 * 1024**2}
    assert uploads == {"/exchange/uploads", "/exchange/uploads/{id}"}
    assert {path for path, size in large.items() if size > 8 * 1024**2} - uploads == {
        "/users/import",
        "/customers/import",
    }
