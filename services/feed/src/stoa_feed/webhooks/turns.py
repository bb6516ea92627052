"""A turn of one webhook: take a few deliveries, send them, write down what came of each.

Each step is a transaction of its own, and none is open while anything is sent. What was taken and not settled, because
the deliverer was killed, is still waiting, and is taken again.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from prometheus_client import Counter, Histogram

from stoa_common import logs
from stoa_common.database import Database, Session
from stoa_events import webhooks as standard
from stoa_feed.events import service as events
from stoa_feed.events.domain import PlaceIsGone
from stoa_feed.webhooks import domain
from stoa_feed.webhooks.domain import Outcome
from stoa_feed.webhooks.models import Delivery, Kind, Webhook
from stoa_feed.webhooks.provider import Sender
from stoa_feed.webhooks.repository import DeliveryRepository
from stoa_feed.webhooks.sealing import Sealer
from stoa_feed.webhooks.service import a_delivery

#: At once to one webhook; one that fails is asked once at a time.
WAVE: Final = 8
#: The most that one turn holds of bodies, but for a single larger event.
WAVE_BYTES: Final = 1_000_000
ATTEMPTS = Counter("stoa_webhook_attempts_total", "Attempts to deliver, by what came of them.", ["outcome"])
DURATION = Histogram(
    "stoa_webhook_attempt_duration_seconds", "Time that a receiver took.", buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
)
DISABLED = Counter("stoa_webhooks_disabled_total", "Webhooks that the platform disabled.")
log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class Sending:
    """One attempt, ready to go out."""

    delivery_id: UUID
    attempts: int
    event_id: UUID
    url: str
    secrets: tuple[str, ...]
    body: bytes


class Turns:
    """What a deliverer does with each webhook that it has leased. `now` is the time by which retries are due."""

    def __init__(
        self, database: Database, sender: Sender, sealer: Sealer, *, deliverer: UUID, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._sender = sender
        self._sealer = sealer
        self._deliverer = deliverer
        self._now = now

    async def serve(self, webhook_id: UUID) -> None:
        async with self._database.transaction() as session:
            sendings = await self._take(session, webhook_id)
        await asyncio.gather(*(self._send(webhook_id, sending) for sending in sendings))
        async with self._database.transaction() as session:
            await DeliveryRepository(session).release(self._deliverer, webhook_id=webhook_id)

    async def _take(self, session: Session, webhook_id: UUID) -> list[Sending]:
        """What is due again, then what is new, as far as the wave has room."""
        repository = DeliveryRepository(session)
        webhook = await repository.find_leased(webhook_id, self._deliverer)
        if webhook is None:
            return []
        now = self._now()
        room = 1 if webhook.failures else WAVE
        due = await repository.due(webhook, at=now, limit=room)
        bodies = await self._bodies(session, webhook, due)
        is_resting = webhook.rests_until is not None and webhook.rests_until > now
        if len(due) < room and webhook.is_enabled and not is_resting:
            fresh = await self._read_on(session, webhook, limit=room - len(due))
            await repository.add(list(fresh))
            bodies |= fresh
        secrets = tuple(self._sealer.open(s, webhook_id=webhook.id) for s in domain.sealed_secrets(webhook, at=now))
        return [
            Sending(delivery.id, len(delivery.attempts), delivery.event_id, webhook.url, secrets, body)
            for delivery, body in bodies.items()
        ]

    async def _bodies(self, session: Session, webhook: Webhook, due: list[Delivery]) -> dict[Delivery, bytes]:
        """As many of these, in order, as fit into a wave; what the feed no longer holds is given up."""
        numbers = [delivery.number for delivery in due if delivery.number is not None]
        held = await events.events_numbered(session, webhook.organization_id, numbers)
        found: dict[Delivery, bytes] = {}
        for delivery in due:
            if delivery.number is not None and delivery.number not in held:
                domain.give_up(delivery, at=self._now())
                continue
            body = held[delivery.number].body if delivery.number is not None else (delivery.body or "").encode()
            if found and sum(map(len, found.values())) + len(body) > WAVE_BYTES:
                break
            found[delivery] = body
        return found

    async def _read_on(self, session: Session, webhook: Webhook, *, limit: int) -> dict[Delivery, bytes]:
        """Deliveries of the next events of the feed, each with its body; the webhook's place moves behind them."""
        place: events.Place = webhook.read_until
        organization_id, types = webhook.organization_id, webhook.types
        try:
            window = await events.read_feed(
                session, organization_id, after=place, types=types, limit=limit, max_bytes=WAVE_BYTES
            )
        except PlaceIsGone:
            log.warning("webhook_lost_its_place", webhook_id=str(webhook.id), read_until=webhook.read_until)
            window = await events.read_feed(
                session, organization_id, after="earliest", types=types, limit=limit, max_bytes=WAVE_BYTES
            )
        webhook.read_until = window.read_until
        now, made = self._now(), {}
        for shown in map(events.show, window.events):
            event = {"event_id": shown.id, "type": shown.type, "number": shown.number}
            made[a_delivery(webhook, Kind.EVENT, **event, body=None, at=now)] = shown.body  # type: ignore[arg-type]
        return made

    async def _send(self, webhook_id: UUID, sending: Sending) -> None:
        signed = standard.sign(
            sending.body, delivery_id=str(sending.event_id), at=self._now(), secrets=list(sending.secrets)
        )
        outcome = await self._sender.post(sending.url, sending.body, {**signed, "Content-Type": standard.CONTENT_TYPE})
        DURATION.observe(outcome.duration_ms / 1000)
        async with self._database.transaction() as session:
            await self._settle(session, webhook_id, sending, outcome)

    async def _settle(self, session: Session, webhook_id: UUID, sending: Sending, outcome: Outcome) -> None:
        repository = DeliveryRepository(session)
        webhook = await repository.find(webhook_id)
        delivery = await repository.find_waiting(sending.delivery_id, attempts=sending.attempts)
        if webhook is None or delivery is None:
            # Deleted, replayed, or settled by another deliverer after this one was held up past its lease.
            return
        now = self._now()
        domain.settle(delivery, outcome, at=now, chance=random.random())  # noqa: S311  # spreads retries, keeps no secret
        ATTEMPTS.labels("delivered" if outcome.is_success else str(outcome.status or "no answer")).inc()
        if delivery.kind == Kind.TEST and not outcome.is_success:
            return
        was_enabled = webhook.is_enabled
        if domain.judge(webhook, outcome, at=now):
            await repository.bring_forward(webhook_id, at=now)
        if was_enabled and not webhook.is_enabled:
            DISABLED.inc()
            log.warning("webhook_disabled", webhook_id=str(webhook_id), reason=webhook.disabled_reason)
