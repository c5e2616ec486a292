"""Sessions, the tickets before them, known devices, and the history of sign-ins."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Utc
from services.auth.models.base import Base
from services.auth.throttle import CLOCK_TOLERANCE


class UserSession(Base):
    """A person in a browser, with password and second factor."""

    __tablename__ = "sessions"
    __table_args__ = (Index("sessions_user_id_idx", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.user_id"))
    customer_id: Mapped[UUID | None]
    """The customer that was chosen; none: what `users` says is open by default."""
    device: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(64))
    signed_in_at: Mapped[datetime] = mapped_column(Utc)
    last_seen_at: Mapped[datetime] = mapped_column(Utc)
    expires_at: Mapped[datetime] = mapped_column(Utc)
    """The absolute end; a successor inherits it."""
    step_up_at: Mapped[datetime | None] = mapped_column(Utc)
    ended_at: Mapped[datetime | None] = mapped_column(Utc)
    end_cause: Mapped[str | None] = mapped_column(String(20))

    def ends_at(self, idle: timedelta) -> datetime:
        """When it is over unless it is used again."""
        return min(self.expires_at, self.last_seen_at + idle)

    def lives(self, idle: timedelta, now: datetime) -> bool:
        """Not ended, idle for too long, too old or of a time to come. Source: docs/rules/access.md, A-16."""
        return self.ended_at is None and self.last_seen_at - CLOCK_TOLERANCE <= now < self.ends_at(idle)


class Ticket(Base):
    """Half a sign-in: the password was right. It opens the second step, and nothing else."""

    __tablename__ = "tickets"
    __table_args__ = (Index("tickets_user_id_idx", "user_id"),)

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.user_id"))
    created_at: Mapped[datetime] = mapped_column(Utc)
    expires_at: Mapped[datetime] = mapped_column(Utc)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    used_at: Mapped[datetime | None] = mapped_column(Utc)

    def lives(self, most_tries: int, now: datetime) -> bool:
        """It may still be tried."""
        in_time = self.created_at - CLOCK_TOLERANCE <= now < self.expires_at
        return self.used_at is None and in_time and self.tries < most_tries


class Device(Base):
    """A browser in which this person has once signed in fully."""

    __tablename__ = "devices"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.user_id"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(Utc)
    expires_at: Mapped[datetime] = mapped_column(Utc)


class SignIn(Base):
    """One sign-in, or one refused try, as the person sees it under security."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("sign_ins_user_id_at_idx", "user_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.user_id"))
    at: Mapped[datetime] = mapped_column(Utc)
    address: Mapped[str] = mapped_column(String(64))
    device: Mapped[str] = mapped_column(String(200))
    factor: Mapped[str] = mapped_column(String(20))
    result: Mapped[str] = mapped_column(String(10))
