"""People, and how far each has come. The user name is the e-mail address."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Utc
from events.users import UserChanged
from services.users.models.base import Base

Step = Literal["password_set_at", "second_factor_at", "second_factor_reset_at", "last_login_at", "locked_at"]


class User(Base):
    """A person who may sign in.

    Each step of the access has the time at which it happened last; what follows from them is computed. So news may
    come in any order, and twice.
    """

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254), unique=True)
    given_name: Mapped[str] = mapped_column(String(100))
    family_name: Mapped[str] = mapped_column(String(100))
    language: Mapped[str] = mapped_column(String(2))
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Utc)
    password_set_at: Mapped[datetime | None] = mapped_column(Utc)
    second_factor_at: Mapped[datetime | None] = mapped_column(Utc)
    second_factor_reset_at: Mapped[datetime | None] = mapped_column(Utc)
    last_login_at: Mapped[datetime | None] = mapped_column(Utc)
    locked_at: Mapped[datetime | None] = mapped_column(Utc)

    @property
    def name(self) -> str:
        """As people are greeted."""
        return f"{self.given_name} {self.family_name}"

    def reached(self, step: Step, at: datetime) -> None:
        """Note a step; older news about the same one change nothing."""
        known: datetime | None = getattr(self, step)
        setattr(self, step, at if known is None else max(known, at))

    @property
    def has_second_factor(self) -> bool:
        """An app is set up, and was not taken away since."""
        return self.second_factor_at is not None and not later(self.second_factor_reset_at, self.second_factor_at)

    @property
    def locked(self) -> bool:
        """Too many wrong codes, and neither a sign-in nor a new app since."""
        since = (self.last_login_at, self.second_factor_at, self.second_factor_reset_at)
        return self.locked_at is not None and all(later(self.locked_at, other) for other in since)

    def changed(self, *, active: bool) -> UserChanged:
        """The whole state, under the next version.

        Args:
            active: Whether any of the person's places counts now.
        """
        self.version += 1
        return self.state(active=active)

    def state(self, *, active: bool) -> UserChanged:
        """The whole state."""
        return UserChanged(
            user_id=self.id,
            version=self.version,
            email=self.email,
            given_name=self.given_name,
            family_name=self.family_name,
            language="en" if self.language == "en" else "de",
            active=active,
        )


def later(one: datetime | None, other: datetime | None) -> bool:
    """True when ``one`` happened, and ``other`` did not happen at that time or after it."""
    return one is not None and (other is None or one > other)


def address_key(email: str) -> str:
    """Two addresses with the same key are one person's."""
    return email.strip().casefold()
