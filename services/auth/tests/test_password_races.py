"""A password that is changed while it is being verified opens nothing any more: Argon2 takes its time, unlocked."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import func, select

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.database import LogInAttempts
from stoa_auth.people import service as people
from stoa_auth.sessions import service as sessions
from stoa_common.database import Database
from stoa_common.resources import Resources

from .conftest import PASSWORD, Doors, Someone

NEW, THIEFS = "seven purple otters", "nine yellow walruses"


@pytest.fixture
def passwords(resources: Resources) -> Passwords:
    return resources.get(Passwords)


@asynccontextmanager
async def busy(passwords: Passwords) -> AsyncIterator[None]:
    """No password is verified meanwhile: both threads are at something else."""
    done = threading.Event()
    held = [asyncio.create_task(passwords.run(lambda: done.wait(30))) for _ in range(2)]
    try:
        yield
    finally:
        done.set()
        await asyncio.gather(*held)


async def counted(database: Database) -> float:
    """What was counted of all log-ins: it grows as soon as one has read what the password is."""
    async with database.transaction() as session:
        return float(await session.scalar(select(func.sum(LogInAttempts.failures))) or 0)


async def until_read(database: Database, before: float) -> None:
    for _ in range(500):
        if await counted(database) > before:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("Nobody tried to log in.")


async def change_it(database: Database, someone: Someone, password_hash: str) -> None:
    """As the owner does by a code from their mail: every session ends."""
    person_id = UUID(someone.person_id)
    async with database.transaction() as session:
        await people.change_password(session, person_id, password_hash)
        await sessions.revoke_all(session, person_id)


async def log_in_from_afar(doors: Doors, someone: Someone) -> httpx2.Response:
    """From where nobody has logged in before, so that it is counted before the password is verified."""
    body, headers = {"email": someone.email, "password": PASSWORD}, {"X-Forwarded-For": "198.51.100.251"}
    return await doors.client.post("/api/v1/auth/login", json=body, headers=headers)


async def test_a_log_in_by_the_old_password_does_not_outlive_the_change(
    doors: Doors, database: Database, passwords: Passwords
) -> None:
    ada, newer = await doors.newcomer(), await passwords.hash(NEW)
    async with busy(passwords):
        before = await counted(database)
        trying = asyncio.create_task(log_in_from_afar(doors, ada))
        await until_read(database, before)
        await change_it(database, ada, newer)

    answer = await trying

    assert answer.status_code == 401
    assert (await doors.log_in(ada.email, password=NEW)).status_code == 200


async def test_nobody_changes_the_password_by_one_that_was_changed_meanwhile(
    doors: Doors, database: Database, passwords: Passwords
) -> None:
    ada, newer = await doors.newcomer(), await passwords.hash(NEW)
    body = {"current_password": PASSWORD, "password": THIEFS}
    headers = {**ada.headers, "X-Forwarded-For": "198.51.100.252"}
    async with busy(passwords):
        before = await counted(database)
        trying = asyncio.create_task(doors.client.put("/api/v1/auth/me/password", json=body, headers=headers))
        await until_read(database, before)
        await change_it(database, ada, newer)

    answer = await trying

    assert answer.status_code == 422
    assert (await doors.log_in(ada.email, password=THIEFS)).status_code == 401
    assert (await doors.log_in(ada.email, password=NEW)).status_code == 200


async def test_many_log_ins_at_once_all_succeed_while_the_hash_is_renewed(
    doors: Doors, resources: Resources, passwords: Passwords
) -> None:
    ada = await doors.newcomer()
    dearer = Passwords(memory_kib=128, iterations=2, parallelism=1, workers=2, queue=32)
    resources.add(dearer)
    try:
        answers = await asyncio.gather(*(doors.log_in(ada.email) for _ in range(8)))
    finally:
        resources.add(passwords)
        dearer.close()

    assert [answer.status_code for answer in answers] == [200] * 8
