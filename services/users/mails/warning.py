"""Mails that nobody can switch off, written at once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import utc_now
from events.users import SecondFactorResetRequested
from services.users.mails.readers import Reader, contacts_of, mail_to, people, user_reader
from services.users.models import Customer, Membership, address_key
from services.users.settings import settings

KIND = "second_factor_reset"
RESPONSIBLE = ("management", "abuse")
"""Roles of the contacts who hear that the operator has reset somebody: perhaps there is no other admin."""


async def warn_of_reset(event: SecondFactorResetRequested, session: AsyncSession) -> None:
    """The person and all admins are told; where the operator did it, also the company's responsible contacts."""
    now = utc_now()
    if now - event.envelope.time > settings().news_age:
        return
    places = await people(session, event.customer_id, now)
    customer = await session.get(Customer, event.customer_id) if event.customer_id else None
    person = next((one for one in places if one.user_id == event.user_id), None)
    words = event.model_dump(mode="json", include={"reason", "requested_by", "by_operator", "occurred_at"})
    words |= {"customer": customer.name if customer else "", "time_zone": customer.time_zone if customer else None}
    words |= {"person": person.user.name if person else "", "side": "customer"}
    for reader in await _readers(session, event, places, now):
        role = next((role for role in RESPONSIBLE if role in reader.roles), None)
        own = {"own": reader.user_id == event.user_id, "role": role}
        session.add(mail_to(reader, KIND, words | own, event.customer_id, now))


async def _readers(
    session: AsyncSession, event: SecondFactorResetRequested, places: list[Membership], now: datetime
) -> list[Reader]:
    concerned = [one for one in places if one.user_id == event.user_id or _administers(one)]
    found = [user_reader(one, {}) for one in concerned]
    if event.by_operator and event.customer_id:
        found += await _responsible(session, event.customer_id)
    return list({address_key(one.address): one for one in reversed(found)}.values())[::-1]


def _administers(place: Membership) -> bool:
    return place.role == "admin" or place.staff_role == "administrator"


async def _responsible(session: AsyncSession, customer_id: UUID) -> list[Reader]:
    return [
        Reader(one.email, one.name, one.language, frozenset(), frozenset(), roles=tuple(one.roles), contact_id=one.id)
        for one in await contacts_of(session, customer_id, "customer")
        if one.email and set(RESPONSIBLE) & set(one.roles)
    ]
