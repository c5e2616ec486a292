"""Counters in the database. Each count is committed before the answer, in a transaction of its own."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import insert_new
from chassis.errors import TooMany
from services.auth.models import CounterRow, account_key
from services.auth.secrets import token_hash
from services.auth.settings import Settings
from services.auth.throttle import Limit, Rule, address_block, counted, wait

NO_WAIT = timedelta(0)
_THESE = (
    select(CounterRow)
    .where(CounterRow.key.in_(bindparam("wanted", expanding=True)))
    .order_by(CounterRow.key)
    .with_for_update()
)


def password_rule(settings: Settings) -> Rule:
    """Throttles, never locks: the pause grows to a limit."""
    limit = Limit(settings.password_tries, settings.password_window)
    return Rule((limit,), settings.password_first_delay, settings.password_longest_delay)


def second_factor_rule(settings: Settings) -> Rule:
    """Three windows at once."""
    return Rule(
        (
            Limit(settings.second_factor_tries_per_5_minutes, timedelta(minutes=5)),
            Limit(settings.second_factor_tries_per_hour, timedelta(hours=1)),
            Limit(settings.second_factor_tries_per_day, timedelta(days=1)),
        )
    )


def account_counter(purpose: str, username: str) -> str:
    """By name, not by account: a name nobody has counts the same way. No address in clear."""
    return f"{purpose}:account:{token_hash(account_key(username))}"


def address_counter(purpose: str, address: str) -> str:
    """One IPv4 address, or one IPv6 /64."""
    return f"{purpose}:address:{address_block(address)}"


def device_counter(user_id: UUID, device_hash: str) -> str:
    """A known device's own tries, which strangers cannot use up."""
    return f"password:device:{user_id}:{device_hash}"


def factor_counter(user_id: UUID) -> str:
    """Codes for an app in use."""
    return f"factor:user:{user_id}"


def enrolment_counter(user_id: UUID) -> str:
    """Codes while an app is being set up: the caller knows the seed, so nothing is ever locked by them."""
    return f"enrolment:user:{user_id}"


async def take(session: AsyncSession, rules: Mapping[str, Rule], now: datetime) -> timedelta:
    """Count one try on all of these counters, or on none of them.

    Returns:
        `NO_WAIT` when it was counted, else how long until the next try is allowed.
    """
    return count(await locked(session, rules, now), rules, now)


def count(rows: Mapping[str, CounterRow], rules: Mapping[str, Rule], now: datetime) -> timedelta:
    """`take` for rows that are held already."""
    longest = max(wait(rules[key], row.counter, now) for key, row in rows.items())
    if longest > NO_WAIT:
        return longest
    for key, row in rows.items():
        row.keep(counted(rules[key], row.counter, now), now)
    return NO_WAIT


async def locked(session: AsyncSession, keys: Mapping[str, object], now: datetime) -> dict[str, CounterRow]:
    """The rows, made where missing, held until the transaction ends.

    In one order, so that nobody waits in a ring. Only first tries of three at the same moment may; then PostgreSQL
    refuses one of them after a second.
    """
    rows = {row.key: row for row in await session.scalars(_THESE, {"wanted": list(keys)})}
    missing = sorted(set(keys) - set(rows))
    if not missing:
        return rows
    for key in missing:
        fresh = {"tries": [], "strikes": 0, "blocked_until": 0.0, "failures_in_a_row": 0}
        await insert_new(session, CounterRow, key=key, updated_at=now, **fresh)
    return {row.key: row for row in await session.scalars(_THESE, {"wanted": list(keys)})}


async def give_back(session: AsyncSession, keys: Mapping[str, object], taken: datetime) -> None:
    """The try was a success."""
    for row in (await locked(session, keys, taken)).values():
        row.give_back(taken)


async def clear(session: AsyncSession, keys: Mapping[str, object], now: datetime) -> None:
    """Start these counters anew."""
    for row in (await locked(session, keys, now)).values():
        row.start_anew(now)


def refuse_for(pause: timedelta) -> TooMany:
    """The error that tells how long to wait."""
    return TooMany(headers={"Retry-After": str(max(1, math.ceil(pause.total_seconds())))})
