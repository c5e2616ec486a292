"""Bytes of the exchange drive: parts, who opened what, and a folder as ZIP that leaves out what is held back."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from services.documents.models import DriveVersion
from tests.documents.conftest import Portal
from tests.documents.drive import Hand, both_sides


@pytest.fixture
async def hands(portal: Portal) -> AsyncIterator[tuple[Hand, Hand]]:
    async with both_sides(portal, await portal.customer()) as both:
        yield both


async def test_whole_in_parts_and_not_again(hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands
    row = await ours.upload("gespräche.csv", b"0123456789")

    whole = await ours.content(row)
    part = await ours.content(row, headers={"Range": "bytes=2-4"})
    resumed = await ours.content(row, headers={"Range": "bytes=7-", "If-Range": whole.headers["etag"]})
    again = await ours.content(row, headers={"If-None-Match": whole.headers["etag"]})
    beyond = await ours.content(row, headers={"Range": "bytes=10-"})
    head = await ours.content(row, method="HEAD")

    assert (whole.status_code, whole.content) == (200, b"0123456789")
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    assert resumed.content == b"789"
    assert (again.status_code, beyond.status_code) == (304, 416)
    assert (head.content, head.headers["content-length"]) == (b"", "10")
    assert whole.headers["content-disposition"].startswith("attachment;")
    assert whole.headers["content-security-policy"] == "sandbox"
    assert whole.headers["x-content-type-options"] == "nosniff"


async def test_only_the_other_side_opens_a_file_and_once(portal: Portal, hands: tuple[Hand, Hand]) -> None:
    ours, theirs = hands
    row = await ours.upload("a.csv", b"0123456789")
    await ours.content(row)
    await theirs.content(row, method="HEAD")
    assert (await ours.named("a.csv"))["read_by_other_side_at"] is None

    await theirs.content(row, headers={"Range": "bytes=5-"})
    first = await ours.named("a.csv")
    await theirs.content(row)

    assert first["read_by"] == "Ole Betreiber"
    assert (await ours.named("a.csv"))["read_by_other_side_at"] == first["read_by_other_side_at"]
    (told,) = await portal.emitted("documents.file.opened.v1")
    assert (told["side"], told["opened_by"], told["file_id"]) == ("customer", "Ole Betreiber", row["id"])


async def test_a_folder_as_zip(portal: Portal, hands: tuple[Hand, Hand]) -> None:
    ours, theirs = hands
    folder = await ours.folder("Gesprächsdaten")
    inner = await ours.folder('Bericht: "Q3"', folder["id"])
    await ours.folder("leer", folder["id"])
    await ours.upload("=1+1.csv", b"x" * 300_000, folder["id"])
    await ours.upload("b.csv", b"inside", inner["id"])
    bad = await ours.upload("bad.bin", b"held back", folder["id"])
    async with portal.database.transaction() as session:
        held = update(DriveVersion).where(DriveVersion.sha256 == bad["sha256"])
        await session.execute(held.values(scan="infected"))

    answer = await theirs.client.get(f"/exchange/folders/{folder['id']}/archive")

    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    safe = f"Bericht_ _Q3_ ({inner['id'][:8]})"
    assert sorted(archive.namelist()) == sorted(
        [
            "Gesprächsdaten/=1+1.csv",
            "Gesprächsdaten/leer/",
            f"Gesprächsdaten/{safe}/",
            f"Gesprächsdaten/{safe}/b.csv",
            "Gesprächsdaten.index.csv",
        ]
    )
    assert archive.read("Gesprächsdaten/=1+1.csv") == b"x" * 300_000
    table = list(csv.reader(io.StringIO(archive.read("Gesprächsdaten.index.csv").decode("utf-8-sig")), delimiter=";"))
    assert {(row[0], row[-1]) for row in table[1:]} == {
        ("Gesprächsdaten/=1+1.csv", "ja"),
        ("Gesprächsdaten/bad.bin", "nein"),
        (f"Gesprächsdaten/{safe}/b.csv", "ja"),
    }
    assert {row["name"]: bool(row["read_by"]) for row in (await ours.get("entries", parent=folder["id"]))["items"]}[
        "=1+1.csv"
    ]
