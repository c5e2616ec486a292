"""What `contracts` tells: contracts as they are now, and notice days that come near."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from events.base import AuditRecorded, Event


class ContractChanged(Event):
    """The whole state of a contract, without its positions."""

    subject = "contracts.contract.changed.v1"
    entity_field = "contract_id"

    contract_id: UUID
    customer_id: UUID
    version: int = Field(description="counts every change of the contract at this customer, beginning with 1")
    number: str
    name: str
    site: str | None
    starts_on: date
    min_term_months: int | None
    renewal_months: int = Field(description="0: runs on until notice")
    cancelled_on: date | None
    ends_on: date | None
    charged_until: date | None
    removed: bool = Field(description="true when it is no longer this customer's, or was removed from the CRM")
    changed_at: datetime


class ContractCancelled(Event):
    """A contract that ran was cancelled."""

    subject = "contracts.contract.cancelled.v1"
    entity_field = "contract_id"

    contract_id: UUID
    customer_id: UUID
    number: str
    name: str
    cancelled_on: date
    ends_on: date | None
    occurred_at: datetime


class NoticeApproaching(Event):
    """The last notice day of a contract comes near; once for each contract, notice day and number of months."""

    subject = "contracts.notice.approaching.v1"
    listeners = frozenset({"users"})
    entity_field = "contract_id"

    contract_id: UUID
    customer_id: UUID
    number: str
    name: str
    months_before: int
    last_notice_day: date
    earliest_end_on: date = Field(description="the end that a notice of that day still reaches")
    occurred_at: datetime


class ContractsAuditRecorded(AuditRecorded):
    """A line of `contracts` for the audit log."""

    subject = "contracts.audit.recorded.v1"
    listeners = frozenset({"users"})
