"""Seeing where one is logged in, and logging out: here, there, everywhere."""

from uuid import UUID

import pytest
from sqlalchemy import select

from stoa_auth.database import LoginSession
from stoa_auth.sessions import devices
from stoa_common import privacy
from stoa_common.database import Database

from .conftest import PASSWORD, Doors, Someone

SESSIONS = "/api/v1/auth/sessions"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def sessions_of(doors: Doors, someone: Someone) -> list[dict[str, object]]:
    answer = await doors.client.get(SESSIONS, headers=someone.headers)
    assert answer.status_code == 200
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def test_each_log_in_is_listed_with_its_device_and_ones_own_is_marked(doors: Doors) -> None:
    ada = await doors.newcomer()
    body = {"email": ada.email, "password": PASSWORD}
    await doors.client.post("/api/v1/auth/login", json=body, headers={"User-Agent": FIREFOX})

    first, second = await sessions_of(doors, ada)

    assert (first["current"], second["current"]) == (True, False)
    assert second["device"] == "Firefox on Linux"
    assert first["organization_id"] == ada.organization_id
    assert str(first["created_at"]) < str(second["created_at"])


async def test_a_refresh_counts_as_a_use(doors: Doors) -> None:
    ada = await doors.newcomer()
    [before] = await sessions_of(doors, ada)

    await doors.refresh(ada.refresh_token)

    [after] = await sessions_of(doors, ada)
    assert before["last_used_at"] == before["created_at"]
    assert str(after["last_used_at"]) > str(before["last_used_at"])


async def test_one_session_is_ended_and_the_others_go_on(doors: Doors) -> None:
    here = await doors.newcomer()
    there = await doors.enter(here.email)
    [_, other] = await sessions_of(doors, here)

    answer = await doors.client.delete(f"{SESSIONS}/{other['id']}", headers=here.headers)

    assert answer.status_code == 204
    assert (await doors.refresh(there.refresh_token)).status_code == 401
    assert (await doors.refresh(here.refresh_token)).status_code == 200
    assert [one["id"] for one in await sessions_of(doors, here)] != [other["id"]]


async def test_an_ended_session_is_ended_once(doors: Doors) -> None:
    here = await doors.newcomer()
    await doors.enter(here.email)
    [_, other] = await sessions_of(doors, here)

    answers = [await doors.client.delete(f"{SESSIONS}/{other['id']}", headers=here.headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 404]


async def test_nobody_ends_or_sees_anothers_session(doors: Doors) -> None:
    ada, eve = await doors.newcomer(), await doors.newcomer()
    [adas] = await sessions_of(doors, ada)

    answer = await doors.client.delete(f"{SESSIONS}/{adas['id']}", headers=eve.headers)

    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:stoa:problem:session-is-unknown"
    assert adas["id"] not in [one["id"] for one in await sessions_of(doors, eve)]
    assert (await doors.refresh(ada.refresh_token)).status_code == 200


async def test_logging_out_everywhere_ends_every_session_and_only_ones_own(doors: Doors) -> None:
    here, bystander = await doors.newcomer(), await doors.newcomer()
    there = await doors.enter(here.email)

    answer = await doors.client.delete(SESSIONS, headers=here.headers)

    assert answer.status_code == 204
    assert [(await doors.refresh(one.refresh_token)).status_code for one in (here, there)] == [401, 401]
    assert (await doors.refresh(bystander.refresh_token)).status_code == 200
    assert len(await sessions_of(doors, await doors.enter(here.email))) == 1


async def test_a_log_out_ends_the_session_that_the_token_came_from(doors: Doors) -> None:
    here = await doors.newcomer()
    there = await doors.enter(here.email)

    await doors.client.post("/api/v1/auth/logout", headers=here.headers)

    assert [one["current"] for one in await sessions_of(doors, there)] == [True]


async def test_an_export_tells_a_persons_sessions_and_erasure_forgets_them(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    person = UUID(ada.person_id)

    async with database.transaction() as session:
        exported = await privacy.registry.export(session, person)
    await doors.client.delete("/api/v1/auth/me", headers=ada.headers)

    assert [row["person_id"] for row in exported["sessions"]] == [person]
    assert "device" in exported["sessions"][0]
    async with database.transaction() as session:
        assert await session.scalar(select(LoginSession.id).where(LoginSession.person_id == person)) is None


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 "
            "Safari/537.36 Edg/143.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/19.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 "
            "Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("stoa-mobile/3.2 (build 7)", "stoa-mobile"),
        ("python-httpx/0.28.1", "python-httpx"),
        ("<script>alert(1)</script>", None),
        ("x" * 5000, "x" * 60),
        ("", None),
        (None, None),
    ],
)
def test_a_device_is_what_a_person_recognizes(user_agent: str | None, device: str | None) -> None:
    assert devices.device(user_agent) == device
