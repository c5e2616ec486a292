"""The statements of the store, in both languages; docs/rules/traffic.md says what they must yield."""

from services.metrics.store.rows import Text, both

LOCK_LINES = "SELECT number FROM lines WHERE number = ANY($1::int[]) ORDER BY number FOR NO KEY UPDATE"
"""PostgreSQL: whoever changes a line's samples does so alone; always in this order. SQLite has one writer anyway."""

EXTENT = both("SELECT min(at_ms), max(at_ms) FROM counters WHERE line_number = $1")

COUNTERS_IN = Text(
    """
    SELECT c.line_number, c.at_ms, c.discontinuity, c.in_octets, c.out_octets
    FROM json_each(?) g CROSS JOIN counters c
    ON c.line_number = json_extract(g.value, '$[0]')
    AND c.at_ms BETWEEN json_extract(g.value, '$[1]') AND json_extract(g.value, '$[2]')
    """,
    """
    SELECT c.* FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS g (line, first, last)
    CROSS JOIN LATERAL (
      SELECT line_number, at_ms, discontinuity, in_octets, out_octets FROM counters
      WHERE line_number = g.line AND at_ms BETWEEN g.first AND g.last OFFSET 0
    ) c
    """,
)
"""OFFSET 0 keeps PostgreSQL from turning the many small look-ups into one large join."""

ADD_COUNTERS = Text(
    "INSERT INTO counters (line_number, at_ms, discontinuity, in_octets, out_octets) VALUES (?, ?, ?, ?, ?)",
    """
    INSERT INTO counters (line_number, at_ms, discontinuity, in_octets, out_octets)
    SELECT * FROM unnest($1::text::int[], $2::text::bigint[], $3::text::int[], $4::text::bigint[], $5::text::bigint[])
    """,
)
"""Of moments that were looked for and not there: PostgreSQL is done in two thirds of the time that a question about
conflicts takes. The same for slots below."""

PUT_COUNTERS = Text(
    """
    INSERT INTO counters (line_number, at_ms, discontinuity, in_octets, out_octets) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (line_number, at_ms) DO UPDATE SET
      discontinuity = excluded.discontinuity, in_octets = excluded.in_octets, out_octets = excluded.out_octets
    """,
    """
    INSERT INTO counters (line_number, at_ms, discontinuity, in_octets, out_octets)
    SELECT * FROM unnest($1::text::int[], $2::text::bigint[], $3::text::int[], $4::text::bigint[], $5::text::bigint[])
    ON CONFLICT (line_number, at_ms) DO UPDATE SET
      discontinuity = excluded.discontinuity, in_octets = excluded.in_octets, out_octets = excluded.out_octets
    """,
)

PUT_WAITING = Text(
    """
    INSERT INTO waiting_counters (waiting_number, at_ms, discontinuity, in_octets, out_octets) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (waiting_number, at_ms) DO UPDATE SET
      discontinuity = excluded.discontinuity, in_octets = excluded.in_octets, out_octets = excluded.out_octets
    WHERE (excluded.discontinuity, excluded.in_octets, excluded.out_octets)
      > (waiting_counters.discontinuity, waiting_counters.in_octets, waiting_counters.out_octets)
    """,
    """
    INSERT INTO waiting_counters (waiting_number, at_ms, discontinuity, in_octets, out_octets)
    SELECT * FROM unnest($1::text::int[], $2::text::bigint[], $3::text::int[], $4::text::bigint[], $5::text::bigint[])
    ON CONFLICT (waiting_number, at_ms) DO UPDATE SET
      discontinuity = excluded.discontinuity, in_octets = excluded.in_octets, out_octets = excluded.out_octets
    WHERE (excluded.discontinuity, excluded.in_octets, excluded.out_octets)
      > (waiting_counters.discontinuity, waiting_counters.in_octets, waiting_counters.out_octets)
    """,
)

SLOTS_IN = Text(
    """
    SELECT s.line_number, s.slot FROM json_each(?) g CROSS JOIN slots s
    ON s.line_number = json_extract(g.value, '$[0]')
    AND s.slot BETWEEN json_extract(g.value, '$[1]') AND json_extract(g.value, '$[2]')
    """,
    """
    SELECT s.* FROM unnest($1::int[], $2::int[], $3::int[]) AS g (line, first, last)
    CROSS JOIN LATERAL (
      SELECT line_number, slot FROM slots WHERE line_number = g.line AND slot BETWEEN g.first AND g.last OFFSET 0
    ) s
    """,
)

ADD_SLOTS = Text(
    "INSERT INTO slots (line_number, slot, in_octets, out_octets, measured_ms) VALUES (?, ?, ?, ?, ?)",
    """
    INSERT INTO slots (line_number, slot, in_octets, out_octets, measured_ms)
    SELECT * FROM unnest($1::text::int[], $2::text::int[], $3::text::bigint[], $4::text::bigint[], $5::text::int[])
    """,
)

PUT_SLOTS = Text(
    """
    INSERT INTO slots (line_number, slot, in_octets, out_octets, measured_ms) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (line_number, slot) DO UPDATE SET
      in_octets = excluded.in_octets, out_octets = excluded.out_octets, measured_ms = excluded.measured_ms
    """,
    """
    INSERT INTO slots (line_number, slot, in_octets, out_octets, measured_ms)
    SELECT * FROM unnest($1::text::int[], $2::text::int[], $3::text::bigint[], $4::text::bigint[], $5::text::int[])
    ON CONFLICT (line_number, slot) DO UPDATE SET
      in_octets = excluded.in_octets, out_octets = excluded.out_octets, measured_ms = excluded.measured_ms
    """,
)

REMOVE_SLOTS = Text(
    "DELETE FROM slots WHERE line_number = ? AND slot = ?",
    "DELETE FROM slots s USING unnest($1::int[], $2::int[]) AS g (line, slot)"
    " WHERE s.line_number = g.line AND s.slot = g.slot",
)

REMOVE_ROLLUPS = Text(
    "DELETE FROM rollups WHERE line_number = ? AND seconds = ? AND position BETWEEN ? AND ?",
    "DELETE FROM rollups r USING unnest($1::int[], $2::int[], $3::int[], $4::int[]) AS g (line, seconds, first, last)"
    " WHERE r.line_number = g.line AND r.seconds = g.seconds AND r.position BETWEEN g.first AND g.last",
)

_INTO_ROLLUPS = """
    INSERT INTO rollups
      (line_number, seconds, position, in_octets, out_octets, measured_ms, present, in_max_bps, out_max_bps)
    """
_ON_CONFLICT = """
    ON CONFLICT (line_number, seconds, position) DO UPDATE SET
      in_octets = excluded.in_octets, out_octets = excluded.out_octets, measured_ms = excluded.measured_ms,
      present = excluded.present, in_max_bps = excluded.in_max_bps, out_max_bps = excluded.out_max_bps
    """
_HALF = "s.measured_ms >= 150000"
"""As `rates.rates_of` has it, and the rate as `rates.rate_bps` rounds it."""
_OF_SLOTS = f"""
      SUM(s.in_octets), SUM(s.out_octets), SUM(s.measured_ms), SUM(CASE WHEN {_HALF} THEN 1 ELSE 0 END),
      COALESCE(MAX(CASE WHEN {_HALF} THEN (s.in_octets * 16000 + s.measured_ms) / (2 * s.measured_ms) END), 0),
      COALESCE(MAX(CASE WHEN {_HALF} THEN (s.out_octets * 16000 + s.measured_ms) / (2 * s.measured_ms) END), 0)
    """

ROLL_UP_SLOTS = Text(
    f"""{_INTO_ROLLUPS}
    SELECT s.line_number, 3600, s.slot / 12, {_OF_SLOTS}
    FROM json_each(?) g CROSS JOIN slots s
    ON s.line_number = json_extract(g.value, '$[0]')
    AND s.slot BETWEEN json_extract(g.value, '$[3]') * 12 AND json_extract(g.value, '$[4]') * 12 + 11
    WHERE true GROUP BY s.line_number, s.slot / 12 {_ON_CONFLICT}""",  # noqa: S608  # constants of this file
    f"""{_INTO_ROLLUPS}
    SELECT s.line_number, 3600, s.slot / 12, {_OF_SLOTS}
    FROM unnest($1::int[], $2::int[], $3::int[], $4::int[], $5::int[]) AS g (line, of, per, first, last)
    CROSS JOIN LATERAL (
      SELECT * FROM slots WHERE line_number = g.line AND slot BETWEEN g.first * 12 AND g.last * 12 + 11 OFFSET 0
    ) s
    GROUP BY s.line_number, s.slot / 12 {_ON_CONFLICT}""",  # noqa: S608
)
"""Given: line, length below (300), how many of it, first and last position."""

_OF_ROLLUPS = """
      SUM(s.in_octets), SUM(s.out_octets), SUM(s.measured_ms), SUM(s.present), MAX(s.in_max_bps), MAX(s.out_max_bps)
    """

ROLL_UP_ROLLUPS = Text(
    f"""{_INTO_ROLLUPS}
    SELECT s.line_number, s.seconds * json_extract(g.value, '$[2]'), s.position / json_extract(g.value, '$[2]'),
      {_OF_ROLLUPS}
    FROM json_each(?) g CROSS JOIN rollups s
    ON s.line_number = json_extract(g.value, '$[0]') AND s.seconds = json_extract(g.value, '$[1]')
    AND s.position >= json_extract(g.value, '$[3]') * json_extract(g.value, '$[2]')
    AND s.position < (json_extract(g.value, '$[4]') + 1) * json_extract(g.value, '$[2]')
    WHERE true GROUP BY 1, 2, 3 {_ON_CONFLICT}""",  # noqa: S608
    f"""{_INTO_ROLLUPS}
    SELECT s.line_number, s.seconds * g.per, s.position / g.per, {_OF_ROLLUPS}
    FROM unnest($1::int[], $2::int[], $3::int[], $4::int[], $5::int[]) AS g (line, of, per, first, last)
    CROSS JOIN LATERAL (
      SELECT * FROM rollups WHERE line_number = g.line AND seconds = g.of
      AND position BETWEEN g.first * g.per AND g.last * g.per + g.per - 1 OFFSET 0
    ) s
    GROUP BY 1, 2, 3 {_ON_CONFLICT}""",  # noqa: S608
)

NOTE_NEWEST = Text(
    "UPDATE lines SET last_sample_ms = max(last_sample_ms, ?), due = (due OR ?) WHERE number = ?",
    "UPDATE lines l SET last_sample_ms = greatest(l.last_sample_ms, g.at), due = (l.due OR g.due)"
    " FROM unnest($1::bigint[], $2::bool[], $3::int[]) AS g (at, due, line) WHERE l.number = g.line",
)
