"""What comes in and what goes out, exactly as the public interface promises it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from services.contacts.roles import ROLES, TOPICS, Side
from services.contacts.texts import one_line

LEFT_OUT: Any = None
"""Default of a field that may be left out of a PATCH but never be null."""
_TAG = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"


def _blank_is_none(value: Any) -> Any:
    """Forms send empty texts for what is left empty."""
    return None if isinstance(value, str) and not value.strip() else value


def _not_null(value: Any) -> Any:
    return "" if value is None else value


def _line(length: int) -> Any:
    return Annotated[str, StringConstraints(max_length=length, strip_whitespace=True), AfterValidator(one_line)]


Name = Annotated[_line(100), BeforeValidator(_not_null)]
Optional = BeforeValidator(_blank_is_none)
Organisation = Annotated[_line(200) | None, Optional]
Hours = Annotated[_line(200) | None, Optional]
Phone = Annotated[_line(64) | None, Optional]
Email = Annotated[
    Annotated[str, StringConstraints(max_length=254, strip_whitespace=True, to_lower=True), AfterValidator(one_line)]
    | None,
    Optional,
]
Role = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Roles = Annotated[list[Role], Field(max_length=20)]
Languages = Annotated[list[Annotated[str, StringConstraints(pattern=_TAG)]], Field(max_length=20)]
Id = Annotated[UUID, Field(strict=False)]
RoleQuery = Literal[tuple(dict.fromkeys((*TOPICS, *ROLES)))]  # type: ignore[valid-type]


class Body(BaseModel):
    """What comes in: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ContactCreate(Body):
    """A new contact. Customers add their own; the operator's staff may add the operator's as well."""

    side: Side = "customer"
    everybody: bool = Field(default=False, description="an operator contact that every customer sees")
    given_name: Name = ""
    family_name: Name = ""
    organisation: Organisation = None
    roles: Roles = Field(default_factory=list)
    email: Email = None
    phone: Phone = None
    mobile: Phone = None
    hours: Hours = None
    languages: Languages = Field(default_factory=list)
    deputy_of: Id | None = Field(default=None, description="operator contacts only: whom this one stands in for")


class ContactUpdate(Body):
    """What may be changed; what is left out stays."""

    given_name: Name = LEFT_OUT
    family_name: Name = LEFT_OUT
    organisation: Organisation = None
    roles: Roles = LEFT_OUT
    email: Email = None
    phone: Phone = None
    mobile: Phone = None
    hours: Hours = None
    languages: Languages = LEFT_OUT
    deputy_of: Id | None = None


class PersonRef(BaseModel):
    """Another contact, by name."""

    id: UUID
    name: str


class PendingOut(BaseModel):
    """What waits for the operator; until then the values beside it are in force."""

    id: UUID
    kind: Literal["create", "change", "remove"]
    changes: dict[str, Any]
    requested_at: datetime
    requested_by: str


class DecisionOut(BaseModel):
    """What the operator said last."""

    approved: bool
    reason: str | None
    decided_at: datetime
    decided_by: str


class ContactOut(BaseModel):
    """Somebody one can call. The values are those in force."""

    id: UUID
    version: int
    side: Side
    state: Literal["active", "pending", "rejected"]
    name: str
    given_name: str
    family_name: str
    organisation: str | None
    roles: list[str]
    email: str | None
    phone: str | None
    phone_e164: str | None
    mobile: str | None
    mobile_e164: str | None
    hours: str | None
    languages: list[str]
    deputy_of: PersonRef | None
    deputies: list[PersonRef]
    everybody: bool
    editable: bool
    changed_at: datetime
    changed_by: str | None
    """None: the operator's CRM."""
    confirmed_at: datetime | None
    confirmed_by: str | None
    review_due_on: date | None
    review_due: bool
    pending: PendingOut | None
    decision: DecisionOut | None


class RoleOut(BaseModel):
    """A role, and how many have it."""

    role: str
    name: str
    sensitive: bool
    contacts: int
    waiting: int
    """How many would get it once the operator approves."""


class ReviewOut(BaseModel):
    """What somebody should look at."""

    review_months: int
    due: list[ContactOut]
    due_count: int
    gaps: list[str]
    """Roles that nobody has."""
    roles: list[RoleOut]


class ApprovalDecision(Body):
    """The operator's word."""

    approve: bool
    reason: Annotated[_line(500) | None, Optional] = None


class ApprovalOut(BaseModel):
    """A change that waits, beside what is in force."""

    id: UUID
    contact_id: UUID
    customer_id: UUID
    customer_number: str | None
    customer_name: str | None
    kind: Literal["create", "change", "remove"]
    state: Literal["pending", "approved", "rejected", "withdrawn"]
    current: dict[str, Any] | None
    """None for a new contact."""
    changes: dict[str, Any]
    requested_at: datetime
    requested_by: str
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
