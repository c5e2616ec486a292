"""What comes in and what goes out, exactly as the public interface promises it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from services.contacts.roles import Side
from services.contacts.texts import one_line

LEFT_OUT: Any = None
"""Default of a field that may be left out of a PATCH but never be null."""
_TAG = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"


def _blank_is_none(value: Any) -> Any:
    """Forms send empty texts for what is left empty."""
    return None if isinstance(value, str) and not value.strip() else value


def _not_null(value: Any) -> Any:
    return "" if value is None else value


OneLine = AfterValidator(one_line)
BlankIsNone = BeforeValidator(_blank_is_none)
Name = Annotated[str, StringConstraints(max_length=100, strip_whitespace=True), OneLine, BeforeValidator(_not_null)]
Line = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True), OneLine]
PhoneText = Annotated[str, StringConstraints(max_length=64, strip_whitespace=True), OneLine]
EmailText = Annotated[str, StringConstraints(max_length=254, strip_whitespace=True, to_lower=True), OneLine]
Organisation = Annotated[Line | None, BlankIsNone]
Hours = Annotated[Line | None, BlankIsNone]
Phone = Annotated[PhoneText | None, BlankIsNone]
Email = Annotated[EmailText | None, BlankIsNone]
Role = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Roles = Annotated[list[Role], Field(max_length=20)]
Languages = Annotated[list[Annotated[str, StringConstraints(pattern=_TAG)]], Field(max_length=20)]
Id = Annotated[UUID, Field(strict=False)]
RoleQuery = Literal[
    "account_manager",
    "noc",
    "billing",
    "data_centre",
    "security",
    "data_protection",
    "escalation_1",
    "escalation_2",
    "escalation_3",
    "management",
    "commercial",
    "invoices",
    "technical",
    "technical_out_of_hours",
    "planned_works",
    "abuse",
    "site_access",
]
"""What a list may be asked for: topics and roles; a test holds it against them."""


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
    reason: Annotated[
        Annotated[str, StringConstraints(max_length=500, strip_whitespace=True), OneLine] | None, BlankIsNone
    ] = None


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
