"""Roles, verdicts, review, texts: pure."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contacts.api.bodies import RoleQuery
from services.contacts.review import day_in, due_on, may_tell_again, months_after
from services.contacts.roles import ROLES, SENSITIVE, TOPICS, waits, word_of
from services.contacts.texts import one_line, sort_key
from services.contacts.verdict import Ours, judge

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "after", "changed", "expected"),
    [
        ((), ("technical",), {"roles"}, False),
        ((), ("invoices",), {"roles"}, True),
        (("site_access",), (), {"roles"}, True),
        (("invoices",), ("site_access",), {"roles"}, True),
        (("invoices",), ("invoices", "technical"), {"roles"}, False),
        (("invoices",), ("invoices",), {"email"}, True),
        (("site_access",), ("site_access",), {"family_name"}, True),
        (("invoices",), ("invoices",), {"hours", "languages"}, False),
        (("technical",), ("technical",), {"email", "phone"}, False),
        (("invoices",), ("invoices",), set(), False),
    ],
)
def test_what_waits(before: tuple[str, ...], after: tuple[str, ...], changed: set[str], expected: bool) -> None:
    assert waits("customer", before, after, changed) is expected
    assert waits("operator", before, after, changed) is False


def test_there_is_no_way_into_a_sensitive_role_that_does_not_wait() -> None:
    for before, after in product(ROLES, repeat=2):
        if (before in SENSITIVE) != (after in SENSITIVE) or (after in SENSITIVE and before != after):
            assert waits("customer", (before,), (after,), ())


@pytest.mark.parametrize(
    ("said", "meant"),
    [("Site-Access", "site_access"), (" NOC ", "noc"), ("out of hours technical", "technical_out_of_hours")],
)
def test_roles_are_read_as_the_crm_writes_them(said: str, meant: str) -> None:
    assert word_of(said) == meant
    assert meant in ROLES | TOPICS


def test_every_role_can_be_asked_for() -> None:
    assert set(get_args(RoleQuery)) == set(TOPICS) | set(ROLES)


def ours(touched_at: datetime | None = None, **now: object) -> Ours:
    known = {"email": "a@k.example", "phone": None, "roles": ["technical"], "removed": False}
    return Ours(known | now, known, touched_at)


def test_only_what_the_crm_changed_can_change_anything() -> None:
    edited = ours(NOON, phone="030 23125-1")
    theirs = {"email": "b@k.example", "phone": None, "roles": ["technical"], "removed": False}

    verdict = judge(edited, theirs, NOON + timedelta(days=1))

    assert (verdict.kind, verdict.fields) == ("take", ("email",))


def test_an_older_word_is_a_conflict_a_newer_one_is_taken() -> None:
    theirs = {"email": "b@k.example"}

    assert judge(ours(NOON), theirs, NOON - timedelta(seconds=1)).kind == "conflict"
    assert judge(ours(NOON), theirs, NOON).kind == "take"
    assert judge(ours(None), theirs, NOON - timedelta(days=999)).kind == "take"


def test_saying_the_same_is_no_conflict() -> None:
    there_already = ours(NOON, email="b@k.example", roles=("planned_works", "technical"))

    theirs = {"email": "b@k.example", "roles": ["technical", "planned_works"]}
    assert judge(there_already, theirs, NOON - timedelta(days=9)).kind == "same"


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2)),
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2)),
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2), min_size=4),
    st.booleans(),
)
def test_never_overwritten_in_silence(
    now: dict[str, int], known: dict[str, int], theirs: dict[str, int], newer: bool
) -> None:
    """Whatever happened: a touch after the CRM's word is either untouched or a conflict."""
    verdict = judge(Ours(now, known, NOON), theirs, NOON + timedelta(days=1 if newer else -1))

    assert (verdict.kind == "take") <= newer
    assert all(theirs[name] != now.get(name) and theirs[name] != known.get(name) for name in verdict.fields)


@pytest.mark.parametrize(
    ("vouched", "months", "due"),
    [
        (date(2025, 11, 23), 12, date(2026, 11, 23)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
    ],
)
def test_when_a_review_is_due(vouched: date, months: int, due: date) -> None:
    assert due_on(vouched, months) == due


def test_a_day_is_one_in_the_customers_time_zone() -> None:
    late = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)

    assert (day_in("Europe/Berlin", late), day_in("UTC", late)) == (date(2026, 7, 1), date(2026, 6, 30))


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 400))
def test_a_contact_is_told_of_once_a_year(told_on: date, days: int) -> None:
    today = told_on + timedelta(days=days)

    assert may_tell_again(told_on, today) == (today >= months_after(told_on, 12))
    assert may_tell_again(None, today)


def test_a_line_is_a_line() -> None:
    assert one_line("  Zoe\u0308 ") == "Zoë"
    for bad in ("a\nb", "a\tb", "a\x00b", "a\u2028b", "\u202eabc", "a\ud800"):
        with pytest.raises(ValueError, match="one line"):
            one_line(bad)


def test_umlauts_stand_beside_their_vowels() -> None:
    assert sorted(["Zeta", "äpfel", "Arnold", "Öl"], key=sort_key) == ["äpfel", "Arnold", "Öl", "Zeta"]
