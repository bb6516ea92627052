"""What is recorded of second factors, what is exported, and that nothing stays of them."""

import json
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from stoa_auth.database import (
    Authenticator,
    Factor,
    LogInChallenge,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
)
from stoa_auth.factors import service as factors
from stoa_auth.factors.service import Guard
from stoa_auth.passkeys.service import RelyingParty
from stoa_common.database import Database
from stoa_common.privacy import registry
from stoa_common.resources import Resources
from stoa_common.testing import Delivery, Identities
from stoa_events.contracts.factors import FactorAdded, FactorRemoved

from .conftest import Doors
from .enrolling import FACTORS, Browser, Hands, challenge, enroll, finish
from .security_key import SecurityKey, base64url

TABLES = (Factor, RecoveryCode, Passkey, PasskeyChallenge, LogInChallenge)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def browser(doors: Doors, resources: Resources) -> Browser:
    return Browser(doors, resources.get(RelyingParty), SecurityKey())


async def test_factors_that_come_and_go_are_recorded(doors: Doors, hands: Hands, delivery: Delivery) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    await doors.client.delete(f"{FACTORS}/{app.factor_id}", headers=ada.headers)

    [added] = await delivery.recorded(FactorAdded, person_id=UUID(ada.person_id))
    [removed] = await delivery.recorded(FactorRemoved, person_id=UUID(ada.person_id))

    assert str(added.factor_id) == str(removed.factor_id) == app.factor_id
    assert added.kind == removed.kind == "authenticator"


async def test_what_is_done_by_factors_is_audited_without_what_opens_them(
    doors: Doors, hands: Hands, identities: Identities
) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    waiting = await challenge(doors, ada.email)
    await finish(doors, waiting, code="000000")
    await finish(doors, waiting, recovery_code=app.recovery_codes[0])
    await doors.client.post(f"{FACTORS}/recovery-codes", headers=ada.headers)
    await doors.client.delete(f"{FACTORS}/{app.factor_id}", headers=ada.headers)

    operator = identities.headers(identities.principal("operator"))
    answer = await doors.client.get("/api/v1/auth/audit", params={"limit": 200}, headers=operator)

    mine = [each for each in answer.json()["items"] if ada.person_id in {each["person_id"], each["subject_id"]}]
    acts = [each["action"] for each in reversed(mine)]
    expected = ["factor.add", "session.ask-factor", "session.refuse", "recovery-code.use", "session.open"]
    assert [act for act in acts if act in {*expected, "recovery-codes.renew", "factor.remove"}] == [
        "session.open",
        *expected,
        "recovery-codes.renew",
        "factor.remove",
    ]
    secrets = {app.secret, *app.recovery_codes, waiting}
    assert not any(secret in json.dumps(mine) for secret in secrets)


async def test_an_export_says_which_factors_there_are_and_nothing_that_opens_them(
    doors: Doors, hands: Hands, browser: Browser, database: Database
) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    await browser.register(ada)
    await challenge(doors, ada.email)

    async with database.transaction() as session:
        told = await registry.export(session, UUID(ada.person_id))

    assert {each["kind"] for each in told["factors"]} == {"authenticator", "passkey"}
    assert len(told["recovery_codes"]) == 10
    assert [each["backup_eligible"] for each in told["passkeys"]] == [False]
    text = json.dumps(told, default=str)
    assert not any(hidden in text for hidden in (app.secret, "sealed", "hash", "public_key", "sign_count"))
    assert base64url(browser.key.credential_id) not in text


async def test_nothing_stays_of_an_erased_person(
    doors: Doors, hands: Hands, browser: Browser, database: Database
) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    await browser.register(ada)
    await browser.registration(ada)
    await challenge(doors, ada.email)

    answer = await doors.client.delete("/api/v1/auth/me", headers=ada.headers)

    assert answer.status_code == 204
    async with database.transaction() as session:
        for table in TABLES:
            rows = select(func.count()).select_from(table).where(table.person_id == UUID(ada.person_id))
            assert await session.scalar(rows) == 0, table
        assert await session.get(Authenticator, UUID(app.factor_id)) is None
        query = text("SELECT count(*) FROM passkeys WHERE credential_id = :id")
        assert await session.scalar(query, {"id": browser.key.credential_id}) == 0


async def test_who_has_lost_everything_is_let_in_by_the_password_again(
    doors: Doors, hands: Hands, browser: Browser, database: Database, resources: Resources, delivery: Delivery
) -> None:
    ada, operator = await doors.newcomer(), await doors.newcomer()
    await enroll(doors, ada, hands)
    await browser.register(ada)

    async with database.transaction() as session:
        await factors.remove_all(
            session, UUID(ada.person_id), actor=UUID(operator.person_id), guard=resources.get(Guard)
        )

    assert (await doors.log_in(ada.email)).status_code == 200
    assert len(await delivery.recorded(FactorRemoved, person_id=UUID(ada.person_id))) == 2
