"""How invoices, reports and call records look on paper and as files."""

import csv
import io
import random
from datetime import datetime, timedelta
from decimal import Decimal

from portalctl.demo.einvoice import Invoice, cii
from portalctl.demo.pdf import Attached, Page, Rule, Text, write_pdf

TITLES = {"invoice": "Rechnung", "credit_note": "Gutschrift", "correction": "Rechnungskorrektur"}
UNITS = {"MON": "Monat", "KWH": "kWh", "MIN": "min", "C62": "Stück"}
LEFT, RIGHT = 60, 535


def german(value: Decimal, places: int = 2) -> str:
    """``1.264,62``."""
    return f"{value:,.{places}f}".translate(str.maketrans(",.", ".,"))


def invoice_pdf(invoice: Invoice, *, with_xml: bool) -> bytes:
    """One page; as ZUGFeRD with the XML inside."""
    page = Page()
    _letterhead(page, invoice)
    y = _table(page, invoice)
    _totals(page, invoice, y)
    attached = [Attached("factur-x.xml", "text/xml", cii(invoice))] if with_xml else []
    return write_pdf(f"{TITLES[invoice.kind]} {invoice.number}", invoice.issued_on, [page], attached)


def _letterhead(page: Page, invoice: Invoice) -> None:
    seller, buyer = invoice.seller, invoice.buyer
    start, end = invoice.period
    page.items += [
        Text(LEFT, 780, seller.name, 15, bold=True),
        Text(LEFT, 764, f"{seller.street} · {seller.postcode} {seller.city} · USt-IdNr. {seller.vat_id}", 8),
        Text(LEFT, 710, buyer.name),
        Text(LEFT, 696, buyer.street),
        Text(LEFT, 682, f"{buyer.postcode} {buyer.city}"),
        Text(LEFT, 620, f"{TITLES[invoice.kind]} {invoice.number}", 14, bold=True),
        Text(LEFT, 602, f"Datum {invoice.issued_on:%d.%m.%Y} · Zeitraum {start:%d.%m.%Y} bis {end:%d.%m.%Y}"),
    ]
    notes = []
    if invoice.corrects:
        notes.append(f"Zu Rechnung {invoice.corrects}")
    if invoice.buyer_reference:
        notes.append(f"Leitweg-ID {invoice.buyer_reference}")
    if notes:
        page.items.append(Text(LEFT, 588, " · ".join(notes)))


def _table(page: Page, invoice: Invoice) -> float:
    y = 556.0
    page.items += [
        Text(LEFT, y, "Leistung", 9, bold=True),
        Text(370, y, "Menge", 9, bold=True, right=True),
        Text(450, y, "Einzelpreis", 9, bold=True, right=True),
        Text(RIGHT, y, "Betrag EUR", 9, bold=True, right=True),
        Rule(LEFT, y - 5, RIGHT - LEFT),
    ]
    for line in invoice.lines:
        y -= 18
        places = 0 if line.quantity == line.quantity.to_integral() else 1
        page.items += [
            Text(LEFT, y, line.product, 9),
            Text(345, y, german(line.quantity, places), 9, right=True),
            Text(349, y, UNITS[line.unit], 9),
            Text(450, y, german(line.price, max(2, -int(line.price.as_tuple().exponent))), 9, right=True),
            Text(RIGHT, y, german(line.net), 9, right=True),
        ]
    page.items.append(Rule(LEFT, y - 7, RIGHT - LEFT))
    return y


def _totals(page: Page, invoice: Invoice, y: float) -> None:
    rows = (("Netto", invoice.net), ("Umsatzsteuer 19 %", invoice.tax), ("Gesamt", invoice.gross))
    for number, (name, amount) in enumerate(rows, start=1):
        last = number == len(rows)
        page.items += [
            Text(350, y - 7 - 16 * number, name, 10, bold=last),
            Text(RIGHT, y - 7 - 16 * number, german(amount), 10, bold=last, right=True),
        ]
    if invoice.kind == "invoice":
        page.items.append(Text(LEFT, y - 90, f"Zahlbar bis {invoice.due_on:%d.%m.%Y} ohne Abzug."))
    page.items.append(Text(LEFT, 60, "Alle Angaben sind erfunden: Vorführdaten des Kundenportals.", 8))


def traffic_report_pdf(invoice: Invoice) -> bytes:
    """What a customer gets beside the invoice: peaks and volume of the month."""
    dice = random.Random(f"traffic {invoice.number}")  # noqa: S311  # only to vary the figures
    start, end = invoice.period
    page = Page([Text(LEFT, 780, "Verkehrsbericht", 15, bold=True), Text(LEFT, 762, invoice.buyer.name)])
    page.items.append(Text(LEFT, 746, f"{start:%d.%m.%Y} bis {end:%d.%m.%Y}, Anschluss AS 64496, RZ Berlin"))
    y = 715.0
    for day in range((end - start).days + 1):
        y -= 15
        peak, volume = Decimal(dice.randrange(40, 99)) / 10, Decimal(dice.randrange(200, 900)) / 10
        page.items += [
            Text(LEFT, y, f"{start + timedelta(days=day):%d.%m.%Y}", 9),
            Text(300, y, f"{german(peak, 1)} Mbit/s", 9, right=True),
            Text(RIGHT, y, f"{german(volume, 1)} GB", 9, right=True),
        ]
    return write_pdf(f"Verkehrsbericht {start:%m/%Y}", invoice.issued_on, [page])


def call_records_csv(invoice: Invoice) -> bytes:
    """Einzelverbindungsnachweis: numbers shortened by their last three digits, as the law wants it by default."""
    dice = random.Random(f"calls {invoice.number}")  # noqa: S311  # only to vary the calls
    at = datetime.combine(invoice.period[0], datetime.min.time())
    out = io.StringIO()
    rows = csv.writer(out, delimiter=";", lineterminator="\r\n")
    rows.writerow(("Beginn", "Von", "Nach", "Dauer in s", "Netto EUR"))
    for _ in range(400):
        at += timedelta(minutes=dice.randrange(5, 200))
        if at.date() > invoice.period[1]:
            break
        seconds = dice.randrange(8, 1500)
        price = Decimal(seconds) / 60 * Decimal("0.0079")
        to = f"+49 30 23125-{dice.randrange(1, 9)}xx"
        rows.writerow((at.isoformat(sep=" "), "+49 30 23125-200", to, seconds, german(price, 4)))
    return ("\ufeff" + out.getvalue()).encode()
