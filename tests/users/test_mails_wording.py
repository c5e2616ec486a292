"""Figures, days and headlines as people write them, in both languages."""

import pytest

from services.users.mails.interests import INTERESTS
from services.users.mails.wording import Item, day, headline, item, money, month, quantity, role


@pytest.mark.parametrize(
    ("value", "unit", "german", "english"),
    [
        (0, "B", "0 B", "0 B"),
        (999, "B", "999 B", "999 B"),
        (1000, "B", "1 kB", "1 kB"),
        (1_049, "B", "1 kB", "1 kB"),
        (1_050, "B", "1,1 kB", "1.1 kB"),
        (999_949, "B", "999,9 kB", "999.9 kB"),
        (999_950, "B", "1 MB", "1 MB"),
        (6_250_000, "bit/s", "6,3 Mbit/s", "6.3 Mbit/s"),
        (10_000_000, "bit/s", "10 Mbit/s", "10 Mbit/s"),
        (2 * 10**12, "B", "2 TB", "2 TB"),
        (5 * 10**18, "B", "5000 PB", "5000 PB"),
    ],
)
def test_quantities_have_one_decimal_and_base_1000(value: int, unit: str, german: str, english: str) -> None:
    assert quantity(value, unit, english=False) == german
    assert quantity(value, unit, english=True) == english


@pytest.mark.parametrize(
    ("amount", "german", "english"),
    [
        ("1264.62", "1.264,62 EUR", "1,264.62 EUR"),
        ("-5.00", "-5,00 EUR", "-5.00 EUR"),
        ("1234567.8", "1.234.567,80 EUR", "1,234,567.80 EUR"),
    ],
)
def test_money_is_exact(amount: str, german: str, english: str) -> None:
    assert (money(amount, "EUR", english=False), money(amount, "EUR", english=True)) == (german, english)


def test_days_and_months() -> None:
    assert (day("2026-03-01", english=False), day("2026-03-01", english=True)) == ("01.03.2026", "1 March 2026")
    assert (month("2026-03", english=False), month("2026-12", english=True)) == ("März 2026", "December 2026")


def test_a_role_that_nobody_knows_is_said_as_it_is() -> None:
    assert (role("technical", english=False), role("astronaut", english=True)) == ("Technik", "astronaut")


@pytest.mark.parametrize("english", [False, True])
def test_every_news_that_is_collected_has_its_words(english: bool) -> None:
    one = Item("Titel", "", "/")
    for name, interest in INTERESTS.items():
        if interest.topic is None:
            continue
        assert headline({name: 1}, [one], interest.topic, english)
        assert "2" in headline({name: 2}, [one], interest.topic, english)
        with pytest.raises(KeyError):
            item({"interest": name}, english)


def test_what_is_no_known_kind_is_called_by_its_family() -> None:
    words = {"document_id": "7", "number": "X-1", "kind": "receipt", "title": "T", "issued_on": "2026-11-01"}
    amounts = {"gross": "1.00", "currency": "EUR", "due_on": None}

    assert item(words | amounts | {"interest": "invoice_filed"}, english=False).title == "Rechnung X-1"
    assert item(words | amounts | {"interest": "invoice_filed"}, english=False).path == "/files?document=7"
    assert item(words | {"interest": "document_filed"}, english=True).title == "Document: T"
