"""Asks clamd about a stream of bytes (INSTREAM, clamd(8)). What is not explicitly OK is not clean."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

_CANNOT = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted")


class ScannerDown(Exception):
    """It does not answer, or broke off: nothing is known about the bytes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the scan has found; ``detail`` names the signature or the reason."""

    state: Literal["clean", "infected", "unscannable"]
    detail: str | None = None


def verdict_of(reply: str) -> Verdict:
    """Read clamd's answer; only an explicit OK is clean.

    Raises:
        ScannerDown: it says neither.
    """
    text = reply.removeprefix("stream: ").strip("\0\n ")
    if text == "OK":
        return Verdict("clean")
    if text.endswith(" FOUND"):
        signature = text.removesuffix(" FOUND")[:200]
        return Verdict("unscannable" if signature.startswith(_CANNOT) else "infected", signature)
    if "size limit exceeded" in text:
        return Verdict("unscannable", "too large")
    raise ScannerDown(text[:200] or "no answer")


class Clamd:
    """One daemon at ``tcp://HOST:PORT`` or ``unix:/PATH``."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self._url = urlsplit(url)
        self._timeout = timeout_seconds

    @contextlib.asynccontextmanager
    async def scan(self) -> AsyncIterator["Scan"]:
        """One stream.

        Raises:
            ScannerDown: nobody is there.
        """
        try:
            async with asyncio.timeout(min(self._timeout, 10)):
                if self._url.scheme == "unix":
                    reader, writer = await asyncio.open_unix_connection(self._url.path)
                else:
                    reader, writer = await asyncio.open_connection(self._url.hostname, self._url.port)
        except (OSError, TimeoutError) as error:
            raise ScannerDown(repr(error)) from error
        scan = Scan(reader, writer, self._timeout)
        try:
            yield scan
        finally:
            scan.close()


class Scan:
    """A stream that is being looked at."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timeout: float) -> None:
        self._writer = writer
        self._timeout = timeout
        # read from the start: clamd may answer and hang up while it is still told more
        self._reply = asyncio.create_task(reader.read(4096))
        writer.write(b"zINSTREAM\0")

    async def feed(self, chunk: bytes) -> None:
        """The next bytes; after clamd has answered they are thrown away, its answer says why.

        Raises:
            ScannerDown: it takes no more.
        """
        if chunk and not self._reply.done():
            await self._send(struct.pack(">I", len(chunk)) + chunk)

    async def verdict(self) -> Verdict:
        """After the last bytes.

        Raises:
            ScannerDown: no answer.
        """
        if not self._reply.done():
            await self._send(struct.pack(">I", 0))
        try:
            async with asyncio.timeout(self._timeout):
                reply = await self._reply
        except (OSError, TimeoutError) as error:
            raise ScannerDown(repr(error)) from error
        return verdict_of(reply.decode("utf-8", "replace"))

    def close(self) -> None:
        """Whatever became of it."""
        self._reply.cancel()
        self._writer.close()

    async def _send(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                self._writer.write(data)
                await self._writer.drain()
        except TimeoutError as error:
            raise ScannerDown("takes no more bytes") from error
        except OSError:
            await asyncio.wait((self._reply,), timeout=self._timeout)
