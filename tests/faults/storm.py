"""When whom to kill: planned from the seed, each target as often as wanted, a quarter of the time nobody."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

QUIET = 0.25


class Target(Protocol):
    async def kill(self) -> None:
        """SIGKILL now."""


@dataclass(frozen=True)
class Blow:
    """One kill."""

    after_seconds: float
    target: str


def storm(seed: int, wanted: Mapping[str, int], seconds: float) -> list[Blow]:
    """In rounds: everyone once in any order, then anew, so that nobody gets all kills in one second."""
    chance = random.Random(f"{seed}/storm")
    targets: list[str] = []
    for turn in range(max(wanted.values())):
        turn_of = [name for name, count in wanted.items() if turn < count]
        targets += chance.sample(turn_of, len(turn_of))
    slots = round(len(targets) / (1 - QUIET))
    width = seconds / slots
    chosen = sorted(chance.sample(range(slots), len(targets)))
    return [Blow((slot + chance.random()) * width, target) for slot, target in zip(chosen, targets, strict=True)]


async def strike(blows: list[Blow], targets: Mapping[str, Target]) -> None:
    """Carry the plan out. A kill that takes its time does not delay the others."""
    clock = asyncio.get_running_loop()
    begun = clock.time()
    async with asyncio.TaskGroup() as kills:
        for blow in blows:
            await asyncio.sleep(max(0.0, begun + blow.after_seconds - clock.time()))
            kills.create_task(targets[blow.target].kill())
