"""The usual read goes without a task; what turns out unusual on the way ends as it would have without that."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from chassis.testing import eventually
from gateway import upstream
from gateway.app import Gateway
from gateway.main import ROUTES
from gateway.wire import Cycle
from tests.gateway.conftest import NewWorld, World

Reply = Callable[[asyncio.StreamWriter], Awaitable[object]]
PATH = "/documents"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def passages(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each call whether it went without a task."""
    taken: list[bool] = []
    begin = Gateway.begin

    def noted(gateway: Gateway, cycle: Cycle) -> bool:
        taken.append(begin(gateway, cycle))
        return taken[-1]

    monkeypatch.setattr(Gateway, "begin", noted)
    return taken


class Script:
    """A service on a real port that answers with bytes, one reply after the other."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.heads: list[bytes] = []
        self.connections = 0
        self.port = 0
        self.over = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                await (self.replies.pop(0) if self.replies else says(WHOLE))(writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def says(*pieces: bytes) -> Reply:
    """Pieces that arrive one by one."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)  # lets the gateway see this piece alone; no condition is waited for

    return reply


async def closes(writer: asyncio.StreamWriter) -> None:
    """As a service that ends an idle connection in the moment it is used."""
    writer.transport.abort()


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    script = Script()
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    script.port = server.sockets[0].getsockname()[1]
    async with server:
        yield script
        script.over.set()


@contextlib.asynccontextmanager
async def warm(new_world: NewWorld, script: Script, **values: object) -> AsyncIterator[tuple[World, dict[str, str]]]:
    """A gateway that knows the caller and has a connection to the service."""
    async with new_world(ROUTES, documents_url=f"http://127.0.0.1:{script.port}", **values) as world:
        caller = world.signed_in()
        async with world.http.get(world.api(PATH), headers=caller) as answer:
            assert await answer.read() == b"{}"
        yield world, caller


async def test_the_second_read_of_a_caller_needs_no_task(
    new_world: NewWorld, script: Script, passages: list[bool]
) -> None:
    async with (
        warm(new_world, script) as (world, caller),
        world.http.get(world.api(PATH + "?year=2026"), headers=caller) as answer,
    ):
        assert (answer.status, await answer.read()) == (200, b"{}")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"

    assert passages == [False, True]
    assert script.connections == 1
    assert script.heads[-1].startswith(b"GET /documents?year=2026 HTTP/1.1\r\n")
    assert f"x-request-id: {answer.headers['x-request-id']}\r\n".encode() in script.heads[-1]


PROBLEM = json.dumps({"code": "not_found", "status": 404}).encode()
PROBLEM_HEAD = b"Content-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n"
ODD = [
    pytest.param(
        [WHOLE[:10], WHOLE[10:-1], WHOLE[-1:]],
        (200, b"{}"),
        id="in pieces",
    ),
    pytest.param(
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\n{}\r\n", b"0\r\n\r\n"],
        (200, b"{}"),
        id="chunked in pieces",
    ),
    pytest.param(
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"],
        (200, b"{}"),
        id="chunked",
    ),
    pytest.param(
        [b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000],
        (200, b"x" * 3_000_000),
        id="large",
    ),
    pytest.param([b"HTTP/1.1 103 Early Hints\r\n\r\n" + WHOLE], (200, b"{}"), id="informational"),
    pytest.param([b"HTTP/1.1 204 No Content\r\n\r\n"], (204, b""), id="no content"),
    pytest.param(
        [b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 2\r\n\r\n"],
        (304, b""),
        id="not modified, with the length of what is not sent",
    ),
    pytest.param(
        [
            b"HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n"
            % len(PROBLEM)
            + PROBLEM
        ],
        (404, PROBLEM),
        id="problem",
    ),
    pytest.param([b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"], (200, b"{}"), id="last"),
]


@pytest.mark.parametrize(("pieces", "expected"), ODD)
async def test_every_answer_comes_through_as_it_is(
    new_world: NewWorld, script: Script, passages: list[bool], pieces: list[bytes], expected: tuple[int, bytes]
) -> None:
    async with warm(new_world, script) as (world, caller):
        script.replies = [says(*pieces)]
        async with world.http.get(world.api(PATH), headers=caller) as answer:
            same = (answer.status, await answer.read()) == expected
            assert same
        async with world.http.get(world.api(PATH), headers=caller) as answer:
            assert await answer.read() == b"{}", "the next one is not disturbed"

    assert passages[:2] == [False, True]


async def test_what_is_no_problem_is_not_shown(new_world: NewWorld, script: Script, passages: list[bool]) -> None:
    async with warm(new_world, script) as (world, caller):
        script.replies = [says(b"HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\nTraceback")]
        async with world.http.get(world.api(PATH), headers=caller) as answer:
            assert answer.status == 500
            assert (await answer.json(content_type=None))["code"] == "internal_error"

    assert passages == [False, True]


async def test_a_connection_closed_in_the_moment_of_its_use_is_replaced(
    new_world: NewWorld, script: Script, passages: list[bool]
) -> None:
    async with warm(new_world, script) as (world, caller):
        script.replies = [closes]
        async with world.http.get(world.api(PATH), headers=caller) as answer:
            assert (answer.status, await answer.read()) == (200, b"{}")

    assert passages == [False, True]
    assert script.connections == 2


async def test_a_service_that_goes_down_is_told(new_world: NewWorld, script: Script, passages: list[bool]) -> None:
    async with warm(new_world, script) as (world, caller):
        script.replies = [closes, closes]
        async with world.http.get(world.api(PATH), headers=caller) as answer:
            assert answer.status == 503

    assert passages == [False, True]


async def test_an_answer_that_breaks_off_never_looks_whole(
    new_world: NewWorld, script: Script, passages: list[bool]
) -> None:
    async def breaks(writer: asyncio.StreamWriter) -> None:
        await says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")(writer)
        writer.transport.abort()

    async with warm(new_world, script) as (world, caller):
        script.replies = [breaks]
        with pytest.raises(aiohttp.ClientPayloadError):
            async with world.http.get(world.api(PATH), headers=caller) as answer:
                await answer.read()

    assert passages == [False, True]


async def test_a_silent_service_is_not_waited_for(
    new_world: NewWorld, script: Script, passages: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "LOOK_SECONDS", 0.02)
    async with warm(new_world, script) as (world, caller):
        route = next(route for route in ROUTES if route.path == PATH)
        object.__setattr__(route, "seconds", 0.1)
        try:
            script.replies = [lambda _: script.over.wait()]
            async with world.http.get(world.api(PATH), headers=caller) as answer:
                assert answer.status == 504
        finally:
            object.__setattr__(route, "seconds", 15)

    assert passages == [False, True]


async def test_a_client_that_leaves_disturbs_nobody(new_world: NewWorld, script: Script, passages: list[bool]) -> None:
    may_answer = asyncio.Event()

    async def late(writer: asyncio.StreamWriter) -> None:
        await may_answer.wait()
        writer.write(WHOLE)

    async with warm(new_world, script) as (world, caller):
        script.replies = [late]
        _, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
        writer.write(f"GET /api/v1{PATH} HTTP/1.1\r\nHost: x\r\nCookie: {caller['Cookie']}\r\n\r\n".encode())

        async def asked() -> bool:
            return len(script.heads) == 2

        await eventually(asked)
        writer.transport.abort()
        may_answer.set()
        async with world.http.get(world.api(PATH), headers=caller) as answer:
            assert await answer.read() == b"{}"

    assert passages[:2] == [False, True]


async def test_requests_in_one_packet_are_answered_in_order(
    new_world: NewWorld, script: Script, passages: list[bool]
) -> None:
    async with warm(new_world, script) as (world, caller):
        bodies = [b"%d" % n for n in range(5)]
        script.replies = [says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + body) for body in bodies]
        reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
        ask = f"GET /api/v1{PATH} HTTP/1.1\r\nHost: x\r\nCookie: {caller['Cookie']}\r\n\r\n".encode()
        writer.write(ask * len(bodies))
        got = []
        for _ in bodies:
            await reader.readuntil(b"\r\n\r\n")
            got.append(await reader.readexactly(1))
        writer.close()
        await writer.wait_closed()

    assert got == bodies
    assert passages == [False] + [True] * len(bodies)


async def test_over_the_limit_nothing_is_asked_of_the_service(
    new_world: NewWorld, script: Script, passages: list[bool]
) -> None:
    async with warm(new_world, script, requests_per_window=2) as (world, caller):
        statuses = []
        for _ in range(3):
            async with world.http.get(world.api(PATH), headers=caller) as answer:
                statuses.append(answer.status)

    assert statuses == [200, 429, 429]
    assert passages == [False, True, False, False]
    assert len(script.heads) == 2
    assert script.connections == 1


async def test_a_connection_is_nobodys(new_world: NewWorld, script: Script, passages: list[bool]) -> None:
    """What a connection's last request said is used only where the next one says the same."""
    async with warm(new_world, script) as (world, first):
        second = world.signed_in()
        reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)

        async def asks(cookie: str, more: str = "") -> bytes:
            writer.write(f"GET /api/v1{PATH} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n{more}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(int(length.partition(b":")[2]))
            return head.split(b" ")[1]

        subjects = []
        for cookie in (first["Cookie"], second["Cookie"], first["Cookie"], first["Cookie"]):
            assert await asks(cookie) == b"200"
            head = script.heads[-1]
            subjects.append(next(line for line in head.split(b"\r\n") if line.startswith(b"x-identity")))
        assert subjects[0] == subjects[2] == subjects[3] != subjects[1]

        assert await asks(first["Cookie"], "If-None-Match: x\r\n") == b"200"
        assert b"if-none-match: x\r\n" in script.heads[-1]
        assert await asks(first["Cookie"]) == b"200"
        assert b"if-none-match" not in script.heads[-1]
        assert await asks("session=nobody") == b"401"
        assert await asks(first["Cookie"], "Accept: a\r\nAccept: a\r\nCookie: x=1\r\n") == b"200"

        world.people.principals.clear()
        for credential in tuple(world.gateway.parts.sessions._known):
            world.gateway.parts.sessions.forget(credential)
        assert await asks(first["Cookie"]) == b"401"
        writer.close()
        await writer.wait_closed()

    assert passages.count(True) >= 4
