"""What an organization does with its webhooks."""

from datetime import datetime
from uuid import UUID

import orjson

from stoa_common import clock
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.pages import PageQuery
from stoa_common.security import Principal
from stoa_events.envelope import SPEC_VERSION
from stoa_feed.events import service as events
from stoa_feed.webhooks import domain, sealing
from stoa_feed.webhooks.models import Delivery, Kind, Status, Webhook
from stoa_feed.webhooks.provider import Sender
from stoa_feed.webhooks.repository import DeliveryRepository, WebhookRepository
from stoa_feed.webhooks.schemas import ReplayIn, ReplayOut, WebhookChange, WebhookIn
from stoa_feed.webhooks.sealing import Sealer

#: No contract has it, and no feed: it is sent to the webhook that was asked to be tested, and to nobody else.
TEST_TYPE = "stoa.feed.webhook.tested.v1"


async def create_webhook(
    session: Session, wanted: WebhookIn, *, owner: Principal, sender: Sender, sealer: Sealer
) -> tuple[Webhook, str]:
    """A webhook that is sent what comes from now on, and its secret, which is shown this once."""
    types = events.known_types(wanted.types)
    await sender.check(wanted.url)
    repository = WebhookRepository(session, owner.organization_id)
    if await repository.count() >= domain.MOST_WEBHOOKS:
        raise domain.TooManyWebhooks(f"Delete one first: an organization may have {domain.MOST_WEBHOOKS} webhooks.")
    secret, webhook_id = sealing.new_secret(), new_id()
    webhook = Webhook(
        id=webhook_id,
        organization_id=owner.organization_id,
        url=wanted.url,
        description=wanted.description,
        types=types,
        is_enabled=wanted.is_enabled,
        sealed_secret=sealer.seal(secret, webhook_id=webhook_id),
        read_until=await _newest(session, owner.organization_id),
        failures=0,
        created_at=clock.now(),
    )
    await repository.add(webhook)
    return webhook, secret


async def list_webhooks(session: Session, *, owner: Principal, window: PageQuery) -> tuple[list[Webhook], str | None]:
    return await WebhookRepository(session, owner.organization_id).list_page(window)


async def get_webhook(session: Session, webhook_id: UUID, *, owner: Principal) -> Webhook:
    return await WebhookRepository(session, owner.organization_id).get(webhook_id)


async def change_webhook(
    session: Session, webhook_id: UUID, change: WebhookChange, *, owner: Principal, sender: Sender
) -> Webhook:
    """Holds for all that is sent from now on, also for what is tried again."""
    repository = WebhookRepository(session, owner.organization_id)
    await repository.get(webhook_id)
    # A name may take seconds to resolve: the deliverer needs the row meanwhile.
    if change.url is not None:
        await sender.check(change.url)
    webhook = await repository.get(webhook_id, locked=True)
    if change.url is not None:
        webhook.url = change.url
    if change.types is not None:
        webhook.types = events.known_types(change.types)
    if change.description is not None:
        webhook.description = change.description
    if change.is_enabled and not webhook.is_enabled:
        domain.enable(webhook)
    elif change.is_enabled is False:
        webhook.is_enabled = False
    return webhook


async def delete_webhook(session: Session, webhook_id: UUID, *, owner: Principal) -> None:
    """With its log; what is being sent at this moment still arrives."""
    repository = WebhookRepository(session, owner.organization_id)
    await repository.delete(await repository.get(webhook_id, locked=True))


async def rotate_secret(session: Session, webhook_id: UUID, *, owner: Principal, sealer: Sealer) -> tuple[Webhook, str]:
    """A new secret, shown this once; the one before it signs beside it for a day."""
    webhook = await WebhookRepository(session, owner.organization_id).get(webhook_id, locked=True)
    secret = sealing.new_secret()
    domain.rotate(webhook, sealed=sealer.seal(secret, webhook_id=webhook_id), at=clock.now())
    return webhook, secret


async def test_webhook(session: Session, webhook_id: UUID, *, owner: Principal) -> Delivery:
    """A test event, on the way that all deliveries go, tried once."""
    repository = WebhookRepository(session, owner.organization_id)
    webhook = await repository.get(webhook_id)
    event_id, at = new_id(), clock.now()
    body = _test_event(webhook, event_id, at=at)
    delivery = a_delivery(webhook, Kind.TEST, event_id=event_id, type=TEST_TYPE, number=None, body=body, at=at)
    await repository.add_delivery(delivery)
    return delivery


def _test_event(webhook: Webhook, event_id: UUID, *, at: datetime) -> str:
    attributes = {
        "specversion": SPEC_VERSION,
        "id": str(event_id),
        "source": "/feed",
        "type": TEST_TYPE,
        "subject": str(webhook.id),
        "time": at,
        "datacontenttype": "application/json",
        "dataschema": f"urn:{TEST_TYPE.replace('.', ':')}",
        "sequence": 1,
        "orgid": str(webhook.organization_id),
    }
    return orjson.dumps({**attributes, "data": {"webhook_id": str(webhook.id)}}).decode()


async def list_deliveries(
    session: Session, webhook_id: UUID, *, owner: Principal, status: Status | None, window: PageQuery
) -> tuple[list[Delivery], str | None]:
    repository = WebhookRepository(session, owner.organization_id)
    webhook = await repository.get(webhook_id)
    return await repository.list_deliveries(webhook.id, status=status, window=window)


async def get_delivery(session: Session, webhook_id: UUID, delivery_id: UUID, *, owner: Principal) -> Delivery:
    repository = WebhookRepository(session, owner.organization_id)
    webhook = await repository.get(webhook_id)
    return await repository.get_delivery(webhook.id, delivery_id)


async def replay_delivery(session: Session, webhook_id: UUID, delivery_id: UUID, *, owner: Principal) -> Delivery:
    """Send the event again, under its own id and with a schedule of its own; raises EventIsGone."""
    repository = WebhookRepository(session, owner.organization_id)
    webhook = await repository.get(webhook_id)
    earlier = await repository.get_delivery(webhook_id, delivery_id)
    if earlier.number is not None and not await events.events_numbered(
        session, owner.organization_id, [earlier.number]
    ):
        raise domain.EventIsGone
    again = a_delivery(
        webhook,
        Kind.TEST if earlier.kind == Kind.TEST else Kind.REPLAY,
        event_id=earlier.event_id,
        type=earlier.type,
        number=earlier.number,
        body=earlier.body,
        at=clock.now(),
    )
    await repository.add_delivery(again)
    return again


async def replay_since(session: Session, webhook_id: UUID, wanted: ReplayIn, *, owner: Principal) -> ReplayOut:
    """Set the webhook back to an earlier place of its feed, from where it is sent all events again, with their ids.

    Raises PlaceIsGone for a place that the feed no longer holds. A place that the webhook has not reached changes
    nothing.
    """
    repository = WebhookRepository(session, owner.organization_id)
    webhook = await repository.get(webhook_id, locked=True)
    number = await _place(session, wanted, owner=owner)
    reached = webhook.read_until
    # One event is read to have the place checked as any reader's is.
    await events.read_feed(session, owner.organization_id, after=number, types=(), limit=1)
    if number < reached:
        webhook.read_until = number
        await repository.forget_waiting(webhook_id, beyond=number)
    return ReplayOut(from_number=webhook.read_until, until_number=reached)


async def _place(session: Session, wanted: ReplayIn, *, owner: Principal) -> int:
    if wanted.after is not None:
        return events.read_cursor(wanted.after, reader=owner)
    assert wanted.since is not None
    return await events.number_before(session, owner.organization_id, since=wanted.since)


async def _newest(session: Session, organization_id: UUID) -> int:
    return (await events.last_numbers(session, [organization_id])).get(organization_id, 0)


def a_delivery(
    webhook: Webhook, kind: Kind, *, event_id: UUID, type: str, number: int | None, body: str | None, at: datetime
) -> Delivery:
    """A delivery that may be tried at once."""
    return Delivery(
        id=new_id(),
        organization_id=webhook.organization_id,
        webhook_id=webhook.id,
        kind=kind,
        number=number,
        event_id=event_id,
        type=type,
        body=body,
        status=Status.WAITING,
        attempts=[],
        created_at=at,
        next_attempt_at=at,
    )


async def suspend(session: Session, organization_id: UUID, *, at: datetime) -> None:
    """Nobody acts for the organization any more, and nothing is sent to its webhooks."""
    await DeliveryRepository(session).suspend(organization_id, at=at)


async def resume(session: Session, organization_id: UUID, *, at: datetime) -> None:
    """Send what came meanwhile, and go on."""
    await DeliveryRepository(session).resume(organization_id, at=at)
