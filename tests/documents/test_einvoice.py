"""E-invoices by business term: Factur-X made by factur-x, ZUGFeRD 1, UBL and XRechnung written by hand."""

import io
import time
from datetime import date
from decimal import Decimal

import pytest
from facturx import generate_from_binary
from reportlab.pdfgen.canvas import Canvas

from services.documents.einvoice import EInvoice, read, read_xml
from services.documents.models import Document, FeedRecord
from tests.documents.conftest import Portal, a_file, an_invoice

CII = b"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
 xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
 <rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>
  <ram:ID>urn:cen.eu:en16931:2017</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
 <rsm:ExchangedDocument><ram:ID>RE-2026-0001</ram:ID><ram:TypeCode>380</ram:TypeCode>
  <ram:IssueDateTime><udt:DateTimeString format="102">20260902</udt:DateTimeString></ram:IssueDateTime>
 </rsm:ExchangedDocument>
 <rsm:SupplyChainTradeTransaction>
  <ram:IncludedSupplyChainTradeLineItem>
   <ram:AssociatedDocumentLineDocument><ram:LineID>1</ram:LineID></ram:AssociatedDocumentLineDocument>
   <ram:SpecifiedTradeProduct><ram:Name>Internet Connect</ram:Name></ram:SpecifiedTradeProduct>
   <ram:SpecifiedLineTradeAgreement><ram:NetPriceProductTradePrice><ram:ChargeAmount>1062.71</ram:ChargeAmount>
   </ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement>
   <ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="C62">1</ram:BilledQuantity>
   </ram:SpecifiedLineTradeDelivery>
   <ram:SpecifiedLineTradeSettlement><ram:ApplicableTradeTax><ram:TypeCode>VAT</ram:TypeCode>
    <ram:CategoryCode>S</ram:CategoryCode><ram:RateApplicablePercent>19</ram:RateApplicablePercent>
    </ram:ApplicableTradeTax><ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>1062.71</ram:LineTotalAmount>
    </ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>
  </ram:IncludedSupplyChainTradeLineItem>
  <ram:ApplicableHeaderTradeAgreement><ram:BuyerReference>04011000-12345-34</ram:BuyerReference>
   <ram:SellerTradeParty><ram:Name>Nordwelle Telekom GmbH</ram:Name>
    <ram:PostalTradeAddress><ram:CountryID>DE</ram:CountryID></ram:PostalTradeAddress>
    <ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">DE123456788</ram:ID></ram:SpecifiedTaxRegistration>
   </ram:SellerTradeParty>
   <ram:BuyerTradeParty><ram:Name>Beispiel AG</ram:Name>
    <ram:PostalTradeAddress><ram:CountryID>DE</ram:CountryID></ram:PostalTradeAddress></ram:BuyerTradeParty>
   <ram:BuyerOrderReferencedDocument><ram:IssuerAssignedID>PO-77</ram:IssuerAssignedID></ram:BuyerOrderReferencedDocument>
  </ram:ApplicableHeaderTradeAgreement>
  <ram:ApplicableHeaderTradeDelivery/>
  <ram:ApplicableHeaderTradeSettlement>
   <ram:TaxCurrencyCode>CHF</ram:TaxCurrencyCode><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
   <ram:ApplicableTradeTax><ram:CalculatedAmount>201.91</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode>
    <ram:BasisAmount>1062.71</ram:BasisAmount><ram:CategoryCode>S</ram:CategoryCode>
    <ram:RateApplicablePercent>19</ram:RateApplicablePercent></ram:ApplicableTradeTax>
   <ram:BillingSpecifiedPeriod>
    <ram:StartDateTime><udt:DateTimeString format="102">20260801</udt:DateTimeString></ram:StartDateTime>
    <ram:EndDateTime><udt:DateTimeString format="102">20260831</udt:DateTimeString></ram:EndDateTime>
   </ram:BillingSpecifiedPeriod>
   <ram:SpecifiedTradePaymentTerms>
    <ram:DueDateDateTime><udt:DateTimeString format="102">20260916</udt:DateTimeString></ram:DueDateDateTime>
   </ram:SpecifiedTradePaymentTerms>
   <ram:SpecifiedTradeSettlementHeaderMonetarySummation>
    <ram:LineTotalAmount>1062.71</ram:LineTotalAmount><ram:TaxBasisTotalAmount>1062.71</ram:TaxBasisTotalAmount>
    <ram:TaxTotalAmount currencyID="CHF">188.00</ram:TaxTotalAmount>
    <ram:TaxTotalAmount currencyID="EUR">201.91</ram:TaxTotalAmount>
    <ram:GrandTotalAmount>1264.62</ram:GrandTotalAmount><ram:DuePayableAmount>1264.62</ram:DuePayableAmount>
   </ram:SpecifiedTradeSettlementHeaderMonetarySummation>
  </ram:ApplicableHeaderTradeSettlement>
 </rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>"""

ZUGFERD_1 = b"""<rsm:CrossIndustryDocument xmlns:rsm="urn:ferd:CrossIndustryDocument:invoice:1p0"
 xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:12"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:15">
 <rsm:HeaderExchangedDocument><ram:ID>R-14</ram:ID><ram:TypeCode>380</ram:TypeCode>
  <ram:IssueDateTime><udt:DateTimeString format="102">20141231</udt:DateTimeString></ram:IssueDateTime>
 </rsm:HeaderExchangedDocument>
 <rsm:SpecifiedSupplyChainTradeTransaction>
  <ram:ApplicableSupplyChainTradeAgreement>
   <ram:SellerTradeParty><ram:Name>Nordwelle Telekom GmbH</ram:Name></ram:SellerTradeParty>
   <ram:BuyerTradeParty><ram:Name>Beispiel AG</ram:Name></ram:BuyerTradeParty>
   <ram:BuyerOrderReferencedDocument><ram:ID>PO-1</ram:ID></ram:BuyerOrderReferencedDocument>
  </ram:ApplicableSupplyChainTradeAgreement>
  <ram:ApplicableSupplyChainTradeSettlement>
   <ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
   <ram:SpecifiedTradePaymentTerms>
    <ram:DueDateDateTime><udt:DateTimeString format="102">20150114</udt:DateTimeString></ram:DueDateDateTime>
   </ram:SpecifiedTradePaymentTerms>
   <ram:SpecifiedTradeSettlementMonetarySummation>
    <ram:TaxBasisTotalAmount currencyID="EUR">100.00</ram:TaxBasisTotalAmount>
    <ram:TaxTotalAmount currencyID="EUR">19.00</ram:TaxTotalAmount>
    <ram:GrandTotalAmount currencyID="EUR">119.00</ram:GrandTotalAmount>
    <ram:DuePayableAmount currencyID="EUR">0.00</ram:DuePayableAmount>
   </ram:SpecifiedTradeSettlementMonetarySummation>
  </ram:ApplicableSupplyChainTradeSettlement>
 </rsm:SpecifiedSupplyChainTradeTransaction>
</rsm:CrossIndustryDocument>"""

UBL = b"""<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
 <cbc:ID>RE-2026-0001</cbc:ID><cbc:IssueDate>2026-09-02</cbc:IssueDate><cbc:DueDate>2026-09-16</cbc:DueDate>
 <cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
 <cbc:BuyerReference>04011000-12345-34</cbc:BuyerReference>
 <cac:InvoicePeriod><cbc:StartDate>2026-08-01</cbc:StartDate><cbc:EndDate>2026-08-31</cbc:EndDate></cac:InvoicePeriod>
 <cac:OrderReference><cbc:ID>PO-77</cbc:ID></cac:OrderReference>
 <cac:AccountingSupplierParty><cac:Party><cac:PartyLegalEntity>
  <cbc:RegistrationName>Nordwelle Telekom GmbH</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party>
 </cac:AccountingSupplierParty>
 <cac:AccountingCustomerParty><cac:Party><cac:PartyLegalEntity>
  <cbc:RegistrationName>Beispiel AG</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party>
 </cac:AccountingCustomerParty>
 <cac:TaxTotal><cbc:TaxAmount currencyID="EUR">201.91</cbc:TaxAmount></cac:TaxTotal>
 <cac:LegalMonetaryTotal><cbc:TaxExclusiveAmount currencyID="EUR">1062.71</cbc:TaxExclusiveAmount>
  <cbc:TaxInclusiveAmount currencyID="EUR">1264.62</cbc:TaxInclusiveAmount>
  <cbc:PayableAmount currencyID="EUR">1264.62</cbc:PayableAmount></cac:LegalMonetaryTotal>
 <cac:InvoiceLine><cbc:ID>1</cbc:ID><cac:InvoicePeriod><cbc:StartDate>2020-01-01</cbc:StartDate></cac:InvoicePeriod>
 </cac:InvoiceLine>
</Invoice>"""

EXPECTED = {
    "number": "RE-2026-0001",
    "issued_on": date(2026, 9, 2),
    "type_code": "380",
    "currency": "EUR",
    "due_on": date(2026, 9, 16),
    "buyer_reference": "04011000-12345-34",
    "purchase_order": "PO-77",
    "seller": "Nordwelle Telekom GmbH",
    "buyer": "Beispiel AG",
    "period_from": date(2026, 8, 1),
    "period_to": date(2026, 8, 31),
    "net": Decimal("1062.71"),
    "tax": Decimal("201.91"),
    "gross": Decimal("1264.62"),
    "payable": Decimal("1264.62"),
}


def a_pdf() -> bytes:
    paper = io.BytesIO()
    canvas = Canvas(paper)
    canvas.drawString(72, 720, "Rechnung RE-2026-0001")
    canvas.save()
    return paper.getvalue()


@pytest.fixture(scope="module")
def factur_x() -> bytes:
    made: bytes = generate_from_binary(a_pdf(), CII, flavor="factur-x", level="en16931", check_xsd=False)
    return made


def test_factur_x_inside_a_pdf(factur_x: bytes) -> None:
    assert read(factur_x) == EInvoice(syntax="cii", **EXPECTED)  # type: ignore[arg-type]


def test_xrechnung_in_ubl() -> None:
    assert read(UBL) == EInvoice(syntax="ubl", **EXPECTED)  # type: ignore[arg-type]


def test_zugferd_1() -> None:
    found = read(ZUGFERD_1)

    assert found is not None
    assert (found.number, found.issued_on, found.due_on) == ("R-14", date(2014, 12, 31), date(2015, 1, 14))
    assert (found.net, found.tax, found.gross, found.payable) == tuple(
        map(Decimal, ("100.00", "19.00", "119.00", "0.00"))
    )
    assert (found.seller, found.buyer, found.purchase_order) == ("Nordwelle Telekom GmbH", "Beispiel AG", "PO-1")
    assert found.period_from is None


@pytest.mark.parametrize(("code", "kind"), [("380", "invoice"), ("381", "credit_note"), ("384", "correction")])
def test_the_kind_follows_from_the_type_code(code: str, kind: str) -> None:
    found = read_xml(CII.replace(b">380<", f">{code}<".encode()))

    assert found
    assert found.kind == kind


def test_a_ubl_credit_note_without_a_code_is_one() -> None:
    credit = UBL.replace(b"<Invoice ", b"<CreditNote ").replace(b"</Invoice>", b"</CreditNote>")
    found = read_xml(credit.replace(b"<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>", b""))

    assert found
    assert found.kind == "credit_note"


def test_values_that_make_no_sense_are_left_out() -> None:
    wrong = UBL.replace(b"2026-09-16", b"2026-02-30").replace(b"1264.62", b"NaN").replace(b">EUR<", b">Euro<")
    found = read_xml(wrong)

    assert found
    assert (found.due_on, found.gross, found.currency) == (None, None, None)
    assert found.number == "RE-2026-0001"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nothing",
        b"<a/>",
        b"<Invoice",
        b"%PDF-1.7 broken",
        b"%PDF-",
        b"\xff\xfe<\x00a\x00",
        CII[:700],
    ],
)
def test_what_cannot_be_read_is_none(content: bytes) -> None:
    assert read(content) is None


def test_a_pdf_without_an_attachment_is_none() -> None:
    assert read(a_pdf()) is None


def test_neither_entities_nor_files_are_followed() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY a%d "%s">' % (n, (b"&a%d;" % (n - 1) if n else b"&a;") * 10) for n in range(9)
    )
    outside = b'<!DOCTYPE x [<!ENTITY a8 SYSTEM "file:///etc/hostname">]>'
    for head in (bomb + b"]>", outside):
        started = time.monotonic()
        assert read_xml(head + UBL.replace(b"RE-2026-0001", b"&a8;")) is None
        assert time.monotonic() - started < 1


async def test_what_the_feed_leaves_out_is_taken_from_the_e_invoice(portal: Portal, factur_x: bytes) -> None:
    await portal.customer()
    left_out = {"due_on": None, "period_from": None, "period_to": None, "files": [a_file(factur_x)]}

    await portal.invoice(**left_out)
    await portal.invoice("RE-X", files=[a_file(UBL, "x.xml", media_type="application/xml")], due_on=None)

    for document in await portal.rows(Document):
        assert (document.due_on, document.period_from) == (date(2026, 9, 16), date(2026, 8, 1))


async def test_where_feed_and_e_invoice_disagree_both_are_told(portal: Portal, factur_x: bytes) -> None:
    await portal.customer()

    await portal.invoice(files=[a_file(factur_x)], gross="1264.63")

    (record,) = await portal.rows(FeedRecord)
    assert record.state == "filed"
    assert [(reason["reason"], reason["pointer"]) for reason in record.reasons] == [("einvoice_differs", "/data/gross")]
    (document,) = await portal.rows(Document)
    assert document.gross == Decimal("1264.63")


async def test_an_unreadable_e_invoice_is_filed_all_the_same(portal: Portal) -> None:
    await portal.customer()
    broken = a_file(CII[:900], "rechnung.xml", media_type="application/xml")

    await portal.publish("billing.invoice.published.v1", an_invoice(files=[broken], due_on=None))

    assert await portal.count(Document) == 1
