"""Requests that two readers could understand in two ways, slow ones, and endless ones."""

import asyncio
import gc

import pytest

from gateway import wire
from tests.gateway.conftest import World, raw_exchange

POST = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
SMUGGLED = b"GET /api/v1/auth/password-rules HTTP/1.1\r\nHost: smuggled\r\n\r\n"

AMBIGUOUS = {
    "length and chunked": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}" + SMUGGLED,
    "the same length twice": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}" + SMUGGLED,
    "a signed length": POST + b"Content-Length: +2\r\n\r\n{}" + SMUGGLED,
    "a negative length": POST + b"Content-Length: -2\r\n\r\n{}" + SMUGGLED,
    "a hexadecimal length": POST + b"Content-Length: 0x2\r\n\r\n{}" + SMUGGLED,
    "a length beyond numbers": POST + b"Content-Length: 99999999999999999999999\r\n\r\n{}" + SMUGGLED,
    "a coding before chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a coding after chunked": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a blank before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a tab before the colon": POST + b"Content-Length\t: 2\r\n\r\n{}" + SMUGGLED,
    "a folded header": POST + b"Content-Length:\r\n 2\r\n\r\n{}" + SMUGGLED,
    "a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a bare line feed": POST + b"X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a bare carriage return": POST + b"X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a zero byte": POST + b"X: y\0z\r\n\r\n" + SMUGGLED,
    "a chunk size that is no number": POST + b"Transfer-Encoding: chunked\r\n\r\nz\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk size with a sign": POST + b"Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk size with 0x": POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk size beyond numbers": POST
    + b"Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n"
    + SMUGGLED,
    "a chunk longer than it says": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk extension with a line feed": POST + b"Transfer-Encoding: chunked\r\n\r\n2;\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk without its end": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n" + SMUGGLED,
    "HTTP/0.9": b"GET /api/v1/auth/password-rules\r\n\r\n" + SMUGGLED,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an unknown version": b"GET /api/v1/auth/password-rules HTTP/3.7\r\nHost: x\r\n\r\n" + SMUGGLED,
    "an unknown method": b"GEET /api/v1/auth/password-rules HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
    "a path with a blank": b"GET /api/v1/auth/password-rules /x HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
    "a path with bytes beyond ASCII": b"GET /api/v1/auth/p\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
    "no path": b"GET http://host HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
}


async def test_what_can_be_read_in_two_ways_is_refused_and_ends_the_connection(world: World) -> None:
    for name, request in AMBIGUOUS.items():
        said = await raw_exchange(world.gateway.port, request, seconds=2)

        head = said.partition(b"\r\n\r\n")[0]
        assert head.startswith(b"HTTP/1.1 400 "), name
        assert b"application/problem+json" in head, name
        assert b"\r\nx-frame-options: DENY" in head, name
        assert said.count(b"HTTP/1.1 ") == 1, name
        reached = [seen for service in world.services.values() for seen in service.seen]
        assert not [seen for seen in reached if seen.path == "/auth/password-rules"], name


async def test_two_requests_in_one_packet_get_two_answers_in_order(world: World) -> None:
    first = POST + b"Transfer-Encoding: chunked\r\n\r\n2;ext=1\r\n{}\r\n0\r\nX-Identity: late\r\n\r\n"
    last = SMUGGLED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    said = await raw_exchange(world.gateway.port, first + last)

    assert said.count(b"HTTP/1.1 200 ") == 2
    assert [seen.path for seen in world.services["auth"].seen] == ["/auth/login", "/auth/password-rules"]
    assert "late" not in str(world.services["auth"].seen[0].headers)


async def test_an_endless_head_is_cut(world: World) -> None:
    said = await raw_exchange(world.gateway.port, b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000)

    assert said.startswith(b"HTTP/1.1 400 ")


async def test_a_thousand_headers_are_too_many(world: World) -> None:
    head = b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(1000)) + b"\r\n"

    assert (await raw_exchange(world.gateway.port, head)).startswith(b"HTTP/1.1 400 ")


async def test_a_head_that_dribbles_in_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
    writer.write(b"GET / HTTP/1.1\r\nX: ")

    async with asyncio.timeout(3):
        assert await reader.read() == b""
    writer.close()


async def test_a_silent_client_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)

    async with asyncio.timeout(3):
        assert await reader.read() == b""
    writer.close()


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"


async def test_an_offer_to_upgrade_is_ignored_and_the_body_stays_whole(world: World) -> None:
    body = b'{"a": "\\r\\nUpgrade: x"}\r\n\r\nUpgrade: y'
    head = POST + OFFER + b"Content-Length: %d\r\n\r\n" % len(body)

    said = await raw_exchange(world.gateway.port, head + body + SMUGGLED, seconds=1)

    assert said.count(b"HTTP/1.1 200 ") == 2
    assert world.services["auth"].seen[0].body == body


async def test_an_offer_in_two_packets_ends_the_connection(world: World) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
    writer.write(b"GET /api/v1/auth/password-rules HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgr")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.write(b"ade: h2c\r\n\r\n" + SMUGGLED)

    async with asyncio.timeout(5):
        said = await reader.read()
    writer.close()

    assert said.count(b"HTTP/1.1 ") == 1
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in said
    assert len(world.services["auth"].seen) == 1


async def test_an_offer_in_two_packets_with_a_body_is_refused(world: World) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
    writer.write(POST + b"Connection: Upgrade\r\nContent-Length: 2\r\nUpgr")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.write(b"ade: h2c\r\n\r\n{}")

    async with asyncio.timeout(5):
        said = await reader.read()
    writer.close()

    assert said.startswith(b"HTTP/1.1 400 ")
    assert world.services["auth"].seen == []


async def test_a_websocket_is_not_opened(world: World) -> None:
    head = b"GET /api/v1/auth/password-rules HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    key = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    said = await raw_exchange(world.gateway.port, head + key, seconds=1)

    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.count(b"HTTP/1.1 ") == 1


async def test_a_star_is_no_path(world: World) -> None:
    said = await raw_exchange(world.gateway.port, b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", seconds=1)

    assert said.startswith(b"HTTP/1.1 405 ")


async def test_what_was_answered_leaves_nothing_to_the_collector(world: World) -> None:
    """Garbage in circles cost a sixth of each request's processor time."""
    caller = world.signed_in()
    gc.collect()
    before = {id(one) for one in gc.get_objects() if isinstance(one, wire.Cycle)}
    gc.disable()
    try:
        for path in (*["/documents"] * 20, *["/nowhere"] * 20):
            async with world.http.get(world.api(path), headers=caller) as response:
                await response.read()
        left = [one for one in gc.get_objects() if isinstance(one, wire.Cycle) and id(one) not in before]
    finally:
        gc.enable()

    # each connection knows its last one
    assert len(left) <= 4
