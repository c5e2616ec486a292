"""Deadlines move on when they pass; each reminder is given once, whatever happens in between."""

import asyncio
from datetime import date
from typing import Any

import pytest

from services.contracts.deadlines import Due, due_days, reminder_days
from services.contracts.models import Contract, Deadline, Reminder
from services.contracts.terms import Agreement, Notice
from tests.contracts.conftest import Portal

APPROACHING = "contracts.notice.approaching.v1"
LAST_DAY = date(2099, 12, 31)
FAR: dict[str, Any] = {"starts_on": "2096-04-01", "min_term_months": 48}
"""Begins long after today, so that the real clock has nothing to say: ends 2100-03-31, last notice day 2099-12-31."""


async def told(portal: Portal) -> list[int]:
    return [event["months_before"] for event in await portal.emitted(APPROACHING)]


async def test_each_is_told_once_when_its_day_comes(portal: Portal) -> None:
    customer_id = await portal.customer()
    await portal.contract(**FAR)

    seen = []
    for day in (
        date(2099, 6, 29),
        date(2099, 6, 30),
        date(2099, 7, 1),
        date(2099, 9, 29),
        date(2099, 9, 30),
        date(2099, 11, 30),
        date(2099, 12, 31),
    ):
        await portal.look(day)
        await portal.look(day)
        seen.append(await told(portal))

    assert seen == [[], [6], [6], [6], [6, 3], [6, 3, 1], [6, 3, 1]]
    (first, *_) = await portal.emitted(APPROACHING)
    assert first["customer_id"] == str(customer_id)
    assert (first["last_notice_day"], first["earliest_end_on"]) == ("2099-12-31", "2100-03-31")


async def test_what_was_overtaken_is_not_told_late(portal: Portal) -> None:
    await portal.customer()
    await portal.contract(**FAR)

    await portal.look(date(2099, 12, 10))

    assert await told(portal) == [1]
    assert await portal.count(Reminder) == 3


async def test_a_changed_contract_is_not_told_again_unless_the_day_is_another(portal: Portal) -> None:
    await portal.customer()
    await portal.contract(**FAR)
    await portal.look(date(2099, 7, 15))

    await portal.contract(version=2, name="Anders", **FAR)
    await portal.look(date(2099, 7, 15))
    assert await told(portal) == [6]

    other = {"notice": {"value": 4, "unit": "months", "to": "term_end"}}
    await portal.contract(version=3, **FAR, **other)
    await portal.look(date(2099, 7, 15))
    await portal.contract(version=4, **FAR)
    await portal.look(date(2099, 7, 15))

    assert [(e["months_before"], e["last_notice_day"]) for e in await portal.emitted(APPROACHING)] == [
        (6, "2099-12-31"),
        (6, "2099-11-30"),
    ]


async def test_two_that_look_at_the_same_moment_tell_once(portal: Portal) -> None:
    await portal.customer()
    for number in range(5):
        await portal.contract(f"V-{number}", **FAR)

    await asyncio.gather(*(portal.look(date(2099, 7, 1)) for _ in range(4)))

    assert await told(portal) == [6] * 5


async def test_the_loop_tells_by_itself_what_is_due_today(portal: Portal) -> None:
    await portal.customer()
    notice = {"value": 1, "unit": "days", "to": "quarter_end"}
    await portal.contract(notice=notice)

    assert await portal.look() == 1
    assert await portal.look() == 0

    (deadline,) = await portal.rows(Deadline, Deadline.kind == "last_notice_day")
    assert await told(portal) in ([3], [1])
    assert deadline.next_reminder_on is None or deadline.next_reminder_on > date(2026, 1, 1)


async def test_a_cancelled_contract_reminds_of_nothing(portal: Portal) -> None:
    await portal.customer()
    await portal.contract(**FAR)
    await portal.contract(version=2, **FAR, cancelled_on="2099-01-01", ends_on="2100-03-31")

    await portal.look(date(2099, 7, 15))

    assert await told(portal) == []
    assert [(d.kind, d.due_on) for d in await portal.rows(Deadline)] == [("end", date(2100, 3, 31))]


async def test_a_deadline_that_passed_moves_to_the_next_term(portal: Portal) -> None:
    await portal.customer()
    await portal.contract(**FAR)
    (before,) = await portal.rows(Contract)

    await portal.look(date(2100, 1, 1))
    (notice_day,) = await portal.rows(Deadline, Deadline.kind == "last_notice_day")
    assert notice_day.due_on == date(2100, 12, 31)
    await portal.look(date(2100, 4, 1))

    assert [(d.kind, d.due_on) for d in await portal.rows(Deadline)] == [("last_notice_day", date(2100, 12, 31))]
    (after,) = await portal.rows(Contract)
    assert after.version == before.version + 2


async def test_the_day_is_the_customers(portal: Portal) -> None:
    await portal.customer(time_zone="Pacific/Kiritimati")
    await portal.contract(**FAR)

    await portal.look(date(2099, 6, 29))

    assert await told(portal) == [6]


@pytest.mark.parametrize("contracts_settings", [{"remind_months_before": (12,)}])
async def test_the_months_are_a_setting(portal: Portal) -> None:
    await portal.customer()
    await portal.contract(**FAR)

    await portal.look(date(2099, 7, 15))

    assert await told(portal) == [12]


def test_reminders_of_the_months_last_day_stay_within_the_month() -> None:
    assert reminder_days(date(2026, 8, 31), (1, 3, 6)) == {
        1: date(2026, 7, 31),
        3: date(2026, 5, 31),
        6: date(2026, 2, 28),
    }


def test_what_is_due() -> None:
    one = Agreement(date(2023, 4, 1), 36, 12, Notice(3, "months", "term_end"))
    fixed = Agreement(date(2023, 4, 1), 36, 12, Notice(3, "months", "term_end"), ends_on=date(2026, 3, 31))

    assert due_days(one, date(2025, 6, 1)) == [
        Due("last_notice_day", date(2025, 12, 31), date(2026, 3, 31)),
        Due("min_term_end", date(2026, 3, 31)),
    ]
    assert [due.kind for due in due_days(one, date(2026, 11, 22))] == ["last_notice_day"]
    assert [due.kind for due in due_days(fixed, date(2025, 6, 1))] == ["min_term_end", "end"]
    assert due_days(fixed, date(2026, 4, 1)) == []
