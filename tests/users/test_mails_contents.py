"""Every mail in both languages and both forms: what it says, whom to ask, why it came, and where that is changed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from chassis.brand import load_brand
from events.base import Event
from tests.mailbox import text_of
from tests.users.mailing import Office


@dataclass(frozen=True)
class Case:
    """One kind of news, its subject and what must be read in it, German and English."""

    news: Callable[[Office], list[Event]]
    de: tuple[str, ...]
    en: tuple[str, ...]
    path: str
    staff: bool = False
    links: tuple[str, ...] = field(default=())
    """In the HTML only, after the address."""


def twice(one: Callable[[Office], Event]) -> Callable[[Office], list[Event]]:
    return lambda office: [one(office), one(office)]


def once(one: Callable[[Office], Event]) -> Callable[[Office], list[Event]]:
    return lambda office: [one(office)]


CASES = {
    "invoice": Case(
        once(lambda office: office.invoice()),
        (
            "Nordwelle: Neu: Rechnung RE-2026-0815",
            "für Beispiel AG ist Neues abgelegt:",
            "vom 01.11.2026, 1.264,62 EUR, fällig am 15.11.2026",
            "Neue Rechnungen",
        ),
        (
            "Nordwelle: New: Invoice RE-2026-0815",
            "there is something new for Beispiel AG:",
            "of 1 November 2026, 1,264.62 EUR, due on 15 November 2026",
            "New invoices",
        ),
        "/files?document=",
    ),
    "credit note without a due date": Case(
        once(lambda office: office.invoice("GS-7", kind="credit_note", due_on=None)),
        ("Nordwelle: Neu: Gutschrift GS-7", "vom 01.11.2026, 1.264,62 EUR"),
        ("Nordwelle: New: Credit note GS-7", "of 1 November 2026, 1,264.62 EUR"),
        "/files",
    ),
    "invoice and documents": Case(
        lambda office: [office.invoice(), office.document(), office.document("price_list", title="Preise 2027")],
        (
            "Nordwelle: 1 neue Rechnung und 2 neue Dokumente",
            "Einzelverbindungsnachweis: Verbindungen Oktober",
            "Preisliste: Preise 2027",
            "vom 02.11.2026",
            "Neue Rechnungen, Neue Dokumente zu Rechnungen",
        ),
        (
            "Nordwelle: 1 new invoice and 2 new documents",
            "Call records: Verbindungen Oktober",
            "Price list: Preise 2027",
            "of 2 November 2026",
            "New invoices, New documents with invoices",
        ),
        "/files",
    ),
    "file of the operator": Case(
        once(lambda office: office.file()),
        (
            "Nordwelle: Neue Datei im Austausch: cdr-oktober.csv",
            "wir haben eine Datei für Beispiel AG in den Austausch gelegt:",
            "1,5 GB, im Ordner 2026 / Oktober, von Jan Muster",
            "Neue Dateien im Austausch",
        ),
        (
            "Nordwelle: New file in the exchange drive: cdr-oktober.csv",
            "we have put a file for Beispiel AG into the exchange drive:",
            "1.5 GB, in the folder 2026 / Oktober, by Jan Muster",
            "New files in the exchange drive",
        ),
        "/files/exchange?folder=",
    ),
    "files of the customer": Case(
        twice(lambda office: office.file("customer")),
        (
            "Nordwelle: 2 neue Dateien im Austausch",
            "Beispiel AG hat Dateien in den Austausch gelegt:",
            "cdr-oktober.csv",
        ),
        (
            "Nordwelle: 2 new files in the exchange drive",
            "Beispiel AG has put files into the exchange drive:",
            "cdr-oktober.csv",
        ),
        "/files/exchange",
        staff=True,
    ),
    "file held back": Case(
        once(lambda office: office.bad_file()),
        (
            "Nordwelle: Virenprüfung hält eine Datei zurück: rechnung.exe",
            "die Virenprüfung hat im Austausch (Beispiel AG) etwas gefunden. Diese Datei bekommt niemand;",
            "bitte prüfen Sie das Gerät, von dem sie kommt:",
            "gefunden: Win.Test.EICAR_HDB-1, im Ordner 2026 / Oktober, von Jan Muster",
        ),
        (
            "Nordwelle: Virus scan holds a file back: rechnung.exe",
            "the virus scan has found something in the exchange drive (Beispiel AG). Nobody gets this file;",
            "please check the machine it comes from:",
            "found: Win.Test.EICAR_HDB-1, in the folder 2026 / Oktober, by Jan Muster",
        ),
        "/files/exchange",
    ),
    "notice day": Case(
        once(lambda office: office.notice_day()),
        (
            "Nordwelle: Kündigungsfrist läuft bald ab: Colocation RZ Berlin (V-1001)",
            "bei Beispiel AG läuft bald eine Kündigungsfrist ab.",
            "Kündigung spätestens am 31.12.2026 (in höchstens 3 Monaten), damit er am 31.03.2027 endet",
        ),
        (
            "Nordwelle: Notice day comes near: Colocation RZ Berlin (V-1001)",
            "a notice day of Beispiel AG comes near.",
            "to end it on 31 March 2027, notice must be given by 31 December 2026 (within 3 months)",
        ),
        "/contracts?contract=",
    ),
    "last month before a notice day": Case(
        lambda office: [office.notice_day(months_before=1), office.notice_day(number="V-2", name="Voice")],
        ("Nordwelle: 2 Kündigungsfristen laufen bald ab", "(in höchstens einem Monat)", "Voice (V-2)"),
        ("Nordwelle: 2 notice days come near", "(within a month)", "Voice (V-2)"),
        "/contracts",
    ),
    "review": Case(
        once(lambda office: office.review(office.known_contact, "technical", "abuse")),
        (
            "Nordwelle: Bitte prüfen Sie einen Ansprechpartner: Toni Technik (Technik, Missbrauch)",
            "bei Beispiel AG hat seit einem Jahr niemand bestätigt, dass diese Angabe noch stimmt.",
            "fällig seit 20.11.2026",
        ),
        (
            "Nordwelle: Please review a contact: Toni Technik (Technical, Abuse)",
            "for a year nobody at Beispiel AG has confirmed that this is still right.",
            "due since 20 November 2026",
        ),
        "/contacts",
    ),
    "change of a contact waits": Case(
        once(lambda office: office.asked_for(office.known_contact)),
        (
            "Nordwelle: Bitte entscheiden Sie über einen Ansprechpartner: Toni Technik: ändern",
            "Beispiel AG möchte geschützte Ansprechpartner ändern.",
            "beantragt von Jan Muster",
        ),
        (
            "Nordwelle: Please decide about a contact: Toni Technik: to be changed",
            "Beispiel AG wants to change protected contacts.",
            "asked for by Jan Muster",
        ),
        "/contacts",
        staff=True,
    ),
    "changes of contacts are decided": Case(
        lambda office: [
            office.decided(office.known_contact),
            office.decided(uuid4(), kind="create", approved=False, reason="Bitte mit Ausweisnummer"),
            office.decided(uuid4(), requested_by_id=uuid4(), reason="von jemand anderem"),
        ],
        (
            "Nordwelle: Über 2 Ihrer Änderungen ist entschieden",
            "Toni Technik: ändern",
            "freigegeben, gilt ab sofort",
            "Ansprechpartner: neu hinzufügen",
            "abgelehnt, das Bisherige gilt weiter. Grund: Bitte mit Ausweisnummer",
        ),
        (
            "Nordwelle: 2 of your changes are decided",
            "Toni Technik: to be changed",
            "approved, in force now",
            "Contact: to be added",
            "refused, what was before stays in force. Reason: Bitte mit Ausweisnummer",
        ),
        "/contacts",
    ),
    "commit nearing": Case(
        once(lambda office: office.commit()),
        (
            "Nordwelle: Uplink Berlin A: Zusage bald überschritten",
            "95. Perzentil im November 2026 bisher 8,2 Mbit/s, zugesagt 10 Mbit/s;",
            "noch 332 Fünf-Minuten-Werte dürfen darüber liegen",
        ),
        (
            "Nordwelle: Uplink Berlin A: commit nearly exceeded",
            "95th percentile in November 2026 so far 8.2 Mbit/s, commit 10 Mbit/s;",
            "332 more 5-minute values may exceed it",
        ),
        "/graphs",
        links=("&amp;view=billing&amp;month=2026-11",),
    ),
    "commit exceeded": Case(
        once(lambda office: office.commit(exceeded=True, p95_bps=12_340_000, month="2026-03")),
        (
            "Nordwelle: Uplink Berlin A: Zusage überschritten",
            "95. Perzentil im März 2026 bisher 12,3 Mbit/s, zugesagt 10 Mbit/s",
        ),
        (
            "Nordwelle: Uplink Berlin A: commit exceeded",
            "95th percentile in March 2026 so far 12.3 Mbit/s, commit 10 Mbit/s",
        ),
        "/graphs",
    ),
    "limits of one's own": Case(
        lambda office: [
            office.threshold(),
            office.threshold(kind="volume", direction="sum", limit=2 * 10**12, measured=2_000_000_300_000),
        ],
        (
            "Nordwelle: 2 Hinweise zu Ihren Leitungen",
            "Uplink Berlin A: über 5 Mbit/s",
            "Bandbreite eingehend: 6,3 Mbit/s, erstmals 12.11.2026, 14:05 Uhr (CET)",
            "Uplink Berlin A: über 2 TB",
            "Volumen beide Richtungen zusammen: 2 TB",
        ),
        (
            "Nordwelle: 2 notes on your lines",
            "Uplink Berlin A: above 5 Mbit/s",
            "Rate in: 6.3 Mbit/s, first on 12 November 2026, 14:05 (CET)",
            "Uplink Berlin A: above 2 TB",
            "Volume both directions together: 2 TB",
        ),
        "/graphs",
    ),
}


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_mail_says_what_happened_why_it_came_and_whom_to_ask(
    office: Office, case: Case, language: str, kind: str
) -> None:
    await office.company()
    reader = await office.person(language=language, customer=None if case.staff else office.customer_id)
    office.reader_id = reader.user_id
    known = await office.contact("toni@kunde.example", given_name="Toni", family_name="Technik")
    office.known_contact = known.contact_id
    await office.hear(*case.news(office))

    (mail,) = await office.mails()

    subject, *wanted = case.de if language == "de" else case.en
    assert mail["Subject"] == subject
    brand = load_brand(office.app.state.settings.brand_file)
    base = "http://localhost:8080"
    wanted += ["Anna Beispiel", f"{base}{case.path}", f"{base}/profile#notifications", brand.name, brand.portal_name]
    wanted += [brand.support.person, brand.support.email, brand.support.phone, brand.legal.imprint, brand.legal.privacy]
    wanted.append("Sie bekommen diese E-Mail, weil" if language == "de" else "You get this e-mail because")
    wanted += case.links if kind == "html" else ()
    text = " ".join(text_of(mail, kind).split())
    assert [part for part in wanted if part not in text] == []


@pytest.mark.parametrize("language", ["de", "en"])
async def test_a_functions_mailbox_is_told_why_and_who_changes_it(office: Office, language: str) -> None:
    await office.contact("einkauf@kunde.example", "commercial", language=language)
    await office.hear(office.notice_day())

    (mail,) = await office.mails()

    lines = text_of(mail).splitlines()
    assert lines[0] == ("Guten Tag," if language == "de" else "Hello,")
    assert lines[-1] == "http://localhost:8080/contacts"
    why = {
        "de": "Sie bekommen diese E-Mail, weil einkauf@kunde.example bei Beispiel AG als Ansprechpartner",
        "en": "You get this e-mail because einkauf@kunde.example is a contact (“Commercial”) of Beispiel AG.",
    }
    assert any(line.startswith(why[language]) for line in lines)
    assert ("„Kaufmännisch“" if language == "de" else "“Commercial”") in text_of(mail)
    assert "profile" not in text_of(mail, "html")


@pytest.mark.parametrize("language", ["de", "en"])
async def test_the_text_has_neither_holes_nor_markup_nor_gaps(office: Office, language: str) -> None:
    await office.person(language=language)
    await office.hear(*(office.invoice(f"RE-{n}") for n in range(30)))

    text = text_of((await office.mails())[0]).replace("\r\n", "\n")

    assert "{" not in text
    assert "<" not in text
    assert "\n\n\n" not in text
    paragraphs = text.split("\n\n")
    assert paragraphs[0] == ("Guten Tag Anna Beispiel," if language == "de" else "Hello Anna Beispiel,")
    assert paragraphs[2].startswith("- Rechnung RE-0\n" if language == "de" else "- Invoice RE-0\n")
    assert paragraphs[3] == ("und 10 weitere." if language == "de" else "and 10 more.")


async def test_names_and_numbers_cannot_break_out_of_the_page_or_the_header(office: Office) -> None:
    await office.company("A & <b>B</b>")
    await office.person(name="<script>alert(1)</script> X")
    await office.hear(office.file(name="x.csv\r\nBcc: alle@kunde.example <i>"))

    (mail,) = await office.mails()
    html = text_of(mail, "html")

    assert mail["Bcc"] is None
    assert "<script>" not in html
    assert "<i>" not in html
    assert "<b>" not in html
    assert "A &amp; &lt;b&gt;B&lt;/b&gt;" in html
