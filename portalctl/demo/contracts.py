"""The contracts of the demo, as the CRM would send them: one for each rule that gives a date. Same day, same bytes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from events.crm import ContractPosition, ContractUpserted, NoticeRule
from portalctl.demo.feed import Message, message
from portalctl.demo.story import FIRST

BERLIN = "RZ Berlin"
FIRST_BUNDLE = "V-10042-01"
"""The first customer's "Colocation RZ Berlin"."""
_AT = datetime(2026, 1, 2, 7, tzinfo=UTC)
_THREE_MONTHS = NoticeRule(value=3, unit="months", to="term_end")
_SIX_WEEKS = NoticeRule(value=6, unit="weeks", to="quarter_end")
_ONE_MONTH = NoticeRule(value=1, unit="months", to="term_end")


@dataclass(frozen=True, slots=True)
class Deal:
    """One contract: its dates, and its positions."""

    customer: str
    number: str
    name: str
    starts_on: date
    months: int | None
    renewal: int
    notice: NoticeRule
    positions: tuple[ContractPosition, ...]
    more: dict[str, Any] = field(default_factory=dict)


def contracts() -> list[Message]:
    """Everything the CRM says of contracts."""
    found = []
    for deal in deals():
        event = ContractUpserted(
            customer_number=deal.customer,
            contract_number=deal.number,
            name=deal.name,
            signed_on=deal.starts_on,
            starts_on=deal.starts_on,
            min_term_months=deal.months,
            renewal_months=deal.renewal,
            notice=deal.notice,
            telecom_service=all(position.telecom_service for position in deal.positions),
            positions=deal.positions,
            version=1,
            **deal.more,
        )
        found.append(message(event, "crm", f"contract/{deal.number}/1", _AT))
    return found


def deals() -> Iterator[Deal]:
    """The rows of the table in docs/rules/terms.md, and what else a carrier has."""
    yield from _of_the_first()
    yield from _of_the_others()


def _line(number: int, product: str, quantity: str, unit: str, *, telecom: bool, **said: Any) -> ContractPosition:
    return ContractPosition(
        number=str(number),
        quantity=Decimal(quantity),
        unit=unit,
        product=product,
        telecom_service=telecom,
        characteristics=said,
    )


def _bundle() -> tuple[ContractPosition, ...]:
    """As in the printed contract."""
    return (
        _line(10, "Rack", "1", "Stück", telecom=False, Maße="800x1000x42 HE"),
        _line(20, "USV-Anschluss A/B-Feed 230 V", "1", "kW", telecom=False, Feeds="A und B"),
        _line(30, "Internet Connect Burst", "10", "Mbit/s", telecom=True, Commit="10 Mbit/s", Messung="95. Perzentil"),
        _line(40, "Internet Connect Burst Redundanz", "10", "Mbit/s", telecom=True, Weg="zweiter Router"),
        _line(50, "IPv4-Adressen", "136", "Adressen", telecom=True, Netze="ein /25 und ein /29"),
    )


def _sip(channels: str) -> tuple[ContractPosition, ...]:
    return (
        _line(10, "SIP-Trunk", channels, "Kanäle", telecom=True, Rufnummern="(0)30 23125-000 bis -999"),
        _line(20, "Rufnummernblock", "1", "Block", telecom=True),
    )


def _of_the_first() -> Iterator[Deal]:
    place = {"site": BERLIN, "cost_centre": "KST 4711"}
    start = date(2023, 4, 1)
    yield Deal(FIRST, FIRST_BUNDLE, "Colocation RZ Berlin", start, 36, 12, _THREE_MONTHS, _bundle(), place)
    yield Deal(FIRST, "V-10042-02", "SIP-Trunk Zentrale", start, 36, 12, _THREE_MONTHS, _sip("30"))
    cable = (_line(10, "Querverbindung LWL", "1", "Paar", telecom=False, Von="Rack A12", Nach="Meet-me-Raum"),)
    yield Deal(FIRST, "V-10042-03", "Querverbindung monatlich", date(2024, 1, 31), 1, 1, _ONE_MONTH, cable, place)
    hands = (_line(10, "Remote Hands", "4", "Stunden im Monat", telecom=False, Reaktion="2 Stunden, rund um die Uhr"),)
    month_end = NoticeRule(value=1, unit="months", to="month_end")
    yield Deal(FIRST, "V-10042-04", "Remote Hands", date(2020, 1, 1), 12, 12, month_end, hands, place)
    ethernet = (_line(10, "Ethernet Berlin–Hamburg", "1", "Gbit/s", telecom=True, Schutz="ohne"),)
    ended = {"cancelled_on": date(2026, 9, 14), "ends_on": date(2027, 3, 31), "charged_until": date(2027, 3, 31)}
    yield Deal(
        FIRST, "V-10042-05", "Ethernet Berlin–Hamburg", date(2022, 4, 1), 36, 12, _THREE_MONTHS, ethernet, place | ended
    )
    fibre = (_line(10, "Dark Fibre", "1", "Faserpaar", telecom=False, Länge="11,4 km", Dämpfung="4,1 dB"),)
    half_year = NoticeRule(value=6, unit="months", to="term_end")
    yield Deal(FIRST, "V-10042-06", "Dark Fibre Ladestraße", date(2027, 2, 1), 60, 12, half_year, fibre)


def _of_the_others() -> Iterator[Deal]:
    place = {"site": BERLIN}
    start = date(2020, 1, 1)
    racks = (
        _line(10, "Rack", "2", "Stück", telecom=False, Maße="600x1000x42 HE"),
        _line(20, "Internet Connect", "100", "Mbit/s", telecom=True),
        _line(30, "Zutrittskarten", "5", "Karten", telecom=False).model_copy(update={"starts_on": date(2025, 6, 1)}),
    )
    yield Deal("KD-10077", "V-10077-01", "Colocation RZ Berlin", start, 12, 12, _SIX_WEEKS, racks, place)
    cable = (_line(10, "Querverbindung Kupfer", "1", "Stück", telecom=False),)
    one_week = NoticeRule(value=1, unit="weeks", to="term_end")
    yield Deal("KD-10077", "V-10077-02", "Querverbindung", date(2023, 1, 30), 1, 1, one_week, cable, place)
    any_time = NoticeRule(value=1, unit="months", to="any_time")
    yield Deal("KD-10103", "V-10103-01", "SIP-Trunk Kundendienst", start, 12, 12, any_time, _sip("120"))
    leased = (_line(10, "Standleitung", "1", "Gbit/s", telecom=True, Von="Rathaus", Nach="RZ Berlin"),)
    yield Deal("KD-10131", "V-10131-01", "Standleitung Rathaus", date(2024, 7, 1), 24, 0, _THREE_MONTHS, leased)
    phone = (_line(10, "Telefonanschluss", "2", "Sprachkanäle", telecom=True),)
    sixty_days = NoticeRule(value=60, unit="days", to="term_end")
    yield Deal("KD-10158", "V-10158-01", "Telefonie Werkstatt", date(2025, 2, 28), 24, 12, sixty_days, phone)
    transit = (_line(10, "IP Transit", "10", "Gbit/s", telecom=True, Commit="4 Gbit/s", ASN="AS 64496"),)
    yield Deal("KD-10190", "V-10190-01", "IP Transit", date(2023, 4, 1), 36, 12, _THREE_MONTHS, transit)
    over = {"cancelled_on": date(2025, 6, 20), "ends_on": date(2025, 12, 31)}
    old = (_line(10, "IP Transit", "1", "Gbit/s", telecom=True),)
    yield Deal("KD-10190", "V-10190-00", "IP Transit (old)", date(2021, 1, 1), 24, 12, _THREE_MONTHS, old, over)
