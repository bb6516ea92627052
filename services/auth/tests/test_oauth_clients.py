"""Clients: registered by who may, shown without their secret, rotated, narrowed, deleted."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from stoa_auth.database import AuditRecord, OAuthClient
from stoa_common import revocations
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.testing.identities import Identities

from .conftest import Doors
from .oauth_world import AUTH, CALLBACK, App, at_a_browser, claims_of, code_of, is_revoked, register, register_machine

CLIENTS = f"{AUTH}/clients"


async def test_a_secret_is_shown_once_and_kept_as_a_hash(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()

    app = await register(doors.client, ada.headers)

    again = await doors.client.get(f"{CLIENTS}/{app.id}", headers=ada.headers)
    assert app.secret is not None
    assert app.secret not in again.text
    async with database.transaction() as session:
        [row] = await session.scalars(select(OAuthClient).where(OAuthClient.name == "Course reports").limit(1))
    assert app.secret.encode() not in (row.secret_hash or b"")
    assert again.json()["organization_id"] == ada.organization_id


async def test_a_public_client_has_no_secret(doors: Doors) -> None:
    ada = await doors.newcomer()

    app = await register(doors.client, ada.headers, confidential=False)

    assert app.secret is None
    refused = await doors.client.post(f"{CLIENTS}/{app.id}/rotate", json={}, headers=ada.headers)
    assert refused.status_code == 409


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"redirect_uris": ["http://app.example.com/"]}, "redirect_uris"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"scopes": ["platform:read"]}, "scopes"),
        ({"scopes": ["account:write:own"]}, "scopes"),
        ({"scopes": ["no:such"]}, "scopes"),
        ({"grants": ["password"]}, "grants.0"),
        ({"id_token_algorithm": "none"}, "id_token_algorithm"),
        ({"confidential": False, "grants": ["authorization_code", "client_credentials"]}, "grants"),
    ],
)
async def test_what_a_client_can_not_be_is_told(doors: Doors, changed: dict[str, Any], field: str) -> None:
    ada = await doors.newcomer()
    body = {"name": "Odd", "redirect_uris": [CALLBACK], "scopes": ["openid"], **changed}

    answer = await doors.client.post(CLIENTS, json=body, headers=ada.headers)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_members_without_the_permission_and_strangers_have_no_clients(doors: Doors) -> None:
    admin, stranger = await doors.newcomer(), await doors.newcomer()
    author = await doors.member(admin, "author")
    path = f"{CLIENTS}/{(await register(doors.client, admin.headers)).id}"

    by_author = [
        await doors.client.get(CLIENTS, headers=author.headers),
        await doors.client.get(path, headers=author.headers),
        await doors.client.delete(path, headers=author.headers),
    ]
    by_stranger = [
        await doors.client.get(path, headers=stranger.headers),
        await doors.client.patch(path, json={"name": "Mine"}, headers=stranger.headers),
        await doors.client.post(f"{path}/rotate", json={}, headers=stranger.headers),
        await doors.client.delete(path, headers=stranger.headers),
    ]

    assert [answer.status_code for answer in by_author] == [403, 403, 403]
    assert [answer.status_code for answer in by_stranger] == [404, 404, 404, 404]
    listed = await doors.client.get(CLIENTS, headers=stranger.headers)
    assert listed.json()["items"] == []


async def test_operators_have_the_platforms_clients_alone(doors: Doors, identities: Identities) -> None:
    ada, operator = await doors.newcomer(), identities.headers(identities.principal("operator"))
    theirs = await register(doors.client, ada.headers)

    app = await register(doors.client, operator, scopes=["openid", "course:write"])

    shown = await doors.client.get(f"{CLIENTS}/{app.id}", headers=operator)
    assert shown.json()["organization_id"] is None
    assert (await doors.client.get(f"{CLIENTS}/{theirs.id}", headers=operator)).status_code == 404
    assert (await doors.client.get(f"{CLIENTS}/{app.id}", headers=ada.headers)).status_code == 404


async def test_an_api_key_makes_no_clients(doors: Doors) -> None:
    ada = await doors.newcomer()
    body = {"name": "A key", "scopes": ["client:write"]}

    answer = await doors.client.post(f"{AUTH}/api-keys", json=body, headers=ada.headers)

    assert answer.status_code == 422


async def test_a_rotated_secret_counts_on_for_its_grace(doors: Doors) -> None:
    ada = await doors.newcomer()
    app = await register_machine(doors.client, ada.headers)

    kept = await doors.client.post(f"{CLIENTS}/{app.id}/rotate", json={"grace_seconds": 60}, headers=ada.headers)
    second = App(doors.client, app.id, kept.json()["client_secret"])
    assert (await app.token(grant_type="client_credentials")).status_code == 200
    assert (await second.token(grant_type="client_credentials")).status_code == 200
    leaked = await doors.client.post(f"{CLIENTS}/{app.id}/rotate", json={"grace_seconds": 0}, headers=ada.headers)
    third = App(doors.client, app.id, leaked.json()["client_secret"])

    answers = [await each.token(grant_type="client_credentials") for each in (app, second, third)]

    assert [answer.status_code for answer in answers] == [401, 401, 200]


async def test_what_a_leaked_secret_got_ends_with_it_and_what_a_planned_rotation_finds_does_not(
    doors: Doors, database: Database
) -> None:
    ada = await doors.newcomer()
    planned, leaked = [await register_machine(doors.client, ada.headers) for _ in range(2)]

    for app, grace in ((planned, 60), (leaked, 0)):
        await doors.client.post(f"{CLIENTS}/{app.id}/rotate", json={"grace_seconds": grace}, headers=ada.headers)

    ended = [await is_revoked(database, revocations.of_person(UUID(app.id))) for app in (planned, leaked)]
    assert ended == [False, True]


async def test_a_client_with_fewer_scopes_loses_what_it_had_opened(doors: Doors) -> None:
    ada = await doors.newcomer()
    app = await register(doors.client, ada.headers, scopes=["openid", "course:read", "offline_access"])
    code = await code_of(await at_a_browser(doors.client, ada), app, scope="openid course:read offline_access")
    tokens = (await app.redeem(code)).json()

    changed = await doors.client.patch(
        f"{CLIENTS}/{app.id}", json={"scopes": ["openid", "offline_access"]}, headers=ada.headers
    )

    assert changed.json()["scopes"] == ["openid", "offline_access"]
    assert (await app.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_deleted_client_opens_nothing(doors: Doors) -> None:
    ada = await doors.newcomer()
    app = await register(doors.client, ada.headers, scopes=["openid", "offline_access"])
    code = await code_of(await at_a_browser(doors.client, ada), app, scope="openid offline_access")
    tokens = (await app.redeem(code)).json()
    sid = claims_of(tokens["access_token"])["sid"]

    deleted = await doors.client.delete(f"{CLIENTS}/{app.id}", headers=ada.headers)

    assert deleted.status_code == 204
    assert (await app.refresh(tokens["refresh_token"])).json()["error"] == "invalid_client"
    open_now = await doors.client.get(f"{AUTH}/sessions", headers=ada.headers)
    assert sid not in [session["id"] for session in open_now.json()["items"]]
    consents = await doors.client.get(f"{AUTH}/consents", headers=ada.headers)
    assert consents.json()["items"] == []


async def test_what_is_done_to_clients_is_audited_without_secrets(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    app = await register_machine(doors.client, ada.headers)
    path = f"{CLIENTS}/{app.id}"
    await doors.client.patch(path, json={"name": "Renamed"}, headers=ada.headers)
    await doors.client.post(f"{path}/rotate", json={}, headers=ada.headers)
    await doors.client.delete(path, headers=ada.headers)

    async with database.transaction() as session:
        noted = select(AuditRecord).where(AuditRecord.target == app.id).order_by(AuditRecord.number)
        records = (await session.scalars(noted)).all()

    assert [record.action for record in records] == [
        "oauth-client.register",
        "oauth-client.change",
        "oauth-client.rotate",
        "oauth-client.delete",
    ]
    assert not [record for record in records if app.secret and app.secret in record.body]


async def test_an_unknown_client_is_nowhere(doors: Doors) -> None:
    ada = await doors.newcomer()

    assert (await doors.client.get(f"{CLIENTS}/{new_id()}", headers=ada.headers)).status_code == 404
    assert (await doors.client.delete(f"{AUTH}/consents/{new_id()}", headers=ada.headers)).status_code == 404
