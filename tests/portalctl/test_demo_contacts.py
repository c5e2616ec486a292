"""The demo's contacts: sixty, all of them can be reached, some not confirmed for 14 months, and a gap."""

from datetime import UTC, date, datetime

from events.base import Envelope, decode, event_of
from events.crm import ContactUpserted
from portalctl.demo.contacts import contacts
from portalctl.demo.story import COMPANIES, FIRST
from services.contacts.reach import flaws_of
from services.contacts.review import due_on
from services.contacts.roles import ROLES, TOPICS

TODAY = date(2026, 11, 23)


def heard() -> list[tuple[ContactUpserted, Envelope]]:
    found = []
    for message in contacts(TODAY):
        envelope = decode(message.headers, message.payload)
        event = event_of(envelope)
        assert isinstance(event, ContactUpserted)
        found.append((event, envelope))
    return found


def test_there_are_sixty_and_each_can_be_reached() -> None:
    events = [event for event, _ in heard()]

    assert len(events) == len({event.contact_id for event in events}) == 60
    assert not [event for event in events if flaws_of(event.model_dump())]
    assert all((event.email or "").endswith(".example") for event in events)
    assert all((event.phone or "+49 30 23125-").startswith("+49 30 23125-") for event in events)


def test_every_topic_has_somebody_and_every_customer_a_gap() -> None:
    events = [event for event, _ in heard()]

    assert {role for event in events if event.side == "operator" for role in event.roles} == set(TOPICS)
    for company in COMPANIES:
        theirs = [one for one in events if one.side == "customer" and one.customer_number == company.number]
        assert set(ROLES) - {role for one in theirs for role in one.roles} == {"technical_out_of_hours"}


def test_some_are_due_and_some_are_not() -> None:
    said = [(event.contact_id, envelope.time.date()) for event, envelope in heard() if event.customer_number == FIRST]
    due = [contact_id for contact_id, day in said if contact_id.startswith("K-") and due_on(day, 12) <= TODAY]

    assert 0 < len(due) < 7


def test_deputies_stand_in_for_somebody_who_is_there() -> None:
    events = [event for event, _ in heard()]

    assert {event.deputy_of for event in events if event.deputy_of} <= {event.contact_id for event in events}


def test_the_same_day_makes_the_same_bytes() -> None:
    assert contacts(TODAY) == contacts(TODAY)
    assert all(envelope.time <= datetime(2026, 11, 23, 23, tzinfo=UTC) for _, envelope in heard())
