"""The rules alone: states, end dates, invitations, the audit chain."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.users.audit import BEGINNING, first_break, line_hash
from services.users.models import AlreadyIn, Membership, User

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
TODAY = NOON.date()


def a_membership(**changes: Any) -> Membership:
    user_fields = {name: changes.pop(name) for name in list(changes) if hasattr(User, name) and name != "version"}
    user = User(
        id=uuid4(), email="a@firma.example", given_name="Anna", family_name="Beispiel", language="de", version=1
    )
    for name, value in user_fields.items():
        setattr(user, name, value)
    usual = {"role": "member", "modules": [], "active": True, "invitation": "none", "version": 1}
    return Membership(id=uuid4(), user_id=user.id, user=user, customer_id=uuid4(), **(usual | changes))


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "created"),
        ({"invitation": "sent"}, "invited"),
        ({"invitation": "refused"}, "invited"),
        ({"invitation": "used", "password_set_at": NOON}, "password_set"),
        ({"password_set_at": NOON, "second_factor_at": NOON}, "active"),
        ({"password_set_at": NOON, "second_factor_at": NOON, "locked_at": NOON}, "locked"),
        ({"password_set_at": NOON, "second_factor_at": NOON, "active": False}, "deactivated"),
        ({"expires_on": TODAY}, "created"),
        ({"expires_on": TODAY - timedelta(days=1)}, "deactivated"),
    ],
)
def test_the_state_says_how_far_a_person_has_come(changes: dict[str, Any], state: str) -> None:
    assert a_membership(**changes).state(TODAY) == state


def test_an_end_date_counts_to_its_end() -> None:
    membership = a_membership(expires_on=date(2026, 11, 2))

    assert membership.counts(date(2026, 11, 2))
    assert not membership.counts(date(2026, 11, 3))


def test_inviting_again_forgets_what_became_of_the_old_link() -> None:
    membership = a_membership(invitation="refused", invitation_error="550 unknown", invitation_opened_at=NOON)

    event = membership.invite(by="Petra", actor_id=None, company="Beispiel AG", now=NOON)

    assert (membership.invitation, membership.invitation_error, membership.invitation_opened_at) == ("sent", None, None)
    assert (event.email, event.invited_by, event.customer_name) == ("a@firma.example", "Petra", "Beispiel AG")


def test_whoever_has_a_password_is_not_invited_again() -> None:
    with pytest.raises(AlreadyIn):
        a_membership(password_set_at=NOON).invite(by="Petra", actor_id=None, company="X", now=NOON)


def test_a_link_that_is_over_says_so() -> None:
    sent = a_membership(invitation="sent", invitation_expires_at=NOON)

    assert sent.invitation_state(NOON) == "sent"
    assert sent.invitation_state(NOON + timedelta(seconds=1)) == "expired"


def a_chain(count: int) -> list[tuple[int, dict[str, Any], str]]:
    lines, previous = [], BEGINNING
    for position in range(1, count + 1):
        line = {"what": "login", "n": position}
        previous = line_hash(previous, line)
        lines.append((position, line, previous))
    return lines


def test_a_whole_chain_has_no_break() -> None:
    assert first_break(a_chain(20)) is None


def test_a_changed_missing_or_swapped_line_shows() -> None:
    changed = a_chain(20)
    changed[6] = (7, {"what": "login", "n": 99}, changed[6][2])
    missing = a_chain(20)
    del missing[6]
    swapped = a_chain(20)
    swapped[6], swapped[7] = (7, *swapped[7][1:]), (8, *swapped[6][1:])

    assert [first_break(chain) for chain in (changed, missing, swapped)] == [7, 7, 7]
