"""What `users` hears: customers of the CRM, the steps of the first access, lines for the audit log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import EventRouter
from chassis.outbox import emit
from events.auth import (
    AuthAuditRecorded,
    EmailConfirmed,
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
from events.base import AuditRecorded, InvalidEvent
from events.contacts import ContactsAuditRecorded
from events.contracts import ContractsAuditRecorded
from events.crm import CustomerUpserted
from events.documents import DocumentsAuditRecorded
from events.metrics import MetricsAuditRecorded
from events.users import UsersAuditRecorded
from services.users.chain import append
from services.users.mails import hearing as mails
from services.users.models import TIME_ZONES, Customer, CustomerNumberTaken, Membership, Step, User
from services.users.people import add_customer, hold_user, take_address
from services.users.progress import telling

handlers = EventRouter("users")
handlers.include(mails.handlers)


@handlers.on(EmailConfirmed)
async def rename(event: EmailConfirmed, session: AsyncSession) -> None:
    """A person has proved that another address is his.

    Raises:
        InvalidEvent: somebody else has it as a user name by now.
    """
    if not await take_address(session, event.user_id, event.email):
        raise InvalidEvent("address_in_use", "Somebody else has this address as a user name.")


@handlers.on(CustomerUpserted)
async def take_over_customer(event: CustomerUpserted, session: AsyncSession) -> None:
    """The CRM's word counts, its higher version wins.

    Raises:
        InvalidEvent: a time zone that nobody knows.
    """
    if event.time_zone not in TIME_ZONES:
        wrong = {"pointer": "/data/time_zone", "detail": "not a time zone of the IANA database"}
        raise InvalidEvent("invalid_data", "The data does not match the schema.", [wrong])
    state = {
        "name": event.name,
        "language": event.language,
        "time_zone": event.time_zone,
        "email_domains": [domain.lower() for domain in event.email_domains],
        "colocation": event.colocation,
        "end_user": event.end_user,
        "active": not event.removed,
    }
    try:
        await add_customer(session, number=event.customer_number, feed_version=event.version, **state)
    except CustomerNumberTaken:
        await _update_customer(event, session, state)


async def _update_customer(event: CustomerUpserted, session: AsyncSession, state: dict[str, object]) -> None:
    this = select(Customer).where(Customer.number == event.customer_number).with_for_update(key_share=True)
    customer = (await session.scalars(this)).one()
    if event.version <= customer.feed_version:
        return
    customer.feed_version = event.version
    for name, value in state.items():
        setattr(customer, name, value)
    emit(session, customer.changed())


@handlers.on(InvitationSent, InvitationFailed, InvitationOpened)
async def note_invitation(event: InvitationSent | InvitationFailed | InvitationOpened, session: AsyncSession) -> None:
    """What became of the link, for the row."""
    membership = await session.get(Membership, event.membership_id, with_for_update=True)
    if membership is None or membership.user_id != event.user_id or not membership.link_news_count(event.occurred_at):
        return
    async with telling(session, event.user_id):
        match event:
            case InvitationSent():
                membership.link_sent(event.expires_at)
            case InvitationOpened():
                membership.link_opened(event.occurred_at)
            case InvitationFailed():
                membership.link_refused(event.reason)


@handlers.on(PasswordSet)
async def note_password(event: PasswordSet, session: AsyncSession) -> None:
    """A password from any company's link makes the links of the others needless."""
    async with telling(session, event.user_id):
        known = await _reached("password_set_at", event.user_id, event.occurred_at, session)
        if known and event.cause == "invitation":
            for membership in await _invited(event.user_id, session):
                membership.link_used()


@handlers.on(SecondFactorEnrolled)
async def note_second_factor(event: SecondFactorEnrolled, session: AsyncSession) -> None:
    """The app is set up."""
    async with telling(session, event.user_id):
        await _reached("second_factor_at", event.user_id, event.occurred_at, session)


@handlers.on(SecondFactorReset)
async def note_second_factor_reset(event: SecondFactorReset, session: AsyncSession) -> None:
    """The app was taken away, or locked."""
    step: Step = "second_factor_reset_at" if event.cause == "reset" else "locked_at"
    async with telling(session, event.user_id):
        await _reached(step, event.user_id, event.occurred_at, session)


@handlers.on(LoginSucceeded)
async def note_login(event: LoginSucceeded, session: AsyncSession) -> None:
    """Last sign-in. Whoever was known before and was told of a further company has come there now."""
    async with telling(session, event.user_id):
        if await _reached("last_login_at", event.user_id, event.occurred_at, session):
            for membership in await _invited(event.user_id, session):
                if membership.invitation_sent_at and membership.invitation_sent_at <= event.occurred_at:
                    membership.link_used()


@handlers.on(LoginLocked)
async def note_lock(event: LoginLocked, session: AsyncSession) -> None:
    """Wrong codes lock the app; wrong passwords only delay, which is no state of the row."""
    if event.step == "second_factor" and event.user_id is not None:
        async with telling(session, event.user_id):
            await _reached("locked_at", event.user_id, event.occurred_at, session)


@handlers.on(LoginFailed)
async def note_nothing(_event: LoginFailed, _session: AsyncSession) -> None:
    """Failed tries stand in the audit log already; the row does not change."""


async def _reached(step: Step, user_id: UUID, at: datetime, session: AsyncSession) -> User | None:
    user = await hold_user(session, user_id)
    if user is not None:
        user.reached(step, at)
    return user


async def _invited(user_id: UUID, session: AsyncSession) -> list[Membership]:
    theirs = select(Membership).where(Membership.user_id == user_id, Membership.invitation.not_in(("none", "used")))
    return list(await session.scalars(theirs.with_for_update()))


@handlers.on(
    AuthAuditRecorded,
    ContractsAuditRecorded,
    ContactsAuditRecorded,
    DocumentsAuditRecorded,
    MetricsAuditRecorded,
    UsersAuditRecorded,
)
async def append_to_audit_log(event: AuditRecorded, session: AsyncSession) -> None:
    """One line more."""
    await append(session, event)
