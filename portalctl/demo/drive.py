"""The exchange drive of the first customer: folders and files of both sides, and a month's call records of 200 MB."""

import base64
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from portalctl.demo.pdf import A4, Page, Text, write_pdf
from portalctl.demo.visitor import Visitor

CALLS_A_DAY = 92_000
_KINDS = ("Ortsnetz", "Inland", "Mobilfunk", "Ausland")
_HEAD = "Beginn;Anschluss;Ziel;Dauer in s;Art;Netto in EUR\n"


@dataclass(frozen=True, slots=True)
class DemoFile:
    """A small file."""

    folder: str
    name: str
    media_type: str
    content: bytes


def call_records(first: date, days: int) -> Iterator[bytes]:
    """CSV with semicolons, a piece for each day, always the same for the same days; numbers that nobody has."""
    dice = random.Random(1872)  # noqa: S311  # demo data
    calls = []
    for call in range(CALLS_A_DAY):
        second = call * 86_400 // CALLS_A_DAY
        time = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        own, other, length = dice.randrange(100, 200), dice.randrange(200, 1000), dice.randrange(1, 1800)
        kind = dice.choice(_KINDS)
        calls.append(f"T{time};+493023125{own};+493023125{other};{length};{kind};{length * 0.0007:.4f}\n")
    yield _HEAD.encode()
    for day in range(days):
        at = (first + timedelta(days=day)).isoformat()
        yield "".join([at + call for call in calls]).encode()


def _letter(title: str, lines: tuple[str, ...]) -> bytes:
    top = A4[1] - 100
    texts = [Text(60, top, title, size=16, bold=True)]
    texts += [Text(60, top - 40 - 18 * number, line) for number, line in enumerate(lines)]
    return write_pdf(title, date(2026, 10, 5), [Page(list(texts))])


def of_customer() -> tuple[DemoFile, ...]:
    """What the customer's administrator brings."""
    order = _letter("Bestellung 2026-114", ("zwei weitere Höheneinheiten im Rack 07, RZ Berlin", "ab 1. Dezember"))
    question = "Bitte die Gespräche vom 14. Oktober prüfen: 3 Stunden Ausland um Mitternacht kennen wir nicht.\n"
    return (
        DemoFile("Bestellungen", "Bestellung-2026-114.pdf", "application/pdf", order),
        DemoFile("Einzelverbindungsnachweise", "Rückfrage Oktober.txt", "text/plain", question.encode()),
    )


def of_operator() -> tuple[DemoFile, ...]:
    """What the operator's staff brings."""
    plan = _letter(
        "Ablaufplan Umbau RZ Berlin", ("Beginn 22:00 Uhr, Ende 04:00 Uhr", "beide Zuführungen bleiben versorgt")
    )
    return (DemoFile("Umbau RZ Berlin", "Ablaufplan.pdf", "application/pdf", plan),)


async def bring(visitor: Visitor, files: tuple[DemoFile, ...]) -> None:
    """Folders and files, where they are not there yet."""
    for file in files:
        folder = await _folder(visitor, file.folder)
        if file.name not in await _names(visitor, folder):
            await _upload(visitor, folder, (file.name, file.media_type), len(file.content), _once(file.content))


async def bring_call_records(visitor: Visitor, today: date) -> None:
    """Those of the month before."""
    last = today.replace(day=1) - timedelta(days=1)
    first, name = last.replace(day=1), f"EVN-{last:%Y-%m}.csv"
    folder = await _folder(visitor, "Einzelverbindungsnachweise")
    if name not in await _names(visitor, folder):
        size = sum(len(piece) for piece in call_records(first, last.day))
        await _upload(visitor, folder, (name, "text/csv"), size, _one_by_one(call_records(first, last.day)))


async def _folder(visitor: Visitor, name: str) -> str:
    await visitor.call("POST", "/exchange/folders", {"parent": None, "name": name}, ok=(409,))
    return (await _names(visitor, None))[name]


async def _names(visitor: Visitor, folder: str | None) -> dict[str, str]:
    within = f"?parent={folder}&limit=200" if folder else "?limit=200"
    listed = await visitor.call("GET", f"/exchange/entries{within}")
    return {entry["name"]: entry["id"] for entry in listed["items"]}


async def _upload(
    visitor: Visitor, folder: str, named: tuple[str, str], size: int, content: AsyncIterator[bytes]
) -> None:
    said = {"filename": named[0], "filetype": named[1], "parent": folder}
    told = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(size),
        "Upload-Metadata": told,
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(size),
    }
    await visitor.send("/exchange/uploads", headers, content)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _one_by_one(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
