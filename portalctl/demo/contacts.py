"""The contacts of the demo, as the CRM would send them: sixty, some not confirmed for 14 months, and gaps."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from events.crm import ContactUpserted
from portalctl.console import Failed
from portalctl.demo.feed import Message, message
from portalctl.demo.story import COMPANIES, Company
from portalctl.demo.visitor import Visitor

OPERATORS_DOMAIN = "nordwelle.example"
MONTHS_14 = 427
"""Days."""
ARRIVE_SECONDS = 60.0

_HOUSE: tuple[tuple[str, str, str, tuple[str, ...], str, str], ...] = (
    ("N-01", "", "NOC", ("noc",), "rund um die Uhr", ""),
    ("N-02", "", "Abrechnung", ("billing",), "Mo–Fr 8–17 Uhr", ""),
    ("N-03", "Ralf", "Rack", ("data_centre",), "Mo–Fr 7–19 Uhr, sonst über das NOC", ""),
    ("N-04", "Dora", "Doppelboden", ("data_centre",), "Mo–Fr 7–19 Uhr", "N-03"),
    ("N-05", "", "Sicherheit und Missbrauch", ("security",), "rund um die Uhr", ""),
    ("N-06", "Doris", "Schutz", ("data_protection",), "Di und Do 9–12 Uhr", ""),
    ("N-07", "Emil", "Schicht", ("escalation_1",), "rund um die Uhr", ""),
    ("N-08", "Erika", "Leitung", ("escalation_2",), "Mo–Fr 8–20 Uhr", ""),
    ("N-09", "Egon", "Vorstand", ("escalation_3",), "nach Eskalation Stufe 2", ""),
    ("N-10", "Elke", "Ersatz", ("escalation_2",), "Mo–Fr 8–20 Uhr", "N-08"),
    ("N-11", "Beate", "Beleg", ("billing",), "Mo–Do 9–15 Uhr", "N-02"),
    ("N-12", "Norbert", "Nacht", ("noc",), "20–6 Uhr", "N-01"),
)
"""The operator's people for everybody: id, names, topic, hours, whom they stand in for."""

_MANAGERS = ("Karin Kunde", "Konrad Kabel", "Klara Klar", "Klaus Amt", "Kerstin Kern", "Kevin Carrier")
"""One for each customer."""

_THEIRS: tuple[tuple[str, str, tuple[str, ...], int], ...] = (
    ("Gesine", "Geschäft", ("management",), 40),
    ("Karl", "Kaufmann", ("commercial",), MONTHS_14),
    ("Rita", "Rechnung", ("invoices",), 90),
    ("Theo", "Technik", ("technical", "planned_works"), MONTHS_14),
    ("Sina", "Schutz", ("data_protection",), 200),
    ("Zacharias", "Zutritt", ("site_access",), 300),
    ("Mia", "Missbrauch", ("abuse",), 20),
)
"""Each customer's people, and how many days ago the CRM heard of them. Nobody is there out of hours: a gap."""


def contacts(today: date) -> list[Message]:
    """Everything the CRM says of contacts."""
    return [*_operators(), *(said for company in COMPANIES for said in _customers(company, today))]


async def vouch(admin: Visitor) -> None:
    """The first customer's admin confirms two contacts and asks for another invoice address, which waits.

    Raises:
        Failed: the contacts of the CRM do not arrive.
    """
    end = asyncio.get_running_loop().time() + ARRIVE_SECONDS
    while len(own := (await admin.call("GET", "/contacts?side=customer&limit=200"))["items"]) < len(_THEIRS):
        if asyncio.get_running_loop().time() > end:
            raise Failed("the contacts of the CRM did not arrive; look into the log of contacts")
        await asyncio.sleep(0.1)
    for contact in own:
        if {"management", "data_protection"} & set(contact["roles"]):
            await admin.call("POST", f"/contacts/{contact['id']}/confirmation")
        if "invoices" in contact["roles"] and contact["pending"] is None:
            domain = contact["email"].partition("@")[2]
            path, version = f"/contacts/{contact['id']}", f'"{contact["version"]}"'
            await admin.call("PATCH", path, {"email": f"rechnungseingang@{domain}"}, if_match=version)


def _operators() -> Iterator[Message]:
    for position, (contact_id, given_name, family_name, roles, hours, deputy_of) in enumerate(_HOUSE):
        address = f"{_plain(given_name)}.{_plain(family_name)}" if given_name else _plain(family_name).split()[0]
        yield _said(
            contact_id,
            at=datetime(2026, 1, 2, 7, tzinfo=UTC),
            side="operator",
            given_name=given_name,
            family_name=family_name,
            roles=roles,
            email=f"{address}@{OPERATORS_DOMAIN}",
            phone=f"+49 30 23125-{100 + position}",
            hours=hours,
            languages=("de", "en"),
            deputy_of=deputy_of or None,
        )
    for position, (company, name) in enumerate(zip(COMPANIES, _MANAGERS, strict=True)):
        given_name, _, family_name = name.partition(" ")
        yield _said(
            f"N-{company.number}",
            at=datetime(2026, 1, 2, 7, tzinfo=UTC),
            side="operator",
            customer_number=company.number,
            given_name=given_name,
            family_name=family_name,
            roles=("account_manager",),
            email=f"{_plain(given_name)}.{_plain(family_name)}@{OPERATORS_DOMAIN}",
            phone=f"+49 30 23125-{130 + position}",
            hours="Mo–Fr 9–17 Uhr",
            languages=("de", "en"),
        )


def _customers(company: Company, today: date) -> Iterator[Message]:
    place = COMPANIES.index(company)
    for position, (given_name, family_name, roles, days) in enumerate(_THEIRS):
        desk = roles == ("invoices",) and place % 2 == 1
        yield _said(
            f"K-{company.number}-{position + 1}",
            at=datetime.combine(today - timedelta(days=days), time(7), UTC),
            side="customer",
            customer_number=company.number,
            given_name="" if desk else given_name,
            family_name="" if desk else family_name,
            organisation="Rechnungseingang" if desk else None,
            roles=roles,
            email=f"{_plain(family_name)}@{company.domain}",
            phone=None if roles == ("abuse",) else f"+49 30 23125-{400 + place * 10 + position}",
            languages=(company.language,),
        )


def _said(contact_id: str, *, at: datetime, **fields: Any) -> Message:
    event = ContactUpserted(contact_id=contact_id, version=1, **fields)
    return message(event, "crm", f"contact/{contact_id}/1", at)


def _plain(name: str) -> str:
    """For an address."""
    for umlaut, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        name = name.lower().replace(umlaut, letters)
    return name
