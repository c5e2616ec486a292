"""Server-sent events: told to whom it concerns, also later what was missed, and only as long as the session lasts."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from chassis.bus import connected_bus
from chassis.testing import NatsServer, eventually
from events.auth import SessionEnded
from events.base import Event, encode
from events.contracts import ContractChanged
from events.documents import DocumentFiled, InvoiceFiled
from gateway.live import News, Recent
from tests.gateway.conftest import NewWorld, World


class Page:
    """A browser's EventSource."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.events: list[dict[str, str]] = []
        self.comments = 0
        self.ended = False
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        fields: dict[str, str] = {}
        with contextlib.suppress(aiohttp.ClientError):
            async for raw in self.answer.content:
                line = raw.decode().rstrip("\n")
                if line.startswith(":"):
                    self.comments += 1
                elif line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif "event" in fields:
                    self.events.append(fields)
                    fields = {}
        self.ended = True

    async def has(self, count: int, *, seconds: float = 5) -> list[dict[str, str]]:
        async def enough() -> bool:
            return len(self.events) >= count

        await eventually(enough, seconds=seconds)
        return self.events

    async def ends(self, *, seconds: float) -> None:
        async def over() -> bool:
            return self.ended

        await eventually(over, seconds=seconds)

    async def close(self) -> None:
        self._task.cancel()
        self.answer.close()
        await asyncio.gather(self._task, return_exceptions=True)


@contextlib.asynccontextmanager
async def opened(world: World, headers: dict[str, str]) -> AsyncIterator[Page]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        answer = await client.get(world.api("/live"), headers=headers)
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.headers["cache-control"] == "no-store"
        page = Page(answer)
        try:
            yield page
        finally:
            await page.close()


def invoice(customer_id: str, number: str = "RE-1") -> InvoiceFiled:
    return InvoiceFiled(
        document_id=uuid4(),
        customer_id=UUID(customer_id),
        kind="invoice",
        number=number,
        issued_on=date(2026, 9, 2),
        due_on=None,
        period_from=None,
        period_to=None,
        currency="EUR",
        net=Decimal("1.00"),
        tax=Decimal("0.19"),
        gross=Decimal("1.19"),
        notify=True,
        filed_at=datetime.now(UTC),
    )


def document(customer_id: str, kind: str) -> DocumentFiled:
    return DocumentFiled(
        document_id=uuid4(),
        customer_id=UUID(customer_id),
        kind=kind,
        number="D-1",
        title="Anlage",
        invoice_id=None,
        issued_on=date(2026, 9, 2),
        notify=True,
        filed_at=datetime.now(UTC),
    )


def contract(customer_id: str) -> ContractChanged:
    return ContractChanged(
        contract_id=uuid4(),
        customer_id=UUID(customer_id),
        version=2,
        number="V-1",
        name="Colocation RZ Berlin",
        site=None,
        starts_on=date(2023, 4, 1),
        min_term_months=36,
        renewal_months=12,
        cancelled_on=None,
        ends_on=None,
        charged_until=None,
        removed=False,
        changed_at=datetime.now(UTC),
    )


async def publish(nats: NatsServer, *events: Event, at: datetime | None = None) -> None:
    bus = await connected_bus("test", nats.url)
    for event in events:
        event_id = str(uuid4())
        when = at or datetime.now(UTC)
        body = encode(event, source="/kundenportal/test", event_id=event_id, time=when, traceparent=None)
        headers = {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": event_id}
        await bus.publish(event.subject, body, headers)
    await bus.close()


@pytest.fixture
async def live(new_world: NewWorld, nats: NatsServer) -> AsyncIterator[World]:
    bus = await connected_bus("admin", nats.url)
    await bus.apply()
    await bus.close()
    async with new_world(nats_url=nats.url) as world:

        async def connected() -> bool:
            return world.gateway.parts.bus.is_connected

        await eventually(connected)
        yield world


def cookie(secret: str) -> dict[str, str]:
    return {"Cookie": f"session={secret}"}


async def test_an_invoice_is_told_to_its_customers_people_within_a_second(live: World, nats: NatsServer) -> None:
    secret, _, authorisation = live.people.session()
    foreign, _, _ = live.people.session()
    filed = invoice(authorisation["customer_id"], "RE-2026-1")
    async with opened(live, cookie(secret)) as page, opened(live, cookie(foreign)) as other:
        published = time.monotonic()
        await publish(nats, filed)

        [told] = await page.has(1)

        assert time.monotonic() - published < 1.5
        assert told["event"] == "invoice_filed"
        assert json.loads(told["data"]) == {
            "id": str(filed.document_id),
            "kind": "invoice",
            "number": "RE-2026-1",
            "link": f"/api/v1/documents/{filed.document_id}",
        }
        await publish(nats, invoice(authorisation["customer_id"]))
        await page.has(2)
        assert other.events == []


async def test_only_what_the_modules_allow_is_told(live: World, nats: NatsServer) -> None:
    customer_id = str(uuid4())
    heard = {}
    async with contextlib.AsyncExitStack() as stack:
        for modules in (["invoices"], ["call_records"], [], ["invoices", "call_records"]):
            secret, _, _ = live.people.session(customer_id=customer_id, modules=modules, role="member")
            heard[tuple(modules)] = await stack.enter_async_context(opened(live, cookie(secret)))
        operator, _, _ = live.people.session(customer_id=customer_id, modules=[], role="operator")
        heard["operator",] = await stack.enter_async_context(opened(live, cookie(operator)))

        await publish(
            nats, invoice(customer_id), document(customer_id, "call_records"), document(customer_id, "letter")
        )
        await heard["operator",].has(3)
        await heard["invoices", "call_records"].has(3)
        await heard["invoices",].has(2)
        await heard["call_records",].has(1)

        kinds = {who: [json.loads(one["data"])["kind"] for one in page.events] for who, page in heard.items()}
    assert kinds == {
        ("invoices",): ["invoice", "letter"],
        ("call_records",): ["call_records"],
        (): [],
        ("invoices", "call_records"): ["invoice", "call_records", "letter"],
        ("operator",): ["invoice", "call_records", "letter"],
    }


async def test_a_changed_contract_is_told_to_readers_of_contracts_only(live: World, nats: NatsServer) -> None:
    customer_id = str(uuid4())
    reader, _, _ = live.people.session(customer_id=customer_id, modules=["contracts"], role="member")
    other, _, _ = live.people.session(customer_id=customer_id, modules=["invoices"], role="member")
    async with opened(live, cookie(reader)) as page, opened(live, cookie(other)) as without:
        changed = contract(customer_id)
        await publish(nats, changed, invoice(customer_id))

        [told] = await page.has(1)
        [heard] = await without.has(1)

    assert (told["event"], heard["event"]) == ("contract_changed", "invoice_filed")
    assert json.loads(told["data"]) == {
        "id": str(changed.contract_id),
        "kind": "contract",
        "number": "V-1",
        "link": f"/api/v1/contracts/{changed.contract_id}",
    }


async def test_what_was_missed_is_told_when_the_page_comes_back(live: World, nats: NatsServer) -> None:
    secret, _, authorisation = live.people.session()
    customer_id = authorisation["customer_id"]
    async with opened(live, cookie(secret)) as page:
        await publish(nats, invoice(customer_id, "RE-1"), invoice(customer_id, "RE-2"))
        first, second = await page.has(2)
    await publish(nats, invoice(customer_id, "RE-3"), invoice(str(uuid4()), "foreign"))

    async with opened(live, cookie(secret) | {"Last-Event-ID": first["id"]}) as page:
        told = await page.has(2)
        assert [json.loads(one["data"])["number"] for one in told] == ["RE-2", "RE-3"]
        assert told[0]["id"] == second["id"]
        await publish(nats, invoice(customer_id, "RE-4"))
        assert json.loads((await page.has(3))[2]["data"])["number"] == "RE-4"


async def test_a_new_page_hears_nothing_old(live: World, nats: NatsServer) -> None:
    secret, _, authorisation = live.people.session()
    customer_id = authorisation["customer_id"]
    old = datetime.now(UTC) - timedelta(minutes=5)
    await publish(nats, invoice(customer_id, "old"), at=old)
    async with opened(live, cookie(secret)) as page:
        await publish(nats, invoice(customer_id, "late"), at=old)
        await publish(nats, invoice(customer_id, "new"))

        assert [json.loads(one["data"])["number"] for one in await page.has(1)] == ["new"]


async def test_another_replica_knows_where_to_go_on(live: World, nats: NatsServer, new_world: NewWorld) -> None:
    secret, principal, authorisation = live.people.session()
    customer_id = authorisation["customer_id"]
    async with opened(live, cookie(secret)) as page:
        await publish(nats, invoice(customer_id, "RE-1"))
        [first] = await page.has(1)
    await publish(nats, invoice(customer_id, "RE-2"))

    async with new_world(nats_url=nats.url) as second:
        second.people.principals[secret] = principal
        second.people.authorisations[principal["user_id"]] = authorisation
        async with opened(second, cookie(secret) | {"Last-Event-ID": first["id"]}) as page:
            told = await page.has(1)
            assert "RE-2" in {json.loads(one["data"])["number"] for one in told}


async def test_a_gap_that_cannot_be_filled_asks_the_page_to_load_again(live: World) -> None:
    secret, _, _ = live.people.session()
    ancient = int((datetime.now(UTC) - timedelta(hours=2)).timestamp() * 1000)

    async with opened(live, cookie(secret) | {"Last-Event-ID": f"{ancient}-x"}) as page:
        assert [one["event"] for one in await page.has(1)] == ["resync"]


async def test_it_ends_at_once_with_the_session(live: World, nats: NatsServer) -> None:
    secret, principal, _ = live.people.session()
    async with opened(live, cookie(secret)) as page:
        del live.people.principals[secret]
        ended = SessionEnded(
            user_id=UUID(principal["user_id"]),
            session_id=UUID(principal["session_id"]),
            cause="sign_out",
            occurred_at=datetime.now(UTC),
        )
        published = time.monotonic()
        await publish(nats, ended)
        await page.ends(seconds=3)

        assert time.monotonic() - published < 1


async def test_it_ends_within_five_seconds_without_the_broker(world: World) -> None:
    secret, _, _ = world.people.session()
    async with opened(world, cookie(secret)) as page:
        del world.people.principals[secret]
        began = time.monotonic()
        await page.ends(seconds=8)

        assert time.monotonic() - began < 5.5


async def test_it_ends_when_another_customer_is_opened(new_world: NewWorld) -> None:
    async with new_world(principal_kept=0.2) as world:
        secret, _, authorisation = world.people.session()
        async with opened(world, cookie(secret)) as page:
            authorisation["customer_id"] = str(uuid4())
            await page.ends(seconds=3)


async def test_an_open_stream_keeps_no_idle_session_alive(new_world: NewWorld) -> None:
    async with new_world(principal_kept=0.1) as world:
        secret, _, _ = world.people.session()
        async with opened(world, cookie(secret)):

            async def looked_often() -> bool:
                return len(world.people.asked) >= 5

            await eventually(looked_often)

        assert [asked["touch"] for asked in world.people.asked] == [True] + [False] * (len(world.people.asked) - 1)


async def test_there_is_a_sign_of_life(new_world: NewWorld) -> None:
    async with new_world(heartbeat=0.1) as world:
        secret, _, _ = world.people.session()
        async with opened(world, cookie(secret)) as page:

            async def alive() -> bool:
                return page.comments >= 3

            await eventually(alive)


async def test_only_people_with_an_open_customer_hear_anything(world: World) -> None:
    found = []
    _, principal, _ = world.people.session()
    world.people.principals["kp_user"] = principal | {"kind": "user_token", "session_id": None, "amr": ["api_token"]}
    world.people.principals["kp_machine"] = {"kind": "machine", "name": "m", "scopes": ["billing:publish"]}
    operator, _, _ = world.people.session(role="operator")
    world.people.authorisations[world.people.principals[operator]["user_id"]]["customer_id"] = None
    for headers in (
        {},
        {"Authorization": "Bearer kp_user"},
        {"Authorization": "Bearer kp_machine"},
        cookie(operator),
    ):
        async with world.http.get(world.api("/live"), headers=headers) as answer:
            found.append((answer.status, (await answer.json(content_type=None))["code"]))

    assert found == [(401, "not_signed_in"), (403, "forbidden"), (403, "forbidden"), (409, "no_customer_chosen")]


async def test_one_person_may_open_so_many_and_closed_ones_do_not_count(new_world: NewWorld) -> None:
    async with new_world(streams_per_user=2) as world:
        secret, _, _ = world.people.session()
        async with opened(world, cookie(secret)):
            room = opened(world, cookie(secret))
            async with room, world.http.get(world.api("/live"), headers=cookie(secret)) as more:
                assert more.status == 429
                assert more.headers["retry-after"]

            async def one_is_free() -> bool:
                async with world.http.get(world.api("/live"), headers=cookie(secret)) as answer:
                    return answer.status == 200

            await eventually(one_is_free)


async def test_a_page_that_reads_too_slowly_is_told_to_load_again(live: World) -> None:
    secret, _, authorisation = live.people.session()
    async with opened(live, cookie(secret)) as page:
        for n in range(500):
            at = datetime.now(UTC)
            news = News(at, f"e{n}", authorisation["customer_id"], "invoices", "invoice_filed", {"id": str(n)})
            live.gateway.parts.live.publish(news)

        events = await page.has(2)
        assert events[0]["event"] == "resync"
        assert len(events) <= 201

        async def last() -> bool:
            return page.events[-1]["id"].endswith("-e499")

        await eventually(last)


async def test_open_streams_do_not_hold_up_the_end(new_world: NewWorld) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with new_world() as world:
            secret, _, _ = world.people.session()
            page = await stack.enter_async_context(opened(world, cookie(secret)))
            began = time.monotonic()
        assert time.monotonic() - began < 3
        await page.ends(seconds=1)


def news(n: int, at: datetime) -> News:
    return News(at, f"e{n}", "c", "invoices", "invoice_filed", {"id": str(n)})


def test_the_memory_is_bounded_and_says_when_something_is_gone() -> None:
    now = datetime.now(UTC)
    recent = Recent(timedelta(hours=1), since=now - timedelta(hours=1), most=10)
    told: list[Any] = [news(n, now - timedelta(seconds=100 - n)) for n in range(20)]

    assert [recent.add(one) for one in told] == [True] * 20
    assert not recent.add(told[-1])
    assert recent.after(told[5].id) is None
    assert recent.after(told[15].id) == told[16:]
    assert recent.after(told[19].id) == []
    assert recent.after("nonsense") == []
    assert recent.after(f"{int(told[15].at.timestamp() * 1000)}-unknown") == told[10:]
