"""The platform's first operator."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import delete

from stoa_auth.accounts import service as accounts
from stoa_auth.accounts.passwords import Passwords
from stoa_auth.database import Person
from stoa_common.database import Database
from stoa_common.resources import Resources

from .conftest import PASSWORD, Doors, an_address


@pytest_asyncio.fixture(loop_scope="session")
async def no_operator(database: Database) -> AsyncIterator[None]:
    async with database.transaction() as session:
        await session.execute(delete(Person).where(Person.operator))
    yield
    async with database.transaction() as session:
        await session.execute(delete(Person).where(Person.operator))


@pytest.fixture
def passwords(resources: Resources) -> Passwords:
    return resources.get(Passwords)


async def test_an_operator_acts_for_the_platform_and_no_organization(
    doors: Doors, database: Database, passwords: Passwords, no_operator: None
) -> None:
    email = an_address()
    await accounts.make_operator(database, email, PASSWORD, passwords=passwords)

    operator = await doors.enter(email)

    assert operator.organization_id is None
    shown = (await doors.client.get("/api/v1/auth/me", headers=operator.headers)).json()
    assert shown["operator"] is True
    assert (await doors.client.get("/api/v1/auth/organizations", headers=operator.headers)).status_code == 200
    assert (await doors.refresh(operator.refresh_token)).json()["organization_id"] is None


async def test_replicas_that_start_at_once_make_one_operator(
    doors: Doors, database: Database, passwords: Passwords, no_operator: None
) -> None:
    emails = [an_address() for _ in range(5)]

    await asyncio.gather(*(accounts.make_operator(database, e, PASSWORD, passwords=passwords) for e in emails))

    answers = [await doors.log_in(email) for email in emails]
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]


async def test_a_start_with_another_password_changes_nothing(
    doors: Doors, database: Database, passwords: Passwords, no_operator: None
) -> None:
    email = an_address()
    await accounts.make_operator(database, email, PASSWORD, passwords=passwords)

    await accounts.make_operator(database, email, "a stolen environment", passwords=passwords)

    assert (await doors.log_in(email)).status_code == 200
    assert (await doors.log_in(email, password="a stolen environment")).status_code == 401


async def test_nobody_becomes_operator_by_an_address_that_has_an_account(
    doors: Doors, database: Database, passwords: Passwords, no_operator: None
) -> None:
    ada = await doors.newcomer()

    await accounts.make_operator(database, ada.email, PASSWORD, passwords=passwords)

    again = await doors.enter(ada.email)
    shown = (await doors.client.get("/api/v1/auth/me", headers=again.headers)).json()
    assert shown["operator"] is False


async def test_the_only_operator_stays(
    doors: Doors, database: Database, passwords: Passwords, no_operator: None
) -> None:
    email = an_address()
    await accounts.make_operator(database, email, PASSWORD, passwords=passwords)
    operator = await doors.enter(email)

    answer = await doors.client.delete("/api/v1/auth/me", headers=operator.headers)

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:stoa:problem:last-operator-must-stay"
