"""What the gateway hears from the services: whose rights changed, and what a page may want to know at once."""

import asyncio
from datetime import UTC, datetime

from chassis.bus import Bus, Delivery
from chassis.logging import log
from events.auth import SessionEnded
from events.base import Event, InvalidEvent, decode, event_of
from events.contracts import ContractChanged
from events.documents import DocumentFiled, InvoiceFiled
from events.users import CustomerChanged, MembershipChanged, UserChanged
from gateway.live import Live, News
from gateway.sessions import Change, Sessions

CHANGES = {
    "AUTH": [SessionEnded.subject],
    "USERS": [UserChanged.subject, MembershipChanged.subject, CustomerChanged.subject],
}
NEWS = {"CONTRACTS": [ContractChanged.subject], "DOCUMENTS": [InvoiceFiled.subject, DocumentFiled.subject]}


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
        elif change := change_of(event):
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


def news_of(event: Event) -> News | None:
    """What a page shows at once."""
    match event:
        case InvoiceFiled():
            module, name = "invoices", "invoice_filed"
        case ContractChanged():
            return _contract_news(event)
        case DocumentFiled():
            module, name = "call_records" if event.kind == "call_records" else "invoices", "document_filed"
        case _:
            return None
    document_id = str(event.document_id)
    data: dict[str, str | None] = {
        "id": document_id,
        "kind": event.kind,
        "number": event.number,
        "link": f"/api/v1/documents/{document_id}",
    }
    return News(event.envelope.time, event.envelope.id, str(event.customer_id), module, name, data)


def _contract_news(event: ContractChanged) -> News:
    contract_id = str(event.contract_id)
    data: dict[str, str | None] = {
        "id": contract_id,
        "kind": "contract",
        "number": event.number,
        "link": f"/api/v1/contracts/{contract_id}",
    }
    envelope = event.envelope
    return News(envelope.time, envelope.id, str(event.customer_id), "contracts", "contract_changed", data)
