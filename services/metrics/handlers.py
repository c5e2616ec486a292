"""The events `metrics` reacts to: lines and samples of the network, and what `users` says about customers."""

from collections import Counter

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
    router.handlers = dict(handlers.handlers)

    async def take_bounded(event: TrafficSampled, session: AsyncSession) -> None:
        await take_within(event, session, bounds)

    router.handlers[TrafficSampled.subject] = take_bounded
    return router


@handlers.on(LineUpserted)
async def take_line(event: LineUpserted, session: AsyncSession) -> None:
    """Keep the newest state of the line, and store the samples that waited for it."""
    await upsert(session, event)
    await release(session, event.line_id)


async def take_within(event: TrafficSampled, session: AsyncSession, bounds: Bounds) -> None:
    """Store each sample for itself: what is wrong with one refuses that one."""
    samples: list[Sample] = []
    refused: Counter[str] = Counter()
    for raw in event.samples:
        sample = read_sample(raw)
        if isinstance(sample, Sample):
            samples.append(sample)
        else:
            refused[sample] += 1
    envelope = event.envelope
    await take(session, samples, source=envelope.source, event_id=envelope.id, bounds=bounds, refused=refused)


@handlers.on(TrafficSampled)
async def take_samples(event: TrafficSampled, session: AsyncSession) -> None:
    """Within the bounds that are usual."""
    await take_within(event, session, Bounds())


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
