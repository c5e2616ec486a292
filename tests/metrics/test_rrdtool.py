"""rrdtool, fed with the same counters, agrees on hourly averages within 0.1 %."""

import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from services.metrics.rates import Sample
from tests.metrics.conftest import DAY, HOUR, STEP, Metrics, iso, yesterday_ms

RRDTOOL = shutil.which("rrdtool") or ""

pytestmark = pytest.mark.skipif(not RRDTOOL, reason="rrdtool is not installed (Debian package rrdtool)")


def rrd(*arguments: str) -> str:
    return subprocess.run([RRDTOOL, *arguments], check=True, capture_output=True, text=True).stdout


async def test_hourly_averages_agree(metrics: Metrics, tmp_path: Path) -> None:
    customer, line = await metrics.ready()
    chance = random.Random(7)
    start = yesterday_ms() - 2 * DAY
    octets, samples = 10**9, []
    for n in range(2 * 288 + 1):
        at = start + n * STEP + (chance.randrange(0, 60) * 1000 if 0 < n < 576 else 0)
        samples.append(Sample("UL-1", at, octets, octets // 7))
        octets += chance.randrange(10**8, 10**10)
    await metrics.take(samples)
    file = str(tmp_path / "line.rrd")
    sources = [f"DS:{name}:COUNTER:600:0:U" for name in ("in", "out")]
    rrd("create", file, "--start", str(start // 1000 - 1), "--step", "300", *sources, "RRA:AVERAGE:0.5:12:60")
    for first in range(0, len(samples), 100):
        some = samples[first : first + 100]
        rrd("update", file, *(f"{one.at_ms // 1000}:{one.in_octets}:{one.out_octets}" for one in some))

    lines = rrd("fetch", file, "AVERAGE", "-r", "3600", "-s", str(start // 1000), "-e", str((start + 2 * DAY) // 1000))
    theirs = {}
    for row in lines.splitlines()[2:]:
        end, values = row.split(":")
        if "nan" not in values:
            # rrdtool names an interval by its end, and counts octets
            theirs[int(end) * 1000 - HOUR] = [float(value) * 8 for value in values.split()]
    query: dict[str, Any] = {"from": iso(start), "to": iso(start + 2 * DAY), "points": 48}
    answer = await metrics.get(customer, f"/metrics/lines/{line}/bandwidth", **query)
    series = answer["series"]

    assert answer["step_seconds"] == 3600
    assert len([at for at in theirs if start <= at < start + 2 * DAY]) >= 46
    for n, (into, out) in enumerate(zip(series["in_avg"], series["out_avg"], strict=True)):
        if exact := theirs.get(start + n * HOUR):
            assert into == pytest.approx(exact[0], rel=0.001)
            assert out == pytest.approx(exact[1], rel=0.001)
