"""The throttles as tables; time is an argument, no database."""

from datetime import UTC, datetime, timedelta

import pytest

from services.auth.settings import Settings
from services.auth.storage.counters import password_rule, second_factor_rule
from services.auth.throttle import Counter, Limit, Rule, address_block, counted, given_back, wait

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PASSWORDS = password_rule(Settings())
CODES = second_factor_rule(Settings())


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def tried(rule: Rule, moments: list[float]) -> Counter:
    """A counter after tries at these moments, each of which was allowed."""
    counter = Counter()
    for moment in moments:
        assert wait(rule, counter, after(moment)) <= timedelta(0), moment
        counter = counted(rule, counter, after(moment))
    return counter


def most_tries(rule: Rule, span: float, every: float) -> int:
    """How many tries somebody gets who knocks all the time."""
    counter, allowed, moment = Counter(), 0, 0.0
    while moment < span:
        if wait(rule, counter, after(moment)) <= timedelta(0):
            counter = counted(rule, counter, after(moment))
            allowed += 1
        moment += every
    return allowed


def test_ten_passwords_in_five_minutes_then_none() -> None:
    counter = tried(PASSWORDS, [float(second) for second in range(10)])

    assert wait(PASSWORDS, counter, after(9)) == timedelta(seconds=291)
    assert wait(PASSWORDS, counter, after(299)) == timedelta(seconds=1)
    assert wait(PASSWORDS, counter, after(300)) == timedelta(0)


def test_no_span_of_five_minutes_has_more_than_ten() -> None:
    counter = tried(PASSWORDS, [0, *([290.0] * 9)])

    assert wait(PASSWORDS, counter, after(301)) > timedelta(0)


def test_the_pause_doubles_up_to_fifteen_minutes_and_never_becomes_a_lock() -> None:
    counter, moment, pauses = Counter(), 0.0, []
    for _ in range(8):
        while True:
            counter = counted(PASSWORDS, counter, after(moment))
            if counter.blocked_until > after(moment).timestamp():
                break
        pauses.append(counter.blocked_until - after(moment).timestamp())
        moment += max(pauses[-1], 301)

    assert pauses == [30, 60, 120, 240, 480, 900, 900, 900]


def test_an_hours_rest_makes_the_pause_short_again() -> None:
    counter = tried(PASSWORDS, [0.0] * 10)
    again = counter
    for _ in range(10):
        again = counted(PASSWORDS, again, after(3601))

    assert again.strikes == 1
    assert again.blocked_until == after(3631).timestamp()


@pytest.mark.parametrize(
    ("span", "every", "most"),
    [(299, 1, 5), (3599, 10, 20), (86_399, 60, 50)],
)
def test_codes_have_three_windows_at_once(span: float, every: float, most: int) -> None:
    assert most_tries(CODES, span, every) == most


def test_a_month_of_guessing_passwords_stays_small() -> None:
    assert most_tries(PASSWORDS, 86_400, 10) < 1000


def test_a_success_gives_back_its_own_try_only() -> None:
    counter = tried(PASSWORDS, [1.0, 2.0, 3.0])

    back = given_back(counter, after(2))

    assert back.tries == (after(1).timestamp(), after(3).timestamp())
    assert given_back(back, after(2)) == back


def test_a_success_on_the_tenth_try_also_takes_the_pause_back() -> None:
    counter = tried(PASSWORDS, [float(second) for second in range(10)])

    back = given_back(counter, after(9))

    assert wait(PASSWORDS, back, after(10)) <= timedelta(0)
    assert back.strikes == 0


def test_an_earlier_success_does_not_lift_a_pause_that_others_brought() -> None:
    counter = tried(PASSWORDS, [float(second) for second in range(10)])

    assert given_back(counter, after(3)).blocked_until == counter.blocked_until


def test_tries_of_a_clock_that_was_a_day_ahead_lock_nobody() -> None:
    tomorrow = Counter()
    for number in range(10):
        tomorrow = counted(PASSWORDS, tomorrow, START + timedelta(days=1, seconds=number))
    assert wait(PASSWORDS, tomorrow, START + timedelta(days=1, seconds=10)) > timedelta(0)

    assert wait(PASSWORDS, tomorrow, START) == timedelta(0)
    today = counted(PASSWORDS, tomorrow, START)
    assert today == counted(PASSWORDS, Counter(), START)


def test_a_clock_half_a_minute_ahead_counts() -> None:
    ahead = Counter()
    for _ in range(10):
        ahead = counted(PASSWORDS, ahead, START + timedelta(seconds=30))

    assert wait(PASSWORDS, ahead, START) > timedelta(0)


def test_a_rule_without_delay_frees_a_place_as_soon_as_the_oldest_try_is_out() -> None:
    rule = Rule((Limit(2, timedelta(seconds=10)),))
    counter = tried(rule, [0.0, 5.0])

    assert wait(rule, counter, after(9)) == timedelta(seconds=1)
    assert wait(rule, counter, after(10)) <= timedelta(0)


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_what_counts_as_one_address(address: str, block: str) -> None:
    assert address_block(address) == block
