"""Ranges, conditions and file names, as tables."""

from datetime import UTC, datetime

import pytest

from services.documents.ranges import NotSatisfiable, Span, disposition, http_date, not_modified, spans

NOON = datetime(2026, 9, 2, 12, tzinfo=UTC)
SIZE = 100


def asked(header: str | None, if_range: str | None = None, size: int = SIZE) -> list[Span]:
    return spans(header, if_range, etag='"e"', changed_at=NOON, size=size)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-0", [Span(0, 0)]),
        ("bytes=5-9", [Span(5, 9)]),
        ("bytes=10-", [Span(10, 99)]),
        ("bytes=-4", [Span(96, 99)]),
        ("bytes=-999", [Span(0, 99)]),
        ("bytes=3-999999999999999999", [Span(3, 99)]),
        ("bytes=0-1, 50-51,-1", [Span(0, 1), Span(50, 51), Span(99, 99)]),
        ("bytes=0-1,200-", [Span(0, 1)]),
        (None, []),
        ("lines=1-2", []),
        ("bytes=", []),
        ("bytes=a-b", []),
        ("bytes=-", []),
        ("bytes", []),
        ("bytes=1-2-3", []),
        ("bytes=1" + "0" * 30 + "-", []),
    ],
)
def test_which_parts_are_wanted(header: str | None, wanted: list[Span]) -> None:
    assert asked(header) == wanted


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=5-4", "bytes=-0", "bytes=0-0,1-1,2-2,3-3,4-4,5-5"])
def test_nothing_of_it_or_too_much_of_it(header: str) -> None:
    with pytest.raises(NotSatisfiable):
        asked(header)


def test_an_empty_file_has_no_parts() -> None:
    with pytest.raises(NotSatisfiable):
        asked("bytes=0-", size=0)


@pytest.mark.parametrize(
    ("known", "parts"),
    [('"e"', 1), (http_date(NOON), 1), ('"other"', 0), ('W/"e"', 0), ("Wed, 02 Sep 2026 11:59:59 GMT", 0)],
)
def test_if_range_wants_the_very_same_file(known: str, parts: int) -> None:
    assert len(asked("bytes=0-1", known)) == parts


@pytest.mark.parametrize(
    ("header", "same"), [('"e"', True), ('W/"e"', True), ('"x", "e"', True), ("*", True), ('"x"', False), (None, False)]
)
def test_if_none_match(header: str | None, same: bool) -> None:
    assert not_modified(header, '"e"') is same


@pytest.mark.parametrize(
    ("media_type", "download", "manner"),
    [
        ("application/pdf", False, "inline"),
        ("application/pdf", True, "attachment"),
        ("image/png", False, "inline"),
        ("image/svg+xml", False, "attachment"),
        ("text/html", False, "attachment"),
        ("application/xml", False, "attachment"),
    ],
)
def test_only_pdf_and_images_are_shown(media_type: str, download: bool, manner: str) -> None:
    assert disposition("x", media_type, download=download).split(";")[0] == manner


def test_a_name_cannot_leave_its_quotes() -> None:
    assert disposition('a";x="b\\ü.pdf', "text/html", download=True) == (
        "attachment; filename=\"a_;x=_b__.pdf\"; filename*=UTF-8''a%22%3Bx%3D%22b%5C%C3%BC.pdf"
    )
