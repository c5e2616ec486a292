"""Deadlines as data and as iCalendar at a secret address; read by another library as calendar programs would."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from httpx2 import AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from chassis.db import utc_now
from chassis.identity import ANONYMOUS
from chassis.testing import calling
from services.contracts.icalendar import Entry, calendar, folded
from services.contracts.models import CalendarToken
from tests.contracts.conftest import OPERATOR, Portal

FAR: dict[str, Any] = {"starts_on": "2096-04-01", "min_term_months": 48}
FRESH = {"step_up_at": int(utc_now().timestamp()) + 300}


@pytest.fixture
async def stranger(portal: Portal) -> AsyncIterator[AsyncClient]:
    """A calendar program: no session, nothing but the address."""
    async with calling(portal.app, ANONYMOUS) as client:
        yield client


async def new_address(portal: Portal, customer_id: UUID, user_id: UUID, **claims: Any) -> str:
    """The path of a new secret address."""
    async with portal.as_user(customer_id, sub=str(user_id), **FRESH, **claims) as client:
        answer = await client.post("/contracts/calendar/token")
    assert answer.status_code == 201, answer.text
    url: str = answer.json()["url"]
    assert url.startswith("https://portal.example/api/v1/contracts/calendar/")
    return url.removeprefix("https://portal.example/api/v1")


async def reader_of(portal: Portal) -> tuple[UUID, UUID]:
    """A customer and somebody who may read its contracts."""
    customer_id, user_id = await portal.customer(), uuid4()
    await portal.membership(user_id, customer_id)
    return customer_id, user_id


def events(content: bytes) -> list[Any]:
    """As another library reads them."""
    return list(Calendar.from_ical(content).walk("VEVENT"))


async def test_deadlines_come_soonest_first_in_pages(portal: Portal) -> None:
    customer_id = await portal.customer()
    for number, start in (("V-1", "2096-04-01"), ("V-2", "2095-01-01"), ("V-3", "2097-07-15")):
        await portal.contract(number, starts_on=start)

    async with portal.as_user(customer_id) as client:
        everything = (await client.get("/contracts/calendar")).json()["items"]
        first = (await client.get("/contracts/calendar", params={"limit": 4})).json()
        second = (await client.get("/contracts/calendar", params={"limit": 4, "cursor": first["next_cursor"]})).json()
    assert [(row["number"], row["kind"], row["on"]) for row in everything] == [
        ("V-2", "last_notice_day", "2097-09-30"),
        ("V-2", "min_term_end", "2097-12-31"),
        ("V-1", "last_notice_day", "2098-12-31"),
        ("V-1", "min_term_end", "2099-03-31"),
        ("V-3", "last_notice_day", "2100-04-14"),
        ("V-3", "min_term_end", "2100-07-14"),
    ]
    assert first["items"] + second["items"] == everything
    assert everything[0]["title"] == "Letzter Tag zum Kündigen: Colocation RZ Berlin"
    assert everything[0]["earliest_end_on"] == "2097-12-31"


async def test_another_library_reads_the_feed(portal: Portal, stranger: AsyncClient) -> None:
    customer_id, user_id = await reader_of(portal)
    await portal.contract(name="Rack; Strom, A/B \\ „Größe“ " + "ü" * 80, **FAR)
    path = await new_address(portal, customer_id, user_id)

    answer = await stranger.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    feed = Calendar.from_ical(answer.content)
    assert (feed["VERSION"], feed["METHOD"]) == ("2.0", "PUBLISH")
    last_day, min_end = events(answer.content)
    assert last_day.decoded("DTSTART") == date(2099, 12, 31)
    assert last_day.decoded("DTEND") == date(2100, 1, 1)
    assert str(last_day["SUMMARY"]) == "Letzter Tag zum Kündigen: Rack; Strom, A/B \\ „Größe“ " + "ü" * 80
    assert "wenn die Kündigung bis 31. Dezember 2099 zugeht." in str(last_day["DESCRIPTION"])
    assert str(last_day["DESCRIPTION"]).startswith("V-1\n")
    assert min_end.decoded("DTSTART") == date(2100, 3, 31)
    assert last_day["UID"] != min_end["UID"]
    rings = [datetime(2099, 12, 31, tzinfo=UTC) + alarm.decoded("TRIGGER") for alarm in last_day.walk("VALARM")]
    assert rings == [datetime(2099, month, day, 9, tzinfo=UTC) for month, day in ((6, 30), (9, 30), (11, 30))]
    assert min_end.walk("VALARM") == []


async def test_the_uid_stays_and_the_sequence_grows(portal: Portal, stranger: AsyncClient) -> None:
    customer_id, user_id = await reader_of(portal)
    await portal.contract(**FAR)
    path = await new_address(portal, customer_id, user_id)
    (before, _) = events((await stranger.get(path)).content)

    await portal.contract(version=2, **FAR, notice={"value": 6, "unit": "months", "to": "term_end"})
    (changed, _) = events((await stranger.get(path)).content)
    await portal.look(date(2099, 10, 1))
    (moved, *_) = events((await stranger.get(path)).content)

    assert before["UID"] == changed["UID"]
    assert changed.decoded("DTSTART") == date(2099, 9, 30)
    assert before["SEQUENCE"] < changed["SEQUENCE"] < moved["SEQUENCE"]
    assert changed.decoded("DTSTAMP") >= before.decoded("DTSTAMP")


async def test_a_feed_that_did_not_change_is_not_sent_again(portal: Portal, stranger: AsyncClient) -> None:
    customer_id, user_id = await reader_of(portal)
    await portal.contract(**FAR)
    path = await new_address(portal, customer_id, user_id)
    first = await stranger.get(path)

    again = await stranger.get(path, headers={"If-None-Match": first.headers["etag"]})
    weak = await stranger.get(path, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    await portal.contract(version=2, name="Anders", **FAR)
    changed = await stranger.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content, weak.status_code) == (304, b"", 304)
    assert again.headers["etag"] == first.headers["etag"]
    assert (changed.status_code, changed.headers["etag"] == first.headers["etag"]) == (200, False)


async def test_the_feed_is_in_the_language_of_whoever_made_it(portal: Portal, stranger: AsyncClient) -> None:
    customer_id, user_id = await reader_of(portal)
    await portal.contract(**FAR)

    path = await new_address(portal, customer_id, user_id, lang="en")

    assert str(events((await stranger.get(path)).content)[0]["SUMMARY"]).startswith("Last day to give notice: ")


async def test_a_new_address_ends_the_one_before(portal: Portal, stranger: AsyncClient) -> None:
    customer_id, user_id = await reader_of(portal)
    old = await new_address(portal, customer_id, user_id)
    other = uuid4()
    await portal.membership(other, customer_id)
    theirs = await new_address(portal, customer_id, other)

    new = await new_address(portal, customer_id, user_id)

    assert [(await stranger.get(path)).status_code for path in (old, new, theirs)] == [404, 200, 200]
    async with portal.as_user(customer_id, sub=str(user_id)) as client:
        assert (await client.delete("/contracts/calendar/token")).status_code == 204
        state = (await client.get("/contracts/calendar/token")).json()
    assert state == {"created_at": None, "last_read_at": None}
    assert [(await stranger.get(path)).status_code for path in (new, theirs)] == [404, 200]


async def test_the_address_ends_with_the_person(portal: Portal, stranger: AsyncClient) -> None:
    customer_id = await portal.customer()
    yesterday = str(utc_now().date() - timedelta(days=2))
    for ends in (
        {"active": False},
        {"modules": ["invoices"]},
        {"expires_on": yesterday},
    ):
        user_id = uuid4()
        await portal.membership(user_id, customer_id)
        path = await new_address(portal, customer_id, user_id)
        assert (await stranger.get(path)).status_code == 200

        await portal.membership(user_id, customer_id, version=2, **ends)
        assert (await stranger.get(path)).status_code == 404, ends

        await portal.membership(user_id, customer_id, version=3)
        if "expires_on" not in ends:
            assert (await stranger.get(path)).status_code == 404, "what has ended does not come back"


async def test_an_old_word_about_a_person_does_not_end_it(portal: Portal, stranger: AsyncClient) -> None:
    customer_id, user_id = await reader_of(portal)
    await portal.membership(user_id, customer_id, version=5)
    path = await new_address(portal, customer_id, user_id)

    await portal.membership(user_id, customer_id, version=2, active=False)

    assert (await stranger.get(path)).status_code == 200


async def test_the_address_ends_with_the_customer(portal: Portal, stranger: AsyncClient) -> None:
    customer_id, user_id = await reader_of(portal)
    path = await new_address(portal, customer_id, user_id)

    await portal.customer(customer_id=customer_id, version=2, active=False)

    assert (await stranger.get(path)).status_code == 404


async def test_every_wrong_address_is_the_same_404_and_in_no_log(portal: Portal, stranger: AsyncClient) -> None:
    customer_id, user_id = await reader_of(portal)
    gone = await new_address(portal, customer_id, user_id)
    kept = await new_address(portal, customer_id, user_id)

    with structlog.testing.capture_logs() as lines:
        answers = [
            await stranger.get(path)
            for path in (gone, "/contracts/calendar/x.ics", f"/contracts/calendar/{'a' * 2000}.ics")
        ]
        await stranger.get(kept)

    bodies = [answer.json() | {"request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0]["code"] == "calendar_not_found"
    secret = [path.split("/")[-1].removesuffix(".ics") for path in (gone, kept)]
    assert lines
    assert not [line for line in lines if any(one in str(line) for one in secret)]


async def test_only_a_hash_of_the_address_is_kept(portal: Portal) -> None:
    customer_id, user_id = await reader_of(portal)

    token = (await new_address(portal, customer_id, user_id)).split("/")[-1].removesuffix(".ics")

    (row,) = await portal.rows(CalendarToken)
    assert len(token) == 43
    assert token not in str(vars(row))
    assert not [line for line in await portal.emitted("contracts.audit.recorded.v1") if token in str(line)]


async def test_when_it_was_last_read_is_shown(portal: Portal, stranger: AsyncClient) -> None:
    customer_id, user_id = await reader_of(portal)
    path = await new_address(portal, customer_id, user_id)

    async with portal.as_user(customer_id, sub=str(user_id)) as client:
        before = (await client.get("/contracts/calendar/token")).json()
        await stranger.get(path)
        after = (await client.get("/contracts/calendar/token")).json()
    assert before["created_at"] == after["created_at"] is not None
    assert (before["last_read_at"], after["last_read_at"] is None) == (None, False)


async def test_an_address_needs_a_fresh_second_factor_and_a_customers_person(portal: Portal) -> None:
    customer_id = await portal.customer()
    url = "/contracts/calendar/token"

    async with portal.as_user(customer_id) as client:
        stale = await client.post(url)
    async with portal.as_user(customer_id, **FRESH, **OPERATOR) as client:
        operator = await client.post(url)
    async with portal.as_user(customer_id, amr=("api_token",), sid=None, scopes=("contracts:read",)) as client:
        program = [(await client.post(url)).status_code, (await client.get(url)).status_code]
    assert (stale.status_code, stale.json()["code"]) == (403, "step_up_required")
    assert (operator.status_code, operator.json()["code"]) == (403, "forbidden")
    assert program == [403, 403]
    assert await portal.count(CalendarToken) == 0


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=200)


@given(TEXTS, TEXTS)
def test_whatever_a_contract_is_called_comes_back_from_another_library(summary: str, description: str) -> None:
    now = datetime(2026, 11, 23, 4, tzinfo=UTC)
    entry = Entry("1@x", 1, now, date(2026, 12, 31), summary, f"{description}\n{summary}", "https://x.example/", ())

    written = calendar("Fristen", "de", [entry])

    (event,) = events(written)
    assert str(event["SUMMARY"]) == summary
    assert str(event["DESCRIPTION"]) == f"{description}\n{summary}"
    assert all(len(line) <= 75 for line in written.split(b"\r\n"))


def test_folding_never_cuts_a_character() -> None:
    line = "SUMMARY:" + "€" * 60

    pieces = folded(line).split("\r\n ")

    assert "".join(pieces) == line
    assert len(pieces) == 3
