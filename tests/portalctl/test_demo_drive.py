"""The demo's exchange drive: a month's call records of 200 MB that really parse, and letters that open."""

import csv
import io
from datetime import date

from pypdf import PdfReader

from portalctl.demo.drive import CALLS_A_DAY, call_records, of_customer, of_operator


def test_a_months_call_records_are_about_200_mb_and_always_the_same() -> None:
    sizes = [len(piece) for piece in call_records(date(2026, 10, 1), 31)]

    assert 180_000_000 < sum(sizes) < 230_000_000
    assert sizes == [len(piece) for piece in call_records(date(2026, 10, 1), 31)]


def test_each_line_is_a_call_of_its_day_between_numbers_that_nobody_has() -> None:
    head, day = list(call_records(date(2026, 10, 1), 1))

    rows = list(csv.reader(io.StringIO((head + day).decode()), delimiter=";"))

    assert len(rows) == CALLS_A_DAY + 1
    assert {len(row) for row in rows} == {6}
    assert all(row[0].startswith("2026-10-01T") for row in rows[1:])
    assert all(number.startswith("+493023125") for row in rows[1:] for number in row[1:3])
    assert [row[0] for row in rows[1:]] == sorted(row[0] for row in rows[1:])


def test_both_sides_bring_files_that_open() -> None:
    letters = [file for file in (*of_customer(), *of_operator()) if file.media_type == "application/pdf"]

    assert len(letters) == 2
    for file in letters:
        assert file.name.endswith(".pdf")
        assert PdfReader(io.BytesIO(file.content)).pages[0].extract_text().strip()
