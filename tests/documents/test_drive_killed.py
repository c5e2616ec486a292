"""The drive's jobs, killed at every statement and every touch of the store: begun again, each ends the same way."""

import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import event, update

from chassis.db import utc_now
from services.documents.drive.check import Checks
from services.documents.drive.sweep import empty_trash, remove_doomed
from services.documents.models import DoomedObject, DriveEntry, DriveUpload, DriveVersion
from services.documents.storage import AppendStore
from services.documents.uploads.ending import expire, finish_left_behind
from services.documents.uploads.lease import Owner, commit, take
from services.documents.uploads.writing import Means
from tests.documents.conftest import Portal
from tests.documents.drive import CUSTOMER, both_sides, check_sums
from tests.documents.uploading import Tus

SHARED = "documents.file.shared.v1"


class Killed(BaseException):
    """From here on nothing more was done."""


class Death:
    """Strikes at the n-th thing that a job does, and lets nothing more happen after that."""

    def __init__(self, at: int) -> None:
        self._left = at

    @property
    def struck(self) -> bool:
        return self._left <= 0

    def step(self, *_: Any) -> None:
        self._left -= 1
        if self.struck:
            raise Killed


class Mortal:
    """A store that dies before and after each of its deeds."""

    def __init__(self, store: AppendStore, death: Death) -> None:
        self._store = store
        self._death = death

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def remove(self, *arguments: Any) -> None:
        self._death.step()
        await self._store.remove(*arguments)
        self._death.step()

    async def complete(self, *arguments: Any, **named: Any) -> None:
        self._death.step()
        await self._store.complete(*arguments, **named)
        self._death.step()


@contextmanager
def dying(portal: Portal, at: int) -> Iterator[tuple[Death, AppendStore]]:
    """Before each statement and before each commit; what was not committed is gone."""
    engine, death = portal.database.engine.sync_engine, Death(at)
    moments = ("before_cursor_execute", "commit")
    for moment in moments:
        event.listen(engine, moment, death.step)
    try:
        yield death, Mortal(portal.storage.appended, death)  # type: ignore[misc]
    except Killed:
        pass
    finally:
        for moment in moments:
            event.remove(engine, moment, death.step)


async def killed_everywhere(
    portal: Portal,
    begin: Callable[[UUID], Awaitable[None]],
    job: Callable[[AppendStore], Awaitable[object]],
    ended: Callable[[UUID], Awaitable[None]],
) -> int:
    """At how many places it was killed. Each time on a drive of its own, then begun again and looked at."""
    for place in range(1, 500):
        customer_id = await portal.customer(f"KD-{place + 20_000}")
        await begin(customer_id)
        with dying(portal, place) as (death, store):
            await job(store)
        await check_sums(portal, customer_id)
        if death.struck:
            # What the dead one held is free once its lease has run out.
            async with portal.database.transaction() as session:
                for table in (DriveVersion, DriveUpload):
                    await session.execute(update(table).values(lease_until=utc_now() - timedelta(seconds=1)))
            await job(portal.storage.appended)
        await ended(customer_id)
        await check_sums(portal, customer_id)
        if not death.struck:
            return place - 1
    raise AssertionError("it never came to its end")


async def test_emptying_the_trash(portal: Portal) -> None:
    then = utc_now()

    async def begin(customer_id: UUID) -> None:
        async with both_sides(portal, customer_id) as (ours, _):
            folder = await ours.folder("alt")
            await ours.upload("a.csv", b"x" * 100, folder["id"])
            await ours.upload("a.csv", b"y" * 50, folder["id"])
            await ours.upload("bleibt.csv", b"z")
            await ours.remove(folder)
        async with portal.database.transaction() as session:
            thrown = update(DriveEntry).where(DriveEntry.trash_id.is_not(None))
            await session.execute(thrown.values(trashed_at=then - timedelta(seconds=1)))

    async def job(store: AppendStore) -> None:
        await empty_trash(portal.database, thrown_before=then)
        await remove_doomed(portal.database, store)

    async def ended(customer_id: UUID) -> None:
        async with both_sides(portal, customer_id) as (ours, _):
            assert await ours.names() == ["bleibt.csv"]
            assert (await ours.get("trash"))["items"] == []
            assert (await ours.usage())["used"] == 1
        assert await portal.count(DoomedObject) == 0
        of_drive = {version.object_key for version in await portal.rows(DriveVersion)}
        assert await _bytes_of(portal) == of_drive

    assert await killed_everywhere(portal, begin, job, ended) >= 20


async def test_checking_new_files(portal: Portal) -> None:
    async def begin(customer_id: UUID) -> None:
        async with both_sides(portal, customer_id) as (ours, _):
            row = await ours.upload("neu.csv", b"call records")
        async with portal.database.transaction() as session:
            waiting = update(DriveVersion).where(DriveVersion.entry_id == UUID(row["id"]))
            await session.execute(waiting.values(sha256=None, checked_at=None, scan="waiting"))

    async def job(store: AppendStore) -> None:
        await _check(portal, store)

    async def ended(customer_id: UUID) -> None:
        async with both_sides(portal, customer_id) as (ours, _):
            row = await ours.named("neu.csv")
        assert (row["scan"], len(row["sha256"])) == ("not_scanned", 64)
        told = [one for one in await portal.emitted(SHARED) if one["customer_id"] == str(customer_id)]
        assert len(told) == 2, "once as it came, once as it was checked"

    assert await killed_everywhere(portal, begin, job, ended) > 8


async def test_giving_up_what_has_expired(portal: Portal) -> None:
    async def begin(customer_id: UUID) -> None:
        async with portal.as_user(customer_id, **CUSTOMER) as client:
            tus = Tus(client)
            path = await tus.begun(1000, name="lang.csv")
            await tus.send(path, 0, b"x" * 400)
        await _change_upload(portal, path, expires_at=utc_now() - timedelta(seconds=1))

    async def job(store: AppendStore) -> None:
        await expire(portal.database.transaction)
        await remove_doomed(portal.database, store)

    async def ended(customer_id: UUID) -> None:
        assert await _usage(portal, customer_id) == (0, 0)
        assert await portal.count(DoomedObject) == 0
        assert await _bytes_of(portal) == set()

    assert await killed_everywhere(portal, begin, job, ended) > 10


async def test_finishing_what_was_left_behind(portal: Portal) -> None:
    async def begin(customer_id: UUID) -> None:
        """All bytes are acknowledged, and the process died before it could make a file of them."""
        async with portal.as_user(customer_id, **CUSTOMER) as client:
            path = await Tus(client).begun(1000, name="lang.csv")
        means, upload_id = _means(portal, portal.storage.appended), UUID(path.rpartition("/")[2])
        (upload,) = await portal.rows(DriveUpload, DriveUpload.id == upload_id)
        held = await take(means.transactions, Owner(customer_id, upload.owner), upload_id, 0)
        assert held
        appender = await means.store.writer(held.key, held.state, offset=0, length=1000)
        await appender.append([b"x" * 1000])
        flushed = await appender.flush(last=True)
        await appender.close()
        await commit(means.transactions, held, flushed.offset, flushed.state, let_go=True)

    async def job(store: AppendStore) -> None:
        await finish_left_behind(_means(portal, store), scanning=False)
        await _check(portal, store)

    async def ended(customer_id: UUID) -> None:
        async with both_sides(portal, customer_id) as (ours, _):
            row = await ours.named("lang.csv")
            content = await ours.content(row)
        assert (content.content, row["sha256"]) == (b"x" * 1000, hashlib.sha256(b"x" * 1000).hexdigest())
        assert await _usage(portal, customer_id) == (1000, 0)
        assert len([one for one in await portal.emitted(SHARED) if one["customer_id"] == str(customer_id)]) == 1

    assert await killed_everywhere(portal, begin, job, ended) > 10


async def _check(portal: Portal, store: AppendStore) -> None:
    checks = Checks(portal.database, store, None, limit_bytes=1000, share_unscannable=False)
    while await checks.check_next():
        pass


def _means(portal: Portal, store: AppendStore) -> Means:
    return Means(portal.database.transaction, portal.database.reading, store, portal.app.state.upload_hashes)


async def _change_upload(portal: Portal, path: str, **values: Any) -> None:
    async with portal.database.transaction() as session:
        mine = update(DriveUpload).where(DriveUpload.id == UUID(path.rpartition("/")[2]))
        await session.execute(mine.values(values))


async def _usage(portal: Portal, customer_id: UUID) -> tuple[int, int]:
    async with both_sides(portal, customer_id) as (ours, _):
        usage = await ours.usage()
    return usage["used"], usage["reserved"]


async def _bytes_of(portal: Portal) -> set[str]:
    store: AppendStore = portal.storage.appended
    return {one.key async for one in store.keys()}  # noqa: SIM118  # no mapping
