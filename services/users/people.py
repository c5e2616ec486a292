"""Building blocks over the database that endpoints, handlers and the command line share.

Rows are always held in one order: person, membership, customer. So nobody waits for each other in a circle.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from chassis.db import insert_new, utc_now
from chassis.outbox import emit
from chassis.tenancy import as_system
from services.users.models import (
    AlreadyMember,
    Customer,
    CustomerNumberTaken,
    Leaving,
    Membership,
    User,
    WaitingInvitation,
    address_key,
    require_an_admin,
)

_STAFF = 7_201_028  # any number: the advisory lock of the operator's own people


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person as somebody else enters them."""

    email: str
    given_name: str
    family_name: str
    language: Literal["de", "en"]


@dataclass(frozen=True, slots=True)
class Place:
    """What a new membership allows."""

    role: Literal["admin", "member", "operator"]
    customer: Customer | None = None
    modules: Sequence[str] = field(default=())
    staff_role: Literal["agent", "administrator"] | None = None
    expires_on: date | None = None


async def add_customer(session: AsyncSession, *, number: str, feed_version: int = -1, **fields: Any) -> Customer:
    """A new company; tells the world.

    Raises:
        CustomerNumberTaken: somebody has it, if only since this moment.
    """
    customer_id = uuid4()
    fixed = {"id": customer_id, "number": number, "version": 0, "feed_version": feed_version, "created_at": utc_now()}
    if not await insert_new(session, Customer, **fixed, **({"active": True, "words": ""} | fields)):
        raise CustomerNumberTaken
    customer = await session.get_one(Customer, customer_id)
    emit(session, customer.changed())
    return customer


async def memberships_of(session: AsyncSession, user_id: UUID) -> Sequence[Membership]:
    """All places of a person that were not removed, with their customers."""
    await as_system(session)  # at every company
    theirs = select(Membership).where(Membership.user_id == user_id, Membership.removed_at.is_(None))
    return (await session.scalars(theirs.options(joinedload(Membership.customer)))).all()


async def emit_user(session: AsyncSession, user: User) -> None:
    """Tell the new state of a person. Hold the person first, so that no two states share a version."""
    await session.flush()
    now = utc_now()
    theirs = await memberships_of(session, user.id)
    emit(session, user.changed(active=any(one.counts(now) for one in theirs)))


async def hold_user(session: AsyncSession, user_id: UUID) -> User | None:
    """The person, until the transaction ends."""
    this = select(User).where(User.id == user_id).with_for_update().execution_options(populate_existing=True)
    return await session.scalar(this)


async def take_address(session: AsyncSession, user_id: UUID, email: str) -> bool:
    """Another user name for a person, told to the world; false when it is somebody else's. Again: no effect."""
    user = await hold_user(session, user_id)
    if user is None or user.email_key == address_key(email):
        return True
    if await find_user(session, email) is not None:
        return False
    user.email, user.email_key = email.strip().lower(), address_key(email)
    await emit_user(session, user)
    return True


async def find_user(session: AsyncSession, email: str) -> User | None:
    """The person with this address, held."""
    await as_system(session)  # maybe known from another company only
    this = select(User).where(User.email_key == address_key(email)).with_for_update()
    return await session.scalar(this)


async def find_or_add_user(session: AsyncSession, somebody: Somebody) -> User:
    """The person with this address, held; a new one where nobody has it. Of two at once, one adds."""
    await as_system(session)  # maybe known from another company, and in none until the place is made
    email = somebody.email.strip().lower()
    await insert_new(
        session,
        User,
        id=uuid4(),
        email=email,
        email_key=address_key(email),
        given_name=somebody.given_name,
        family_name=somebody.family_name,
        language=somebody.language,
        version=0,
        created_at=utc_now(),
    )
    user = await find_user(session, email)
    assert user is not None
    return user


async def add_member(session: AsyncSession, somebody: Somebody, place: Place) -> Membership:
    """A place for a person, who may be known from another one; tells the world about both. Sends nothing.

    Raises:
        AlreadyMember: the person has one there already.
    """
    user = await find_or_add_user(session, somebody)
    customer_id = place.customer.id if place.customer else None
    same = Membership.customer_id.is_(None) if customer_id is None else Membership.customer_id == customer_id
    before = await session.scalar(select(Membership).where(Membership.user_id == user.id, same).with_for_update())
    if before is not None and before.removed_at is None:
        raise AlreadyMember
    membership = before or Membership(id=uuid4(), version=0, user_id=user.id, customer_id=customer_id)
    session.add(membership)
    membership.user, membership.customer = user, place.customer
    membership.role, membership.staff_role = place.role, place.staff_role
    membership.modules = sorted(set(place.modules))
    membership.expires_on = place.expires_on
    membership.active, membership.removed_at, membership.created_at = True, None, utc_now()
    membership.invitation = "none"
    membership.withdraw_invitation()
    call_as_entered(membership, somebody)
    emit(session, membership.changed())
    await emit_user(session, user)
    return membership


def call_as_entered(membership: Membership, somebody: Somebody) -> None:
    """The company goes on seeing what it entered, also where the person is known by another name."""
    user = membership.user
    membership.given_name = None if somebody.given_name == user.given_name else somebody.given_name
    membership.family_name = None if somebody.family_name == user.family_name else somebody.family_name
    membership.language = None if somebody.language == user.language else somebody.language


async def rename(session: AsyncSession, membership: Membership, changes: dict[str, str]) -> None:
    """By an admin: the person's own names where this is the only place, else only what this company calls them."""
    if not changes:
        return
    others = [one for one in await memberships_of(session, membership.user_id) if one.id != membership.id]
    for name, value in changes.items():
        setattr(membership, name, value if others else None)
        if not others:
            setattr(membership.user, name, value)


async def rename_oneself(session: AsyncSession, user: User, changes: dict[str, str]) -> None:
    """The person's own word counts at every company where the person has been in."""
    await as_system(session)
    for name, value in changes.items():
        setattr(user, name, value)
    theirs = select(Membership).where(Membership.user_id == user.id, Membership.removed_at.is_(None))
    held = theirs.options(joinedload(Membership.user), joinedload(Membership.customer)).with_for_update(of=Membership)
    for membership in await session.scalars(held):
        if membership.has_entered:
            for name in changes:
                setattr(membership, name, None)
            emit(session, membership.changed())
    await emit_user(session, user)


async def correct_address(session: AsyncSession, membership: Membership, email: str) -> None:
    """The row goes to whoever has the right address. Nobody else's row changes, and nobody learns who is known.

    Raises:
        AddressInUse: the link was used.
        AlreadyMember: that person is in the list already.
    """
    wrong = membership.user
    membership.withdraw_invitation()
    if address_key(email) == wrong.email_key:
        return
    entered = Somebody(
        email,
        membership.given_name or wrong.given_name,
        membership.family_name or wrong.family_name,
        "en" if (membership.language or wrong.language) == "en" else "de",
    )
    others = [one for one in await memberships_of(session, wrong.id) if one.id != membership.id]
    right = await find_user(session, email)
    if right is None and not others and wrong.password_set_at is None:
        wrong.email, wrong.email_key = email, address_key(email)
        return
    right = right or await find_or_add_user(session, entered)
    await _make_room(session, right, membership)
    membership.user_id, membership.user = right.id, right
    call_as_entered(membership, entered)
    await emit_user(session, wrong)


async def _make_room(session: AsyncSession, right: User, membership: Membership) -> None:
    same = select(Membership).where(Membership.user_id == right.id, Membership.customer_id == membership.customer_id)
    before = await session.scalar(same.with_for_update())
    if before is not None and before.removed_at is None:
        raise AlreadyMember
    if before is not None:
        waiting = delete(WaitingInvitation).where(WaitingInvitation.membership_id == before.id)
        await session.execute(waiting.execution_options(synchronize_session=False))
        await session.delete(before)
        await session.flush()


async def keep_an_admin(session: AsyncSession, membership: Membership, leaving: Leaving | None) -> None:
    """Call before an admin is taken away; holds the company's row, so that two cannot remove each other.

    Raises:
        LastAdmin: nobody else would be left.
    """
    if leaving is None:
        return
    this = select(Customer.id).where(Customer.id == membership.customer_id)
    await session.execute(this.with_for_update(key_share=True))
    await _require_another(session, membership, leaving)


async def keep_an_administrator(session: AsyncSession, membership: Membership, leaving: Leaving | None) -> None:
    """As `keep_an_admin`, among the operator's own people; these are changed one after the other (`hold_staff`).

    Raises:
        LastAdmin: nobody else would be left.
    """
    if leaving is not None:
        await _require_another(session, membership, leaving)


async def _require_another(session: AsyncSession, membership: Membership, leaving: Leaving) -> None:
    others = select(Membership).where(Membership.customer_id == membership.customer_id, Membership.id != membership.id)
    require_an_admin(leaving, (await session.scalars(others)).all())


async def hold_staff(session: AsyncSession) -> None:
    """Whoever changes the operator's own people is alone until the transaction ends; SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_STAFF})"))


async def invite_operator(  # noqa: PLR0913  # one argument for each field of a person
    session: AsyncSession,
    *,
    email: str,
    given_name: str,
    family_name: str,
    staff_role: Literal["agent", "administrator"],
    language: Literal["de", "en"],
    company: str,
    by: str = "",
    actor_id: UUID | None = None,
) -> Membership:
    """One of the operator's own people, with an invitation; the same address again is invited again.

    Raises:
        AlreadyIn: the person has used the link.
    """
    somebody = Somebody(email, given_name, family_name, language)
    user = await find_or_add_user(session, somebody)
    mine = select(Membership).where(
        Membership.user_id == user.id, Membership.customer_id.is_(None), Membership.removed_at.is_(None)
    )
    membership = await session.scalar(mine.options(joinedload(Membership.customer)).with_for_update(of=Membership))
    if membership is None:
        membership = await add_member(session, somebody, Place("operator", staff_role=staff_role))
    membership.user = user
    emit(session, membership.invite(by=by or company, actor_id=actor_id, company=company, now=utc_now()))
    return membership


async def republish(session: AsyncSession) -> int:
    """Emit the current state of all customers, users and memberships again, with their versions."""
    customers = (await session.scalars(select(Customer))).all()
    memberships = (await session.scalars(select(Membership).options(joinedload(Membership.customer)))).all()
    users = (await session.scalars(select(User))).all()
    now = utc_now()
    active = {one.user_id for one in memberships if one.counts(now)}
    emit(session, *(customer.state() for customer in customers))
    emit(session, *(user.state(active=user.id in active) for user in users))
    emit(session, *(one.state_event() for one in memberships))
    return len(customers) + len(users) + len(memberships)
