"""A large upload while gateway, documents and database are killed: it ends whole, nothing acknowledged is lost."""

import asyncio
import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from chassis.db import Database
from chassis.testing import fresh_database
from services.documents.models import DoomedObject, Drive, DriveUpload, DriveVersion
from services.documents.storage import storage_at
from tests.exchange_stand import SIGNED_IN, UPLOADS, VERSION, Stand, exchange_stand
from tests.faults.figures import say
from tests.faults.processes import Postgres, own_postgres

MIB = 1024 * 1024
FULL = os.environ.get("FAULTS") == "full"
SIZE, KILLS = (1024 * MIB, 20) if FULL else (96 * MIB, 3)
SEED = int(os.environ.get("FAULTS_SEED") or random.randrange(1, 2**31))
PIECE = 256 * 1024

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800 if FULL else 240)]


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with own_postgres() as server:
        yield server


@dataclass
class Client:
    """Goes on where the server says, however often it breaks; kills somebody whenever a mark is passed."""

    url: str
    file: Path
    marks: list[int]
    kill: Callable[[int], None]
    acknowledged: list[int] = field(default_factory=list)
    killed: int = 0
    statuses: set[int] = field(default_factory=set)

    def upload(self) -> None:
        location = self._begun()
        with self.file.open("rb") as content, httpx2.Client(headers=SIGNED_IN | VERSION, timeout=30) as http:
            while not self.acknowledged or self.acknowledged[-1] < SIZE:
                try:
                    self._go_on(http, location, content)
                except httpx2.TransportError:
                    time.sleep(0.05)

    def _begun(self) -> str:
        headers = SIGNED_IN | VERSION | {"Upload-Length": str(SIZE), "Upload-Metadata": "filename Z3Jvc3MuYmlu"}
        answer = httpx2.post(f"{self.url}{UPLOADS}", headers=headers, timeout=30)
        assert answer.status_code == 201, answer.text
        return self.url + answer.headers["Location"]

    def _go_on(self, http: httpx2.Client, location: str, content: object) -> None:
        asked = http.head(location)
        self.statuses.add(asked.status_code)
        if asked.status_code != 200:
            assert asked.status_code in (500, 502, 503, 504), asked.status_code
            time.sleep(0.1)
            return
        offset = int(asked.headers["Upload-Offset"])
        self.acknowledged.append(offset)
        if offset == SIZE:
            return
        headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        headers["Content-Length"] = str(SIZE - offset)
        answer = http.patch(location, content=self._pieces(content, offset), headers=headers)
        self.statuses.add(answer.status_code)
        if answer.status_code == 204:
            self.acknowledged.append(int(answer.headers["Upload-Offset"]))
        else:
            assert answer.status_code in (409, 423, 500, 502, 503, 504), answer.text
            time.sleep(0.1)

    def _pieces(self, content: object, offset: int) -> Iterator[bytes]:
        content.seek(offset)  # type: ignore[attr-defined]
        while piece := content.read(PIECE):  # type: ignore[attr-defined]
            offset += len(piece)
            yield piece
            if self.killed < len(self.marks) and offset >= self.marks[self.killed]:
                self.kill(self.killed)
                self.killed += 1


def written_file(folder: Path) -> tuple[Path, str]:
    chance, digest, path = random.Random(SEED), hashlib.sha256(), folder / "big.bin"
    with path.open("wb") as file:
        for _ in range(SIZE // MIB):
            block = chance.randbytes(MIB)
            digest.update(block)
            file.write(block)
    return path, digest.hexdigest()


async def findings(stand: Stand, sha256: str) -> list[str]:
    """What is not as it must be, read from the stores themselves."""
    database, wrong = Database(stand.database_url), []
    async with database.reading() as session:
        versions = (await session.scalars(select(DriveVersion))).all()
        uploads = (await session.scalars(select(DriveUpload))).all()
        (drive,) = (await session.scalars(select(Drive))).all()
        doomed = (await session.scalars(select(DoomedObject))).all()
    await database.close()
    store = storage_at(f"file:{stand.folder / 'objects'}").appended
    listed = store.keys()
    keys = [found.key async for found in listed]
    if len(versions) != 1 or [version.object_key for version in versions] != keys:
        return [f"{len(versions)} versions, {len(keys)} objects"]
    digest = hashlib.sha256()
    async for chunk in store.open(keys[0]):
        digest.update(chunk)
    if digest.hexdigest() != sha256:
        wrong.append("other bytes")
    if versions[0].sha256 not in (None, sha256):
        wrong.append("another hash")
    if (drive.used_bytes, drive.reserved_bytes) != (SIZE, 0):
        wrong.append(f"{drive.used_bytes} used, {drive.reserved_bytes} reserved")
    if [upload.version_id for upload in uploads] != [versions[0].id] or doomed:
        wrong.append("uploads are left over")
    return wrong


def test_a_large_upload_survives_every_kill(postgres: Postgres, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    url = asyncio.run(fresh_database("documents", postgres.url, tmp_path))
    file, sha256 = written_file(tmp_path)
    with exchange_stand(tmp_path, url) as stand:

        def kill(number: int) -> None:
            target = ("documents", "gateway", "database")[number % 3]
            if target == "database":
                asyncio.run(postgres.kill())
                return
            stand.processes[target].kill()
            stand.processes[target].start(wait=False)

        step = SIZE // (KILLS + 1)
        marks = [step * (number + 1) + chance.randrange(-step // 4, step // 4) for number in range(KILLS)]
        client = Client(stand.url, file, marks, kill)
        begun = time.monotonic()
        client.upload()
        took = time.monotonic() - begun

        say(f"seed {SEED}: {SIZE // MIB} MiB in {took:.0f} s under {client.killed} kills; answers {client.statuses}")
        assert client.killed == KILLS
        assert client.acknowledged == sorted(client.acknowledged), f"seed {SEED}: {client.acknowledged}"
        deadline = time.monotonic() + 30
        while (wrong := asyncio.run(findings(stand, sha256))) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert wrong == [], f"seed {SEED}\n{stand.words()}"
