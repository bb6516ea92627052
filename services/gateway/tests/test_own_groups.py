"""The gateway tells operators how far its own consumer groups are, as every service does."""

import httpx2
import pytest

from stoa_common.settings import ServiceSettings
from stoa_common.testing import Identities

PATH = "/api/v1/gateway/messaging/groups"


async def test_an_operator_sees_the_gateways_groups(
    client: httpx2.AsyncClient,
    identities: Identities,
    settings: ServiceSettings,
    topic_prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "kafka_topic_prefix", topic_prefix)

    answer = await client.get(PATH, headers=identities.headers(identities.principal("operator")))

    told = answer.json()["items"]
    assert [group["group"] for group in told] == ["gateway.caching", "gateway.streams"]
    assert all(group["partitions"] and group["lag"] == 0 for group in told)


async def test_nobody_else_does(client: httpx2.AsyncClient, identities: Identities) -> None:
    as_learner = await client.get(PATH, headers=identities.headers(identities.principal("learner")))
    as_nobody = await client.get(PATH)

    assert (as_learner.status_code, as_nobody.status_code) == (403, 401)


async def test_the_merged_document_names_the_route(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()

    operation = document["paths"][PATH]["get"]
    assert operation["x-permission"] == "platform:read"
    assert operation["tags"] == ["gateway: messaging"]
