"""Telephone numbers and addresses as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contacts.reach import NotAPhoneNumber, e164, flaws_of, is_email


@pytest.mark.parametrize(
    "written",
    [
        "+493023125110",
        "+49 30 23125-110",
        "+49 (0)30 23125-110",
        "+49 (0) 30 / 23125 - 110",
        "(+49) 30 23125110",
        "0049 30 23125 110",
        "030 23125-110",
        "(030) 23125-110",
        "(0)30 23125-110",
        "030/23125.110",
        "+49 030 23125-110",
        "tel:+49-30-23125-110",
        "\u202f+49\u00a030\u00a023125‑110 ",
        "＋４９ ３０ ２３１２５ １１０",
        "030 23125–110",
    ],
)
def test_one_number_in_its_usual_writings(written: str) -> None:
    assert e164(written) == "+493023125110"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+39 06 1234567", "+39061234567"),
        ("+39 (0)6 1234567", "+39061234567"),
        ("+1 202 555 0143", "+12025550143"),
        ("+43 1 2345678", "+4312345678"),
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+683 4000", "+6834000"),
        ("0800 1234567", "+498001234567"),
    ],
)
def test_numbers_of_elsewhere(written: str, number: str) -> None:
    assert e164(written) == number


def test_a_leading_zero_means_the_operators_country() -> None:
    assert e164("01 2345678", country_code="43") == "+4312345678"
    assert e164("06 12345678", country_code="39") == "+39612345678"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "110",
        "23125-110",
        "030 23125-XYZ",
        "ruf mich an",
        "+49",
        "+49 30 1",
        "+493023125110493023",
        "+0 30 23125110",
        "+999 1234567",
        "+210 1234567",
        "+49 30 +23125110",
        "030 23125(0)110(0)",
        "0000 30 23125110",
        "00",
        "+",
        "١٢٣٤٥٦٧٨",
        "030\n23125110",
        "=1+2",
        "anna@kunde.example",
    ],
)
def test_what_nobody_can_dial(written: str) -> None:
    with pytest.raises(NotAPhoneNumber):
        e164(written)


@given(st.text(max_size=40))
def test_anything_is_a_number_or_refused(text: str) -> None:
    try:
        number = e164(text)
    except NotAPhoneNumber:
        return
    assert number[0] == "+"
    assert number[1:].isascii()
    assert number[1:].isdecimal()
    assert 7 <= len(number) - 1 <= 15
    assert e164(number) == number


@given(st.text(alphabet="+0123456789()- /.t", max_size=24))
def test_a_number_stays_what_it_is(text: str) -> None:
    try:
        number = e164(text)
    except NotAPhoneNumber:
        return
    assert e164(number) == number


@pytest.mark.parametrize("address", ["anna@kunde.example", "a.b+c@x-y.example", "o'hara@kunde.example"])
def test_addresses(address: str) -> None:
    assert is_email(address)


@pytest.mark.parametrize(
    "address",
    [
        *("anna", "anna@", "@kunde.example", "anna@kunde", "a b@kunde.example", "anna@kunde.example, b@kunde.example"),
        *(
            "anna@-kunde.example",
            "anna@kunde..example",
            "ännä@kunde.example",
            "anna@kunde.123",
            "x" * 65 + "@k.example",
        ),
        *("anna@kunde.example\n", "<anna@kunde.example>", "a@" + "b" * 64 + ".example"),
    ],
)
def test_no_addresses(address: str) -> None:
    assert not is_email(address)


def test_every_flaw_is_named() -> None:
    flaws = flaws_of({"given_name": "", "family_name": "", "email": "x", "phone": "y", "mobile": "z"})

    assert [(flaw.field, flaw.reason) for flaw in flaws] == [
        ("family_name", "name_missing"),
        ("email", "invalid_email"),
        ("phone", "invalid_phone_number"),
        ("mobile", "invalid_phone_number"),
    ]
    assert [flaw.reason for flaw in flaws_of({"organisation": "NOC"})] == ["no_way_to_reach"]
    assert flaws_of({"organisation": "NOC", "mobile": "0171 1234567"}) == []
