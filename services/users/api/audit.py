"""`/users/audit`: who did what when, own company."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import spreadsheet
from chassis.access import Admin
from chassis.db import ReadSession, Transactions
from chassis.errors import Forbidden, NoCustomerChosen, problems
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from chassis.tenancy import as_system
from services.users.api.auditing import note_look
from services.users.audit import BEGINNING
from services.users.models import AuditLine, User

router = APIRouter(prefix="/users")
MOST = 50_000
_COLUMNS = ("position", "occurred_at", "actor_name", "actor", "what", "result", "on", "address", "factor", "request_id")
CSV_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {}}, "description": "UTF-8 with byte order mark, separated by semicolons."}
}


class AuditOut(BaseModel):
    """One line of the audit log, with its place in the chain.

    `hash` is SHA-256 over `previous_hash`, a newline, and the line in canonical JSON: all fields but `position`,
    `previous_hash`, `hash` and `actor_name`, sorted, no blanks.
    """

    position: int
    previous_hash: str
    hash: str
    actor_name: str | None = Field(description="the person's present name; what was noted is the id")
    id: str = Field(description="of the event; unique with `owner`")
    owner: str
    what: str
    result: str
    actor_id: UUID | None
    actor: str | None
    acting_as: UUID | None
    customer_id: UUID | None
    on: str | None
    address: str | None
    factor: str | None
    request_id: str | None
    occurred_at: datetime


@router.get("/audit", responses=problems(NoCustomerChosen))
async def list_audit(
    who: Admin,
    session: ReadSession,
    transactions: Transactions,
    customer_id: Annotated[UUID | None, Query(description="operators only; default: the open customer")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditOut]:
    """Newest first. An operator's look at it is a line of it, too."""
    if customer_id is not None and not who.is_operator:
        raise Forbidden
    wanted = customer_id or who.customer_id
    lines = select(AuditLine).where(AuditLine.customer_id == wanted)
    if cursor:
        lines = lines.where(AuditLine.position < key_of(cursor, int)[0])
    await note_look(transactions, who, "audit_listed", customer_id=wanted)
    found = (await session.scalars(lines.order_by(AuditLine.position.desc()).limit(limit + 1))).all()
    more = cursor_of(found[limit - 1].position) if len(found) > limit else None
    return Page(items=await _out(session, found[:limit]), next_cursor=more)


@router.get("/audit.csv", response_class=Response, responses=CSV_ANSWER | problems(NoCustomerChosen))
async def export_audit(
    who: Admin,
    session: ReadSession,
    transactions: Transactions,
    customer_id: Annotated[UUID | None, Query(description="operators only; default: the open customer")] = None,
) -> Response:
    """The newest 50,000 lines for a spreadsheet, newest first; times in UTC."""
    if customer_id is not None and not who.is_operator:
        raise Forbidden
    wanted = customer_id or who.customer_id
    newest = select(AuditLine).where(AuditLine.customer_id == wanted).order_by(AuditLine.position.desc()).limit(MOST)
    await note_look(transactions, who, "audit_exported", customer_id=wanted)
    lines = await _out(session, (await session.scalars(newest)).all())
    rows = [[getattr(line, name) for name in _COLUMNS] for line in lines]
    head = {"Content-Disposition": 'attachment; filename="audit.csv"', "Cache-Control": "no-store"}
    return Response(spreadsheet.table(_COLUMNS, rows), media_type=spreadsheet.MEDIA_TYPE, headers=head)


async def _out(session: AsyncSession, lines: Any) -> list[AuditOut]:
    # The line before may be another company's (only its hash is shown), the actor one of the operator's.
    await as_system(session)
    before = select(AuditLine.position, AuditLine.hash).where(
        AuditLine.position.in_([one.position - 1 for one in lines])
    )
    hashes = {row.position: row.hash for row in await session.execute(before)} | {0: BEGINNING}
    actors = {UUID(one.line["actor_id"]) for one in lines if one.line.get("actor_id")}
    people = {str(user.id): user.name for user in await session.scalars(select(User).where(User.id.in_(actors)))}
    return [
        AuditOut.model_validate(
            one.line
            | {
                "position": one.position,
                "previous_hash": hashes.get(one.position - 1, ""),
                "hash": one.hash,
                "actor_name": people.get(str(one.line.get("actor_id"))),
            }
        )
        for one in lines
    ]
