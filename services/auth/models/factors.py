"""Authenticator apps and recovery codes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Utc
from services.auth.models.base import Base


class TotpFactor(Base):
    """A person's app (``active``), and beside it a new one that waits for its first code (``pending``)."""

    __tablename__ = "totp_factors"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.user_id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(7), primary_key=True)
    seed: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger, default=-1)
    """The newest 30-second step whose code was taken; only later ones count."""
    bound_to: Mapped[str | None] = mapped_column(String(64))
    """Hash of the ticket or session that saw the pending seed: nobody else may confirm it, or be shown it again."""
    link_id: Mapped[UUID | None]
    """The mailed link that opened the enrolment after a reset; burnt by the confirmation."""
    created_at: Mapped[datetime] = mapped_column(Utc)
    confirmed_at: Mapped[datetime | None] = mapped_column(Utc)
    locked_at: Mapped[datetime | None] = mapped_column(Utc)


class RecoveryCode(Base):
    """One of ten; burnt by a conditional UPDATE."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.user_id"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(Utc)
    used_at: Mapped[datetime | None] = mapped_column(Utc)
