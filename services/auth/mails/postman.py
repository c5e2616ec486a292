"""What the postman carries for `auth`: mails with a link that is made when they go out; news of invitations."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.brand import Brand
from chassis.mail import Mail
from chassis.outbox import emit
from chassis.postman import NoMail
from events.auth import InvitationFailed, InvitationSent
from services.auth.mails.letters import letter
from services.auth.mails.writing import PURPOSE, Writing
from services.auth.models import Link, MailRow
from services.auth.secrets import SecretBox
from services.auth.settings import Settings

_INVITES = ("invitation_request", "invitation", "welcome_known")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where mails are written, and where it is told what became of them."""

    settings: Settings
    box: SecretBox
    brand: Brand

    async def write(self, session: AsyncSession, row: MailRow, now: datetime) -> Mail | NoMail:
        """The mail as it goes out now."""
        why_not = await Writing(self.settings, self.box, now).attach_link(session, row)
        if why_not is not None:
            return NoMail(why_not, "dropped")
        link = await session.get(Link, row.link_id) if row.link_id else None
        if link is not None and (link.used_at or link.killed_at):
            return NoMail("its link was used, or a newer one took its place", "dropped")
        if link is not None and now >= link.expires_at:
            return NoMail("the link ended before the mail could be sent")
        secret = self.box.open(PURPOSE, row.id, row.secret) if row.secret else None
        return letter(row, link, secret, self.brand, self.settings)

    async def tell(self, session: AsyncSession, row: MailRow, now: datetime) -> None:
        """What became of an invitation.

        Given up because its link was killed or used is nobody's failure: a newer mail is on its way, or none is needed.
        """
        if row.kind not in _INVITES or row.user_id is None:
            return
        link = await session.get(Link, row.link_id) if row.link_id else None
        about = {
            "user_id": row.user_id,
            "membership_id": UUID(row.words["membership_id"]),
            "customer_id": UUID(row.words["customer_id"]) if row.words["customer_id"] else None,
            "occurred_at": now,
        }
        if row.state == "sent":
            expires_at = link.expires_at if link else now + self.settings.invitation_lifetime
            emit(session, InvitationSent(**about, expires_at=expires_at))
        elif row.state == "refused" or link is None or not (link.used_at or link.killed_at):
            emit(session, InvitationFailed(**about, reason=row.error or ""))
