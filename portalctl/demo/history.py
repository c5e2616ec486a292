"""The invoices: nine years by month for the first customer, a few months for the others. Same day, same bytes."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from portalctl.demo.einvoice import Invoice, Line
from portalctl.demo.story import COMPANIES, FIRST, OPERATOR, Company

MONTHS_OF_FIRST = 108
MONTHS_OF_OTHERS = 6
DAYS_TO_PAY = 14


def month_before(day: date, months: int) -> date:
    """The first of the month so many months earlier."""
    total = day.year * 12 + day.month - 1 - months
    return date(total // 12, total % 12 + 1, 1)


def period_of(first: date) -> tuple[date, date]:
    """A whole calendar month."""
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def number_of(company: Company, issued_on: date) -> str:
    """``RE-2026-004711`` is the first customer's in September 2026."""
    serial = 4000 + 79 * issued_on.month + COMPANIES.index(company)
    return f"RE-{issued_on.year}-{serial:06d}"


def invoices_of(company: Company, today: date) -> Iterator[Invoice]:
    """Oldest first; each for the month before its issue."""
    months = MONTHS_OF_FIRST if company.number == FIRST else MONTHS_OF_OTHERS
    for ago in reversed(range(months)):
        issued_on = month_before(today, ago).replace(day=2)
        if issued_on <= today:
            yield _invoice(company, issued_on)


def _invoice(company: Company, issued_on: date) -> Invoice:
    return Invoice(
        number=number_of(company, issued_on),
        kind="invoice",
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=DAYS_TO_PAY),
        period=period_of(month_before(issued_on, 1)),
        seller=OPERATOR,
        buyer=company.party,
        lines=tuple(_lines(company, issued_on)),
        buyer_reference=company.buyer_reference,
    )


def _lines(company: Company, issued_on: date) -> Iterator[Line]:
    dice = random.Random(f"{company.number} {issued_on}")  # noqa: S311  # only to vary the amounts
    if company.kind == "colocation":
        yield Line("Colocation RZ Berlin, Rack 800x1000x42 HE", Decimal(1), "MON", Decimal("389.00"))
        yield Line("USV-Anschluss 1 kW, A/B-Feed 230 V", Decimal(1), "MON", Decimal("96.00"))
        power = Decimal(dice.randrange(3600, 6900)) / 10
        yield Line("Strom nach Verbrauch", power, "KWH", Decimal("0.3129"))
        yield Line("Internet Connect Burst, je Mbit/s", Decimal(10), "MON", Decimal("24.50"))
        yield Line("Internet Connect Burst, Redundanz, je Mbit/s", Decimal(10), "MON", Decimal("9.80"))
        yield Line("IPv4-Adressen (ein /25 und ein /29)", Decimal(136), "MON", Decimal("0.65"))
    elif company.kind == "voice":
        yield Line("Sprachanschluss SIP-Trunk, 30 Kanäle", Decimal(1), "MON", Decimal("119.00"))
        yield Line("Verbindungen Festnetz Inland", Decimal(dice.randrange(900, 4200)), "MIN", Decimal("0.0079"))
        yield Line("Verbindungen Mobilfunk Inland", Decimal(dice.randrange(300, 1900)), "MIN", Decimal("0.0690"))
    else:
        yield Line("Standleitung 1 Gbit/s, Ethernet", Decimal(1), "MON", Decimal("740.00"))
        yield Line("Redundante Zuführung", Decimal(1), "MON", Decimal("210.00"))


def credit_note(invoice: Invoice, number: str, issued_on: date, lines: tuple[Line, ...]) -> Invoice:
    """Money back: the amounts are negative."""
    return _following(invoice, "credit_note", number, issued_on, lines)


def correction(invoice: Invoice, number: str, issued_on: date, lines: tuple[Line, ...]) -> Invoice:
    """What was charged wrongly, put right: the difference."""
    return _following(invoice, "correction", number, issued_on, lines)


def _following(invoice: Invoice, kind: str, number: str, issued_on: date, lines: tuple[Line, ...]) -> Invoice:
    return Invoice(
        number=number,
        kind=kind,
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=DAYS_TO_PAY),
        period=invoice.period,
        seller=invoice.seller,
        buyer=invoice.buyer,
        lines=lines,
        buyer_reference=invoice.buyer_reference,
        corrects=invoice.number,
    )
