"""While an operator acts in a person's place, what is written says so, in every service."""

from dataclasses import replace
from uuid import UUID

import httpx2
import pytest

from stoa_common import context
from stoa_common.ids import new_id
from stoa_common.security import AuthenticationIsTooOld, Principal
from stoa_common.testing import Delivery, Identities
from stoa_events.contracts.operations import operations_of

NOTES = "/api/v1/sample/notes"
OPERATOR = new_id()


def impersonated(principal: Principal) -> Principal:
    return replace(principal, methods=frozenset({"imp"}), actor=str(OPERATOR))


def headers(identities: Identities, principal: Principal) -> dict[str, str]:
    by = {"act": {"sub": principal.actor}} if principal.actor else {}
    return {"Authorization": f"Bearer {identities.token(principal, **by)}"}


async def write(client: httpx2.AsyncClient, sent: dict[str, str], text: str = "a note") -> int:
    return (await client.post(NOTES, json={"text": text}, headers=sent)).status_code


async def test_a_write_is_recorded_under_the_operator_on_behalf_of_the_person(
    client: httpx2.AsyncClient, identities: Identities, delivery: Delivery
) -> None:
    ada = identities.principal("learner")

    assert await write(client, headers(identities, impersonated(ada))) == 201

    [event] = await delivery.recorded(operations_of("sample").audit_recorded, on_behalf_of=ada.person_id)
    assert (event.person_id, event.action, event.target) == (OPERATOR, "impersonation.act", NOTES)
    assert event.details == {"method": "POST"}


async def test_nothing_is_recorded_of_what_was_undone_nor_of_reading(
    client: httpx2.AsyncClient, identities: Identities, delivery: Delivery
) -> None:
    ada = identities.principal("author")
    sent = headers(identities, impersonated(ada))

    assert await write(client, sent, "forbidden") == 409
    assert (await client.get(NOTES, headers=sent)).status_code == 200

    assert not await delivery.recorded(operations_of("sample").audit_recorded, on_behalf_of=ada.person_id)


async def test_what_people_do_themselves_is_not_recorded_so(
    client: httpx2.AsyncClient, identities: Identities, delivery: Delivery
) -> None:
    ada = identities.principal("learner")

    assert await write(client, headers(identities, ada)) == 201

    kind = operations_of("sample").audit_recorded
    assert not [event for event in await delivery.recorded(kind) if ada.person_id in _people(event)]


def _people(event: object) -> set[UUID | None]:
    return {getattr(event, name) for name in ("person_id", "on_behalf_of")}


async def test_a_service_that_works_for_a_person_impersonates_nobody(identities: Identities) -> None:
    for_ada = replace(identities.principal("learner"), actor="service:ai")

    assert for_ada.impersonator_id is None


async def test_the_next_request_is_nobodys_place(client: httpx2.AsyncClient, identities: Identities) -> None:
    await write(client, headers(identities, impersonated(identities.principal("learner"))))

    assert context.current().impersonation is None


def test_who_is_impersonated_proves_nothing(identities: Identities) -> None:
    with pytest.raises(AuthenticationIsTooOld):
        impersonated(identities.principal("admin")).require_recent()
