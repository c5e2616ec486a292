"""The demo's papers: PDFs that others can read, e-invoices that hold their schema, sums that are right."""

import io
from datetime import date
from decimal import Decimal
from itertools import pairwise

import facturx
import pypdf
import pytest
from lxml import etree

from portalctl.demo.einvoice import XRECHNUNG, Invoice, Line, cii
from portalctl.demo.history import correction, credit_note, invoices_of, number_of, period_of
from portalctl.demo.paper import call_records_csv, invoice_pdf, traffic_report_pdf
from portalctl.demo.pdf import Page, Text, width_of, write_pdf
from portalctl.demo.story import COMPANIES, FIRST, PEOPLE, Company

TODAY = date(2026, 11, 23)
FIRST_COMPANY = COMPANIES[0]


def latest(company: Company = FIRST_COMPANY) -> Invoice:
    return list(invoices_of(company, TODAY))[-1]


def money_back() -> tuple[Line, ...]:
    return (Line("Strom nach Verbrauch, Gutschrift", Decimal(-100), "KWH", Decimal("0.3129")),)


def test_the_first_customer_has_nine_years_of_invoices() -> None:
    invoices = list(invoices_of(FIRST_COMPANY, TODAY))

    assert FIRST_COMPANY.number == FIRST == "KD-10042"
    assert len(invoices) == 108
    assert (invoices[0].issued_on, invoices[-1].issued_on) == (date(2017, 12, 2), date(2026, 11, 2))
    assert all(
        later.period[0] == period_of(earlier.period[0])[1] + date.resolution for earlier, later in pairwise(invoices)
    )


def test_on_the_first_of_a_month_nothing_is_dated_in_the_future() -> None:
    assert all(invoice.issued_on <= date(2026, 12, 1) for invoice in invoices_of(FIRST_COMPANY, date(2026, 12, 1)))


def test_no_two_invoices_share_a_number() -> None:
    numbers = [invoice.number for company in COMPANIES for invoice in invoices_of(company, TODAY)]

    assert len(numbers) == len(set(numbers))
    assert number_of(FIRST_COMPANY, date(2026, 9, 2)) == "RE-2026-004711"


@pytest.mark.parametrize("company", COMPANIES, ids=lambda company: company.number)
def test_an_einvoice_holds_the_schema_and_says_the_same_as_the_invoice(company: Company) -> None:
    invoice = latest(company)

    name, xml = facturx.get_facturx_xml_from_pdf(invoice_pdf(invoice, with_xml=True), check_xsd=True)

    root = etree.fromstring(xml)
    text = {element.tag.rpartition("}")[2]: element.text for element in root.iter() if element.text}
    assert name == "factur-x.xml"
    assert text["GrandTotalAmount"] == str(invoice.net + invoice.tax)
    assert text["LineTotalAmount"] == str(sum(line.net for line in invoice.lines))
    assert facturx.get_level(root) == "en16931"


def test_credit_note_and_correction_hold_the_schema_too() -> None:
    invoice = latest()
    for following in (credit_note, correction):
        paper = following(invoice, "GS-1", date(2026, 11, 20), money_back())

        _, xml = facturx.get_facturx_xml_from_pdf(invoice_pdf(paper, with_xml=True), check_xsd=True)

        assert paper.gross < 0
        assert invoice.number.encode() in xml


def test_an_invoice_of_a_public_body_names_its_leitweg_id() -> None:
    body = next(company for company in COMPANIES if company.buyer_reference)

    xml = cii(latest(body), XRECHNUNG)

    assert facturx.xml_check_xsd(etree.fromstring(xml), level="en16931")
    assert b"<ram:BuyerReference>991-33333TEST-33</ram:BuyerReference>" in xml


def test_a_pdf_can_be_read_strictly_and_shows_number_and_sum() -> None:
    reader = pypdf.PdfReader(io.BytesIO(invoice_pdf(latest(), with_xml=False)), strict=True)

    text = reader.pages[0].extract_text()
    assert latest().number in text
    assert "Beispiel Logistik AG" in text
    assert reader.attachments == {}


def test_the_same_day_gives_the_same_bytes() -> None:
    assert invoice_pdf(latest(), with_xml=True) == invoice_pdf(latest(), with_xml=True)
    assert traffic_report_pdf(latest()) == traffic_report_pdf(latest())


def test_call_records_stay_in_their_month_and_hide_the_last_digits() -> None:
    lines = call_records_csv(latest()).decode("utf-8-sig").splitlines()

    assert lines[0].startswith("Beginn;Von;Nach")
    assert len(lines) > 100
    assert all(line.startswith("2026-10-") and "xx;" in line for line in lines[1:])


def test_amounts_end_where_they_should() -> None:
    drawn = write_pdf("x", TODAY, [Page([Text(100, 100, "1.264,62", right=True)])])

    assert width_of("1.264,62", 10) == pytest.approx(6 * 5.56 + 2 * 2.78)
    assert pypdf.PdfReader(io.BytesIO(drawn), strict=True).pages[0].extract_text() == "1.264,62"


def test_people_are_in_every_stage_and_at_example_domains_only() -> None:
    assert {one.stage for one in PEOPLE} >= {
        "created",
        "invited",
        "opened",
        "refused",
        "password_set",
        "active",
        "deactivated",
    }
    assert all(one.email.endswith(".example") for one in PEOPLE)
    assert all(company.domain.endswith(".example") for company in COMPANIES)
    assert {one.number for one in PEOPLE} == {company.number for company in COMPANIES}
