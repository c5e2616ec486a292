"""Links in mails: invitation, password reset, enrolment of a new app after a reset, change of the address."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Utc
from chassis.errors import Gone, NotFound
from services.auth.models.base import Base

Kind = Literal["invitation", "reset", "second_factor", "email_change"]


class LinkUnknown(NotFound):
    """This link is not known; please check that you opened it completely."""

    de = "Diesen Link gibt es nicht; bitte prüfen Sie, ob Sie ihn vollständig geöffnet haben."


class InvitationExpired(Gone):
    """This invitation is no longer valid; you can ask for a new one."""

    de = "Diese Einladung gilt nicht mehr; Sie können eine neue anfordern."


class InvitationUsed(Gone):
    """This invitation was used already; please sign in."""

    de = "Diese Einladung wurde schon benutzt; bitte melden Sie sich an."


class ResetLinkExpired(Gone):
    """This link is no longer valid; please ask for a new one."""

    de = "Dieser Link gilt nicht mehr; bitte fordern Sie einen neuen an."


class SecondFactorLinkExpired(Gone):
    """This link is no longer valid; please ask your administrator for a new one."""

    de = "Dieser Link gilt nicht mehr; bitte bitten Sie Ihre Verwaltung um einen neuen."


class EmailLinkExpired(Gone):
    """This link is no longer valid; please start changing your address anew."""

    de = "Dieser Link gilt nicht mehr; bitte beginnen Sie die Änderung der Adresse noch einmal."


class Link(Base):
    """A secret of 256 bits, kept as its hash, that works once and until its end."""

    __tablename__ = "links"
    __table_args__ = (Index("links_user_id_idx", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.user_id"))
    membership_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    words: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What the mail says beside the link (who invited, which company): needed again when it is renewed."""
    created_at: Mapped[datetime] = mapped_column(Utc)
    expires_at: Mapped[datetime] = mapped_column(Utc)
    opened_at: Mapped[datetime | None] = mapped_column(Utc)
    used_at: Mapped[datetime | None] = mapped_column(Utc)
    killed_at: Mapped[datetime | None] = mapped_column(Utc)
    """A newer link took its place, or its reason is gone."""

    def require_open(self, now: datetime) -> None:
        """Say why it no longer opens anything. Looking changes nothing; burning checks again in its own statement.

        Raises:
            InvitationUsed: somebody set a password with it.
            InvitationExpired: over, or a newer one was sent.
            ResetLinkExpired: over, used, or a newer one was sent.
            SecondFactorLinkExpired: the same, for the enrolment.
            EmailLinkExpired: the same, for the new address.
        """
        if self.kind == "invitation" and self.used_at is not None:
            raise InvitationUsed
        if self.used_at is None and self.killed_at is None and now < self.expires_at:
            return
        ends: dict[str, type[Gone]] = {
            "invitation": InvitationExpired,
            "reset": ResetLinkExpired,
            "second_factor": SecondFactorLinkExpired,
            "email_change": EmailLinkExpired,
        }
        raise ends[self.kind]
