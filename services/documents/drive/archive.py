"""A folder as one ZIP, written while it is sent: memory stays flat however large the files are.

Every entry is deflated with its sizes behind it (APPNOTE 6.3.10, 4.4.4 bit 3), which also programs can read that never
see the end first; ZIP64 where it is needed. Beside the folder lies a table of what is in it and what was left out.
"""

import asyncio
import csv
import io
import tempfile
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.spreadsheet import cell
from services.documents.drive.listing import KINDS, After, in_folder
from services.documents.drive.names import name_in_archive
from services.documents.drive.policy import Policy
from services.documents.models import DriveEntry, DriveVersion
from services.documents.storage import AppendStore

AT_ONCE = 500
FASTEST = 1
SPOOLED_BYTES = 1024**2
HEADS = {
    "de": ("Datei", "Bytes", "SHA-256", "Seite", "Von", "Am", "Prüfung", "Im Archiv"),
    "en": ("File", "Bytes", "SHA-256", "Side", "By", "At", "Scan", "In the archive"),
}
YES = {"de": ("nein", "ja"), "en": ("no", "yes")}
SIDES = {"de": {"customer": "Kunde", "operator": "Betreiber"}, "en": {"customer": "Customer", "operator": "Operator"}}
SCANS = {
    "de": {
        "not_scanned": "nicht geprüft",
        "waiting": "Prüfung steht aus",
        "clean": "geprüft",
        "infected": "Schadsoftware gefunden",
        "unscannable": "nicht prüfbar",
    },
    "en": {
        "not_scanned": "not scanned",
        "waiting": "waits for the scan",
        "clean": "clean",
        "infected": "infected",
        "unscannable": "cannot be scanned",
    },
}

Reading = Callable[[], AbstractAsyncContextManager[AsyncSession]]
Sent = Callable[[DriveEntry, DriveVersion], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Found:
    """A file or folder below, and where it lies in the archive."""

    path: str
    entry: DriveEntry
    version: DriveVersion | None


class _Sink(io.RawIOBase):
    """Takes what the archive writes, until it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._waiting += piece
        return len(piece)

    def taken(self) -> bytes:
        out = bytes(self._waiting)
        self._waiting.clear()
        return out


@dataclass
class Archive:
    """One folder's ZIP.

    Attributes:
        sent: Told of each file when its first bytes go out.
    """

    reading: Reading
    store: AppendStore
    policy: Policy
    language: str
    sent: Sent
    _out: _Sink = field(default_factory=_Sink)

    async def of(self, folder: DriveEntry) -> AsyncGenerator[bytes, None]:
        """The bytes; broken off where the store fails, which leaves no readable archive."""
        top = name_in_archive(folder.name, folder.id.hex[:8])
        with tempfile.SpooledTemporaryFile(max_size=SPOOLED_BYTES) as spool:
            table = _Table(spool, self.language)
            writer = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED, compresslevel=FASTEST)
            async for found in self._below(folder, f"{top}/"):
                async for chunk in self._add(writer, found, table):
                    yield chunk
            spool.seek(0)
            with writer.open(_info(f"{top}.index.csv", folder.changed_at, 0), "w") as target:
                while rows := spool.read(SPOOLED_BYTES):
                    target.write(rows)
                    yield self._out.taken()
            writer.close()
            yield self._out.taken()

    async def _add(self, writer: zipfile.ZipFile, found: Found, table: "_Table") -> AsyncIterator[bytes]:
        version = found.version
        if version is None:
            writer.writestr(_info(found.path, found.entry.created_at, 0), b"")
            yield self._out.taken()
            return
        held_back = self.policy.holds_back(version)
        table.add(found, version, self.policy, inside=not held_back)
        if held_back:
            return
        await self.sent(found.entry, version)
        info = _info(found.path, version.created_at, version.size_bytes)
        with writer.open(info, "w") as target:
            async for chunk in self.store.open(version.object_key):
                await asyncio.to_thread(target.write, chunk)
                if out := self._out.taken():
                    yield out

    async def _below(self, folder: DriveEntry, prefix: str) -> AsyncIterator[Found]:
        """Folder by folder; no transaction is open while bytes are sent."""
        folders: list[tuple[UUID, str]] = [(folder.id, prefix)]
        while folders:
            folder_id, prefix = folders.pop()
            for kind in KINDS:
                async for entry, version in self._in(folder_id, kind):
                    path = prefix + name_in_archive(entry.name, entry.id.hex[:8]) + ("/" if entry.is_folder else "")
                    if entry.is_folder:
                        folders.append((entry.id, path))
                    yield Found(path, entry, version)

    async def _in(self, folder_id: UUID, kind: str) -> AsyncIterator[tuple[DriveEntry, DriveVersion | None]]:
        after: After | None = None
        while True:
            async with self.reading() as session:
                page = in_folder(folder_id, kind, "name", after=after, limit=AT_ONCE)
                entries = (await session.scalars(page)).all()
                ids = [entry.current_version_id for entry in entries]
                newest = (await session.scalars(select(DriveVersion).where(DriveVersion.id.in_(ids)))).all()
            versions = {version.id: version for version in newest}
            for entry in entries:
                version = versions.get(entry.current_version_id) if entry.current_version_id else None
                if entry.is_folder or version is not None:
                    yield entry, version
            if len(entries) < AT_ONCE:
                return
            after = After(kind, entries[-1].sort_key, entries[-1].id)


class _Table:
    """One line for each file, kept on disk beyond a megabyte."""

    def __init__(self, spool: IO[bytes], language: str) -> None:
        self._spool = spool
        self._language = language
        spool.write("\ufeff".encode())
        self._write(HEADS[language])

    def add(self, found: Found, version: DriveVersion, policy: Policy, *, inside: bool) -> None:
        language = self._language
        side, scan = SIDES[language][version.side], SCANS[language][policy.shown(version)]
        at = version.created_at.isoformat(timespec="seconds")
        cells = (found.path, version.size_bytes, version.sha256, side, version.created_by, at, scan)
        self._write((*map(cell, cells), YES[language][inside]))

    def _write(self, cells: tuple[str, ...]) -> None:
        line = io.StringIO()
        csv.writer(line, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
        self._spool.write(line.getvalue().encode())


def _info(path: str, at: datetime, size_bytes: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, date_time=max(at.timetuple()[:6], (1980, 1, 1, 0, 0, 0)))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.file_size = size_bytes
    info.external_attr = (0o40755 << 16 | 0x10) if path.endswith("/") else 0o100644 << 16
    return info
