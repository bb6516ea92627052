"""What a stranger tried at somebody's account: the log keeps where it came from, that person's copy does not tell."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from stoa_common.database import Database
from stoa_common.privacy import registry
from stoa_common.testing import Identities

from .conftest import Doors, Someone
from .test_refresh import pretend_it_was_used_earlier

STRANGER = {"X-Forwarded-For": "203.0.113.66", "User-Agent": "Guesser/6.6"}


async def _acts(database: Database, someone: Someone) -> dict[str, dict[str, Any]]:
    """What the person's export says of acts, by what was done."""
    async with database.transaction() as session:
        told = (await registry.export(session, UUID(someone.person_id)))["audit_records"]
    return {record["action"]: record for record in told}


async def _guess(doors: Doors, _: Database, someone: Someone) -> httpx2.Response:
    body = {"email": someone.email, "password": "not the password"}
    return await doors.client.post("/api/v1/auth/login", json=body, headers=STRANGER)


async def _show_stolen(doors: Doors, database: Database, someone: Someone) -> httpx2.Response:
    """A refresh token that was used long ago, as a thief shows it."""
    path, body = "/api/v1/auth/refresh", {"refresh_token": someone.refresh_token}
    await doors.client.post(path, json=body)
    await pretend_it_was_used_earlier(database, someone.refresh_token, by=timedelta(seconds=11))
    return await doors.client.post(path, json=body, headers=STRANGER)


@pytest.mark.parametrize(("act", "action"), [(_guess, "session.refuse"), (_show_stolen, "session.reuse")])
async def test_a_strangers_address_is_in_the_platforms_log_and_in_no_export(
    doors: Doors, database: Database, identities: Identities, act: Any, action: str
) -> None:
    ada = await doors.newcomer()
    assert (await act(doors, database, ada)).status_code == 401

    exported = (await _acts(database, ada))[action]

    operator = identities.headers(identities.principal("operator"))
    kept = await doors.client.get("/api/v1/auth/audit", params={"action": action, "limit": 200}, headers=operator)
    [logged] = [each for each in kept.json()["items"] if each["subject_id"] == ada.person_id]
    assert (exported["address"], exported["user_agent"]) == (None, None)
    assert exported["recorded_at"] == logged["recorded_at"]
    assert (logged["address"], logged["user_agent"]) == tuple(STRANGER.values())


async def test_where_the_person_acted_from_is_their_own(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    await doors.client.post("/api/v1/auth/logout", headers={**ada.headers, **STRANGER})

    assert (await _acts(database, ada))["session.end"]["address"] == STRANGER["X-Forwarded-For"]
