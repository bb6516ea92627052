"""An organization that is suspended is sent nothing; who is removed reads nothing more."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.security import Principal
from stoa_common.sse import ServerEvent
from stoa_common.testing import Delivery, Identities
from stoa_events.contracts import OrganizationResumed, OrganizationSuspended
from stoa_feed.events.tail import Tail, follow
from stoa_feed.webhooks.consumers import router

from .hooks import Hooks, Work
from .receivers import receiving


def suspended(organization_id: UUID, at: datetime) -> OrganizationSuspended:
    return OrganizationSuspended(organization_id=organization_id, suspended_at=at)


def resumed(organization_id: UUID, at: datetime) -> OrganizationResumed:
    return OrganizationResumed(organization_id=organization_id, resumed_at=at)


async def test_what_came_meanwhile_is_sent_when_the_organization_is_resumed(
    hooks: Hooks, work: Work, copy: Any, make: Any, delivery: Delivery, organization_id: UUID
) -> None:
    async with receiving() as receiver:
        await hooks.make(receiver.url)
        record = delivery.record_of(suspended(organization_id, clock.now()))
        # Told twice, as Kafka may.
        for _ in range(2):
            await delivery.deliver(router, record)
        await copy([make.record(make.lesson(organization_id))])
        await work.until_quiet()
        assert receiver.requests == []

        await delivery.deliver(router, resumed(organization_id, clock.now()))
        await work.until_quiet()

    assert len(receiver.requests) == 1


async def test_another_organizations_webhooks_go_on(
    hooks: Hooks, work: Work, copy: Any, make: Any, delivery: Delivery, organization_id: UUID, identities: Identities
) -> None:
    async with receiving() as receiver:
        await hooks.make(receiver.url)
        await delivery.deliver(router, suspended(identities.principal().organization_id, clock.now()))
        await copy([make.record(make.lesson(organization_id))])
        await work.until_quiet()

    assert len(receiver.requests) == 1


async def test_an_old_suspension_that_is_replayed_stops_nothing(
    hooks: Hooks, work: Work, copy: Any, make: Any, delivery: Delivery, organization_id: UUID
) -> None:
    async with receiving() as receiver:
        await hooks.make(receiver.url)
        await delivery.deliver(router, resumed(organization_id, clock.now()))
        await delivery.deliver(router, suspended(organization_id, clock.now() - timedelta(hours=1)))
        await copy([make.record(make.lesson(organization_id))])
        await work.until_quiet()

    assert len(receiver.requests) == 1


async def test_a_failed_handling_leaves_no_inbox_record(
    delivery: Delivery, organization_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("for this test")

    monkeypatch.setattr("stoa_feed.webhooks.service.suspend", fail)
    record = delivery.record_of(suspended(organization_id, clock.now()))

    async with asyncio.timeout(60):
        await delivery.deliver(router, record)

    assert not await delivery.has_inbox_entry(router, record)


async def test_who_is_removed_while_reading_reads_nothing_more(
    database: Database, copy: Any, make: Any, admin: Principal, organization_id: UUID
) -> None:
    known = [True, False]

    async def is_known() -> bool:
        return known.pop(0)

    await copy([make.record(make.lesson(organization_id))])
    following = follow(
        Tail(), database, reader=admin, is_known=is_known, after="earliest", types=[], request_id="request-1"
    )
    async with asyncio.timeout(60):
        first = await anext(following)
        await copy([make.record(make.lesson(organization_id))])
        rest = [told async for told in following]

    assert isinstance(first, ServerEvent)
    assert [told.event for told in rest if isinstance(told, ServerEvent)] == ["error"]
