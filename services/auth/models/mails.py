"""Mails that wait for the mail server, or have met it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from chassis.postman import Settled, WaitingMail
from services.auth.models.accounts import Account
from services.auth.models.base import Base


class MailRow(WaitingMail, Base):
    """One mail, or the request for one. Its secret is encrypted, and wiped when the mail is out or given up.

    ``kind`` is the template. A ``..._request`` becomes a mail with a link, or nothing, only when it is due.
    """

    __tablename__ = "mail_outbox"
    __table_args__ = (Index("mail_outbox_state_next_try_at_idx", "state", "next_try_at"),)

    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.user_id"))
    link_id: Mapped[UUID | None] = mapped_column(ForeignKey("links.id"))
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)

    @property
    def customer_id(self) -> UUID | None:
        """Whose company it concerns, where it is about one: a welcome mail."""
        of = self.words.get("customer_id")
        return UUID(of) if of else None

    def try_again(self, now: datetime) -> None:
        """Its link is over or was never seen, and its secret wiped: it asks for a new one."""
        super().try_again(now)
        if self.link_id is not None:
            self.kind, self.link_id = f"{self.kind}_request", None

    def settle(self, state: Settled, now: datetime, error: str | None = None) -> None:
        """Its secret is not needed any more."""
        super().settle(state, now, error)
        self.secret = None


def mail_to(
    account: Account, kind: str, words: Mapping[str, str | None], now: datetime, *, recipient: str | None = None
) -> MailRow:
    """A mail to be written to somebody; times among the ``words`` are ISO 8601. Default: to the present address."""
    return MailRow(
        id=uuid4(),
        kind=kind,
        recipient=recipient or account.email,
        language=account.language,
        words={**words, "addressee": account.name},
        user_id=account.user_id,
        created_at=now,
        next_try_at=now,
    )


def invitation_request(account: Account, words: dict[str, str | None], now: datetime) -> MailRow:
    """A welcome mail to be written; ``words`` say who invited, for which company and membership."""
    return mail_to(account, "invitation_request", words, now)
