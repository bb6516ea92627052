"""How a client shows which one it is (RFC 6749, section 2.3): HTTP Basic, its form, or its name alone with PKCE."""

import base64
import binascii
from dataclasses import dataclass, field
from urllib.parse import unquote_plus
from uuid import UUID

from stoa_auth.oauth import domain
from stoa_auth.oauth.models import OAuthClient
from stoa_auth.oauth.refusals import ClientIsNotKnown, RequestIsMalformed
from stoa_auth.oauth.repository import ClientRepository
from stoa_auth.oauth.schemas import ClientForm
from stoa_common import clock
from stoa_common.database import Session


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of its client."""

    client_id: str
    secret: str | None = field(repr=False)


def shown(authorization: str | None, form: ClientForm) -> Shown:
    """Raises RequestIsMalformed for two ways at once, ClientIsNotKnown for none."""
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() == "basic":
        if form.client_secret is not None:
            raise RequestIsMalformed("Show the client's secret in one place: HTTP Basic, or the form.")
        basic = _basic(rest.strip())
        if form.client_id not in (None, basic.client_id):
            raise RequestIsMalformed("The form names another client than HTTP Basic.")
        return basic
    if form.client_id is None:
        raise ClientIsNotKnown
    return Shown(form.client_id, form.client_secret)


def _basic(encoded: str) -> Shown:
    """Both parts are form-encoded first (RFC 6749, section 2.3.1)."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        raise ClientIsNotKnown from None
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise ClientIsNotKnown
    return Shown(unquote_plus(client_id), unquote_plus(secret))


async def authenticate(session: Session, shown: Shown) -> OAuthClient:
    """The client, as nobody changes it before this transaction ends. Raises ClientIsNotKnown."""
    try:
        client_id = UUID(shown.client_id)
    except ValueError:
        raise ClientIsNotKnown from None
    client = await ClientRepository(session).hold(client_id)
    return domain.recognize(client, shown.secret, at=clock.now())
