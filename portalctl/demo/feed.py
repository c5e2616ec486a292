"""What billing and CRM of the demo send. Same id, same bytes each time: sending twice changes nothing."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from events.base import STRUCTURED, Event, encode
from events.billing import DocumentKind, DocumentPublished, FeedFile, InvoicePublished, PaymentRecorded
from events.crm import CustomerUpserted
from portalctl.demo.einvoice import XRECHNUNG, Invoice, Line, cii
from portalctl.demo.history import correction, credit_note, invoices_of
from portalctl.demo.paper import call_records_csv, invoice_pdf, traffic_report_pdf
from portalctl.demo.story import COMPANIES, FIRST, Company

MONTHS_WITH_XML = 36
MONTHS_WITH_REPORTS = 12
MONTHS_WITH_CALLS = 6


@dataclass(frozen=True, slots=True)
class Message:
    """One event, ready for the broker."""

    subject: str
    payload: bytes
    headers: dict[str, str]


def message(event: Event, system: str, event_id: str, at: datetime) -> Message:
    """The CloudEvent of a feed."""
    source = f"/{system}/demo"
    payload = encode(event, source=source, event_id=event_id, time=at, traceparent=None)
    return Message(event.subject, payload, {"Content-Type": STRUCTURED, "Nats-Msg-Id": f"{source}/{event_id}"})


def customers() -> list[Message]:
    """What the CRM knows."""
    at = datetime(2026, 1, 2, 6, tzinfo=UTC)
    found = []
    for company in COMPANIES:
        party = company.party
        event = CustomerUpserted(
            customer_number=company.number,
            name=party.name,
            address=f"{party.street}, {party.postcode} {party.city}",
            email_domains=(company.domain,),
            colocation=company.colocation,
            end_user=company.end_user,
            language="en" if company.language == "en" else "de",
            version=1,
        )
        found.append(message(event, "crm", f"customer/{company.number}/1", at))
    return found


def papers(today: date) -> list[Message]:
    """Everything billing published, oldest first."""
    found: list[Message] = []
    for company in COMPANIES:
        invoices = list(invoices_of(company, today))
        for ago, invoice in zip(reversed(range(len(invoices))), invoices, strict=True):
            found.append(_published(company, invoice, ago, today))
            found += _beside(company, invoice, ago)
        if company.number == FIRST:
            found += _second_thoughts(company, invoices, today)
    return found


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(4), UTC)


def _published(company: Company, invoice: Invoice, ago: int, today: date) -> Message:
    if company.buyer_reference and ago % 2:
        file = _file(f"{invoice.number}.xml", "application/xml", cii(invoice, XRECHNUNG))
    else:
        file = _file(f"{invoice.number}.pdf", "application/pdf", invoice_pdf(invoice, with_xml=ago < MONTHS_WITH_XML))
    return _invoice_message(company, invoice, (file,), _payment_state(invoice, ago, today))


def _payment_state(invoice: Invoice, ago: int, today: date) -> str:
    if ago == 0:
        return "open" if today <= invoice.due_on else "overdue"
    return "overdue" if ago == 2 else "paid"


def _invoice_message(company: Company, invoice: Invoice, files: tuple[FeedFile, ...], state: str | None) -> Message:
    event = InvoicePublished(
        customer_number=company.number,
        invoice_number=invoice.number,
        kind=invoice.kind,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        period_from=invoice.period[0],
        period_to=invoice.period[1],
        billing_account=f"{company.number}-01",
        currency="EUR",
        net=invoice.net,
        tax=invoice.tax,
        gross=invoice.gross,
        payment_state=state,
        corrects=invoice.corrects or None,
        notify=False,
        files=files,
    )
    return message(event, "billing", f"invoice/{invoice.number}", _morning(invoice.issued_on))


def _beside(company: Company, invoice: Invoice, ago: int) -> Iterator[Message]:
    month = f"{invoice.period[0]:%Y-%m}"
    if company.colocation and ago < MONTHS_WITH_REPORTS:
        report = _file(f"Verkehrsbericht-{month}.pdf", "application/pdf", traffic_report_pdf(invoice), "attachment")
        yield _document(company, invoice, "traffic_report", f"Verkehrsbericht {month}", report)
    if company.number == FIRST and ago < MONTHS_WITH_CALLS:
        calls = _file(f"Einzelverbindungen-{month}.csv", "text/csv", call_records_csv(invoice), "attachment")
        yield _document(company, invoice, "call_records", f"Einzelverbindungsnachweis {month}", calls)


def _document(company: Company, invoice: Invoice, kind: DocumentKind, title: str, file: FeedFile) -> Message:
    number = f"{kind}-{invoice.number}"
    event = DocumentPublished(
        customer_number=company.number,
        document_id=number,
        invoice_number=invoice.number,
        kind=kind,
        title=title,
        issued_on=invoice.issued_on,
        notify=False,
        files=(file,),
    )
    return message(event, "billing", f"document/{number}", _morning(invoice.issued_on))


def _second_thoughts(company: Company, invoices: list[Invoice], today: date) -> Iterator[Message]:
    """A credit note, a correction, and what was paid in part."""
    for make, ago, prefix, line in (
        (credit_note, 4, "GS", Line("Strom: Ablesefehler, Gutschrift", Decimal(-100), "KWH", Decimal("0.3129"))),
        (correction, 7, "RK", Line("IPv4-Adressen: ein /29 zu viel berechnet", Decimal(-8), "MON", Decimal("0.65"))),
    ):
        wrong = invoices[-1 - ago]
        issued_on = min(wrong.issued_on + timedelta(days=17), today)
        paper = make(wrong, wrong.number.replace("RE", prefix), issued_on, (line,))
        file = _file(f"{paper.number}.pdf", "application/pdf", invoice_pdf(paper, with_xml=True))
        yield _invoice_message(company, paper, (file,), None)
    late = invoices[-2]
    event = PaymentRecorded(
        customer_number=company.number,
        invoice_number=late.number,
        payment_state="partially_paid",
        paid_on=late.due_on,
        open_amount=late.gross - 500,
    )
    yield message(event, "billing", f"payment/{late.number}", _morning(late.due_on))


def _file(name: str, media_type: str, content: bytes, role: str = "invoice") -> FeedFile:
    return FeedFile(
        name=name,
        media_type=media_type,
        sha256=hashlib.sha256(content).hexdigest(),
        role=role,
        content=base64.b64encode(content).decode(),
    )
