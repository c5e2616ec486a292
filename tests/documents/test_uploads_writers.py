"""One writer per upload, whoever sleeps, dies or comes back on another connection."""

import asyncio
import contextlib
import hashlib
import resource
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from chassis.db import utc_now
from chassis.testing import eventually
from services.documents.filing.sweep import live_on, sweep_appended
from services.documents.models import DriveUpload, DriveVersion
from services.documents.storage import AppendStore, StoredKey, new_key
from services.documents.uploads import writing
from services.documents.uploads.hashes import Hashes
from services.documents.uploads.lease import HOST, PROCESS, LeaseLost, Owner, commit, let_go, take
from tests.documents.conftest import Portal
from tests.documents.stores import new_bucket, s3_server
from tests.documents.uploading import VERSION, Tus, checksum, code_of, some_bytes, stored

CONTENT = some_bytes(2_000_000, seed=2)
HALF = 1_000_000
ANNA = uuid4()


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture(params=["folder", "s3"])
def documents_settings(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    if request.param == "folder":
        return {"storage_url": f"file:{tmp_path / 'objects'}"}
    url = new_bucket(request.getfixturevalue("s3_endpoint"), tmp_path)
    return {"storage_url": url, "storage_access_key": "a", "storage_secret_key": "b"}


@pytest.fixture
def owner() -> Owner:
    return Owner(uuid4(), str(ANNA))


@pytest.fixture
async def tus(portal: Portal, owner: Owner) -> AsyncIterator[Tus]:
    async with portal.as_user(owner.customer_id, sub=owner.sub) as client:
        yield Tus(client)


class Slow:
    """A body that stops in the middle until it is told to go on."""

    def __init__(self, first: bytes, rest: bytes) -> None:
        self.parts = (first, rest)
        self.goes_on = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.parts[0]
        await self.goes_on.wait()
        yield self.parts[1]


async def lease_of(portal: Portal) -> tuple[str | None, int, int]:
    (upload,) = await portal.rows(DriveUpload)
    return upload.lease_holder, upload.fence, upload.offset_bytes


async def is_whole(portal: Portal, *, hashed: bool = True) -> bool:
    (version,) = await portal.rows(DriveVersion)
    assert (version.sha256 == hashlib.sha256(CONTENT).hexdigest()) is hashed
    return await stored(portal.storage, version.object_key) == CONTENT


async def test_of_two_at_the_same_time_one_writes(portal: Portal, tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "WAIT_SECONDS", 0.3)
    path, slow = await tus.begun(len(CONTENT)), Slow(CONTENT[:HALF], CONTENT[HALF:])
    first = asyncio.create_task(tus.send(path, 0, slow))

    async def is_writing() -> bool:
        return (await lease_of(portal))[0] == PROCESS

    await eventually(is_writing)
    second = await tus.send(path, 0, b"\0" * len(CONTENT))
    slow.goes_on.set()

    assert code_of(second) == (423, "upload_busy")
    assert second.headers["Retry-After"] == "1"
    assert (await first).status_code == 204
    assert await is_whole(portal)


async def test_of_twenty_at_the_same_time_one_writes(portal: Portal, tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "WAIT_SECONDS", 2)
    path = await tus.begun(len(CONTENT))

    answers = await asyncio.gather(*(tus.send(path, 0, CONTENT) for _ in range(20)))

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 409, 423}
    assert await is_whole(portal)


async def test_a_silent_writer_is_overtaken_by_the_one_who_comes_back(
    portal: Portal, tus: Tus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SILENCE_SECONDS", 0.1)
    path, silent = await tus.begun(len(CONTENT)), Slow(CONTENT[:HALF], b"\0" * HALF)
    first = asyncio.create_task(tus.send(path, 0, silent))

    async def has_half() -> bool:
        return await tus.offset(path) == HALF

    await eventually(has_half)
    assert (await tus.send(path, HALF, CONTENT[HALF:])).status_code == 204
    silent.goes_on.set()

    assert (await first).status_code in (409, 423)
    assert await is_whole(portal)


async def test_a_silent_writer_goes_on_where_nobody_came(
    portal: Portal, tus: Tus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SILENCE_SECONDS", 0.1)
    path, silent = await tus.begun(len(CONTENT)), Slow(CONTENT[:HALF], CONTENT[HALF:])
    first = asyncio.create_task(tus.send(path, 0, silent))

    async def let_go_of() -> bool:
        holder, _fence, offset = await lease_of(portal)
        return holder is None and offset == HALF

    await eventually(let_go_of)
    silent.goes_on.set()

    assert (await first).status_code == 204
    assert await is_whole(portal)


async def test_a_body_that_breaks_leaves_what_came(portal: Portal, tus: Tus) -> None:
    path = await tus.begun(len(CONTENT))

    async def broken() -> AsyncIterator[bytes]:
        yield CONTENT[:HALF]
        raise ConnectionResetError

    for headers, kept in ((checksum(CONTENT), 0), ({}, HALF)):
        with contextlib.suppress(ConnectionResetError):
            await tus.send(path, 0, broken(), **headers)
        assert await tus.offset(path) == kept

    assert (await tus.send(path, HALF, CONTENT[HALF:])).status_code == 204
    assert await is_whole(portal)


@pytest.mark.parametrize("holder", [f"{HOST}/4194305/0a1b2c3d", "another-host/1/0a1b2c3d"])
async def test_whoever_died_is_followed_at_once_here_and_after_the_lease_elsewhere(
    portal: Portal, tus: Tus, holder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "WAIT_SECONDS", 0.3)
    path = await tus.begun(len(CONTENT))
    await tus.send(path, 0, CONTENT[:HALF])
    now = utc_now()
    async with portal.database.transaction() as session:
        held = {"lease_holder": holder, "lease_until": now + timedelta(seconds=10), "fence": 7}
        await session.execute(update(DriveUpload).values(**held))

    answer = await tus.send(path, HALF, CONTENT[HALF:])
    if not holder.startswith(HOST):
        assert code_of(answer) == (423, "upload_busy")
        async with portal.database.transaction() as session:
            await session.execute(update(DriveUpload).values(lease_until=now - timedelta(seconds=1)))
        answer = await tus.send(path, HALF, CONTENT[HALF:])

    assert answer.status_code == 204
    assert await is_whole(portal)
    assert (await lease_of(portal))[1] == 8


async def test_a_sleeper_commits_nothing_after_its_lease(portal: Portal, tus: Tus, owner: Owner) -> None:
    path = await tus.begun(len(CONTENT))
    upload_id, transactions = UUID(path.rpartition("/")[2]), portal.database.transaction
    sleeper = await take(transactions, owner, upload_id, 0)
    assert sleeper
    appender = await portal.storage.appended.writer(sleeper.key, sleeper.state, offset=0, length=len(CONTENT))
    await appender.append([b"\0" * HALF])
    async with transactions() as session:
        await session.execute(update(DriveUpload).values(lease_until=utc_now() - timedelta(seconds=1)))
    waiting = asyncio.create_task(tus.send(path, 0, CONTENT[:HALF]))
    if portal.app.state.settings.storage_url.startswith("file:"):
        await asyncio.sleep(0)
        await appender.close()

    assert (await waiting).status_code == 204
    with pytest.raises(LeaseLost):
        await commit(transactions, sleeper, HALF, {})
    await let_go(transactions, sleeper)
    assert (await tus.send(path, HALF, CONTENT[HALF:])).status_code == 204
    assert await is_whole(portal)


@pytest.mark.parametrize("follower", ["writer", "end"])
async def test_the_number_alone_fences_where_the_offset_is_the_same(
    portal: Portal, tus: Tus, owner: Owner, follower: str
) -> None:
    path = await tus.begun(len(CONTENT))
    upload_id, transactions = UUID(path.rpartition("/")[2]), portal.database.transaction
    sleeper = await take(transactions, owner, upload_id, 0)
    assert sleeper
    if follower == "writer":
        async with transactions() as session:
            await session.execute(update(DriveUpload).values(lease_until=utc_now() - timedelta(seconds=1)))
        assert await take(transactions, owner, upload_id, 0)
    else:
        assert (await tus.client.delete(path, headers=VERSION)).status_code == 204

    with pytest.raises(LeaseLost):
        await commit(transactions, sleeper, HALF, {})


async def test_another_process_goes_on_without_the_hash(portal: Portal, tus: Tus) -> None:
    """The check of the drive reads the file then."""
    path = await tus.begun(len(CONTENT))
    await tus.send(path, 0, CONTENT[:HALF])
    portal.app.state.upload_hashes = Hashes()
    await tus.send(path, HALF, CONTENT[HALF:])

    (version,) = await portal.rows(DriveVersion)
    assert version.sha256 is None
    assert version.checked_at is None
    assert await stored(portal.storage, version.object_key) == CONTENT


async def test_giving_up_stops_whoever_writes(portal: Portal, tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "SILENCE_SECONDS", 0.1)
    path, slow = await tus.begun(len(CONTENT)), Slow(CONTENT[:HALF], CONTENT[HALF:])
    writing_still = asyncio.create_task(tus.send(path, 0, slow))

    async def has_begun() -> bool:
        return (await lease_of(portal))[1] >= 1

    await eventually(has_begun)
    assert (await tus.client.delete(path, headers=VERSION)).status_code == 204
    slow.goes_on.set()

    assert (await writing_still).status_code in (410, 423)
    assert await portal.count(DriveVersion) == 0


@pytest.fixture
def little_room(documents_settings: dict[str, Any]) -> Iterator[Callable[[], None]]:
    """No file of this process can grow beyond 1.9 MB until the function is called."""
    if not documents_settings["storage_url"].startswith("file:"):
        pytest.skip("a bucket has no end")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_900_000, before[1]))
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_is_507_and_goes_on_when_there_is_room(
    portal: Portal, tus: Tus, little_room: Callable[[], None]
) -> None:
    path = await tus.begun(len(CONTENT))
    assert (await tus.send(path, 0, CONTENT[:HALF])).status_code == 204

    full = await tus.send(path, HALF, CONTENT[HALF:])
    kept = await tus.offset(path)
    again = await tus.send(path, kept, CONTENT[kept:])
    little_room()

    assert code_of(full) == code_of(again) == (507, "storage_full")
    assert HALF <= kept < 1_900_000
    assert await tus.offset(path) == kept
    assert (await tus.send(path, kept, CONTENT[kept:])).status_code == 204
    (version,) = await portal.rows(DriveVersion)
    assert await stored(portal.storage, version.object_key) == CONTENT


async def test_the_sweep_takes_bytes_that_no_row_knows_and_no_others(portal: Portal, tus: Tus) -> None:
    store, unknown = portal.storage.appended, new_key()
    await live_on(portal.database, utc_now() - timedelta(minutes=1))
    await tus.upload(b"complete", name="complete")
    unfinished = await tus.begun(len(CONTENT))
    await tus.send(unfinished, 0, CONTENT[:HALF])
    orphan = await store.writer(unknown, {}, offset=0, length=5)
    await orphan.append([b"12345"])
    await orphan.flush(last=True)
    await orphan.close()
    soon = utc_now() + timedelta(hours=1)

    assert await sweep_appended(portal.database, store, stored_before=utc_now() - timedelta(hours=1)) == 0
    assert await sweep_appended(portal.database, store, stored_before=soon) == 1
    assert await sweep_appended(portal.database, store, stored_before=soon) == 0

    assert unknown not in {found.key async for found in listed(store)}
    assert (await tus.send(unfinished, HALF, CONTENT[HALF:])).status_code == 204
    assert {len(await stored(portal.storage, version.object_key)) for version in await portal.rows(DriveVersion)} == {
        8,
        len(CONTENT),
    }


def listed(store: AppendStore) -> AsyncGenerator[StoredKey, None]:
    return store.keys()
