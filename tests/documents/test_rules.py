"""Pure rules as tables: file names, first bytes, search words, content digest."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.base import Envelope, InvalidEvent
from events.billing import InvoicePublished
from services.documents.file_checks import check_head, safe_name
from services.documents.record import RecordFile, record_of
from services.documents.search_words import asked, text_of, words_of
from tests.documents.conftest import an_invoice


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("Rechnung März 2026 (1).pdf", "Rechnung März 2026 (1).pdf"),
        ("Ma\u0308rz.pdf", "März.pdf"),
        ("請求書.pdf", "請求書.pdf"),
        (".htaccess", ".htaccess"),
        ("console.pdf", "console.pdf"),
        ("a" * 251 + ".pdf", "a" * 251 + ".pdf"),
    ],
)
def test_names_are_kept_in_nfc(name: str, stored: str) -> None:
    assert safe_name(name, "/x") == stored


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../a.pdf",
        "a/b.pdf",
        "a\\b.pdf",
        "a\x00.pdf",
        "a\n.pdf",
        "a\x7f.pdf",
        "a\u2028.pdf",
        "a\u202egpj.pdf",
        "a\u200fb.pdf",
        "a\u2066b.pdf",
        "CON",
        "con.pdf",
        "Aux.tar.gz",
        "COM1.pdf",
        "lpt9 .pdf",
        "nul .txt",
        " a.pdf",
        "a.pdf ",
        "a.",
        "ä" * 126 + ".pdf",
    ],
)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(InvalidEvent) as refusal:
        safe_name(name, "/x")

    assert refusal.value.reason == "invalid_file_name"


@given(st.text(max_size=300))
def test_whatever_name_is_accepted_is_harmless(name: str) -> None:
    try:
        stored = safe_name(name, "/x")
    except InvalidEvent:
        return

    assert 0 < len(stored.encode()) <= 255
    assert not {"/", "\\", "\x00"} & set(stored)
    assert stored not in (".", "..")
    assert safe_name(stored, "/x") == stored


@pytest.mark.parametrize(
    ("name", "media_type", "head", "fits"),
    [
        ("a.pdf", "application/pdf", b"%PDF-1.7", True),
        ("a", "application/pdf", b"%PDF-1.7", True),
        ("a.pdf", "application/octet-stream", b"%PDF-1.7", True),
        ("a.pdf", "application/pdf", b"", False),
        ("a.pdf", "application/pdf", b" %PDF-1.7", False),
        ("a.PDF", "application/octet-stream", b"PK\x03\x04", False),
        ("a.bin", "application/pdf", b"PK\x03\x04", False),
        ("a.xml", "application/xml", b'<?xml version="1.0"?>', True),
        ("a.xml", "text/xml", b"\xef\xbb\xbf\r\n<a/>", True),
        ("a.xml", "application/xml", "<a/>".encode("utf-16"), True),
        ("a.xml", "application/xml", b"%PDF-", False),
        ("a.png", "image/png", b"\x89PNG\r\n\x1a\n", True),
        ("a.png", "image/png", b"GIF89a", False),
        ("a.zip", "application/zip", b"PK\x03\x04", True),
        ("a.csv", "text/csv", b"a;b;c", True),
        ("a.csv", "text/csv", b"", True),
        ("a.csv", "text/csv", b"MZ\x90\x00", False),
        ("a.csv", "text/csv", b"\x7fELF", False),
        ("a.txt", "text/plain", b"#!/bin/sh", False),
        ("a.jar", "application/zip", b"\xca\xfe\xba\xbe", False),
    ],
)
def test_the_first_bytes_fit_name_and_type(name: str, media_type: str, head: bytes, fits: bool) -> None:
    if fits:
        check_head(name, media_type, head, "/x")
        return
    with pytest.raises(InvalidEvent) as refusal:
        check_head(name, media_type, head, "/x")
    assert refusal.value.reason == "wrong_file_type"


def test_words_are_found_from_each_of_their_parts_on() -> None:
    words = words_of(["RE-2026-0047", "Straße 5"], [Decimal("1264.62"), None])

    assert words == {"re-2026-0047", "2026-0047", "0047", "47", "strasse", "5", "1264.62"}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", []),
        ("  ", []),
        ("RE-1 Straße", ["strasse", "re-1"]),
        ("1.264,62", ["1264.62"]),
        ("1,264.62", ["1264.62"]),
        ("1264,62", ["1264.62"]),
        ("-11,90", ["-11.90"]),
        ("1,2,3", ["1,2,3"]),
        ("a b c d e f g", ["a", "b", "c", "d", "e"]),
    ],
)
def test_a_query_is_cut_into_words_as_they_are_stored(query: str, words: list[str]) -> None:
    assert asked(query) == words


@given(st.text(max_size=80))
def test_whatever_is_stored_is_found_by_its_beginning(text: str) -> None:
    stored = text_of(words_of([text], []))

    for word in text.split()[:1]:
        for query in asked(word[: len(word) // 2 + 1])[:1]:
            assert f" {query}" in stored or "," in word


def record(**fields: Any) -> str:
    data = an_invoice(**fields)
    envelope = Envelope("1", "/billing/test", InvoicePublished.subject, "", datetime.now(UTC), None, data)
    event = InvoicePublished.received(envelope)
    files = tuple(
        RecordFile(name=f.name, media_type=f.media_type, size_bytes=1, sha256=f.sha256, role=f.role, kind=f.kind)
        for f in event.files
    )
    return record_of(event, files).content_sha256


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({}, True),
        ({"period_from": "2026-08-01", "payment_state": None}, True),
        ({"payment_state": "paid"}, True),
        ({"notify": False}, True),
        ({"corrects": None}, True),
        ({"gross": "1264.63"}, False),
        ({"issued_on": "2026-09-03"}, False),
        ({"customer_number": "KD-10002"}, False),
        ({"kind": "credit_note"}, False),
        ({"purchase_order": "PO-1"}, False),
    ],
)
def test_what_counts_as_the_same_content(fields: dict[str, Any], same: bool) -> None:
    assert (record(**fields) == record()) is same
