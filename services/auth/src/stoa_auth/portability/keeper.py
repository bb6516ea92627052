"""Exports that have had their time are deleted."""

import asyncio
from typing import Final

from stoa_auth.portability import service
from stoa_common import failures
from stoa_common.database import Database
from stoa_common.resources import Resources

EVERY_SECONDS: Final = 600.0


async def run(database: Database, resources: Resources) -> None:  # noqa: ARG001  # what a background task is given
    """Runs until cancelled."""
    while True:
        with failures.held("export_keeper_held"):
            async with database.transaction() as session:
                await service.forget_expired(session)
        await asyncio.sleep(EVERY_SECONDS)
