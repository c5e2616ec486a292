"""What pages are told of contracts and contacts: what it is called, and where it is."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.identity import Identity
from events.base import Event, decode, encode, event_of
from events.contacts import ContactChanged, ContactConfirmed, ReviewDue
from events.contracts import ContractCancelled, ContractChanged, NoticeApproaching
from events.documents import FileOpened, FileQuarantined, FileShared
from events.users import AccessProgressed, MembershipChanged
from gateway.listening import NEWS, news_of
from gateway.live import News, Stream
from gateway.sessions import Known

CUSTOMER, THING = uuid4(), uuid4()
NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)


def contact(**changes: Any) -> ContactChanged:
    fields: dict[str, Any] = {
        "contact_id": THING,
        "customer_id": CUSTOMER,
        "version": 1,
        "side": "customer",
        "roles": ("technical",),
        "given_name": "Jan",
        "family_name": "Muster",
        "organisation": None,
        "email": None,
        "phone": None,
        "mobile": None,
        "language": "de",
        "source": None,
        "source_contact_id": None,
        "active": True,
    }
    return ContactChanged(**fields | changes)


CHANGED = ContractChanged(
    contract_id=THING,
    customer_id=CUSTOMER,
    version=1,
    number="V-1",
    name="Colocation",
    site=None,
    starts_on=date(2026, 1, 1),
    min_term_months=36,
    renewal_months=12,
    cancelled_on=None,
    ends_on=None,
    charged_until=None,
    removed=False,
    changed_at=NOW,
)
CANCELLED = ContractCancelled(
    contract_id=THING,
    customer_id=CUSTOMER,
    number="V-1",
    name="Colocation",
    cancelled_on=date(2026, 11, 1),
    ends_on=None,
    occurred_at=NOW,
)
APPROACHING = NoticeApproaching(
    contract_id=THING,
    customer_id=CUSTOMER,
    number="V-1",
    name="Colocation",
    months_before=3,
    last_notice_day=date(2027, 1, 31),
    earliest_end_on=date(2027, 4, 30),
    occurred_at=NOW,
)
CONFIRMED = ContactConfirmed(
    contact_id=THING,
    customer_id=CUSTOMER,
    version=2,
    actor_id=uuid4(),
    confirmed_by="Anna Beispiel",
    confirmed_at=NOW,
)
MEMBERSHIP = MembershipChanged(
    membership_id=THING, version=2, user_id=uuid4(), customer_id=CUSTOMER, role="member", modules=(), active=True
)
PROGRESS = AccessProgressed(membership_id=THING, user_id=uuid4(), customer_id=CUSTOMER, occurred_at=NOW)
DUE = ReviewDue(contact_id=THING, customer_id=CUSTOMER, roles=("abuse",), due_on=date(2026, 11, 23), confirmed_at=None)

FILE: dict[str, Any] = {
    "file_id": THING,
    "version_id": uuid4(),
    "customer_id": CUSTOMER,
    "side": "operator",
    "name": "messung.csv",
    "folder_id": None,
    "actor_id": None,
}
BROUGHT: dict[str, Any] = FILE | {"folder": "", "shared_by": "Olga Operator"}
SHARED = FileShared(**BROUGHT, kind="new", size_bytes=42, scan="clean", shared_at=NOW)
QUARANTINED = FileQuarantined(**BROUGHT, signature="Eicar", quarantined_at=NOW)
OPENED = FileOpened(**FILE, opened_by="Anna Beispiel", opened_at=NOW)


def told(event: Event) -> News | None:
    """As it comes over the wire."""
    event_id = str(UUID(int=7))
    body = encode(event, source="/kundenportal/test", event_id=event_id, time=NOW, traceparent=None)
    return news_of(event_of(decode({"Content-Type": "application/cloudevents+json"}, body)))


@pytest.mark.parametrize(
    ("event", "module", "name", "number"),
    [
        (CHANGED, "contracts", "contract_changed", "V-1"),
        (CANCELLED, "contracts", "contract_cancelled", "V-1"),
        (APPROACHING, "contracts", "notice_approaching", "V-1"),
        (contact(), "contacts", "contact_changed", "Jan Muster"),
        (contact(given_name="", family_name="", organisation="NOC"), "contacts", "contact_changed", "NOC"),
        (CONFIRMED, "contacts", "contact_confirmed", "Anna Beispiel"),
        (DUE, "contacts", "review_due", None),
        (MEMBERSHIP, "users", "user_changed", None),
        (PROGRESS, "users", "user_changed", None),
    ],
)
def test_pages_are_told(event: Event, module: str, name: str, number: str | None) -> None:
    news = told(event)

    assert news is not None
    assert (news.module, news.name, news.customer_id, news.at) == (module, name, str(CUSTOMER), NOW)
    assert news.data == {
        "id": str(THING),
        "kind": module.removesuffix("s"),
        "number": number,
        "link": f"/api/v1/{module}/{THING}",
    }
    assert any(event.subject in subjects for subjects in NEWS.values())


@pytest.mark.parametrize(
    ("event", "name"), [(SHARED, "file_shared"), (QUARANTINED, "file_quarantined"), (OPENED, "file_opened")]
)
def test_pages_are_told_of_files_and_which_side_brought_them(event: Event, name: str) -> None:
    news = told(event)

    assert news is not None
    assert (news.module, news.name, news.customer_id) == ("exchange", name, str(CUSTOMER))
    assert news.data == {
        "id": str(THING),
        "kind": "file",
        "number": "messung.csv",
        "link": f"/api/v1/exchange/entries/{THING}",
        "side": "operator",
    }
    assert event.subject in NEWS["DOCUMENTS"]


def test_a_contact_for_everybody_is_news_for_nobody() -> None:
    assert told(contact(customer_id=None, side="operator")) is None


def test_a_place_among_the_staff_is_news_for_no_company() -> None:
    assert told(MEMBERSHIP.model_copy(update={"customer_id": None, "role": "operator"})) is None


@pytest.mark.parametrize(("role", "modules", "hears"), [("admin", (), True), ("member", ("users", "contacts"), False)])
def test_people_are_the_admins_business_only(role: str, modules: tuple[str, ...], hears: bool) -> None:
    news = told(PROGRESS)
    assert news is not None
    who = Identity(
        sub=str(uuid4()), sid=str(uuid4()), cust=str(CUSTOMER), role=role, modules=modules, amr=("pwd", "otp")
    )

    known = Known(who, (), "", "de", 0.0, 0.0, 0.0)

    assert Stream(known, who, NOW).concerns(news) is hears
