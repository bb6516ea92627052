"""Work that must end although the request that began it was cut off."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

STOP_SECONDS: Final = 5.0


class Recordings:
    """Runs records of answers in tasks of their own, which a client's leaving cannot cancel."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    async def finish(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for the work; if the waiting is cancelled, the work still ends."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.shield(task)

    async def close(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=STOP_SECONDS)
