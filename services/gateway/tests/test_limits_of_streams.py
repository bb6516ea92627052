"""Opening a stream takes of the quotas of its class, as any other request does."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import http_sf
import pytest

from stoa_common.ids import new_id
from stoa_common.security import Principal
from stoa_common.testing import Identities
from stoa_gateway.routing.policies import read_policies

from .programs import problem

PATH = "/api/v1/stream"
POLICIES = """
    defaults = {{ limit_class = "other" }}
    routes = [{{ path = "/api/v1/stream", limit_class = "stream" }}]
    limits.other.address = "1000/day"
    limits.stream.{kind} = "2/day"
    """
Headers = dict[str, str]
Opening = Callable[..., AbstractAsyncContextManager[aiohttp.ClientSession]]


@pytest.fixture
def limited_by(open_gateway: Any) -> Opening:
    """Opens a gateway of a platform of its own, where each of these may open two streams a day."""

    def opened(kind: str, **changed: Any) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
        own = {"kafka_topic_prefix": f"t{new_id().hex}.", "limits_answer_seconds": 30.0}
        made: AbstractAsyncContextManager[aiohttp.ClientSession] = open_gateway(
            POLICIES.format(kind=kind), **own | changed
        )
        return made

    return opened


def told(answer: aiohttp.ClientResponse, name: str) -> dict[str, dict[str, Any]]:
    parsed: Any = http_sf.parse(answer.headers[name].encode(), tltype="list")
    return dict(parsed)


def people(identities: Identities, *, share: str) -> tuple[Callable[[], Headers], Headers]:
    """What some show who share this and nothing else, and somebody who does not share it."""
    one, stranger = identities.principal(), identities.principal()

    def a_principal() -> Principal:
        organization = one.organization if share == "organization" else None
        person = one.person_id if share == "person" else None
        return identities.principal(person_id=person, organization_id=organization)

    def shown() -> Headers:
        key = f"api-key:{one.person_id if share == 'key' else new_id()}"
        return {"Authorization": f"Bearer {identities.token(a_principal(), client_id=key)}"}

    return shown, identities.headers(stranger)


@pytest.mark.parametrize("kind", ["person", "key", "organization"])
async def test_opening_a_stream_takes_of_the_quotas(limited_by: Opening, identities: Identities, kind: str) -> None:
    shown, stranger = people(identities, share=kind)
    async with limited_by(kind) as gateway:
        answers = [await gateway.get(PATH, headers=shown()) for _ in range(3)]
        refused, refusal = answers[-1], await problem(answers[-1])
        other = await gateway.get(PATH, headers=stranger)

        assert [answer.status for answer in (*answers, other)] == [200, 200, 429, 200]
        assert refusal == "quota-is-exceeded"
        assert [told(answer, "RateLimit")[f"stream-{kind}"]["r"] for answer in answers] == [1, 0, 0]
        assert told(refused, "RateLimit-Policy") == {f"stream-{kind}": {"q": 2, "w": 86_400}}
        assert 0 < int(refused.headers["Retry-After"]) <= 43_200


async def test_streams_of_one_address_are_counted_together(limited_by: Opening, identities: Identities) -> None:
    who = [identities.headers(identities.principal()) for _ in range(3)]
    async with limited_by("address") as gateway:
        answers = [await gateway.get(PATH, headers=headers) for headers in who]

        assert [answer.status for answer in answers] == [200, 200, 429]


async def test_behind_a_trusted_proxy_each_client_has_its_own_address(
    limited_by: Opening, identities: Identities
) -> None:
    def shown(address: str) -> Headers:
        return identities.headers(identities.principal()) | {"X-Forwarded-For": address}

    addresses = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"]
    async with limited_by("address", trusted_proxies="127.0.0.0/8") as gateway:
        answers = [await gateway.get(PATH, headers=shown(address)) for address in addresses]

        assert [answer.status for answer in answers] == [200, 200, 429, 200]


async def test_who_guesses_at_the_stream_is_counted_by_their_address(
    limited_by: Opening, identities: Identities
) -> None:
    guesses: list[Headers] = [{"Authorization": "Bearer not.a.token"}, {}, {"X-API-Key": "no key"}]
    async with limited_by("address") as gateway:
        answers = [await gateway.get(PATH, headers=headers) for headers in guesses]
        honest = await gateway.get(PATH, headers=identities.headers(identities.principal()))

        assert [answer.status for answer in (*answers, honest)] == [401, 401, 429, 429]


async def test_who_may_not_listen_is_counted_too(limited_by: Opening, identities: Identities) -> None:
    who = identities.principal()
    headers = {"Authorization": f"Bearer {identities.token(who, permissions=['course:read'])}"}
    async with limited_by("person") as gateway:
        answers = [await gateway.get(PATH, headers=headers) for _ in range(3)]

        assert [answer.status for answer in answers] == [403, 403, 429]


def test_our_own_policies_count_streams_as_streams() -> None:
    assert read_policies().of("GET", PATH).limit_class == "stream"
