"""Consumers on a real broker, for as long as a test needs them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stoa_common.messaging.consumers import Consumers

READY_SECONDS = 30


@asynccontextmanager
async def running(consumers: Consumers) -> AsyncIterator["asyncio.Task[None]"]:
    """Runs them, from when every group has told its part (or they ended) to the end of the block; yields their task."""
    task = asyncio.create_task(consumers.run())
    try:
        async with asyncio.timeout(READY_SECONDS):
            while not consumers.is_ready() and not task.done():  # noqa: ASYNC110  # readiness is asked, never told
                await asyncio.sleep(0.05)
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
