"""nginx carries the bytes and asks at `/authorize`: the gateway's own tests once more, through it; and what is new."""

import asyncio
import contextlib
import inspect
import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web

from chassis.testing import eventually, free_port
from gateway.main import ROUTES
from gateway.routing import Route
from portalctl.nginx import Places, configuration, prefixes
from tests.gateway import test_headers, test_limits, test_proxy, test_routing
from tests.gateway.conftest import NewWorld, World

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
CONF = Path(__file__).parents[2] / "deploy" / "nginx" / "kundenportal.conf"
pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx here: install the package nginx-light")

FRAME = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{server}}}
"""


@dataclass
class Behind(World):
    """A world that is entered through nginx; ``direct`` is the gateway's own port."""

    direct: int = 0


@contextlib.asynccontextmanager
async def nginx_before(world: World, folder: Path, kind: str) -> AsyncIterator[Behind]:
    """The same world, entered through nginx with the shipped configuration."""
    port = free_port()
    places = Places(
        listen=f"127.0.0.1:{port}{kind}",
        gateway=f"127.0.0.1:{world.gateway.port}",
        inner=f"127.0.0.1:{world.gateway.inner_port}",
        services={name: f"127.0.0.1:{service.port}" for name, service in world.services.items()},
        https=False,
    )
    file = folder / "nginx.conf"
    file.write_text(FRAME.format(folder=folder, server=configuration(places)))
    assert NGINX
    process = await asyncio.create_subprocess_exec(NGINX, "-c", str(file), "-p", str(folder))

    async def listens() -> bool:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return True
        assert process.returncode is None, (folder / "nginx.log").read_text()
        return False

    try:
        await eventually(listens, seconds=10)
        same = {one.name: getattr(world, one.name) for one in fields(world)}
        yield Behind(**same | {"gateway": replace(world.gateway, port=port)}, direct=world.gateway.port)
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture
def new_world(new_world: NewWorld, tmp_path: Path) -> NewWorld:
    """Overrides the gateway's own: every test of this file enters through nginx, which names the client's address."""

    @contextlib.asynccontextmanager
    async def make(routes: Sequence[Route] = ROUTES, *, kind: str = "", **values: Any) -> AsyncIterator[World]:
        async with (
            new_world(routes, **values | {"trusted_proxies": 1}) as bare,
            nginx_before(bare, tmp_path, kind) as world,
        ):
            yield world

    return make


NOT_HERE = {
    "test_behind_a_proxy_the_client_is_named_by_it": "here nginx is the proxy that names it",
    "test_an_address_our_proxy_did_not_say_is_refused": "nginx always says it",
    "test_every_answer_bears_the_security_headers": "below, header by header; nginx names itself in `Server`",
    "test_only_auth_sets_cookies_and_only_ours": "below; nginx names itself in `Server`",
    "test_strangers_are_limited_by_address_and_known_people_go_on": "nginx hears their addresses, not X-Forwarded-For",
}


def of(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Its tests that take a world."""
    for name, test in vars(module).items():
        if not name.startswith("test_") or name in NOT_HERE or not inspect.iscoroutinefunction(test):
            continue
        if {"world", "new_world"} & set(inspect.signature(test).parameters):
            yield f"{name}_through_nginx", test


for module in (test_proxy, test_limits, test_headers, test_routing):
    globals().update(of(module))


HOP = {"server", "date", "connection", "keep-alive", "transfer-encoding", "content-length", "x-request-id"}


async def test_every_answer_has_the_headers_that_the_gateway_gives_it(new_world: NewWorld) -> None:
    paths = ("/", "/api/v1/brand", "/api/v1/documents", "/api/v1/metrics/lines", "/api/v1/nothing", "/api/v1/users")
    async with new_world() as world:
        assert isinstance(world, Behind)
        direct = f"http://127.0.0.1:{world.direct}"
        for path in paths:
            for headers in (world.signed_in(), {}):
                found = []
                for base in (direct, world.base):
                    told = headers | ({"X-Forwarded-For": "127.0.0.1"} if base == direct else {})
                    async with world.http.get(base + path, headers=told) as answer:
                        kept = {
                            name.lower(): value for name, value in answer.headers.items() if name.lower() not in HOP
                        }
                        found.append((answer.status, kept))
                        assert answer.headers["x-request-id"]
                        assert answer.headers.get("server", "nginx") == "nginx"

                assert found[0] == found[1], path


async def test_no_service_that_nginx_carries_sets_a_cookie_or_names_itself(new_world: NewWorld) -> None:
    async def talkative(_request: web.Request) -> web.Response:
        told = {"Set-Cookie": "session=stolen", "X-Powered-By": "x", "X-Identity": "leak", "X-Request-Id": "own"}
        return web.json_response({}, headers=told)

    async with new_world() as world:
        for service, path in (("documents", "/documents"), ("metrics", "/metrics/lines"), ("contacts", "/contacts")):
            world.services[service].answers[path] = talkative
            async with world.http.get(world.api(path), headers=world.signed_in()) as answer:
                assert answer.status == 200
                assert not {"set-cookie", "x-powered-by", "x-identity"} & {name.lower() for name in answer.headers}
                assert answer.headers["x-request-id"] == world.services[service].last.values("x-request-id")[0]


async def test_bytes_of_a_document_never_touch_the_gateway(new_world: NewWorld) -> None:
    async with new_world() as world:
        peers: list[str] = []

        async def content(request: web.Request) -> web.Response:
            peers.append(request.headers["X-Request-Id"])
            return web.Response(body=b"x" * 300_000, content_type="application/pdf")

        world.documents.answers["/documents/1/files/2"] = content
        async with world.http.get(world.api("/documents/1/files/2"), headers=world.signed_in()) as answer:
            assert len(await answer.read()) == 300_000
            assert peers == [answer.headers["x-request-id"]]

        assert not world.gateway.parts.upstreams["documents"]._idle, "the gateway has a connection to it"


async def test_a_service_that_is_away_is_a_problem_and_nothing_is_sent_twice(new_world: NewWorld) -> None:
    async with new_world() as world:
        await world.services["metrics"].stop()
        for language, words in (("de", "antwortet gerade nicht"), ("en", "does not answer")):
            told = world.signed_in() | {"Accept-Language": language}
            async with world.http.get(world.api("/metrics/lines"), headers=told) as answer:
                problem = await answer.json(content_type=None)
                assert (answer.status, answer.headers["content-type"]) == (503, "application/problem+json")
                assert (problem["code"], answer.headers["retry-after"]) == ("unavailable", "2")
                assert problem["request_id"] == answer.headers["x-request-id"]
                assert words in problem["title"]


async def test_without_the_gateway_nothing_passes(new_world: NewWorld) -> None:
    """The port where nginx asks is nobody's."""
    async with new_world() as world:
        world.gateway.parts.inner._authorize = gone
        async with world.http.get(world.api("/documents"), headers=world.signed_in()) as answer:
            assert answer.status == 503

        assert world.documents.seen == []


async def gone(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 502, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


ASKED = [
    ("nginx", "/authorize", {"X-Original-Method": "GET", "X-Original-URI": "/api/v1/documents?q=1"}),
    ("Traefik", "/authorize", {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/api/v1/documents?q=1"}),
    ("Envoy", "/authorize/api/v1/documents?q=1", {}),
]


@pytest.mark.parametrize(("path", "headers"), [one[1:] for one in ASKED], ids=[one[0] for one in ASKED])
async def test_three_proxies_ask_in_their_own_ways(new_world: NewWorld, path: str, headers: dict[str, str]) -> None:
    async with new_world() as world:
        inner = f"http://127.0.0.1:{world.gateway.inner_port}"
        secret, principal, _ = world.people.session()
        known = headers | {"X-Forwarded-For": "192.0.2.7", "Cookie": f"session={secret}"}
        async with world.http.get(inner + path, headers=known) as answer:
            assert (answer.status, answer.headers["x-service"]) == (200, "documents")
            seen = type("Seen", (), {"values": lambda _self, _name: [answer.headers["x-identity"]]})()
            identity = await world.identity("documents", seen)
            assert (identity.sub, identity.ip) == (principal["user_id"], "192.0.2.7")
        async with world.http.get(inner + path, headers=known | {"Cookie": "session=other"}) as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (401, "not_signed_in")
            assert "x-identity" not in answer.headers


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({}, "forbidden"),
        (
            {
                "X-Forwarded-Method": "POST",
                "X-Forwarded-Uri": "/api/v1/contacts",
                "X-Original-Method": "GET",
                "X-Original-URI": "/api/v1/documents",
            },
            "forbidden",
        ),
        ({"X-Forwarded-Method": "POST", "X-Original-URI": "/api/v1/documents"}, "forbidden"),
        ({"X-Original-Method": "GET", "X-Original-URI": "/api/v1/users"}, "not_carried"),
        ({"X-Original-Method": "GET", "X-Original-URI": "/api/v1/brand"}, "not_carried"),
        ({"X-Original-Method": "GET", "X-Original-URI": "/api/v1/documents/../users"}, "not_found"),
        ({"X-Original-Method": "GET", "X-Original-URI": "/healthz"}, "not_found"),
        ({"X-Original-Method": "DELETE", "X-Original-URI": "/api/v1/documents"}, "method_not_allowed"),
        (
            {"X-Original-Method": "POST", "X-Original-URI": "/api/v1/contacts", "X-Original-Length": "9999999"},
            "too_large",
        ),
        (
            {"X-Original-Method": "POST", "X-Original-URI": "/api/v1/contacts", "X-Original-Coding": "chunked"},
            "not_carried",
        ),
        (
            {"X-Original-Method": "GET", "X-Original-URI": "/api/v1/documents", "X-Original-Connection": "x-a"},
            "not_carried",
        ),
        (
            {"X-Original-Method": "POST", "X-Original-URI": "/api/v1/contacts", "Sec-Fetch-Site": "cross-site"},
            "foreign_origin",
        ),
    ],
)
async def test_what_may_not_pass_is_refused_on_the_inner_port(
    new_world: NewWorld, told: dict[str, str], code: str
) -> None:
    async with new_world() as world:
        own = world.signed_in() | {"X-Forwarded-For": "192.0.2.7", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{world.gateway.inner_port}/authorize"
        for caller in ("a stranger yet", "known"):
            async with world.http.get(url, headers=own | told) as answer:
                assert (answer.status, (await answer.json(content_type=None))["code"]) == (403, code), caller
                assert "x-identity" not in answer.headers
            async with world.http.get(url, headers=own | dict(ASKED[0][2])) as answer:
                assert answer.status == 200, "now it is known"


async def test_a_known_caller_is_counted_on_the_inner_port_too(new_world: NewWorld) -> None:
    async with new_world(requests_per_window=3) as world:
        own = world.signed_in() | {"X-Forwarded-For": "192.0.2.7"} | dict(ASKED[0][2])
        url = f"http://127.0.0.1:{world.gateway.inner_port}/authorize"
        said = []
        for _ in range(5):
            async with world.http.get(url, headers=own) as answer:
                said.append((answer.status, "x-identity" in answer.headers))

    assert said == [(200, True)] * 3 + [(403, False)] * 2


async def http2(port: int, fields: dict[str, str], body: bytes) -> bytes:
    """One request whose body is sent without its length; the body of the answer."""

    def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload

    pairs = [(name.encode(), value.encode()) for name, value in fields.items()]
    head = b"".join(b"\0%c%b%c%b" % (len(name), name, len(value), value) for name, value in pairs)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    frames = [frame(4, 0, 0, b""), frame(1, 4, 1, head), frame(0, 0, 1, body), frame(0, 1, 1, b"")]
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"".join(frames))
    answer, ended = b"", False
    try:
        async with asyncio.timeout(10):
            while not ended:
                told = await reader.readexactly(9)
                payload = await reader.readexactly(int.from_bytes(told[:3]))
                if told[3] == 0:
                    answer, ended = answer + payload, bool(told[4] & 1)
                elif told[3] == 4 and not told[4]:
                    writer.write(frame(4, 1, 0, b""))
    finally:
        writer.close()
    return answer


async def test_a_body_that_http2_sends_without_its_length_is_counted_by_the_gateway(new_world: NewWorld) -> None:
    small = [replace(route, body_bytes=5000) if route.path == "/contacts" else route for route in ROUTES]
    async with new_world(small, kind=" http2") as world:
        contacts = world.services["contacts"]
        known = {name.lower(): value for name, value in world.signed_in().items()}
        fields = {":scheme": "http", ":path": "/api/v1/contacts", ":authority": "portal.example"}
        post = {":method": "POST", **fields, "content-type": "application/json", **known}

        assert json.loads(await http2(world.gateway.port, post, b"x" * 6000))["code"] == "too_large"
        assert contacts.seen == []
        assert json.loads(await http2(world.gateway.port, post, b"x" * 4000)) == {"service": "contacts", "bytes": 4000}


async def test_the_public_port_knows_no_authorize(world: World) -> None:
    async with world.http.get(f"{world.base}/authorize", headers=world.signed_in()) as answer:
        assert "x-identity" not in answer.headers
        assert answer.headers["content-type"].startswith("text/html")


def test_the_committed_configuration_is_that_of_the_table() -> None:
    assert CONF.read_text("utf-8") == configuration()
    assert set(prefixes().values()) == {"documents", "metrics", "contracts", "contacts"}
