"""Below /scim the gateway refuses as SCIM clients understand it."""

import aiohttp
import pytest

from stoa_gateway.settings import PREFIXES

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@pytest.mark.parametrize("path", ["/scim/v2/Users", "/scim/v2", "/scim"])
async def test_a_refusal_of_the_gateway_is_scims_there(http: aiohttp.ClientSession, path: str) -> None:
    answer = await http.get(path)

    told = await answer.json(content_type=None)
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert (told["schemas"], told["status"]) == ([ERROR], str(answer.status))
    assert answer.status >= 400
    assert told["detail"]


async def test_what_only_looks_like_it_gets_a_problem_document(http: aiohttp.ClientSession) -> None:
    answer = await http.get("/scimitar")

    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_scim_is_auths() -> None:
    assert [name for name, prefixes in PREFIXES.items() if "/scim" in prefixes] == ["auth"]
