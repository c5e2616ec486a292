"""Where one is signed in, how that came about, and ending it."""

from datetime import timedelta

from events.auth import SessionEnded
from tests.auth.conftest import PASSWORD, Auth
from tests.auth.test_account import second_browser


async def test_the_list_has_ones_own_living_sessions_newest_first(auth: Auth) -> None:
    person, first = await auth.enrolled()
    browser = await auth.signed_in(await second_browser(auth, person))
    stranger, _ = await auth.enrolled(email_address="berta@kunde.example")
    assert stranger.user_id != person.user_id

    items = (await browser.get("/auth/sessions")).json()["items"]

    assert [(one["current"], one["device"], one["address"]) for one in items] == [
        (True, "Testbrowser 1.0", "192.0.2.7"),
        (False, "Testbrowser 1.0", "192.0.2.7"),
    ]
    principal = await auth.principal(session=first.cookies["session"])
    assert principal is not None
    assert items[1]["id"] == principal["session_id"]


async def test_an_ended_session_is_over_at_once_and_told(auth: Auth) -> None:
    person, first = await auth.enrolled()
    browser = await auth.signed_in(await second_browser(auth, person))
    other = next(one for one in (await browser.get("/auth/sessions")).json()["items"] if not one["current"])

    answer = await browser.delete(f"/auth/sessions/{other['id']}")

    assert answer.status_code == 204
    assert await auth.principal(session=first.cookies["session"]) is None
    assert str((await auth.events(SessionEnded))[-1].session_id) == other["id"]
    again = await browser.delete(f"/auth/sessions/{other['id']}")
    assert (again.status_code, again.json()["code"]) == (404, "session_not_found")


async def test_a_strangers_session_does_not_exist(auth: Auth) -> None:
    _, browser = await auth.enrolled()
    _, stranger = await auth.enrolled(email_address="berta@kunde.example")
    (theirs,) = (await stranger.get("/auth/sessions")).json()["items"]

    foreign = await browser.delete(f"/auth/sessions/{theirs['id']}")
    unknown = await browser.delete("/auth/sessions/00000000-0000-4000-8000-000000000000")

    same = ("code", "title", "detail", "status")
    assert [foreign.json().get(name) for name in same] == [unknown.json().get(name) for name in same]
    assert await auth.principal(session=stranger.cookies["session"]) is not None


async def test_ones_own_session_can_be_ended_too(auth: Auth) -> None:
    _, browser = await auth.enrolled()
    session = browser.cookies["session"]
    (own,) = (await browser.get("/auth/sessions")).json()["items"]

    assert (await browser.delete(f"/auth/sessions/{own['id']}")).status_code == 204

    assert await auth.principal(session=session) is None


async def test_the_history_has_refused_tries_too_in_pages(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    await auth.time_passes(timedelta(minutes=1))
    await auth.client().post("/auth/login", json={"username": person.email, "password": "Falsch-7-Tasse"})
    await auth.time_passes(timedelta(minutes=1))
    wrong = await auth.at_second_step(person)
    await wrong.post("/auth/login/second-factor", json={"code": "000000"})
    browser = await auth.signed_in(await second_browser(auth, person))

    first = (await browser.get("/auth/sign-ins", params={"limit": 2})).json()
    rest = (await browser.get("/auth/sign-ins", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    found = [(one["result"], one["factor"], one["address"]) for one in first["items"] + rest["items"]]
    assert found == [
        ("done", "totp", "192.0.2.7"),
        ("refused", "totp", "192.0.2.7"),
        ("refused", "password", "192.0.2.7"),
        ("done", "totp", "192.0.2.7"),
    ]
    assert rest["next_cursor"] is None


async def test_a_half_sign_in_sees_none_of_it(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browser = auth.client()
    await browser.post("/auth/login", json={"username": person.email, "password": PASSWORD})
    principal = await auth.principal(ticket=browser.cookies["ticket"])
    assert principal is not None
    half = auth.half(principal)

    for path in ("/auth/sessions", "/auth/sign-ins", "/auth/api-tokens"):
        answer = await half.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_required")
