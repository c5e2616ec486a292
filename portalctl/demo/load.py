"""Loads the demo data through the front doors: feeds over NATS, people over HTTP and mail. May be repeated."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from chassis.brand import load_brand
from chassis.bus import Bus
from events.billing import PaymentRecorded
from portalctl.attach import Settings
from portalctl.broker import broker, publish
from portalctl.console import Failed, say
from portalctl.database import transaction
from portalctl.demo import drive, feed, traffic
from portalctl.demo.contacts import contacts, vouch
from portalctl.demo.contracts import contracts
from portalctl.demo.story import (
    COMPANIES,
    FIRST,
    NEWCOMER,
    PEOPLE,
    READY_ADMIN,
    READY_OPERATOR,
    STAFF,
    Somebody,
)
from portalctl.demo.visitor import Doors, Visitor
from portalctl.home import SERVICES, Home
from services.users.people import invite_operator
from services.users.settings import settings

PARTIAL = "demo-partial.json"
FILED_SECONDS = 120.0
AT_ONCE = 32


class Loading:
    """One run, with what earlier runs that were broken off have left."""

    def __init__(self, home: Home, doors: Doors) -> None:
        self._home = home
        self._doors = doors
        self.people: dict[str, dict[str, str]] = home.read(PARTIAL) or {}

    def visitor(self, username: str) -> Visitor:
        """A browser for one of them."""
        return Visitor(self._doors, username, self.people.setdefault(username, {}), self._keep)

    def _keep(self) -> None:
        self._home.write(PARTIAL, self.people)

    async def run(self, reach: Settings) -> None:
        """Everything, in the order in which it becomes visible."""
        say("  customers and invoices, as CRM and billing would send them ...")
        papers = feed.papers(date.today())  # noqa: DTZ011  # the demo is about today, wherever one is
        async with broker(reach, "crm") as bus:
            await _send(bus, feed.customers())
            await _send(bus, contracts())
            await _send(bus, contacts(date.today()))  # noqa: DTZ011
        measured = asyncio.create_task(_send_traffic(reach)) if "metrics" in SERVICES else None
        try:
            async with broker(reach, "billing") as bus:
                await _send(bus, papers)
            await self._people(len(papers), measured)
        finally:
            if measured:
                measured.cancel()

    async def _people(self, papers: int, measured: asyncio.Task[None] | None) -> None:
        """Staff and users; then wait for what was sent before them."""
        say("  the operator's staff ...")
        await self._staff()
        async with self.visitor(READY_OPERATOR) as operator:
            await operator.get_in()
            say(f"  {len(PEOPLE)} users of {len(COMPANIES)} customers, each in another state of the first access ...")
            for number, customer_id in (await _customer_ids(operator)).items():
                await operator.call("POST", "/auth/session/customer", {"customer_id": customer_id})
                for one in PEOPLE:
                    if one.number == number:
                        await self._bring(operator, one)
            say(f"  waiting until all {papers} records are filed ...")
            await _until_filed(operator)
            say("  the exchange drive, with 200 MB of call records ...")
            await drive.bring(operator, drive.of_operator())
            await drive.bring_call_records(operator, date.today())  # noqa: DTZ011
            if measured:
                say(f"  waiting until {traffic.DAYS} days of {len(traffic.UPLINKS)} uplinks are in the graphs ...")
                await measured
                await _until_measured(operator)
        async with self.visitor(NEWCOMER) as newcomer:
            self._finish(await newcomer.invitation())

    async def _staff(self) -> None:
        company = load_brand(settings().brand_file).name
        for email, given_name, family_name, staff_role in STAFF:
            if email in self.people:
                continue
            async with transaction(settings().database_url) as session:
                await invite_operator(
                    session,
                    email=email,
                    given_name=given_name,
                    family_name=family_name,
                    staff_role=staff_role,
                    language="de",
                    company=company,
                )
            self.people[email] = {}
            self._keep()

    async def _bring(self, operator: Visitor, one: Somebody) -> None:
        """As far as this person has come."""
        row = await _row_of(operator, one)
        if one.stage == "created" or row["state"] in ("active", "deactivated"):
            return
        if row["invitation"]["state"] == "none":
            await operator.call("POST", f"/users/{row['id']}/invitation")
        async with self.visitor(one.email) as visitor:
            if one.stage == "opened":
                await visitor.open_invitation()
            elif one.stage == "password_set":
                await visitor.set_password()
            elif one.stage in ("active", "deactivated"):
                await visitor.get_in()
            if one.email == READY_ADMIN:
                await vouch(visitor)
                await drive.bring(visitor, drive.of_customer())
        if one.stage == "deactivated":
            row = await operator.call("GET", f"/users/{row['id']}")
            await operator.call("PATCH", f"/users/{row['id']}", {"active": False}, if_match=f'"{row["version"]}"')

    def _finish(self, invitation: str) -> None:
        """Note who can sign in; from now on the demo is loaded."""
        ready = {READY_ADMIN: "Administratorin der Beispiel Logistik AG", READY_OPERATOR: "Betreiber (Nordwelle)"}
        people = [{"username": name, "what": what, **self.people[name]} for name, what in ready.items()]
        others = {name: known for name, known in self.people.items() if "secret" in known and name not in ready}
        people += [{"username": name, "what": "", **known} for name, known in others.items()]
        self._home.write("demo.json", {"people": people, "invitation": invitation})
        (self._home / PARTIAL).unlink(missing_ok=True)


async def _send(bus: Bus, messages: Sequence[feed.Message]) -> None:
    """Many at once; each until it is acknowledged."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(message: feed.Message) -> None:
        async with free:
            await publish(bus, message.subject, message.payload, message.headers)

    await asyncio.gather(*map(one, messages))


async def _send_traffic(reach: Settings) -> None:
    """While the people come in: making and storing half a million samples takes longer than sending them."""
    made = traffic.samples(datetime.now(UTC))
    async with broker(reach, "network") as bus:
        await _send(bus, traffic.lines())
        while message := await asyncio.to_thread(next, made, None):
            await publish(bus, message.subject, message.payload, message.headers)


async def _until_measured(operator: Visitor) -> None:
    """The first customer, which is open, sees its lines up to now."""
    wanted = sum(uplink.customer_number == FIRST for uplink in traffic.UPLINKS)
    since = datetime.now(UTC) - timedelta(minutes=15)
    end = asyncio.get_running_loop().time() + FILED_SECONDS
    while asyncio.get_running_loop().time() < end:
        lines = (await operator.call("GET", "/metrics/lines"))["items"]
        newest = [datetime.fromisoformat(line["last_sample_at"]) for line in lines if line["last_sample_at"]]
        if sum(at >= since for at in newest) >= wanted:
            return
        await asyncio.sleep(0.2)
    raise Failed(f"not all samples were stored within {FILED_SECONDS:.0f} s; look into the log of metrics")


async def _customer_ids(operator: Visitor) -> dict[str, str]:
    """Once all of them have arrived."""
    wanted = {company.number for company in COMPANIES}
    end = asyncio.get_running_loop().time() + FILED_SECONDS
    while asyncio.get_running_loop().time() < end:
        listed = (await operator.call("GET", "/customers?limit=200"))["items"]
        found = {customer["number"]: customer["id"] for customer in listed}
        if wanted <= found.keys():
            return {number: found[number] for number in sorted(wanted)}
        await asyncio.sleep(0.1)
    raise Failed("the customers of the CRM did not arrive; look into the log of users")


async def _row_of(operator: Visitor, one: Somebody) -> Any:
    body = {
        "email": one.email,
        "given_name": one.given_name,
        "family_name": one.family_name,
        "role": one.role,
        "modules": list(one.modules),
        "language": one.language,
    }
    made = await operator.call("POST", "/users", body, ok=(409,))
    if made is not None:
        return made
    listed = (await operator.call("GET", "/users?limit=200"))["items"]
    return next(row for row in listed if row["username"] == one.email)


async def _until_filed(operator: Visitor) -> None:
    """What the first customer should see is there."""
    wanted = sum(1 for message in feed.papers(date.today()) if _is_of_first(message))  # noqa: DTZ011
    ids = await _customer_ids(operator)
    agreed = sum(1 for message in contracts() if _is_of_first(message))
    await operator.call("POST", "/auth/session/customer", {"customer_id": ids[FIRST]})
    end = asyncio.get_running_loop().time() + FILED_SECONDS
    while asyncio.get_running_loop().time() < end:
        folders = await operator.call("GET", "/documents/folders")
        if sum(year["count"] for year in folders) >= wanted:
            shown = await operator.call("GET", "/contracts?limit=200")
            if len(shown["items"]) >= agreed:
                return
        await asyncio.sleep(0.2)
    raise Failed(f"not all records were filed within {FILED_SECONDS:.0f} s; `portalctl dead-letters list documents`")


def _is_of_first(message: feed.Message) -> bool:
    """What everybody of the first customer may see: call records wait for the customer's declaration."""
    shown = message.subject != PaymentRecorded.subject and b'"call_records"' not in message.payload
    return shown and f'"{FIRST}"'.encode() in message.payload
