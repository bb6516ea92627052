"""Who passes: public routes take anybody, all others a token that holds; web apps only from the origins listed."""

import aiohttp
import pytest
from joserfc.jwk import OKPKey

from stoa_common.testing import Identities

MINE = "/api/v1/content/mine"
ORIGIN = "https://learn.example"


async def refused(http: aiohttp.ClientSession, **headers: str) -> aiohttp.ClientResponse:
    answer = await http.get(MINE, headers=headers)
    assert answer.status == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    return answer


async def test_a_protected_route_needs_a_token(http: aiohttp.ClientSession) -> None:
    await refused(http)


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer not.a.token", "Bearer \u00e9"]
)
async def test_what_is_no_token_does_not_pass(http: aiohttp.ClientSession, authorization: str) -> None:
    await refused(http, Authorization=authorization)


async def test_a_strangers_signature_does_not_pass(http: aiohttp.ClientSession, identities: Identities) -> None:
    forger = Identities(OKPKey.generate_key("Ed25519", {"kid": str(identities.key.kid)}))

    answer = await refused(http, **forger.headers(forger.principal("admin")))

    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


async def test_an_expired_token_does_not_pass(http: aiohttp.ClientSession, identities: Identities) -> None:
    token = identities.token(identities.principal("admin"), exp=1_000_000_000)

    await refused(http, Authorization=f"Bearer {token}")


async def test_two_tokens_at_once_do_not_pass(http: aiohttp.ClientSession, identities: Identities) -> None:
    token = f"Bearer {identities.token(identities.principal())}"

    answer = await http.get(MINE, headers=[("Authorization", token), ("Authorization", token)])

    assert answer.status == 401


async def test_the_services_no_is_passed_on(http: aiohttp.ClientSession, identities: Identities) -> None:
    operator = identities.headers(identities.principal("operator"))

    answer = await http.get(MINE, headers=operator)

    assert answer.status == 403
    assert (await answer.json(content_type=None))["type"] == "urn:stoa:problem:missing-permission"


@pytest.mark.parametrize(
    "path",
    [
        "/internal/keys",
        "/api/v1/content/internal/secrets",
        "/api/v1/content/hidden",
        "/api/v1/content/metrics",
        "/api/v1/content/openapi.json",
        "/api/v1/contents",
    ],
)
async def test_internal_routes_are_not_there(http: aiohttp.ClientSession, path: str) -> None:
    assert (await http.get(path)).status == 404


async def test_a_listed_origin_may_ask_before_it_writes(http: aiohttp.ClientSession) -> None:
    asking = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, idempotency-key",
    }

    answer = await http.options("/api/v1/content/echo/x", headers=asking)

    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "idempotency-key" in answer.headers["Access-Control-Allow-Headers"]


async def test_a_listed_origin_may_read_answers_and_refusals(http: aiohttp.ClientSession) -> None:
    for path, status in (("/api/v1/content/echo/x", 200), (MINE, 401), ("/api/v1/analytics/x", 503)):
        answer = await http.get(path, headers={"Origin": ORIGIN})

        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, ORIGIN)
        assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]


async def test_any_other_origin_may_not(http: aiohttp.ClientSession) -> None:
    asking = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    preflight = await http.options("/api/v1/content/echo/x", headers=asking)
    answer = await http.get("/api/v1/content/echo/x", headers={"Origin": "https://evil.example"})

    assert preflight.status == 400
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_long_upload_without_a_token_is_told_so(http: aiohttp.ClientSession) -> None:
    answer = await http.post("/api/v1/content/kept", data=bytes(20_000_000))

    assert answer.status == 401
    assert (await answer.json(content_type=None))["type"] == "urn:stoa:problem:unauthenticated"


@pytest.mark.parametrize(
    "origin",
    ["null", f"{ORIGIN}.evil.example", f"{ORIGIN}:8443", f"{ORIGIN}/", ORIGIN.upper(), f"{ORIGIN}, {ORIGIN}", "*"],
)
async def test_an_origin_that_only_looks_like_a_listed_one_is_refused_as_a_problem(
    http: aiohttp.ClientSession, origin: str
) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}

    before = await http.options("/api/v1/content/mine", headers=asked)
    itself = await http.get("/api/v1/content/echo/x", headers={"Origin": origin})

    assert before.status == 400
    assert (await before.json(content_type="application/problem+json"))["type"].endswith(":preflight-is-refused")
    assert "Origin" in before.headers["Vary"]
    assert not {"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"} & {*before.headers, *itself.headers}
