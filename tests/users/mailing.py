"""The part of `users` that sends mails, spoken to by events, with people and contacts to write to."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI
from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload

from chassis.bus import Bus
from chassis.consumer import Consumer
from chassis.db import utc_now
from events.base import STRUCTURED, Event, encode
from events.contacts import ApprovalDecided, ApprovalRequested, ContactChanged, ReviewDue
from events.contracts import NoticeApproaching
from events.documents import DocumentFiled, FileQuarantined, FileShared, InvoiceFiled
from events.metrics import CommitExceeded, CommitNearing, ThresholdExceeded
from services.users.handlers import handlers
from services.users.main import collector_of, postman_of
from services.users.models import MODULES, Base, Collection, Customer, MailRow, Membership, Notice, User
from services.users.people import Place, Somebody, add_customer, add_member
from tests.mailbox import Mailbox


class Office:
    """One installation with one company, whose people have been in."""

    def __init__(self, app: FastAPI, mailbox: Mailbox) -> None:
        self.app = app
        self.mailbox = mailbox
        self.database = app.state.database
        self.customer_id = UUID(int=0)
        self.known_contact = self.reader_id = UUID(int=0)
        self._consumer = Consumer(
            handlers, self.database, Bus("users", "nats://127.0.0.1:9"), retry_delays_seconds=(1,)
        )

    async def company(self, name: str = "Beispiel AG", number: str = "KD-10042", **more: Any) -> UUID:
        state = {"language": "de", "time_zone": "Europe/Berlin", "email_domains": [], "colocation": False}
        async with self.database.transaction() as session:
            customer = await add_customer(session, number=number, name=name, end_user=True, **state | more)
        self.customer_id = self.customer_id if self.customer_id.int else customer.id
        return customer.id

    async def person(self, email: str = "anna@kunde.example", **more: Any) -> Membership:
        """Somebody at the company who has been in, unless ``entered`` says otherwise."""
        if not self.customer_id.int:
            await self.company()
        usual = {"role": "admin", "modules": MODULES, "language": "de", "entered": True, "customer": self.customer_id}
        how = usual | more
        async with self.database.transaction() as session:
            customer = await session.get(Customer, how["customer"]) if how["customer"] else None
            staff = how.get("staff_role", "agent") if customer is None else None
            place = Place(
                "operator" if staff else how["role"],
                customer,
                () if staff else how["modules"],
                staff_role=staff,
                expires_on=how.get("expires_on"),
            )
            names = how.get("name", "Anna Beispiel").split(" ", 1)
            membership = await add_member(session, Somebody(email, *names, how["language"]), place)
            if how["entered"]:
                membership.user.reached("last_login_at", utc_now())
        return membership

    async def contact(self, email: str | None, *roles: str, **more: Any) -> ContactChanged:
        if not self.customer_id.int:
            await self.company()
        usual = {
            "contact_id": uuid4(),
            "customer_id": self.customer_id,
            "version": 1,
            "side": "customer",
            "roles": roles,
            "given_name": "",
            "family_name": "",
            "organisation": None,
            "email": email,
            "phone": None,
            "mobile": None,
            "language": "de",
            "source": None,
            "source_contact_id": None,
            "active": True,
        }
        event = ContactChanged(**usual | more)
        await self.hear(event)
        return event

    async def hear(self, *events: Event, at: datetime | None = None, event_id: str | None = None) -> None:
        """From bytes to effect, as the consumer does it."""
        for event in events:
            payload = encode(
                event, source="/test", event_id=event_id or str(uuid4()), time=at or utc_now(), traceparent=None
            )
            ready = await self._consumer._prepare(event.subject, {"Content-Type": STRUCTURED}, payload)
            await self._consumer._handle(ready)

    async def collect(self) -> int:
        """After half an hour."""
        await self.time_passes(timedelta(minutes=30))
        return await collector_of(self.app).write_due()

    async def deliver(self) -> list[EmailMessage]:
        """Until no mail is due."""
        while await postman_of(self.app).deliver_due():
            pass
        return self.mailbox.mails

    async def mails(self) -> list[EmailMessage]:
        """What comes of all that was heard."""
        await self.collect()
        return await self.deliver()

    async def told(self) -> list[str]:
        """Who got something."""
        return sorted(mail["To"] for mail in await self.mails())

    async def time_passes(self, span: timedelta) -> None:
        """What waits has waited so much longer."""
        async with self.database.transaction() as session:
            for one in await session.scalars(select(Collection)):
                one.due_at, one.latest_at = one.due_at - span, one.latest_at - span
            for row in await session.scalars(select(MailRow)):
                row.created_at, row.next_try_at = row.created_at - span, row.next_try_at - span

    async def rows(self, table: type[Base] = MailRow) -> list[Any]:
        async with self.database.reading() as session:
            return list(await session.scalars(select(table)))

    async def count(self, table: type[Base] = Notice) -> int:
        async with self.database.reading() as session:
            return int(await session.scalar(select(func.count()).select_from(table)) or 0)

    async def change(self, table: type[Base], row_id: UUID, **values: Any) -> None:
        async with self.database.transaction() as session:
            await session.execute(update(table).where(table.id == row_id).values(**values))  # type: ignore[attr-defined]

    async def user_of(self, membership: Membership) -> User:
        async with self.database.reading() as session:
            this = select(Membership).where(Membership.id == membership.id).options(joinedload(Membership.user))
            return (await session.scalars(this)).one().user

    def invoice(self, number: str = "RE-2026-0815", **more: Any) -> InvoiceFiled:
        usual: dict[str, Any] = {
            "document_id": uuid4(),
            "customer_id": self.customer_id,
            "kind": "invoice",
            "number": number,
            "issued_on": date(2026, 11, 1),
            "due_on": date(2026, 11, 15),
            "period_from": None,
            "period_to": None,
            "currency": "EUR",
            "net": Decimal("1062.71"),
            "tax": Decimal("201.91"),
            "gross": Decimal("1264.62"),
            "notify": True,
            "filed_at": utc_now(),
        }
        return InvoiceFiled(**usual | more)

    def document(self, kind: str = "call_records", **more: Any) -> DocumentFiled:
        usual: dict[str, Any] = {
            "document_id": uuid4(),
            "customer_id": self.customer_id,
            "kind": kind,
            "number": "EVN-1",
            "title": "Verbindungen Oktober",
            "invoice_id": None,
            "issued_on": date(2026, 11, 2),
            "notify": True,
            "filed_at": utc_now(),
        }
        return DocumentFiled(**usual | more)

    def file(self, side: str = "operator", name: str = "cdr-oktober.csv", **more: Any) -> FileShared:
        return FileShared(
            **self._of_a_file(side, name)
            | {"kind": "new", "size_bytes": 1_500_000_000, "scan": "clean", "shared_at": utc_now()}
            | more
        )

    def bad_file(self, side: str = "customer", name: str = "rechnung.exe") -> FileQuarantined:
        return FileQuarantined(
            **self._of_a_file(side, name), signature="Win.Test.EICAR_HDB-1", quarantined_at=utc_now()
        )

    def _of_a_file(self, side: str, name: str) -> dict[str, Any]:
        return {
            "file_id": uuid4(),
            "version_id": uuid4(),
            "customer_id": self.customer_id,
            "side": side,
            "name": name,
            "folder_id": uuid4(),
            "folder": "2026 / Oktober",
            "shared_by": "Jan Muster",
            "actor_id": uuid4(),
        }

    def notice_day(self, **more: Any) -> NoticeApproaching:
        usual: dict[str, Any] = {
            "contract_id": uuid4(),
            "customer_id": self.customer_id,
            "number": "V-1001",
            "name": "Colocation RZ Berlin",
            "months_before": 3,
            "last_notice_day": date(2026, 12, 31),
            "earliest_end_on": date(2027, 3, 31),
            "occurred_at": utc_now(),
        }
        return NoticeApproaching(**usual | more)

    def review(self, contact_id: UUID, *roles: str) -> ReviewDue:
        return ReviewDue(
            contact_id=contact_id,
            customer_id=self.customer_id,
            roles=roles,
            due_on=date(2026, 11, 20),
            confirmed_at=None,
        )

    def asked_for(self, contact_id: UUID, **more: Any) -> ApprovalRequested:
        usual: dict[str, Any] = {
            "approval_id": uuid4(),
            "contact_id": contact_id,
            "customer_id": self.customer_id,
            "kind": "change",
            "requested_by": "Jan Muster",
            "actor_id": uuid4(),
            "requested_at": utc_now(),
        }
        return ApprovalRequested(**usual | more)

    def decided(self, contact_id: UUID, **more: Any) -> ApprovalDecided:
        """About what the person asked for whom the test reads as."""
        usual: dict[str, Any] = {
            "approval_id": uuid4(),
            "contact_id": contact_id,
            "customer_id": self.customer_id,
            "kind": "change",
            "approved": True,
            "reason": None,
            "requested_by_id": self.reader_id,
            "actor_id": uuid4(),
            "decided_at": utc_now(),
        }
        return ApprovalDecided(**usual | more)

    def commit(self, *, exceeded: bool = False, **more: Any) -> CommitNearing | CommitExceeded:
        usual: dict[str, Any] = {
            "customer_id": self.customer_id,
            "line_id": uuid4(),
            "group_id": None,
            "name": "Uplink Berlin A",
            "month": "2026-11",
            "time_zone": "Europe/Berlin",
            "commit_bps": 10_000_000,
            "p95_bps": 8_200_000,
            "slots_over": 100,
            "slots_left": 332,
            "occurred_at": utc_now(),
        }
        return (CommitExceeded if exceeded else CommitNearing)(**usual | more)

    def threshold(self, **more: Any) -> ThresholdExceeded:
        usual: dict[str, Any] = {
            "threshold_id": uuid4(),
            "customer_id": self.customer_id,
            "line_id": uuid4(),
            "name": "Uplink Berlin A",
            "month": "2026-11",
            "time_zone": "Europe/Berlin",
            "kind": "rate",
            "direction": "in",
            "limit": 5_000_000,
            "measured": 6_250_000,
            "exceeded_at": datetime.fromisoformat("2026-11-12T13:05:00+00:00"),
            "occurred_at": utc_now(),
        }
        return ThresholdExceeded(**usual | more)
