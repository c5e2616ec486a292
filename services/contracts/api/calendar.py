"""Deadlines as data, and as a calendar at a secret address that needs no session."""

import hashlib
import secrets
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import Anyone
from chassis.db import ReadSession, Session, Transactions, insert_new, utc_now
from chassis.errors import Forbidden, NoCustomerChosen, StepUpRequired, problems
from chassis.identity import Identity
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from services.contracts.api.bodies import CalendarAddressOut, CalendarStateOut, DeadlineOut
from services.contracts.api.reading import Here, Reader, note_look
from services.contracts.audit import audit_line
from services.contracts.deadlines import reminder_days
from services.contracts.icalendar import Entry, calendar
from services.contracts.listing import deadlines_of
from services.contracts.models import CalendarNotFound, CalendarToken, Contract, Customer, Deadline, Membership
from services.contracts.settings import Settings
from services.contracts.terms import dates_on
from services.contracts.wording import basis, deadline_title

router = APIRouter(prefix="/contracts/calendar", tags=["contracts"])

NOTED_EVERY = timedelta(hours=1)
"""How exactly it is known when a program last asked."""
_ICS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/calendar": {"schema": {"type": "string"}}}, "description": "iCalendar, RFC 5545"}
}
_NAMES = {"de": "Vertragsfristen", "en": "Contract deadlines"}


@router.get("", responses=problems(NoCustomerChosen))
async def list_deadlines(  # fields of a query are parameters here
    here: Here,
    session: ReadSession,
    transactions: Transactions,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeadlineOut]:
    """Last notice days, ends of minimum terms and ends of contracts from today on, soonest first."""
    after: Any = key_of(cursor, date, UUID, str) if cursor else None
    page = deadlines_of(here.reader.customer_id, here.today, after=after, limit=limit)
    found = (await session.execute(page)).all()
    shown = found[:limit]
    await note_look(transactions, here.reader, "deadlines_listed", None)
    last = shown[-1][0] if len(found) > limit else None
    return Page(
        items=[DeadlineOut.of(deadline, contract, here.today, here.reader.language) for deadline, contract in shown],
        next_cursor=cursor_of(last.due_on, last.contract_id, last.kind) if last else None,
    )


@router.get("/token", responses=problems(NoCustomerChosen))
async def get_address_state(reader: Reader, session: ReadSession) -> CalendarStateOut:
    """Whether the reader has an address for this customer; never the address itself, of which only a hash is kept."""
    known = await session.get(CalendarToken, (_person(reader), reader.customer_id))
    if known is None:
        return CalendarStateOut(created_at=None, last_read_at=None)
    return CalendarStateOut(created_at=known.created_at, last_read_at=known.last_read_at)


@router.post("/token", status_code=201, responses=problems(NoCustomerChosen, StepUpRequired))
async def make_address(request: Request, reader: Reader, session: Session) -> CalendarAddressOut:
    """A new secret address, shown this once; the one before ends. Needs a second factor not older than ten minutes.

    There is no repetition under an `Idempotency-Key`: that would keep the secret.
    """
    if not reader.stepped_up(utc_now()):
        raise StepUpRequired
    token, now, key = (
        secrets.token_urlsafe(32),
        utc_now(),
        {"user_id": _person(reader), "customer_id": reader.customer_id},
    )
    state = {"token_hash": _hash(token), "language": reader.language, "created_at": now, "last_read_at": None}
    if not await insert_new(session, CalendarToken, **key, **state):
        mine = update(CalendarToken).filter_by(**key).values(**state)
        await session.execute(mine.execution_options(synchronize_session=False))
    emit(session, audit_line("calendar_address_made", reader, f"user/{reader.user_id}", now))
    settings: Settings = request.app.state.settings
    url = f"{settings.public_url.rstrip('/')}/api/v1/contracts/calendar/{token}.ics"
    return CalendarAddressOut(url=url, webcal_url=f"webcal:{url.partition(':')[2]}", created_at=now)


@router.delete("/token", status_code=204, responses=problems(NoCustomerChosen))
async def withdraw_address(reader: Reader, session: Session) -> None:
    """The address ends at once; also when there was none."""
    mine = delete(CalendarToken).filter_by(user_id=_person(reader), customer_id=reader.customer_id)
    await session.execute(mine)
    emit(session, audit_line("calendar_address_withdrawn", reader, f"user/{reader.user_id}", utc_now()))


@router.get("/{token}.ics", response_class=Response, responses=_ICS | problems(CalendarNotFound))
async def read_calendar(
    token: str,
    _anyone: Anyone,
    request: Request,
    session: ReadSession,
    transactions: Transactions,
    if_none_match: Annotated[str | None, Header(max_length=2000)] = None,
) -> Response:
    """The deadlines as iCalendar, for programs that have no session: the address is the secret.

    Raises:
        CalendarNotFound: never was one, was renewed or withdrawn, or its person may no longer read contracts.
    """
    now = utc_now()
    known, customer = await _known(session, token, now)
    body = await _written(session, known, customer, request.app.state.settings)
    if known.last_read_at is None or known.last_read_at < now - NOTED_EVERY:
        async with transactions() as writing:
            await writing.execute(_asked_now(known, now))
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Content-Disposition": 'inline; filename="vertraege.ics"',
    }
    if etag in (if_none_match or "").replace("W/", "").split(", "):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="text/calendar; charset=utf-8")


def _person(reader: Identity) -> UUID:
    """Whose address it is. A feed of the operator's staff would be a look that no log sees.

    Raises:
        Forbidden: the operator's staff, or a program.
    """
    if reader.is_operator or not reader.is_browser:
        raise Forbidden
    return reader.user_id


def _hash(token: str) -> str:
    """SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def _asked_now(known: CalendarToken, now: datetime) -> Any:
    mine = update(CalendarToken).where(CalendarToken.token_hash == known.token_hash)
    return mine.values(last_read_at=now).execution_options(synchronize_session=False)


async def _known(session: AsyncSession, token: str, now: datetime) -> tuple[CalendarToken, Customer]:
    known = await session.scalar(select(CalendarToken).where(CalendarToken.token_hash == _hash(token)))
    customer = await session.get(Customer, known.customer_id) if known else None
    if known is None or customer is None or not customer.active:
        raise CalendarNotFound
    still = select(Membership.id).where(
        Membership.user_id == known.user_id,
        Membership.customer_id == known.customer_id,
        Membership.may_read,
        or_(Membership.expires_on.is_(None), Membership.expires_on >= customer.today(now)),
    )
    if await session.scalar(still.limit(1)) is None:
        raise CalendarNotFound
    return known, customer


async def _written(session: AsyncSession, known: CalendarToken, customer: Customer, settings: Settings) -> bytes:
    today = customer.today(utc_now())
    rows = await session.execute(deadlines_of(known.customer_id, today))
    entries = [_entry(deadline, contract, known.language, settings) for deadline, contract in rows]
    return calendar(f"{_NAMES[known.language]}: {customer.name}", known.language, entries)


def _entry(deadline: Deadline, contract: Contract, language: str, settings: Settings) -> Entry:
    """The words are those of the day itself, so that they change with the contract only."""
    due, agreement = deadline.due_on, contract.agreement
    reminded = reminder_days(due, settings.remind_months_before) if deadline.kind == "last_notice_day" else {}
    return Entry(
        uid=f"{contract.id}-{deadline.kind}@{urlsplit(settings.public_url).hostname}",
        sequence=contract.version,
        changed_at=contract.changed_at,
        day=due,
        summary=deadline_title(deadline.kind, contract.name, language),
        description=f"{contract.number}\n{basis(agreement, dates_on(agreement, due), due, language)}",
        url=f"{settings.public_url.rstrip('/')}/contracts?contract={contract.id}",
        alarms=tuple(sorted(day for day in reminded.values() if day < due)),
    )
