"""What the gateway hears from the services: whose rights changed, and what a page may want to know at once."""

import asyncio
from datetime import UTC, datetime

from chassis.bus import Bus, Delivery
from chassis.logging import log
from events.auth import SessionEnded
from events.base import Event, InvalidEvent, decode, event_of
from events.contacts import ContactChanged, ContactConfirmed, ReviewDue
from events.contracts import ContractCancelled, ContractChanged, NoticeApproaching
from events.documents import DocumentFiled, FileOpened, FileQuarantined, FileShared, InvoiceFiled
from events.users import AccessProgressed, CustomerChanged, MembershipChanged, UserChanged
from gateway.live import PEOPLE, Live, News
from gateway.sessions import Change, Sessions

CHANGES = {
    "AUTH": [SessionEnded.subject],
    "USERS": [UserChanged.subject, MembershipChanged.subject, CustomerChanged.subject],
}
NEWS = {
    "DOCUMENTS": [
        InvoiceFiled.subject,
        DocumentFiled.subject,
        FileShared.subject,
        FileQuarantined.subject,
        FileOpened.subject,
    ],
    "CONTRACTS": [ContractChanged.subject, ContractCancelled.subject, NoticeApproaching.subject],
    "CONTACTS": [ContactChanged.subject, ContactConfirmed.subject, ReviewDue.subject],
    "USERS": [MembershipChanged.subject, AccessProgressed.subject],
}


class Listener:
    """Hears every event itself: each replica of the gateway has its own consumers, which end with it."""

    def __init__(self, bus: Bus, sessions: Sessions, live: Live) -> None:
        self._bus = bus
        self._sessions = sessions
        self._live = live
        self._heard: asyncio.Queue[Delivery] = asyncio.Queue(1000)

    async def run(self) -> None:
        """For ever. While the broker is away, everything else goes on and rights are asked for every five seconds."""
        now = datetime.now(UTC)
        await self._bus.connect()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._bus.listen(CHANGES, self._heard, since=now))
            group.create_task(self._bus.listen(NEWS, self._heard, since=self._live.since))
            while True:
                self.hear(await self._heard.get())

    def hear(self, delivery: Delivery) -> None:
        """One event; what cannot be read is none."""
        try:
            event = event_of(decode(delivery.headers, delivery.data))
        except InvalidEvent as error:
            log.warning("event_not_understood", subject=delivery.subject, reason=error.reason)
            return
        if news := news_of(event):
            self._live.publish(news)
        if change := change_of(event):
            self._sessions.forget(change)
            self._live.changed(change)


def change_of(event: Event) -> Change | None:
    """Whose rights may be others now."""
    match event:
        case SessionEnded():
            return str(event.session_id or event.user_id)
        case UserChanged() | MembershipChanged():
            return str(event.user_id)
        case CustomerChanged():
            return str(event.customer_id)
        case _:
            return None


TOLD: dict[type[Event], tuple[str, str, str]] = {
    InvoiceFiled: ("invoices", "invoice_filed", "documents"),
    DocumentFiled: ("invoices", "document_filed", "documents"),
    FileShared: ("exchange", "file_shared", "exchange/entries"),
    FileQuarantined: ("exchange", "file_quarantined", "exchange/entries"),
    FileOpened: ("exchange", "file_opened", "exchange/entries"),
    ContractChanged: ("contracts", "contract_changed", "contracts"),
    ContractCancelled: ("contracts", "contract_cancelled", "contracts"),
    NoticeApproaching: ("contracts", "notice_approaching", "contracts"),
    ContactChanged: ("contacts", "contact_changed", "contacts"),
    ContactConfirmed: ("contacts", "contact_confirmed", "contacts"),
    ReviewDue: ("contacts", "review_due", "contacts"),
    MembershipChanged: (PEOPLE, "user_changed", "users"),
    AccessProgressed: (PEOPLE, "user_changed", "users"),
}
"""Event to the module that may hear of it, what a page calls it, and where the thing is."""


def news_of(event: Event) -> News | None:
    """What a page shows at once. An operator's contact for everybody concerns nobody in particular."""
    told = TOLD.get(type(event))
    fields = event.model_dump(mode="json") if told else {}
    if told is None or fields["customer_id"] is None:
        return None
    module, name, path = told
    if fields.get("kind") == "call_records":
        module = "call_records"
    id_ = fields[type(event).entity_field]
    data: dict[str, str | None] = {
        "id": id_,
        "kind": fields.get("kind") or path.removesuffix("s"),
        "number": _called(event),
        "link": f"/api/v1/{path}/{id_}",
    }
    if name.startswith("file_"):
        # Both sides look at the same drive; what one brought is told to the other, and its opening to the one.
        data |= {"kind": "file", "side": fields["side"]}
    return News(event.envelope.time, event.envelope.id, fields["customer_id"], module, name, data)


def _called(event: Event) -> str | None:
    match event:
        case ContactChanged():
            return f"{event.given_name} {event.family_name}".strip() or event.organisation
        case ContactConfirmed():
            return event.confirmed_by
        case FileShared() | FileQuarantined() | FileOpened():
            return event.name
        case _:
            return getattr(event, "number", None)
