"""What the CRM tells us (feed)."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    model_validator,
)

from events.base import Event
from events.billing import Number, Text

Domain = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{3,253}$")]


class CustomerUpserted(Event):
    """A customer (company) as the CRM knows it now. Business key: the customer number."""

    subject = "crm.customer.upserted.v1"
    listeners = frozenset({"users"})
    entity_field = "customer_number"

    customer_number: Number
    name: Text
    address: Annotated[str, StringConstraints(max_length=500)] | None = None
    time_zone: Annotated[str, StringConstraints(max_length=64)] = "Europe/Berlin"
    email_domains: Annotated[tuple[Domain, ...], Field(max_length=50)] = ()
    colocation: bool = False
    end_user: bool = Field(default=True, description="false for resellers")
    language: Literal["de", "en"] = "de"
    version: Annotated[int, Field(ge=0, lt=2**63)]
    removed: bool = False


Day = Annotated[date, Field(ge=date(1950, 1, 1), le=date(2200, 12, 31))]
Months = Annotated[int, Field(ge=1, le=600)]
PositionNumber = Annotated[
    str, BeforeValidator(lambda value: str(value) if type(value) is int else value), StringConstraints(max_length=64)
]
Quantity = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6, allow_inf_nan=False)]
Characteristic = str | int | FiniteFloat | bool | None


class NoticeRule(BaseModel):
    """How long before an end notice must arrive, and to which days it can be given."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    value: Annotated[int, Field(ge=1, le=3660)]
    unit: Literal["days", "weeks", "months"]
    to: Literal["term_end", "month_end", "quarter_end", "any_time"]

    @model_validator(mode="after")
    def at_most_ten_years(self) -> Self:
        """Nobody agrees on more; it is a slip of the unit."""
        if self.value > {"days": 3660, "weeks": 520, "months": 120}[self.unit]:
            raise ValueError("more than ten years of notice")
        return self


class ContractPosition(BaseModel):
    """One line of a bundle."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    number: PositionNumber = Field(min_length=1, description="unique within the contract; text or a whole number")
    quantity: Quantity
    unit: Text = Field(description="shown as it is")
    product: Text
    telecom_service: bool
    starts_on: Day | None = Field(default=None, description="its terms count from here; else from the contract's start")
    ends_on: Day | None = None
    characteristics: Annotated[dict[Text, Characteristic], Field(max_length=50)] = {}


class ContractUpserted(Event):
    """A contract as the CRM knows it now. Business key: source and contract number; the higher version wins."""

    subject = "crm.contract.upserted.v1"
    listeners = frozenset({"contracts"})
    entity_field = "contract_number"

    customer_number: Number
    contract_number: Number
    name: Text
    site: Text | None = None
    cost_centre: Text | None = None
    signed_on: Day | None = None
    starts_on: Day
    min_term_months: Months | None = Field(description="null: no minimum term was agreed")
    renewal_months: Annotated[int, Field(ge=0, le=600)] | None = Field(
        description="0 or null: after the minimum term it runs on until notice"
    )
    notice: NoticeRule
    cancelled_on: Day | None = None
    ends_on: Day | None = None
    charged_until: Day | None = None
    telecom_service: bool
    positions: Annotated[tuple[ContractPosition, ...], Field(max_length=500)]
    version: Annotated[int, Field(ge=0, lt=2**63)]
    removed: bool = False


Line = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
PersonName = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
PhoneText = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
EmailText = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^\x00-\x1f\x7f]*$")]
ContactRole = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9 _-]{0,39}$")]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]


class ContactUpserted(Event):
    """Somebody one can call, as the CRM knows them now. Business key: source and contact id."""

    subject = "crm.contact.upserted.v1"
    listeners = frozenset({"contacts"})
    entity_field = "contact_id"

    contact_id: Number
    side: Literal["operator", "customer"]
    customer_number: Number | None = Field(default=None, description="none: an operator contact for everybody")
    given_name: PersonName = ""
    family_name: PersonName = ""
    organisation: Line | None = None
    roles: Annotated[tuple[ContactRole, ...], Field(max_length=20)] = ()
    email: EmailText | None = None
    phone: PhoneText | None = Field(default=None, description="as usually written; ITU-T E.164")
    mobile: PhoneText | None = None
    hours: Line | None = Field(default=None, description="when to call, in words")
    languages: Annotated[tuple[LanguageTag, ...], Field(max_length=20)] = ()
    deputy_of: Number | None = Field(default=None, description="contact id of whom this one stands in for")
    version: Annotated[int, Field(ge=0, lt=2**63)]
    removed: bool = False

    @model_validator(mode="after")
    def customers_people_have_a_customer(self) -> Self:
        """Only an operator contact may be for everybody."""
        if self.side == "customer" and self.customer_number is None:
            raise ValueError("a contact of a customer needs its customer_number")
        return self
