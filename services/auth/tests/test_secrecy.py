"""Secrets and personal data stay out of logs and errors; a full queue is said politely."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select, text

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.database import Person
from stoa_common.database import Database
from stoa_common.resources import Resources
from stoa_common.settings import ServiceSettings

from .conftest import PASSWORD, Doors, an_address


async def test_nothing_secret_or_personal_is_logged(doors: Doors, capfd: pytest.CaptureFixture[str]) -> None:
    ada = await doors.newcomer(name="Augusta")
    token = await doors.invite(ada, "learner")
    await doors.log_in(ada.email, password="a wrong password")
    await doors.register("no address", password="short one")
    newer = (await doors.refresh(ada.refresh_token)).json()["refresh_token"]
    await doors.client.delete("/api/v1/auth/me", headers=ada.headers)

    written = "".join(capfd.readouterr())

    for secret in (ada.email, "Augusta", PASSWORD, "a wrong password", "short one", token, ada.refresh_token, newer):
        assert secret not in written
    assert ada.access_token not in written


@pytest_asyncio.fixture(loop_scope="session")
async def broken_database(settings: ServiceSettings) -> AsyncIterator[None]:
    """A database that takes no new people."""
    assert settings.migrate_database_url is not None
    owner = Database(settings.migrate_database_url.get_secret_value())
    async with owner.transaction() as session:
        await session.execute(text("ALTER TABLE people RENAME COLUMN registered_at TO away"))
    yield
    async with owner.transaction() as session:
        await session.execute(text("ALTER TABLE people RENAME COLUMN away TO registered_at"))
    await owner.close()


async def test_a_failed_registration_is_logged_without_the_person_and_leaves_nothing(
    doors: Doors, broken_database: None, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    email = an_address()

    answer = await doors.register(email, name="Augusta")

    written = "".join(capfd.readouterr())
    assert answer.status_code == 500
    assert "request_failed" in written
    for secret in (email, "Augusta", PASSWORD):
        assert secret not in written + answer.text
    async with database.transaction() as session:
        assert await session.scalar(select(Person.id).where(Person.email == email)) is None


async def test_log_ins_beyond_the_queue_are_asked_to_come_back(
    doors: Doors, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources.get(Passwords), "_waiting_room", 2)

    answers = await asyncio.gather(*(doors.log_in(an_address()) for _ in range(20)))

    counted = Counter(answer.status_code for answer in answers)
    assert set(counted) == {401, 503}
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 503)


async def test_two_hundred_log_ins_at_once_leave_connections_for_others(doors: Doors) -> None:
    ada = await doors.newcomer()

    answers = await asyncio.gather(*(doors.log_in(ada.email) for _ in range(200)))

    assert {answer.status_code for answer in answers} == {200}
