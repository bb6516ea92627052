"""What a request finds in the pool of connections after the server has ended some."""

import asyncio

import pytest
from sqlalchemy import text

from stoa_common.database import Database

#: Longer than a connection may rest and still be taken unasked.
A_REST = 1.2


async def _end_all_others(database: Database) -> None:
    async with database.transaction() as session:
        ended = text(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'ends-often'"
        )
        assert await session.scalar(ended)


@pytest.mark.parametrize("rest", [0.3, A_REST])
async def test_a_connection_that_the_server_has_ended_is_given_to_nobody(database: Database, rest: float) -> None:
    often_ended = Database(database.url, pool_size=2, application_name="ends-often")
    await often_ended.ping()
    await _end_all_others(database)
    await asyncio.sleep(rest)

    async with often_ended.transaction() as session:
        answer = await session.scalar(text("SELECT 42"))

    await often_ended.close()
    assert answer == 42
