"""Impersonation: for minutes, in the open, and never for what would outlast it."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from joserfc import jws
from sqlalchemy import update

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.administration import domain
from stoa_auth.database import LoginSession
from stoa_common import clock
from stoa_common.database import Database
from stoa_common.permissions import PERMISSIONS
from stoa_common.resources import Resources
from stoa_common.testing import Delivery
from stoa_events.contracts import UserImpersonated, UserLoggedIn

from .conftest import Doors, Someone
from .operators import an_operator
from .postbox import Postbox
from .test_revoking import Elsewhere, elsewhere, is_refused

__all__ = ["elsewhere"]
PEOPLE = "/api/v1/auth/administration/people"
SESSIONS = "/api/v1/auth/sessions"


@pytest_asyncio.fixture(loop_scope="session")
async def operator(doors: Doors, database: Database, resources: Resources) -> Someone:
    return await an_operator(doors, database, resources.get(Passwords))


async def asked(doors: Doors, operator: Someone, person: Someone, **fields: Any) -> httpx2.Response:
    path = f"{PEOPLE}/{person.person_id}/impersonations"
    return await doors.client.post(path, json={"reason": "Ticket 4711", **fields}, headers=operator.headers)


@pytest.fixture
def impersonate(doors: Doors, operator: Someone) -> Any:
    async def begin(person: Someone, **fields: Any) -> dict[str, Any]:
        answer = await asked(doors, operator, person, **fields)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    return begin


def headers(told: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {told['access_token']}"}


def claims(told: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(jws.extract_compact(told["access_token"].encode()).payload)
    return said


async def test_an_operator_sees_what_the_person_sees(doors: Doors, impersonate: Any, operator: Someone) -> None:
    ada = await doors.newcomer()

    told = await impersonate(ada)

    assert (told["person_id"], told["organization_id"]) == (ada.person_id, ada.organization_id)
    me = await doors.client.get("/api/v1/auth/me", headers=headers(told))
    assert me.json()["id"] == ada.person_id
    said = claims(told)
    assert (said["sub"], said["act"], said["amr"]) == (ada.person_id, {"sub": operator.person_id}, ["imp"])


async def test_the_person_is_told_by_mail_by_an_event_and_in_their_sessions(
    doors: Doors, impersonate: Any, postbox: Postbox, delivery: Delivery, operator: Someone
) -> None:
    ada = await doors.newcomer()

    told = await impersonate(ada, minutes=20)

    _, session = (await doors.client.get(SESSIONS, headers=ada.headers)).json()["items"]
    assert (session["id"], session["impersonated_by"]) == (told["session_id"], "operator")
    assert session["ends_at"] == told["ends_at"]
    assert "impersonated" in [letter.kind for letter in await postbox.letters(ada.email)]
    [event] = await delivery.recorded(UserImpersonated, person_id=UUID(ada.person_id))
    assert (str(event.session_id), event.impersonated_by) == (told["session_id"], "operator")
    assert event.ends_at - event.started_at <= timedelta(minutes=20)
    assert operator.person_id not in event.model_dump_json()


async def test_to_be_impersonated_is_not_to_log_in(doors: Doors, impersonate: Any, delivery: Delivery) -> None:
    ada = await doors.newcomer()

    told = await impersonate(ada)

    logged_in = await delivery.recorded(UserLoggedIn, person_id=UUID(ada.person_id))
    assert told["session_id"] not in [str(event.session_id) for event in logged_in]


async def test_it_lasts_an_hour_at_most(doors: Doors, operator: Someone) -> None:
    ada = await doors.newcomer()

    assert (await asked(doors, operator, ada, minutes=61)).status_code == 422
    assert (await asked(doors, operator, ada, minutes=0)).status_code == 422


async def test_no_token_lasts_longer_and_nothing_is_refreshed_afterwards(
    doors: Doors, impersonate: Any, database: Database
) -> None:
    ada = await doors.newcomer()
    told = await impersonate(ada, minutes=1)
    assert told["expires_in"] <= 60
    renewed = (await doors.refresh(told["refresh_token"])).json()
    assert claims(renewed)["exp"] <= claims(told)["exp"]
    assert "act" in claims(renewed)

    async with database.transaction() as session:
        over = update(LoginSession).where(LoginSession.id == UUID(told["session_id"]))
        await session.execute(over.values(ends_at=clock.now()))

    assert (await doors.refresh(renewed["refresh_token"])).status_code == 401
    listed = (await doors.client.get(SESSIONS, headers=ada.headers)).json()["items"]
    assert told["session_id"] not in [session["id"] for session in listed]


async def test_what_would_outlast_it_is_refused(doors: Doors, impersonate: Any) -> None:
    ada = await doors.newcomer()
    told = await impersonate(ada)
    key = {"name": "A back door", "scopes": ["course:read"]}
    invitation = {"roles": ["admin"]}
    members = f"/api/v1/auth/organizations/{ada.organization_id}/invitations"

    answers = [
        await doors.client.request(method, path, json=body, headers=headers(told))
        for method, path, body in (
            ("POST", "/api/v1/auth/api-keys", key),
            ("POST", members, invitation),
            ("DELETE", "/api/v1/auth/me", None),
            ("DELETE", SESSIONS, None),
        )
    ]

    assert [answer.status_code for answer in answers] == [403] * 4


def test_to_change_is_lent_for_learning_and_courses_alone() -> None:
    lent = domain.lent(PERMISSIONS)

    changed = {permission.split(":")[0] for permission in lent if permission.split(":")[1] != "read"}
    assert changed <= domain.CHANGEABLE
    assert "account:read:own" in lent
    assert not {"account:write:own", "api-key:write:own", "member:write", "platform:write"}.intersection(lent)


async def test_operators_and_oneself_are_never_impersonated(
    doors: Doors, operator: Someone, database: Database, resources: Resources
) -> None:
    other = await an_operator(doors, database, resources.get(Passwords))

    assert (await asked(doors, operator, other)).status_code == 403
    assert (await asked(doors, operator, operator)).status_code == 409


async def test_it_is_for_an_organization_of_the_person(doors: Doors, operator: Someone) -> None:
    ada, stranger = await doors.newcomer(), await doors.newcomer()

    answer = await asked(doors, operator, ada, organization_id=stranger.organization_id)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "organization_id"


async def test_who_is_suspended_is_not_impersonated(doors: Doors, operator: Someone) -> None:
    ada = await doors.newcomer()
    path = f"{PEOPLE}/{ada.person_id}/suspend"
    await doors.client.post(path, json={"reason": "Ticket 4711"}, headers=operator.headers)

    assert (await asked(doors, operator, ada)).status_code == 403


@pytest.mark.parametrize("who", ["person", "operator"])
async def test_either_side_ends_it(
    doors: Doors, impersonate: Any, operator: Someone, elsewhere: Elsewhere, who: str
) -> None:
    ada = await doors.newcomer()
    told = await impersonate(ada)
    assert await elsewhere.takes(told["access_token"])
    paths = {
        "person": (f"{SESSIONS}/{told['session_id']}", ada.headers),
        "operator": (f"{PEOPLE}/{ada.person_id}/impersonations/{told['session_id']}", operator.headers),
    }
    path, by = paths[who]

    assert (await doors.client.delete(path, headers=by)).status_code == 204

    assert await is_refused(elsewhere, told["access_token"])
    assert (await doors.refresh(told["refresh_token"])).status_code == 401
    assert (await doors.client.delete(path, headers=by)).status_code == 404
    assert (await doors.refresh(ada.refresh_token)).status_code == 200


async def test_a_session_of_the_persons_own_is_not_ended_as_an_impersonation(doors: Doors, operator: Someone) -> None:
    ada = await doors.newcomer()
    [session] = (await doors.client.get(SESSIONS, headers=ada.headers)).json()["items"]

    path = f"{PEOPLE}/{ada.person_id}/impersonations/{session['id']}"

    assert (await doors.client.delete(path, headers=operator.headers)).status_code == 404
    assert (await doors.refresh(ada.refresh_token)).status_code == 200


async def test_the_organizations_log_names_both(doors: Doors, impersonate: Any, operator: Someone) -> None:
    ada = await doors.newcomer()

    told = await impersonate(ada)

    query = {"action": "person.impersonate"}
    [record] = (await doors.client.get("/api/v1/auth/audit", params=query, headers=ada.headers)).json()["items"]
    assert (record["person_id"], record["subject_id"]) == (operator.person_id, ada.person_id)
    assert (record["target"], record["after"]["reason"]) == (told["session_id"], "Ticket 4711")


async def test_what_is_done_meanwhile_is_noted_under_the_operator_on_behalf_of_the_person(
    doors: Doors, impersonate: Any, operator: Someone
) -> None:
    ada = await doors.newcomer()
    told = await impersonate(ada)

    export = await doors.client.get("/api/v1/auth/audit/export", headers=headers(told))

    assert export.status_code == 200
    query = {"action": "audit.export"}
    [record] = (await doors.client.get("/api/v1/auth/audit", params=query, headers=ada.headers)).json()["items"]
    assert (record["person_id"], record["on_behalf_of"]) == (operator.person_id, ada.person_id)
    assert (await doors.client.get("/api/v1/auth/audit/verification", headers=ada.headers)).json()["holds"]
