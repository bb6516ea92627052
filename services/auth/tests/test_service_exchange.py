"""A service works for its caller: it trades their token for one that is good at another service, in their name."""

from dataclasses import dataclass

import httpx2
import pytest
from fastapi import FastAPI

from stoa_auth.oauth.exchange import ServiceCredentials
from stoa_common.errors import Unauthenticated
from stoa_common.on_behalf import audience_of
from stoa_common.resources import Resources
from stoa_common.security import AUDIENCE, TokenVerifier

from .conftest import PASSWORD, Doors, Someone
from .oauth_world import AUTH, App, a_world, claims_of, error

SECRETS = {name: f"the secret of {name}, which is long enough for all" for name in ("ai", "content")}
EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
}


@dataclass(frozen=True)
class Services:
    """Two services with credentials that auth was told."""

    ai: App
    content: App


@pytest.fixture
def services(doors: Doors, resources: Resources, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setattr(resources.get(ServiceCredentials), "_known", ServiceCredentials(SECRETS)._known)
    return Services(**{name: App(doors.client, name, secret) for name, secret in SECRETS.items()})


async def ask(service: App, subject_token: str, **form: str) -> httpx2.Response:
    return await service.token(**EXCHANGE, **{"subject_token": subject_token, "audience": "content", **form})


async def given(service: App, subject_token: str, **form: str) -> str:
    answer = await ask(service, subject_token, **form)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


@pytest.fixture
async def ada(doors: Doors) -> Someone:
    return await doors.newcomer()


async def test_a_service_gets_a_token_of_whom_it_works_for(ada: Someone, services: Services) -> None:
    answer = await ask(services.ai, ada.access_token, scope="course:read")

    told = answer.json()
    claims, known = claims_of(told["access_token"]), claims_of(ada.access_token)
    assert told["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert 0 < told["expires_in"] <= 60
    assert (claims["act"], claims["aud"]) == ({"sub": "service:ai"}, audience_of("content"))
    assert [claims[name] for name in ("sub", "org", "sid", "iat")] == [
        known[name] for name in ("sub", "org", "sid", "iat")
    ]
    assert (claims["permissions"], claims["roles"]) == (["course:read"], [])


async def test_only_the_called_service_takes_the_token(ada: Someone, services: Services, app: FastAPI) -> None:
    token = await given(services.ai, ada.access_token)
    own: TokenVerifier = app.state.verifier

    assert (await own.for_audience(AUDIENCE, audience_of("content")).verify(token)).actor == "service:ai"
    # The gateway takes what is for everybody, auth beside that what is for auth.
    for other in (own.for_audience(AUDIENCE), own):
        with pytest.raises(Unauthenticated):
            await other.verify(token)


async def test_a_token_for_auth_opens_what_its_permissions_say_and_nothing_that_asks_for_the_person(
    ada: Someone, services: Services, doors: Doors
) -> None:
    token = await given(services.ai, ada.access_token, audience="auth", scope="account:read:own account:write:own")
    headers = {"Authorization": f"Bearer {token}"}

    mine = await doors.client.get(f"{AUTH}/me", headers=headers)
    erased = await doors.client.delete(f"{AUTH}/me", headers=headers)
    members = await doors.client.get(f"{AUTH}/organizations/{ada.organization_id}/members", headers=headers)

    assert (mine.status_code, mine.json()["id"]) == (200, ada.person_id)
    assert (erased.status_code, members.status_code) == (401, 403)


async def test_a_service_makes_nothing_of_its_minute_that_lasts(ada: Someone, services: Services, doors: Doors) -> None:
    token = await given(services.ai, ada.access_token, audience="auth")
    headers = {"Authorization": f"Bearer {token}"}
    wanted: dict[str, dict[str, object]] = {
        "sessions/switch": {"organization_id": ada.organization_id},
        "step-up": {"password": PASSWORD},
        "api-keys": {"name": "A key", "scopes": ["course:read"]},
        "clients": {"name": "An app", "scopes": ["openid"], "redirect_uris": ["https://app.example.com/"]},
    }

    answers = [await doors.client.post(f"{AUTH}/{path}", json=body, headers=headers) for path, body in wanted.items()]

    assert [answer.status_code for answer in answers] == [403, 403, 401, 401]


async def test_a_called_service_goes_on_in_the_same_name_and_a_stranger_does_not(
    ada: Someone, services: Services
) -> None:
    token = await given(services.ai, ada.access_token, audience="content", scope="course:read")

    onward = claims_of(await given(services.content, token, audience="analytics"))
    intercepted = await ask(services.ai, token, audience="analytics")

    assert (onward["sub"], onward["aud"]) == (ada.person_id, audience_of("analytics"))
    assert onward["act"] == {"sub": "service:content", "act": {"sub": "service:ai"}}
    assert (onward["permissions"], onward["iat"]) == (["course:read"], claims_of(ada.access_token)["iat"])
    assert onward["exp"] <= claims_of(token)["exp"]
    assert error(intercepted) == (400, "invalid_grant"), "it was not for this service"


async def test_a_service_gets_no_more_than_there_was(doors: Doors, ada: Someone, services: Services) -> None:
    wider = await ask(services.ai, ada.access_token, scope="platform:write")
    forged = await ask(services.ai, ada.access_token[:-4] + "AAAA")
    stranger = await ask(App(doors.client, "ai", SECRETS["content"]), ada.access_token)
    unnamed = await doors.client.post(
        f"{AUTH}/token", data={**EXCHANGE, "subject_token": ada.access_token, "audience": "content"}
    )

    assert error(wider) == (400, "invalid_scope")
    assert error(forged) == (400, "invalid_grant")
    assert [error(answer) for answer in (stranger, unnamed)] == [(401, "invalid_client")] * 2


@pytest.mark.parametrize("audience", ["", "stoa", "gateway", "https://evil.example"])
async def test_a_token_for_everybody_or_a_stranger_is_given_to_no_service(
    ada: Someone, services: Services, audience: str
) -> None:
    assert error(await ask(services.ai, ada.access_token, audience=audience)) == (400, "invalid_target")


async def test_a_key_is_traded_as_it_is(doors: Doors, ada: Someone) -> None:
    key = (await doors.make_key(ada))["key"]
    form = {**EXCHANGE, "subject_token_type": "urn:stoa:token-type:api-key", "subject_token": key}

    limited = await doors.client.post(f"{AUTH}/token", data={**form, "audience": "content"})

    assert error(limited) == (400, "invalid_request")


async def test_an_id_token_is_no_access_token(doors: Doors, ada: Someone, services: Services) -> None:
    told = await (await a_world(doors.client, ada)).tokens()

    shown = await doors.client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {told['id_token']}"})

    assert shown.status_code == 401
    assert error(await ask(services.ai, told["id_token"])) == (400, "invalid_grant")
