"""`/customers`: companies, for the operator."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import select, tuple_

from chassis.access import Operator
from chassis.db import ReadSession, Session, utc_now
from chassis.errors import PreconditionFailed, PreconditionRequired, problems
from chassis.idempotency import OncePerKey
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from chassis.versions import IfMatch, check_version, show_version
from services.users.api.bodies import LEFT_OUT, Body, CompanyName, Domains, Language, Number, TimeZone
from services.users.audit import audit_line
from services.users.models import Customer, CustomerNumberTaken, CustomerUnknown
from services.users.people import add_customer

router = APIRouter(prefix="/customers")


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

    @classmethod
    def of(cls, customer: Customer) -> "CustomerOut":
        """As it is now."""
        state = customer.state().model_dump()
        return cls.model_validate(state | {"id": customer.id, "email_domains": list(customer.email_domains)})


class CustomerCreate(Body):
    """A new company."""

    number: Number
    name: CompanyName
    language: Language = "de"
    time_zone: TimeZone = "Europe/Berlin"
    email_domains: Annotated[Domains, Field(default_factory=list)]
    colocation: bool = False
    end_user: bool = True


class CustomerUpdate(Body):
    """What may be changed; the number stays."""

    name: CompanyName = LEFT_OUT
    language: Language = LEFT_OUT
    time_zone: TimeZone = LEFT_OUT
    email_domains: Domains = LEFT_OUT
    colocation: bool = LEFT_OUT
    end_user: bool = LEFT_OUT
    active: bool = LEFT_OUT


@router.get("")
async def list_customers(
    _who: Operator,
    session: ReadSession,
    q: Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CustomerOut]:
    """By name; `q` searches name and number, whatever the case."""
    wanted = select(Customer).order_by(Customer.words, Customer.id).limit(limit + 1)
    if q:
        wanted = wanted.where(Customer.words.contains(q.casefold(), autoescape=True))
    if cursor:
        words, last = key_of(cursor, str, UUID)
        wanted = wanted.where(tuple_(Customer.words, Customer.id) > tuple_(words, last))
    found = (await session.scalars(wanted)).all()
    more = cursor_of(found[limit - 1].words, found[limit - 1].id) if len(found) > limit else None
    return Page(items=[CustomerOut.of(customer) for customer in found[:limit]], next_cursor=more)


@router.post("", status_code=201, response_model=CustomerOut, responses=problems(CustomerNumberTaken))
async def create_customer(body: CustomerCreate, who: Operator, session: Session, once: OncePerKey) -> Response:
    """A company that the CRM does not send (yet); its later upsert takes over."""
    if earlier := await once.earlier(session):
        return earlier
    customer = await add_customer(session, **body.model_dump())
    on = f"customer/{customer.id}"
    emit(session, audit_line("customer_created", who, on, utc_now(), customer_id=customer.id))
    return await once.keep(session, CustomerOut.of(customer), 201)


@router.get("/{customer_id}", responses=problems(CustomerUnknown))
async def show_customer(customer_id: UUID, _who: Operator, session: ReadSession, response: Response) -> CustomerOut:
    """One company."""
    customer = await session.get(Customer, customer_id)
    if customer is None:
        raise CustomerUnknown
    show_version(response, customer.version)
    return CustomerOut.of(customer)


@router.patch("/{customer_id}", responses=problems(CustomerUnknown, PreconditionFailed, PreconditionRequired))
async def change_customer(
    customer_id: UUID,
    body: CustomerUpdate,
    who: Operator,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> CustomerOut:
    """Correct or deactivate a company."""
    customer = await session.get(Customer, customer_id, with_for_update={"key_share": True})
    if customer is None:
        raise CustomerUnknown
    check_version(if_match, customer.version)
    for field, value in body.model_dump(exclude_unset=True).items():
        setattr(customer, field, value)
    emit(session, customer.changed())
    on = f"customer/{customer.id}"
    emit(session, audit_line("customer_changed", who, on, utc_now(), customer_id=customer.id))
    show_version(response, customer.version)
    return CustomerOut.of(customer)
