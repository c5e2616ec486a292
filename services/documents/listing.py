"""The queries behind the list: newest first by keyset, flat however many documents there are. Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from services.documents.models import CALL_RECORDS, Document, FolderCount, SearchWord
from services.documents.search_words import after_all, asked

FEW = 500
"""A search that finds at most so many is answered from the word index, a broader one by walking the list."""


@dataclass(frozen=True, slots=True)
class View:
    """Whose documents, and for which modules the reader has eyes."""

    customer_id: UUID
    modules: frozenset[str]

    def sees(self, document: Document) -> bool:
        """Of this customer, and of a module that the reader has."""
        return document.customer_id == self.customer_id and document.module in self.modules


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader wants to see; None: everything."""

    year: int | None = None
    month: int | None = None
    kind: str | None = None
    payment_state: str | None = None
    billing_account: str | None = None
    new: bool | None = None
    q: str | None = None

    def months(self) -> tuple[date, date] | None:
        """From the first day until before the last, as far as year and month say."""
        if self.year is None:
            return None
        if self.month is None:
            return date(self.year, 1, 1), date(self.year + 1, 1, 1)
        after = (self.year, self.month + 1) if self.month < 12 else (self.year + 1, 1)
        return date(self.year, self.month, 1), date(*after, 1)


def words_in(view: View, q: str) -> Select[Any]:
    """The documents that have a word beginning like the longest word of the query."""
    word = asked(q)[0]
    found = select(SearchWord.document_id).where(
        SearchWord.customer_id == view.customer_id, SearchWord.word >= word, SearchWord.word < after_all(word)
    )
    return found.limit(FEW * 2 + 1)


def how_many_by_words(view: View, q: str) -> Select[int]:
    """How many documents the word index offers, as far as it matters whether they are few."""
    words = words_in(view, q).subquery()
    return select(func.count(words.c.document_id.distinct()))


def newest_first(
    view: View, filters: Filters, *, after: tuple[date, UUID] | None, limit: int, by_words: bool = False
) -> Select[Any]:
    """One page, and one row more that tells whether there is another.

    ``by_words``: the word index offers few; they are read first, whatever the planner thinks.
    """
    document: Any = Document
    if by_words:
        offered = Document.id.in_(words_in(view, filters.q or ""))
        candidates = select(Document).where(offered).limit(FEW + 1).subquery()
        document = aliased(Document, candidates)
    conditions = [*_visible(document, view), *_filtered(document, filters)]
    if after is not None:
        issued_on, last_id = after
        earlier = and_(document.issued_on == issued_on, document.id < last_id)
        conditions += [document.issued_on <= issued_on, or_(document.issued_on < issued_on, earlier)]
    page = select(document).where(*conditions)
    return page.order_by(document.issued_on.desc(), document.id.desc()).limit(limit + 1)


def _visible(document: Any, view: View) -> list[ColumnElement[bool]]:
    mine = [document.customer_id == view.customer_id]
    if view.modules >= {"invoices", CALL_RECORDS}:
        return mine
    return [*mine, document.module == next(iter(view.modules), "")]


def _filtered(document: Any, filters: Filters) -> list[ColumnElement[bool]]:
    asked_for = {name: getattr(filters, name) for name in ("kind", "payment_state", "billing_account")}
    conditions: list[ColumnElement[bool]] = [
        getattr(document, name) == value for name, value in asked_for.items() if value is not None
    ]
    if months := filters.months():
        conditions += [document.issued_on >= months[0], document.issued_on < months[1]]
    if filters.new is not None:
        conditions.append(document.first_opened_at.is_(None) if filters.new else document.first_opened_at.is_not(None))
    words = asked(filters.q or "")
    return conditions + [document.search_text.contains(f" {word}", autoescape=True) for word in words]


def folders_of(view: View) -> Select[Any, Any, Any]:
    """Year, month and count, newest first."""
    counted = select(FolderCount.year, FolderCount.month, func.sum(FolderCount.count).label("count"))
    mine = counted.where(FolderCount.customer_id == view.customer_id, FolderCount.module.in_(sorted(view.modules)))
    return mine.group_by(FolderCount.year, FolderCount.month).order_by(
        FolderCount.year.desc(), FolderCount.month.desc()
    )
