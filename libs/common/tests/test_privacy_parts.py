"""A person's part is given to auth, which collects it, and to nobody else."""

import json
from typing import Any

import httpx2
import pytest
from erasing import an_enrollment
from stoa_sample import service as sample

from stoa_common.ids import new_id
from stoa_common.privacy.router import audience_of
from stoa_common.testing import Delivery, Identities

EXPORT = "/internal/privacy/export"


async def test_a_part_is_given_to_auth_for_the_person_alone(
    client: httpx2.AsyncClient, delivery: Delivery, identities: Identities
) -> None:
    person_id = new_id()
    await delivery.deliver(sample.reader, an_enrollment(person_id))
    person = identities.principal(person_id=person_id)
    token = identities.token(person, aud=audience_of("sample"), act={"sub": "auth"})

    answer = await client.get(EXPORT, headers={"Authorization": f"Bearer {token}"})

    lines = [json.loads(line) for line in answer.text.splitlines()]
    tables = {line["name"]: line["rows"] for line in lines[:-1]}
    assert lines[-1] == {"end": True}
    assert [row["person_id"] for row in tables["notes"]] == [str(person_id)]
    assert {"jobs", "kept_answers"} <= tables.keys()


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": "stoa"},
        {"aud": audience_of("content"), "act": {"sub": "auth"}},
        {"aud": audience_of("sample")},
        {"aud": audience_of("sample"), "act": {"sub": "somebody"}},
        {"aud": audience_of("sample"), "act": {"sub": "auth"}, "exp": 1},
    ],
)
async def test_nobody_else_gets_a_part(
    client: httpx2.AsyncClient, identities: Identities, claims: dict[str, Any]
) -> None:
    token = identities.token(identities.principal("admin"), **claims)

    answer = await client.get(EXPORT, headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401


async def test_a_token_for_a_part_opens_nothing_else(client: httpx2.AsyncClient, identities: Identities) -> None:
    token = identities.token(identities.principal("admin"), aud=audience_of("sample"), act={"sub": "auth"})

    answer = await client.get("/api/v1/sample/notes", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401
