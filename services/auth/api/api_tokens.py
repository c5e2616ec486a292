"""Keys of programs: one's own, which never open more than one may read oneself, and those of machines."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import SignedIn, SteppedUp
from chassis.db import ReadSession, Session
from chassis.errors import Conflict, Forbidden, Invalid, NoCustomerChosen, NotFound, NotSignedIn, problems
from chassis.identity import Identity
from chassis.outbox import emit
from chassis.paging import Page
from services.auth.api.bodies import Body
from services.auth.api.here import Here
from services.auth.audit import audit_line
from services.auth.models import MACHINE_SCOPES, ApiToken, create_machine_token, create_user_token, mail_to
from services.auth.secrets import token_hash
from services.auth.storage.context import Context
from services.auth.storage.sessions import hold_account

router = APIRouter(prefix="/auth/api-tokens", tags=["auth"])

Scope = Literal[
    "invoices:read",
    "call_records:read",
    "exchange:read",
    "graphs:read",
    "contracts:read",
    "contacts:read",
    "billing:publish",
    "network:publish",
]


class TokenNotFound(NotFound):
    """There is no such API token."""

    de = "Dieses API-Token gibt es nicht."


class ScopeNotAllowed(Forbidden):
    """A token cannot open more than you may read yourself; those of machines are made by the operator."""

    de = (
        "Ein Token kann nicht mehr öffnen, als Sie selbst lesen dürfen; "
        "Token für Maschinen legt der Betreiber des Portals an."
    )


class TooManyTokens(Conflict):
    """You have as many API tokens as one person may have; please withdraw one first."""

    de = "Sie haben so viele API-Token, wie eine Person haben darf; bitte ziehen Sie zuerst eines zurück."


class InvalidToken(Invalid):
    """So the token cannot be made."""

    de = "So kann das Token nicht angelegt werden."


class TokenWanted(Body):
    """Name, what it opens, until when."""

    name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")
    ]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=8)]
    expires_at: AwareDatetime


class TokenOut(BaseModel):
    """A key as it can be shown again."""

    id: UUID
    kind: str
    """``user`` or ``machine``."""
    name: str
    scopes: list[str]
    customer_id: UUID | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, row: ApiToken) -> "TokenOut":
        """Without its secret, which nobody has."""
        return cls(**{name: getattr(row, name) for name in TokenOut.model_fields})


class FreshTokenOut(TokenOut):
    """The only answer that has the key itself."""

    token: str


@router.get("")
async def list_tokens(by: SignedIn, session: ReadSession) -> Page[TokenOut]:
    """One's own, newest first; for the operator's staff those of the machines too."""
    these = select(ApiToken).where(ApiToken.revoked_at.is_(None), _visible_to(by))
    found = await session.scalars(these.order_by(ApiToken.created_at.desc(), ApiToken.id).limit(500))
    return Page(items=[TokenOut.of(row) for row in found], next_cursor=None)


@router.post("", status_code=201, responses=problems(ScopeNotAllowed, TooManyTokens, InvalidToken, NoCustomerChosen))
async def create_token(
    body: TokenWanted, by: SteppedUp, session: Session, response: Response, here: Here
) -> FreshTokenOut:
    """Make a key; it is shown this once."""
    _require_end(body.expires_at, here)
    response.headers["Cache-Control"] = "no-store"
    if set(body.scopes) & set(MACHINE_SCOPES):
        return await _for_machine(session, body, by, here)
    account = await hold_account(session, by.user_id)
    if account is None or not account.active:
        raise NotSignedIn
    customer_id = by.customer_id
    if not all(by.may_read(scope.partition(":")[0]) for scope in body.scopes):
        raise ScopeNotAllowed
    theirs = select(ApiToken).where(ApiToken.user_id == by.user_id, ApiToken.revoked_at.is_(None))
    if sum(one.lives(here.now) for one in await session.scalars(theirs)) >= here.settings.api_tokens_per_user:
        raise TooManyTokens
    scopes = sorted(set(body.scopes))
    row, token = create_user_token(
        session, name=body.name, scopes=scopes, owner=(by.user_id, customer_id), expires_at=body.expires_at
    )
    words = {"token_name": body.name, "scopes": ", ".join(scopes), "until": body.expires_at.isoformat()}
    session.add(mail_to(account, "token_created", {**words, "at": here.now.isoformat()}, here.now))
    emit(session, audit_line("api_token_created", "done", by, by.user_id, None, here.now))
    return FreshTokenOut(token=token, **TokenOut.of(row).model_dump())


@router.delete("/{token_id}", status_code=204, responses=problems(TokenNotFound))
async def withdraw_token(token_id: UUID, by: SignedIn, session: Session, here: Here) -> None:
    """It opens nothing any more, within five seconds everywhere."""
    this = select(ApiToken).where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None), _visible_to(by))
    row = await session.scalar(this.with_for_update())
    if row is None:
        raise TokenNotFound
    row.revoked_at = here.now
    emit(session, audit_line("api_token_withdrawn", "done", by, by.user_id, None, here.now))


def _visible_to(by: Identity) -> ColumnElement[bool]:
    own = ApiToken.user_id == by.user_id
    return or_(own, ApiToken.kind == "machine") if by.is_operator else own


def _require_end(expires_at: datetime, here: Context) -> None:
    if not here.now < expires_at <= here.now + here.settings.api_token_lifetime:
        days = here.settings.api_token_lifetime.days
        raise InvalidToken(errors=[{"pointer": "/expires_at", "detail": f"from now on, at most {days} days ahead"}])


async def _for_machine(session: AsyncSession, body: TokenWanted, by: Identity, here: Context) -> FreshTokenOut:
    if not by.is_operator or not set(body.scopes) <= set(MACHINE_SCOPES):
        raise ScopeNotAllowed
    try:
        token = create_machine_token(session, name=body.name, scopes=body.scopes, expires_at=body.expires_at)
    except ValueError as wrong:
        raise InvalidToken(errors=[{"pointer": "/name", "detail": str(wrong)}]) from None
    await session.flush()
    row = (await session.scalars(select(ApiToken).where(ApiToken.token_hash == token_hash(token)))).one()
    emit(session, audit_line("machine_token_created", "done", by, by.user_id, None, here.now))
    return FreshTokenOut(token=token, **TokenOut.of(row).model_dump())
