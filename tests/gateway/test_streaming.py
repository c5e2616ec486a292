"""Bodies flow both ways without being kept; what breaks or hangs is told, never taken for whole."""

import asyncio
import io
import time
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from chassis.testing import eventually
from gateway import proxy, upstream
from gateway.main import ROUTES
from gateway.routing import MIB, Route
from tests.gateway.conftest import NewWorld, World, raw_exchange, streaming

GIB = 1024 * MIB
FILE = "/documents/1/files/2"
UPLOAD = Route(
    "PUT", "/uploads/{id}", "documents", body_bytes=2 * GIB, media=("application/octet-stream",), public=True
)


def rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def test_a_gibibyte_comes_down_in_flat_memory(world: World) -> None:
    @streaming
    async def large(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": str(GIB)})
        await answer.prepare(request)
        block = bytes(MIB)
        for _ in range(1024):
            await answer.write(block)
        return answer

    world.documents.answers[FILE] = large
    before = rss_bytes()
    received, highest = 0, 0

    async with world.http.get(world.api(FILE), headers=world.signed_in()) as answer:
        assert answer.headers["content-length"] == str(GIB)
        async for piece in answer.content.iter_any():
            received += len(piece)
            if received % (32 * MIB) < len(piece):
                highest = max(highest, rss_bytes())

    assert received == GIB
    assert highest - before < 64 * MIB


async def test_a_gibibyte_goes_up_in_flat_memory(new_world: NewWorld) -> None:
    got = []

    @streaming
    async def takes(request: web.Request) -> web.StreamResponse:
        size = 0
        async for piece in request.content.iter_any():
            size += len(piece)
        got.append(size)
        return web.json_response({"size": size})

    async with new_world((*ROUTES, UPLOAD)) as world:
        world.documents.answers["/uploads/1"] = takes
        before = rss_bytes()
        highest = 0

        async def blocks():  # type: ignore[no-untyped-def]
            nonlocal highest
            block = bytes(MIB)
            for _ in range(1024):
                highest = max(highest, rss_bytes())
                yield block

        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(GIB)}
        async with world.http.put(world.api("/uploads/1"), data=blocks(), headers=headers) as answer:
            assert answer.status == 200
            assert await answer.json() == {"size": GIB}

        assert got == [GIB]
        assert highest - before < 64 * MIB


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 3_000_000])
async def test_bodies_of_every_size_arrive_as_they_were_sent(new_world: NewWorld, size: int) -> None:
    body = bytes(n % 251 for n in range(size))
    async with new_world((*ROUTES, UPLOAD)) as world:

        @streaming
        async def echo(request: web.Request) -> web.StreamResponse:
            return web.Response(body=await request.read())

        world.documents.answers["/uploads/1"] = echo

        async def pieces():  # type: ignore[no-untyped-def]
            for start in range(0, size, 10_000):
                yield body[start : start + 10_000]

        headers = {"Content-Type": "application/octet-stream"}
        for sent in (io.BytesIO(body), pieces()):
            async with world.http.put(world.api("/uploads/1"), data=sent, headers=headers) as answer:
                assert answer.status == 200
                whole = await answer.read() == body
                assert whole


async def test_an_upload_that_breaks_off_never_looks_whole(new_world: NewWorld) -> None:
    ended = []

    @streaming
    async def takes(request: web.Request) -> web.StreamResponse:
        try:
            ended.append(await request.read())
        except ConnectionError as error:
            ended.append(error)
            raise
        return web.json_response({})

    async with new_world((*ROUTES, UPLOAD)) as world:
        world.documents.answers["/uploads/1"] = takes
        head = b"PUT /api/v1/uploads/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
        for framing in (b"Content-Length: 1000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n186a0\r\n"):
            _, writer = await asyncio.open_connection("127.0.0.1", world.gateway.port)
            writer.write(head + framing + b"x" * 100_000)
            await writer.drain()
            writer.close()

            async def cut(count: int = len(ended) + 1) -> bool:
                return len(ended) == count

            await eventually(cut)

    assert [len(one) for one in ended if isinstance(one, bytes)] == []


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_an_answer_that_breaks_off_never_looks_whole(world: World, framing: str) -> None:
    @streaming
    async def breaks(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000000"} if framing == "length" else {})
        await answer.prepare(request)
        await answer.write(b"x" * 100_000)
        assert request.transport is not None
        request.transport.abort()
        return answer

    world.documents.answers[FILE] = breaks

    async with world.http.get(world.api(FILE), headers=world.signed_in()) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_an_answer_whose_end_is_unknown_is_refused(world: World) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end")
        await writer.drain()
        writer.close()

    await world.documents.stop()
    server = await asyncio.start_server(serve, "127.0.0.1", world.documents.port)
    async with server, world.http.get(world.api(FILE), headers=world.signed_in()) as answer:
        assert answer.status == 503


async def test_two_answers_to_one_question_are_never_mixed_up(world: World) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            mine = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine"
            foreign = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nforeign"
            writer.write(mine + foreign)
            await writer.drain()
        writer.close()

    await world.documents.stop()
    server = await asyncio.start_server(serve, "127.0.0.1", world.documents.port)
    headers = world.signed_in()
    async with server:
        for _ in range(20):
            async with world.http.get(world.api(FILE), headers=headers) as answer:
                if answer.status == 200:
                    assert await answer.read() == b"mine"
                else:
                    assert answer.status == 503


async def test_a_range_and_a_head_pass(world: World) -> None:
    async def part(request: web.Request) -> web.Response:
        headers = {"Content-Range": "bytes 0-3/10", "Accept-Ranges": "bytes", "ETag": '"abc"'}
        if request.method == "HEAD":
            return web.Response(headers={"Content-Length": "10", "ETag": '"abc"'})
        if request.headers.get("If-None-Match") == '"abc"':
            return web.Response(status=304, headers={"ETag": '"abc"'})
        return web.Response(status=206, body=b"%PDF", headers=headers)

    world.documents.answers[FILE] = part
    signed_in = world.signed_in()

    async with world.http.get(world.api(FILE), headers=signed_in | {"Range": "bytes=0-3"}) as answer:
        assert (answer.status, await answer.read()) == (206, b"%PDF")
        assert answer.headers["content-range"] == "bytes 0-3/10"
    for _ in range(3):
        async with world.http.head(world.api(FILE), headers=signed_in) as answer:
            assert (answer.status, answer.headers["content-length"]) == (200, "10")
        async with world.http.get(world.api(FILE), headers=signed_in | {"If-None-Match": '"abc"'}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")


async def test_what_a_service_packed_is_not_unpacked(world: World) -> None:
    async def packed(_request: web.Request) -> web.Response:
        return web.Response(body=b"\x1f\x8b not really", headers={"Content-Encoding": "gzip"})

    world.documents.answers[FILE] = packed

    async with world.http.get(world.api(FILE), headers=world.signed_in()) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert await answer.read() == b"\x1f\x8b not really"


async def test_a_service_that_is_down_is_said_to_be_and_comes_back(world: World) -> None:
    headers = world.signed_in()
    async with world.http.get(world.api(FILE), headers=headers) as answer:
        assert answer.status == 200
    await world.documents.stop()

    async with world.http.get(world.api(FILE), headers=headers | {"Accept-Language": "en"}) as answer:
        assert answer.status == 503
        problem = await answer.json(content_type=None)
    assert problem["code"] == "unavailable"
    assert problem["title"] == "This is out of order at the moment; please try again soon."

    await world.documents.start()
    async with world.http.get(world.api(FILE), headers=headers) as answer:
        assert answer.status == 200


async def test_a_kept_connection_that_was_closed_costs_no_read(world: World) -> None:
    headers = world.signed_in()
    for _ in range(5):
        async with world.http.get(world.api(FILE), headers=headers) as answer:
            assert answer.status == 200
        await world.documents.stop()
        await world.documents.start()


async def test_a_service_that_hangs_ends_in_504_and_holds_up_nobody(new_world: NewWorld) -> None:
    routes = [route for route in ROUTES if route.path != "/documents/folders"]
    async with new_world((*routes, Route("GET", "/documents/folders", "documents", seconds=0.3))) as world:

        async def hangs(_request: web.Request) -> web.Response:
            await asyncio.sleep(60)
            return web.json_response({})

        world.documents.answers["/documents/folders"] = hangs
        headers = world.signed_in()
        async with world.http.get(world.api("/users/me"), headers=headers) as answer:
            assert answer.status == 200

        async def ask() -> tuple[int, float]:
            began = time.monotonic()
            async with world.http.get(world.api("/documents/folders"), headers=headers) as answer:
                return answer.status, time.monotonic() - began

        first = await asyncio.gather(*(ask() for _ in range(20)))
        assert {status for status, _ in first} == {504}
        status, seconds = await ask()
        assert (status, seconds < 0.2) == (503, True)
        async with world.http.get(world.api("/users/me"), headers=headers) as answer:
            assert answer.status == 200

        del world.documents.answers["/documents/folders"]

        async def well() -> bool:
            return (await ask())[0] == 200

        await eventually(well, seconds=5)


async def test_more_at_once_than_a_service_bears_are_turned_away(new_world: NewWorld) -> None:
    async with new_world(in_flight_per_service=4) as world:
        go_on = asyncio.Event()

        async def waits(_request: web.Request) -> web.Response:
            await go_on.wait()
            return web.json_response({})

        world.documents.answers[FILE] = waits
        headers = world.signed_in()
        async with world.http.get(world.api("/users/me"), headers=headers):
            pass

        async def ask() -> int:
            async with world.http.get(world.api(FILE), headers=headers) as answer:
                return answer.status

        asked = [asyncio.create_task(ask()) for _ in range(10)]

        async def six_are_back() -> bool:
            return sum(task.done() for task in asked) == 6

        await eventually(six_are_back)
        go_on.set()
        assert sorted(await asyncio.gather(*asked)) == [200] * 4 + [503] * 6
        assert await ask() == 200


async def test_a_body_that_dribbles_in_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "IDLE_SECONDS", 0.3)
    head = (
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"
    )

    said = await raw_exchange(world.gateway.port, head, seconds=3)

    assert said.startswith(b"HTTP/1.1 408 ")
    assert world.services["auth"].seen == []


async def test_an_answer_that_stalls_is_cut(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "IDLE_SECONDS", 0.3)

    @streaming
    async def stalls(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b"x")
        await asyncio.sleep(60)
        return answer

    world.documents.answers[FILE] = stalls

    async with world.http.get(world.api(FILE), headers=world.signed_in()) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            async with asyncio.timeout(5):
                await answer.read()


async def test_a_reader_who_left_does_not_hold_the_service(world: World) -> None:
    ended = asyncio.Event()

    @streaming
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": str(100 * GIB)})
        await answer.prepare(request)
        try:
            while True:
                await answer.write(bytes(MIB))
        except ConnectionError:
            ended.set()
        return answer

    world.documents.answers[FILE] = endless
    async with aiohttp.ClientSession() as client:
        answer = await client.get(world.api(FILE), headers=world.signed_in())
        await answer.content.readany()
        answer.close()

    async with asyncio.timeout(5):
        await ended.wait()


async def test_a_service_may_answer_before_it_has_everything(new_world: NewWorld) -> None:
    @streaming
    async def refuses(request: web.Request) -> web.StreamResponse:
        await request.content.readany()
        body = '{"type": "x", "title": "x", "status": 413, "code": "too_large", "request_id": ""}'
        return web.Response(status=413, text=body, content_type="application/problem+json")

    async with new_world((*ROUTES, UPLOAD)) as world:
        world.documents.answers["/uploads/1"] = refuses

        async def blocks():  # type: ignore[no-untyped-def]
            for _ in range(8):
                yield bytes(MIB)

        headers = {"Content-Type": "application/octet-stream"}
        async with world.http.put(world.api("/uploads/1"), data=blocks(), headers=headers) as answer:
            assert answer.status == 413
            assert (await answer.json(content_type=None))["code"] == "too_large"


@pytest.mark.parametrize(("status", "shown"), [(500, 500), (502, 500), (400, 400), (418, 400)])
async def test_an_error_that_is_no_problem_becomes_one(world: World, status: int, shown: int) -> None:
    async def plain(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="Traceback: secret")

    world.documents.answers[FILE] = plain

    async with world.http.get(world.api(FILE), headers=world.signed_in()) as answer:
        assert answer.status == shown
        assert answer.headers["content-type"] == "application/problem+json"
        assert "secret" not in await answer.text()


async def test_connections_to_a_service_are_kept_and_renewed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    peers = set()

    @streaming
    async def notes(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.json_response({})

    world.documents.answers[FILE] = notes
    headers = world.signed_in()
    for _ in range(10):
        async with world.http.get(world.api(FILE), headers=headers):
            pass
    assert len(peers) == 1

    monkeypatch.setattr(upstream, "LIFE_SECONDS", 0)
    async with world.http.get(world.api(FILE), headers=headers):
        pass
    assert len(peers) == 2
