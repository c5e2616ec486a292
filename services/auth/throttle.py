"""How many tries are allowed in how much time. Pure: time is an argument, `counters` keeps the state."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

REST = timedelta(hours=1)
"""After so long without a try the growing pause starts from its beginning."""

CLOCK_TOLERANCE = timedelta(minutes=1)
"""Clocks differ by so much. What is dated later was written while a clock was wrong, and says nothing."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many tries in any span of this length."""

    tries: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Rule:
    """Several limits at once; each time one is used up, the pause doubles."""

    limits: tuple[Limit, ...]
    first_delay: timedelta = timedelta(0)
    longest_delay: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Counter:
    """The tries of the recent past (seconds since 1970), and the pause that they brought."""

    tries: tuple[float, ...] = ()
    strikes: int = 0
    blocked_until: float = 0.0


def wait(rule: Rule, counter: Counter, now: datetime) -> timedelta:
    """How long until the next try is allowed; zero: now. Source: docs/rules/access.md, A-8."""
    at = now.timestamp()
    latest = at + CLOCK_TOLERANCE.total_seconds()
    blocked = counter.blocked_until - at
    seconds = [0.0, blocked if blocked <= (rule.longest_delay + CLOCK_TOLERANCE).total_seconds() else 0.0]
    for limit in rule.limits:
        recent = [tried for tried in counter.tries if at - limit.per.total_seconds() < tried <= latest]
        if len(recent) >= limit.tries:
            seconds.append(recent[-limit.tries] + limit.per.total_seconds() - at)
    return timedelta(seconds=max(seconds))


def counted(rule: Rule, counter: Counter, now: datetime) -> Counter:
    """The counter after one more try, which `wait` has allowed."""
    at = now.timestamp()
    kept = max([REST, *(limit.per for limit in rule.limits)]).total_seconds()
    latest = at + CLOCK_TOLERANCE.total_seconds()
    earlier = tuple(tried for tried in counter.tries if at - kept < tried <= latest)
    tries = (*earlier, at)
    rested = not earlier or earlier[-1] < at - REST.total_seconds()
    after = Counter(tries, 0 if rested else counter.strikes)
    if not _used_up(rule, after, at):
        return after
    pause = min(rule.first_delay * 2 ** min(after.strikes, 20), rule.longest_delay)
    return replace(after, strikes=after.strikes + 1, blocked_until=at + pause.total_seconds())


def given_back(counter: Counter, taken: datetime) -> Counter:
    """The counter without the try of this moment: it was a success, and only failures count."""
    at = taken.timestamp()
    tries = list(counter.tries)
    if at not in tries:
        return counter
    caused_the_pause = counter.blocked_until > at and tries[-1] == at
    tries.remove(at)
    if not caused_the_pause:
        return replace(counter, tries=tuple(tries))
    return Counter(tuple(tries), max(0, counter.strikes - 1), 0.0)


def address_block(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that one IPv6 household has."""
    try:
        parsed = ip_address(address.split("%", 1)[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(IPv6Network((parsed, 64), strict=False))
        parsed = parsed.ipv4_mapped
    return str(IPv4Network(parsed))


def _used_up(rule: Rule, counter: Counter, at: float) -> bool:
    return any(
        sum(tried > at - limit.per.total_seconds() for tried in counter.tries) >= limit.tries for limit in rule.limits
    )
