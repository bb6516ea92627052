"""Showing that an address is one's own."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from stoa_auth.database import Mail, MailToken
from stoa_auth.settings import Settings
from stoa_common.database import Database
from stoa_common.resources import Resources
from stoa_common.testing import Delivery
from stoa_events.contracts.auth import EmailVerified

from .conftest import Doors, Someone, an_address
from .postbox import Postbox

VERIFY = "/api/v1/auth/verify-email"
AGAIN = "/api/v1/auth/verify-email/again"


async def is_verified(doors: Doors, someone: Someone) -> bool:
    shown = (await doors.client.get("/api/v1/auth/me", headers=someone.headers)).json()
    return bool(shown["email_verified"])


async def test_a_newcomer_logs_in_at_once_and_the_code_from_the_mail_verifies(
    doors: Doors, postbox: Postbox, delivery: Delivery
) -> None:
    ada = await doors.newcomer()
    before = await is_verified(doors, ada)
    code = await postbox.code(ada.email, "verify-email")

    answer = await doors.client.post(VERIFY, json={"token": code})

    assert answer.status_code == 204
    assert (before, await is_verified(doors, ada)) == (False, True)
    assert len(await delivery.recorded(EmailVerified, person_id=UUID(ada.person_id))) == 1


async def test_a_code_is_good_for_one_use(doors: Doors, postbox: Postbox) -> None:
    ada = await doors.newcomer()
    code = await postbox.code(ada.email, "verify-email")

    answers = [await doors.client.post(VERIFY, json={"token": code}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 422]
    assert answers[1].json()["type"] == "urn:stoa:problem:token-is-invalid"
    assert answers[1].json()["errors"][0]["field"] == "token"


async def test_an_expired_code_is_told_like_a_wrong_one(doors: Doors, postbox: Postbox, database: Database) -> None:
    ada = await doors.newcomer()
    code = await postbox.code(ada.email, "verify-email")
    async with database.transaction() as session:
        mine = MailToken.person_id == UUID(ada.person_id)
        await session.execute(update(MailToken).where(mine).values(expires_at=MailToken.made_at - timedelta(days=1)))

    expired, wrong = [await doors.client.post(VERIFY, json={"token": token}) for token in (code, "a wrong code")]

    assert (expired.status_code, expired.json()["detail"]) == (422, wrong.json()["detail"])
    assert not await is_verified(doors, ada)


async def test_inviting_needs_a_verified_address_and_says_so(
    doors: Doors, postbox: Postbox, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources.get(Settings), "inviting_needs_verified_email", True)
    ada = await doors.newcomer()
    path = f"/api/v1/auth/organizations/{ada.organization_id}/invitations"

    refused = await doors.client.post(path, json={"roles": ["learner"]}, headers=ada.headers)
    await doors.client.post(VERIFY, json={"token": await postbox.code(ada.email, "verify-email")})
    allowed = await doors.client.post(path, json={"roles": ["learner"]}, headers=ada.headers)

    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:stoa:problem:email-is-not-verified"
    assert AGAIN in refused.json()["detail"]
    assert allowed.status_code == 201


async def test_the_owner_of_a_known_address_is_told_that_somebody_registered_with_it(
    doors: Doors, postbox: Postbox
) -> None:
    ada = await doors.newcomer()

    await doors.register(ada.email)

    *_, newest = await postbox.letters(ada.email)
    assert (newest.kind, newest.token) == ("known", None)
    assert "account already" in newest.subject


async def test_asking_again_brings_a_new_code_and_ends_the_old_one(doors: Doors, postbox: Postbox) -> None:
    ada = await doors.newcomer()
    old = await postbox.code(ada.email, "verify-email")

    answer = await doors.client.post(AGAIN, headers=ada.headers)

    new = await postbox.code(ada.email, "verify-email")
    assert answer.status_code == 202
    assert (await doors.client.post(VERIFY, json={"token": old})).status_code == 422
    assert (await doors.client.post(VERIFY, json={"token": new})).status_code == 204


async def test_who_is_verified_gets_no_further_mail(doors: Doors, postbox: Postbox) -> None:
    ada = await doors.newcomer()
    await doors.client.post(VERIFY, json={"token": await postbox.code(ada.email, "verify-email")})
    before = len(await postbox.letters(ada.email))

    answer = await doors.client.post(AGAIN, headers=ada.headers)

    assert answer.status_code == 202
    assert len(await postbox.letters(ada.email)) == before


async def test_nobody_is_flooded_with_mail(doors: Doors, postbox: Postbox) -> None:
    ada = await doors.newcomer()
    answers = []
    for _ in range(7):
        answers.append(await doors.client.post(AGAIN, headers=ada.headers))
        await postbox.letters(ada.email)

    assert [answer.status_code for answer in answers] == [202, 202, 202, 202, 429, 429, 429]
    assert answers[-1].headers["Retry-After"] == "3600"
    assert len(await postbox.letters(ada.email)) == 5


@pytest.mark.parametrize(
    ("accepted", "language", "word"), [("ru-RU,ru;q=0.9,en;q=0.8", "ru", "Подтвердите"), ("fr", "en", "Confirm")]
)
async def test_mail_speaks_the_language_of_who_registered(
    doors: Doors, postbox: Postbox, accepted: str, language: str, word: str
) -> None:
    email = an_address()
    body = {"email": email, "password": "correct horse battery"}

    await doors.client.post("/api/v1/auth/register", json=body, headers={"Accept-Language": accepted})

    [letter] = await postbox.letters(email)
    assert letter.language == language
    assert word in letter.subject


async def test_neither_address_nor_code_can_be_read_in_the_database(
    doors: Doors, postbox: Postbox, database: Database
) -> None:
    ada = await doors.newcomer()
    code = await postbox.code(ada.email, "verify-email")

    async with database.transaction() as session:
        for table in ("mails", "mail_tokens", "log_in_attempts"):
            for secret in (ada.email, code):
                query = text(f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE :plain OR t::text LIKE :hex")
                wanted = {"plain": f"%{secret}%", "hex": f"%{secret.encode().hex()}%"}
                assert await session.scalar(query, wanted) == 0, table


async def test_mail_and_codes_go_with_the_person(doors: Doors, postbox: Postbox, database: Database) -> None:
    ada = await doors.newcomer()
    code = await postbox.code(ada.email, "verify-email")

    await doors.client.delete("/api/v1/auth/me", headers=ada.headers)

    async with database.transaction() as session:
        for column in (Mail.person_id, MailToken.person_id):
            assert await session.scalar(select(column).where(column == UUID(ada.person_id))) is None
    assert (await doors.client.post(VERIFY, json={"token": code})).status_code == 422


async def test_a_mail_that_was_asked_for_before_the_erasure_is_not_written(doors: Doors, postbox: Postbox) -> None:
    ada = await doors.newcomer()
    await doors.client.post("/api/v1/auth/forgot-password", json={"email": ada.email})
    await doors.client.delete("/api/v1/auth/me", headers=ada.headers)

    assert await postbox.letters(ada.email) == []


def test_inviting_needs_it_unless_the_settings_say_otherwise() -> None:
    assert Settings.model_fields["inviting_needs_verified_email"].default is True
