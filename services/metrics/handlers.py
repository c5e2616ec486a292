"""The events `metrics` reacts to: lines and samples of the network, and what `users` says about customers."""

from collections import Counter
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import EventRouter
from events.network import LineUpserted, TrafficSampled
from events.users import CustomerChanged
from services.metrics.intake import Bounds, take
from services.metrics.lines import take_customer, upsert
from services.metrics.models import Customer
from services.metrics.rates import Sample, read_sample
from services.metrics.waiting import release

handlers = EventRouter("metrics")


def handlers_with(bounds: Bounds) -> EventRouter:
    """The same handlers; samples are held against these bounds."""
    router = EventRouter(handlers.service)
    router.handlers, router.prepares = dict(handlers.handlers), dict(handlers.prepares)

    async def take_bounded(read: Read, session: AsyncSession) -> None:
        await take_within(read, session, bounds)

    router.handlers[TrafficSampled.subject] = take_bounded
    return router


@handlers.on(LineUpserted)
async def take_line(event: LineUpserted, session: AsyncSession) -> None:
    """Keep the newest state of the line, and store the samples that waited for it."""
    await upsert(session, event)
    await release(session, event.line_id)


class Read(NamedTuple):
    """What an event brings, and by reason how much of it was no sample."""

    source: str
    event_id: str
    samples: list[Sample]
    refused: Counter[str]


@handlers.before(TrafficSampled)
async def read_samples(event: TrafficSampled) -> Read:
    """While the transactions of events before it wait for the database."""
    samples: list[Sample] = []
    refused: Counter[str] = Counter()
    for raw in event.samples:
        sample = read_sample(raw)
        if isinstance(sample, Sample):
            samples.append(sample)
        else:
            refused[sample] += 1
    return Read(event.envelope.source, event.envelope.id, samples, refused)


async def take_within(read: Read, session: AsyncSession, bounds: Bounds) -> None:
    """Store each sample for itself: what is wrong with one refuses that one."""
    source, event_id, samples, refused = read
    await take(session, samples, source=source, event_id=event_id, bounds=bounds, refused=refused)


@handlers.on(TrafficSampled)
async def take_samples(read: Read, session: AsyncSession) -> None:
    """Within the bounds that are usual."""
    await take_within(read, session, Bounds())


@handlers.on(CustomerChanged)
async def note_customer(event: CustomerChanged, session: AsyncSession) -> None:
    """Keep the newest state of the customer, and give it the lines that waited for its number."""
    customer = Customer(
        id=event.customer_id,
        number=event.number,
        name=event.name,
        time_zone=event.time_zone,
        active=event.active,
        version=event.version,
    )
    await take_customer(session, customer)
