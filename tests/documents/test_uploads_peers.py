"""Other people's clients through gateway and documents, their connections cut at random bytes."""

import asyncio
import hashlib
import json
import os
import random
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from chassis.db import Database
from chassis.testing import fresh_database
from services.documents.models import Drive, DriveUpload, DriveVersion
from services.documents.storage import storage_at
from tests.documents.peers.cutting import CuttingProxy, cutting
from tests.documents.uploading import some_bytes
from tests.exchange_stand import CUSTOMER_ID, SIGNED_IN, UPLOADS, VERSION, Stand, exchange_stand

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("FAULTS") == "full"
CUTS = 1000 if FULL else 200
SIZE = (160 if FULL else 32) * 1024 * 1024
SEED = int(os.environ.get("FAULTS_SEED") or random.randrange(1, 2**31))

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800 if FULL else 240)]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    url = asyncio.run(fresh_database("documents", None, tmp_path))
    with exchange_stand(tmp_path, url) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.bin"
    path.write_bytes(some_bytes(SIZE, SEED))
    return path


def proxy_to(stand: Stand) -> CuttingProxy:
    """Cuts so often that the file just gets through: each stretch is small against its cut's share of it."""
    return CuttingProxy(stand.gateway.port, CUTS, most_bytes=2 * SIZE // CUTS, seed=SEED)


def require_whole(stand: Stand, file: Path, *, hashed: bool | None = True) -> None:
    """The drive has exactly one version, with these bytes; all room that was reserved is used.

    But for what the client began anew because the answer to its first creation was cut off: that stays reserved until
    it expires.
    """

    async def look() -> tuple[DriveVersion, Drive, int, bytes]:
        database = Database(stand.database_url)
        async with database.reading() as session:
            version = (await session.scalars(select(DriveVersion))).one()
            drive = (await session.scalars(select(Drive).where(Drive.customer_id == CUSTOMER_ID))).one()
            forgotten = (await session.scalars(select(DriveUpload).where(DriveUpload.finished_at.is_(None)))).all()
        await database.close()
        store = storage_at(f"file:{stand.folder / 'objects'}").appended
        digest = hashlib.sha256()
        async for chunk in store.open(version.object_key):
            digest.update(chunk)
        assert all(upload.offset_bytes == 0 for upload in forgotten)
        return version, drive, sum(upload.length_bytes for upload in forgotten), digest.digest()

    version, drive, reserved, digest = asyncio.run(look())
    with file.open("rb") as content:
        wanted = hashlib.file_digest(content, "sha256")
    assert digest == wanted.digest(), f"seed {SEED}\n{stand.words()}"
    assert version.size_bytes == file.stat().st_size
    assert version.sha256 in ({wanted.hexdigest()} if hashed else {wanted.hexdigest(), None})
    assert (drive.used_bytes, drive.reserved_bytes) == (version.size_bytes, reserved)


def never_goes_back(offsets: list[int]) -> bool:
    """What was acknowledged once is there for ever."""
    return all(before <= after for before, after in pairwise(offsets))


def test_tus_js_client_gets_through(stand: Stand, file: Path) -> None:
    node = shutil.which("node", path=f"{sysconfig.get_path('scripts')}:{os.environ.get('PATH', '')}")
    modules = ROOT / "web" / "node_modules"
    if node is None or not (modules / "tus-js-client").is_dir():
        pytest.skip("wants Node and web/node_modules (make setup)")
    with cutting(proxy_to(stand)) as proxy:
        endpoint = f"http://127.0.0.1:{proxy.port}{UPLOADS}"
        script = ROOT / "tests" / "documents" / "peers" / "upload.cjs"
        command = [node, script, modules, endpoint, file, SIGNED_IN["Cookie"], "0"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1500 if FULL else 200, check=False)

    assert done.returncode == 0, f"seed {SEED}\n{done.stderr[-2000:]}\n{stand.words()}"
    told = json.loads(done.stdout)
    assert proxy.cut == CUTS
    assert told["retries"] >= CUTS // 2
    assert never_goes_back(told["acknowledged"])
    require_whole(stand, file)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # tuspy closes no broken answer
@pytest.mark.parametrize("checked", [False, True])
def test_tuspy_gets_through(stand: Stand, file: Path, checked: bool) -> None:
    """With checksums, in pieces: each counts as a whole or not at all."""
    offsets: list[int] = []
    refusals: set[int | None] = set()
    with file.open("rb") as content, cutting(proxy_to(stand)) as proxy:
        client = TusClient(f"http://127.0.0.1:{proxy.port}{UPLOADS}", headers=dict(SIGNED_IN))
        location = stand.ask(
            "POST",
            UPLOADS,
            headers=VERSION | {"Upload-Length": str(SIZE), "Upload-Metadata": "filename Z2VzcHLDpGNoZS5jc3Y="},
        ).headers["Location"]
        while not offsets or offsets[-1] < SIZE:
            try:
                uploader = client.uploader(
                    file_stream=content,
                    url=f"http://127.0.0.1:{proxy.port}{urlsplit(location).path}",
                    chunk_size=SIZE // (2 * CUTS) if checked else SIZE,
                    upload_checksum=checked,
                )
                offsets.append(uploader.offset)
                while uploader.offset < SIZE:
                    uploader.upload_chunk()
                    offsets.append(uploader.offset)
            except (TusCommunicationError, TusUploadFailed) as error:
                # tuspy leaves the next try to its caller
                refusals.add(error.status_code)

    assert refusals <= {None, 409, 423}, stand.words()
    assert proxy.cut >= (CUTS if not checked else CUTS // 4)
    assert never_goes_back(offsets), f"seed {SEED}"
    require_whole(stand, file)
