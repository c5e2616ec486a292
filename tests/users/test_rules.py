"""The rules alone: states, end dates, invitations, the last admin, whose place counts, the audit chain."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from events.base import AuditRecorded
from services.users.api.audit import AuditOut
from services.users.audit import BEGINNING, first_break, line_hash
from services.users.models import (
    MODULES,
    AddressInUse,
    AlreadyIn,
    Customer,
    Deactivated,
    LastAdmin,
    Leaving,
    Membership,
    User,
    place_of,
    require_an_admin,
)

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
TODAY = NOON.date()
DAY = timedelta(days=1)
PERSON = {"password_set_at", "second_factor_at", "second_factor_reset_at", "last_login_at", "locked_at"}


def a_customer(**changes: Any) -> Customer:
    return Customer(**({"id": uuid4(), "time_zone": "Europe/Berlin", "active": True} | changes))


def a_membership(**changes: Any) -> Membership:
    facts = {name: changes.pop(name) for name in list(changes) if name in PERSON}
    names = {"email": "a@firma.example", "given_name": "Anna", "family_name": "Beispiel", "language": "de"}
    user = User(id=uuid4(), version=1, **names, **facts)
    customer = changes.pop("customer", a_customer())
    usual = {"role": "member", "modules": ["graphs"], "active": True, "invitation": "none", "version": 1}
    usual |= {"created_at": NOON - 30 * DAY, "customer_id": customer.id if customer else None}
    return Membership(id=uuid4(), user_id=user.id, user=user, customer=customer, **(usual | changes))


IN = {"invitation": "used", "password_set_at": NOON, "second_factor_at": NOON, "last_login_at": NOON}
LONG_AGO = NOON - 400 * DAY
KNOWN = {"password_set_at": LONG_AGO, "second_factor_at": LONG_AGO, "last_login_at": LONG_AGO}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "created"),
        ({"invitation": "sent"}, "invited"),
        ({"invitation": "opened"}, "invited"),
        ({"invitation": "refused"}, "invited"),
        ({"invitation": "used", "password_set_at": NOON}, "password_set"),
        ({"invitation": "used", "password_set_at": NOON, "second_factor_at": NOON}, "active"),
        (IN, "active"),
        (IN | {"second_factor_reset_at": NOON + DAY}, "password_set"),
        (IN | {"second_factor_reset_at": NOON - DAY}, "active"),
        (IN | {"locked_at": NOON + DAY}, "locked"),
        (IN | {"locked_at": NOON - DAY}, "active"),
        (IN | {"locked_at": NOON + DAY, "last_login_at": NOON + 2 * DAY}, "active"),
        (IN | {"active": False}, "deactivated"),
        (IN | {"locked_at": NOON + DAY, "active": False}, "deactivated"),
        (IN | {"removed_at": NOON}, "deactivated"),
        ({"expires_on": TODAY}, "created"),
        ({"expires_on": TODAY - DAY}, "deactivated"),
        (KNOWN, "created"),
        (KNOWN | {"invitation": "sent"}, "invited"),
        (KNOWN | {"locked_at": NOON}, "created"),
        (KNOWN | {"password_set_at": NOON}, "created"),
        (KNOWN | {"last_login_at": NOON}, "active"),
        (KNOWN | {"last_login_at": NOON, "locked_at": NOON + DAY}, "locked"),
    ],
)
def test_the_state_says_how_far_a_person_has_come(changes: dict[str, Any], state: str) -> None:
    assert a_membership(**changes).state(NOON) == state


def test_what_was_before_the_place_is_shown_to_nobody() -> None:
    known = a_membership(**KNOWN)
    entered = a_membership(**KNOWN | {"last_login_at": NOON})

    assert [known.shown(at) for at in (LONG_AGO, NOON, None)] == [None, None, None]
    assert [entered.shown(at) for at in (LONG_AGO, NOON, None)] == [None, NOON, None]


STEPS = [
    ("password_set_at", NOON),
    ("second_factor_at", NOON + timedelta(minutes=1)),
    ("last_login_at", NOON + timedelta(minutes=2)),
    ("locked_at", NOON + timedelta(minutes=3)),
    ("last_login_at", NOON + timedelta(minutes=4)),
    ("second_factor_reset_at", NOON + timedelta(minutes=5)),
]


@pytest.mark.parametrize("count", range(1, len(STEPS) + 1))
def test_news_in_any_order_have_one_end(count: int) -> None:
    ends = set()
    for order in permutations(STEPS[:count]):
        user = User()
        for step, at in (*order, *order):
            user.reached(step, at)
        ends.add((user.has_second_factor, user.locked, *(getattr(user, name) for name in sorted(PERSON))))

    has_app_and_is_locked = [(False, False), (True, False), (True, False), (True, True), (True, False), (False, False)]
    assert [end[:2] for end in ends] == [has_app_and_is_locked[count - 1]]


@pytest.mark.parametrize(
    ("zone", "last_moment"),
    [
        ("Europe/Berlin", datetime(2026, 11, 2, 22, 59, 59, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 3, 4, 59, 59, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 11, 2, 10, 59, 59, tzinfo=UTC)),
    ],
)
def test_the_last_day_counts_to_its_end_where_the_customer_is(zone: str, last_moment: datetime) -> None:
    membership = a_membership(expires_on=date(2026, 11, 2), customer=a_customer(time_zone=zone))

    assert membership.counts(last_moment)
    assert not membership.counts(last_moment + timedelta(seconds=1))


def test_the_operators_own_day_is_berlins() -> None:
    staff = a_membership(role="operator", expires_on=date(2026, 11, 2), customer=None)

    assert staff.counts(datetime(2026, 11, 2, 22, 59, 59, tzinfo=UTC))
    assert not staff.counts(datetime(2026, 11, 2, 23, 0, tzinfo=UTC))


def test_an_admin_sees_all_modules_and_a_member_those_given() -> None:
    admin, member = a_membership(role="admin"), a_membership()

    assert (admin.effective_modules, member.effective_modules) == (MODULES, ("graphs",))
    assert (admin.state_event().modules, member.state_event().modules) == (MODULES, ("graphs",))


def test_inviting_again_forgets_what_became_of_the_old_link() -> None:
    membership = a_membership(invitation="refused", invitation_error="550 unknown", invitation_opened_at=NOON)

    event = membership.invite(by="Petra", actor_id=None, company="Beispiel AG", now=NOON)

    assert (membership.invitation, membership.invitation_error, membership.invitation_opened_at) == ("sent", None, None)
    assert (event.email, event.invited_by, event.customer_name) == ("a@firma.example", "Petra", "Beispiel AG")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        (IN, AlreadyIn),
        ({"invitation": "used", "password_set_at": NOON}, AlreadyIn),
        (KNOWN | {"last_login_at": NOON}, AlreadyIn),
        ({"active": False}, Deactivated),
        ({"expires_on": TODAY - DAY}, Deactivated),
        (KNOWN, None),
        (KNOWN | {"invitation": "sent"}, None),
    ],
)
def test_only_who_waits_is_invited(changes: dict[str, Any], refusal: type[Exception] | None) -> None:
    membership = a_membership(**changes)

    if refusal is None:
        assert membership.invite(by="Petra", actor_id=None, company="X", now=NOON).user_id == membership.user_id
    else:
        with pytest.raises(refusal):
            membership.invite(by="Petra", actor_id=None, company="X", now=NOON)


@pytest.mark.parametrize(("changes", "may"), [({}, True), ({"invitation": "opened"}, True), (KNOWN, True), (IN, False)])
def test_an_address_is_corrected_while_the_link_waits(changes: dict[str, Any], may: bool) -> None:
    membership = a_membership(**changes)

    if may:
        membership.withdraw_invitation()
        assert membership.state(NOON) == "created"
    else:
        with pytest.raises(AddressInUse):
            membership.withdraw_invitation()


def test_a_link_that_is_over_says_so() -> None:
    sent = a_membership(invitation="sent", invitation_expires_at=NOON)

    assert sent.invitation_state(NOON) == "sent"
    assert sent.invitation_state(NOON + timedelta(seconds=1)) == "expired"


@pytest.mark.parametrize(("state", "after", "count"), [("none", 1, False), ("used", 1, False), ("sent", 0, True)])
def test_news_count_while_a_link_is_out(state: Any, after: int, count: bool) -> None:
    membership = a_membership(invitation=state, invitation_sent_at=NOON)

    assert membership.link_news_count(NOON + after * DAY) is count
    assert not membership.link_news_count(NOON - timedelta(minutes=1))


@pytest.mark.parametrize("order", [("sent", "opened"), ("opened", "sent")])
def test_a_link_that_was_opened_was_sent(order: tuple[str, ...]) -> None:
    membership = a_membership(invitation="sent", invitation_sent_at=NOON)
    for news in order:
        membership.link_sent(NOON + 7 * DAY) if news == "sent" else membership.link_opened(NOON)

    assert (membership.invitation, membership.invitation_expires_at) == ("opened", NOON + 7 * DAY)


ADMIN = {"role": "admin"}


@pytest.mark.parametrize(
    ("state", "change", "first_day"),
    [
        (ADMIN, {"active": False}, TODAY),
        (ADMIN, {"role": "member"}, TODAY),
        (ADMIN, {"expires_on": TODAY - 9 * DAY}, TODAY),
        (ADMIN, {"expires_on": TODAY}, TODAY + DAY),
        (ADMIN, {"expires_on": TODAY + 9 * DAY}, TODAY + 10 * DAY),
        (ADMIN, {"role": "member", "expires_on": TODAY + 9 * DAY}, TODAY),
        (ADMIN, {"role": "admin", "active": True}, None),
        (ADMIN | {"expires_on": TODAY + DAY}, {"expires_on": TODAY + 9 * DAY}, None),
        (ADMIN | {"expires_on": TODAY + 9 * DAY}, {"expires_on": TODAY + DAY}, TODAY + 2 * DAY),
        (ADMIN | {"expires_on": TODAY + DAY}, {"expires_on": None}, None),
        (ADMIN | {"expires_on": TODAY - DAY}, {"active": False}, None),
        (ADMIN | {"active": False}, {"role": "member"}, None),
        ({}, {"active": False}, None),
        ({}, {"role": "admin", "expires_on": TODAY}, None),
    ],
)
def test_what_a_change_takes_from_an_admin(
    state: dict[str, Any], change: dict[str, Any], first_day: date | None
) -> None:
    leaving = a_membership(**state).leaving(TODAY, **change)

    assert (leaving.first_day if leaving else None) == first_day


@pytest.mark.parametrize(
    ("other", "stays"),
    [
        (ADMIN, True),
        (ADMIN | {"expires_on": TODAY}, True),
        (ADMIN | {"expires_on": TODAY - DAY}, False),
        (ADMIN | {"active": False}, False),
        (ADMIN | {"active": False, "removed_at": NOON}, False),
        ({}, False),
    ],
)
def test_an_admin_must_stay(other: dict[str, Any], stays: bool) -> None:
    others = [a_membership(), a_membership(**other)]

    if stays:
        require_an_admin(Leaving(TODAY), others)
    else:
        with pytest.raises(LastAdmin):
            require_an_admin(Leaving(TODAY), others)


A, B = UUID(int=1), UUID(int=2)
OLD, NEW = NOON - 20 * DAY, NOON - 10 * DAY


def place(customer_id: UUID | None, created_at: datetime = OLD, *, living: bool = True, **changes: Any) -> Membership:
    customer = a_customer(id=customer_id, active=living) if customer_id else None
    return a_membership(customer=customer, created_at=created_at, **changes)


@pytest.mark.parametrize(
    ("places", "wanted", "chosen"),
    [
        ([], None, None),
        ([place(A)], None, 0),
        ([place(A)], A, 0),
        ([place(A)], B, 0),
        ([place(A, NEW), place(B, OLD)], None, 1),
        ([place(A, NEW), place(B, OLD)], A, 0),
        ([place(A, NEW), place(B, OLD)], UUID(int=9), 1),
        ([place(A, active=False)], A, None),
        ([place(A, expires_on=TODAY)], A, 0),
        ([place(A, expires_on=TODAY - DAY)], A, None),
        ([place(A, living=False)], A, None),
        ([place(A, living=False), place(B)], A, 1),
        ([place(A, active=False), place(B)], A, 1),
        ([place(A), place(None, NEW, role="operator")], None, 1),
        ([place(A), place(None, NEW, role="operator")], A, 1),
        ([place(A), place(None, NEW, role="operator", active=False)], A, 0),
    ],
)
def test_whose_place_counts(places: list[Membership], wanted: UUID | None, chosen: int | None) -> None:
    assert place_of(places, wanted, NOON) is (None if chosen is None else places[chosen])


def a_chain(count: int) -> list[tuple[int, dict[str, Any], str]]:
    lines, previous = [], BEGINNING
    for position in range(1, count + 1):
        line = {"what": "login", "n": position}
        previous = line_hash(previous, line)
        lines.append((position, line, previous))
    return lines


def test_a_whole_chain_has_no_break() -> None:
    chain = a_chain(20)

    assert first_break(chain) is None
    assert first_break(chain[7:], after=(7, chain[6][2])) is None


def test_a_changed_missing_or_swapped_line_shows() -> None:
    changed = a_chain(20)
    changed[6] = (7, {"what": "login", "n": 99}, changed[6][2])
    missing = a_chain(20)
    del missing[6]
    swapped = a_chain(20)
    swapped[6], swapped[7] = (7, *swapped[7][1:]), (8, *swapped[6][1:])

    assert [first_break(chain) for chain in (changed, missing, swapped)] == [7, 7, 7]


def test_a_line_is_shown_with_all_that_its_hash_covers() -> None:
    beside = {"position", "previous_hash", "hash", "actor_name"}

    assert set(AuditOut.model_fields) - beside == set(AuditRecorded.model_fields) | {"id", "owner"}
