"""Looks of the operator and refusals: each in a transaction of its own, so that it stands whatever comes after."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi import Depends, Request

from chassis.db import OpenSession, utc_now
from chassis.errors import AppError
from chassis.identity import Identity
from chassis.outbox import emit
from services.users.audit import audit_line


async def note_look(
    transactions: OpenSession, who: Identity, what: str, on: str | None = None, *, customer_id: UUID | None = None
) -> None:
    """Every look of the operator is in that customer's audit log, and is there before anything is shown."""
    if who.is_operator:
        line = audit_line(what, who, on, utc_now(), customer_id=customer_id, result="looked")
        async with transactions() as session:
            emit(session, line)


def refusals(what: str, *, apart: bool = False) -> Any:
    """For ``dependencies=`` of a route: who tried and was refused is in the audit log, why is in the answer.

    Args:
        what: As in the line of what was done.
        apart: It concerns the operator's own people, and no customer whose data is open.
    """
    return Depends(_noting(what, apart=apart), scope="function")


def _noting(what: str, *, apart: bool) -> Callable[[Request], AsyncIterator[None]]:
    async def noting(request: Request) -> AsyncIterator[None]:
        try:
            yield
        except AppError as refused:
            who: Identity | None = getattr(request.state, "identity", None)
            if who is not None and who.is_person and refused.status in (403, 404, 409):
                membership = request.path_params.get("membership_id")
                on = f"membership/{UUID(membership)}" if membership else None
                async with request.app.state.database.transaction() as session:
                    emit(
                        session,
                        audit_line(what, replace(who, cust=None) if apart else who, on, utc_now(), result="refused"),
                    )
            raise

    return noting
