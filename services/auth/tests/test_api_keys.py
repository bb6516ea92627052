"""API keys over HTTP: who makes, sees and changes which."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from stoa_auth.database import ApiKey, ApiKeySecret
from stoa_common import api_keys
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.testing import Identities

from .conftest import SCOPES, Doors, Someone

BASE = "/api/v1/auth/api-keys"


async def listed(doors: Doors, someone: Someone, **query: Any) -> list[str]:
    answer = await doors.client.get(BASE, params=query, headers=someone.headers)
    assert answer.status_code == 200, answer.text
    return [key["id"] for key in answer.json()["items"]]


async def test_the_text_of_a_key_is_shown_once(doors: Doors) -> None:
    ada = await doors.newcomer()

    key = await doors.make_key(ada)
    again = await doors.client.get(f"{BASE}/{key['id']}", headers=ada.headers)

    assert api_keys.find_prefix(key["key"]) == key["prefix"]
    assert again.json() == {name: value for name, value in key.items() if name != "key"}
    assert key["key"] not in again.text
    assert (key["person_id"], key["scopes"]) == (ada.person_id, sorted(SCOPES))


async def test_the_database_holds_no_text_of_a_key(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)
    newer = (await doors.rotate_key(ada, key)).json()

    async with database.transaction() as session:
        tables = (await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).all()
        for table in tables:
            query = text(f'SELECT count(*) FROM "{table}" AS t WHERE t::text LIKE :wanted')
            for secret in (key["key"], newer["key"]):
                assert await session.scalar(query, {"wanted": f"%{secret.rsplit('_', 1)[1]}%"}) == 0, table


async def test_no_key_is_logged(doors: Doors, capfd: pytest.CaptureFixture[str]) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)
    newer = (await doors.rotate_key(ada, key)).json()
    for shown in (key["key"], newer["key"], key["key"][:-1]):
        await doors.opens(shown)

    written = "".join(capfd.readouterr())

    for secret in (key["key"], newer["key"]):
        assert secret.rsplit("_", 1)[1][:20] not in written


async def test_a_key_lasts_ninety_days_unless_told_otherwise(doors: Doors) -> None:
    ada = await doors.newcomer()

    usual, lasting = await doors.make_key(ada), await doors.make_key(ada, expires_in_days=None)

    assert usual["expires_at"] is not None
    assert lasting["expires_at"] is None


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "\x00"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["course:write"]}, "scopes.0"),
        ({"scopes": ["course:read", "platform:read"]}, "scopes.1"),
        ({"scopes": ["\x00"]}, "scopes.0"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 1e30}, "expires_in_days"),
        ({"person_id": str(new_id())}, "person_id"),
    ],
)
async def test_what_makes_no_key_is_told_so(doors: Doors, fields: dict[str, Any], wrong: str) -> None:
    learner = await doors.member(await doors.newcomer(), "learner")
    body = {"name": "Nightly import", "scopes": SCOPES, **fields}

    answer = await doors.client.post(BASE, json=body, headers=learner.headers)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [wrong]


async def test_a_key_makes_no_keys(doors: Doors) -> None:
    admin = await doors.newcomer()

    for scope in ("api-key:write", "api-key:write:own", "account:write:own"):
        body = {"name": "More keys", "scopes": [scope]}
        answer = await doors.client.post(BASE, json=body, headers=admin.headers)

        assert answer.status_code == 422, scope


async def test_members_see_their_own_keys_and_admins_everybodys(doors: Doors) -> None:
    admin = await doors.newcomer()
    author, learner = await doors.member(admin, "author"), await doors.member(admin, "learner")
    stranger = await doors.newcomer()
    keys = {who.person_id: (await doors.make_key(who))["id"] for who in (admin, author, learner, stranger)}

    assert await listed(doors, author) == [keys[author.person_id]]
    assert await listed(doors, learner) == [keys[learner.person_id]]
    assert await listed(doors, stranger) == [keys[stranger.person_id]]
    assert await listed(doors, admin) == [keys[who.person_id] for who in (admin, author, learner)]
    assert await listed(doors, admin, person_id=learner.person_id) == [keys[learner.person_id]]
    assert await listed(doors, learner, person_id=admin.person_id) == []


async def test_the_list_comes_in_pages(doors: Doors) -> None:
    ada = await doors.newcomer()
    keys = [(await doors.make_key(ada))["id"] for _ in range(3)]

    first = (await doors.client.get(BASE, params={"limit": 2}, headers=ada.headers)).json()

    assert [key["id"] for key in first["items"]] == keys[:2]
    assert await listed(doors, ada, after=first["next"]) == keys[2:]


#: Route by who asks: their own key, a member's of the same organization, another organization's.
MATRIX = [
    ("GET", "", None, {"learner": (200, 404, 404), "author": (200, 404, 404), "admin": (200, 200, 404)}),
    ("PATCH", "", {"name": "New"}, {"learner": (200, 404, 404), "author": (200, 404, 404), "admin": (200, 200, 404)}),
    ("POST", "/rotate", {}, {"learner": (200, 404, 404), "author": (200, 404, 404), "admin": (200, 403, 404)}),
    ("DELETE", "", None, {"learner": (204, 404, 404), "author": (204, 404, 404), "admin": (204, 204, 404)}),
]


@pytest.mark.parametrize("role", ["learner", "author", "admin"])
@pytest.mark.parametrize(("method", "path", "body", "wanted"), MATRIX)
async def test_each_role_reaches_only_what_it_may(
    doors: Doors, method: str, path: str, body: dict[str, Any] | None, wanted: dict[str, tuple[int, ...]], role: str
) -> None:
    founder, stranger = await doors.newcomer(), await doors.newcomer()
    someone, other = await doors.member(founder, role), await doors.member(founder, "learner")

    answers = []
    for owner in (someone, other, stranger):
        key = await doors.make_key(owner)
        sent = {"prefix": key["prefix"]} if path else body
        answer = await doors.client.request(method, f"{BASE}/{key['id']}{path}", json=sent, headers=someone.headers)
        answers.append(answer.status_code)

    assert tuple(answers) == wanted[role]


async def test_an_operator_has_no_keys(doors: Doors, identities: Identities) -> None:
    operator = identities.headers(identities.principal("operator"))
    body = {"name": "All of it", "scopes": ["platform:read"]}

    answers = [
        await doors.client.post(BASE, json=body, headers=operator),
        await doors.client.get(BASE, headers=operator),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]


async def test_a_key_gets_another_name(doors: Doors) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)

    answer = await doors.client.patch(f"{BASE}/{key['id']}", json={"name": "Import"}, headers=ada.headers)

    assert (answer.json()["name"], answer.json()["prefix"]) == ("Import", key["prefix"])


async def test_the_number_of_keys_has_an_end_also_for_many_at_once(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stoa_auth.api_keys.domain.MOST_KEYS", 3)
    ada = await doors.newcomer()
    body = {"name": "One more", "scopes": SCOPES}

    answers = await asyncio.gather(*(doors.client.post(BASE, json=body, headers=ada.headers) for _ in range(8)))

    assert Counter(answer.status_code for answer in answers) == {201: 3, 409: 5}
    [first, *_] = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    await doors.client.delete(f"{BASE}/{first}", headers=ada.headers)
    assert (await doors.client.post(BASE, json=body, headers=ada.headers)).status_code == 201


async def test_a_forgotten_person_leaves_no_key_behind(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    key = await doors.make_key(ada)

    await doors.client.delete("/api/v1/auth/me", headers=ada.headers)

    assert not await doors.opens(key["key"])
    async with database.transaction() as session:
        assert await session.scalar(select(ApiKey.id).where(ApiKey.id == UUID(key["id"]))) is None
        assert await session.get(ApiKeySecret, key["prefix"]) is None
