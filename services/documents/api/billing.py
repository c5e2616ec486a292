"""The HTTP door for billing systems: the same data and checks as the events, answered at once."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import machine
from chassis.consumer import DependencyDown
from chassis.db import ReadSession, Transactions, utc_now
from chassis.dead_letters import RecordNotFound
from chassis.errors import TooLarge, Unavailable, UnsupportedMedia, problems
from chassis.idempotency import IdempotencyKeyReused, Once, RequestInFlight
from chassis.identity import Identity
from events.base import Envelope, Event, InvalidEvent, uuid7
from events.billing import DocumentPublished, InvoicePublished, PaymentRecorded
from services.documents.api.bodies import AcceptedOut, EventOut
from services.documents.api.parts import fingerprint, posted_data
from services.documents.filing.intake import FetchFailed, Intake
from services.documents.filing.notes import Outcome
from services.documents.filing.payments import settle_payment
from services.documents.filing.settle import settle
from services.documents.models import FeedRecord, InvoiceConflict
from services.documents.record import Record
from services.documents.refusals import REFUSALS, answer_to

router = APIRouter(prefix="/billing", tags=["billing"])

SCOPE = "billing:publish"
_KEYED = UUID("6f1d6a53-2b7e-4d5c-9f06-8c7f0c1b2a44")
"""Namespace of the event ids that follow from an Idempotency-Key."""

Sender = Annotated[Identity, Depends(machine(SCOPE))]
Asker = Annotated[Identity, Depends(machine(SCOPE, or_operator=True))]
Kind = type[InvoicePublished] | type[DocumentPublished] | type[PaymentRecorded]
Key = Annotated[str | None, Header(min_length=1, max_length=200, description="same key and record: same answer")]


class _OnlyTried(Exception):
    """Ends the transaction of a dry run without effect."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request at this door."""

    request: Request
    sender: Identity
    transactions: Transactions
    dry_run: bool
    key: str | None

    @property
    def source(self) -> str:
        """Of the events that this machine sends."""
        return source_of(self.sender)

    def event_id(self) -> str:
        """Follows from the key if there is one, so that a repeat is the same event."""
        path = self.request.url.path
        return str(uuid5(_KEYED, f"{self.source} {path} {self.key}") if self.key else uuid7())


def source_of(sender: Identity) -> str:
    """``machine:<name>`` sends as ``/billing/<name>``."""
    return f"/billing/{sender.sub.removeprefix('machine:')}"


async def call_of(
    request: Request,
    sender: Sender,
    transactions: Transactions,
    dry_run: Annotated[bool, Query(description="only check; nothing is stored")] = False,
    idempotency_key: Key = None,
) -> Call:
    """Everything that a request at this door brings."""
    return Call(request, sender, transactions, dry_run, idempotency_key)


Incoming = Annotated[Call, Depends(call_of)]


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """The merged OpenAPI document has no place for a schema's own ``$defs``."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    return {name: _inlined(value, definitions) for name, value in schema.items() if name != "$defs"}


def _body_of(event: type[Event], *, with_files: bool = True) -> dict[str, Any]:
    schema = event.model_json_schema()
    data = _inlined(schema, schema.get("$defs", {}))
    content = {"application/json": {"schema": data}}
    if with_files:
        file = {"type": "string", "format": "binary"}
        form = {"type": "object", "required": ["data"], "properties": {"data": data}, "additionalProperties": file}
        content["multipart/form-data"] = {"schema": form}
    return {"requestBody": {"required": True, "content": content}}


_ANSWERS = problems(
    InvoiceConflict, RequestInFlight, TooLarge, UnsupportedMedia, IdempotencyKeyReused, Unavailable, *REFUSALS
)


@router.post(
    "/invoices",
    status_code=202,
    response_model=AcceptedOut,
    responses=_ANSWERS,
    openapi_extra=_body_of(InvoicePublished),
)
async def publish_invoice(call: Incoming) -> Response:
    """An invoice, credit note or correction with its files, as JSON or multipart."""
    return await _accept(call, InvoicePublished)


@router.post(
    "/documents",
    status_code=202,
    response_model=AcceptedOut,
    responses=_ANSWERS,
    openapi_extra=_body_of(DocumentPublished),
)
async def publish_document(call: Incoming) -> Response:
    """A document beside an invoice, or on its own."""
    return await _accept(call, DocumentPublished)


@router.post(
    "/payments",
    status_code=202,
    response_model=AcceptedOut,
    responses=_ANSWERS,
    openapi_extra=_body_of(PaymentRecorded, with_files=False),
)
async def record_payment(call: Incoming) -> Response:
    """What became of an invoice's payment."""
    return await _accept(call, PaymentRecorded)


@router.get("/events/{event_id}", responses=problems(RecordNotFound))
async def get_event(
    event_id: Annotated[str, Path(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")],
    asker: Asker,
    session: ReadSession,
) -> EventOut:
    """What became of a record: a machine asks for its own, an operator for any."""
    known = select(FeedRecord).where(FeedRecord.event_id == event_id)
    if not asker.is_operator:
        known = known.where(FeedRecord.source == source_of(asker))
    record = await session.scalar(known.order_by(FeedRecord.received_at.desc()).limit(1))
    if record is None:
        raise RecordNotFound(event_id=event_id)
    return EventOut.of(record)


async def _accept(call: Call, kind: Kind) -> Response:
    """Check, store the files, settle: filed or parked at once.

    Raises:
        InvoiceConflict: noted for the operator all the same.
    """
    data = await posted_data(call.request)
    route = f"{call.request.method} {call.request.url.path}"
    once = Once(call.sender.sub, route, None if call.dry_run else call.key, fingerprint(data))
    if call.key and not call.dry_run:
        async with call.transactions() as session:
            if earlier := await once.earlier(session):
                return earlier
    try:
        record = await _received(call, kind, data)
        outcome, answer = await _settled(call, record, once)
    except InvalidEvent as invalid:
        raise answer_to(invalid) from None
    except (DependencyDown, FetchFailed) as error:
        raise Unavailable(cause=repr(error)[:300]) from error
    if outcome.state == "conflict":
        raise InvoiceConflict(document_id=str(outcome.document_id))
    return answer


async def _received(call: Call, kind: Kind, data: Any) -> Record | PaymentRecorded:
    envelope = Envelope(
        id=call.event_id(),
        source=call.source,
        type=kind.subject,
        subject="",
        time=utc_now(),
        traceparent=None,
        data=data,
    )
    event = kind.received(envelope)
    if isinstance(event, PaymentRecorded):
        return event
    intake: Intake = call.request.app.state.intake
    return await intake.receive(event, store=not call.dry_run)


async def _settled(call: Call, record: Record | PaymentRecorded, once: Once) -> tuple[Outcome, Response]:
    outcome: Outcome | None = None
    answer = Response()
    try:
        async with call.transactions() as session:
            if earlier := await once.earlier(session):
                return Outcome("filed"), earlier
            outcome = await _settle_either(session, record)
            event_id = record.event_id if isinstance(record, Record) else record.envelope.id
            accepted = AcceptedOut(event_id=event_id, state=outcome.state, dry_run=call.dry_run)
            if call.dry_run:
                answer = Response(accepted.model_dump_json(), 202, media_type="application/json")
                raise _OnlyTried
            if outcome.state != "conflict":
                answer = await once.keep(session, accepted, 202)
    except _OnlyTried:
        pass
    assert outcome is not None
    return outcome, answer


async def _settle_either(session: AsyncSession, record: Record | PaymentRecorded) -> Outcome:
    return await settle(session, record) if isinstance(record, Record) else await settle_payment(session, record)
