"""The usual read, without a task: its caller is known, a connection to its service stands, the answer comes whole.

Whatever else happens on the way is left to the long way, which takes over where this one stops.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from chassis.logging import log
from gateway.call import Call
from gateway.connection import Connection
from gateway.proxy import Proxy
from gateway.routing import Route
from gateway.upstream import Upstream
from gateway.wire import Cycle

LongWay = Callable[[Call, Route, Connection], Coroutine[Any, Any, None]]


class Passage:
    """From the moment the request is sent until its answer is, or is somebody else's."""

    __slots__ = ("_answered", "_call", "_connection", "_cycle", "_long_way", "_proxy", "_route", "_service")

    def __init__(
        self, proxy: Proxy, call: Call, route: Route, cycle: Cycle, long_way: LongWay, answered: Callable[[Call], None]
    ) -> None:
        self._proxy = proxy
        self._call = call
        self._route = route
        self._cycle = cycle
        self._long_way = long_way
        self._answered = answered

    def begin(self, service: Upstream, connection: Connection, head: bytes) -> None:
        """Send it."""
        self._service = service
        self._connection = connection
        connection.begin(head, bodiless=False)
        connection.head_due = asyncio.get_running_loop().time() + self._route.seconds
        connection.on_news = self._look

    def _look(self) -> None:
        connection, call = self._connection, self._call
        if connection.waits:
            return
        connection.on_news = None
        if not connection.complete or connection.status >= 400 or not self._cycle.takes:
            self._cycle.go_on(self._long_way(call, self._route, connection))
            return
        try:
            self._answer(call, connection)
        except Exception as error:
            log.error("request_failed", exc_info=error, request_id=call.request_id)
            self._cycle.transport.close()

    def _answer(self, call: Call, connection: Connection) -> None:
        headers = self._proxy.passing(connection.headers, self._service)
        headers.append((b"x-request-id", call.request_id.encode("ascii")))
        call.status, body = connection.status, connection.taken()
        self._service.release(connection)
        self._cycle.answer(call.status, headers, body)
        self._answered(call)
