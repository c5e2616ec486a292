"""What `users` hears: customers of the CRM, the steps of the first access, lines for the audit log."""

from uuid import UUID, uuid4

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import EventRouter
from chassis.db import utc_now
from chassis.outbox import emit
from events.auth import (
    AuthAuditRecorded,
    InvitationFailed,
    InvitationOpened,
    InvitationSent,
    LoginFailed,
    LoginLocked,
    LoginSucceeded,
    PasswordSet,
    SecondFactorEnrolled,
    SecondFactorReset,
)
from events.base import AuditRecorded
from events.crm import CustomerUpserted
from events.documents import DocumentsAuditRecorded
from events.users import UsersAuditRecorded
from services.users.audit import BEGINNING, line_hash
from services.users.models import AuditLine, Customer, Membership, User

handlers = EventRouter("users")
_ONE_AFTER_THE_OTHER = 7_201_027  # any number: the advisory lock of the audit chain


@handlers.on(CustomerUpserted)
async def take_over_customer(event: CustomerUpserted, session: AsyncSession) -> None:
    """The CRM's word counts, its higher version wins."""
    this = select(Customer).where(Customer.number == event.customer_number).with_for_update()
    customer = await session.scalar(this)
    if customer is None:
        customer = Customer(id=uuid4(), number=event.customer_number, version=0, feed_version=-1, created_at=utc_now())
        session.add(customer)
    elif event.version <= customer.feed_version:
        return
    customer.feed_version = event.version
    customer.name = event.name
    customer.language = event.language
    customer.time_zone = event.time_zone
    customer.email_domains = [domain.lower() for domain in event.email_domains]
    customer.colocation = event.colocation
    customer.end_user = event.end_user
    customer.active = not event.removed
    emit(session, customer.changed())


@handlers.on(InvitationSent, InvitationFailed, InvitationOpened)
async def note_invitation(event: InvitationSent | InvitationFailed | InvitationOpened, session: AsyncSession) -> None:
    """What became of the link, for the row; older news than the newest sending is ignored."""
    membership = await session.get(Membership, event.membership_id, with_for_update=True)
    if membership is None or membership.invitation == "used":
        return
    if membership.invitation_sent_at and event.occurred_at < membership.invitation_sent_at:
        return
    if isinstance(event, InvitationSent):
        membership.invitation_expires_at = event.expires_at
        membership.invitation_error = None
        membership.invitation = "opened" if membership.invitation_opened_at else "sent"
    elif isinstance(event, InvitationOpened):
        membership.invitation = "opened"
        membership.invitation_opened_at = event.occurred_at
    else:
        membership.invitation = "refused"
        membership.invitation_error = event.reason[:300]


@handlers.on(PasswordSet, SecondFactorEnrolled, SecondFactorReset, LoginSucceeded, LoginLocked)
async def note_step(
    event: PasswordSet | SecondFactorEnrolled | SecondFactorReset | LoginSucceeded | LoginLocked, session: AsyncSession
) -> None:
    """How far the person has come."""
    user = await session.get(User, event.user_id, with_for_update=True) if event.user_id else None
    if user is None:
        return
    match event:
        case PasswordSet():
            user.password_set_at = max(user.password_set_at or event.occurred_at, event.occurred_at)
            await _use_invitation(event.membership_id, session)
        case SecondFactorEnrolled():
            user.second_factor_at = max(user.second_factor_at or event.occurred_at, event.occurred_at)
            user.locked_at = None
        case SecondFactorReset(cause="reset"):
            user.second_factor_at = None
        case LoginSucceeded():
            user.last_login_at = max(user.last_login_at or event.occurred_at, event.occurred_at)
            if user.locked_at and user.locked_at < event.occurred_at:
                user.locked_at = None
        case LoginLocked(step="second_factor") | SecondFactorReset(cause="locked"):
            user.locked_at = event.occurred_at


async def _use_invitation(membership_id: UUID | None, session: AsyncSession) -> None:
    membership = await session.get(Membership, membership_id, with_for_update=True) if membership_id else None
    if membership is not None:
        membership.invitation = "used"


@handlers.on(LoginFailed)
async def note_nothing(_event: LoginFailed, _session: AsyncSession) -> None:
    """Failed tries stand in the audit log already; the row does not change."""


@handlers.on(AuthAuditRecorded, DocumentsAuditRecorded, UsersAuditRecorded)
async def append_to_audit_log(event: AuditRecorded, session: AsyncSession) -> None:
    """One line after the other: the lock makes the chain a chain."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_ONE_AFTER_THE_OTHER})"))
    newest = await session.scalar(select(AuditLine).order_by(AuditLine.position.desc()).limit(1))
    line = event.model_dump(mode="json") | {"id": event.envelope.id, "owner": event.owner()}
    session.add(
        AuditLine(
            position=newest.position + 1 if newest else 1,
            customer_id=event.customer_id,
            line=line,
            hash=line_hash(newest.hash if newest else BEGINNING, line),
        )
    )
