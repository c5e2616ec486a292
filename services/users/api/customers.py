"""`/customers`: companies, for the operator."""

from typing import Annotated, Literal
from uuid import UUID, uuid4
from zoneinfo import available_timezones

from fastapi import APIRouter, Header, Query, Response
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from sqlalchemy import func, or_, select, tuple_

from chassis.access import Operator
from chassis.db import ReadSession, Session, utc_now
from chassis.errors import PreconditionFailed, PreconditionRequired, problems
from chassis.idempotency import OncePerKey
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from services.users.api.bodies import Body, CompanyName, Domain, Language, Number
from services.users.models import Customer, CustomerNumberTaken, CustomerUnknown

router = APIRouter(prefix="/customers")


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not a time zone of the IANA database")
    return name


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]


class CustomerOut(BaseModel):
    """A company."""

    id: UUID
    version: int
    number: str
    name: str
    language: Language
    time_zone: str
    email_domains: list[str]
    colocation: bool
    end_user: bool
    active: bool


class CustomerCreate(Body):
    """A new company."""

    number: Number
    name: CompanyName
    language: Language = "de"
    time_zone: TimeZone = "Europe/Berlin"
    email_domains: Annotated[list[Domain], Field(max_length=50, default_factory=list)]
    colocation: bool = False
    end_user: bool = True


class CustomerUpdate(Body):
    """What may be changed; the number stays."""

    name: CompanyName | None = None
    language: Language | None = None
    time_zone: TimeZone | None = None
    email_domains: list[Domain] | None = None
    colocation: bool | None = None
    end_user: bool | None = None
    active: bool | None = None


@router.get("")
async def list_customers(
    _who: Operator,
    session: ReadSession,
    q: Annotated[str | None, Query(max_length=100)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CustomerOut]:
    """By name; `q` searches number and name."""
    wanted = select(Customer).order_by(func.lower(Customer.name), Customer.id).limit(limit + 1)
    if q:
        part = "%" + q.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        wanted = wanted.where(
            or_(func.lower(Customer.name).like(part, escape="\\"), func.lower(Customer.number).like(part, escape="\\"))
        )
    if cursor:
        name, last = key_of(cursor, str, UUID)
        wanted = wanted.where(tuple_(func.lower(Customer.name), Customer.id) > tuple_(name, last))
    found = (await session.scalars(wanted)).all()
    more = cursor_of(found[limit - 1].name.lower(), found[limit - 1].id) if len(found) > limit else None
    return Page(items=[_out(customer) for customer in found[:limit]], next_cursor=more)


@router.post("", status_code=201, response_model=CustomerOut, responses=problems(CustomerNumberTaken))
async def create_customer(body: CustomerCreate, _who: Operator, session: Session, once: OncePerKey) -> Response:
    """A company that the CRM does not send (yet); its later upsert takes over."""
    if earlier := await once.earlier(session):
        return earlier
    if await session.scalar(select(Customer.id).where(Customer.number == body.number)):
        raise CustomerNumberTaken
    values = body.model_dump() | {"email_domains": [domain.lower() for domain in body.email_domains]}
    customer = Customer(id=uuid4(), active=True, version=0, feed_version=-1, created_at=utc_now(), **values)
    session.add(customer)
    emit(session, customer.changed())
    return await once.keep(session, _out(customer), 201)


@router.get("/{customer_id}", responses=problems(CustomerUnknown))
async def show_customer(customer_id: UUID, _who: Operator, session: ReadSession, response: Response) -> CustomerOut:
    """One company."""
    customer = await session.get(Customer, customer_id)
    if customer is None:
        raise CustomerUnknown
    response.headers["ETag"] = f'"{customer.version}"'
    return _out(customer)


@router.patch("/{customer_id}", responses=problems(CustomerUnknown, PreconditionFailed, PreconditionRequired))
async def change_customer(
    customer_id: UUID,
    body: CustomerUpdate,
    _who: Operator,
    session: Session,
    if_match: Annotated[str | None, Header(max_length=40)] = None,
) -> CustomerOut:
    """Correct or deactivate a company."""
    customer = await session.get(Customer, customer_id, with_for_update=True)
    if customer is None:
        raise CustomerUnknown
    check_version(if_match, customer.version)
    for field, value in body.model_dump(exclude_none=True).items():
        setattr(customer, field, value)
    emit(session, customer.changed())
    return _out(customer)


def check_version(if_match: str | None, version: int) -> None:
    """The caller must have seen the newest state.

    Raises:
        PreconditionRequired: no If-Match.
        PreconditionFailed: another version.
    """
    if if_match is None:
        raise PreconditionRequired
    if if_match not in (f'"{version}"', "*"):
        raise PreconditionFailed


def _out(customer: Customer) -> CustomerOut:
    kind: Literal["de", "en"] = "en" if customer.language == "en" else "de"
    return CustomerOut(
        id=customer.id,
        version=customer.version,
        number=customer.number,
        name=customer.name,
        language=kind,
        time_zone=customer.time_zone,
        email_domains=list(customer.email_domains),
        colocation=customer.colocation,
        end_user=customer.end_user,
        active=customer.active,
    )
