"""Tests of widgets are written as coroutines; this runs each in an event loop of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps


def driven(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test to its end."""

    @wraps(test)
    def run(*args: object, **named: object) -> None:
        asyncio.run(test(*args, **named))

    return run


async def settled(pilot) -> None:
    """Wait until timers have fired, workers have ended and what they said is shown."""
    await pilot.pause(0.12)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
