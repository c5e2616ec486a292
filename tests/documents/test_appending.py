"""One contract for both stores: objects that grow at their end. What S3 is here: see `stores`."""

import contextlib
import resource
import subprocess
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chassis.consumer import DependencyDown
from services.documents.storage import (
    Appender,
    AppendStore,
    FolderStore,
    InUse,
    ObjectMissing,
    S3Store,
    Storage,
    StoredKey,
    StoreFull,
    new_key,
    s3_appending,
    storage_at,
)
from tests.documents.stores import new_bucket, s3_server
from tests.documents.uploading import some_bytes

MIB = 1024 * 1024
CONTENT = some_bytes(12 * MIB + 345)
LENGTH = len(CONTENT)


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    monkeypatch.setattr(s3_appending, "PART_BYTES", 5 * MIB)
    if request.param == "folder":
        return storage_at(f"file:{tmp_path / 'objects'}")
    url = new_bucket(request.getfixturevalue("s3_endpoint"), tmp_path)
    return storage_at(url, access_key="a", secret_key="b")


@pytest.fixture
def store(storage: Storage) -> AppendStore:
    return storage.appended


def listed(store: AppendStore) -> AsyncGenerator[StoredKey, None]:
    return store.keys()


async def read(store: AppendStore, key: str, **span: int) -> bytes:
    return b"".join([chunk async for chunk in store.open(key, **span)])


async def give(appender: Appender, content: bytes, *, size: int = 700_000) -> None:
    await appender.append([content[start : start + size] for start in range(0, len(content), size)])


async def complete(store: AppendStore, key: str, content: bytes) -> None:
    writer = await store.writer(key, {}, offset=0, length=len(content))
    await give(writer, content)
    flushed = await writer.flush(last=True)
    await writer.close()
    assert flushed.offset == len(content)
    await store.complete(key, flushed.state, size_bytes=len(content))


async def test_what_was_appended_comes_back_whole_and_in_parts(store: AppendStore) -> None:
    key = new_key()

    await complete(store, key, CONTENT)

    assert await read(store, key) == CONTENT
    assert await read(store, key, offset=5 * MIB - 3, length=10) == CONTENT[5 * MIB - 3 : 5 * MIB + 7]
    assert await read(store, key, offset=LENGTH - 3) == CONTENT[-3:]
    assert await read(store, key, offset=7, length=0) == b""


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 10 * MIB, 10 * MIB + 1])
async def test_every_size_can_be_completed(store: AppendStore, size: int) -> None:
    key = new_key()

    await complete(store, key, CONTENT[:size])

    assert await read(store, key) == CONTENT[:size]


async def test_completing_again_is_no_error(store: AppendStore) -> None:
    """As after a death between the store's word and the row's."""
    key = new_key()
    writer = await store.writer(key, {}, offset=0, length=LENGTH)
    await give(writer, CONTENT)
    flushed = await writer.flush(last=True)
    await writer.close()

    for _ in range(2):
        await store.complete(key, flushed.state, size_bytes=LENGTH)
    again = await store.writer(key, flushed.state, offset=LENGTH, length=LENGTH)
    sealed = await again.flush(last=True)
    await again.close()
    await store.complete(key, sealed.state, size_bytes=LENGTH)

    assert await read(store, key) == CONTENT


async def test_a_small_object_can_be_sealed_again(store: AppendStore) -> None:
    key = new_key()
    writer = await store.writer(key, {}, offset=0, length=10)
    await writer.append([b"0123456789"])
    flushed = await writer.flush(last=True)
    await writer.close()

    again = await store.writer(key, flushed.state, offset=10, length=10)
    sealed = await again.flush(last=True)
    await again.close()
    await store.complete(key, sealed.state, size_bytes=10)

    assert await read(store, key) == b"0123456789"


@pytest.mark.parametrize("step", [99_999, 3 * MIB + 1, 5 * MIB])
async def test_each_flush_can_be_gone_on_from(storage: Storage, store: AppendStore, step: int) -> None:
    """A new writer knows nothing but key, state and offset: as if the process had died after the flush."""
    key, offset, state = new_key(), 0, {}
    total = min(LENGTH, 40 * step)
    while offset < total:
        writer = await storage.appended.writer(key, state, offset=offset, length=total)
        await give(writer, CONTENT[offset : min(total, offset + step)])
        flushed = await writer.flush(last=offset + step >= total)
        await writer.append([b"never flushed"] if flushed.offset < total else [])
        await writer.close()
        offset, state = flushed.offset, flushed.state
    await store.complete(key, state, size_bytes=total)

    assert await read(store, key) == CONTENT[:total]


async def test_several_flushes_of_one_writer_go_on_from_the_last_that_was_kept(store: AppendStore) -> None:
    key = new_key()
    writer = await store.writer(key, {}, offset=0, length=LENGTH)
    kept = []
    for start in range(0, 8 * MIB, MIB):
        await give(writer, CONTENT[start : start + MIB])
        kept.append(await writer.flush())
    await writer.close()

    offset, state = kept[-2].offset, kept[-2].state
    assert offset == 7 * MIB
    after = await store.writer(key, state, offset=offset, length=LENGTH)
    await give(after, CONTENT[offset:])
    flushed = await after.flush(last=True)
    await after.close()
    await store.complete(key, flushed.state, size_bytes=LENGTH)

    assert await read(store, key) == CONTENT


async def test_bytes_of_a_writer_that_was_followed_never_count(storage: Storage, store: AppendStore) -> None:
    """The first one sleeps with its bytes unflushed, then goes on as if nothing had happened."""
    key = new_key()
    sleeper = await store.writer(key, {}, offset=0, length=LENGTH)
    await give(sleeper, CONTENT[: 6 * MIB])
    flushed = await sleeper.flush()
    if isinstance(storage, FolderStore):
        with pytest.raises(InUse):
            await store.writer(key, flushed.state, offset=flushed.offset, length=LENGTH, broke_off=True)
        await sleeper.append([b"x" * MIB])
        await sleeper.close()
        follower = await store.writer(key, flushed.state, offset=flushed.offset, length=LENGTH, broke_off=True)
    else:
        follower = await store.writer(key, flushed.state, offset=flushed.offset, length=LENGTH, broke_off=True)
    await give(follower, CONTENT[6 * MIB :])
    if isinstance(storage, S3Store):
        # after the follower has sent its part: the same number would put other bytes under it
        await give(sleeper, b"x" * (6 * MIB))
        await sleeper.flush()
    await_last = await follower.flush(last=True)
    await follower.close()
    await store.complete(key, await_last.state, size_bytes=LENGTH)

    assert await read(store, key) == CONTENT


async def test_a_row_and_a_store_that_do_not_agree_are_an_outage(store: AppendStore) -> None:
    key = new_key()
    writer = await store.writer(key, {}, offset=0, length=LENGTH)
    await give(writer, CONTENT[:1000])
    flushed = await writer.flush()
    await writer.close()

    with pytest.raises((DependencyDown, OSError)):
        await store.writer(key, flushed.state, offset=2000, length=LENGTH)


async def test_what_is_removed_leaves_nothing(storage: Storage, store: AppendStore) -> None:
    unfinished, finished, other = new_key(), new_key(), new_key()
    writer = await store.writer(unfinished, {}, offset=0, length=LENGTH)
    await give(writer, CONTENT[: 6 * MIB])
    state = (await writer.flush()).state
    await writer.close()
    await complete(store, finished, CONTENT[:100])
    await complete(store, other, CONTENT[:200])
    now = datetime.now(UTC)
    before = {found.key: found.stored_at async for found in listed(store)}
    assert set(before) == {unfinished, finished, other}
    assert all(abs(now - stored_at) < timedelta(minutes=5) for stored_at in before.values())

    for _ in range(2):
        await store.remove(unfinished, {})
        await store.remove(finished, state)

    assert {found.key async for found in listed(store)} == {other}
    with pytest.raises(ObjectMissing):
        await read(store, finished)
    assert await read(store, other) == CONTENT[:200]
    assert [one async for one in storage.objects()] == []


async def test_a_key_never_leads_out_of_the_store(store: AppendStore) -> None:
    for key in ("drive/../../etc/passwd", "sha256/aa/bb/cc", "drive/", "/etc/passwd", new_key() + "/x"):
        with pytest.raises(ValueError, match="no key"):
            await store.writer(key, {}, offset=0, length=1)
        with pytest.raises(ValueError, match="no key"):
            await read(store, key)
        with pytest.raises(ValueError, match="no key"):
            await store.remove(key, {})


async def test_reading_can_stop_anywhere(store: AppendStore) -> None:
    key = new_key()
    await complete(store, key, CONTENT)

    for _ in range(20):
        reader = store.open(key)
        await anext(reader)
        await reader.aclose()

    assert await read(store, key) == CONTENT
    assert not [path for path in open_files() if key.removeprefix("drive/") in path]


def open_files() -> list[str]:
    found = []
    for number in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):
            found.append(str(number.readlink()))
    return found


@pytest.fixture(params=["limit", "disk"])
def small_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder where nothing can grow beyond 2 MiB: by a limit of this process, or because its disk is that small."""
    if request.param == "limit":
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, before[1]))
        try:
            yield tmp_path
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small disk here")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


async def test_a_full_disk_keeps_what_was_flushed_and_goes_on_when_there_is_room(small_folder: Path) -> None:
    store, key = FolderStore(small_folder).appended, new_key()
    blocking = small_folder / "other"
    blocking.write_bytes(bytes(MIB))
    writer = await store.writer(key, {}, offset=0, length=2 * MIB)
    await writer.append([CONTENT[: MIB // 2]])
    flushed = await writer.flush()

    with pytest.raises(StoreFull):
        await writer.append([CONTENT[MIB // 2 : MIB], CONTENT[MIB : 3 * MIB]])
    await writer.close()

    blocking.unlink()
    again = await store.writer(key, flushed.state, offset=flushed.offset, length=2 * MIB)
    await again.append([CONTENT[MIB // 2 : 3 * MIB // 2]])
    ended = await again.flush(last=True)
    await again.close()
    assert ended.offset == 3 * MIB // 2
    assert await read(store, key) == CONTENT[: 3 * MIB // 2]


async def test_s3_that_is_away_is_an_outage(s3_endpoint: str) -> None:
    nowhere = S3Store("no-such-bucket", endpoint=s3_endpoint, region="x", keys=("a", "b")).appended
    writer = await nowhere.writer(new_key(), {}, offset=0, length=10)
    await writer.append([b"x"])

    with pytest.raises(DependencyDown):
        await writer.flush()
