"""The audit log: what is in it, who may read it, and that changing it shows."""

import json
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI
from sqlalchemy import delete, select, update

from chassis.outbox import OutboxRow
from chassis.testing import calling
from events.auth import AuthAuditRecorded
from events.base import decode, event_of
from events.documents import DocumentsAuditRecorded
from services.users.chain import broken_at
from services.users.models import AuditLine
from tests.users.company import a_customer, a_row, a_user, admin_of, emitted, operator
from tests.users.ears import NOON, Ears

BESIDE = ("position", "previous_hash", "hash", "actor_name")


async def lines_of(app: FastAPI, customer: str) -> list[tuple[str, str]]:
    every = await emitted(app, "users.audit.recorded.v1")
    return [(line["what"], line["result"]) for line in every if line["customer_id"] == customer]


async def heard(app: FastAPI) -> None:
    """What `users` has emitted for the log comes back to it, as over the broker."""
    async with app.state.database.reading() as session:
        rows = (await session.scalars(select(OutboxRow).where(OutboxRow.subject == "users.audit.recorded.v1"))).all()
    for row in rows:
        envelope = decode(row.headers, row.payload)
        await Ears(app.state.database).hear(event_of(envelope), event_id=envelope.id, source=envelope.source)


async def test_every_act_of_administration_is_a_line(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, operator()) as client:
        await client.patch(f"/customers/{customer}", json={"name": "Neu"}, headers={"If-Match": "*"})
    who = admin_of(customer, ip="192.0.2.7", rid="request-1")
    async with calling(app, who) as client:
        row = (await client.post("/users", json=a_user("a@firma.example"))).json()
        await client.post(f"/users/{row['id']}/invitation")
        await client.patch(f"/users/{row['id']}", json={"modules": []}, headers={"If-Match": "*"})
        await client.delete(f"/users/{row['id']}", headers={"If-Match": "*"})
        await client.get("/users")
        await client.get("/users/audit")

    assert await lines_of(app, customer) == [
        ("customer_created", "done"),
        ("customer_changed", "done"),
        ("user_created", "done"),
        ("user_invited", "done"),
        ("user_changed", "done"),
        ("user_removed", "done"),
    ]
    last = (await emitted(app, "users.audit.recorded.v1"))[-1]
    assert (last["actor_id"], last["on"]) == (who.sub, f"membership/{row['id']}")
    assert (last["address"], last["factor"], last["request_id"]) == ("192.0.2.7", "totp", "request-1")
    assert "firma.example" not in json.dumps(await emitted(app, "users.audit.recorded.v1"))


async def test_every_look_of_the_operator_is_a_line_of_that_customer(app: FastAPI) -> None:
    customer, other = await a_customer(app), await a_customer(app, "KD-2")
    row = await a_row(app, customer, "a@firma.example")
    async with calling(app, operator(cust=customer)) as client:
        await client.get("/users")
        await client.get(f"/users/{row['id']}")
        await client.get("/users/audit")
        await client.get("/users/audit", params={"customer_id": other})

    looks = ["users_listed", "user_read", "audit_listed"]
    assert (await lines_of(app, customer))[-3:] == [(look, "looked") for look in looks]
    assert (await lines_of(app, other))[-1] == ("audit_listed", "looked")


async def test_every_refusal_is_a_line_and_changes_nothing(app: FastAPI) -> None:
    customer, other = await a_customer(app), await a_customer(app, "KD-2")
    row = await a_row(app, customer, "a@firma.example", "admin")
    foreign = await a_row(app, other, "b@firma.example")
    tag = {"If-Match": "*"}
    async with calling(app, admin_of(customer)) as client:
        answers = [
            await client.delete(f"/users/{row['id']}", headers=tag),
            await client.patch(f"/users/{row['id']}", json={"role": "member"}, headers=tag),
            await client.post("/users", json=a_user("a@firma.example")),
            await client.delete(f"/users/{foreign['id']}", headers=tag),
        ]
    for claims in ({"role": "member"}, {"step_up_at": None}):
        async with calling(app, admin_of(customer, **claims)) as client:
            answers.append(await client.post(f"/users/{row['id']}/invitation"))

    assert [answer.status_code for answer in answers] == [409, 409, 409, 404, 403, 403]
    tried = ["user_removed", "user_changed", "user_created", "user_removed", "user_invited", "user_invited"]
    assert (await lines_of(app, customer))[-6:] == [(what, "refused") for what in tried]
    assert await lines_of(app, other) == [("customer_created", "done"), ("user_created", "done")]
    assert len(await emitted(app, "users.membership.changed.v1")) == 2


async def test_the_log_is_read_by_its_company_and_can_be_recomputed(app: FastAPI) -> None:
    customer, other = await a_customer(app), await a_customer(app, "KD-2")
    row = await a_row(app, customer, "a@firma.example", given_name="Anna", family_name="Echt")
    me = (await emitted(app, "users.user.changed.v1"))[-1]["user_id"]
    await heard(app)
    ears = Ears(app.state.database)
    seen = {"result": "done", "customer_id": customer, "actor_id": me, "occurred_at": NOON}
    await ears.hear(AuthAuditRecorded(what="signed_in", **seen, factor="totp", address="192.0.2.1"))
    await ears.hear(DocumentsAuditRecorded(what="document_read", **seen, on="document/1"))
    await ears.hear(AuthAuditRecorded(what="signed_in", **seen | {"customer_id": other}))
    async with calling(app, admin_of(customer)) as client:
        pages = [(await client.get("/users/audit", params={"limit": 2})).json()]
        while cursor := pages[-1]["next_cursor"]:
            pages.append((await client.get("/users/audit", params={"limit": 2, "cursor": cursor})).json())
        forbidden = await client.get("/users/audit", params={"customer_id": other})
    lines = [line for page in pages for line in page["items"]]

    assert [line["what"] for line in lines] == ["document_read", "signed_in", "user_created", "customer_created"]
    assert [line["owner"] for line in lines] == ["documents", "auth", "users", "users"]
    assert lines[0]["actor_name"] == "Anna Echt"
    assert lines[2]["on"] == f"membership/{row['id']}"
    assert forbidden.status_code == 403
    for line in lines:
        covered = {name: value for name, value in line.items() if name not in BESIDE}
        text = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert sha256(f"{line['previous_hash']}\n{text}".encode()).hexdigest() == line["hash"]


async def test_changed_moved_and_missing_lines_show(app: FastAPI) -> None:
    ears, database = Ears(app.state.database), app.state.database
    for n in range(6):
        await ears.hear(AuthAuditRecorded(what=f"w{n}", result="done", customer_id=uuid4(), occurred_at=NOON))

    async def after(*damage: Any) -> int | None:
        async with database.reading() as session:
            for statement in damage:
                await session.execute(statement)
            return await broken_at(session)  # the damage is never committed

    this = AuditLine.position
    first: dict[str, Any] = {"what": "something else"}
    assert await after() is None
    assert await after(update(AuditLine).where(this == 3).values(line=first)) == 3
    assert await after(update(AuditLine).where(this == 4).values(hash="0" * 64)) == 4
    assert await after(update(AuditLine).where(this == 5).values(customer_id=UUID(int=1))) == 5
    assert await after(update(AuditLine).where(this == 5).values(customer_id=None)) == 5
    assert await after(delete(AuditLine).where(this == 2)) == 2
    assert await after(delete(AuditLine).where(this == 2), update(AuditLine).where(this == 3).values(position=2)) == 2
    assert await after(delete(AuditLine).where(this == 1)) == 1


async def test_the_same_line_twice_is_one(app: FastAPI) -> None:
    line = AuthAuditRecorded(what="signed_in", result="done", occurred_at=NOON)
    ears = Ears(app.state.database)

    assert [await ears.hear(line, event_id="1") for _ in range(2)] == ["handled", "repeated"]
    assert (await ears.one(AuditLine)).position == 1
