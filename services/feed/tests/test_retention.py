"""The feed's window: what had its time is gone, and whoever missed it is told so."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from pydantic import ValidationError
from sqlalchemy import func, select, update

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.security import Principal
from stoa_common.testing import Identities
from stoa_events.contracts import UserErased
from stoa_feed.events import service
from stoa_feed.events.models import FeedEvent, PlatformEvent
from stoa_feed.settings import Settings

EVENTS = "/api/v1/feed/events"


@pytest.fixture
def read(client: httpx2.AsyncClient, identities: Identities, admin: Principal) -> Any:
    async def read(**query: Any) -> httpx2.Response:
        return await client.get(EVENTS, params=query, headers=identities.headers(admin))

    return read


@pytest.fixture
def age(database: Database, organization_id: UUID) -> Any:
    async def age(until: int) -> None:
        """Make the events up to this number a hundred days old, and prune what is older than ninety."""
        mine = (FeedEvent.organization_id == organization_id) & (FeedEvent.number <= until)
        async with database.transaction() as session:
            await session.execute(update(FeedEvent).where(mine).values(copied_at=clock.now() - timedelta(days=100)))
        async with database.transaction() as session:
            while await service.prune(session, before=clock.now() - timedelta(days=90)):
                pass

    return age


async def test_old_events_are_gone_and_a_new_reader_begins_behind_them(
    copy: Any, make: Any, read: Any, age: Any, organization_id: UUID
) -> None:
    await copy([make.record(make.lesson(organization_id)) for _ in range(5)])

    await age(3)

    assert [item["feednumber"] for item in (await read()).json()["items"]] == [4, 5]


async def test_a_reader_who_missed_events_is_told_to_begin_with_a_snapshot(
    copy: Any, make: Any, read: Any, age: Any, organization_id: UUID
) -> None:
    await copy([make.record(make.lesson(organization_id)) for _ in range(5)])
    seen_two, seen_three = [(await read(limit=n)).json()["next"] for n in (2, 3)]

    await age(3)
    missed, kept_up = await read(after=seen_two), await read(after=seen_three)

    assert missed.status_code == 410
    assert missed.json()["type"] == "urn:stoa:problem:place-is-gone"
    assert "snapshot" in missed.json()["detail"]
    assert [item["feednumber"] for item in kept_up.json()["items"]] == [4, 5]


async def test_a_snapshot_and_then_the_feed_from_its_end_miss_nothing(
    copy: Any, make: Any, read: Any, age: Any, organization_id: UUID
) -> None:
    await copy([make.record(make.lesson(organization_id)) for _ in range(3)])
    await age(3)

    end = (await read(start="latest")).json()
    await copy([make.record(make.lesson(organization_id))])

    assert end["items"] == []
    assert [i["feednumber"] for i in (await read(after=end["next"], start="latest")).json()["items"]] == [4]


async def test_numbers_go_on_after_everything_was_pruned(
    copy: Any, make: Any, read: Any, age: Any, organization_id: UUID
) -> None:
    await copy([make.record(make.lesson(organization_id)) for _ in range(3)])

    await age(3)
    at_the_end = (await read()).json()["next"]
    await copy([make.record(make.lesson(organization_id))])

    assert [item["feednumber"] for item in (await read(after=at_the_end)).json()["items"]] == [4]


async def test_an_old_event_behind_a_young_one_stays(
    copy: Any, make: Any, read: Any, age: Any, database: Database, organization_id: UUID
) -> None:
    await copy([make.record(make.lesson(organization_id)) for _ in range(3)])
    young = (FeedEvent.organization_id == organization_id) & (FeedEvent.number == 2)
    async with database.transaction() as session:
        await session.execute(update(FeedEvent).where(young).values(copied_at=clock.now() + timedelta(days=200)))
        old = (FeedEvent.organization_id == organization_id) & (FeedEvent.number != 2)
        await session.execute(update(FeedEvent).where(old).values(copied_at=clock.now() - timedelta(days=100)))

    await age(0)

    assert [item["feednumber"] for item in (await read()).json()["items"]] == [2, 3]


async def test_events_of_people_are_pruned_too(copy: Any, make: Any, age: Any, database: Database) -> None:
    record = make.record(UserErased(person_id=make.lesson(UUID(int=0)).course_id, erased_at=clock.now()))
    await copy([record])
    mine = PlatformEvent.event_id == record.envelope.id
    async with database.transaction() as session:
        await session.execute(update(PlatformEvent).where(mine).values(copied_at=clock.now() - timedelta(days=100)))

    await age(0)

    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).where(mine)) == 0


@pytest.mark.parametrize(("days", "is_taken"), [(0, True), (1, False), (7, False), (8, True), (-1, False)])
def test_the_window_is_longer_than_kafkas(days: int, is_taken: bool) -> None:
    given: dict[str, Any] = {"webhook_secret": "x" * 32, "retention_days": days}

    if is_taken:
        assert Settings(**given).retention_days == days
    else:
        with pytest.raises(ValidationError, match="retention_days"):
            Settings(**given)
