"""After a restore: customers, people and places as the service itself had told the world before it forgot them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from events.base import Envelope, event_of
from events.users import CustomerChanged, MembershipChanged, UserChanged
from services.users.models import Customer, Membership, User, address_key
from services.users.models.customers import search_words

_STATES = (CustomerChanged, UserChanged, MembershipChanged)
"""In this order each finds what it hangs on."""


async def recall(app: FastAPI, forgotten: Sequence[Envelope]) -> list[str]:
    """Write each newest state that is newer than the row, with its version: so the next change is newer for everybody.

    What no state tells is gone: invitations under way (send them again), what one company calls a person of two.
    """
    newest: dict[Any, Envelope] = {}
    others: Counter[str] = Counter()
    for envelope in forgotten:
        if envelope.type in {state.subject for state in _STATES}:
            newest[envelope.type, envelope.subject] = envelope
        else:
            others[envelope.type] += 1
    report = []
    async with app.state.database.transaction() as session:
        for state in _STATES:
            found = [envelope for (kind, _), envelope in newest.items() if kind == state.subject]
            changed = [await _write(session, envelope) for envelope in found]
            report.append(f"taken back from its own events: {sum(changed)} of {len(found)} {state.subject}")
    return report + [f"told after the backup and not known any more: {n} {kind}" for kind, n in sorted(others.items())]


async def _write(session: AsyncSession, envelope: Envelope) -> bool:
    event: Any = event_of(envelope)
    table = _TABLES[envelope.type]
    state = event.model_dump(mode="python")
    row_id = state.pop(event.entity_field)
    row = await session.get(table, row_id)
    if row is not None and row.version >= event.version:
        return False
    if row is None:
        row = table(id=row_id, created_at=envelope.time, **_UNTOLD[table])
        session.add(row)
    if table is Customer:
        state["words"] = search_words(event.name, event.number)
    if table is User:
        del state["active"]
        state["email_key"] = address_key(event.email)
    for name, value in state.items():
        setattr(row, name, list(value) if isinstance(value, tuple) else value)
    await session.flush()
    return True


_TABLES: dict[str, Any] = {
    CustomerChanged.subject: Customer,
    UserChanged.subject: User,
    MembershipChanged.subject: Membership,
}
_UNTOLD: dict[Any, dict[str, Any]] = {Customer: {"feed_version": -1}, User: {}, Membership: {"invitation": "none"}}
"""What a new row begins with, and the event does not say."""
