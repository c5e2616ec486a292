"""Counters whose other direction comes in another request: the first waits here for the second.

Prometheus cuts its batches where it likes and spreads series over shards, so the two counters of one scrape may arrive
apart, in either order, at two processes of ours at once. One row takes both; whoever completes it has the sample. It
stays for an hour, so that a repeated request finds the same sample again and changes nothing.
"""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from services.metrics.series import Pair
from services.metrics.store.rows import Text, read, read_plain, write
from services.metrics.store.samples import SIGN

KEPT_MS = 3_600_000

_PUT = Text(
    """
    INSERT INTO halves (source, line_id, at_ms, in_octets, out_octets, received_ms) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (source, line_id, at_ms) DO UPDATE SET
      in_octets = coalesce(excluded.in_octets, in_octets), out_octets = coalesce(excluded.out_octets, out_octets)
    """,
    """
    INSERT INTO halves (source, line_id, at_ms, in_octets, out_octets, received_ms)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
    ON CONFLICT (source, line_id, at_ms) DO UPDATE SET
      in_octets = coalesce(excluded.in_octets, halves.in_octets),
      out_octets = coalesce(excluded.out_octets, halves.out_octets)
    """,
)
_WHOLE = Text(
    """
    SELECT h.line_id, h.at_ms, h.in_octets, h.out_octets FROM json_each(?) g CROSS JOIN halves h
    ON h.source = json_extract(g.value, '$[0]') AND h.line_id = json_extract(g.value, '$[1]')
    AND h.at_ms = json_extract(g.value, '$[2]')
    WHERE h.in_octets IS NOT NULL AND h.out_octets IS NOT NULL
    """,
    """
    SELECT h.line_id, h.at_ms, h.in_octets, h.out_octets
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS g (source, line_id, at_ms)
    JOIN halves h ON h.source = g.source AND h.line_id = g.line_id AND h.at_ms = g.at_ms
    WHERE h.in_octets IS NOT NULL AND h.out_octets IS NOT NULL
    """,
)
_LONELY = Text(
    "SELECT count(*) FROM halves WHERE source = ? AND received_ms < ? AND (in_octets IS NULL OR out_octets IS NULL)",
    "SELECT count(*) FROM halves WHERE source = $1 AND received_ms < $2 AND (in_octets IS NULL OR out_octets IS NULL)",
)
_FORGET = Text(
    "DELETE FROM halves WHERE source = ? AND received_ms < ?",
    "DELETE FROM halves WHERE source = $1 AND received_ms < $2",
)


async def joined(session: AsyncSession, halves: Sequence[Pair], *, source: str, now_ms: int) -> list[Pair]:
    """Keep these; returns those whose other half is there."""
    halves = sorted(halves, key=lambda half: half[:2])  # everybody locks rows in the same order
    rows = [(source, *half[:2], *map(_stored, half[2:]), now_ms) for half in halves]
    await write(session, _PUT, rows)
    whole = await read(session, _WHOLE, [row[:3] for row in rows])
    return [Pair(line_id, at_ms, in_octets + SIGN, out + SIGN) for line_id, at_ms, in_octets, out in whole]


async def forget(session: AsyncSession, *, source: str, now_ms: int) -> int:
    """Remove what has waited long enough; returns how many never found their other half."""
    before = now_ms - KEPT_MS
    ((lonely,),) = await read_plain(session, _LONELY, source, before)
    await read_plain(session, _FORGET, source, before)
    return int(lonely)


def _stored(octets: int | None) -> int | None:
    return None if octets is None else octets - SIGN
