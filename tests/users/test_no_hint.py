"""A person known from another company looks like somebody new until they come; no company changes another's view."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI

from chassis.testing import calling
from events.auth import InvitationSent, LoginSucceeded, PasswordSet, SecondFactorEnrolled
from tests.users.company import a_customer, a_row, a_user, admin_of, emitted
from tests.users.ears import Ears

SHOWN_OF_ITSELF = {"id", "created_at"}
KNOWN = "anna@firma.example"


async def comes_in(app: FastAPI, row: dict[str, Any]) -> UUID:
    """The whole first access, as `auth` tells it."""
    changed = await emitted(app, "users.membership.changed.v1")
    user = UUID(next(event["user_id"] for event in changed if event["membership_id"] == row["id"]))
    ears, now = Ears(app.state.database), datetime.now(UTC)
    about = {"user_id": user, "membership_id": row["id"], "customer_id": None}
    await ears.hear(PasswordSet(**about, cause="invitation", occurred_at=now))
    await ears.hear(SecondFactorEnrolled(user_id=user, occurred_at=now))
    await signs_in(app, user)
    return user


async def signs_in(app: FastAPI, user: UUID) -> None:
    session = {"session_id": uuid4(), "factor": "totp", "address": "192.0.2.1", "device": "x"}
    await Ears(app.state.database).hear(LoginSucceeded(user_id=user, occurred_at=datetime.now(UTC), **session))


async def show(app: FastAPI, customer: str, row: dict[str, Any]) -> dict[str, Any]:
    async with calling(app, admin_of(customer)) as client:
        return dict((await client.get(f"/users/{row['id']}")).json())


async def change(app: FastAPI, customer: str, row: dict[str, Any], **changes: Any) -> Any:
    async with calling(app, admin_of(customer)) as client:
        return await client.patch(f"/users/{row['id']}", json=changes, headers={"If-Match": "*"})


def bare(row: dict[str, Any], **names: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in SHOWN_OF_ITSELF} | names


async def test_known_and_new_get_the_same_answers(app: FastAPI) -> None:
    first, second = await a_customer(app), await a_customer(app, "KD-2")
    theirs = await a_row(app, first, KNOWN, given_name="Anna", family_name="Echt", language="en")
    await comes_in(app, theirs)

    answers = []
    for email in (KNOWN.upper(), "new@firma.example"):
        async with calling(app, admin_of(second)) as client:
            made = await client.post("/users", json=a_user(email))
            path, tag = f"/users/{made.json()['id']}", {"If-Match": "*"}
            shown = await client.get(path)
            renamed = await client.patch(path, json={"given_name": "Jana", "language": "en"}, headers=tag)
            invited = await client.post(f"{path}/invitation")
            listed = (await client.get("/users")).json()["items"][-1]
        same = {"username": "", "email": ""}
        rows = [bare(answer.json(), **same) for answer in (made, shown, renamed)]
        rows += [bare(row | {"invitation": row["invitation"]["state"]}, **same) for row in (invited.json(), listed)]
        answers.append(([answer.status_code for answer in (made, shown, renamed, invited)], rows))

    assert answers[0] == answers[1]
    assert answers[0][0] == [201, 200, 200, 202]
    assert (await show(app, first, theirs))["given_name"] == "Anna"


async def test_once_the_person_has_come_the_company_sees_it(app: FastAPI) -> None:
    first, second = await a_customer(app), await a_customer(app, "KD-2")
    user = await comes_in(app, await a_row(app, first, KNOWN))
    row = await a_row(app, second, KNOWN)
    async with calling(app, admin_of(second)) as client:
        await client.post(f"/users/{row['id']}/invitation")
    before = await show(app, second, row)
    await signs_in(app, user)
    after = await show(app, second, row)

    assert (before["state"], before["last_login_at"], before["second_factor_at"]) == ("invited", None, None)
    assert (after["state"], after["invitation"]["state"]) == ("active", "used")
    assert after["last_login_at"] is not None
    assert after["password_set_at"] is None, "that was at another company"


async def test_a_known_person_is_told_of_the_further_company(app: FastAPI) -> None:
    first, second = await a_customer(app), await a_customer(app, "KD-2")
    user = await comes_in(app, await a_row(app, first, KNOWN, given_name="Anna"))
    row = await a_row(app, second, KNOWN, given_name="Other")
    async with calling(app, admin_of(second)) as client:
        sent = await client.post(f"/users/{row['id']}/invitation")

    (invitation,) = await emitted(app, "users.user.invited.v1")
    assert sent.status_code == 202
    assert (invitation["user_id"], invitation["membership_id"]) == (str(user), row["id"])
    assert (invitation["given_name"], invitation["email"]) == ("Anna", KNOWN)


async def test_nobody_renames_a_person_for_other_companies(app: FastAPI) -> None:
    first, second = await a_customer(app), await a_customer(app, "KD-2")
    theirs = await a_row(app, first, KNOWN, given_name="Anna")
    user = await comes_in(app, theirs)
    ours = await a_row(app, second, KNOWN, given_name="Anna")
    await signs_in(app, user)
    await change(app, second, ours, given_name="Mallory")
    at_second = (await show(app, second, ours))["given_name"]

    async with calling(app, admin_of(first, sub=str(user))) as client:
        me = (await client.get("/users/me")).json()
        await client.patch("/users/me", json={"given_name": "Änne"})

    assert (at_second, me["given_name"]) == ("Mallory", "Anna")
    assert [(await show(app, c, r))["given_name"] for c, r in ((first, theirs), (second, ours))] == ["Änne", "Änne"]
    assert {event["given_name"] for event in await emitted(app, "users.user.changed.v1")} == {"Anna", "Änne"}


async def test_the_only_company_renames_the_person(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, KNOWN)

    await change(app, customer, row, given_name="Anna", language="en")

    assert (await emitted(app, "users.user.changed.v1"))[-1]["given_name"] == "Anna"
    assert (await show(app, customer, row))["language"] == "en"


async def test_an_address_is_corrected_to_a_known_persons_as_to_a_new_one(app: FastAPI) -> None:
    first, second = await a_customer(app), await a_customer(app, "KD-2")
    theirs = await a_row(app, first, KNOWN, given_name="Anna")
    user = await comes_in(app, theirs)
    answers = []
    for n, right in enumerate((KNOWN, "new@firma.example")):
        row = await a_row(app, second, f"typo{n}@firma.example")
        corrected = await change(app, second, row, email=right)
        answers.append((corrected.status_code, bare(corrected.json(), email="", username="")))

    moved = [event for event in await emitted(app, "users.membership.changed.v1") if event["user_id"] == str(user)]
    orphan = [e for e in await emitted(app, "users.user.changed.v1") if e["email"] == "typo0@firma.example"]
    assert answers[0] == answers[1]
    assert len({event["membership_id"] for event in moved}) == 2
    assert [event["active"] for event in orphan] == [True, False]


async def test_correcting_an_address_leaves_the_wrong_persons_other_places_alone(app: FastAPI) -> None:
    first, second = await a_customer(app), await a_customer(app, "KD-2")
    theirs = await a_row(app, first, KNOWN, given_name="Anna")
    user = await comes_in(app, theirs)
    ours = await a_row(app, second, KNOWN)

    corrected = await change(app, second, ours, email="right@firma.example")

    assert (corrected.status_code, corrected.json()["username"]) == (200, "right@firma.example")
    assert (await show(app, first, theirs))["username"] == KNOWN
    last = [event for event in await emitted(app, "users.user.changed.v1") if event["user_id"] == str(user)][-1]
    assert (last["email"], last["active"]) == (KNOWN, True)


async def test_an_address_in_use_is_not_corrected(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, KNOWN)
    await comes_in(app, row)

    refused = await change(app, customer, row, email="other@firma.example")

    assert (refused.status_code, refused.json()["code"]) == (409, "address_in_use")


async def test_news_of_the_link_to_the_wrong_address_are_forgotten(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "typo@firma.example")
    async with calling(app, admin_of(customer)) as client:
        await client.post(f"/users/{row['id']}/invitation")
    user = (await emitted(app, "users.user.invited.v1"))[0]["user_id"]
    await change(app, customer, row, email=KNOWN)
    now = datetime.now(UTC)
    news = {"user_id": user, "membership_id": row["id"], "customer_id": customer, "occurred_at": now}
    await Ears(app.state.database).hear(InvitationSent(**news, expires_at=now + timedelta(days=7)))

    assert (await show(app, customer, row))["invitation"]["state"] == "none"
