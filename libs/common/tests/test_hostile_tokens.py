"""What no service takes for a token, whoever made it; the gateway is held to the same list."""

import time

import httpx2
import pytest
from joserfc.jwk import KeySet, OKPKey

from stoa_common.errors import Unauthenticated
from stoa_common.security import TokenVerifier
from stoa_common.testing import Identities
from stoa_common.testing.hostile import hostile_tokens
from stoa_common.testing.identities import ISSUER

NOTES = "/api/v1/sample/notes"
TRICKS = sorted(hostile_tokens(Identities()))


@pytest.fixture(scope="module")
def hostile(identities: Identities) -> dict[str, str]:
    return hostile_tokens(identities)


@pytest.mark.parametrize("trick", TRICKS)
async def test_a_service_refuses(client: httpx2.AsyncClient, hostile: dict[str, str], trick: str) -> None:
    answer = await client.get(NOTES, headers={"Authorization": f"Bearer {hostile[trick]}"})

    assert answer.status_code == 401
    assert answer.json()["detail"] == "The access token is not valid; log in again.", "it never says which trick failed"


async def test_the_token_that_the_tricks_are_made_of_is_taken(
    client: httpx2.AsyncClient, identities: Identities
) -> None:
    good = identities.headers(identities.principal("admin"))

    assert (await client.get(NOTES, headers=good)).status_code == 200


async def test_another_organizations_path_is_not_there(client: httpx2.AsyncClient, identities: Identities) -> None:
    owner, stranger = identities.principal("admin"), identities.principal("admin")
    made = await client.post(NOTES, json={"text": "ours"}, headers=identities.headers(owner))
    theirs = identities.principal("admin", organization_id=owner.organization)

    answers = [
        await client.get(made.headers["location"], headers=identities.headers(who)) for who in (stranger, theirs)
    ]

    assert [answer.status_code for answer in answers] == [404, 200]


class TwoKeys(Identities):
    """Two keys are published; one signs."""

    other = OKPKey.generate_key("Ed25519", {"kid": "other"})

    async def key_set(self, *, missing: str | None = None) -> KeySet:
        return KeySet([self.key, self.other])


async def test_a_signature_counts_only_for_the_key_that_is_named() -> None:
    both = TwoKeys()
    verifier = TokenVerifier(both, issuer=ISSUER)
    misnamed = Identities(OKPKey.import_key({**both.other.as_dict(private=True), "kid": str(both.key.kid)}))
    named = Identities(both.other)

    await verifier.verify(named.token(named.principal()))
    with pytest.raises(Unauthenticated):
        await verifier.verify(misnamed.token(misnamed.principal()))


async def test_a_token_that_was_seen_is_not_taken_after_its_expiry(
    identities: Identities, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = TokenVerifier(identities, issuer=ISSUER)
    now = time.time()
    token = identities.token(identities.principal(), exp=now + 600)
    await verifier.verify(token)

    monkeypatch.setattr(time, "time", lambda: now + 606)

    with pytest.raises(Unauthenticated):
        await verifier.verify(token)
