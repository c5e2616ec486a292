"""`/users/import`: many rows from a file, looked at before they are made. Sends nothing."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import AdminSteppedUp
from chassis.db import Session, utc_now
from chassis.errors import NoCustomerChosen, StepUpRequired, problems
from chassis.identity import Identity
from chassis.outbox import emit
from services.users.api.auditing import refusals
from services.users.api.users import UserCreate
from services.users.audit import audit_line
from services.users.csv_file import TooManyLines, UnreadableFile
from services.users.domains import DomainNotAllowed, is_allowed
from services.users.models import AlreadyMember, Customer, CustomerUnknown, Membership, User, address_key
from services.users.people import Place, Somebody, add_member
from services.users.roster import Entry, read, what_is_wrong

router = APIRouter(prefix="/users")
_TWICE = ("Diese Adresse steht schon weiter oben.", "This address is further up already.")
CSV_BODY = {
    "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}
}
_ENGLISH = "en"


class LineError(BaseModel):
    """What is wrong with one field of a line, in the reader's language."""

    pointer: str
    detail: str


class LineOut(BaseModel):
    """What became, or would become, of one line."""

    line: int
    email: str
    name: str
    result: Literal["created", "unchanged", "refused"]
    errors: list[LineError]


class ImportOut(BaseModel):
    """Line by line."""

    dry_run: bool
    created: int
    unchanged: int
    refused: int
    lines: list[LineOut]


@router.post(
    "/import",
    responses=problems(UnreadableFile, TooManyLines, CustomerUnknown, NoCustomerChosen, StepUpRequired),
    dependencies=[refusals("users_imported")],
    openapi_extra=CSV_BODY,
)
async def import_users(
    request: Request,
    who: AdminSteppedUp,
    session: Session,
    dry_run: Annotated[bool, Query(description="only say what would become of each line")] = False,
) -> ImportOut:
    """CSV with the columns `email, given_name, family_name, role, modules, language, expires_on`.

    Sent again, nothing is made twice. Good lines are made although others are not good.
    """
    customer = await session.get(Customer, who.customer_id)
    if customer is None:
        raise CustomerUnknown
    judge = Judge(customer, await _addresses_of(session, customer), who.language)
    judged = [judge.look(entry) for entry in read(await request.body())]
    if not dry_run:
        judged = [await _make(session, who, customer, line, wanted) for line, wanted in judged]
    lines = [line for line, _ in judged]
    counts = {result: sum(line.result == result for line in lines) for result in ("created", "unchanged", "refused")}
    return ImportOut(dry_run=dry_run, **counts, lines=lines)


class Judge:
    """Says of each line what would become of it, given those before it."""

    def __init__(self, customer: Customer, known: set[str], language: str) -> None:
        self._customer = customer
        self._known = known
        self._language = language
        self._seen: set[str] = set()

    def look(self, entry: Entry) -> tuple[LineOut, UserCreate | None]:
        """The line, and what to make of it where there is something to make."""
        try:
            wanted = UserCreate.model_validate(entry.fields)
        except ValidationError as wrong:
            pointers = ["/" + "/".join(map(str, one["loc"])) for one in wrong.errors()]
            return self._refused(entry, what_is_wrong(pointers, self._language)), None
        key = address_key(wanted.email)
        at = self._language == _ENGLISH
        if key in self._seen:
            return self._refused(entry, [{"pointer": "/email", "detail": _TWICE[at]}]), None
        self._seen.add(key)
        if not is_allowed(wanted.email, self._customer.email_domains):
            said = DomainNotAllowed.title(self._language)
            return self._refused(entry, [{"pointer": "/email", "detail": said}]), None
        if key in self._known:
            return _line(entry, "unchanged"), None
        return _line(entry, "created"), wanted

    @staticmethod
    def _refused(entry: Entry, errors: list[dict[str, str]]) -> LineOut:
        return _line(entry, "refused", [LineError(**error) for error in errors])


def _line(
    entry: Entry, result: Literal["created", "unchanged", "refused"], errors: list[LineError] | None = None
) -> LineOut:
    return LineOut(line=entry.line, email=entry.email[:254], name=entry.name[:201], result=result, errors=errors or [])


async def _make(
    session: AsyncSession, who: Identity, customer: Customer, line: LineOut, wanted: UserCreate | None
) -> tuple[LineOut, None]:
    if wanted is None:
        return line, None
    language: Literal["de", "en"] = wanted.language or ("en" if customer.language == _ENGLISH else "de")
    somebody = Somebody(wanted.email, wanted.given_name, wanted.family_name, language)
    place = Place(wanted.role, customer, wanted.modules, expires_on=wanted.expires_on)
    try:
        membership = await add_member(session, somebody, place)
    except AlreadyMember:
        return line.model_copy(update={"result": "unchanged"}), None
    emit(session, audit_line("user_created", who, f"membership/{membership.id}", utc_now()))
    return line, None


async def _addresses_of(session: AsyncSession, customer: Customer) -> set[str]:
    here = select(User.email_key).join(Membership, Membership.user_id == User.id)
    return set(
        await session.scalars(here.where(Membership.customer_id == customer.id, Membership.removed_at.is_(None)))
    )
