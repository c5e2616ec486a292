"""Reads an e-invoice by EN 16931 business terms: ZUGFeRD 1 and 2, Factur-X, XRechnung (CII and UBL). Pure.

Namespaces are ignored, since ZUGFeRD 1 and 2 differ in little else. Nothing is validated: what cannot be read is None.
"""

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree
from pypdf import PdfReader

# what is odd in a PDF is its sender's affair, not a line in our log for each invoice
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

LARGEST_XML_BYTES = 10 * 1024**2
_LONGEST_TEXT = 200
_NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "cii.xml")


@dataclass(frozen=True, slots=True)
class EInvoice:
    """The terms that filing needs; each may be missing."""

    syntax: str
    """``cii`` or ``ubl``."""
    number: str | None = None
    """BT-1."""
    issued_on: date | None = None
    """BT-2."""
    type_code: str | None = None
    """BT-3: 380 invoice, 381 credit note, 384 correction."""
    currency: str | None = None
    """BT-5."""
    due_on: date | None = None
    """BT-9."""
    buyer_reference: str | None = None
    """BT-10, in Germany the Leitweg-ID."""
    purchase_order: str | None = None
    """BT-13."""
    seller: str | None = None
    """BT-27."""
    buyer: str | None = None
    """BT-44."""
    period_from: date | None = None
    """BT-73."""
    period_to: date | None = None
    """BT-74."""
    net: Decimal | None = None
    """BT-109."""
    tax: Decimal | None = None
    """BT-110."""
    gross: Decimal | None = None
    """BT-112."""
    payable: Decimal | None = None
    """BT-115."""

    @property
    def kind(self) -> str:
        """As the feed calls it."""
        return {"381": "credit_note", "384": "correction"}.get(self.type_code or "", "invoice")


def read(content: bytes) -> EInvoice | None:
    """The e-invoice in a PDF or XML; None for everything else."""
    if content.startswith(b"%PDF-"):
        return read_pdf(content)
    return read_xml(content)


def read_pdf(content: bytes) -> EInvoice | None:
    """The e-invoice embedded in a PDF/A-3."""
    if b"EmbeddedFile" not in content and b"ObjStm" not in content:
        return None  # neither names nor compressed objects that could: spares the parser most invoices
    try:
        attached = PdfReader(io.BytesIO(content)).attachments
        named = {name.casefold(): name for name in attached}
        wanted = [named[name] for name in _NAMES if name in named]
        others = [name for name in attached if name.casefold().endswith(".xml") and name not in wanted]
        for name in wanted + others:
            for xml in attached[name]:
                if (found := read_xml(xml)) is not None:
                    return found
    except Exception:  # pypdf raises whatever a broken file makes it meet; unreadable is no reason to refuse
        return None
    return None


def read_xml(content: bytes) -> EInvoice | None:
    """The e-invoice in an XML document; without entities, DTD or network."""
    if len(content) > LARGEST_XML_BYTES:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root.getroottree().docinfo.doctype:
        return None
    name = etree.QName(root).localname
    if name in ("CrossIndustryInvoice", "CrossIndustryDocument"):
        return _read(root, "cii", _CII)
    if name in ("Invoice", "CreditNote"):
        return _read(root, "ubl", _UBL)
    return None


def _text(value: str) -> str | None:
    cleaned = " ".join("".join(letter for letter in value if letter.isprintable() or letter.isspace()).split())
    return cleaned[:_LONGEST_TEXT] or None


def _day(value: str) -> date | None:
    digits = value.strip()[:10].replace("-", "")[:8]
    try:
        return date.fromisoformat(digits) if digits.isascii() else None
    except ValueError:
        return None


def _amount(value: str) -> Decimal | None:
    try:
        amount = Decimal(value.strip())
        return amount.quantize(Decimal("0.01")) if amount.is_finite() and abs(amount) < 10**12 else None
    except InvalidOperation:
        return None


def _currency(value: str) -> str | None:
    code = value.strip()
    return code if len(code) == 3 and code.isascii() and code.isupper() else None


_READERS: dict[str, Callable[[str], object]] = {
    "issued_on": _day,
    "due_on": _day,
    "period_from": _day,
    "period_to": _day,
    "net": _amount,
    "tax": _amount,
    "gross": _amount,
    "payable": _amount,
    "currency": _currency,
}

_SETTLEMENT = "//ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement"
_AGREEMENT = "//ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement"
_SUM = "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
_HEAD = "ExchangedDocument|HeaderExchangedDocument"


def _compiled(paths: dict[str, str]) -> dict[str, etree.XPath]:
    """``A|B/C`` is a C in an A or a B, whatever their namespaces; ``//`` in front: at any depth."""
    ready = {}
    for term, path in paths.items():
        steps = [
            "*[" + " or ".join(f"local-name()='{name}'" for name in step.split("|")) + "]"
            for step in path.removeprefix("//").split("/")
        ]
        ready[term] = etree.XPath((".//" if path.startswith("//") else "./") + "/".join(steps))
    return ready


_CII = _compiled(
    {
        "number": f"{_HEAD}/ID",
        "issued_on": f"{_HEAD}/IssueDateTime/DateTimeString",
        "type_code": f"{_HEAD}/TypeCode",
        "currency": f"{_SETTLEMENT}/InvoiceCurrencyCode",
        "due_on": f"{_SETTLEMENT}/SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString",
        "buyer_reference": f"{_AGREEMENT}/BuyerReference",
        "purchase_order": f"{_AGREEMENT}/BuyerOrderReferencedDocument/IssuerAssignedID|ID",
        "seller": f"{_AGREEMENT}/SellerTradeParty/Name",
        "buyer": f"{_AGREEMENT}/BuyerTradeParty/Name",
        "period_from": f"{_SETTLEMENT}/BillingSpecifiedPeriod/StartDateTime/DateTimeString",
        "period_to": f"{_SETTLEMENT}/BillingSpecifiedPeriod/EndDateTime/DateTimeString",
        "net": f"{_SETTLEMENT}/{_SUM}/TaxBasisTotalAmount",
        "tax": f"{_SETTLEMENT}/{_SUM}/TaxTotalAmount",
        "gross": f"{_SETTLEMENT}/{_SUM}/GrandTotalAmount",
        "payable": f"{_SETTLEMENT}/{_SUM}/DuePayableAmount",
    }
)

_UBL = _compiled(
    {
        "number": "ID",
        "issued_on": "IssueDate",
        "type_code": "InvoiceTypeCode|CreditNoteTypeCode",
        "currency": "DocumentCurrencyCode",
        "due_on": "DueDate",
        "buyer_reference": "BuyerReference",
        "purchase_order": "OrderReference/ID",
        "seller": "AccountingSupplierParty/Party/PartyLegalEntity/RegistrationName",
        "buyer": "AccountingCustomerParty/Party/PartyLegalEntity/RegistrationName",
        "period_from": "InvoicePeriod/StartDate",
        "period_to": "InvoicePeriod/EndDate",
        "net": "LegalMonetaryTotal/TaxExclusiveAmount",
        "tax": "TaxTotal/TaxAmount",
        "gross": "LegalMonetaryTotal/TaxInclusiveAmount",
        "payable": "LegalMonetaryTotal/PayableAmount",
    }
)


def _read(root: etree._Element, syntax: str, paths: dict[str, etree.XPath]) -> EInvoice:
    values: dict[str, Any] = {}
    for term, path in paths.items():
        found: Any = path(root)
        reader = _READERS.get(term, _text)
        values[term] = next((value for node in found if (value := reader(node.text or "")) is not None), None)
    if values["currency"]:
        values["tax"] = _in_currency(paths["tax"](root), values["currency"]) or values["tax"]
    if etree.QName(root).localname == "CreditNote" and values["type_code"] is None:
        values["type_code"] = "381"
    return EInvoice(syntax=syntax, **values)


def _in_currency(nodes: Any, currency: str) -> Decimal | None:
    """BT-110, not BT-111, which is the same tax in the seller's own currency."""
    return next((_amount(node.text or "") for node in nodes if node.get("currencyID") == currency), None)
