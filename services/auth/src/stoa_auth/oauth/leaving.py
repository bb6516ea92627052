"""A client asks to log somebody out (OpenID Connect RP-Initiated Logout 1.0): is it known, and where do they go?"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from stoa_auth.browsers.service import BrowserSession
from stoa_auth.keys.service import KeyRing
from stoa_auth.oauth import requests
from stoa_auth.oauth.repository import ClientRepository
from stoa_auth.oauth.requests import Pairs
from stoa_common.database import Session


@dataclass(frozen=True, slots=True)
class Leaving:
    """How somebody leaves: where to, if the client may say so, and whether they have to be asked."""

    url: str | None
    is_asked: bool


async def plan(
    session: Session, pairs: Pairs, browser: BrowserSession | None, *, keys: KeyRing, issuer: str
) -> Leaving:
    """Nobody is logged out by a link that anybody could have made: only an ID token of theirs spares the question.

    Nobody is sent where the client was not registered. An ID token may have expired by now.
    """
    values = dict(pairs)
    hint = await _hint(values, keys=keys, issuer=issuer)
    is_theirs = hint is not None and browser is not None and hint.get("sub") == str(browser.person_id)
    return Leaving(await _url(session, values, hint), is_asked=browser is not None and not is_theirs)


async def _hint(values: dict[str, str], *, keys: KeyRing, issuer: str) -> dict[str, Any] | None:
    """What the ID token says; None for another issuer's, or one of another client than the request names."""
    text, client_id = values.get("id_token_hint"), values.get("client_id")
    hint = await keys.read_id_token(text) if text else None
    if hint is None or hint.get("iss") != issuer or (client_id and hint.get("aud") != client_id):
        return None
    return hint


async def _url(session: Session, values: dict[str, str], hint: dict[str, Any] | None) -> str | None:
    named = {value for value in (values.get("client_id"), hint and hint.get("aud")) if value}
    uri = values.get("post_logout_redirect_uri")
    if len(named) != 1 or uri is None:
        return None
    try:
        client = await ClientRepository(session).find(UUID(str(named.pop())))
    except ValueError:
        return None
    if client is None or uri not in client.post_logout_redirect_uris:
        return None
    return requests.with_query(uri, {"state": values["state"]} if values.get("state") else {})
