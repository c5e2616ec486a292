"""Building blocks over the database that endpoints, handlers and the command line share."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import utc_now
from chassis.outbox import emit
from events.users import UserChanged
from services.users.models import PLACE, AlreadyMember, Customer, LastAdmin, Membership, User


def today() -> datetime:
    """Now, where the operator is: memberships end with the day there."""
    return utc_now().astimezone(PLACE)


async def user_changed(session: AsyncSession, user: User) -> UserChanged:
    """The whole state of a person, under the next version."""
    user.version += 1
    return await user_state(session, user)


async def user_state(session: AsyncSession, user: User) -> UserChanged:
    """The whole state of a person."""
    await session.flush()
    theirs = (await session.scalars(select(Membership).where(Membership.user_id == user.id))).all()
    return UserChanged(
        user_id=user.id,
        version=user.version,
        email=user.email,
        given_name=user.given_name,
        family_name=user.family_name,
        language="en" if user.language == "en" else "de",
        active=any(membership.counts(today().date()) for membership in theirs),
    )


async def find_or_add_user(
    session: AsyncSession, *, email: str, given_name: str, family_name: str, language: str
) -> User:
    """The person with this address; a new one where nobody has it."""
    key = email.casefold()
    user = await session.scalar(select(User).where(User.email_key == key).with_for_update())
    if user is None:
        user = User(
            id=uuid4(),
            email=email,
            email_key=key,
            given_name=given_name,
            family_name=family_name,
            language=language,
            version=0,
            created_at=utc_now(),
        )
        session.add(user)
        await session.flush()
    return user


async def add_membership(
    session: AsyncSession, user: User, *, customer_id: UUID | None, role: str, modules: list[str], **rest: object
) -> Membership:
    """A further place for this person; tells the world about both.

    Raises:
        AlreadyMember: there is one already.
    """
    same = select(Membership).where(Membership.user_id == user.id)
    same = same.where(
        Membership.customer_id.is_(None) if customer_id is None else Membership.customer_id == customer_id
    )
    if await session.scalar(same) is not None:
        raise AlreadyMember
    membership = Membership(
        id=uuid4(),
        user_id=user.id,
        user=user,
        customer_id=customer_id,
        role=role,
        staff_role=rest.get("staff_role"),
        modules=modules,
        active=True,
        expires_on=rest.get("expires_on"),
        version=0,
        created_at=utc_now(),
        invitation="none",
    )
    session.add(membership)
    emit(session, membership.changed())
    emit(session, await user_changed(session, user))
    return membership


async def invite_operator(  # noqa: PLR0913  # one argument for each field of a person
    session: AsyncSession,
    *,
    email: str,
    given_name: str,
    family_name: str,
    staff_role: str,
    language: str,
    company: str,
) -> Membership:
    """One of the operator's own people, with an invitation; the same address again is invited again."""
    user = await find_or_add_user(
        session, email=email, given_name=given_name, family_name=family_name, language=language
    )
    mine = select(Membership).where(Membership.user_id == user.id, Membership.customer_id.is_(None))
    membership = await session.scalar(mine)
    if membership is None:
        membership = await add_membership(
            session, user, customer_id=None, role="operator", modules=[], staff_role=staff_role
        )
    membership.user = user
    emit(session, membership.invite(by=company, actor_id=None, company=company, now=utc_now()))
    return membership


async def keep_an_admin(session: AsyncSession, membership: Membership) -> None:
    """Call before an active admin is taken away; holds the company's row, so two cannot remove each other.

    Raises:
        LastAdmin: nobody else would be left.
    """
    if membership.role != "admin" or not membership.counts(today().date()):
        return
    await session.execute(select(Customer.id).where(Customer.id == membership.customer_id).with_for_update())
    others = select(func.count()).select_from(Membership)
    others = others.where(
        Membership.customer_id == membership.customer_id,
        Membership.role == "admin",
        Membership.active,
        (Membership.expires_on.is_(None)) | (Membership.expires_on >= today().date()),
        Membership.id != membership.id,
    )
    if not await session.scalar(others):
        raise LastAdmin


async def republish(session: AsyncSession) -> int:
    """Emit the current state of all customers, users and memberships again, with their versions."""
    customers = (await session.scalars(select(Customer))).all()
    users = (await session.scalars(select(User))).all()
    memberships = (await session.scalars(select(Membership))).all()
    for customer in customers:
        emit(session, customer.state())
    for user in users:
        emit(session, await user_state(session, user))
    for membership in memberships:
        emit(session, membership.state_event())
    return len(customers) + len(users) + len(memberships)
