"""What the gateway takes for no token: the services' own list, before anything is forwarded."""

import aiohttp
import pytest

from stoa_common.testing import Identities
from stoa_common.testing.hostile import hostile_tokens

MINE = "/api/v1/content/mine"
TRICKS = sorted(hostile_tokens(Identities()))


@pytest.fixture(scope="module")
def hostile(identities: Identities) -> dict[str, str]:
    return hostile_tokens(identities)


@pytest.mark.parametrize("trick", TRICKS)
async def test_the_gateway_refuses(http: aiohttp.ClientSession, hostile: dict[str, str], trick: str) -> None:
    answer = await http.get(MINE, headers={"Authorization": f"Bearer {hostile[trick]}"})

    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert (await answer.json(content_type=None))["type"] == "urn:stoa:problem:unauthenticated"


async def test_the_gateway_takes_the_token_that_the_tricks_are_made_of(
    http: aiohttp.ClientSession, identities: Identities
) -> None:
    answer = await http.get(MINE, headers=identities.headers(identities.principal("learner")))

    assert answer.status == 200
