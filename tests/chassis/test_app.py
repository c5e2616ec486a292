"""What every service promises: commit before the answer, problems in the reader's language, deny by default."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Response
from pydantic import BaseModel, ConfigDict
from pydantic_settings import SettingsConfigDict
from sqlalchemy import String, func, select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.access import Anyone, SignedIn
from chassis.app import Service, create_service
from chassis.db import Database, Money, ReadSession, Session, Utc, insert_new, new_metadata
from chassis.errors import Conflict
from chassis.idempotency import OncePerKey
from chassis.identity import ANONYMOUS
from chassis.outbox import OutboxRow
from chassis.paging import cursor_of, key_of
from chassis.settings import ServiceSettings
from chassis.testing import calling, create_tables, person


class Base(DeclarativeBase):
    metadata = new_metadata()


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str] = mapped_column(String(20), unique=True)
    price: Mapped[Decimal] = mapped_column(Money)
    at: Mapped[datetime] = mapped_column(Utc)


class NoteIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    words: str


class NoteOut(BaseModel):
    id: int
    words: str


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="NOTES_")


class WordsTaken(Conflict):
    """These words are taken."""

    de = "Diese Worte sind vergeben."


router = APIRouter()


@router.post("/notes", status_code=201)
async def create_note(body: NoteIn, _who: SignedIn, session: Session, once: OncePerKey) -> Response:
    if earlier := await once.earlier(session):
        return earlier
    if body.words == "taken":
        raise WordsTaken
    note = Note(words=body.words, price=Decimal("1.10"), at=datetime(2026, 1, 1, tzinfo=UTC))
    session.add(note)
    # a rule of the database that only the commit finds out
    session.info["emitted"] = True
    if body.words == "late":
        session.add(OutboxRow(subject=None, headers={}, payload=b"", created_at=note.at))
        return await once.keep(session, NoteOut(id=0, words=body.words), 201)
    await session.flush()
    return await once.keep(session, NoteOut(id=note.id, words=note.words), 201)


@router.get("/notes/count")
async def count_notes(_who: Anyone, session: ReadSession) -> int:
    return await session.scalar(select(func.count()).select_from(Note)) or 0


@router.get("/broken")
async def broken(_who: Anyone) -> None:
    raise ZeroDivisionError("secret-in-message")


@pytest.fixture
async def app(new_database: Any) -> AsyncIterator[FastAPI]:
    url = await new_database("documents")
    app = create_service(Service("notes", Settings(database_url=url), [router]))
    await create_tables(url, Base.metadata)
    yield app
    await app.state.database.close()


async def test_a_failing_commit_is_an_error_for_the_client(app: FastAPI) -> None:
    async with calling(app, person()) as client:
        late = await client.post("/notes", json={"words": "late"})
        count = await client.get("/notes/count")

    assert late.status_code == 500
    assert late.json()["code"] == "internal_error"
    assert count.json() == 0


async def test_what_was_answered_is_committed(app: FastAPI) -> None:
    async with calling(app, person()) as client:
        created = await client.post("/notes", json={"words": "a"})
        count = await client.get("/notes/count")

    assert (created.status_code, count.json()) == (201, 1)


@pytest.mark.parametrize(
    ("language", "title"), [("de", "Diese Worte sind vergeben."), ("en", "These words are taken.")]
)
async def test_problems_speak_the_readers_language(app: FastAPI, language: str, title: str) -> None:
    async with calling(app, person(lang=language)) as client:
        answer = await client.post("/notes", json={"words": "taken"})

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["title"], problem["status"]) == ("words_taken", title, 409)
    assert problem["request_id"] == answer.headers["x-request-id"]


async def test_invalid_fields_have_pointers(app: FastAPI) -> None:
    async with calling(app, person()) as client:
        answer = await client.post("/notes", json={"words": 1, "more": 2})

    assert answer.status_code == 422
    assert {item["pointer"] for item in answer.json()["errors"]} == {"/words", "/more"}


async def test_an_unexpected_error_says_nothing_of_its_cause(app: FastAPI) -> None:
    async with calling(app, ANONYMOUS) as client:
        answer = await client.get("/broken")

    assert answer.status_code == 500
    assert "secret-in-message" not in answer.text


async def test_the_same_key_gives_the_same_answer_and_one_effect(app: FastAPI) -> None:
    anna = person()
    async with calling(app, anna) as client:
        first = await client.post("/notes", json={"words": "x"}, headers={"Idempotency-Key": "k1"})
        again = await client.post("/notes", json={"words": "x"}, headers={"Idempotency-Key": "k1"})
        other = await client.post("/notes", json={"words": "y"}, headers={"Idempotency-Key": "k1"})
    async with calling(app, person()) as client:
        stranger = await client.post("/notes", json={"words": "z"}, headers={"Idempotency-Key": "k1"})

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert first.content == again.content
    assert other.json()["code"] == "idempotency_key_reused"
    assert stranger.json()["words"] == "z"


async def test_half_a_session_and_nobody_are_told_apart(app: FastAPI) -> None:
    codes = []
    for who in (ANONYMOUS, person(amr=("pwd",))):
        async with calling(app, who) as client:
            codes.append((await client.post("/notes", json={"words": "x"})).json()["code"])

    assert codes == ["not_signed_in", "second_factor_required"]


async def test_without_the_gateways_statement_nobody_gets_in(app: FastAPI) -> None:
    async with calling(app, person()) as client:
        for headers in ({"x-identity": ""}, {"x-identity": "anna"}, {"X-User": "anna", "x-identity": "a.b.c"}):
            assert (await client.get("/notes/count", headers=headers)).status_code == 401


def test_a_route_without_an_access_check_stops_the_start(tmp_path: Path) -> None:
    open_router = APIRouter()

    @open_router.get("/open")
    async def everybody() -> int:
        return 1

    outer = APIRouter()
    outer.include_router(open_router)
    settings = Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/x.db")
    for routers in ([open_router], [outer]):
        with pytest.raises(TypeError, match="no access check"):
            create_service(Service("x", settings, routers))


async def test_durations_are_measured_by_route_not_by_address(app: FastAPI) -> None:
    async with calling(app, ANONYMOUS) as client:
        await client.get("/notes/count")
        telemetry = (await client.get("/telemetry")).text

    assert 'request_duration_seconds_count{method="GET",route="/notes/count",service="notes",status="200"}' in telemetry


async def test_money_and_times_come_back_exactly(app: FastAPI) -> None:
    database: Database = app.state.database
    berlin = datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=2)))
    async with database.transaction() as session:
        for number, price in enumerate(("0.10", "-27.63", "999999999999.99", "1264.6")):
            session.add(Note(words=str(number), price=Decimal(price), at=berlin))

    async with database.reading() as session:
        notes = (await session.scalars(select(Note).order_by(Note.id))).all()

    assert [note.price for note in notes] == [Decimal(p) for p in ("0.10", "-27.63", "999999999999.99", "1264.60")]
    assert {note.at for note in notes} == {berlin}
    assert notes[0].at.tzinfo == UTC


@pytest.mark.parametrize("wrong", [{"price": Decimal("0.001")}, {"at": datetime(2026, 1, 1)}])  # noqa: DTZ001  # on purpose
async def test_fractions_of_cents_and_naive_times_are_refused(app: FastAPI, wrong: dict[str, Any]) -> None:
    values = {"words": "w", "price": Decimal(1), "at": datetime(2026, 1, 1, tzinfo=UTC)} | wrong

    async def write() -> None:
        async with app.state.database.transaction() as session:
            session.add(Note(**values))

    with pytest.raises(StatementError):
        await write()


async def test_inserting_twice_says_so(app: FastAPI) -> None:
    row = {"words": "once", "price": Decimal(1), "at": datetime(2026, 1, 1, tzinfo=UTC)}
    async with app.state.database.transaction() as session:
        assert await insert_new(session, Note, **row) is True
        assert await insert_new(session, Note, **row) is False


async def test_sqlite_refuses_a_write_transaction_inside_another(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db")

    async def nested() -> None:
        async with database.transaction(), database.transaction():
            pass

    with pytest.raises(RuntimeError):
        await nested()
    await database.close()


def test_cursors_round_trip_and_strangers_cursors_are_refused() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)

    assert key_of(cursor_of(at, "x"), datetime, str) == (at, "x")
    for wrong in ("", "x", "####", cursor_of("a"), cursor_of("a", "b", "c"), cursor_of("no time", "x")):
        with pytest.raises(Exception, match="invalid"):
            key_of(wrong, datetime, str)
