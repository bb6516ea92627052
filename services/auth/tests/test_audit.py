"""The audit log: who did what, from where, for whom to see."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from stoa_auth.audit import service as audit
from stoa_auth.audit.consumers import router
from stoa_auth.audit.domain import ActionIsMisnamed
from stoa_common import clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging.handling import Outcome
from stoa_common.privacy import registry
from stoa_common.testing import Delivery, Identities
from stoa_events.contracts.operations import operations_of
from stoa_events.personal import Personal

from .conftest import Doors, an_address

AUDIT = "/api/v1/auth/audit"
FROM = {"X-Forwarded-For": "203.0.113.7", "User-Agent": "Lovelace/1.0"}


async def records(doors: Doors, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    answer = await doors.client.get(AUDIT, params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


@pytest.fixture
def operator(identities: Identities) -> dict[str, str]:
    return identities.headers(identities.principal("operator"))


async def test_an_admin_sees_who_was_invited_joined_and_promoted(doors: Doors) -> None:
    admin = await doors.newcomer()
    member = await doors.member(admin, "learner")
    path = f"/api/v1/auth/organizations/{admin.organization_id}/members/{member.person_id}"
    await doors.client.patch(path, json={"roles": ["author"]}, headers={**admin.headers, **FROM})

    promoted, *_ = found = await records(doors, admin.headers)

    acts = [record["action"] for record in found]
    assert acts == ["member.change-roles", "member.join", "member.invite", "member.join", "organization.found"]
    assert (promoted["person_id"], promoted["subject_id"]) == (admin.person_id, member.person_id)
    assert promoted["target"] == member.person_id
    assert (promoted["before"], promoted["after"]) == ({"roles": ["learner"]}, {"roles": ["author"]})
    assert (promoted["address"], promoted["user_agent"]) == (FROM["X-Forwarded-For"], FROM["User-Agent"])
    assert promoted["organization_id"] == admin.organization_id
    assert [record["number"] for record in found] == list(range(len(found), 0, -1))


async def test_who_is_no_admin_sees_no_log(doors: Doors) -> None:
    admin = await doors.newcomer()
    member = await doors.member(admin, "author")

    for path in (AUDIT, f"{AUDIT}/export", f"{AUDIT}/verification"):
        assert (await doors.client.get(path, headers=member.headers)).status_code == 403


async def test_another_organizations_log_is_not_there(doors: Doors) -> None:
    admin, stranger = await doors.newcomer(), await doors.newcomer()

    for path in (AUDIT, f"{AUDIT}/export", f"{AUDIT}/verification"):
        query = {"organization_id": admin.organization_id}
        assert (await doors.client.get(path, params=query, headers=stranger.headers)).status_code == 404


async def test_an_operator_reads_the_platforms_log_and_every_organizations(
    doors: Doors, operator: dict[str, str]
) -> None:
    admin = await doors.newcomer()

    theirs = await records(doors, operator, organization_id=admin.organization_id)
    [registered] = await records(doors, operator, action="person.register", actor=admin.person_id)

    assert {record["organization_id"] for record in theirs} == {admin.organization_id}
    assert registered["organization_id"] is None


async def test_acts_are_found_by_actor_action_target_and_time(doors: Doors) -> None:
    admin = await doors.newcomer()
    member = await doors.member(admin, "admin")
    between = clock.now().isoformat()
    await doors.invite(member, "learner")

    async def actions(**query: Any) -> list[str]:
        found = await records(doors, admin.headers, **query)
        return [record["action"] for record in found]

    assert await actions(actor=member.person_id) == ["member.invite", "member.join"]
    assert await actions(action="organization") == ["organization.found"]
    assert await actions(action="member.join", target=member.person_id) == ["member.join"]
    assert await actions(**{"from": between}) == ["member.invite"]
    assert "organization.found" in await actions(until=between)


async def test_the_log_is_read_page_by_page(doors: Doors) -> None:
    admin = await doors.newcomer()
    for _ in range(3):
        await doors.invite(admin, "learner")
    whole = await records(doors, admin.headers)

    seen, after = [], None
    while True:
        query = {"limit": 2, **({"after": after} if after else {})}
        page = (await doors.client.get(AUDIT, params=query, headers=admin.headers)).json()
        seen += page["items"]
        if (after := page["next"]) is None:
            break

    assert seen == whole


@pytest.mark.parametrize(
    "query",
    [
        {"after": "x"},
        {"from": "yesterday"},
        {"from": "2026-01-01T00:00:00"},
        {"until": "0001-01-01T00:00:00Z"},
        {"action": "\x00"},
        {"target": "a\x00"},
        {"actor": "me"},
    ],
)
async def test_a_bad_question_is_told_what_is_wrong(doors: Doors, query: dict[str, str]) -> None:
    admin = await doors.newcomer()

    answer = await doors.client.get(AUDIT, params=query, headers=admin.headers)

    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_parallel_acts_make_one_chain(doors: Doors) -> None:
    admin = await doors.newcomer()

    await asyncio.gather(*(doors.invite(admin, "learner") for _ in range(20)))

    verified = (await doors.client.get(f"{AUDIT}/verification", headers=admin.headers)).json()
    assert verified["holds"]
    assert len(await records(doors, admin.headers, action="member.invite")) == 20


async def test_what_was_refused_leaves_no_record(doors: Doors) -> None:
    admin = await doors.newcomer()
    before = await records(doors, admin.headers)

    path = f"/api/v1/auth/organizations/{admin.organization_id}/invitations"
    answer = await doors.client.post(path, json={"roles": ["emperor"]}, headers=admin.headers)

    assert answer.status_code == 422
    assert await records(doors, admin.headers) == before


async def test_registering_a_known_address_leaves_no_record(doors: Doors, operator: dict[str, str]) -> None:
    ada = await doors.newcomer()
    since = clock.now().isoformat()

    assert (await doors.register(ada.email)).status_code == 202

    assert await records(doors, operator, **{"from": since}) == []


async def test_an_act_is_named_noun_and_verb(database: Database) -> None:
    async with database.transaction() as session:
        for name in ("logged in", "Session.open", "session", "session.open.again"):
            with pytest.raises(ActionIsMisnamed):
                audit.note(session, name, actor=None)


async def test_personal_values_are_sealed_and_shown_to_who_may_read_them(
    doors: Doors, database: Database, identities: Identities
) -> None:
    organization = new_id()
    admin = identities.headers(identities.principal("admin", organization_id=organization))
    ada = await doors.newcomer()
    async with database.transaction() as session:
        changed = {"name": Personal("Augusta Ada"), "verified": True}
        audit.note(session, "person.rename", actor=UUID(ada.person_id), organization_id=organization, after=changed)

    export = await doors.client.get(f"{AUDIT}/export", headers=admin)

    [shown] = await records(doors, admin, action="person.rename")
    assert shown["after"] == {"name": "Augusta Ada", "verified": True}
    assert "Augusta" not in export.text


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_records SET body = body",
        "UPDATE audit_records SET hash = hash WHERE false",
        "DELETE FROM audit_records WHERE false",
        "TRUNCATE audit_records",
        "DROP TABLE audit_records",
        "ALTER TABLE audit_records DISABLE TRIGGER ALL",
    ],
)
async def test_the_services_role_can_only_add(database: Database, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        async with database.transaction() as session:
            await session.execute(text(statement))


def an_act(**fields: Any) -> Any:
    told = {
        "audit_id": new_id(),
        "person_id": new_id(),
        "action": "parked.discard",
        "target": f"content.course-0-{new_id()}",
        "details": {"reason": "a test"},
        "recorded_at": clock.now(),
    }
    return operations_of("content").audit_recorded(**told | fields)


async def test_what_was_done_in_another_service_is_in_the_log(
    doors: Doors, delivery: Delivery, operator: dict[str, str]
) -> None:
    event = an_act()

    outcome = await delivery.deliver(router, event)

    [record] = await records(doors, operator, target=event.target)
    assert outcome is Outcome.HANDLED
    assert (record["service"], record["action"], record["id"]) == ("content", event.action, str(event.audit_id))
    assert (record["person_id"], record["after"]) == (str(event.person_id), event.details)
    assert record["recorded_at"] == event.recorded_at.isoformat().replace("+00:00", "Z")


async def test_an_act_that_is_delivered_twice_is_in_the_log_once(
    doors: Doors, delivery: Delivery, operator: dict[str, str]
) -> None:
    event = an_act()
    record = delivery.record_of(event)

    outcomes = [await delivery.deliver(router, record) for _ in range(2)]

    assert outcomes == [Outcome.HANDLED, Outcome.DUPLICATE]
    assert len(await records(doors, operator, target=event.target)) == 1


async def test_an_act_that_cannot_be_written_is_parked_whole(
    doors: Doors, delivery: Delivery, operator: dict[str, str]
) -> None:
    event = an_act(action="not an action")
    record = delivery.record_of(event)

    assert await delivery.deliver(router, record) is Outcome.PARKED
    assert not await delivery.has_inbox_entry(router, record)
    assert await records(doors, operator, target=event.target) == []


@pytest.mark.parametrize("service", ["auth", "content", "ai", "analytics", "feed"])
def test_every_services_acts_are_read(service: str) -> None:
    assert f"{service}.audit" in router.topics


async def test_a_person_gets_what_they_did_and_what_was_done_to_them(doors: Doors, database: Database) -> None:
    admin = await doors.newcomer()
    member = await doors.member(admin, "learner")
    path = f"/api/v1/auth/organizations/{admin.organization_id}/members/{member.person_id}"
    await doors.client.patch(path, json={"roles": ["author"]}, headers={**admin.headers, **FROM})

    async with database.transaction() as session:
        told = (await registry.export(session, UUID(member.person_id)))["audit_records"]

    acts = {record["action"]: record for record in told}
    assert {"person.register", "member.join", "session.open", "member.change-roles"} <= acts.keys()
    assert acts["session.open"]["user_agent"]
    assert acts["member.change-roles"]["address"] is None, "the admin's address is the admin's"


async def a_failed_log_in(doors: Doors, email: str) -> None:
    body = {"email": email, "password": "not the password"}
    answer = await doors.client.post("/api/v1/auth/login", json=body, headers=FROM)
    assert answer.status_code == 401


async def test_log_ins_and_log_outs_are_in_the_platforms_log(doors: Doors, operator: dict[str, str]) -> None:
    ada = await doors.newcomer()
    await doors.client.post("/api/v1/auth/logout", headers=ada.headers)

    ended, opened = await records(doors, operator, actor=ada.person_id, action="session")

    assert (opened["action"], ended["action"]) == ("session.open", "session.end")
    assert opened["target"] == ended["target"]
    assert opened["person_id"] == ada.person_id


async def test_failed_log_ins_are_in_the_platforms_log_without_the_address_in_the_clear(
    doors: Doors, operator: dict[str, str], database: Database
) -> None:
    ada, unknown = await doors.newcomer(), an_address()
    since = clock.now().isoformat()
    await a_failed_log_in(doors, ada.email)
    await a_failed_log_in(doors, unknown)

    nobodys, adas = await records(doors, operator, action="session.refuse", **{"from": since})

    assert (adas["target"], nobodys["target"]) == (ada.person_id, None)
    assert (adas["person_id"], nobodys["person_id"]) == (None, None)
    assert {adas["address"], nobodys["address"]} == {FROM["X-Forwarded-For"]}
    async with database.transaction() as session:
        for wanted in (ada.email, unknown, FROM["X-Forwarded-For"]):
            query = text("SELECT count(*) FROM audit_records WHERE body LIKE :wanted")
            assert await session.scalar(query, {"wanted": f"%{wanted}%"}) == 0


async def test_a_reused_refresh_token_is_in_the_log(doors: Doors, database: Database, operator: dict[str, str]) -> None:
    ada = await doors.newcomer()
    await doors.refresh(ada.refresh_token)
    async with database.transaction() as session:
        used = "UPDATE refresh_tokens SET used_at = used_at - interval '1 minute' WHERE used_at IS NOT NULL"
        await session.execute(text(used))

    assert (await doors.refresh(ada.refresh_token)).status_code == 401

    [reused, *_] = await records(doors, operator, action="session.reuse")
    assert (reused["person_id"], reused["subject_id"]) == (None, ada.person_id)
