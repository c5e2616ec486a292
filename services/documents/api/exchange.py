"""Folders and files of the exchange drive: look, make, rename, move, throw away, take back."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import module
from chassis.db import ReadSession, Session, Transactions, utc_now
from chassis.errors import Invalid, NoCustomerChosen, PreconditionFailed, PreconditionRequired, problems
from chassis.idempotency import OncePerKey
from chassis.identity import Identity
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from chassis.versions import IfMatch, check_version, show_version
from services.documents.api.documents import note_look
from services.documents.api.exchange_bodies import (
    EntriesOut,
    EntryOut,
    EntryUpdate,
    EntryWithPath,
    FolderCreate,
    PathPart,
    Totals,
    UsageOut,
)
from services.documents.audit import audit_line
from services.documents.drive.arrival import shown_parent, side_of
from services.documents.drive.changes import (
    FolderIntoItself,
    create_folder,
    find_trashed,
    purge,
    relocate,
    restore,
    target_of,
    throw_away,
)
from services.documents.drive.listing import KINDS, After, Order, in_folder, in_trash, value_of, value_type
from services.documents.drive.policy import Policy
from services.documents.drive.quota import usage_of
from services.documents.drive.tree import NameTaken, find_entry, find_folder, hold, path_of
from services.documents.models import DriveEntry, DriveVersion, EntryNotFound
from services.documents.settings import Settings

router = APIRouter(prefix="/exchange", tags=["exchange"])

Person = Annotated[Identity, Depends(module("exchange"))]
ParentQuery = Annotated[UUID | None, Query(description="a folder; without it the top of the drive")]
_MISSING = problems(EntryNotFound, NoCustomerChosen)
_CHANGING = _MISSING | problems(NameTaken, FolderIntoItself, NoCustomerChosen, PreconditionFailed, PreconditionRequired)


def settings_of(request: Request) -> Settings:
    """Of this service."""
    found: Settings = request.app.state.settings
    return found


def policy_of(request: Request) -> Policy:
    """What holds for files that were not found clean."""
    settings = settings_of(request)
    return Policy(settings.scanning, settings.drive_unscannable)


async def described(session: AsyncSession, entries: Sequence[DriveEntry], policy: Policy) -> list[EntryOut]:
    """With their newest versions, in one query however many there are."""
    ids = [entry.current_version_id for entry in entries if entry.current_version_id is not None]
    newest = select(DriveVersion).where(DriveVersion.id.in_(ids))
    found = {version.entry_id: version for version in (await session.scalars(newest)).all()} if ids else {}
    return [EntryOut.of(entry, found.get(entry.id), policy) for entry in entries]


async def with_path(session: AsyncSession, entry: DriveEntry, policy: Policy) -> EntryWithPath:
    """One entry, and where it lies."""
    (row,) = await described(session, [entry], policy)
    return EntryWithPath(**dict(row), path=await _path(session, shown_parent(entry)))


@router.get("/entries", responses=_MISSING)
async def list_entries(  # noqa: PLR0913, PLR0917  # what a list needs
    person: Person,
    request: Request,
    session: ReadSession,
    transactions: Transactions,
    parent: ParentQuery = None,
    sort: Order = "name",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> EntriesOut:
    """Folders first, then files, each in the order that is asked for; `-` puts the largest first."""
    customer_id = person.customer_id
    at_top = parent is None or parent == customer_id
    folder = await session.get(DriveEntry, customer_id) if at_top else await find_folder(session, customer_id, parent)
    await note_look(transactions, person, "exchange_listed", None if at_top else f"exchange_entry/{parent}")
    if folder is None:
        return EntriesOut(items=[], next_cursor=None, totals=Totals(folders=0, files=0, bytes=0), path=[])
    found = await _page(session, folder.id, sort, _after(cursor, sort), limit + 1)
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return EntriesOut(
        items=await described(session, shown, policy_of(request)),
        next_cursor=cursor_of(sort, last.kind, _told(value_of(last, sort)), last.id) if last else None,
        totals=Totals(folders=folder.folders, files=folder.files, bytes=folder.size_bytes),
        path=[] if at_top else await _path(session, folder.id),
    )


@router.get("/trash", responses=problems(NoCustomerChosen))
async def list_trash(  # what a list needs
    person: Person,
    request: Request,
    session: ReadSession,
    transactions: Transactions,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[EntryOut]:
    """What was thrown away, newest first; what went with a folder is in it."""
    after = None
    if cursor:
        at, last_id = key_of(cursor, value_type("changed_at"), UUID)
        after = (at, last_id)
    await note_look(transactions, person, "exchange_trash_listed")
    found = (await session.scalars(in_trash(person.customer_id, after=after, limit=limit + 1))).all()
    shown = found[:limit]
    more = cursor_of(_told(shown[-1].trashed_at), shown[-1].id) if len(found) > limit else None
    return Page(items=await described(session, shown, policy_of(request)), next_cursor=more)


@router.get("/usage", responses=problems(NoCustomerChosen))
async def get_usage(person: Person, request: Request, session: ReadSession) -> UsageOut:
    """Room on the drive in bytes, and what holds for it."""
    settings = settings_of(request)
    usage = await usage_of(session, person.customer_id, quota_bytes=settings.drive_quota_bytes)
    return UsageOut.of(usage, settings)


@router.get("/entries/{entry_id}", responses=_MISSING)
async def get_entry(  # the answer bears a header
    entry_id: UUID,
    person: Person,
    request: Request,
    session: ReadSession,
    transactions: Transactions,
    response: Response,
) -> EntryWithPath:
    """One file or folder, with the folders above it; also one that was thrown away."""
    entry = await _anywhere(session, person.customer_id, entry_id)
    await note_look(transactions, person, "exchange_entry_read", f"exchange_entry/{entry_id}")
    show_version(response, entry.version)
    return await with_path(session, entry, policy_of(request))


@router.post(
    "/folders",
    status_code=201,
    response_model=EntryWithPath,
    responses=_MISSING | problems(NameTaken, NoCustomerChosen),
)
async def add_folder(
    body: FolderCreate, person: Person, request: Request, session: Session, once: OncePerKey
) -> Response:
    """An empty folder."""
    customer_id = person.customer_id
    if earlier := await once.earlier(session):
        return earlier
    now = utc_now()
    await hold(session, customer_id)
    parent = await find_folder(session, customer_id, body.parent)
    who = (person.name, person.user_id)
    folder = await create_folder(session, parent, body.name, side=side_of(person), by=who, now=now)
    emit(session, audit_line("exchange_folder_created", person, f"exchange_entry/{folder.id}", now))
    answer = await with_path(session, folder, policy_of(request))
    response = await once.keep(session, answer, 201)
    show_version(response, folder.version)
    return response


@router.patch("/entries/{entry_id}", responses=_CHANGING)
async def change_entry(  # noqa: PLR0913, PLR0917  # the answer bears a header
    entry_id: UUID,
    body: EntryUpdate,
    person: Person,
    request: Request,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> EntryWithPath:
    """Rename, move, or both."""
    customer_id, now = person.customer_id, utc_now()
    await hold(session, customer_id)
    entry = await find_entry(session, customer_id, entry_id)
    check_version(if_match, entry.version)
    moved = "parent" in body.model_fields_set
    target = await target_of(session, customer_id, entry, body.parent, moved=moved)
    name = body.name if "name" in body.model_fields_set else entry.name
    if (target.id, name) != (entry.parent_id, entry.name):
        await relocate(session, entry, target, name, now=now)
        what = "exchange_entry_moved" if moved else "exchange_entry_renamed"
        emit(session, audit_line(what, person, f"exchange_entry/{entry_id}", now))
    await session.refresh(entry)
    show_version(response, entry.version)
    return await with_path(session, entry, policy_of(request))


@router.delete(
    "/entries/{entry_id}",
    status_code=204,
    responses=_MISSING | problems(NoCustomerChosen, PreconditionFailed, PreconditionRequired),
)
async def remove_entry(entry_id: UUID, person: Person, session: Session, if_match: IfMatch = None) -> None:
    """Into the trash; what is there already is removed for good."""
    customer_id, now = person.customer_id, utc_now()
    await hold(session, customer_id)
    entry = await _anywhere(session, customer_id, entry_id)
    check_version(if_match, entry.version)
    thrown = entry.trashed_at is None
    if thrown:
        await throw_away(session, entry, person.name, now=now)
    else:
        await purge(session, customer_id, entry_id, now=now)
    what = "exchange_entry_trashed" if thrown else "exchange_entry_purged"
    emit(session, audit_line(what, person, f"exchange_entry/{entry_id}", now))


@router.post("/entries/{entry_id}/restore", responses=_MISSING)
async def restore_entry(
    entry_id: UUID, person: Person, request: Request, session: Session, response: Response
) -> EntryWithPath:
    """Back to where it was, or as near as possible; with a number if its name is taken meanwhile."""
    now = utc_now()
    entry = await restore(session, person.customer_id, entry_id, now=now)
    emit(session, audit_line("exchange_entry_restored", person, f"exchange_entry/{entry_id}", now))
    show_version(response, entry.version)
    return await with_path(session, entry, policy_of(request))


async def _anywhere(session: AsyncSession, customer_id: UUID, entry_id: UUID) -> DriveEntry:
    thrown = await find_trashed(session, customer_id, entry_id)
    return thrown or await find_entry(session, customer_id, entry_id)


async def _path(session: AsyncSession, folder_id: UUID | None) -> list[PathPart]:
    return [PathPart(id=one, name=name) for one, name in await path_of(session, folder_id)]


async def _page(
    session: AsyncSession, folder_id: UUID, order: Order, after: After | None, limit: int
) -> list[DriveEntry]:
    found: list[DriveEntry] = []
    for kind in KINDS[KINDS.index(after.kind) if after else 0 :]:
        if len(found) < limit:
            page = in_folder(folder_id, kind, order, after=after, limit=limit - len(found))
            found += (await session.scalars(page)).all()
    return found


def _after(cursor: str | None, order: Order) -> After | None:
    """Where the page before has ended.

    Raises:
        Invalid: no cursor of this list in this order.
    """
    if not cursor:
        return None
    said, kind, value, last_id = key_of(cursor, str, str, value_type(order), UUID)
    if said != order or kind not in KINDS:
        raise Invalid(errors=[{"pointer": "/query/cursor", "detail": "not a cursor of this list"}])
    return After(kind, value, last_id)


def _told(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value
