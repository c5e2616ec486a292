"""The law's date beside the contract's, position by position, and the words that explain both."""

from datetime import date

import pytest

from services.contracts.outlook import Outlook, Part, outlook_on
from services.contracts.statutory import RULES, Reader
from services.contracts.terms import Agreement, Notice, dates_on
from services.contracts.wording import basis, statutory_basis

END_USER = Reader(end_user=True)
BUNDLE = Agreement(date(2023, 4, 1), 36, 12, Notice(3, "months", "term_end"))


def seen(
    as_of: date, *parts: Part, reader: Reader = END_USER, one: Agreement = BUNDLE, telecom: bool = True
) -> Outlook:
    return outlook_on(one, parts, as_of, reader, telecom=telecom)


@pytest.mark.parametrize(
    ("as_of", "by_law"),
    [
        (date(2026, 11, 22), date(2026, 12, 22)),
        (date(2026, 1, 15), date(2026, 5, 1)),
        (date(2027, 3, 15), date(2027, 4, 15)),
        (date(2024, 1, 31), date(2026, 3, 31)),
    ],
)
def test_one_months_notice_after_the_tacit_renewal(as_of: date, by_law: date) -> None:
    found = seen(as_of)

    assert found.statutory is not None
    assert found.statutory.earliest_end_on == by_law
    assert found.dates.earliest_end_on == dates_on(BUNDLE, as_of).earliest_end_on


def test_the_law_is_for_end_users_and_telecom_services_only() -> None:
    as_of = date(2026, 11, 22)

    assert seen(as_of, telecom=False).statutory is None
    assert seen(as_of, reader=Reader(end_user=False)).statutory is None
    assert seen(as_of, reader=Reader(end_user=True, rules=())).statutory is None
    assert seen(date(2021, 11, 30), one=Agreement(date(2019, 1, 1), 12, 12, BUNDLE.notice)).statutory is None


def test_a_bundle_has_the_laws_date_only_if_all_its_positions_have() -> None:
    as_of = date(2026, 11, 22)

    mixed = seen(as_of, Part(telecom_service=False), Part(telecom_service=True))
    all_telecom = seen(as_of, Part(telecom_service=True), Part(telecom_service=True, starts_on=date(2024, 1, 1)))

    assert mixed.statutory is None
    assert [part.statutory is not None for part in mixed.parts] == [False, True]
    assert [part.statutory and part.statutory.earliest_end_on for part in all_telecom.parts] == [
        date(2026, 12, 22),
        date(2027, 2, 1),
    ]
    assert all_telecom.statutory is not None
    assert all_telecom.statutory.earliest_end_on == date(2027, 2, 1)


def test_a_position_that_has_ended_no_longer_decides() -> None:
    found = seen(
        date(2026, 11, 22), Part(telecom_service=True), Part(telecom_service=False, ends_on=date(2025, 12, 31))
    )

    assert found.statutory is not None
    assert found.parts[1].earliest_end_on is None


def test_a_positions_own_dates_count() -> None:
    found = seen(
        date(2026, 11, 22),
        Part(telecom_service=False, starts_on=date(2025, 6, 1)),
        Part(telecom_service=False, ends_on=date(2027, 1, 31)),
    )

    assert [part.earliest_end_on for part in found.parts] == [date(2028, 5, 31), date(2027, 1, 31)]
    assert found.dates.earliest_end_on == date(2027, 3, 31)


def test_the_law_says_nothing_of_what_is_cancelled_or_ends_by_itself() -> None:
    cancelled = Agreement(
        BUNDLE.starts_on, 36, 12, BUNDLE.notice, cancelled_on=date(2026, 10, 1), ends_on=date(2027, 3, 31)
    )
    fixed = Agreement(BUNDLE.starts_on, 36, 12, BUNDLE.notice, ends_on=date(2026, 3, 31))

    assert seen(date(2026, 11, 22), one=cancelled).statutory is None
    assert seen(date(2025, 11, 22), one=fixed).statutory is None


def test_every_rule_has_its_source_and_date() -> None:
    assert all(rule.source and rule.text and rule.read_in and rule.in_force_from for rule in RULES.values())


RENEWED = Agreement(date(2020, 1, 1), 12, 1, Notice(1, "months", "any_time"))
WITHOUT_TERM = Agreement(date(2026, 1, 1), None, 0, Notice(6, "weeks", "quarter_end"))
CANCELLED = Agreement(date(2023, 4, 1), 36, 12, BUNDLE.notice, date(2026, 10, 1), date(2027, 3, 31))
SENTENCES = [
    (
        BUNDLE,
        date(2026, 11, 22),
        (
            "Die Mindestlaufzeit von 36 Monaten ab 1. April 2023 endete am 31. März 2026, seitdem verlängert sich "
            "der Vertrag um jeweils 12 Monate. Mit einer Frist von 3 Monaten zum Ende der Laufzeit ist das früheste "
            "Ende der 31. März 2027, wenn die Kündigung bis 31. Dezember 2026 zugeht."
        ),
        (
            "The minimum term of 36 months from 1 April 2023 ended on 31 March 2026; since then the contract renews "
            "by 12 months each time. With 3 months of notice to the end of the term the earliest end is "
            "31 March 2027, if notice arrives by 31 December 2026."
        ),
    ),
    (
        RENEWED,
        date(2026, 1, 31),
        (
            "Die Mindestlaufzeit von 12 Monaten ab 1. Januar 2020 endete am 31. Dezember 2020, seitdem verlängert "
            "sich der Vertrag um jeweils einen Monat. Er kann jederzeit mit einer Frist von einem Monat gekündigt "
            "werden, bei Zugang am 31. Januar 2026 zum 28. Februar 2026."
        ),
        (
            "The minimum term of 12 months from 1 January 2020 ended on 31 December 2020; since then the contract "
            "renews by 1 month each time. Notice of 1 month can be given at any time, if it arrives on "
            "31 January 2026, to 28 February 2026."
        ),
    ),
    (
        WITHOUT_TERM,
        date(2026, 11, 20),
        (
            "Der Vertrag läuft ab 1. Januar 2026 ohne Mindestlaufzeit. Mit einer Frist von 6 Wochen zum Quartalsende "
            "ist das früheste Ende der 31. März 2027, wenn die Kündigung bis 17. Februar 2027 zugeht."
        ),
        (
            "The contract runs from 1 January 2026 without a minimum term. With 6 weeks of notice to the end of a "
            "quarter the earliest end is 31 March 2027, if notice arrives by 17 February 2027."
        ),
    ),
    (
        CANCELLED,
        date(2026, 11, 22),
        "Der Vertrag wurde am 1. Oktober 2026 gekündigt und endet am 31. März 2027.",
        "The contract was cancelled on 1 October 2026 and ends on 31 March 2027.",
    ),
]


@pytest.mark.parametrize(("one", "as_of", "german", "english"), SENTENCES)
def test_the_basis_says_which_rule_decided(one: Agreement, as_of: date, german: str, english: str) -> None:
    found = dates_on(one, as_of)

    assert basis(one, found, as_of, "de") == german
    assert basis(one, found, as_of, "en") == english


def test_the_laws_basis_names_its_source() -> None:
    found = seen(date(2026, 11, 22)).statutory

    assert found is not None
    assert "TKG § 56 Abs. 3" in statutory_basis(found, "de")
    assert statutory_basis(found, "de").endswith("Frist von einem Monat kündigen, frühestens zum 22. Dezember 2026.")
    assert statutory_basis(found, "en").endswith("with notice of 1 month, at the earliest to 22 December 2026.")


def test_the_laws_basis_says_when_the_contract_is_no_later() -> None:
    found = seen(date(2024, 1, 31)).statutory

    assert found is not None
    assert statutory_basis(found, "de").endswith("kündigen; das Vertragsende am 31. März 2026 liegt nicht später.")
    assert statutory_basis(found, "en").endswith(
        "notice of 1 month; the contract's own end on 31 March 2026 is no later."
    )


def test_what_runs_on_after_its_minimum_term_counts_as_renewed() -> None:
    runs_on = Agreement(date(2023, 4, 1), 36, 0, BUNDLE.notice)
    without_term = Agreement(date(2023, 4, 1), None, 0, BUNDLE.notice)

    found = seen(date(2026, 11, 22), one=runs_on)
    assert found.dates.earliest_end_on == date(2027, 2, 22)
    assert found.statutory is not None
    assert found.statutory.earliest_end_on == date(2026, 12, 22)
    assert seen(date(2026, 11, 22), one=without_term).statutory is None
