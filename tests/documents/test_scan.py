"""Files are scanned by Debian's clamd with a signature of our own: the verdicts, and that nothing fails open."""

import io
import shutil
import struct
import subprocess
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from chassis.testing import wait_until
from services.documents.clamd import Clamd, ScannerDown, verdict_of
from services.documents.drive.check import Checks
from services.documents.main import checks_of
from services.documents.models import DriveVersion
from tests.architecture.conftest import ROOT
from tests.documents.conftest import Portal
from tests.documents.drive import Hand, both_sides

CLAMD = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
HARMLESS_SIGNATURE = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
needs_clamd = pytest.mark.skipif(CLAMD is None, reason="clamd is not installed")


class Daemon:
    """A clamd with the shipped configuration and one signature, that of the EICAR test file."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "clamd.ctl"
        signatures = folder / "signatures"
        signatures.mkdir()
        (signatures / "local.ndb").write_text(f"Test.EICAR:0:*:{HARMLESS_SIGNATURE.hex()}\n")
        shipped = (ROOT / "deploy/clamd/clamd.conf").read_text()
        own = {"LocalSocket ": str(self.socket), "DatabaseDirectory ": str(signatures), "StreamMaxLength ": "4M"}
        lines = [next((k + v for k, v in own.items() if line.startswith(k)), line) for line in shipped.splitlines()]
        self._config = folder / "clamd.conf"
        self._config.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert CLAMD is not None
        self._process = subprocess.Popen(
            [CLAMD, "--config-file", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self.socket.exists, seconds=60)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.socket.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def running() -> Iterator[Daemon]:
    with TemporaryDirectory(prefix="clamd-") as folder:
        daemon = Daemon(Path(folder))
        daemon.start()
        yield daemon
        daemon.kill()


@pytest.fixture
def daemon(running: Daemon) -> Daemon:
    if not running.socket.exists():
        running.start()
    return running


@pytest.fixture
def documents_settings(tmp_path: Path, daemon: Daemon) -> dict[str, Any]:
    return {"storage_url": f"file:{tmp_path / 'objects'}", "clamd_url": f"unix:{daemon.socket}"}


@pytest.fixture
async def hands(portal: Portal) -> AsyncIterator[tuple[Hand, Hand]]:
    async with both_sides(portal, await portal.customer()) as both:
        yield both


def zipped(content: bytes, *, times: int = 1) -> bytes:
    for _ in range(times):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inside.com", content)
        content = out.getvalue()
    return content


def encrypted(archive: bytes) -> bytes:
    """With the flag that says so in both headers of its one entry."""
    marked = bytearray(archive)
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        where = archive.index(signature) + at
        (flags,) = struct.unpack_from("<H", archive, where)
        struct.pack_into("<H", marked, where, flags | 1)
    return bytes(marked)


async def settled(portal: Portal, row: Any) -> DriveVersion:
    checks = checks_of(portal.app)
    while await checks.check_next():
        pass
    (version,) = await portal.rows(DriveVersion, DriveVersion.entry_id == UUID(row["id"]))
    assert isinstance(version, DriveVersion)
    return version


CASES = {
    "harmless": (b"call records\n" * 1000, "clean"),
    "plain": (HARMLESS_SIGNATURE, "infected"),
    "zipped": (zipped(HARMLESS_SIGNATURE), "infected"),
    "zipped three times": (zipped(HARMLESS_SIGNATURE, times=3), "infected"),
    "encrypted": (encrypted(zipped(HARMLESS_SIGNATURE)), "unscannable"),
    "beyond what clamd takes": (b"\0" * (5 * 1024**2), "unscannable"),
}


@needs_clamd
@pytest.mark.parametrize("name", CASES)
async def test_each_verdict_and_who_gets_the_bytes(portal: Portal, hands: tuple[Hand, Hand], name: str) -> None:
    content, state = CASES[name]
    ours, theirs = hands
    row = await ours.upload("datei.bin", content)

    early = await theirs.content(row)
    assert (row["scan"], row["held_back"]) == ("waiting", True)
    assert (early.status_code, early.json()["code"]) == (409, "file_waits_for_scan")
    assert await portal.emitted("documents.file.shared.v1") == []

    version = await settled(portal, row)
    answer = await theirs.content(row)
    shared = await portal.emitted("documents.file.shared.v1")
    quarantined = await portal.emitted("documents.file.quarantined.v1")

    assert version.scan == state, version.scan_detail
    if state == "clean":
        assert answer.content == content
        assert [one["scan"] for one in shared] == ["clean"]
    elif state == "infected":
        assert answer.json()["code"] == "file_infected"
        assert (shared, len(quarantined)) == ([], 1)
        assert "Test.EICAR" in quarantined[0]["signature"]
        assert (await ours.content(row, acknowledge="unscannable")).status_code == 409
    else:
        assert answer.json()["code"] == "file_unscannable"
        assert (await theirs.content(row, acknowledge="unscannable")).content == content
        assert [one["scan"] for one in shared] == ["unscannable"]


@needs_clamd
async def test_beyond_two_gigabytes_nothing_is_asked(portal: Portal, hands: tuple[Hand, Hand]) -> None:
    """A sparse file of 2.1 GB, whose checksum is known."""
    ours, _ = hands
    row = await ours.upload("gross.bin", b"x")
    (version,) = await portal.rows(DriveVersion)
    (stored,) = _folder(portal).rglob(f"*{version.object_key.removeprefix('drive/')}*")
    with stored.open("r+b") as file:
        file.truncate(2_100_000_000)
    async with portal.database.transaction() as session:
        await session.execute(update(DriveVersion).values(size_bytes=2_100_000_000))

    found = await settled(portal, row)

    assert (found.scan, found.scan_detail) == ("unscannable", "too large")


@needs_clamd
async def test_while_clamd_is_away_files_wait_and_nobody_gets_them(
    portal: Portal, hands: tuple[Hand, Hand], daemon: Daemon
) -> None:
    ours, theirs = hands
    row = await ours.upload("a.csv", b"call records")
    daemon.kill()

    with pytest.raises(ScannerDown):
        await checks_of(portal.app).check_next()

    assert (await theirs.content(row)).json()["code"] == "file_waits_for_scan"
    daemon.start()
    async with portal.database.transaction() as session:
        await session.execute(update(DriveVersion).values(lease_until=None))
    assert (await settled(portal, row)).scan == "clean"


@needs_clamd
async def test_killed_in_the_middle_of_a_stream_is_no_verdict(daemon: Daemon) -> None:
    async with Clamd(f"unix:{daemon.socket}", timeout_seconds=5).scan() as scan:
        await scan.feed(b"x" * 1000)
        daemon.kill()
        await scan.feed(b"y" * 1000)
        with pytest.raises(ScannerDown):
            await scan.verdict()


@pytest.mark.parametrize("reply", ["", "stream: Can't allocate memory ERROR\0", "UNKNOWN COMMAND\0"])
def test_only_an_explicit_ok_is_clean(reply: str) -> None:
    with pytest.raises(ScannerDown):
        verdict_of(reply)
    assert verdict_of("stream: OK\0").state == "clean"
    assert verdict_of("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0").state == "unscannable"


@needs_clamd
async def test_without_a_scanner_only_the_checksum_is_reckoned(portal: Portal, hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands
    row = await ours.upload("a.csv", b"call records")
    with_scanner = checks_of(portal.app)
    off = Checks(with_scanner.database, with_scanner.store, None, with_scanner.limit_bytes, share_unscannable=True)
    async with portal.database.transaction() as session:
        await session.execute(update(DriveVersion).values(sha256=None))

    assert await off.check_next()
    (version,) = await portal.rows(DriveVersion)

    assert (version.scan, version.sha256) == ("not_scanned", row["sha256"])


def _folder(portal: Portal) -> Path:
    return Path(portal.app.state.settings.storage_url.removeprefix("file:"))
