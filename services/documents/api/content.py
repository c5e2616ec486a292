"""How bytes are handed out: whole, in parts, or not at all because the reader has them already (RFC 9110)."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from chassis.consumer import DependencyDown
from chassis.errors import RangeNotSatisfiable, Unavailable
from chassis.logging import log
from services.documents.ranges import NotSatisfiable, Span, disposition, http_date, not_modified, spans
from services.documents.storage import ObjectMissing

BOUNDARY = "part-3d6b6a416f9b5c1e"


class ContentBroken(Exception):
    """The stored bytes are not those that were filed; the answer is cut off."""


@dataclass(frozen=True, slots=True)
class Content:
    """What can be handed out.

    Attributes:
        whole: All bytes.
        part: The bytes of one span.
    """

    id: str
    name: str
    media_type: str
    size: int
    etag: str
    changed_at: datetime
    whole: Callable[[], AsyncGenerator[bytes, None]]
    part: Callable[[Span], AsyncGenerator[bytes, None]]


class Handing:
    """One request for a content, and what becomes of it.

    Raises (when made):
        RangeNotSatisfiable: no such bytes.
    """

    def __init__(self, request: Request, content: Content, *, download: bool) -> None:
        self._content = content
        self._headers = {
            "ETag": content.etag,
            "Last-Modified": http_date(content.changed_at),
            "Accept-Ranges": "bytes",
            "Cache-Control": "private, no-cache",
            "Content-Disposition": disposition(content.name, content.media_type, download=download),
            "Content-Security-Policy": "sandbox",
            "X-Content-Type-Options": "nosniff",
        }
        self.kind: Literal["bytes", "head", "known"] = "head" if request.method == "HEAD" else "bytes"
        self._spans: list[Span] = []
        if not_modified(request.headers.get("if-none-match"), content.etag):
            self.kind = "known" if self.kind == "bytes" else self.kind
            self._known = True
        else:
            self._known = False
            self._spans = self._wanted(request)

    @property
    def begins(self) -> bool:
        """The first byte of the file is among those that go out."""
        return self.kind == "bytes" and (not self._spans or self._spans[0].first == 0)

    async def answer(self) -> Response:
        """Begun: the first bytes were read, so what is broken from the start is no answer at all.

        Raises:
            Unavailable: the store has none of them now.
        """
        if self._known:
            return Response(status_code=304, headers=self._headers)
        status, media_type, more = self._kind_of_answer()
        if self.kind == "head":
            return Response(None, status, headers=self._headers | more, media_type=media_type)
        body = self._parts() if self._spans else self._content.whole()
        try:
            first = await anext(body, b"")
        except (DependencyDown, ObjectMissing, ContentBroken) as error:
            log.error("content_not_readable", content=self._content.id, error=repr(error)[:300])
            raise Unavailable from error
        return StreamingResponse(_joined(first, body), status, headers=self._headers | more, media_type=media_type)

    def _wanted(self, request: Request) -> list[Span]:
        asked, condition = request.headers.get("range"), request.headers.get("if-range")
        content = self._content
        try:
            return spans(asked, condition, etag=content.etag, changed_at=content.changed_at, size=content.size)
        except NotSatisfiable:
            raise RangeNotSatisfiable(headers={"Content-Range": f"bytes */{content.size}"}) from None

    def _kind_of_answer(self) -> tuple[int, str, dict[str, str]]:
        """Status, media type, and the headers that only this kind of answer has."""
        content = self._content
        if not self._spans:
            return 200, content.media_type, {"Content-Length": str(content.size)}
        if len(self._spans) == 1:
            (span,) = self._spans
            headers = {"Content-Length": str(span.length), "Content-Range": span.header(content.size)}
            return 206, content.media_type, headers
        return 206, f"multipart/byteranges; boundary={BOUNDARY}-{content.id}", {}

    async def _parts(self) -> AsyncGenerator[bytes, None]:
        """One span bare; several as multipart/byteranges (RFC 9110, 14.6)."""
        content, several = self._content, len(self._spans) > 1
        for span in self._spans:
            if several:
                head = f"--{BOUNDARY}-{content.id}\r\nContent-Type: {content.media_type}\r\n"
                yield f"{head}Content-Range: {span.header(content.size)}\r\n\r\n".encode()
            async for chunk in content.part(span):
                yield chunk
            if several:
                yield b"\r\n"
        if several:
            yield f"--{BOUNDARY}-{content.id}--\r\n".encode()


async def _joined(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    try:
        yield first
        async for chunk in rest:
            yield chunk
    finally:
        await rest.aclose()
