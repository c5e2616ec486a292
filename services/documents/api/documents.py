"""Folders, list and metadata."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import module
from chassis.db import OpenSession, ReadSession, Transactions, utc_now
from chassis.errors import Invalid, NoCustomerChosen, problems
from chassis.identity import Identity
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from events.billing import DocumentKind, InvoiceKind, PaymentState
from services.documents.api.bodies import DocumentOut, MonthOut, YearOut
from services.documents.audit import audit_line
from services.documents.listing import FEW, Filters, View, folders_of, how_many_by_words, newest_first
from services.documents.models import CALL_RECORDS, Document, DocumentNotFound, File
from services.documents.search_words import asked

router = APIRouter(prefix="/documents", tags=["documents"])

Reader = Annotated[Identity, Depends(module("invoices", CALL_RECORDS))]
Words = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Account = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


def view_of(reader: Identity) -> View:
    """What this reader may see."""
    seen = frozenset(name for name in ("invoices", CALL_RECORDS) if reader.may_read(name))
    return View(reader.customer_id, seen)


async def filters_of(  # noqa: PLR0913, PLR0917  # fields of a query are parameters here
    year: Annotated[int | None, Query(ge=1900, le=9998)] = None,
    month: Annotated[int | None, Query(ge=1, le=12)] = None,
    kind: InvoiceKind | DocumentKind | None = None,
    payment_state: PaymentState | None = None,
    billing_account: Account = None,
    new: bool | None = None,
    q: Words = None,
) -> Filters:
    """The filters of the list.

    Raises:
        Invalid: a month without its year.
    """
    if month is not None and year is None:
        raise Invalid(errors=[{"pointer": "/query/month", "detail": "a month needs its year"}])
    return Filters(year, month, kind, payment_state, billing_account or None, new, (q or "").strip() or None)


@router.get("/folders", responses=problems(NoCustomerChosen))
async def list_folders(reader: Reader, session: ReadSession) -> list[YearOut]:
    """Years and months with the number of documents in each."""
    rows = (await session.execute(folders_of(view_of(reader)))).all()
    years = []
    for year, of_year in groupby(rows, key=lambda row: row.year):
        months = [MonthOut(month=row.month, count=row.count) for row in of_year]
        years.append(YearOut(year=year, count=sum(month.count for month in months), months=months))
    return years


@router.get("", responses=problems(NoCustomerChosen))
async def list_documents(
    reader: Reader,
    session: ReadSession,
    transactions: Transactions,
    filters: Annotated[Filters, Depends(filters_of)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DocumentOut]:
    """Newest first. ``q`` finds what has words beginning so: number, title, account, order, amount."""
    after: Any = key_of(cursor, date, UUID) if cursor else None
    view = view_of(reader)
    few = await _are_few_by_words(session, view, filters)
    page = newest_first(view, filters, after=after, limit=limit, by_words=few)
    found = (await session.scalars(page)).all()
    shown = found[:limit]
    await note_look(transactions, reader, "documents_listed", None)
    return Page(
        items=await described(session, shown, reader),
        next_cursor=cursor_of(shown[-1].issued_on, shown[-1].id) if len(found) > limit else None,
    )


@router.get("/{document_id}", responses=problems(DocumentNotFound, NoCustomerChosen))
async def get_document(
    document_id: UUID, reader: Reader, session: ReadSession, transactions: Transactions
) -> DocumentOut:
    """One document's metadata; looking at it does not open it."""
    document = await readable(session, document_id, reader)
    await note_look(transactions, reader, "document_read", f"document/{document.id}")
    return (await described(session, [document], reader))[0]


async def readable(session: AsyncSession, document_id: UUID, reader: Identity) -> Document:
    """The document, if this reader may see it.

    Raises:
        DocumentNotFound: also when it is somebody else's.
    """
    document = await session.get(Document, document_id)
    if document is None or not view_of(reader).sees(document):
        raise DocumentNotFound(document_id=str(document_id))
    return document


async def described(session: AsyncSession, documents: Sequence[Document], reader: Identity) -> list[DocumentOut]:
    """With their files, in two queries however many there are."""
    modules = view_of(reader).modules
    of_these = select(File).where(File.document_id.in_([document.id for document in documents]))
    files: dict[UUID, list[File]] = {}
    for file in await session.scalars(of_these.order_by(File.position)) if documents else ():
        if file.visible(modules):
            files.setdefault(file.document_id, []).append(file)
    return [DocumentOut.of(document, files.get(document.id, ()), reader.language) for document in documents]


async def note_look(transactions: OpenSession, reader: Identity, what: str, on: str | None = None) -> None:
    """Every look of the operator is in that customer's audit log."""
    if reader.is_operator:
        async with transactions() as session:
            emit(session, audit_line(what, reader, on, utc_now()))


async def _are_few_by_words(session: AsyncSession, view: View, filters: Filters) -> bool:
    """The word index offers few documents for ``q``, or none; false as well when nothing is asked."""
    if not asked(filters.q or ""):
        return False
    return (await session.scalar(how_many_by_words(view, filters.q or "")) or 0) <= FEW
