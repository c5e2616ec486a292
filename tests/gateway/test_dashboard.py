"""The start page's data: everything at once, what is missing is said, and nobody sees more than elsewhere."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from gateway.dashboard import Dashboard
from gateway.greeting import greeting
from gateway.signing import Signer
from gateway.upstream import Upstream
from gateway.weather import DemoWeather
from tests.gateway.conftest import FakeService, NewWorld, World

NEW = ("metrics", "contracts", "contacts")
REVIEW = {
    "due": [{"name": f"N{n}"} for n in range(7)],
    "due_count": 7,
    "gaps": ["abuse"],
    "roles": [{"role": "abuse", "name": "Abuse"}, {"role": "invoices", "name": "Rechnungen"}],
}


def a_line(line_id: str) -> dict[str, Any]:
    own = {"id": line_id, "name": "Internet", "site": "RZ Berlin", "capacity_bps": 10**9, "commit_bps": 10**7}
    return own | {"last_sample_at": "2026-11-23T04:05:00Z"}


def bandwidth(received: list[int | None], sent: list[int | None]) -> dict[str, Any]:
    at = [f"2026-11-23T04:{5 * n:02d}:00Z" for n in range(len(received))]
    return {"series": {"at": at, "in_avg": received, "out_avg": sent}}


def answering(value: Any, status: int = 200) -> Any:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(value, status=status)

    return answer


def a_user(state: str, name: str) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "state": state,
        "given_name": name,
        "family_name": "Muster",
        "email": f"{name}@k.example",
    }


class Stage:
    """A gateway with all services the start page asks, whether it knows them by itself or not yet."""

    def __init__(self, world: World, services: dict[str, FakeService]) -> None:
        self.world = world
        self.services = services

    def use(self, *names: str) -> None:
        """These are installed."""
        upstreams = {name: Upstream(name, self.services[name].url) for name in names}
        signer = Signer.from_file(self.world.settings.signing_key_file)
        own = self.world.gateway.parts.public.own
        own["/dashboard"] = Dashboard(upstreams, signer, DemoWeather(), ()).serve

    async def seen_by(self, headers: dict[str, str]) -> dict[str, Any]:
        async with self.world.http.get(self.world.api("/dashboard"), headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            assert answer.headers["cache-control"] == "no-store"
            found: dict[str, Any] = await answer.json()
            return found


@pytest.fixture
async def stage(world: World) -> AsyncIterator[Stage]:
    extra = {name: FakeService(name) for name in NEW if name not in world.services}
    for service in extra.values():
        await service.start()
    made = Stage(world, world.services | extra)
    documents = {"items": [{"id": "d1", "number": "RE-1"}], "next_cursor": None}
    made.services["documents"].answers["/documents"] = answering(documents)
    made.services["metrics"].answers["/metrics/lines"] = answering([a_line("l1")])
    made.services["metrics"].answers["/metrics/lines/l1/bandwidth"] = answering(bandwidth([1, 2, None], [3, 4, None]))
    made.services["contracts"].answers["/contracts/calendar"] = answering({"items": [{"on": "2027-01-31"}]})
    made.services["contacts"].answers["/contacts/review"] = answering(REVIEW)
    users = [a_user("created", "Anna"), a_user("active", "Bert"), a_user("password_set", "Cleo")]
    made.services["users"].answers["/users"] = answering({"items": users, "next_cursor": None})
    made.use("documents", "users", *NEW)
    yield made
    for service in extra.values():
        await service.stop()


async def test_everything_is_there_at_once(stage: Stage) -> None:
    found = await stage.seen_by(stage.world.signed_in())

    assert found["greeting"]["name"] == "Anna Beispiel"
    del found["greeting"]
    assert found == {
        "documents": [{"id": "d1", "number": "RE-1"}],
        "lines": [a_line("l1") | {"at": "2026-11-23T04:05:00Z", "in_bps": 2, "out_bps": 4}],
        "deadlines": [{"on": "2027-01-31"}],
        "contacts_to_confirm": {"count": 7, "names": ["N0", "N1", "N2", "N3", "N4"], "gaps": ["Abuse"]},
        "users_waiting": {"count": 2, "names": ["Anna Muster", "Cleo Muster"]},
        "objections": [],
        "exchange": [],
    }
    assert stage.services["documents"].last.path == "/documents?new=true&limit=10"


async def test_each_service_is_asked_in_the_readers_name_and_only_there(stage: Stage) -> None:
    headers = stage.world.signed_in() | {"Accept-Language": "en-GB"}
    await stage.seen_by(headers)

    requests = set()
    for name in ("documents", *NEW):
        seen = stage.services[name].last
        identity = await stage.world.identity(name, seen)
        assert (identity.name, identity.role, identity.lang, identity.ip) == (
            "Anna Beispiel",
            "admin",
            "en",
            "127.0.0.1",
        )
        assert "cookie" not in seen.names()
        requests.add(seen.values("x-request-id")[0])
    assert len(requests) == 1


async def test_nobody_sees_a_part_of_a_module_they_do_not_have(stage: Stage) -> None:
    parts = {
        "invoices": {"documents", "objections"},
        "call_records": {"documents"},
        "exchange": {"exchange"},
        "graphs": {"lines"},
        "contracts": {"deadlines"},
        "contacts": {"contacts_to_confirm"},
    }
    for module, expected in parts.items():
        before = {name: len(service.seen) for name, service in stage.services.items()}
        found = await stage.seen_by(stage.world.signed_in(role="member", modules=[module]))
        asked = {name for name, service in stage.services.items() if len(service.seen) > before[name]}

        assert set(found) == {"greeting", *expected}, module
        assert len(asked - {"auth", "users"}) <= 1, "a service is not even asked"


async def test_an_operator_without_a_customer_is_greeted_and_no_more(stage: Stage) -> None:
    headers = stage.world.signed_in(role="operator", staff_role="agent", customer_id=None, modules=[])

    assert set(await stage.seen_by(headers)) == {"greeting"}
    opened = stage.world.signed_in(role="operator", staff_role="agent", modules=[])
    assert set(await stage.seen_by(opened)) > {"documents", "lines", "deadlines", "users_waiting"}


async def test_a_token_sees_what_it_was_made_for(stage: Stage) -> None:
    secret, _, _ = stage.world.people.session(
        kind="user_token", session_id=None, amr=["api_token"], scopes=["contracts:read"]
    )
    token = "kp_" + secret
    stage.world.people.principals[token] = stage.world.people.principals[secret]

    assert set(await stage.seen_by({"Authorization": f"Bearer {token}"})) == {"greeting", "deadlines"}


async def test_a_machine_has_no_start_page(stage: Stage) -> None:
    stage.world.people.principals["kp_m"] = {"kind": "machine", "name": "erp", "scopes": ["billing:publish"], "amr": []}

    async with stage.world.http.get(stage.world.api("/dashboard"), headers={"Authorization": "Bearer kp_m"}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, "not_signed_in")


async def test_what_is_not_installed_or_down_says_so_and_the_rest_is_there(stage: Stage) -> None:
    stage.use("documents", "users", "metrics")
    await stage.services["metrics"].stop()
    found = await stage.seen_by(stage.world.signed_in())
    await stage.services["metrics"].start()

    assert found["deadlines"] == {"unavailable": "not_installed"}
    assert found["contacts_to_confirm"] == {"unavailable": "not_installed"}
    assert found["lines"] == {"unavailable": "down"}
    assert found["documents"] == [{"id": "d1", "number": "RE-1"}]
    assert (await stage.seen_by(stage.world.signed_in()))["lines"][0]["id"] == "l1"


@pytest.mark.parametrize("hangs", ["documents", "metrics", "contracts", "contacts"])
async def test_one_that_hangs_costs_less_than_a_second(stage: Stage, hangs: str) -> None:
    released = asyncio.Event()

    async def silent(_request: web.Request) -> web.Response:
        await released.wait()
        return web.json_response([])

    service = stage.services[hangs]
    for path in service.answers:
        service.answers[path] = silent
    headers = stage.world.signed_in()
    for _ in range(3):
        started = time.monotonic()
        found = await stage.seen_by(headers)
        assert time.monotonic() - started < 1
        missing = [name for name, part in found.items() if part == {"unavailable": "too_slow"}]
        assert len(missing) == 1
    released.set()


async def test_an_impatient_page_does_not_make_a_slow_service_look_dead(stage: Stage) -> None:
    released = asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        await released.wait()
        return web.json_response({"items": [], "next_cursor": None})

    stage.services["documents"].answers["/documents"] = slow
    upstream = stage.world.gateway.parts.upstreams["documents"]
    own = stage.world.gateway.parts.public.own
    signer = Signer.from_file(stage.world.settings.signing_key_file)
    own["/dashboard"] = Dashboard({"documents": upstream}, signer, None, ()).serve
    headers = stage.world.signed_in()
    for _ in range(6):
        assert (await stage.seen_by(headers))["documents"] == {"unavailable": "too_slow"}
    released.set()

    async with stage.world.http.get(stage.world.api("/documents/folders"), headers=headers) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("answer", "status"),
    [({"code": "x"}, 500), ({"code": "x"}, 404), ({}, 200), (None, 200), ([3], 200), ({"items": 7}, 200)],
)
async def test_an_answer_that_is_none_is_a_missing_part(stage: Stage, answer: Any, status: int) -> None:
    stage.services["users"].answers["/users"] = answering(answer, status)

    found = await stage.seen_by(stage.world.signed_in())

    assert found["users_waiting"] == {"unavailable": "failed"}
    assert found["documents"] == [{"id": "d1", "number": "RE-1"}]


async def test_what_a_service_refuses_the_reader_is_not_there(stage: Stage) -> None:
    stage.services["contracts"].answers["/contracts/calendar"] = answering({"code": "forbidden"}, 403)

    assert "deadlines" not in await stage.seen_by(stage.world.signed_in())


async def test_all_waiting_users_are_counted_over_all_pages(stage: Stage) -> None:
    async def pages(request: web.Request) -> web.Response:
        if "cursor" in request.query:
            return web.json_response({"items": [a_user("invited", "Zoe")], "next_cursor": None})
        users = [a_user("invited", f"U{n}") for n in range(6)] + [a_user("locked", "L"), a_user("deactivated", "D")]
        return web.json_response({"items": users, "next_cursor": "abc"})

    stage.services["users"].answers["/users"] = pages

    found = (await stage.seen_by(stage.world.signed_in()))["users_waiting"]
    assert found == {"count": 7, "names": ["U0 Muster", "U1 Muster", "U2 Muster", "U3 Muster", "U4 Muster"]}


async def test_a_line_that_was_not_measured_is_there_without_its_load(stage: Stage) -> None:
    metrics = stage.services["metrics"]
    metrics.answers["/metrics/lines"] = answering([a_line(f"l{n}") for n in range(6)])
    for n in range(6):
        metrics.answers[f"/metrics/lines/l{n}/bandwidth"] = answering(
            bandwidth([None], [None]) if n else bandwidth([], [])
        )

    lines = (await stage.seen_by(stage.world.signed_in()))["lines"]

    assert [line["id"] for line in lines] == ["l0", "l1", "l2", "l3"], "the graphs' own screen has all"
    assert {(line["at"], line["in_bps"], line["out_bps"]) for line in lines} == {(None, None, None)}
    wanted = [seen.path for seen in metrics.seen if "bandwidth" in seen.path]
    assert len(wanted) == 4
    assert all(path.endswith("&points=12") for path in wanted)


async def test_half_a_session_has_no_start_page(stage: Stage) -> None:
    stage.world.people.principals["half"] = {"kind": "ticket", "user_id": str(uuid4()), "amr": ["pwd"]}
    headers = {"Cookie": "ticket=half"}

    async with stage.world.http.get(stage.world.api("/dashboard"), headers=headers) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("utc", "zone", "de", "en", "day"),
    [
        ("2026-11-23T04:30", "Europe/Berlin", "Guten Morgen", "Good morning", "2026-11-23"),
        ("2026-11-23T10:30", "Europe/Berlin", "Guten Tag", "Good morning", "2026-11-23"),
        ("2026-11-23T12:00", "Europe/Berlin", "Guten Tag", "Good afternoon", "2026-11-23"),
        ("2026-11-23T17:00", "Europe/Berlin", "Guten Abend", "Good evening", "2026-11-23"),
        ("2026-11-23T23:30", "Europe/Berlin", "Guten Abend", "Good evening", "2026-11-24"),
        ("2026-07-23T03:00", "Europe/Berlin", "Guten Morgen", "Good morning", "2026-07-23"),
        ("2026-11-23T23:30", "America/New_York", "Guten Abend", "Good evening", "2026-11-23"),
        ("2026-11-23T23:30", "Asia/Tokyo", "Guten Morgen", "Good morning", "2026-11-24"),
        ("2026-11-23T12:00", "Nowhere/Atlantis", "Guten Tag", "Good afternoon", "2026-11-23"),
    ],
)
def test_the_greeting_follows_the_customers_clock(utc: str, zone: str, de: str, en: str, day: str) -> None:
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC)

    found = [greeting("Anna Beispiel", language, zone, now) for language in ("de", "en")]

    assert [one["text"] for one in found] == [de, en]
    assert {one["date"] for one in found} == {day}


async def test_the_time_zone_is_the_open_customers(new_world: NewWorld) -> None:
    async with new_world() as world:
        headers = world.signed_in()
        for rights in world.people.authorisations.values():
            rights["time_zone"] = "Pacific/Kiritimati"
        async with world.http.get(world.api("/dashboard"), headers=headers) as answer:
            found = await answer.json()

    assert found["greeting"]["time_zone"] == "Pacific/Kiritimati"
    assert "weather" not in found, "switched off"
