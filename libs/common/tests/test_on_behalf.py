"""Calling another service for one's caller: what it takes, and whom the token is for."""

import pytest

from stoa_common.errors import Unauthenticated
from stoa_common.on_behalf import audience_of, open_on_behalf, taken_by
from stoa_common.security import AUDIENCE, TokenVerifier
from stoa_common.settings import BadSettings, ServiceSettings
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER


class Settings(ServiceSettings, service="sample"):
    """Settings of a service that calls others."""


async def test_a_service_without_its_secret_is_told_what_to_set() -> None:
    with pytest.raises(BadSettings) as refused:
        async with open_on_behalf(Settings(client_secret=None)):
            pass

    told = str(refused.value)
    assert all(name in told for name in ("SAMPLE_CLIENT_SECRET_FILE", "AUTH_SAMPLE_CLIENT_SECRET", "32 characters"))


@pytest.mark.parametrize(
    ("meant_for", "taken_by"),
    [
        (AUDIENCE, {"sample", "another", "gateway"}),
        (audience_of("sample"), {"sample"}),
        ([audience_of("another"), audience_of("a-third")], {"another"}),
    ],
)
async def test_a_token_is_taken_by_whom_it_is_for(
    identities: Identities, meant_for: str | list[str], taken_by: set[str]
) -> None:
    token = identities.token(identities.principal(), aud=meant_for)

    taken = {name for name in ("sample", "another", "gateway") if await _takes(identities, name, token)}

    assert taken == taken_by


async def _takes(identities: Identities, service: str, token: str) -> bool:
    """As every process of that service verifies."""
    verifier = TokenVerifier(identities, issuer=ISSUER, audiences=taken_by(service))
    try:
        await verifier.verify(token)
    except Unauthenticated:
        return False
    return True
