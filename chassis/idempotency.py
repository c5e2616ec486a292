"""`Idempotency-Key`: the answer of a creating POST is kept in the transaction of its effect.

Source: draft-ietf-httpapi-idempotency-key-header-08.
"""

import hashlib
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import Integer, LargeBinary, String
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from chassis.access import identity_of
from chassis.db import Utc, insert_new, utc_now
from chassis.errors import Conflict, Invalid
from chassis.outbox import DeliveryBase


class IdempotencyKeyReused(Invalid):
    """This Idempotency-Key was used for a different request."""

    de = "Dieser Idempotency-Key wurde für eine andere Anfrage verwendet."


class RequestInFlight(Conflict):
    """The same request is being worked on; try again in a moment."""

    de = "Dieselbe Anfrage wird gerade bearbeitet; versuchen Sie es gleich noch einmal."


class KeptAnswer(DeliveryBase):
    """The answer to a request, per principal, route and key."""

    __tablename__ = "idempotency_keys"

    principal: Mapped[str] = mapped_column(String(200), primary_key=True)
    route: Mapped[str] = mapped_column(String(200), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    body_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(Integer)
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Utc)


class Once:
    """First ``if earlier := await once.earlier(session): return earlier``, last ``return await once.keep(...)``."""

    def __init__(self, principal: str, route: str, key: str | None, body_sha256: str) -> None:
        self._principal = principal
        self._route = route
        self._key = key
        self._body_sha256 = body_sha256

    async def earlier(self, session: AsyncSession) -> Response | None:
        """The kept answer, if this request was answered before.

        Raises:
            IdempotencyKeyReused: same key, other body.
        """
        if self._key is None:
            return None
        kept = await session.get(KeptAnswer, (self._principal, self._route, self._key))
        if kept is None:
            return None
        if kept.body_sha256 != self._body_sha256:
            raise IdempotencyKeyReused
        return Response(kept.answer, kept.status, media_type="application/json")

    async def keep(self, session: AsyncSession, answer: BaseModel, status: int) -> Response:
        """Answer, and remember it in the same transaction as the effect.

        Raises:
            RequestInFlight: another request with this key was faster; its effect counts, this one is rolled back.
        """
        body = answer.model_dump_json().encode()
        if self._key is not None:
            new = await insert_new(
                session,
                KeptAnswer,
                principal=self._principal,
                route=self._route,
                key=self._key,
                body_sha256=self._body_sha256,
                status=status,
                answer=body,
                created_at=utc_now(),
            )
            if not new:
                raise RequestInFlight
        return Response(body, status, media_type="application/json")


async def _once(
    request: Request,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> Once:
    identity = await identity_of(request)
    digest = hashlib.sha256(await request.body()).hexdigest() if idempotency_key else ""
    return Once(identity.sub, f"{request.method} {request.url.path}", idempotency_key, digest)


OncePerKey = Annotated[Once, Depends(_once)]
