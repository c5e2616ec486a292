"""`/customers/import`: companies with their first administrators from a file; the invitations go out one by one."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import OperatorSteppedUp
from chassis.db import Session, utc_now
from chassis.errors import StepUpRequired, problems
from chassis.identity import Identity
from chassis.outbox import emit
from services.users.api.auditing import refusals
from services.users.api.bodies import Body, Email, Name
from services.users.api.customers import CustomerCreate
from services.users.api.imports import CSV_BODY, LineError
from services.users.audit import audit_line
from services.users.csv_file import TooManyLines, UnreadableFile, plain, rows, yes_or_no
from services.users.domains import DomainNotAllowed, is_allowed
from services.users.in_time import invite_later
from services.users.models import AlreadyMember, Customer, CustomerNumberTaken, Membership, User, address_key
from services.users.people import Place, Somebody, add_customer, add_member

router = APIRouter(prefix="/customers")
_OWN = ("number", "name", "language", "time_zone", "email_domains", "colocation", "end_user")
_ADMIN = {"admin_email": "email", "admin_given_name": "given_name", "admin_family_name": "family_name"}
COLUMNS = (*_OWN, *_ADMIN)
_ALSO = {
    "kundennummer": "number",
    "nummer": "number",
    "firma": "name",
    "sprache": "language",
    "zeitzone": "time_zone",
    "e-mail-domains": "email_domains",
    "endnutzer": "end_user",
    "verwaltung e-mail": "admin_email",
    "verwaltung vorname": "admin_given_name",
    "verwaltung nachname": "admin_family_name",
}
_TWICE = ("Diese Kundennummer steht schon weiter oben.", "This customer number is further up already.")
_WRONG = ("Fehlt oder ist nicht erlaubt.", "Missing or not allowed.")
Result = Literal["created", "unchanged", "refused"]


class FirstAdmin(Body):
    """Who gets the first invitation."""

    email: Email
    given_name: Name
    family_name: Name


class CompanyLine(Body):
    """One line as the interface would take it."""

    company: CustomerCreate
    admin: FirstAdmin | None


class CompanyLineOut(BaseModel):
    """What became, or would become, of one line."""

    line: int
    number: str
    name: str
    result: Result
    invited: bool = Field(description="the first administrator is new there, and gets an invitation in turn")
    errors: list[LineError]


class CompanyImportOut(BaseModel):
    """Line by line."""

    dry_run: bool
    created: int
    unchanged: int
    refused: int
    invited: int
    lines: list[CompanyLineOut]


@router.post(
    "/import",
    responses=problems(UnreadableFile, TooManyLines, StepUpRequired),
    dependencies=[refusals("customers_imported", apart=True)],
    openapi_extra=CSV_BODY,
)
async def import_customers(
    request: Request,
    who: OperatorSteppedUp,
    session: Session,
    dry_run: Annotated[bool, Query(description="only say what would become of each line")] = False,
) -> CompanyImportOut:
    """Companies from CSV.

    Columns: `number, name, language, time_zone, email_domains, colocation, end_user, admin_email,
    admin_given_name, admin_family_name`; only the first two must be there.

    A company that exists stays as it is, and gets the administrator where the address is new there. Sent again,
    nothing is made twice. First invitations go out one after the other, as many a minute as the setting says.
    """
    found = rows(await request.body(), COLUMNS, needed=COLUMNS[:2], also=_ALSO)
    work = _Work(session, who, dry_run)
    lines = [await work.take(line, cells) for line, cells in found]
    if work.invited:
        settings = request.app.state.settings
        await invite_later(session, work.invited, who, per_minute=settings.invitations_per_minute)
    counts = {result: sum(one.result == result for one in lines) for result in ("created", "unchanged", "refused")}
    return CompanyImportOut(dry_run=dry_run, invited=sum(one.invited for one in lines), lines=lines, **counts)


class _Work:
    """Line after line, given those before it."""

    def __init__(self, session: AsyncSession, who: Identity, dry_run: bool) -> None:
        self._session = session
        self._who = who
        self._dry_run = dry_run
        self._seen: set[str] = set()
        self.invited: list[Membership] = []

    async def take(self, line: int, cells: dict[str, str]) -> CompanyLineOut:
        """Judge it, and make what there is to make."""
        out = CompanyLineOut(
            line=line,
            number=plain(cells.get("number", ""))[:64],
            name=plain(cells.get("name", ""))[:200],
            result="refused",
            invited=False,
            errors=[],
        )
        try:
            wanted = CompanyLine.model_validate(_fields(cells))
        except ValidationError as wrong:
            out.errors = self._wrong(wrong)
            return out
        if wanted.company.number in self._seen:
            out.errors = [LineError(pointer="/number", detail=self._said(_TWICE))]
            return out
        self._seen.add(wanted.company.number)
        return await self._make(wanted, out)

    async def _make(self, wanted: CompanyLine, out: CompanyLineOut) -> CompanyLineOut:
        customer = await self._known(wanted.company.number)
        domains = customer.email_domains if customer else wanted.company.email_domains
        if wanted.admin and not is_allowed(wanted.admin.email, domains):
            out.errors = [LineError(pointer="/admin_email", detail=DomainNotAllowed.title(self._who.language))]
            return out
        out.result = "unchanged" if customer else "created"
        out.invited = wanted.admin is not None and not await self._is_there(customer, wanted.admin.email)
        if out.invited:
            out.result = "created"
        if self._dry_run:
            return out
        if customer is None:
            customer = await self._add(wanted.company)
        if wanted.admin and out.invited:
            await self._add_admin(customer, wanted.admin)
        return out

    async def _add(self, company: CustomerCreate) -> Customer:
        try:
            customer = await add_customer(self._session, **company.model_dump())
        except CustomerNumberTaken:
            return (await self._session.scalars(select(Customer).where(Customer.number == company.number))).one()
        self._note("customer_created", customer, f"customer/{customer.id}")
        return customer

    async def _add_admin(self, customer: Customer, admin: FirstAdmin) -> None:
        language: Literal["de", "en"] = "en" if customer.language == "en" else "de"
        somebody = Somebody(admin.email, admin.given_name, admin.family_name, language)
        try:
            membership = await add_member(self._session, somebody, Place("admin", customer))
        except AlreadyMember:
            return
        self.invited.append(membership)
        self._note("user_created", customer, f"membership/{membership.id}")
        self._note("user_invited", customer, f"membership/{membership.id}")

    def _note(self, what: str, customer: Customer, on: str) -> None:
        emit(self._session, audit_line(what, self._who, on, utc_now(), customer_id=customer.id))

    async def _known(self, number: str) -> Customer | None:
        found: Customer | None = await self._session.scalar(select(Customer).where(Customer.number == number))
        return found

    async def _is_there(self, customer: Customer | None, email: str) -> bool:
        if customer is None:
            return False
        here = select(Membership.id).join(User, User.id == Membership.user_id)
        here = here.where(Membership.customer_id == customer.id, Membership.removed_at.is_(None))
        return await self._session.scalar(here.where(User.email_key == address_key(email))) is not None

    def _wrong(self, wrong: ValidationError) -> list[LineError]:
        columns = {field: column for column, field in _ADMIN.items()}
        names = []
        for one in wrong.errors():
            part, *rest = map(str, one["loc"])
            name = rest[0] if rest else part
            names.append(columns.get(name, name) if part == "admin" else name)
        return [LineError(pointer=f"/{name}", detail=self._said(_WRONG)) for name in dict.fromkeys(names)]

    def _said(self, sentences: tuple[str, str]) -> str:
        return sentences[self._who.language == "en"]


def _fields(cells: dict[str, str]) -> dict[str, Any]:
    company: dict[str, Any] = {name: plain(cells[name]) for name in _OWN if cells.get(name)}
    for name in ("colocation", "end_user"):
        if name in company:
            company[name] = yes_or_no(company[name])
    if domains := company.get("email_domains"):
        company["email_domains"] = domains.replace("|", ",").replace(" ", ",").lower().strip(",").split(",")
    if language := company.get("language"):
        company["language"] = language.lower()
    admin = {name: plain(cells[column]) for column, name in _ADMIN.items() if cells.get(column)}
    return {"company": company, "admin": admin or None}
