"""Rules of an authorization request: what of it is trusted, what is refused where, and what it asks of the person.

Sources: RFC 6749 section 4.1, RFC 7636, RFC 9207, RFC 9700, OpenID Connect Core 1.0 section 3.1.2.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit
from uuid import UUID

from stoa_auth.oauth import domain
from stoa_auth.oauth.models import OAuthClient
from stoa_auth.oauth.refusals import (
    OAuthRefusal,
    RedirectIsNotTrusted,
    RequestIsMalformed,
    RequestObjectIsNotSupported,
    RequestUriIsNotSupported,
    ResponseTypeIsUnknown,
)

Pairs = Sequence[tuple[str, str]]
#: 43 characters are what S256 makes (RFC 7636, section 4.2).
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
_LONGEST: Final = 2000
#: Prompts that ask for another log-in.
_ANEW: Final = frozenset({"login", "select_account"})
#: Ours, in milliseconds: the person must log in after this. It takes the place of prompt=login and max_age on the way
#: back from the log-in, which would ask for one more each time.
LOGGED_IN_AFTER: Final = "logged_in_after"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the answer may be sent, and in which words."""

    client: OAuthClient
    redirect_uri: str
    state: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asks for."""

    target: Target
    scopes: list[str]
    challenge: str
    nonce: str | None
    prompts: frozenset[str]
    max_age: timedelta | None
    logged_in_after: datetime | None

    @property
    def is_silent(self) -> bool:
        return "none" in self.prompts


def client_id(pairs: Pairs) -> UUID:
    """The client that the request names, once. Raises RedirectIsNotTrusted."""
    try:
        return UUID(_single(pairs, "client_id") or "")
    except ValueError:
        raise RedirectIsNotTrusted("The link names no client of Stoa. Go back to the app and try again.") from None


def target(pairs: Pairs, client: OAuthClient | None) -> Target:
    """Where to answer. Raises RedirectIsNotTrusted: then nobody is sent anywhere."""
    if client is None:
        raise RedirectIsNotTrusted("The link names no client of Stoa. Go back to the app and try again.")
    uri = _single(pairs, "redirect_uri")
    if uri is None or not domain.is_registered(uri, client.redirect_uris):
        raise RedirectIsNotTrusted("The app asks to be answered where it was not registered. Tell its makers.")
    states = [value for name, value in pairs if name == "state"]
    return Target(client, uri, states[0] if len(states) == 1 else None)


def _single(pairs: Pairs, name: str) -> str | None:
    found = [value for known, value in pairs if known == name]
    return found[0] if len(found) == 1 else None


def wanted(pairs: Pairs, target: Target) -> Wanted:
    """The request, checked. Raises an OAuthRefusal, which goes back to the client."""
    values = _once(pairs)
    _refuse_what_is_not_offered(values)
    domain.may_use(target.client, domain.AUTHORIZATION_CODE)
    prompts = frozenset((values.get("prompt") or "").split())
    if prompts - _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise RequestIsMalformed("prompt is none, or of login and consent.")
    after = _number(values, LOGGED_IN_AFTER, digits=13)
    age = _number(values, "max_age", digits=10)
    return Wanted(
        target=target,
        scopes=domain.requested(values.get("scope"), target.client.scopes),
        challenge=_challenge(values),
        nonce=values.get("nonce"),
        prompts=prompts,
        max_age=None if age is None else timedelta(seconds=age),
        logged_in_after=None if after is None else datetime.fromtimestamp(after / 1000, UTC),
    )


def _once(pairs: Pairs) -> dict[str, str]:
    """Parameters by name. Raises RequestIsMalformed where one comes twice (RFC 6749, section 3.1)."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise RequestIsMalformed("Send each parameter once.")
    if any(len(value) > _LONGEST or "\0" in value for name, value in pairs if name != "scope"):
        raise RequestIsMalformed(f"No parameter holds a null, or more than {_LONGEST} characters.")
    return {name: value for name, value in values.items() if value}


def _refuse_what_is_not_offered(values: Mapping[str, str]) -> None:
    if "request" in values:
        raise RequestObjectIsNotSupported("Send the parameters themselves.")
    if "request_uri" in values:
        raise RequestUriIsNotSupported("Send the parameters themselves.")
    if "response_type" not in values:
        raise RequestIsMalformed("Send response_type=code.")
    if values["response_type"] != "code":
        raise ResponseTypeIsUnknown("Send response_type=code.")
    if values.get("response_mode", "query") != "query":
        raise RequestIsMalformed("The answer comes in the query; leave response_mode out.")


def _challenge(values: Mapping[str, str]) -> str:
    """PKCE is for every client: it also keeps a code out of another's hands that has a secret (RFC 9700, 2.1.1)."""
    challenge = values.get("code_challenge", "")
    if values.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise RequestIsMalformed("Send code_challenge and code_challenge_method=S256 (PKCE).")
    return challenge


def _number(values: Mapping[str, str], name: str, *, digits: int) -> int | None:
    text = values.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= digits):
        raise RequestIsMalformed(f"{name} is a whole number.")
    return int(text)


def must_log_in(wanted: Wanted, *, authenticated_at: datetime | None, at: datetime) -> bool:
    """Whether somebody who last proved then who they are has to do so now; None: nobody has."""
    if authenticated_at is None or wanted.prompts & _ANEW:
        return True
    if wanted.logged_in_after is not None and authenticated_at < wanted.logged_in_after:
        return True
    return wanted.max_age is not None and at - authenticated_at > wanted.max_age


def needs_no_question(wanted: Wanted, allowed: Iterable[str]) -> bool:
    """Whether the person has allowed all of this before.

    A public client is asked about each time where another program could take its place: on loopback, or by a scheme
    that any app may register (RFC 8252, section 8.6).
    """
    target = wanted.target
    is_itself = target.client.confidential or target.redirect_uri.startswith("https://")
    return is_itself and "consent" not in wanted.prompts and set(wanted.scopes) <= set(allowed)


def origin(uri: str) -> str:
    """What a browser holds the form's last redirect against (CSP's form-action): an origin, or an app's own scheme."""
    parts = urlsplit(uri)
    # CSP has no way to write an IPv6 address.
    has_origin = parts.scheme in ("https", "http") and "[" not in parts.netloc
    return f"{parts.scheme}://{parts.netloc}" if has_origin else f"{parts.scheme}:"


def after_log_in(pairs: Pairs, *, at: datetime) -> str:
    """The same request for when the person comes back, as a query: who was to log in anew has done so since `at`.

    It is no secret and no proof: whoever changes it sits at the browser, and could have left `prompt` out.
    """
    values = dict(pairs)
    kept = [(name, value) for name, value in pairs if name not in ("prompt", "max_age", LOGGED_IN_AFTER)]
    prompts = set(values.get("prompt", "").split())
    if rest := " ".join(sorted(prompts - _ANEW)):
        kept.append(("prompt", rest))
    if prompts & _ANEW or "max_age" in values:
        kept.append((LOGGED_IN_AFTER, str(int(at.timestamp() * 1000))))
    elif LOGGED_IN_AFTER in values:
        kept.append((LOGGED_IN_AFTER, values[LOGGED_IN_AFTER]))
    return urlencode(kept)


def answer(target: Target, issuer: str, **parameters: str) -> str:
    """The redirect URI with an answer; `iss` tells the client who answers (RFC 9207), which ends mix-up attacks."""
    told = {**parameters, **({} if target.state is None else {"state": target.state}), "iss": issuer}
    return with_query(target.redirect_uri, told)


def refusal(target: Target, issuer: str, refused: OAuthRefusal) -> str:
    """The redirect URI with what is refused."""
    return answer(target, issuer, error=refused.code, error_description=refused.detail)


def with_query(uri: str, parameters: Mapping[str, str]) -> str:
    """The URI with these parameters beside its own."""
    parts = urlsplit(uri)
    query = "&".join(part for part in (parts.query, urlencode(parameters, quote_via=quote)) if part)
    return urlunsplit(parts._replace(query=query))


def parse(query: str) -> list[tuple[str, str]]:
    """The parameters of a query in their order. Raises RedirectIsNotTrusted for what is none."""
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError:
        raise RedirectIsNotTrusted("This link is broken. Go back to the app and try again.") from None
