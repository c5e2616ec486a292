"""`/users/audit`: who did what when, own company."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import select

from chassis.access import Admin
from chassis.db import ReadSession
from chassis.errors import Forbidden, NoCustomerChosen, problems
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from services.users.models import AuditLine, User

router = APIRouter(prefix="/users")


class AuditOut(BaseModel):
    """One line of the audit log, with its place in the chain."""

    position: int
    occurred_at: datetime
    owner: str
    what: str
    result: str
    actor_id: UUID | None
    actor: str | None
    acting_as: UUID | None
    on: str | None
    address: str | None
    factor: str | None
    request_id: str | None
    hash: str


@router.get("/audit", responses=problems(NoCustomerChosen))
async def list_audit(
    who: Admin,
    session: ReadSession,
    customer_id: Annotated[UUID | None, Query(description="operators only; default: the open customer")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditOut]:
    """Newest first."""
    if customer_id is not None and not who.is_operator:
        raise Forbidden
    lines = select(AuditLine).where(AuditLine.customer_id == (customer_id or who.customer_id))
    if cursor:
        lines = lines.where(AuditLine.position < key_of(cursor, int)[0])
    found = (await session.scalars(lines.order_by(AuditLine.position.desc()).limit(limit + 1))).all()
    actors = {line.line["actor_id"] for line in found[:limit] if line.line.get("actor_id")}
    people = {str(u.id): u.name for u in await session.scalars(select(User).where(User.id.in_(map(UUID, actors))))}
    more = cursor_of(found[limit - 1].position) if len(found) > limit else None
    return Page(items=[_out(line, people) for line in found[:limit]], next_cursor=more)


def _out(line: AuditLine, people: dict[str, str]) -> AuditOut:
    known: dict[str, Any] = {name: line.line.get(name) for name in AuditOut.model_fields if name in line.line}
    known["actor"] = people.get(str(line.line.get("actor_id"))) or line.line.get("actor")
    return AuditOut.model_validate({"position": line.position, "hash": line.hash, **known})
