"""Figures and days as people write them, and each piece of news in one line, in German and English. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import urlencode

from chassis.mail import moment

Words = Mapping[str, Any]
_MONTHS_DE = (
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()  # noqa: SIM905
)
_MONTHS_EN = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_INVOICES = {
    "invoice": ("Rechnung", "Invoice"),
    "credit_note": ("Gutschrift", "Credit note"),
    "correction": ("Rechnungskorrektur", "Invoice correction"),
}
_DOCUMENTS = {
    "call_records": ("Einzelverbindungsnachweis", "Call records"),
    "traffic_report": ("Verkehrsbericht", "Traffic report"),
    "power_statement": ("Stromabrechnung", "Power statement"),
    "price_list": ("Preisliste", "Price list"),
    "letter": ("Schreiben", "Letter"),
    "other": ("Dokument", "Document"),
}
_ROLES = {
    "management": ("Geschäftsleitung", "Management"),
    "commercial": ("Kaufmännisch", "Commercial"),
    "invoices": ("Rechnungsempfang", "Invoices"),
    "technical": ("Technik", "Technical"),
    "technical_out_of_hours": ("Technik außerhalb der Arbeitszeit", "Out-of-hours technical"),
    "planned_works": ("Geplante Arbeiten", "Planned works"),
    "abuse": ("Missbrauch", "Abuse"),
    "data_protection": ("Datenschutz", "Data protection"),
    "site_access": ("Zutritt", "Site access"),
    "account_manager": ("Kundenbetreuung", "Account manager"),
}
_DIRECTIONS = {
    "in": ("eingehend", "in"),
    "out": ("ausgehend", "out"),
    "any": ("in einer Richtung", "in one direction"),
    "sum": ("beide Richtungen zusammen", "both directions together"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of news: what it is, what more there is to know, and where to see it."""

    title: str
    detail: str
    path: str


def item(words: Words, english: bool) -> Item:
    """What one notice says."""
    return _ITEMS[words["interest"]](words, english)


def day(text: str, english: bool) -> str:
    """``31.12.2026`` or ``31 December 2026``."""
    at = date.fromisoformat(text)
    return f"{at.day} {_MONTHS_EN[at.month - 1]} {at.year}" if english else f"{at:%d.%m.%Y}"


def month(text: str, english: bool) -> str:
    """Of ``2026-11``: ``November 2026``."""
    year, number = text.split("-")
    return f"{(_MONTHS_EN if english else _MONTHS_DE)[int(number) - 1]} {year}"


def money(amount: str, currency: str, english: bool) -> str:
    """``1.264,62 EUR`` or ``1,264.62 EUR``."""
    return f"{_local(f'{Decimal(amount):,.2f}', english)} {currency}"


def quantity(value: int, unit: str, english: bool) -> str:
    """Base 1000: ``8,2 Mbit/s``, ``1.5 GB``."""
    figure, prefix = Decimal(value), ""
    for larger in ("k", "M", "G", "T", "P"):
        if figure < Decimal("999.95"):
            break
        figure, prefix = figure / 1000, larger
    text = str(figure.quantize(Decimal("0.1"), ROUND_HALF_UP)).removesuffix(".0")
    return f"{_local(text, english)} {prefix}{unit}"


def role(name: str, english: bool) -> str:
    """What a contact is there for; one that nobody knows stays as it is."""
    return _ROLES.get(name, (name, name))[english]


def _local(figure: str, english: bool) -> str:
    return figure if english else figure.translate(str.maketrans(",.", ".,"))


def _invoice(words: Words, english: bool) -> Item:
    kind = _INVOICES.get(words["kind"], _INVOICES["invoice"])[english]
    amount = money(words["gross"], words["currency"], english)
    due = day(words["due_on"], english) if words["due_on"] else ""
    told = (f", due on {due}" if english else f", fällig am {due}") if due else ""
    issued = day(words["issued_on"], english)
    return Item(
        f"{kind} {words['number']}",
        f"{'of' if english else 'vom'} {issued}, {amount}{told}",
        _page("/files", document=words["document_id"]),
    )


def _document(words: Words, english: bool) -> Item:
    kind = _DOCUMENTS.get(words["kind"], _DOCUMENTS["other"])[english]
    issued = f"{'of' if english else 'vom'} {day(words['issued_on'], english)}"
    return Item(f"{kind}: {words['title']}", issued, _page("/files", document=words["document_id"]))


def _file(words: Words, english: bool) -> Item:
    size = quantity(words["size_bytes"], "B", english)
    return Item(words["name"], f"{size}{_where(words, english)}", _drive(words))


def _quarantined(words: Words, english: bool) -> Item:
    found = f"found: {words['signature']}" if english else f"gefunden: {words['signature']}"
    return Item(words["name"], f"{found}{_where(words, english)}", _drive(words))


def _where(words: Words, english: bool) -> str:
    folder = f", in the folder {words['folder']}" if english else f", im Ordner {words['folder']}"
    by = f", by {words['shared_by']}" if english else f", von {words['shared_by']}"
    return (folder if words["folder"] else "") + by


def _notice_day(words: Words, english: bool) -> Item:
    last, end = day(words["last_notice_day"], english), day(words["earliest_end_on"], english)
    n = words["months_before"]
    if english:
        ahead = "a month" if n == 1 else f"{n} months"
        detail = f"to end it on {end}, notice must be given by {last} (within {ahead})"
    else:
        ahead = "einem Monat" if n == 1 else f"{n} Monaten"
        detail = f"Kündigung spätestens am {last} (in höchstens {ahead}), damit er am {end} endet"
    return Item(f"{words['name']} ({words['number']})", detail, _page("/contracts", contract=words["contract_id"]))


def _review(words: Words, english: bool) -> Item:
    roles = ", ".join(role(name, english) for name in words["roles"])
    name = words["name"] or ("Contact" if english else "Ansprechpartner")
    since = day(words["due_on"], english)
    detail = f"due since {since}" if english else f"fällig seit {since}"
    return Item(f"{name} ({roles})" if roles else name, detail, _page("/contacts", contact=words["contact_id"]))


_CHANGES = {
    "create": ("neu hinzufügen", "to be added"),
    "change": ("ändern", "to be changed"),
    "remove": ("entfernen", "to be removed"),
}


def _waiting(words: Words, english: bool) -> Item:
    by = f"asked for by {words['requested_by']}" if english else f"beantragt von {words['requested_by']}"
    return Item(_change(words, english), by, _page("/contacts", contact=words["contact_id"]))


def _decided(words: Words, english: bool) -> Item:
    if words["approved"]:
        said = "approved, in force now" if english else "freigegeben, gilt ab sofort"
    else:
        said = "refused, what was before stays in force" if english else "abgelehnt, das Bisherige gilt weiter"
    reason = (f". Reason: {words['reason']}" if english else f". Grund: {words['reason']}") if words["reason"] else ""
    return Item(_change(words, english), said + reason, _page("/contacts", contact=words["contact_id"]))


def _change(words: Words, english: bool) -> str:
    name = words["name"] or ("Contact" if english else "Ansprechpartner")
    return f"{name}: {_CHANGES[words['kind']][english]}"


def _commit(words: Words, english: bool) -> Item:
    p95, commit = (quantity(words[name], "bit/s", english) for name in ("p95_bps", "commit_bps"))
    when, left = month(words["month"], english), words["slots_left"]
    if words["exceeded"]:
        title = f"{words['name']}: commit exceeded" if english else f"{words['name']}: Zusage überschritten"
        rest = ""
    else:
        title = f"{words['name']}: commit nearly exceeded" if english else f"{words['name']}: Zusage bald überschritten"
        rest = (
            f"; {left} more 5-minute values may exceed it"
            if english
            else f"; noch {left} Fünf-Minuten-Werte dürfen darüber liegen"
        )
    detail = (
        f"95th percentile in {when} so far {p95}, commit {commit}"
        if english
        else f"95. Perzentil im {when} bisher {p95}, zugesagt {commit}"
    )
    return Item(title, detail + rest, _graph(words, view="billing", month=words["month"]))


def _threshold(words: Words, english: bool) -> Item:
    unit = "bit/s" if words["kind"] == "rate" else "B"
    limit, measured = (quantity(words[name], unit, english) for name in ("limit", "measured"))
    at = moment(datetime.fromisoformat(words["exceeded_at"]), "en" if english else "de", words["time_zone"])
    direction = _DIRECTIONS[words["direction"]][english]
    title = f"{words['name']}: above {limit}" if english else f"{words['name']}: über {limit}"
    kind = (
        ("Rate" if words["kind"] == "rate" else "Volume")
        if english
        else ("Bandbreite" if words["kind"] == "rate" else "Volumen")
    )
    detail = (
        f"{kind} {direction}: {measured}, first on {at}"
        if english
        else f"{kind} {direction}: {measured}, erstmals {at}"
    )
    return Item(title, detail, _graph(words))


def _graph(words: Words, **more: str) -> str:
    return _page("/graphs", **{name: words[name] for name in ("line", "group") if name in words}, **more)


def _drive(words: Words) -> str:
    folder = {"folder": words["folder_id"]} if words["folder_id"] else {}
    return _page("/files/exchange", **folder, entry=words["file_id"])


def _page(path: str, **query: str) -> str:
    return f"{path}?{urlencode(query)}"


_ITEMS: Mapping[str, Callable[[Words, bool], Item]] = {
    "invoice_filed": _invoice,
    "document_filed": _document,
    "file_shared": _file,
    "file_quarantined": _quarantined,
    "contract_notice": _notice_day,
    "contact_review": _review,
    "contact_waiting": _waiting,
    "contact_decided": _decided,
    "traffic_commit": _commit,
    "traffic_threshold": _threshold,
}


def headline(counts: Mapping[str, int], items: Sequence[Item], topic: str, english: bool) -> str:
    """The subject: what it is where it is one thing, how many of what where it is more."""
    total = sum(counts.values())
    if topic == "filed":
        if total == 1:
            return f"{'New' if english else 'Neu'}: {items[0].title}"
        return _and([_many(name, counts[name], english) for name in counts], english)
    if total == 1:
        one = _HEADLINE_OF_ONE[topic][english]
        return f"{one}: {items[0].title}" if one else items[0].title
    return _many(topic, total, english)


_HEADLINE_OF_ONE = {
    "shared": ("Neue Datei im Austausch", "New file in the exchange drive"),
    "quarantined": ("Virenprüfung hält eine Datei zurück", "Virus scan holds a file back"),
    "contracts": ("Kündigungsfrist läuft bald ab", "Notice day comes near"),
    "contacts": ("Bitte prüfen Sie einen Ansprechpartner", "Please review a contact"),
    "waiting": ("Bitte entscheiden Sie über einen Ansprechpartner", "Please decide about a contact"),
    "decided": ("Über Ihre Änderung ist entschieden", "Your change is decided"),
    "traffic": ("", ""),
}
_MANY = {
    "invoice_filed": ("{} neue Rechnungen", "{} new invoices", "1 neue Rechnung", "1 new invoice"),
    "document_filed": ("{} neue Dokumente", "{} new documents", "1 neues Dokument", "1 new document"),
    "shared": ("{} neue Dateien im Austausch", "{} new files in the exchange drive", "", ""),
    "quarantined": ("Virenprüfung hält {} Dateien zurück", "Virus scan holds {} files back", "", ""),
    "contracts": ("{} Kündigungsfristen laufen bald ab", "{} notice days come near", "", ""),
    "contacts": ("Bitte prüfen Sie {} Ansprechpartner", "Please review {} contacts", "", ""),
    "waiting": ("Bitte entscheiden Sie über {} Ansprechpartner", "Please decide about {} contacts", "", ""),
    "decided": ("Über {} Ihrer Änderungen ist entschieden", "{} of your changes are decided", "", ""),
    "traffic": ("{} Hinweise zu Ihren Leitungen", "{} notes on your lines", "", ""),
}


def _many(what: str, n: int, english: bool) -> str:
    text = _MANY[what][2 + english] if n == 1 else ""
    return text or _MANY[what][english].format(n)


def _and(parts: Sequence[str], english: bool) -> str:
    return (" and " if english else " und ").join(parts)
