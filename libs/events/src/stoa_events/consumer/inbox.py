"""Knowing what came before: an inbox of ids, and a check of each key's sequence.

Both of these live in memory, so a restart forgets them. The lasting way is a row with the event's id, written in the
transaction that holds the handler's effect; the README shows it.
"""

from collections import OrderedDict
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from stoa_events.envelope import Envelope


class Inbox(Protocol):
    """Asked before the handler, told after it. What it raises counts as if the handler had raised it."""

    async def has(self, envelope: Envelope) -> bool:
        """Whether this event was handled before."""

    async def add(self, envelope: Envelope) -> None:
        """Remember that it was."""


class MemoryInbox:
    """The last ids that this process has handled; spares it most repeats that a rebalance or a retry brings."""

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._ids: OrderedDict[UUID, None] = OrderedDict()

    async def has(self, envelope: Envelope) -> bool:
        return envelope.id in self._ids

    async def add(self, envelope: Envelope) -> None:
        self._ids[envelope.id] = None
        if len(self._ids) > self._capacity:
            self._ids.popitem(last=False)


class Order(StrEnum):
    #: The key has not been seen here; events before this one may be older than the topic keeps them.
    FIRST = "first"
    NEXT = "next"
    #: This sequence, or a later one, was there before: most likely a repeat. Whether it is one, the event's id says.
    REPEATED = "repeated"
    #: At least one event of the key is missing. On a whole topic that says something was lost; in a feed that
    #: filters by type it is usual.
    GAP = "gap"


class SequenceCheck:
    """Compares each event's sequence with the last one of its key; a key is one aggregate of one topic."""

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._last: OrderedDict[tuple[str, str], int] = OrderedDict()

    def check(self, envelope: Envelope) -> Order:
        # A type reads stoa.<service>.<noun>.<verb>.v<major>: those of one topic differ after the noun only.
        key = (envelope.type.rsplit(".", 2)[0], envelope.subject)
        last = self._last.pop(key, None)
        self._last[key] = max(last or 0, envelope.sequence)
        if len(self._last) > self._capacity:
            self._last.popitem(last=False)
        return _order(last, envelope.sequence)


def _order(last: int | None, sequence: int) -> Order:
    if last is None:
        return Order.FIRST if sequence > 1 else Order.NEXT
    if sequence <= last:
        return Order.REPEATED
    return Order.NEXT if sequence == last + 1 else Order.GAP
