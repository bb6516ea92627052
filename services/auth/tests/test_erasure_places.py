"""Wherever auth keeps something of a person: found there before they ask to be forgotten, and nowhere after it."""

import asyncio
import secrets
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.passkeys.service import RelyingParty
from stoa_common import privacy
from stoa_common.database import Database
from stoa_common.privacy.sweeping import Sweeper
from stoa_common.resources import Resources
from stoa_common.testing import Delivery, Identities
from stoa_events.contracts.auth import UserErased
from stoa_events.contracts.operations import operations_of

from .conftest import PASSWORD, Doors, Someone
from .directory import DirectoryOf
from .enrolling import Browser, Hands, enroll
from .operators import an_operator
from .postbox import Postbox
from .security_key import SecurityKey
from .sign_on_world import World, providing
from .test_revoking import Elsewhere, elsewhere, is_refused

__all__ = ["elsewhere"]
ME = "/api/v1/auth/me"
#: Tables in which the bare id stays: it counts events, lets no new key be made, or stands beside ciphertext; and in the
#: queue of what is to be published, which no relay empties here.
STAYS = {"event_log", "audit_records", "aggregate_versions", "consumer_marks", "personal_keys", "outbox"}


async def tables_with(database: Database, *texts: str) -> dict[str, set[str]]:
    """Tables by the text that stands in them, in whatever column; a partition counts as its table."""
    found: dict[str, set[str]] = {wanted: set() for wanted in texts}
    async with database.transaction() as session:
        tables = (await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).all()
        for table in tables:
            query = text(f'SELECT EXISTS (SELECT FROM "{table}" AS t WHERE strpos(lower(t::text), lower(:wanted)) > 0)')
            for wanted in texts:
                if await session.scalar(query, {"wanted": wanted}):
                    found[wanted].add("event_log" if table.startswith("event_log") else table)
    return found


async def forget(
    doors: Doors, someone: Someone, *, database: Database, delivery: Delivery, resources: Resources
) -> None:
    """Until auth itself has answered."""
    assert (await doors.client.delete(ME, headers=someone.headers)).status_code == 204
    [erased] = await delivery.recorded(UserErased, person_id=UUID(someone.person_id))
    await delivery.deliver(privacy.erasure_router("auth"), erased)
    answer, digest = operations_of("auth").privacy_completed, privacy.digest(erased.person_id)
    async with asyncio.timeout(30):
        while not await delivery.recorded(answer, person_digest=digest):
            await Sweeper("auth", database, resources, settle_seconds=0).sweep_due()
            await asyncio.sleep(0.02)


@pytest.fixture
def canaries() -> dict[str, str]:
    names = ("name", "device", "key", "phone", "directory", "subject", "idempotency")
    return {name: f"canary{secrets.token_hex(6)}{name}" for name in names}


async def leave_something_everywhere(
    doors: Doors, canaries: dict[str, str], *, identities: Identities, resources: Resources
) -> Someone:
    """A person with something behind every door, and the directory of another organization that lists them."""
    ada, world = await doors.newcomer(name=canaries["name"]), World(doors, identities)
    device = {"User-Agent": canaries["device"]}
    await doors.client.post("/api/v1/auth/login", json={"email": ada.email, "password": PASSWORD}, headers=device)
    await doors.make_key(ada, name=canaries["key"])
    await doors.invite(ada, "learner")
    directory = await DirectoryOf.somebody(doors)
    await directory.user(ada.email, emails=[{"value": ada.email}], title=canaries["directory"])
    async with providing() as provider:
        connection, browser = await world.connect(await doors.newcomer(), provider), world.browser()
        url = await world.link(ada, connection, browser)
        await browser.get(provider.vouch(url, sub=canaries["subject"]))
        await world.link(ada, connection, world.browser())
    keyed = {**ada.headers, "Idempotency-Key": canaries["idempotency"]}
    await doors.client.post(f"{ME}/exports", headers=keyed)
    app = await enroll(doors, ada, Hands())
    renamed = {"name": canaries["phone"]}
    await doors.client.patch(f"/api/v1/auth/factors/{app.factor_id}", json=renamed, headers=ada.headers)
    passkeys = Browser(doors, resources.get(RelyingParty), SecurityKey())
    await passkeys.register(ada)
    await passkeys.registration(ada)
    await doors.log_in(ada.email)
    return ada


async def test_nothing_of_a_person_stays_in_any_table(
    doors: Doors,
    database: Database,
    delivery: Delivery,
    resources: Resources,
    identities: Identities,
    canaries: dict[str, str],
    postbox: Postbox,
) -> None:
    ada = await leave_something_everywhere(doors, canaries, identities=identities, resources=resources)
    # What was asked for is written.
    assert await postbox.letters(ada.email)
    texts = (ada.person_id, ada.email, *canaries.values())
    before = await tables_with(database, *texts)

    await forget(doors, ada, database=database, delivery=delivery, resources=resources)
    after = await tables_with(database, *texts)

    assert before[ada.person_id] >= {
        *("people", "memberships", "sessions", "api_keys", "invitations", "mails", "mail_tokens", "jobs"),
        *("factors", "recovery_codes", "passkeys", "passkey_challenges", "log_in_challenges", "scim_users"),
        *("sign_on_identities", "sign_on_attempts", "person_exports", "idempotency_keys"),
    }
    assert [name for name, planted in canaries.items() if not before[planted]] == []
    assert after == {ada.person_id: after[ada.person_id], **{wanted: set() for wanted in texts[1:]}}
    assert after[ada.person_id] <= STAYS


async def test_who_stood_in_for_others_leaves_their_sessions(
    doors: Doors, database: Database, delivery: Delivery, resources: Resources, elsewhere: Elsewhere
) -> None:
    # The last operator stays.
    operator, _ = [await an_operator(doors, database, resources.get(Passwords)) for _ in range(2)]
    ada = await doors.newcomer()
    path = f"/api/v1/auth/administration/people/{ada.person_id}/impersonations"
    told: dict[str, Any] = (
        await doors.client.post(path, json={"reason": "Ticket 4711"}, headers=operator.headers)
    ).json()
    assert await elsewhere.takes(told["access_token"])

    await forget(doors, operator, database=database, delivery=delivery, resources=resources)

    assert await is_refused(elsewhere, told["access_token"])
    assert (await doors.refresh(told["refresh_token"])).status_code == 401
    assert (await tables_with(database, operator.person_id))[operator.person_id] <= STAYS
    assert (await doors.refresh(ada.refresh_token)).status_code == 200, "the person's own stay"
