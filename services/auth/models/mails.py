"""Mails that wait for the mail server, or have met it."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Utc
from services.auth.models.accounts import Account
from services.auth.models.base import Base


class MailRow(Base):
    """One mail, or the request for one. Its secret is encrypted, and wiped when the mail is out or given up."""

    __tablename__ = "mail_outbox"
    __table_args__ = (Index("mail_outbox_state_next_try_at_idx", "state", "next_try_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    kind: Mapped[str] = mapped_column(String(30))
    """The template. A ``..._request`` becomes a mail with a link, or nothing, only when it is due."""
    recipient: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    words: Mapped[dict[str, Any]] = mapped_column(JSON)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.user_id"))
    link_id: Mapped[UUID | None] = mapped_column(ForeignKey("links.id"))
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(Utc)
    next_try_at: Mapped[datetime] = mapped_column(Utc)
    settled_at: Mapped[datetime | None] = mapped_column(Utc)
    error: Mapped[str | None] = mapped_column(String(300))

    def settle(self, state: str, now: datetime, error: str | None = None) -> None:
        """It is over with this mail: ``sent``, ``refused`` or ``dead``."""
        self.state = state
        self.settled_at = now
        self.secret = None
        self.error = error[:300] if error else None


def invitation_request(account: Account, words: dict[str, str | None], now: datetime) -> MailRow:
    """A welcome mail to be written; ``words`` say who invited, for which company and membership."""
    return MailRow(
        id=uuid4(),
        kind="invitation_request",
        recipient=account.email,
        language=account.language,
        words=words | {"addressee": account.name},
        user_id=account.user_id,
        created_at=now,
        next_try_at=now,
    )
