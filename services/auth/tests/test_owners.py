"""An organization always has an owner: from its founding, over an upgrade, and whatever is done at once."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from stoa_auth.database import Membership
from stoa_common import migrations
from stoa_common.database import Database
from stoa_common.testing import Identities

from .conftest import Doors, Someone, an_address

BASE = "/api/v1/auth/organizations"
AT_ONCE = 24


async def has_owner(database: Database, organization_id: str | None) -> bool:
    """Whether one can act."""
    acting = (Membership.roles.contains(["owner"]), Membership.suspended_at.is_(None))
    async with database.transaction() as session:
        found = select(Membership.person_id).where(Membership.organization_id == organization_id, *acting)
        return (await session.scalars(found)).first() is not None


async def test_the_oldest_admin_owns_an_organization_that_had_no_owner(doors: Doors, database: Database) -> None:
    founder = await doors.newcomer()
    others = [await doors.member(founder, "admin"), await doors.member(founder, "learner")]
    async with database.engine.connect() as connection:
        await _as_before(connection, founder)
        await connection.execute(text(migrations._scripts("auth").get_revision("0008").module._OWNERS))
        found = await connection.execute(
            select(Membership.person_id, Membership.roles).where(Membership.organization_id == founder.organization_id)
        )
        roles = {str(row.person_id): row.roles for row in found}
        await connection.rollback()

    assert roles == {
        founder.person_id: ["author", "owner"],
        others[0].person_id: ["admin"],
        others[1].person_id: ["learner"],
    }


async def _as_before(connection: AsyncConnection, founder: Someone) -> None:
    mine = update(Membership).where(Membership.person_id == founder.person_id)
    await connection.execute(mine.values(roles=["author", "admin"]))


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whatever_is_done_at_once_an_owner_stays_and_nobody_waits_in_a_circle(
    doors: Doors, database: Database, identities: Identities, seed: int
) -> None:
    founder = await doors.newcomer()
    # Without somebody who stays, the last owner might erase themselves and leave nobody behind.
    await doors.member(founder, "learner")
    members = [founder, *[await doors.member(founder, "owner") for _ in range(3)]]
    path = f"{BASE}/{founder.organization_id}"
    operator = identities.headers(identities.principal("operator"))
    grader = {"name": "grader", "description": "Looks.", "permissions": ["course:read"]}
    await doors.client.post(f"{path}/roles", json=grader, headers=founder.headers)
    token = await doors.invite(founder, "grader", max_uses=100)
    chance = random.Random(seed)

    def place(who: Someone) -> str:
        return f"{path}/members/{who.person_id}"

    acts: list[Callable[[Someone, Someone], Awaitable[httpx2.Response]]] = [
        lambda doer, _: doors.client.post(f"{path}/leave", headers=doer.headers),
        lambda doer, it: doors.client.delete(place(it), headers=doer.headers),
        lambda doer, it: doors.client.post(f"{place(it)}/suspend", headers=doer.headers),
        lambda doer, it: doors.client.post(f"{place(it)}/resume", headers=doer.headers),
        lambda doer, it: doors.client.patch(place(it), json={"roles": ["grader"]}, headers=doer.headers),
        lambda doer, it: doors.client.patch(place(it), json={"roles": ["owner"]}, headers=doer.headers),
        lambda doer, _: doors.client.delete("/api/v1/auth/me", headers=doer.headers),
        lambda doer, _: doors.client.patch(
            f"{path}/roles/grader", json={"permissions": [chance.choice(["course:read", "attempt:read"])]},
            headers=doer.headers,
        ),
        lambda *_: doors.register(an_address(), invitation=token),
        lambda doer, _: doors.log_in(doer.email),
        lambda doer, _: doors.refresh(doer.refresh_token),
        lambda *_: doors.client.post(f"{path}/suspend", headers=operator),
        lambda *_: doors.client.post(f"{path}/resume", headers=operator),
    ]  # fmt: skip

    for _ in range(3):
        doing = [chance.choice(acts)(chance.choice(members), chance.choice(members)) for _ in range(AT_ONCE)]
        answers = await asyncio.gather(*doing)

        assert [answer.text for answer in answers if answer.status_code >= 500] == []
        assert await has_owner(database, founder.organization_id)
