"""Large bodies go past the event loop, and nobody can tell the difference."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from chassis.testing import eventually
from gateway import express, proxy
from gateway.main import ROUTES
from gateway.routing import ANY_SIZE, MIB, OFFSETS, Route
from tests.gateway.conftest import NewWorld, World, streaming

SIZE = 24 * MIB + 17
CONTENT = random.Random(7).randbytes(SIZE)
FLOWS = Route("GET PATCH", "/flows/{id}", "documents", body_bytes=ANY_SIZE, media=OFFSETS, public=True, flows=True)
HEADERS = {"Content-Type": OFFSETS[0]}


@pytest.fixture(params=["past", "through"])
async def world(
    request: pytest.FixtureRequest, new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """Once with threads to spare, once with none: then everything goes through the loop."""
    if request.param == "through":
        monkeypatch.setattr(express.Express, "has_room", False)
    async with new_world((*ROUTES, FLOWS)) as made:
        yield made


async def body(size: int = SIZE, *, piece: int = 300_000) -> AsyncIterator[bytes]:
    for start in range(0, size, piece):
        yield CONTENT[start : min(size, start + piece)]


@streaming
async def digests(request: web.Request) -> web.StreamResponse:
    digest, size = hashlib.sha256(), 0
    async for chunk in request.content.iter_any():
        digest.update(chunk)
        size += len(chunk)
    return web.json_response({"size": size, "sha256": digest.hexdigest()})


@streaming
async def hands_out(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": str(SIZE)})
    await answer.prepare(request)
    async for chunk in body():
        await answer.write(chunk)
    return answer


async def test_every_byte_goes_up(world: World) -> None:
    world.documents.answers["/flows/1"] = digests
    sizes = [0, 1, 65_536, MIB + 65_536, SIZE]

    for size in sizes:
        headers = HEADERS | {"Content-Length": str(size)}
        async with world.http.patch(world.api("/flows/1"), data=body(size), headers=headers) as answer:
            assert answer.status == 200
            told = await answer.json()

        assert told == {"size": size, "sha256": hashlib.sha256(CONTENT[:size]).hexdigest()}


async def test_every_byte_comes_down_and_the_connection_goes_on(world: World) -> None:
    world.documents.answers["/flows/1"] = hands_out

    for _ in range(3):
        async with world.http.get(world.api("/flows/1")) as answer:
            assert answer.headers["Content-Length"] == str(SIZE)
            assert await answer.read() == CONTENT
        async with world.http.get(world.api("/documents/folders"), headers=world.signed_in()) as answer:
            assert answer.status == 200


async def test_many_go_at_once(world: World) -> None:
    world.documents.answers["/flows/1"] = digests
    wanted = hashlib.sha256(CONTENT[: 3 * MIB]).hexdigest()

    async def one() -> str:
        headers = HEADERS | {"Content-Length": str(3 * MIB)}
        async with world.http.patch(world.api("/flows/1"), data=body(3 * MIB), headers=headers) as answer:
            return str((await answer.json())["sha256"])

    assert set(await asyncio.gather(*(one() for _ in range(60)))) == {wanted}


async def test_a_refusal_before_the_end_reaches_a_client_that_is_still_sending(world: World) -> None:
    @streaming
    async def refuses(request: web.Request) -> web.StreamResponse:
        await request.content.readexactly(2 * MIB)
        problem = b'{"type": "x", "title": "x", "status": 423, "code": "upload_busy", "request_id": ""}'
        return web.Response(status=423, body=problem, content_type="application/problem+json")

    world.documents.answers["/flows/1"] = refuses
    reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
    head = f"PATCH /api/v1/flows/1 HTTP/1.1\r\nHost: x\r\nContent-Type: {OFFSETS[0]}\r\nContent-Length: {SIZE}\r\n\r\n"
    writer.write(head.encode())
    async for piece in body():
        writer.write(piece)
        await writer.drain()
    answer = await reader.readuntil(b"upload_busy")
    writer.close()

    assert answer.startswith(b"HTTP/1.1 423 ")


async def test_an_upload_that_breaks_off_never_looks_whole(world: World) -> None:
    ended: list[object] = []

    @streaming
    async def takes(request: web.Request) -> web.StreamResponse:
        try:
            ended.append(await request.read())
        except (ConnectionError, aiohttp.ClientPayloadError, web.RequestPayloadError) as error:
            ended.append(error)
            raise
        return web.json_response({})

    world.documents.answers["/flows/1"] = takes
    _, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
    head = f"PATCH /api/v1/flows/1 HTTP/1.1\r\nHost: x\r\nContent-Type: {OFFSETS[0]}\r\nContent-Length: {SIZE}\r\n\r\n"
    writer.write(head.encode() + CONTENT[: 10 * MIB])
    await writer.drain()
    writer.close()

    async def is_over() -> bool:
        return bool(ended)

    await eventually(is_over)
    assert not isinstance(ended[0], bytes)


async def test_an_answer_that_breaks_off_never_looks_whole(world: World) -> None:
    @streaming
    async def breaks(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": str(SIZE)})
        await answer.prepare(request)
        await answer.write(CONTENT[: 10 * MIB])
        assert request.transport is not None
        request.transport.abort()
        return answer

    world.documents.answers["/flows/1"] = breaks

    async with world.http.get(world.api("/flows/1")) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_whoever_stops_reading_is_let_go_of(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "IDLE_SECONDS", 0.3)
    gone = asyncio.Event()

    @streaming
    async def hands_out_for_ever(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": str(1024 * MIB)})
        try:
            await answer.prepare(request)
            for _ in range(1024):
                await answer.write(bytes(MIB))
        except ConnectionError:
            gone.set()
            raise
        return answer

    world.documents.answers["/flows/1"] = hands_out_for_ever
    _, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port, limit=1024)
    writer.write(b"GET /api/v1/flows/1 HTTP/1.1\r\nHost: x\r\n\r\n")
    await writer.drain()

    await asyncio.wait_for(gone.wait(), 10)
    writer.close()


async def test_silence_ends_an_upload_and_slowness_does_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(proxy, "BODY_SECONDS", 0.6)
    world.documents.answers["/flows/1"] = digests

    async def slow() -> AsyncIterator[bytes]:
        for start in range(0, 3 * MIB, 256 * 1024):
            await asyncio.sleep(0.1)
            yield CONTENT[start : start + 256 * 1024]

    headers = HEADERS | {"Content-Length": str(3 * MIB)}
    async with world.http.patch(world.api("/flows/1"), data=slow(), headers=headers) as answer:
        assert answer.status == 200

    reader, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
    head = f"PATCH /api/v1/flows/1 HTTP/1.1\r\nHost: x\r\nContent-Type: {OFFSETS[0]}\r\nContent-Length: {SIZE}\r\n\r\n"
    writer.write(head.encode() + CONTENT[: 2 * MIB])
    await writer.drain()
    said = await asyncio.wait_for(reader.readuntil(b"request_timeout"), 10)
    writer.close()

    assert said.startswith(b"HTTP/1.1 408 ")
