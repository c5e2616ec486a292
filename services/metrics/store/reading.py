"""Questions to slots and rollups. One visit to the database each."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from events.network import PercentileMethod
from services.metrics.percentile import Rates
from services.metrics.rates import STEP_MS
from services.metrics.store.rows import Row, Text, both, read, read_plain
from services.metrics.thinning import Grid, Piece

_PRESENT = "s.measured_ms >= 150000"
_IN = "(s.in_octets * 16000 + s.measured_ms) / (2 * s.measured_ms)"
_OUT = "(s.out_octets * 16000 + s.measured_ms) / (2 * s.measured_ms)"
# ruff: noqa: S608  # nothing but the constants of this file goes into these texts

_SLOTS = both(
    f"SELECT slot, {_IN}, {_OUT}, in_octets, out_octets, measured_ms FROM slots s"
    " WHERE line_number = $1 AND slot >= $2 AND slot < $3 AND measured_ms > 0 ORDER BY slot"
)
_RATES = both(
    f"SELECT slot, {_IN}, {_OUT} FROM slots s WHERE line_number = $1 AND slot >= $2 AND slot < $3 AND {_PRESENT}"
    " ORDER BY slot"
)
_SUMMED = Text(
    f"""
    SELECT s.slot, SUM({_IN}), SUM({_OUT}), COUNT(*) FROM json_each(?) g CROSS JOIN slots s
    ON s.line_number = json_extract(g.value, '$[0]')
    AND s.slot >= json_extract(g.value, '$[1]') AND s.slot < json_extract(g.value, '$[2]')
    WHERE {_PRESENT} GROUP BY s.slot ORDER BY s.slot
    """,
    f"""
    SELECT s.slot, SUM({_IN})::bigint, SUM({_OUT})::bigint, COUNT(*)
    FROM unnest($1::int[], $2::int[], $3::int[]) AS g (line, first, last)
    JOIN slots s ON s.line_number = g.line AND s.slot >= g.first AND s.slot < g.last
    WHERE {_PRESENT} GROUP BY s.slot ORDER BY s.slot
    """,
)
_STEPS = both(
    """
    SELECT (position - $3::int) / $5::int, SUM(in_octets * 8000.0::float8), SUM(out_octets * 8000.0::float8),
      SUM(measured_ms * 1.0::float8), SUM(present)::int, MAX(in_max_bps), MAX(out_max_bps)
    FROM rollups WHERE line_number = $1 AND seconds = $2 AND position >= $3 AND position < $4 GROUP BY 1
    """
)
_SLOT_STEPS = both(
    f"""
    SELECT (slot - $2::int) / $4::int, SUM(in_octets * 8000.0::float8), SUM(out_octets * 8000.0::float8),
      SUM(measured_ms * 1.0::float8), SUM(CASE WHEN {_PRESENT} THEN 1 ELSE 0 END)::int,
      COALESCE(MAX(CASE WHEN {_PRESENT} THEN {_IN} END), 0), COALESCE(MAX(CASE WHEN {_PRESENT} THEN {_OUT} END), 0)
    FROM slots s WHERE line_number = $1 AND slot >= $2 AND slot < $3 AND measured_ms > 0 GROUP BY 1
    """
)
_UNIT_ROWS = both(
    """
    SELECT position - $3::int, in_octets * 8000.0::float8, out_octets * 8000.0::float8, measured_ms, present,
      in_max_bps, out_max_bps
    FROM rollups WHERE line_number = $1 AND seconds = $2 AND position >= $3 AND position < $4
    """
)
_VOLUMES = Text(
    """
    SELECT json_extract(g.value, '$[0]'), SUM(s.in_octets), SUM(s.out_octets), SUM(s.present)
    FROM json_each(?) g CROSS JOIN rollups s
    ON s.line_number = json_extract(g.value, '$[1]') AND s.seconds = 3600
    AND s.position >= json_extract(g.value, '$[2]') AND s.position < json_extract(g.value, '$[3]')
    GROUP BY 1
    """,
    """
    SELECT g.n, SUM(s.in_octets)::bigint, SUM(s.out_octets)::bigint, SUM(s.present)::bigint
    FROM unnest($1::int[], $2::int[], $3::int[], $4::int[]) AS g (n, line, first, last)
    JOIN rollups s ON s.line_number = g.line AND s.seconds = 3600 AND s.position >= g.first AND s.position < g.last
    GROUP BY 1
    """,
)
_SLOT_VOLUMES = Text(
    f"""
    SELECT json_extract(g.value, '$[0]'), SUM(s.in_octets), SUM(s.out_octets),
      SUM(CASE WHEN {_PRESENT} THEN 1 ELSE 0 END)
    FROM json_each(?) g CROSS JOIN slots s
    ON s.line_number = json_extract(g.value, '$[1]')
    AND s.slot >= json_extract(g.value, '$[2]') AND s.slot < json_extract(g.value, '$[3]')
    GROUP BY 1
    """,
    f"""
    SELECT g.n, SUM(s.in_octets)::bigint, SUM(s.out_octets)::bigint,
      SUM(CASE WHEN {_PRESENT} THEN 1 ELSE 0 END)::bigint
    FROM unnest($1::int[], $2::int[], $3::int[], $4::int[]) AS g (n, line, first, last)
    JOIN slots s ON s.line_number = g.line AND s.slot >= g.first AND s.slot < g.last
    GROUP BY 1
    """,
)


class SlotRow(NamedTuple):
    """A slot as it is stored, with its rates."""

    slot: int
    in_bps: int
    out_bps: int
    in_octets: int
    out_octets: int
    measured_ms: int


class Summed(NamedTuple):
    """A slot of several lines: the sum of their rates, and how many of them were measured."""

    slot: int
    in_bps: int
    out_bps: int
    lines: int


async def slots_of_line(session: AsyncSession, line: int, first: int, end: int) -> list[SlotRow]:
    """All slots of a range in which anything was measured."""
    return list(map(SlotRow._make, await read_plain(session, _SLOTS, line, first, end)))


async def slots_of_group(session: AsyncSession, lines: Sequence[int], first: int, end: int) -> list[Summed]:
    """Summed per slot first; slots in which at least one line was measured."""
    return list(map(Summed._make, await read(session, _SUMMED, [(line, first, end) for line in lines])))


async def rates_of_line(session: AsyncSession, line: int, first: int, end: int) -> list[Rates]:
    """The slots of a range that count, in their order."""
    return list(map(Rates._make, await read_plain(session, _RATES, line, first, end)))


async def steps_of_line(session: AsyncSession, line: int, grid: Grid) -> list[Row]:
    """From slots or rollups, as `thinning.Piece`, put together by the database."""
    if grid.unit == 300:
        return await read_plain(session, _SLOT_STEPS, line, grid.first, grid.first + grid.units, grid.per_step)
    key = (line, grid.unit, grid.first, grid.first + grid.units)
    if grid.per_step == 1:
        return await read_plain(session, _UNIT_ROWS, *key)
    return await read_plain(session, _STEPS, *key, grid.per_step)


def pieces_of_sums(rows: Sequence[Summed], grid: Grid) -> list[Piece]:
    """Summed slots as pieces of the grid's unit, which may be longer than a slot."""
    per_unit = grid.unit // 300
    return [
        Piece(row[0] // per_unit - grid.first, row[1] * STEP_MS, row[2] * STEP_MS, STEP_MS, 1, row[1], row[2])
        for row in rows
    ]


class Percentiles(NamedTuple):
    """Of a range, in bit/s."""

    into: int | None
    out: int | None
    value: int | None


_BY_SLOT = f"slots s WHERE line_number = $1 AND slot >= $2 AND slot < $3 AND {_PRESENT}"
_BY_ROLLUP = "rollups s WHERE line_number = $1 AND seconds = {} AND position >= $2 AND position < $3 AND present > 0"
_OF_ROLLUP = "s.{} * 8000.0::float8 / s.measured_ms"


def _ranked(of: str, into: str, out: str) -> dict[PercentileMethod, Text]:
    """In, out, and what the method sorts, each at the rank that the number of rows gives."""

    def nth(rate: str) -> str:
        return f"(SELECT {rate} FROM {of} ORDER BY 1 DESC LIMIT 1 OFFSET (SELECT k FROM n))"

    larger = f"CASE WHEN s.in_octets > s.out_octets THEN {into} ELSE {out} END"
    own: dict[PercentileMethod, str] = {
        "max_of_directions": "NULL",
        "max_per_sample": nth(larger),
        "sum": nth(f"{into} + {out}"),
    }
    count = f"WITH n AS (SELECT COUNT(*) / 20 AS k FROM {of})"
    return {method: both(f"{count} SELECT {nth(into)}, {nth(out)}, {third}") for method, third in own.items()}


_PERCENTILES = {
    300: _ranked(_BY_SLOT, _IN, _OUT),
    **{
        seconds: _ranked(_BY_ROLLUP.format(seconds), _OF_ROLLUP.format("in_octets"), _OF_ROLLUP.format("out_octets"))
        for seconds in (3600, 10_800)
    },
}


async def percentiles_of_line(
    session: AsyncSession, line: int, span: tuple[int, int], seconds: int, method: PercentileMethod
) -> Percentiles:
    """Over the means of 300, 3600 or 10,800 seconds in a range (seconds since 1970), sorted by the database."""
    key = (line, span[0] // seconds, -(-span[1] // seconds))
    ((into, out, own),) = await read_plain(session, _PERCENTILES[seconds][method], *key)
    if into is None:
        return Percentiles(None, None, None)
    return Percentiles(round(into), round(out), round(max(into, out) if own is None else own))


class VolumeRow(NamedTuple):
    """Octets and present slots of one bucket."""

    in_octets: int
    out_octets: int
    present: int


async def volumes(session: AsyncSession, hours: Sequence[Row], slots: Sequence[Row]) -> dict[int, VolumeRow]:
    """By bucket. Given: bucket, line, first and end as position of hours, and of slots where a bucket cuts an hour."""
    found: dict[int, VolumeRow] = {}
    for text, given in ((_VOLUMES, hours), (_SLOT_VOLUMES, slots)):
        for bucket, into, out, number in await read(session, text, given):
            before = found.get(bucket, VolumeRow(0, 0, 0))
            found[bucket] = VolumeRow(before[0] + into, before[1] + out, before[2] + number)
    return found
