"""What machines look for at well-known places."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest_asyncio
from dirty_equals import IsPartialDict

from stoa_common import clock
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_common.settings import ServiceSettings
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER

CONTACTS = "mailto:security@example.com, https://example.com/security"


@pytest_asyncio.fixture(loop_scope="session")
async def named(
    service: Service, settings: ServiceSettings, identities: Identities, served: Any, bound: Any
) -> AsyncIterator[aiohttp.ClientSession]:
    """A gateway whose people said who they are and where it is."""
    taken, address = bound()
    told = {"security_contact": CONTACTS, "public_url": "https://stoa.example"}
    chosen = settings.model_copy(update=told)
    assert service.resources is not None
    async with service.resources(chosen) as opened:
        app = service.build_app(Resources([chosen, *opened]), TokenVerifier(identities, issuer=ISSUER), None)
        async with served(app, taken), aiohttp.ClientSession(address) as http:
            yield http


async def test_the_api_is_found_from_its_well_known_place(http: aiohttp.ClientSession, url: str) -> None:
    answer = await http.get("/.well-known/api-catalog")
    index, api = (await answer.json(content_type=None))["linkset"]

    assert answer.content_type == "application/linkset+json"
    assert index == {"anchor": f"{url}/.well-known/api-catalog", "item": [{"href": f"{url}/api/v1"}]}
    assert api["anchor"] == f"{url}/api/v1"
    for link in (*api["service-desc"], *api["service-doc"]):
        assert (await http.get(link["href"].removeprefix(url))).status == 200
    head = await http.head("/.well-known/api-catalog")
    assert 'rel="api-catalog"' in head.headers["Link"]


async def test_whoever_finds_a_hole_is_told_whom_to_tell(named: aiohttp.ClientSession) -> None:
    answer = await named.get("/.well-known/security.txt")
    lines = (await answer.text()).splitlines()

    fields = dict(line.split(": ", 1) for line in reversed(lines))
    assert answer.content_type == "text/plain"
    assert [line for line in lines if line.startswith("Contact")] == [
        "Contact: mailto:security@example.com",
        "Contact: https://example.com/security",
    ]
    assert fields == IsPartialDict(Canonical="https://stoa.example/.well-known/security.txt")
    assert fields["Expires"] > clock.now().isoformat()


async def test_where_nobody_is_named_there_is_no_such_file(http: aiohttp.ClientSession) -> None:
    answer = await http.get("/.well-known/security.txt")

    assert (answer.status, (await answer.json(content_type=None))["type"]) == (404, "urn:stoa:problem:nobody-is-named")
