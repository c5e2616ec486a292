"""What `users` tells, in any order and more than once."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from chassis.db import utc_now
from services.auth.models import Account, ApiToken, CounterRow, Customer, Membership, SignIn, Ticket, UserSession
from services.auth.secrets import token_hash
from services.auth.storage.tidying import tidy
from tests.auth.conftest import PASSWORD, Auth, a_customer, a_membership, a_user


async def test_a_lower_version_changes_nothing(auth: Auth) -> None:
    person = await auth.person()
    await auth.handle(a_user(person, version=5, family_name="Neu"))
    await auth.handle(a_user(person, version=4, family_name="Alt", active=False))
    await auth.handle(a_membership(person, version=5, role="member"))
    await auth.handle(a_membership(person, version=4, role="admin", active=False))
    await auth.handle(a_customer(person, version=5, name="Neu AG"))
    await auth.handle(a_customer(person, version=4, name="Alt AG", active=False))

    (account,) = await auth.rows(Account)
    (membership,) = await auth.rows(Membership)
    (customer,) = await auth.rows(Customer)
    assert (account.version, account.family_name, account.active) == (5, "Neu", True)
    assert (membership.version, membership.role, membership.active) == (5, "member", True)
    assert (customer.version, customer.name, customer.active) == (5, "Neu AG", True)


async def test_the_same_again_changes_nothing(auth: Auth) -> None:
    person, browser = await auth.enrolled()

    await auth.handle(a_user(person))
    await auth.handle(a_membership(person))
    await auth.handle(a_customer(person))

    assert await auth.principal(session=browser.cookies["session"]) is not None
    assert await auth.count(Membership) == 1


async def test_a_change_keeps_the_password(auth: Auth) -> None:
    person = await auth.with_password()

    await auth.handle(a_user(person, version=2, email="anna.neu@kunde.example"))

    browser = auth.client()
    old = await browser.post("/auth/login", json={"username": person.email, "password": PASSWORD})
    new = await browser.post("/auth/login", json={"username": "Anna.Neu@Kunde.Example ", "password": PASSWORD})
    assert (old.status_code, new.status_code) == (401, 200)


async def test_two_active_people_never_share_a_user_name(auth: Auth) -> None:
    anna = await auth.person("gleich@kunde.example")
    bernd = replace(anna, user_id=uuid4(), email="GLEICH@kunde.example")

    with pytest.raises(LookupError):
        await auth.handle(a_user(bernd))
    await auth.handle(a_user(anna, version=2, active=False))
    await auth.handle(a_user(bernd))

    accounts = {account.user_id: account.active for account in await auth.rows(Account)}
    assert accounts == {anna.user_id: False, bernd.user_id: True}


async def test_who_comes_back_signs_in_anew(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await auth.handle(a_user(person, version=2, active=False))
    await auth.handle(a_user(person, version=3))

    assert await auth.principal(session=browser.cookies["session"]) is None
    assert await auth.log_in(auth.client(), person) == "second_factor"


async def test_deactivation_withdraws_the_persons_api_tokens(auth: Auth) -> None:
    person = await auth.with_password()
    async with auth.database.transaction() as session:
        session.add(
            ApiToken(
                id=uuid4(),
                token_hash=token_hash("kp_of-anna"),
                kind="user",
                name="Excel",
                user_id=person.user_id,
                customer_id=person.customer_id,
                scopes=["invoices:read"],
                created_at=utc_now(),
            )
        )
    before = await auth.principal(api_token="kp_of-anna")
    await auth.handle(a_user(person, version=2, active=False))
    await auth.handle(a_user(person, version=3))

    assert before is not None
    assert (before["kind"], before["user_id"]) == ("user_token", str(person.user_id))
    assert await auth.principal(api_token="kp_of-anna") is None


async def test_a_membership_elsewhere_leaves_the_session_alone(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await browser.post("/auth/session/customer", json={"customer_id": str(person.customer_id)})
    elsewhere = replace(person, membership_id=uuid4(), customer_id=uuid4())
    await auth.handle(a_membership(elsewhere))

    await auth.handle(a_membership(elsewhere, version=2, active=False))

    assert await auth.principal(session=browser.cookies["session"]) is not None


async def test_tidying_removes_what_has_had_its_time_and_nothing_else(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await auth.at_second_step(person)
    await auth.client().post("/auth/login", json={"username": person.email, "password": "wrong-7-wrong"})

    async with auth.database.transaction() as session:
        await tidy(session, timedelta(days=90), utc_now())
    assert await auth.principal(session=browser.cookies["session"]) is not None
    assert await auth.count(SignIn) == 2
    await auth.time_passes(timedelta(days=92))
    async with auth.database.transaction() as session:
        await tidy(session, timedelta(days=90), utc_now())

    for table in (UserSession, SignIn, Ticket, CounterRow):
        assert await auth.count(table) == 0, table
    assert await auth.count(Account) == 1
