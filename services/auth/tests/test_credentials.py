"""Passwords: changed, forgotten, set anew."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import update

from stoa_auth.database import MailToken
from stoa_common.database import Database
from stoa_common.testing import Delivery
from stoa_events.contracts.auth import PasswordChanged

from .conftest import PASSWORD, Doors, Someone, an_address
from .postbox import Postbox

NEW = "seven purple otters"


async def change(doors: Doors, someone: Someone, **fields: Any) -> httpx2.Response:
    body = {"current_password": PASSWORD, "password": NEW, **fields}
    return await doors.client.put("/api/v1/auth/me/password", json=body, headers=someone.headers)


async def forget(doors: Doors, email: str) -> httpx2.Response:
    return await doors.client.post("/api/v1/auth/forgot-password", json={"email": email})


async def reset(doors: Doors, token: str, password: str = NEW) -> httpx2.Response:
    return await doors.client.post("/api/v1/auth/reset-password", json={"token": token, "password": password})


async def test_a_changed_password_is_the_only_one_that_counts(
    doors: Doors, postbox: Postbox, delivery: Delivery
) -> None:
    ada = await doors.newcomer()

    answer = await change(doors, ada)

    assert answer.status_code == 204
    assert (await doors.log_in(ada.email)).status_code == 401
    assert (await doors.log_in(ada.email, password=NEW)).status_code == 200
    assert len(await delivery.recorded(PasswordChanged, person_id=UUID(ada.person_id))) == 1
    *_, newest = await postbox.letters(ada.email)
    assert newest.kind == "password-changed"


async def test_changing_it_ends_every_other_session(doors: Doors) -> None:
    ada = await doors.newcomer()
    elsewhere = await doors.enter(ada.email)

    await change(doors, ada)

    assert (await doors.refresh(elsewhere.refresh_token)).status_code == 401
    assert (await doors.refresh(ada.refresh_token)).status_code == 200


async def test_changing_it_needs_the_old_one(doors: Doors) -> None:
    ada = await doors.newcomer()

    answer = await change(doors, ada, current_password="a wrong password")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "current_password"
    assert (await doors.log_in(ada.email)).status_code == 200


@pytest.mark.parametrize("password", ["password12345", "analytical engines", "lovelace1815", "qwertyuiop[]"])
async def test_a_guessable_password_is_refused_with_what_to_mend(doors: Doors, password: str) -> None:
    email = an_address()
    who = {"name": "Ada Lovelace", "organization_name": "Analytical Engines"}

    answer = await doors.register(email, password=password, **who)

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:stoa:problem:password-is-guessable"
    [error] = answer.json()["errors"]
    assert error["field"] == "password"
    assert "word" in error["message"]
    assert password not in answer.text
    assert (await doors.log_in(email, password=password)).status_code == 401


async def test_ones_own_words_make_a_password_guessable_at_each_door(doors: Doors, postbox: Postbox) -> None:
    ada = await doors.newcomer(name="Wolfeschlegelstein", organization_name="Zoolandskaya")
    await forget(doors, ada.email)
    code = await postbox.code(ada.email, "reset-password")

    answers = [
        await change(doors, ada, password="wolfeschlegelstein"),
        await change(doors, ada, password="zoolandskaya1"),
        await reset(doors, code, "wolfeschlegelstein"),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert (await reset(doors, code)).status_code == 204


async def test_a_forgotten_password_is_set_anew_with_the_code_from_the_mail(doors: Doors, postbox: Postbox) -> None:
    ada = await doors.newcomer()
    elsewhere = await doors.enter(ada.email)
    await forget(doors, ada.email)
    code = await postbox.code(ada.email, "reset-password")

    answer = await reset(doors, code)

    assert answer.status_code == 204
    assert (await doors.log_in(ada.email)).status_code == 401
    for someone in (ada, elsewhere):
        assert (await doors.refresh(someone.refresh_token)).status_code == 401
    again = (await doors.log_in(ada.email, password=NEW)).json()
    headers = {"Authorization": f"Bearer {again['access_token']}"}
    assert (await doors.client.get("/api/v1/auth/me", headers=headers)).json()["email_verified"] is True


async def test_of_parallel_uses_of_one_code_one_succeeds(doors: Doors, postbox: Postbox) -> None:
    ada = await doors.newcomer()
    await forget(doors, ada.email)
    code = await postbox.code(ada.email, "reset-password")

    answers = await asyncio.gather(*(reset(doors, code, f"{NEW} {number}") for number in range(5)))

    assert Counter(answer.status_code for answer in answers) == {204: 1, 422: 4}


async def test_only_the_newest_code_sets_a_new_password(doors: Doors, postbox: Postbox) -> None:
    ada = await doors.newcomer()
    await forget(doors, ada.email)
    older = await postbox.code(ada.email, "reset-password")
    await forget(doors, ada.email)
    newer = await postbox.code(ada.email, "reset-password")

    answers = [await reset(doors, code) for code in (older, newer, newer)]

    assert [answer.status_code for answer in answers] == [422, 204, 422]


async def test_a_code_for_a_new_password_is_good_for_half_an_hour(
    doors: Doors, postbox: Postbox, database: Database
) -> None:
    ada = await doors.newcomer()
    await forget(doors, ada.email)
    code = await postbox.code(ada.email, "reset-password")
    async with database.transaction() as session:
        mine = (MailToken.person_id == UUID(ada.person_id), MailToken.purpose == "reset-password")
        earlier = MailToken.expires_at - timedelta(minutes=30)
        await session.execute(update(MailToken).where(*mine).values(expires_at=earlier))

    assert (await reset(doors, code)).status_code == 422
    assert (await doors.log_in(ada.email)).status_code == 200


async def test_a_code_that_verifies_resets_nothing(doors: Doors, postbox: Postbox) -> None:
    ada = await doors.newcomer()

    assert (await reset(doors, await postbox.code(ada.email, "verify-email"))).status_code == 422


async def test_forgetting_tells_nobody_which_addresses_exist(doors: Doors, postbox: Postbox) -> None:
    ada, nobody = await doors.newcomer(), an_address()

    known, unknown = await forget(doors, ada.email), await forget(doors, nobody)

    assert (known.status_code, known.json()) == (202, unknown.json())
    assert await postbox.letters(nobody) == []


async def test_a_kept_answer_never_holds_what_a_password_hashes_to(doors: Doors) -> None:
    ada = await doors.newcomer()
    path, body = "/api/v1/auth/me/password", {"current_password": PASSWORD, "password": NEW}
    headers = {**ada.headers, "Idempotency-Key": "the-same"}

    answers = [await doors.client.put(path, json=body, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 422]
