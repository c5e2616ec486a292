"""API tokens of machines and of people."""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Utc, utc_now
from services.auth.models.base import Base
from services.auth.secrets import API_TOKEN_PREFIX, new_token, token_hash

MACHINE_SCOPES = ("billing:publish", "network:publish")


class ApiToken(Base):
    """A program's key, kept as its hash."""

    __tablename__ = "api_tokens"
    __table_args__ = (Index("api_tokens_user_id_idx", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.user_id"))
    customer_id: Mapped[UUID | None]
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(Utc)
    expires_at: Mapped[datetime | None] = mapped_column(Utc)
    revoked_at: Mapped[datetime | None] = mapped_column(Utc)
    last_used_at: Mapped[datetime | None] = mapped_column(Utc)

    def lives(self, now: datetime) -> bool:
        """Neither withdrawn nor over."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def create_user_token(
    session: AsyncSession, *, name: str, scopes: Sequence[str], owner: tuple[UUID, UUID], expires_at: datetime
) -> tuple[ApiToken, str]:
    """Make a person's token for one customer; this is the only time it can be read.

    Args:
        session: The row is written when it commits.
        name: For its owner.
        scopes: ``<module>:read``; what the owner may not read at the time of use, the token does not open either.
        owner: Person and customer.
        expires_at: Always has one.
    """
    token = API_TOKEN_PREFIX + new_token()
    row = ApiToken(
        id=uuid4(),
        token_hash=token_hash(token),
        kind="user",
        name=name,
        user_id=owner[0],
        customer_id=owner[1],
        scopes=list(scopes),
        created_at=utc_now(),
        expires_at=expires_at,
    )
    session.add(row)
    return row, token


def create_machine_token(
    session: AsyncSession, *, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> str:
    """Make a machine's token; this is the only time it can be read.

    Args:
        session: The row is written when it commits.
        name: Lower-case letters, digits and hyphens; the events of the machine get the source ``/billing/<name>``.
        scopes: Of `MACHINE_SCOPES`.
        expires_at: None: until it is withdrawn.

    Raises:
        ValueError: a name or scope that is none.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise ValueError("the name of a machine has 1 to 40 lower-case letters, digits and hyphens")
    if not scopes or any(scope not in MACHINE_SCOPES for scope in scopes):
        raise ValueError(f"the scopes of a machine are {', '.join(MACHINE_SCOPES)}")
    token = API_TOKEN_PREFIX + new_token()
    session.add(
        ApiToken(
            token_hash=token_hash(token),
            kind="machine",
            name=name,
            scopes=list(scopes),
            created_at=utc_now(),
            expires_at=expires_at,
        )
    )
    return token
