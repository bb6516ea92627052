"""The feed, with events of several organizations to copy."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import delete

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging import Batch, BatchRecord
from stoa_common.resources import Resources
from stoa_common.security import Principal
from stoa_common.service import Service
from stoa_common.testing import Identities, an_envelope
from stoa_events.contract import Event
from stoa_events.contracts import LessonPublished
from stoa_feed.events.consumers import copy_batch
from stoa_feed.processes import service as feed
from stoa_feed.settings import Settings
from stoa_feed.webhooks.models import Webhook
from stoa_feed.webhooks.provider import Sender
from stoa_feed.webhooks.sealing import Sealer

from .hooks import Hooks, Work


@pytest.fixture(scope="session")
def service() -> Service:
    return feed


@pytest.fixture(scope="session")
def settings_overrides() -> dict[str, Any]:
    """Receivers of the tests listen on 127.0.0.2; what else is on this machine stays forbidden."""
    return {
        "webhook_secret": SecretStr("a secret for tests, long enough for all"),
        "webhook_allow_http": True,
        "webhook_allowed_networks": "127.0.0.2/32",
    }


def a_lesson(organization_id: UUID, **changed: Any) -> LessonPublished:
    fields: dict[str, Any] = {
        "course_id": new_id(),
        "organization_id": organization_id,
        "lesson_id": new_id(),
        "revision": 1,
        "position": 0,
        "title": "Outboxes",
        "text": "What happened is written where it happened.",
        "published_at": clock.now(),
    }
    return LessonPublished(**fields | changed)


def a_record(event: Event, *, value: bytes | None = None, offset: int = 0, **changed: Any) -> BatchRecord:
    return BatchRecord(
        event.topic, 0, offset, 0, an_envelope(event, **changed), event.data() if value is None else value
    )


def a_batch(records: Sequence[BatchRecord]) -> Batch:
    return Batch(records[0].topic, 0, records[0].offset, records[-1].offset, records)


@pytest.fixture(scope="session")
def make() -> Any:
    """What a test builds its events from: `make.lesson`, `make.envelope`, `make.record`, `make.batch`."""

    class Make:
        lesson = staticmethod(a_lesson)
        envelope = staticmethod(an_envelope)
        record = staticmethod(a_record)
        batch = staticmethod(a_batch)

    return Make


@pytest.fixture(scope="session")
def copy(resources: Resources) -> Callable[[Sequence[BatchRecord]], Awaitable[None]]:
    """Hands records to the copy as one batch."""

    async def hand_over(records: Sequence[BatchRecord]) -> None:
        await copy_batch(a_batch(records), resources.get(Database))

    return hand_over


@pytest_asyncio.fixture(loop_scope="session")
async def organization_id() -> AsyncIterator[UUID]:
    yield new_id()


@pytest.fixture
def admin(identities: Identities, organization_id: UUID) -> Principal:
    return identities.principal("admin", organization_id=organization_id)


@pytest.fixture
def hooks(client: httpx2.AsyncClient, identities: Identities, admin: Principal) -> Hooks:
    return Hooks(client, identities, admin)


@pytest_asyncio.fixture(loop_scope="session")
async def work(database: Database, resources: Resources) -> AsyncIterator[Work]:
    settings = resources.get(Settings)
    sender = Sender(allow_http=True, allowed=settings.webhook_allowed_networks, timeout_seconds=1.0)
    yield Work(database, sender, resources.get(Sealer))
    await sender.close()
    async with database.transaction() as session:
        await session.execute(delete(Webhook))


@pytest.fixture
def publish(copy: Any, make: Any, organization_id: UUID) -> Any:
    """Copies so many lessons into the feed; their ids."""

    async def publish(count: int = 1) -> list[str]:
        records = [make.record(make.lesson(organization_id)) for _ in range(count)]
        await copy(records)
        return [str(record.envelope.id) for record in records]

    return publish
