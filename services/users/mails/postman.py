"""What the postman carries for `users`: mails to those who still may read them, at their address of now."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from chassis.brand import Brand
from chassis.db import Database, utc_now
from chassis.mail import Mail
from chassis.postman import NoMail
from services.users.mails.letters import letter
from services.users.models import Contact, MailRow, Membership
from services.users.settings import Settings


@dataclass(frozen=True, slots=True)
class Desk:
    """Where mails are written."""

    settings: Settings
    brand: Brand

    async def write(self, session: AsyncSession, row: MailRow, now: datetime) -> Mail | NoMail:
        """The mail as it goes out now: a mail server that was away for days must not tell those who have left."""
        if row.membership_id is not None:
            this = select(Membership).where(Membership.id == row.membership_id)
            place = await session.scalar(this.options(joinedload(Membership.user), joinedload(Membership.customer)))
            if place is None or place.user_id != row.user_id or not place.counts(now):
                return NoMail("this person has no access here any more", "dropped")
            row.recipient = place.user.email
        elif row.contact_id is not None:
            contact = await session.get(Contact, row.contact_id)
            if contact is None or not contact.active or contact.email is None:
                return NoMail("this contact cannot be written to any more", "dropped")
            row.recipient = contact.email
        return letter(row, self.brand, self.settings)


async def tidy(database: Database, kept: timedelta) -> None:
    """Mails that are settled have their time."""
    async with database.transaction() as session:
        await session.execute(delete(MailRow).where(MailRow.settled_at < utc_now() - kept))
