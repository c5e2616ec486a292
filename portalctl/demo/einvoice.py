"""The XML of an electronic invoice: UN/CEFACT Cross Industry Invoice D16B, profile EN 16931.

Source: EN 16931-1 (BT numbers), Factur-X 1.07, XRechnung 3.0 (BT-10 Leitweg-ID).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from xml.sax.saxutils import escape

VAT_PERCENT = Decimal(19)
EN16931 = "urn:cen.eu:en16931:2017"
XRECHNUNG = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
TYPE_CODES = {"invoice": "380", "credit_note": "381", "correction": "384"}

_NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:un:unece:uncefact:{name}:100"'
    for prefix, name in (
        ("rsm", "data:standard:CrossIndustryInvoice"),
        ("ram", "data:standard:ReusableAggregateBusinessInformationEntity"),
        ("udt", "data:standard:UnqualifiedDataType"),
        ("qdt", "data:standard:QualifiedDataType"),
    )
)


def cents(value: Decimal) -> Decimal:
    """Commercial rounding to two places."""
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Party:
    """Seller or buyer."""

    name: str
    street: str
    postcode: str
    city: str
    vat_id: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """BG-25: one position."""

    product: str
    quantity: Decimal
    unit: str
    """UN/ECE Recommendation 20: C62 piece, KWH, MON month, MIN minute."""
    price: Decimal

    @property
    def net(self) -> Decimal:
        """BT-131."""
        return cents(self.quantity * self.price)


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice, credit note or correction."""

    number: str
    kind: str
    issued_on: date
    due_on: date
    period: tuple[date, date]
    seller: Party
    buyer: Party
    lines: Sequence[Line]
    buyer_reference: str = ""
    corrects: str = ""

    @property
    def net(self) -> Decimal:
        """BT-109."""
        return sum((line.net for line in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        """BT-110."""
        return cents(self.net * VAT_PERCENT / 100)

    @property
    def gross(self) -> Decimal:
        """BT-112."""
        return self.net + self.tax


def cii(invoice: Invoice, profile: str = EN16931) -> bytes:
    """The whole document."""
    preceding = ""
    if invoice.corrects:
        reference = _tag("ram:IssuerAssignedID", invoice.corrects)
        preceding = f"<ram:InvoiceReferencedDocument>{reference}</ram:InvoiceReferencedDocument>"
    lines = "".join(_line(number, line) for number, line in enumerate(invoice.lines, start=1))
    reference = _tag("ram:BuyerReference", invoice.buyer_reference) if invoice.buyer_reference else ""
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice {_NAMESPACES}>
<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>{_tag("ram:ID", profile)}\
</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument>{_tag("ram:ID", invoice.number)}{_tag("ram:TypeCode", TYPE_CODES[invoice.kind])}\
<ram:IssueDateTime>{_date(invoice.issued_on)}</ram:IssueDateTime></rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction>
{lines}
<ram:ApplicableHeaderTradeAgreement>{reference}{_party("Seller", invoice.seller)}{_party("Buyer", invoice.buyer)}\
</ram:ApplicableHeaderTradeAgreement>
<ram:ApplicableHeaderTradeDelivery/>
{_settlement(invoice, preceding)}
</rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>
"""
    return text.encode()


def _settlement(invoice: Invoice, preceding: str) -> str:
    start, end = invoice.period
    return f"""<ram:ApplicableHeaderTradeSettlement>{_tag("ram:InvoiceCurrencyCode", "EUR")}
<ram:SpecifiedTradeSettlementPaymentMeans>{_tag("ram:TypeCode", "58")}<ram:PayeePartyCreditorFinancialAccount>\
{_tag("ram:IBANID", "DE02120300000000202051")}</ram:PayeePartyCreditorFinancialAccount>\
</ram:SpecifiedTradeSettlementPaymentMeans>
<ram:ApplicableTradeTax>{_tag("ram:CalculatedAmount", invoice.tax)}{_tag("ram:TypeCode", "VAT")}\
{_tag("ram:BasisAmount", invoice.net)}{_tag("ram:CategoryCode", "S")}{_tag("ram:RateApplicablePercent", VAT_PERCENT)}\
</ram:ApplicableTradeTax>
<ram:BillingSpecifiedPeriod><ram:StartDateTime>{_date(start)}</ram:StartDateTime><ram:EndDateTime>{_date(end)}\
</ram:EndDateTime></ram:BillingSpecifiedPeriod>
<ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime>{_date(invoice.due_on)}</ram:DueDateDateTime>\
</ram:SpecifiedTradePaymentTerms>
<ram:SpecifiedTradeSettlementHeaderMonetarySummation>{_tag("ram:LineTotalAmount", invoice.net)}\
{_tag("ram:TaxBasisTotalAmount", invoice.net)}<ram:TaxTotalAmount currencyID="EUR">{invoice.tax}</ram:TaxTotalAmount>\
{_tag("ram:GrandTotalAmount", invoice.gross)}{_tag("ram:DuePayableAmount", invoice.gross)}\
</ram:SpecifiedTradeSettlementHeaderMonetarySummation>
{preceding}</ram:ApplicableHeaderTradeSettlement>"""


def _line(number: int, line: Line) -> str:
    return f"""<ram:IncludedSupplyChainTradeLineItem><ram:AssociatedDocumentLineDocument>{_tag("ram:LineID", number)}\
</ram:AssociatedDocumentLineDocument><ram:SpecifiedTradeProduct>{_tag("ram:Name", line.product)}\
</ram:SpecifiedTradeProduct><ram:SpecifiedLineTradeAgreement><ram:NetPriceProductTradePrice>\
{_tag("ram:ChargeAmount", line.price)}</ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement>\
<ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="{line.unit}">{line.quantity}</ram:BilledQuantity>\
</ram:SpecifiedLineTradeDelivery><ram:SpecifiedLineTradeSettlement><ram:ApplicableTradeTax>\
{_tag("ram:TypeCode", "VAT")}{_tag("ram:CategoryCode", "S")}{_tag("ram:RateApplicablePercent", VAT_PERCENT)}\
</ram:ApplicableTradeTax><ram:SpecifiedTradeSettlementLineMonetarySummation>{_tag("ram:LineTotalAmount", line.net)}\
</ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>\
</ram:IncludedSupplyChainTradeLineItem>"""


def _party(role: str, party: Party) -> str:
    vat = ""
    if party.vat_id:
        number = f'<ram:ID schemeID="VA">{escape(party.vat_id)}</ram:ID>'
        vat = f"<ram:SpecifiedTaxRegistration>{number}</ram:SpecifiedTaxRegistration>"
    address = (
        f"<ram:PostalTradeAddress>{_tag('ram:PostcodeCode', party.postcode)}{_tag('ram:LineOne', party.street)}"
        f"{_tag('ram:CityName', party.city)}{_tag('ram:CountryID', 'DE')}</ram:PostalTradeAddress>"
    )
    return f"<ram:{role}TradeParty>{_tag('ram:Name', party.name)}{address}{vat}</ram:{role}TradeParty>"


def _date(day: date) -> str:
    return f'<udt:DateTimeString format="102">{day:%Y%m%d}</udt:DateTimeString>'


def _tag(name: str, value: object) -> str:
    return f"<{name}>{escape(str(value))}</{name}>"
