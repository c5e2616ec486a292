"""vCard and CSV, read by other libraries than the one that wrote them."""

import csv
import io
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import vobject
from httpx2 import AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from chassis.spreadsheet import cell, table
from services.contacts.vcard import Card, card, fold
from tests.contacts.conftest import Portal

AT = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
WORDS = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=120)
PLAIN = WORDS.map(str.strip).filter(bool)


def a_card(**fields: Any) -> Card:
    return Card(**{"uid": uuid4(), "revised_at": AT, "family_name": "Beispiel"} | fields)


def unfolded(text: str) -> list[str]:
    """As RFC 6350 reads it."""
    return text.replace("\r\n ", "").removesuffix("\r\n").split("\r\n")


@given(given=PLAIN, family=PLAIN, organisation=PLAIN, note=PLAIN)
def test_another_library_reads_what_was_written(given: str, family: str, organisation: str, note: str) -> None:
    written = card(a_card(given_name=given, family_name=family, organisation=organisation, note=note))

    read = vobject.readOne(written)

    assert (read.version.value, read.fn.value) == ("4.0", f"{given} {family}")
    assert (read.n.value.given, read.n.value.family) == (given, family)
    assert read.org.value == [organisation]
    assert read.note.value == note


def test_a_whole_card() -> None:
    one = a_card(
        given_name="Änne",
        organisation="Müller, Meier; Söhne",
        roles=("Technik", "Geplante Arbeiten"),
        email="aenne@kunde.example",
        phone="+493023125110",
        mobile="+4917123125110",
        languages=("de", "en"),
        note="Mo–Fr\n8–17",
    )

    lines = unfolded(card(one))

    assert lines == [
        "BEGIN:VCARD",
        "VERSION:4.0",
        "PRODID:-//Kundenportal//Contacts//EN",
        f"UID:urn:uuid:{one.uid}",
        "REV:20261123T043000Z",
        "KIND:individual",
        "FN:Änne Beispiel",
        "N:Beispiel;Änne;;;",
        r"ORG:Müller\, Meier\; Söhne",
        r"ROLE:Technik\, Geplante Arbeiten",
        "CATEGORIES:Technik,Geplante Arbeiten",
        "EMAIL;TYPE=work:aenne@kunde.example",
        'TEL;VALUE=uri;TYPE="voice,work":tel:+493023125110',
        'TEL;VALUE=uri;TYPE="cell,work":tel:+4917123125110',
        "LANG;PREF=1:de",
        "LANG;PREF=2:en",
        r"NOTE:Mo–Fr\n8–17",
        "END:VCARD",
    ]
    read = vobject.readOne(card(one))
    assert [tel.value for tel in read.tel_list] == ["tel:+493023125110", "tel:+4917123125110"]
    assert (read.email.value, read.org.value) == ("aenne@kunde.example", ["Müller, Meier; Söhne"])


def test_a_desk_without_a_person_is_an_organisation() -> None:
    lines = unfolded(card(a_card(family_name="", organisation="NOC Nordwelle")))

    assert {"KIND:org", "FN:NOC Nordwelle"} <= set(lines)
    assert not [line for line in lines if line.startswith("N:")]


@given(st.text(st.characters(blacklist_categories=("Cc", "Cs")), max_size=400))
def test_lines_are_folded_at_75_bytes_inside_no_character(text: str) -> None:
    folded = fold(f"NOTE:{text}")

    assert all(len(line.encode()) <= 75 for line in folded.split("\r\n"))
    assert unfolded(folded) == [f"NOTE:{text}"]


@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=60))
def test_nobody_writes_a_property_of_their_own(text: str) -> None:
    lines = unfolded(card(a_card(family_name="x", note=text)))

    assert [
        line.partition(":")[0].partition(";")[0] for line in lines if line.startswith(("TEL", "EMAIL", "URL"))
    ] == []
    assert sum(line.startswith("BEGIN:") for line in lines) == 1


@pytest.mark.parametrize("formula", ["=1+2", "+49 30", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+2"])
def test_no_cell_is_run_as_a_formula(formula: str) -> None:
    assert cell(formula) == f"'{formula}"


def test_what_is_no_formula_stays() -> None:
    assert [cell(value) for value in ("Anna", None, 7, "a=b", "030 23125-110")] == [
        "Anna",
        "",
        "7",
        "a=b",
        "030 23125-110",
    ]


@given(st.lists(st.lists(WORDS, min_size=2, max_size=2), max_size=5))
def test_a_table_is_read_as_it_was_written(rows: list[list[str]]) -> None:
    text = table(["a", "b"], rows)

    assert text.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(text.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert read == [["a", "b"], *([cell(value) for value in row] for row in rows)]


async def test_all_contacts_to_take_along(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact("O-1", side="operator", customer_number=None, given_name="", family_name="NOC", roles=["noc"])
    await portal.contact("C-1", given_name="=HYPERLINK(1)", family_name="Böse")
    pending = {"family_name": "Wartet", "email": "w@kunde.example", "roles": ["invoices"]}
    await tom.post("/contacts", json=pending)

    vcf = await tom.get("/contacts.vcf")
    table_ = await tom.get("/contacts.csv")
    only_noc = await tom.get("/contacts.vcf", params={"side": "operator", "role": "noc"})

    read = list(vobject.readComponents(vcf.text))
    assert [one.fn.value for one in read] == ["=HYPERLINK(1) Böse", "NOC"]
    assert [one.org.value for one in read] == [["Beispiel KD-10001"], ["Nordwelle Telekom GmbH"]]
    assert (vcf.headers["content-type"], vcf.headers["content-disposition"]) == (
        "text/vcard; charset=utf-8",
        'attachment; filename="contacts.vcf"',
    )
    assert table_.content.startswith(b"\xef\xbb\xbf")
    assert table_.headers["content-type"].startswith("text/csv; charset=utf-8")
    rows = list(csv.DictReader(io.StringIO(table_.content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert [(row["Vorname"], row["Nachname"], row["Rollen"]) for row in rows] == [
        ("'=HYPERLINK(1)", "Böse", "Technik"),
        ("", "NOC", "NOC rund um die Uhr"),
    ]
    assert rows[0]["Telefon"] == "'+49 (0)30 23125-110"
    assert only_noc.text.count("BEGIN:VCARD") == 1


async def test_one_contact_in_the_readers_language(portal: Portal) -> None:
    customer_id = await portal.customer()
    await portal.contact(organisation="Abteilung IT")
    async with portal.as_user(customer_id, lang="en") as reader:
        (row,) = (await reader.get("/contacts")).json()["items"]
        answer = await reader.get(f"/contacts/{row['id']}.vcf")

    read = vobject.readOne(answer.text)
    assert (read.role.value, read.org.value) == ("Technical", ["Abteilung IT"])
    assert answer.headers["content-disposition"] == f'attachment; filename="{row["id"]}.vcf"'
