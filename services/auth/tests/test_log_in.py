"""Logging in and out."""

from uuid import UUID

import pytest

from stoa_common.ids import new_id
from stoa_common.testing import Delivery
from stoa_events.contracts.auth import UserLoggedIn

from .conftest import Doors, an_address


async def test_a_session_is_answered_with_tokens(doors: Doors, delivery: Delivery) -> None:
    email = an_address()
    await doors.register(email)

    answer = await doors.log_in(email)

    tokens = answer.json()
    assert answer.status_code == 200
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
    assert answer.headers["cache-control"] == "no-store"
    [logged_in] = [e for e in await delivery.recorded(UserLoggedIn) if str(e.person_id) == tokens["person_id"]]
    assert isinstance(logged_in.session_id, UUID)


async def test_an_unknown_address_and_a_wrong_password_are_told_alike(doors: Doors) -> None:
    ada = await doors.newcomer()

    wrong = await doors.log_in(ada.email, password="a wrong password")
    unknown = await doors.log_in(an_address())

    without_id = [{k: v for k, v in answer.json().items() if k != "instance"} for answer in (wrong, unknown)]
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert without_id[0] == without_id[1]


@pytest.mark.parametrize("email", ["ada", "ada@exa\u0000mple.org"])
async def test_what_is_no_address_is_refused_before_anything_is_looked_up(doors: Doors, email: str) -> None:
    assert (await doors.log_in(email)).status_code == 422


async def test_a_person_chooses_for_which_organization_they_act(doors: Doors) -> None:
    ada = await doors.newcomer()

    assert (await doors.enter(ada.email, organization_id=ada.organization_id)).organization_id == ada.organization_id
    assert (await doors.log_in(ada.email, organization_id=str(new_id()))).status_code == 404


async def test_logging_out_ends_the_session(doors: Doors) -> None:
    ada = await doors.newcomer()
    elsewhere = await doors.enter(ada.email)

    answer = await doors.client.post("/api/v1/auth/logout", headers=ada.headers)

    assert answer.status_code == 204
    assert (await doors.refresh(ada.refresh_token)).status_code == 401
    assert (await doors.refresh(elsewhere.refresh_token)).status_code == 200


async def test_without_a_token_nobody_is_known(doors: Doors) -> None:
    for method, path in [("GET", "/me"), ("DELETE", "/me"), ("POST", "/logout"), ("GET", "/organizations")]:
        answer = await doors.client.request(method, f"/api/v1/auth{path}")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
