"""What the CRM tells us (feed). Contracts and contacts come with their services."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

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
