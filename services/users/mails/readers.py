"""Who gets a mail now: users who may see it and want it, and contacts whose role it concerns."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from services.users.mails.interests import INTERESTS, Name
from services.users.models import MAIL, MODULES, Choice, Contact, MailRow, Membership, Notice, Side, address_key

ACCOUNT_MANAGER = "account_manager"
"""The operator's contact who is told what a customer has shared."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who may get a mail.

    Attributes:
        wanted: The names of the news that they want.
        modules: What they may see.
        roles: As which contact they are told.
    """

    address: str
    name: str
    language: str
    wanted: frozenset[str]
    modules: frozenset[str]
    roles: tuple[str, ...] = ()
    user_id: UUID | None = None
    membership_id: UUID | None = None
    contact_id: UUID | None = None

    def gets(self, notice: Notice) -> bool:
        """Wanted, and for their eyes."""
        only_for = notice.words.get("for")
        mine = only_for is None or only_for == str(self.user_id)
        return mine and notice.interest in self.wanted and notice.module in self.modules


async def readers(session: AsyncSession, customer_id: UUID, side: Side, now: datetime) -> list[Reader]:
    """Everybody who may be told of this customer's news, each address once."""
    found = [*await _users(session, customer_id, side, now), *await _contacts(session, customer_id, side)]
    return list({address_key(one.address): one for one in reversed(found)}.values())[::-1]


async def people(session: AsyncSession, customer_id: UUID | None, now: datetime) -> list[Membership]:
    """Who has been in, and still may; whoever was only entered or invited hears nothing yet."""
    here = Membership.customer_id.is_(None) if customer_id is None else Membership.customer_id == customer_id
    theirs = select(Membership).where(here, Membership.active, Membership.removed_at.is_(None))
    both = theirs.options(joinedload(Membership.user), joinedload(Membership.customer)).order_by(Membership.created_at)
    found = (await session.scalars(both)).all()
    return [
        one for one in found if one.counts(now) and one.has_entered and (one.customer is None or one.customer.active)
    ]


async def _users(session: AsyncSession, customer_id: UUID, side: Side, now: datetime) -> list[Reader]:
    places = await people(session, customer_id if side == "customer" else None, now)
    said = await _choices(session, [one.user_id for one in places])
    return [user_reader(one, said[one.user_id]) for one in places]


def user_reader(place: Membership, said: Mapping[str, bool]) -> Reader:
    """A user at one place, who has said this about what to be told."""
    return Reader(
        place.user.email,
        place.user.name,
        place.user.language,
        frozenset(name for name in INTERESTS if _wants(name, place, said)),
        frozenset(MODULES if place.customer_id is None else place.effective_modules),
        user_id=place.user_id,
        membership_id=place.id,
    )


def _wants(name: Name, place: Membership, said: Mapping[str, bool]) -> bool:
    interest = INTERESTS[name]
    return interest.concerns([place]) and said.get(name, interest.wanted_by_default([place]))


async def _choices(session: AsyncSession, user_ids: Iterable[UUID]) -> defaultdict[UUID, dict[str, bool]]:
    said: defaultdict[UUID, dict[str, bool]] = defaultdict(dict)
    theirs = select(Choice).where(Choice.user_id.in_(user_ids), Choice.channel == MAIL)
    for choice in await session.scalars(theirs):
        said[choice.user_id][choice.event] = choice.wanted
    return said


async def _contacts(session: AsyncSession, customer_id: UUID, side: Side) -> list[Reader]:
    """By their roles; what only users may see stays with the users."""
    if side == "customer":
        told = {name: interest.role for name, interest in INTERESTS.items() if interest.role}
    else:
        told = {"file_shared": ACCOUNT_MANAGER}
    modules = frozenset(MODULES) - {"call_records"}
    return [
        Reader(one.email, one.name, one.language, wanted, modules, tuple(one.roles), contact_id=one.id)
        for one in await contacts_of(session, customer_id, side)
        if one.email and (wanted := frozenset(name for name, role in told.items() if role in one.roles))
    ]


async def contacts_of(session: AsyncSession, customer_id: UUID, side: Side) -> list[Contact]:
    """Those of this customer who can be written to; of the operator's the customer's own before those for everybody."""
    here = Contact.customer_id == customer_id
    wanted = select(Contact).where(
        or_(here, Contact.customer_id.is_(None)) if side == "operator" else here,
        Contact.side == side,
        Contact.active,
        Contact.email.is_not(None),
    )
    found = list(await session.scalars(wanted.order_by(Contact.id)))
    own = [one for one in found if one.customer_id is not None and ACCOUNT_MANAGER in one.roles]
    return own or found


def mail_to(reader: Reader, kind: str, words: dict[str, Any], customer_id: UUID | None, now: datetime) -> MailRow:
    """A mail that the postman finds at once."""
    return MailRow(
        kind=kind,
        recipient=reader.address,
        language="en" if reader.language == "en" else "de",
        words=words | {"addressee": reader.name},
        customer_id=customer_id,
        user_id=reader.user_id,
        membership_id=reader.membership_id,
        contact_id=reader.contact_id,
        created_at=now,
        next_try_at=now,
    )
