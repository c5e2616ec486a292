"""Tells the current state of all documents again, for listeners that lost something (`portalctl republish`)."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.outbox import emit
from services.documents.models import Document

AT_ONCE = 1000


async def republish(session: AsyncSession) -> int:
    """One filed event for each document, without mails; returns how many."""
    count, last = 0, None
    while True:
        page = select(Document).order_by(Document.id).limit(AT_ONCE)
        documents = (await session.scalars(page.where(Document.id > last) if last else page)).all()
        if not documents:
            return count
        emit(session, *(document.filed(notify=False) for document in documents))
        count, last = count + len(documents), documents[-1].id
        await session.flush()
        session.expunge_all()
