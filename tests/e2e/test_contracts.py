"""From the CRM's event to the customer's page and to a calendar program that has nothing but an address."""

import asyncio
import contextlib
import json
from typing import Any

import httpx2
from icalendar import Calendar

from chassis.testing import wait_until
from tests.portal import Portal
from tests.world import World, send_contract


def logs_of(portal: Portal) -> str:
    """Everything that any process wrote."""
    return "".join(path.read_text("utf-8", "replace") for path in sorted((portal.home / "logs").glob("*.log*")))


def test_a_calendar_program_reads_the_deadlines_until_its_person_is_gone(portal: Portal) -> None:
    company = World(portal).company()
    reader = company.customer.person("kalender", modules=("contracts",))
    send_contract(portal, company.customer.number, f"V-{company.canary}", starts_on="2096-04-01", min_term_months=48)
    (contract,) = wait_until(lambda: reader.get("/contracts").json()["items"], seconds=20)
    assert (contract["last_notice_day"], contract["earliest_end_on"]) == ("2099-12-31", "2100-03-31")

    made = reader.post("/contracts/calendar/token", {})
    assert made.status_code == 201, made.text
    url = made.json()["url"]
    first = wait_until(lambda: ok(url), seconds=20)
    again = httpx2.get(url, headers={"If-None-Match": first.headers["etag"]})

    days = [event.decoded("DTSTART").isoformat() for event in Calendar.from_ical(first.content).walk("VEVENT")]
    assert days == ["2099-12-31", "2100-03-31"]
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert (again.status_code, again.headers["etag"]) == (304, first.headers["etag"])
    row = next(row for row in company.admin.get("/users").json()["items"] if row["username"] == reader.username)
    single = company.admin.get(f"/users/{row['id']}")
    if_match = {"If-Match": single.headers["etag"]}
    gone = company.admin.client.request("DELETE", f"/api/v1/users/{row['id']}", headers=if_match)
    assert gone.status_code == 204, gone.text
    refused = wait_until(lambda: status(url) == 404 and httpx2.get(url), seconds=20)
    assert refused.json()["code"] == "calendar_not_found"
    token = url.rpartition("/")[2].removesuffix(".ics")
    assert token not in logs_of(portal)


def ok(url: str) -> Any:
    """The answer, once there is one."""
    answer = httpx2.get(url)
    return answer if answer.status_code == 200 else None


def status(url: str) -> int:
    return httpx2.get(url).status_code


async def test_a_changed_contract_is_told_to_open_pages(portal: Portal) -> None:
    company = await asyncio.to_thread(World(portal).company)
    contract_id = await asyncio.to_thread(company.contract)
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in company.admin.client.cookies.items())}
    async with (
        httpx2.AsyncClient(base_url=portal.url, timeout=30) as client,
        client.stream("GET", "/api/v1/live", headers=cookies) as page,
    ):
        assert page.status_code == 200
        number = f"V-{company.canary}"
        await asyncio.to_thread(send_contract, portal, company.customer.number, number, name="Neuer Name", version=2)

        told = await asyncio.wait_for(first_of(page, "contract_changed"), 20)

    assert told["id"] == contract_id
    assert told["link"] == f"/api/v1/contracts/{contract_id}"
    assert told["number"] == number


async def first_of(page: Any, name: str) -> dict[str, Any]:
    """The data of the first event of this name."""
    event = ""
    async with contextlib.aclosing(page.aiter_lines()) as lines:
        async for line in lines:
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: ") and event == name:
                found: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return found
    raise AssertionError("the stream ended")
