"""Who is in the demo: the operator's staff, six customers, their people and how far each has come."""

from dataclasses import dataclass

from events.users import StaffRole
from portalctl.demo.einvoice import Party

OPERATOR = Party("Nordwelle Telekom GmbH", "Hafenstraße 100", "10115", "Berlin", "DE123456788")

FIRST = "KD-10042"
"""The customer with nine years of invoices."""


@dataclass(frozen=True, slots=True)
class Company:
    """A customer as the CRM knows it."""

    number: str
    party: Party
    domain: str
    colocation: bool = False
    end_user: bool = True
    language: str = "de"
    buyer_reference: str = ""
    kind: str = "colocation"
    """What it buys: colocation, voice or access."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """One user. ``stage``: created, invited, opened, refused, password_set, active, deactivated."""

    number: str
    email: str
    given_name: str
    family_name: str
    role: str
    stage: str
    modules: tuple[str, ...] = ("invoices",)
    language: str = "de"


COMPANIES = (
    Company(
        FIRST,
        Party("Beispiel Logistik AG", "Ladestraße 12", "12099", "Berlin"),
        "beispiel-logistik.example",
        colocation=True,
    ),
    Company(
        "KD-10077",
        Party("Musterhaus Versand GmbH", "Lindenallee 5", "14467", "Potsdam"),
        "musterhaus-versand.example",
        colocation=True,
    ),
    Company(
        "KD-10103",
        Party("Sprechklar Kundendienst GmbH", "Am Funkturm 3", "20095", "Hamburg"),
        "sprechklar.example",
        kind="voice",
    ),
    Company(
        "KD-10131",
        Party("Stadt Beispielhausen, Amt für Digitales", "Rathausplatz 1", "99999", "Beispielhausen"),
        "beispielhausen.example",
        buyer_reference="991-33333TEST-33",
        kind="access",
    ),
    Company(
        "KD-10158",
        Party("Tischlerei Hobelspan", "Werkhof 7", "16225", "Musterwalde"),
        "hobelspan.example",
        kind="voice",
    ),
    Company(
        "KD-10190",
        Party("Widerhall Connect GmbH", "Netzweg 9", "50667", "Köln"),
        "widerhall-connect.example",
        end_user=False,
        language="en",
        kind="access",
    ),
)

STAFF: tuple[tuple[str, str, str, StaffRole], ...] = (
    ("petra.wellmann@nordwelle.example", "Petra", "Wellmann", "administrator"),
    ("oskar.leitner@nordwelle.example", "Oskar", "Leitner", "agent"),
    ("nora.feldkamp@nordwelle.example", "Nora", "Feldkamp", "agent"),
)

READY_OPERATOR = STAFF[0][0]
READY_ADMIN = "anna@beispiel-logistik.example"
NEWCOMER = "lena.erstmals@beispiel-logistik.example"
"""Whose invitation is printed, so that anybody may walk the first access."""

_ALL = ("invoices", "call_records", "graphs", "contracts")

PEOPLE = (
    Somebody(FIRST, READY_ADMIN, "Anna", "Beispiel", "admin", "active", _ALL),
    Somebody(FIRST, NEWCOMER, "Lena", "Erstmals", "member", "invited"),
    Somebody(FIRST, "bernd.vorlage@beispiel-logistik.example", "Bernd", "Vorlage", "admin", "active", _ALL),
    Somebody(FIRST, "carla.muster@beispiel-logistik.example", "Carla", "Muster", "member", "active"),
    Somebody(FIRST, "david.probe@beispiel-logistik.example", "David", "Probe", "member", "password_set"),
    Somebody(FIRST, "eva.entwurf@beispiel-logistik.example", "Eva", "Entwurf", "member", "invited"),
    Somebody(FIRST, "felix.kopie@beispiel-logistik.example", "Felix", "Kopie", "member", "opened"),
    Somebody(FIRST, "greta.skizze@beispiel-logistik.example", "Greta", "Skizze", "member", "created"),
    Somebody(FIRST, "unbekannt@beispiel-logistik.example", "Hanno", "Tippfehler", "member", "refused"),
    Somebody(FIRST, "ida.abschrift@beispiel-logistik.example", "Ida", "Abschrift", "member", "deactivated"),
    Somebody("KD-10077", "marta@musterhaus-versand.example", "Marta", "Haus", "admin", "invited"),
    Somebody("KD-10077", "nils@musterhaus-versand.example", "Nils", "Lager", "member", "created"),
    Somebody("KD-10077", "buchhaltung.o@musterhaus-versand.example", "Olga", "Konto", "member", "invited"),
    Somebody("KD-10103", "paul@sprechklar.example", "Paul", "Hörer", "admin", "password_set", _ALL),
    Somebody("KD-10103", "quirin@sprechklar.example", "Quirin", "Leitung", "member", "opened", _ALL),
    Somebody("KD-10103", "rosa@sprechklar.example", "Rosa", "Anruf", "member", "created"),
    Somebody("KD-10131", "rechnungseingang.s@beispielhausen.example", "Sabine", "Amtmann", "admin", "invited"),
    Somebody("KD-10131", "timo@beispielhausen.example", "Timo", "Kämmerer", "member", "invited"),
    Somebody("KD-10131", "unbekannt@beispielhausen.example", "Uwe", "Vertippt", "member", "refused"),
    Somebody("KD-10158", "vera@hobelspan.example", "Vera", "Hobel", "admin", "opened"),
    Somebody("KD-10158", "willi@hobelspan.example", "Willi", "Span", "member", "created"),
    Somebody("KD-10190", "xenia@widerhall-connect.example", "Xenia", "Echo", "admin", "invited", language="en"),
    Somebody("KD-10190", "yves@widerhall-connect.example", "Yves", "Carrier", "member", "created", language="en"),
    Somebody("KD-10190", "zoe@widerhall-connect.example", "Zoe", "Relay", "member", "invited", language="en"),
)
