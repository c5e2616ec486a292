"""No spelling of a header makes anybody somebody else, and only listed headers pass."""

import pytest
from aiohttp import web

from tests.gateway.conftest import World, raw_exchange

FORGED = [
    "X-Identity: forged",
    "x-identity: forged",
    "X-IDENTITY: forged",
    "X_Identity: forged",
    "x_identity: forged",
    "X-Identity : forged",
    "X.Identity: forged",
    "X-Identity: forged\r\nX-Identity: twice",
    "X-Request-Id: forged",
    "X_Request_Id: forged",
    "X-Forwarded-For: forged",
    "X_Forwarded_For: forged",
    "X-Forwarded-Host: forged",
    "X-Forwarded-Proto: forged",
    "X-Forwarded-Uri: forged",
    "X-Forwarded-User: forged",
    "X-Original-URL: /forged",
    "X-Rewrite-URL: /forged",
    "X-HTTP-Method-Override: forged",
    "Forwarded: for=forged",
    "X-Real-IP: forged",
    "X-Client-IP: forged",
    "True-Client-IP: forged",
    "CF-Connecting-IP: forged",
    "X-Auth-Request-User: forged",
    "Remote-User: forged",
    "Proxy-Authorization: forged",
    "Connection: x-identity, x-request-id\r\nX-Identity: forged",
    "Connection: close, X-Identity",
    "Connection: x-request-id",
    "Keep-Alive: forged",
    "Proxy-Connection: forged",
    "TE: forged",
    "Trailer: X-Identity",
    "Via: forged",
    "Traceparent: 00-forged",
    "Baggage: forged",
    "Cookie: device=forged",
]


async def test_a_forged_header_reaches_no_service(world: World) -> None:
    secret, principal, _ = world.people.session()
    for lines in FORGED:
        world.documents.seen.clear()
        cookie = f"session={secret}"
        other = lines
        if lines.startswith("Cookie: "):
            cookie, other = f"{lines.removeprefix('Cookie: ')}; {cookie}", "X: y"
        head = f"GET /api/v1/documents/folders HTTP/1.1\r\nHost: portal.example\r\nCookie: {cookie}\r\n{other}\r\n"

        said = await raw_exchange(world.gateway.port, f"{head}Connection: close\r\n\r\n".encode(), seconds=2)

        assert said.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 ")), lines
        assert len(world.documents.seen) == said.startswith(b"HTTP/1.1 200 "), lines
        for seen in world.documents.seen:
            assert "forged" not in str(seen.headers), lines
            assert len(seen.values("x-identity")) == 1, lines
            assert len(seen.values("x-request-id")) == 1, lines
            assert (await world.identity("documents", seen)).sub == principal["user_id"], lines
            assert seen.names() <= {"host", "x-identity", "x-request-id"}, lines


async def test_what_a_service_needs_passes(world: World) -> None:
    sent = world.signed_in() | {
        "Accept": "application/pdf",
        "Accept-Language": "en",
        "Content-Encoding": "snappy",
        "Range": "bytes=0-9",
        "If-None-Match": '"1"',
        "If-Range": '"1"',
        "User-Agent": "probe/1",
        "X-Other": "no",
        "Authorization-Info": "no",
        "Accept-Encoding": "gzip",
    }

    async with world.http.get(world.api("/documents/1/files/2"), headers=sent) as answer:
        assert answer.status == 200

    seen = world.documents.last
    passed = {"accept", "accept-language", "content-encoding", "range", "if-none-match", "if-range", "user-agent"}
    assert seen.names() == passed | {"host", "x-identity", "x-request-id"}
    assert seen.values("range") == ["bytes=0-9"]


async def test_a_header_listed_in_connection_stays_on_this_hop(world: World) -> None:
    headers = world.signed_in() | {"Range": "bytes=0-9", "Connection": "keep-alive, Range"}

    async with world.http.get(world.api("/documents/1/files/2"), headers=headers):
        pass

    assert "range" not in world.documents.last.names()


@pytest.mark.parametrize(
    "name",
    [
        "Content-Encoding",
        "Content-Type",
        "Idempotency-Key",
        "Range",
        "Authorization",
        "If-Match",
        "Origin",
        "Sec-Fetch-Site",
    ],
)
async def test_a_header_that_says_one_thing_may_not_come_twice(world: World, name: str) -> None:
    secret, _, _ = world.people.session()
    head = f"GET /api/v1/documents/folders HTTP/1.1\r\nHost: x\r\nCookie: session={secret}\r\n"

    said = await raw_exchange(world.gateway.port, f"{head}{name}: a\r\n{name}: b\r\n\r\n".encode(), seconds=1)

    assert said.startswith(b"HTTP/1.1 400 ")
    assert world.documents.seen == []


async def test_cookies_go_to_auth_alone_and_only_ours(world: World) -> None:
    secret, _, _ = world.people.session()
    headers = {"Cookie": f"session={secret}; other=1; device=abc; __Host-session=zzz; ticket=t", "Accept": "x/y"}

    async with world.http.get(world.api("/auth/session"), headers=headers):
        pass
    async with world.http.get(world.api("/users/me"), headers=headers):
        pass

    to_auth = world.services["auth"].last.values("cookie")
    assert sorted(to_auth[0].split("; ")) == ["device=abc", f"session={secret}", "ticket=t"]
    assert world.services["users"].last.values("cookie") == []


@pytest.mark.parametrize(
    "cookie", ["session={0}; session={0}", "session={0}; session=other", 'session="{0}"', "session="]
)
async def test_an_odd_cookie_is_no_session(world: World, cookie: str) -> None:
    secret, _, _ = world.people.session()

    headers = {"Cookie": cookie.format(secret)}
    async with world.http.get(world.api("/documents/folders"), headers=headers) as answer:
        assert answer.status == 401


async def test_only_auth_sets_cookies_and_only_ours(world: World) -> None:
    async def tries(_request: web.Request) -> web.Response:
        answer = web.json_response({})
        for cookie in ("session=1; Path=/", "evil=1; Path=/", "sessionx=1"):
            answer.headers.add("Set-Cookie", cookie)
        answer.headers["X-Powered-By"] = "something"
        answer.headers["Server"] = "something"
        return answer

    world.documents.answers["/documents/folders"] = tries
    world.services["auth"].answers["/auth/password-rules"] = tries

    async with world.http.get(world.api("/documents/folders"), headers=world.signed_in()) as answer:
        assert "set-cookie" not in answer.headers
        assert "x-powered-by" not in answer.headers
        assert "server" not in answer.headers
    async with world.http.get(world.api("/auth/password-rules")) as answer:
        assert answer.headers.getall("set-cookie") == ["session=1; Path=/"]


async def test_on_https_the_cookies_bear_the_host_prefix(new_world) -> None:  # type: ignore[no-untyped-def]
    async with new_world(public_url="https://portal.example") as world:
        secret, _, _ = world.people.session()

        async with world.http.get(world.api("/auth/session"), headers={"Cookie": f"session={secret}"}) as answer:
            assert answer.status == 401
        async with world.http.get(
            world.api("/auth/session"), headers={"Cookie": f"__Host-session={secret}; session=x"}
        ) as answer:
            assert answer.status == 200
            assert answer.headers["strict-transport-security"].startswith("max-age=63072000")

        assert world.services["auth"].last.values("cookie") == [f"__Host-session={secret}"]


PROBES = ["/", "/assets/app-abc123.js", "/api/v1/brand", "/api/v1/documents/folders", "/api/v1/nothing", "/nothing.php"]


async def test_every_answer_bears_the_security_headers(world: World) -> None:
    for path in PROBES:
        async with world.http.get(world.base + path, headers=world.signed_in()) as answer:
            headers = answer.headers

        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "no-referrer", path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["cross-origin-opener-policy"] == "same-origin", path
        assert "camera=()" in headers["permissions-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"], path
        assert "cache-control" in headers, path
        assert headers["x-request-id"], path
        assert "server" not in headers, path
        assert "strict-transport-security" not in headers, path


async def test_what_a_service_says_nothing_of_is_stored_nowhere(world: World) -> None:
    for path in ("/api/v1/documents/folders", "/api/v1/nothing"):
        async with world.http.get(world.base + path, headers=world.signed_in()) as answer:
            assert answer.headers["cache-control"] == "no-store", path


async def test_a_page_may_show_a_pdf_it_fetched_and_run_no_inline_script(world: World) -> None:
    async with world.http.get(world.base + "/") as answer:
        policy = answer.headers["content-security-policy"].split("; ")

    assert "script-src 'self'" in policy
    assert "frame-src blob:" in policy


async def test_a_stricter_policy_of_a_download_stays(world: World) -> None:
    async def download(_request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": "sandbox", "Cache-Control": "private, no-cache", "ETag": '"1"'}
        return web.Response(body=b"%PDF", headers=headers, content_type="application/pdf")

    world.documents.answers["/documents/1/files/2"] = download

    async with world.http.get(world.api("/documents/1/files/2"), headers=world.signed_in()) as answer:
        assert answer.headers.getall("content-security-policy") == ["sandbox"]
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["etag"] == '"1"'
        assert await answer.read() == b"%PDF"
