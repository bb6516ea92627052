"""Rules of clients, requests and codes, without a server."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_auth.oauth import claims, codes, domain, requests
from stoa_auth.oauth.models import AuthorizationCode, OAuthClient
from stoa_auth.oauth.refusals import (
    ClientDoesNotAddUp,
    ClientIsNotKnown,
    ClientMayNot,
    GrantIsNotGood,
    OAuthRefusal,
    RedirectIsNotTrusted,
    RequestIsMalformed,
    ScopeIsTooWide,
)
from stoa_common.ids import new_id
from stoa_common.permissions import PERMISSIONS
from stoa_common.security import TokenVerifier
from stoa_common.testing.identities import ISSUER as TOKENS_ISSUER
from stoa_common.testing.identities import Identities

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALLBACK = "https://app.example.com/callback"
ISSUER = "https://stoa.test"
VERIFIER = "a-verifier-that-is-long-enough-for-the-standard"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def a_client(**changed: Any) -> OAuthClient:
    known: dict[str, Any] = {
        "id": new_id(),
        "organization_id": new_id(),
        "name": "Course reports",
        "confidential": True,
        "secret_hash": domain.digest("the secret"),
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [],
        "grants": ["authorization_code", "refresh_token"],
        "scopes": ["openid", "course:read"],
        "id_token_algorithm": "RS256",
    }
    return OAuthClient(**{**known, **changed})


def a_request(client: OAuthClient, **changed: str | None) -> list[tuple[str, str]]:
    known: dict[str, str | None] = {
        "response_type": "code",
        "client_id": str(client.id),
        "redirect_uri": CALLBACK,
        "scope": "openid course:read",
        "state": "xyz",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changed,
    }
    return [(name, value) for name, value in known.items() if value is not None]


def wanted(client: OAuthClient, **changed: str | None) -> requests.Wanted:
    pairs = a_request(client, **changed)
    return requests.wanted(pairs, requests.target(pairs, client))


def a_code(client: OAuthClient, **changed: Any) -> AuthorizationCode:
    known: dict[str, Any] = {
        "client_id": client.id,
        "redirect_uri": CALLBACK,
        "challenge": CHALLENGE,
        "expires_at": NOON + codes.TTL,
        "used_at": None,
    }
    return AuthorizationCode(**{**known, **changed})


def use(code: AuthorizationCode, client: OAuthClient, **changed: Any) -> OAuthRefusal | None:
    shown = {"redirect_uri": CALLBACK, "verifier": VERIFIER, "is_browser_open": True, "at": NOON, **changed}
    return codes.use(code, client, **shown)


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example.com/callback",
        "https://app.example.com/callback#fragment",
        "https://*.example.com/callback",
        "https://user@app.example.com/callback",
        "https://user:secret@app.example.com/",
        "https:///callback",
        "//app.example.com/callback",
        "/callback",
        "callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://app.example.com/call back",
        "https://app.example.com/\r\nLocation: https://evil.example",
        "https://app.example.com\\@evil.example/",
        "https://пример.рф/",
        "https://app.example.com:port/",
        "http://10.0.0.1/callback",
        "http://localhost.evil.example/callback",
        "",
    ],
)
def test_nobody_may_be_sent_there(uri: str) -> None:
    with pytest.raises(ClientDoesNotAddUp) as refused:
        domain.check(a_client(redirect_uris=[uri]))

    assert refused.value.errors[0]["field"] == "redirect_uris"


@pytest.mark.parametrize(
    "uri",
    [
        CALLBACK,
        "https://app.example.com",
        "https://app.example.com:8443/callback?kept=1",
        "http://127.0.0.1/callback",
        "http://[::1]:5000/callback",
        "http://localhost:3000/callback",
        "com.example.app:/callback",
    ],
)
def test_these_may_be_registered(uri: str) -> None:
    domain.check(a_client(redirect_uris=[uri]))


@pytest.mark.parametrize(
    "shown",
    [
        "https://app.example.com/callback/",
        "https://app.example.com/Callback",
        "https://app.example.com/callback?code=mine",
        "https://app.example.com/callback/../evil",
        "https://app.example.com/callback#x",
        "https://app.example.com:443/callback",
        "https://APP.example.com/callback",
        "https://app.example.com.evil.example/callback",
        "https://app.example.com@evil.example/callback",
        "https://evil.example/?https://app.example.com/callback",
        "http://app.example.com/callback",
        " https://app.example.com/callback",
        "https://app.example.com/%63allback",
    ],
)
def test_a_redirect_uri_is_compared_character_by_character(shown: str) -> None:
    with pytest.raises(RedirectIsNotTrusted):
        wanted(a_client(), redirect_uri=shown)


def test_only_a_loopbacks_port_is_free() -> None:
    client = a_client(redirect_uris=["http://127.0.0.1/callback"])

    for uri in ("http://127.0.0.1/callback", "http://127.0.0.1:49152/callback"):
        assert wanted(client, redirect_uri=uri).target.redirect_uri == uri
    for uri in (
        "http://127.0.0.1:49152/other",
        "http://127.0.0.1:49152@evil.example/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://localhost:49152/callback",
        "https://127.0.0.1:49152/callback",
    ):
        with pytest.raises(RedirectIsNotTrusted):
            wanted(client, redirect_uri=uri)


def test_nobody_is_sent_anywhere_for_an_unknown_client_or_a_second_redirect_uri() -> None:
    client = a_client()
    twice = [*a_request(client), ("redirect_uri", "https://evil.example/")]

    for pairs, known in [(a_request(client), None), (twice, client), (a_request(client, redirect_uri=None), client)]:
        with pytest.raises(RedirectIsNotTrusted):
            requests.target(pairs, known)
    with pytest.raises(RedirectIsNotTrusted):
        requests.client_id([("client_id", "no id")])
    with pytest.raises(RedirectIsNotTrusted):
        requests.client_id([*a_request(client), ("client_id", str(new_id()))])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "too-short"}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
        ({"scope": "openid course:write"}, "invalid_scope"),
        ({"scope": "openid  course:read"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://app.example.com/r"}, "request_uri_not_supported"),
        ({"nonce": "n" * 3000}, "invalid_request"),
        ({"nonce": "a\0b"}, "invalid_request"),
    ],
)
def test_what_is_not_offered_is_refused_by_its_name(changed: dict[str, str | None], code: str) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        wanted(a_client(), **changed)

    assert refused.value.code == code


@pytest.mark.parametrize("query", ["state=%ff", "&".join(f"a{n}=1" for n in range(60))])
def test_a_query_that_is_none_sends_nobody_anywhere(query: str) -> None:
    with pytest.raises(RedirectIsNotTrusted):
        requests.parse(query)


def test_a_parameter_comes_once() -> None:
    client = a_client()
    pairs = [*a_request(client), ("scope", "openid")]

    with pytest.raises(RequestIsMalformed):
        requests.wanted(pairs, requests.target(pairs, client))


def test_a_client_without_the_grant_gets_no_code() -> None:
    with pytest.raises(ClientMayNot):
        wanted(a_client(grants=["client_credentials"]))


def test_who_has_logged_in_just_now_need_not_again() -> None:
    request = wanted(a_client())

    assert requests.must_log_in(request, authenticated_at=None, at=NOON)
    assert not requests.must_log_in(request, authenticated_at=NOON - timedelta(days=1), at=NOON)


def test_max_age_and_prompt_ask_for_a_new_log_in() -> None:
    long_ago, lately = NOON - timedelta(minutes=11), NOON - timedelta(minutes=9)
    aged, asked = wanted(a_client(), max_age="600"), wanted(a_client(), prompt="login consent")

    assert requests.must_log_in(aged, authenticated_at=long_ago, at=NOON)
    assert not requests.must_log_in(aged, authenticated_at=lately, at=NOON)
    assert requests.must_log_in(asked, authenticated_at=NOON, at=NOON)


def test_after_the_log_in_that_was_asked_for_the_request_goes_on() -> None:
    client = a_client()
    back = requests.parse(requests.after_log_in(a_request(client, prompt="login consent"), at=NOON))

    again = requests.wanted(back, requests.target(back, client))

    assert again.prompts == {"consent"}
    assert requests.must_log_in(again, authenticated_at=NOON - timedelta(seconds=1), at=NOON)
    assert not requests.must_log_in(again, authenticated_at=NOON + timedelta(seconds=5), at=NOON)


def test_max_age_of_nothing_asks_for_one_log_in_and_no_more() -> None:
    client = a_client()
    back = requests.parse(requests.after_log_in(a_request(client, max_age="0"), at=NOON))

    again = requests.wanted(back, requests.target(back, client))
    later = requests.parse(requests.after_log_in(back, at=NOON + timedelta(hours=1)))

    assert requests.must_log_in(again, authenticated_at=NOON - timedelta(milliseconds=2), at=NOON)
    assert not requests.must_log_in(again, authenticated_at=NOON + timedelta(seconds=5), at=NOON + timedelta(hours=1))
    assert requests.wanted(later, again.target).logged_in_after == NOON


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        (CALLBACK, "https://app.example.com"),
        ("http://127.0.0.1:49152/cb", "http://127.0.0.1:49152"),
        ("http://[::1]:49152/cb", "http:"),
        ("com.example.app:/cb", "com.example.app:"),
    ],
)
def test_a_form_may_lead_to_the_client_alone(uri: str, origin: str) -> None:
    assert requests.origin(uri) == origin


def test_an_answer_names_who_answers_and_keeps_what_the_uri_had() -> None:
    client = a_client(redirect_uris=[f"{CALLBACK}?kept=1"])
    target = wanted(client, redirect_uri=f"{CALLBACK}?kept=1", state="a b&c=d").target

    answered = requests.answer(target, ISSUER, code="secret")

    parts = dict(requests.parse(answered.partition("?")[2]))
    assert parts == {"kept": "1", "code": "secret", "state": "a b&c=d", "iss": ISSUER}


def test_a_public_client_that_others_could_play_is_asked_about_each_time() -> None:
    allowed = ["openid", "course:read"]
    on_loopback = a_client(confidential=False, secret_hash=None, redirect_uris=["http://127.0.0.1/cb"])
    by_scheme = a_client(confidential=False, secret_hash=None, redirect_uris=["com.example.app:/cb"])

    assert requests.needs_no_question(wanted(a_client()), allowed)
    assert not requests.needs_no_question(wanted(a_client(), prompt="consent"), allowed)
    assert not requests.needs_no_question(wanted(a_client()), ["openid"])
    assert not requests.needs_no_question(wanted(on_loopback, redirect_uri="http://127.0.0.1:9/cb"), allowed)
    assert not requests.needs_no_question(wanted(by_scheme, redirect_uri="com.example.app:/cb"), allowed)


def test_a_code_is_good_once() -> None:
    client = a_client()
    code = a_code(client)

    assert use(code, client) is None
    assert isinstance(use(code, client), codes.CodeWasReused)


@pytest.mark.parametrize(
    "changed",
    [
        {"at": NOON + codes.TTL},
        {"redirect_uri": f"{CALLBACK}/"},
        {"redirect_uri": None},
        {"verifier": VERIFIER + "x"},
        {"verifier": CHALLENGE},
        {"verifier": ""},
        {"verifier": None},
        {"is_browser_open": False},
    ],
)
def test_a_code_is_bound(changed: dict[str, Any]) -> None:
    client = a_client()
    code = a_code(client)

    assert isinstance(use(code, client, **changed), GrantIsNotGood)
    assert use(code, client) is None, "a failed try uses nothing up"


def test_another_client_neither_uses_a_code_nor_ends_what_came_from_it() -> None:
    client, other = a_client(), a_client()
    code = a_code(client, used_at=NOON)

    refused = use(code, other)

    assert isinstance(refused, GrantIsNotGood)
    assert not isinstance(refused, codes.CodeWasReused)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_only_the_verifier_matches_its_challenge(verifier: str) -> None:
    assert codes.matches(verifier, CHALLENGE) == (verifier == VERIFIER)


def test_a_secret_is_known_by_its_hash_and_the_one_before_for_its_grace() -> None:
    client = a_client()
    domain.rotate(client, "the new secret", grace=timedelta(hours=1), at=NOON)

    assert domain.recognize(client, "the new secret", at=NOON) is client
    assert domain.recognize(client, "the secret", at=NOON + timedelta(minutes=59)) is client
    for secret, at in [("the secret", NOON + timedelta(hours=1)), ("another", NOON), (None, NOON), ("", NOON)]:
        with pytest.raises(ClientIsNotKnown):
            domain.recognize(client, secret, at=at)


def test_a_public_client_shows_no_secret() -> None:
    public = a_client(confidential=False, secret_hash=None)

    assert domain.recognize(public, None, at=NOON) is public
    with pytest.raises(ClientIsNotKnown):
        domain.recognize(public, "", at=NOON)


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uris": []},
        {"grants": ["client_credentials"]},
        {"grants": ["refresh_token"], "redirect_uris": []},
        {"grants": ["authorization_code", "client_credentials"], "confidential": False},
        {"post_logout_redirect_uris": ["http://app.example.com/"]},
    ],
)
def test_what_does_not_fit_together_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ClientDoesNotAddUp):
        domain.check(a_client(**changed))


def test_nobody_registers_what_they_may_not_do_themselves() -> None:
    held = frozenset({"course:read", "enrollment:read"})

    assert domain.scopes(["openid", "course:read", "enrollment:read:own"], held=held, is_operator=False)
    for wrong in ("course:write", "platform:read", "no:such", "client:write", "account:write:own"):
        with pytest.raises(ClientDoesNotAddUp):
            domain.scopes([wrong], held=held | {"client:write", "account:write:own"}, is_operator=False)


def test_a_client_as_itself_is_nobody() -> None:
    everything = list(PERMISSIONS)

    of_organization = domain.own_permissions(everything, organization_id=new_id())
    of_platform = domain.own_permissions(everything, organization_id=None)

    assert {"course:read", "course:write", "member:read", "audit:read"} <= set(of_organization)
    assert not [name for name in of_organization + of_platform if name.endswith(":own")]
    assert not [name for name in of_organization if name.startswith("platform:")]
    decides = {"member:write", "role:write", "scim:write", "sign-on:write", "api-key:write", "client:write"}
    assert not decides & {*of_organization, *of_platform}
    assert "course:read" not in of_platform


def test_a_request_asks_for_no_more_than_was_registered() -> None:
    assert domain.requested(None, ["openid", "course:read"]) == ["openid", "course:read"]
    assert domain.requested("course:read", ["openid", "course:read"]) == ["course:read"]
    with pytest.raises(ScopeIsTooWide):
        domain.requested("openid platform:write", ["openid", "course:read"])


def test_what_a_service_gets_is_never_more_and_as_old() -> None:
    known = {
        "iss": ISSUER,
        "aud": "stoa",
        "sub": str(new_id()),
        "sid": str(new_id()),
        "org": str(new_id()),
        "roles": ["admin"],
        "permissions": ["course:read", "course:write"],
        "iat": NOON.timestamp() - 300,
        "exp": int(NOON.timestamp()) + 300,
        "jti": "old",
    }
    impersonated = {**known, "act": {"sub": str(new_id())}, "exp": int(NOON.timestamp()) + 10}

    by_ai: dict[str, Any] = {"service": "ai", "audience": "stoa:content", "at": NOON, "token_id": UUID(int=1)}
    narrow = claims.exchanged(known, scopes=["course:read"], **by_ai)
    nested = claims.exchanged(impersonated, scopes=None, **by_ai)

    assert (narrow["permissions"], narrow["roles"]) == (["course:read"], [])
    assert (narrow["act"], narrow["aud"]) == ({"sub": "service:ai"}, "stoa:content")
    assert (narrow["iat"], narrow["exp"]) == (known["iat"], int(NOON.timestamp()) + 60)
    assert nested["act"] == {"sub": "service:ai", "act": impersonated["act"]}
    assert nested["exp"] == impersonated["exp"]


async def test_who_impersonates_is_seen_through_the_services_that_work_for_them(identities: Identities) -> None:
    operator, principal = new_id(), identities.principal()
    act = {"sub": "service:ai", "act": {"sub": str(operator)}}
    token = identities.token(principal, act=act, amr=["imp"])

    read = await TokenVerifier(identities, issuer=TOKENS_ISSUER).verify(token)

    assert (read.impersonator_id, read.actor) == (operator, str(operator))
