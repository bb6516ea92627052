"""The audit log cannot be changed unseen, and forgetting a person leaves it whole."""

import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest_asyncio
from sqlalchemy import text

from stoa_common import hash_chain
from stoa_common.database import Database
from stoa_common.privacy import registry
from stoa_common.settings import ServiceSettings

from .conftest import Doors, Someone

AUDIT = "/api/v1/auth/audit"


@pytest_asyncio.fixture(loop_scope="session")
async def owner(settings: ServiceSettings) -> AsyncIterator[Database]:
    """The database as its owner, who may do everything."""
    assert settings.migrate_database_url is not None
    database = Database(settings.migrate_database_url.get_secret_value(), pool_size=1)
    yield database
    await database.close()


async def change(owner: Database, admin: Someone, statement: str, **values: Any) -> None:
    async with owner.transaction() as session:
        await session.execute(text(f"{statement} AND chain = :chain"), {"chain": admin.organization_id, **values})


async def verified(doors: Doors, headers: dict[str, str], **query: str) -> dict[str, Any]:
    answer = await doors.client.get(f"{AUDIT}/verification", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def exported(doors: Doors, headers: dict[str, str], **query: str) -> httpx2.Response:
    answer = await doors.client.get(f"{AUDIT}/export", params=query, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    return answer


async def an_admin(doors: Doors) -> Someone:
    """Somebody in whose organization something was done."""
    admin = await doors.newcomer()
    for _ in range(3):
        await doors.invite(admin, "learner")
    return admin


async def test_an_untouched_log_holds_and_tells_its_head(doors: Doors) -> None:
    admin = await an_admin(doors)
    [newest, *_] = (await doors.client.get(AUDIT, headers=admin.headers)).json()["items"]

    told = await verified(doors, admin.headers)

    assert (told["holds"], told["broken"]) == (True, None)
    assert (told["records"], told["head"]) == (newest["number"], newest["hash"])


async def test_an_altered_record_is_named(doors: Doors, owner: Database) -> None:
    admin = await an_admin(doors)

    await change(owner, admin, "UPDATE audit_records SET body = replace(body, 'auth', 'ruth') WHERE number = 3")

    assert (await verified(doors, admin.headers))["broken"] == {"number": 3, "problem": "it was altered."}


async def test_a_column_that_no_longer_says_what_was_hashed_is_named(doors: Doors, owner: Database) -> None:
    admin = await an_admin(doors)

    later = "UPDATE audit_records SET recorded_at = recorded_at + interval '1 hour' WHERE number = 2"
    await change(owner, admin, later)

    assert (await verified(doors, admin.headers))["broken"]["number"] == 2


async def test_a_removed_record_is_named(doors: Doors, owner: Database) -> None:
    admin = await an_admin(doors)

    await change(owner, admin, "DELETE FROM audit_records WHERE number = 4")

    assert (await verified(doors, admin.headers))["broken"] == {"number": 4, "problem": "it is missing."}


async def test_what_was_cut_off_at_the_end_shows_by_a_noted_head(doors: Doors, owner: Database) -> None:
    admin = await an_admin(doors)
    noted = await verified(doors, admin.headers)
    await change(owner, admin, "DELETE FROM audit_records WHERE number = :number", number=noted["records"])

    assert (await verified(doors, admin.headers))["holds"]
    told = await verified(doors, admin.headers, head=noted["head"])

    assert not told["holds"]
    assert told["broken"]["number"] == noted["records"]


async def test_a_noted_head_is_still_there_when_the_log_has_grown(doors: Doors) -> None:
    admin = await an_admin(doors)
    noted = await verified(doors, admin.headers)

    await doors.invite(admin, "learner")

    assert (await verified(doors, admin.headers, head=noted["head"]))["holds"]


async def test_an_export_holds_and_says_that_it_was_taken(doors: Doors) -> None:
    admin = await an_admin(doors)

    export = await exported(doors, admin.headers)

    chain = hash_chain.verify_export(io.BytesIO(export.content))
    [newest, *_] = (await doors.client.get(AUDIT, headers=admin.headers)).json()["items"]
    assert (chain.name, chain.number, chain.head.hex()) == (admin.organization_id, newest["number"], newest["hash"])
    assert newest["action"] == "audit.export"


async def test_a_long_log_is_exported_whole(doors: Doors, database: Database, monkeypatch: Any) -> None:
    monkeypatch.setattr("stoa_auth.audit.service._BATCH", 2)
    admin = await an_admin(doors)

    export = await exported(doors, admin.headers)

    assert hash_chain.verify_export(io.BytesIO(export.content)).number >= 5
    assert (await verified(doors, admin.headers))["holds"]


async def test_an_export_of_some_records_has_only_these(doors: Doors) -> None:
    admin = await an_admin(doors)

    export = await exported(doors, admin.headers, action="member.invite")

    assert export.text.count('"action":"member.invite"') == 3
    assert len(export.text.splitlines()) == 4


async def test_an_erased_person_is_unreadable_in_a_chain_that_holds(
    doors: Doors, database: Database, owner: Database
) -> None:
    admin = await an_admin(doors)
    member = await doors.member(admin, "admin")
    marked = {"X-Forwarded-For": "198.51.100.23", "User-Agent": "Canary/7"}
    path = f"/api/v1/auth/organizations/{admin.organization_id}/invitations"
    await doors.client.post(path, json={"roles": ["learner"]}, headers={**member.headers, **marked})
    noted = await verified(doors, admin.headers)
    [invited, *_] = (await doors.client.get(AUDIT, headers=admin.headers)).json()["items"]
    assert (invited["address"], invited["user_agent"]) == (marked["X-Forwarded-For"], marked["User-Agent"])

    assert (await doors.client.delete("/api/v1/auth/me", headers={**member.headers, **marked})).status_code == 204

    assert (await verified(doors, admin.headers, head=noted["head"]))["holds"]
    shown = (await doors.client.get(AUDIT, params={"actor": member.person_id}, headers=admin.headers)).json()["items"]
    assert invited["hash"] in {record["hash"] for record in shown}
    assert {(record["address"], record["user_agent"]) for record in shown} == {(None, None)}
    async with database.transaction() as session:
        told = (await registry.export(session, UUID(member.person_id)))["audit_records"]
        assert len(told) > 1
        assert {(record["address"], record["user_agent"]) for record in told} == {(None, None)}
    async with owner.transaction() as session:
        dump = (await session.scalars(text("SELECT t::text FROM audit_records AS t"))).all()
        assert not [row for row in dump if "198.51.100.23" in row or "Canary" in row]


async def test_that_a_person_was_erased_stays_in_the_log(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()

    await doors.client.delete("/api/v1/auth/me", headers=ada.headers)

    async with database.transaction() as session:
        told = (await registry.export(session, UUID(ada.person_id)))["audit_records"]
    assert [record["action"] for record in told][-1] == "person.erase"
