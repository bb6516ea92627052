"""`EventRouter`: how a feature declares which events it reads, through one of three doors.

`on` is the rule: one event, one transaction, with inbox and parking. `batch` is for copies of the stream: many records,
idempotent by topic, partition and offsets. `broadcast` keeps nothing and may lose: for pushing to connected clients.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_type_hints

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

from stoa_common.resources import Resources
from stoa_events.contract import REGISTRY, Event
from stoa_events.envelope import Envelope

E = TypeVar("E", bound=Event)
Handler = Callable[..., Awaitable[None]]


class RouterError(TypeError):
    """A handler was declared in a way that cannot work; the message says how to mend it."""


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A record of a batch: a well-formed event, its data as it was sent."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    envelope: Envelope
    value: bytes


class BadRecords(ValueError):
    """Raised by a batch handler before it took anything: these records can never be read, here is why, by offset.

    They go to `bad_events`, and the handler gets the batch again without them.
    """

    def __init__(self, errors: Mapping[int, str]) -> None:
        super().__init__(f"{len(errors)} records cannot be read.")
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition, in order. `topic` is without the platform's prefix."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int
    records: Sequence[BatchRecord]

    @property
    def token(self) -> str:
        """Names exactly these records: a batch with the same token was seen before."""
        return f"{self.topic}-{self.partition}-{self.first_offset}-{self.last_offset}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One handler of one event type."""

    event: type[Event]
    handler: Handler
    injections: dict[str, type]

    async def call(self, event: Event, envelope: Envelope, session: AsyncSession, resources: Resources) -> None:
        arguments = {name: _argument(kind, envelope, session, resources) for name, kind in self.injections.items()}
        await self.handler(event, **arguments)


@dataclass(frozen=True, slots=True)
class BulkSubscription:
    """One handler of whole batches, or of broadcast events."""

    topics: tuple[str, ...]
    handler: Handler
    injections: dict[str, type]
    linger_seconds: float = 0.0

    async def call(self, item: object, resources: Resources) -> None:
        await self.handler(item, **{name: resources.get(kind) for name, kind in self.injections.items()})


@dataclass(frozen=True, slots=True)
class Emptying:
    """How data outside the service's own database are emptied."""

    handler: Callable[..., Awaitable[None]]
    injections: dict[str, type]

    async def call(self, resources: Resources) -> None:
        await self.handler(**{name: resources.get(kind) for name, kind in self.injections.items()})


@dataclass
class EventRouter:
    """The events that one feature reads, as one consumer group named `<service>.<feature>`.

    `rebuilds` names the tables that are emptied with the group's inbox when the group is rebuilt from `event_log`, in
    this order; nothing but this router writes to them. `rebuild_refused` says why a group with data of its own cannot
    be rebuilt.
    """

    group: str
    rebuilds: Sequence[Table] = ()
    rebuild_refused: str = ""
    emptying: Emptying | None = None
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    batches: list[BulkSubscription] = field(default_factory=list)
    broadcasts: list[BulkSubscription] = field(default_factory=list)

    def on(self, event: type[E]) -> Callable[[Handler], Handler]:
        """Handle each event of this type once, in one transaction.

        The handler takes the event, and by annotation what else it needs: `AsyncSession`, `Envelope`, or a resource
        of the service.
        """

        def register(handler: Handler) -> Handler:
            if event.type in self.subscriptions:
                raise RouterError(f"{self.group} already handles {event.type}; call both from one handler.")
            self.subscriptions[event.type] = Subscription(event, handler, _injections(handler))
            return handler

        return register

    def batch(self, topics: Sequence[str], *, linger_seconds: float = 0.2) -> Callable[[Handler], Handler]:
        """Take whole batches of these topics. The handler must be idempotent by `Batch.token` or by event id.

        What trickles in is collected for `linger_seconds` after each round, so that few rows do not make many batches.
        """

        def register(handler: Handler) -> Handler:
            self.batches.append(BulkSubscription(tuple(topics), handler, _injections(handler), linger_seconds))
            return handler

        return register

    def broadcast(self, topics: Sequence[str]) -> Callable[[Handler], Handler]:
        """See every record of these topics from now on, in every process, with no promise."""

        def register(handler: Handler) -> Handler:
            self.broadcasts.append(BulkSubscription(tuple(topics), handler, _injections(handler)))
            return handler

        return register

    def empties(self, handler: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """Declare how data outside the service's own database are emptied before a rebuild; safe to repeat.

        The function takes resources of the service, by annotation.
        """
        self.emptying = Emptying(handler, _injections(handler, after=0))
        return handler

    @property
    def topics(self) -> list[str]:
        return sorted({s.event.topic for s in self.subscriptions.values()})

    @property
    def service(self) -> str:
        return self.group.partition(".")[0]

    @property
    def read_topics(self) -> list[str]:
        """What the group reads through the doors that keep something, in the order of declaration."""
        handled = [subscription.event.topic for subscription in self.subscriptions.values()]
        return list(dict.fromkeys([*handled, *(topic for batch in self.batches for topic in batch.topics)]))

    @property
    def read_types(self) -> list[str]:
        """The event types that the group reads, in the order of declaration; of whole topics, all that are known."""
        copied = {topic for batch in self.batches for topic in batch.topics}
        whole = sorted(name for name, event in REGISTRY.items() if event.topic in copied)
        return list(dict.fromkeys([*self.subscriptions, *whole]))


def _injections(handler: Handler, *, after: int = 1) -> dict[str, type]:
    """The handler's parameters after the first, by their annotated types."""
    hints = get_type_hints(handler)
    names = list(inspect.signature(handler).parameters)[after:]
    missing = [name for name in names if name not in hints]
    if missing:
        raise RouterError(f"Annotate {', '.join(missing)} of {handler.__name__}: arguments are given by type.")
    return {name: hints[name] for name in names}


def _argument(kind: type, envelope: Envelope, session: AsyncSession, resources: Resources) -> Any:
    if issubclass(kind, AsyncSession):
        return session
    if issubclass(kind, Envelope):
        return envelope
    return resources.get(kind)
