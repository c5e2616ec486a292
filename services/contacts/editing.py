"""What people do with a contact: edit, remove, confirm, approve. The rules about waiting are in roles.py.

Rules: docs/rules/contacts.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Identity
from chassis.outbox import emit
from services.contacts.filing.lookups import language_of, waiting_change
from services.contacts.models import Approval, Contact, InvalidContact
from services.contacts.reach import flaws_of
from services.contacts.roles import waits
from services.contacts.verdict import value_differs


@dataclass(frozen=True, slots=True)
class Editor:
    """Who acts, and when."""

    who: Identity
    now: datetime
    country_code: str

    def must_be_reachable(self, values: Mapping[str, Any]) -> None:
        """Checked whole, before anything is stored.

        Raises:
            InvalidContact: with a pointer for each field that is to blame.
        """
        flaws = flaws_of(values, country_code=self.country_code)
        if flaws:
            language = self.who.language
            errors = [{"pointer": f"/{flaw.field}", "detail": flaw.text(language)} for flaw in flaws]
            raise InvalidContact(errors=errors, reasons=[flaw.reason for flaw in flaws])

    def speaks_for(self, contact: Contact) -> bool:
        """Whether an edit by this person says at the same time that the contact is right."""
        return self.who.is_operator == (contact.side == "operator")


async def add(session: AsyncSession, contact: Contact, values: dict[str, Any], editor: Editor) -> bool:
    """A new contact; true when it waits for the operator, until when it is not in force."""
    editor.must_be_reachable(values)
    contact.take(values)
    contact.edited(editor.who.name, editor.now)
    held_back = not editor.who.is_operator and waits(contact.side, (), contact.roles, ())
    contact.state = "pending" if held_back else "active"
    session.add(contact)
    await session.flush()
    if held_back:
        await _replace(session, None, _approval(contact, "create", _plain(values), editor))
    else:
        await _put_in_force(session, contact, editor)
    return held_back


async def edit(session: AsyncSession, contact: Contact, changes: dict[str, Any], editor: Editor) -> bool:
    """Change a held contact; true when the change waits for the operator, until when the old values are in force.

    What waits already and what is edited now become one change.
    """
    if contact.state != "active":
        return await _edit_new(session, contact, changes, editor)
    approval = await waiting_change(session, contact.id)
    ours = contact.values()
    by_operator = editor.who.is_operator
    earlier = approval.changes if approval and approval.kind == "change" and not by_operator else {}
    wanted = {**earlier, **changes}
    differing = {name: value for name, value in wanted.items() if _differs(name, ours, wanted)}
    editor.must_be_reachable({**ours, **differing})
    contact.version += 1
    if not by_operator and waits(contact.side, contact.roles, differing.get("roles", contact.roles), differing):
        await _replace(session, approval, _approval(contact, "change", _plain(differing), editor))
        return True
    if not by_operator:
        await _replace(session, approval, None)
    if differing:
        contact.take(differing)
        contact.edited(editor.who.name, editor.now)
        await _put_in_force(session, contact, editor)
    return False


async def remove(session: AsyncSession, contact: Contact, editor: Editor) -> bool:
    """Take a held contact away; true when that waits for the operator."""
    approval = await waiting_change(session, contact.id)
    contact.version += 1
    waiting = contact.state == "active" and not editor.who.is_operator and waits(contact.side, contact.roles, (), ())
    if waiting:
        if approval is None or approval.kind != "remove":
            await _replace(session, approval, _approval(contact, "remove", {}, editor))
        return True
    await _replace(session, approval, None)
    was_in_force = contact.in_force
    contact.removed_at = contact.touched_at = editor.now
    if was_in_force:
        await tell_changed(session, contact, editor)
    return False


async def decide(
    session: AsyncSession, contact: Contact, approval: Approval, editor: Editor, *, approve: bool, reason: str | None
) -> None:
    """The operator's word about what waits; both rows are held."""
    emit(session, approval.decide(approved=approve, reason=reason, by=editor.who, now=editor.now))
    contact.version += 1
    contact.decision = {
        "approved": approve,
        "reason": reason,
        "decided_at": editor.now.isoformat(),
        "decided_by": editor.who.name,
    }
    if not approve:
        contact.state = "rejected" if approval.kind == "create" else contact.state
        return
    if approval.kind == "remove":
        contact.removed_at = contact.touched_at = editor.now
    else:
        editor.must_be_reachable({**contact.values(), **approval.changes})
        contact.state = "active"
        contact.take(approval.changes)
        contact.edited(approval.requested_by, editor.now)
        # whoever asked for it has said that it is so; no later word is taken back by this
        contact.confirm(approval.requested_by, approval.requested_at)
        contact.touched_at = editor.now
    await tell_changed(session, contact, editor)


async def tell_changed(session: AsyncSession, contact: Contact, editor: Editor) -> None:
    """The state in force, to whoever listens."""
    language = await language_of(session, contact.customer_id)
    actor = editor.who.user_id
    emit(session, contact.changed(country_code=editor.country_code, language=language, actor_id=actor))


async def _edit_new(session: AsyncSession, contact: Contact, changes: dict[str, Any], editor: Editor) -> bool:
    """One that is not in force yet: there is no old value to keep."""
    values = {**contact.values(), **changes}
    editor.must_be_reachable(values)
    contact.version += 1
    contact.take(changes)
    contact.edited(editor.who.name, editor.now)
    approval = await waiting_change(session, contact.id)
    held_back = not editor.who.is_operator and waits(contact.side, (), contact.roles, ())
    contact.state = "pending" if held_back else "active"
    if held_back:
        await _replace(session, approval, _approval(contact, "create", _plain(values), editor))
    else:
        await _replace(session, approval, None)
        await _put_in_force(session, contact, editor)
    return held_back


async def _put_in_force(session: AsyncSession, contact: Contact, editor: Editor) -> None:
    if editor.speaks_for(contact):
        contact.confirm(editor.who.name, editor.now)
    await tell_changed(session, contact, editor)


async def _replace(session: AsyncSession, old: Approval | None, new: Approval | None) -> None:
    """At most one waits for a contact, so the old one goes first."""
    if old is not None:
        old.state = "withdrawn"
        await session.flush()
    if new is not None:
        session.add(new)
        await session.flush()
        emit(session, new.requested())


def _approval(
    contact: Contact, kind: Literal["create", "change", "remove"], changes: dict[str, Any], editor: Editor
) -> Approval:
    assert contact.customer_id is not None
    customer_id: UUID = contact.customer_id
    return Approval(
        id=uuid4(),
        contact_id=contact.id,
        customer_id=customer_id,
        kind=kind,
        changes=changes,
        state="pending",
        requested_at=editor.now,
        requested_by=editor.who.name[:200],
        requested_by_id=editor.who.user_id,
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _differs(name: str, ours: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    if name == "languages":
        return list(ours[name]) != list(wanted[name])
    return value_differs(name, ours, wanted)
