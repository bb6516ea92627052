"""Who asked to be forgotten, and which services have done it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from stoa_auth.erasures import domain, watch
from stoa_auth.erasures.consumers import router
from stoa_common import clock, privacy
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging.handling import Outcome
from stoa_common.privacy.sweeping import Sweeper
from stoa_common.resources import Resources
from stoa_common.testing import Delivery, Identities
from stoa_events.contract import Event
from stoa_events.contracts.auth import UserErased
from stoa_events.contracts.operations import SERVICES, operations_of

from .conftest import Doors
from .postbox import Postbox

ERASURES = "/api/v1/auth/erasures"
HOUR = timedelta(hours=1)


def a_request(person_id: UUID, *, at: datetime | None = None) -> UserErased:
    return UserErased(person_id=person_id, erased_at=at or clock.now())


def an_answer(service: str, request: UserErased) -> Event:
    contract = operations_of(service).privacy_completed
    digest = privacy.digest(request.person_id)
    return contract(person_digest=digest, requested_at=request.erased_at, completed_at=clock.now())


async def deliver(delivery: Delivery, *events: Event) -> list[Outcome]:
    return [await delivery.deliver(router, event) for event in events]


@pytest.fixture
def operator(identities: Identities) -> dict[str, str]:
    return identities.headers(identities.principal("operator"))


async def shown(doors: Doors, operator: dict[str, str], person_id: UUID, **query: Any) -> Sequence[dict[str, Any]]:
    answer = await doors.client.get(ERASURES, params={"person_id": str(person_id), **query}, headers=operator)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_an_erasure_is_complete_when_every_service_has_answered(
    doors: Doors, delivery: Delivery, operator: dict[str, str]
) -> None:
    request = a_request(new_id())
    await deliver(delivery, request, *(an_answer(name, request) for name in SERVICES[:-1]))
    [early] = await shown(doors, operator, request.person_id)

    await deliver(delivery, an_answer(SERVICES[-1], request))
    [late] = await shown(doors, operator, request.person_id)

    assert (early["completed_at"], early["waiting_for"]) == (None, [SERVICES[-1]])
    assert late["completed_at"] == max(late["completed"].values())
    assert (late["waiting_for"], set(late["completed"])) == ([], set(SERVICES))


async def test_answers_may_come_before_the_request_and_twice(
    doors: Doors, delivery: Delivery, operator: dict[str, str]
) -> None:
    request = a_request(new_id())
    answers = [an_answer(name, request) for name in SERVICES]

    await deliver(delivery, *answers, request, *answers)

    [erasure] = await shown(doors, operator, request.person_id)
    assert erasure["waiting_for"] == []


async def test_answers_that_come_at_once_complete_it_all_the_same(
    doors: Doors, delivery: Delivery, operator: dict[str, str]
) -> None:
    requests = [a_request(new_id()) for _ in range(5)]

    await asyncio.gather(*(deliver(delivery, an_answer(name, each)) for each in requests for name in SERVICES))

    for each in requests:
        [erasure] = await shown(doors, operator, each.person_id)
        assert erasure["completed_at"] is not None


async def test_a_second_delivery_changes_nothing(delivery: Delivery) -> None:
    record = delivery.record_of(a_request(new_id()))

    assert [await delivery.deliver(router, record) for _ in range(2)] == [Outcome.HANDLED, Outcome.DUPLICATE]


async def test_the_erased_person_is_not_named(doors: Doors, delivery: Delivery, operator: dict[str, str]) -> None:
    request = a_request(new_id())
    await deliver(delivery, request)

    answer = await doors.client.get(ERASURES, params={"limit": 200}, headers=operator)

    assert privacy.digest(request.person_id) in answer.text
    assert str(request.person_id) not in answer.text


async def test_open_ones_are_told_from_complete_ones(
    doors: Doors, delivery: Delivery, operator: dict[str, str]
) -> None:
    request = a_request(new_id())
    await deliver(delivery, request)

    assert len(await shown(doors, operator, request.person_id, open=True)) == 1
    assert await shown(doors, operator, request.person_id, open=False) == []


async def test_a_late_one_is_told_until_it_is_complete(
    doors: Doors, delivery: Delivery, database: Database, operator: dict[str, str]
) -> None:
    request = a_request(new_id(), at=clock.now() - 2 * HOUR)
    before = await watch.look(database, late_after=HOUR)
    await deliver(delivery, request)

    during = await watch.look(database, late_after=HOUR)
    gauge = REGISTRY.get_sample_value("stoa_erasures_late")
    [erasure] = await shown(doors, operator, request.person_id)
    await deliver(delivery, *(an_answer(name, request) for name in SERVICES))
    after = await watch.look(database, late_after=HOUR)

    assert (during - before, gauge, after - before) == (1, during, 0)
    assert erasure["is_late"]


async def test_auth_answers_as_every_service_does(
    doors: Doors, delivery: Delivery, database: Database, resources: Resources, operator: dict[str, str]
) -> None:
    ada = await doors.newcomer()
    await doors.client.delete("/api/v1/auth/me", headers=ada.headers)
    [erased] = await delivery.recorded(UserErased, person_id=UUID(ada.person_id))

    await delivery.deliver(privacy.erasure_router("auth"), erased)
    async with asyncio.timeout(20):
        while not (answers := await _answers(delivery, erased.person_id)):
            await Sweeper("auth", database, resources, settle_seconds=0).sweep_due()
            await asyncio.sleep(0.02)
    await deliver(delivery, erased, *answers)

    [erasure] = await shown(doors, operator, erased.person_id)
    assert set(erasure["completed"]) == {"auth"}


async def _answers(delivery: Delivery, person_id: UUID) -> Sequence[Event]:
    completed = operations_of("auth").privacy_completed
    return await delivery.recorded(completed, person_digest=privacy.digest(person_id))


async def test_an_address_that_others_wrote_to_is_forgotten_too(
    doors: Doors, database: Database, postbox: Postbox
) -> None:
    admin, ada = await doors.newcomer(), await doors.newcomer()
    await doors.invite(admin, "learner", email=ada.email)
    written = await postbox.letters(ada.email)

    await doors.client.delete("/api/v1/auth/me", headers=ada.headers)

    assert "invitation" in {letter.kind for letter in written}
    assert await postbox.letters(ada.email) == []
    async with database.transaction() as session:
        tables = (await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).all()
        for table in tables:
            query = text(f'SELECT count(*) FROM "{table}" AS t WHERE t::text LIKE :wanted')
            assert await session.scalar(query, {"wanted": f"%{ada.email}%"}) == 0, table


async def test_erasures_are_for_operators(doors: Doors) -> None:
    ada = await doors.newcomer()

    assert (await doors.client.get(ERASURES, headers=ada.headers)).status_code == 403


def test_every_publishing_service_is_expected() -> None:
    assert domain.waiting_for({}) == list(SERVICES)
    assert domain.is_complete(SERVICES)
