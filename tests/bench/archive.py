"""An archive of documents, written into the tables in bulk as filing would have left it, without files' bytes."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from services.documents.models import Customer, Document, File, FolderCount, SearchWord
from services.documents.search_words import text_of, words_of

FIRST_DAY = date(2017, 1, 1)
DAYS = 10 * 365
AT_ONCE = 10_000
EVERY = 10
"""One document in ten is an accompanying one, of the module `call_records`."""


def number_of(position: int) -> str:
    """Of the document at this position, oldest first."""
    return f"RE-2026-{position:07d}"


async def fill(url: str, customer_id: UUID, count: int) -> None:
    """All rows of one customer with so many documents, spread evenly over ten years."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-500000"):
                await connection.execute(text(f"PRAGMA {pragma}"))
            await connection.commit()
        await connection.run_sync(_fill, customer_id, count)
    await engine.dispose()


def _fill(connection: Connection, customer_id: UUID, count: int) -> None:
    customer = {"id": customer_id, "number": f"KD-{count}", "name": "Beispiel AG", "active": True, "version": 1}
    connection.execute(insert(Customer), [customer])
    folders: dict[tuple[int, int, str], int] = {}
    for start in range(0, count, AT_ONCE):
        documents = [_document(customer_id, at, count) for at in range(start, min(start + AT_ONCE, count))]
        for document in documents:
            day, module = document["issued_on"], document["module"]
            folders[day.year, day.month, module] = folders.get((day.year, day.month, module), 0) + 1
        words = sorted(_words(documents), key=lambda row: (row["word"], row["document_id"].hex))
        connection.execute(insert(Document), documents)
        connection.execute(insert(File), [_file(document) for document in documents])
        connection.execute(insert(SearchWord), words)
        connection.commit()
    counts = [
        {"customer_id": customer_id, "year": year, "month": month, "module": module, "count": number}
        for (year, month, module), number in folders.items()
    ]
    connection.execute(insert(FolderCount), counts)
    connection.commit()


def _document(customer_id: UUID, position: int, count: int) -> dict[str, Any]:
    day = FIRST_DAY + timedelta(days=position * DAYS // count)
    net = Decimal(position * 7919 % 500_000 + 100) / 100
    tax = (net * 19 / 100).quantize(Decimal("0.01"))
    accompanying = position % EVERY == 0
    number = number_of(position)
    found_by = words_of((number, f"{position % 100:04d}"), (net + tax, net))
    return {
        "id": uuid4(),
        "customer_id": customer_id,
        "source": f"/billing/{count}",
        "family": "document" if accompanying else "invoice",
        "number": number,
        "kind": "call_records" if accompanying else "invoice",
        "module": "call_records" if accompanying else "invoices",
        "title": number if accompanying else None,
        "issued_on": day,
        "due_on": day + timedelta(days=14),
        "period_from": None,
        "period_to": None,
        "billing_account": f"{position % 100:04d}",
        "purchase_order": None,
        "currency": "EUR",
        "net": net,
        "tax": tax,
        "gross": net + tax,
        "payment_state": ("open", "paid", "paid", "overdue")[position % 4],
        "payment_at": None,
        "paid_on": None,
        "open_amount": None,
        "related_number": None,
        "related_id": None,
        "content_sha256": hashlib.sha256(number.encode()).hexdigest(),
        "search_text": text_of(found_by),
        "notify": False,
        "filed_at": datetime(day.year, day.month, day.day, 6, tzinfo=UTC),
        "first_opened_at": None if position % 20 else datetime(2027, 1, 1, tzinfo=UTC),
    }


def _file(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "document_id": document["id"],
        "position": 0,
        "name": f"{document['number']}.pdf",
        "media_type": "application/pdf",
        "size_bytes": 20_000,
        "sha256": document["content_sha256"],
        "role": "invoice",
        "kind": None,
    }


def _words(documents: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for document in documents:
        for word in document["search_text"].split():
            yield {"customer_id": document["customer_id"], "word": word, "document_id": document["id"]}
