"""Exchange drive: large files beside nginx, many uploads at once, memory, a large folder."""

import asyncio
import base64
import os
import random
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx2
from sqlalchemy import insert

from chassis.db import Database
from chassis.testing import free_port, fresh_database
from services.documents.drive.names import name_key, sort_key
from services.documents.drive.tree import hold
from services.documents.models import DriveEntry
from tests.bench import nginx
from tests.bench.processes import broker, memory_mib, program, running
from tests.bench.report import Line, Rounds, Section, say
from tests.exchange_stand import CUSTOMER_ID, SIGNED_IN, UPLOADS, VERSION, Stand, exchange_stand

MIB = 1024 * 1024
GIB = 1024 * MIB
ROUNDS = 5
MANY, EACH_BYTES = 50, 20_000_000
HUGE = 10 * GIB
ENTRIES = 100_000
MOST_MIB = 128
PAGE_MS = 50

HOW = f"""One process each of gateway and `documents` (`portalctl serve`), SQLite, folder store, session answers from a
small ASGI application; a file of 1 GiB, uploaded by tus in one request and downloaded through the gateway over one
connection. Bytes are hashed, and acknowledged only when they and their offset are on the disk. Anchor: one nginx worker
with the file in its folder (`sendfile`), and taking it by WebDAV `PUT` (written, not synced, not hashed). Sender and
receiver are the same plain sockets for both; {ROUNDS} rounds, alternating. Many: {MANY} uploads of 20 MB at the same
time, each declared, sent and complete; nginx takes the same by `PUT`. Memory: the highest resident size of either
process while 10 GiB go up and come down, less what it was after the start, before all of the above. Folder: the first
page of 50 of {ENTRIES:,} files, over one kept connection."""


@dataclass(frozen=True)
class Place:
    """Where a file goes, or comes from."""

    port: int
    path: str
    headers: dict[str, str]

    def head(self, method: str, length: int | None = None) -> bytes:
        lines = [f"{method} {self.path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [] if length is None else [f"Content-Length: {length}"]
        return "\r\n".join([*lines, "", ""]).encode()


def bench() -> Section:
    """Some five minutes and 25 GB of disk, for a while."""
    if program("nginx") is None:
        say("  skipped: wants nginx (Debian's nginx-light)")
        missing = [Line("1 GiB up and down", "skipped", "nginx is absent")]
        return Section("exchange", "Exchange drive", HOW, missing)
    with tempfile.TemporaryDirectory(prefix="bench-exchange-") as name, broker() as nats:
        folder = Path(name)
        url = asyncio.run(fresh_database("documents", None, folder))
        with exchange_stand(folder, url, GATEWAY_NATS_URL=nats.url, DOCUMENTS_NATS_URL=nats.url) as stand:
            rest = {name: memory_mib(stand.processes[name].pid)[0] for name in ("gateway", "documents")}
            with _nginx(folder) as port:
                lines = _large(stand, folder, port) + _many(stand, port)
            lines += _memory(stand, rest) + _folder(stand)
    return Section("exchange", "Exchange drive", HOW, lines)


@contextmanager
def _nginx(folder: Path) -> Iterator[int]:
    files, port = folder / "nginx", free_port()
    files.mkdir()
    for one in (folder, files):
        one.chmod(0o777)
    configured = nginx.files(folder, port=port, root=files)
    with running([program("nginx") or "nginx", "-c", configured, "-p", folder], log=folder / "log", port=port):
        yield port


def _large(stand: Stand, folder: Path, port: int) -> list[Line]:
    source = folder / "source.bin"
    block = random.Random(1).randbytes(MIB)
    with source.open("wb") as file:
        for number in range(GIB // MIB):
            file.write(number.to_bytes(8, "big") + block[8:])
    rates: dict[str, list[float]] = {"nginx up": [], "up": [], "nginx down": [], "down": []}
    for number in range(ROUNDS):
        there = Place(port, f"/{number}.bin", {})
        rates["nginx up"].append(GIB / MIB / _send(there, "PUT", source, GIB))
        place = _declared(stand, GIB, f"{number}.bin")
        rates["up"].append(GIB / MIB / _send(place, "PATCH", source, GIB))
        rates["nginx down"].append(GIB / MIB / _fetch(there, GIB))
        rates["down"].append(GIB / MIB / _fetch(_content(stand, f"{number}.bin"), GIB))
        words = ", ".join(f"{name} {found[-1]:,.0f}" for name, found in rates.items())
        say(f"  round {number + 1} of {ROUNDS}, MiB/s: {words}")
    found = {name: Rounds(values) for name, values in rates.items()}
    lines = []
    for way in ("up", "down"):
        share = found[way].over(found[f"nginx {way}"])
        anchor = found[f"nginx {way}"].text("MiB/s")
        lines.append(Line(f"1 GiB {way} through the gateway", found[way].text("MiB/s"), f"nginx: {anchor}"))
        lines.append(Line("... as a share of nginx", share.text("", 2), "nginx = 1", ">= 0.5", share.median >= 0.5))
    return lines


def _many(stand: Stand, port: int) -> list[Line]:
    content = stand.folder / "twenty.bin"
    content.write_bytes(os.urandom(EACH_BYTES))

    def ours(number: int) -> None:
        _send(_declared(stand, EACH_BYTES, f"many-{number}.bin"), "PATCH", content, EACH_BYTES)

    def theirs(number: int) -> None:
        _send(Place(port, f"/many-{number}.bin", {}), "PUT", content, EACH_BYTES)

    total = MANY * EACH_BYTES / MIB
    rates = {}
    for name, one in (("nginx", theirs), ("portal", ours)):
        begun = time.perf_counter()
        with ThreadPoolExecutor(MANY) as pool:
            list(pool.map(one, range(MANY)))
        rates[name] = total / (time.perf_counter() - begun)
    figure = f"{MANY} uploads of 20 MB at once, all complete"
    return [Line(figure, f"{rates['portal']:,.0f} MiB/s in all", f"nginx: {rates['nginx']:,.0f} MiB/s")]


def _memory(stand: Stand, rest: dict[str, float]) -> list[Line]:
    pids = {name: stand.processes[name].pid for name in rest}
    lines = []
    place = _declared(stand, HUGE, "huge.bin")
    for way, move in (
        ("up", lambda: _send(place, "PATCH", None, HUGE)),
        ("down", lambda: _fetch(_content(stand, "huge.bin"), HUGE)),
    ):
        highest, seconds = _watched(pids, move)
        say(f"  10 GiB {way}: {seconds:,.0f} s")
        for name in pids:
            above = highest[name] - rest[name]
            words = f"{above:,.0f} MiB above {rest[name]:,.0f}"
            goal = f"<= {MOST_MIB} MiB above"
            lines.append(Line(f"memory of {name}, 10 GiB {way}", words, "", goal, above <= MOST_MIB))
    return lines


def _watched(pids: dict[str, int], move: Callable[[], float]) -> tuple[dict[str, float], float]:
    highest, over = dict.fromkeys(pids, 0.0), threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            for name, pid in pids.items():
                highest[name] = max(highest[name], memory_mib(pid)[0])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        seconds = move()
    finally:
        over.set()
        watcher.join()
    return highest, seconds


def _folder(stand: Stand) -> list[Line]:
    folder_id = asyncio.run(_filled(stand.database_url))
    found: dict[str, list[float]] = {"/api/v1/brand": [], f"/api/v1/exchange/entries?parent={folder_id}": []}
    with httpx2.Client(base_url=stand.url, headers=SIGNED_IN) as client:
        for _ in range(60):
            for path, times in found.items():
                begun = time.perf_counter()
                answer = client.get(path)
                times.append((time.perf_counter() - begun) * 1000)
                if answer.status_code != 200:
                    raise RuntimeError(answer.text[:500])
    nothing, times = found.values()
    median = statistics.median(times)
    figure = f"first page of a folder with {ENTRIES:,} files"
    anchor = f"an answer of the gateway itself: {statistics.median(nothing):.1f} ms"
    return [Line(figure, f"{median:.1f} ms", anchor, f"< {PAGE_MS} ms", median < PAGE_MS)]


async def _filled(database_url: str) -> str:
    database, folder_id, now = Database(database_url), uuid4(), datetime(2026, 11, 1, tzinfo=UTC)
    usual = {"customer_id": CUSTOMER_ID, "side": "customer", "created_by": "Anna Beispiel", "created_at": now}
    usual |= {"files": 0, "folders": 0, "version": 1}

    def entry(name: str, number: int, **fields: object) -> dict[str, object]:
        named = {"id": uuid4(), "name": name, "name_key": name_key(name), "sort_key": sort_key(name)}
        return usual | named | {"changed_at": now + timedelta(seconds=number), "size_bytes": number} | fields

    async with database.transaction() as session:
        await hold(session, CUSTOMER_ID)
        top = entry("Viele", 0, id=folder_id, parent_id=CUSTOMER_ID, kind="folder", files=ENTRIES)
        await session.execute(insert(DriveEntry), [top])
        for start in range(0, ENTRIES, 5000):
            rows = [
                entry(f"Gespräche {number}.csv", number, parent_id=folder_id, kind="file")
                for number in range(start, start + 5000)
            ]
            await session.execute(insert(DriveEntry), rows)
    await database.close()
    return str(folder_id)


def _declared(stand: Stand, size: int, name: str) -> Place:
    encoded = base64.b64encode(name.encode()).decode()
    headers = VERSION | {"Upload-Length": str(size), "Upload-Metadata": f"filename {encoded}"}
    answer = stand.ask("POST", UPLOADS, headers=headers)
    if answer.status_code != 201:
        raise RuntimeError(answer.text)
    more = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    return Place(stand.gateway.port, answer.headers["Location"], SIGNED_IN | VERSION | more)


def _content(stand: Stand, name: str) -> Place:
    items = stand.ask("GET", "/api/v1/exchange/entries?limit=200").json()["items"]
    (found,) = [item["id"] for item in items if item["name"] == name]
    return Place(stand.gateway.port, f"/api/v1/exchange/files/{found}/content", dict(SIGNED_IN))


def _send(place: Place, method: str, source: Path | None, size: int) -> float:
    """Seconds until the answer; without a source the same mebibyte again and again."""
    with socket.create_connection(("127.0.0.1", place.port)) as there:
        begun = time.perf_counter()
        there.sendall(place.head(method, size))
        if source is not None:
            with source.open("rb") as file:
                there.sendfile(file, 0, size)
        else:
            block = random.Random(2).randbytes(MIB)
            for _ in range(size // MIB):
                there.sendall(block)
        answer = there.recv(4096)
        seconds = time.perf_counter() - begun
    if not answer.startswith((b"HTTP/1.1 204", b"HTTP/1.1 201")):
        raise RuntimeError(answer.decode(errors="replace"))
    return seconds


def _fetch(place: Place, size: int) -> float:
    buffer, arrived, head = bytearray(MIB), 0, b""
    with socket.create_connection(("127.0.0.1", place.port)) as there:
        begun = time.perf_counter()
        there.sendall(place.head("GET"))
        while count := there.recv_into(buffer):
            if b"\r\n\r\n" not in head:
                head += bytes(buffer[:count])
                count = len(head.partition(b"\r\n\r\n")[2])
            arrived += count
        seconds = time.perf_counter() - begun
    if not head.startswith(b"HTTP/1.1 200") or arrived != size:
        raise RuntimeError(f"{arrived} of {size} bytes: {head[:300]!r}")
    return seconds
