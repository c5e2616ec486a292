"""What is worth a mail, as the other services tell it; and who can be written to without being a user."""

from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import EventRouter
from chassis.db import insert_new
from events.contacts import ApprovalDecided, ApprovalRequested, ContactChanged, ReviewDue
from events.contracts import NoticeApproaching
from events.documents import DocumentFiled, FileQuarantined, FileShared, InvoiceFiled
from events.metrics import CommitExceeded, CommitNearing, ThresholdExceeded
from events.users import SecondFactorResetRequested
from services.users.mails.noting import News, note
from services.users.mails.warning import warn_of_reset
from services.users.models import Contact, Side

_OF_A_FILE = {"file_id", "folder_id", "name", "folder", "shared_by"}

handlers = EventRouter("users")
handlers.on(SecondFactorResetRequested)(warn_of_reset)


@handlers.on(InvoiceFiled)
async def note_invoice(event: InvoiceFiled, session: AsyncSession) -> None:
    """Backfilled history is told to nobody."""
    if event.notify:
        shown = {"document_id", "number", "kind", "issued_on", "due_on", "gross", "currency"}
        words = event.model_dump(mode="json", include=shown)
        await note(session, event, News(event.customer_id, "invoice_filed", "invoices", words))


@handlers.on(DocumentFiled)
async def note_document(event: DocumentFiled, session: AsyncSession) -> None:
    """Call records are for those who may see call records."""
    if event.notify:
        module = "call_records" if event.kind == "call_records" else "invoices"
        words = event.model_dump(mode="json", include={"document_id", "number", "kind", "title", "issued_on"})
        await note(session, event, News(event.customer_id, "document_filed", module, words))


@handlers.on(FileShared)
async def note_file(event: FileShared, session: AsyncSession) -> None:
    """The other side is told."""
    words = event.model_dump(mode="json", include=_OF_A_FILE | {"size_bytes"})
    words["key"] = str(event.file_id)
    other: Side = "operator" if event.side == "customer" else "customer"
    await note(session, event, News(event.customer_id, "file_shared", "exchange", words, other))


@handlers.on(FileQuarantined)
async def note_quarantine(event: FileQuarantined, session: AsyncSession) -> None:
    """Whoever brought it should know that nobody gets it, and look at the own machines."""
    words = event.model_dump(mode="json", include=_OF_A_FILE | {"signature"})
    await note(session, event, News(event.customer_id, "file_quarantined", "exchange", words, event.side))


@handlers.on(NoticeApproaching)
async def note_notice_day(event: NoticeApproaching, session: AsyncSession) -> None:
    """So that nobody misses the last day on which a contract can be ended."""
    shown = {"contract_id", "number", "name", "months_before", "last_notice_day", "earliest_end_on"}
    words = event.model_dump(mode="json", include=shown)
    await note(session, event, News(event.customer_id, "contract_notice", "contracts", words))


@handlers.on(ReviewDue)
async def note_review(event: ReviewDue, session: AsyncSession) -> None:
    """Nobody has said for a year that the contact is still right."""
    words = event.model_dump(mode="json", include={"contact_id", "roles", "due_on"}) | await _named(
        session, event.contact_id
    )
    await note(session, event, News(event.customer_id, "contact_review", "contacts", words))


@handlers.on(ApprovalRequested)
async def note_waiting_change(event: ApprovalRequested, session: AsyncSession) -> None:
    """The operator's people decide."""
    words = event.model_dump(mode="json", include={"contact_id", "kind", "requested_by"}) | await _named(
        session, event.contact_id
    )
    words["key"] = str(event.contact_id)
    await note(session, event, News(event.customer_id, "contact_waiting", "contacts", words, "operator"))


@handlers.on(ApprovalDecided)
async def note_decision(event: ApprovalDecided, session: AsyncSession) -> None:
    """Only whoever asked for it is told."""
    words = event.model_dump(mode="json", include={"contact_id", "kind", "approved", "reason"})
    words |= {"for": str(event.requested_by_id)} | await _named(session, event.contact_id)
    await note(session, event, News(event.customer_id, "contact_decided", "contacts", words))


async def _named(session: AsyncSession, contact_id: UUID) -> dict[str, str]:
    """As the contact is called in force; one that is to be added has no name yet that may be told."""
    contact = await session.get(Contact, contact_id)
    return {"name": contact.name if contact else ""}


@handlers.on(CommitNearing, CommitExceeded)
async def note_commit(event: CommitNearing | CommitExceeded, session: AsyncSession) -> None:
    """The month's 95th percentile against what is committed."""
    words = event.model_dump(mode="json", include={"name", "month", "commit_bps", "p95_bps", "slots_left"})
    words |= {"exceeded": isinstance(event, CommitExceeded), **_line(event.line_id, event.group_id)}
    await note(session, event, News(event.customer_id, "traffic_commit", "graphs", words))


@handlers.on(ThresholdExceeded)
async def note_threshold(event: ThresholdExceeded, session: AsyncSession) -> None:
    """A limit that the customer has set."""
    shown = {"name", "month", "kind", "direction", "limit", "measured", "exceeded_at", "time_zone"}
    words = event.model_dump(mode="json", include=shown) | _line(event.line_id, None)
    await note(session, event, News(event.customer_id, "traffic_threshold", "graphs", words))


def _line(line_id: Any, group_id: Any) -> dict[str, str]:
    return {"line": str(line_id)} if line_id else {"group": str(group_id)}


@handlers.on(ContactChanged)
async def project_contact(event: ContactChanged, session: AsyncSession) -> None:
    """The newest state in force, whatever comes first."""
    state = {
        "customer_id": event.customer_id,
        "version": event.version,
        "side": event.side,
        "roles": list(event.roles),
        "name": f"{event.given_name} {event.family_name}".strip()[:200],
        "email": event.email,
        "language": event.language,
        "active": event.active,
    }
    if not await insert_new(session, Contact, id=event.contact_id, **state):
        newer = update(Contact).where(Contact.id == event.contact_id, Contact.version < event.version)
        await session.execute(newer.values(**state).execution_options(synchronize_session=False))
