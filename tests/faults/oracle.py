"""Reads every store after the faults have ended, and says in sentences what is not as it must be."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from nats.js.errors import NotFoundError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bus import Bus
from chassis.db import Database
from chassis.inbox import FailedEvent, InboxRow
from chassis.outbox import OutboxRow
from events.registry import DEAD_LETTERS
from services.documents.models import Document, FeedHealth, FeedRecord, File, FolderCount, HeldFile
from tests.faults.plan import SOURCE, Expected, Plan
from tests.faults.recorder import Recorded


@dataclass(frozen=True)
class Stores:
    """Where the truth of a run lies."""

    source: Database
    documents: Database
    objects: Path
    bus: Bus


async def findings(stores: Stores, plan: Plan) -> list[str]:
    """Empty when every invariant holds."""
    found = await _waiting(stores.source, "source") + await _waiting(stores.documents, "documents")
    async with stores.documents.reading() as session:
        documents = (await session.scalars(select(Document))).all()
        files = (await session.scalars(select(File))).all()
        found += _documents(documents, files, plan)
        found += await _projections(session, documents)
        found += await _feed(session, documents, plan)
        found += await _inbox(session, plan)
        found += await _poison(session, plan)
    found += _objects(stores.objects, plan)
    found += await _streams(stores.bus, {document.id for document in documents}, plan)
    return found


async def effects(stores: Stores, plan: Plan) -> list[str]:
    """The same question to the recorder: one effect per invoice, and none without one. Empty when it is so."""
    async with stores.documents.reading() as session:
        recorded = Counter(await session.scalars(select(Recorded.number)))
    return _difference("recorded", Counter(plan.invoices.keys()), recorded)


async def _waiting(database: Database, name: str) -> list[str]:
    """No outbox row may be unpublished."""
    waiting = select(func.count()).select_from(OutboxRow).where(OutboxRow.published_at.is_(None))
    async with database.reading() as session:
        count = await session.scalar(waiting)
    return [f"{name}: {count} outbox rows wait"] if count else []


def _documents(documents: Any, files: Any, plan: Plan) -> Iterator[str]:
    """Exactly one document per invoice, with exactly its file; none without an invoice."""
    by_number: dict[str, list[Document]] = {number: [] for number in plan.invoices}
    for document in documents:
        if (document.source, document.family) == (SOURCE, "invoice") and document.number in by_number:
            by_number[document.number].append(document)
        else:
            yield f"{document.number}: a document without an invoice"
    files_of: dict[UUID, list[File]] = {}
    for file in files:
        files_of.setdefault(file.document_id, []).append(file)
    for number, found in by_number.items():
        if len(found) != 1:
            yield f"{number}: {len(found)} documents"
            continue
        wanted: Expected = plan.invoices[number]
        if found[0].customer_id != wanted.customer_id:
            yield f"{number}: filed for another customer"
        stored = [(file.sha256, file.size_bytes) for file in files_of.get(found[0].id, [])]
        if stored != [(wanted.sha256, wanted.size_bytes)]:
            yield f"{number}: its files are {stored}"


async def _projections(session: AsyncSession, documents: Any) -> list[str]:
    """What is counted while filing equals what is there."""
    counted = select(FolderCount.customer_id, func.sum(FolderCount.count)).group_by(FolderCount.customer_id)
    told = select(FeedHealth.customer_id, func.sum(FeedHealth.filed)).group_by(FeedHealth.customer_id)
    there = Counter(document.customer_id for document in documents)
    found = []
    for name, statement in (("folder_counts", counted), ("feed_health", told)):
        says = {customer: int(count) for customer, count in (await session.execute(statement)).all()}
        if says != there:
            found.append(f"{name}: {says}, but there are {dict(there)}")
    if held := await session.scalar(select(func.count()).select_from(HeldFile)):
        found.append(f"held_files: {held} rows")
    return found


async def _feed(session: AsyncSession, documents: Any, plan: Plan) -> list[str]:
    """Each event with an envelope has one record: filed with its document, or refused for its reason."""
    document_of = {document.number: document for document in documents}
    known = {}
    found = []
    for record in await session.scalars(select(FeedRecord)):
        key = f"{record.source}/{record.event_id}"
        known[key] = record
        if reason := plan.poison.get(key):
            if (record.state, [one["reason"] for one in record.reasons][:1]) != ("refused", [reason]):
                found.append(f"{key}: {record.state} for {record.reasons}, not refused for {reason}")
            continue
        document = document_of.get(record.number or "")
        if record.state != "filed" or document is None or record.document_id != document.id:
            found.append(f"{key}: {record.state} as {record.document_id}")
        elif record.content_sha256 != document.content_sha256:
            found.append(f"{key}: another content than its document's")
    feed = {key for key in plan.event_ids if key.startswith(SOURCE)}
    found += [f"{key}: nothing is known of it" for key in sorted(feed - set(known))]
    return found + [f"{key}: a record of an event that was never sent" for key in sorted(set(known) - feed)]


async def _inbox(session: AsyncSession, plan: Plan) -> list[str]:
    rows = (await session.execute(select(InboxRow.source, InboxRow.event_id))).all()
    inbox = {f"{source}/{event_id}" for source, event_id in rows}
    undecodable = Counter(plan.poison.values())["invalid_json"]
    found = [f"{key}: not in the inbox" for key in sorted(plan.event_ids - inbox)]
    if len(rows) != len(plan.event_ids) + undecodable:
        found.append(f"inbox: {len(rows)} rows for {len(plan.event_ids)} events and {undecodable} undecodable ones")
    return found


async def _poison(session: AsyncSession, plan: Plan) -> list[str]:
    """What is buried is the poison: each once, for its reason; nothing else ever failed."""
    rows = (await session.scalars(select(FailedEvent))).all()
    buried = [(row.headers.get("Nats-Msg-Id", ""), row.state, row.reason) for row in rows]
    wanted = Counter((key, "buried", reason) for key, reason in plan.poison.items())
    return _difference("failed_events", wanted, Counter(buried))


def _objects(folder: Path, plan: Plan) -> list[str]:
    """One object per invoice, under the name of its bytes. Hidden files are writes that a kill cut off."""
    there = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    sums = Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in there)
    found = [f"{path.name}: its bytes have another checksum" for path in there if path.name not in sums]
    return found + _difference("objects", Counter(one.sha256 for one in plan.invoices.values()), sums)


async def _streams(bus: Bus, documents: set[UUID], plan: Plan) -> list[str]:
    """What the world was told: each document filed once, each poison dead once (a repeat bears the same id)."""
    told: dict[str, set[str]] = {}
    for _headers, payload in await _messages(bus, "DOCUMENTS", "documents.invoice.filed.v1"):
        event = json.loads(payload)
        told.setdefault(event["data"]["document_id"], set()).add(event["id"])
    found = [f"{document}: told by {len(ids)} events" for document, ids in told.items() if len(ids) != 1]
    found += _difference("DOCUMENTS", Counter(map(str, documents)), Counter(told.keys()))
    dead = {
        (headers.get("Original-Nats-Msg-Id", ""), headers["Dead-Reason"], headers.get("Nats-Msg-Id", payload))
        for headers, payload in await _messages(bus, DEAD_LETTERS, "dlq.documents")
    }
    return found + _difference(DEAD_LETTERS, Counter(plan.poison.items()), Counter((key, why) for key, why, _ in dead))


async def _messages(bus: Bus, stream: str, subject: str) -> list[tuple[dict[str, str], bytes]]:
    js = bus._stream_api()
    state = (await js.stream_info(stream)).state
    found = []
    for sequence in range(state.first_seq, state.last_seq + 1):
        try:
            message = await js.get_msg(stream, sequence)
        except NotFoundError:
            continue
        if message.subject == subject:
            found.append((dict(message.headers or {}), message.data or b""))
    return found


def _difference(place: str, wanted: Counter[Any], there: Counter[Any]) -> list[str]:
    missing = [f"{place}: {key} is missing" for key in (wanted - there).elements()]
    return missing + [f"{place}: {key} is too much" for key in (there - wanted).elements()]
