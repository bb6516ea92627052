"""Administration: people are found, shut out, let in again, and asked to prove anew who they are."""

from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.database import Membership
from stoa_common import clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.testing import Delivery, Identities
from stoa_events.contracts import UserResumed, UserSuspended

from .conftest import Doors, Someone, an_address
from .operators import an_operator
from .postbox import Postbox
from .test_revoking import Elsewhere, elsewhere, is_refused

__all__ = ["elsewhere"]
PEOPLE = "/api/v1/auth/administration/people"
MEMBERS = "/api/v1/auth/administration/members"
WHY = {"reason": "Ticket 4711"}


@pytest_asyncio.fixture(loop_scope="session")
async def operator(doors: Doors, database: Database, resources: Resources) -> Someone:
    return await an_operator(doors, database, resources.get(Passwords))


async def found(doors: Doors, someone: Someone, path: str = PEOPLE, **query: Any) -> list[dict[str, Any]]:
    answer = await doors.client.get(path, params=query, headers=someone.headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def shown(doors: Doors, someone: Someone, person_id: str, path: str = PEOPLE) -> dict[str, Any]:
    answer = await doors.client.get(f"{path}/{person_id}", headers=someone.headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def act(doors: Doors, someone: Someone, person_id: str, verb: str, **fields: Any) -> httpx2.Response:
    return await doors.client.post(f"{PEOPLE}/{person_id}/{verb}", json=WHY | fields, headers=someone.headers)


async def ids(doors: Doors, someone: Someone, **query: Any) -> list[str]:
    return [person["id"] for person in await found(doors, someone, **query)]


async def test_people_are_found_by_how_their_address_begins(doors: Doors, operator: Someone) -> None:
    ada = await doors.newcomer()
    start = ada.email.partition("@")[0]

    assert await ids(doors, operator, email=start) == [ada.person_id]
    assert await ids(doors, operator, email=f" {ada.email.upper()} ") == [ada.person_id]
    assert await ids(doors, operator, email=ada.email[1:]) == []
    assert await ids(doors, operator, email="per%on_") == []


async def test_people_are_found_by_words_of_their_name(doors: Doors, operator: Someone) -> None:
    surname = f"Łöwe{new_id().hex[-12:]}"
    ada = await doors.newcomer(name=f"Ada Maria {surname}")

    assert await ids(doors, operator, name=surname.lower()[:12]) == [ada.person_id]
    assert await ids(doors, operator, name=f"{surname} ad") == [ada.person_id]
    assert await ids(doors, operator, name=f"{surname} bob") == []


@pytest.mark.parametrize("name", ["'", "a & !", ":*", "\\", "O'Brien <->"])
async def test_what_a_name_is_searched_by_is_no_language(doors: Doors, operator: Someone, name: str) -> None:
    answer = await doors.client.get(PEOPLE, params={"name": name}, headers=operator.headers)

    assert answer.status_code in {200, 422}


async def test_people_are_found_by_id_organization_and_whether_they_are_suspended(
    doors: Doors, operator: Someone
) -> None:
    ada = await doors.newcomer()
    bob = await doors.member(ada, "learner")
    await act(doors, operator, bob.person_id, "suspend")
    here = {"organization_id": ada.organization_id}

    assert await ids(doors, operator, id=ada.person_id) == [ada.person_id]
    assert await ids(doors, operator, **here) == [ada.person_id, bob.person_id]
    assert await ids(doors, operator, **here, suspended=True) == [bob.person_id]
    assert await ids(doors, operator, **here, suspended=False) == [ada.person_id]


async def test_a_search_goes_on_where_the_page_ended(doors: Doors, operator: Someone) -> None:
    ada = await doors.newcomer()
    bob = await doors.member(ada, "learner")
    query: dict[str, Any] = {"organization_id": ada.organization_id, "limit": 1}

    first = (await doors.client.get(PEOPLE, params=query, headers=operator.headers)).json()
    second = await found(doors, operator, **query, after=first["next"])

    assert [person["id"] for person in [*first["items"], *second]] == [ada.person_id, bob.person_id]


async def test_a_person_is_shown_with_where_they_belong_and_how_they_come_in(doors: Doors, operator: Someone) -> None:
    ada = await doors.newcomer(name="Ada")

    told = await shown(doors, operator, ada.person_id)

    assert (told["email"], told["name"], told["operator"]) == (ada.email, "Ada", False)
    assert (told["suspended_at"], told["has_password"], told["second_factors"]) == (None, True, [])
    [membership], [session] = told["memberships"], told["sessions"]
    assert (membership["organization_id"], membership["suspended_at"]) == (ada.organization_id, None)
    assert (session["organization_id"], session["impersonated_by"]) == (ada.organization_id, None)
    assert told["last_logged_in_at"] == session["created_at"]


async def test_that_an_operator_looked_is_in_the_audit_log_and_not_for_whom_they_searched(
    doors: Doors, operator: Someone
) -> None:
    ada = await doors.newcomer()
    await ids(doors, operator, email=ada.email)
    await shown(doors, operator, ada.person_id)

    query = {"actor": operator.person_id, "action": "person"}
    answer = await doors.client.get("/api/v1/auth/audit", params=query, headers=operator.headers)

    looked, searched, _ = answer.json()["items"]
    assert (looked["action"], looked["subject_id"]) == ("person.read", ada.person_id)
    assert (searched["action"], searched["after"]) == ("person.search", {"by": ["email"]})
    assert ada.email not in answer.text


async def test_who_is_unknown_is_not_there(doors: Doors, operator: Someone) -> None:
    path = f"{PEOPLE}/{new_id()}"

    assert (await doors.client.get(path, headers=operator.headers)).status_code == 404
    for verb in ("suspend", "resume", "reset", "impersonations"):
        assert (await doors.client.post(f"{path}/{verb}", json=WHY, headers=operator.headers)).status_code == 404
    assert (await doors.client.delete(f"{path}/impersonations/{new_id()}", headers=operator.headers)).status_code == 404


async def test_a_suspended_person_is_refused_by_whatever_they_come(
    doors: Doors, operator: Someone, elsewhere: Elsewhere
) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)
    machine = (await doors.exchange(key["key"])).json()["access_token"]
    assert await elsewhere.takes(ada.access_token)
    assert await elsewhere.takes(machine)

    answer = await act(doors, operator, ada.person_id, "suspend")

    assert (answer.status_code, answer.json()["sessions"]) == (200, [])
    assert answer.json()["suspended_at"] is not None
    assert await is_refused(elsewhere, ada.access_token)
    assert await is_refused(elsewhere, machine)
    assert not await doors.opens(key["key"])
    assert (await doors.refresh(ada.refresh_token)).status_code == 401


async def test_only_who_knows_the_password_learns_of_the_suspension(doors: Doors, operator: Someone) -> None:
    ada = await doors.newcomer()
    await act(doors, operator, ada.person_id, "suspend")

    known, guessed = await doors.log_in(ada.email), await doors.log_in(ada.email, password="a guess")
    nobody = await doors.log_in(an_address(), password="a guess")

    assert (known.status_code, known.json()["type"]) == (403, "urn:stoa:problem:person-is-suspended")
    assert (guessed.status_code, guessed.json()["type"]) == (nobody.status_code, nobody.json()["type"])


async def test_who_is_resumed_logs_in_anew_and_keeps_keys(doors: Doors, operator: Someone, delivery: Delivery) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)
    await act(doors, operator, ada.person_id, "suspend")

    answer = await act(doors, operator, ada.person_id, "resume")

    assert (answer.status_code, answer.json()["suspended_at"]) == (200, None)
    assert (await doors.refresh(ada.refresh_token)).status_code == 401
    assert await doors.opens(key["key"])
    assert (await doors.enter(ada.email)).person_id == ada.person_id
    [suspended] = await delivery.recorded(UserSuspended, person_id=UUID(ada.person_id))
    [resumed] = await delivery.recorded(UserResumed, person_id=UUID(ada.person_id))
    assert suspended.suspended_at < resumed.resumed_at


async def test_suspending_or_resuming_twice_changes_nothing_more(
    doors: Doors, operator: Someone, delivery: Delivery
) -> None:
    ada = await doors.newcomer()

    answers = [await act(doors, operator, ada.person_id, verb) for verb in ("suspend", "suspend", "resume", "resume")]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert len(await delivery.recorded(UserSuspended, person_id=UUID(ada.person_id))) == 1
    assert len(await delivery.recorded(UserResumed, person_id=UUID(ada.person_id))) == 1


async def test_the_reason_is_in_the_audit_log_and_gone_with_the_person(doors: Doors, operator: Someone) -> None:
    ada = await doors.newcomer()
    await act(doors, operator, ada.person_id, "suspend")
    query = {"action": "person.suspend", "target": ada.person_id}

    async def reason() -> str | None:
        answer = await doors.client.get("/api/v1/auth/audit", params=query, headers=operator.headers)
        [record] = answer.json()["items"]
        told: str | None = record["after"]["reason"]
        return told

    assert await reason() == WHY["reason"]
    await act(doors, operator, ada.person_id, "resume")
    again = await doors.enter(ada.email)
    assert (await doors.client.delete("/api/v1/auth/me", headers=again.headers)).status_code == 204
    assert await reason() is None


async def test_an_operator_suspends_another_but_not_themselves(
    doors: Doors, operator: Someone, database: Database, resources: Resources
) -> None:
    other = await an_operator(doors, database, resources.get(Passwords))

    assert (await act(doors, operator, operator.person_id, "suspend")).status_code == 409
    assert (await act(doors, operator, operator.person_id, "reset")).status_code == 409
    assert (await act(doors, operator, other.person_id, "suspend")).status_code == 200
    # Their token still verifies here, where no revocations are known: the rule stands by itself.
    late = await act(doors, other, operator.person_id, "suspend")
    assert (late.status_code, late.json()["type"]) == (403, "urn:stoa:problem:operator-is-suspended")


async def test_a_reset_person_chooses_a_new_password_by_mail(doors: Doors, operator: Someone, postbox: Postbox) -> None:
    ada = await doors.newcomer()

    answer = await act(doors, operator, ada.person_id, "reset")

    assert (answer.status_code, answer.json()["has_password"], answer.json()["sessions"]) == (200, False, [])
    assert (await doors.refresh(ada.refresh_token)).status_code == 401
    assert (await doors.log_in(ada.email)).status_code == 401
    code = await postbox.code(ada.email, "reset-password")
    body = {"token": code, "password": "another horse entirely"}
    assert (await doors.client.post("/api/v1/auth/reset-password", json=body)).status_code == 204
    assert (await doors.log_in(ada.email, password="another horse entirely")).status_code == 200


async def test_a_reset_may_leave_the_password(doors: Doors, operator: Someone) -> None:
    ada = await doors.newcomer()

    answer = await act(doors, operator, ada.person_id, "reset", forget_password=False)

    assert (answer.json()["has_password"], answer.json()["sessions"]) == (True, [])
    assert (await doors.log_in(ada.email)).status_code == 200


async def test_a_reset_asks_for_step_up(doors: Doors, identities: Identities) -> None:
    ada = await doors.newcomer()
    long_ago = int(clock.now().timestamp()) - 3600
    token = identities.token(identities.principal("operator"), auth_time=long_ago)

    for verb in ("reset", "impersonations"):
        path = f"{PEOPLE}/{ada.person_id}/{verb}"
        answer = await doors.client.post(path, json=WHY, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
        assert 'error="insufficient_user_authentication"' in answer.headers["WWW-Authenticate"]


async def test_admins_find_their_own_members_alone(doors: Doors) -> None:
    ada, stranger = await doors.newcomer(), await doors.newcomer()
    bob = await doors.member(ada, "learner")

    everybody = await found(doors, ada, MEMBERS)
    by_address = await found(doors, ada, MEMBERS, email=bob.email)

    assert [member["person_id"] for member in everybody] == [ada.person_id, bob.person_id]
    assert [(member["person_id"], member["roles"]) for member in by_address] == [(bob.person_id, ["learner"])]
    assert await found(doors, ada, MEMBERS, email=stranger.email) == []
    assert (await doors.client.get(f"{MEMBERS}/{stranger.person_id}", headers=ada.headers)).status_code == 404
    assert (await doors.client.get(MEMBERS, headers=bob.headers)).status_code == 403


async def test_admins_find_whose_membership_is_suspended(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    bob = await doors.member(ada, "learner")
    async with database.transaction() as session:
        membership = await session.get_one(Membership, (UUID(bob.organization_id), UUID(bob.person_id)))
        membership.suspended_at = clock.now()

    suspended, others = [await found(doors, ada, MEMBERS, suspended=asked) for asked in (True, False)]

    assert [member["person_id"] for member in suspended] == [bob.person_id]
    assert [member["person_id"] for member in others] == [ada.person_id]


async def test_an_admin_sees_a_members_sessions_for_this_organization_alone(doors: Doors, database: Database) -> None:
    ada, eve = await doors.newcomer(), await doors.newcomer()
    await _join(database, eve, ada)
    there = await doors.enter(eve.email, organization_id=ada.organization_id)

    told = await shown(doors, ada, eve.person_id, MEMBERS)

    assert [session["organization_id"] for session in told["sessions"]] == [ada.organization_id]
    assert told["last_logged_in_at"] == told["sessions"][0]["created_at"]
    assert there.person_id == told["person_id"]


async def test_an_admin_logs_a_member_out_of_their_organization_alone(
    doors: Doors, database: Database, elsewhere: Elsewhere
) -> None:
    ada, eve = await doors.newcomer(), await doors.newcomer()
    await _join(database, eve, ada)
    there = await doors.enter(eve.email, organization_id=ada.organization_id)

    answer = await doors.client.delete(f"{MEMBERS}/{eve.person_id}/sessions", headers=ada.headers)

    assert answer.status_code == 204
    assert await is_refused(elsewhere, there.access_token)
    assert (await doors.refresh(there.refresh_token)).status_code == 401
    assert await elsewhere.takes(eve.access_token)
    assert (await doors.refresh(eve.refresh_token)).status_code == 200


async def _join(database: Database, someone: Someone, admin: Someone) -> None:
    """As somebody who has an account is brought in."""
    assert admin.organization_id is not None
    async with database.transaction() as session:
        place = {"organization_id": UUID(admin.organization_id), "person_id": UUID(someone.person_id)}
        session.add(Membership(**place, roles=["learner"], joined_at=clock.now()))


async def test_what_is_for_operators_is_refused_to_admins(doors: Doors) -> None:
    ada = await doors.newcomer()
    bob = await doors.member(ada, "learner")

    assert (await doors.client.get(PEOPLE, headers=ada.headers)).status_code == 403
    for verb in ("suspend", "resume", "reset", "impersonations"):
        assert (await act(doors, ada, bob.person_id, verb)).status_code == 403
