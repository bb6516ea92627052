"""Every query of webhooks. People see their organization's; the deliverer takes from all."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, delete, exists, func, or_, select, text, update

from stoa_common.database import Session, rows_affected
from stoa_common.pages import PageQuery, decode_cursor, encode_cursor, page
from stoa_feed.webhooks.domain import DeliveryIsUnknown, WebhookIsUnknown
from stoa_feed.webhooks.models import Delivery, Kind, Status, Webhook


class WebhookRepository:
    """One organization's webhooks."""

    def __init__(self, session: Session, organization_id: UUID) -> None:
        self._session = session
        self._organization_id = organization_id

    async def count(self) -> int:
        """How many there are; two requests that ask at once take turns."""
        key = func.hashtextextended(f"webhooks {self._organization_id}", 0)
        await self._session.execute(select(func.pg_advisory_xact_lock(key)))
        return await self._session.scalar(select(func.count()).select_from(self._mine().subquery())) or 0

    async def list_page(self, window: PageQuery) -> tuple[list[Webhook], str | None]:
        return await page(self._session, self._mine(), by=[Webhook.id], window=window)

    async def get(self, webhook_id: UUID, *, locked: bool = False) -> Webhook:
        """Raises WebhookIsUnknown."""
        query = self._mine().where(Webhook.id == webhook_id)
        found = await self._session.scalar(query.with_for_update() if locked else query)
        if found is None:
            raise WebhookIsUnknown
        return found

    async def add(self, webhook: Webhook) -> None:
        self._session.add(webhook)
        await self._session.flush()

    async def delete(self, webhook: Webhook) -> None:
        await self._session.delete(webhook)

    async def add_delivery(self, delivery: Delivery) -> None:
        self._session.add(delivery)
        await self._session.flush()

    async def get_delivery(self, webhook_id: UUID, delivery_id: UUID) -> Delivery:
        """Raises DeliveryIsUnknown."""
        found = await self._session.scalar(self._log(webhook_id).where(Delivery.id == delivery_id))
        if found is None:
            raise DeliveryIsUnknown
        return found

    async def list_deliveries(
        self, webhook_id: UUID, *, status: Status | None, window: PageQuery
    ) -> tuple[list[Delivery], str | None]:
        """The newest first."""
        query = self._log(webhook_id)
        if status is not None:
            query = query.where(Delivery.status == status)
        if window.after is not None:
            query = query.where(Delivery.id < decode_cursor(window.after, [UUID])[0])
        rows = list(await self._session.scalars(query.order_by(Delivery.id.desc()).limit(window.limit + 1)))
        shown = rows[: window.limit]
        return shown, encode_cursor([shown[-1].id]) if len(rows) > len(shown) else None

    async def forget_waiting(self, webhook_id: UUID, *, beyond: int) -> None:
        """Drop what waits and will be read from the feed again."""
        waiting = and_(Delivery.webhook_id == webhook_id, Delivery.status == Status.WAITING)
        await self._session.execute(delete(Delivery).where(waiting, Delivery.number > beyond))

    def _mine(self) -> "Select[Webhook]":
        return select(Webhook).where(Webhook.organization_id == self._organization_id)

    def _log(self, webhook_id: UUID) -> "Select[Delivery]":
        mine = Delivery.organization_id == self._organization_id
        return select(Delivery).where(mine, Delivery.webhook_id == webhook_id)


class DeliveryRepository:
    """What the deliverer works on: webhooks of all organizations, leased to one deliverer at a time.

    Leases are by the database's clock, which all deliverers share.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    async def lease(
        self, deliverer: UUID, *, at: datetime, limit: int, failing: bool, busy: Collection[UUID], lasts: timedelta
    ) -> list[Webhook]:
        """Webhooks with something to send, the longest waiting first; without `failing`, healthy ones only."""
        query = (
            select(Webhook)
            .where(or_(Webhook.leased_until.is_(None), Webhook.leased_until < func.now()), _has_work(at))
            .where(Webhook.id.not_in(busy), _may_be_sent)
            .order_by(Webhook.served_at.asc().nulls_first())
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = list(await self._session.scalars(query if failing else query.where(Webhook.failures == 0)))
        values = {"lease_holder": deliverer, "leased_until": func.now() + lasts, "served_at": func.now()}
        mine = Webhook.id.in_([webhook.id for webhook in found])
        await self._session.execute(update(Webhook).where(mine).values(**values).execution_options(**_UNSEEN))
        return found

    async def release(self, deliverer: UUID, *, webhook_id: UUID | None = None) -> None:
        """Give one lease back, or all that this deliverer has."""
        mine = update(Webhook).where(Webhook.lease_holder == deliverer)
        if webhook_id is not None:
            mine = mine.where(Webhook.id == webhook_id)
        await self._session.execute(mine.values(lease_holder=None, leased_until=None))

    async def find_leased(self, webhook_id: UUID, deliverer: UUID) -> Webhook | None:
        """The webhook, its row locked; None where it was deleted or another deliverer has it."""
        query = select(Webhook).where(Webhook.id == webhook_id, Webhook.lease_holder == deliverer)
        return await self._session.scalar(query.with_for_update())

    async def find(self, webhook_id: UUID) -> Webhook | None:
        """The webhook, its row locked."""
        return await self._session.scalar(select(Webhook).where(Webhook.id == webhook_id).with_for_update())

    async def due(self, webhook: Webhook, *, at: datetime, limit: int) -> list[Delivery]:
        """What waits and may be tried now; test events also while the webhook is disabled."""
        query = select(Delivery).where(Delivery.webhook_id == webhook.id, *_is_due(at))
        if not webhook.is_enabled:
            query = query.where(Delivery.kind == Kind.TEST)
        return list(await self._session.scalars(query.order_by(Delivery.next_attempt_at, Delivery.id).limit(limit)))

    async def find_waiting(self, delivery_id: UUID, *, attempts: int) -> Delivery | None:
        """The delivery, if nobody has settled this attempt of it meanwhile."""
        query = select(Delivery).where(Delivery.id == delivery_id, Delivery.status == Status.WAITING)
        found = await self._session.scalar(query.with_for_update())
        return found if found is not None and len(found.attempts) == attempts else None

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        self._session.add_all(deliveries)
        await self._session.flush()

    async def bring_forward(self, webhook_id: UUID, *, at: datetime) -> None:
        """The webhook is back: try now what waits."""
        waiting = and_(Delivery.webhook_id == webhook_id, Delivery.status == Status.WAITING)
        later = update(Delivery).where(waiting, Delivery.next_attempt_at > at).values(next_attempt_at=at)
        await self._session.execute(later.execution_options(**_UNSEEN))

    async def forget_ended(self, *, before: datetime, limit: int) -> int:
        old = select(Delivery.id).where(Delivery.ended_at < before).limit(limit)
        return rows_affected(await self._session.execute(delete(Delivery).where(Delivery.id.in_(old))))

    async def suspend(self, organization_id: UUID, *, at: datetime) -> None:
        """Send nothing to an organization's webhooks; told again, or late, it changes nothing."""
        latest = func.greatest(Webhook.suspended_at, at)
        theirs = update(Webhook).where(Webhook.organization_id == organization_id)
        await self._session.execute(theirs.values(suspended_at=latest).execution_options(**_UNSEEN))

    async def resume(self, organization_id: UUID, *, at: datetime) -> None:
        """Go on with what was left; told again, or late, it changes nothing."""
        latest = func.greatest(Webhook.resumed_at, at)
        theirs = update(Webhook).where(Webhook.organization_id == organization_id)
        await self._session.execute(theirs.values(resumed_at=latest).execution_options(**_UNSEEN))

    async def count_waiting(self) -> int:
        return await self._session.scalar(select(func.count()).where(Delivery.status == Status.WAITING)) or 0


_UNSEEN: dict[str, Any] = {"synchronize_session": False}
_may_be_sent: Any = or_(Webhook.suspended_at.is_(None), Webhook.resumed_at > Webhook.suspended_at)
#: The end of the webhook's feed, which another feature's model describes: asked here because it decides who has work.
_FEED_HAS_MORE = text(
    "EXISTS (SELECT 1 FROM feeds WHERE feeds.organization_id = webhooks.organization_id"
    " AND feeds.last_number > webhooks.read_until)"
)


def _is_due(at: datetime) -> tuple[Any, Any]:
    return Delivery.status == Status.WAITING, Delivery.next_attempt_at <= at


def _has_work(at: datetime) -> Any:
    is_sendable = or_(Webhook.is_enabled, Delivery.kind == Kind.TEST)
    has_due = exists().where(Delivery.webhook_id == Webhook.id, *_is_due(at), is_sendable)
    is_rested = or_(Webhook.rests_until.is_(None), Webhook.rests_until <= at)
    return or_(has_due, and_(Webhook.is_enabled, is_rested, _FEED_HAS_MORE))
