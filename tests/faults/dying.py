"""A process that kills itself at the worst moment, on the lives that the harness chose."""

import os
import signal
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

DIES_AFTER = "FAULTS_DIES_AFTER"
"""Environment: how many passes of the worst moment this life may survive; absent means all."""

Given = ParamSpec("Given")
Result = TypeVar("Result")


class WorstMoment:
    """Counts passes; SIGKILL to oneself when they are used up: nothing is flushed, no handler runs."""

    def __init__(self) -> None:
        self._left = int(os.environ.get(DIES_AFTER, "-1"))

    def passed(self) -> None:
        """One more time alive, or not."""
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


def dies_before(step: Callable[Given, Awaitable[Result]]) -> Callable[Given, Awaitable[Result]]:
    """The step, which on the chosen lives is never reached again."""
    moment = WorstMoment()

    async def or_dies(*arguments: Given.args, **named: Given.kwargs) -> Result:
        moment.passed()
        return await step(*arguments, **named)

    return or_dies
