"""One contract for both stores: a folder, and S3.

S3 is moto's server: a real HTTP server that speaks the protocol but checks no signatures, so wrong keys are not seen.
"""

import hashlib
import io
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from minio import Minio
from moto.server import ThreadedMotoServer

from chassis.consumer import DependencyDown
from chassis.testing import free_port
from services.documents import storage as stores
from services.documents.storage import (
    ChecksumMismatch,
    FolderStore,
    ObjectMissing,
    S3Store,
    Storage,
    folder,
    storage_at,
)

CONTENT = bytes(range(256)) * 3000
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return storage_at(f"file:{tmp_path / 'objects'}")
    endpoint = request.getfixturevalue("s3_endpoint")
    bucket = f"b{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:20]}"
    client = Minio(endpoint=endpoint.removeprefix("http://"), access_key="a", secret_key="b", secure=False, region="x")
    client.make_bucket(bucket_name=bucket)
    client._http.clear()
    return storage_at(f"s3://{bucket}?endpoint={endpoint}&region=x", access_key="a", secret_key="b")


@pytest.fixture(params=["folder", "s3"])
def unreachable(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        (tmp_path / "file").write_text("no folder")
        return FolderStore(tmp_path / "file")
    return S3Store("bucket", endpoint=f"http://127.0.0.1:{free_port()}", region="x", keys=("a", "b"))


async def pieces(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(storage: Storage, sha256: str, **span: int) -> bytes:
    return b"".join([chunk async for chunk in storage.open(sha256, **span)])


async def test_a_bucket_or_folder_is_made_once(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    endpoint = request.getfixturevalue("s3_endpoint")
    urls = (
        f"file:{tmp_path / 'new' / 'objects'}",
        f"s3://fresh{tmp_path.name[-8:].lower()}?endpoint={endpoint}&region=x",
    )
    for url in (urls[0], urls[1].replace("_", "-")):
        store = storage_at(url, access_key="a", secret_key="b")

        assert [await store.prepare(), await store.prepare()] == [True, False]
        assert await store.put(SHA, CONTENT) == len(CONTENT)


async def test_what_is_stored_comes_back_whole_and_in_parts(storage: Storage) -> None:
    assert await storage.put(SHA, CONTENT) == len(CONTENT)

    assert await read(storage, SHA) == CONTENT
    assert await read(storage, SHA, offset=5, length=10) == CONTENT[5:15]
    assert await read(storage, SHA, offset=len(CONTENT) - 3) == CONTENT[-3:]
    assert await read(storage, SHA, offset=1, length=len(CONTENT) - 2) == CONTENT[1:-1]
    assert await read(storage, SHA, offset=5, length=0) == b""


async def test_storing_pieces_is_the_same(storage: Storage) -> None:
    assert await storage.put(SHA, pieces(CONTENT)) == len(CONTENT)

    assert await read(storage, SHA) == CONTENT


async def test_storing_again_changes_nothing(storage: Storage) -> None:
    await storage.put(SHA, CONTENT)
    before = await storage.about(SHA)

    assert await storage.put(SHA, CONTENT) == len(CONTENT)
    assert await storage.put(SHA, pieces(CONTENT)) == len(CONTENT)

    assert await storage.about(SHA) == before
    assert [one async for one in storage.objects()] == [before]


async def test_an_empty_object_is_one_too(storage: Storage) -> None:
    nothing = hashlib.sha256(b"").hexdigest()

    assert await storage.put(nothing, b"") == 0
    assert await read(storage, nothing) == b""


@pytest.mark.parametrize("content", [CONTENT[:-1], b""])
async def test_other_bytes_under_the_name_are_refused(storage: Storage, content: bytes) -> None:
    for given in (content, pieces(content)):
        with pytest.raises(ChecksumMismatch):
            await storage.put(SHA, given)

    assert await storage.about(SHA) is None
    with pytest.raises(ObjectMissing):
        await read(storage, SHA)


async def test_a_source_that_breaks_off_leaves_nothing(storage: Storage) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield CONTENT[:1000]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await storage.put(SHA, broken())

    assert [one async for one in storage.objects()] == []


async def test_what_is_not_there_is_missing(storage: Storage) -> None:
    assert await storage.about(SHA) is None
    with pytest.raises(ObjectMissing):
        await read(storage, SHA)


async def test_all_objects_are_listed_with_size_and_age(storage: Storage) -> None:
    contents = [bytes([number]) * (number + 1) for number in range(30)]
    for content in contents:
        await storage.put(hashlib.sha256(content).hexdigest(), content)

    found = [one async for one in storage.objects()]

    assert {(one.sha256, one.size_bytes) for one in found} == {
        (hashlib.sha256(content).hexdigest(), len(content)) for content in contents
    }
    assert all(abs(datetime.now(UTC) - one.stored_at) < timedelta(minutes=5) for one in found)


async def test_only_what_is_old_is_deleted(storage: Storage) -> None:
    await storage.put(SHA, CONTENT)

    await storage.delete(SHA, stored_before=datetime.now(UTC) - timedelta(hours=1))
    assert await read(storage, SHA) == CONTENT
    await storage.delete(SHA, stored_before=datetime.now(UTC) + timedelta(hours=1))
    await storage.delete(SHA, stored_before=datetime.now(UTC) + timedelta(hours=1))

    assert await storage.about(SHA) is None


async def test_reading_can_stop_anywhere_and_storing_goes_on(storage: Storage) -> None:
    """A connection or file that is not given back would be missed after some twenty readers."""
    await storage.put(SHA, CONTENT)

    for _ in range(stores.CONNECTIONS + 4):
        reader = storage.open(SHA)
        await anext(reader)
        await reader.aclose()

    assert await read(storage, SHA) == CONTENT


async def test_an_outage_is_told_as_one(unreachable: Storage) -> None:
    with pytest.raises(DependencyDown):
        await unreachable.put(SHA, CONTENT)
    with pytest.raises(DependencyDown):
        await unreachable.about(SHA)


async def test_objects_of_another_bucket_can_be_fetched_from_s3_only(storage: Storage) -> None:
    with pytest.raises((ObjectMissing, DependencyDown)):
        _ = [chunk async for chunk in storage.fetch("elsewhere", "x")]
    if isinstance(storage, S3Store):
        storage._client.make_bucket(bucket_name="elsewhere")
        storage._client.put_object(bucket_name="elsewhere", object_name="x", data=io.BytesIO(CONTENT), length=10)

        assert len(b"".join([chunk async for chunk in storage.fetch("elsewhere", "x")])) == 10


def test_another_kind_of_store_stops_the_start() -> None:
    with pytest.raises(ValueError, match="file: or s3:"):
        storage_at("ftp://x")


async def test_in_the_folder_nothing_is_left_of_what_was_refused_or_cut_off(tmp_path: Path) -> None:
    storage = FolderStore(tmp_path)
    with pytest.raises(ChecksumMismatch):
        await storage.put(SHA, b"other")
    await storage.put(SHA, CONTENT)
    folder = (tmp_path / stores.name_of(SHA)).parent
    (folder / ".cut-off.part").write_bytes(b"half")

    await storage.clean(stored_before=datetime.now(UTC) - timedelta(hours=1))
    assert len(list(folder.iterdir())) == 2
    await storage.clean(stored_before=datetime.now(UTC) + timedelta(hours=1))

    assert [path.name for path in folder.iterdir()] == [SHA]
    assert [one.sha256 async for one in storage.objects()] == [SHA]


async def test_in_the_folder_storing_again_makes_an_old_object_young(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = FolderStore(tmp_path)
    await storage.put(SHA, CONTENT)
    first = await storage.about(SHA)
    monkeypatch.setattr(folder, "FRESH", timedelta(0))

    await storage.put(SHA, CONTENT)

    again = await storage.about(SHA)
    assert first
    assert again
    assert again.stored_at > first.stored_at
    await storage.delete(SHA, stored_before=again.stored_at)
    assert await read(storage, SHA) == CONTENT
