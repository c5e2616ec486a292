"""What a network says over NATS, from tests whose own thread belongs to the browser; and what must come of it."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from chassis.bus import connected_bus
from events.base import STRUCTURED, Event, encode
from events.network import LineUpserted, TrafficSampled
from tests.portal import Portal

SOURCE = "/network/browser"
SLOT = timedelta(minutes=5)
OCTETS = 37_500
"""In five minutes, this many octets are 1,000 bit/s."""


def tell(portal: Portal, *events: Event) -> None:
    """Publish with the network's own account."""
    with ThreadPoolExecutor(1) as other_thread:
        other_thread.submit(asyncio.run, _publish(portal, events)).result(30)


async def _publish(portal: Portal, events: tuple[Event, ...]) -> None:
    feed = portal.run["feeds"]["network"]
    bus = await connected_bus("browser", portal.run["nats_url"], user=feed["user"], password=feed["password"])
    for event in events:
        event_id = str(uuid4())
        payload = encode(event, source=SOURCE, event_id=event_id, time=datetime.now(UTC), traceparent=None)
        headers = {"Content-Type": STRUCTURED, "Nats-Msg-Id": f"{SOURCE}/{event_id}"}
        await bus.publish(event.subject, payload, headers)
    await bus.close()


def a_line(customer: str, line_id: str, **changes: Any) -> LineUpserted:
    """An uplink with everything that a page can say of it."""
    usual: dict[str, Any] = {
        "line_id": line_id,
        "customer_number": customer,
        "name": "Internet Connect Burst",
        "site": "RZ Berlin",
        "circuit": f"NW-{line_id}",
        "interface": "xe-0/0/1",
        "capacity_bps": 1_000_000_000,
        "commit_bps": 10_000_000,
        "contract_number": "V-2023-0815",
        "position_number": "3",
        "version": 1,
    }
    return LineUpserted.model_validate(usual | changes)


@dataclass
class Counters:
    """What was fed of one line: rates in kbit/s per slot, as counters that grow; a slot without a rate is a gap."""

    line_id: str
    start: datetime
    rates: list[tuple[int, int] | None]
    slots: dict[datetime, tuple[int, int]] = field(default_factory=dict)
    """What must come of it: bit/s per start of a slot."""

    def samples(self) -> Iterable[dict[str, Any]]:
        """One at each border of slots, but for those inside a gap."""
        octets = [7, 2**40]
        yield self._sample(self.start, octets)
        for index, rate in enumerate(self.rates):
            begin = self.start + index * SLOT
            octets = [before + OCTETS * kilobits for before, kilobits in zip(octets, rate or (50, 50), strict=True)]
            if rate is not None:
                self.slots[begin] = (rate[0] * 1000, rate[1] * 1000)
            if rate is not None or (self.rates[index + 1 : index + 2] or [None])[0] is not None:
                yield self._sample(begin + SLOT, octets)

    def _sample(self, at: datetime, octets: list[int]) -> dict[str, Any]:
        said = {"line_id": self.line_id, "at": at.isoformat().replace("+00:00", "Z")}
        return said | {"in_octets": octets[0], "out_octets": octets[1]}

    def event(self) -> TrafficSampled:
        return TrafficSampled(samples=tuple(self.samples()))

    @property
    def end(self) -> datetime:
        return self.start + len(self.rates) * SLOT
