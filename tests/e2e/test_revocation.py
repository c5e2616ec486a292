"""How long somebody stays in after it was taken away: by event, and while the broker is silent (security.md)."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from uuid import uuid4

import pytest

from chassis.testing import wait_until
from tests.faults.figures import say
from tests.people import Person
from tests.portal import Portal
from tests.world import Company, World

BY_EVENT_SECONDS, BY_ASKING_SECONDS = 1.0, 5.0
ANSWER_SECONDS = 0.5
"""What one more answer may take here, beside other tests."""


@pytest.fixture(scope="module")
def company(portal: Portal) -> Company:
    return World(portal).company()


@contextmanager
def silent_broker(portal: Portal) -> Iterator[None]:
    """It hears and says nothing; its connections stay."""
    portal.kill("nats", signal.SIGSTOP)
    try:
        yield
    finally:
        portal.kill("nats", signal.SIGCONT)


def change(company: Company, person: Person, **changes: object) -> None:
    rows = company.admin.get("/users", params={"limit": 200}).json()["items"]
    row = next(one for one in rows if one["username"] == person.username)
    path, head = f"/api/v1/users/{row['id']}", {"If-Match": f'"{row["version"]}"'}
    changed = company.admin.client.patch(path, json=changes, headers=head)
    assert changed.status_code == 200, changed.text


def module_taken(company: Company, person: Person) -> None:
    change(company, person, modules=["graphs"])


def deactivated(company: Company, person: Person) -> None:
    change(company, person, active=False)


def session_ended(_company: Company, person: Person) -> None:
    """Elsewhere, with the same cookie."""
    elsewhere = dict(person.client.cookies)
    assert person.client.delete("/api/v1/auth/session").status_code == 204
    person.client.cookies.update(elsewhere)


Act = Callable[[Company, Person], None]


@pytest.mark.parametrize("act", [module_taken, deactivated, session_ended])
def test_what_is_taken_away_is_gone_within_a_second_by_event_and_five_without(
    portal: Portal, company: Company, act: Act
) -> None:
    took = []
    for is_silent in (False, True):
        person = company.customer.person(f"leser-{uuid4().hex[:6]}")
        # Asked a moment ago: the gateway knows the answer, and would give it again.
        assert person.get("/documents").status_code == 200
        with silent_broker(portal) if is_silent else nullcontext():
            act(company, person)
            begun = time.monotonic()
            wait_until(lambda person=person: person.get("/documents").status_code in (401, 403), seconds=20, every=0.01)
            took.append(time.monotonic() - begun)

    say(f"{act.__name__}: {took[0]:.2f} s by event, {took[1]:.2f} s while the broker is silent")
    assert took[0] < BY_EVENT_SECONDS + ANSWER_SECONDS
    assert took[1] < BY_ASKING_SECONDS + ANSWER_SECONDS
