"""A request goes to its service and the answer comes back: both streamed, both by the lists in `headers`."""

import asyncio
import math

from starlette.types import Message

from chassis.errors import PROBLEM_JSON, AppError, BadRequest, InternalError, TooLarge, Unavailable, UpstreamTimeout
from chassis.identity import Identity
from chassis.logging import log
from chassis.sockets import LARGE_BYTES
from gateway.call import Call, ClientGone
from gateway.caller import SAFE_METHODS
from gateway.connection import Connection, HeaderList, UpstreamBroke, UpstreamDown
from gateway.express import Express, SourceEnded, TargetGone, written
from gateway.headers import ANSWER_PASSES, API_POLICY, COOKIES, MAILBOX_POLICY, request_lines
from gateway.routing import Route
from gateway.signing import Signer, TokenCache
from gateway.upstream import CERTAIN_SECONDS, Upstream
from gateway.wire import CONNECTION, Cycle

SMALL_BYTES = 64 * 1024
IDLE_SECONDS = 30.0
BODY_SECONDS = 300.0
TOTAL_SECONDS = 900.0
HEAD = b"%b %b HTTP/1.1\r\nhost: %b\r\nx-identity: %b\r\nx-request-id: %b\r\n%b"


class RequestTimeout(AppError):
    """The request arrived too slowly."""

    status = 408
    de = "Die Anfrage kam zu langsam an."


class Proxy:
    """Carries calls to the services."""

    def __init__(self, services: dict[str, Upstream], signer: Signer, *, cookie_prefix: str) -> None:
        self._services = services
        self._signer = signer
        self._cookie_names = {name: f"{cookie_prefix}{name}".encode() for name in COOKIES}
        self._set_cookie = tuple(name + b"=" for name in self._cookie_names.values())
        self._anonymous = Identity(sub="anonymous")
        self._anonymous_tokens: TokenCache = {}
        self._express = Express()

    def service(self, route: Route) -> Upstream | None:
        """Where its calls go; none where the gateway itself answers."""
        return self._services.get(route.target)

    async def carry(self, call: Call, route: Route, begun: Connection | None = None) -> None:
        """All of it; of a read that was ``begun`` on a connection, the rest.

        Raises:
            Unavailable: the service is down.
            UpstreamTimeout: it did not begin to answer in time.
            TooLarge: the body turned out to be more than the route takes.
            ClientGone: the caller left while sending.
        """
        service = self._services[route.target]
        body, whole = await _first_bytes(call, route) if call.length != 0 else (b"", True)
        call.body_read = whole
        sent_whole = True
        try:
            if whole:
                connection = await service.exchange(
                    self.head(call, service, body),
                    seconds=route.seconds,
                    repeatable=call.method in SAFE_METHODS,
                    bodiless=call.method == "HEAD",
                    begun=begun,
                )
            else:
                connection, sent_whole = await self._upload(call, route, service, body)
        except TimeoutError:
            service.timed_out()
            log.warning("upstream_silent", upstream=service.name)
            raise UpstreamTimeout from None
        except (UpstreamDown, UpstreamBroke) as error:
            log.warning("upstream_down", upstream=service.name, cause=str(error)[:200])
            raise Unavailable(headers={"Retry-After": "2"}) from None
        try:
            await self._answer(call, route, service, connection)
        finally:
            service.release(connection, sent_whole=sent_whole)

    async def _upload(self, call: Call, route: Route, service: Upstream, first: bytes) -> tuple[Connection, bool]:
        connection = await service.acquire(idle_seconds=CERTAIN_SECONDS)
        try:
            connection.begin(self.head(call, service, None), bodiless=False)
            async with asyncio.timeout(None if route.flows else BODY_SECONDS):
                sent_whole = await self._send_body(call, route, connection, first)
            await connection.head(route.seconds)
        except BaseException:
            service.give_up(connection)
            raise
        return connection, sent_whole

    async def _send_body(self, call: Call, route: Route, connection: Connection, first: bytes) -> bool:
        """Stream it; false when the service answered before it had all of it."""
        chunked = call.length is None
        sent, piece, more = 0, first, True
        while True:
            sent += len(piece)
            if sent > route.body_bytes:
                raise TooLarge
            if piece and not connection.head_done:
                async with asyncio.timeout(IDLE_SECONDS):
                    await connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if connection.head_done:
                return False
            if not more:
                break
            left = (call.length or 0) - sent
            if sent and left >= LARGE_BYTES and route.flows and self._express.has_room:
                return await self._send_past(call, connection, left)
            piece, more = await _piece(call)
        call.body_read = True
        if chunked:
            await connection.write(b"0\r\n\r\n")
        return True

    async def _send_past(self, call: Call, connection: Connection, left: int) -> bool:
        """The rest of a large body, from socket to socket."""
        client: Cycle = call.scope["extensions"][CONNECTION]
        piece = client.take_rest()
        async with asyncio.timeout(IDLE_SECONDS):
            if piece:
                await connection.write(piece)
            await written(connection.transport)
        left -= len(piece)
        try:
            sent = await self._express.carry(
                client.transport,
                connection.transport,
                left,
                idle_seconds=IDLE_SECONDS,
                stop=lambda: connection.stops_taking,
            )
        except SourceEnded:
            raise ClientGone from None
        except TargetGone:
            return False
        except TimeoutError:
            raise RequestTimeout(headers={"Connection": "close"}) from None
        if sent < left:
            return False
        client.took_rest()
        return True

    async def _answer_past(self, call: Call, connection: Connection) -> None:
        """The rest of a large answer, from socket to socket."""
        client: Cycle = call.scope["extensions"][CONNECTION]
        piece = connection.take_rest()
        left = connection.expected
        async with asyncio.timeout(IDLE_SECONDS):
            await call.send({"type": "http.response.body", "body": piece, "more_body": True})
            await written(client.transport)
        if client.disconnected:
            raise ClientGone
        try:
            sent = await self._express.carry(
                connection.transport,
                client.transport,
                left,
                idle_seconds=IDLE_SECONDS,
                stop=lambda: client.disconnected,
            )
        except SourceEnded:
            raise UpstreamBroke from None
        except TargetGone:
            raise ClientGone from None
        if sent < left:
            raise ClientGone
        client.was_given(sent)
        await call.send({"type": "http.response.body", "body": b""})

    def identity_token(self, call: Call, service: str) -> bytes:
        """Who is calling, signed for this service alone."""
        known = call.known
        identity, tokens = self._anonymous, self._anonymous_tokens
        if known is not None and known.identity is not None:
            identity, tokens = known.identity, known.tokens
        return self._signer.token(identity, service, tokens, ip=call.address, lang=call.language)

    def head(self, call: Call, service: Upstream, body: bytes | None) -> bytes:
        """The request's first bytes; with its body where that is known whole.

        Raises:
            BadRequest: a line break where none may be.
        """
        query = call.scope["query_string"]
        target = call.target + b"?" + query if query else call.target
        if b"\n" in target or b"\r" in target or b" " in target:
            raise BadRequest
        token = self.identity_token(call, service.name)
        method, request_id = call.method.encode(), call.request_id.encode()
        passing = call.lines or b"".join(request_lines(call.headers))
        lines = [HEAD % (method, target, service.host_header, token, request_id, passing)]
        if call.traceparent:
            lines.append(b"traceparent: " + call.traceparent + b"\r\n")
        if service.name == "auth" and call.cookies:
            pairs = [self._cookie_names[name] + b"=" + value for name, value in call.cookies.items()]
            lines.append(b"cookie: " + b"; ".join(pairs) + b"\r\n")
        if body is not None:
            if call.length is None:
                lines.append(b"content-length: %d\r\n" % len(body))
            return b"".join((*lines, b"\r\n", body))
        if call.length is None:
            lines.append(b"transfer-encoding: chunked\r\n")
        return b"".join((*lines, b"\r\n"))

    async def _answer(self, call: Call, route: Route, service: Upstream, connection: Connection) -> None:
        headers = self.passing(connection.headers, service)
        if connection.status >= 400 and not _is_problem(headers):
            log.error("answer_is_no_problem", upstream=service.name, status_code=connection.status)
            await call.refuse(InternalError() if connection.status >= 500 else BadRequest())
            return
        if connection.complete:
            await call.begin(connection.status, headers)
            await call.send({"type": "http.response.body", "body": connection.taken()})
            return
        gone = asyncio.create_task(_departure(call)) if call.body_read else None
        past = route.flows and connection.expected >= LARGE_BYTES and self._express.has_room
        try:
            if past:
                await call.begin(connection.status, headers)
                await self._answer_past(call, connection)
                return
            async with asyncio.timeout(IDLE_SECONDS) as limit:
                await call.begin(connection.status, headers)
                await _stream(call, connection, limit, gone, seconds=math.inf if route.flows else TOTAL_SECONDS)
        except (UpstreamBroke, TimeoutError) as error:
            # The answer has begun: leaving it unfinished is how the client learns that it is not whole.
            log.warning("answer_cut", upstream=service.name, cause=repr(error))
        finally:
            if gone is not None:
                gone.cancel()

    def passing(self, answer: HeaderList, service: Upstream) -> HeaderList:
        """Of a service's headers, those for the client."""
        headers = [pair for pair in answer if pair[0] in ANSWER_PASSES]
        names = dict(headers)
        if b"cache-control" not in names:
            headers.append((b"cache-control", b"no-store"))
        if b"content-security-policy" not in names:
            headers.append((b"content-security-policy", MAILBOX_POLICY if service.name == "mailbox" else API_POLICY))
        if service.name == "auth":
            headers += [pair for pair in answer if pair[0] == b"set-cookie" and pair[1].startswith(self._set_cookie)]
        return headers


def _is_problem(headers: HeaderList) -> bool:
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    return kind.partition(b";")[0] == PROBLEM_JSON.encode()


async def _first_bytes(call: Call, route: Route) -> tuple[bytes, bool]:
    """The body whole, if it is small; else its beginning. Small ones occupy no service while they dribble in.

    Raises:
        RequestTimeout: it comes too slowly.
        TooLarge: it is more than the route takes.
    """
    if call.length is not None and call.length > SMALL_BYTES:
        return b"", False
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while len(body) <= SMALL_BYTES:
                piece, more = await _piece(call)
                body += piece
                if len(body) > route.body_bytes:
                    raise TooLarge
                if not more:
                    return bytes(body), True
    except TimeoutError:
        raise RequestTimeout(headers={"Connection": "close"}) from None
    return bytes(body), False


async def _piece(call: Call) -> tuple[bytes, bool]:
    """The next bytes from the client.

    Raises:
        RequestTimeout: none came for a while.
        ClientGone: none will come.
    """
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            message = await call.receive()
    except TimeoutError:
        raise RequestTimeout(headers={"Connection": "close"}) from None
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message.get("body", b""), message.get("more_body", False)


async def _departure(call: Call) -> Message:
    """Until the client is gone; what is still said of a body that was read, or never was, is no departure."""
    while True:
        message = await call.receive()
        if message["type"] == "http.disconnect":
            return message


async def _stream(
    call: Call, connection: Connection, limit: asyncio.Timeout, gone: "asyncio.Task[Message] | None", *, seconds: float
) -> None:
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    while piece := await connection.chunk():
        await call.send({"type": "http.response.body", "body": piece, "more_body": True})
        if gone is not None and gone.done():
            raise ClientGone
        limit.reschedule(min(clock() + IDLE_SECONDS, end))
    await call.send({"type": "http.response.body", "body": b""})
