"""A process that freezes in the middle of a transaction harms the others for a while, and not for ever."""

import asyncio

import pytest
from sqlalchemy import text

from stoa_common import failures
from stoa_common.database import Database

LOCK = text("SELECT pg_advisory_xact_lock(20261121)")


async def _freeze(frozen: Database, has_lock: asyncio.Event, *, seconds: float) -> None:
    async with frozen.transaction() as session:
        await session.execute(LOCK)
        has_lock.set()
        await asyncio.sleep(seconds)
        await session.execute(text("SELECT 1"))


async def test_what_a_frozen_process_has_locked_is_free_again(database: Database) -> None:
    frozen, has_lock = Database(database.url, pool_size=1, longest_pause_seconds=0.2), asyncio.Event()
    freezing = asyncio.create_task(_freeze(frozen, has_lock, seconds=2))
    await has_lock.wait()

    async with asyncio.timeout(1.5), database.transaction() as session:
        await session.execute(LOCK)

    with pytest.raises(Exception) as caught:  # whichever class it is: it has to be held for and tried again
        await freezing
    assert failures.is_infrastructure(caught.value)
    await frozen.close()


async def test_a_connection_that_was_ended_is_replaced(database: Database) -> None:
    frozen = Database(database.url, pool_size=1, longest_pause_seconds=0.1)
    with pytest.raises(Exception) as caught:  # as above
        await _freeze(frozen, asyncio.Event(), seconds=0.5)

    async with frozen.transaction() as session:
        assert await session.scalar(text("SELECT 1")) == 1

    assert failures.is_infrastructure(caught.value)
    await frozen.close()
