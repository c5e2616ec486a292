"""Thirteen months of counters for five uplinks, as a network's collector would have sent them. Same day, same bytes.

What the graphs have to stand: a gap of three hours, a counter that starts again, both clock changes, a backup every
night that the 95th percentile forgives, a month in which it does not, and a redundant pair that fails over for a day.
"""

import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from events.base import SCHEMA_BASE, STRUCTURED
from events.network import LineUpserted, TrafficSampled
from portalctl.demo.feed import Message, message
from portalctl.demo.history import month_before
from portalctl.demo.story import FIRST

ZONE = ZoneInfo("Europe/Berlin")
DAYS = 396
"""Thirteen months; what is older than 400 days is refused."""
STEP_SECONDS = 300
DAYS_PER_EVENT = 7
MBIT = 1_000_000
SOURCE = "/network/demo"

BACKUP_HOURS = (2,)
LONG_BACKUP_HOURS = (2, 3, 4)
FULL_BACKUP_MONTH = 2
"""So many months ago the backup ran for three hours a night: the 95th percentile rose above the commit."""


@dataclass(frozen=True, slots=True)
class Uplink:
    """A line of the demo, and what flows through it."""

    line_id: str
    customer_number: str
    name: str
    site: str
    circuit: str
    interface: str
    capacity_bps: int
    commit_bps: int | None
    quiet_bps: float
    busy_bps: float
    out_share: float
    backup_bps: float = 0.0
    weekend: float = 0.35
    group: str | None = None
    offset_seconds: int = 0
    contract_number: str | None = None
    position_number: str | None = None


UPLINKS = (
    Uplink(
        line_id="UL-10042-A",
        customer_number=FIRST,
        name="Internet Connect Burst",
        site="RZ Berlin",
        circuit="NW-BER-004711",
        interface="ber-r1 xe-0/0/17",
        capacity_bps=100 * MBIT,
        commit_bps=10 * MBIT,
        quiet_bps=0.9 * MBIT,
        busy_bps=7.2 * MBIT,
        out_share=0.45,
        backup_bps=46 * MBIT,
        group="KD-10042 Burst",
        contract_number="V-10042-01",
        position_number="30",
    ),
    Uplink(
        line_id="UL-10042-B",
        customer_number=FIRST,
        name="Internet Connect Burst, Redundanz",
        site="RZ Berlin",
        circuit="NW-BER-004712",
        interface="ber-r2 xe-0/0/17",
        capacity_bps=100 * MBIT,
        commit_bps=10 * MBIT,
        quiet_bps=0.02 * MBIT,
        busy_bps=0.05 * MBIT,
        out_share=0.9,
        group="KD-10042 Burst",
        contract_number="V-10042-01",
        position_number="40",
    ),
    Uplink(
        line_id="UL-10077-A",
        customer_number="KD-10077",
        name="Internet Connect 100",
        site="RZ Berlin",
        circuit="NW-BER-005120",
        interface="ber-r1 xe-0/0/23",
        capacity_bps=100 * MBIT,
        commit_bps=60 * MBIT,
        quiet_bps=4 * MBIT,
        busy_bps=41 * MBIT,
        out_share=1.6,
        weekend=1.15,
        contract_number="V-10077-01",
        position_number="20",
    ),
    Uplink(
        line_id="UL-10131-A",
        customer_number="KD-10131",
        name="Standleitung 1 Gbit/s",
        site="Rathaus Beispielhausen",
        circuit="NW-BSH-000012",
        interface="bsh-r1 ge-0/0/3",
        capacity_bps=1000 * MBIT,
        commit_bps=None,
        quiet_bps=6 * MBIT,
        busy_bps=310 * MBIT,
        out_share=0.18,
        weekend=0.06,
        contract_number="V-10131-01",
        position_number="10",
    ),
    Uplink(
        line_id="UL-10190-A",
        customer_number="KD-10190",
        name="IP-Transit 10 Gbit/s",
        site="Köln",
        circuit="NW-CGN-000204",
        interface="cgn-r1 et-0/0/1",
        capacity_bps=10_000 * MBIT,
        commit_bps=4_000 * MBIT,
        quiet_bps=900 * MBIT,
        busy_bps=4_300 * MBIT,
        out_share=0.7,
        weekend=1.1,
        offset_seconds=37,
        contract_number="V-10190-01",
        position_number="10",
    ),
)


@dataclass(frozen=True, slots=True)
class Incidents:
    """What went wrong, and when."""

    gap_from: datetime
    gap_to: datetime
    restarted_at: datetime
    failover: date
    long_backups: tuple[int, int]
    """Year and month."""

    @classmethod
    def before(cls, today: date) -> "Incidents":
        """In the months before today, so that the current one is whole."""
        last, older = month_before(today, 1), month_before(today, FULL_BACKUP_MONTH)
        gap = datetime(last.year, last.month, 11, 13, tzinfo=ZONE).astimezone(UTC)
        restart = datetime(last.year, last.month, 18, 4, 20, tzinfo=ZONE).astimezone(UTC)
        return cls(gap, gap + timedelta(hours=3), restart, last.replace(day=22), (older.year, older.month))


def lines() -> list[Message]:
    """The five uplinks, as the operator's inventory knows them."""
    at = datetime(2026, 1, 2, 6, 30, tzinfo=UTC)
    found = []
    for uplink in UPLINKS:
        event = LineUpserted(
            line_id=uplink.line_id,
            customer_number=uplink.customer_number,
            name=uplink.name,
            site=uplink.site,
            circuit=uplink.circuit,
            interface=uplink.interface,
            capacity_bps=uplink.capacity_bps,
            commit_bps=uplink.commit_bps,
            group=uplink.group,
            contract_number=uplink.contract_number,
            position_number=uplink.position_number,
            version=1,
        )
        found.append(message(event, "network", f"line/{uplink.line_id}/1", at))
    return found


def samples(now: datetime) -> Iterator[Message]:
    """All counters up to now, oldest first, a week of all lines in a row."""
    today = now.astimezone(ZONE).date()
    incidents = Incidents.before(today)
    day = today - timedelta(days=DAYS)
    weeks = [_Weeks(uplink, incidents, day, now) for uplink in UPLINKS]
    while day <= today:
        for line in weeks:
            if made := line.week(day):
                yield made
        day += timedelta(days=DAYS_PER_EVENT)


class _Weeks:
    """One line's counters, carried on from week to week."""

    def __init__(self, uplink: Uplink, incidents: Incidents, first: date, now: datetime) -> None:
        self._uplink = uplink
        self._incidents = incidents
        self._now = now
        self._dice = random.Random(f"{uplink.line_id} {first}")  # noqa: S311  # only to look alive
        self._in = self._dice.randrange(2**40)
        self._out = self._dice.randrange(2**40)
        self._level = 1.0
        self._restarted = False

    def week(self, first: date) -> Message | None:
        """Its event; none where nothing was measured yet."""
        rows: list[str] = []
        for number in range(DAYS_PER_EVENT * 24):
            # hours are those of UTC: no hour is missing or double
            at = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(hours=number)
            rows += self._hour(at)
        if not rows:
            return None
        return _sampled(f"traffic/{self._uplink.line_id}/{first}/{len(rows)}", self._now, rows)

    def _hour(self, hour: datetime) -> Iterator[str]:
        mean_in, mean_out = self._mean(hour)
        prefix = f'{{"line_id":"{self._uplink.line_id}","at":"{hour:%Y-%m-%dT%H}:'
        for step in range(3600 // STEP_SECONDS):
            seconds = step * STEP_SECONDS + self._uplink.offset_seconds
            at = hour + timedelta(seconds=seconds)
            if at > self._now:
                return
            self._level = 0.6 * self._level + 0.4 * self._dice.lognormvariate(0.0, 0.22)
            self._in += self._octets(mean_in * self._level)
            self._out += self._octets(mean_out * (0.5 + 0.5 * self._level))
            if self._is_silent(at):
                continue
            yield f'{prefix}{seconds // 60:02}:{seconds % 60:02}Z",{self._counters(at)}}}'

    def _counters(self, at: datetime) -> str:
        """A restarted router says so; the counters begin again."""
        flag = ""
        if not self._restarted and self._uplink.line_id == "UL-10077-A" and at >= self._incidents.restarted_at:
            self._restarted = True
            self._in, self._out, flag = self._in % 9973, self._out % 9973, ',"discontinuity":true'
        return f'"in_octets":{self._in},"out_octets":{self._out}{flag}'

    def _octets(self, rate: float) -> int:
        return int(min(rate, 0.97 * self._uplink.capacity_bps) * STEP_SECONDS / 8)

    def _is_silent(self, at: datetime) -> bool:
        return self._uplink.line_id == "UL-10042-A" and self._incidents.gap_from < at < self._incidents.gap_to

    def _mean(self, hour: datetime) -> tuple[float, float]:
        """Of this hour, in both directions: the day's curve, the week, the year, the night's backup."""
        uplink, local = self._uplink, hour.astimezone(ZONE)
        day = max(math.sin((local.hour - 6) / 16 * math.pi), 0.0) if 6 <= local.hour <= 22 else 0.0
        week = uplink.weekend if local.weekday() >= 5 else 1.0
        year = 0.82 + 0.18 * math.sin((local.timetuple().tm_yday - 80) / 365 * 2 * math.pi)
        mean = uplink.quiet_bps + (uplink.busy_bps - uplink.quiet_bps) * day * week * year
        backup = uplink.backup_bps if local.hour in self._backup_hours(local) else 0.0
        inward, outward = mean, mean * uplink.out_share + backup
        if local.date() == self._incidents.failover and uplink.group:
            # for a day the spare line carries what the first one does otherwise
            return (3.1 * MBIT, 1.4 * MBIT) if uplink.line_id == "UL-10042-B" else (0.0, 0.0)
        return inward, outward

    def _backup_hours(self, local: datetime) -> tuple[int, ...]:
        return LONG_BACKUP_HOURS if (local.year, local.month) == self._incidents.long_backups else BACKUP_HOURS


def _sampled(event_id: str, at: datetime, rows: list[str]) -> Message:
    """The CloudEvent, written as text: half a million samples as objects would take a minute to make."""
    head = {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": TrafficSampled.subject,
        "subject": "traffic/samples",
        "time": at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "dataschema": f"{SCHEMA_BASE}{TrafficSampled.subject}.json",
    }
    payload = f'{json.dumps(head)[:-1]},"data":{{"samples":[{",".join(rows)}]}}}}'
    return Message(
        TrafficSampled.subject,
        payload.encode(),
        {"Content-Type": STRUCTURED, "Nats-Msg-Id": f"{SOURCE}/{event_id}"},
    )
