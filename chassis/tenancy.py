"""For whom the running task works: PostgreSQL hears it at the beginning of every transaction.

The second wall between customers, behind the conditions of the queries: row-level security is forced on every table
with a customer's rows (`chassis.migrations.protect_rows`), and whoever names nobody sees none. A request is nobody's
until its access check has read who calls; what a process does on its own account is the system's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

from chassis.identity import Identity


@dataclass(frozen=True, slots=True)
class Tenant:
    """``name`` is a customer's UUID, ``operator``, ``system`` or empty; ``person`` the UUID of who is signed in."""

    name: str
    person: str = ""

    @classmethod
    def of(cls, identity: Identity) -> "Tenant":
        """Machines and the gateway work for the system, whose routes are weighed by their scopes."""
        if identity.sub == "gateway" or identity.sub.startswith("machine:"):
            return SYSTEM
        if not identity.is_person:
            return NOBODY
        return cls("operator" if identity.is_operator else identity.cust or "", identity.sub)


SYSTEM = Tenant("system")
NOBODY = Tenant("")

_acting_for: ContextVar[Tenant] = ContextVar("acting_for", default=SYSTEM)


def act_for(tenant: Tenant) -> None:
    """From here on in this task, until the request ends."""
    _acting_for.set(tenant)


@contextmanager
def acting_for(tenant: Tenant) -> Iterator[None]:
    """In this block."""
    before = _acting_for.set(tenant)
    try:
        yield
    finally:
        _acting_for.reset(before)


_TELL = text("SELECT set_config('portal.tenant', :name, true), set_config('portal.person', :person, true)")


async def as_system(session: AsyncSession) -> None:
    """The rest of this transaction sees every customer. Each caller says why in a comment."""
    if session.get_bind().dialect.name == "postgresql":
        await session.flush()
        await session.execute(_TELL, {"name": SYSTEM.name, "person": ""})


class TenantSession(Session):
    """Names its tenant before its first statement; for PostgreSQL."""


@event.listens_for(TenantSession, "after_begin")
def _tell(_session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    tenant = _acting_for.get()
    connection.execute(_TELL, {"name": tenant.name, "person": tenant.person})
