"""Texts that open nothing, in great number: whoever makes them up does not push out those that open something."""

from urllib.parse import parse_qs

import pytest
import pytest_asyncio
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from stoa_common import api_keys
from stoa_common.security import TokenVerifier
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER
from stoa_common.testing.serving import a_socket, served, url_of
from stoa_gateway.identity import exchange
from stoa_gateway.identity.credentials import API_KEY, ApiKeyIsNotValid, Credential
from stoa_gateway.identity.exchange import TokenExchange
from stoa_gateway.proxy.provider import new_session

MOST = 4


class Keys:
    """Auth, which knows some keys and is asked for tokens."""

    def __init__(self, identities: Identities, exchange: TokenExchange, asked: list[str]) -> None:
        self.asked = asked
        self.known = {api_keys.new_key() for _ in range(MOST)}
        self._exchange = exchange
        self._verifier = TokenVerifier(identities, issuer=ISSUER)

    async def show(self, text: str) -> bool:
        """Whether it opens something."""
        try:
            return bool(await self._exchange.token_for(Credential(API_KEY, text), verifier=self._verifier))
        except ApiKeyIsNotValid:
            return False


@pytest_asyncio.fixture(loop_scope="session")
async def keys(identities: Identities, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]  # a generator
    monkeypatch.setattr(exchange, "_MOST_KNOWN", MOST)
    monkeypatch.setattr(exchange, "_MOST_REFUSED", MOST)
    asked: list[str] = []
    app = FastAPI()

    @app.post("/api/v1/auth/token")
    async def give(request: Request) -> JSONResponse:
        [shown] = parse_qs((await request.body()).decode())["subject_token"]
        asked.append(shown)
        if shown not in known.known:
            return JSONResponse({}, 401)
        return JSONResponse({"access_token": identities.token(identities.principal()), "expires_in": 60})

    taken = a_socket()
    async with served(app, taken), new_session() as session:
        known = Keys(identities, TokenExchange(session, url_of(taken)), asked)
        yield known


async def test_made_up_keys_push_out_none_that_is_good(keys: Keys) -> None:
    assert [await keys.show(key) for key in keys.known] == [True] * MOST

    assert [await keys.show(api_keys.new_key()) for _ in range(3 * MOST)] == [False] * 3 * MOST

    keys.asked.clear()
    assert [await keys.show(key) for key in keys.known] == [True] * MOST
    assert keys.asked == []


async def test_a_key_that_is_made_after_somebody_tried_it_opens_soon(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "REFUSED_SECONDS", 0.0)
    key = api_keys.new_key()
    assert not await keys.show(key)

    keys.known.add(key)

    assert await keys.show(key)
    assert await keys.show(key)
    assert keys.asked == [key, key]
